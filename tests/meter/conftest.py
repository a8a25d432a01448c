"""Servers to be measured and flows that measure them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chaos_ext.meter.client import Meter
from chaos_ext.model import Flow

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def _load(name: str, path: Path) -> ModuleType:
    """A module by its path: tests are no package, and neither is bench."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


TinyServer = _load("tiny_server", HERE / "tiny_server.py").TinyServer


@pytest.fixture
def server() -> Iterator[Any]:
    one = TinyServer()
    yield one
    one.end()


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "tls").mkdir()
    one = TinyServer("--tls", str(tmp_path / "tls"))
    yield one
    one.end()


def make_flow(**changes: Any) -> Flow:
    """A flow as services.yaml would hold it; `changes` replace its fields."""
    written: dict[str, Any] = {
        "title": "Look",
        "service": "shop",
        "slo": {"success": "99%", "latency": "800ms", "percentile": 95},
        "deadline": "2s",
        "per_second": 40,
        "request": {"path": "/look"},
    }
    return Flow.model_validate({**written, **changes})


def make_writing_flow(**changes: Any) -> Flow:
    """A flow that writes to /responses and reads back from it."""
    written: dict[str, Any] = {
        "request": {
            "method": "POST",
            "path": "/responses",
            "json": {"id": "${write.id}", "survey": "${run.id}", "text": "${write.text}"},
            "texts": ["plain", 'with "quotes" and \\', "会議が多すぎます。\n"],
            "expect_status": 201,
        },
        "write": {
            "read_back": "/responses?survey=${run.id}",
            "list_at": "responses",
            "id": "id",
            "content": "text",
        },
    }
    return make_flow(**{**written, **changes})


@pytest.fixture(scope="session")
def flow() -> Callable[..., Flow]:
    return make_flow


@pytest.fixture(scope="session")
def writing_flow() -> Callable[..., Flow]:
    return make_writing_flow


@pytest.fixture
def start_meter(tmp_path: Path) -> Iterator[Callable[..., Meter]]:
    """Starts meters against a server; they are stopped at the end of the test."""
    meters: list[Meter] = []

    def start(server: Any, flows: dict[str, Flow], directory: Path | None = None) -> Meter:
        place = directory or tmp_path / f"trial-{len(meters)}"
        meter = Meter(flows, server.url, server.ca_file, place, run_id="run-1")
        meters.append(meter)
        meter.start()
        return meter

    yield start
    for meter in meters:
        meter.stop(wait_s=0)


@pytest.fixture(scope="session")
def bench() -> ModuleType:
    """The benchmark's outages on a simulated clock."""
    return _load("bench_meter_simulated", ROOT / "bench" / "meter_simulated.py")
