"""What stands in a message, to the byte, and the way back."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from cloudevents.core.bindings.kafka import from_kafka
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.adapters.cloud_events import from_message, to_message
from ultracore_jobs.errors import DataError
from ultracore_jobs.lifecycle.chain import GENESIS, link
from ultracore_jobs.lifecycle.events import job_stream
from ultracore_jobs.ports import StoredEvent
from ultracore_jobs_tests.contracts.jobs_recorded import job

FIRST = (
    '{"actor":"system","at":"2024-01-15T01:00:00Z","event_type":"JobScheduled","job_id":"job_1",'
    '"payload":{},"seq":1}'
)
"""The worked example of domain_rules 22."""

FIRST_HASH = "9ce9c1c6119592ca0126afcc7ca1eaab996214b779df22378c89bc8d107bef81"

EXAMPLE = StoredEvent(
    position=17,
    stream="jobs.executions/acme/job_1",
    seq=1,
    body=FIRST,
    prev_hash=GENESIS,
    hash=FIRST_HASH,
    recorded_at=datetime(2024, 1, 15, 1, 0, 2, 250_000, tzinfo=UTC),
)


def test_a_message_has_these_headers_and_the_body_as_it_was_hashed() -> None:
    """CloudEvents 1.0, binary mode of its Kafka binding; the key is the stream."""
    message = to_message(EXAMPLE)

    assert message.value == FIRST.encode()
    assert message.key == "jobs.executions/acme/job_1"
    assert message.headers == {
        "ce_id": b"jobs.executions/acme/job_1#1",
        "ce_source": b"/ultracore/jobs",
        "ce_specversion": b"1.0",
        "ce_type": b"ultracore.jobs.JobScheduled",
        "ce_subject": b"jobs.executions/acme/job_1",
        "ce_time": b"2024-01-15T01:00:00Z",
        "content-type": b"application/json",
        "ce_recordedtime": b"2024-01-15T01:00:02.250000Z",
        "ce_seq": b"1",
        "ce_position": b"17",
        "ce_hash": FIRST_HASH.encode(),
        "ce_prevhash": GENESIS.encode(),
    }


def test_the_chain_is_checked_with_nothing_but_sha256() -> None:
    """No JSON is read or written for it."""
    message = to_message(EXAMPLE)

    assert sha256(message.headers["ce_prevhash"] + message.value).hexdigest() == FIRST_HASH


def test_any_reader_of_cloudevents_reads_it() -> None:
    """The library's own, as another team would use it."""
    event = from_kafka(to_message(EXAMPLE, source="/ultracore/jobs/sydney"), JSONFormat())

    assert event.get_source() == "/ultracore/jobs/sydney"
    assert event.get_time() == datetime(2024, 1, 15, 1, tzinfo=UTC)
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["job_id"] == "job_1"


@given(
    text=st.text(st.characters(exclude_categories=["Cs"])),
    number=st.floats(allow_nan=False, allow_infinity=False),
    recorded_at=st.datetimes(timezones=st.just(UTC)),
)
def test_the_way_back_gives_the_same_event(text: str, number: float, recorded_at: datetime) -> None:
    """Whatever it says: its text is neither parsed nor written anew."""
    made = job(steps=0)
    made.update_progress(1, text, {text: number})
    bodies = [
        f"{before}{seq}{after}"
        for seq, (before, after) in enumerate((e.unplaced for e in made.uncommitted), 1)
    ]
    sent = StoredEvent(
        2**53, job_stream("t1", "job_1"), 3, bodies[2], FIRST_HASH, link(FIRST_HASH, bodies[2]), recorded_at
    )
    message = to_message(sent)

    assert from_message(message.headers, message.value) == sent


@pytest.mark.parametrize(
    ("headers", "value", "why"),
    [
        ({}, b"{}", "no event of ours"),
        ({"ce_hash": None}, FIRST.encode(), "header ce_hash is missing"),
        ({"ce_position": b"first"}, FIRST.encode(), "no event of ours: invalid literal"),
        ({"ce_recordedtime": b"yesterday"}, FIRST.encode(), "no event of ours: Invalid isoformat"),
        ({"ce_id": None}, FIRST.encode(), "no event of ours: its id is "),
        ({"ce_seq": b"2"}, FIRST.encode(), "its id is .*job_1#1, and it says that it is .*job_1#2"),
        ({}, b"\xff", "no event of ours: 'utf-8'"),
    ],
)
def test_what_is_no_event_of_ours_is_refused(
    headers: dict[str, bytes | None], value: bytes, why: str
) -> None:
    """With a reason; None takes a header away, and no headers at all are those of somebody else's message."""
    given: dict[str, bytes | None] = {**to_message(EXAMPLE).headers, **headers} if value != b"{}" else {}
    with pytest.raises(DataError, match=why):
        from_message({name: text for name, text in given.items() if text is not None}, value)
