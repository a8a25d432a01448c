"""Probes of a driver: the gate believes that they only look, and these do more."""

from ways_actions import replace_file

from chaos_ext.safety import execute

__all__ = ["replace_file", "through_the_door"]


def through_the_door(path: str):
    """As our own activities run what they have proven the place for."""
    provider = {"type": "process", "path": "touch", "arguments": [path]}
    return execute.run({"type": "action", "name": "touch", "provider": provider}, {})
