"""The words of the project: what people write about failures, and what a run found out.

No I/O and no clock. Files that people write are pydantic models: unknown keys refuse, values are
typed, and the JSON Schema that editors use is generated from them. What a run finds out are plain
frozen dataclasses. Durations are seconds, ratios lie between 0 and 1, times are this machine's
monotonic clock unless the name says `wall`.
"""

from __future__ import annotations

from chaos_ext.model.catalogue import (
    Category,
    Covers,
    Detection,
    FailureMode,
    Impact,
    ImpactClaim,
    InjectedFault,
    Objectives,
)
from chaos_ext.model.environments import (
    AlertRule,
    Alerts,
    Environment,
    IncreaseOf,
    LabPart,
    Limits,
    Place,
    RatioOf,
    Rule,
    Selector,
    Windows,
)
from chaos_ext.model.findings import Arm, Event, Interval, Reason, Verdict, VerdictWord
from chaos_ext.model.services import Dependency, Flow, Follows, Fresh, Request, Service, Services, Slo, Write
from chaos_ext.model.written import (
    Activity,
    BothLanguages,
    Duration,
    Identifier,
    Level,
    Ratio,
    Status,
    Text,
    Written,
    duration_s,
    ratio,
    text_in,
)

__all__ = [
    "Activity",
    "AlertRule",
    "Alerts",
    "Arm",
    "BothLanguages",
    "Category",
    "Covers",
    "Dependency",
    "Detection",
    "Duration",
    "Environment",
    "Event",
    "FailureMode",
    "Flow",
    "Follows",
    "Fresh",
    "Identifier",
    "Impact",
    "ImpactClaim",
    "IncreaseOf",
    "InjectedFault",
    "Interval",
    "LabPart",
    "Level",
    "Limits",
    "Objectives",
    "Place",
    "Ratio",
    "RatioOf",
    "Reason",
    "Request",
    "Rule",
    "Selector",
    "Service",
    "Services",
    "Slo",
    "Status",
    "Text",
    "Verdict",
    "VerdictWord",
    "Windows",
    "Write",
    "Written",
    "duration_s",
    "ratio",
    "text_in",
]
