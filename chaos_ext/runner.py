"""Runs one experiment with Chaos Toolkit: the only caller of its runner. Its journal and log go where they are told."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from chaos_ext import trial
from chaos_ext.history import bundle
from chaos_ext.model import Arm, Event, Variant
from chaos_ext.safety.abort import Ways


def run_experiment_of(
    variant: Variant,
    experiment: dict[str, Any],
    variables: dict[str, str],
    directory: Path,
    ways: Ways,
    when_settled: Callable[[], None] | None,
) -> None:
    """Run one trial; journal and log go into `directory`. `when_settled` is called once all is done that changes it."""
    from chaoslib.experiment import run_experiment
    from chaoslib.run import RunEventHandler
    from chaoslib.types import Experiment, Journal

    class TakeSignalsBack(RunEventHandler):
        """Chaos Toolkit installs its own SIGTERM handler, which would let the next injection go on."""

        def started(self, experiment: Experiment, journal: Journal) -> None:
            ways.install()

    def listen(event: Event) -> None:
        if when_settled is not None and is_settled(variant, event) and not mine.aborting.is_set():
            when_settled()

    mine = trial.host
    trial.host = replace(mine, listeners=(*mine.listeners, listen))
    settings = {"runtime": {"rollbacks": {"strategy": "always"}, "hypothesis": {"strategy": "default"}}}
    try:
        with log_to(directory / "experiment.log"):
            journal = run_experiment(
                json.loads(json.dumps(experiment)),  # the runner writes into what it is given
                settings=settings,
                experiment_vars=(dict(variables), {}),
                event_handlers=[TakeSignalsBack()],
            )
        bundle.write_json(directory / "journal.json", journal)
    finally:
        trial.finish()
        trial.host = mine


def is_settled(variant: Variant, event: Event) -> bool:
    """Whether another lab may start now. That takes every core, and must not be measured as what users felt.

    So not before the runbook has changed all it will; where none is followed, or not as it is written, when recovery
    was looked at; after a mistake, when Verification has had its last word.
    """
    if variant.arm is Arm.MUTATED:
        return bool(event["kind"] == "verification-after")
    as_written = variant.arm is Arm.TREATMENT and event.get("role") == "verify"
    return bool(event["kind"] == "recovery" or as_written)


# --- logs ---


class _LogFile(logging.FileHandler):
    """A log that cannot be written is not worth a traceback in the terminal: what counts is in events.jsonl."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Chaos Toolkit's log goes to `path` and nowhere else. Its debug level is for who mends the toolkit."""
    logger = logging.getLogger("chaostoolkit")
    path.touch(mode=0o600)
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    before = (logger.handlers[:], logger.level, logger.propagate)
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before[0], before[2]
        logger.setLevel(before[1])
        with suppress(OSError):
            handler.close()
