"""A flow's request, compiled once: what stands in ``${…}`` in its path, headers and JSON.

What is the same for every operation is worked out when the meter starts, so that sending costs only the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from yarl import URL

from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.model import Flow, Store

_NAME = re.compile(r"\$\{([^}]*)\}")
_PER_OPERATION = ("write.id", "write.text", "cycle", "followed.id")
_KNOWN = ("run.id", *_PER_OPERATION)

Values = Mapping[str, str]  # what each of them is for one operation
Render = Callable[[Values], str]
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
        self._cycle = request.cycle
        self._follows = flow.follows is not None
        self._writes_as = writes_as if flow.write else ""
        self._run_id = run_id
        self._used: set[str] = set()
        compiled_path = self._compile("path", request.path, _in_url)
        body = None
        if request.json_ is not None:
            text = json.dumps(request.json_, ensure_ascii=False, separators=(",", ":"))
            body = self._compile("json", text, _in_json)
        headers = {
            key: self._compile(f"headers.{key}", value, _in_header) for key, value in request.headers.items()
        }
        if flow.write is not None and "write.id" not in self._used:
            raise self._wrong(
                "write", t("no ${write.id} in the request"), t("the id that is read back later")
            )
        if self._follows and "followed.id" not in self._used:
            raise self._wrong(
                "follows", t("no ${followed.id} in the request"), t("the write that is asked about")
            )
        base = base_url.rstrip("/")
        if isinstance(compiled_path, str):
            url = URL(base + compiled_path)
            self._url: Callable[[Values], URL] = lambda _: url
        else:
            path = compiled_path
            self._url = lambda values: URL(base + path(values))
        fixed = {key: value for key, value in headers.items() if isinstance(value, str)}
        if body is not None:
            fixed.setdefault("Content-Type", "application/json")
        self._fixed = fixed
        self._moving = {key: value for key, value in headers.items() if not isinstance(value, str)}
        self._body = body.encode() if isinstance(body, str) else body

    def prepare(self, number: int, followed: str = "") -> Prepared:
        """Operation `number`, which asks about the write `followed`."""
        write_id = f"{self._writes_as}-{number}" if self._writes_as else ""
        text = self._texts[number % len(self._texts)] if self._texts else ""
        values = {"write.id": write_id, "write.text": text, "followed.id": followed}
        if self._cycle is not None:
            values["cycle"] = str(number % self._cycle)
        headers = self._fixed
        if self._moving:
            headers = {**headers, **{key: make(values) for key, make in self._moving.items()}}
        body = self._body
        if callable(body):
            body = body(values).encode()
        return Prepared(self._url(values), headers, body, write_id, text)

    def _compile(self, field: str, template: str, escape: _Escape) -> str | Render:
        """The text itself when nothing in it differs between operations."""
        pieces = _NAME.split(template)  # text, name, text, name, …, text
        for name in pieces[1::2]:
            self._check(f"request.{field}", name)
        used = set(pieces[1::2]) & set(_PER_OPERATION)
        self._used |= used
        filled = [
            escape(self._run_id) if i % 2 and piece == "run.id" else piece for i, piece in enumerate(pieces)
        ]
        if not used:
            return "".join(filled)
        moving = [bool(i % 2) and piece in used for i, piece in enumerate(pieces)]
        plan = list(zip(filled, moving, strict=True))

        def render(values: Values) -> str:
            return "".join(escape(values[piece]) if named else piece for piece, named in plan)

        return render

    def _check(self, field: str, name: str) -> None:
        if name not in _KNOWN:
            raise self._wrong(
                field, f"'${{{name}}}'", "one of " + ", ".join(f"${{{known}}}" for known in _KNOWN)
            )
        if name == "write.text" and not self._texts:
            raise self._wrong(field, "'${write.text}'", t("texts to take it from"))
        if name == "write.id" and not self._writes_as:
            raise self._wrong(field, "'${write.id}'", t("a flow that says under `write` how to read it back"))
        if name == "cycle" and self._cycle is None:
            raise self._wrong(field, "'${cycle}'", t("a cycle, after how many operations it begins anew"))
        if name == "followed.id" and not self._follows:
            raise self._wrong(field, "'${followed.id}'", t("a flow that says under `follows` whose writes"))

    def _wrong(self, field: str, got: str, expected: str) -> UsageError:
        return UsageError([Problem(self._where, field, got, expected)])


def read_back_url(store: Store, base_url: str, run_id: str) -> URL:
    """Where everything that was written in this run is read back from."""
    return URL(base_url.rstrip("/") + store.read_back.replace("${run.id}", _in_url(run_id)))


def read_back_headers(flow: Flow, run_id: str) -> dict[str, str]:
    """The headers of the flow's own request (credentials), without those that belong to one write."""
    return {k: v.replace("${run.id}", run_id) for k, v in flow.request.headers.items() if not _moves(v)}


def _moves(template: str) -> bool:
    return any(name in _PER_OPERATION for name in _NAME.findall(template))


def _in_url(value: str) -> str:
    return quote(value, safe="")


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _in_header(value: str) -> str:
    return value
