"""Files that are YAML but not what they should be: the exact words that a person gets."""

# ruff: noqa: E501 - messages are compared whole, each on its line

from __future__ import annotations

import pytest

from chaos_ext.catalog import load
from chaos_ext.errors import UsageError
from chaos_ext.model import Impact

MODE = "catalog/failure-modes/redis/redis-memory-full.yaml"

# What is replaced, by what, and the messages ("MODE" stands for the file).
BAD = [
    ('severity: 2', 'severity: high', [
        "MODE:10: severity: got 'high', expected a whole number from 1 to 3.",
    ]),
    ('severity: 2', 'severity: 4', [
        'MODE:10: severity: got 4, expected a whole number from 1 to 3.',
    ]),
    ('severity: 2', 'severity: true', [
        'MODE:10: severity: got true, expected a whole number from 1 to 3.',
    ]),
    ('category: excessive-load', 'category: excesive-load', [
        "MODE:5: category: got 'excesive-load', expected a known word. Did you mean 'excessive-load'?",
    ]),
    ('recover_within: 1m', 'recover_within: 60', [
        "MODE:17: objectives.default.recover_within: got 60, expected a duration with a unit, such as '500ms', '3s', '2m' or '90d'.",
    ]),
    ('recover_within: 1m', 'recover_within: 1 minute', [
        "MODE:17: objectives.default.recover_within: got '1 minute', expected a duration with a unit, such as '500ms', '3s', '2m' or '90d'.",
    ]),
    ('owner: sre\n', '', [
        "MODE:1: owner: got nothing, expected a text. Add 'owner: …'.",
    ]),
    ('owner: sre', 'ownr: sre', [
        "MODE:35: ownr: got the unknown key 'ownr', expected a known one. Did you mean 'owner'?",
    ]),
    ('owner: sre', 'owner: 7', [
        "MODE:35: owner: got 7, expected a text. Put it in quotes: '7'.",
    ]),
    ('owner: sre', 'owner: no', [
        'MODE:35: owner: got false, expected a text. Put the word in quotes: without them it means true or false.',
    ]),
    ('owner: sre', 'owner:', [
        'MODE:35: owner: got nothing, expected a text.',
    ]),
    ('title: {en: Redis is full, ja: Redis の容量がいっぱい}', 'title: {en: Redis is full}', [
        "MODE:3: title.ja: got nothing, expected a text. Add 'ja: …'.",
    ]),
    ('title: {en: Redis is full, ja: Redis の容量がいっぱい}', 'title: 5', [
        "MODE:3: title: got 5, expected a text or {en: …, ja: …}. Put it in quotes: '5'.",
    ]),
    ('title: {en: Redis is full, ja: Redis の容量がいっぱい}', 'title: {en: Redis is full, ja: 4}', [
        "MODE:3: title.ja: got 4, expected a text. Put it in quotes: '4'.",
    ]),
    ('title: {en: Redis is full, ja: Redis の容量がいっぱい}', 'title: [x]', [
        'MODE:3: title: got a list, expected a text or {en: …, ja: …}.',
    ]),
    ('title: {en: Redis is full, ja: Redis の容量がいっぱい}', 'title: {en: a, ja: b, fr: c}', [
        "MODE:3: title.fr: got the unknown key 'fr', expected a known one. There are: en, ja.",
    ]),
    ('  lab:\n    - name', '  labb:\n    - name', [
        "MODE:19: reproduce.labb: got the key 'labb', expected a known one. Did you mean 'lab'?",
    ]),
    ('flows: {submit: degraded}', 'flows: {submit: slow}', [
        "MODE:8: impact.flows.submit: got 'slow', expected a known word. There are: degraded, late, none, outage, stale, wrong.",
    ]),
    ('flows: {submit: degraded}', 'flows: {Submit: none}', [
        "MODE:8: impact.flows.Submit: got the key 'Submit', expected lower-case words joined by '-'.",
    ]),
    ('flows: {submit: degraded}', 'flows: submit', [
        "MODE:8: impact.flows: got 'submit', expected a mapping.",
    ]),
    ('recovery: runbook', 'recovery: runbok', [
        "MODE:14: recovery: got 'runbok', expected a known word. Did you mean 'runbook'?",
    ]),
    ('schema: 1', 'schema: 2', [
        'MODE:1: schema: got 2, expected 1.',
    ]),
    ('id: redis-memory-full', 'id: redis-memory', [
        "MODE:2: id: got 'redis-memory', expected the file's stem, 'redis-memory-full'. Rename the file to redis-memory.yaml, or write 'id: redis-memory-full'.",
    ]),
    ('id: redis-memory-full', 'id: Redis', [
        "MODE:2: id: got 'Redis', expected lower-case words joined by '-', such as 'redis-memory-full'.",
    ]),
    ('detection: {alert: RedisFull}', 'detection: RedisFull', [
        "MODE:13: detection: got 'RedisFull', expected a mapping with alert.",
    ]),
    ('    - name: fill-memory\n      provider', '    - nam: fill-memory\n      provider', [
        "MODE:20: reproduce.lab[0].nam: got the unknown key 'nam', expected a known one. Did you mean 'name'?",
    ]),
    ('  lab:\n    - name: fill-memory', '  lab:\n      name: fill-memory', [
        'MODE:19: reproduce.lab: got a mapping, expected a list.',
    ]),
    ('objectives:\n', 'objectivs:\n', [
        "MODE:16: objectivs: got the unknown key 'objectivs', expected a known one. Did you mean 'objectives'?",
    ]),
    ('reverify_every: 90d', 'reverify_every: ninety days, that is a quarter of a year, more or less, as the calendar has it', [
        "MODE:34: reverify_every: got 'ninety days, that is a quarter of a year, more or less, as …', expected a duration with a unit, such as '500ms', '3s', '2m' or '90d'.",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "messages"), BAD, ids=[new.strip() or "no owner" for _, new, _ in BAD]
)
def test_a_wrong_value_is_told_in_words(good_project, old, new, messages):
    good_project.edit(MODE, old, new)
    with pytest.raises(UsageError) as refused:
        load.catalog(good_project.root)
    assert [str(problem).replace(MODE, "MODE") for problem in refused.value.problems] == messages
    assert "pydantic" not in str(refused.value)


def test_a_good_catalogue_is_understood(good_project):
    catalog = load.catalog(good_project.root)
    mode = load.find(catalog, "redis-memory-full")
    assert mode == load.mode(good_project.root, "redis-memory-full")
    assert mode.impact.on("submit") is Impact.DEGRADED
    assert mode.objectives_in("lab").recover_within == 60.0
    assert list(load.services(good_project.root).flows) == ["submit"]
    assert load.ids(good_project.root) == ["redis-memory-full"]


@pytest.mark.parametrize(
    "asked", [load.mode, lambda root, id_: load.find(load.catalog(root), id_), load.path_of]
)
def test_an_unknown_id_gets_the_nearest(good_project, asked):
    with pytest.raises(UsageError) as refused:
        asked(good_project.root, "redis-memry-full")
    assert str(refused.value) == (
        "EXP: got 'redis-memry-full', expected the id of a failure mode. Did you mean 'redis-memory-full'?"
    )


def test_all_problems_of_all_files_come_at_once(good_project):
    good_project.edit(MODE, "severity: 2", "severity: 9")
    good_project.edit(MODE, "owner: sre", "owner: [a]")
    good_project.edit("catalog/services.yaml", "per_second: 10", "per_second: 0")
    good_project.write("catalog/failure-modes/x/other.yaml", "a: [")
    with pytest.raises(UsageError) as refused:
        load.catalog(good_project.root)
    assert [problem.where for problem in refused.value.problems] == [
        f"{MODE}:10",
        f"{MODE}:35",
        "catalog/failure-modes/x/other.yaml:2",
        "catalog/services.yaml:10",
    ]


def test_two_files_of_one_id_and_a_wrong_suffix(good_project):
    text = (good_project.root / MODE).read_text(encoding="utf-8")
    good_project.write("catalog/failure-modes/zz/redis-memory-full.yaml", text)
    good_project.write("catalog/failure-modes/zz/other.yml", text.replace("redis-memory-full", "other"))
    with pytest.raises(UsageError) as refused:
        load.catalog(good_project.root)
    assert str(refused.value).splitlines() == [
        "catalog/failure-modes/zz/other.yml: got the suffix .yml, expected .yaml. Rename the file.",
        f"catalog/failure-modes/zz/redis-memory-full.yaml: got the id of {MODE}, expected an id of its own. "
        "Rename one.",
    ]


def test_hidden_files_are_not_the_catalogue(good_project):
    good_project.write("catalog/failure-modes/.old/gone.yaml", "a: [")
    good_project.write("catalog/failure-modes/redis/.redis.yaml", "a: [")
    assert list(load.catalog(good_project.root).modes) == ["redis-memory-full"]


def test_digests_name_what_was_read(good_project):
    catalog = load.catalog(good_project.root)
    made = load.digests(catalog, catalog.modes["redis-memory-full"], "lab")
    assert [each.file for each in made.values()] == [MODE, "environments/lab.yaml", "catalog/services.yaml"]
    assert made == {
        kind: load.digest(good_project.root / each.file, good_project.root) for kind, each in made.items()
    }
