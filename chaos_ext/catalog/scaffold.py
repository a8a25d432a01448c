"""New failure modes, runbooks and environments: what is written passes every check at once, and says what to fill in.

Everything goes into a `Draft`; nothing is written here, and nothing that is there is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from chaos_ext import environments
from chaos_ext.catalog import load, templates
from chaos_ext.catalog.draft import Draft
from chaos_ext.catalog.load import Catalog
from chaos_ext.catalog.words import nearest_or_all
from chaos_ext.errors import Problem, UsageError
from chaos_ext.language import t
from chaos_ext.model import Environment, FailureMode, Flow, Services, text_in

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_USUAL_PART = "dashboard"  # of the lab: one process, and users of nothing else depend on it


@dataclass(frozen=True)
class ToFillIn:
    """A place where a scaffold says too little."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return t("{file}:{line}: fill in: {what}", file=self.file, line=self.line, what=self.what)


@dataclass(frozen=True)
class Made:
    """What a scaffold wrote: its main file, and what somebody must say there and elsewhere."""

    file: str
    to_fill_in: tuple[ToFillIn, ...]


# --- a failure mode ------------------------------------------------------------------------------


def mode(
    draft: Draft,
    catalog: Catalog,
    mode_id: str,
    product: str | None = None,
    like: FailureMode | None = None,
    alert: str | None = None,
) -> Made:
    """A failure mode with its runbook, and its alert in every environment that it can be tried in.

    With `like` it begins as a copy of another one, runbook and alert rule included; otherwise as a part of the lab
    that is stopped. `alert` is the alert's name, made of the id unless told. Raises UsageError: a bad id, or one that
    is taken.
    """
    _check_id(mode_id, catalog.modes)
    if like is not None:
        return _copy(draft, catalog, mode_id, product or like.product, like)
    values = _values(catalog.services, mode_id, product or _product(mode_id, catalog))
    values["alert"] = alert or alert_of(mode_id)
    file = f"{load.MODES}/{slug(values['product'])}/{mode_id}.yaml"
    draft.make(file, templates.filled(templates.MODE, **values))
    page = f"catalog/runbooks/{mode_id}.md"
    draft.make(page, templates.runbook(["lab"], **values, recovers=mode_id))
    rule = {
        "ratio": {
            "of": f'edge_requests_total{{service="{values["part"]}",code="503"}}',
            "to": f'edge_requests_total{{service="{values["part"]}"}}',
            "over": "3s",
        },
        "above": 0.2,
        "for": "500ms",
        "labels": {"severity": "page", "team": values["owner"]},
    }
    alerts = [
        _add_alert(draft, name, values["alert"], f"runbooks/{mode_id}.md", values["title"], rule)
        for name in _of_platforms(catalog, {"lab"})
    ]
    return Made(file, (*_marks(draft, file), *_marks(draft, page), *alerts))


def _copy(draft: Draft, catalog: Catalog, mode_id: str, product: str, like: FailureMode) -> Made:
    title, alert = title_of(mode_id), alert_of(mode_id)
    source = catalog.sources[like.id]
    file = f"{load.MODES}/{slug(product)}/{mode_id}.yaml"
    draft.make(file, source.raw.decode("utf-8-sig"))
    edited = draft.edit(file)
    for at in (("title", "en"), ("title", "ja")) if not isinstance(like.title, str) else (("title",),):
        edited.set(at, title)
    edited.set(("id",), mode_id)
    edited.set(("product",), product)
    edited.set(("detection", "alert"), alert)
    fill_in = [
        ToFillIn(
            file, _line(edited.raw, f"{key}:"), t("what it says of {other}, in {key}", other=like.id, key=key)
        )
        for key in ("title", "event", "impact", "reproduce")
    ]
    link = like.runbook
    if like.runbook != "none":
        link = f"runbooks/{mode_id}.md"
        page = f"catalog/{link}"
        edited.set(("runbook",), link)
        text = (catalog.root / "catalog" / like.runbook).read_text(encoding="utf-8")
        draft.make(page, _renamed(text, mode_id, title))
        fill_in.append(ToFillIn(page, 1, t("what it says of {other}", other=like.id)))
    for name in _of_platforms(catalog, like.reproduce):
        written = draft.edit(f"environments/{name}.yaml").data["alerts"]["rules"]
        rule = (
            next((each.get("rule") for each in written if each["name"] == like.detection.alert), None) or {}
        )
        fill_in.append(_add_alert(draft, name, alert, link, title, rule))
    return Made(file, tuple(fill_in))


def _renamed(text: str, mode_id: str, title: str) -> str:
    """A runbook's text under another id and title."""
    text = re.sub(r"^(\s+id:\s).*$", rf"\g<1>{mode_id}", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^(\s+recovers:\s)\[[^\]]*\]", rf"\g<1>[{mode_id}]", text, count=1, flags=re.MULTILINE)
    return re.sub(r"^# .*$", lambda _: f"# {title}", text, count=1, flags=re.MULTILINE)


# --- a runbook -----------------------------------------------------------------------------------


