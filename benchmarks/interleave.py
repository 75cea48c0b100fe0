"""Runs variants of one task in turns, each in a process of its own, and says what each took.

In turns (A B C A B C), because a machine that is busy for a minute must not decide who wins; in its
own process, because only then the peak of its memory is its own. Compare ratios within one table;
never figures of two tables.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time


@dataclass(frozen=True)
class Turn:
    """One run of one variant.

    Attributes:
        wall: Seconds on the clock.
        cpu: Seconds of processor, all threads.
        peak_mib: Greatest resident memory of the process, imports and warm-up included.
    """

    wall: float
    cpu: float
    peak_mib: float


def measure(task: Callable[[], object], warm_up: Callable[[], object]) -> Turn:
    """Run *task* once in this process, after *warm_up*."""
    warm_up()
    started, cpu = perf_counter(), process_time()
    task()
    wall, used = perf_counter() - started, process_time() - cpu
    return Turn(wall, used, _peak_mib())


def _peak_mib() -> float:
    """VmHWM; `ru_maxrss` would also count what the parent process held when it forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def report(turn: Turn) -> None:
    """Tell the parent process."""
    print(json.dumps(vars(turn)))


def interleave(commands: Mapping[str, list[str]], rounds: int) -> dict[str, list[Turn]]:
    """Run every command once a round, in order; each prints a `Turn` as its last line.

    Raises:
        subprocess.CalledProcessError: A variant failed; what it said is on standard error.
    """
    turns: dict[str, list[Turn]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            done = subprocess.run(  # noqa: S603 - our own script, with our own arguments
                [sys.executable, *command], check=True, stdout=subprocess.PIPE, text=True
            )
            turns[name].append(Turn(**json.loads(done.stdout.splitlines()[-1])))
    return turns


def table(turns: Mapping[str, list[Turn]], *, limit: str, peer: str) -> str:
    """Median, range, processor and memory of each variant, against the limit and the peer."""
    walls = {name: median(turn.wall for turn in of_one) for name, of_one in turns.items()}
    lines = [
        f"| variant | median s | min..max s | x {limit} | faster than {peer} | CPU s | peak MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, of_one in turns.items():
        spread = f"{min(turn.wall for turn in of_one):.3f}..{max(turn.wall for turn in of_one):.3f}"
        lines.append(
            f"| {name} | {walls[name]:.3f} | {spread} | {walls[name] / walls[limit]:.2f} "
            f"| {walls[peer] / walls[name]:.2f} | {median(turn.cpu for turn in of_one):.2f} "
            f"| {max(turn.peak_mib for turn in of_one):.0f} |"
        )
    return "\n".join(lines)


def script(path: str) -> str:
    """The path of a script, as a child process can be told it."""
    return str(Path(path).resolve())
