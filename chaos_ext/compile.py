"""A failure mode and an environment become a Chaos Toolkit experiment. Pure: same inputs, same bytes.

What is compiled is plain Chaos Toolkit. No activity that changes anything stands in it bare: each goes
through `chaos_ext.actions.fault.inject`, whose arguments hold the real activity, its undo and its
evidence. Durations are seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from chaos_ext.catalog.load import Catalog, Digest, digests
from chaos_ext.catalog.source import Path_, dotted
from chaos_ext.catalog.words import nearest_or_all
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.model import Activity, Environment, FailureMode, InjectedFault, Services, text_in

Where = Callable[[Path_], str]

_TARGET = re.compile(r"\$\{target\.([^{}]*)\}")
# What Chaos Toolkit itself would change in an argument: `$$`, and `$name` of anything in `configuration`.
_WOULD_CHANGE = re.compile(
    r"\$\$|\$\{|\$chaos_(?:environment|mode|arm|trial_dir|lab|watch_s)\b", re.IGNORECASE
)
_NO_USERS = "A rehearsal: a control plane without users, of whom nothing is measured"
_HYPOTHESIS = "Every user flow meets its SLO, and nothing that was acknowledged is lost"


def compile(
    mode: FailureMode,
    environment: Environment,
    services: Services,
    made_from: Mapping[str, Digest],
    where: Where | None = None,
) -> dict[str, Any]:
    """The experiment that reproduces `mode` in `environment` and follows its runbook.

    `made_from` has the digests of mode, runbook, environment and services (`catalog.load.digests`).
    `where` names a place in the mode's file for messages; without it they name the mode.
    Raises UsageError with every problem: the mode has no way to be reproduced on this platform or no
    objectives here, an unknown ``${target.…}``, any other placeholder.
    """
    problems: list[Problem] = []
    locate = where or (lambda at: mode.id)
    faults = _faults(mode, environment, locate, problems)
    if environment.name not in mode.objectives and "default" not in mode.objectives:
        expected = t("'default' or '{name}'", name=environment.name)
        problems.append(Problem(locate(("objectives",)), "objectives", t("no objectives"), expected))
    if problems:
        raise UsageError(problems)
    return {
        "version": "1.0.0",
        "title": text_in(mode.title),
        "description": _description(mode, services),
        "tags": [mode.product, str(mode.category), environment.platform, mode.owner],
        "configuration": _configuration(mode, environment),
        "controls": [{"name": "trial", "provider": _python("chaos_ext.controls.trial")}],
        "runtime": {"rollbacks": {"strategy": "always"}},
        "steady-state-hypothesis": _hypothesis(environment),
        "method": [*(_inject(fault) for fault in faults), *_after_injection(mode, environment)],
        "rollbacks": [_undo(fault) for fault in reversed(faults)],
        "extensions": [
            {
                "name": "chaos_ext",
                "made_from": {kind: made._asdict() for kind, made in made_from.items()},
            }
        ],
    }


def faults_in(mode: FailureMode, environment: Environment) -> list[InjectedFault]:
    """The faults of a mode as they are compiled for an environment. Raises UsageError as `compile` does."""
    problems: list[Problem] = []
    faults = _faults(mode, environment, lambda at: mode.id, problems)
    if problems:
        raise UsageError(problems)
    return faults


def compile_experiment(catalog: Catalog, mode: FailureMode, environment: Environment) -> dict[str, Any]:
    """`compile` for a mode of a loaded catalogue: reads the digests, names file and line."""
    source = catalog.sources.get(mode.id)
    made_from = digests(catalog, mode, environment.name)
    return compile(mode, environment, catalog.services, made_from, None if source is None else source.where)


def dump(experiment: Mapping[str, Any]) -> str:
    """The experiment as YAML, stable to the byte, below a comment that says where it comes from."""
    made_from = experiment["extensions"][0]["made_from"]
    sources = " and ".join(made_from[kind]["file"] for kind in ("mode", "environment") if kind in made_from)
    head = f"# Compiled from {sources}.\n# Do not edit: change those and run `chaos catalog compile`.\n"
    return head + yaml.dump(experiment, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)


class _Plain(yaml.CSafeDumper):
    """Every value written out where it stands: a reviewer should not have to follow an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Plain.add_multi_representer(str, lambda dumper, text: dumper.represent_str(str.__str__(text)))


# --- the parts of an experiment ------------------------------------------------------------------


def _description(mode: FailureMode, services: Services) -> str:
    hurt = [
        f"{text_in(services.flows[flow].title)}: {impact}"
        for flow, impact in sorted(mode.impact.flows.items())
        if flow in services.flows
    ]
    maybe = [
        f"{text_in(services.flows[flow].title)}: {impact}"
        for flow, impact in sorted(mode.impact.possible.items())
        if flow in services.flows
    ]
    claimed = f" Claimed impact: {'; '.join(hurt)}." if hurt else ""
    possible = f" Possible besides: {'; '.join(maybe)}." if maybe else ""
    return f"{text_in(mode.event)} {text_in(mode.impact.summary)}{claimed}{possible}"


