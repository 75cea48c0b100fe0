"""A whole fee run on the books of the benchmark, held against fees computed apart from the product.

A short form of `benchmarks/bench_fees.py`, with the same books, checks and path: claim, fetch, kernel, gates,
publish, apply.
"""

from pathlib import Path

import pytest

pytest.importorskip("benchmarks.fee_checks", reason="this archive comes without the benchmarks")

from benchmarks.fee_books import draw
from benchmarks.fee_checks import check_run, expected
from benchmarks.fee_platform import Stages, build, fresh, run

_MANY = 600


def test_every_fee_of_a_month_is_what_two_other_computations_say(tmp_path: Path) -> None:
    """Tiers, minimum, missing NAVs, performance, consent and cash: all sums and every balance, to the cent.

    Run once more, it posts nothing.
    """
    books = draw(_MANY)
    build(tmp_path / "books", _MANY)
    app = fresh(tmp_path / "books", tmp_path, Stages())

    done = run(app, Stages())
    again = run(app, Stages())

    check_run(books, dict(done.result), app.ledger)
    assert min(expected(books).outcomes[name] for name in ("DUE", "MARK", "BLOCKED", "HELD")) > 0
    assert (again.result["effect"]["posted"], again.result["effect"]["blocked"]) == (0, 0)
