"""Whoever approved a thing approved its values: nothing is filled in afterwards that was not seen before."""

from __future__ import annotations

import pytest
from chaoslib.provider.python import run_python_activity
from policy.conftest import EXPERIMENT, NOW, OWN, through_the_door

from chaos_ext.actions.door import Fault
from chaos_ext.errors import Blocked, UsageError
from chaos_ext.safety.policy import enforcing
from chaos_ext.safety.policy.subject import of_fault, subjects


def ruling(project):
    request = project.request()
    return enforcing.rule(
        project.root, request.experiment, request.environment, id=request.id, file=request.file, at=NOW,
    )  # fmt: skip


def refused(project) -> str:
    (problem,) = ruling(project).refused
    return str(problem)


FROM_A_VARIABLE = "target: {type: env, key: TARGET, default: one-host}"
FROM_A_PROBE = "target: {type: probe, name: p, provider: {type: python, module: socket, func: gethostname}}"


@pytest.mark.parametrize(("written", "kind"), [
    (FROM_A_VARIABLE, "env"), (FROM_A_PROBE, "probe"),
    ("chaos_lab: {type: env, key: TARGET, default: ''}", "env"),  # ours by its name alone
])  # fmt: skip
def test_what_comes_from_outside_of_the_file_cannot_be_approved(project, mika, written, kind):
    """A function of a team's own is given the whole configuration, whether its arguments name it or not."""
    project.write(OWN, EXPERIMENT.replace("dedicated}", f"dedicated, {written}}}"))
    key = written.partition(":")[0]
    with pytest.raises(UsageError) as raised:
        project.approve(mika)
    assert str(raised.value) == (
        f"{OWN}: configuration.{key}: got a value that only the run knows (type: {kind}), expected a value. "
        "Write the value into the file: nobody can approve what is not known."
    )


def test_an_approval_that_was_signed_for_it_all_the_same_does_not_stand(project, mika, monkeypatch):
    project.write(OWN, EXPERIMENT.replace("dedicated}", f"dedicated, {FROM_A_VARIABLE}}}"))
    with monkeypatch.context() as before:
        before.setattr("chaos_ext.safety.policy.values.from_outside", lambda *given: ())
        project.approve(mika)
        assert ruling(project).may_run
    assert refused(project).startswith(f"{OWN}: configuration.target: got a value that only the run knows")
    experiment = project.request().experiment
    with pytest.raises(Blocked, match=r"configuration\.target: got a value that only the run knows"):
        enforcing.refuse_at_the_gate(
            project.root, experiment["method"][0], {"target": "every-host"}, experiment, project.place(),
            file=project.root / OWN, at=NOW,
        )  # fmt: skip


def test_what_compiled_experiments_take_from_the_shell_is_no_matter(project, mika):
    ours = ", ".join(
        f"{key}: {{type: env, key: {key.upper()}, default: ''}}"
        for key in ("chaos_arm", "chaos_lab", "chaos_trial_dir", "chaos_watch_s")
    )
    project.write(OWN, EXPERIMENT.replace("dedicated}", f"dedicated, {ours}}}"))
    project.approve(mika)
    assert ruling(project).may_run


@pytest.mark.parametrize("given", ["all", "one"])
def test_a_mapping_is_a_value_like_any_other(project, mika, given):
    project.write(OWN, EXPERIMENT.replace("dedicated}", "dedicated, hosts: {type: gp3, which: one}}"))
    project.approve(mika)
    experiment, configuration = project.request().experiment, {"hosts": {"type": "gp3", "which": given}}

    def ask():
        return enforcing.refuse_at_the_gate(
            project.root, experiment["method"][0], configuration, experiment, project.place(),
            file=project.root / OWN, at=NOW,
        )  # fmt: skip

    if given == "all":
        with pytest.raises(Blocked, match=r"configuration\.hosts: got "):
            ask()
    else:
        assert ask().approval is not None


# --- dollars, in what goes through the guarded door ---


def as_the_door_sees_it(experiment) -> Fault:
    """What Chaos Toolkit hands to `inject`: it hands the same to any function."""
    given = experiment["method"][0]["provider"]["arguments"]
    provider = {"type": "python", "module": "copy", "func": "deepcopy", "arguments": {"x": given}}
    configuration = experiment["configuration"]
    handed = run_python_activity({"name": "x", "provider": provider}, configuration, {})
    return Fault(**handed, cannot_be_undone_because="", configuration=configuration, secrets={})


@pytest.mark.parametrize("command", ["kill $$$$", "echo $$$${host}", "echo $$5", "echo 5$"])
def test_a_dollar_that_is_meant_is_approved_as_the_door_sees_it(project, mika, command):
    """Chaos Toolkit fills in twice: what `inject` is given, and what that runs."""
    project.write(OWN, through_the_door(command))
    project.approve(mika)
    experiment, place = project.request().experiment, project.place()
    fault = as_the_door_sees_it(experiment)
    assert enforcing.refuse_at_the_door(fault, place, ["orders"], NOW).approval is not None
    at_the_door, planned = of_fault(fault, place, NOW, (), None), subjects(experiment, place, NOW)[0]
    assert (planned.activity, planned.digest) == (at_the_door.activity, at_the_door.digest)


def test_another_command_than_the_approved_one_is_refused_at_the_door(project, mika):
    project.write(OWN, through_the_door("kill $$$$"))
    project.approve(mika)
    experiment = project.request().experiment
    provider = experiment["method"][0]["provider"]["arguments"]["activity"]["provider"]
    provider["arguments"] = ["-c", "kill $$$$$$"]
    with pytest.raises(Blocked, match="expected the experiment as it was approved"):
        enforcing.refuse_at_the_door(as_the_door_sees_it(experiment), project.place(), ["orders"], NOW)


@pytest.mark.parametrize(
    "command", ["echo $${host}", "echo $$host", "echo $$$host", "echo $$$${host} $${host}"]
)
def test_what_is_filled_in_behind_the_door_cannot_be_approved(project, mika, command):
    """`$${host}` is `${host}` once Chaos Toolkit has filled in what `inject` is given, and the host after that."""
    project.write(OWN, through_the_door(command))
    with pytest.raises(UsageError, match="got placeholders that only the run fills in, in x"):
        project.approve(mika)
