"""Whether what is looked at before and after a fault can be looked at, and what modes leave can be found in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from chaos_ext.catalog.activities import Functions
from chaos_ext.catalog.source import Path_
from chaos_ext.catalog.words import nearest_or_all
from chaos_ext.language import listed, t
from chaos_ext.model import Environment, FailureMode
from chaos_ext.restored import shipped
from chaos_ext.restored.compare import too_wide

Say = Callable[[Path_, str, str, str], None]


def check_snapshot(environment: Environment, say: Say) -> None:
    """Probes that exist, each with a name of its own, and at least one of them."""
    if not environment.snapshot:
        hint = t(
            "Add 'snapshot: […]' with probes, or names such as {name}.", name=next(iter(shipped.SHIPPED))
        )
        say(("snapshot",), t("nothing"), t("what must be as it was after a trial"), hint)
    functions = Functions()
    known: set[str] = set()
    for index, look in enumerate(environment.snapshot):
        at: Path_ = ("snapshot", index)
        if isinstance(look, str):
            if look not in shipped.SHIPPED:
                near = nearest_or_all(look, shipped.SHIPPED)
                say(at, f"'{look}'", t("a probe, or the name of one that is shipped"), near)
                continue
        else:
            functions.check(look, "probe", partial(_inside, say, at))
        probe = shipped.SHIPPED[look] if isinstance(look, str) else look
        name = str(probe.get("name") or "")
        if not name or "/" in name or name in known:
            expected = t("a name of its own, without '/': paths of differences begin with it")
            say((*at, "name"), f"'{name}'", expected, "")
        known.add(name)


def _inside(say: Say, at: Path_, inner: Path_, got: str, expected: str, hint: str) -> None:
    say((*at, *inner), got, expected, hint)


def check_leaves(mode: FailureMode, say: Say) -> None:
    """Paths that mean something, each once."""
    for index, entry in enumerate(mode.leaves):
        at: Path_ = ("leaves", index, "path")
        if too_wide(entry.path):
            expected = t("a path such as postgresql/roles/batch/login; '*' only after its first step")
            say(at, f"'{entry.path}'", expected, t("Name what is left, not all that there is."))
        if entry.path in [other.path for other in mode.leaves[:index]]:
            say(at, t("'{name}' again", name=entry.path), t("each path once"), "")


def check_leaves_in(mode: FailureMode, environments: Iterable[Environment], say: Say) -> None:
    """Paths that begin with something which is looked at, in at least one environment that the mode is bound to."""
    known = {name for environment in environments for name in shipped.names(environment)}
    if not known:
        return  # that nothing is looked at is said of the environment
    for index, entry in enumerate(mode.leaves):
        first = entry.path.split("/")[0]
        if first not in known and not too_wide(entry.path):
            expected = t("a path that begins with one of {names}", names=listed(sorted(known)))
            say(("leaves", index, "path"), f"'{entry.path}'", expected, nearest_or_all(first, known))
