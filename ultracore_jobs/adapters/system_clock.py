"""The time of the machine."""

from datetime import UTC, datetime


class SystemClock:
    """`Clock` on the machine's own time, which is expected to be kept by NTP."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the Clock that everything else asks
