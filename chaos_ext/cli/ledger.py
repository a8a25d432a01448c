"""`chaos heal` and `chaos ledger`: put back what a dead run left, and see what is open."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo, table
from chaos_ext.cli.usage import Command, Group
from chaos_ext.language import spoken, t

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_ext.errors import Blocked
    from chaos_ext.safety.ledger import Entry

_COLUMNS = (t("state"), t("name"), t("environment"), t("instance"), t("intended"), t("runner"), t("why"))


@click.command(cls=Command)
@click.option("--instance", help="Only this one; without it, every one.")
@click.option("--even-if-running", is_flag=True, help="Also undo the faults of a run that is alive.")
@guarded
def heal(instance: str | None, even_if_running: bool) -> None:
    """Undo what a dead run left broken, and look that it is gone.

    \b
    Doing it twice is harmless. Exit codes: 0 nothing is broken (any more), 4 left to a run
    that is alive or a ledger cannot be read, 5 something is still broken.

    \b
    Example:
        chaos heal
        chaos heal --instance 0b5c0e6e-6f0e-4c54-8a9e-6f6f5ad1b1de
    """
    from chaos_ext.safety.heal import heal as put_back
    from chaos_ext.safety.ledger import read_all

    directory = _directory()
    damaged: list[Blocked] = []
    known = read_all(directory, damaged)
    entries = [entry for entry in known if entry.is_open and instance in (None, entry.instance)]
    running = [entry for entry in entries if not even_if_running and entry.runner_may_live()]
    for entry in running:
        echo(
            t(
                "left {name} in {instance}: its run (pid {pid}) is alive",
                name=entry.name,
                instance=entry.instance,
                pid=entry.runner_pid,
            )
        )
    orphans = [entry for entry in entries if entry not in running]
    outcomes = put_back(directory, instance, echo, orphans)
    for error in damaged:
        echo(error, err=True)
    if not entries and not damaged:
        echo(t("nothing to heal"))
    failed = any(outcome.state == "failed" for outcome in outcomes)
    raise SystemExit(5 if failed else 4 if running or damaged else 0)


@click.group(cls=Group)
def ledger() -> None:
    """The undo ledger: what was broken, and whether it was put back.

    \b
    Example:
        chaos ledger show
    """


@ledger.command()
@click.option("--all", "everything", is_flag=True, help="Also what was put back.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@guarded
def show(everything: bool, form: str) -> None:
    """Show what is open; with --all, everything that was ever injected.

    \b
    Example:
        chaos ledger show --all --format json
    """
    from chaos_ext.safety.ledger import read_all

    entries = [entry for entry in read_all(_directory()) if everything or entry.is_open]
    rows = [_row(entry) for entry in entries]
    if form == "json":
        click.echo(json.dumps([{**row, **_more(e)} for row, e in zip(rows, entries, strict=True)], indent=2))
    elif rows:
        table([[_said(key, words) for key, words in row.items()] for row in rows], _COLUMNS)
    else:
        echo(t("nothing was ever injected") if everything else t("nothing is open"))


def _directory() -> Path:
    from chaos_ext import environments

    return environments.state_dir() / "ledger"


def _row(entry: Entry) -> dict[str, str]:
    alive = entry.runner_may_live()
    return {
        "state": entry.state,
        "name": entry.name,
        "environment": entry.environment,
        "instance": entry.instance,
        "intended": entry.intended_wall,
        "runner": t("{pid} alive" if alive else "{pid} dead", pid=entry.runner_pid),
        "why": entry.why,
    }


def _said(key: str, words: str) -> str:
    """What stands in the ledger in English, for a screen."""
    from chaos_ext.safety.heal import STATES

    if key == "state":
        return STATES.get(words, words)
    return spoken(words) if key == "why" else words


def _more(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "ledger": str(entry.path),
        "changed": entry.changed_wall,
        "lease_until": entry.lease_until,
        "target": entry.target,
        "prior": entry.prior,
        "output": entry.output,
        "activity": entry.activity,
        "undo": entry.undo,
        "in_force": entry.in_force,
    }
