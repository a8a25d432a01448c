"""Looks that come with the toolkit, by the name that an environment's `snapshot` calls them."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_ext.model import Activity, Environment


def _lab(name: str, module: str, func: str) -> Activity:
    provider = {"type": "python", "module": f"chaos_ext.probes.lab.{module}", "func": func, "arguments": {}}
    return {"type": "probe", "name": name, "provider": provider}


# A look's own name is the first step of the paths of what it saw.
SHIPPED: dict[str, Activity] = {
    "lab.postgresql": _lab("postgresql", "postgresql", "database_state"),
    "lab.cache": _lab("cache", "cache", "cache_state"),
    "lab.cloud": _lab("cloud", "cloud", "cloud_state"),
    "lab.services": _lab("services", "services", "service_state"),
    "lab.certificates": _lab("certificates", "certificates", "certificate_state"),
    "lab.files": _lab("files", "files", "file_state"),
    "lab.proxies": _lab("proxies", "proxies", "proxy_state"),
}


def looks(environment: Environment) -> list[Activity]:
    """What is looked at in `environment`, as probes. KeyError for a name that is not shipped."""
    return [SHIPPED[each] if isinstance(each, str) else each for each in environment.snapshot]


def names(environment: Environment) -> Iterator[str]:
    """How paths of differences in `environment` begin; what is not known is left out."""
    for each in environment.snapshot:
        look = SHIPPED.get(each) if isinstance(each, str) else each
        if look is not None and look.get("name"):
            yield str(look["name"])
