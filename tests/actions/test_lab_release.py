"""A bad release of a real service, rolled out and back by the lab's own pipeline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import psutil
import pytest
from chaoslib.exceptions import ActivityFailed

from chaos_ext.actions.lab import release
from chaos_ext.safety import ledger

BAD = 'text.strip().encode("ascii").decode()'
WHERE = {"service": "intake", "file": "intake.py", "find": BAD}
CHANGE = {"service": "intake", "file": "intake.py", "find": "text.strip()", "replace": BAD, "note": "tidy up"}
JAPANESE = "会議が多すぎます"


@pytest.fixture
def pipeline(lab):
    def run(*words: str) -> str:
        done = subprocess.run(
            [f"{lab['bin']}/release", *words], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def deploy(configuration):
    """Deploys the bad release, and goes back after the test."""
    yield lambda: release.deploy_changed_source(**CHANGE, configuration=configuration)
    release.restore_release(**WHERE, configuration=configuration)


def is_bad(configuration) -> bool:
    return release.source_is_changed(**WHERE, configuration=configuration)["holds"]


def test_before_during_and_after(configuration, deploy, submit, pipeline):
    assert not is_bad(configuration)
    assert (submit("plain"), submit(JAPANESE)) == (201, 201)

    said = deploy()
    assert said == {"service": "intake", "version": pipeline("current", "intake"), "before": "v1"}
    assert "tidy up" in pipeline("list", "intake")
    seen = release.source_is_changed(**WHERE, configuration=configuration)
    assert seen["runs"] == {"intake-1": said["version"], "intake-2": said["version"]}
    assert seen["changed"] == {"intake-1": True, "intake-2": True}
    assert submit("plain") == 201
    assert submit(JAPANESE) == 500

    assert release.restore_release(**WHERE, configuration=configuration)["outcome"] == "undone"
    assert not is_bad(configuration)
    assert pipeline("current", "intake") == "v1"
    assert [submit(JAPANESE) for _ in range(4)] == [201] * 4


def test_somebody_rolled_back(configuration, deploy, pipeline):
    said = deploy()
    pipeline("activate", "intake", pipeline("previous", "intake"))
    assert release.restore_release(**WHERE, configuration=configuration) == {
        "outcome": "superseded",
        "why": f"v1 is activated, without the change of {said['version']}",
    }


def test_other_changes_on_top_are_kept(configuration, deploy, pipeline, lab):
    deploy()
    pipeline("set", "intake", "pool_size=3")
    assert is_bad(configuration)
    assert release.restore_release(**WHERE, configuration=configuration)["outcome"] == "undone"
    assert not is_bad(configuration)
    current = Path(lab["releases"], "intake", "current")
    assert json.loads((current / "config.json").read_text())["pool_size"] == 3
    assert BAD not in (current / "intake.py").read_text()


def test_replica_that_was_not_restarted(configuration, deploy, lab, pipeline):
    """Activated on paper only: `current` leads back, the processes still run the bad release."""
    said = deploy()
    link = Path(lab["releases"], "intake", "current")
    link.unlink()
    link.symlink_to(said["before"])
    assert is_bad(configuration)
    assert release.restore_release(**WHERE, configuration=configuration)["outcome"] == "undone"
    assert not is_bad(configuration)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"service": "nothing"}, "got 'nothing', expected one of dashboard, insight, intake"),
        ({"find": "there is no such text"}, "0 times, expected exactly once"),
        ({"find": "import"}, "times, expected exactly once"),
        ({"find": ""}, "expected exactly once"),
        ({"replace": "text.strip()"}, "expected a change"),
        ({"file": "no.py"}, "expected a source file"),
        ({"file": "../v1/intake.py"}, "expected the name of a file"),
        ({"service": "../releases/intake"}, "expected one of"),
    ],
)
def test_bad_arguments(configuration, pipeline, change, says):
    before = pipeline("list", "intake")
    with pytest.raises(ActivityFailed, match=says):
        release.deploy_changed_source(**{**CHANGE, **change}, configuration=configuration)
    assert pipeline("list", "intake") == before


def test_release_that_does_not_start_is_a_failed_injection(configuration, pipeline):
    """The pipeline stops at the first replica; what is half rolled out can be undone."""
    broken = {**CHANGE, "replace": "text.strip()\n        raise SystemExit)"}
    with pytest.raises(ActivityFailed, match="is not ready"):
        release.deploy_changed_source(**broken, configuration=configuration)
    where = {**WHERE, "find": "raise SystemExit)"}
    assert release.restore_release(**where, configuration=configuration)["outcome"] == "undone"
    assert pipeline("current", "intake") != pipeline("list", "intake").split()[-1]


def test_another_lab_is_a_failure(lab):
    other = {"chaos_facts": {**lab, "marker": "another"}}
    with pytest.raises(ActivityFailed, match="not the place"):
        release.deploy_changed_source(**CHANGE, configuration=other)
    for func in (release.source_is_changed, release.restore_release):
        with pytest.raises(ActivityFailed, match="not the place"):
            func(**WHERE, configuration=other)


def test_no_replica_answers(configuration, lab):
    """Evidence that cannot be had is not 'not in force'."""
    config = f"{lab['dir']}/conf/intake-"
    seen = psutil.process_iter(["cmdline"])
    parents = [p for p in seen if any(word.startswith(config) for word in p.info["cmdline"] or ())]
    assert len(parents) == 2
    for process in parents:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ActivityFailed, match="got no answer from intake-1, intake-2"):
            release.source_is_changed(**WHERE, configuration=configuration)
    finally:
        for process in parents:
            os.kill(process.pid, signal.SIGCONT)


def test_release_that_has_not_begun_to_work_is_waited_for(configuration, deploy, lab, pipeline):
    """A dead runner's tool may still be on its way: looking too early would find nothing to undo."""
    bad = deploy()["version"]
    release.restore_release(**WHERE, configuration=configuration)
    tool = subprocess.Popen([f"{lab['bin']}/release", "activate", "intake", bad], stdout=subprocess.DEVNULL)
    tool.send_signal(signal.SIGSTOP)
    said = []

    def restore() -> None:
        said.append(release.restore_release(**WHERE, configuration=configuration))

    undo = threading.Thread(target=restore)
    undo.start()
    undo.join(0.3)  # it must not have ended by now; without the wait it would have, and said the wrong thing
    tool.send_signal(signal.SIGCONT)
    assert tool.wait(60) == 0
    undo.join(60)
    assert [each["outcome"] for each in said] == ["undone"]
    assert not is_bad(configuration)


def test_runner_killed_while_the_roll_out_is_under_way(runner, lab, configuration, tmp_path, until):
    """The tool that the dead runner had started goes on; the janitor waits for it, and then goes back."""
    process = runner("service-bad-release")
    tool = f"{lab['bin']}/release"

    def activating() -> bool:
        command_lines = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
        return any("activate" in words and (tool in words or lab["dir"] in words) for words in command_lines)

    until(activating, "the roll-out to begin")
    process.kill()
    process.wait(20)
    (entry,) = until(
        lambda: [e for e in ledger.read_all(tmp_path / "ledger") if not e.is_open], "the janitor to heal"
    )
    assert entry.state == "undone"
    assert not is_bad(configuration)
    assert BAD not in Path(lab["releases"], "intake", "current", "intake.py").read_text()
