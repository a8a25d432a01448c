"""A project with changes: checked as a whole, written as a whole or not at all."""

from __future__ import annotations

import os

import pytest

from chaos_ext.catalog import check
from chaos_ext.catalog.draft import Draft
from chaos_ext.errors import UsageError

MODE = "catalog/failure-modes/redis/redis-memory-full.yaml"
PLACE = "environments/lab.yaml"


def _files(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_draft_changes_nothing_until_it_is_written(good_project):
    before = _files(good_project.root)
    draft = Draft(good_project.root)
    draft.edit(MODE).set(("severity",), 3)
    draft.make("catalog/notes.md", "hello\n")
    draft.check()
    assert _files(good_project.root) == before
    told = list(draft.diff())
    assert told[:4] == ["--- /dev/null", "+++ b/catalog/notes.md", "@@ -0,0 +1 @@", "+hello"]
    assert told[-1] == "experiments/lab/redis-memory-full.yaml: compiled anew"
    assert [line for line in told[4:] if line[:1] in "+-"] == [
        f"--- a/{MODE}", f"+++ b/{MODE}", "-severity: 2", "+severity: 3"
    ]  # fmt: skip
    assert draft.write() == ["catalog/notes.md", MODE, "experiments/lab/redis-memory-full.yaml"]
    assert b"severity: 3" in (good_project.root / MODE).read_bytes()
    assert check.check(good_project.root).problems == []


def test_what_does_not_hold_together_is_told_and_not_written(good_project):
    draft = Draft(good_project.root)
    draft.edit(MODE).set(("detection", "alert"), "RedisFul")
    with pytest.raises(UsageError, match=f"^{MODE}:13: detection.alert: got 'RedisFul'"):
        draft.check()


def test_nothing_is_overwritten(good_project):
    with pytest.raises(UsageError, match="got a file that is there already"):
        Draft(good_project.root).make(MODE, "")
    (good_project.root / "dangling.yaml").symlink_to("nowhere")
    with pytest.raises(UsageError, match="got a file that is there already"):
        Draft(good_project.root).make("dangling.yaml", "")


def test_a_file_that_somebody_changed_meanwhile_keeps_all_as_they_were(good_project):
    draft = Draft(good_project.root)
    draft.make("a-first.md", "new\n")
    draft.edit(MODE).set(("severity",), 3)
    draft.edit(PLACE).set(("title",), "Another lab")
    good_project.edit(PLACE, "title: A lab", "title: My lab")
    before = _files(good_project.root)
    with pytest.raises(UsageError, match=f"^{PLACE}: got a file that somebody changed meanwhile"):
        draft.write()
    assert _files(good_project.root) == before


def test_a_file_that_somebody_made_meanwhile_is_kept(good_project):
    draft = Draft(good_project.root)
    draft.edit(MODE).set(("severity",), 3)
    draft.make("catalog/notes.md", "mine\n")
    good_project.write("catalog/notes.md", "theirs\n")
    before = _files(good_project.root)
    with pytest.raises(UsageError, match="somebody changed meanwhile"):
        draft.write()
    assert _files(good_project.root) == before


def test_a_disk_that_refuses_keeps_all_as_they_were(good_project):
    draft = Draft(good_project.root)
    draft.edit(MODE).set(("severity",), 3)
    draft.make(f"{MODE}/below-a-file.md", "x")
    before = _files(good_project.root)
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        draft.write()
    assert _files(good_project.root) == before


def test_the_rights_of_a_file_stay(good_project):
    path = good_project.root / MODE
    os.chmod(path, 0o640)
    draft = Draft(good_project.root)
    draft.edit(MODE).set(("severity",), 3)
    draft.write()
    assert path.stat().st_mode & 0o777 == 0o640
