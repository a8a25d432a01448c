"""System V shared memory that a killed PostgreSQL leaves behind.

A postmaster holds one small segment as a lock on its data directory, and removes it at an orderly
end. After SIGKILL it stays until the machine restarts, and there are only some thousands of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
from pathlib import Path

_SPAWNED = re.compile(r"spawned: '(pg-[a-z])' with pid (\d+)")
_IPC_RMID = 0


def remove(supervisor_log: Path, data: Path) -> None:
    """Remove unused segments of the postmasters that this log says were started, and of clones in `data`.

    Nothing on machines without /proc/sysvipc (macOS).
    """
    try:
        pids = {
            int(match[2])
            for match in _SPAWNED.finditer(supervisor_log.read_text(encoding="utf-8", errors="replace"))
        }
        pids |= {int(path.read_text(encoding="ascii").split()[0]) for path in data.glob("*/postmaster.pid")}
        rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, IndexError):
        return
    columns = rows[0]
    for row in rows[1:]:
        segment = dict(zip(columns, row, strict=False))
        if int(segment["cpid"]) in pids and segment["nattch"] == "0":
            with contextlib.suppress(OSError):
                ctypes.CDLL(None, use_errno=True).shmctl(int(segment["shmid"]), _IPC_RMID, None)
