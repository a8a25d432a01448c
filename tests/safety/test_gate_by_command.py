"""The guard as people meet it: `chaos run` from anywhere, `chaos env check`, and what is put back afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import ways_for_tests as ways
from ways_for_tests import ACCOUNT, ENVIRONMENT, OTHER, ROLE, ROOT, UID, Field

# --- through the command --------------------------------------------------------------------------


def _chaos(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    known = {k: v for k, v in os.environ.items() if k != "CHAOS_PROJECT"}
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent / "support")])
    return subprocess.run(
        [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", *words],
        cwd=folder, env={**known, "PYTHONPATH": path, **variables}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def _saved(field: Field) -> Path:
    path = field.root / "own.json"
    path.write_text(json.dumps(field.experiment))
    return path


def test_plain_chaos_run_and_from_any_folder(field, tmp_path):
    assert field.run()["status"] == "completed"
    field.dedicated.seen.clear()
    field.left.unlink()
    ways.unnamed(field)
    path = _saved(field)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    here = _chaos(field.root, "run", path.name)
    there = _chaos(elsewhere, "run", "--no-validation", str(path))
    assert field.changes == []
    for done in (here, there):
        assert done.returncode == 1
        assert "Add 'chaos_environment: NAME'" in done.stderr
        assert "dedicated" in done.stderr


def test_an_experiment_that_has_nothing_to_do_with_us_runs_as_ever(field, tmp_path):
    ways.unnamed(field)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = elsewhere / "theirs.json"
    path.write_text(json.dumps(field.experiment))
    done = _chaos(elsewhere, "run", path.name, KUBECONFIG="/as/ever")
    assert done.returncode == 0, done.stderr
    assert field.left.exists()
    assert len(field.dedicated.changed) == 3


def test_an_environment_given_on_the_command_line_is_proven_like_any_other(field):
    _cluster = ways.as_cluster
    _cluster(field.dedicated, "another", purpose="chaos")
    ways.unnamed(field)
    done = _chaos(field.root, "run", "--var", "chaos_environment=dedicated", str(_saved(field)))
    assert done.returncode == 1
    assert field.changes == []


def test_without_the_gate_the_command_ends(field):
    """Chaos Toolkit would take a plugin that cannot be loaded for a warning, and run everything unguarded."""
    path = _saved(field)
    code = "import sys; sys.modules['chaos_ext.safety.gate'] = None; from chaostoolkit.cli import cli; cli()"
    known = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent / "support")])}
    words = ["--no-version-check", "--no-log-file", "run", str(path)]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=known, capture_output=True, timeout=60, cwd=field.root
    )
    assert done.returncode == 3
    assert field.changes == []


# --- asked by hand ----------------------------------------------------------------------------------


def _check(*options: str) -> Any:
    from click.testing import CliRunner

    from chaos_ext.cli.env import env

    return CliRunner().invoke(env, ["check", "dedicated", *options])


def test_each_proof_is_shown(field):
    shown = _check()
    assert shown.exit_code == 0, shown.output
    lines = [" ".join(line.split()) for line in shown.output.splitlines()]
    assert f"✓ AWS account {ACCOUNT} {ACCOUNT}" in lines
    assert f"✓ Kubernetes cluster (uid of kube-system) {UID} {UID}" in lines
    assert lines[-1] == "dedicated: proven."
    assert field.changes == []


def test_everything_that_is_wrong_is_shown_at_once(field):
    ways.profile_of(OTHER, "Administrator")(field, pytest.MonkeyPatch())
    field.write("kubeconfig", "")
    shown = _check()
    assert shown.exit_code == 4
    lines = [" ".join(line.split()) for line in shown.output.splitlines()]
    assert f"✗ AWS account {ACCOUNT} {OTHER}" in lines
    assert f"✗ AWS role {ROLE} Administrator" in lines
    assert "✗ kubernetes a proof none" in lines
    assert "0 contexts named 'dedicated'" in shown.output
    assert "mend identity in environments/dedicated.yaml" in shown.output


def test_as_json_and_in_japanese(field):
    ways.as_cluster(field.dedicated, UID)
    found = json.loads(_check("--format", "json").stdout)
    assert found["proven"] is False
    assert [proof["holds"] for proof in found["proofs"]] == [True, True, True, True, False]
    assert "証明できないため" in _check("--lang", "ja").output


def test_every_value_that_is_missing_is_named_with_its_line(field):
    field.edit(f'account: "{ACCOUNT}"', 'account: "${env.NOT_SET_A}"')
    field.edit(f"cluster_uid: {UID}", 'cluster_uid: "${env.NOT_SET_B}"')
    shown = _check()
    assert shown.exit_code == 2
    assert "environments/dedicated.yaml:7: identity.aws.account" in shown.output
    assert "environments/dedicated.yaml:11: identity.kubernetes.cluster_uid" in shown.output


# --- putting back ------------------------------------------------------------------------------------


def test_an_undo_proves_the_place_by_what_the_ledger_holds(field, thing):
    """Whatever has become of the environment's file since; where the place cannot be proven it is not touched."""
    from chaos_ext.safety import execute
    from chaos_ext.safety.heal import undo_entry
    from chaos_ext.safety.ledger import Ledger
    from chaos_ext.safety.place import open_place

    place = open_place("dedicated")
    book = Ledger(field.root / ".chaos" / "ledger", "dedicated", place.instance)
    entry = book.intend(
        "break", **thing.fault(), target="x", prior={}, lease_s=60, configuration={},
        identity=place.environment.identity,
    )  # fmt: skip
    entry = book.injected(entry, execute.run(entry.activity, {}))
    (field.root / ENVIRONMENT).unlink()
    good = (field.root / "aws-config").read_text()
    ways.profile_of(OTHER, ROLE)(field, pytest.MonkeyPatch())
    refused = undo_entry(entry, pauses_s=())
    assert (refused.state, thing.is_whole) == ("failed", False)
    assert f"got '{OTHER}'" in refused.why
    field.write("aws-config", good)
    assert undo_entry(entry, pauses_s=()).state == "undone"
    assert thing.is_whole


def test_nothing_new_is_broken_while_something_is_not_put_back(field, thing):
    from chaos_ext.safety.ledger import Ledger

    book = Ledger(field.root / ".chaos" / "ledger", "dedicated", "dedicated")
    entry = book.intend(
        "break", **thing.fault(), target="x", prior={}, lease_s=60, configuration={}, identity={"lab": {}}
    )
    book.close(entry, "failed", "by hand")
    journal = field.run()
    assert journal["status"] == "interrupted"
    assert field.changes == []
