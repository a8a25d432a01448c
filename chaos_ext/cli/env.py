"""`chaos env`: places to try failures in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from chaos_ext.cli import env_use
from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo, formatted, table
from chaos_ext.errors import Blocked
from chaos_ext.language import t

if TYPE_CHECKING:
    from chaos_ext.safety.guard import Answer


@click.group()
def env() -> None:
    """Environments: places to try failures in.

    \b
    Example:
      chaos env new verification --platform gcp
      chaos env check lab
    """


for command in env_use.COMMANDS:
    env.add_command(command)


@env.command(
    epilog="""\b
Examples:
  chaos env new second-lab
  chaos env new verification --platform gcp"""
)
@click.argument("name")
@click.option(
    "--platform",
    type=click.Choice(["lab", "kubernetes", "aws", "gcp"]),
    default="lab",
    show_default=True,
    help="What it runs on.",
)
@guarded
def new(name: str, platform: str) -> None:
    """Write environments/NAME.yaml; say what to fill in.

    A copy of the first environment of that platform when there is one. What is written holds together at once
    (`chaos catalog check`). Nothing that is there is overwritten.
    """
    from chaos_ext.catalog import scaffold
    from chaos_ext.cli.scaffolded import begin, finish

    draft, catalog = begin()
    made = scaffold.environment(draft, catalog, name, platform)
    finish(draft, made, f"chaos verify ID --env {name}")


@env.command(
    epilog="""\b
Examples:
  chaos env check lab
  chaos env check dedicated --format json

\b
Exit codes: 0 proven · 2 the file is not right, or a value is missing · 4 not proven"""
)
@click.argument("name", metavar="ENV")
@click.option("--lab", help="Which lab, when several are up: its name or folder.")
@formatted("table", "json", help="How to print the proofs.")
@guarded
def check(name: str, lab: str | None, form: str) -> None:
    """Ask the place itself whether it is the environment ENV: every proof, and everything that is missing.

    Once it is proven, its secrets are read too; no value is shown. Changes nothing. The same is asked before a run
    and before every activity that changes something.
    """
    from chaos_ext.safety import guard
    from chaos_ext.safety.place import open_place
    from chaos_ext.vaults.read import secrets_of

    place = open_place(name, lab)
    environment = place.environment
    answers = list(guard.answers(environment.identity, place.facts, environment.deny))
    proven = guard.is_proven(answers)
    if form == "json":
        found = {"environment": name, "proven": proven, "proofs": [_as_data(each) for each in _rows(answers)]}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        rows = [(mark, kind, expected, got) for mark, kind, expected, got in _rows(answers)]
        table(rows, ("", t("PROOF"), t("EXPECTED"), t("GOT")))
        for answer in answers:
            if answer.refused is not None:
                echo(answer.refused.args[0])
    if not proven:
        raise Blocked(
            t(
                "{name}: not proven; nothing would be run there. If this is the place, mend identity in "
                "environments/{name}.yaml; if not, mend how it is reached.",
                name=name,
            )
        )
    secrets = secrets_of(environment, lambda: None)
    if form != "json":
        echo(t("{name}: proven.", name=name))
        if secrets:
            echo(t("{name}: {count} secrets can be read.", name=name, count=len(secrets)))


def _rows(answers: list[Answer]) -> list[tuple[str, str, str, str]]:
    """✓ or ✗, what was asked, what was expected, what came."""
    rows = []
    for answer in answers:
        for proof in answer.proofs:
            rows.append(("✓" if proof.holds else "✗", proof.kind, proof.expected, proof.got))
        if answer.refused is not None and not answer.proofs:
            rows.append(("✗", answer.kind, t("a proof"), t("none")))
    return rows


def _as_data(row: tuple[str, str, str, str]) -> dict[str, Any]:
    mark, kind, expected, got = row
    return {"kind": kind, "expected": expected, "got": got, "holds": mark == "✓"}
