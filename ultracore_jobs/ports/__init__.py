"""What the application asks of the outside world; adapters answer.

`TableStore` keeps numbers as immutable files, `Ledger` what happened once, `Claims` who works on what;
`Feeds` brings what providers publish, `Clock` tells the time. Each port has one test suite in
``ultracore_jobs_tests/contracts``, run on every adapter.
"""

from ultracore_jobs.ports.claims import Claim, Claims
from ultracore_jobs.ports.clock import Clock
from ultracore_jobs.ports.feeds import Delivery, Feeds
from ultracore_jobs.ports.ledger import Approval, Freeze, Ledger, Verdict
from ultracore_jobs.ports.postings import Decision, Entry, Outcome, Posting, Receipt
from ultracore_jobs.ports.tables import (
    Coverage,
    GateStamp,
    InputPin,
    JobStamp,
    Provenance,
    TableStore,
    TableVersion,
    VersionRef,
)

__all__ = [
    "Approval",
    "Claim",
    "Claims",
    "Clock",
    "Coverage",
    "Decision",
    "Delivery",
    "Entry",
    "Feeds",
    "Freeze",
    "GateStamp",
    "InputPin",
    "JobStamp",
    "Ledger",
    "Outcome",
    "Posting",
    "Provenance",
    "Receipt",
    "TableStore",
    "TableVersion",
    "Verdict",
    "VersionRef",
]
