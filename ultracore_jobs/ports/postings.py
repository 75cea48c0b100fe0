"""What is put into the ledger: a decision, the entries that do it, and the receipt that it was done.

A `Decision` is what a kernel wants done; a `Posting` is a decision with its double entry. What cannot be
right (unrounded, unbalanced) cannot be made, so no store ever sees it (domain_rules 1, 3.6).
"""

import json
import math
from collections import defaultdict
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Self

import rfc8785
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from ultracore_jobs.errors import UnbalancedError
from ultracore_jobs.kernels.money import MINOR_DIGITS

_LARGEST = Decimal(10**14)
"""`MONEY` has 14 digits before the point."""

_LISTS = json.JSONEncoder(separators=(",", ":"))
_SORTED = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False)

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f]+$")]
"""An identifier or a code: never blank, no white space."""

Words = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"[^\s]")]
"""A name or a sentence that a person wrote; never blank."""


def _whole_minor_units(record: "Decision | Entry") -> None:
    """Refuse an amount that its currency cannot pay, before it reaches any store.

    Raises:
        ValueError: Unknown currency, or the amount was not rounded, is not finite, or is too large.
    """
    amount, digits = record.amount, MINOR_DIGITS.get(record.ccy)
    if digits is None:
        message = f"{record.ccy!r} is no currency of ISO 4217"
        raise ValueError(message)
    if not amount.is_finite() or abs(amount) >= _LARGEST:
        message = f"{amount} is no amount of money that a column can hold"
        raise ValueError(message)
    scaled = amount.scaleb(digits)
    if scaled != math.trunc(scaled):
        message = f"{amount} {record.ccy} is not rounded: the currency has {digits} decimals"
        raise ValueError(message)


class Record(BaseModel):
    """A row that is never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Outcome(StrEnum):
    """What became of a decision.

    POSTED: applied. Its entries, if it has any, are in the books.
    BLOCKED: refused for good, and recorded; no entries. Its id is taken: a later attempt that may
        succeed needs an id of its own.
    """

    POSTED = "POSTED"
    BLOCKED = "BLOCKED"


class Decision(Record):
    """One thing to be done once.

    Attributes:
        decision_id: Derived from the fields that make the decision itself (domain_rules 1).
        tenant: Who owns it.
        kind: What is decided, such as ``MANAGEMENT_FEE``.
        job_id: Job that decided it. Not part of the content: a re-run is another job.
        as_of: Day it is about.
        amount: What it comes to in *ccy*, rounded to its minor unit; 0 where no money moves.
        ccy: ISO 4217 code.
        payload: All else there is to say, plain JSON, money and dates as strings.
        batch_id: Batch it is applied with, what people approve. Not part of the content.
    """

    decision_id: Name
    tenant: Name
    kind: Name
    job_id: Name
    as_of: date
    amount: Decimal
    ccy: str
    payload: dict[str, Any] = {}
    batch_id: Name

    @model_validator(mode="after")
    def _payable(self) -> Self:
        _whole_minor_units(self)
        return self

    @model_validator(mode="after")
    def _canonical(self) -> Self:
        """Refuse a payload that has no canonical JSON, such as a Decimal or a date in it."""
        try:
            _ = self.payload_json
        except rfc8785.CanonicalizationError as error:
            message = f"payload is not plain JSON ({error}); write money and dates as strings"
            raise ValueError(message) from error
        return self

    @cached_property
    def payload_json(self) -> str:
        """The payload as canonical JSON (RFC 8785): equal payloads have equal bytes."""
        return _canonical_json(self.payload)


class Entry(Record):
    """One signed amount on one account.

    Attributes:
        account: Such as ``cash:PF-1``.
        ccy: ISO 4217 code.
        amount: What the account gains, below zero what it loses, rounded to the minor unit.
        adjusts: Id of the posted entry that this one adjusts; same tenant, account and currency.
    """

    account: Name
    ccy: str
    amount: Decimal
    adjusts: Name | None = None

    @model_validator(mode="after")
    def _payable(self) -> Self:
        _whole_minor_units(self)
        return self


class Posting(Record):
    """A decision with the double entry that carries it out.

    Entry *n* gets the id ``<decision_id>.<n>``, counted from 1.

    Raises:
        UnbalancedError: In some currency the entries do not sum to zero; or a BLOCKED decision has any.
    """

    decision: Decision
    entries: tuple[Entry, ...] = ()
    outcome: Outcome = Outcome.POSTED

    @model_validator(mode="after")
    def _balanced(self) -> Self:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for entry in self.entries:
            sums[entry.ccy] += entry.amount
        off = {ccy: total for ccy, total in sums.items() if total}
        if off:
            by = ", ".join(f"{ccy} {total}" for ccy, total in sorted(off.items()))
            message = f"entries of {self.decision.decision_id} do not sum to zero: off by {by}"
            raise UnbalancedError(message)
        if self.entries and self.outcome is Outcome.BLOCKED:
            message = f"{self.decision.decision_id} is BLOCKED, so it may not have entries"
            raise UnbalancedError(message)
        return self

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what is decided and done; not of the job, the batch, the actor or the time."""
        decision = self.decision
        content = [
            decision.decision_id,
            decision.tenant,
            decision.kind,
            decision.as_of.isoformat(),
            _plain(decision.amount),
            decision.ccy,
            decision.payload_json,
            self.outcome.value,
            [[entry.account, entry.ccy, _plain(entry.amount), entry.adjusts] for entry in self.entries],
        ]
        # Lists of text have one form in JSON; only objects and floats, as in a payload, need RFC 8785.
        return sha256(_LISTS.encode(content).encode()).hexdigest()

    def entry_id(self, number: int) -> str:
        """The id of the *number*-th entry, counted from 1."""
        return f"{self.decision.decision_id}.{number}"


def _canonical_json(payload: dict[str, Any]) -> str:
    """The canonical JSON of a payload, the usual one in a fifth of the time.

    Of ASCII text, lists of it, true, false and null, the standard library's sorted form is the canonical
    one. Numbers have another, other keys another order, and what has no canonical form must be refused.
    """
    if all(map(_is_usual, payload.values())):
        text = _SORTED.encode(payload)
        if text.isascii():
            return text
    return rfc8785.dumps(payload).decode()


def _is_usual(value: Any) -> bool:
    """Whether it is text, a list of texts, true, false or null, and of no kind derived from these."""
    kind = type(value)
    if kind is list:
        return all(type(item) is str for item in value)
    return kind is str or value is None or kind is bool


def _plain(amount: Decimal) -> str:
    """The same text for the same amount, however many zeros it was given: 1.5 and 1.50, 0 and -0."""
    return f"{amount + 0:.4f}"


class Receipt(Record):
    """That a decision was applied, once.

    Attributes:
        decision_id: Which.
        outcome: What became of it.
        applied_at: When, UTC.
        actor: Who applied it: a person or a service, never blank.
        seq: Place in the ledger, over all tenants.
    """

    decision_id: str
    outcome: Outcome
    applied_at: AwareDatetime
    actor: Words
    seq: int
