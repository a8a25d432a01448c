"""Ways around the guard: the experiment is another than it seems, or names no place. See test_another_place.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import ways_for_tests as ways
import yaml
from ways_for_tests import OTHER, ROOT, Field, http, process, python

from chaos_ext.safety import gate

# --- the experiment is another ----------------------------------------------------------------------


def _only(field: Field, *method: dict[str, Any], **parts: Any) -> None:
    """Nothing but this, in an experiment that names no environment."""
    ways.unnamed(field)
    field.experiment.update({"method": list(method), "rollbacks": [], **parts})


def _hypothesis(probe: dict[str, Any], tolerance: Any) -> dict[str, Any]:
    return {"title": "steady", "probes": [{**probe, "tolerance": tolerance}]}


def _as_a_door(activity: dict[str, Any], door: str = "chaos_ext.actions.fault.inject") -> dict[str, Any]:
    """With the keys of one of our doors besides its own: Chaos Toolkit goes by the type."""
    module, _, func = door.rpartition(".")
    return {**activity, "provider": {**activity["provider"], "module": module, "func": func}}


def _compiled(field: Field, **changed: Any) -> None:
    """A compiled experiment of the catalogue, to which somebody has added a bare activity."""
    compiled = yaml.safe_load((ROOT / "experiments/lab/postgresql-primary-down.yaml").read_text())
    bare = field.experiment["method"]
    compiled["method"] = [*bare, *compiled["method"]]
    compiled["steady-state-hypothesis"] = None
    compiled["controls"] = []
    compiled.pop("steady-state-hypothesis")
    field.experiment = {**compiled, "rollbacks": bare, **changed}


EXPERIMENT: dict[str, Callable[[Field], object]] = {
    "names-no-environment": ways.unnamed,
    "names-an-unknown-environment": lambda f: f.experiment.update(
        configuration={"chaos_environment": "dedicate"}
    ),
    "names-it-in-capitals": lambda f: f.experiment.update(configuration={"chaos_environment": "Dedicated"}),
    "names-a-path": lambda f: f.experiment.update(
        configuration={"chaos_environment": "../environments/dedicated"}
    ),
    "names-a-list": lambda f: f.experiment.update(configuration={"chaos_environment": ["dedicated"]}),
    "process-bare": lambda f: _only(f, process("action", f.left)),
    "process-probe-bare": lambda f: _only(f, process("probe", f.left)),
    "http-bare": lambda f: _only(f, http("action", ways.url(f, "x"))),
    "http-delete": lambda f: _only(f, http("action", ways.url(f, "x"), "delete")),
    "http-probe-that-posts": lambda f: _only(f, http("probe", ways.url(f, "x"), "post")),
    "python-bare": lambda f: _only(f, python("action", "post", url=ways.url(f, "x"))),
    "python-probe-that-changes": lambda f: _only(f, python("probe", "post", url=ways.url(f, "x"))),
    "rollbacks-bare": lambda f: _only(
        f, rollbacks=[http("action", ways.url(f, "x")), process("action", f.left)]
    ),
    "in-the-background": lambda f: _only(f, {**http("action", ways.url(f, "x")), "background": True}),
    "hypothesis-that-changes": lambda f: _only(
        f, **{"steady-state-hypothesis": _hypothesis(http("probe", ways.url(f, "x")), 200)}
    ),
    "tolerance-that-changes": lambda f: _only(
        f,
        **{
            "steady-state-hypothesis": _hypothesis(
                http("probe", ways.url(f, "x"), "GET"),
                {
                    "type": "probe",
                    "name": "t",
                    "provider": {"type": "process", "path": "touch", "arguments": {str(f.left): ""}},
                },
            )
        },
    ),
    "dynamic-configuration-that-changes": lambda f: _only(
        f, configuration={"x": process("probe", f.left), "chaos_environment": "dedicated"}
    ),
    "our-module-runs-any-activity": lambda f: _only(
        f,
        python(
            "action", "run", "chaos_ext.safety.execute", activity=process("action", f.left), configuration={}
        ),
    ),
    "process-that-looks-like-a-door": lambda f: _only(f, _as_a_door(process("action", f.left))),
    "request-that-looks-like-a-door": lambda f: _only(
        f, _as_a_door(http("action", ways.url(f, "x")), "chaos_ext.actions.respond.respond")
    ),
    "our-module-that-is-not-there": lambda f: _only(
        f, python("action", "nothing", "chaos_ext.actions.nothing"), *f.experiment["method"]
    ),
    "an-extension-of-ours-in-another-folder": lambda f: _only(
        f, python("action", "post", "ways_actions", url=ways.url(f, "x")), extensions=[{"name": "chaos_ext"}]
    ),
    "compiled-and-edited": lambda f: _compiled(f),
    "compiled-without-its-environment": lambda f: _compiled(f, configuration={}),
    "control-that-cannot-be-imported": lambda f: (
        ways.unnamed(f),
        f.experiment.update(
            controls=[{"name": "c", "provider": {"type": "python", "module": "chaos_ext.controls.nothing"}}]
        ),
    ),
    "another-profile-in-the-configuration": lambda f: f.experiment["configuration"].update(
        aws_profile_name="production"
    ),
    "another-role-in-the-configuration": lambda f: f.experiment["configuration"].update(
        aws_assume_role_arn=f"arn:aws:iam::{OTHER}:role/x"
    ),
    "another-context-in-the-secrets": lambda f: f.experiment.update(
        secrets={"k8s": {"KUBERNETES_CONTEXT": "production"}}
    ),
    "another-host-in-the-secrets": lambda f: f.experiment.update(
        secrets={"k8s": {"KUBERNETES_HOST": f.production.url}}
    ),
}


@pytest.mark.parametrize("name", EXPERIMENT)
def test_the_experiment_is_another(field, name):
    EXPERIMENT[name](field)
    field.run()
    assert field.changes == []


@pytest.mark.parametrize(
    ("activity", "may"),
    [
        (python("probe", "in_force", "chaos_ext.probes.fault"), False),
        (python("probe", "look", "chaos_ext.probes.fault"), True),  # for its own use, not an activity
        (python("probe", "count_pods", "chaosk8s.pod.probes"), False),
        (python("action", "count_pods", "chaosk8s.pod.probes"), True),
        (python("probe", "terminate_pods", "chaosk8s.pod.actions"), True),
        (python("action", "inject", "chaos_ext.actions.fault"), False),  # proves by itself
        (python("action", "through", "chaos_ext.actions.fault"), True),
        (http("probe", "http://x", "HEAD"), False),
        (http("probe", "http://x", "${METHOD}"), True),
        (http("action", "http://x", "GET"), True),
        ({"type": "probe", "name": "x"}, True),
        ({"type": "probe", "name": "x", "provider": {"type": "grpc"}}, True),
    ],
)
def test_what_may_change_something(activity, may):
    assert gate.may_change(activity) is may


def test_after_an_abort_only_rollbacks_change_something(field):
    def stopped() -> bool:
        return True

    gate.stop_when(stopped)
    try:
        field.run()
    finally:
        gate.forget(stopped)
    assert field.changes == [("POST", "/back")]


# --- settings of drivers ----------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["configuration", "secrets"])
@pytest.mark.parametrize(
    "key",
    [
        "gcp_parent", "gcp_project_id", "aws_endpoint", "aws_host", "aws_endpoint_scheme", "aws_endpoint_url",
        "aws_profile_name", "service_account_info", "KUBECONFIG", "KUBERNETES_HOST",
    ],
)  # fmt: skip
def test_a_setting_that_leads_a_driver_elsewhere_is_refused(field, caplog, where, key):
    value = "projects/production" if key == "gcp_parent" else "production"
    if where == "secrets":
        field.experiment["secrets"] = {"driver": {key: value}}
    else:
        field.experiment["configuration"][key] = value
    field.run()
    assert f"{key}: got a way around the environment's identity" in caplog.text
    assert field.changes == []


def test_a_setting_that_says_the_same_is_not(field):
    field.experiment["configuration"]["aws_profile_name"] = "chaos"
    field.experiment["secrets"] = {"k8s": {"KUBERNETES_CONTEXT": "dedicated"}}
    assert field.run()["status"] == "completed"
