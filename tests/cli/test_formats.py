"""Every command that prints JSON takes ``--json`` for short, and the last word counts."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from chaos_ext.cli import catalog, history, lab, ledger, runbook
from chaos_ext.cli.screen import formatted

GROUPS = (catalog.catalog, history.history, lab.lab, ledger.ledger, runbook.runbook)


def _with_format(group: click.Group) -> Iterator[object]:
    for name, command in group.commands.items():
        if any("--format" in each.opts for each in command.params):
            yield pytest.param(command, id=f"{group.name} {name}")


COMMANDS = [command for group in GROUPS for command in _with_format(group)]


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_short_for_format_json(command: click.Command) -> None:
    said = {}
    heard = click.Command(
        "heard",
        params=[p for p in command.params if p.name == "form"],
        callback=lambda form: said.update(form=form),
    )
    (first, *_) = next(p.type.choices for p in command.params if "--format" in p.opts)
    for words, form in (
        ([], first),
        (["--json"], "json"),
        (["--format", "json"], "json"),
        (["--json", "--format", first], first),
        (["--format", first, "--json"], "json"),
    ):
        done = CliRunner().invoke(heard, words)
        assert (done.exit_code, said["form"]) == (0, form), (words, done.output)


def test_there_are_such_commands() -> None:
    assert len(COMMANDS) >= 9
    assert {"status", "list"} <= {param.values[0].name for param in COMMANDS}


def test_a_word_that_is_none_is_refused() -> None:
    @click.command()
    @formatted("table", "json", help="How to print it.")
    def run(form: str) -> None: ...

    assert CliRunner().invoke(run, ["--format", "yaml"]).exit_code == 2
