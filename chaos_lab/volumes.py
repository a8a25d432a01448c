"""Volumes that can be full: a directory for each part that writes files, of limited size where possible.

A tmpfs each, in a mount namespace of the lab's own: when the last process of the lab is gone, however it
went, the kernel takes the mounts away, and outside of the lab nothing was ever mounted. Without root that
needs a user namespace, which some machines do not allow; then the directories stay plain, and the lab's
facts say so and why.

Started before the supervisor, as a program of its own that becomes it: an exec makes the process readable
again for those outside (/proc/<pid>/environ), which entering a user namespace had ended. Standard library
only, and no import of ours: it is run by its path.

Sources: mount_namespaces(7), user_namespaces(7), mount(2).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path

_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_SLAVE_ALL = 1 << 19 | 1 << 14  # MS_SLAVE, MS_REC: what is mounted outside is seen inside, not the other way
_NOSUID_NODEV = 2 | 4


class _Refused(Exception):
    """The kernel does not want to; the message says what and why."""


def limit(directories: list[Path], size_bytes: int) -> None:
    """Put this process into namespaces of its own and a tmpfs of `size_bytes` on each directory.

    Raises _Refused, then half of it may be done.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def call(what: str, *arguments: object) -> None:
        if getattr(libc, what)(*arguments) != 0:
            raise _Refused(f"{what}: {os.strerror(ctypes.get_errno())}")

    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        call("unshare", _NEWNS)
    else:
        call("unshare", _NEWUSER | _NEWNS)
        for name, value in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            try:
                Path(f"/proc/self/{name}").write_text(value, encoding="ascii")
            except OSError as error:
                raise _Refused(f"{name}: {error.strerror}") from None
    call("mount", None, b"/", None, ctypes.c_ulong(_SLAVE_ALL), None)
    for directory in directories:
        options = f"size={size_bytes},mode=0700,uid={uid},gid={gid}".encode()
        call("mount", b"lab-volume", os.fsencode(directory), b"tmpfs", ctypes.c_ulong(_NOSUID_NODEV), options)


def tried(directories: list[Path], size_bytes: int) -> str:
    """Why `limit` would not work, tried in a process that ends after it; nothing when it would."""
    if sys.platform != "linux":
        return f"{sys.platform} has no mount namespaces"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        why = "it ended without a word"
        try:
            limit(directories, size_bytes)
            why = ""
        except _Refused as refused:
            why = str(refused)
        finally:
            os.write(writing, why.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        why = answer.read().decode()
    os.waitpid(child, 0)
    return why


def main() -> None:
    """`volumes.py SIZE RESULT DIRECTORY… -- COMMAND…`: limits, says in the file RESULT how it went, runs COMMAND."""
    size_bytes, result = int(sys.argv[1]), Path(sys.argv[2])
    end = sys.argv.index("--")
    directories, command = [Path(word) for word in sys.argv[3:end]], sys.argv[end + 1 :]
    why = tried(directories, size_bytes)
    if not why:
        limit(directories, size_bytes)
    said: dict[str, object] = {"limited": not why}
    said |= {"why": why} if why else {"bytes": size_bytes, "seen_from": f"/proc/{os.getpid()}/root"}
    result.write_text(json.dumps(said) + "\n", encoding="utf-8")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
