"""Relaying without end, on a clock that nobody waits for."""

from collections.abc import Iterator

from ultracore_jobs.application.relaying import follow
from ultracore_jobs.errors import StoreError
from ultracore_jobs.ports.relay import Relayed

DOWN = StoreError("Kafka is down")


class ScriptedRelay:
    """A relay whose passes end as the test says."""

    def __init__(self, *passes: Relayed | StoreError) -> None:
        """In this order."""
        self._passes: Iterator[Relayed | StoreError] = iter(passes)

    def relay(self, limit: int = 10_000) -> Relayed:  # noqa: ARG002 - its form
        """The next one."""
        done = next(self._passes)
        if isinstance(done, StoreError):
            raise done
        return done

    def behind(self) -> int:
        """Nobody asks."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to let go."""


def waits(*passes: Relayed | StoreError) -> list[float]:
    """How long was waited after each pass; told to stop after the last."""
    waited: list[float] = []
    reported: list[Relayed | StoreError] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return len(waited) == len(passes)

    follow(ScriptedRelay(*passes), wait, reported.append)
    assert reported == list(passes)
    return waited


def test_as_long_as_there_is_more_nobody_waits() -> None:
    """And a second when all is sent."""
    assert waits(Relayed(10_000, 4_000), Relayed(4_000, 0), Relayed(0, 0)) == [0, 1, 1]


def test_what_does_not_work_is_tried_ever_less_often() -> None:
    """Two seconds, doubled up to a minute, for days; from the start again once it worked."""
    assert waits(*[DOWN] * 8, Relayed(1, 0), DOWN) == [2, 4, 8, 16, 32, 60, 60, 60, 1, 2]
