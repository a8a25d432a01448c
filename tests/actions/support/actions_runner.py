"""A runner in its own process that injects one fault of a failure mode through the door, and waits.

python actions_runner.py FACTS-FILE DIRECTORY MODE
"""

import json
import sys
from pathlib import Path

from actions_door import as_fault, open_trial

from chaos_ext import environments
from chaos_ext.actions import fault
from chaos_ext.catalog import load

facts = json.loads(Path(sys.argv[1]).read_text())
trial = open_trial(facts, Path(sys.argv[2]))
mode = load.mode(environments.project_root(), sys.argv[3])
text = json.dumps([written.model_dump(mode="json") for written in mode.reproduce["lab"]])
(written,) = json.loads(text.replace("${target.primary}", "pg-a"))
print("ready", flush=True)
activity = {"type": "action", "name": written["name"], "provider": written["provider"]}
parts = {"activity": activity, "in_force": written["in_force"], "undo": written["undo"]}
print(json.dumps(fault.through(trial, as_fault(facts, written["name"], **parts))), flush=True)
sys.stdin.read()
