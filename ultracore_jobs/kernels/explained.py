"""Why a stored number is what it is: its formula with the numbers in it, its rounding, and the rows used.

An explainer stands beside each kernel. It works the numbers out again, one by one, apart from the columns of
the kernel, so a formula that does not come to the stored value is itself a finding: `Explained.agrees`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

import polars as pl

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.formula import Formula, number, plain

EXACT = "none: the result is exact"

Row = Mapping[str, Any]


class Kind(StrEnum):
    """How a stored number came about."""

    COMPUTED = "computed"
    COPIED = "copied"
    COUNTED = "counted"
    DECIDED = "decided"
    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True)
class InputRow:
    """A row that a number was made from.

    Attributes:
        table: Name of its dataset.
        key: The columns that identify it, and what they hold.
        values: What was taken from it.
        source: Where the row says it came from; None for tables of ours.
        known_at: Since when it was known; None for tables of ours.
    """

    table: str
    key: Mapping[str, Any]
    values: Mapping[str, Any]
    source: str | None = None
    known_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One stored value, explained.

    Attributes:
        table: Dataset that stores it.
        row: Which row of the portfolio, for people; empty where there is one only.
        key: The columns that identify the row.
        column: Which column.
        value: What is stored.
        unit: Currency of an amount of money; None for all else.
        meaning: What the column holds, as its contract says.
        kind: How it came about.
        formula: ``expression = value``, in the grammar of `formula`; None where nothing was computed.
        rounding: In words; None where nothing was computed.
        how: What else there is to say: what it is a copy of, why there is none, which case of the rule.
        inputs: The rows it was made from.
        source: Section of the rules.
        agrees: Whether the formula comes to the stored value.
    """

    table: str
    row: str
    key: Mapping[str, Any]
    column: str
    value: Any
    unit: str | None
    meaning: str
    kind: Kind
    formula: str | None = None
    rounding: str | None = None
    how: str = ""
    inputs: tuple[InputRow, ...] = ()
    source: str = ""
    agrees: bool = True


def used(dataset: Dataset, row: Row, *columns: str) -> InputRow:
    """A reference to *row* of *dataset*, of which *columns* were used."""
    return InputRow(
        table=dataset.name,
        key={name: row[name] for name in dataset.key},
        values={name: row[name] for name in columns},
        source=row.get("source"),
        known_at=row.get("known_at"),
    )


def rows_where(table: pl.DataFrame, **equal: Any) -> list[dict[str, Any]]:
    """The rows of *table* that hold these values, in their order."""
    conditions = [pl.col(name) == value for name, value in equal.items()]
    return table.filter(*conditions).to_dicts()


def row_where(table: pl.DataFrame, **equal: Any) -> dict[str, Any] | None:
    """The first row of *table* that holds these values; None without one."""
    found = rows_where(table, **equal)
    return found[0] if found else None


@dataclass
class RowExplainer:
    """Explains the columns of one stored row, one after the other.

    Attributes:
        dataset: Contract of the table.
        row: The stored row.
        label: The row for people.
        ccy: Currency of its amounts.
        source: Section of the rules, where a number does not say.
        found: The explanations so far.
    """

    dataset: Dataset
    row: Row
    label: str
    ccy: str | None
    source: str
    found: list[Explained] = field(default_factory=list)

    def number(self, column: str) -> Formula:
        """A stored number, as a part of the formula of another."""
        return number(self.row[column])

    def itself(self, *columns: str) -> InputRow:
        """This row, as an input of another of its numbers."""
        return used(self.dataset, self.row, *columns)

    def computed(
        self,
        column: str,
        formula: Formula,
        *,
        inputs: Sequence[InputRow] = (),
        ccy: str | None = None,
        how: str = "",
        source: str | None = None,
    ) -> None:
        """A number that is the outcome of *formula*, which also says how it is rounded.

        Args:
            column: Which.
            formula: How it comes about.
            inputs: The rows it was made from.
            ccy: Currency of the amount, where it is not that of the row.
            how: What else there is to say.
            source: Section of the rules, where it is not that of the row.
        """
        value = self.row[column]
        shown = "nothing" if value is None else plain(value)
        self._add(
            column,
            Kind.COMPUTED,
            formula=f"{formula.text} = {shown}",
            rounding=self._rounding(column, formula, ccy),
            how=how,
            inputs=tuple(inputs),
            source=source,
            ccy=ccy,
            agrees=value is not None and Fraction(value) == formula.value,
        )

    def copied(self, column: str, origin: InputRow, *, how: str = "", source: str | None = None) -> None:
        """A number that stands in another row as it is: the first of the values used of *origin*."""
        name, there = next(iter(origin.values.items()))
        said = f"a copy of {name} of {origin.table}"
        self._add(
            column,
            Kind.COPIED,
            how=f"{said}; {how}" if how else said,
            inputs=(origin,),
            source=source,
            agrees=there == self.row[column],
        )

    def counted(
        self, column: str, count: int, how: str, *, inputs: Sequence[InputRow] = (), source: str | None = None
    ) -> None:
        """A number of things."""
        self._add(
            column,
            Kind.COUNTED,
            how=how,
            inputs=tuple(inputs),
            source=source,
            agrees=self.row[column] == count,
        )

    def decided(
        self, column: str, how: str, *, inputs: Sequence[InputRow] = (), source: str | None = None
    ) -> None:
        """A code or a day that a rule gave, and why."""
        self._add(column, Kind.DECIDED, how=how, inputs=tuple(inputs), source=source, agrees=True)

    def absent(self, column: str, why: str, *, source: str | None = None) -> None:
        """Null, which is never 0, and why."""
        self._add(column, Kind.ABSENT, how=why, source=source, agrees=self.row[column] is None)

    def _add(
        self, column: str, kind: Kind, *, source: str | None, ccy: str | None = None, **said: Any
    ) -> None:
        is_money = self.dataset.columns[column].dtype == MONEY
        self.found.append(
            Explained(
                table=self.dataset.name,
                row=self.label,
                key={name: self.row[name] for name in self.dataset.key},
                column=column,
                value=self.row[column],
                unit=(ccy or self.ccy) if is_money else None,
                meaning=self.dataset.columns[column].description,
                kind=kind,
                source=f"domain_rules {source or self.source}",
                **said,
            )
        )

    def _rounding(self, column: str, formula: Formula, ccy: str | None) -> str:
        if formula.digits is None:
            return EXACT
        is_money = self.dataset.columns[column].dtype == MONEY
        of = f" of {ccy or self.ccy}" if is_money else ""
        inner = (
            ", after the roundings that the formula shows inside" if formula.text.count("round(") > 1 else ""
        )
        return f"half-up, ties away from zero, to {formula.digits} decimals{of}, once{inner}"
