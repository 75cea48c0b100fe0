"""A month of fees from fetch to apply: N portfolios x 31 days, every charge posted, on SQLite, fully durable.

    python benchmarks/bench_fees.py --portfolios 100000 --rounds 3

`ours` is the whole job (`run_job`): tables read, fees accrued, performance fees, consents and cash tested,
laws held, tables published, consents and cash asked once more, postings made and posted. It runs at N, and
at a tenth of N beside two others: `by-hand`, the script one would write instead, which does less; and
`io-pass`, which reads what ours reads, writes what ours wrote, and computes nothing. Every run of ours is
held against fees computed by other means (`fee_checks`), and so is the script's sum.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.fee_books import draw
from benchmarks.fee_checks import check_run, expected, fees_on_assets, require
from benchmarks.fee_peers import Bytes, charge_by_hand, pass_through, plain_database
from benchmarks.fee_platform import STAGES, Stages, build, fresh, run
from benchmarks.interleave import interleave, measure, report, script, table

VARIANTS = ("io-pass", "ours", "by-hand")
WARM_UP = 500
GOAL_SECONDS = 60


@contextmanager
def _scratch(near: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=near.parent) as name:
        yield Path(name)


def run_ours(books: Path, warm: Path, portfolios: int) -> None:
    """One turn of ours; its stages are left beside the books."""
    with _scratch(books) as first, _scratch(books) as second:
        warm_stages, stages = Stages(), Stages()
        warm_app, app = fresh(warm, first, warm_stages), fresh(books, second, stages)
        done = []
        turn = measure(lambda: done.append(run(app, stages)), lambda: run(warm_app, warm_stages))
        check_run(draw(portfolios), dict(done[0].result), app.ledger)
    with (books / "stages.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(stages.taken()) + "\n")
    report(turn)


def run_by_hand(books: Path, warm: Path, portfolios: int) -> None:
    """One turn of the script."""
    with _scratch(books) as scratch:
        spare, database = plain_database(scratch / "warm.db"), plain_database(scratch / "script.db")
        told = []
        turn = measure(
            lambda: told.append(charge_by_hand(books / "lake", database)),
            lambda: charge_by_hand(warm / "lake", spare),
        )
    drawn = draw(portfolios)
    due = [
        fee + (2 * fee * 10 + 100) // 200
        for fee, is_signed, is_poor in zip(fees_on_assets(drawn), drawn.is_signed, drawn.is_poor, strict=True)
        if is_signed and not is_poor
    ]
    require(told[0] == {"charged": len(due), "cents": sum(due)}, f"by-hand: {told[0]}")
    report(turn)


def run_io(books: Path, warm: Path, left: Path) -> None:
    """One turn of reading and writing alone."""
    written = Bytes.of(left)
    few = Bytes(written.tables[:0], {name: rows[:0] for name, rows in written.rows.items()})
    with _scratch(books) as scratch:
        spare, database = plain_database(scratch / "warm.db"), plain_database(scratch / "io.db")
        report(
            measure(
                lambda: pass_through(books / "lake", written, scratch, database),
                lambda: pass_through(warm / "lake", few, scratch, spare),
            )
        )


def run_one(name: str, books: Path, warm: Path, portfolios: int) -> None:
    """One turn, in this process."""
    if name == "ours":
        run_ours(books, warm, portfolios)
    elif name == "by-hand":
        run_by_hand(books, warm, portfolios)
    else:
        run_io(books, warm, books / "left")


def prepare(folder: Path, portfolios: int) -> None:
    """The books, and what a run of ours leaves of them, checked."""
    build(folder, portfolios)
    left = folder / "left"
    left.mkdir()
    app = fresh(folder, left, Stages())
    done = run(app, Stages())
    check_run(draw(portfolios), dict(done.result), app.ledger)


def stages_of(books: Path) -> str:
    """Median of each stage, on the clock and of processor."""
    lines = (books / "stages.jsonl").read_text(encoding="utf-8").splitlines()
    turns = [json.loads(line) for line in lines]
    rows = ["| stage | median s | CPU s |", "|---|---|---|"]
    for name in STAGES:
        walls, cpus = zip(*(turn[name] for turn in turns), strict=True)
        rows.append(f"| {name} | {median(walls):.2f} | {median(cpus):.2f} |")
    return "\n".join(rows)


def main() -> None:
    """Generate, check, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--portfolios", type=int, default=100_000, help="how many; 31 days each")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each variant")
    parser.add_argument("--one", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        run_one(
            given.one, given.folder / f"books-{given.portfolios}", given.folder / "warm", given.portfolios
        )
        return
    few = max(WARM_UP, given.portfolios // 10)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder / "warm", WARM_UP)
        prepare(folder / f"books-{few}", few)
        build(folder / f"books-{given.portfolios}", given.portfolios)
        base = [script(__file__), "--folder", str(folder), "--portfolios"]
        commands = {variant: [*base, str(few), "--one", variant] for variant in VARIANTS}
        commands["whole"] = [*base, str(given.portfolios), "--one", "ours"]
        turns = interleave(commands, given.rounds)
        stages = stages_of(folder / f"books-{given.portfolios}")
    whole = {"ours": turns.pop("whole")}
    print(f"{few:,} portfolios x 31 days, {given.rounds} rounds\n")
    print(table(turns, limit="io-pass", peer="by-hand"))
    outcomes = ", ".join(
        f"{count:,} {name}" for name, count in expected(draw(given.portfolios)).outcomes.items()
    )
    print(f"\n{given.portfolios:,} portfolios x 31 days: {outcomes}; {given.rounds} rounds\n")
    print(f"{table(whole, limit='ours', peer='ours')}\n\n{stages}\n")
    wall = median(turn.wall for turn in whole["ours"])
    print(f"Goal for 100,000: at most {GOAL_SECONDS} s; {wall:.1f} s seen")


if __name__ == "__main__":
    main()
