"""What a scaffold writes holds together at once, and replaces nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chaos_ext.catalog import check, load, scaffold
from chaos_ext.catalog.draft import Draft
from chaos_ext.errors import UsageError
from chaos_ext.model import Impact

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A copy of the shipped project."""
    for name in ("catalog", "environments", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / "shipped" / name)
    monkeypatch.setenv("CHAOS_PROJECT", str(tmp_path / "shipped"))
    return tmp_path / "shipped"


def _written(root: Path, make) -> scaffold.Made:
    draft = Draft(root)
    made = make(draft, load.catalog(root))
    draft.check()
    draft.write()
    assert check.check(root).problems == []
    for each in made.to_fill_in:
        line = (root / each.file).read_text(encoding="utf-8").splitlines()[each.line - 1]
        assert line.strip(), each
    return made


def test_a_failure_mode_from_nothing(root):
    made = _written(root, lambda draft, catalog: scaffold.mode(draft, catalog, "dashboard-stopped"))
    catalog = load.catalog(root)
    mode = catalog.modes["dashboard-stopped"]
    assert made.file == "catalog/failure-modes/dashboard/dashboard-stopped.yaml"
    hurt = {
        name for name, flow in catalog.services.flows.items() if flow.request.path.startswith("/dashboard/")
    }
    assert {flow.service for flow in catalog.services.flows.values()} > {"dashboard"}
    assert {flow for flow in mode.impact.flows if mode.impact.on(flow) is Impact.OUTAGE} == hurt
    assert mode.runbook == "runbooks/dashboard-stopped.md"
    assert {each.file for each in made.to_fill_in} == {
        made.file, "catalog/runbooks/dashboard-stopped.md", "environments/lab.yaml"
    }  # fmt: skip


def test_a_product_is_guessed_from_others_or_told(root):
    _written(root, lambda draft, catalog: scaffold.mode(draft, catalog, "postgresql-something"))
    _written(
        root,
        lambda draft, catalog: scaffold.mode(draft, catalog, "store-something", product="Object: storage"),
    )
    modes = load.catalog(root).modes
    assert modes["postgresql-something"].product == "PostgreSQL"
    assert modes["store-something"].product == "Object: storage"
    assert (root / "catalog/failure-modes/object-storage/store-something.yaml").is_file()


def test_a_failure_mode_like_another(root):
    other = load.mode(root, "postgresql-primary-down")
    _written(
        root, lambda draft, catalog: scaffold.mode(draft, catalog, "mysql-gone", product="MySQL", like=other)
    )
    mode = load.mode(root, "mysql-gone")
    assert mode.reproduce == other.reproduce
    assert (mode.product, mode.detection.alert, mode.runbook) == (
        "MySQL",
        "MysqlGone",
        "runbooks/mysql-gone.md",
    )
    text = (root / "environments/lab.yaml").read_text(encoding="utf-8")
    assert text.startswith(
        (ROOT / "environments/lab.yaml").read_text(encoding="utf-8").partition("targets:")[0]
    )


@pytest.mark.parametrize(
    ("mode_id", "message"),
    [
        ("service-bad-release", "^ID: got 'service-bad-release', expected one that is not taken"),
        ("Redis_Full", "^ID: got 'Redis_Full', expected lower-case words .* Try 'redis-full'"),
        ("../x", "^ID: got '../x', expected lower-case words .* Try 'x'"),
    ],
)
def test_an_id_that_cannot_be(root, mode_id, message):
    with pytest.raises(UsageError, match=message):
        scaffold.mode(Draft(root), load.catalog(root), mode_id)


def test_a_runbook_for_a_mode_without_one(root):
    page = root / "catalog/runbooks/service-bad-release.md"
    page.unlink()
    for file in ("catalog/failure-modes/service/service-bad-release.yaml", "environments/lab.yaml"):
        path = root / file
        text = path.read_text(encoding="utf-8")
        assert text.count("runbook: runbooks/service-bad-release.md") == 1
        path.write_text(
            text.replace("runbook: runbooks/service-bad-release.md", "runbook: none"), encoding="utf-8"
        )
    made = _written(root, lambda draft, catalog: scaffold.runbook(draft, catalog, "service-bad-release"))
    assert made.file == "catalog/runbooks/service-bad-release.md"
    text = page.read_text(encoding="utf-8")
    assert "# Intake answers with internal errors" in text
    assert "${EDGE_URL:-}/responses?survey=check" in text
    assert load.mode(root, "service-bad-release").runbook == "runbooks/service-bad-release.md"


def test_a_runbook_is_never_replaced(root):
    with pytest.raises(UsageError, match=r"got 'runbooks/service-bad-release[.]md', expected none"):
        scaffold.runbook(Draft(root), load.catalog(root), "service-bad-release")


@pytest.mark.parametrize("platform", ["lab", "kubernetes", "aws", "gcp"])
def test_an_environment(root, platform):
    made = _written(root, lambda draft, catalog: scaffold.environment(draft, catalog, "another", platform))
    assert made.file == "environments/another.yaml"
    compiled = {path.stem for path in (root / "experiments" / "another").glob("*.yaml")}
    bound = {each.id for each in load.catalog(root).modes.values() if platform in each.reproduce}
    assert compiled == bound


def test_an_environment_is_never_replaced(root):
    with pytest.raises(UsageError, match="got 'lab', expected one that is not taken"):
        scaffold.environment(Draft(root), load.catalog(root), "lab")


def test_one_after_the_other(root):
    """A mode for two environments: its alert is in both."""
    _written(root, lambda draft, catalog: scaffold.environment(draft, catalog, "second", "lab"))
    _written(root, lambda draft, catalog: scaffold.mode(draft, catalog, "first-thing"))
    _written(root, lambda draft, catalog: scaffold.mode(draft, catalog, "second-thing"))
    for name in ("lab", "second"):
        assert "name: SecondThing" in (root / "environments" / f"{name}.yaml").read_text(encoding="utf-8")
