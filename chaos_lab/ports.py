"""Free ports of the loopback interface, chosen when a lab starts."""

from __future__ import annotations

import os
import random
import re
import socket
from collections.abc import Iterable
from pathlib import Path

from chaos_lab.errors import LabProblem

_RANGE = re.compile(r"(\d+)-(\d+)")


def allowed() -> range:
    """`$CHAOS_LAB_PORTS` (such as 20000-20999), else 10240 up to where the kernel's own range begins.

    The kernel takes ports for outgoing connections from its range: one of them could be gone between our
    look and the part's bind.
    """
    chosen = os.environ.get("CHAOS_LAB_PORTS", "")
    if chosen:
        match = _RANGE.fullmatch(chosen)
        if match is None or not 1024 <= int(match[1]) <= int(match[2]) <= 65535:
            raise LabProblem(
                f"CHAOS_LAB_PORTS: got {chosen!r}, expected two ports of 1024 to 65535 such as '20000-20999'."
            )
        return range(int(match[1]), int(match[2]) + 1)
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="utf-8").split()[0])
    except (OSError, ValueError, IndexError):
        first = 32768
    return range(10240, first) if first > 12000 else range(10240, 65536)


def choose(names: Iterable[str], taken: set[int]) -> dict[str, int]:
    """A free port for each name, none of them in `taken` (what other labs of ours hold).

    Raises LabProblem when the range has not enough that are free.
    """
    wanted, among = list(names), allowed()
    chosen: dict[str, int] = {}
    start = random.SystemRandom().randrange(len(among))  # labs of other users look at the same time
    for number in range(len(among)):
        if len(chosen) == len(wanted):
            return chosen
        port = among[(start + number) % len(among)]
        if port not in taken and free(port):
            chosen[wanted[len(chosen)]] = port
    if len(chosen) == len(wanted):
        return chosen
    raise LabProblem(
        f"ports {among[0]}-{among[-1]}: got {len(chosen)} free ones on 127.0.0.1, expected {len(wanted)}. "
        "Stop what uses them ('ss -ltnp' shows it), or set CHAOS_LAB_PORTS to another range."
    )


def free(port: int) -> bool:
    """Whether a part could listen on 127.0.0.1:`port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the parts do: TIME_WAIT is no obstacle
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True
