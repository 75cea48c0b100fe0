"""Fees are taken once and none is forgotten, whoever dies wherever, and whoever else works meanwhile."""

from typing import Any

import pytest

from ultracore_jobs_tests.kills.outcome import outcome_of, survived

Told = dict[str, Any]

CLEAN = {"doubled": 0, "lost": 0, "faults": []}


@pytest.fixture(scope="module")
def trials() -> dict[str, Any]:
    """What came of every trial; they share what was prepared."""
    return dict(outcome_of(".fee_trials"))


@pytest.mark.slow
def test_no_fee_is_doubled_or_lost_wherever_a_run_is_killed() -> None:
    """Decide, approve, apply, all in one, decide again, adjust: at each boundary on the way, once."""
    kills = survived("fees")

    assert {kill["plan"]["scenario"].partition(": ")[2] for kill in kills} == {
        "decide", "approve", "apply", "all in one", "decide again", "adjust",
    }  # fmt: skip
    names = {kill["boundary"] for kill in kills}
    for what in (
        "after commit uc_claims",
        "half of write fee_charges/.tmp",
        "after replace fee_charges/manifest.json",
        "before replace _jobs/job.json",
        "after commit uc_approvals",
        "before commit uc_decisions uc_entries uc_receipts",
        "after commit uc_decisions uc_entries uc_receipts",
    ):
        assert what in names
    assert len(kills) > 100


@pytest.mark.slow
def test_two_who_apply_one_batch_apply_it_once(trials: dict[str, Any]) -> None:
    """From the same moment on; both end well, and both name the same four receipts."""
    for told in trials["two_apply"]:
        assert told["wrong"] == CLEAN
        assert [run["answer"]["posted"] + run["answer"]["blocked"] for run in told["runs"]] == [4, 4]


@pytest.mark.slow
def test_two_who_run_one_job_charge_once(trials: dict[str, Any]) -> None:
    """At least one gets through; who comes second is ignored, or finds all done."""
    for told in trials["two_run"]:
        assert told["wrong"] == CLEAN
        assert [run["error"] for run in told["runs"]] == ["", ""]
        assert "COMPLETED_WITH_ERRORS" in {run["answer"] for run in told["runs"]}


@pytest.mark.slow
def test_who_survives_applies_what_the_other_left(trials: dict[str, Any]) -> None:
    """One of two is killed before, in, or after its first commit: nobody needs to run it again."""
    for told in trials["one_of_two_dies"]:
        assert [run["killed"] for run in told["runs"]] == [True, False]
        assert told["wrong"] == CLEAN


@pytest.mark.slow
def test_of_two_who_approve_one_is_first(trials: dict[str, Any]) -> None:
    """And nothing is taken by approving."""
    [told] = trials["two_approve"]

    assert {run["answer"] for run in told["runs"]} == {"approved", "the other was first"}
    assert told["wrong"] == CLEAN


@pytest.mark.slow
def test_a_freeze_in_the_middle_keeps_what_was_taken_and_stops_the_rest(trials: dict[str, Any]) -> None:
    """Two of four are committed; frozen, none follows; released, the other two do, each once."""
    [told] = trials["frozen_in_the_middle"]
    runs = [run["answer"] for run in told["runs"]]

    assert [run["status"] for run in runs] == ["FROZEN", "FROZEN", "COMPLETED"]
    assert [run["posted"] + run["blocked"] for run in runs] == [2, 0, 2]
    assert told["wrong"] == CLEAN


@pytest.mark.slow
def test_the_harness_finds_a_ledger_that_doubles(trials: dict[str, Any]) -> None:
    """Money first, its receipt in another commit: five accounts move twice if it dies between, only then."""
    between, after = trials["controls"]["receipt afterwards"]

    assert (between["doubled"], between["lost"]) == (5, 0)
    assert (after["doubled"], after["lost"], after["faults"]) == (0, 0, [])


@pytest.mark.slow
def test_the_harness_finds_a_ledger_that_forgets(trials: dict[str, Any]) -> None:
    """The receipt first: five accounts never move."""
    between, after = trials["controls"]["receipt before"]

    assert (between["doubled"], between["lost"]) == (0, 5)
    assert (after["doubled"], after["lost"], after["faults"]) == (0, 0, [])


@pytest.mark.slow
def test_the_harness_finds_a_claim_that_outlives_its_owner(trials: dict[str, Any]) -> None:
    """The run that should recover is told that the dead one works; not so once the claim was given back."""
    holding, released = trials["controls"]["claims of the dead are kept"]

    assert any("runs already" in fault for fault in holding["faults"])
    assert released["faults"] == []


@pytest.mark.slow
def test_the_harness_finds_a_manifest_torn_in_two(trials: dict[str, Any]) -> None:
    """Readers meet it before anybody can mend it."""
    [torn] = trials["controls"]["manifests written in place"]

    assert any("manifest.json cannot be read" in fault for fault in torn["faults"])
