"""A lab that stays up while runs in it are killed, and everything that such a run could leave in it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import signal
import ssl
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from chaos_ext import labs
from chaos_ext.environments import load as environment
from chaos_ext.fresh import alert_rules
from chaos_ext.safety import execute, ledger

SERVED_WITHIN_S = 30.0


def shorten(root: Path, *, full: bool) -> None:
    """Windows as short as they can be in a project's copy; with `full`, flows that are soon measured."""
    path = root / "environments" / "lab.yaml"
    text = path.read_text(encoding="utf-8")
    baseline = "1s" if full else "2s"
    text, times = re.subn(
        r"^windows: .*$", f"windows: {{baseline: {baseline}, stable: 300ms}}", text, flags=re.M
    )
    assert times == 1
    # Aborts that nobody sent are another test's subject.
    text = re.sub(r"^abort:.*\n", "", text, flags=re.M)
    text += "abort: {hurt_outside_claim: false, fault_outlives: false, limits_passed: false}\n"
    text = re.sub(r"^  poll: .*$", "  poll: 50ms", text, flags=re.M)
    text = re.sub(r"\bfor: (1s|500ms)\b", "for: 0s", text)
    path.write_text(text, encoding="utf-8")
    path = root / "catalog" / "services.yaml"
    services = yaml.safe_load(path.read_text(encoding="utf-8"))
    for flow in services["flows"].values():
        # A busy machine is no finding here: what is claimed of users is proven elsewhere.
        flow["slo"] = {"success": "50%", "latency": "2s", "percentile": 50}
        if not full:
            continue
        flow["deadline"] = flow["slo"]["latency"] = "1500ms"
        flow["per_second"] = 10
        if "follows" in flow:
            flow["follows"]["after"] = "300ms"
    path.write_text(yaml.safe_dump(services, sort_keys=False, allow_unicode=True), encoding="utf-8")


class KillPlace:
    """A lab that a test may break again and again."""

    def __init__(self, root: Path, state: Path) -> None:
        self.root, self.ledger_dir = root, state / "ledger"
        self.number = 0
        self.up()

    def up(self) -> None:
        rules = self.root / "alerts.json"
        rules.write_text(json.dumps(alert_rules(environment("lab", self.root), self.root)), encoding="utf-8")
        self.number += 1
        self.facts = labs.up(name=f"kill{self.number}", owner_pid=os.getpid(), alerts=rules)
        self.files = self._files()
        self._tls = ssl.create_default_context(cafile=self.facts["edge"]["ca_file"])
        self.not_served()  # warm

    def renew(self) -> None:
        """Another lab: what a runbook has changed in this one is not what the next run expects."""
        self.down()
        self.up()

    def down(self) -> None:
        with suppress(Exception):
            labs.down(self.facts["name"])

    @contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        """While inside, a part of the lab answers nothing."""
        pid = labs.status(self.facts["name"])["parts"][part]["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _files(self) -> set[str]:
        return set(os.listdir(self.facts["dir"]))

    # --- what may be left ---

    def residue(self, faults: list[dict[str, Any]]) -> list[str]:
        """Everything that is not as before; empty when nothing was left."""
        left = [f"ledger: {e.name} is {e.state} ({e.why})" for e in self._entries() if e.is_open]
        superseded = {e.name for e in self._entries()[-len(faults) :] if e.state == "superseded"}
        for fault in faults:
            if fault["name"] in superseded:
                continue
            evidence = execute.evidence(fault["in_force"], {"chaos_facts": self.facts})
            if evidence["holds"]:
                left.append(f"in force: {fault['name']}: {evidence}")
        left += [f"held: {path.name}" for path in self.ledger_dir.glob("*.lock") if _is_held(path)]
        left += [f"in the lab's folder: {name}" for name in self._files() - self.files]
        return left

    def _entries(self) -> list[ledger.Entry]:
        return [e for e in ledger.read_all(self.ledger_dir) if e.instance == self.facts["marker"]]

    def not_served(self, *, all_flows: bool = True) -> str:
        """Why users are not served, after up to SERVED_WITHIN_S; empty when each flow answered once.

        Without `all_flows` only those that answer at once are asked.
        """
        deadline = time.monotonic() + SERVED_WITHIN_S
        while why := self._asked(all_flows):
            if time.monotonic() > deadline:
                return why
            time.sleep(0.05)
        return ""

    def _asked(self, all_flows: bool) -> str:
        """One request of each flow, as a user sends it; why the first of them is not served."""
        survey, key = uuid.uuid4().hex[:8], uuid.uuid4().hex
        body = {"id": key, "survey": survey, "text": "is it back?", "score": 4}
        for name, path, sent, expected in (
            ("submit", "/responses", body, 201),
            ("dashboard", f"/dashboard/summary?survey={survey}", None, 200),
            ("export", "/dashboard/exports", {"survey": survey}, 201),
            ("sign-in", "/dashboard/sign-in", {"user": "analyst", "password": "analyst-of-the-lab"}, 200),
        ):
            if (got := self._ask(path, sent)) != expected:
                return f"{name}: got {got}, expected {expected}"
        for name in ("topics", "mail") if all_flows else ():  # these follow the response, a moment later
            deadline = time.monotonic() + 5
            while (got := self._ask(f"/dashboard/{name}/{key}", None)) != 200:
                if time.monotonic() > deadline:
                    return f"{name}: got {got}, expected 200"
                time.sleep(0.05)
        return ""

    def _ask(self, path: str, sent: Any) -> int | str:
        request = urllib.request.Request(
            f"{self.facts['edge']['url']}{path}",
            None if sent is None else json.dumps(sent).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=4, context=self._tls) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError as error:
            return str(error)


def _is_held(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def digest_of(folder: Path) -> str:
    """One digest of all files below a folder: whether anything changed."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            whole.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return whole.hexdigest()
