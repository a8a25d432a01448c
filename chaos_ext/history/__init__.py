"""Runs as directories that anyone can check and judge again."""
