"""Settings of Chaos Toolkit's drivers that would send an activity elsewhere than to what was proven.

A driver takes its profile, project or cluster from the experiment's configuration and secrets before it looks at the
variables that we pin; what an experiment says there must be what the environment's identity says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety.identity.proof import Identity

# Of chaosaws 0.35, chaosgcp 0.37 and chaosk8s 0.39: the setting, and where an identity says the same; None: nowhere.
_SAME: dict[str, tuple[str, str] | None] = {
    "aws_profile_name": ("aws", "profile"),
    "aws_region": ("aws", "region"),
    "aws_endpoint_url": ("aws", "endpoint_url"),
    "aws_endpoint": None,
    "aws_endpoint_scheme": None,
    "aws_host": None,
    "aws_assume_role_arn": None,
    "aws_assume_role_session_name": None,
    "aws_access_key_id": None,
    "aws_secret_access_key": None,
    "aws_session_token": None,
    "gcp_project_id": ("google", "project"),
    "gcp_parent": None,  # wins over the project
    "service_account_file": ("google", "credentials_file"),
    "service_account_info": None,
    "kubernetes_context": ("kubernetes", "context"),
    "kubeconfig": ("kubernetes", "kubeconfig"),
    "kubernetes_host": None,
    "kubernetes_api_key": None,
    "kubernetes_username": None,
    "kubernetes_cert_file": None,
    "kubernetes_ca_cert_file": None,
}

# Of chaosk8s, which takes them from the secrets too.
_SWITCHES = ("kubernetes_verify_ssl", "kubernetes_debug", "kubernetes_api_key_prefix")


def refuse_others(identity: Identity, **settings: Any) -> None:
    """Raise Blocked when what an experiment gives a driver names credentials or a place other than `identity`'s.

    `settings`: its configuration, secrets or arguments, by what they are called there.
    """
    for where, key, value in (each for name, given in settings.items() for each in _of(name, given)):
        if key.lower() not in _SAME or value in (None, ""):
            continue
        kind, field = _SAME[key.lower()] or ("", "")
        if not kind or identity.get(kind, {}).get(field) != value:
            raise Blocked(
                t(
                    "{where}.{key}: got a way around the environment's identity, expected none. Take it out: "
                    "activities get what identity.{kind} names.",
                    where=where,
                    key=key,
                    kind=kind or key.lower().partition("_")[0],
                )
            )


def without_names(secrets: Any) -> Any:
    """What is secret of an experiment's secrets: not what says the same as an identity, nor a switch.

    Hidden by value, a context's name would be hidden in the identity that the ledger needs to undo.
    """
    if not isinstance(secrets, Mapping):
        return secrets
    return {
        key: without_names(value)
        for key, value in secrets.items()
        if isinstance(value, Mapping) or not _is_name(str(key).lower())
    }


def are_names(secrets: Mapping[str, Any]) -> bool:
    """Whether there are some, and all say what an identity says: whoever has that needs none of them."""
    return bool(secrets) and not any(without_names(secrets).values())


def _is_name(key: str) -> bool:
    return _SAME.get(key) is not None or key in _SWITCHES


def _of(where: str, settings: Any) -> Iterator[tuple[str, str, Any]]:
    """Every setting at any depth, with the way to it; not what a lab says of itself."""
    if not isinstance(settings, Mapping):
        return
    for key, value in settings.items():
        if key == "chaos_facts":
            continue
        yield where, str(key), value if not isinstance(value, Mapping) else "{…}"
        yield from _of(f"{where}.{key}", value)
