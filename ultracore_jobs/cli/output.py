"""How the command line speaks: tables for people, JSON for scripts, one message for an error."""

import json
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ultracore_jobs.errors import DataError, StoreError, UltracoreError, UsageError

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

people = Console(stderr=True, highlight=False)
"""For progress and messages: standard error, so that standard output can be piped."""

paper = Console(highlight=False)
"""For results."""

_WHOLE = 24

_EXIT_CODES = ((UsageError, 2), (DataError, 3), (StoreError, 4))


def fail(error: UltracoreError) -> int:
    """Show an error and return the exit code for it."""
    people.print("error:", style="bold red", end=" ")
    people.print(str(error), markup=False)
    return next((exit_code for kind, exit_code in _EXIT_CODES if isinstance(error, kind)), 1)


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table for people; numbers stand to the right.

    Where it would not fit, heads are broken over lines; where that is not enough, each row is a block of
    lines: an identifier that is cut cannot be copied.
    """
    shown = [[_shown(value) for value in row] for row in rows]
    if _least_width(columns, shown) > paper.width:
        columns = [name.replace(" ", "\n") for name in columns]
    if _least_width(columns, shown) > paper.width:
        _print_blocks(title, columns, shown)
        return
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )
    for position, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[position], int | float | Decimal) for row in rows)
        whole = _stays_whole([row[position] for row in shown])
        table.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=whole)
    for row in shown:
        table.add_row(*row)
    paper.print(table)


def _print_blocks(title: str, columns: Sequence[str], shown: Sequence[Sequence[str]]) -> None:
    paper.print(title, style="bold", soft_wrap=True)
    names = [name.replace("\n", " ") for name in columns]
    longest = max(map(len, names))
    for number, row in enumerate(shown):
        if number:
            paper.print()
        for name, value in zip(names, row, strict=True):
            # Softly, so that what is copied has no line break of ours in it.
            paper.print(Text.assemble((name.ljust(longest), "dim"), "  ", value), soft_wrap=True)


def _least_width(columns: Sequence[str], shown: Sequence[Sequence[str]]) -> int:
    """How many characters a table needs at least, with a space on each side of what is between columns."""
    needed = 2 * (len(columns) - 1)
    for position, name in enumerate(columns):
        cells = [row[position] for row in shown]
        longest = max((len(cell) for cell in cells), default=0)
        needed += max(*map(len, name.split("\n")), longest if _stays_whole(cells) else _WHOLE)
    return needed


def _stays_whole(cells: Sequence[str]) -> bool:
    """Short cells and single words such as identifiers; other text may be broken over lines."""
    return all(len(cell) <= _WHOLE or " " not in cell for cell in cells)


def print_frame(title: str, frame: pl.DataFrame) -> None:
    """A table of ours for people; nothing at all where it has no rows."""
    if frame.height:
        paper.print()
        print_table(title, [name.replace("_", " ") for name in frame.columns], frame.rows())


def _shown(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)
