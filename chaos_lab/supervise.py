"""supervisord as it is, except that it looks around ten times a second instead of once.

Its loop sleeps up to a second, and start, stop and the answer to who waits for them happen between
two sleeps. In a lab that lives for half a minute those seconds are most of what one would measure.
"""

from __future__ import annotations

from typing import Any

from supervisor import poller, supervisord

_LONGEST_S = 0.1


class _Poller(poller.Poller):
    def poll(self, timeout: float) -> Any:
        return super().poll(min(timeout, _LONGEST_S))  # type: ignore[no-untyped-call]


poller.Poller = _Poller

if __name__ == "__main__":
    supervisord.main()  # type: ignore[no-untyped-call]
