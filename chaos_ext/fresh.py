"""A fresh lab for every trial; the next one starts while the trial before it only watches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from chaos_ext import labs
from chaos_ext.alerts import links
from chaos_ext.environments import project_root
from chaos_ext.errors import ChaosExtError, LabError
from chaos_ext.language import t
from chaos_ext.model import Environment, text_in
from chaos_ext.safety.janitor import Janitor

Facts = dict[str, Any]


def alert_rules(environment: Environment, root: Path) -> dict[str, Any]:
    """The environment's alert rules (each links its runbook as it is now) and routes, as the lab takes them."""
    alerts = environment.alerts
    rules = [
        {
            "name": rule.name,
            "runbook_url": links.link(alerts, rule.runbook, links.digest_of(root, rule.runbook)),
            "summary": text_in(rule.summary),
            "rule": rule.as_written(),
        }
        for rule in alerts.rules
    ]
    return {"rules": rules, "routes": [route.model_dump(mode="json") for route in alerts.routes]}


def lab_parts(environment: Environment) -> list[dict[str, Any]]:
    """The programs of the environment that the lab runs besides, as the lab takes them."""
    return [part.model_dump(mode="json") for part in environment.parts]


class FreshLabs:
    """Labs of one run, each used once. The janitor takes down what a dead runner leaves."""

    thrown_away = True

    def __init__(
        self, environment: Environment, directory: Path, janitor: Janitor, say: Callable[[str], None]
    ) -> None:
        """`directory` takes the files with alert rules and parts; `say` hears the lab's own progress lines."""
        self._alerts = directory / "alerts.json"
        self._alerts.write_text(
            json.dumps(alert_rules(environment, project_root()), ensure_ascii=False, indent=1),
            encoding="utf-8",
        )
        self._parts = directory / "parts.json"
        self._parts.write_text(
            json.dumps(lab_parts(environment), ensure_ascii=False, indent=1), encoding="utf-8"
        )
        self._janitor = janitor
        self._say = say
        self._ahead: _Starting | None = None
        self._started: set[str] = set()
        self._in_use: list[Facts] = []
        self._leaving: list[threading.Thread] = []

    def start_ahead(self) -> None:
        """Begin to start the next lab in the background; `take` gives it."""
        if self._ahead is None:
            self._ahead = _Starting(self._alerts, self._parts, self._janitor, self._say)
            self._started.add(self._ahead.name)

    def take(self, wait: Callable[[float], None]) -> tuple[Facts, float]:
        """The facts of a lab that is up, and the seconds that this call waited for it. Raises LabError.

        `wait(seconds)` is called while waiting; it may raise to give up.
        """
        started = time.monotonic()
        self.start_ahead()
        assert self._ahead is not None
        facts = self._ahead.result(wait)
        self._ahead = None
        self._in_use.append(facts)
        return facts, time.monotonic() - started

    def give_back(self, facts: Facts) -> None:
        """Take the lab down in the background; `close` waits for that."""
        self._in_use.remove(facts)
        thread = threading.Thread(target=self._down, args=(facts["name"],), daemon=True)
        thread.start()
        self._leaving.append(thread)

    def close(self) -> None:
        """Wait until nothing of any of these labs is left. Raises LabError when something is."""
        if self._ahead is not None:
            if self._ahead.stop():
                self._down(self._ahead.name)
            self._janitor.forget(self._ahead.name)
            self._ahead = None
        for facts in [*self._in_use]:  # its trial ended in an exception
            self.give_back(facts)
        for thread in self._leaving:
            thread.join()
        if left := [lab["name"] for lab in labs.listed() if lab["name"] in self._started]:
            again = "; ".join(f"chaos lab down {name}" for name in left)
            raise LabError(t("Labs of this run could not be taken down. Try: {again}", again=again))

    def _down(self, name: str) -> None:
        try:
            labs.down(name)
            self._janitor.forget(name)
        except ChaosExtError as error:
            self._say(t("lab {name}: {error}", name=name, error=error))


class _Starting:
    """One lab on its way up, in a thread of its own."""

    def __init__(self, alerts: Path, parts: Path, janitor: Janitor, say: Callable[[str], None]) -> None:
        self.name = f"run-{uuid4().hex[:8]}"
        self._facts: Facts | None = None
        self._error: ChaosExtError | None = None
        self._janitor = janitor
        self._stopping = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._up, args=(alerts, parts, say), daemon=True)
        self._thread.start()

    def _up(self, alerts: Path, parts: Path, say: Callable[[str], None]) -> None:
        try:
            self._janitor.at_death(self.name, [sys.executable, "-m", "chaos_lab", "down", self.name])
            self._facts = labs.up(
                name=self.name,
                owner_pid=os.getpid(),
                alerts=alerts,
                parts=parts,
                progress=say,
                on_process=self._begun,
            )
        except ChaosExtError as error:
            self._error = error

    def _begun(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        if self._stopping.is_set():
            process.terminate()

    def stop(self) -> bool:
        """End the start, which then cleans up by itself; whether a lab may be there all the same."""
        self._stopping.set()
        if self._process is not None:
            self._process.terminate()
        self._thread.join()
        return self._facts is not None or self.name in (lab["name"] for lab in labs.listed())

    def result(self, wait: Callable[[float], None]) -> Facts:
        while self._thread.is_alive():
            self._thread.join(0.02)
            wait(0.0)
        wait(0.0)  # a start that somebody stopped is no error of the lab's
        if self._error is not None:
            raise self._error
        assert self._facts is not None
        return self._facts
