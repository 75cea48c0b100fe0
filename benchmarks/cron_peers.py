"""Other programs that know cron, asked alike: Dagster's iterator, croniter, cronsim."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from zoneinfo import ZoneInfo

from dagster._utils.schedules import is_valid_cron_string, schedule_execution_time_iterator

from ultracore_jobs.lifecycle.recurrence import Cron
from ultracore_jobs_tests.lifecycle.recurrence.patterns import clock_changes, dagster_oddity

_A_MINUTE = timedelta(minutes=1)
_A_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Question:
    """From *instant*, itself included, the firings of *expression* in *zone*, forwards or backwards."""

    expression: str
    zone: str
    instant: datetime
    forward: bool


@dataclass(frozen=True)
class Peer:
    """Another program that knows cron.

    Attributes:
        name: With its version.
        ask: The instants, in UTC.
        excuse: Why it may differ from us around some instants; None if it may not.
        takes: Whether it accepts an expression.
    """

    name: str
    ask: Callable[[Question], Iterator[datetime]]
    excuse: Callable[[str, str, list[datetime]], str | None]
    takes: Callable[[str], bool]


def ours(question: Question) -> Iterator[datetime]:
    """Our own answer."""
    cron = Cron(question.expression, question.zone)
    if question.forward:
        yield from (firing.at for firing in cron.firings_from(question.instant))
        return
    at = cron.previous(question.instant + _A_MICROSECOND)
    while at:
        yield at
        at = cron.previous(at)


def ask_dagster(question: Question) -> Iterator[datetime]:
    """What Dagster ticks its schedules by."""
    found = schedule_execution_time_iterator(
        question.instant.timestamp(), question.expression, question.zone, ascending=question.forward
    )
    return (at.astimezone(UTC) for at in found)


def ask_croniter(question: Question) -> Iterator[datetime]:
    """Croniter, given an aware datetime."""
    start = question.instant + (-_A_MICROSECOND if question.forward else _A_MICROSECOND)
    found = import_module("croniter").croniter(question.expression, start.astimezone(ZoneInfo(question.zone)))
    step = found.get_next if question.forward else found.get_prev
    while True:
        yield step(datetime).astimezone(UTC)


def ask_cronsim(question: Question) -> Iterator[datetime]:
    """Cronsim, given an aware datetime; it looks from the next whole minute on."""
    start = question.instant + (-_A_MICROSECOND if question.forward else _A_MINUTE)
    found = import_module("cronsim").CronSim(
        question.expression,
        start.replace(second=0, microsecond=0).astimezone(ZoneInfo(question.zone)),
        reverse=not question.forward,
    )
    return (at.astimezone(UTC) for at in found)


def croniter_excuse(expression: str, zone: str, instants: list[datetime]) -> str | None:
    """Why croniter may differ."""
    del expression
    return "a repeated hour: croniter fires both times" if _near(zone, instants, forward=False) else None


def cronsim_excuse(expression: str, zone: str, instants: list[datetime]) -> str | None:
    """Why cronsim, which follows Debian's cron, may differ."""
    minute, hour, day, _, weekday = expression.split()
    if "*" not in {day, weekday} and "*" in day + weekday:
        return "`*/n` beside another day field: Debian's cron takes it for `*`, and wants both to match"
    starred = minute.startswith("*") or hour.startswith("*")
    every_hour = Cron(expression).fields.every_hour
    if _near(zone, instants, forward=False):
        return "a repeated hour: Debian's cron fires both times after a leading `*`, else the first time"
    if starred and _near(zone, instants, forward=True):
        return "a skipped hour: Debian's cron leaves it out after a leading `*`"
    if every_hour and _near(zone, instants, forward=True):
        return "a skipped hour: Debian's cron does not see that other words mean all 24"
    return None


def _near(zone: str, instants: list[datetime], *, forward: bool) -> bool:
    """Whether the clocks of *zone* change that way within the size of the change of *instants*."""
    return any(
        change.forward is forward and abs(change.at - at) <= abs(change.after - change.before)
        for change in clock_changes(zone)
        for at in instants
    )


def peers() -> list[Peer]:
    """Dagster, and those of the others that are installed."""
    found = [Peer(f"Dagster {version('dagster')}", ask_dagster, dagster_oddity, is_valid_cron_string)]
    if find_spec("croniter"):
        takes = import_module("croniter").croniter.is_valid
        found.append(Peer(f"croniter {version('croniter')}", ask_croniter, croniter_excuse, takes))
    if find_spec("cronsim"):
        found.append(Peer(f"cronsim {version('cronsim')}", ask_cronsim, cronsim_excuse, _cronsim_takes))
    return found


def _cronsim_takes(expression: str) -> bool:
    cronsim = import_module("cronsim")
    try:
        cronsim.CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
    except cronsim.CronSimError:
        return False
    return True
