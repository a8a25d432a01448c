"""Ways around the guard: the place is another one, says nothing, or changes in the middle of a run.

Servers that record and a file that would be left see no mutating call at all; `test_without_a_trick_the_calls_arrive`
is what makes the others able to fail: same experiment, same servers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import ways_for_tests as ways
import yaml
from ways_for_tests import ACCOUNT, ENVIRONMENT, OTHER, ROLE, UID, Field, Trick, http, python


def test_without_a_trick_the_calls_arrive(field):
    journal = field.run()
    assert [run["status"] for run in (*journal["run"], *journal["rollbacks"])] == ["succeeded"] * 4
    assert field.dedicated.changed == [("POST", "/by-python"), ("POST", "/by-http"), ("POST", "/back")]
    assert field.left.exists()
    assert [event["admitted"] for event in field.noted] == [True] * 4
    assert {proof["kind"] for proof in field.noted[0]["proofs"]} > {"AWS account", "AWS role"}


# --- the place answers otherwise ------------------------------------------------------------------


def _cluster_says(uid: str, **labels: str) -> Trick:
    return lambda field, _: ways.as_cluster(field.dedicated, uid, **labels)


def _edited(old: str, new: str) -> Trick:
    return lambda field, _: field.edit(old, new)


def _silent(field: Field, _: pytest.MonkeyPatch) -> None:
    field.edit(f'"{field.sts_url}"', f'"{field.production.url}"')
    field.production.silent.set()
    field.experiment["rollbacks"] = []


def _path_of(field: Field, path: str, answer: tuple[int, bytes]) -> None:
    field.dedicated.answers[path] = answer


PLACE: dict[str, Trick] = {
    "prover-raised": lambda field, _: field.write("aws-config", "[profile chaos\n???"),
    "prover-hung": _silent,
    "connection-refused": lambda field, _: field.edit(f'"{field.sts_url}"', '"http://127.0.0.1:1"'),
    "cluster-refuses-connections": lambda field, _: field.write(
        "kubeconfig", ways.kubeconfig({"dedicated": "http://127.0.0.1:1"}, "dedicated")
    ),
    "garbage-answer": ways.sts_says(200, b"<html>Please sign in</html>"),
    "error-answer": ways.sts_says(500, b"<ErrorResponse/>"),
    "empty-field": ways.sts_says(*ways.as_sts("", ROLE)),
    "missing-field": ways.sts_says(*ways.as_sts(None, ROLE)),
    "blank-around-a-field": ways.sts_says(*ways.as_sts(f"{ACCOUNT} ", ROLE)),
    "wrong-case": ways.profile_of(ACCOUNT, ROLE.lower()),
    "other-account": ways.profile_of(OTHER, ROLE),
    "other-role": ways.profile_of(ACCOUNT, "Administrator"),
    "role-that-begins-alike": ways.profile_of(ACCOUNT, f"{ROLE}Admin"),
    "a-user-of-that-name": ways.sts_says(
        200, ways.as_sts(ACCOUNT, ROLE)[1].replace(b"assumed-role/ChaosRunner/me", b"user/ChaosRunner")
    ),
    "profile-without-credentials": lambda field, _: field.write("aws-config", "[profile chaos]\nregion=x\n"),
    "profile-is-gone": lambda field, _: field.write("aws-config", "[profile other]\n"),
    "config-file-is-gone": lambda field, _: (field.root / "aws-config").unlink(),
    "other-cluster": _cluster_says("another", purpose="chaos"),
    "cluster-without-uid": _cluster_says("", purpose="chaos"),
    "label-missing": _cluster_says(UID),
    "label-other-value": _cluster_says(UID, purpose="production"),
    "label-wrong-case": _cluster_says(UID, purpose="Chaos"),
    "namespace-is-gone": lambda field, _: _path_of(field, "/api/v1/namespaces/shop", (404, b"{}")),
    "cluster-forbids-reading": lambda field, _: _path_of(
        field, "/api/v1/namespaces/kube-system", (403, b"{}")
    ),
    "cluster-answers-garbage": lambda field, _: _path_of(
        field, "/api/v1/namespaces/kube-system", (200, b"ok")
    ),
    "context-is-gone": lambda field, _: field.write(
        "kubeconfig", ways.kubeconfig({"other": field.dedicated.url}, "other")
    ),
    "two-contexts-of-a-name": lambda field, _: _twice(field),
    "deny-listed": lambda field, patch: (
        field.edit("windows:", 'deny: {aws: [{account: "' + OTHER + '"}]}\nwindows:'),
        ways.profile_of(OTHER, ROLE)(field, patch),
    ),
    "allowed-and-denied": _edited("windows:", f"deny: {{kubernetes: [{{cluster_uid: {UID}}}]}}\nwindows:"),
    "denied-kind-is-not-asked": _edited("windows:", 'deny: {google: [{project_number: "1"}]}\nwindows:'),
    "unknown-kind": _edited("  kubernetes:\n", "  kubernets:\n"),
    "unknown-key": _edited("    namespace: shop", "    namespaces: shop"),
    "no-identity": lambda field, _: _without_identity(field),
    "placeholder-unfilled": _edited(f'account: "{ACCOUNT}"', 'account: "${env.NOT_SET_ANYWHERE}"'),
    "placeholder-empty": lambda field, patch: (
        field.edit(f'account: "{ACCOUNT}"', 'account: "${env.SET_TO_NOTHING}"'),
        patch.setenv("SET_TO_NOTHING", ""),
    ),
    "identity-of-a-lab-that-is-not-there": _edited(
        "  kubernetes:\n", "  lab: {marker: x, directory: /nowhere}\n  kubernetes:\n"
    ),
    "symlinked-environment": lambda field, _: _as_link(field),
}


# Why each is refused, so that none of them passes for a reason of another's.
WHY = {
    "prover-raised": "Unable to parse config file", "prover-hung": "Read timeout",
    "connection-refused": "Could not connect", "cluster-refuses-connections": "Connection refused",
    "garbage-answer": "expected a proof", "error-answer": "An error occurred", "empty-field": "Account is ''",
    "missing-field": "Account is None", "blank-around-a-field": f"Account is '{ACCOUNT} '",
    "wrong-case": "got 'chaosrunner', expected 'ChaosRunner'", "other-account": f"AWS account: got '{OTHER}'",
    "other-role": "got 'Administrator', expected", "role-that-begins-alike": "got 'ChaosRunnerAdmin', expected",
    "a-user-of-that-name": "got 'user/ChaosRunner', expected", "profile-without-credentials": "no credentials",
    "profile-is-gone": "could not be found", "config-file-is-gone": "which is no file",
    "other-cluster": "got 'another', expected", "cluster-without-uid": "metadata.uid is ''",
    "label-missing": "got '', expected 'chaos'", "label-other-value": "got 'production', expected 'chaos'",
    "label-wrong-case": "got 'Chaos', expected 'chaos'", "namespace-is-gone": "404 Not Found",
    "cluster-forbids-reading": "403 Forbidden", "cluster-answers-garbage": "validation error",
    "context-is-gone": "0 contexts named", "two-contexts-of-a-name": "2 contexts named",
    "deny-listed": "which this environment denies", "allowed-and-denied": "the environment's own identity",
    "denied-kind-is-not-asked": "deny.google: got a kind that is not under identity",
    "unknown-kind": "Did you mean 'kubernetes'?", "unknown-key": "Did you mean 'namespace'?",
    "no-identity": "identity: got nothing to prove", "placeholder-unfilled": "Set the variable NOT_SET_ANYWHERE",
    "placeholder-empty": "got no account", "identity-of-a-lab-that-is-not-there": "Is the lab up?",
    "symlinked-environment": "got a link",
}  # fmt: skip


def _twice(field: Field) -> None:
    config = yaml.safe_load((field.root / "kubeconfig").read_text())
    config["contexts"].append({"name": "dedicated", "context": {"cluster": "production", "user": "me"}})
    config["clusters"].append({"name": "production", "cluster": {"server": field.production.url}})
    field.write("kubeconfig", yaml.safe_dump(config))


def _without_identity(field: Field) -> None:
    text = (field.root / ENVIRONMENT).read_text()
    begin, end = text.index("identity:"), text.index("base_url:")
    field.write(ENVIRONMENT, f"{text[:begin]}identity: {{}}\n{text[end:]}")


def _as_link(field: Field) -> None:
    elsewhere = field.write("elsewhere.yaml", (field.root / ENVIRONMENT).read_text())
    (field.root / ENVIRONMENT).unlink()
    (field.root / ENVIRONMENT).symlink_to(elsewhere)


@pytest.mark.parametrize("name", PLACE)
def test_the_place_is_another_or_says_nothing(field, monkeypatch, caplog, name):
    PLACE[name](field, monkeypatch)
    journal = field.run()
    assert WHY[name] in caplog.text
    answered = [each for each in field.production.changed if each != ("POST", "/")]  # asked as an STS
    assert (field.dedicated.changed, answered, field.left.exists()) == ([], [], False)
    assert journal["status"] == "interrupted"
    assert field.noted
    assert not any(event["admitted"] for event in field.noted)


# --- something changes in the middle of a run ------------------------------------------------------

MEANWHILE: dict[str, Callable[[Field], object]] = {
    "role-changed": lambda field: field.meanwhile(
        "aws-config", ways.as_profile(field.sts, ACCOUNT, "Administrator")
    ),
    "account-changed": lambda field: field.meanwhile("aws-config", ways.as_profile(field.sts, OTHER, ROLE)),
    "kube-context-swapped": lambda field: field.meanwhile(
        "kubeconfig", ways.kubeconfig({"dedicated": field.production.url}, "dedicated")
    ),
    "kube-context-gone": lambda field: field.meanwhile("kubeconfig", ""),
    "label-removed": lambda field: _label_removed(field),
    "environment-edited": lambda field: field.meanwhile(
        ENVIRONMENT, (field.root / ENVIRONMENT).read_text().replace("cluster_uid: ", "cluster_uid: of-")
    ),
    "environment-edited-although-it-could-be-proven": lambda field: field.meanwhile(
        ENVIRONMENT, (field.root / ENVIRONMENT).read_text() + "variables: {X: y}\n"
    ),
    "the-run-was-stopped": lambda field: field.first(python("action", "stop_the_run")),
}


def _label_removed(field: Field) -> None:
    """The cluster answers so from its second look on."""
    path, seen = "/api/v1/namespaces/shop", field.dedicated.answers

    class Once(dict[str, tuple[int, bytes]]):
        looked = 0

        def get(self, key: str, default: Any = None) -> Any:
            if key == path:
                self.looked += 1
                return seen[path] if self.looked == 1 else ways.namespace("shop", "of-shop")
            return dict.get(self, key, default)

    field.dedicated.answers = Once(seen)
    field.first(python("action", "replace_file", new=__file__, old=str(field.root / "x")))


@pytest.mark.parametrize("name", MEANWHILE)
def test_it_changes_in_the_middle_of_a_run(field, name):
    field.experiment["rollbacks"] = []
    MEANWHILE[name](field)
    journal = field.run()
    assert field.changes == []
    assert journal["run"][0]["activity"]["name"] in ("replace-file", "stop-the-run"), "it was admitted before"
    assert journal["status"] == "interrupted"


def test_once_refused_nothing_more_is_changed_although_the_place_is_back(field, driver):
    """The hypothesis is asked first; its refusal does not stop a tolerance that comes after."""
    good = (field.root / "kubeconfig").read_text()
    field.write("kubeconfig", "")
    back = python("probe", "replace_file", "chaosk8s.probes", new=str(field.write("good", good)),
                  old=str(field.root / "kubeconfig"))  # fmt: skip
    dynamic = http("probe", f"{field.dedicated.url}/dynamic")
    field.experiment["configuration"]["early"] = dynamic
    field.experiment["method"].insert(0, back)
    field.experiment["rollbacks"] = []
    field.run()
    assert (field.root / "kubeconfig").read_text() == good, "the place is back"
    assert field.changes == []
