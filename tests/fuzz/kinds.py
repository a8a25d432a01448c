"""The kinds of file that are mutated, each with the shipped ones and everything that reads them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fuzz import mutations
from fuzz.mutations import Originals

from chaos_ext import compile as compiling
from chaos_ext import environments
from chaos_ext.catalog import check, guidelines, keeping, load, surroundings
from chaos_ext.catalog.words import understood
from chaos_ext.cli import ledger as ledger_command
from chaos_ext.errors import Blocked, Problem, UsageError
from chaos_ext.language import say
from chaos_ext.model import Environment, FailureMode, Services
from chaos_ext.model.approvals import Approval
from chaos_ext.report import text
from chaos_ext.runbook import outline
from chaos_ext.runbook.lint import lint
from chaos_ext.runbook.parse import parse
from chaos_ext.safety import free, ledger
from chaos_ext.safety.policy import approvals, canonical, deciding, enforcing, subject

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 3000  # characters of one message: it is for a person


@dataclass(frozen=True)
class Outcome:
    """How reading ended. `problems` is empty when it ended well."""

    problems: tuple[Problem, ...] = ()
    blocked: tuple[str, ...] = ()  # a ledger's refusals are sentences

    @property
    def word(self) -> str:
        """What the counts are kept by."""
        if not self.problems and not self.blocked:
            return "well"
        wheres = [problem.where for problem in self.problems] + list(self.blocked)
        return "with line" if any(re.search(r":\d+", where) for where in wheres) else "file only"


@dataclass
class Kind:
    """One kind of file: where the mutated one is put, and what reads it."""

    name: str
    originals: Originals
    prepare: Callable[[Path], None]  # makes the project around it, in an empty folder, once
    read: Callable[[Path, str], Iterable[Problem]]  # (project, path) → problems; or raises one of our errors
    roots: dict[str, Path] = field(default_factory=dict)

    def root(self, folder: Path, path: str) -> Path:
        """The project for `path`."""
        found = self.roots.get(path)
        if found is None:
            found = self.roots[path] = folder / self.name / str(len(self.roots))
            found.mkdir(parents=True)
            _SETTINGS[found] = path
            self.prepare(found)
        return found

    def outcome(self, root: Path, path: str) -> Outcome:
        """Read it, and say everything that is wrong with it in both languages. Anything but our errors escapes."""
        try:
            problems = tuple(self.read(root, path))
        except UsageError as error:
            problems = tuple(error.problems) or (
                Problem("", "", str(error), "a refusal with where and what"),
            )
        except Blocked as error:
            return _blocked(error)
        for problem in problems:
            _sayable(str(problem), say(problem.said(), "ja"))
        return Outcome(problems)


Files = tuple[tuple[str, bytes], ...]
_SETTINGS: dict[Path, str] = {}


def _blocked(error: Blocked) -> Outcome:
    _sayable(str(error), say(error, "ja"))
    return Outcome(blocked=(str(error),))


def _sayable(*texts: str) -> None:
    for told in texts:
        told.encode()
        assert len(told) <= LONGEST, f"a message of {len(told)} characters: {told[:300]}…"
        bad = [character for character in told if not character.isprintable() and character not in "\n\u3000"]
        assert not bad, f"a message that holds {bad[0]!r}: {told!r}"


def _shipped(*patterns: str) -> tuple[tuple[str, bytes], ...]:
    paths = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    assert paths, patterns
    return tuple((str(path.relative_to(ROOT)), path.read_bytes()) for path in paths)


def _lay_out(root: Path, *patterns: str) -> None:
    for path, raw in _shipped(*patterns):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(raw)


_ANY_GUIDELINES = """\
schema: 1
rules:
  - {id: anything, decision: free, reason: {en: It is a test., ja: テストのため。}, match: {environment: [lab]}}
