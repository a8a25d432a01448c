"""A real runner in its own process: it injects as the door does, says so, and waits to be told or killed.

    python safety_runner.py '{"ledger": …, "instance": …, "identity": …, "facts": …, "fault": …, "then": …}'

`then`: "wait" for stdin to close and end without a word, "bye" close the janitor, "child" start children first.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from chaos_ext.safety import execute
from chaos_ext.safety.janitor import Janitor
from chaos_ext.safety.ledger import Ledger

wanted = json.loads(sys.argv[1])
sys.path.insert(0, str(Path(__file__).parent))
janitor = Janitor.start(Path(wanted["ledger"]))
if wanted.get("at_death"):
    janitor.at_death("command", wanted["at_death"])
ledger = Ledger(Path(wanted["ledger"]), "lab", wanted["instance"], wanted.get("url", ""))
configuration = {"chaos_facts": wanted["facts"]}
entry = ledger.intend(
    "break-file",
    activity=wanted["fault"]["activity"],
    undo=wanted["fault"]["undo"],
    in_force=wanted["fault"]["in_force"],
    target={},
    prior={},
    lease_s=wanted.get("lease_s", 600),
    configuration=configuration,
    identity=wanted["identity"],
)
janitor.expect(entry)
ledger.injected(entry, execute.run(entry.activity, configuration))
said = {"entry": entry.id, "janitor": janitor.pid, "pid": os.getpid()}
if wanted["then"] == "children":
    read, write = os.pipe()
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=read)
    # the one door that close_fds leaves open
    sloppy = subprocess.Popen(["sleep", "600"], close_fds=False, start_new_session=True)
    forked = os.fork()
    if not forked:
        os.read(read, 1)
        os._exit(0)
    said |= {"children": [child.pid, sloppy.pid, forked]}
if wanted["then"] == "mitigating":
    from types import SimpleNamespace

    from chaos_ext.safety import mitigating

    following = mitigating.following(ledger, "down.md", False)
    following.__enter__()(SimpleNamespace(key="step-2", heading="Step 2. Promote pg-b"))
print(json.dumps(said), flush=True)
sys.stdin.read()
if wanted["then"] == "bye":
    print(json.dumps(janitor.close()), flush=True)
