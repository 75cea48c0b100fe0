"""The kill table: what was killed, and what was wrong afterwards. It says nothing of the machine."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

from ultracore_jobs_tests.kills.campaign import Kill

_TABLE = re.compile(r"(?<= )[a-z]\w*/(?=(\.tmp|manifest\.json|v\d+\.parquet))")
_VERSION = re.compile(r"v\d+\.parquet")
_FOLDER = re.compile(r"(?<=lake/)[a-z]\w*/\w+(/[\w-]+)?$")


def kill_table(kills: Iterable[Kill]) -> str:
    """Markdown: one table by scenario, one by boundary, whatever table of the store it is of."""
    done = list(kills)
    scenarios = _grouped(done, "Scenario", lambda kill: kill.plan.scenario)
    boundaries = _grouped(done, "Boundary", lambda kill: f"`{kind(kill.boundary)}`")
    return f"{scenarios}\n\n{boundaries}"


def kind(boundary: str) -> str:
    """A boundary's name without the table it is of: ``before link TABLE/vN.parquet``."""
    name = _VERSION.sub("vN.parquet", _TABLE.sub("TABLE/", boundary))
    return _FOLDER.sub(lambda found: "TENANT/TABLE/DAY" if found[1] else "TENANT/TABLE", name)


def faults(kills: Iterable[Kill]) -> str:
    """Each kill after which something was wrong, one a line; empty where nothing was."""
    return "\n".join(str(kill) for kill in kills if not kill.is_clean)


def _grouped(kills: list[Kill], title: str, group_of: Callable[[Kill], str]) -> str:
    groups: defaultdict[str, list[Kill]] = defaultdict(list)
    for kill in kills:
        groups[group_of(kill)].append(kill)
    rows = [_row(name, some) for name, some in groups.items()]
    head = f"| {title} | Kills | Doubled | Lost | Else wrong |\n|---|---:|---:|---:|---:|"
    return "\n".join([head, *rows, _row("**All**", kills)])


def _row(name: str, kills: list[Kill]) -> str:
    numbers = (
        sum(kill.kills for kill in kills),
        sum(kill.doubled for kill in kills),
        sum(kill.lost for kill in kills),
        sum(len(kill.faults) + (kill.kills == 0) for kill in kills),
    )
    return f"| {name} | {' | '.join(map(str, numbers))} |"
