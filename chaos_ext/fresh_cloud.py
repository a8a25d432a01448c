"""A cloud's control plane of its own for every trial of a rehearsal; and the place that is simply there."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaos_ext import rehearsals
from chaos_ext.errors import ChaosExtError, LabError
from chaos_ext.language import t
from chaos_ext.model import Environment
from chaos_ext.safety.janitor import Janitor

Facts = dict[str, Any]
PREFIX = "chaos-rehearsal-"


class FreshClouds:
    """Rehearsals' clouds of one run, each used once. The janitor takes down what a dead runner leaves."""

    thrown_away = True

    def __init__(self, environment: Environment, root: Path, policy: str, janitor: Janitor) -> None:
        """`policy`: what the role that acts may do, as IAM takes it; it may do nothing else."""
        self._environment, self._root, self._policy, self._janitor = environment, root, policy, janitor
        self._ahead: _Starting | None = None
        self._in_use: list[Facts] = []

    def start_ahead(self) -> None:
        """Begin to start the next one in the background; `take` gives it."""
        if self._ahead is None:
            self._ahead = _Starting(self._environment, self._root, self._policy, self._janitor)

    def take(self, wait: Callable[[float], None]) -> tuple[Facts, float]:
        """The facts of one that is up, and the seconds that this call waited for it. Raises LabError, UsageError."""
        started = time.monotonic()
        self.start_ahead()
        assert self._ahead is not None
        facts = self._ahead.result(wait)
        self._ahead = None
        self._in_use.append(facts)
        return facts, time.monotonic() - started

    def give_back(self, facts: Facts) -> None:
        """End it. Raises LabError."""
        self._in_use.remove(facts)
        rehearsals.down(Path(facts["dir"]))
        self._janitor.forget(facts["dir"])

    def close(self) -> None:
        """End all that are left. Raises LabError."""
        left = [*self._in_use]
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None
        for facts in left:  # its trial ended in an exception
            self.give_back(facts)


class _Starting:
    """One cloud on its way up, in a thread of its own."""

    def __init__(self, environment: Environment, root: Path, policy: str, janitor: Janitor) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._facts: Facts | None = None
        self._error: ChaosExtError | None = None
        self._process: subprocess.Popen[str] | None = None
        self._janitor = janitor
        self._thread = threading.Thread(target=self._up, args=(environment, root, policy), daemon=True)
        self._thread.start()

    def _up(self, environment: Environment, root: Path, policy: str) -> None:
        began = time.monotonic()
        try:
            self._janitor.at_death(str(self._directory), rehearsals.down_command(self._directory))
            facts = rehearsals.up(
                environment, root, self._directory, policy, os.getpid(), on_process=self._begun
            )
            self._facts = {**facts, "started_in_s": time.monotonic() - began}
        except ChaosExtError as error:
            self._error = error
        except OSError as error:
            self._error = LabError(t("the rehearsal's emulator: {said}", said=error))

    def _begun(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def stop(self) -> None:
        """End the start, and what has come of it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
        self._thread.join()
        rehearsals.down(self._directory)
        self._janitor.forget(str(self._directory))

    def result(self, wait: Callable[[float], None]) -> Facts:
        try:
            while self._thread.is_alive():
                self._thread.join(0.02)
                wait(0.0)
            wait(0.0)
            if self._error is not None:
                raise self._error
        except BaseException:
            self.stop()
            raise
        assert self._facts is not None
        return self._facts


class Standing:
    """A place that is there before a run and after it: nothing is started, nothing is thrown away."""

    thrown_away = False

    def start_ahead(self) -> None:
        """There is one place."""

    def take(self, wait: Callable[[float], None]) -> tuple[Facts, float]:
        """What a lab would say of itself: nothing."""
        wait(0.0)
        return {}, 0.0

    def give_back(self, facts: Facts) -> None:
        """It stays."""

    def close(self) -> None:
        """It stays."""
