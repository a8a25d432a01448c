"""When the evidence of all faults together says that they are over."""

from __future__ import annotations

import pytest

from chaos_ext.probes.fault import is_gone

STANDS, GONE, NOT_SEEN = {"holds": True}, {"holds": False}, {"holds": False, "error": "no answer"}


@pytest.mark.parametrize(
    ("evidence", "gone"),
    [([GONE], True), ([GONE, GONE], True), ([GONE, STANDS], False), ([GONE, NOT_SEEN], False), ([], False)],
)
def test_all_must_be_seen_and_none_in_force(evidence, gone):
    assert is_gone(evidence) is gone
