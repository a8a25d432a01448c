"""The catalogue's tables from runs on the disk: what was expected beside what was measured, stale, never, and gaps."""

# ruff: noqa: E501 - tables are compared whole

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.history import bundle, freshness, measured
from chaos_ext.meter.samples import SampleFile
from chaos_ext.model import Arm, Impact
from chaos_ext.report import view_tables, views
from chaos_ext.report.text import width
from chaos_ext.verdict.judge import judge

MODE = "catalog/failure-modes/store/store-down.yaml"
DEPENDENCY = {"down": {"en": "Fails.", "ja": "失敗する。"}, "slow": "Waits.", "wrong": "Shows it."}


@pytest.fixture
def root(runs, tmp_path) -> Path:
    """A project whose files say what the simulated runs are about."""
    mode = copy.deepcopy(
        runs.mode(
            covers=[{"service": "intake", "dependency": "store", "how": "down"}],
            title={"en": "The store is down", "ja": "ストア停止"},
        )
    )
    mode["reproduce"]["lab"][0]["provider"]["module"] = "chaos_ext.actions.lab.part"  # one that can be found
    services = runs.services(
        services={"intake": {"title": "Intake", "owner": "sre", "dependencies": {"store": DEPENDENCY}}}
    )
    for name, data in {
        MODE: mode,
        "catalog/services.yaml": services,
        "environments/lab.yaml": runs.environment(),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(
            yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8"
        )
    (tmp_path / "catalog/runbooks").mkdir()
    (tmp_path / "catalog/runbooks/store-down.md").write_text("# The store is down\n")
    return tmp_path


def kept(
    root: Path, evidence: Any, run_id: str = "20260101T000000000Z-store-down-0001", judged: bool = True
) -> Path:
    """The run as a bundle on the disk."""
    catalog = load.catalog(root)
    folder = root / "runs" / run_id
    for trial in evidence.trials:
        there = folder / "trials" / trial.trial
        there.mkdir(parents=True)
        samples = SampleFile(there / "samples.jsonl")
        for sample in trial.samples:
            samples.add(sample)
        samples.flush()
        samples.close()
        for file, lines in {"events.jsonl": trial.events, "writes.jsonl": trial.writes}.items():
            (there / file).write_text("".join(json.dumps(line) + "\n" for line in lines))
        (there / "journal.json").write_text(json.dumps(trial.journal))
    for name in ("mode", "environment", "services"):
        written = getattr(evidence, name).model_dump(mode="json", by_alias=True)
        bundle.write_json(folder / f"{name}.json", written)
    made = freshness.facts(catalog, catalog.modes["store-down"], evidence.environment)
    run = {
        "schema": 1, "mode": "store-down", "environment": "lab", "arms": {"treatment": 1, "no-action": 1},
        "started": "2026-01-01T10:20:30.000Z", **made,
    }  # fmt: skip
    bundle.write_json(folder / "run.json", run)
    if judged:
        bundle.seal(folder, judge(evidence))
    return folder


def last(root: Path) -> dict[str, measured.Measured]:
    catalog = load.catalog(root)
    return measured.last(root / "runs", catalog, environments.load("lab", root))


def application(root: Path, language: str = "en") -> views.ApplicationView:
    return views.application(load.catalog(root), "lab", last(root), language)


def test_what_a_run_measured(root, runs):
    kept(root, runs.verified())
    found = last(root)["store-down"]
    assert (found.verdict, found.stale) == ("verified", ())
    assert found.impact == {"submit": (Impact.OUTAGE,), "read": (Impact.NONE,)}


def test_never(root):
    assert last(root) == {}
    (cell,) = application(root).as_dict()["cells"]
    assert cell["last"] is None
    assert [(f["expected"], f["measured"], f["as_expected"]) for f in cell["flows"]] == [
        ("outage", [], None),
        ("none", [], None),
    ]


def test_the_last_judged_run_counts(root, runs):
    kept(root, runs.verified(), "20260101T000000000Z-store-down-0001")
    refuted = runs.run(runs.treatment(back=None), runs.no_action())
    kept(root, refuted, "20260102T000000000Z-store-down-0002")
    kept(root, runs.verified(), "20260103T000000000Z-store-down-0003", judged=False)
    assert last(root)["store-down"].verdict == "refuted"


def test_a_run_of_another_environment_is_another_one(root, runs):
    kept(root, runs.verified())
    (root / "environments/other.yaml").write_text(yaml.safe_dump(runs.environment(name="other")))
    assert measured.last(root / "runs", load.catalog(root), environments.load("other", root)) == {}


@pytest.mark.parametrize(
    ("file", "what"),
    [(MODE, "mode"), ("catalog/runbooks/store-down.md", "runbook"), ("environments/lab.yaml", "environment"),
     ("catalog/services.yaml", "services")],
)  # fmt: skip
def test_a_run_made_from_other_files_is_stale(root, runs, file, what):
    kept(root, runs.verified())
    with (root / file).open("a") as text:
        text.write("# changed\n")
    assert last(root)["store-down"].stale == (what,)
    assert "stale: " + what in view_tables.rendered(
        view_tables.application_parts(application(root)), "table", "en"
    )


def test_a_fault_that_never_went_in_measured_nothing(root, runs):
    nothing = runs.without(runs.verified(), "fault-injected")
    kept(root, nothing)
    assert last(root)["store-down"].verdict == "unknown"
    assert last(root)["store-down"].impact == {}


def test_a_damaged_run_measured_nothing(root, runs):
    folder = kept(root, runs.verified())
    assert "store-down" in last(root)
    (folder / "mode.json").write_text("{")
    found = last(root)["store-down"]
    assert (found.verdict, found.reasons, found.impact) == ("unknown", ("damaged",), {})


def test_trials_that_differ_are_both_told_the_worst_first(root, runs):
    half = runs.treatment(submit_hurts=lambda at, number: 3.3 <= at < 7.0 and number % 5 == 0)
    kept(root, runs.run(half, runs.no_action()))
    assert last(root)["store-down"].impact["submit"] == (Impact.OUTAGE, Impact.DEGRADED)
    assert application(root).cells[0].as_expected is False


def test_the_application_view_as_json(root, runs):
    kept(root, runs.verified())
    assert application(root, "ja").as_dict() == {
        "schema": 1,
        "view": "application",
        "environment": "lab",
        "cells": [
            {
                "service": "intake",
                "mode": "store-down",
                "title": "ストア停止",
                "flows": [
                    {"flow": "submit", "expected": "outage", "possible": None, "measured": ["outage"], "as_expected": True},
                    {"flow": "read", "expected": "none", "possible": None, "measured": ["none"], "as_expected": True},
                ],
                "reactions": [{"dependency": "store", "how": "down", "behaviour": "失敗する。"}],
                "last": {
                    "run": "20260101T000000000Z-store-down-0001",
                    "started": "2026-01-01T10:20:30.000Z",
                    "verdict": "verified",
                    "reasons": [],
                    "stale": [],
                },
            }
        ],
        "coverage": [
            {"service": "intake", "dependency": "store", "how": "down", "behaviour": "失敗する。", "modes": ["store-down"]},
            {"service": "intake", "dependency": "store", "how": "slow", "behaviour": "Waits.", "modes": []},
            {"service": "intake", "dependency": "store", "how": "wrong", "behaviour": "Shows it.", "modes": []},
        ],
        "likely_without_runbook": [],
    }  # fmt: skip


def test_what_is_possible_is_as_expected(root, runs):
    kept(root, runs.verified())
    written = yaml.safe_load((root / MODE).read_text())
    written["impact"] = {"flows": {"submit": "degraded"}, "possible": {"submit": "outage"}, "summary": "x"}
    (root / MODE).write_text(yaml.safe_dump(written))
    (cell,) = application(root).cells
    assert (cell.felt[0].expected, cell.felt[0].possible, cell.as_expected) == (
        Impact.DEGRADED,
        Impact.OUTAGE,
        True,
    )


def test_the_application_view_as_a_table(root, runs):
    kept(root, runs.verified())
    told = view_tables.rendered(view_tables.application_parts(application(root)), "table", "en")
    assert told.splitlines() == [
        "Expected and measured in lab",
        "SERVICE  FAILURE MODE  EXPECTED       MEASURED       AS EXPECTED  VERDICT   WHEN              WHAT IT DOES",
        "intake   store-down    submit outage  submit outage  yes          verified  2026-01-01 10:20  store down: Fails.",
        "",
        "What is tried of each dependency",
        "SERVICE  DEPENDENCY  DOWN        SLOW  WRONG",
        "intake   store       store-down  gap   gap",
        "2 of 3 are gaps: no failure mode tries them.",
    ]


def test_a_likely_mode_without_a_runbook_is_told(root):
    text = (root / MODE).read_text()
    (root / MODE).write_text(text.replace("runbook: runbooks/store-down.md", "runbook: none"))
    view = application(root)
    assert view.likely_without_runbook == ("store-down",)
    told = view_tables.rendered(view_tables.application_parts(view), "table", "en")
    assert told.endswith("Likely, but without a runbook: store-down.")


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_tables_in_japanese_line_up(root, runs, form):
    kept(root, runs.verified())
    told = view_tables.rendered(view_tables.application_parts(application(root, "ja")), form, "ja")
    head, *rows = [line for line in told.splitlines() if "store-down" in line or "故障モード" in line][:2]
    column = width(head[: head.index("故障モード")])
    assert width(rows[0][: rows[0].index("store-down")]) == column
    assert "想定" in head
    assert "storeが停止したとき: 失敗する。" in rows[0]


def test_the_product_view(root, runs):
    kept(root, runs.verified())
    view = views.product(load.catalog(root), "lab", last(root), "en")
    (mode,) = view.as_dict()["modes"]
    assert (mode["id"], mode["priority"], mode["last"]["verdict"]) == ("store-down", 6, "verified")
    assert mode["impact"] == {"flows": {"submit": "outage"}, "possible": {}, "summary": "Nobody can submit."}
    told = view_tables.rendered(view_tables.product_parts(view), "table", "en").splitlines()
    assert told[1].split()[:3] == ["PRODUCT", "FAILURE", "MODE"]


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ({"flows": {"submit": "outage"}}, "submit outage"),
        ({"flows": {"submit": "degraded"}, "possible": {"submit": "outage"}}, "submit degraded or outage"),
        (
            {"flows": {"submit": "outage"}, "possible": {"read": "degraded"}},
            "submit outage, read none or degraded",
        ),
    ],
)
def test_either_view_tells_what_is_possible(root, claim, told):
    written = yaml.safe_load((root / MODE).read_text())
    written["impact"] = {**claim, "summary": "x"}
    (root / MODE).write_text(yaml.safe_dump(written))
    view = views.product(load.catalog(root), "lab", {}, "en")
    assert f"  {told}  " in view_tables.rendered(view_tables.product_parts(view), "table", "en")
    assert f"  {told}  " in view_tables.rendered(
        view_tables.application_parts(application(root)), "table", "en"
    )


