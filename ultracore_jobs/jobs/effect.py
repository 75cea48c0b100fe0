"""What a job type does about its decisions: the half of a page that touches the world."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from ultracore_jobs.catalog import Dataset, Read
from ultracore_jobs.ports import Posting

APPLY, REFUSE, HOLD, NOTHING = "APPLY", "REFUSE", "HOLD", "NOTHING"
"""What a decision asks for: be applied, be refused on record, wait for a person, or nothing at all."""

DECISION_VIEW = pl.Schema(
    {
        "decision_id": pl.String(),
        "kind": pl.String(),
        "party": pl.String(),
        "amount": pl.Decimal(18, 4),
        "ccy": pl.String(),
        "asks": pl.String(),
        "reason": pl.String(),
        "needs_person": pl.Boolean(),
    }
)
"""The form in which every job's decisions are shown to who approves them: one row for each.

``party`` is who it happens to, such as a portfolio. ``asks`` is one of the four above. ``needs_person`` is
true for what is never applied without approval, whatever the limit.
"""


@dataclass(frozen=True)
class Batch:
    """The decisions that are applied together, named by what they say.

    Attributes:
        batch_id: `bat_` and a hash of job type, tenant, day and decisions: other decisions, another batch.
        job_id: Job that decided.
    """

    batch_id: str
    job_id: str


@dataclass(frozen=True)
class DecisionTable:
    """A table of the job whose rows are decisions, and the column that names each."""

    dataset: Dataset
    decision_id: str


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What is done about the decisions of a job, each at most once.

    Attributes:
        receipts: Name of the asset that shows what was done, such as ``fee_receipts``.
        summary: One line: what is done, for people.
        decisions: Tables of the job whose rows are decisions; the first is the job's head table.
        view: Their rows as `DECISION_VIEW`, from the tables by name.
        reads: What is read again at the instant of applying: a consent may be withdrawn in between.
        postings: What to post for each decision that stands at that instant. Takes by name the rows of the
            decision tables not applied yet, the fresh reads, parameters, ``at``, ``batch``, ``tenant``. A
            decision that does not stand any more is posted BLOCKED, or left out to wait.
        approval: ``none``; ``always``; or ``over_limit``: where the amounts of a batch in some currency come
            to more than the parameter ``approval_limit`` (0: every batch waits).
    """

    receipts: str
    summary: str
    decisions: tuple[DecisionTable, ...]
    view: Callable[..., pl.DataFrame]
    postings: Callable[..., Sequence[Posting]]
    reads: tuple[Read | Dataset, ...] = ()
    approval: Literal["none", "over_limit", "always"] = "none"

    @property
    def inputs(self) -> tuple[Read, ...]:
        """What is read again, each with the rows it takes."""
        return tuple(read if isinstance(read, Read) else read.plainly() for read in self.reads)