"""


def _environment_about(root: Path, runbook: str) -> None:
    """The shipped environment with the alerts of one runbook, so that nothing else is looked at again and again."""
    (path, raw), *_ = _shipped("environments/*.yaml")
    data = yaml.safe_load(raw)
    data["alerts"]["rules"] = [rule for rule in data["alerts"]["rules"] if rule["runbook"] == runbook]
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (root / "catalog").mkdir(exist_ok=True)
    (root / "catalog" / "guidelines.yaml").write_text(_ANY_GUIDELINES, encoding="utf-8")


# --- failure modes -------------------------------------------------------------------------------


def _beside_mode(root: Path) -> None:
    path = _SETTINGS[root]
    stem = Path(path).stem
    _lay_out(root, "catalog/services.yaml", f"catalog/runbooks/{stem}.md")
    _environment_about(root, f"runbooks/{stem}.md")
    (root / path).parent.mkdir(parents=True)


def _read_mode(root: Path, path: str) -> list[Problem]:
    return check.check(root, compiled=False).problems


# --- services ------------------------------------------------------------------------------------


def _beside_services(root: Path) -> None:
    _lay_out(root, "catalog/failure-modes/*/redis-memory-full.yaml", "catalog/runbooks/redis-memory-full.md")
    _environment_about(root, "runbooks/redis-memory-full.md")


def _read_services(root: Path, path: str) -> list[Problem]:
    problems = check.check(root, compiled=False).problems
    if not problems:
        from chaos_ext.meter.template import CompiledRequest

        for name, flow in load.services(root).flows.items():
            CompiledRequest(name, flow, "https://127.0.0.1:1", "run", "w").prepare(0)
    return problems


# --- environments --------------------------------------------------------------------------------


def _beside_environment(root: Path) -> None:
    _lay_out(root, "catalog/services.yaml", "catalog/failure-modes/**/*.yaml", "catalog/runbooks/*.md")
    (root / "environments").mkdir()


def _facts(raw: bytes) -> dict[str, Any]:
    """What a lab would say of itself, so that every placeholder of the shipped file has a value."""
    facts: dict[str, Any] = {}
    for name in re.findall(rb"\$\{lab\.([\w.]+)\}", raw):
        *groups, last = name.decode().split(".")
        inner = facts
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[last] = "/a/value"
    return facts


@cache
def _to_compile(root: Path) -> tuple[Services, list[FailureMode]]:
    modes = ("redis-memory-full", "postgresql-primary-down")
    return load.services(root), [load.mode(root, mode) for mode in modes]


def _read_environment(root: Path, path: str) -> list[Problem]:
    problems: list[Problem] = []
    environment = environments.scan(Path(path).stem, root, problems)
    if environment is None or problems:
        return problems
    problems += surroundings.check_environment(environment, root)
    if problems:
        return problems
    environments.fill(environment, _facts((ROOT / path).read_bytes()), {"HOME": "/root"})
    for rule in environment.alerts.rules:
        rule.as_written()
    _json_goes_round(environment)
    services, modes = _to_compile(root)
    for mode in modes:
        with contextlib.suppress(UsageError):  # what a mode needs of a place is a problem of the mode's file
            experiment = compiling.compile(mode, environment, services, {})
            compiling.dump(experiment | {"extensions": [{"made_from": {}}]})
    return problems


def _json_goes_round(environment: Environment) -> None:
    """As a bundle keeps it."""
    Environment.model_validate(json.loads(environment.model_dump_json(by_alias=True)))


# --- guidelines and approvals --------------------------------------------------------------------

_NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
_APPROVED = "experiments/lab/redis-memory-full.yaml"


def _beside_policy(root: Path) -> None:
    _lay_out(root, "catalog/**/*.*", "environments/*.yaml", "experiments/lab/*.yaml")
    (root / "approvals" / "lab").mkdir(parents=True)


@cache
def _around(root: Path) -> tuple[load.Catalog, Environment, tuple[subject.Subject, ...]]:
    """What the guidelines are asked about: some faults of the catalogue, and some of a team's own."""
    catalog, environment = load.catalog(root), environments.load("lab", root)
    experiments = [
        (yaml.safe_load((root / "experiments" / "lab" / f"{mode.id}.yaml").read_bytes()), mode)
        for mode in list(catalog.modes.values())[:4]
    ]
    own = {
        "type": "action",
        "name": "x",
        "provider": {"type": "http", "url": "https://a:1/b?c", "method": "POST"},
    }
    process = {
        "type": "action",
        "name": "y",
        "provider": {"type": "process", "path": "rm", "arguments": "-rf ${x}"},
    }
    found = [each for one, mode in experiments for each in subject.subjects(one, environment, _NOW, mode)]
    found += subject.subjects({"method": [own, process]}, environment, _NOW)
    return catalog, environment, tuple(found)