def runbook(draft: Draft, catalog: Catalog, runbook_id: str, recovers: Iterable[str] = ()) -> Made:
    """A runbook for failure modes that have none: those of `recovers`, or the one of the same id.

    The modes and their alerts then link it. Raises UsageError: no such mode, one that has a runbook, a bad id.
    """
    _check_id(runbook_id, ())
    modes = [load.find(catalog, each) for each in (tuple(recovers) or (runbook_id,))]
    taken = [Problem(catalog.sources[each.id].where(("runbook",)), "runbook", f"'{each.runbook}'",
                     t("none: it has no runbook yet"), t("Change that one."))
             for each in modes if each.runbook != "none"]  # fmt: skip
    if taken:
        raise UsageError(taken)
    first, page, link = modes[0], f"catalog/runbooks/{runbook_id}.md", f"runbooks/{runbook_id}.md"
    platforms: list[str] = sorted({platform for each in modes for platform in each.reproduce})
    title = _linked_by_alerts(draft, catalog, modes, platforms, link) or text_in(first.title)
    hurt = [flow for flow in first.impact.flows if flow in catalog.services.flows]
    part = catalog.services.flows[hurt[0]].service if hurt else next(iter(catalog.services.services))
    values = {
        **_texts(catalog.services, runbook_id, part, hurt, lab=platforms == ["lab"]),
        "title": title,
        "owner": first.owner,
    }
    draft.make(
        page, templates.runbook(list(platforms), **values, recovers=", ".join(each.id for each in modes))
    )
    for each in modes:
        draft.edit(catalog.sources[each.id].shown).set(("runbook",), link)
    return Made(page, tuple(_marks(draft, page)))


def _linked_by_alerts(
    draft: Draft, catalog: Catalog, modes: Iterable[FailureMode], platforms: Iterable[str], link: str
) -> str:
    """Have the modes' alerts link the runbook; what the first of them says, which is its title."""
    said = ""
    wanted = {each.detection.alert for each in modes}
    for name in _of_platforms(catalog, platforms):
        for index, rule in enumerate(environments.load(name, catalog.root).alerts.rules):
            if rule.name in wanted:
                said = said or text_in(rule.summary)
                draft.edit(f"environments/{name}.yaml").set(("alerts", "rules", index, "runbook"), link)
    return said


# --- an environment ------------------------------------------------------------------------------


def environment(draft: Draft, catalog: Catalog, name: str, platform: str = "lab") -> Made:
    """An environment in which every failure mode of its platform can be tried.

    A copy of the first environment of that platform, or one from scratch. Raises UsageError: a bad or taken name.
    """
    _check_id(name, environments.names(catalog.root), expected=t("a name such as 'verification'"))
    file = f"environments/{name}.yaml"
    same = _of_platforms(catalog, {platform})
    if same:
        draft.make(file, (catalog.root / "environments" / f"{same[0]}.yaml").read_text(encoding="utf-8-sig"))
        edited = draft.edit(file)
        edited.set(("name",), name)
        longest = _longest_fault_s(catalog, platform, environments.load(same[0], catalog.root))
        if longest:
            edited.set(("limits", "longest_fault"), f"{longest // 60 + 1:.0f}m")
        what = t("what differs from environments/{other}.yaml, of which it is a copy", other=same[0])
        return Made(file, (ToFillIn(file, _line(edited.raw, "name:"), what),))
    bound = [each for each in catalog.modes.values() if platform in each.reproduce]
    rules = [
        {"name": each.detection.alert, "runbook": each.runbook, "summary": text_in(each.title)}
        for each in bound
    ]
    unique = list({rule["name"]: rule for rule in rules}.values())
    faults = [
        fault for each in bound for on, given in each.reproduce.items() if on == platform for fault in given
    ]
    found = sorted(set(re.findall(r"\$\{target\.([^}]*)\}", str(faults))))
    values = {
        "name": name,
        "platform": platform,
        "identity": templates.IDENTITIES[platform] if platform != "lab" else templates.LAB_IDENTITY,
        "rules": "[]" if not unique else "\n" + _indented(_dumped(unique), 4),
        "targets": "{}" if not found else f"{{{', '.join(f'{role}: {role}' for role in found)}}}",
    }
    draft.make(file, templates.filled(templates.ENVIRONMENT, **values))
    return Made(file, tuple(_marks(draft, file)))


def _longest_fault_s(catalog: Catalog, platform: str, like: Environment) -> float:
    """How long a fault must be allowed to last for the default objectives; 0 when `like` allows that."""
    kept = [
        each.objectives["default"].recover_within + like.windows.stable
        for each in catalog.modes.values()
        if platform in each.reproduce and "default" in each.objectives
    ]
    longest = max(kept, default=0.0)
    return longest if longest >= like.limits.longest_fault else 0.0


# --- pieces --------------------------------------------------------------------------------------


def _check_id(new: str, known: Mapping[str, Any] | Iterable[str], expected: str = "") -> None:
    if not _ID.fullmatch(new) or len(new) > 80:
        nearest = slug(new)
        hint = t("Try '{id}'.", id=nearest) if _ID.fullmatch(nearest) else ""
        wanted = expected or t("lower-case words joined by '-', such as 'redis-memory-full'")
        raise UsageError([Problem("ID", "", repr(new), wanted, hint)])
    if new in known:
        raise UsageError([Problem("ID", "", repr(new), t("one that is not taken"), t("Take another id."))])


