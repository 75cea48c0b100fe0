"""A job with an effect, to be killed: what all such jobs promise, so that each says only what is its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ultracore_jobs.application import Application
from ultracore_jobs.application.batches import standing_batch
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs_tests.kills.invariants import (
    Promise,
    lawful,
    moved_as_promised,
    nobody_holds_a_claim,
    noted,
    readable,
    state_of,
)
from ultracore_jobs_tests.kills.scenario import Scenario, Step, Tally

Opened = tuple[Application, sa.Engine]

_LATER = 24
"""Hours after which the outcome is looked at."""


@dataclass(frozen=True, kw_only=True)
class KilledJob:
    """One job type, for one tenant and day, on a platform of `ultracore_jobs_tests.stage`.

    Attributes:
        spec: The job type.
        tenant: Whose.
        as_of: Logical date.
        job_id: The job that stands for its tables in the end.
        open: Opens the platform in a folder, at an instant that is so many hours after the first.
    """

    spec: JobSpec
    tenant: str
    as_of: date
    job_id: str
    open: Callable[[Path, int], Opened]

    def scenario(
        self, name: str, prepare: tuple[Step, ...], act: Callable[[Application], Any], promise: Promise
    ) -> Scenario:
        """One thing that is done with it.

        Args:
            name: What.
            prepare: As of `Scenario`.
            act: Does it; done again, it changes nothing.
            promise: What must be there in the end.
        """

        def act_on(place: Path, attempt: int) -> None:
            act(self.open(place, attempt + 1)[0])

        return Scenario(
            name=f"{self.spec.name}: {name}",
            prepare=prepare,
            act=act_on,
            interrupted=self.interrupted,
            examine=lambda place: self.examine(place, promise),
            state=lambda place: state_of(place / "ultracore.db", place / "lake"),
        )

    def interrupted(self, place: Path) -> Tally:
        """What a reader may see at any moment: whole decisions, and whole tables or none."""
        app, engine = self.open(place, _LATER)
        with engine.connect() as connection:
            laws = lawful(connection)
        return laws + readable(app.tables, self.spec.writes, tenant=self.tenant, as_of=self.as_of)

    def examine(self, place: Path, promise: Promise) -> Tally:
        """Hold the outcome against what was promised."""
        app, engine = self.open(place, _LATER)
        with engine.connect() as connection:
            money = moved_as_promised(connection, promise)
            claims = nobody_holds_a_claim(connection)
        left = standing_batch(app, self.spec, tenant=self.tenant, as_of=self.as_of).left.height
        early = promise.waiting - left
        faults = (f"{early} decision(s) applied without a person",) if early > 0 else ()
        undone = Tally(lost=max(left - promise.waiting, 0), faults=faults)
        notes = noted(app.tables, self.spec.writes, tenant=self.tenant, as_of=self.as_of, job_id=self.job_id)
        return money + claims + undone + notes + self.interrupted(place)
