"""What the application asks of the outside world; adapters answer.

`TableStore` keeps numbers as immutable files, `Ledger` what happened once, `Claims` who works on what;
`Feeds` brings what providers publish, `Clock` tells the time, `Processes` which processes live. Each port has
one test suite in ``ultracore_jobs_tests/contracts``, run on every adapter.
"""

from ultracore_jobs.ports.claims import Claim, Claims
from ultracore_jobs.ports.clock import Clock
from ultracore_jobs.ports.events import Append, EventStore, StoredEvent, StreamHead
from ultracore_jobs.ports.feeds import Delivery, Feeds
from ultracore_jobs.ports.heads import Heads
from ultracore_jobs.ports.ledger import Approval, Freeze, Ledger, Verdict
from ultracore_jobs.ports.occurrences import Cancellation, Occurrence, Occurrences, OccurrenceState
from ultracore_jobs.ports.postings import Decision, Entry, Outcome, Posting, Receipt
from ultracore_jobs.ports.processes import Processes
from ultracore_jobs.ports.relay import Reading, RecordCopy, Relay, Relayed, Take
from ultracore_jobs.ports.subject_keys import SubjectKeys
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
    "Append",
    "Approval",
    "Cancellation",
    "Claim",
    "Claims",
    "Clock",
    "Coverage",
    "Decision",
    "Delivery",
    "Entry",
    "EventStore",
    "Feeds",
    "Freeze",
    "GateStamp",
    "Heads",
    "InputPin",
    "JobStamp",
    "Ledger",
    "Occurrence",
    "OccurrenceState",
    "Occurrences",
    "Outcome",
    "Posting",
    "Processes",
    "Provenance",
    "Reading",
    "Receipt",
    "RecordCopy",
    "Relay",
    "Relayed",
    "StoredEvent",
    "StreamHead",
    "SubjectKeys",
    "TableStore",
    "TableVersion",
    "Take",
    "Verdict",
    "VersionRef",
]
