"""`chaos runbook`: whether a runbook can be followed, what it says, and following it."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chaos_ext.cli.edge import guarded
from chaos_ext.cli.runbook_new import new
from chaos_ext.cli.screen import confirm, echo, formatted, table
from chaos_ext.cli.usage import Group
from chaos_ext.language import listed, t

if TYPE_CHECKING:
    from chaos_ext.errors import Problem
    from chaos_ext.model import Environment, Place
    from chaos_ext.runbook.follow import Outcome
    from chaos_ext.runbook.model import Runbook, Step

_FORMAT = formatted("table", "json", help="How to print it.")
_FILE = click.argument("file", type=click.Path(path_type=Path))
_FAILED = 1


@click.group(cls=Group)
def runbook() -> None:
    """Runbooks: check that they can be followed, read them, follow them.

    \b
    Example:
        chaos runbook lint catalog/runbooks/*.md
        chaos runbook follow catalog/runbooks/service-bad-release.md --env lab
    """


runbook.add_command(new)


@runbook.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    type=click.Choice(["lab", "kubernetes", "aws", "gcp"]),
    help="Every step must have a block for it; default: the platforms of the failure modes it recovers.",
)
@_FORMAT
@guarded
def lint(files: tuple[Path, ...], platforms: tuple[str, ...], form: str) -> None:
    """Say everything that is wrong with runbooks, all at once. Exit code 2 when anything is.

    Inside a project it also knows which alerts link a runbook, which failure modes there are, and which
    variables the environments give.

    \b
    Example:
        chaos runbook lint catalog/runbooks/postgresql-primary-down.md
    """
    from chaos_ext.errors import UsageError
    from chaos_ext.runbook.parse import parse, shown

    problems: list[Problem] = []
    for file in files:
        found = _lint(file, platforms)
        problems += found
        if not found and form == "table":
            document = parse(file)
            numbered = [step for step in document.steps if step.number]
            on = ", ".join(document.platforms) or "all"
            echo(
                t(
                    "{file}: ok: {numbered} steps, platforms {on}",
                    file=shown(file),
                    numbered=len(numbered),
                    on=on,
                )
            )
    if form == "json":
        click.echo(json.dumps([vars(problem) for problem in problems], indent=1, ensure_ascii=False))
        sys.exit(UsageError.exit_code if problems else 0)
    if problems:
        raise UsageError(problems)


def _lint(file: Path, platforms: tuple[str, ...]) -> list[Problem]:
    from chaos_ext.runbook.lint import lint as lint_file

    return lint_file(file, **_surroundings(file, platforms))


def _surroundings(file: Path, platforms: tuple[str, ...]) -> dict[str, Any]:
    """What the project around `file` knows; nothing outside of one, or where it cannot be read."""
    from chaos_ext import environments
    from chaos_ext.catalog import load
    from chaos_ext.errors import UsageError

    wanted = set(platforms)
    try:
        root = environments.project_root(file.absolute().parent)
        places = [environments.load(name, root) for name in environments.names(root)]
        name = file.absolute().relative_to(root / "catalog").as_posix()
        modes = load.ids(root)
        if not platforms:
            wanted = _bound_to(root, name, file)
    except (UsageError, ValueError):
        return {"platforms": wanted}
    given = {variable for place in places for variable in (*place.variables, *place.secrets)}
    alerts = [rule for place in places for rule in place.alerts.rules if rule.runbook == name]
    secrets = {variable for place in places for variable in place.secrets}
    return {"platforms": wanted, "variables": given, "modes": modes, "alerts": alerts, "secrets": secrets}


def _bound_to(root: Path, name: str, file: Path) -> set[str]:
    """The platforms of the failure modes that this runbook recovers."""
    from chaos_ext.catalog import load
    from chaos_ext.errors import UsageError
    from chaos_ext.runbook.parse import parse_text, read_text

    found: set[str] = set()
    for mode_id in parse_text(read_text(file), file).front.recovers:
        try:
            mode = load.mode(root, mode_id)
        except UsageError:
            continue  # unknown, or wrong: said elsewhere
        if mode.runbook == name:
            found |= set(mode.reproduce)
    return found


@runbook.command()
@_FILE
@_FORMAT
@guarded
def show(file: Path, form: str) -> None:
    """The outline of a runbook: its steps, what each does, where, and for how long at most.

    \b
    Example:
        chaos runbook show catalog/runbooks/service-bad-release.md
    """
    from chaos_ext.runbook.outline import as_json, as_text
    from chaos_ext.runbook.parse import parse

    document = parse(file)
    if form == "json":
        click.echo(json.dumps(as_json(document), indent=1, ensure_ascii=False))
        return
    head, rows = as_text(document)
    for line in head:
        echo(line)
    table(rows, (t("STEP"), t("ROLE"), t("ON"), t("AT MOST"), t("WHAT")), _columns())


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


@runbook.command()
@_FILE
@click.option("--env", "environment", default="lab", show_default=True, help="Environment to follow it in.")
@click.option("--lab", help="Name or directory of the lab; default $CHAOS_LAB, else the only one.")
@click.option("--step", "steps", multiple=True, metavar="NAME", help="Only this step (and the parameters).")
@click.option("--var", "variables", multiple=True, metavar="KEY=VALUE", help="Set a variable.")
@click.option("--dry-run", is_flag=True, help="Print what would run, variables filled in; run nothing.")
@click.option("--unattended", is_flag=True, help="Nobody is there: manual steps run their stand-in.")
@guarded
def follow(
    file: Path,
    environment: str,
    lab: str | None,
    steps: tuple[str, ...],
    variables: tuple[str, ...],
    dry_run: bool,
    unattended: bool,
) -> None:
    """Follow a runbook step by step, for real. Exit code 1 when a step does not do what it says.

    The place is proven before every step that changes something. Without a terminal nobody is asked, and manual
    steps run their stand-in. What failed is not undone by itself; the undo steps are named.

    \b
    Example:
        chaos runbook follow catalog/runbooks/service-bad-release.md --env lab
        chaos runbook follow catalog/runbooks/service-bad-release.md --step step-1
        chaos runbook follow catalog/runbooks/service-bad-release.md --dry-run --var WINDOW_S=5
    """
    from chaos_ext.errors import UsageError
    from chaos_ext.runbook.parse import parse

    document = parse(file)
    wrong = [*_unknown(document, steps), *_malformed(variables)]
    if wrong:
        raise UsageError(wrong)
    only = [step.key for step in map(document.find, steps) if step] or None
    given = dict(word.split("=", 1) for word in variables)
    if dry_run:
        _dry_run(document, environment, lab, given, only)
        return
    problems = _lint(file, ())
    if problems:
        raise UsageError(problems)
    outcome = _follow(document, environment, lab, given, only, unattended or not sys.stdin.isatty())
    if not outcome.ok:
        echo(outcome.why, err=True)
        for key in outcome.undo_offered:
            echo(
                t("to take back what was done: chaos runbook follow {file} --step {key}", file=file, key=key),
                err=True,
            )
        sys.exit(_FAILED)


def _unknown(document: Runbook, names: tuple[str, ...]) -> Iterator[Problem]:
    from chaos_ext.errors import Problem, did_you_mean

    keys = [step.key for step in document.all_steps if step.number or step.blocks]
    for name in names:
        if document.find(name) is None:
            yield Problem(
                "--step",
                "",
                f"'{name}'",
                t("one of {choices}", choices=listed(keys)),
                did_you_mean(name, keys),
            )


def _malformed(words: tuple[str, ...]) -> Iterator[Problem]:
    import re

    from chaos_ext.errors import Problem
    from chaos_ext.safety.identity.pins import is_of_a_platform

    for word in words:
        name = word.partition("=")[0]
        if not re.fullmatch(r"[A-Za-z_]\w*=.*", word, re.DOTALL):
            yield Problem("--var", "", f"'{word}'", "KEY=VALUE")
        elif is_of_a_platform(name, {}):
            hint = t("Say it under identity: blocks then get exactly what was proven.")
            got = t("the variable {name}", name=name)
            yield Problem("--var", "", got, t("none that says where tools go"), hint)


def _follow(
    document: Runbook,
    environment: str,
    lab: str | None,
    given: Mapping[str, str],
    only: list[str] | None,
    unattended: bool,
) -> Outcome:
    import time

    from chaos_ext.masking.register import hidden
    from chaos_ext.record import wall_now
    from chaos_ext.report.terminal import Terminal
    from chaos_ext.runbook.follow import follow as follow_runbook
    from chaos_ext.safety import guard, mitigating, shared
    from chaos_ext.safety.free import refuse_unless_free
    from chaos_ext.safety.hold import hold
    from chaos_ext.safety.identity import pins
    from chaos_ext.safety.place import open_place
    from chaos_ext.trial import holder
    from chaos_ext.vaults.read import secrets_of

    place = open_place(environment, lab)
    terminal = Terminal.for_stream(sys.stdout)

    def emit(kind: str, **fields: Any) -> None:
        terminal({"kind": kind, "at": time.monotonic(), "wall": wall_now(), **hidden(fields)})

    def prove() -> None:
        guard.prove(place)

    def lost(why: str) -> None:
        echo(why, err=True)
        aborting.set()

    prove()
    ledger = shared.ledger_of(place.environment, place.instance)
    with (
        _interruptible() as aborting,
        pins.for_blocks(place.environment.identity) as (pinned, hidden_pins),
        hold(ledger, holder("chaos runbook follow"), lost),
        mitigating.following(ledger, document.path.name, place.environment.disposable) as begins,
    ):
        if _changes_something(document, place.environment.platform, only):
            refuse_unless_free(ledger)
        return follow_runbook(
            document,
            platform=place.environment.platform,
            variables={**place.environment.variables, **given, **pinned},
            secrets={**shared.without_ledgers(secrets_of(place.environment, prove)), **hidden_pins},
            path=place.environment.path,
            emit=emit,
            prove=prove,
            aborting=aborting,
            unattended=unattended,
            only=only,
            ask=_ask,
            begins=begins,
        )


def _changes_something(document: Runbook, platform: str, only: list[str] | None) -> bool:
    from chaos_ext.runbook.follow import CHANGING

    steps = [step for step in document.all_steps if only is None or step.key in only]
    return any(block.role in CHANGING for step in steps for block in step.blocks_on(platform))


def _ask(step: Step) -> bool:
    for task in step.tasks:
        click.echo(f"  [ ] {task.text}")
    return confirm(t("{heading}: done?", heading=step.heading))


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM end what runs, in order, instead of us."""
    aborting = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: aborting.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield aborting
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _dry_run(
    document: Runbook, environment: str, lab: str | None, given: Mapping[str, str], only: list[str] | None
) -> None:
    from chaos_ext.runbook.outline import planned

    place = _as_far_as_known(environment, lab)
    known = {name: value for name, value in place.variables.items() if "${" not in value}
    secrets = set(place.secrets)
    for block in planned(document, place.platform, {**known, **given}, secrets, only):
        echo(
            t(
                "{heading}  [{role}, at most {timeout_s:g} s]",
                heading=block.heading,
                role=block.role,
                timeout_s=block.timeout_s,
            )
        )
        for line in block.command.splitlines():
            click.echo(f"    {line}".rstrip())
        click.echo()
    echo(t("dry run on {platform}: nothing was run", platform=place.platform))


def _as_far_as_known(environment: str, lab: str | None) -> Environment:
    """The environment filled in from the lab that is up, or as it is written when none is."""
    from chaos_ext import environments
    from chaos_ext.errors import ChaosExtError
    from chaos_ext.safety.place import open_place

    try:
        place: Place = open_place(environment, lab)
    except ChaosExtError:
        return environments.load(environment)
    return place.environment
