"""A storage that refuses the application: the fault itself, the runbook's proof, the runbook with one mistake each."""

from __future__ import annotations

import json
import subprocess
import uuid

import pytest
from botocore.exceptions import ClientError
from chaoslib.exceptions import ActivityFailed
from modes import spoil

from chaos_ext.actions.lab import cloud, storage

MODE = "object-storage-denied"
BUCKET = "exports"


@pytest.fixture
def restored(configuration):
    yield
    storage.restore_policy(BUCKET, configuration)


def export(user):
    return user("/dashboard/exports", {"survey": "welcome"})[0]


def exports(running_lab, *words):
    done = subprocess.run(
        [f"{running_lab['bin']}/exports", *words], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


def test_before_during_and_after(configuration, running_lab, user, submit, until, psql, restored):
    assert not storage.objects_are_denied(BUCKET, configuration)["holds"]
    until(lambda: export(user) == 201, "exports to work")

    storage.deny_objects(BUCKET, configuration)

    seen = storage.objects_are_denied(BUCKET, configuration)
    assert seen["holds"]
    assert export(user) == 503
    survey = f"denied-{uuid.uuid4().hex[:8]}"
    assert submit("during", survey) == 201, "nothing but exports is hurt"
    until(lambda: survey in exports(running_lab, "list"), "its batch to fail three times")

    assert storage.restore_policy(BUCKET, configuration)["outcome"] == "undone"
    assert not storage.objects_are_denied(BUCKET, configuration)["holds"]
    assert export(user) == 201
    assert storage.restore_policy(BUCKET, configuration)["outcome"] == "superseded"

    exports(running_lab, "replay")
    assert exports(running_lab, "list") == ""
    made = psql("pg-a", f"SELECT count(*), sum(responses) FROM exports WHERE survey = '{survey}'")
    assert made == "1|1", "each export once"


def test_a_bucket_that_is_not_there(configuration):
    with pytest.raises(ActivityFailed, match="NoSuchBucket"):
        storage.deny_objects("nothing-here", configuration)


def test_its_policy_is_the_one_the_lab_keeps(configuration, running_lab, restored):
    with open(f"{running_lab['conf']}/exports-policy.json", encoding="utf-8") as file:
        kept = json.load(file)
    storage.deny_objects(BUCKET, configuration)
    storage.restore_policy(BUCKET, configuration)
    with cloud.client("s3", configuration) as s3:
        assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]) == kept


@pytest.fixture
def s3(configuration, running_lab):
    with cloud.client("s3", configuration) as client:
        yield client
        with open(f"{running_lab['conf']}/exports-policy.json", encoding="utf-8") as file:
            client.put_bucket_policy(Bucket=BUCKET, Policy=file.read())


def policy(s3):
    try:
        return json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"][0]["Sid"]
    except ClientError as error:
        return error.response["Error"]["Code"]


def test_a_policy_that_was_deleted_is_put_back(configuration, s3, follow):
    s3.delete_bucket_policy(Bucket=BUCKET)
    assert storage.restore_policy(BUCKET, configuration)["outcome"] == "superseded"
    done = follow(MODE, "policy-now", "CAUSE", "restore-policy")
    assert done.exit == 0, done.out
    assert (done.variables["CAUSE"], done.variables["POLICY_NOW"]) == ("the policy", "")
    assert policy(s3) == "ApplicationWritesAndReadsExports"
    assert follow(MODE, "tighten-again", POLICY_NOW="").exit == 0
    assert policy(s3) == "NoSuchBucketPolicy"


def test_a_bucket_that_does_not_answer_is_no_policy_that_was_deleted(follow):
    assert follow(MODE, "policy-now", EXPORTS_BUCKET="nothing-here").exit == 1


def test_no_probe_is_left_behind(configuration, s3, follow):
    done = follow(MODE, "put-and-get")
    assert done.exit == 0, done.out
    assert not storage.objects_are_denied(BUCKET, configuration)["holds"]
    left = s3.list_object_versions(Bucket=BUCKET, Prefix="probes/")
    assert (left.get("Versions", []), left.get("DeleteMarkers", [])) == ([], [])


BAD = [
    spoil.mistake("verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind"),
    spoil.mistake(
        "missing", "policy", spoil.block("restore-policy", before="exit 0"), "step-failed", "not-recovered"
    ),
    spoil.mistake("missing", "replay", spoil.block("replay", before="exit 0"), "step-failed"),
    spoil.mistake(
        "swapped",
        "replays-before-it-may",
        spoil.exchanged("restore-policy", "replay"),
        "step-failed",
    ),
    # Twice the same policy is the same policy. With the undo behind it, as when all blocks are run, the first is gone.
    spoil.mistake(
        "doubled",
        "puts-back-what-was-there",
        spoil.block(
            "restore-policy",
            after='aws s3api put-bucket-policy --bucket "$EXPORTS_BUCKET" --policy "$POLICY_NOW"',
        ),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "the-policy-that-is-there",
        spoil.block(
            "restore-policy",
            code='aws s3api put-bucket-policy --bucket "$EXPORTS_BUCKET" --policy "$POLICY_NOW"',
        ),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "another-file",
        spoil.replaced("${POLICY_FILE:-$LAB_CONF/exports-policy.json}", "${POLICY_FILE:-/etc/hostname}"),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake("too-slow", "policy", spoil.block("restore-policy", before="sleep 20"), "too-slow"),
]  # fmt: skip


test_the_runbook_is_proven = spoil.proven(MODE)
test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
