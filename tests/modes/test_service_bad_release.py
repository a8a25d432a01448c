"""The runbook for a bad release with one mistake each, and a release that is not bad."""

from __future__ import annotations

import pytest
from modes import spoil

MODE = "service-bad-release"
_EXTRA = '"role":"params","interactive":"false","promptEnv":"no"}'

BAD = [
    pytest.param(
        spoil.replaced('release activate "$SERVICE" "$BEFORE"\n', 'echo "$BEFORE ran before"\n'),
        {"step-failed", "not-recovered"},
        id="step-removed",
    ),
    pytest.param(
        spoil.verifying("echo fine"),
        {"verification-blind"},
        id="verification-always-passes",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        spoil.replaced("${SERVICE:-intake}", "${SERVICE:-dashboard}"),
        {"step-failed", "not-recovered"},
        id="wrong-host",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        spoil.swapped(
            "Step 2: Count the internal errors of each release",
            "Decision 3: Did the errors come with the release",
            (f"{_EXTRA}\n", f'{_EXTRA}\nexport BEFORE="" ERRORS_NOW="" ERRORS_BEFORE=""\n'),
        ),
        {"needs-a-person"},  # without its figures the decision hands over
        id="steps-swapped",
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize(("mistake", "expected"), BAD)
def test_a_bad_runbook_is_not_verified(project, mistake, expected):
    spoil.assert_not_verified(project, MODE, mistake, expected)


def test_a_fault_that_does_nothing_proves_nothing(project):
    spoil.assert_noop_proves_nothing(project, MODE)
