"""A campaign of stand-ins in a process of its own, to be killed or interrupted: LOG JOBS ID…"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from chaos_ext.campaign.running import Campaign, conduct, exit_code
from chaos_ext.report.live import Live

log, jobs, *modes = sys.argv[1:]
command = (sys.executable, str(Path(__file__).with_name("pretend.py")), log)
campaign = Campaign(tuple(modes), (), Path(log).parent, int(jobs), command=command)
live = Live.for_stream(sys.stdout)
live.begin(modes)
with live:
    results = conduct(campaign, live)
with suppress(OSError):
    sys.stdout.flush()
# As at the command line: what a reader that is gone did not take does not change the code.
os._exit(exit_code(results))
