"""One run at a time for one job of one period; who comes second does nothing, and says so."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from ultracore_jobs.adapters.sql_claims import SqlClaims
from ultracore_jobs.application import Application
from ultracore_jobs.application.execution import Execution, run_job
from ultracore_jobs.application.pipeline import JobRequest, execute
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.application.results import Status
from ultracore_jobs.errors import GateError
from ultracore_jobs.ports import Claim
from ultracore_jobs_tests.stage import FRIDAY, MONDAY, OPENED, StillClock, application, load
from ultracore_jobs_tests.toys import ACCOUNT_BALANCE, ACCOUNTS, BALANCES, TOYS, accounts

ACACIA = "acacia"


@dataclass
class Machine:
    """A machine whose processes the test starts and kills."""

    me: int = 1
    boot: str = "boot-1"
    alive: set[int] = field(default_factory=lambda: {1})

    def pid(self) -> int:
        """The process that the test is in."""
        return self.me

    def boot_id(self) -> str:
        """Which start of the machine."""
        return self.boot

    def lives(self, pid: int) -> bool:
        """Whether the test has not killed it."""
        return pid in self.alive


class LookedBefore(SqlClaims):
    """The claims of a process that looked for attempts before there were any."""

    def attempts(self, job_id: str) -> tuple[Claim, ...]:  # noqa: ARG002 - as the port
        """None, at that time."""
        return ()


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Two accounts of acacia, and the factors of Friday and Monday."""
    app = replace(application(tmp_path, TOYS, clock=StillClock()), processes=Machine())
    load(app, ACCOUNTS, accounts(A="10.00", B="20.00"), tenant=ACACIA)
    for day in (FRIDAY, MONDAY):
        moment = Moment("shared", day, app.clock.now())
        execute(app, JobRequest(app.jobs["daily_factor"], moment, f"job_factor{day.day}"))
    return app


def run(app: Application, job_id: str = "job_1", **given: Any) -> Execution:
    """`account_balance`, of Friday if nothing else is given."""
    moment = Moment(ACACIA, given.pop("day", FRIDAY), app.clock.now())
    spec = given.pop("spec", app.jobs["account_balance"])
    return run_job(app, JobRequest(spec, moment, job_id, given.pop("run_id", None), given))


def held(app: Application, **changed: Any) -> Claim:
    """Another job's claim on Friday, by process 2 of this machine."""
    wanted: dict[str, Any] = {
        "job_type": "account_balance",
        "tenant": ACACIA,
        "period": FRIDAY.isoformat(),
        "job_id": "job_other",
        "attempt": 1,
        "run_id": "run_other",
        "pid": 2,
        "boot_id": "boot-1",
        "at": app.clock.now(),
    }
    claim = app.claims.claim(**(wanted | changed))
    assert claim is not None
    return claim


def living(app: Application, *pids: int) -> Application:
    """The platform on a machine on which these processes live, besides the test's own."""
    return replace(app, processes=Machine(alive={1, *pids}))


def written(app: Application, day: str = FRIDAY.isoformat()) -> int:
    """How many versions of the balances there are."""
    return len(app.tables.versions(BALANCES, tenant=ACACIA, partition=day))


def test_who_loses_writes_nothing_and_says_why(app: Application) -> None:
    """Neither a table, nor a note of the job, nor a claim; the winner's claim stays as it was."""
    other = held(app)

    done = run(living(app, 2))

    assert (done.status, done.completion, done.applied) == (Status.IGNORED, None, None)
    assert done.why == "account_balance for acacia on 2026-11-20 runs already"
    assert written(app) == 0
    assert app.tables.written_by("job_1") == ()
    assert app.claims.attempts("job_1") == ()
    assert app.claims.holder("account_balance", ACACIA, FRIDAY.isoformat()) == other


def test_another_day_is_not_in_the_way(app: Application) -> None:
    """A claim is of one period."""
    held(app)

    assert run(living(app, 2), day=MONDAY).status is Status.COMPLETED


def test_who_died_is_succeeded(app: Application) -> None:
    """Process 2 is gone: its claim is given up on record, and this run does the work."""
    held(app)
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]

    assert run(app).status is Status.COMPLETED
    [given_up] = app.claims.attempts("job_other")
    assert (given_up.release_reason, given_up.released_at) == ("owner died", app.clock.now())
    [done] = app.claims.attempts("job_1")
    assert done.release_reason == "done"


def test_a_restarted_machine_does_not_know_who_died_elsewhere(app: Application) -> None:
    """A process of another boot, or of another machine, cannot be seen from here: its claim holds."""
    held(app, boot_id="boot-0")

    assert run(app).status is Status.IGNORED
    assert written(app) == 0


def test_a_dead_claim_on_another_day_is_left_alone(app: Application) -> None:
    """It is for the run of that day to judge."""
    other = held(app, period=MONDAY.isoformat())

    run(app)

    assert app.claims.holder("account_balance", ACACIA, MONDAY.isoformat()) == other


def test_a_claim_is_given_back_whatever_happens(app: Application) -> None:
    """After a broken law, after a missing input and after success, the next run may start."""
    with pytest.raises(GateError):
        run(app, skew=True)
    skipped = run(app, day=MONDAY + timedelta(days=1))
    done = run(app)

    assert (skipped.status, done.status) == (Status.SKIPPED_UPSTREAM, Status.COMPLETED)
    assert [claim.attempt for claim in app.claims.attempts("job_1")] == [1, 2, 3]
    assert {claim.release_reason for claim in app.claims.attempts("job_1")} == {"done"}


@pytest.mark.parametrize("job_id", ["job_1", "job_2"], ids=["the same job", "another job"])
def test_of_two_processes_in_the_middle_of_each_other_one_works(app: Application, job_id: str) -> None:
    """While process 1 computes, process 2 starts, in no run of Dagster: it loses, whosever the job is."""
    second = replace(app, processes=Machine(me=2, alive={1, 2}))
    seen: list[tuple[Status, int]] = []

    def meanwhile() -> None:
        seen.append((run(second, job_id).status, written(app)))

    first = run(app, spec=replace(ACCOUNT_BALANCE, kernel=interrupted(ACCOUNT_BALANCE.kernel, meanwhile)))

    assert seen == [(Status.IGNORED, 0)]
    assert first.status is Status.COMPLETED
    assert written(app) == 1
    [claim] = app.claims.attempts("job_1")
    assert (claim.pid, claim.release_reason) == (1, "done")


def test_of_two_processes_that_start_in_the_same_instant_one_works(app: Application) -> None:
    """Both look for earlier attempts of the job before either claims, so both want to make the first."""
    second = replace(app, processes=Machine(me=2, alive={1, 2}), claims=LookedBefore(OPENED[-1]))
    seen: list[tuple[Status, int]] = []

    def meanwhile() -> None:
        seen.append((run(second).status, written(app)))

    first = run(app, spec=replace(ACCOUNT_BALANCE, kernel=interrupted(ACCOUNT_BALANCE.kernel, meanwhile)))

    assert seen == [(Status.IGNORED, 0)]
    assert first.result["written"] == {"balances": 2}


def interrupted(kernel: Callable[..., Any], meanwhile: Callable[[], None]) -> Callable[..., Any]:
    """A kernel during which something else happens."""

    @wraps(kernel)
    def slow(**tables: Any) -> Any:
        meanwhile()
        return kernel(**tables)

    return slow
