"""What a run would do, in lines for people: `chaos verify --dry-run`. Nothing is started or asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chaos_ext.catalog.load import Catalog
from chaos_ext.model import Arm, Environment, FailureMode, Impact, InjectedFault, text_in
from chaos_ext.report.text import pad
from chaos_ext.runbook import parse, shell

# What a trial takes besides its windows and what the objectives allow: the lab, the fault, the looks.
_AROUND_A_TRIAL_S = 6.0


def plan_lines(
    catalog: Catalog, mode: FailureMode, environment: Environment, arms: Mapping[Arm, int]
) -> Iterator[str]:
    """Targets, who is hurt, objectives, duration, and the runbook's commands with what is known filled in."""
    objectives = mode.objectives_in(environment.name)
    base = environment.alerts.runbook_base_url
    yield f"{mode.id}: {text_in(mode.title)}"
    yield from _row("where", f"{environment.name} ({environment.platform}): {text_in(environment.title)}")
    yield from _row("arms", ", ".join(f"{count} × {arm}" for arm, count in arms.items()))
    for fault in mode.reproduce[environment.platform]:
        yield from _fault(fault, environment)
    for flow in catalog.services.flows:
        claim = mode.impact.on(flow)
        possible = mode.impact.possible.get(flow)
        expected = f"{claim}" if possible is None else f"{claim}, possibly {possible}"
        yield from _row("users" if claim is not Impact.NONE else "", f"{pad(flow, 12)} expected: {expected}")
    link = "" if mode.runbook == "none" else f", links {base}{mode.runbook}"
    yield from _row("alert", f"{mode.detection.alert} within {objectives.detect_within:g} s{link}")
    yield from _row(
        "objective",
        f"back within {objectives.recover_within:g} s of the fault, "
        f"at most {objectives.lost_acknowledged_writes} acknowledged writes lost",
    )
    yield from _row("takes", f"at most about {_longest_s(mode, environment, arms):.0f} s")
    if mode.runbook != "none":
        yield ""
        yield from _runbook(catalog, mode, environment)
    yield ""
    yield "dry run: nothing was started, nothing was injected"


def _row(label: str, words: str) -> Iterator[str]:
    yield f"  {pad(label, 10)} {words}"


def _call(provider: Mapping[str, Any], environment: Environment) -> str:
    arguments = ", ".join(
        f"{k}={_filled(v, environment)!r}" for k, v in provider.get("arguments", {}).items()
    )
    return f"{provider.get('module', '')}.{provider.get('func', '')}({arguments})"


def _filled(value: Any, environment: Environment) -> Any:
    if not isinstance(value, str):
        return value
    for role, resource in environment.targets.items():
        value = value.replace(f"${{target.{role}}}", resource)
    return value


def _fault(fault: InjectedFault, environment: Environment) -> Iterator[str]:
    yield from _row("fault", f"{fault.name}: {_call(fault.provider, environment)}")
    yield from _row("evidence", _call(fault.in_force["provider"], environment))
    undo = (
        f"cannot be undone: {fault.cannot_be_undone_because}"
        if fault.undo is None
        else _call(fault.undo["provider"], environment)
    )
    yield from _row("undo", undo)


def _longest_s(mode: FailureMode, environment: Environment, arms: Mapping[Arm, int]) -> float:
    windows = environment.windows
    one = (
        _AROUND_A_TRIAL_S
        + windows.baseline
        + mode.objectives_in(environment.name).recover_within
        + windows.stable
    )
    return one * sum(arms.values())


def _runbook(catalog: Catalog, mode: FailureMode, environment: Environment) -> Iterator[str]:
    runbook = parse.parse(catalog.root / "catalog" / mode.runbook)
    known = {k: v for k, v in environment.variables.items() if "${" not in v}
    yield f"runbook catalog/{mode.runbook}, on {environment.platform}:"
    for step in runbook.steps:
        blocks = step.blocks_on(environment.platform)
        if not blocks:
            continue
        yield ""
        yield f"  {step.heading}"
        for block in blocks:
            yield f"    [{block.role}, at most {block.timeout_s:g} s]"
            yield from (f"      {line}".rstrip() for line in shell.fill(block.code, known).splitlines())
