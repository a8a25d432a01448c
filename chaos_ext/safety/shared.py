"""Which ledger an environment has: its file here, or the PostgreSQL database that its `ledger` names."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_ext import environments
from chaos_ext.errors import Blocked, ChaosExtError, UsageError
from chaos_ext.language import t
from chaos_ext.safety import ledger as ledgers
from chaos_ext.safety import ledger_postgresql
from chaos_ext.safety.book import Book, fold
from chaos_ext.safety.entries import file_stem
from chaos_ext.safety.ledger import Ledger
from chaos_ext.vaults.read import secrets_of

if TYPE_CHECKING:
    from chaos_ext.model import Environment

PASSWORD = "CHAOS_LEDGER_PASSWORD"  # the environment's secret with the shared ledger's password


def directory(root: Path | None = None) -> Path:
    """The folder of this machine's ledger files; `root`: of that project, unless given the one we are in."""
    return environments.state_dir(root) / "ledger"


def ledger_of(environment: Environment, instance: str, root: Path | None = None) -> Ledger:
    """The ledger of an instance of `environment`, whose placeholders are filled in. Raises UsageError."""
    return Ledger(directory(root), environment.name, instance, url_of(environment))


def url_of(environment: Environment) -> str:
    """The URL of an environment's shared ledger, without its password, which this process remembers; "" without one.

    Raises UsageError when it is no URL of PostgreSQL, or the password's secret cannot be had.
    """
    if environment.ledger is None:
        return ""
    try:
        url, password = ledger_postgresql.split(environment.ledger)
    except ValueError:
        raise UsageError(
            [
                environments.problem(
                    environment,
                    ("ledger",),
                    t("something else (not shown: it may hold a password)"),
                    t("postgresql://user@host/database"),
                )
            ]
        ) from None
    if password is None and PASSWORD in environment.secrets:
        only = environment.model_copy(update={"secrets": {PASSWORD: environment.secrets[PASSWORD]}})
        password = secrets_of(only, partial(_refuse_cloud, environment))[PASSWORD]
    ledger_postgresql.remember(url, password)
    return url


def without_ledgers(secrets: dict[str, str]) -> dict[str, str]:
    """The secrets that blocks of a runbook get: the ledger's password is not theirs."""
    return {variable: value for variable, value in secrets.items() if variable != PASSWORD}


def _refuse_cloud(environment: Environment) -> None:
    """The ledger is read before, and on machines where, nothing is proven: no cloud is asked for its password."""
    raise UsageError(
        [
            environments.problem(
                environment,
                ("secrets", PASSWORD),
                t("a reference to a cloud or a cluster"),
                t("one of file, env"),
                t("The ledger is read before the place is proven."),
            )
        ]
    )


def urls(problems: list[str], name: str | None = None) -> list[str]:
    """The shared ledgers of the project's environments (or of one) and of this machine's copies, each once."""
    found: dict[str, None] = {}
    try:
        names = environments.names()
    except ChaosExtError:  # outside a project only this machine's own files are known
        names = []
    for each in names if name is None else [name]:
        try:
            environment = environments.load(each)
            if environment.ledger is not None:
                found[url_of(environments.fill(environment, {}, only=("ledger", "secrets")))] = None
        except ChaosExtError as error:
            if name is not None:
                raise
            problems.append(str(error))
    return list(found)


def books(folder: Path, damaged: list[Blocked], shared: list[str], everything: bool = False) -> list[Book]:
    """All that is known: this machine's files, and what the `shared` ledgers hold. What cannot be read is in `damaged`.

    Where a shared ledger does not answer, the copy that this machine has of it stands in.
    """
    found = ledgers.read_books(sorted(folder.glob("*.jsonl")), damaged)
    answered: set[Path] = set()
    for url in shared:
        try:
            found += _shared(folder, url, everything)
            answered.add(ledgers.folder_of(folder, url))
        except Blocked as error:
            damaged.append(error)
    copies = [path for path in ledgers.files(folder) if path.parent not in {folder, *answered}]
    return found + ledgers.read_books(copies, damaged)


def _shared(folder: Path, url: str, everything: bool) -> list[Book]:
    """What one shared ledger holds, by instance, after it got what it missed."""
    place = ledgers.folder_of(folder, url)
    for book in ledgers.read_books(sorted(place.glob("*.jsonl"))):
        if book.unsent:
            Ledger(folder, book.environment, book.instance, url).send_unsent()
    by_instance: dict[str, Book] = {}
    rows, ahead_s = ledger_postgresql.Remote(url).records(None, everything)
    for where, record in rows:
        instance = str(record.get("instance"))
        book = by_instance.setdefault(instance, Book(where=url, ahead_s=ahead_s))
        fold([(where, record)], place / f"{file_stem(instance)}.jsonl", url, book)
    return list(by_instance.values())
