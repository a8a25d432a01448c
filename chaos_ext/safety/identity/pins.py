"""What a command finds in its environment: nothing that lies around in ours, and the proven identity instead.

A proof is worth nothing when the tool that then acts takes its target from somewhere else: an old KUBECONFIG, a
profile of another account, a proxy. So those variables are taken away from whatever changes something, and the
environment's own identity is put in their place, or an empty file where it has none.
"""

from __future__ import annotations

import importlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chaos_ext.safety import orphans
from chaos_ext.safety.identity import remembered
from chaos_ext.safety.identity.kinds import KINDS
from chaos_ext.safety.identity.proof import Identity

_AMBIENT = re.compile(
    r"""(?:AWS|GOOGLE|CLOUDSDK|GCLOUD|GCE|KUBE|KUBERNETES|BOTO|AZURE|ARM|DOCKER|HELM|GCP)_\w+
    |KUBECONFIG|NO_GCE_CHECK|GCLOUD_PROJECT|CHAOSTOOLKIT_IN_POD|(?:HTTP|HTTPS|ALL|NO|FTP)_PROXY
    |PG(?:HOST|HOSTADDR|PORT|DATABASE|USER|PASSWORD|PASSFILE|SERVICE|SERVICEFILE|SYSCONFDIR|OPTIONS|SSL\w+
    |TARGETSESSIONATTRS|LOADBALANCEHOSTS)
    """,
    re.VERBOSE,
)
# Names that reach a cloud or a cluster: an environment says them by its identity, never as a variable.
_OF_A_PLATFORM = re.compile(r"(?:AWS|GOOGLE|CLOUDSDK|KUBERNETES)_\w+|KUBECONFIG")

_SECRET = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD")


def is_ambient(name: str) -> bool:
    """Whether a variable of that name says where a tool goes, or as whom."""
    return _AMBIENT.fullmatch(name.upper()) is not None


def is_of_a_platform(name: str, identity: Identity) -> bool:
    """Whether only an identity may say it; what libpq reads, where one says which database it is."""
    of_libpq = "postgresql" in identity and name.upper().startswith("PG") and is_ambient(name)
    return of_libpq or _OF_A_PLATFORM.fullmatch(name.upper()) is not None


def pinned(identity: Identity, folder: Path) -> dict[str, str]:
    """The variables that point every tool at `identity`, or at nothing; files for them go into `folder` (0700).

    Raises Blocked when the identity cannot be pinned.
    """
    empty, nothing = folder / "empty", folder / "nothing"
    empty.touch(mode=0o600)
    nothing.mkdir(mode=0o700, exist_ok=True)
    found = {
        "KUBECONFIG": str(empty),
        "AWS_CONFIG_FILE": str(empty),
        "AWS_SHARED_CREDENTIALS_FILE": str(empty),
        "AWS_EC2_METADATA_DISABLED": "true",
        "BOTO_CONFIG": str(empty),  # botocore would read the machine's
        "CLOUDSDK_CONFIG": str(nothing),
        "GOOGLE_APPLICATION_CREDENTIALS": str(empty),
        "NO_GCE_CHECK": "true",
    }
    for kind, expected in identity.items():
        module = importlib.import_module(KINDS[kind].module)
        if hasattr(module, "pins"):
            found.update(module.pins(expected, folder))
    if "credentials" in identity.get("google", {}):  # the machine's own service account
        for name in ("GOOGLE_APPLICATION_CREDENTIALS", "NO_GCE_CHECK"):
            found.pop(name)
    return found


@contextmanager
def for_blocks(identity: Identity) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """What blocks of a runbook get besides their variables: names that anybody may see, and those that are secret.

    The files behind them are gone afterwards. Raises Blocked when the identity cannot be pinned.
    """
    with tempfile.TemporaryDirectory(prefix=orphans.pins_prefix()) as name:
        pins = pinned(identity, Path(name))
        secret = {key: value for key, value in pins.items() if key in _SECRET}
        yield {key: value for key, value in pins.items() if key not in secret}, secret


_lock = threading.Lock()
_inside = 0
_before: dict[str, str] = {}
_folder: tempfile.TemporaryDirectory[str] | None = None
_acting: Identity | None = None


@contextmanager
def in_place(identity: Identity, variables: Mapping[str, str]) -> Iterator[None]:
    """This process's own variables, with what lies around taken away and `identity` in its place, while inside.

    `variables` (the environment's own) replace what was taken away. Chaos Toolkit runs activities in this process,
    some of them in the background: the last one out puts back what was there before the first came in.
    """
    _enter(identity, {key: value for key, value in variables.items() if is_ambient(key)})
    try:
        yield
    finally:
        _leave()


def acting_as() -> Identity | None:
    """Whose credentials are in this process's variables now; None: nothing was pinned, whatever lies around."""
    return _acting


def _enter(identity: Identity, named: Mapping[str, str]) -> None:
    global _inside, _before, _folder, _acting
    with _lock:
        if _folder is None:
            _folder = tempfile.TemporaryDirectory(prefix=orphans.pins_prefix())
            _before = {key: value for key, value in os.environ.items() if is_ambient(key)}
        try:
            _replace({**named, **pinned(identity, Path(_folder.name))})
        except BaseException:
            _put_back_unless(_inside)
            raise
        _inside += 1
        _acting = identity


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        _put_back_unless(_inside)


def _put_back_unless(somebody: int) -> None:
    global _folder, _acting
    if not somebody and _folder is not None:
        _acting = None
        _replace(_before)
        _folder.cleanup()
        _folder = None


@contextmanager
def around(identity: Identity, is_ours: bool) -> Iterator[None]:
    """`in_place` for what goes through the guarded door.

    Our own activities (`is_ours`) are told their lab, and need none; programs, requests and code of others do.
    """
    if is_ours and set(identity) <= {"lab"}:
        yield
    else:
        with in_place(identity, {}):
            yield


def _replace(wanted: Mapping[str, str]) -> None:
    for key in [key for key in os.environ if is_ambient(key) and key not in wanted]:
        del os.environ[key]
    os.environ.update(wanted)
    remembered.forget()
