"""What a run plans, before anything is started."""

from __future__ import annotations

import logging
import random
import stat
from pathlib import Path

import pytest

from chaos_ext import environments
from chaos_ext.arms import SETS
from chaos_ext.catalog import load
from chaos_ext.model import Arm, Mutation, Variant
from chaos_ext.run import WATCH_MARGIN_S, Plan, _events_of, _recovery_s, gravest, watch_s
from chaos_ext.runner import is_settled, log_to

T, N = Arm.TREATMENT, Arm.NO_ACTION


@pytest.fixture
def plan():
    root = environments.project_root()
    mode = load.mode(root, "postgresql-primary-down")  # in the lab: recover_within 15 s, stable window 3 s
    itself = mode.model_copy(update={"recovery": "self"})
    return lambda seed=1, arms="standard", heals=False: Plan(
        itself if heals else mode, environments.load("lab"), SETS[arms], seed
    )


@pytest.mark.parametrize(
    ("slowest_s", "to_come", "watched_s"),
    [
        pytest.param(4.0, (), 7.0, id="as long as the slowest treatment"),
        pytest.param(4.0, (N, N), 7.0, id="only no-action trials to come"),
        pytest.param(4.0, (N, T), 18.0, id="a treatment to come may take its whole objective"),
        pytest.param(20.0, (T,), 23.0, id="one was slower than its objective already"),
        pytest.param(0.0, (), 18.0, id="no treatment came back"),
    ],
)
def test_nobody_acts_for_as_long_as_any_treatment_takes(plan, slowest_s, to_come, watched_s):
    assert float(watch_s(plan(), slowest_s, to_come)) == pytest.approx(watched_s + WATCH_MARGIN_S)


def test_what_heals_by_itself_has_its_objective_to_do_so(plan):
    assert float(watch_s(plan(heals=True), 2.0)) == pytest.approx(18.0 + WATCH_MARGIN_S)


@pytest.mark.parametrize(
    ("codes", "code"),
    [((0,), 0), ((0, 4), 4), ((4, 1, 0), 1), ((1, 130), 130), ((1, 5, 130), 5), ((5, 0), 5)],
)
def test_the_gravest_of_several_runs_is_the_exit_code(codes, code):
    shuffled = list(codes)
    random.Random(0).shuffle(shuffled)
    assert gravest(codes) == gravest(shuffled) == code


def test_a_trial_that_never_began_has_no_events_and_took_no_time(tmp_path):
    assert _events_of(tmp_path) == []
    (tmp_path / "events.jsonl").write_text('{"kind": "torn\n{"kind": "abort"}\n')
    assert _events_of(tmp_path) == []
    assert _recovery_s([]) == 0.0


def test_a_recovery_counts_from_the_first_fault_to_the_last_word():
    events = [
        {"kind": "fault-injected", "started": 10.0},
        {"kind": "fault-injected", "started": 12.0},
        {"kind": "recovery", "recovered": True, "latest": 15.5},
    ]
    assert _recovery_s(events) == 5.5
    assert _recovery_s([*events[:2], {"kind": "recovery", "recovered": False, "latest": None}]) == 0.0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_that_cannot_be_written_says_nothing_in_the_terminal(capfd):
    with log_to(Path("/dev/full")):
        logging.getLogger("chaostoolkit").error("x")
    assert capfd.readouterr() == ("", "")


def test_a_log_is_private_and_its_logger_is_put_back(tmp_path):
    logger = logging.getLogger("chaostoolkit")
    before = logger.handlers[:]
    with log_to(tmp_path / "log"):
        logger.info("said")
    assert "said" in (tmp_path / "log").read_text()
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600
    assert logger.handlers == before


@pytest.mark.parametrize(
    ("variant", "settles"),
    [
        (Variant(Arm.TREATMENT), {"verify", "recovery"}),
        (Variant(Arm.NO_ACTION), {"recovery"}),
        (Variant(Arm.HEALTHY), {"recovery"}),
        (Variant(Arm.WITHOUT_STEP, "start"), {"recovery"}),
        (Variant(Arm.MUTATED, "start", Mutation.CUT), {"verification-after"}),
    ],
    ids=lambda each: str(each) if isinstance(each, Variant) else "+".join(sorted(each)),
)
def test_another_lab_starts_once_nothing_more_is_measured_that_it_would_disturb(variant, settles):
    events = {
        "mitigate": {"kind": "step-started", "role": "mitigate"},
        "verify": {"kind": "step-started", "role": "verify"},
        "recovery": {"kind": "recovery", "recovered": True},
        "verification-after": {"kind": "verification-after", "passed": True},
    }
    assert {name for name, event in events.items() if is_settled(variant, event)} == settles
