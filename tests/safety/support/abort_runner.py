"""A runner in its own process: one experiment in the small place, as `chaos run` runs it, or as `chaos verify` does.

python abort_runner.py plain|ours EXPERIMENT FACTS.json TRIAL-DIR
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from chaos_ext import labs, trial
from chaos_ext.environments import state_dir
from chaos_ext.model import Arm, Variant
from chaos_ext.runner import run_experiment_of
from chaos_ext.safety.abort import Abort, Ways
from chaos_ext.safety.janitor import Janitor

how, experiment, facts, directory = sys.argv[1:]
labs.facts = lambda lab=None: json.loads(Path(facts).read_text())
if how == "plain":
    from chaostoolkit.cli import cli

    cli(
        [
            "--no-version-check",
            "--no-log-file",
            "run",
            "--journal-path",
            f"{directory}/journal.json",
            experiment,
        ]
    )
else:
    janitor = Janitor.start(state_dir() / "ledger")
    abort = Abort()
    Path(directory).mkdir(parents=True, exist_ok=True)
    with Ways(abort) as ways:
        trial.host = trial.Host((), True, abort, janitor, "test")
        try:
            what = json.loads(Path(experiment).read_text())
            run_experiment_of(Variant(Arm.TREATMENT), what, {}, Path(directory), ways, None)
        finally:
            janitor.close()
    sys.exit(130 if abort.is_set() else 0)
