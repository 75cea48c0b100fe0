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
    """A table for people; numbers stand to the right."""
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )
    for position, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[position], int | float | Decimal) for row in rows)
        # Short cells stay whole; only long text is broken over lines where the terminal is narrow.
        longest = max((len(_shown(row[position])) for row in rows), default=0)
        whole = longest <= _WHOLE
        table.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(_shown(value) for value in row))
    paper.print(table)


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
