"""The canonical body of an event: what is hashed, stored and sent.

Its fields, in the order of RFC 8785: ``actor, at, event_type, job_id, payload, schema_version, seq,
tenant_id`` (a schedule's event has ``schedule_id`` in place of ``job_id``) and, where present,
``causation_id, code_version, correlation_id``. Neither hashes nor anything of the transport are in it.

Source: domain_rules 22.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from ultracore_jobs.errors import StoreError, UsageError
from ultracore_jobs.lifecycle.events import EVENT_TYPES, Event, job_stream, schedule_stream
from ultracore_jobs.lifecycle.upcasting import UPCASTERS, Upcasters


def event_bodies(stream: str, events: Sequence[Event], first: int = 1) -> list[str]:
    """The canonical bodies of events that follow each other in a stream.

    Args:
        stream: Which.
        events: All of that stream, oldest first.
        first: The place of the first of them.

    Raises:
        UsageError: One is of another stream, or holds what has no canonical JSON.
    """
    bodies = []
    for seq, event in enumerate(events, start=first):
        if event.stream != stream:
            message = f"{type(event).__name__} of {event.stream} cannot be recorded in {stream}"
            raise UsageError(message)
        before, after = event.unplaced
        bodies.append(f"{before}{seq}{after}")
    return bodies


def read_body(body: str, upcasters: Upcasters = UPCASTERS) -> Event:
    """The event that a body is of, in today's form.

    Raises:
        StoreError: It is no event that this release knows.
    """
    try:
        fields = from_json(body)
        kind, payload, found = (
            fields.pop("event_type"),
            fields.pop("payload"),
            fields.pop("schema_version", 1),
        )
        del fields["seq"]
        event_type = EVENT_TYPES.get(kind)
        if event_type is None:
            message = f"events of type {kind!r} are not known; install the release that has them"
            raise StoreError(message)
        if found != event_type.SCHEMA_VERSION:
            payload = upcasters.lift(kind, payload, found=found, wanted=event_type.SCHEMA_VERSION)
        payload.update(fields)
        return event_type.model_validate(payload)
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"not the body of an event ({error}): {body[:200]}"
        raise StoreError(message) from error


def place_of(body: str) -> tuple[str, int]:
    """The stream and the place in it that a body says it has.

    Raises:
        ValueError: It is no body.
    """
    fields: dict[str, Any] = from_json(body)
    try:
        tenant, seq = fields["tenant_id"], fields["seq"]
        if "job_id" in fields:
            return job_stream(tenant, fields["job_id"]), seq
        return schedule_stream(tenant, fields["schedule_id"]), seq
    except (KeyError, TypeError) as error:
        message = f"no body of an event: {error} is missing"
        raise ValueError(message) from error
