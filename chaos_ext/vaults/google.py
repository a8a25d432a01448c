"""Google Secret Manager, over its REST API, with application default credentials.

https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import TYPE_CHECKING, Any

from chaos_ext.language import t
from chaos_ext.vaults.unreadable import Unreadable, text_of

if TYPE_CHECKING:
    from chaos_ext.model import GoogleSecret

ENDPOINT = "https://secretmanager.googleapis.com/"
# Google's own way to name another address, e.g. of a regional endpoint: `gcloud topic configurations`.
ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_TIMEOUT_S = (3.0, 5.0)  # to connect, between two bytes


def read(reference: GoogleSecret) -> str:
    """The value of that version. Needs secretmanager.versions.access. Raises Unreadable."""
    import requests

    name = reference.secret
    endpoint = os.environ.get(ENDPOINT_VARIABLE, ENDPOINT).rstrip("/")
    try:
        answer = requests.get(
            f"{endpoint}/v1/{name}:access",
            headers={"Authorization": f"Bearer {_token()}"},
            timeout=_TIMEOUT_S,
            allow_redirects=False,  # the token is for nobody else
        )
    except requests.RequestException as error:
        kind = type(error).__name__
        raise Unreadable(t("no answer from Google for '{name}' ({kind})", name=name, kind=kind)) from None
    if answer.status_code != 200:
        raise Unreadable(t("status {code} from Google for '{name}'", code=answer.status_code, name=name))
    try:
        held: Any = answer.json()["payload"]["data"]
        return text_of(base64.b64decode(held, validate=True))
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise Unreadable(t("an answer from Google without a value")) from None


def _token() -> str:
    try:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request
    except ModuleNotFoundError:
        raise Unreadable(
            t("no package 'google-auth'"), t("google-auth, which signs in"), t("Install it.")
        ) from None
    try:
        credentials, _ = google.auth.default(scopes=list(_SCOPES))
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    except GoogleAuthError as error:
        kind = type(error).__name__
        raise Unreadable(
            t("no application default credentials ({kind})", kind=kind), t("credentials that Google accepts")
        ) from None
    return str(credentials.token)
