"""An approval stands for one experiment in one environment for a while; anything else refuses, and says why."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest
from policy.conftest import DEDICATED, EXPERIMENT, NOW, OWN

from chaos_ext.errors import Blocked, UsageError
from chaos_ext.safety.policy import enforcing
from chaos_ext.safety.policy.signatures import SIGNERS

OTHER = DEDICATED.replace("name: dedicated", "name: second")
APPROVAL = "approvals/dedicated/two-databases.yaml"


def ruling(project, at=NOW, environment=None):
    request = project.request(environment=environment)
    return enforcing.rule(
        project.root, request.experiment, request.environment, id=request.id, file=request.file, at=at,
    )  # fmt: skip


def refused(project, **more) -> str:
    found = ruling(project, **more)
    assert not found.may_run
    (problem,) = found.refused
    return str(problem)


def line_of(project, path, text) -> int:
    lines = (project.root / path).read_text(encoding="utf-8").splitlines()
    return next(number for number, each in enumerate(lines, 1) if text in each)


def test_without_one_it_is_refused(project):
    assert refused(project) == (
        f"{APPROVAL}: got no file, expected an approval signed by an SRE. Have an SRE run: chaos policy approve "
        "two-databases --env dedicated --key ~/.ssh/id_ed25519"
    )


def test_a_signed_one_stands(project, mika):
    assert project.approve(mika, reason="seen with Ken") == project.root / APPROVAL
    found = ruling(project)
    assert found.may_run
    assert found.approval.approval.issuer == "mika@example.com"
    assert found.approval.approval.expires == "2026-11-25T03:00:00Z"


def test_a_changed_byte_of_the_experiment_voids_it(project, mika):
    project.approve(mika)
    project.edit(OWN, "# What the data team tries", "# What the Data team tries")
    line = line_of(project, APPROVAL, "  sha256:")
    told = refused(project)
    assert told.startswith(f"{APPROVAL}:{line}: experiment.sha256: got ")
    assert f"…, but {OWN} is " in told
    assert told.endswith("expected the experiment as it was approved. Have it looked at and approved again.")


def test_another_content_than_the_file_s_voids_it(project, mika):
    project.approve(mika)
    request = project.request()
    request.experiment["method"][0]["provider"]["arguments"]["db_cluster_identifier"] = ["users"]
    with pytest.raises(Blocked, match=r"experiment\.content: got .*…, but what is to run is "):
        enforcing.refuse_before_run(
            project.root, request.experiment, request.environment, id=request.id, at=NOW
        )


def test_something_else_in_the_place_of_its_file_voids_it(project, mika):
    project.approve(mika)
    request = project.request()
    (project.root / OWN).unlink()
    (project.root / OWN).symlink_to("/dev/zero")
    found = enforcing.rule(
        project.root, request.experiment, request.environment, id=request.id, file=request.file, at=NOW
    )
    (problem,) = found.refused
    assert f"experiment.file: got {OWN}, which cannot be read (not a file)" in str(problem)


def test_a_changed_byte_of_the_approval_voids_it(project, mika):
    project.approve(mika)
    project.edit(APPROVAL, "expires: '2026-11-25T03:00:00Z'", "expires: '2027-11-25T03:00:00Z'")
    told = refused(project)
    assert told.startswith(f"{APPROVAL}.sig: got a signature of something else (")
    assert told.endswith(
        f"), expected one of {APPROVAL} as it is now, byte for byte. One of the two was changed after it was signed. "
        "Restore both files, or approve again."
    )


def test_a_changed_byte_of_the_signature_voids_it(project, mika):
    project.approve(mika)
    signature = project.root / f"{APPROVAL}.sig"
    lines = signature.read_text().splitlines()
    lines[2] = lines[2][:10] + ("A" if lines[2][10] != "A" else "B") + lines[2][11:]
    signature.write_text("\n".join(lines) + "\n")
    assert "got a signature of something else (" in refused(project)


def test_without_its_signature_it_is_none(project, mika):
    project.approve(mika)
    (project.root / f"{APPROVAL}.sig").unlink()
    assert refused(project) == (
        f"{APPROVAL}.sig: got no file, expected the signature of {APPROVAL}. Commit both files, or approve again."
    )


def test_it_does_not_hold_in_another_environment(project, mika):
    project.approve(mika)
    project.write("environments/second.yaml", OTHER)
    for suffix in ("", ".sig"):
        text = (project.root / f"{APPROVAL}{suffix}").read_text()
        project.write(f"approvals/second/two-databases.yaml{suffix}", text)
    copied = "approvals/second/two-databases.yaml"
    line = line_of(project, copied, "  name: dedicated")
    assert refused(project, environment="second") == (
        f"{copied}:{line}: environment.name: got 'dedicated', expected 'second', where it is to run. An approval is "
        "for one environment."
    )


def test_a_changed_environment_voids_it(project, mika):
    project.approve(mika)
    project.edit("environments/dedicated.yaml", "limits: {targets: 2", "limits: {targets: 3")
    told = refused(project)
    assert "environment.sha256: got " in told
    assert "…, but environments/dedicated.yaml is " in told
    assert told.endswith("expected the environment as it was approved. Have it looked at and approved again.")


def test_it_ends(project, mika):
    project.approve(mika, expires_s=3600)
    assert ruling(project, at=NOW + timedelta(minutes=59)).may_run
    line = line_of(project, APPROVAL, "expires:")
    assert refused(project, at=NOW + timedelta(hours=1)) == (
        f"{APPROVAL}:{line}: expires: got '2026-11-24T04:00:00Z', expected a time to come; it is 2026-11-24T04:00:00Z. "
        "Have it looked at and approved again."
    )


def test_it_does_not_begin_before_it_was_issued(project, mika):
    project.approve(mika)
    line = line_of(project, APPROVAL, "issued:")
    assert refused(project, at=NOW - timedelta(minutes=1)) == (
        f"{APPROVAL}:{line}: issued: got '2026-11-24T03:00:00Z', expected a time gone by; it is 2026-11-24T02:59:00Z. "
        "Is this machine's clock right?"
    )


def test_a_signer_whom_nobody_named_counts_for_nothing(project, mika, line):
    project.approve(mika)
    project.allow(line("ken"))
    number = line_of(project, APPROVAL, "issuer:")
    assert refused(project) == (
        f"{APPROVAL}:{number}: issuer: got the unknown signer 'mika@example.com', expected a signer whom {SIGNERS} "
        "names. Whoever owns the environment adds the key there, in a reviewed change."
    )


def test_nobody_signs_for_somebody_else(project, key, line):
    project.allow(line("mika"), line("ken"))
    project.approve(key("ken"), issuer="mika@example.com")
    number = line_of(project, APPROVAL, "issuer:")
    assert refused(project) == (
        f"{APPROVAL}:{number}: issuer: got the signature of 'ken@example.com', expected that of 'mika@example.com', "
        "who is said to have approved. Have it looked at and approved again."
    )


def test_a_signer_whose_time_is_over_counts_for_nothing(project, mika, line, key):
    project.approve(mika)
    project.allow(line("mika", 'valid-before="20261124040000Z"'))
    assert ruling(project, at=NOW + timedelta(minutes=59)).may_run
    told = refused(project, at=NOW + timedelta(hours=2))
    assert told.startswith(f"{SIGNERS}:2: got a key of 'mika@example.com' that does not count any more (")
    assert told.endswith(
        "expected one that is valid now. Renew valid-before there in a reviewed change, or have somebody else approve."
    )


def test_a_key_for_other_things_approves_nothing(project, key, line):
    project.allow(line("mika", 'namespaces="git"'))
    project.approve(key("mika"))
    told = refused(project)
    assert told.startswith(f"{SIGNERS}:2: got no key of 'mika@example.com' that made {APPROVAL}.sig (")
    assert told.endswith(
        "expected the key that signed, for namespace approval@chaos-ext. Correct that line in a reviewed change, or "
        "have somebody else approve."
    )


def test_a_signature_of_a_commit_is_no_approval(project, mika):
    project.approve(mika)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", str(mika)],
        input=(project.root / APPROVAL).read_bytes(), stdout=(project.root / f"{APPROVAL}.sig").open("wb"),
        check=True,
    )  # fmt: skip
    assert "got a signature of something else (" in refused(project)


def test_without_a_list_of_signers_nobody_may(project, mika):
    project.approve(mika)
    (project.root / SIGNERS).unlink()
    assert refused(project) == (
        f"{SIGNERS}: got no file, expected who may approve, in git's format. Write one line for each SRE: "
        'mika@example.com namespaces="approval@chaos-ext" ssh-ed25519 AAAA…'
    )


def test_without_ssh_keygen_nothing_is_approved(project, mika, monkeypatch, tmp_path):
    project.approve(mika)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(project) == (
        "ssh-keygen: got no such program on PATH, expected OpenSSH, which checks approvals. Install OpenSSH 8.9 or "
        "newer (Debian: apt install openssh-client)."
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "got an empty file, expected a mapping of fields, such as 'schema: 1'"),
        ("schema: 2\n", ":1: schema: got 2, expected 1"),
        ("!!python/object/apply:os.system ['false']\n", "got a tag"),
        ("schema: 1\nissuer: '*'\n", ":2: issuer: got '*', expected a value such as 'mika@example.com'"),
        (
            "schema: 1\nexpires: tomorrow\n",
            "expires: got 'tomorrow', expected a time such as '2026-11-24T18:00:00Z'",
        ),
    ],
    ids=["empty", "newer", "tag", "everybody", "no-time"],
)
def test_what_is_no_approval_is_refused(project, mika, text, told):
    project.write(APPROVAL, text)
    found = ruling(project)
    assert not found.may_run
    assert told in "\n".join(map(str, found.refused))


# --- approving ---


def test_a_key_that_nobody_listed_cannot_approve(project, key, line):
    project.allow(line("ken"))
    with pytest.raises(
        UsageError, match=f"--key: got a key that {SIGNERS} does not name, expected the key of"
    ):
        project.approve(key("mika"))
    assert not (project.root / "approvals").exists()


def test_what_is_free_needs_no_approval(project, mika):
    request = project.request("object-storage-denied", "lab")
    from chaos_ext.safety.policy import approving

    with pytest.raises(
        UsageError, match=r"got an experiment that is free in lab, expected one that needs a review"
    ):
        approving.approve(project.root, request, mika, NOW, 60.0)


def test_what_is_forbidden_cannot_be_approved(project, mika):
    project.write("environments/production.yaml", DEDICATED.replace("name: dedicated", "name: production"))
    from chaos_ext.safety.policy import approving

    with pytest.raises(UsageError, match="got what 'never-where-customers-are' forbids in production"):
        approving.approve(project.root, project.request(environment="production"), mika, NOW, 60.0)


def test_what_forbids_a_fault_and_its_undo_is_told_once(project, mika):
    project.write(
        "catalog/guidelines.yaml",
        "schema: 1\nrules:\n  - {id: never, decision: forbidden, reason: {en: No., ja: 不可。}, match: {}}\n",
    )
    from chaos_ext.safety.policy import approving

    with pytest.raises(UsageError) as raised:
        approving.approve(project.root, project.request("object-storage-denied", "lab"), mika, NOW, 60.0)
    (line,) = str(raised.value).splitlines()
    assert "deny-objects: got what 'never' forbids in lab" in line


@pytest.mark.parametrize("placeholder", ["${one}", "$one"])
def test_what_the_run_fills_in_cannot_be_approved(project, mika, placeholder):
    """Chaos Toolkit takes both forms."""
    own = EXPERIMENT.replace("[orders, users]", f'["{placeholder}", users]')
    from_outside = "{chaos_environment: dedicated, one: {type: env, key: WHICH_DATABASE}}"
    project.write(OWN, own.replace("{chaos_environment: dedicated}", from_outside))
    with pytest.raises(UsageError, match="got placeholders that only the run fills in, in fail-over"):
        project.approve(mika)


def test_a_dollar_that_is_meant_can_be_approved(project, mika):
    project.write(OWN, EXPERIMENT.replace("[orders, users]", '["$$one", users]'))
    project.approve(mika)
    assert ruling(project).may_run


def test_an_approval_never_overrides_what_is_forbidden(project, mika):
    project.approve(mika)
    project.edit("catalog/guidelines.yaml", "schema: 1\nrules:\n", """\
