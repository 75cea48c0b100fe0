"""What the ledger shows to kernels: everything that happened once, as tables (domain_rules 2b, DESIGN 8).

The rows live in the database, not in files; they are read through the port `Ledger`, with a cut-off.
"""

from ultracore_jobs.catalog.columns import CURRENCY, KNOWN_AT, TENANT_ID, code, count, day, money, text
from ultracore_jobs.catalog.dataset import Dataset, Partitioning

SEQ = count("Place in the ledger, over all tenants; a decision that came later has a greater one", at_least=1)

LEDGER_DECISIONS = Dataset(
    name="ledger_decisions",
    grain="one decision that was applied, or refused for good",
    key=("decision_id",),
    partitioning=Partitioning.BY_LOAD,
    valid_date="as_of_date",
    source="ledger",
    columns={
        "tenant_id": TENANT_ID,
        "decision_id": text("Derived from the fields that make the decision itself"),
        "kind": text("What was decided, such as MANAGEMENT_FEE"),
        "job_id": text("Job that decided it first"),
        "as_of_date": day("Day the decision is about"),
        "amount": money("What it comes to, in `ccy`; 0 where no money moves"),
        "ccy": CURRENCY,
        "payload": text("All else there is to say, as canonical JSON; money as strings"),
        "batch_id": text("Batch it was applied with"),
        "outcome": code("POSTED: applied; BLOCKED: refused for good, no entries", ["POSTED", "BLOCKED"]),
        "actor": text("Who applied it: a person or a service"),
        "seq": SEQ,
        "known_at": KNOWN_AT,
    },
)

LEDGER_ENTRIES = Dataset(
    name="ledger_entries",
    grain="one signed amount on one account, of one decision",
    key=("entry_id",),
    partitioning=Partitioning.BY_LOAD,
    valid_date="as_of_date",
    source="ledger",
    columns={
        "tenant_id": TENANT_ID,
        "entry_id": text("Decision id and number of the entry in it, from 1"),
        "decision_id": text("Decision it belongs to; its entries sum to zero in each currency"),
        "kind": text("What was decided"),
        "as_of_date": day("Day the decision is about"),
        "account": text("Such as `cash:PF-1` or `fee_income:MANAGEMENT`"),
        "ccy": CURRENCY,
        "amount": money("Signed; what the account holds rises where it is above zero"),
        "adjusts": text("Entry that this one adjusts; null for a first one", nullable=True),
        "seq": SEQ,
        "known_at": KNOWN_AT,
    },
)

LEDGER_BALANCES = Dataset(
    name="ledger_balances",
    grain="what one account holds in one currency, as known at the cut-off",
    key=("account", "ccy"),
    source="ledger",
    columns={
        "tenant_id": TENANT_ID,
        "account": text("Such as `cash:PF-1`"),
        "ccy": CURRENCY,
        "amount": money("Sum of its entries"),
    },
)
