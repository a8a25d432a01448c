"""Words for what a run has shown of each hop to somebody who knows: condition, firing, receiver, revision."""

from __future__ import annotations

from typing import Any

from verdict.cases.spoiling import Cases, N, T

from chaos_ext.verdict.evidence import RunEvidence

URL = "https://example.com/runbooks/store-down.md"
WANTED = "sre-pager"


def firing(earliest: float | None, latest: float, began: str = "2025-01-01T00:00:04.5Z", **told: Any) -> Any:
    return {"earliest": earliest, "latest": latest, "began": began, "over": None, "runbook_url": URL,
            "receivers": [WANTED], **told}  # fmt: skip


def arrived(
    earliest: float | None, latest: float, receiver: str = WANTED, of: str = "2025-01-01T00:00:04.500Z"
) -> Any:
    return {"earliest": earliest, "latest": latest, "began": "", "over": None, "receiver": receiver, "of": of}


FIRED = firing(1004.7, 1004.95)
PENDING = {"earliest": 1003.4, "latest": 1003.7, "began": "2025-01-01T00:00:03.5Z", "over": None}
TOLD = arrived(1004.8, 1005.0)


def watch(**found: Any) -> dict[str, Any]:
    """What was seen, place by place; a text is the trouble with the place."""
    return {
        what: {"episodes": [], "trouble": said, "looks": 0}
        if isinstance(said, str)
        else {"episodes": said, "trouble": "", "looks": 9}
        for what, said in found.items()
    }


def noticed(runs: Any, wanted: str | None = WANTED, environment: Any = None, **found: Any) -> RunEvidence:
    """A run of which the treatment saw this of its alert, whose mode names a receiver."""
    detection = {"alert": "StoreDown", **({"receiver": wanted} if wanted else {})}
    run = runs.run(mode=runs.mode(detection=detection), environment=environment)
    seen = {"pending": [PENDING], "firing": [FIRED], "received": [TOLD], **found}
    told = watch(**{what: said for what, said in seen.items() if said is not None})
    # Both arms, or the other one has not seen who was told.
    run = runs.edit(run, "alert", watch=watch(pending=[PENDING], firing=[FIRED], received=[TOLD]))
    edited: RunEvidence = runs.edit(run, "alert", T, watch=told)
    return edited


def revision(runs: Any, url: str, digest: str = "d1") -> RunEvidence:
    """A run where links name a revision: the alert links `url`, and a runbook with `digest` was followed."""
    environment = runs.environment()
    environment = {**environment, "alerts": {**environment["alerts"], "link_revision": True}}
    run = noticed(runs, environment=environment, firing=[firing(1004.7, 1004.95, runbook_url=url)])
    run = runs.edit(run, "runbook-started", T, digest=digest)
    # The other arm follows nothing: there the runbook as it was when the run began counts.
    right = firing(1004.7, 1004.95, runbook_url=f"{URL}?revision={digest[:12]}")
    other = watch(pending=[PENDING], firing=[right], received=[TOLD])
    edited: RunEvidence = runs.edit(run, "alert", N, watch=other, digest=digest)
    return edited


D = "ab12" * 16
BEFORE = firing(1001.0, 1001.3, began="2025-01-01T00:00:01Z")

CASES: Cases = [
    (
        "not-detected",
        "it fired before the fault, and went on",
        lambda r: noticed(r, firing=[BEFORE], received=[arrived(1001.2, 1001.4, of="2025-01-01T00:00:01Z")]),
        lambda r: noticed(r, firing=[{**BEFORE, "over": {"earliest": 1002.0, "latest": 1002.2}}, FIRED]),
    ),
    (
        "not-detected",
        "its condition was true before the fault",
        lambda r: noticed(r, pending=[{**PENDING, "earliest": None, "latest": 1003.0}]),
        lambda r: noticed(r, pending=[{**PENDING, "earliest": None, "latest": 1003.25}]),
    ),
    (
        "not-detected",
        "it fires again, too late",
        lambda r: noticed(r, firing=[BEFORE, firing(1008.6, 1008.9)], received=[arrived(1008.7, 1009.0)]),
        lambda r: noticed(r, firing=[BEFORE, firing(1007.6, 1007.9)], received=[arrived(1007.7, 1008.0)]),
    ),
    (
        "not-detected",
        "others were told",
        lambda r: noticed(r, received=[arrived(1004.8, 1005.0, "shop-pager")]),
        lambda r: noticed(r, received=[arrived(1004.8, 1005.0, "shop-pager"), TOLD]),
    ),
    (
        "not-detected",
        "nobody was told",
        lambda r: noticed(r, received=[]),
        lambda r: noticed(r, wanted=None, received=[]),
    ),
    (
        "not-detected",
        "the right one was told of another firing only",
        lambda r: noticed(r, received=[arrived(1001.8, 1002.0, of="2025-01-01T00:00:01Z")]),
        lambda r: noticed(r, received=[arrived(1001.8, 1002.0, of="2025-01-01T00:00:01Z"), TOLD]),
    ),
    (
        "not-detected",
        "it fired in time, and was told too late",
        lambda r: noticed(r, received=[arrived(1008.5, 1009.0)]),
        lambda r: noticed(r, received=[arrived(1007.5, 1008.1)]),
    ),
    (
        "not-detected",
        "it is to go to others, where one cannot see what arrives",
        lambda r: noticed(r, received=None, firing=[firing(1004.7, 1004.95, receivers=["shop-pager"])]),
        lambda r: noticed(r, received=None),
    ),
    (
        "no-data",
        "who is told is not known",
        lambda r: noticed(r, received=None, firing=[firing(1004.7, 1004.95, receivers=[])]),
        lambda r: noticed(r, received=None),
    ),
    (
        "no-data",
        "where notifications arrive could not be asked",
        lambda r: noticed(r, received="connection refused"),
        lambda r: noticed(r, wanted=None, received="connection refused"),
    ),
    (
        "no-data",
        "it was told around the objective",
        lambda r: noticed(r, received=[arrived(1008.0, 1008.5)]),
        lambda r: noticed(r, received=[arrived(1007.0, 1008.1)]),
    ),
    (
        "no-data",
        "it was told, but nobody knows when",
        lambda r: noticed(r, received=[arrived(None, 1005.0)]),
        lambda r: noticed(r),
    ),
    (
        "no-data",
        "what was seen of the alert is damaged",
        lambda r: noticed(r, firing=[{"latest": "soon"}]),
        lambda r: noticed(r, firing=[{**FIRED, "more": "of another version"}]),
    ),
    (
        "wrong-runbook-linked",
        "the link is for an older revision",
        lambda r: revision(r, f"{URL}?revision={'0' * 12}", D),
        lambda r: revision(r, f"{URL}?revision={D[:12]}", D),
    ),
    (
        "wrong-runbook-linked",
        "the link names no revision, where links do",
        lambda r: revision(r, URL, D),
        lambda r: noticed(r),
    ),
    (
        "wrong-runbook-linked",
        "the link is for another runbook",
        lambda r: noticed(r, firing=[firing(1004.7, 1004.95, runbook_url=f"{URL}x")]),
        lambda r: noticed(r),
    ),
    (
        "wrong-runbook-linked",
        "the firing that counts links another runbook than the one before",
        lambda r: noticed(r, firing=[BEFORE, firing(1004.7, 1004.95, runbook_url=f"{URL}x")]),
        lambda r: noticed(r, firing=[{**BEFORE, "runbook_url": f"{URL}x"}, FIRED]),
    ),
]
