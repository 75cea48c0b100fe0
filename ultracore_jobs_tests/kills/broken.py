"""Platforms that are wrong on purpose: each does well while nobody dies, and the harness must find it out.

A harness that has never failed proves nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from ultracore_jobs.adapters.blobs import LocalBlobs
from ultracore_jobs.adapters.local_processes import LocalProcesses
from ultracore_jobs.adapters.parquet_tables import ParquetTables
from ultracore_jobs.adapters.sql_ledger import SqlLedger
from ultracore_jobs.ports import Posting, Receipt
from ultracore_jobs_tests.kills import fees
from ultracore_jobs_tests.kills.invariants import Promise
from ultracore_jobs_tests.kills.killed_job import KilledJob, Opened
from ultracore_jobs_tests.kills.scenario import Scenario


class ReceiptAfterwards(SqlLedger):
    """Moves the money, and notes in a commit of its own that it did: who dies between moves it twice."""

    def post(self, postings: Sequence[Posting], *, actor: str, at: datetime) -> tuple[Receipt, ...]:
        """Money first."""
        self._move(postings, actor, at)
        return super().post([_without_entries(one) for one in postings], actor=actor, at=at)

    def _move(self, postings: Sequence[Posting], actor: str, at: datetime) -> None:
        """Under ids that nobody looks for, so that what stands is not found."""
        known = self.receipts(one.decision.decision_id for one in postings)
        place = self.position()
        moved = [
            _named(one, f"{one.decision.decision_id}-{place}")
            for one in postings
            if one.decision.decision_id not in known
        ]
        super().post(moved, actor=actor, at=at)


class ReceiptBefore(ReceiptAfterwards):
    """The other way round: who dies between never moves it."""

    def post(self, postings: Sequence[Posting], *, actor: str, at: datetime) -> tuple[Receipt, ...]:
        """Receipts first."""
        known = self.receipts(one.decision.decision_id for one in postings)
        noted = SqlLedger.post(self, [_without_entries(one) for one in postings], actor=actor, at=at)
        left = [one for one in postings if one.decision.decision_id not in known]
        moved = [_named(one, f"{one.decision.decision_id}-moved") for one in left]
        SqlLedger.post(self, moved, actor=actor, at=at)
        return noted


class EverybodyLives(LocalProcesses):
    """Takes every process for alive, so that a dead run's claim is never given up."""

    def lives(self, pid: int) -> bool:  # noqa: ARG002 - as the port
        """Always."""
        return True


class InPlace(LocalBlobs):
    """Writes over the manifest instead of beside it: who dies in the middle leaves half of one."""

    def replace_if_unchanged(self, path: str, data: bytes, etag: str | None) -> None:  # noqa: ARG002 - as the port
        """Into the file itself."""
        target = Path(self.address(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.write(data)


def afterwards(place: Path, hours: int = 0) -> Opened:
    """With `ReceiptAfterwards`."""
    app, engine = fees.opened(place, hours)
    return replace(app, ledger=ReceiptAfterwards(engine)), engine


def before(place: Path, hours: int = 0) -> Opened:
    """With `ReceiptBefore`."""
    app, engine = fees.opened(place, hours)
    return replace(app, ledger=ReceiptBefore(engine)), engine


def everybody_lives(place: Path, hours: int = 0) -> Opened:
    """With `EverybodyLives`."""
    app, engine = fees.opened(place, hours)
    return replace(app, processes=EverybodyLives()), engine


def in_place(place: Path, hours: int = 0) -> Opened:
    """With `InPlace`."""
    app, engine = fees.opened(place, hours)
    return replace(app, tables=ParquetTables("", app.clock, InPlace(str(place / "lake")))), engine


def _named(posting: Posting, decision_id: str) -> Posting:
    """The same under another id."""
    decision = posting.decision.model_copy(update={"decision_id": decision_id})
    return Posting(decision=decision, entries=posting.entries, outcome=posting.outcome)


def _without_entries(posting: Posting) -> Posting:
    """The same, moving nothing."""
    return Posting(decision=posting.decision, outcome=posting.outcome)


def _control(name: str, opened: Callable[[Path, int], Opened], of: Callable[..., Scenario]) -> Scenario:
    return replace(of(replace(fees.JOB, open=opened)), name=name)


# Four decisions and, under ids of their own, four more that move the money.
_EIGHT = Promise(moved=fees.CHARGED, receipts=8)
_APPLY = partial(KilledJob.scenario, name="apply", prepare=fees.APPROVED, act=fees.apply, promise=_EIGHT)
_DECIDE = partial(
    KilledJob.scenario, name="decide", prepare=fees.GIVEN, act=fees.run_alone, promise=fees.ALL_WAIT
)

CONTROLS = {
    _control("receipt afterwards", afterwards, _APPLY): "after commit uc_",
    _control("receipt before", before, _APPLY): "after commit uc_",
    _control("claims of the dead are kept", everybody_lives, _DECIDE): "after commit uc_claims",
    _control("manifests written in place", in_place, _DECIDE): "half of write fee_charges/manifest.json",
}
"""What is wrong, and the beginning of the name of each boundary at which it is killed."""
