"""Each rule has a change to the good runbook that makes it speak, and one near it that does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaos_ext.model import AlertRule
from chaos_ext.runbook.lint import RULES, lint
from chaos_ext.runbook.parse import parse_text

Write = Callable[[str], Path]
LOOK = 'cat "$STATE"\n'
START = 'rm -f "$STATE.old"\necho "up $BEST" > "$STATE"\n'


def problems(write: Write, text: str, **around: Any) -> list[str]:
    return [str(problem) for problem in lint(write(text), **around)]


def test_the_good_runbook_has_no_problem(well: str, write_runbook: Write) -> None:
    assert problems(write_runbook, well) == []


CHANGES = [
    # --- sections and headings
    pytest.param("## Impact\n\nNobody can buy. See [the plan](plan.md).\n", "", "no 'Impact'", id="section missing"),
    pytest.param(
        "## Meaning\n\nIt is down.\n\n## Impact\n\nNobody can buy.",
        "## Impact\n\nIt is down.\n\n## Meaning\n\nNobody can buy.",
        "got 'Meaning' below 'Impact', expected the order Meaning, Impact, Parameters",
        id="section order",
    ),
    pytest.param("## Impact", "## Meaning\n\nAgain.\n\n## Impact", "a second 'Meaning'", id="section twice"),
    pytest.param("It is down.\n", "", "nothing below 'Meaning'", id="section empty"),
    pytest.param("node is best?", "node is best", "expected a question", id="no question mark"),
    pytest.param(
        "## Mitigation\n\n",
        "## Mitigation\n\n### Step 0: Wait\n\n- [ ] Wait.\n\n",
        "got 'Step 0: Wait' below 'Step 1: Look', expected numbers that count up",
        id="numbers",
    ),
    pytest.param("### Step 1: Look\n", "", "a block directly below 'Diagnosis'", id="no heading"),
    pytest.param("## Escalation\n", "### Step 9: Rest\n\nSleep.\n\n## Escalation\n", "nothing to do", id="idle step"),
    # --- links and ways on
    pytest.param("(plan.md)", "(plans.md)", "got 'plans.md', expected a file that exists", id="dead file link"),
    pytest.param("(plan.md)", "(plan.md#in-long)", "got 'plan.md#in-long'", id="dead anchor in a file"),
    pytest.param(
        "#step-3-start-it",
        "#step-3-start",
        "got '#step-3-start', expected the anchor of a heading. Did you mean '#step-3-start-it'?",
        id="dead anchor",
    ),
    pytest.param("(#step-3-start-it)", "(#undo-step-3)", "decision: got '#undo-step-3'", id="decision to undo"),
    pytest.param("(#step-3-start-it)", "(#impact)", "decision: got '#impact'", id="decision to a text"),
    pytest.param("(#step-3-start-it)", "(plan.md)", "a link within this runbook", id="decision elsewhere"),
    pytest.param(
        '"role":"mitigate"',
        '"next":"step-7","role":"mitigate"',
        "next: got 'step-7', expected one of step-1, decision-2, step-3, verification, escalation",
        id="next",
    ),
    pytest.param("| anything else | [Escalation](#escalation) |\n", "", "'anything else'", id="no other row"),
    pytest.param("| `a`, `b` |", "| `a`, `a` |", "got 'a' again", id="value twice"),
    pytest.param('"name":"BEST"', '"name":"best"', "a block whose name is in UPPER_SNAKE", id="decision exports"),
    pytest.param(
        "| it says | go to |\n|---|---|\n| `a`, `b` | [Step 3](#step-3-start-it) |\n"
        "| anything else | [Escalation](#escalation) |\n",
        "",
        "got no table",
        id="no table",
    ),
    # --- undo and verification
    pytest.param("#### Undo Step 3", "#### Later", "none for 'Step 3: Start it'", id="no undo"),
    pytest.param('"role":"verify"', '"role":"diagnose"', "no block of role 'verify'", id="no verification"),
    pytest.param(
        'grep -q up "$STATE"',
        'echo "$SEEN"; grep -q up "$STATE"',
        "got 'SEEN', which 'Step 1: Look' sets, expected a verification that stands alone",
        id="verification leans on a step",
    ),
    pytest.param('"undoes":"start"', '"undoes":"look"', "undoes: got 'look'", id="undoes another"),
    pytest.param('"undoes":"start",', "", "undoes: got none", id="undoes nothing"),
    pytest.param(
        '"excludeFromRunAll":"true",', "", "Runme's 'run all' undoes what it just did", id="undo in run all"
    ),
    # --- secrets
    pytest.param(LOOK, LOOK + "# again\n", "'STATE' among the arguments of 'cat'", id="a secret as an argument"),
    # --- blocks
    pytest.param('"name":"look",', "", "name: got none", id="no name"),
    pytest.param('"name":"look"', '"name":"Look Here"', "got 'Look Here'", id="odd name"),
    pytest.param('"name":"look"', '"name":"start"', "a second 'start'", id="name twice"),
    pytest.param('"name":"look","role":"diagnose",', '"name":"look",', "role: got none", id="no role"),
    pytest.param(
        '"name":"look","role":"diagnose"', '"name":"look","role":"mitigate","timeout":"1s"', "role: got", id="role"
    ),
    pytest.param('"role":"mitigate"', '"role":"undo"', "role: got 'undo'", id="undo outside of its heading"),
    pytest.param('"role":"mitigate"', '"role":"standin"', "'standin' without a task list", id="stand-in for nobody"),
    pytest.param(
        '"name":"look","role":"diagnose","interactive":"false"',
        '"name":"look","role":"diagnose"',
        "Without it Runme opens a terminal",
        id="interactive missing",
    ),
    pytest.param(
        '"name":"look","role":"diagnose","interactive":"false"',
        '"name":"look","role":"diagnose","interactive":"true"',
        "a task list with a stand-in",
        id="interactive",
    ),
    pytest.param('"name":"look"', '"name":"look","background":"true"', "background: got", id="background"),
    pytest.param('"name":"look"', '"name":"look","cwd":"/tmp"', "cwd: got", id="cwd"),
    pytest.param(
        '"name":"start"', '"name":"start","excludeFromRunAll":"true"', "it only on undo and standin", id="excluded"
    ),
    pytest.param(',"promptEnv":"no"', "", "Runme asks for each exported variable", id="promptEnv"),
    pytest.param(
        '"role":"mitigate","interactive":"false","timeout":"5s"',
        '"role":"mitigate","interactive":"false"',
        "timeout: got none",
        id="mitigation without limit",
    ),
    pytest.param('"timeout":"5s","within"', '"within"', "timeout: got none", id="verification without limit"),
    pytest.param('"within":"5s",', "", "how long the block may take to hold", id="every without within"),
    pytest.param('"name":"look"', '"name":"look","stable":"1s"', "it only on a block of role 'verify'", id="stable"),
    pytest.param(LOOK, "$ " + LOOK, "the command without its prompt", id="prompt"),
    pytest.param(LOOK, "### look\n" + LOOK, "a comment with one '#'", id="heading in a block"),
    pytest.param(LOOK, "if true; then\n" + LOOK, "unexpected end of file", id="syntax"),
    pytest.param(
        '"name":"look"', '"on":"aws","name":"look"', "no block for 'lab' in 'Step 1: Look'", id="platform missing"
    ),
    # --- variables
    pytest.param(LOOK, 'cat "$STAET"\n', "got 'STAET', which has no value here", id="undefined variable"),
    pytest.param(LOOK, 'cat "$BEST"\n', "got 'BEST', which has no value here", id="variable of a later step"),
    pytest.param("export SEEN=yes\n", "WHAT=1\n", None, id="-own variable"),
    pytest.param('export NODES="${NODES:-a b}"\n', 'NODES="a b"\n', "'NODES' not exported", id="not exported"),
    pytest.param('export NODES="${NODES:-a b}"', 'export NODES="$(ls)"', "the command 'ls'", id="busy parameters"),
    pytest.param("${STATE:?where", "${STATUS:?where", "'STATUS', expected a variable that the env", id="not given"),
    # --- commands
    pytest.param(LOOK, LOOK + 'echo x > "$STATE"\n', "writing to '$STATE'", id="diagnosis writes a file"),
    pytest.param(LOOK, LOOK + "supervisorctl stop b\n", "'supervisorctl stop b'", id="diagnosis stops"),
    pytest.param(LOOK, LOOK + 'a() { valkey-cli "$@"; }; a SET x 1\n', "'a SET x 1'", id="diagnosis by a function"),
    pytest.param(LOOK, LOOK + 'psql -c "update t set a = 1"\n', "'update t set'", id="diagnosis updates"),
    pytest.param("> **Warning:** what was in it is gone.\n\n", "", "'rm -f $STATE.old' without one", id="no warning"),
    pytest.param(LOOK, LOOK + "psql -h db1 -c 'select 1'\n", "got the host 'db1'", id="host option"),
    pytest.param(LOOK, LOOK + "ping -c 1 10.0.0.7\n", "got the address '10.0.0.7'", id="address"),
    pytest.param(LOOK, LOOK + "dig db.example.com\n", "got the host 'db.example.com'", id="host"),
    pytest.param(LOOK, LOOK + "gcloud sql instances list --project my-prod\n", "'--project my-prod'", id="project"),
    pytest.param(LOOK, LOOK + "aws iam get-role --role-name 123456789012\n", "'123456789012'", id="account"),
    pytest.param(LOOK, LOOK + "aws x describe-y --arn arn:aws:s3:::b\n", "'arn:aws:s3:::b'", id="arn"),
    pytest.param(LOOK, LOOK + 'curl "$FAULTPROXY_URL/list"\n', "the fault proxies", id="fault proxy"),
    pytest.param(LOOK, LOOK + "toxiproxy-cli list\n", "the fault proxies", id="toxiproxy"),
    pytest.param(LOOK, LOOK + "chaos heal\n", "the toolkit's own state", id="heal"),
    pytest.param(LOOK, LOOK + 'cat ".chaos/ledger/x"\n', "the toolkit's own state", id="ledger"),
    pytest.param(LOOK, LOOK + "python -m chaos_lab status\n", "the injection's own code", id="injection's code"),
    pytest.param(LOOK, LOOK + "kubectl get networkchaos\n", "the injection's own handle", id="injection's handle"),
    # --- identity
    pytest.param("id: well", "id: ill", "expected the file's stem, 'well'", id="id"),
    pytest.param("recovers: [store-down]", "recovers: []", "runbook.recovers: got nothing", id="recovers nothing"),
    pytest.param("recovers: [store-down]", "recovers: [store-dwn]", "Did you mean 'store-down'?", id="unknown mode"),
    pytest.param("# The store is down\n", "# It broke\n", "what the alert says: 'The store is down'", id="title"),
    # --- near misses: none of these is wrong
    pytest.param(LOOK, LOOK + 'a() { valkey-cli "$@"; }; a GET x\n', None, id="-looking by a function"),
    pytest.param(LOOK, LOOK + "# chaos heal, then 10.0.0.7\n", None, id="-comment"),
    pytest.param(LOOK, LOOK + "psql -c 'select updated from t' 2>/dev/null\n", None, id="-looking"),
    pytest.param(LOOK, LOOK + 'file=$(mktemp); echo "$NODES" > "$file"\n', None, id="-own file"),
    pytest.param(LOOK, LOOK + 'psql -h "$NODES" -c "select version()"\n', None, id="-host by variable"),
    pytest.param(LOOK, LOOK + 'echo "then run: supervisorctl stop a, or delete from t"\n', None, id="-said only"),
    pytest.param(LOOK, LOOK + 'for n in $NODES; do echo "${n:-}" "${LATER:-none}"; done\n', None, id="-loop, default"),
    pytest.param(LOOK, LOOK + 'read -r one two <"$STATE"; echo "$one$two"\n', None, id="-read"),
    pytest.param(LOOK, LOOK + 'awk -v a="$NODES" \'{ print $1, $undefined }\' "$STATE"\n', None, id="-other language"),
    pytest.param(LOOK, LOOK + "kubectl get pods; kubectl rollout status deploy/a\n", None, id="-kubectl looks"),
    pytest.param("> **Warning:** what", "> [!WARNING]\n> what", None, id="-GitHub's warning"),
    pytest.param("> **Warning:** what", "> **警告：** what", None, id="-warning in Japanese"),
    pytest.param("(plan.md)", "(plan.md#in-short)", None, id="-anchor in a file"),
    pytest.param("(plan.md)", "(https://example.com/x#y)", None, id="-the web"),
    pytest.param("(#escalation)", "(#verification)", None, id="-decision to a section"),
    pytest.param('"role":"mitigate"', '"next":"Step 3","role":"mitigate"', None, id="-next"),
    pytest.param('"name":"look"', '"on":"lab","name":"look"', None, id="-platform"),
    pytest.param("## Escalation\n", "### Step 9: Tell\n\n- [ ] Tell them.\n\n## Escalation\n", None, id="-by hand"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), CHANGES)
def test_a_change_and_what_lint_says(
    well: str, write_runbook: Write, old: str, new: str, says: str | None
) -> None:
    assert old in well
    text = well.replace(old, new, 1)
    rule = AlertRule(name="StoreDown", runbook="runbooks/well.md", summary="The store is down")
    found = problems(
        write_runbook,
        text,
        platforms=["lab"],
        variables=["STATE"],
        modes=["store-down", "other"],
        alerts=[rule],
        secrets=["STATE"] if says and "'STATE' among" in says else [],
    )
    if says is None:
        assert found == []
    else:
        assert any(says in problem for problem in found), found


def test_every_rule_speaks_in_the_table(well: str, write_runbook: Write) -> None:
    """A rule that no case of the table triggers is a rule that no test would miss."""
    from chaos_ext.runbook.lint.document import Document, Surroundings

    rule = AlertRule(name="StoreDown", runbook="runbooks/well.md", summary="The store is down")
    around = Surroundings(frozenset({"lab"}), ["STATE"], ["store-down"], [rule], ["STATE"])
    silent = set(RULES)
    for case in CHANGES:
        old, new, _ = case.values
        path = write_runbook(well.replace(str(old), str(new), 1))
        document = Document(parse_text(path.read_text(), path), around)
        silent -= {rule for rule in silent if list(rule(document))}
    assert {rule.__name__ for rule in silent} == set()


def test_the_line_is_the_one_to_mend(well: str, write_runbook: Write) -> None:
    text = well.replace(LOOK, LOOK + "# fine\nsupervisorctl stop b\n", 1)
    (problem,) = lint(write_runbook(text))
    line = int(problem.where.rpartition(":")[2])
    assert text.split("\n")[line - 1] == "supervisorctl stop b"


def test_all_problems_of_a_file_by_line(well: str, write_runbook: Write) -> None:
    text = (
        well.replace("id: well", "id: ill")
        .replace('"interactive":"false"', "")
        .replace(",,", ",")
        .replace(",}", "}")
    )
    found = lint(write_runbook(text))
    lines = [int(problem.where.rpartition(":")[2]) for problem in found]
    assert len(found) > 5
    assert lines == sorted(lines)


def test_an_alert_nobody_links(well: str, write_runbook: Write) -> None:
    assert "no alert that links this runbook" in problems(write_runbook, well, alerts=[])[0]


def test_a_block_for_each_platform_that_is_bound(well: str, write_runbook: Write) -> None:
    assert problems(write_runbook, well, platforms=["lab", "aws"]) == []
    text = well.replace('"name":"start"', '"on":"lab","name":"start"').replace(
        '"undoes"', '"on":"lab","undoes"'
    )
    found = problems(write_runbook, text, platforms=["lab", "aws"])
    assert len(found) == 2
    assert all("no block for 'aws'" in problem for problem in found)


def test_the_same_variable_on_two_platforms(well: str, write_runbook: Write) -> None:
    block = '```sh {"name":"BEST","role":"diagnose","interactive":"false"}\necho "${NODES%% *}"\n```\n'
    both = "\n".join(block.replace('"name"', f'"on":"{platform}","name"') for platform in ("lab", "aws"))
    assert problems(write_runbook, well.replace(block, both), platforms=["lab", "aws"]) == []
    same = block + "\n" + block
    assert "a second 'BEST'" in problems(write_runbook, well.replace(block, same))[0]


def test_a_manual_step_with_its_stand_in(well: str, write_runbook: Write) -> None:
    step = (
        "### Step 4: Tell the shop\n\n- [ ] Call them.\n\n"
        '```sh {"name":"tell","role":"standin","interactive":"false","timeout":"5s"}\necho told\n```\n\n## Verification'
    )
    assert problems(write_runbook, well.replace("## Verification", step, 1), platforms=["lab"]) == []


def test_what_cannot_be_read_is_a_problem_not_an_exception(tmp_path: Path) -> None:
    (problem,) = lint(tmp_path / "gone.md")
    assert "expected a runbook in Markdown" in str(problem)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ('cat "$STATE" "$TOKEN"', "got 'TOKEN' among the arguments of 'cat'"),
        ('timeout 5 curl -H "Authorization: Bearer ${TOKEN}" "$STATE"', "among the arguments of 'curl'"),
        ('echo "$(cat - "${TOKEN:?}" <<<x)"', "among the arguments of 'cat'"),
        ('TOKEN="$TOKEN" cat "$STATE"', ""),
        ('[ -n "$TOKEN" ] && printf %s "$TOKEN" | cat', ""),
        ('cat <<<"$TOKEN"', ""),
        ('cat "$STATE" "$TOKENS"', ""),
    ],
)
def test_a_secret_is_no_argument(well: str, write_runbook: Write, code: str, told: str) -> None:
    text = well.replace(LOOK, code + "\n").replace(': "${STATE', ': "${TOKEN:?}" "${TOKENS:?}"\n: "${STATE')
    found = problems(write_runbook, text, secrets={"TOKEN"})
    assert [each for each in found if "secret" in each] == [each for each in found if told and told in each]
    assert len(found) == bool(told), found
