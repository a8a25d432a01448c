"""An experiment is known again by its content, also while Chaos Toolkit runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from chaos_ext.errors import UsageError
from chaos_ext.safety.policy.canonical import canonical, of_experiment

_SEEN = """
def note(path):
    from pathlib import Path
    from chaos_ext.safety import running
    from chaos_ext.safety.policy.canonical import of_experiment
    Path(path).write_text(of_experiment(running.experiment()))
    return True
"""


@pytest.mark.parametrize("flags", [[], ["--dry", "pause"]])
def test_what_chaos_toolkit_runs_is_what_was_approved(tmp_path, flags):
    (tmp_path / "seen_by_an_activity.py").write_text(_SEEN)
    provider = {
        "type": "python",
        "module": "seen_by_an_activity",
        "func": "note",
        "arguments": {"path": "seen"},
    }
    probe = {"type": "probe", "name": "look", "provider": provider, "pauses": {"after": 0}}
    experiment = {"version": "1.0.0", "title": "t", "description": "d", "method": [probe], "rollbacks": []}
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    chaos = Path(sys.executable).with_name("chaos")
    paths = [str(tmp_path), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environ = {k: v for k, v in os.environ.items() if k != "CHAOS_PROJECT"} | {
        "PYTHONPATH": os.pathsep.join(paths)
    }
    subprocess.run(
        [chaos, "--no-version-check", "--no-log-file", "run", *flags, "experiment.yaml"],
        cwd=tmp_path, env=environ, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    assert (tmp_path / "seen").read_text() == of_experiment(experiment)


def test_the_order_of_keys_says_nothing_and_the_order_of_activities_does():
    assert canonical({"a": 1, "b": "ä"}) == canonical({"b": "ä", "a": 1}) == '{"a":1,"b":"ä"}'.encode()
    assert of_experiment({"method": [1, 2]}) != of_experiment({"method": [2, 1]})


@pytest.mark.parametrize("content", [{1: "a", "b": "c"}, {"a": float("nan")}])
def test_what_has_no_bytes_of_its_own_is_refused(content):
    with pytest.raises(UsageError, match="got content that JSON has no words for"):
        canonical(content)
