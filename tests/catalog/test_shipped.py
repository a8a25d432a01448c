"""The catalogue of this repository itself, and what is generated from the model and committed."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from chaos_ext.catalog import check, schema

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = [
    *((path, "failure-mode") for path in sorted((ROOT / "catalog" / "failure-modes").rglob("*.yaml"))),
    (ROOT / "catalog" / "services.yaml", "services"),
    *((path, "environment") for path in sorted((ROOT / "environments").glob("*.yaml"))),
]


def test_nothing_is_wrong_with_the_shipped_catalogue():
    checked = check.check(ROOT)
    assert [str(problem) for problem in checked.problems] == []
    assert checked.modes >= 2
    assert checked.experiments


def test_committed_schemas_are_what_the_model_says():
    for path, text in schema.files(ROOT).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `chaos catalog schema --write`"


@pytest.mark.parametrize(("path", "kind"), WRITTEN, ids=[path.name for path, _ in WRITTEN])
def test_what_is_shipped_satisfies_its_schema_and_names_it(path, kind):
    text = path.read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(schema.schema(kind)).validate(yaml.safe_load(text))
    head = next(line for line in text.splitlines() if "yaml-language-server" in line)
    named = (path.parent / head.rpartition("=")[2]).resolve()
    assert named == ROOT / "schemas" / f"{kind}.json"
    assert json.loads(named.read_text(encoding="utf-8")) == schema.schema(kind)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (("severity",), 4),
        (("objectives", "default", "detect_within"), 5),
        (("categry",), "x"),
        (("title",), {"en": "x"}),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_the_schema_refuses_what_the_model_refuses(at, value):
    path = ROOT / "catalog" / "failure-modes" / "postgresql" / "postgresql-primary-down.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    inner = data
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema.schema("failure-mode")).validate(data)
    with pytest.raises(ValueError, match=at[-1]):
        schema.MODELS["failure-mode"].model_validate(data)
