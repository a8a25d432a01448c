"""`chaos policy`: what may be broken where, why, who has looked at it, and what it must be allowed to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from chaos_ext.cli.edge import guarded
from chaos_ext.cli.screen import echo, fitted, formatted, table
from chaos_ext.cli.usage import Group
from chaos_ext.language import listed, t

if TYPE_CHECKING:
    from datetime import datetime

_PERMISSIONS = (t("CLOUD"), t("ACTION"), t("RESOURCE"), t("FOR"))
_COLUMNS = (t("ORDER"), t("RULE"), t("DECISION"), t("SUBJECT"), t("REASON"))


@click.group(cls=Group)
def policy() -> None:
    """What may be broken where: the guidelines, approvals, and permissions.

    \b
    Example:
        chaos policy explain postgresql-primary-down
    """


@policy.command("list")
@formatted("table", "json", help="How to print it.")
@guarded
def list_(form: str) -> None:
    """Print the rules in their order: the first one that matches decides, and none means a review.

    \b
    Example:
        chaos policy list --format json
    """
    from chaos_ext import environments
    from chaos_ext.catalog import guidelines
    from chaos_ext.report import guidelines as report

    read = guidelines.read(environments.project_root())
    if form == "json":
        click.echo(json.dumps(report.as_data(read), ensure_ascii=False, indent=2))
    else:
        fitted(report.rows(read), _COLUMNS)


@policy.command(
    epilog="""\b
Examples:
  chaos policy explain postgresql-primary-down
  chaos policy explain experiments/dedicated/rds-failover.yaml --format json
  chaos policy explain rds-failover --env dedicated --at 2026-11-28T23:00+09:00"""
)
@click.argument("exp", metavar="EXP")
@click.option("--env", "environment", help="Environment; default: what the experiment says, or lab.")
@click.option("--at", help="As if it were this time, such as 2026-11-24T10:00+09:00; default: now.")
@formatted("table", "json", help="How to print it.")
@guarded
def explain(exp: str, environment: str | None, at: str | None, form: str) -> None:
    """Say which rule decides about EXP, why, and what the rules before it say. Nothing is started.

    EXP is the id of a failure mode, or the path of an experiment.
    """
    from chaos_ext import environments
    from chaos_ext.report import guidelines as report
    from chaos_ext.safety.policy import asked, enforcing

    root = environments.project_root()
    request = asked.find(root, exp, environment)
    ruling = enforcing.rule(
        root,
        request.experiment,
        request.environment,
        id=request.id,
        file=request.file,
        at=_instant(at),
    )
    if form == "json":
        click.echo(
            json.dumps(report.ruling_data(ruling, request.environment.name), ensure_ascii=False, indent=2)
        )
        return
    for line in report.told(ruling, request.environment.name):
        echo(line)


@policy.command(
    epilog="""\b
