"""Platforms to measure a fee run on: one that holds the books, and fresh ones with the same tables."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter, process_time

import sqlalchemy as sa

from benchmarks.fee_books import FIRST, NOW, PUBLISHED_AT, TENANT, draw
from benchmarks.fee_lake import write_books
from ultracore_jobs.adapters.sql_ledger import SqlLedger
from ultracore_jobs.application import Application
from ultracore_jobs.application.execution import Execution, run_job
from ultracore_jobs.application.pipeline import JobRequest
from ultracore_jobs.application.reading import moment_of
from ultracore_jobs.jobs.registry import job_type
from ultracore_jobs.lifecycle.identity import job_identifier
from ultracore_jobs.ports import Posting, Receipt
from ultracore_jobs_tests.stage import OPENED, StillClock, application

FEES = job_type("fee_charging")
STAGES = ("claim", "fetch", "kernel", "gates", "publish", "postings made", "posted", "released")


@dataclass
class Stages:
    """When each stage of one run began, on the clock and in seconds of processor."""

    begun: list[tuple[float, float]] = field(default_factory=list)

    def next(self) -> None:
        """A stage ends, and the next one begins."""
        self.begun.append((perf_counter(), process_time()))

    def follow(self, _done: float, _what: str) -> None:
        """As the progress of a job."""
        self.next()

    def taken(self) -> dict[str, tuple[float, float]]:
        """Seconds on the clock and of processor, by stage."""
        pairs = zip(STAGES, self.begun, self.begun[1:], strict=False)
        return {name: (after[0] - at[0], after[1] - at[1]) for name, at, after in pairs}


class ToldLedger(SqlLedger):
    """A ledger that says when it is asked to post, and when it has."""

    def __init__(self, engine: sa.Engine, stages: Stages) -> None:
        """Tell *stages*."""
        super().__init__(engine)
        self._stages = stages

    def post(self, postings: Sequence[Posting], *, actor: str, at: datetime) -> tuple[Receipt, ...]:
        """Post, between two stages."""
        self._stages.next()
        receipts = super().post(postings, actor=actor, at=at)
        self._stages.next()
        return receipts


def build(folder: Path, portfolios: int) -> None:
    """The books of so many portfolios in *folder*."""
    folder.mkdir(parents=True)
    write_books(_platform(folder, PUBLISHED_AT), draw(portfolios))


def fresh(books: Path, folder: Path, stages: Stages) -> Application:
    """A platform with the tables of *books* and an empty ledger; what it writes, *books* do not see."""
    shutil.copytree(books / "lake", folder / "lake", copy_function=os.link)
    app = _platform(folder, NOW)
    return replace(app, ledger=ToldLedger(OPENED[-1], stages))


def _platform(folder: Path, now: datetime) -> Application:
    return application(folder, {FEES.name: FEES}, clock=StillClock(now))


def run(app: Application, stages: Stages) -> Execution:
    """The whole job: claim, fetch, kernel, gates, publish, apply."""
    moment = moment_of(app, FEES, TENANT, FIRST, NOW)
    parameters = {"approval_limit": "1000000000000"}
    job_id = job_identifier(TENANT, FEES.name, "benchmark")
    stages.next()
    done = run_job(app, JobRequest(FEES, moment, job_id, None, parameters, "schedule:monthly"), stages.follow)
    stages.next()
    return done
