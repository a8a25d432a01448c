"""An expired certificate: the activity, and its runbook with one mistake each."""

from __future__ import annotations

import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from chaoslib.exceptions import ActivityFailed
from modes import spoil

from chaos_ext.actions.lab import certificate

MODE = "edge-certificate-expired"


@pytest.fixture
def configuration(running_lab):
    return {"chaos_facts": running_lab}


@pytest.fixture
def users(running_lab):
    """What a user gets who connects now: a status, or why the connection is refused."""

    def ask():
        context = ssl.create_default_context(cafile=running_lab["edge"]["ca_file"])
        url = f"{running_lab['edge']['url']}/responses?survey=welcome"
        try:
            with urllib.request.urlopen(url, timeout=5, context=context) as answer:
                return answer.status
        except urllib.error.URLError as error:
            return getattr(error.reason, "verify_message", str(error.reason))

    return ask


@pytest.fixture
def operator(running_lab):
    def run(*command):
        environment = {**os.environ, "PATH": f"{running_lab['bin']}:{os.environ['PATH']}"}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=30, check=False
        )

    return run


@pytest.fixture
def back(configuration):
    yield
    certificate.restore_certificate(configuration)
    assert not certificate.certificate_is_expired(configuration)["holds"]


def test_before_during_and_after(running_lab, configuration, users, back):
    before = certificate.certificate_is_expired(configuration)
    assert (before["holds"], before["clients"]) == (False, "accept it")
    files = [(Path(running_lab["tls"]) / name).read_bytes() for name in ("edge.pem", "edge-key.pem")]
    assert users() == 200

    said = certificate.install_expired_certificate(configuration)
    assert users() == "certificate has expired"
    during = certificate.certificate_is_expired(configuration)
    assert during["holds"]
    assert (during["serial"], said["replaced"]) == (said["serial"], before["serial"])
    with pytest.raises(ActivityFailed, match="has expired already"):
        certificate.install_expired_certificate(configuration)

    assert certificate.restore_certificate(configuration)["outcome"] == "undone"
    assert users() == 200
    after = certificate.certificate_is_expired(configuration)
    assert (after["holds"], after["serial"]) == (False, before["serial"])
    assert [(Path(running_lab["tls"]) / name).read_bytes() for name in ("edge.pem", "edge-key.pem")] == files
    assert certificate.restore_certificate(configuration)["outcome"] == "already"


def test_what_the_runbook_issued_stays(configuration, users, operator, back):
    certificate.install_expired_certificate(configuration)
    assert operator("certificate", "issue").returncode == 0
    assert certificate.certificate_is_expired(configuration)["holds"]  # issued, but nobody loaded it
    assert operator("supervisorctl", "signal", "HUP", "edge").returncode == 0
    deadline = time.monotonic() + 20
    while (seen := certificate.certificate_is_expired(configuration))["holds"]:
        assert time.monotonic() < deadline, "the edge did not load what was issued"
        time.sleep(0.05)
    assert certificate.restore_certificate(configuration)["outcome"] == "superseded"
    assert certificate.certificate_is_expired(configuration)["serial"] == seen["serial"]
    assert users() == 200


def test_an_undo_after_half_a_repair_ends_with_what_clients_accept(configuration, users, operator, back):
    certificate.install_expired_certificate(configuration)
    assert operator("certificate", "issue").returncode == 0
    assert certificate.restore_certificate(configuration)["outcome"] == "undone"
    assert users() == 200


_ISSUED_AGAIN_AND_CUT = """cp "$LAB_TLS/edge.pem" "$TMPDIR/first.pem"
certificate issue
cp "$TMPDIR/first.pem" "$LAB_TLS/edge.pem" """.rstrip()

BAD = [
    spoil.mistake(
        "missing", "loading", spoil.without("Step 4: Have the edge load it"), "step-failed", "not-recovered"
    ),
    spoil.mistake(
        "swapped",
        "loads-before-it-issues",
        spoil.exchanged("issue", "reload"),
        "step-failed",
        "not-recovered",
    ),
    # To issue twice does nothing: the second is as good. Started over and cut midway it leaves the second key with the
    # first certificate, and the edge refuses that.
    spoil.mistake(
        "doubled",
        "issues-again-and-is-cut",
        spoil.all_of(
            spoil.block("issue", after=_ISSUED_AGAIN_AND_CUT),
            spoil.replaced(
                'export EDGE="${EDGE:-edge}"', 'export EDGE="${EDGE:-edge}" LAB_TLS="${LAB_TLS:?}"'
            ),
        ),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake(
        "wrong-target",
        "another-program",
        spoil.replaced('export EDGE="${EDGE:-edge}"', 'export EDGE="${EDGE:-dashboard}"'),
        "step-failed",
        "not-recovered",
    ),
    spoil.mistake("verification-blind", "always-passes", spoil.verifying("echo fine"), "verification-blind"),
    spoil.mistake("too-slow", "issuing", spoil.block("issue", before="sleep 15"), "too-slow"),
]


test_the_runbook_is_proven = spoil.proven(MODE)
test_a_bad_runbook_is_not_verified = spoil.not_verified(MODE, BAD)
test_a_fault_that_does_nothing_proves_nothing = spoil.proving_nothing(MODE)