_HISTORY = "schema: 1\nkeep:\n  - {environment: lab, for: 30d, last: 3}\n  - {environment: 'dedicated-*', for: 730d}\n"


def _read_history(root: Path, path: str) -> list[Problem]:
    """As `chaos history prune` reads it; what the check says is the same."""
    problems: list[Problem] = []
    for rule in keeping.scan(root, problems):
        assert rule.kept.last >= 1
        assert 0 <= rule.kept.for_ < 11 * 366 * 86_400
    return problems


def _read_guidelines(root: Path, path: str) -> list[Problem]:
    catalog, environment, subjects = _around(root)
    problems: list[Problem] = []
    read = guidelines.scan(root, problems)
    if read is not None:
        problems += guidelines.check(read, catalog, [environment])
        for each in subjects:
            decided = deciding.decide(read, each)
            enforcing.said(decided)
            json.dumps([str(decided.doubt), [str(passed.why) for passed in decided.passed]])
    return problems


def _approval() -> bytes:
    """An approval of a shipped experiment, as `chaos policy approve` writes it."""
    content = yaml.safe_load((ROOT / _APPROVED).read_bytes())
    written = {
        "schema": 1,
        "experiment": {
            "id": "redis-memory-full", "file": _APPROVED, "content": canonical.digest(content),
            "sha256": hashlib.sha256((ROOT / _APPROVED).read_bytes()).hexdigest(), "faults": {"fill-memory": "0" * 64},
        },
        "environment": {
            "name": "lab", "file": "environments/lab.yaml", "sha256": environments.digest("lab", ROOT),
        },
        "issuer": "mika@example.com", "issued": "2026-11-24T02:00:00Z", "expires": "2026-11-25T02:00:00Z",
        "reason": "Looked at together.",
    }  # fmt: skip
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True).encode()


def _read_approval(root: Path, path: str) -> list[Problem]:
    """Everything that is asked of an approval whose signature holds; whose does not is refused before."""
    problems = approvals.check(root)
    approval, source = understood(root / path, root, Approval, [])
    if approval is None or source is None:
        return problems
    faults = {"fill-memory": "0" * 64}
    for content in (canonical.digest(yaml.safe_load((root / _APPROVED).read_bytes())), None):
        wanted = approvals.Wanted("redis-memory-full", "lab", faults, content)
        approvals._speaks_of(root / path, root, wanted)
        approvals._check_experiment(root, approval, source, wanted, problems)
    approvals._check_place(root, approval, source, "lab", problems)
    approvals._check_time(approval, source, _NOW, problems)
    return problems


# --- runbooks ------------------------------------------------------------------------------------


def _beside_runbook(root: Path) -> None:
    _lay_out(root, "environments/*.yaml")
    (root / "catalog" / "runbooks").mkdir(parents=True)


