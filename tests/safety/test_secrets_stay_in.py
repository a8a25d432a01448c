"""A secret that a process knows is in nothing that leaves it: each way out by itself, without a lab."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
import vaults_for_tests as vaults
from click.testing import CliRunner
from safety.planted import found_below, found_in

from chaos_ext.cli.edge import guarded
from chaos_ext.errors import Blocked, LabError
from chaos_ext.history import bundle
from chaos_ext.language import t
from chaos_ext.masking import files, register
from chaos_ext.meter.samples import Sample, encode
from chaos_ext.record import Recorder
from chaos_ext.safety.ledger import Ledger

SECRET = "pl4nted \"secret'&/+<val"
VALUES = {"SECRET": SECRET}


@pytest.fixture(autouse=True)
def known() -> None:
    register.remember([SECRET])


def test_the_record_and_who_listens_to_it(tmp_path: Path) -> None:
    heard: list[Any] = []
    recorder = Recorder(tmp_path / "events.jsonl", (heard.append,))
    recorder.emit(
        "x", line=f"got {SECRET}", nested={"a": [SECRET, 1, None], SECRET: True}, why=ValueError(SECRET)
    )
    sentence = t("asked to stop")
    recorder.emit("y", why=sentence)
    recorder.close()
    assert found_below(tmp_path, VALUES) == {}
    assert found_in(repr(heard), VALUES) == []
    assert heard[0]["nested"] == {"a": ["***", 1, None], "***": True}
    assert heard[1]["why"] is sentence  # it can still be said in Japanese


def test_a_setting_among_secrets_is_hidden_from_nobody() -> None:
    register.remember_all({"token": SECRET, "verify_ssl": "True", "region": None})
    assert register.hide(f"it is true: {SECRET}, TRUE, none") == "it is true: ***, TRUE, none"


def test_a_bundle_and_the_meters_samples(tmp_path: Path) -> None:
    bundle.write_json(tmp_path / "journal.json", {"run": [{"output": {"headers": SECRET}}]})
    (tmp_path / "samples.jsonl").write_text(
        encode(Sample("f", 1, 1.0, 1.0, 2.0, False, f"reset by {SECRET}"))
    )
    assert found_below(tmp_path, VALUES) == {}
    assert json.loads((tmp_path / "samples.jsonl").read_text())["failed"] == "reset by ***"


def test_copied_logs(tmp_path: Path) -> None:
    """Also where two pieces of a copy meet; what is no text stays as it is."""
    source, target = tmp_path / "logs", tmp_path / "copy"
    source.mkdir()
    before = "x" * ((1 << 18) - 7)
    (source / "part.log").write_text(f"{before}{SECRET}\n{json.dumps({'a': SECRET})}\n", encoding="utf-8")
    (source / "binary").write_bytes(data := random.Random(7).randbytes(300_000))
    files.copy_tree(source, target)
    assert found_below(target, VALUES) == {}
    assert (target / "part.log").read_text() == f'{before}***\n{{"a": "***"}}\n'
    assert (target / "binary").read_bytes() == data


def test_the_logs_of_libraries(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("some.library")
    try:
        raise KeyError(SECRET)
    except KeyError:
        logger.exception("failed with %s", SECRET)
    logger.error("twice: %s %s", SECRET, {"a": SECRET})
    assert found_in(caplog.text, VALUES) == []
    assert "KeyError: '***'" in caplog.text.replace('"', "'")


@click.command()
@click.argument("how")
@guarded
def saying(how: str) -> None:
    """A command that tells a secret."""
    if how == "echo":
        click.echo(f"out {SECRET}")
        click.echo(SECRET.encode(), err=True)
        print("printed", SECRET)
    elif how == "refuses":
        raise LabError(t("{place}: no", place=SECRET))
    else:
        raise RuntimeError(f"a bug with {SECRET}")


@pytest.mark.parametrize("how", ["echo", "refuses", "bug"])
def test_the_terminal(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAOS_STATE", str(tmp_path))
    result = CliRunner().invoke(saying, [how])
    assert "***" in result.output
    assert found_in(result.output + result.stderr, VALUES) == []
    if how == "bug":
        assert list((tmp_path / "reports").iterdir())
    assert found_below(tmp_path, VALUES) == {}


def _intend(ledger: Ledger, **changes: Any) -> Any:
    activity = {"type": "action", "name": "a", "provider": {"type": "python", "module": "m", "func": "f"}}
    given: dict[str, Any] = {
        "activity": activity, "undo": activity, "in_force": activity, "target": SECRET, "prior": {"seen": SECRET},
        "lease_s": 5.0, "configuration": {}, "identity": {}, **changes,
    }  # fmt: skip
    return ledger.intend("fault", **given)


def test_the_ledger(tmp_path: Path) -> None:
    """What only tells is hidden; what the undo needs must not hold a secret, because hidden it would not undo."""
    ledger = Ledger(tmp_path, "lab", "x")
    entry = ledger.injected(_intend(ledger), {"said": SECRET})
    ledger.close(entry, "failed", f"no: {SECRET}")
    kept = (tmp_path / "x.jsonl").read_bytes()
    assert b"***" in kept
    holding = {"type": "action", "name": "a", "provider": {"type": "process", "arguments": {"to": SECRET}}}
    for needed, value in (
        ("undo", holding),
        ("in_force", holding),
        ("configuration", {"a": [SECRET]}),
        ("identity", {"x": {"y": SECRET}}),
    ):
        with pytest.raises(Blocked, match=f"a secret's value in its {needed}") as refused:
            _intend(ledger, **{needed: value})
        assert found_in(str(refused.value), VALUES) == []
    assert (tmp_path / "x.jsonl").read_bytes() == kept
    assert found_below(tmp_path, VALUES) == {}


RUNNER = """
import os, signal, sys
from pathlib import Path
from chaos_ext.masking import register
from chaos_ext.safety.janitor import Janitor
register.remember([os.environ["SECRET"]])
janitor = Janitor.start(Path(sys.argv[1]))
janitor.at_death("clean up", ["sh", "-c", 'echo "no $SECRET" >&2; exit 3'])
janitor.ready()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_janitor_of_a_dead_runner(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(tmp_path)], env={**os.environ, "SECRET": SECRET}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    log = tmp_path / "janitor.log"
    deadline = time.monotonic() + 30
    while not (log.exists() and "exit 3" in log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "clean up: exit 3: no ***" in log.read_text()
    assert found_in(done.stdout + done.stderr, VALUES) == []
    assert found_below(tmp_path, VALUES) == {}


@pytest.mark.parametrize("level", [(), ("--verbose",)], ids=["", "verbose"])
def test_an_experiment_of_a_team_run_by_chaos_toolkit(project: Any, level: tuple[str, ...]) -> None:
    """Its secrets are Chaos Toolkit's own; the service says back what it was given."""

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        return 200, {"you sent": headers.get("X-Token")}

    token = "t0ken-pl4nted.77"
    with vaults.server(answer) as port:
        experiment = {
            "title": "a team's own",
            "description": "looks only",
            "secrets": {"api": {"token": {"type": "env", "key": "TEAM_TOKEN"}}},
            "method": [
                {
                    "type": "probe",
                    "name": "ask",
                    "secrets": ["api"],
                    "provider": {
                        "type": "http",
                        "url": f"http://127.0.0.1:{port}/?also=${{token}}",
                        "headers": {"X-Token": "${token}"},
                    },
                }
            ],
        }
        (project.root / "team.json").write_text(json.dumps(experiment))
        chaos = [
            str(Path(sys.executable).parent / "chaos"),
            "--no-version-check",
            "--log-file",
            "all.log",
            *level,
        ]
        done = subprocess.run(
            [*chaos, "run", "team.json"], cwd=project.root, env={**project.env, "TEAM_TOKEN": token},
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    journal = (project.root / "journal.json").read_text()
    assert '"***"' in journal, journal
    assert found_in(done.stdout + done.stderr, {"token": token}) == []
    assert found_below(project.root, {"token": token}) == {}


@pytest.mark.parametrize("arguments", [["--token", "${token}"], "--token ${token}", {"--token": "${token}"}])
def test_no_process_of_an_experiment_gets_one_as_an_argument(project: Any, arguments: Any) -> None:
    program, token = project.root / "program", "t0ken-pl4nted.77"
    program.write_text("#!/bin/sh\ntouch was-run\n")
    program.chmod(0o700)
    provider = {"type": "process", "path": str(program), "arguments": arguments}
    experiment = {
        "title": "a team's own",
        "description": "hands a secret to a program",
        "secrets": {"api": {"token": {"type": "env", "key": "TEAM_TOKEN"}}},
        "method": [{"type": "probe", "name": "ask", "secrets": ["api"], "provider": provider}],
    }
    (project.root / "team.json").write_text(json.dumps(experiment))
    chaos = [str(Path(sys.executable).parent / "chaos"), "--no-version-check", "--no-log-file"]
    subprocess.run(
        [*chaos, "run", "team.json"], cwd=project.root, env={**project.env, "TEAM_TOKEN": token},
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    (asked,) = json.loads((project.root / "journal.json").read_text())["run"]
    assert asked["status"] == "failed"
    assert "a secret among the arguments of" in asked["exception"][-1]
    assert not (project.root / "was-run").exists()
    assert found_below(project.root, {"token": token}) == {}
