"""Fees under other strains than a kill alone; prints what came of each as JSON: ``python -m ...fee_trials``.

A process of its own, because whoever forks must not have run Polars (`forking`).
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ultracore_jobs.application.approvals import approve_batch
from ultracore_jobs.application.batches import standing_batch
from ultracore_jobs.application.freezing import freeze_money, release_money, standing_freezes
from ultracore_jobs.errors import LedgerConflictError
from ultracore_jobs_tests.kills.boundaries import die_at, watch
from ultracore_jobs_tests.kills.broken import CONTROLS
from ultracore_jobs_tests.kills.campaign import Campaign, workers
from ultracore_jobs_tests.kills.fees import (
    ACME,
    APPLY,
    FEES,
    JUNE,
    NO_LIMIT,
    SCENARIOS,
    apply,
    opened,
    run,
)
from ultracore_jobs_tests.kills.forking import Ended, in_child, start_together
from ultracore_jobs_tests.kills.scenario import Scenario

_ROUNDS = 3
"""How often two race; who wins is chance."""

_FIRST_COMMIT = "after commit uc_decisions uc_entries uc_receipts"
_STARTS = 10

Told = dict[str, Any]


def two_apply(campaign: Campaign) -> list[Told]:
    """Two processes apply the same approved batch, from the same moment on."""
    rounds = []
    for number in range(_ROUNDS):
        place = campaign.copied(APPLY.name, f"two-apply-{number}")
        both = start_together([partial(_apply_together, place, 0)] * 2)
        rounds.append(_told(both, _looked_at(APPLY, place)))
    return rounds


def two_run(campaign: Campaign) -> list[Told]:
    """Two processes run the whole job, with no limit to wait for."""
    scenario = _named("all in one")
    rounds = []
    for number in range(_ROUNDS):
        place = campaign.copied(scenario.name, f"two-run-{number}")
        both = start_together([partial(_run_together, place)] * 2)
        rounds.append(_told(both, _looked_at(scenario, place)))
    return rounds


def one_of_two_dies(campaign: Campaign) -> list[Told]:
    """Two apply the same batch; one is killed before, in, or after its first commit.

    Where the other was so quick that nothing was left for the one to die at, they start again.
    """
    names = campaign.boundaries[APPLY.name]
    first = names.index(_FIRST_COMMIT) + 1
    rounds = []
    for at in (first - 2, first - 1, first):
        told: Told = {}
        for start in range(_STARTS):
            place = campaign.copied(APPLY.name, f"one-dies-{at}-{start}")
            both = start_together([partial(_apply_together, place, at), partial(_apply_together, place, 0)])
            told = _told(both, _looked_at(APPLY, place))
            if told["runs"][0]["killed"]:
                break
        rounds.append(told)
    return rounds


def two_approve(campaign: Campaign) -> list[Told]:
    """Olga and Paul approve the same batch."""
    scenario = _named("approve")
    place = campaign.copied(scenario.name, "two-approve")
    both = start_together([partial(_approve_together, place, who) for who in ("olga", "paul")])
    return [_told(both, _looked_at(scenario, place))]


def frozen_in_the_middle(campaign: Campaign) -> list[Told]:
    """Effects are frozen after the first of two commits; the rest waits until they are released."""
    place = campaign.copied(APPLY.name, "frozen")
    runs = [in_child(partial(work, place)) for work in (_apply_and_freeze, _apply_frozen, _apply_released)]
    return [_told(runs, _looked_at(APPLY, place))]


def controls(folder: Path) -> dict[str, list[Told]]:
    """What the harness finds of platforms that are wrong on purpose."""
    campaign = Campaign(CONTROLS, folder)
    plans = [
        plan
        for scenario, where in CONTROLS.items()
        for plan in campaign.every()
        if plan.scenario == scenario.name
        and campaign.boundaries[scenario.name][plan.at - 1].startswith(where)
    ]
    found: dict[str, list[Told]] = {scenario.name: [] for scenario in CONTROLS}
    for kill in campaign.kill(plans, workers()):
        found[kill.plan.scenario].append(asdict(kill))
    return found


TRIALS: tuple[Callable[[Campaign], list[Told]], ...] = (
    two_apply,
    two_run,
    one_of_two_dies,
    two_approve,
    frozen_in_the_middle,
)


def main() -> None:
    """Do all, and print what came of each."""
    with TemporaryDirectory() as folder:
        campaign = Campaign(SCENARIOS[:4], Path(folder) / "trials")
        told: dict[str, Any] = {trial.__name__: trial(campaign) for trial in TRIALS}
        told["controls"] = controls(Path(folder) / "controls")
    sys.stdout.write(json.dumps(told))


def _apply_together(place: Path, dies_at: int, wait: Callable[[], None]) -> Told:
    if dies_at:
        die_at(place, dies_at)
    app, _ = opened(place, 1)
    wait()
    return apply(app).as_json()


def _run_together(place: Path, wait: Callable[[], None]) -> str:
    app, _ = opened(place, 1)
    wait()
    return run(app, approval_limit=NO_LIMIT).status.value


def _approve_together(place: Path, who: str, wait: Callable[[], None]) -> str:
    app, _ = opened(place, 1)
    batch = standing_batch(app, app.jobs[FEES.name], tenant=ACME, as_of=JUNE)
    wait()
    try:
        approve_batch(app, batch.batch.batch_id, actor=who, note="totals looked at")
    except LedgerConflictError:
        return "the other was first"
    return "approved"


def _apply_and_freeze(place: Path) -> Told:
    """Paul freezes from elsewhere as soon as something is committed."""
    app, _ = opened(place, 1)
    other, _ = opened(place, 1)

    def reached(name: str) -> None:
        if name == _FIRST_COMMIT and not standing_freezes(other):
            freeze_money(other, actor="paul", reason="the bank is down")

    watch(place, reached)
    return apply(app).as_json()


def _apply_frozen(place: Path) -> Told:
    return apply(opened(place, 2)[0]).as_json()


def _apply_released(place: Path) -> Told:
    app, _ = opened(place, 3)
    for freeze in standing_freezes(app):
        release_money(app, freeze.freeze_id, actor="paul", note="it is up again")
    return apply(app).as_json()


def _looked_at(scenario: Scenario, place: Path) -> Told:
    """What is wrong before anything is done again."""
    return dict(in_child(lambda: asdict(scenario.examine(place))).value())


def _told(runs: list[Ended], wrong: Told) -> Told:
    return {"runs": [asdict(ended) for ended in runs], "wrong": wrong}


def _named(name: str) -> Scenario:
    return next(one for one in SCENARIOS if one.name == f"{FEES.name}: {name}")


if __name__ == "__main__":
    main()
