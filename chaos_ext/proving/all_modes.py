"""Many failure modes, one after the other, in one lab for as long as that is as it was."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from chaoslib.exceptions import InterruptExecution

from chaos_ext import compile as compiling
from chaos_ext import environments, trial
from chaos_ext.catalog.load import Catalog
from chaos_ext.errors import Blocked, Interrupted
from chaos_ext.fresh import Facts, FreshLabs
from chaos_ext.language import t
from chaos_ext.model import Environment, FailureMode
from chaos_ext.proving.nobody import Nobody, nobody
from chaos_ext.proving.one_mode import prove
from chaos_ext.proving.proof import Folders, ModeProof
from chaos_ext.safety import orphans
from chaos_ext.safety.abort import Abort, Ways
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.policy import enforcing

FOLDER = "proofs"  # below the state folder: the records of the last proof
_NOBODY = ("condition", "record")  # what stops a trial without being asked: nobody to tell that they did it
Say = Callable[[str, str], None]  # (failure mode, what goes on)


def prove_all(
    catalog: Catalog,
    modes: Sequence[FailureMode],
    environment: Environment,
    say: Say,
    heard: Callable[[ModeProof], None],
) -> None:
    """Prove the probes of each mode; `heard` gets each proof as it comes.

    Raises Blocked before anything is broken when the guidelines refuse one, Interrupted, LabError. Whatever it started
    is ended when it returns or raises; when it is killed, the janitor does that.
    """
    for mode in modes:
        experiment = compiling.compile_experiment(catalog, mode, environment)
        enforcing.refuse_before_run(catalog.root, experiment, environment, id=mode.id)
    state = environments.state_dir()
    folder = _fresh(state)
    with ExitStack() as ends:
        janitor = Janitor.start_in_background(state / "ledger")
        ends.callback(janitor.close)
        aborting = Abort()
        ends.enter_context(Ways(aborting))
        trial.host = trial.Host((), True, aborting, janitor, trial.holder("chaos catalog prove-probes"))
        ends.callback(_forget_host)
        labs = FreshLabs(environment, folder, janitor, lambda line: say("", line))
        ends.callback(labs.close)
        # Short, because a socket lies in it; known by its name to whoever tidies up behind a killed runner.
        aside = ends.enter_context(
            tempfile.TemporaryDirectory(prefix=orphans.home_prefix(), ignore_cleanup_errors=True)
        )
        where = ends.enter_context(nobody(Path(aside)))
        proofs = _Proofs(environment, folder, Path(aside), labs, where, aborting, say)
        for mode in modes:
            heard(proofs.of(mode))


def _forget_host() -> None:
    trial.host = trial.Host()


def _fresh(state: Path) -> Path:
    """A folder for the records of this proof; those of proofs before it are not kept."""
    above = state / FOLDER
    above.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in above.iterdir():
        shutil.rmtree(old, ignore_errors=True)
    folder = above / datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    folder.mkdir(mode=0o700)
    return folder


class _Proofs:
    """The proofs of one call: which lab they are made in."""

    def __init__(
        self,
        environment: Environment,
        folder: Path,
        aside: Path,
        labs: FreshLabs,
        where: Nobody,
        aborting: Abort,
        say: Say,
    ) -> None:
        self._environment, self._folder, self._aside, self._labs = environment, folder, aside, labs
        self._where, self._aborting, self._say = where, aborting, say
        self._lab: Facts | None = None

    def of(self, mode: FailureMode) -> ModeProof:
        """The proof of one mode, in a lab that is as it was made."""
        self._refuse()
        lab = self._a_lab()
        try:
            proof = prove(
                mode,
                self._environment.name,
                lab["dir"],
                Folders(self._folder / mode.id, self._aside / mode.id),
                self._where,
                lambda what: self._say(mode.id, what),
            )
        except (Interrupted, InterruptExecution) as error:
            self._refuse()
            raise Interrupted(str(error)) from error
        self._refuse()
        if proof.changed or proof.unproven:
            self._give_back()
        return proof

    def _a_lab(self) -> Facts:
        if self._lab is None:
            self._say("", t("a lab starts"))
            self._lab, _ = self._labs.take(lambda _: self._refuse())
        return self._lab

    def _give_back(self) -> None:
        if self._lab is not None:
            self._labs.give_back(self._lab)
            self._lab = None

    def _refuse(self) -> None:
        asked = self._aborting.asked
        if asked is None:
            return
        if asked.by in _NOBODY:
            raise Blocked(t("Stopped and undone, so nothing is proven: {why}.", why=asked.why))
        raise Interrupted(t("{why}: nothing more is started", why=asked.why))


__all__ = ["FOLDER", "ModeProof", "prove_all"]
