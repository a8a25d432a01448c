"""Whether a place is as it was before a fault: looked at before and after, compared, less what the mode leaves."""

from __future__ import annotations

from chaos_ext.restored.compare import ABSENT, Difference, Remains, covers, differences, remains

__all__ = ["ABSENT", "Difference", "Remains", "covers", "differences", "remains"]
