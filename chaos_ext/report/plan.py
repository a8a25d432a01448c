"""What a run would do, in lines for people: `chaos verify --dry-run`. Nothing is started or asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chaos_ext.alerts import links
from chaos_ext.arms import LeftOut, trials
from chaos_ext.catalog.load import Catalog
from chaos_ext.compile import compile_experiment
from chaos_ext.errors import UsageError
from chaos_ext.language import Language, Said, listed, say, t
from chaos_ext.model import Arm, Environment, FailureMode, Impact, InjectedFault, Variant, text_in
from chaos_ext.progress import guess_s
from chaos_ext.report import permissions
from chaos_ext.report.guidelines import in_a_plan
from chaos_ext.report.text import pad
from chaos_ext.report.words import impact as impact_word
from chaos_ext.runbook import parse, shell
from chaos_ext.runbook.model import Runbook
from chaos_ext.safety.policy import asked, enforcing
from chaos_ext.safety.policy.approving import Request
from chaos_ext.safety.policy.permissions import derive


def plan_lines(
    catalog: Catalog,
    mode: FailureMode,
    environment: Environment,
    arms: Mapping[Arm, int],
    language: Language = "en",
) -> Iterator[str]:
    """Targets, who is hurt, objectives, duration, and the runbook's commands with what is known filled in."""

    def row(label: str, words: str) -> str:
        return (
            f"  {pad(say(label, language), 10)} {say(words, language) if isinstance(words, Said) else words}"
        )

    yield f"{mode.id}: {text_in(mode.title, language)}"
    where = f"{environment.name} ({environment.platform}): {text_in(environment.title, language)}"
    yield row(t("where"), where)
    runbook = None if mode.runbook == "none" else parse.parse(catalog.root / "catalog" / mode.runbook)
    planned, left_out = trials(arms, runbook, environment)
    for index, told in enumerate(_arms(planned, left_out)):
        yield row("" if index else t("arms"), told)
    for fault in mode.reproduce[environment.platform]:
        for label, words in _fault(fault, environment):
            yield row(label, words)
    experiment = compile_experiment(catalog, mode, environment)
    for index, words in enumerate(_guidelines(catalog, mode, environment, experiment)):
        yield row("" if index else t("guideline"), words)
    for index, words in enumerate(_permissions(catalog, mode, environment, experiment)):
        yield row("" if index else t("needs"), words)
    for flow in catalog.services.flows:
        claim = mode.impact.on(flow)
        hurt = claim is not Impact.NONE
        possible = mode.impact.possible.get(flow)
        expected = t(
            "{flow} expected: {impact}, possibly {possible}" if possible else "{flow} expected: {impact}",
            flow=pad(flow, 12),
            impact=impact_word(claim),
            possible=impact_word(possible),
        )
        yield row(t("users") if hurt else "", expected)
    yield row(t("alert"), _alert(catalog, mode, environment))
    objectives = mode.objectives_in(environment.name)
    back = t(
        "back within {s:g} s of the fault, at most {lost} acknowledged writes lost",
        s=objectives.recover_within,
        lost=objectives.lost_acknowledged_writes,
    )
    yield row(t("objective"), back)
    longest_s = sum(guess_s(variant, mode, environment) for variant in planned)
    yield row(
        t("takes"),
        t("at most about {s:.0f} s", s=longest_s),
    )
    if runbook is not None:
        yield ""
        yield from (
            say(line, language) if isinstance(line, Said) else line
            for line in _runbook(runbook, mode, environment)
        )
    yield ""
    yield say(t("dry run: nothing was started, nothing was injected"), language)


def _guidelines(
    catalog: Catalog, mode: FailureMode, environment: Environment, experiment: Mapping[str, Any]
) -> Iterator[Said | str]:
    """What the guidelines say of each fault now, and who approved it."""
    ruling = enforcing.rule(catalog.root, experiment, environment, id=mode.id)
    yield from in_a_plan(ruling)
    yield from (problem.said() for problem in ruling.refused)


def _permissions(
    catalog: Catalog, mode: FailureMode, environment: Environment, experiment: Mapping[str, Any]
) -> Iterator[Said | str]:
    """What it must be allowed, in short; nothing where it needs nothing."""
    file = catalog.root / asked.EXPERIMENTS / environment.name / f"{mode.id}.yaml"
    request = Request(mode.id, file, experiment, environment, catalog)
    try:
        yield from permissions.in_a_plan(derive(catalog.root, request), mode.id, environment.name)
    except UsageError as error:
        yield from (problem.said() for problem in error.problems)


def _alert(catalog: Catalog, mode: FailureMode, environment: Environment) -> Said:
    within_s = mode.objectives_in(environment.name).detect_within
    alerts, receiver = environment.alerts, mode.detection.receiver
    if mode.runbook == "none":
        return t("{alert} within {s:g} s", alert=mode.detection.alert, s=within_s)
    return t(
        "{alert} within {s:g} s, tells {receiver}, links {url}"
        if receiver
        else "{alert} within {s:g} s, links {url}",
        alert=mode.detection.alert,
        s=within_s,
        receiver=receiver,
        url=links.link(alerts, mode.runbook, links.digest_of(catalog.root, mode.runbook)),
    )


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


def _fault(fault: InjectedFault, environment: Environment) -> Iterator[tuple[str, str]]:
    yield t("fault"), f"{fault.name}: {_call(fault.provider, environment)}"
    yield t("evidence"), _call(fault.in_force["provider"], environment)
    if fault.undo is None:
        yield t("undo"), t("cannot be undone: {why}", why=fault.cannot_be_undone_because)
    else:
        yield t("undo"), _call(fault.undo["provider"], environment)


def _arms(planned: Sequence[Variant], left_out: Sequence[LeftOut]) -> Iterator[str]:
    """How many trials of what; where the runbook is not followed as it is written, each by its name."""
    counted = Counter(planned)
    plain = [(str(variant), count) for variant, count in counted.items() if not variant.step]
    yield listed(t("{count} × {arm}", count=count, arm=arm) for arm, count in plain)
    for variant, count in counted.items():
        if variant.step:
            yield t("{count} × {arm}", count=count, arm=variant)
    for each in left_out:
        yield t("{arm} left out: {why}", arm=each.name, why=each.why)


def _runbook(runbook: Runbook, mode: FailureMode, environment: Environment) -> Iterator[str]:
    known = {k: v for k, v in environment.variables.items() if "${" not in v}
    yield t("runbook {path}, on {platform}:", path=f"catalog/{mode.runbook}", platform=environment.platform)
    for step in runbook.steps:
        blocks = step.blocks_on(environment.platform)
        if not blocks:
            continue
        yield ""
        yield f"  {step.heading}"
        for block in blocks:
            yield t("    [{role}, at most {s:g} s]", role=block.role, s=block.timeout_s)
            yield from (f"      {line}".rstrip() for line in shell.fill(block.code, known).splitlines())
