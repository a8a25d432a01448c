"""The runbook for a bad release with one mistake each, and a release that is not bad."""

from __future__ import annotations

from modes import spoil

MODE = "service-bad-release"
_EXTRA = '"role":"params","interactive":"false","promptEnv":"no"}'

_ROLL_BACK = 'release activate "$SERVICE" "$BEFORE"\n'
_THE_ONE_BEFORE = 'release activate "$SERVICE" "$(release previous "$SERVICE")"\n'

BAD = [
    spoil.mistake(
        "missing",
        "roll-back",
        spoil.replaced(_ROLL_BACK, 'echo "$BEFORE ran before"\n'),
        "step-failed",
        "not-recovered",
        quick=True,
    ),
    spoil.mistake("verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind"),
    spoil.mistake(
        "wrong-target",
        "another-service",
        spoil.replaced("${SERVICE:-intake}", "${SERVICE:-dashboard}"),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "swapped",
        "decides-before-it-counts",
        spoil.swapped(
            "Step 2: Count the internal errors of each release",
            "Decision 3: Did the errors come with the release",
            (f"{_EXTRA}\n", f'{_EXTRA}\nexport BEFORE="" ERRORS_NOW="" ERRORS_BEFORE=""\n'),
        ),
        "needs-a-person",  # without its figures the decision hands over
    ),
    # To go back to the same release twice does nothing. To go back to whichever ran before is to come back.
    spoil.mistake(
        "doubled",
        "goes-back-to-the-bad-one",
        spoil.replaced(_ROLL_BACK, _THE_ONE_BEFORE * 2),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake("too-slow", "roll-back", spoil.block("roll-back", before="sleep 14"), "too-slow"),
]


test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE, quick=True)
