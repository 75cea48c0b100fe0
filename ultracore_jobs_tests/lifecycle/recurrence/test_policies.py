"""What still runs after an outage, beside a running job, and in a freeze."""

from datetime import UTC, datetime, timedelta

import pytest

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence import (
    CatchUp,
    FreezeWindow,
    OnOverlap,
    Overlap,
    judge_overlap,
    reckon,
)

DAY = timedelta(days=1)
MONDAY = datetime(2026, 11, 16, 2, tzinfo=UTC)
MISSED = [MONDAY, MONDAY + DAY, MONDAY + 2 * DAY]
THURSDAY_MORNING = MONDAY + 2 * DAY + timedelta(hours=6)
A_MINUTE = timedelta(minutes=1)


def test_all_runs_each_oldest_first_however_late() -> None:
    """Three days off: Monday's, Tuesday's and Wednesday's fees, in that order; none is merged."""
    reckoning = reckon(
        reversed(MISSED), policy=CatchUp.ALL, now=MONDAY + 400 * DAY, grace=timedelta(hours=24)
    )
    assert reckoning.run == tuple(MISSED)
    assert reckoning.dropped == ()


def test_latest_runs_the_newest_and_says_so_of_the_others() -> None:
    """Wednesday's rates; the older two would be overwritten."""
    reckoning = reckon(MISSED, policy=CatchUp.LATEST, now=THURSDAY_MORNING, grace=A_MINUTE)

    assert reckoning.run == (MISSED[2],)
    assert reckoning.dropped == (
        (MISSED[0], "superseded by the occurrence of 2026-11-18 02:00 UTC"),
        (MISSED[1], "superseded by the occurrence of 2026-11-18 02:00 UTC"),
    )


def test_none_runs_only_what_is_not_late() -> None:
    """No digest of three days ago, nor of six hours ago; up to the end of the grace, it goes out."""
    late = reckon(MISSED, policy=CatchUp.NONE, now=THURSDAY_MORNING, grace=A_MINUTE)
    assert late.run == ()
    assert [at for at, _ in late.dropped] == MISSED
    assert late.dropped[0][1] == "later than 0:01:00, and not caught up"

    punctual = reckon(MISSED, policy=CatchUp.NONE, now=MISSED[2] + A_MINUTE, grace=A_MINUTE)
    assert punctual.run == (MISSED[2],)


@pytest.mark.parametrize("policy", CatchUp)
def test_what_is_not_due_yet_is_not_looked_at(policy: CatchUp) -> None:
    """Nothing due: nothing runs, nothing is dropped. Due this very moment: it runs."""
    early = reckon(MISSED, policy=policy, now=MONDAY - A_MINUTE, grace=A_MINUTE)
    assert (early.run, early.dropped) == ((), ())
    assert reckon(MISSED, policy=policy, now=MONDAY, grace=A_MINUTE).run == (MONDAY,)


@pytest.mark.parametrize(
    ("policy", "period", "waiting", "action"),
    [
        (Overlap.SKIP, "2026-11-17", 0, OnOverlap.SKIP),
        (Overlap.BUFFER_ONE, "2026-11-17", 0, OnOverlap.WAIT),
        (Overlap.BUFFER_ONE, "2026-11-17", 1, OnOverlap.SKIP),
        (Overlap.ALLOW_OTHER_PERIODS, "2026-11-17", 0, OnOverlap.START),
        (Overlap.ALLOW_OTHER_PERIODS, "2026-11-16", 0, OnOverlap.SKIP),
        (Overlap.CANCEL_OTHER, "2026-11-17", 0, OnOverlap.CANCEL_THEN_START),
    ],
)
def test_an_overlap_is_judged(policy: Overlap, period: str, waiting: int, action: OnOverlap) -> None:
    """Monday's job, 2026-11-16, is still running."""
    verdict = judge_overlap(policy, period=period, running={"2026-11-16"}, waiting=waiting)

    assert verdict.action is action
    assert (verdict.reason is None) == (action is OnOverlap.START)
    if verdict.reason:
        assert verdict.reason.startswith("the job of 2026-11-16 is still running")


@pytest.mark.parametrize("policy", Overlap)
def test_without_another_job_running_it_starts(policy: Overlap) -> None:
    """Whatever the policy."""
    assert judge_overlap(policy, period="2026-11-17", running=(), waiting=0).action is OnOverlap.START


def test_a_freeze_is_half_open_and_not_empty() -> None:
    """From its first instant to just before its last."""
    window = FreezeWindow(MONDAY, MONDAY + DAY, "year end")

    assert window.reason_at(MONDAY) == "frozen until 2026-11-17 02:00 UTC: year end"
    assert window.reason_at(MONDAY + DAY - timedelta(microseconds=1)) is not None
    assert window.reason_at(MONDAY + DAY) is None
    assert window.reason_at(MONDAY - A_MINUTE) is None
    with pytest.raises(UsageError, match="write an end after the start"):
        FreezeWindow(MONDAY, MONDAY, "nothing")
