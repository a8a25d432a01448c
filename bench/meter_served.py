"""A server process to measure, and the flows that measure it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from bench.meter_simulated import DEADLINE_S
from chaos_ext.model import Flow

ROOT = Path(__file__).resolve().parent.parent


def tiny_server(*arguments: str) -> Any:
    """The server that the tests measure too, as a process of its own."""
    path = ROOT / "tests" / "meter" / "tiny_server.py"
    spec = importlib.util.spec_from_file_location("tiny_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TinyServer(*arguments)


def two_flows(rates: dict[str, float], deadline_s: float) -> dict[str, Flow]:
    """A flow that writes and one that looks, at these rates."""
    submit, look = written(rates, deadline_s)
    return {"submit": Flow.model_validate(submit), "dashboard": Flow.model_validate(look)}


def written(rates: dict[str, float], deadline_s: float) -> tuple[dict[str, Any], dict[str, Any]]:
    look: dict[str, Any] = {
        "title": "Look",
        "service": "shop",
        "slo": {"success": "99%", "latency": "800ms", "percentile": 95},
        "deadline": f"{deadline_s}s",
        "per_second": rates["dashboard"],
        "request": {"path": "/look"},
    }
    submit = {
        **look,
        "per_second": rates["submit"],
        "request": {
            "method": "POST",
            "path": "/responses",
            "json": {"id": "${write.id}", "survey": "${run.id}", "text": "${write.text}", "score": 4},
            "texts": ["The new desk booking works well.", "会議が多すぎます。"],
            "expect_status": 201,
        },
        "write": {"read_back": "/responses", "list_at": "responses", "id": "id", "content": "text"},
    }
    return submit, look


def flows_of_the_lab() -> dict[str, Flow]:
    """Six flows as the lab has them: 40 operations a second that write, follow, must be fresh, and look."""
    submit, look = written({"submit": 10.0, "dashboard": 20.0}, DEADLINE_S)
    fresh = {"of": "submit", "within": "1s", "newest": "newest.id", "count": "responses"}
    follows = {"flow": "submit", "after": "1s"}
    summary = {"path": "/summary?page=${cycle}", "cycle": 400}
    known = {"path": "/known/${followed.id}"}
    of_the_lab = {
        "submit": {**submit, "per_second": 10},
        "dashboard": {**look, "per_second": 20, "request": summary, "fresh": fresh},
        "topics": {**look, "per_second": 5, "request": known, "follows": follows},
        "export": {**look, "per_second": 2, "request": summary, "fresh": fresh},
        "sign-in": {**look, "per_second": 1},
        "mail": {**look, "per_second": 2, "request": known, "follows": follows},
    }
    return {name: Flow.model_validate(flow) for name, flow in of_the_lab.items()}
