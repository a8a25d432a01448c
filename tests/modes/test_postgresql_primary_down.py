"""The runbook for a lost primary with one mistake each, and a primary that is not lost."""

from __future__ import annotations

from modes import spoil

MODE = "postgresql-primary-down"

_PROMOTE_ALL = """for node in $ANSWERING; do
  psql "service=$node" -XAtqc "SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(true, 10) END" >/dev/null
done"""

BAD = [
    spoil.mistake(
        "verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind", quick=True
    ),
    spoil.mistake(
        "missing",
        "address-for-intake",
        spoil.without("Step 7: Release the new address to intake"),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "address-of-the-dead-node",
        spoil.replaced('release set intake "database=$NEW_PRIMARY"', 'release set intake "database=$SILENT"'),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "swapped",
        "promotes-before-it-decides-which",
        spoil.swapped(
            "Decision 4: Which node becomes the primary",
            "Step 5: Promote the new primary",
            (
                'export NODES="${NODES:-pg-a pg-b pg-c}"',
                'export NODES="${NODES:-pg-a pg-b pg-c}" NEW_PRIMARY=""',
            ),
        ),
        "step-failed",
        "not-recovered",
    ),
    # The step itself may be run twice: it looks whether the node is a primary already. With the node chosen anew the
    # second time, both standbys are promoted, and no commit is confirmed by anybody.
    spoil.mistake(
        "doubled",
        "promotes-the-other-standby-too",
        spoil.block("promote", after=_PROMOTE_ALL),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake("too-slow", "release", spoil.block("release-address", before="sleep 13"), "too-slow"),
]


test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
