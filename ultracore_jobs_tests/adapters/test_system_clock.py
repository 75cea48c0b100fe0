"""The machine's clock."""

from datetime import UTC, timedelta

from ultracore_jobs.adapters.system_clock import SystemClock


def test_it_tells_utc_and_never_goes_back_here() -> None:
    """Aware, offset zero, and not before the reading before it."""
    first, second = SystemClock().now(), SystemClock().now()

    assert first.tzinfo is UTC
    assert timedelta(0) <= second - first
