"""A flow's request, compiled once: ``${run.id}``, ``${write.id}`` and ``${write.text}`` in path, headers and JSON.

What is the same for every operation is worked out when the meter starts, so that sending costs only the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from yarl import URL

from chaos_ext.errors import Problem, UsageError
from chaos_ext.model import Flow

_NAME = re.compile(r"\$\{([^}]*)\}")
_PER_WRITE = ("write.id", "write.text")
_KNOWN = ("run.id", *_PER_WRITE)

Render = Callable[[str, str], str]  # (write id, write text) → text
_Escape = Callable[[str], str]


@dataclass(frozen=True)
class Prepared:
    """One operation, ready to be sent."""

    url: URL
    headers: dict[str, str]
    body: bytes | None
    write_id: str  # empty for a flow that does not write
    text: str


class CompiledRequest:
    """How to make operation n of one flow."""

    def __init__(self, name: str, flow: Flow, base_url: str, run_id: str, writes_as: str) -> None:
        """`writes_as` is what ids of writes begin with; it must be new for each meter. Raises UsageError."""
        request = flow.request
        self._where = f"services.yaml: flows.{name}"
        self._texts = request.texts
        self._writes_as = writes_as if flow.write else ""
        self._run_id = run_id
        self._per_write: set[str] = set()
        compiled_path = self._compile("path", request.path, _in_url)
        body = None
        if request.json_ is not None:
            text = json.dumps(request.json_, ensure_ascii=False, separators=(",", ":"))
            body = self._compile("json", text, _in_json)
        headers = {
            key: self._compile(f"headers.{key}", value, _in_header) for key, value in request.headers.items()
        }
        if flow.write is not None and "write.id" not in self._per_write:
            raise self._wrong("write", "no ${write.id} in the request", "the id that is read back later")
        base = base_url.rstrip("/")
        if isinstance(compiled_path, str):
            url = URL(base + compiled_path)
            self._url: Callable[[str, str], URL] = lambda _id, _text: url
        else:
            path = compiled_path
            self._url = lambda write_id, text: URL(base + path(write_id, text))
        fixed = {key: value for key, value in headers.items() if isinstance(value, str)}
        if body is not None:
            fixed.setdefault("Content-Type", "application/json")
        self._fixed = fixed
        self._moving = {key: value for key, value in headers.items() if not isinstance(value, str)}
        self._body = body.encode() if isinstance(body, str) else body

    def prepare(self, number: int) -> Prepared:
        """Operation `number`."""
        write_id = f"{self._writes_as}-{number}" if self._writes_as else ""
        text = self._texts[number % len(self._texts)] if self._texts else ""
        headers = self._fixed
        if self._moving:
            headers = {**headers, **{key: make(write_id, text) for key, make in self._moving.items()}}
        body = self._body
        if callable(body):
            body = body(write_id, text).encode()
        return Prepared(self._url(write_id, text), headers, body, write_id, text)

    def _compile(self, field: str, template: str, escape: _Escape) -> str | Render:
        """The text itself when nothing in it differs between operations."""
        pieces = _NAME.split(template)  # text, name, text, name, …, text
        for name in pieces[1::2]:
            self._check(f"request.{field}", name)
        self._per_write.update(set(pieces[1::2]) & set(_PER_WRITE))
        filled = [
            escape(self._run_id) if i % 2 and piece == "run.id" else piece for i, piece in enumerate(pieces)
        ]
        if not set(pieces[1::2]) & set(_PER_WRITE):
            return "".join(filled)
        is_id = [bool(i % 2) and piece == "write.id" for i, piece in enumerate(pieces)]
        is_text = [bool(i % 2) and piece == "write.text" for i, piece in enumerate(pieces)]
        plan = list(zip(filled, is_id, is_text, strict=True))

        def render(write_id: str, text: str) -> str:
            return "".join(
                escape(write_id) if id_here else escape(text) if text_here else piece
                for piece, id_here, text_here in plan
            )

        return render

    def _check(self, field: str, name: str) -> None:
        if name not in _KNOWN:
            raise self._wrong(
                field, f"'${{{name}}}'", "one of " + ", ".join(f"${{{known}}}" for known in _KNOWN)
            )
        if name == "write.text" and not self._texts:
            raise self._wrong(field, "'${write.text}'", "texts to take it from")
        if name == "write.id" and not self._writes_as:
            raise self._wrong(field, "'${write.id}'", "a flow that says under `write` how to read it back")

    def _wrong(self, field: str, got: str, expected: str) -> UsageError:
        return UsageError([Problem(self._where, field, got, expected)])


def read_back_url(flow: Flow, base_url: str, run_id: str) -> URL:
    """Where everything that `flow` wrote in this run is read back from."""
    assert flow.write is not None
    return URL(base_url.rstrip("/") + flow.write.read_back.replace("${run.id}", _in_url(run_id)))


def read_back_headers(flow: Flow, run_id: str) -> dict[str, str]:
    """The headers of the flow's own request (credentials), without those that belong to one write."""
    return {k: v.replace("${run.id}", run_id) for k, v in flow.request.headers.items() if "${write." not in v}


def _in_url(value: str) -> str:
    return quote(value, safe="")


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _in_header(value: str) -> str:
    return value
