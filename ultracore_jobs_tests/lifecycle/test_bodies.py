"""What is recorded of an event: the golden files, and how it is read again."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from ultracore_jobs.errors import StoreError, UsageError
from ultracore_jobs.lifecycle.bodies import event_bodies, place_of, read_body
from ultracore_jobs.lifecycle.events import EVENT_TYPES, Event, JobStarted, job_stream, schedule_stream
from ultracore_jobs_tests.golden.recorded import EXAMPLES, FOLDER, SCHEMAS, body_of, file_name, schema_text

STARTED = JobStarted(
    tenant_id="t1", job_id="job_1", actor="ex", executor_id="ex", at=datetime(2024, 1, 15, tzinfo=UTC)
)


@pytest.mark.parametrize(("event", "seq"), EXAMPLES, ids=lambda one: type(one).__name__)
class TestGolden:
    """Each type as it is recorded."""

    def test_what_was_recorded_is_read_as_what_it_was(self, event: Event, seq: int) -> None:
        """Whatever the release: the file is older than the code."""
        body = (FOLDER / file_name(type(event))).read_text(encoding="utf-8").rstrip("\n")

        assert read_body(body) == event
        assert place_of(body) == (event.stream, seq)

    def test_it_is_still_written_to_the_letter(self, event: Event, seq: int) -> None:
        """A changed letter is a changed hash; and it is canonical, as the authority has it."""
        body = (FOLDER / file_name(type(event))).read_text(encoding="utf-8").rstrip("\n")

        assert body_of(event, seq) == body
        assert rfc8785.dumps(json.loads(body)).decode() == body

    def test_it_fits_its_schema(self, event: Event, seq: int) -> None:
        """Names there are only those of the schema, and those that must be there are there."""
        body = json.loads(body_of(event, seq))
        schema = json.loads((SCHEMAS / file_name(type(event))).read_text(encoding="utf-8"))

        for found, wanted in ((body, schema), (body["payload"], schema["properties"]["payload"])):
            assert set(wanted["required"]) <= set(found) <= set(wanted["properties"])


def test_every_type_has_its_example() -> None:
    """One that is added without would not be read for ever."""
    assert {type(event).__name__ for event, _ in EXAMPLES} == set(EVENT_TYPES)


@pytest.mark.parametrize("event_type", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_the_schema_is_the_one_that_others_rely_on(event_type: type[Event]) -> None:
    """Generated from the model; a difference is a new version, or an additive field to be looked at."""
    golden = (SCHEMAS / file_name(event_type)).read_text(encoding="utf-8")

    assert schema_text(event_type) == golden, "see ultracore_jobs_tests/golden/recorded.py"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_every_file_that_was_ever_released_is_read(path: Path) -> None:
    """Also of versions that are no longer written."""
    event = read_body(path.read_text(encoding="utf-8"))

    assert type(event).__name__ == path.name.split(".", maxsplit=1)[0]


def test_an_instant_is_recorded_in_utc_wherever_it_was_said() -> None:
    """11:00 in Sydney in summer is midnight UTC; a naive datetime is taken to be UTC."""
    sydney = datetime(2024, 1, 15, 11, tzinfo=timezone(timedelta(hours=11)))
    naive = datetime(2024, 1, 15)  # noqa: DTZ001 - on purpose

    for at in (sydney, naive):
        same = JobStarted(tenant_id="t1", job_id="job_1", actor="ex", executor_id="ex", at=at)
        assert event_bodies(same.stream, [same]) == event_bodies(STARTED.stream, [STARTED])


def test_a_changed_copy_writes_its_own_body() -> None:
    """The text is kept with the event, so a copy must not inherit it."""
    _ = STARTED.unplaced
    other = STARTED.model_copy(update={"executor_id": "other"})

    assert '"executor_id":"other"' in body_of(other, 1)
    assert read_body(body_of(other, 1)) == other


def test_an_event_of_another_stream_is_refused() -> None:
    """Both are named."""
    with pytest.raises(
        UsageError, match=r"jobs.executions/t1/job_1 cannot be recorded in jobs.executions/t2"
    ):
        event_bodies("jobs.executions/t2/job_1", [STARTED])


def test_streams_of_two_tenants_differ() -> None:
    """They may call their schedules the same; a tenant's name has no slash, so no two meet."""
    assert schedule_stream("t1", "daily") == "jobs.schedules/t1/daily"
    assert job_stream("t1", "job_1") == STARTED.stream
    with pytest.raises(ValueError, match="tenant_id"):
        JobStarted(tenant_id="t1/x", job_id="job_1", actor="ex", executor_id="ex", at=STARTED.at)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"event_type": "JobPaused"}, "'JobPaused' are not known"),
        ({"schema_version": 2}, "written by a later release"),
        ({"payload": {}}, "executor_id"),
        ({"payload": 5}, "not the body of an event"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_this_release_does_not_know_is_refused(change: dict[str, Any], words: str) -> None:
    """Rather than read as something it was not."""
    body = json.dumps(json.loads(body_of(STARTED, 1)) | change)

    with pytest.raises(StoreError, match=words):
        read_body(body)


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"tenant_id":"t1","seq":1}'])
def test_what_is_no_body_is_said_to_be_none(body: str) -> None:
    """For a reader, and for who verifies."""
    with pytest.raises(StoreError, match="not the body of an event"):
        read_body(body)
    with pytest.raises(ValueError, match=r"."):
        place_of(body)