schema: 1
rules:
  - id: no-databases
    decision: forbidden
    reason: {en: The data is precious., ja: データは貴重である。}
    match: {activity: "chaosaws.rds.*"}
""")  # fmt: skip
    request = project.request()
    with pytest.raises(Blocked) as raised:
        enforcing.refuse_before_run(
            project.root, request.experiment, request.environment, id=request.id, at=NOW
        )
    line = line_of(project, "catalog/guidelines.yaml", "no-databases")
    assert str(raised.value) == (
        f"catalog/guidelines.yaml:{line}: fail-over: got what 'no-databases' forbids in dedicated, expected anything "
        "else: The data is precious. No approval changes that. Nothing was injected."
    )


@pytest.mark.parametrize("given", [{"size": "all"}, {"size": "one"}, {}])
def test_an_approval_is_for_the_values_that_were_approved(project, mika, given):
    """`chaos run --var size=all` changes nothing of the experiment, and all of what it does."""
    project.write(OWN, EXPERIMENT.replace("dedicated}", "dedicated, size: one}"))
    project.approve(mika)
    experiment = project.request().experiment

    def ask():
        return enforcing.refuse_at_the_gate(
            project.root, experiment["method"][0], given, experiment, project.place(),
            file=project.root / OWN, at=NOW,
        )  # fmt: skip

    if given == {"size": "all"}:
        with pytest.raises(Blocked, match=r"configuration\.size: got 'all', expected 'one'"):
            ask()
    else:
        assert ask().approval is not None
