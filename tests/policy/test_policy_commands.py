"""`chaos policy …` as people see it, and a run that is refused before anything starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml
from click.testing import CliRunner
from policy.conftest import OWN, ROOT

from chaos_ext.catalog import check
from chaos_ext.cli.policy import policy
from chaos_ext.report.guidelines import in_a_plan
from chaos_ext.report.text import width
from chaos_ext.safety.policy import enforcing

NOON = "2026-11-24T12:00+09:00"


def chaos(*words: str, language: str = "en"):
    return CliRunner().invoke(policy, [*words, "--lang", language])


def test_it_is_a_command_of_chaos():
    plugins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert plugins["chaostoolkit.cli_plugins"]["policy"] == "chaos_ext.cli.policy:policy"


# --- explain ---


def test_explain_answers_as_a_colleague_would(project):
    project.write("catalog/guidelines.yaml", """\
schema: 1
rules:
  - id: only-the-cloud
    decision: forbidden
    reason: {en: No., ja: 不可。}
    match: {platform: [aws, gcp]}
  - id: lab-is-thrown-away
    decision: free
    reason: {en: Break what you like., ja: 何を壊してもよい。}
    match: {platform: lab}
""")  # fmt: skip
    assert (
        chaos("explain", "object-storage-denied").output
        == """\
object-storage-denied in lab: go ahead, it is free.

  deny-objects: chaos_ext.actions.lab.storage.deny_objects
    free, says rule 'lab-is-thrown-away' (catalog/guidelines.yaml:7):
      Break what you like.
    rules that were asked before and do not decide:
      catalog/guidelines.yaml:3  'only-the-cloud' is about platform 'aws' or 'gcp'; this is 'lab'
    its undo chaos_ext.actions.lab.storage.restore_policy: free, says the same rule
    its evidence chaos_ext.actions.lab.storage.objects_are_denied: free, says the same rule
"""
    )
    assert chaos("explain", "object-storage-denied", language="ja").output == """\
object-storage-denied（環境lab）: 自由に実行できます。

  deny-objects: chaos_ext.actions.lab.storage.deny_objects
    自由。規則「lab-is-thrown-away」（catalog/guidelines.yaml:7）による:
      何を壊してもよい。
    それより前にあり、当てはまらない規則:
      catalog/guidelines.yaml:3  「only-the-cloud」の対象はプラットフォーム'aws'または'gcp'（ここは「lab」）
    取り消し chaos_ext.actions.lab.storage.restore_policy: 自由（同じ規則による）
    証拠 chaos_ext.actions.lab.storage.objects_are_denied: 自由（同じ規則による）
