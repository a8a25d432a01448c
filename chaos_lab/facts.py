"""What others need to know about a lab that is up: `chaos_lab up --json`, `chaos_lab facts`, facts.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chaos_lab import cloud_names, guests, parts, places, postgresql, processes
from chaos_lab.guests import Guest
from chaos_lab.places import Lab


def of(
    lab: Lab,
    user: postgresql.User,
    marker: str,
    chosen: Mapping[str, int],
    owner: processes.Identity | None,
    seconds: float,
    invited: Sequence[Guest],
) -> dict[str, Any]:
    """Addresses, directories and files of a lab that is up; the form is `schema` 1, to which only is added."""

    def url(part: str, scheme: str = "http") -> str:
        return f"{scheme}://{parts.address(chosen, part)}"

    return {
        "schema": 1,
        "name": lab.name,
        "dir": str(lab.dir),
        "marker": marker,
        "owner_pid": None if owner is None else owner.pid,
        "edge": {
            "url": url("edge", "https"),
            "ca_file": str(lab.tls / "ca.pem"),
            "metrics": url("edge-metrics"),
        },
        "alertmanager": {"url": url("alerting")},
        "pager": {"url": f"{url('providers')}/pager"},
        "faultproxy": {"url": url("faultproxy")},
        "cache": {"host": "127.0.0.1", "port": chosen[parts.CACHE], "part": parts.CACHE},
        "cloud": {
            "url": url("cloud"),
            "region": cloud_names.REGION,
            "account": cloud_names.ACCOUNT,
            "bucket": cloud_names.BUCKET,
            "queue": cloud_names.QUEUE,
            "dead_letter_queue": cloud_names.DEAD_LETTER_QUEUE,
            "queue_url": cloud_names.queue_url(parts.address(chosen, "queue"), cloud_names.QUEUE),
            "dead_letter_url": cloud_names.queue_url(
                parts.address(chosen, "queue"), cloud_names.DEAD_LETTER_QUEUE
            ),
            "secret": cloud_names.SECRET,
            "access_key": cloud_names.ACCESS_KEY,
            "secret_key": cloud_names.SECRET_KEY,
        },
        "providers": {"identity": f"{url('providers')}/identity", "mail": f"{url('providers')}/mail"},
        "insight": {"url": url("insight")},
        "tls": str(lab.tls),
        "conf": str(lab.conf),
        "archive": str(lab.archive),
        "volumes": _volumes(lab),
        "supervisor": {"config": str(lab.supervisor_config), "socket": str(lab.socket)},
        "releases": str(lab.releases),
        "names": str(lab.names),
        "data": str(lab.data),
        "logs": str(lab.logs),
        "bin": str(lab.bin),
        "postgresql": {
            "service_file": str(lab.clients / "pg_service.conf"),
            "pass_file": str(lab.clients / "pgpass"),
            "user": user.name,
            "nodes": {
                node: {
                    "host": "127.0.0.1",
                    "port": chosen[node],
                    "data": str(lab.data / node),
                    "program": node,
                }
                for node in postgresql.NODES
            },
        },
        "parts": [*parts.PARTS, *(guest.name for guest in invited)],
        "guests": guests.facts(invited, chosen),
        "started_in_s": seconds,
    }


def _volumes(lab: Lab) -> dict[str, Any]:
    """Whether the volumes are limited, and where they are for those outside of the lab's namespace."""
    said = places.read_object(lab.run / "volumes.json") or {"limited": False, "why": "it was not said"}
    return {**said, "dir": f"{said.get('seen_from', '')}{lab.volumes}"}
