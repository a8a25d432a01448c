"""The meter of a place without users: it sends nothing, and has seen nothing."""

from __future__ import annotations

from chaos_ext.meter.account import WriteAccount
from chaos_ext.meter.samples import Sample


class NoMeter:
    """What a trial needs of a meter, where there is nothing to measure."""

    failed: str | None = None

    def start(self) -> None:
        """Nothing is sent."""

    def stop(self, wait_s: float | None = None) -> None:
        """Nothing was."""

    def snapshot(self, since: float | None = None) -> tuple[Sample, ...]:
        """No operation."""
        return ()

    def live(self, window_s: float) -> dict[str, list[Sample]]:
        """No flow."""
        return {}

    def read_back(self, within_s: float) -> WriteAccount:
        """No write was sent, and none is missed."""
        return WriteAccount()
