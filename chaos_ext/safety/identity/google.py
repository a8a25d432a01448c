"""A Google Cloud project as Resource Manager (v3, projects.get) says: its number, and labels that somebody put there.

The credentials are those that the environment names: a `credentials_file`, or `credentials: instance` (the
machine's own service account).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety.identity.proof import Proof, Seen, no_answer, not_installed, pairs, text_of

_ENDPOINT = "https://cloudresourcemanager.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform.read-only"
_TIMEOUT_S = (2.0, 3.0)  # to connect, of silence


def see(expected: Mapping[str, str], facts: Mapping[str, Any]) -> Seen:
    """Ask Resource Manager for the project. Raises Blocked."""
    try:
        import google.auth.exceptions
        import requests
        from google.auth.transport.requests import Request
    except ModuleNotFoundError as error:
        raise not_installed("google", "google-auth", "gcp") from error
    where = f"{expected.get('endpoint') or _ENDPOINT}/v3/projects/{expected['project']}"
    wanted = pairs("google", "labels", expected["labels"])
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc of the process
        try:
            credentials = _credentials(expected)
            credentials.refresh(_quick(Request(session)))
            answer = session.get(
                where,
                headers={"Authorization": f"Bearer {credentials.token}"},
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )
        except (
            google.auth.exceptions.GoogleAuthError,
            requests.RequestException,
            OSError,
            ValueError,
        ) as error:
            raise no_answer("google", where, error) from error
    if answer.status_code != 200:
        raise no_answer("google", where, t("status {status}", status=answer.status_code))
    try:
        project = answer.json()
    except ValueError as error:
        raise no_answer("google", where, error) from error
    return _seen(expected, wanted, project, where)


def _quick(request: Any) -> Any:
    """The same transport, which waits no longer than a proof may take."""

    def call(*args: Any, **kwargs: Any) -> Any:
        kwargs["timeout"] = _TIMEOUT_S[1]
        return request(*args, **kwargs)

    return call


def _seen(expected: Mapping[str, str], wanted: Mapping[str, str], project: Any, where: str) -> Seen:
    if not isinstance(project, dict):
        raise no_answer("google", where, t("{name} is {value!r}", name="project", value=project))
    name = text_of("google", where, "name", project.get("name"))
    number = name.removeprefix("projects/")
    if number == name or not number.isascii() or not number.isdigit():
        raise no_answer("google", where, t("{name} is {value!r}", name="name", value=name))
    identifier = text_of("google", where, "projectId", project.get("projectId"))
    labels = project.get("labels") or {}
    if not isinstance(labels, dict):
        raise no_answer("google", where, t("{name} is {value!r}", name="labels", value=labels))
    proofs = [
        Proof(t("Google Cloud project"), expected["project"], identifier),
        Proof(t("Google Cloud project number"), expected["project_number"], number),
        Proof(t("Google Cloud project state"), "ACTIVE", str(project.get("state", ""))),
        *(
            Proof(t("Google Cloud label {label}", label=label), value, str(labels.get(label, "")))
            for label, value in wanted.items()
        ),
    ]
    return Seen(proofs, {"project": identifier, "project_number": number})


def _credentials(expected: Mapping[str, str]) -> Any:
    import google.auth
    from google.oauth2 import service_account

    if path := expected.get("credentials_file"):
        file = Path(path).expanduser()
        if not file.is_file():
            raise _refused("credentials_file", t("'{path}', which is no file", path=path))
        account: Any = service_account.Credentials
        if json.loads(file.read_text(encoding="utf-8")).get("type") == "service_account":
            return account.from_service_account_file(str(file), scopes=[_SCOPE])
        load: Any = google.auth.load_credentials_from_file  # of a workload's federation, or of a person
        return load(str(file), scopes=[_SCOPE])[0]
    if expected.get("credentials") != "instance":
        raise _refused("credentials", f"'{expected.get('credentials')}'")
    from google.auth import compute_engine

    return compute_engine.Credentials()  # type: ignore[no-untyped-call]


def _refused(key: str, got: str) -> Blocked:
    return Blocked(
        t(
            "identity.google.{key}: got {got}, expected a credentials_file, or credentials: instance.",
            key=key,
            got=got,
        )
    )


def pins(expected: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Variables that make Google's tools and libraries use the proven credentials and project, and no other."""
    found = {
        "GOOGLE_CLOUD_PROJECT": expected["project"],
        "CLOUDSDK_CORE_PROJECT": expected["project"],
        "GCP_PROJECT_ID": expected["project"],  # what chaosgcp takes when an activity names none
    }
    if path := expected.get("credentials_file"):
        file = os.path.expanduser(path)
        found |= {"GOOGLE_APPLICATION_CREDENTIALS": file, "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": file}
        found["NO_GCE_CHECK"] = "true"
    return found
