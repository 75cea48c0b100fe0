"""Kill, do again, and count what was doubled or lost."""

import os
import random
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ultracore_jobs_tests.kills.boundaries import die_at, watch
from ultracore_jobs_tests.kills.forking import in_child, in_children
from ultracore_jobs_tests.kills.scenario import Scenario, Step, Tally

_TWICE = 0.25
"""Share of random kills after which the run that should recover is killed as well."""

_HOUR_SECONDS = 3600


@dataclass(frozen=True)
class Plan:
    """Where to kill.

    Attributes:
        scenario: Its name.
        at: Number of the boundary, from 1.
        again_at: Number of the boundary at which the next run is killed too; 0 if it is not.
    """

    scenario: str
    at: int
    again_at: int = 0


@dataclass(frozen=True)
class Kill:
    """One kill, and what was found when the work had been done again.

    Attributes:
        plan: Where it was to be.
        boundary: Name of the boundary.
        kills: How many runs were killed: 0 where it got through, 1 or 2.
        doubled: As `Tally`.
        lost: As `Tally`.
        faults: As `Tally`; also what stopped the run that should have recovered.
    """

    plan: Plan
    boundary: str
    kills: int
    doubled: int
    lost: int
    faults: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether it was killed as planned, and nothing was wrong afterwards."""
        return self.kills > 0 and not (self.doubled or self.lost or self.faults)


class Campaign:
    """Scenarios, prepared once in a folder, and their boundaries."""

    def __init__(self, scenarios: Iterable[Scenario], folder: Path) -> None:
        """Prepare every scenario, and do each once without a kill to learn its boundaries.

        Raises:
            RuntimeError: One does not get through, or what it leaves is wrong, with nobody killed.
        """
        self._folder = folder
        self._scenarios = {scenario.name: scenario for scenario in scenarios}
        self.boundaries: dict[str, tuple[str, ...]] = {}
        for scenario in self._scenarios.values():
            self.boundaries[scenario.name] = self._learn(scenario)

    def every(self) -> list[Plan]:
        """A plan for each boundary of each scenario."""
        return [
            Plan(scenario, at)
            for scenario, names in self.boundaries.items()
            for at in range(1, len(names) + 1)
        ]

    def new(self) -> list[Plan]:
        """A plan for each boundary that comes after another one than anywhere before it.

        Scenarios share most of their way: what was killed on it once is not killed there again.
        """
        plans = []
        seen: set[tuple[str, str]] = set()
        for scenario, names in self.boundaries.items():
            steps = list(zip(("", *names), names, strict=False))
            plans += [Plan(scenario, at) for at, step in enumerate(steps, start=1) if step not in seen]
            seen.update(steps)
        return plans

    def random(self, number: int, seed: int) -> list[Plan]:
        """So many plans, the same for the same seed: any scenario, any boundary, some killed twice."""
        chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        plans = []
        for _ in range(number):
            scenario, names = chance.choice(list(self.boundaries.items()))
            again = chance.randint(1, len(names)) if chance.random() < _TWICE else 0
            plans.append(Plan(scenario, chance.randint(1, len(names)), again))
        return plans

    def kill(self, plans: Sequence[Plan], workers: int) -> list[Kill]:
        """Carry plans out, in so many processes; in the order given.

        Raises:
            RuntimeError: A worker failed.
        """
        shares = [partial(self._kill_some, plans[start::workers], start) for start in range(workers)]
        done: list[Kill] = [*[None] * len(plans)]  # type: ignore[list-item]
        for start, ended in enumerate(in_children(shares, _HOUR_SECONDS)):
            done[start::workers] = [
                Kill(Plan(*plan), name, kills, doubled, lost, tuple(faults))
                for plan, name, kills, doubled, lost, faults in ended.value()
            ]
        return done

    def copied(self, scenario: str, name: str) -> Path:
        """A copy of a scenario's folder as it was prepared."""
        place = self._folder / name
        shutil.copytree(self._prepared(self._scenarios[scenario].prepare), place)
        return place

    def _learn(self, scenario: Scenario) -> tuple[str, ...]:
        place = self.copied(scenario.name, "learning")
        names = in_child(partial(_names, scenario, place)).value()
        found = in_child(partial(examined, scenario, place, 1)).value()
        shutil.rmtree(place)
        if any(found):
            raise RuntimeError(f"{scenario.name} is wrong with nobody killed: {found}")
        return tuple(names)

    def _kill_some(self, plans: Sequence[Plan], start: int) -> list[Any]:
        """In a worker: one after the other; as JSON can hold it."""
        done = []
        for number, plan in enumerate(plans):
            place = self.copied(plan.scenario, f"kill-{start}-{number}")
            kill = self._kill(plan, place)
            shutil.rmtree(place)
            tally = (kill.kills, kill.doubled, kill.lost, kill.faults)
            done.append([[plan.scenario, plan.at, plan.again_at], kill.boundary, *tally])
        return done

    def _kill(self, plan: Plan, place: Path) -> Kill:
        scenario = self._scenarios[plan.scenario]
        kills = 0
        faults: list[str] = []
        for attempt, at in enumerate(number for number in (plan.at, plan.again_at) if number):
            ended = in_child(partial(_killed, scenario, place, attempt, at))
            kills += ended.killed
            faults += [_last_line(ended.error)] if ended.error else []
        found = in_child(partial(examined, scenario, place, 2))
        doubled, lost, wrong = found.answer or (0, 0, ())
        faults += [*wrong, *([_last_line(found.error)] if found.error else [])]
        boundary = self.boundaries[plan.scenario][plan.at - 1]
        return Kill(plan, boundary, kills, doubled, lost, tuple(faults))

    def _prepared(self, steps: tuple[Step, ...]) -> Path:
        """The folder after *steps*, each of which is done once."""
        place = self._folder / "-".join(["prepared", *(step.__name__ for step in steps)])
        if not steps:
            place.mkdir(parents=True, exist_ok=True)
        elif not place.exists():
            shutil.copytree(self._prepared(steps[:-1]), place)
            in_child(partial(steps[-1], place)).value()
        return place


