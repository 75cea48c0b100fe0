"""Gates: laws that every published table keeps, evaluated before it is written.

A gate is a pure function that returns the rows which break the law; an empty table means that it
holds. It takes what it needs by name, like a kernel: inputs, outputs, ``as_of``, parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class Severity(StrEnum):
    """What a broken law means.

    LAW: only our own arithmetic can break it; nothing of the partition is published.
    WARNING: the data broke it; the rest is published and the job is COMPLETED_WITH_ERRORS.
    """

    LAW = "law"
    WARNING = "warning"


@dataclass(frozen=True)
class Gate:
    """One law, named as a compliance officer would.

    Attributes:
        name: Snake case, such as ``nav_reconciled``.
        on: Name of the dataset it protects, where the check is shown.
        law: The law in one sentence.
        broken: Returns the rows that break it.
        severity: What breaking it means.
    """

    name: str
    on: str
    law: str
    broken: Callable[..., pl.DataFrame]
    severity: Severity = Severity.LAW


@dataclass(frozen=True)
class GateOutcome:
    """One gate, as found."""

    gate: Gate
    offenders: pl.DataFrame

    @property
    def passed(self) -> bool:
        """Whether no row breaks the law."""
        return self.offenders.is_empty()