def _configuration(mode: FailureMode, environment: Environment) -> dict[str, Any]:
    return {
        "chaos_environment": environment.name,
        "chaos_mode": mode.id,
        "chaos_arm": _variable("CHAOS_ARM", "treatment"),
        "chaos_trial_dir": _variable("CHAOS_TRIAL_DIR"),
        "chaos_lab": _variable("CHAOS_LAB"),
        "chaos_watch_s": _variable("CHAOS_WATCH_S"),
    }


def _variable(name: str, default: str = "") -> dict[str, str]:
    return {"type": "env", "key": name, "default": default}


def _python(module: str, func: str = "", arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    provider: dict[str, Any] = {"type": "python", "module": module}
    if func:
        # Always with arguments: a tolerance without them ends Chaos Toolkit with no journal and no rollbacks.
        provider |= {"func": func, "arguments": arguments or {}}
    return provider


def _activity(kind: str, name: str, module: str, func: str, /, **arguments: Any) -> Activity:
    return {"type": kind, "name": name, "provider": _python(f"chaos_ext.{module}", func, arguments)}


def _hypothesis(environment: Environment) -> dict[str, Any]:
    probe = _activity("probe", "flows-meet-slo", "probes.steady_state", "flows_meet_slo")
    tolerance = _activity("probe", "holds", "probes.tolerance", "holds")
    title = _HYPOTHESIS if environment.rehearsal is None else _NO_USERS
    return {"title": title, "probes": [{**probe, "tolerance": tolerance}]}


def _inject(fault: InjectedFault) -> Activity:
    arguments: dict[str, Any] = {
        "name": fault.name,
        "activity": {"type": fault.type, "name": fault.name, "provider": fault.provider},
        "in_force": fault.in_force,
        "undo": fault.undo,
    }
    if fault.cannot_be_undone_because:
        arguments["cannot_be_undone_because"] = fault.cannot_be_undone_because
    if fault.expires_after is not None:
        arguments["expires_after"] = fault.expires_after
    return _activity("action", f"inject-{fault.name}", "actions.fault", "inject", **arguments)


def _undo(fault: InjectedFault) -> Activity:
    return _activity("action", f"undo-{fault.name}", "actions.fault", "undo", name=fault.name)


def _after_injection(mode: FailureMode, environment: Environment) -> list[Activity]:
    objectives = mode.objectives_in(environment.name)
    of_users = [
        _activity("probe", "impact-seen", "probes.impact", "seen"),
        _activity(
            "probe",
            "alert-links-runbook",
            "probes.alert",
            "fires_and_links",
            alert=mode.detection.alert,
            runbook=mode.runbook,
            within_s=objectives.detect_within,
            **({"receiver": mode.detection.receiver} if mode.detection.receiver else {}),
        ),
    ]
    return [
        _activity("probe", "fault-in-force", "probes.fault", "in_force", when="after-injection"),
        *(of_users if environment.rehearsal is None else ()),
        _activity("probe", "fault-still-in-force", "probes.fault", "in_force", when="before-mitigation"),
        _activity("action", "respond", "actions.respond", "respond", runbook=mode.runbook),
        _activity("probe", "recovered", "probes.recovery", "recovered", within_s=objectives.recover_within),
    ]


# --- placeholders --------------------------------------------------------------------------------


def _faults(
    mode: FailureMode, environment: Environment, where: Where, problems: list[Problem]
) -> list[InjectedFault]:
    """The faults of this platform with every role replaced by the resource that plays it."""
    platform = environment.platform
    if not mode.reproduce.get(platform):
        at = ("reproduce", platform)
        problems.append(
            Problem(where(at), dotted(at), t("no fault"), t("at least one"), t("Say how to inject it."))
        )
        return []
    return [
        fault.model_copy(
            update={
                field: _with_targets(
                    getattr(fault, field), environment, ("reproduce", platform, index, field), where, problems
                )
                for field in ("provider", "in_force", "undo")
            }
        )
        for index, fault in enumerate(mode.reproduce[platform])
    ]


def _with_targets(
    value: Any, environment: Environment, at: Path_, where: Where, problems: list[Problem]
) -> Any:
    if isinstance(value, dict):
        return {
            key: _with_targets(each, environment, (*at, key), where, problems) for key, each in value.items()
        }
    if isinstance(value, list):
        return [
            _with_targets(each, environment, (*at, index), where, problems)
            for index, each in enumerate(value)
        ]
    if not isinstance(value, str) or "$" not in value:
        return value

    def resource(match: re.Match[str]) -> str:
        if match[1] in environment.targets:
            return environment.targets[match[1]]
        expected = t("a role that environments/{name}.yaml has under targets", name=environment.name)
        hint = nearest_or_all(match[1], environment.targets)
        problems.append(Problem(where(at), dotted(at), f"'{match[0]}'", expected, hint))
        return ""

    filled = _TARGET.sub(resource, value)
    left = _WOULD_CHANGE.search(filled)
    if left:
        expected = t("no placeholder but ${target.…}, and no $$, which Chaos Toolkit turns into $")
        problems.append(
            Problem(where(at), dotted(at), t("'{left}' in {value!r}", left=left[0], value=value), expected)
        )
    return filled
