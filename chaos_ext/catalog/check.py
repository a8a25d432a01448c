"""Whether the catalogue holds together: names that exist, activities that run, runbooks that lint.

All problems of all files at once. Everything that many failure modes share (functions, runbooks,
environments, digests) is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from chaos_ext import compile as compiling
from chaos_ext import environments as places
from chaos_ext.catalog import guidelines, keeping, load
from chaos_ext.catalog.activities import Functions
from chaos_ext.catalog.coverage import check_covers
from chaos_ext.catalog.load import Catalog
from chaos_ext.catalog.restoring import check_leaves, check_leaves_in
from chaos_ext.catalog.runbooks import check_runbooks, lint_the_rest
from chaos_ext.catalog.source import Path_, dotted
from chaos_ext.catalog.surroundings import check_environment, check_services
from chaos_ext.catalog.words import nearest_or_all
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.model import Environment, FailureMode, Impact
from chaos_ext.safety.policy import approvals

EXPERIMENTS = "experiments"
_COMPILE = t("Run `chaos catalog compile`.")


@dataclass
class Checked:
    """What a check found. `experiments` holds the text that each compiled file should have, by its path.

    `leftovers` are compiled files of no failure mode; `modes` and `environments` how many were understood.
    """

    problems: list[Problem] = field(default_factory=list)
    experiments: dict[Path, str] = field(default_factory=dict)
    leftovers: list[Path] = field(default_factory=list)
    modes: int = 0
    environments: int = 0


def check(root: Path, compiled: bool = True) -> Checked:
    """Check everything below `root`. With `compiled`, the committed experiments must be up to date too."""
    checked = Checked()
    found = load.scan(root, checked.problems)
    known = [
        environment
        for name in places.names(root)
        if (environment := places.scan(name, root, checked.problems)) is not None
    ]
    for environment in known:
        checked.problems += check_environment(environment, root)
    rules = guidelines.scan(root, checked.problems)
    if rules is not None:
        checked.problems += guidelines.check(rules, found, known)
    keeping.scan(root, checked.problems)
    checked.problems += approvals.check(root)
    if found is None:
        return checked
    checked.problems += check_services(found.services, root)
    checked.modes, checked.environments = len(found.modes), len(known)
    _check_all(found, found.modes.values(), known, checked)
    checked.problems += lint_the_rest(found)
    checked.leftovers = leftovers(found, known)
    if compiled:
        checked.problems += _out_of_date(root, checked.experiments)
        checked.problems += [
            Problem(
                str(path.relative_to(root)), "", t("an experiment of no failure mode"), t("none"), _COMPILE
            )
            for path in checked.leftovers
        ]
    checked.problems = list(dict.fromkeys(checked.problems))
    return checked


def check_modes(
    catalog: Catalog, modes: Iterable[FailureMode], environments: Sequence[Environment]
) -> list[Problem]:
    """Everything that is wrong with `modes` in `environments`, committed experiments included.

    Each mode must be reproducible in each environment.
    """
    checked = Checked()
    modes = list(modes)
    for mode in modes:
        for environment in environments:
            if environment.platform not in mode.reproduce:
                at = ("reproduce", environment.platform)
                expected = t("a fault for environment '{name}'", name=environment.name)
                checked.problems.append(catalog.problem(mode, at, "nothing", expected))
    _check_all(catalog, modes, environments, checked)
    checked.problems += _out_of_date(catalog.root, checked.experiments)
    return list(dict.fromkeys(checked.problems))


def _check_all(
    catalog: Catalog, modes: Iterable[FailureMode], environments: Sequence[Environment], checked: Checked
) -> None:
    modes = list(modes)
    functions = Functions()
    digest = cache(load.digest)
    checked.problems += check_runbooks(catalog, modes, environments)
    for mode in modes:
        one = _Mode(catalog, mode, functions)
        one.check_itself()
        bound = [each for each in environments if each.platform in mode.reproduce]
        for environment in bound:
            one.check_in(environment)
        check_leaves_in(mode, bound, one.say)
        checked.problems += one.problems
        if one.problems:
            continue  # what it compiles to would only say the same again
        for environment in bound:
            path = catalog.root / EXPERIMENTS / environment.name / f"{mode.id}.yaml"
            made_from = load.digests(catalog, mode, environment.name, digest)
            where = partial(catalog.where, mode)
            try:
                experiment = compiling.compile(mode, environment, catalog.services, made_from, where)
            except UsageError as error:
                checked.problems += error.problems
                continue
            checked.problems += _check_compiled(experiment, functions, path.relative_to(catalog.root))
            checked.experiments[path] = compiling.dump(experiment)


class _Mode:
    """One failure mode under examination."""

    def __init__(self, catalog: Catalog, mode: FailureMode, functions: Functions) -> None:
        self.catalog = catalog
        self.mode = mode
        self.functions = functions
        self.problems: list[Problem] = []
        self._problem = partial(catalog.problem, mode)

    def say(self, at: Path_, got: str, expected: str, hint: str = "") -> None:
        self.problems.append(self._problem(at, got, expected, hint))

    def check_itself(self) -> None:
        """What is wrong wherever it runs."""
        flows = self.catalog.services.flows
        claim = self.mode.impact
        for key, claimed in (("flows", claim.flows), ("possible", claim.possible)):
            for flow in claimed:
                if flow not in flows:
                    hint = nearest_or_all(flow, flows)
                    self.say(
                        ("impact", key, flow),
                        f"'{flow}'",
                        t("a user flow of {services}", services=load.SERVICES),
                        hint,
                    )
                elif claimed[flow] not in flows[flow].shows:
                    expected = t(
                        "outage, degraded or none: the flow says nothing of being {impact}",
                        impact=str(claimed[flow]),
                    )
                    self.say(("impact", key, flow), claimed[flow], expected)
        for flow, impact in claim.possible.items():
            where = ("impact", "possible", flow)
            if claim.hurt.get(flow) is impact:
                self.say(
                    where, t("'{impact}', as impact.flows says", impact=impact), t("another word, or none")
                )
            if impact is Impact.NONE:
                self.say(where, t("none"), t("what it may be hurt: no flow need be, that is named here"))
            if impact is Impact.OUTAGE and flow not in claim.hurt:
                # Whatever users feel would be right then, and nothing of the claim could turn out wrong.
                self.say(
                    where,
                    t("outage, of a flow that impact.flows does not call hurt"),
                    t("a claim in impact.flows: an outage is no side effect"),
                )
        for name, objectives in self.mode.objectives.items():
            if objectives.detect_within > objectives.recover_within:
                got = t(
                    "{detect_within:g} s, longer than recover_within", detect_within=objectives.detect_within
                )
                expected = t("at most {recover_within:g} s", recover_within=objectives.recover_within)
                self.say(("objectives", name, "detect_within"), got, expected)
        check_leaves(self.mode, self.say)
        self.problems += check_covers(self.mode, self.catalog.services, self._problem)
        if not any(self.mode.reproduce.values()):
            self.say(("reproduce",), t("no fault"), t("at least one platform with a fault"))
        for platform, faults in self.mode.reproduce.items():
            names: set[str] = set()
            for index, fault in enumerate(faults):
                at: Path_ = ("reproduce", platform, index)
                if fault.name in names:
                    self.say((*at, "name"), t("'{name}' again", name=fault.name), t("a name of its own"))
                names.add(fault.name)
                self._check_fault(fault, at)

    def _check_fault(self, fault: Any, at: Path_) -> None:
        def say(of: Path_, inner: Path_, got: str, expected: str, hint: str) -> None:
            self.say((*at, *of, *inner), got, expected, hint)

        real = {"type": fault.type, "name": fault.name, "provider": fault.provider}
        self.functions.check(real, "action", partial(say, ()))
        self.functions.check(fault.in_force, "probe", partial(say, ("in_force",)))
        if fault.undo is not None:
            self.functions.check(fault.undo, "action", partial(say, ("undo",)))
            provider = fault.undo.get("provider")
            if isinstance(provider, dict) and provider.get("secrets"):
                where = (*at, "undo", "provider", "secrets")
                self.say(where, "secrets", t("none: whoever heals after a dead run has no secrets"))
            if fault.cannot_be_undone_because is not None:
                where = (*at, "cannot_be_undone_because")
                self.say(where, t("a reason beside an undo"), t("one of the two"), t("Remove one."))
        elif not fault.cannot_be_undone_because:
            hint = t("Add an undo, or say why none can exist: 'cannot_be_undone_because: …'.")
            self.say((*at, "undo"), t("nothing"), t("an activity that undoes the fault"), hint)

    def _told_in(self, environment: Environment, name: str) -> None:
        """The receiver is one that the routes name, and the one to whom they send the alert."""
        wanted, alerts = self.mode.detection.receiver, environment.alerts
        if wanted is None or not alerts.routes:
            return
        at = ("detection", "receiver")
        rule = next((rule for rule in alerts.rules if rule.name == self.mode.detection.alert), None)
        if wanted not in alerts.receivers:
            hint = nearest_or_all(wanted, alerts.receivers)
            self.say(at, f"'{wanted}'", t("a receiver that the routes of {name} name", name=name), hint)
        elif rule is not None and rule.rule is not None:
            told = alerts.told(rule.rule.labels) or t("nobody")
            if told != wanted:
                expected = t("{receiver}, to whom the routes of {name} send it", receiver=told, name=name)
                self.say(at, f"'{wanted}'", expected)

    def check_in(self, environment: Environment) -> None:
        """What is wrong in one environment that it is bound to."""
        mode, name = self.mode, f"environments/{environment.name}.yaml"
        if environment.name not in mode.objectives and "default" not in mode.objectives:
            self.say(("objectives",), t("no objectives"), t("'default' or '{name}'", name=environment.name))
        rules = {rule.name: rule for rule in environment.alerts.rules}
        alert = mode.detection.alert
        if environment.rehearsal is not None:
            pass  # nobody is told of anything there
        elif alert not in rules:
            hint = nearest_or_all(alert, rules)
            self.say(("detection", "alert"), f"'{alert}'", t("an alert of {name}", name=name), hint)
        elif mode.runbook not in ("none", rules[alert].runbook):
            got = t("'{alert}', which links {runbook}", alert=alert, runbook=rules[alert].runbook)
            self.say(
                ("detection", "alert"),
                got,
                t("an alert that links {runbook}", runbook=mode.runbook),
                t("Mend {name}.", name=name),
            )
        self._told_in(environment, name)
        platform, longest = environment.platform, environment.limits.longest_fault
        own = environment.name if environment.name in mode.objectives else "default"
        if own in mode.objectives:
            within, stable = mode.objectives[own].recover_within, environment.windows.stable
            if within + stable >= longest:
                where = ("objectives", own, "recover_within")
                got = t(
                    "{within:g} s, which with the stable window of {stable:g} s is {within_2:g} s",
                    within=within,
                    stable=stable,
                    within_2=within + stable,
                )
                expected = t(
                    "less than {longest:g} s, when the fault is undone ({name}: limits.longest_fault)",
                    longest=longest,
                    name=name,
                )
                self.say(where, got, expected, t("Shorten it, or let faults last longer there."))
        for index, fault in enumerate(mode.reproduce[platform]):
            if fault.expires_after is not None and fault.expires_after > longest:
                at = ("reproduce", platform, index, "expires_after")
                expected = t(
                    "at most {longest:g} s ({name}: limits.longest_fault)", longest=longest, name=name
                )
                self.say(at, f"{fault.expires_after:g} s", expected)


def _check_compiled(experiment: dict[str, Any], functions: Functions, shown: Path) -> list[Problem]:
    """The toolkit's own activities, held against themselves: what cannot run is never written."""
    problems: list[Problem] = []

    def say(place: Path_, at: Path_, got: str, expected: str, hint: str) -> None:
        problems.append(Problem(str(shown), dotted((*place, *at)), got, expected, hint))

    for part in ("method", "rollbacks"):
        for index, activity in enumerate(experiment[part]):
            functions.check(activity, activity["type"], partial(say, (part, index)))
    return problems


