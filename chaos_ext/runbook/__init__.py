"""Runbooks: Markdown that a tired person reads, and that the toolkit checks and follows.

The format is described in the runbooks' how-to; `load` reads a file, `lint` says everything that is wrong with it,
`follow` does what it says.
"""
