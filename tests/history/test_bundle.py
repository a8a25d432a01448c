"""A run on the disk: private, whole, read back as it was, and every change to it seen."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos_ext.catalog import load as catalog
from chaos_ext.errors import UsageError
from chaos_ext.history import bundle
from chaos_ext.history.manifest import check
from chaos_ext.model import Arm, Reason, Verdict, VerdictWord
from chaos_ext.runbook.parse import parse

VERDICT = Verdict(
    VerdictWord.UNKNOWN, (Reason("no-data", "nothing"),), (Reason("undo-failed", "still down"),), "nothing", 5
)
Run = Callable[..., Path]
Trial = Callable[..., Path]


def test_a_new_run_holds_everything_that_is_known_before_it_begins(new_run: Run, project: Path) -> None:
    run = new_run()
    facts = json.loads((run / "run.json").read_text())
    assert facts["run_id"] == run.name
    assert facts["arms"] == {"treatment": 1, "no-action": 1}
    assert facts["seed"] == 7
    assert facts["versions"]["chaostoolkit-lib"]
    runbook = project / "catalog" / "runbooks" / "postgresql-primary-down.md"
    assert (run / "runbook.md").read_bytes() == runbook.read_bytes()
    assert yaml.safe_load((run / "experiment.yaml").read_text())["version"] == "1.0.0"
    assert set(facts["digests"]) == {"mode", "runbook", "environment", "services"}


def test_nobody_else_may_read_a_run(new_run: Run) -> None:
    run = new_run()
    bundle.seal(run, VERDICT)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [run, *run.rglob("*")]}
    assert {modes.pop(run.name), modes.pop("trials")} == {0o700}
    assert set(modes.values()) == {0o600}


def test_ids_are_unique_and_sort_by_time(new_run: Run) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = [future.result() for future in [pool.submit(new_run) for _ in range(24)]]
    assert len(set(runs)) == 24
    first, last = new_run(), new_run()
    stamp = [run.name.split("-")[0] for run in (first, last)]
    assert stamp == sorted(stamp)


def test_ids_sort_as_the_runs_began_after_a_clock_was_set_back(new_run: Run) -> None:
    ahead = new_run(started=datetime.now(UTC) + timedelta(days=400))
    first, again = new_run(), new_run()
    assert ahead.name < first.name < again.name
    wall = datetime.fromisoformat(json.loads((first / "run.json").read_bytes())["started"])
    assert abs(wall - datetime.now(UTC)) < timedelta(hours=1), "what the clock said is kept as it was said"


@pytest.mark.parametrize("name", ["99999999T999999999Z-x-0001", "zz-no-run", "index.lock"])
def test_a_folder_that_is_named_strangely_is_in_nobodys_way(new_run: Run, project: Path, name: str) -> None:
    (project / ".chaos" / "runs" / name).mkdir(parents=True)
    assert new_run().is_dir()


def test_what_was_saved_is_read_back(new_run: Run, trial: Trial, project: Path) -> None:
    run = new_run()
    trial(run, "01-treatment")
    trial(run, "02-no-action", journal_json=None)
    evidence = bundle.load(run)
    assert evidence.mode == catalog.mode(project, "postgresql-primary-down")
    assert evidence.services == catalog.services(project)
    assert evidence.environment.windows.stable == 3.0
    assert evidence.arms == (Arm.TREATMENT, Arm.NO_ACTION)
    treatment, alone = evidence.trials
    assert (treatment.trial, treatment.arm) == ("01-treatment", Arm.TREATMENT)
    assert treatment.events[0]["kind"] == "trial-started"
    assert treatment.samples[0].flow == "submit"
    assert treatment.writes[1]["outcome"] == "ok"
    assert treatment.journal == {"status": "completed", "run": []}
    assert treatment.unreadable == ()
    assert alone.journal is None
    assert alone.unreadable == ()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("samples.jsonl", '{"flow":\n{"flow":"submit"}\n'),
        ("samples.jsonl", '{"flow":"submit","number":0}\n'),
        ("events.jsonl", 'not json\n{"kind":"x"}\n'),
        ("writes.jsonl", "[1]\n"),
        ("journal.json", '{"status":'),
        ("journal.json", "[]"),
        ("journal.json", '{"run": "0"}'),
        ("journal.json", '{"run": [{"activity": "x"}]}'),
        ("events.jsonl", "null\n"),
        ("events.jsonl", '{"at": 1.0}\n'),
        ("samples.jsonl", '{"flow":"a","number":0,"scheduled":1,"sent":"1","done":2}\n'),
        ("samples.jsonl", '{"flow":"a","number":0,"scheduled":1,"sent":NaN,"done":2}\n'),
        ("samples.jsonl", '{"flow":[],"number":0,"scheduled":1,"sent":1,"done":2}\n'),
        ("writes.jsonl", '{"id":"w0","outcome":"ok"}\n'),
        ("writes.jsonl", '{"id":["w0"],"outcome":"ok","at":1.0}\n'),
        ("writes.jsonl", '{"id":"w0","flow":"submit","at":1.0}\n'),
        ("readback.jsonl", '{"flow":"submit","items":null}\n'),
    ],
)
def test_a_damaged_file_is_told_and_holds_nothing(
    new_run: Run, trial: Trial, file: str, content: str
) -> None:
    run = new_run()
    trial(run, "01-treatment", **{file.replace(".", "_"): content})
    (found,) = bundle.load(run).trials
    assert len(found.unreadable) == 1
    assert found.unreadable[0].startswith(f"{file}: ")


def test_damage_to_the_runs_own_record_is_told(new_run: Run) -> None:
    run = new_run()
    (run / "events.jsonl").write_text('not json\n{"kind":"lab-stopped"}\n')
    assert bundle.load(run).unreadable[0].startswith("events.jsonl: ")


def test_a_line_that_was_torn_by_a_kill_is_left_out(new_run: Run, trial: Trial) -> None:
    run = new_run()
    folder = trial(run, "01-treatment")
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"kind": "fault-inj')
    (found,) = bundle.load(run).trials
    assert [event["kind"] for event in found.events] == ["trial-started"]
    assert found.unreadable == ()


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"run\.json: got no such file, expected the directory of a run"):
        bundle.load(tmp_path)


def test_a_verdict_is_read_back(new_run: Run) -> None:
    run = new_run()
    bundle.seal(run, VERDICT)
    assert bundle.verdict_from(json.loads((run / "verdict.json").read_text())) == VERDICT


def spoil_by_changing(run: Path) -> None:
    (run / "trials/01-treatment/samples.jsonl").write_text("")


def spoil_by_removing(run: Path) -> None:
    (run / "trials/01-treatment/samples.jsonl").unlink()


def spoil_by_adding(run: Path) -> None:
    (run / "trials/01-treatment/more.jsonl").write_text("")


def spoil_by_linking(run: Path) -> None:
    (run / "trials/01-treatment/samples.jsonl").unlink()
    os.symlink("/dev/null", run / "trials/01-treatment/samples.jsonl")


def spoil_the_verdict(run: Path) -> None:
    text = (run / "verdict.json").read_text().replace("unknown", "verified")
    (run / "verdict.json").write_text(text)


def spoil_the_manifest(run: Path) -> None:
    (run / "manifest.json").write_text("{}")


def spoil_by_never_sealing(run: Path) -> None:
    (run / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_by_changing, "trials/01-treatment/samples.jsonl: changed"),
        (spoil_by_removing, "trials/01-treatment/samples.jsonl: missing"),
        (spoil_by_adding, "trials/01-treatment/more.jsonl: added"),
        (spoil_by_linking, "trials/01-treatment/samples.jsonl: changed"),
        (spoil_the_verdict, "verdict.json: changed"),
        (spoil_the_manifest, "manifest.json: damaged"),
        (spoil_by_never_sealing, "manifest.json: missing"),
    ],
)
def test_every_change_after_the_seal_is_seen(
    new_run: Run, trial: Trial, spoil: Callable[[Path], Any], told: str
) -> None:
    run = new_run()
    trial(run, "01-treatment")
    bundle.seal(run, VERDICT)
    assert check(run) == []
    spoil(run)
    (difference,) = check(run)
    assert str(difference).startswith(told)


def test_a_sealed_run_is_not_sealed_again(new_run: Run) -> None:
    run = new_run()
    bundle.seal(run, VERDICT)
    with pytest.raises(FileExistsError):
        bundle.seal(run, Verdict(VerdictWord.VERIFIED, (), (), "", 0))
    assert check(run) == []


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()
    with pytest.raises(IsADirectoryError):
        bundle.write_json(tmp_path / "x.json", {"a": 1})
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_output_that_is_no_text_is_kept(tmp_path: Path) -> None:
    bundle.write_json(tmp_path / "x.json", {"a": "caf\udce9 – 会議"})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": "caf\udce9 – 会議"}


def test_the_runbook_as_it_was_is_known_as_its_follower_names_it(new_run, project):
    run = new_run()
    mode = bundle.load(run).mode
    assert bundle.load(run).runbook_digest == parse(project / "catalog" / mode.runbook).digest
    assert parse(run / "runbook.md").digest == bundle.load(run).runbook_digest
