"""The ledger: everything that happened once, with who, when and why.

Posting the same decision again does nothing, so a run may crash anywhere and simply be run again.
Nothing is edited: an adjustment is a new decision whose entries name those they adjust (domain_rules 1).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import polars as pl
from pydantic import AwareDatetime

from ultracore_jobs.ports.postings import Name, Posting, Receipt, Record, Words


class Verdict(StrEnum):
    """What a person said about a batch."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


class Approval(Record):
    """One person's word on one batch; the first word stands."""

    tenant: Name
    batch_id: Name
    verdict: Verdict
    actor: Words
    note: str
    at: AwareDatetime


class Freeze(Record):
    """The one switch that stops all effects.

    Attributes:
        freeze_id: Which.
        actor: Who froze.
        reason: Why.
        recorded_at: When the ledger learned of it.
        from_at: From when it holds; never later than it was recorded unless it was planned.
        until_at: When it ends by itself; None: when somebody releases it.
        released_at: When it was released.
        released_by: Who released it.
        release_note: Why.
    """

    freeze_id: Name
    actor: Words
    reason: Words
    recorded_at: AwareDatetime
    from_at: AwareDatetime
    until_at: AwareDatetime | None = None
    released_at: AwareDatetime | None = None
    released_by: str | None = None
    release_note: str | None = None

    def holds(self, at: datetime) -> bool:
        """Whether effects are stopped for who comes at *at*.

        One that was not planned ahead also stops who comes with an instant before it: a slow run must
        not post under a freeze because it looked at the clock before.
        """
        if self.released_at is not None or (self.until_at is not None and self.until_at <= at):
            return False
        return self.from_at <= max(at, self.recorded_at)

    def __str__(self) -> str:
        """Who, why and until when, in one sentence."""
        until = f"until {self.until_at:%Y-%m-%d %H:%M %Z}" if self.until_at else "until it is released"
        return f"effects are frozen by {self.actor} {until}: {self.reason} ({self.freeze_id})"


class Ledger(Protocol):
    """Keeps what happened once: decisions, receipts, double entry, approvals, freezes.

    Instants are aware and given by the caller; the ledger has no clock.
    """

    def post(self, postings: Sequence[Posting], *, actor: str, at: datetime) -> tuple[Receipt, ...]:
        """Apply each decision that was not applied before; the receipts of all, in the order given.

        A decision, its receipt and its entries are committed together. Batches are committed some
        hundred decisions at a time: after a crash post the same again, and what is missing is added.

        Raises:
            LedgerConflictError: Some id is posted with other content, comes twice with different
                content, or an entry adjusts one that is not there or is another account's. All such
                ids are named, and nothing is written.
            FrozenError: Effects are frozen and there is something left to apply. What was committed
                before the freeze stays.
            StoreError: The database refused or cannot be reached.
        """
        ...

    def receipts(self, decision_ids: Iterable[str]) -> dict[str, Receipt]:
        """Receipts of those decisions that were applied, by decision id."""
        ...

    def batch_receipts(self, tenant: str, batch_id: str) -> tuple[Receipt, ...]:
        """Receipts of all decisions applied with a batch, in ledger order."""
        ...

    def position(self) -> int:
        """The greatest place taken in the ledger; 0 while it is empty.

        A job that pins it reads the same rows for ever, even where a posting that began before its
        cut-off was committed after.
        """
        ...

    def decisions(
        self, tenant: str, *, known_at: datetime, kinds: Sequence[str] = (), upto: int | None = None
    ) -> pl.DataFrame:
        """The applied decisions of a tenant, a `LEDGER_DECISIONS` table in ledger order.

        Args:
            tenant: Whose.
            known_at: Cut-off K: rows recorded at or before it.
            kinds: Only these kinds; all where none is named.
            upto: Only places up to this one (`position`); all where None.
        """
        ...

    def entries(
        self, tenant: str, *, known_at: datetime, kinds: Sequence[str] = (), upto: int | None = None
    ) -> pl.DataFrame:
        """The entries of a tenant, a `LEDGER_ENTRIES` table in ledger order; arguments as `decisions`."""
        ...

    def balances(self, tenant: str, *, known_at: datetime, upto: int | None = None) -> pl.DataFrame:
        """What each account holds, a `LEDGER_BALANCES` table by account and currency."""
        ...

    def record_verdict(self, approval: Approval) -> Approval:
        """Record a person's word on a batch; the one that stands.

        Saying the same again changes nothing and gives the first back.

        Raises:
            LedgerConflictError: Another person, or another verdict, came first.
        """
        ...

    def verdict_on(self, tenant: str, batch_id: str) -> Approval | None:
        """What was said about a batch; None where nobody has."""
        ...

    def verdicts(self, *, since: datetime) -> tuple[Approval, ...]:
        """What was said about any batch of any tenant at or after *since*, oldest first."""
        ...

    def freeze(
        self,
        *,
        actor: str,
        reason: str,
        at: datetime,
        from_at: datetime | None = None,
        until_at: datetime | None = None,
    ) -> Freeze:
        """Stop all effects of all tenants, from *at* or from a later *from_at* on.

        When it returns, nothing is being posted: what was under way is committed or will be refused.

        Raises:
            UsageError: It would end before it begins.
        """
        ...

    def release(self, freeze_id: str, *, actor: str, note: str, at: datetime) -> Freeze:
        """End a freeze; releasing it again changes nothing.

        Raises:
            UnknownNameError: No such freeze.
        """
        ...

    def freezes(self) -> tuple[Freeze, ...]:
        """Every freeze there was, oldest first."""
        ...

    def frozen(self, at: datetime) -> Freeze | None:
        """The freeze that stops effects at *at*; None where they may go on."""
        ...
