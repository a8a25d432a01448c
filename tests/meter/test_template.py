"""Requests are made as services.yaml says, and wrong placeholders are told before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.errors import UsageError
from chaos_ext.meter.template import CompiledRequest, read_back_headers, read_back_url
from chaos_ext.model import Flow

BASE = "https://127.0.0.1:8443/"


def test_a_write(writing_flow: Callable[..., Flow]) -> None:
    request = {
        "method": "PUT",
        "path": "/r/${write.id}?survey=${run.id}",
        "headers": {"Idempotency-Key": "k-${write.id}", "X-Run": "${run.id}"},
        "json": {"id": "${write.id}", "said": ["${write.text}", 4], "note": "run ${run.id}: ${write.text}!"},
        "texts": ['a "quoted" \\ text', "会議"],
    }
    compiled = CompiledRequest("submit", writing_flow(request=request), BASE, "run 1", "w")
    ready = compiled.prepare(12)
    assert str(ready.url) == "https://127.0.0.1:8443/r/w-12?survey=run%201"
    assert ready.headers == {
        "Idempotency-Key": "k-w-12",
        "X-Run": "run 1",
        "Content-Type": "application/json",
    }
    assert ready.body is not None
    text = 'a "quoted" \\ text'
    assert json.loads(ready.body) == {"id": "w-12", "said": [text, 4], "note": f"run run 1: {text}!"}
    assert (ready.write_id, ready.text) == ("w-12", text)
    assert compiled.prepare(13).text == "会議"
    assert compiled.prepare(13).headers["Idempotency-Key"] == "k-w-13"


def test_what_never_changes_is_made_once(flow: Callable[..., Flow]) -> None:
    compiled = CompiledRequest("look", flow(request={"path": "/look?run=${run.id}"}), BASE, "r", "w")
    first, second = compiled.prepare(0), compiled.prepare(1)
    assert str(first.url) == "https://127.0.0.1:8443/look?run=r"
    assert first.url is second.url
    assert first.body is None
    assert first.headers == {}
    assert first.write_id == ""


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_arrives_as_it_was_written(
    writing_flow: Callable[..., Flow], text: str, run_id: str
) -> None:
    flow = writing_flow()
    flow = flow.model_copy(update={"request": flow.request.model_copy(update={"texts": (text,)})})
    ready = CompiledRequest("submit", flow, BASE, run_id, "w").prepare(0)
    assert ready.body is not None
    assert json.loads(ready.body) == {"id": "w-0", "survey": run_id, "text": text}


@pytest.mark.parametrize(
    ("request_", "writes", "expected"),
    [
        pytest.param(
            {"path": "/${run.idd}"},
            False,
            "request.path: got '${run.idd}', expected one of ${run.id}",
            id="typo",
        ),
        pytest.param(
            {"path": "/", "json": "${write.text}"}, False, "expected texts to take it from", id="no-texts"
        ),
        pytest.param(
            {"path": "/${write.id}"}, False, "expected a flow that says under `write`", id="no-write"
        ),
        pytest.param({"path": "/"}, True, "got no ${write.id} in the request", id="a-write-without-its-id"),
    ],
)
def test_wrong_placeholders(
    flow: Callable[..., Flow],
    writing_flow: Callable[..., Flow],
    request_: dict[str, Any],
    writes: bool,
    expected: str,
) -> None:
    made = (writing_flow if writes else flow)(request=request_)
    with pytest.raises(UsageError) as caught:
        CompiledRequest("submit", made, BASE, "r", "w")
    assert str(caught.value).startswith("services.yaml: flows.submit: ")
    assert expected in str(caught.value)


def test_reading_back(writing_flow: Callable[..., Flow]) -> None:
    made = writing_flow(
        request={
            "path": "/${write.id}",
            "headers": {"Authorization": "of ${run.id}", "Idempotency-Key": "${write.id}"},
        }
    )
    [store] = made.stores.values()
    assert str(read_back_url(store, BASE, "r&1")) == "https://127.0.0.1:8443/responses?survey=r%261"
    assert read_back_headers(made, "r&1") == {"Authorization": "of r&1"}