"""  # fmt: skip


def hide(project, what, **provider):
    """Put an activity into the experiment of a shipped mode as its undo, or as its evidence."""
    file = "experiments/lab/object-storage-denied.yaml"
    experiment = yaml.safe_load((project.root / file).read_text())
    kind = "probe" if what == "in_force" else "action"
    hidden = {"type": kind, "name": "harmless", "provider": {"type": "python", **provider}}
    experiment["method"][0]["provider"]["arguments"][what] = hidden
    project.write("experiments/lab/mine.yaml", yaml.safe_dump(experiment, sort_keys=False))
    return str(project.root / "experiments/lab/mine.yaml")


@pytest.mark.parametrize(("what", "part", "language", "told"), [
    ("undo", "undo", "en", "deny-objects, its undo"), ("in_force", "in_force", "en", "deny-objects, its evidence"),
    ("undo", "undo", "ja", "deny-objectsの取り消し"), ("in_force", "in_force", "ja", "deny-objectsの証拠"),
])  # fmt: skip
def test_explain_shows_what_is_hidden_in_an_undo_or_in_evidence(project, what, part, language, told):
    path = hide(project, what, module="chaosaws.rds.actions", func="failover_db_cluster", arguments={})
    said = chaos("explain", path, language=language).output
    assert f"\n\n  {told}: chaosaws.rds.actions.failover_db_cluster\n" in said
    assert "lab-reaches-no-cloud" in said
    ruling = json.loads(chaos("explain", path, "--json").output)
    assert ruling["decision"] == "forbidden"
    (one,) = (each for each in ruling["faults"] if each["part"] == part)
    assert (one["decision"], one["rule"]) == ("forbidden", "lab-reaches-no-cloud")


def test_a_plan_names_an_undo_that_another_rule_decides_and_no_other(project):
    path = hide(project, "undo", module="ours", func="put_back", arguments={})
    request = project.request(path, "lab")
    ruling = enforcing.rule(project.root, request.experiment, request.environment, id="mine")
    free, reviewed, refused = map(str, in_a_plan(ruling))
    assert free.startswith("deny-objects: free (lab-is-thrown-away, ")
    assert reviewed.startswith("deny-objects, its undo: needs a review (lab-code-of-others, ")
    assert refused == "as things are, it would be refused"


def test_what_is_hidden_in_an_undo_cannot_be_approved_and_a_review_of_it_can(project, mika):
    path = hide(project, "undo", module="chaosaws.rds.actions", func="failover_db_cluster", arguments={})
    words = ["--env", "lab", "--key", str(mika)]
    assert (
        "deny-objects, its undo: got what 'lab-reaches-no-cloud' forbids"
        in chaos("approve", path, *words).stderr
    )
    path = hide(project, "undo", module="ours", func="put_back", arguments={})
    assert chaos("approve", path, *words).exit_code == 0
    assert "go ahead, it needs a review and has one." in chaos("explain", path).output


def test_explain_says_what_is_missing(project):
    said = chaos("explain", str(project.root / OWN), "--at", NOON).output
    assert said.startswith("two-databases in dedicated: not yet, it needs an SRE's review.\n\n  fail-over: ")
    assert "needs a review, says rule 'several-things-at-once' (catalog/guidelines.yaml:" in said
    assert "'office-hours-only' is about any time but mon-fri 09:00-18:00 Asia/Tokyo; it is Tue 12:00" in said
    assert said.endswith(
        "  approval: there is none that stands\n    approvals/dedicated/two-databases.yaml: got no file, expected an "
        "approval signed by an SRE. Have an SRE run: chaos policy approve two-databases --env dedicated --key "
        "~/.ssh/id_ed25519\n"
    )


@pytest.mark.parametrize(
    ("at", "decision"),
    [
        (NOON, "review"),
        ("2026-11-24T18:00+09:00", "forbidden"),
        ("2026-11-24T08:59+09:00", "forbidden"),
        ("2026-11-28T12:00+09:00", "forbidden"),
    ],
)
def test_explain_can_be_asked_about_another_time(project, at, decision):
    said = json.loads(chaos("explain", str(project.root / OWN), "--at", at, "--json").output)
    assert (said["decision"], said["may_run"], said["faults"][0]["name"]) == (decision, False, "fail-over")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["object-storage-denid"], "EXP: got 'object-storage-denid', expected the id of a failure mode. Did you mean "),
        (["no/such.yaml"], "no/such.yaml: got a file that cannot be read (No such file or directory)"),
        (["object-storage-denied", "--env", "labb"], "ENV: got 'labb', expected the name of an environment."),
        (["object-storage-denied", "--at", "noon"], "--at: got 'noon', expected a time with its zone, such as"),
        (["object-storage-denied", "--at", "2026-11-24T12:00"], "--at: got '2026-11-24T12:00', expected a time with"),
        (["catalog/services.yaml"], "catalog/services.yaml:2: method: got no list of activities, expected an experim"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_refused(project, monkeypatch, words, told):
    monkeypatch.chdir(project.root)
    done = chaos("explain", *words)
    assert done.exit_code == 2
    assert told in done.stderr


# --- list ---


def test_list_has_the_rules_in_their_order(project):
    found = json.loads(chaos("list", "--format", "json").output)
    assert found[0]["id"] == "never-where-customers-are"
    assert found[0]["where"] == "catalog/guidelines.yaml:8"
    assert set(found[0]["reason"]) == {"en", "ja"}


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(("columns", "widest"), [("", 100), ("80", 80), ("120", 120)])
def test_list_keeps_to_the_terminal(project, monkeypatch, columns, widest, language):
    monkeypatch.setenv("COLUMNS", columns)
    said = chaos("list", language=language).output
    assert max(map(width, said.splitlines())) <= widest
    blocks = said.rstrip("\n").split("\n\n")
    rules = json.loads(chaos("list", "--json").output)
    assert [block.splitlines()[0] for block in blocks] == [
        f"{number} · {rule['id']}" for number, rule in enumerate(rules, start=1)
    ]
    labels = {"en": ("DECISION", "SUBJECT", "REASON"), "ja": ("判断", "対象", "理由")}[language]
    indent = max(map(width, labels)) + 4
    for block, rule in zip(blocks, rules, strict=True):
        values, label = {}, ""
        for line in block.splitlines()[1:]:
            head, value = split_at(line, indent)
            assert (width(head), value[:1].isspace()) == (indent, False), line
            label = head.strip() or label
            values[label] = values.get(label, "") + value
        assert tuple(values) == labels
        assert values[labels[-1]].replace(" ", "") == rule["reason"][language].replace(" ", "")


def split_at(line, columns):
    """What stands in the first columns of a line, and the rest of it."""
    for index in range(len(line) + 1):
        if width(line[:index]) >= columns:
            return line[:index], line[index:]
    raise AssertionError(line)


def test_a_list_that_fits_is_a_table(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    project.write(
        "catalog/guidelines.yaml", "schema: 1\nrules:\n" + RULE.format(id="a", match="{platform: lab}")
    )
    header, row = chaos("list").output.splitlines()
    assert header.split() == ["ORDER", "RULE", "DECISION", "SUBJECT", "REASON"]
    assert row.split() == ["1", "a", "free", "platform", "lab", "a"]


def test_every_shipped_mode_is_free_in_the_lab(project):
    modes = project.request("object-storage-denied").catalog.modes
    in_the_lab = [mode for mode in sorted(modes) if "lab" in modes[mode].reproduce]
    assert len(in_the_lab) >= 12
    for mode in in_the_lab:
        said = json.loads(chaos("explain", mode, "--json").output)
        assert (said["decision"], said["may_run"]) == ("free", True), mode


# --- approve ---


def test_approve_writes_both_files_and_explain_knows(project, mika, monkeypatch):
    monkeypatch.chdir(project.root)
    words = ["--env", "dedicated", "--key", str(mika), "--expires", "8d", "--reason", "game day"]
    done = chaos("approve", OWN, *words)  # at whatever time: only running is for office hours
    lines = done.output.splitlines()
    assert lines[:2] == [
        "wrote approvals/dedicated/two-databases.yaml", "wrote approvals/dedicated/two-databases.yaml.sig",
    ]  # fmt: skip
    assert lines[2].startswith("mika@example.com approves two-databases in dedicated until 20")
    noon = datetime.now(ZoneInfo("Asia/Tokyo")).replace(hour=12) + timedelta(days=1)
    while noon.strftime("%a") != "Tue":
        noon += timedelta(days=1)
    said = chaos("explain", OWN, "--at", noon.isoformat()).output
    assert "two-databases in dedicated: go ahead, it needs a review and has one." in said
    assert "  approved by mika@example.com until 20" in said
    assert "      game day\n" in said


@pytest.mark.parametrize("expires", ["7", "tomorrow", "0s"])
def test_approve_refuses_what_is_no_while(project, mika, expires):
    done = chaos("approve", OWN, "--env", "dedicated", "--key", str(mika), "--expires", expires)
    assert done.exit_code == 2
    assert f"--expires: got '{expires}', expected " in done.stderr


def test_approve_refuses_an_experiment_that_is_not_kept(project, mika, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.yaml"
    elsewhere.write_text((project.root / OWN).read_text())
    done = chaos("approve", str(elsewhere), "--env", "dedicated", "--key", str(mika))
    assert f"{elsewhere}: got a file outside of the project, expected one inside." in done.stderr


# --- a run ---


def run(project, *words):
    command = [sys.executable, "-m", "chaos_ext", "--no-version-check", "--no-log-file", *words]
    environ = {**os.environ, "CHAOS_STATE": str(project.root / ".chaos"), "CHAOS_LANG": "en"}
    return subprocess.run(command, capture_output=True, text=True, env=environ, cwd=project.root, timeout=60)


@pytest.mark.parametrize(("decision", "told"), [
    ("forbidden", "deny-objects: got what 'exports-are-precious' forbids in lab, expected anything else: They are. No "
     "approval changes that. Nothing was injected."),
    ("review", "deny-objects: needs an SRE's review in lab: They are. Nothing was injected."),
])  # fmt: skip
def test_verify_is_refused_before_anything_starts(project, decision, told):
    project.edit("catalog/guidelines.yaml", "schema: 1\nrules:\n", f"""\
