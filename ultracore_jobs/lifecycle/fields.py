"""The types of an event's fields: names, sentences, instants, plain JSON."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from ultracore_jobs.lifecycle.kinds import JobType

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f]+$")]
"""An identifier: never blank, no white space."""

TenantName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s/\x00-\x1f]+$")]
"""As `Name`, without a slash, which parts the name of a stream."""

Words = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"[^\s]")]
"""A name or a sentence that a person wrote; never blank."""

Message = Annotated[str, Field(max_length=100_000)]
"""What a program said; it may have said nothing."""

JsonObject = dict[str, JsonValue]
"""Plain JSON, copied when the event is made: a later change of the caller's dictionary is not in it."""

AnyJobType = Annotated[JobType | Name, Field(union_mode="left_to_right")]
"""One of the platform's types, or the name of a type that was added as a page."""


def in_utc(moment: datetime) -> datetime:
    """*moment* in UTC; one without a time zone is taken to be in UTC already."""
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(in_utc)]
"""A moment in UTC."""
