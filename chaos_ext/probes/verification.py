"""What the runbook's own Verification says, asked by itself."""

from typing import Any

from chaoslib.types import Configuration

from chaos_ext.runbook import parse
from chaos_ext.runbook.verify_once import verify_once
from chaos_ext.safety.identity import pins
from chaos_ext.trial import current

__all__ = ["says"]


def says(runbook: str, configuration: Configuration = None) -> dict[str, Any]:
    """Run the Verification of `runbook` once, as it is written, at the end of a trial. Changes nothing.

    - `runbook`: path below catalog/

    Where a mistake was made in following it, this is what Verification says at the moment at which recovery was looked
    at. Returns ``{"holds": bool, "output": str}``.

    YAML::

        type: probe
        name: verification-at-the-end
        provider:
          type: python
          module: chaos_ext.probes.verification
          func: says
          arguments: {runbook: runbooks/postgresql-primary-down.md}
    """
    trial = current(configuration)
    environment = trial.place.environment
    with pins.for_blocks(environment.identity) as (pinned, hidden):
        seen = verify_once(
            parse.parse(trial.root / "catalog" / runbook),
            platform=environment.platform,
            variables={**environment.variables, **pinned},
            secrets={**trial.secrets, **hidden},
            path=environment.path,
            emit=lambda _kind, **fields: trial.emit("verification-after", **fields),
            aborting=trial.aborting,
        )
    return {"holds": seen.passed, "output": seen.output}
