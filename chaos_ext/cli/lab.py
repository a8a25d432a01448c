"""`chaos lab`: the embedded lab by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo, formatted
from chaos_ext.cli.usage import Group
from chaos_ext.language import spoken, t

_FORMAT = formatted("table", "json", help="How to print it.")
_LAB = click.argument("lab", required=False)


@click.group(cls=Group)
def lab() -> None:
    """The embedded lab: a small real product that failures are tried on.

    \b
    Example:
        chaos lab up
        chaos lab status
        chaos lab down
    """


@lab.command()
@click.option("--name", help="Its name; without it, one that is free.")
@click.option(
    "--env",
    "environment",
    default="lab",
    show_default=True,
    help="Whose alert rules it evaluates, and whose parts it runs.",
)
@_FORMAT
@guarded
def up(name: str | None, environment: str, form: str) -> None:
    """Start a lab and wait until every part is healthy.

    Several run side by side. What killed labs left is removed first.

    \b
    Example:
        chaos lab up --name mine
    """
    import tempfile

    from chaos_ext import environments, labs
    from chaos_ext.fresh import alert_rules, lab_parts

    loaded = environments.load(environment)
    with tempfile.TemporaryDirectory() as folder:
        alerts, parts = Path(folder) / "alerts.json", Path(folder) / "parts.json"
        alerts.write_text(json.dumps(alert_rules(loaded, environments.project_root())), encoding="utf-8")
        parts.write_text(json.dumps(lab_parts(loaded)), encoding="utf-8")
        facts = labs.up(
            name=name, alerts=alerts, parts=parts, progress=lambda line: echo(spoken(line), err=True)
        )
    if form == "json":
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
    else:
        _print_ways_in(facts)


@lab.command()
@_LAB
@guarded
def down(lab: str | None) -> None:
    """End a lab and remove everything of it.

    LAB is a name or a directory; default $CHAOS_LAB, else the only one.

    \b
    Example:
        chaos lab down mine
    """
    from chaos_ext import labs

    labs.down(lab)
    echo(t("the lab is down") if lab is None else t("lab {lab} is down", lab=lab))


@lab.command()
@_LAB
@_FORMAT
@guarded
def status(lab: str | None, form: str) -> None:
    """Every part of a lab and whether it is usable. Exit code 1 when one is not.

    \b
    Example:
        chaos lab status mine
    """
    from chaos_ext import labs

    said = labs.status(lab)
    if form == "json":
        click.echo(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        healthy = t("healthy") if said["healthy"] else t("not healthy")
        echo(t("lab {name}: {healthy}. {why}", name=said["name"], healthy=healthy, why=said["why"]))
        for name, part in said["parts"].items():
            why = spoken(part["why"] or t("usable"))
            role = spoken(t(" (primary)")) if name in said["primaries"] else ""
            echo(f"  {name:<12}{part['state']:<10}{why}{role}")
    if not said["healthy"]:
        raise SystemExit(1)


@lab.command()
@click.argument("part")
@click.option("--lab", "which", help="A name or a directory; default $CHAOS_LAB, else the only one.")
@click.option(
    "--lines", default=100, show_default=True, type=click.IntRange(min=0), help="How many; 0 for all."
)
@guarded
def logs(part: str, which: str | None, lines: int) -> None:
    """The end of one part's log.

    \b
    Example:
        chaos lab logs intake-1 --lines 20
    """
    from chaos_ext import labs

    click.echo(labs.log(part, which, lines), nl=False)


@lab.command(name="open")
@_LAB
@click.option("--no-browser", is_flag=True, help="Only print where the page is.")
@formatted("page", "table", "json", help="A page until Ctrl-C, or only print where everything is.")
@guarded
def open_(lab: str | None, no_browser: bool, form: str) -> None:
    """Where everything of a lab is, and a page that shows how it is.

    The page has every part's health and log, the alerts that fire, and what disturbs the network. This
    command serves it, only to this machine, until Ctrl-C.

    \b
    Example:
        chaos lab open mine
        chaos lab open --format table
    """
    from chaos_ext import labs
    from chaos_ext.language import CHOICE

    facts = labs.facts(lab)
    if form == "json":
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    _print_ways_in(facts)
    if form == "page":
        # Without --lang each browser gets the language that it asks for.
        labs.become_page(facts["dir"], os.environ.get(CHOICE), browser=not no_browser)


@lab.command(name="list")
@_FORMAT
@guarded
def list_(form: str) -> None:
    """All labs of this user, and what killed ones left.

    \b
    Example:
        chaos lab list --format json
    """
    from chaos_ext import labs

    found = labs.listed()
    if form == "json":
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    if not found:
        echo(t("no lab is up; 'chaos lab up' starts one"), err=True)
    for each in found:
        why = t("left over: {left_over}", left_over=each["left_over"]) if each["left_over"] else each["dir"]
        echo(f"{each['name']:<20}{each['state']:<10}{each['url'] or '-':<26}{spoken(why)}")


def _print_ways_in(facts: dict[str, object]) -> None:
    """The facts a person needs, one a line."""
    from typing import Any, cast

    from chaos_ext.report.text import pad

    said = cast("dict[str, Any]", facts)
    edge, ca = said["edge"]["url"], said["edge"]["ca_file"]
    lines: list[tuple[str, str]] = [
        (t("lab"), f"{said['name']}  {said['dir']}"),
        (t("dashboard"), f"{edge}/dashboard/summary?survey=welcome"),
        (t("responses"), f"{edge}/responses?survey=welcome"),
        ("", f"curl --cacert {ca} '{edge}/responses?survey=welcome'"),
        (t("alerts"), f"{said['alertmanager']['url']}/api/v2/alerts"),
        (t("fault proxies"), f"{said['faultproxy']['url']}/proxies"),
        *(
            (name, f"psql service={name}   (127.0.0.1:{node['port']})")
            for name, node in said["postgresql"]["nodes"].items()
        ),
        (t("parts"), f"supervisorctl status   ({', '.join(said['parts'])})"),
        (t("tools"), f"export PATH={said['bin']}:$PATH"),
        (t("logs"), said["logs"]),
        (t("data"), said["data"]),
    ]
    for label, words in lines:
        echo(f"{pad(spoken(label), 14)} {words}")
