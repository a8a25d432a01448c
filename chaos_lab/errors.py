"""How the lab says no: one line that a person can act on."""

from __future__ import annotations


class LabProblem(Exception):
    """The lab cannot do what was asked; the text is one line: where, what, got, expected, what to do."""


class PortTaken(LabProblem):
    """Somebody else took a port between our look and the part's own bind; trying anew may help."""


class NoAnswer(LabProblem):
    """The lab's supervisor does not answer: it has ended, is too busy, or does not listen yet."""