schema: 1
rules:
  - id: exports-are-precious
    decision: {decision}
    reason: {{en: They are., ja: 貴重である。}}
    match: {{product: Object storage, hurts: {{flows: export, at_least: outage}}}}
""")  # fmt: skip
    done = run(project, "verify", "object-storage-denied")
    assert done.returncode == 4
    assert told in done.stderr
    assert done.stderr.count("They are.") == 1, "its undo and its evidence are not told by themselves"
    assert not (project.root / ".chaos" / "runs").exists()
    plan = run(project, "verify", "object-storage-denied", "--dry-run").stdout
    word = "forbidden" if decision == "forbidden" else "needs a review"
    assert f"  guideline  deny-objects: {word} (exports-are-precious, catalog/guidelines.yaml:" in plan
    assert "as things are, it would be refused" in plan


def test_a_plan_says_what_the_run_must_be_allowed(project):
    plan = run(project, "verify", "object-storage-denied", "--dry-run").stdout
    assert (
        "\n  needs      aws: s3:DeleteObjectVersion, s3:GetBucketPolicy, s3:PutBucketPolicy and 1 more\n"
        in plan
    )
    assert (
        "\n             on what, and what for: chaos policy permissions object-storage-denied --env lab\n"
        in plan
    )
    assert "  needs  " not in run(project, "verify", "postgresql-primary-down", "--dry-run").stdout


# --- chaos catalog check ---


def problems(project) -> list[str]:
    return [str(each) for each in check.check(project.root).problems if "guidelines" in each.where]


RULE = "  - {{id: {id}, decision: free, reason: {{en: a, ja: b}}, match: {match}}}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema: 1\nrules: []\n", ":2: rules: got an empty list, expected a list"),
        ("schema: 1\nrules:\n  - {id: a, decision: fre, reason: {en: a, ja: b}}\n",
         ":3: rules[0].decision: got 'fre', expected a known word. Did you mean 'free'?"),
        ("schema: 1\nrules:\n  - {id: a, decision: free, reason: words}\n",
         ":3: rules[0].reason: got 'words', expected {en: …, ja: …}"),
        ("schema: 1\nrules:\n" + RULE.format(id="a", match="{platfrom: lab}"),
         ":3: rules[0].match.platfrom: got the unknown key 'platfrom', expected a known one. Did you mean 'platform'?"),
        ("schema: 1\nrules:\n" + RULE.format(id="a", match="{platform: lap}"),
         ":3: rules[0].match.platform: got 'lap', expected a platform. Did you mean 'lab'?"),
        ("schema: 1\nrules:\n" + RULE.format(id="a", match="{mode: object-storage-denie}"),
         "got 'object-storage-denie', expected the id of a failure mode. Did you mean 'object-storage-denied'?"),
        ("schema: 1\nrules:\n" + RULE.format(id="a", match="{hurts: {flows: [exprot]}}"),
         "got 'exprot', expected a user flow of catalog/services.yaml. Did you mean 'export'?"),
        ("schema: 1\nrules:\n" + RULE.format(id="a", match="{environment: labb}"),
         "got 'labb', expected the name of an environment. Did you mean 'lab'?"),
        ("schema: 1\nrules:\n" + RULE.format(id="a", match="{platform: lab}") * 2,
         ":4: rules[1].id: got 'a' again, expected an id of its own (line 3 has it)."),
        ("schema: 1\nrules:\n" + RULE.format(id="a", match="{}") + RULE.format(id="b", match="{platform: lab}"),
         ":4: rules[1]: got a rule after one that matches everything (line 3), expected a rule that can decide."),
        ("schema: 1\nrules:\n" + RULE.format(id="a", match="{during: [{time_zone: Tokio}]}"),
         ":3: rules[0].match.during[0].time_zone: got 'Tokio', expected a time zone such as 'Asia/Tokyo' or 'UTC'."),
        ("schema: 1\nrules:\n" + RULE.format(id="a", match="{during: [{time_zone: UTC, hours: '9-18'}]}"),
         ":3: rules[0].match.during[0].hours: got '9-18', expected hours such as '09:00-17:30', or '22:00-06:00' over "
         "midnight."),
        ("schema: 1\nrules:\n" + RULE.format(id="a", match="{targets: {at_least: 3, at_most: 1}}"),
         ":3: rules[0].match.targets: got a mapping, expected at_most of at least at_least."),
        ("schema: 1\nrules:\n\t- x\n", ":3: got a tab, expected spaces."),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_told_with_its_line(project, text, told):
    project.write("catalog/guidelines.yaml", text)
    assert told in "\n".join(problems(project))


def test_without_guidelines_nothing_runs(project):
    (project.root / "catalog" / "guidelines.yaml").unlink()
    told = (
        "catalog/guidelines.yaml: got no file, expected the rules of what may be broken where. Without one, everything "
        "needs an SRE's review. Copy the one that chaos-ext is shipped with."
    )
    assert told in problems(project)
    done = run(project, "verify", "object-storage-denied")
    assert done.returncode == 2
    assert told in done.stderr
