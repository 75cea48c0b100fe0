"""What cannot be right cannot be made."""

from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from ultracore_jobs.errors import UnbalancedError
from ultracore_jobs.ports import Entry, Outcome, Posting
from ultracore_jobs_tests.contracts.balanced import balanced_postings
from ultracore_jobs_tests.contracts.charges import charge


def entry(amount: str, ccy: str = "AUD") -> Entry:
    """An entry on some account."""
    return Entry(account="cash:PF-1", ccy=ccy, amount=Decimal(amount))


def test_entries_that_do_not_sum_to_zero_are_refused() -> None:
    """By how much, and in which currency."""
    decision = charge("PF-1").decision
    with pytest.raises(UnbalancedError, match=r"off by AUD 0\.01"):
        Posting(decision=decision, entries=(entry("-110.00"), entry("110.01")))
    with pytest.raises(UnbalancedError, match="off by AUD -100, JPY 100"):
        Posting(decision=decision, entries=(entry("-100"), entry("100", "JPY")))


def test_a_blocked_decision_moves_nothing() -> None:
    """Not even in balance."""
    with pytest.raises(UnbalancedError, match="BLOCKED"):
        Posting(decision=charge("PF-1").decision, entries=charge("PF-1").entries, outcome=Outcome.BLOCKED)


@pytest.mark.parametrize(
    ("amount", "ccy", "reason"),
    [
        ("0.235", "AUD", "2 decimals"),
        ("0.5", "JPY", "0 decimals"),
        ("1.0001", "KWD", "3 decimals"),
        ("1", "ABC", "no currency"),
        ("NaN", "AUD", "finite"),
        ("Infinity", "AUD", "finite"),
        ("100000000000000", "AUD", "no amount of money"),
    ],
)
def test_an_amount_is_rounded_to_what_its_currency_can_pay(amount: str, ccy: str, reason: str) -> None:
    """Once, where the line is made (domain_rules 1), so not here."""
    with pytest.raises(ValidationError, match=reason):
        entry(amount, ccy)


@pytest.mark.parametrize(
    ("amount", "ccy"), [("0.23", "AUD"), ("0.230", "AUD"), ("-5", "JPY"), ("0.001", "KWD")]
)
def test_a_rounded_amount_is_taken(amount: str, ccy: str) -> None:
    """Zeros behind it change nothing."""
    assert entry(amount, ccy).amount == Decimal(amount)


def test_the_content_is_what_is_decided_and_done() -> None:
    """Not who asked, nor in which batch, nor how the amount was written."""
    first = charge("PF-1")

    assert charge("PF-1", job_id="job_9", batch_id="batch_9").content_hash == first.content_hash
    assert charge("PF-1", amount=Decimal("110.0000")).content_hash == first.content_hash


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": Decimal("109.00")},
        {"as_of": date(2026, 1, 30)},
        {"kind": "ADVICE_FEE"},
        {"payload": {"portfolio_id": "PF-1"}},
        {"ccy": "USD"},
    ],
)
def test_any_change_of_the_decision_is_other_content(changed: dict[str, Any]) -> None:
    """One field at a time."""
    assert charge("PF-1", **changed).content_hash != charge("PF-1").content_hash


def test_any_change_of_an_entry_is_other_content() -> None:
    """The same total from another account."""
    first = charge("PF-1")
    other = first.entries[0].model_copy(update={"account": "cash:PF-2"})

    changed = Posting(decision=first.decision, entries=(other, *first.entries[1:]))
    assert changed.content_hash != first.content_hash


@pytest.mark.parametrize("value", [Decimal("1.5"), date(2026, 1, 1), float("nan"), {1: "one"}, 2**60])
def test_a_payload_is_plain_json(value: object) -> None:
    """What has no canonical form would have no hash; money is written as a string."""
    with pytest.raises(ValidationError, match="plain JSON"):
        charge("PF-1", payload={"value": value})


_TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
_SCALARS = st.one_of(
    _TEXT,
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False).filter(isfinite),
)
_PAYLOADS = st.dictionaries(
    _TEXT, st.one_of(_SCALARS, st.lists(_SCALARS, max_size=3), st.dictionaries(_TEXT, _SCALARS, max_size=3))
)


@given(_PAYLOADS)
@example({"\uff41": "x", "\U0001f600": "y"})
@example({"\u007f": '\x00\x1f"\\/\u2028', "b": ["\x7f"], "a": True})
def test_the_stored_payload_is_its_canonical_json(payload: dict[str, Any]) -> None:
    """Byte for byte what RFC 8785 says, by whatever way it was made; the first example orders by UTF-16."""
    assert charge("PF-1", payload=payload).decision.payload_json.encode() == rfc8785.dumps(payload)


def test_text_that_is_no_unicode_is_refused() -> None:
    """Half of a surrogate pair has no bytes in UTF-8, so it would have no hash."""
    with pytest.raises(ValidationError, match="plain JSON"):
        charge("PF-1", payload={"reason": "\ud83d"})


@pytest.mark.parametrize("field", ["decision_id", "tenant", "kind", "job_id", "batch_id"])
@pytest.mark.parametrize("value", ["", " ", "two words", "x" * 201])
def test_a_name_is_never_blank(field: str, value: str) -> None:
    """Nor has it white space, nor is it longer than a column."""
    with pytest.raises(ValidationError, match=field):
        charge("PF-1", **{field: value})


@given(balanced_postings())
def test_what_can_be_made_balances_in_every_currency(posting: Posting) -> None:
    """The sum over each currency is zero, exactly."""
    for ccy in {one.ccy for one in posting.entries}:
        assert sum(one.amount for one in posting.entries if one.ccy == ccy) == 0
