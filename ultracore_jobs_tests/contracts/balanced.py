"""Postings of every shape that is allowed, for laws of the ledger."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import strategies as st

from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs.ports import Decision, Entry, Posting
from ultracore_jobs_tests.contracts.charges import ACME, JANUARY

CURRENCIES = ("AUD", "JPY", "KWD", "USD")


@st.composite
def balanced_postings(draw: st.DrawFn) -> Posting:
    """Some legs in up to four currencies, and one more in each that brings it to zero.

    The id follows from the content, so that the same id never has other content.
    """
    legs = draw(st.lists(st.tuples(st.sampled_from(CURRENCIES), st.integers(-(10**9), 10**9)), max_size=5))
    sums: defaultdict[str, int] = defaultdict(int)
    entries = []
    for index, (ccy, minor) in enumerate(legs):
        sums[ccy] += minor
        entries.append(Entry(account=f"leg:{index}", ccy=ccy, amount=_amount(ccy, minor)))
    entries += [
        Entry(account="suspense", ccy=ccy, amount=_amount(ccy, -minor)) for ccy, minor in sums.items()
    ]
    decision = Decision(
        decision_id=identifier("any_", repr(legs)),
        tenant=ACME,
        kind="ANY",
        job_id="job_1",
        as_of=JANUARY,
        amount=Decimal(0),
        ccy="AUD",
        batch_id="batch_any",
    )
    return Posting(decision=decision, entries=tuple(entries))


def _amount(ccy: str, minor: int) -> Decimal:
    return Decimal(minor).scaleb(-MINOR_DIGITS[ccy])