def _read_runbook(root: Path, path: str) -> list[Problem]:
    environment = _known_environment(root)
    rules = [rule for rule in environment.alerts.rules if rule.runbook == path.removeprefix("catalog/")]
    problems = lint(
        root / path,
        platforms=["lab"],
        variables={*environment.variables, *environment.secrets},
        modes=[Path(path).stem],
        alerts=rules,
    )
    if not problems:
        runbook = parse(root / path)
        outline.as_text(runbook)
        json.dumps(outline.as_json(runbook))
    return problems


_environments: dict[Path, Environment] = {}


def _known_environment(root: Path) -> Environment:
    if root not in _environments:
        _environments[root] = environments.load("lab", root)
    return _environments[root]


# --- ledgers -------------------------------------------------------------------------------------

_LEDGER = "ledger/an-instance.jsonl"


def ledger_as_written(folder: Path) -> bytes:
    """A ledger with faults in every state, as a run writes it."""
    book = ledger.Ledger(folder / "ledger", "lab", "an-instance")

    def activity(func: str) -> dict[str, Any]:
        return {
            "type": "action",
            "name": func,
            "provider": {"type": "python", "module": "chaos_ext.no", "func": func},
        }

    for state in ("intended", "injected", "undone", "superseded", "failed"):
        entry = book.intend(
            f"stop-{state}", activity=activity("stop"), undo=activity("start"), in_force=activity("stopped"),
            target={"node": "pg-a"}, prior={"holds": False, "日本": [1, None]}, lease_s=600,
            configuration={"chaos_facts": {"dir": "/x"}}, identity={"lab": {"marker": "x", "directory": "/x"}},
        )  # fmt: skip
        if state != "intended":
            entry = book.injected(entry, {"pid": 7, "why": "x"})
        if state not in ("intended", "injected"):
            book.close(entry, state, "because")
    return book.path.read_bytes()


def _beside_ledger(root: Path) -> None:
    (root / "ledger").mkdir()


def _read_ledger(root: Path, path: str) -> list[Problem]:
    """As `chaos heal`, `chaos ledger show` and a run that is about to begin read it."""
    directory = root / "ledger"
    entries = ledger.read_all(directory)
    for entry in entries:
        row = ledger_command._row(entry)
        text.table([list(row.values())], list(row))
        json.dumps([{**row, **ledger_command._more(entry)}])
        entry.is_of_this_process()
    if not any(entry.is_open for entry in entries):
        free.refuse_if_unhealed(ledger.Ledger(directory, "", "an-instance").book())
    return []


def kinds(folder: Path) -> dict[str, Kind]:
    """All of them; `folder` takes what has to be written first."""
    written = (ledger_as_written(folder),)
    of_yaml, of_markdown, of_json = mutations.OF_YAML, mutations.OF_MARKDOWN, mutations.OF_JSON_LINES
    approval = (("approvals/lab/redis-memory-full.yaml", _approval()),)
    table: tuple[tuple[str, Files, Any, Any, Any], ...] = (
        ("failure-mode", _shipped("catalog/failure-modes/**/*.yaml"), of_yaml, _beside_mode, _read_mode),
        ("services", _shipped("catalog/services.yaml"), of_yaml, _beside_services, _read_services),
        ("environment", _shipped("environments/*.yaml"), of_yaml, _beside_environment, _read_environment),
        ("guidelines", _shipped("catalog/guidelines.yaml"), of_yaml, _beside_policy, _read_guidelines),
        ("history", ((keeping.FILE, _HISTORY.encode()),), of_yaml, _beside_policy, _read_history),
        ("approval", approval, of_yaml, _beside_policy, _read_approval),
        ("runbook", _shipped("catalog/runbooks/*.md"), of_markdown, _beside_runbook, _read_runbook),
        ("ledger", ((_LEDGER, written[0]),), of_json, _beside_ledger, _read_ledger),
    )
    found = [Kind(name, Originals(files, by), beside, read) for name, files, by, beside, read in table]
    shutil.rmtree(folder / "ledger")
    return {kind.name: kind for kind in found}
