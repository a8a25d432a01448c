"""The runbook for a lost primary with one mistake each, and a primary that is not lost."""

from __future__ import annotations

import pytest
from modes import spoil

MODE = "postgresql-primary-down"

BAD = [
    pytest.param(spoil.verifying("echo fine"), {"verification-blind"}, id="verification-always-passes"),
    pytest.param(
        spoil.without("Step 7: Release the new address to intake"),
        {"step-failed", "not-recovered"},
        id="step-removed",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        spoil.replaced('release set intake "database=$NEW_PRIMARY"', 'release set intake "database=$SILENT"'),
        {"step-failed", "not-recovered"},
        id="wrong-host",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        spoil.swapped(
            "Decision 4: Which node becomes the primary",
            "Step 5: Promote the new primary",
            (
                'export NODES="${NODES:-pg-a pg-b pg-c}"',
                'export NODES="${NODES:-pg-a pg-b pg-c}" NEW_PRIMARY=""',
            ),
        ),
        {"step-failed", "not-recovered"},
        id="steps-swapped",
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize(("mistake", "expected"), BAD)
def test_a_bad_runbook_is_not_verified(project, mistake, expected):
    spoil.assert_not_verified(project, MODE, mistake, expected)


@pytest.mark.slow
def test_a_fault_that_does_nothing_proves_nothing(project):
    spoil.assert_noop_proves_nothing(project, MODE)
