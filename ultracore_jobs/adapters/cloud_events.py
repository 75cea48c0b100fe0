"""An event as others see it on a broker: CloudEvents 1.0 on Kafka, in binary mode.

Binary, because the value is then the canonical body, byte for byte as it was hashed: whoever has the
headers and ``sha256sum`` can check the chain. Structured mode would wrap the body in other JSON, and a
reader would have to write it anew to hash it. All that stands beside the body in the record travels in
headers, so the way back gives the same `StoredEvent`.

========================= ==============================================================================
``ce_id``                 ``STREAM#SEQ``: what a consumer must be idempotent by, and the same each time
``ce_source``             the record it comes from
``ce_type``               ``ultracore.jobs.`` and the event's type
``ce_subject``            the stream; also the message's key, so that a stream stays in one partition
``ce_time``               when it happened
``ce_recordedtime``       when it was recorded (a documented extension of CloudEvents)
``ce_seq``                place in the stream, from 1 without a gap
``ce_position``           place in the record, from 1 without a gap
``ce_hash, ce_prevhash``  the chain
``content-type``          ``application/json``
========================= ==============================================================================

Source: DESIGN 5, CloudEvents 1.0.2 and its Kafka protocol binding.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic_core import from_json

from ultracore_jobs.errors import DataError
from ultracore_jobs.lifecycle.canonical import instant_text
from ultracore_jobs.ports import StoredEvent

SOURCE: Final = "/ultracore/jobs"
TYPE_PREFIX: Final = "ultracore.jobs."


class _AsHashed(JSONFormat):
    """JSON that stays the text it is: what is parsed and written anew has another hash."""

    def read_data(self, body: bytes, datacontenttype: str | None) -> str:  # noqa: ARG002 - its form
        return body.decode()


_FORMAT: Final = _AsHashed()


def to_message(event: StoredEvent, source: str = SOURCE) -> KafkaMessage:
    """The message that says *event*."""
    body: dict[str, Any] = from_json(event.body)
    attributes = {
        "id": _id(event),
        "source": source,
        "specversion": "1.0",
        "type": TYPE_PREFIX + body["event_type"],
        "subject": event.stream,
        "time": datetime.fromisoformat(body["at"]),
        "datacontenttype": "application/json",
        "recordedtime": instant_text(event.recorded_at),
        "seq": event.seq,
        "position": event.position,
        "hash": event.hash,
        "prevhash": event.prev_hash,
    }
    return to_binary(CloudEvent(attributes, event.body), _FORMAT, lambda _: event.stream)


def from_message(headers: Mapping[str, bytes], value: bytes) -> StoredEvent:
    """The event that a message says. Whether it is true is for the reader to check: nothing is hashed here.

    Raises:
        DataError: It is no CloudEvent, or not one of ours.
    """
    try:
        event = from_binary(KafkaMessage(dict(headers), None, value), _FORMAT, CloudEvent)
        attributes = event.get_attributes()
        said = StoredEvent(
            position=int(attributes["position"]),
            stream=attributes["subject"],
            seq=int(attributes["seq"]),
            body=str(event.get_data()),
            prev_hash=attributes["prevhash"],
            hash=attributes["hash"],
            recorded_at=datetime.fromisoformat(attributes["recordedtime"]).astimezone(UTC),
        )
    except KeyError as error:
        raise DataError(f"no event of ours: header ce_{error.args[0]} is missing") from error
    except (BaseCloudEventException, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"no event of ours: {error}") from error
    if event.get_id() != _id(said):
        raise DataError(f"no event of ours: its id is {event.get_id()}, and it says that it is {_id(said)}")
    return said


def _id(event: StoredEvent) -> str:
    return f"{event.stream}#{event.seq}"
