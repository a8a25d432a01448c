"""What people changed in a workbook becomes as many changes of the catalogue's files, and no more."""

# ruff: noqa: E501 - messages are compared whole, each on its line

from __future__ import annotations

from typing import Any

import pytest
from catalog.workbooks import MODE, SERVICES, edited, exported, planned, put, snapshot

from chaos_ext.catalog import check, load
from chaos_ext.errors import UsageError
from chaos_ext.model import Impact

CHANGES = [
    ("a number", put("Severity", 3), MODE, "severity: 2  # by", "severity: 3  # by"),
    ("a word", put("Category", "shared-fate"), MODE, "category: excessive-load", "category: shared-fate"),
    ("a sentence", put("Event", "Nothing: expires"), MODE, "event: Keys without expiry pile up.", "event: 'Nothing: expires'"),
    ("one of two languages", put("Title", "Full"), MODE, "en: Redis is full", "en: Full"),
    ("a duration", put("Detect within", "6s"), MODE, "detect_within: 5s", "detect_within: 6s"),
    ("a value that was not there", put("Lost writes allowed", 2), MODE, "recover_within: 1m}", "recover_within: 1m, lost_acknowledged_writes: 2}"),
    ("an expected impact", put("Expected impact", "outage", "Application view"), MODE, "submit: degraded", "submit: outage"),
    ("what a service does", put("When it is down", "Fails", "Dependencies"), SERVICES, "en: Goes without it.", "en: Fails"),
    ("a folded text", put("When it is wrong", "Shows it.", "Dependencies"), SERVICES, "Shows\n          what it says.", "Shows it."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "file", "old", "new"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_a_change_is_one_value_of_one_file(described_project, edit, file, old, new):
    before = snapshot(described_project.root)
    plan = planned(described_project.root, edited(exported(described_project.root), edit))
    assert len(plan.changes) == 1
    written = plan.draft.write()
    assert file in written
    after = snapshot(described_project.root)
    text = before[file].decode()
    assert text.count(old) == 1
    assert after[file].decode() == text.replace(old, new)
    assert {f for f in after if after[f] != before[f]} - {file} == {
        "experiments/lab/redis-memory-full.yaml"
    } & set(written)
    assert check.check(described_project.root).problems == []


def test_a_second_language_keeps_the_first(described_project):
    path = edited(exported(described_project.root, "ja"), put("事象", "期限のないキーがたまる。", "製品視点"))
    planned(described_project.root, path).draft.write()
    assert (
        'event: {en: "Keys without expiry pile up.", ja: "期限のないキーがたまる。"}'
        in (described_project.root / MODE).read_text()
    )


def test_the_other_language_stays(described_project):
    path = edited(exported(described_project.root, "ja"), put("タイトル", "満杯", "製品視点"))
    planned(described_project.root, path).draft.write()
    assert "title: {en: Redis is full, ja: 満杯}" in (described_project.root / MODE).read_text(
        encoding="utf-8"
    )


def test_columns_may_move_and_others_may_stand_between(described_project):
    def edit(book: Any) -> None:
        sheet = book["Product view"]
        sheet.insert_cols(1)
        sheet.cell(1, 1).value = "My notes"
        sheet.cell(2, 1).value = "see me"
        sheet.move_range("H1:H2", cols=20)  # the severity
        sheet["AB2"].value = 1

    plan = planned(described_project.root, edited(exported(described_project.root), edit))
    assert [(c.at, c.old, c.new, c.cell) for c in plan.changes] == [(("severity",), 2, 1, "Product view!AB2")]
    assert plan.notes == ["catalogue.xlsx!Product view!A1: the column 'My notes' is not read."]


def test_a_column_that_is_only_shown_is_not_read_and_that_is_told(described_project):
    plan = planned(described_project.root, edited(exported(described_project.root), put("Priority", 27)))
    assert plan.changes == []
    assert plan.notes == [
        'catalogue.xlsx!Product view!J2: the column "Priority" is only shown; what stands there now is not read.'
    ]


def test_a_row_that_is_gone_deletes_nothing(described_project):
    before = snapshot(described_project.root)
    plan = planned(
        described_project.root,
        edited(exported(described_project.root), lambda book: book["Product view"].delete_rows(2)),
    )
    assert plan.notes == [
        "catalogue.xlsx!Product view: no row for redis-memory-full; nothing is deleted because of that."
    ]
    assert plan.draft.write() == []
    assert snapshot(described_project.root) == before


def test_what_the_catalogue_changed_since_the_export_is_kept(described_project):
    path = exported(described_project.root)
    described_project.edit(MODE, "severity: 2", "severity: 3")
    plan = planned(described_project.root, edited(path, put("Likelihood", 1)))
    assert [(c.at, c.new) for c in plan.changes] == [(("likelihood",), 1)]
    assert any("Severity" in note and "it is kept" in note for note in plan.notes)


def test_what_both_changed_is_refused(described_project):
    path = edited(exported(described_project.root), put("Severity", 1))
    described_project.edit(MODE, "severity: 2", "severity: 3")
    with pytest.raises(UsageError) as refused:
        planned(described_project.root, path)
    assert str(refused.value) == (
        'catalogue.xlsx!Product view!G2: column "Severity": got 1, expected 3, which the catalogue says since the export. Write that, or export anew and make your change there.'
    )


def test_a_workbook_that_lost_its_memory_is_compared_with_the_catalogue(described_project):
    def edit(book: Any) -> None:
        del book["base"]
        put("Severity", 3)(book)

    assert [
        c.at for c in planned(described_project.root, edited(exported(described_project.root), edit)).changes
    ] == [("severity",)]


def test_a_new_row_becomes_a_failure_mode(described_project):
    def edit(book: Any) -> None:
        for heading, value in {
            "ID": "intake-stopped",
            "Product": "Intake",
            "Title": "Intake stops",
            "Alert": "IntakeGone",
            "Severity": 3,
        }.items():
            put(heading, value, row=3)(book)
        for heading, value in {
            "Service": "intake",
            "Failure mode": "intake-stopped",
            "User flow": "submit",
            "Expected impact": "degraded",
        }.items():
            put(heading, value, "Application view", 3)(book)

    plan = planned(described_project.root, edited(exported(described_project.root), edit))
    assert plan.added == ["intake-stopped"]
    assert any("catalog/failure-modes/intake/intake-stopped.yaml:" in note for note in plan.notes)
    plan.draft.write()
    assert check.check(described_project.root).problems == []
    made = load.mode(described_project.root, "intake-stopped")
    assert (made.title.en, made.severity, made.impact.on("submit")) == ("Intake stops", 3, Impact.DEGRADED)
    assert (made.runbook, made.detection.alert) == ("runbooks/intake-stopped.md", "IntakeGone")
    assert planned(described_project.root, exported(described_project.root)).changes == []