def workers() -> int:
    """As many as there are processors."""
    return os.cpu_count() or 1


def _names(scenario: Scenario, place: Path) -> list[str]:
    names: list[str] = []
    watch(place, names.append)
    scenario.act(place, 0)
    return names


def _killed(scenario: Scenario, place: Path, attempt: int, at: int) -> None:
    die_at(place, at)
    scenario.act(place, attempt)


def examined(scenario: Scenario, place: Path, attempt: int) -> tuple[int, int, tuple[str, ...]]:
    """Look, do the work again, do it once more, look: what is wrong, or changes the second time.

    As a `Tally`, in the form that JSON can hold.
    """
    met = _found("looking at what was left", lambda: scenario.interrupted(place))
    again = _found("doing it again", lambda: scenario.act(place, attempt))
    before = scenario.state(place)
    more = _found("doing it once more", lambda: scenario.act(place, attempt + 1))
    changed = ("doing it once more changed something",) if scenario.state(place) != before else ()
    outcome = _found("looking at the outcome", lambda: scenario.examine(place))
    tally = met + again + more + Tally(faults=changed) + outcome
    return tally.doubled, tally.lost, tally.faults


def _found(what: str, do: Callable[[], Any]) -> Tally:
    """What was found; where it stopped instead, that."""
    try:
        found = do()
    except Exception as error:  # noqa: BLE001 - whatever stops it is what is to be told
        return Tally(faults=(f"{what}: {type(error).__name__}: {error}",))
    return found if isinstance(found, Tally) else Tally()


def _last_line(error: str) -> str:
    return error.strip().splitlines()[-1] if error.strip() else ""
