"""Wrong input: a message that helps, the right exit code, no traceback, nothing started."""

from __future__ import annotations

import pytest

MODE = "catalog/failure-modes/service/service-bad-release.yaml"
RUNBOOK = "catalog/runbooks/service-bad-release.md"


def _refused(project, done, *said):
    assert done.code == 2, done.out + done.err
    for text in said:
        assert text in done.err
    assert "Traceback" not in done.out + done.err
    assert project.bundles() == []
    assert project.labs() == []


def test_unknown_id(project):
    _refused(project, project.chaos("verify", "postgres-primary-down"), "postgresql-primary-down")


def test_unknown_environment(project):
    _refused(project, project.chaos("verify", "service-bad-release", "--env", "lap"), "lab")


def test_a_malformed_file_names_its_line(project):
    project.edit(MODE, ("severity: 2", "severity: high"), ("recover_within: 15s", "recover_within: 15"))
    done = project.chaos("verify", "service-bad-release")
    lines = (project.root / MODE).read_text().splitlines()
    first = next(n for n, line in enumerate(lines, 1) if line.startswith("severity"))
    second = next(n for n, line in enumerate(lines, 1) if "recover_within: 15," in line)
    _refused(
        project,
        done,
        f"{MODE}:{first}: severity: got",
        f"{MODE}:{second}: objectives.lab.recover_within: got",
    )


def test_a_runbook_that_fails_lint(project):
    text = (project.root / RUNBOOK).read_text()
    (project.root / RUNBOOK).write_text(text.replace("## Verification", "## Afterwards"))
    _refused(project, project.chaos("verify", "service-bad-release"), f"{RUNBOOK}:", "Verification")


@pytest.mark.parametrize("change", ["reverify_every: 90d", "owner: intake-team"])
def test_an_experiment_that_is_not_what_the_catalogue_says(project, change):
    project.edit(MODE, (change, change + "  # changed by hand"))
    done = project.chaos("verify", "service-bad-release")
    _refused(project, done, "experiments/lab/service-bad-release.yaml", "chaos catalog compile")
