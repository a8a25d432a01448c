"""Compiling: pure, the same to the byte, nothing that changes anything bare, and Chaos Toolkit accepts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.compile import compile, compile_experiment, dump
from chaos_ext.errors import UsageError
from chaos_ext.model import FailureMode

ROOT = Path(__file__).resolve().parent.parent
LAB = environments.load("lab", ROOT)
CATALOG = load.catalog(ROOT)
IDS = sorted(id for id, mode in CATALOG.modes.items() if "lab" in mode.reproduce)
COMMITTED = sorted((ROOT / "experiments").glob("*/*.yaml"))
DOORS = {("chaos_ext.actions.fault", "inject"), ("chaos_ext.actions.fault", "undo")}
MADE_FROM = {"mode": load.Digest("m.yaml", "0" * 64), "environment": load.Digest("e.yaml", "1" * 64)}


def _fault(name: str, arguments: dict[str, object]) -> dict[str, object]:
    provider = {"type": "python", "module": "m", "func": "f", "arguments": arguments}
    probe = {"type": "probe", "name": "p", "provider": provider}
    return {"name": name, "provider": provider, "in_force": probe, "undo": {**probe, "type": "action"}}


def _mode(*faults: dict[str, object], **changes: object) -> FailureMode:
    written = {
        **CATALOG.modes[IDS[0]].model_dump(mode="json", by_alias=True, exclude_none=True),
        "reproduce": {"lab": list(faults)},
        **changes,
    }
    return FailureMode.model_validate(written)


@pytest.mark.parametrize("mode_id", IDS)
def test_the_method_is_in_order_and_nothing_is_bare(mode_id):
    mode = CATALOG.modes[mode_id]
    experiment = compile_experiment(CATALOG, mode, LAB)
    faults = [fault.name for fault in mode.reproduce["lab"]]
    assert [activity["name"] for activity in experiment["method"]] == [
        *(f"inject-{name}" for name in faults),
        "fault-in-force",
        "impact-seen",
        "alert-links-runbook",
        "fault-still-in-force",
        "respond",
        "recovered",
    ]
    assert [activity["name"] for activity in experiment["rollbacks"]] == [
        f"undo-{name}" for name in reversed(faults)
    ]
    actions = [
        (activity["provider"]["module"], activity["provider"]["func"])
        for activity in (*experiment["method"], *experiment["rollbacks"])
        if activity["type"] == "action"
    ]
    assert set(actions) == {*DOORS, ("chaos_ext.actions.respond", "respond")}
    assert experiment["runtime"] == {"rollbacks": {"strategy": "always"}}
    assert experiment["controls"][0]["provider"]["module"] == "chaos_ext.controls.trial"
    assert "${target" not in dump(experiment)
    assert all("arguments" in each["provider"] for each in experiment["method"])


def test_objectives_and_names_of_the_environment_are_used():
    mode = CATALOG.modes["postgresql-primary-down"]
    experiment = compile_experiment(CATALOG, mode, LAB)
    steps = {activity["name"]: activity["provider"]["arguments"] for activity in experiment["method"]}
    assert steps["alert-links-runbook"] == {
        "alert": "PostgresqlPrimaryDown",
        "runbook": "runbooks/postgresql-primary-down.md",
        "within_s": mode.objectives["lab"].detect_within,
        "receiver": "sre-pager",
    }
    assert steps["recovered"] == {"within_s": mode.objectives["lab"].recover_within}
    assert steps["inject-destroy-primary"]["activity"]["provider"]["arguments"] == {"node": "pg-a"}
    assert experiment["configuration"]["chaos_arm"] == {
        "type": "env",
        "key": "CHAOS_ARM",
        "default": "treatment",
    }
    elsewhere = LAB.model_copy(update={"name": "dedicated"})
    other = compile_experiment(CATALOG, mode, elsewhere)
    assert other["configuration"]["chaos_environment"] == "dedicated"
    assert other["method"][-1]["provider"]["arguments"] == {"within_s": 600.0}


def test_several_faults_are_undone_in_reverse():
    experiment = compile(_mode(_fault("one", {}), _fault("two", {})), LAB, CATALOG.services, MADE_FROM)
    assert [each["name"] for each in experiment["method"][:2]] == ["inject-one", "inject-two"]
    assert [each["name"] for each in experiment["rollbacks"]] == ["undo-two", "undo-one"]


def test_what_ends_by_itself_and_what_cannot_be_undone_is_said():
    fault = {**_fault("one", {}), "expires_after": "90s", "cannot_be_undone_because": "it is gone"}
    del fault["undo"]
    experiment = compile(_mode(fault), LAB, CATALOG.services, MADE_FROM)
    arguments = experiment["method"][0]["provider"]["arguments"]
    assert (arguments["undo"], arguments["expires_after"]) == (None, 90.0)
    assert arguments["cannot_be_undone_because"] == "it is gone"


def test_everything_it_was_made_from_is_named(tmp_path):
    experiment = compile_experiment(CATALOG, CATALOG.modes["postgresql-primary-down"], LAB)
    [extension] = experiment["extensions"]
    assert extension["name"] == "chaos_ext"
    assert list(extension["made_from"]) == ["mode", "runbook", "environment", "services"]
    for made in extension["made_from"].values():
        assert made == load.digest(ROOT / made["file"], ROOT)._asdict()
    assert dump(experiment).splitlines()[:2] == [
        "# Compiled from catalog/failure-modes/postgresql/postgresql-primary-down.yaml and environments/lab.yaml.",
        "# Do not edit: change those and run `chaos catalog compile`.",
    ]


def test_every_gap_is_told_at_once():
    mode = _mode(
        _fault("one", {"a": "${target.primry}", "b": ["x", "${lab.dir}"], "c": {"d": "a$$b $chaos_arm"}})
    )
    with pytest.raises(UsageError) as refused:
        compile(mode, LAB, CATALOG.services, MADE_FROM)
    told = str(refused.value)
    for part in ("provider", "in_force.provider", "undo.provider"):
        assert f"{mode.id}: reproduce.lab[0].{part}.arguments.a: got '${{target.primry}}'" in told
        assert f"reproduce.lab[0].{part}.arguments.b[1]: got '${{' in '${{lab.dir}}'" in told
        assert f"reproduce.lab[0].{part}.arguments.c.d: got '$$' in 'a$$b $chaos_arm'" in told
    assert "Did you mean 'primary'?" in told
    assert len(refused.value.problems) == 9


def test_no_fault_and_no_objectives_for_this_place():
    elsewhere = LAB.model_copy(update={"platform": "aws", "name": "dedicated"})
    mode = _mode(_fault("one", {}), objectives={"lab": {"detect_within": "5s", "recover_within": "9s"}})
    with pytest.raises(UsageError) as refused:
        compile(mode, elsewhere, CATALOG.services, MADE_FROM)
    assert [problem.what for problem in refused.value.problems] == ["reproduce.aws", "objectives"]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=12)
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=200)
@given(arguments=st.dictionaries(st.text(min_size=1, max_size=8), values, max_size=4))
def test_arguments_arrive_unchanged_through_yaml_and_chaos_toolkits_substitution(arguments):
    from chaoslib import substitute
    from chaoslib.configuration import load_configuration

    mode = _mode(_fault("one", arguments))
    try:
        experiment = compile(mode, LAB, CATALOG.services, MADE_FROM)
    except UsageError:
        assert "$" in json.dumps(arguments)
        return
    text = dump(experiment)
    assert text == dump(compile(mode, LAB, CATALOG.services, MADE_FROM))
    read = yaml.safe_load(text)
    assert read == experiment
    configuration = load_configuration(read["configuration"])
    inject = substitute(read["method"][0]["provider"]["arguments"], configuration, {})
    again = substitute(
        inject["activity"]["provider"]["arguments"], configuration, {}
    )  # the door runs it once more
    # What YAML cannot hold as it is (texts are stripped where people write them) is the model's affair.
    assert again == experiment["method"][0]["provider"]["arguments"]["activity"]["provider"]["arguments"]


def test_the_same_bytes_in_another_process_with_other_hashes():
    program = (
        "from pathlib import Path; from chaos_ext.catalog import check; root = Path.cwd();"
        "[print(text) for text in check.check(root, compiled=False).experiments.values()]"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert texts.pop().count("# Compiled from") == len(COMMITTED)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_chaos_validate_accepts_what_is_committed(path, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "validate", str(path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "experiment syntax and semantic look valid" in said
    assert "deprecat" not in said.lower()
