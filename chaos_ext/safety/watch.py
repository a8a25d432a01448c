"""What the janitor does: wait for the runner's death or a lease's end, then put things back.

Messages are JSON lines. The runner says `sys_path`, `secrets`, `ping` and `expect` (both answered), `at_death`,
`forget` and `bye` (answered); the end of the line without `bye` means that the runner is dead.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from chaos_ext.errors import Blocked
from chaos_ext.language import spoken, t
from chaos_ext.masking import register
from chaos_ext.record import wall_now
from chaos_ext.safety import clocks, execute, ledger, ledger_postgresql, mitigating, orphans
from chaos_ext.safety.heal import Outcome, heal
from chaos_ext.safety.ledger import Entry

_COMMAND_LIMIT_S = 120.0
_SEND_WITHIN_S = 60.0  # how long a shared ledger that is lost is waited for, once all is put back


class Watch:
    """One janitor at work."""

    def __init__(self, channel: socket.socket, ledger_dir: Path, pid: int, started: str) -> None:
        self._channel = channel
        self._ledger_dir = ledger_dir
        self._runner = (pid, started)
        self._expected: dict[str, Entry] = {}
        self._at_death: dict[str, dict[str, Any]] = {}
        self._lasts_until: dict[str, float] = {}  # the same leases by a clock that nobody sets
        self._overdue: set[str] = set()  # healed, or given up, because their lease ran out
        self._buffer = b""

    def run(self) -> None:
        """Serve until the runner says bye or dies, and put back what it left."""
        self._answer({"ready": os.getpid()})
        while True:
            lines = self._lines_or_lease()
            if lines is None:
                return self._runner_died()
            for line in lines:
                message = json.loads(line)
                if "bye" in message:
                    outcomes = self._heal(t("the runner ended without undoing it"))
                    return self._answer({"undid": [str(outcome) for outcome in outcomes]})
                self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if "expect" in message:
            if "ledger" in message:
                ledger_postgresql.remember(message["ledger"], message["password"])
            self._answer(self._expect(Path(message["path"]), message["expect"]))
        elif "ping" in message:
            self._answer({"ok": True})
        elif "sys_path" in message:
            sys.path[:] = message["sys_path"]
        elif "secrets" in message:
            register.remember(message["secrets"])
        elif "at_death" in message:
            self._at_death[message["at_death"]] = message
        elif "forget" in message:
            self._at_death.pop(message["forget"], None)

    def _expect(self, path: Path, entry_id: str) -> dict[str, Any]:
        """Import now what the undo needs: later there may be no time, or no file descriptor left."""
        try:
            entry = ledger.find(path, entry_id)
            execute.preload(entry.in_force)
            if entry.undo is not None:
                execute.preload(entry.undo)
        except Exception as error:  # noqa: BLE001 - told to the runner, who then injects nothing
            return {"error": f"{type(error).__name__}: {error}"}
        self._expected[entry_id] = entry
        self._lasts_until[entry_id] = clocks.steady() + entry.lease_until - time.time()
        return {"ok": entry_id}

    def _lines_or_lease(self) -> list[bytes] | None:
        """Whole lines from the runner, none after a lease ran out, or None when the runner is gone."""
        waiting = [entry for key, entry in self._expected.items() if key not in self._overdue]
        timeout_s = min((self._left_s(entry) for entry in waiting), default=None)
        # in steps: a clock that is set, or a laptop that slept, must not make a lease longer
        timeout_s = None if timeout_s is None else min(max(timeout_s, 0.0), 5.0)
        if not select.select([self._channel], [], [], timeout_s)[0]:
            self._heal_overdue(waiting)
            return []
        try:
            data = self._channel.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return lines

    def _heal_overdue(self, waiting: list[Entry]) -> None:
        overdue = [entry for entry in waiting if self._left_s(entry) <= 0]
        self._overdue.update(entry.id for entry in overdue)
        if overdue:
            self._heal(t("its lease ran out although the runner lives"), overdue)

    def _left_s(self, entry: Entry) -> float:
        """How long the lease still lasts: whichever clock says that it is over sooner, should one have been set."""
        return min(entry.lease_until - time.time(), self._lasts_until[entry.id] - clocks.steady())

    def _runner_died(self) -> None:
        if ended := orphans.end_of(self._runner):
            self._log(t("the runner died: ended {count} processes of its runbook's block", count=ended))
        self._heal(t("the runner died"))
        self._mark_left()
        for key, message in self._at_death.items():
            self._run_command(key, message)
        if self._at_death:  # what could not be undone may have gone with its place
            self._heal(t("the runner died"), quietly=True)
        self._send_unsent()

    def _books(self) -> list[ledger.Ledger]:
        """The ledgers of what we expected, each once."""
        return list({entry.path: ledger.of(entry) for entry in self._expected.values()}.values())

    def _mark_left(self) -> None:
        """Where a runbook was in the middle of something, a person must look before anything runs there again."""
        for book in self._books():
            try:
                known = ledger.read_book(book.path).mitigations.values()
            except Blocked as error:
                self._log(str(error))
                continue
            ours = [each for each in known if (each.runner.pid, each.runner.started) == self._runner]
            for said in mitigating.mark_left(book, ours, t("the runner died")):
                self._log(said)

    def _send_unsent(self) -> None:
        """What a shared ledger has not got, because it was lost at the worst moment: for a while, then `chaos heal`."""
        deadline = time.monotonic() + _SEND_WITHIN_S
        for book in self._books():
            while book.url:
                try:
                    book.send_unsent()
                    break
                except Blocked as error:
                    if time.monotonic() >= deadline:
                        self._log(t("{error} What was put back is sent there by 'chaos heal'.", error=error))
                        break
                    time.sleep(1.0)

    def _heal(self, because: str, entries: list[Entry] | None = None, quietly: bool = False) -> list[Outcome]:
        """Undo `entries`, or everything this runner left; first what is at hand, then the ledger's."""
        say = (
            (lambda text: self._log(t("{because}: {text}", because=because, text=text)))
            if not quietly
            else self._log
        )
        known = list(self._expected.values()) if entries is None else entries
        outcomes = heal(self._ledger_dir, None, say, self._still_open(known))
        if entries is None:
            damaged: list[Blocked] = []
            everything = ledger.read_all(self._ledger_dir, damaged)
            for error in damaged:
                self._log(str(error))
            rest = [entry for entry in everything if self._is_new_to_us(entry)]
            outcomes += heal(self._ledger_dir, None, say, rest)
        return outcomes

    def _still_open(self, entries: list[Entry]) -> list[Entry]:
        """`entries` as the ledger has them now. When it cannot be read any more, as we knew them."""
        current = []
        for entry in entries:
            try:
                current.append(ledger.find(entry.path, entry.id))
            except (Blocked, KeyError, OSError):
                current.append(entry)
        return [entry for entry in current if entry.is_open]

    def _is_new_to_us(self, entry: Entry) -> bool:
        ours = (entry.runner_pid, entry.runner_started) == self._runner
        return ours and entry.is_open and entry.id not in self._expected

    def _run_command(self, key: str, message: dict[str, Any]) -> None:
        try:
            done = subprocess.run(
                message["argv"],
                cwd=message["cwd"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_COMMAND_LIMIT_S,
                check=False,
            )
            tail = done.stderr.decode(errors="replace").strip()[-500:]
            result: str = (
                t("done")
                if done.returncode == 0
                else t("exit {code}: {tail}", code=done.returncode, tail=tail)
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            result = str(error)
        self._log(t("the runner died: {key}: {result}", key=key, result=result))

    def _answer(self, answer: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it has just died; the next read says so
            self._channel.sendall(json.dumps(answer).encode() + b"\n")

    def _log(self, text: str) -> None:
        """Say it on the terminal and in the ledger's janitor.log; neither may stop the healing."""
        text = register.hide(text)
        line = f"{wall_now()} janitor {os.getpid()} of runner {self._runner[0]}: {text}\n".encode()
        with contextlib.suppress(OSError, ValueError):
            if select.select([], [2], [], 0)[1]:  # a pipe that nobody reads must not hold us up
                os.write(2, f"{spoken(t('janitor: {text}', text=text))}\n".encode()[: select.PIPE_BUF])
        with contextlib.suppress(OSError):
            fd = os.open(self._ledger_dir / "janitor.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(fd, line)
            finally:
                os.close(fd)


def main(argv: list[str]) -> None:
    """Entry of `python -m chaos_ext.safety.janitor FD LEDGER RUNNER-PID RUNNER-START`."""
    import chaoslib.activity  # noqa: F401 - now, not when there is no time to lose

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # a handler that does nothing, and not SIG_IGN, which commands that we start would inherit
        signal.signal(number, lambda *_: None)
    fd = int(argv[0])
    os.set_inheritable(fd, False)
    with socket.socket(fileno=fd) as channel:
        Watch(channel, Path(argv[1]), int(argv[2]), argv[3]).run()
    sys.stdout.flush()
