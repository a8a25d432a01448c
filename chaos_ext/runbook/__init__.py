"""Runbooks: Markdown that a tired person reads, and that the toolkit checks and follows.

`parse` reads a file, `lint` says everything that is wrong with it, `follow` does what it says.
"""