Examples:
  chaos policy approve rds-failover --env dedicated --key ~/.ssh/id_ed25519
  chaos policy approve rds-failover --env dedicated --key ~/.ssh/id_ed25519.pub --expires 2d --reason 'game day'"""
)
@click.argument("exp", metavar="EXP")
@click.option("--env", "environment", required=True, help="The environment that it is approved for.")
@click.option(
    "--key",
    required=True,
    type=click.Path(),
    help="Your SSH key; the .pub of one that an agent holds will do.",
)
@click.option("--expires", default="7d", show_default=True, help="For how long, such as 4h or 7d.")
@click.option("--reason", default="", help="What you looked at, for those who read it later.")
@click.option("--as", "issuer", help="Your name in allowed_signers, when your key stands there by a pattern.")
@guarded
def approve(exp: str, environment: str, key: str, expires: str, reason: str, issuer: str | None) -> None:
    """Approve EXP as it is now for one environment: writes approvals/ENV/ID.yaml and its signature.

    One changed byte of the experiment, of the environment's file or of the approval voids it. What the guidelines
    forbid cannot be approved. Your key must be in environments/allowed_signers.
    """
    from datetime import UTC, datetime
    from pathlib import Path

    from chaos_ext import environments
    from chaos_ext.errors import Problem, UsageError
    from chaos_ext.model import duration_s
    from chaos_ext.safety.policy import approving, asked

    try:
        expires_s = duration_s(expires)
        until = expires_s > 0
    except ValueError as error:
        raise UsageError([Problem("--expires", "", f"'{expires}'", str(error))]) from error
    if not until:
        raise UsageError([Problem("--expires", "", f"'{expires}'", t("more than nothing"))])
    root = environments.project_root()
    request = asked.find(root, exp, environment)
    asked.refuse_unless_kept(root, request)
    now = datetime.now(UTC)
    path, approval = approving.approve(root, request, Path(key).expanduser(), now, expires_s, reason, issuer)
    shown = path.relative_to(root)
    echo(t("wrote {path}", path=shown))
    echo(t("wrote {path}", path=f"{shown}.sig"))
    echo(
        t(
            "{issuer} approves {id} in {environment} until {expires}. Commit both files.",
            issuer=approval.issuer,
            id=request.id,
            environment=environment,
            expires=approval.expires,
        )
    )


@policy.command(
    epilog="""\b
Examples:
  chaos policy permissions object-storage-denied
  chaos policy permissions object-storage-denied --format aws-policy > policy.json
  chaos policy permissions experiments/dedicated/one-pod.yaml --format k8s-rbac --service-account chaos/runner"""
)
@click.argument("exp", metavar="EXP")
@click.option("--env", "environment", help="Environment; default: what the experiment says, or lab.")
@click.option(
    "--service-account",
    default="chaos/chaos",
    show_default=True,
    help="NAMESPACE/NAME that RBAC is bound to.",
)
@formatted("table", "json", "aws-policy", "gcp-role", "k8s-rbac", help="How to print it.")
@guarded
def permissions(exp: str, environment: str | None, service_account: str, form: str) -> None:
    """Print what EXP must be allowed, and nothing more: faults, their evidence and undo, the proof of the place.

    Derived from what each activity declares; one that declares nothing where it must is named.
    """
    from chaos_ext import environments
    from chaos_ext.errors import Problem, UsageError
    from chaos_ext.report import permissions as report
    from chaos_ext.safety.policy import asked
    from chaos_ext.safety.policy.permissions import derive

    namespace, _, name = service_account.partition("/")
    if not namespace or not name:
        raise UsageError([Problem("--service-account", "", f"'{service_account}'", "NAMESPACE/NAME")])
    root = environments.project_root()
    request = asked.find(root, exp, environment)
    found = derive(root, request)
    cloud = report.FORMATS.get(form)
    if cloud is not None and not report.of(cloud, found):
        others = sorted({each.need.cloud for each in found})
        hint = t("It needs something of: {clouds}.", clouds=listed(others)) if others else ""
        got = t("an experiment that needs nothing of {cloud}", cloud=cloud)
        raise UsageError([Problem(request.id, "", got, t("one that does"), hint)])
    if form == "table" and found:
        table(report.rows(found), _PERMISSIONS)
    elif form == "table":
        echo(t("{id} needs no permission anywhere.", id=request.id))
    elif form == "json":
        click.echo(json.dumps(report.as_data(found), ensure_ascii=False, indent=2))
    elif form == "aws-policy":
        click.echo(report.aws_policy(found))
    elif form == "gcp-role":
        click.echo(report.gcp_role(found, request.id), nl=False)
    else:
        click.echo(report.k8s_rbac(found, request.id, (namespace, name)), nl=False)


def _instant(text: str | None) -> datetime | None:
    from datetime import datetime

    from chaos_ext.errors import Problem, UsageError

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        expected = t("a time with its zone, such as 2026-11-24T10:00+09:00")
        raise UsageError([Problem("--at", "", f"'{text}'", expected)])
    return found
