"""The kinds of identity that can be proven, and the keys of each. No client library is imported here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of proof.

    `shows`: keys that must be there and be shown; `may_show`: shown when given. `reached_by`: how to ask, required;
    `may_reach_by`: optional. `deniable`: what an item of a `deny` list may name. `one_of`: exactly one must be given.
    """

    module: str
    shows: tuple[str, ...]
    may_show: tuple[str, ...] = ()
    reached_by: tuple[str, ...] = ()
    may_reach_by: tuple[str, ...] = ()
    deniable: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        return (*self.shows, *self.reached_by)

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.required, *self.one_of, *self.may_show, *self.may_reach_by)


_HERE = "chaos_ext.safety.identity"
KINDS: dict[str, Kind] = {
    "lab": Kind(
        f"{_HERE}.lab", shows=("marker",), reached_by=("directory",), deniable=("marker", "directory")
    ),
    "postgresql": Kind(
        f"{_HERE}.postgresql",
        shows=("system_identifier",),
        may_show=("marker",),
        reached_by=("url",),
        may_reach_by=("passfile", "password_env", "password_file"),
        deniable=("system_identifier", "marker"),
    ),
    "aws": Kind(
        f"{_HERE}.aws",
        shows=("account", "role"),
        may_show=("region",),
        one_of=("profile", "credentials"),
        may_reach_by=("config_file", "credentials_file", "endpoint_url"),
        deniable=("account", "role"),
    ),
    "google": Kind(
        f"{_HERE}.google",
        shows=("project", "project_number", "labels"),
        one_of=("credentials_file", "credentials"),
        may_reach_by=("endpoint",),
        deniable=("project", "project_number"),
    ),
    "kubernetes": Kind(
        f"{_HERE}.kubernetes",
        shows=("cluster_uid", "namespace", "label"),
        reached_by=("kubeconfig", "context"),
        deniable=("cluster_uid",),
    ),
}
