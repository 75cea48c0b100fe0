"""What every `Claims` must keep to."""

import multiprocessing
from collections.abc import Callable

import pytest

from ultracore_jobs.errors import UnknownNameError
from ultracore_jobs.ports import Claim, Claims
from ultracore_jobs_tests.contracts.charges import ACME, AT_ELEVEN, AT_TEN, claim, claim_together


class ClaimsContract:
    """Inherit it in a ``Test...`` class that has the fixture `open_claims`."""

    @pytest.fixture
    def open_claims(self) -> Callable[[], Claims]:
        """Opens the claims under test, in this process or in another, so it must be picklable."""
        raise NotImplementedError

    @pytest.fixture
    def claims(self, open_claims: Callable[[], Claims]) -> Claims:
        """The claims under test, none taken."""
        return open_claims()

    def test_one_run_holds_a_period_at_a_time(self, claims: Claims) -> None:
        """Another job of the same month loses; another month, tenant or type does not."""
        first = claim(claims)

        assert first == Claim(
            job_type="fee_charging",
            tenant=ACME,
            period="2026-01-01",
            job_id="job_1",
            attempt=1,
            run_id="run_1",
            pid=41,
            boot_id="boot_1",
            claimed_at=AT_TEN,
        )
        assert claim(claims, job_id="job_2", run_id="run_2") is None
        assert claims.holder("fee_charging", ACME, "2026-01-01") == first
        assert claim(claims, job_id="job_3", run_id="run_3", period="2026-02-01") is not None
        assert claim(claims, job_id="job_4", run_id="run_4", tenant="beta") is not None
        assert claim(claims, job_id="job_5", run_id="run_5", job_type="risk_assessment") is not None

    def test_an_attempt_is_used_once(self, claims: Claims) -> None:
        """Also after it was given back: the same job launched twice is one job."""
        first = claim(claims)
        claims.release(first, at=AT_ELEVEN)

        assert claim(claims, run_id="run_2") is None
        assert claim(claims) is None
        retry = claim(claims, run_id="run_2", attempt=2)
        assert retry is not None
        assert [one.attempt for one in claims.attempts("job_1")] == [1, 2]

    def test_the_run_that_holds_a_claim_may_ask_again(self, claims: Claims) -> None:
        """Its compute step and its effect step are processes of one run; another run may not."""
        first = claim(claims)

        assert claim(claims, pid=42, at=AT_ELEVEN) == first
        assert claim(claims, run_id="run_2") is None

    def test_a_released_period_can_be_taken_by_another_job(self, claims: Claims) -> None:
        """The history says who held it until when; a second release changes nothing."""
        first = claim(claims)
        claims.release(first, at=AT_TEN)
        claims.release(first, at=AT_ELEVEN)

        assert claims.holder("fee_charging", ACME, "2026-01-01") is None
        [kept] = claims.attempts("job_1")
        assert (kept.released_at, kept.release_reason) == (AT_TEN, "done")
        assert claim(claims, job_id="job_2", run_id="run_2") is not None

    def test_releasing_what_was_never_claimed_is_an_error(self, claims: Claims) -> None:
        """Somebody mixed up job ids."""
        first = claim(claims)

        with pytest.raises(UnknownNameError, match="job_9 attempt 1"):
            claims.release(first.model_copy(update={"job_id": "job_9"}), at=AT_ELEVEN)

    def test_a_dead_owner_is_swept_and_a_live_one_is_not(self, claims: Claims) -> None:
        """After a restart of the machine the pid may live again: it is the boot that tells."""
        claim(claims)
        other = claim(claims, job_id="job_2", run_id="run_2", tenant="beta", boot_id="boot_2")

        swept = claims.sweep(lambda held: held.boot_id != "boot_2", at=AT_ELEVEN)

        assert [(one.job_id, one.release_reason, one.released_at) for one in swept] == [
            ("job_1", "owner died", AT_ELEVEN)
        ]
        assert claims.attempts("job_1") == swept
        assert claims.holder("fee_charging", "beta", "2026-01-01") == other
        assert claims.sweep(lambda held: held.boot_id != "boot_2", at=AT_ELEVEN) == ()
        assert claim(claims, attempt=2, run_id="run_3") is not None

    def test_of_processes_that_claim_at_once_one_wins(
        self, claims: Claims, open_claims: Callable[[], Claims]
    ) -> None:
        """Two runs, one period."""
        spawn = multiprocessing.get_context("spawn")
        together, answers = spawn.Barrier(2), spawn.Queue()
        runs = [
            spawn.Process(target=claim_together, args=(open_claims, together, name, answers))
            for name in ("run_left", "run_right")
        ]
        for run in runs:
            run.start()
        got = dict(answers.get(timeout=60) for _ in runs)
        for run in runs:
            run.join(60)

        assert sorted(got.values()) == [False, True]
        winner = claims.holder("fee_charging", ACME, "2026-01-01")
        assert winner is not None
        assert got[winner.run_id]