def test_a_service_without_flows_is_listed_only_where_it_reacts(root):
    services = yaml.safe_load((root / "catalog/services.yaml").read_text())
    services["services"]["worker"] = {"title": "Worker", "owner": "sre"}
    (root / "catalog/services.yaml").write_text(yaml.safe_dump(services))
    view = application(root)
    assert {cell["service"] for cell in view.as_dict()["cells"]} == {"intake", "worker"}  # the data is whole
    (part, _) = view_tables.application_parts(view)
    assert {row[0] for row in part.rows} == {"intake"}
    assert part.remark.endswith("lean on: worker.")


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("columns", [30, 40, 80, 100])
def test_what_does_not_fit_becomes_a_block_a_row(root, runs, language, columns):
    kept(root, runs.verified())
    view = views.product(load.catalog(root), "lab", last(root), language)
    told = view_tables.rendered(view_tables.product_parts(view), "table", language, columns)
    lines = told.splitlines()
    assert max(map(width, lines)) <= columns
    assert lines[1] == "Store · store-down"
    for value in ("StoreDown", "store-down.md", "2026-01-01"):
        assert value in told
    if columns >= 80:  # the values stand below each other, whatever the labels are written with
        starts = {width(line) - width(line[2:].partition("  ")[2].lstrip()) for line in lines[2:5]}
        assert len(starts) == 1


def test_what_fits_stays_a_table(root, runs):
    kept(root, runs.verified())
    parts = view_tables.application_parts(application(root))
    assert view_tables.rendered(parts, "table", "en", 200) == view_tables.rendered(parts, "table", "en")


def test_the_objectives_are_those_of_the_environment(root, runs):
    view = views.product(load.catalog(root), "lab", last(root), "en")
    told = view_tables.rendered(view_tables.product_parts(view), "table", "en").splitlines()
    assert "detect 5 s, recover 10 s, lose 0" in told[2]


def test_a_mode_that_was_interrupted_measured_nothing(root, runs):
    stopped = runs.plus(runs.verified(), "abort", Arm.TREATMENT, why="Ctrl-C")
    stopped = replace(stopped, trials=stopped.trials[:1])
    kept(root, stopped)
    assert last(root)["store-down"].impact == {}