def _out_of_date(root: Path, experiments: dict[Path, str]) -> list[Problem]:
    problems = []
    for path, text in experiments.items():
        shown = str(path.relative_to(root))
        try:
            same = path.read_bytes() == text.encode()
        except FileNotFoundError:
            problems.append(Problem(shown, "", t("no file"), t("the compiled experiment"), _COMPILE))
            continue
        if not same:
            problems.append(
                Problem(shown, "", t("an experiment that is out of date"), t("the compiled one"), _COMPILE)
            )
    return problems


def leftovers(catalog: Catalog, environments: Iterable[Environment]) -> list[Path]:
    """Compiled experiments whose failure mode is gone, or is no longer bound to the platform."""
    known = set(load.ids(catalog.root))
    found = []
    for environment in environments:
        for path in sorted((catalog.root / EXPERIMENTS / environment.name).glob("*.yaml")):
            mode = catalog.modes.get(path.stem)
            if path.stem not in known or (mode is not None and environment.platform not in mode.reproduce):
                found.append(path)
    return found


def write(root: Path, checked: Checked) -> tuple[list[Path], list[Path]]:
    """Bring the committed experiments up to date; returns what was written and what was removed.

    Each file is replaced as a whole. Raises OSError.
    """
    written = []
    for path, text in checked.experiments.items():
        data = text.encode()
        if path.is_file() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        try:
            new.write_bytes(data)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        written.append(path)
    for path in checked.leftovers:
        path.unlink()
    return written, checked.leftovers
