"""The files that steer the lab's services, and what lies around that nobody needs any more."""

import configparser
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from chaoslib.types import Configuration

from chaos_ext.actions.lab import proven

__all__ = ["file_state"]

_STAMP = re.compile(r"\d{8}T\d{6}Z?|\d{10,}")  # a moment in a name
_BANDS = ((0.95, "full"), (0.8, "over 80 %"), (0.5, "over 50 %"), (0.0, "under 50 %"))


def file_state(configuration: Configuration = None) -> dict[str, Any]:
    """The resolver map, digests of configuration files, what lies in the lab's folder and among the data, volumes.

    A moment in a file's name is written as ``*``. How full a volume is comes in four steps, so that ordinary use
    changes nothing. Changes nothing.

    YAML::

        type: probe
        name: files
        provider: {type: python, module: chaos_ext.probes.lab.files, func: file_state, arguments: {}}
    """
    facts = proven.facts(configuration)
    conf = Path(facts["conf"])
    services = configparser.ConfigParser()
    services.read(facts["postgresql"]["service_file"], encoding="utf-8")
    return {
        "names": json.loads(Path(facts["names"]).read_text(encoding="utf-8")),
        "conf": {
            str(path.relative_to(conf)): digest(path) for path in sorted(conf.rglob("*")) if path.is_file()
        },
        "clients": {
            "services": {name: dict(services[name]) for name in services.sections()},
            "passwords": digest(Path(facts["postgresql"]["pass_file"])),
        },
        "lab": _listed(Path(facts["dir"])),
        "data": _listed(Path(facts["data"])),
        "volumes": _volumes(facts["volumes"]),
    }


def digest(path: Path) -> str:
    """The beginning of a file's SHA-256; a word when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _listed(folder: Path) -> dict[str, str]:
    return {
        _STAMP.sub("*", path.name): "folder" if path.is_dir() else "file" for path in sorted(folder.iterdir())
    }


def _volumes(said: dict[str, Any]) -> dict[str, str]:
    """How full each is; where nothing is limited, the machine's disk is nobody's fault."""
    if not said.get("limited"):
        return {}
    return {path.name: _band(path) for path in sorted(Path(said["dir"]).iterdir()) if path.is_dir()}


def _band(path: Path) -> str:
    room = os.statvfs(path)
    used = 1 - room.f_bavail / room.f_blocks if room.f_blocks else 0.0
    return next(word for least, word in _BANDS if used >= least)
