"""Runs every benchmark, or those named on the command line, and prints figures and ratios.

Machines are noisy: read ratios and medians, not single times. Nothing here decides whether a test passes.
"""

from __future__ import annotations

import importlib
import sys

NAMES = ("lab", "smoke", "meter", "faultproxy", "catalog", "janitor", "history", "report")


def main(names: list[str]) -> int:
    """Run the benchmarks `names`, all without any; returns the exit code."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"got {', '.join(unknown)}, expected some of: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names or NAMES:
        print(f"── {name} " + "─" * (76 - len(name)), flush=True)
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
