"""The meter: sends the user flows at a constant rate from a thread of its own, and keeps what became of each operation.

Open loop: an operation is sent when its time has come, however many are still under way, so a hang is seen at its full
length. If this process was kept from running, operations that are overdue go out at once and their `scheduled` keeps
the truth.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from chaos_ext.errors import ChaosExtError, Problem, UsageError
from chaos_ext.language import listed, t
from chaos_ext.meter import follow, readback, samples
from chaos_ext.meter.account import WriteAccount
from chaos_ext.meter.reading import places
from chaos_ext.meter.reads import READS, ReadFile
from chaos_ext.meter.samples import OVERLOAD, Sample, SampleFile
from chaos_ext.meter.schedule import FRESH_EVERY, Due, Schedule
from chaos_ext.meter.template import CompiledRequest
from chaos_ext.meter.transport import Ending, Transport, trust
from chaos_ext.meter.watching import watch
from chaos_ext.meter.writelog import WriteLog
from chaos_ext.model import Flow

_GRACE_S = 1.0  # after the last deadline, for the loop to come round
_BATCH_S = 0.05  # how long samples may wait to be written together


class MeterFailed(ChaosExtError):
    """The meter could not measure or could not record (a full disk): there is no data from here on (exit 4)."""

    exit_code = 4


class _Plan:
    """What sending needs of a flow, looked up once."""

    __slots__ = ("compiled", "deadline_s", "expect", "follows", "fresh", "method", "number", "writes")

    def __init__(self, name: str, flow: Flow, base_url: str, run_id: str, token: str) -> None:
        self.compiled = CompiledRequest(name, flow, base_url, run_id, f"{run_id}-{token}-{name}")
        self.deadline_s = flow.deadline
        self.expect = flow.request.expect_status
        self.method = flow.request.method
        self.writes = flow.write is not None
        self.follows, self.fresh = flow.follows, flow.fresh
        self.number = 0  # of the next operation, where the schedule does not count


class Meter:
    """Load and measurement of one trial. Use from any thread; start once."""

    def __init__(
        self, flows: Mapping[str, Flow], base_url: str, ca_file: str | None, directory: Path, run_id: str
    ) -> None:
        """Prepare; nothing is sent yet.

        - `flows`: what to do, by name; at least one. `base_url`: their paths are below it.
        - `ca_file`: trust for https; None: the system's.
        - `directory`: gets samples.jsonl and writes.jsonl; made when missing.
        - `run_id`: ``${run.id}``. Writes are read back by it, so it must be new in this environment.

        Raises UsageError for a request that cannot be made.
        """
        self._flows = dict(flows)
        _refuse_unknown_writes(self._flows)
        self._base_url, self._ca_file, self._run_id = base_url, ca_file, run_id
        self._directory = directory
        token = secrets.token_hex(3)
        self._plans = {name: _Plan(name, flow, base_url, run_id, token) for name, flow in flows.items()}
        # Twice what a hang of everything can hold: beyond it this process is what is overloaded.
        self._at_most = 64 + round(2 * sum(f.per_second * f.deadline for f in flows.values()))
        self._writes: defaultdict[str, follow.Writes] = defaultdict(follow.Writes)
        self._seen: list[Sample] = []  # in the order of `done`; the thread appends, others copy
        self._under_way: set[asyncio.Task[None]] = set()
        self._failed: str | None = None
        self._ready, self._over = threading.Event(), threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._wait_s: float | None = None
        self._thread: threading.Thread | None = None

    # --- from other threads ---

    def start(self) -> None:
        """Begin to send. Returns when the first operation can go out; raises UsageError, MeterFailed, OSError."""
        if self._thread is not None:
            raise RuntimeError("a meter starts once")
        context = trust(self._ca_file)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._file = SampleFile(self._directory / "samples.jsonl")
        self._log = WriteLog(self._directory / "writes.jsonl")
        self._reads = ReadFile(self._directory / READS)
        self._context = context
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)
        self._thread.start()
        self._ready.wait()
        self._refuse_if_failed()

    def stop(self, wait_s: float | None = None) -> None:
        """Send nothing more, wait for what is under way, make the record durable. A second call does nothing.

        - `wait_s`: seconds to wait for operations under way; default: each up to its own deadline. What is cut off has
          no sample, and counts as indeterminate when it writes.

        Never raises for what the meter met before: see `failed`.
        """
        thread, loop = self._thread, self._loop
        if thread is None:
            return
        self._wait_s = wait_s
        if loop is not None and self._stopping is not None and thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop ended in between
                loop.call_soon_threadsafe(self._stopping.set)
        self._over.wait()
        # What may still go on is a look-up of a name that hangs in the resolver; nobody needs its answer.
        thread.join(_GRACE_S)

    @property
    def failed(self) -> str | None:
        """Why there is no data any more; None while all is well."""
        return self._failed

    def snapshot(self, since: float | None = None) -> tuple[Sample, ...]:
        """What is done by now of the operations sent at or after `since` (monotonic; None: all), by time of sending.

        Raises MeterFailed once the meter has failed: what it shows would look like silence.
        """
        self._refuse_if_failed()
        seen = self._seen
        begin = 0 if since is None else bisect.bisect_left(seen, since, key=lambda s: s.done)
        known = [s for s in seen[begin:] if since is None or s.sent >= since]
        return tuple(sorted(known, key=lambda s: s.sent))

    def live(self, window_s: float) -> dict[str, list[Sample]]:
        """Each flow's operations that ended in the last `window_s` seconds, in that order. Raises MeterFailed."""
        self._refuse_if_failed()
        seen = self._seen
        recent = samples.by_flow(
            seen[bisect.bisect_left(seen, time.monotonic() - window_s, key=lambda s: s.done) :]
        )
        return {name: recent.get(name, []) for name in self._flows}

    def read_back(self, within_s: float = 10.0, settle_s: float | None = None) -> WriteAccount:
        """Stop, read everything back that was written, and compare. Never raises; look at `readable` and `why`.

        - `within_s`: how long to try until a store answers.
        - `settle_s`: how long to look again while an acknowledged write is missing, before it is called lost; default:
          as long as each store says.
        """
        self.stop()
        if self._failed is not None:
            return WriteAccount(readable=False, why=self._failed)
        return readback.read_back(
            self._flows,
            self._base_url,
            self._ca_file,
            self._run_id,
            self._directory,
            within_s=within_s,
            settle_s=settle_s,
        )

    def _refuse_if_failed(self) -> None:
        if self._failed is not None:
            raise MeterFailed(self._failed)

    # --- in the meter's own thread ---

    def _run(self) -> None:
        try:
            asyncio.run(self._measure())
        except Exception as error:  # noqa: BLE001 - in a thread it would be nobody's: it surfaces through `failed`
            self._broke(error)
        finally:
            self._ready.set()
            self._over.set()

    async def _measure(self) -> None:
        loop = self._loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._stray)
        self._stopping = asyncio.Event()
        self._transport = Transport(self._context)
        self._schedule = Schedule({name: f.per_second for name, f in self._flows.items()}, loop.time())
        self._flush_at: asyncio.TimerHandle | None = None
        self._next: asyncio.TimerHandle = loop.call_soon(self._tick)  # type: ignore[assignment]
        watched = [p for p in places(self._flows, self._base_url, self._run_id) if p.store.watch is not None]
        watching = loop.create_task(watch(watched, self._context, self._reads))
        watching.add_done_callback(self._watched)
        self._ready.set()
        try:
            await self._stopping.wait()
        finally:
            self._next.cancel()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._wind_up()
            self._over.set()

    async def _wind_up(self) -> None:
        longest = max(flow.deadline for flow in self._flows.values()) + _GRACE_S
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=longest if self._wait_s is None else self._wait_s)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._transport.close()
        if self._flush_at is not None:
            self._flush_at.cancel()
        self._flush()
        for file in (self._file, self._log, self._reads):
            try:
                file.close()
            except OSError as error:
                self._cannot_record(error)

    def _tick(self) -> None:
        """Send what is due, and come back when the next is."""
        assert self._loop is not None
        if self._failed is not None:
            return
        try:
            for due in self._schedule.due(self._loop.time()):
                self._begin(due, self._loop)
        except Exception as error:  # noqa: BLE001 - a timer's exception would only be logged
            self._broke(error)
        else:
            self._next = self._loop.call_at(self._schedule.next_at, self._tick)

    def _begin(self, due: Due, loop: asyncio.AbstractEventLoop) -> None:
        plan, followed = self._plans[due.flow], ""
        if plan.follows is not None:
            found = self._writes[plan.follows.flow].newest_due(loop.time() - plan.follows.after)
            if found is None:
                return  # there is nothing to ask yet; numbers count what was asked
            followed = found
            due = due._replace(number=plan.number, fresh=plan.number % FRESH_EVERY == 0)
            plan.number += 1
        if len(self._under_way) >= self._at_most:
            now = loop.time()
            why = f"{OVERLOAD}: {len(self._under_way)} operations are under way"
            self._keep(Sample(due.flow, due.number, due.scheduled, now, now, False, why, due.fresh), loop)
            return
        task = loop.create_task(self._operate(due, plan, followed, loop))
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    async def _operate(self, due: Due, plan: _Plan, followed: str, loop: asyncio.AbstractEventLoop) -> None:
        if self._failed is not None:
            return
        ready = plan.compiled.prepare(due.number, followed)
        sent = loop.time()
        if plan.writes:
            self._log.before(ready.write_id, due.flow, ready.text, sent)
            self._writes[due.flow].sent(ready.write_id, sent)
        ending = await self._transport.send(plan.method, ready, plan.expect, plan.deadline_s, due.fresh)
        done = loop.time()
        if self._failed is not None:
            return  # the record has ended; a line behind a torn one would spoil it
        if plan.writes:
            self._log.after(ready.write_id, ending.outcome, done)
            self._writes[due.flow].over(ready.write_id, ending.outcome == "ok", done)
        why, shown, newest = self._looked_into(plan, ending, sent)
        ok, fresh = not why, due.fresh
        self._keep(
            Sample(due.flow, due.number, due.scheduled, sent, done, ok, why, fresh, followed, shown, newest),
            loop,
        )

    def _looked_into(self, plan: _Plan, ending: Ending, sent: float) -> tuple[str, int | None, str]:
        """What was wrong with an operation once its answer is understood (empty: nothing), and what it showed."""
        if plan.follows is not None and ending.status == plan.follows.late_status:
            return follow.LATE, None, ""
        if plan.fresh is None or not ending.ok:
            return ending.why, None, ""
        found = follow.shown(plan.fresh, ending.body)
        if found is None:
            return follow.WRONG, None, ""
        newest, count = found
        why = self._writes[plan.fresh.of].what_is_wrong(sent - plan.fresh.within, newest, count)
        return why, count, newest or ""

    def _keep(self, sample: Sample, loop: asyncio.AbstractEventLoop) -> None:
        self._seen.append(sample)
        self._file.add(sample)
        if self._flush_at is None:
            self._flush_at = loop.call_later(_BATCH_S, self._flush)

    def _flush(self) -> None:
        self._flush_at = None
        if self._failed is None:
            try:
                self._file.flush()
            except OSError as error:
                self._cannot_record(error)

    def _watched(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
        if isinstance(inner, OSError):
            self._cannot_record(inner)
        elif inner is not None:
            self._broke(inner)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, OSError):
            self._cannot_record(error)
        elif error is not None:
            self._broke(error)

    def _stray(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """What asyncio would log. A connection's own errors were told to its operation; the rest is a bug."""
        error = context.get("exception")
        if isinstance(error, BaseException) and not isinstance(error, OSError):
            self._broke(error)

    def _cannot_record(self, error: OSError) -> None:
        self._fail(
            t(
                "the meter cannot record in {directory}: {why}",
                directory=self._directory,
                why=error.strerror or error,
            )
        )

    def _broke(self, error: BaseException) -> None:
        self._fail(t("the meter broke: {kind}: {error}", kind=type(error).__name__, error=error))

    def _fail(self, why: str) -> None:
        if self._failed is None:
            self._failed = why
        if self._stopping is not None:
            self._stopping.set()


def _refuse_unknown_writes(flows: Mapping[str, Flow]) -> None:
    """Raises UsageError for a flow that leans on the writes of one that does not write."""
    writing = [name for name, flow in flows.items() if flow.write is not None]
    for name, flow in flows.items():
        for field, of in (
            ("follows.flow", flow.follows and flow.follows.flow),
            ("fresh.of", flow.fresh and flow.fresh.of),
        ):
            if of is not None and of not in writing:
                where, expected = (
                    f"services.yaml: flows.{name}",
                    t("one that writes: {flows}", flows=listed(writing) or t("none")),
                )
                raise UsageError([Problem(where, field, repr(of), expected)])
