"""A rehearsal has no users: what a failure mode claims of them is neither tried there nor held against what was seen.

What is left of a verdict: the fault went in and was seen by independent evidence, the runbook's own Verification saw
it, its blocks did what they say and ended it, nobody acting did not (or did, for `recovery: self`), and everything is
as it was. That the alert fires, that users feel it, how soon they are back and what is lost: not a word.
"""

from __future__ import annotations

from dataclasses import replace

from chaos_ext.model import FailureMode, Services
from chaos_ext.verdict.evidence import RunEvidence


def without_users(mode: FailureMode, services: Services) -> tuple[FailureMode, Services]:
    """The failure mode and the services as a rehearsal tries them: no flow is there, none is hurt."""
    claim = mode.impact.model_copy(update={"flows": {}, "possible": {}})
    return mode.model_copy(update={"impact": claim}), services.model_copy(update={"flows": {}})


def as_tried(evidence: RunEvidence) -> RunEvidence:
    """The evidence of a rehearsal as it is judged; of every other place as it is."""
    if not evidence.rehearses:
        return evidence
    mode, services = without_users(evidence.mode, evidence.services)
    return replace(evidence, mode=mode, services=services)