def slug(text: str) -> str:
    """`text` as a folder or an id has it: Object storage → object-storage."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "other"


def title_of(mode_id: str) -> str:
    """postgresql-replica-down → Postgresql replica down."""
    return mode_id.replace("-", " ").capitalize()


def alert_of(mode_id: str) -> str:
    """postgresql-replica-down → PostgresqlReplicaDown."""
    return "".join(word.capitalize() for word in mode_id.split("-"))


def _product(mode_id: str, catalog: Catalog) -> str:
    """The product that other modes of the same first word have, or that word."""
    first = mode_id.partition("-")[0]
    known = [each.product for each in catalog.modes.values() if each.id.partition("-")[0] == first]
    return known[0] if known else first.capitalize()


def _values(services: Services, mode_id: str, product: str) -> dict[str, str]:
    used = [flow.service for flow in services.flows.values()]
    part = _USUAL_PART if _USUAL_PART in used else used[0]
    flows = [
        name
        for name, flow in services.flows.items()
        if flow.service == part
        or flow.request.path.startswith(f"/{part}/")  # asked there, whoever did the work
    ]
    return {
        **_texts(services, mode_id, part, flows, lab=True),
        "title": title_of(mode_id),
        "product": _scalar(product),
        "owner": services.services[part].owner,
        "flows": ", ".join(f"{flow}: outage" for flow in flows),
    }


def _texts(services: Services, new_id: str, part: str, flows: list[str], lab: bool) -> dict[str, str]:
    """What a scaffold says about the users of a service."""
    english, japanese = (
        [text_in(services.flows[flow].title, language) for flow in flows] for language in ("en", "ja")
    )
    path = next(filter(None, (_asked(services.flows[flow]) for flow in flows)), "/")
    return {
        "id": new_id,
        "part": part,
        "hurt": f"These fail: {', '.join(english)}." if english else "Nobody notices yet.",
        "hurt_en": _scalar(f"These fail: {', '.join(english)}."),
        "hurt_ja": _scalar(f"次のことができない: {'、'.join(japanese)}。"),
        "url": ("${EDGE_URL:-}" if lab else "https://www.example.com") + path.split("?")[0] + _query(path),
        "ca_file": "${EDGE_CA_FILE:-}" if lab else "",
    }


def _asked(flow: Flow) -> str:
    """A path of a flow that anybody can ask for: its own, or the one that its writes are read back from."""
    for path in (
        flow.request.path if flow.request.method == "GET" else "",
        flow.write.read_back if flow.write else "",
    ):
        if path and "${" not in re.sub(r"\$\{run\.id\}|\$\{cycle\}", "", path):
            return path
    return ""


def _query(path: str) -> str:
    _, mark, query = path.partition("?")
    return mark + query.replace("${run.id}", "check").replace("${cycle}", "0")


def _of_platforms(catalog: Catalog, platforms: Iterable[str]) -> list[str]:
    wanted = set(platforms)
    return [
        name
        for name in environments.names(catalog.root)
        if environments.load(name, catalog.root).platform in wanted
    ]


def _add_alert(
    draft: Draft, environment: str, name: str, link: str, summary: str, rule: Mapping[str, Any]
) -> ToFillIn:
    file = f"environments/{environment}.yaml"
    known: Environment = environments.load(environment, draft.root)
    if name in {each.name for each in known.alerts.rules}:
        hint = nearest_or_all(name, ())
        raise UsageError(
            [Problem(file, "alerts.rules", f"'{name}'", t("an alert that is not there yet"), hint)]
        )
    item: dict[str, Any] = {"name": name, "runbook": link, "summary": summary}
    if rule:
        item["rule"] = dict(rule)
    edited = draft.edit(file)
    edited.append(("alerts", "rules"), item, _dumped([item]))
    return ToFillIn(file, _line(edited.raw, f"- name: {name}"), t("when the alert {name} fires", name=name))


def _dumped(value: Any) -> str:
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=2**20, default_flow_style=None)
    assert isinstance(text, str)
    if text.startswith("- {"):  # a short item goes on one line by itself; people read them one key a line
        text = yaml.safe_dump(
            value, sort_keys=False, allow_unicode=True, width=2**20, default_flow_style=False
        )
    return str(text).rstrip("\n")


def _indented(text: str, columns: int) -> str:
    return "\n".join(" " * columns + line for line in text.split("\n"))


def _scalar(text: str) -> str:
    """A text on one line as YAML outside brackets has it."""
    return yaml.safe_dump(text, allow_unicode=True, width=2**20).removesuffix("\n").removesuffix("\n...")


def _line(raw: bytes, start: str) -> int:
    lines = raw.decode("utf-8-sig").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.strip().startswith(start)), 1)


def _marks(draft: Draft, file: str) -> Iterator[ToFillIn]:
    for line, what in templates.marks(draft.files()[file][1].decode()):
        yield ToFillIn(file, line, what)
