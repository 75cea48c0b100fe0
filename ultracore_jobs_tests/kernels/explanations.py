"""What every explanation must keep, whoever gives it: it is complete, it is exact, and it says where from."""

from collections import Counter
from collections.abc import Iterable, Mapping

import polars as pl

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.kernels.explained import Explained, Kind
from ultracore_jobs_tests.kernels.formula_reader import read_formula

Stored = Mapping[Dataset, pl.DataFrame]


def by_column(found: Iterable[Explained], row: str | None = None) -> dict[str, Explained]:
    """The explanations of one row, by column; of the only one if none is named."""
    return {number.column: number for number in found if row is None or number.row == row}


def require_sound(found: Iterable[Explained], datasets: Iterable[Dataset], stored: Mapping[str, pl.DataFrame],
                  portfolio_id: str) -> None:  # fmt: skip
    """Hold explanations against what is stored, column by column, and read every formula again.

    Args:
        found: The explanations.
        datasets: The tables they are of.
        stored: Those tables, by name.
        portfolio_id: Whose.

    A column that is a number and has no explanation fails, so that a new column asks for one.
    """
    numbers = list(found)
    for number in numbers:
        assert number.agrees, number
        assert number.source.startswith("domain_rules "), number
        assert number.meaning, number
        if number.kind is Kind.COMPUTED:
            assert number.formula is not None, number
            assert number.rounding, number
            expression, said = read_formula(number.formula)
            assert expression == said == number.value, number
        else:
            assert number.formula is None, number
            assert number.how, number
        if number.kind is Kind.COPIED:
            assert len(number.inputs) == 1, number
            assert next(iter(number.inputs[0].values.values())) == number.value, number
        assert (number.kind is Kind.ABSENT) == (number.value is None), number
    told = Counter((number.table, *number.key.values(), number.column) for number in numbers)
    assert set(told.values()) <= {1}, "a number is explained twice"
    for dataset in datasets:
        columns = [name for name, column in dataset.columns.items() if column.dtype.is_numeric()]
        for row in stored[dataset.name].filter(pl.col("portfolio_id") == portfolio_id).iter_rows(named=True):
            key = [row[name] for name in dataset.key]
            missing = [name for name in columns if (dataset.name, *key, name) not in told]
            assert not missing, f"{dataset.name} {key}: nobody explains {missing}"
