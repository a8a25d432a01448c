"""How a service calls others: by names that may change while it runs, and within a time limit."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from chaos_lab.services.process import BadConfig, address, read_json

CONNECT_S = 0.5
ANSWER_S = 1.0  # connecting included


class Unavailable(Exception):
    """What was called did not do it in time, or cannot do it now. The message says why."""


class Names:
    """Where a caller finds what it calls. Every caller has its own way through the network."""

    def __init__(self, path: Path, caller: str) -> None:
        self.path, self.caller = path, caller

    def address(self, target: str) -> tuple[str, int]:
        """Host and port, as the file says now. Raises Unavailable when it says nothing usable."""
        try:
            names = read_json(self.path)
            return address(names[self.caller][target])
        except (KeyError, TypeError):
            raise Unavailable(f"{self.path}: no address of {target!r} for {self.caller!r}") from None
        except BadConfig as error:
            raise Unavailable(str(error)) from None

    def url(self, target: str) -> str:
        """``http://host:port``. Raises Unavailable."""
        return "http://{}:{}".format(*self.address(target))


def session() -> aiohttp.ClientSession:
    """HTTP connections that are kept, with this module's time limits."""
    limits = aiohttp.ClientTimeout(total=ANSWER_S, connect=CONNECT_S, sock_connect=CONNECT_S)
    return aiohttp.ClientSession(timeout=limits)


def why(error: BaseException) -> str:
    """One line about an error of aiohttp or of the network, some of which say nothing by themselves."""
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_S:g} s"
    return " ".join(str(error).split()) or type(error).__name__
