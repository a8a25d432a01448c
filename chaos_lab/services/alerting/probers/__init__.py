"""The black-box probers, a module each. To add one: a module, and a line here.

A prober looks at one target the way its users do, over connections of its own: one that is kept says
nothing about connecting.
"""

from __future__ import annotations

from chaos_lab.services.alerting.probers import (
    certificate,
    guests,
    http,
    orchestrator,
    postgresql,
    queue,
    storage,
    valkey,
)
from chaos_lab.services.alerting.probers.prober import Prober
from chaos_lab.services.process import Config

_MAKERS = (
    postgresql.of_config,
    valkey.of_config,
    queue.of_config,
    storage.of_config,
    certificate.of_config,
    http.of_config,
    guests.of_config,
    orchestrator.of_config,
)


def of_config(config: Config) -> list[Prober]:
    """Every prober that the configuration has a target for. Raises BadConfig or KeyError."""
    return [prober for make in _MAKERS for prober in make(config)]
