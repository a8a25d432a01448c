"""`chaos history report` on bundles on the disk: where it writes, and that it leaves the bundle alone."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from history.conftest import MODE, write_trial

from chaos_ext.campaign.reported import write_page
from chaos_ext.cli import paged
from chaos_ext.cli.history import history
from chaos_ext.history import bundle, manifest
from chaos_ext.model import Reason, Verdict, VerdictWord
from chaos_ext.pages import files, run_page
from chaos_ext.report.several import Result

VERDICT = Verdict(VerdictWord.UNKNOWN, (Reason("no-data", "Nothing was recorded."),), (), "Nothing.", 4)


@pytest.fixture
def sealed(new_run: Callable[[], Path]) -> Path:
    folder = new_run()
    write_trial(folder, "01-treatment")
    bundle.seal(folder, VERDICT)
    return folder


def _report(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(history, ["report", *words])
    return done.exit_code, done.output


def test_the_page_is_beside_the_bundles_private_and_whole(sealed: Path) -> None:
    code, told = _report("last")
    page = sealed.parents[1] / "reports" / f"{sealed.name}.html"
    assert code == 0
    assert told.strip() == f"report: {page}"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "Nothing was recorded." in page.read_text(encoding="utf-8")
    assert manifest.check(sealed) == []
    assert [path.name for path in page.parent.iterdir()] == [page.name]


def test_a_page_is_written_again_to_the_same_words(sealed: Path) -> None:
    _report("last")
    page = files.path_of(sealed.parents[1], sealed.name)
    first = page.read_bytes()
    page.write_text("old", encoding="utf-8")
    _report("last")
    assert page.read_bytes() == first


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = files.path_of(sealed.parents[1], sealed.name)
    files.write(page, "old")
    with pytest.raises(UnicodeEncodeError):
        files.write(page, "new \ud800")
    assert page.read_text(encoding="utf-8") == "old"
    assert len(list(page.parent.iterdir())) == 1


@pytest.mark.parametrize(("form", "says"), [("markdown", "### ❔ unknown"), ("json", '"word": "unknown"')])
def test_the_other_forms_go_to_the_terminal_or_a_file(
    sealed: Path, tmp_path: Path, form: str, says: str
) -> None:
    code, told = _report("last", "--format", form)
    assert code == 0
    assert says in told
    target = tmp_path / "out"
    assert _report("last", "--format", form, "--output", str(target))[0] == 0
    assert says in target.read_text(encoding="utf-8")
    assert _report("last", "--format", form, "--output", str(target))[0] == 2  # it is there
    assert _report("last", "--format", form, "--output", str(target), "--force")[0] == 0


def test_several_runs_are_one_page(sealed: Path, new_run: Callable[[], Path]) -> None:
    other = new_run()
    bundle.seal(other, VERDICT)
    code, told = _report(sealed.name, other.name)
    assert code == 0
    assert f"{sealed.name}-and-1-more.html" in told
    value = json.loads(_report(sealed.name, other.name, "--json")[1])
    assert [run["run"] for run in value["runs"]] == [sealed.name, other.name]
    assert {run["mode"] for run in value["runs"]} == {MODE}


def test_a_run_that_is_not_there_is_a_usage_error(sealed: Path) -> None:
    code, told = _report("nothing-like-it")
    assert code == 2
    assert "the id of one run" in told


def test_a_run_without_a_verdict_has_a_page(new_run: Callable[[], Path]) -> None:
    folder = new_run()
    assert "This run was never judged" in run_page.run_page(folder, "en")


def test_a_damaged_verdict_is_no_verdict(sealed: Path) -> None:
    (sealed / "verdict.json").write_text('{"word": "splendid"}', encoding="utf-8")
    page = run_page.run_page(sealed, "en")
    assert "This run was never judged" in page
    assert "verdict.json: changed after the run was sealed" in page


# --- at the end of a run -------------------------------------------------------------------------


def test_a_page_that_cannot_be_made_is_told_and_changes_nothing(
    sealed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The state folder holds a file where the reports' folder would be."""
    (sealed.parents[1] / "reports").write_text("in the way", encoding="utf-8")
    assert paged.page_of_run(sealed) is None
    assert "The report could not be written" in capsys.readouterr().err
    assert manifest.check(sealed) == []


def test_a_campaign_leaves_a_page_of_each_run_and_one_of_all(
    sealed: Path, new_run: Callable[[], Path]
) -> None:
    state = sealed.parents[1]
    killed = new_run()  # its process never came to write its page
    results = [
        Result(MODE, 4, VERDICT, sealed, 3.0),
        Result(MODE, 130, None, killed, 1.0),
        Result("redis-memory-full", None, note="nothing new was started"),
    ]
    page = write_page(results, state, "en")
    written = page.read_text(encoding="utf-8")
    for folder in (sealed, killed):
        assert files.path_of(state, folder.name).exists()
        assert f'href="./{folder.name}.html"' in written
    assert "nothing new was started" in written
    assert page.parent == files.path_of(state, "x").parent


def test_the_page_of_a_run_goes_with_its_evidence(sealed: Path) -> None:
    page = paged.page_of_run(sealed)
    assert page is not None
    files.remove(sealed.parents[1], sealed.name)
    files.remove(sealed.parents[1], sealed.name)
    assert not page.exists()
