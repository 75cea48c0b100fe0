"""`explain`: why each number of a portfolio is what it is, for who has to answer for it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from textwrap import wrap
from typing import Annotated, Any

import typer
from rich.text import Text

from ultracore_jobs.application.explain import Chapter, Explanation, explain_portfolio
from ultracore_jobs.application.explain_document import explanation_document
from ultracore_jobs.application.explain_ledger import LedgerPart
from ultracore_jobs.application.explain_origins import Origin, key_of
from ultracore_jobs.bootstrap import build_application
from ultracore_jobs.cli.output import AsJson, paper, print_json, print_table
from ultracore_jobs.errors import UnknownNameError
from ultracore_jobs.kernels.explained import EXACT, Explained, InputRow, Kind
from ultracore_jobs.kernels.formula import plain
from ultracore_jobs.kernels.money import MINOR_DIGITS

_TITLES = {
    "valuations": "Net asset value",
    "valuation_lines": "Lines",
    "fee_memory": "Fees on assets, accrued and not settled",
    "performance_accruals": "Performance fee, accrued as a level",
    "high_water_marks": "High-water mark",
    "fee_charges": "Charge of the month",
    "consent_outcomes": "Consents, asked again as they stood then",
    "fee_adjustments": "Adjustments",
    "fee_accruals": "Accruals of the month, by days that share one NAV",
}
_GLANCE = {
    "valuations": ("nav", "accrued_fees_base", "nav_per_unit_base"),
    "high_water_marks": ("hwm_unit", "peak_unit"),
    "fee_charges": ("total", "status"),
    "fee_adjustments": ("total",),
}
"""What an operations head looks at first."""
_MANY_ROWS = 12
_LONG, _HEAD, _TAIL = 400, 240, 120
_FEW_INPUTS, _NARROW = 2, 40
_HASH = 12
"""Digits of a hash that people read."""


def explain(
    portfolio: Annotated[str, typer.Argument(help="Portfolio, such as ACA-P000001.")],
    day: Annotated[datetime, typer.Argument(metavar="DATE", formats=["%Y-%m-%d"], help="Day to explain.")],
    *,
    tenant: Annotated[str | None, typer.Option(help="Its owner; found if not given.")] = None,
    column: Annotated[
        str | None, typer.Option("--number", help="Only this column, such as nav, with every row it used.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain every number stored about a portfolio for a day and its month: formula, rounding, inputs.

    Each is worked out again from the inputs its job read; exits 1 where one does not come to what is stored.
    """
    found = explain_portfolio(build_application(), portfolio, day.date(), tenant)
    _require_column(found, column)
    if as_json:
        print_json(explanation_document(found, column=column))
    else:
        _print(found, column)
    if not found.agrees:
        raise typer.Exit(1)


def _require_column(found: Explanation, column: str | None) -> None:
    known = {number.column for chapter in found.chapters for number in chapter.numbers}
    if column is not None and column not in known:
        raise UnknownNameError("number", column, sorted(known))


def _print(found: Explanation, column: str | None) -> None:
    paper.print(f"[bold]{found.portfolio_id}[/] of {found.tenant}, {found.as_of}")
    if column is None:
        _print_glance(found)
    for chapter in found.chapters:
        if column is not None and column not in _columns(chapter.numbers):
            continue
        _print_origin(chapter)
        for number in chapter.disagreeing:
            _say(f"does not follow: {number.table} {number.row} {number.column}", 2, "bold red")
        _print_numbers(chapter, column)
        if chapter.ledger is not None and column is None:
            _print_ledger(chapter.ledger)
    for job_type, period in found.missing:
        _say(f"Nothing is stored by {job_type} for {period}.", 0, "dim")


def _print_glance(found: Explanation) -> None:
    """NAV, marks and the month's charges, each with its formula; the rest says why."""
    for chapter in found.chapters:
        for number in chapter.numbers:
            if number.kind is Kind.ABSENT or number.column not in _GLANCE.get(number.table, ()):
                continue
            what = f"{number.row}: {number.column}" if number.row else number.column
            unit = f" {number.unit}" if number.unit else ""
            _say(f"{what}  {_shown(number.value, number.unit)}{unit}", 2, "bold")
            _say(_shortened(number.formula) if number.formula else number.how, 6)


def _print_origin(chapter: Chapter) -> None:
    """Which job computed it, with what knowledge, and which laws held."""
    said = chapter.provenance
    passed = [gate.passed for gate in said.gates]
    broken = [gate.name for gate in said.gates if not gate.passed]
    paper.print()
    paper.rule(f"[bold]{chapter.spec.name}[/], {chapter.moment.as_of}", align="left", style="dim")
    _say(
        f"{said.job.job_id}, run {said.job.run_id or 'none'}, asked by {said.job.actor}, code "
        f"{said.job.code_version}; as known at {said.known_at:%Y-%m-%d %H:%M:%S} UTC",
        0,
        "dim",
    )
    laws = f"{sum(passed)} of {len(passed)} gates held" + (f", not: {', '.join(broken)}" if broken else "")
    files = ", ".join(f"{name} {_where(origin)}" for name, origin in chapter.versions.items())
    _say(f"{laws}; stored as (partition, version, sha256): {files}", 0, "dim")


def _print_numbers(chapter: Chapter, column: str | None) -> None:
    """Table by table, row by row; what is absent is left out where nobody asked for it."""
    tables: dict[str, dict[str, list[Explained]]] = {}
    for number in chapter.numbers:
        if number.column == column or (column is None and number.kind is not Kind.ABSENT):
            tables.setdefault(number.table, {}).setdefault(number.row, []).append(number)
    for table, rows in tables.items():
        paper.print(f"\n[bold]{_TITLES.get(table, table)}[/]")
        if (
            column is None
            and len(rows) > _MANY_ROWS
            and len({_columns(group) for group in rows.values()}) == 1
        ):
            _print_at_a_glance(rows)
            continue
        told: set[tuple[str, str | None]] = set()
        for row, group in rows.items():
            if row:
                _say(row, 2, "bold")
            for number in group:
                said = (number.column, number.formula)
                again = column is None and number.formula is not None and said in told
                _print_number(chapter, number, whole=column is not None, again=again)
                told.add(said)


def _columns(numbers: Sequence[Explained]) -> tuple[str, ...]:
    return tuple(number.column for number in numbers)


def _print_at_a_glance(rows: Mapping[str, Sequence[Explained]]) -> None:
    """Many rows alike: their numbers only; --number shows how one came about."""
    columns = _columns(next(iter(rows.values())))
    told = [(row, *(number.value for number in group)) for row, group in rows.items()]
    print_table("", ("", *(name.replace("_", " ") for name in columns)), told)


def _print_number(chapter: Chapter, number: Explained, *, whole: bool, again: bool) -> None:
    unit = f" {number.unit}" if number.unit else ""
    heading = Text.assemble("    ", (f"{number.column}  ", "cyan"), _shown(number.value, number.unit) + unit)
    if again:
        heading.append("  as above", "dim")
    paper.print(heading, soft_wrap=True)
    if again:
        return
    if number.formula is not None:
        _say(number.formula if whole else _shortened(number.formula), 8)
    rounding = None if number.rounding in {None, EXACT} else f"rounded {number.rounding}"
    notes = [note for note in (number.how, rounding, number.source) if note]
    _say("; ".join(notes), 8, "dim")
    for line in _inputs(chapter, number.inputs, whole=whole):
        _say(line, 8, "dim")


def _inputs(chapter: Chapter, inputs: Sequence[InputRow], *, whole: bool) -> Iterator[str]:
    """The rows used; the first few, unless the *whole* is asked for."""
    own = list(chapter.versions.values())
    others = [row for row in inputs if whole or chapter.origins.get(key_of(row)) not in own]
    shown = others if whole else others[:_FEW_INPUTS]
    for row in shown:
        key = " ".join(str(value) for value in row.key.values())
        values = ", ".join(
            f"{name} {_shown(value)}" for name, value in row.values.items() if value is not None
        )
        origin = chapter.origins.get(key_of(row))
        given = f", given by {row.source}" if row.source else ""
        where = f", {_where(origin)}" if origin is not None else ""
        yield f"from {row.table} {key}: {values}{given}{where}"
    if len(others) > len(shown):
        yield f"and from {len(others) - len(shown)} more rows"


def _where(origin: Origin) -> str:
    return f"{origin.partition} v{origin.version} {origin.sha256[:_HASH]}"


def _shortened(formula: str) -> str:
    return formula if len(formula) <= _LONG else f"{formula[:_HEAD]} ... {formula[-_TAIL:]}"


def _shown(value: Any, ccy: str | None = None) -> str:
    """A value for people: thousands apart, no zeros that say nothing; of yen no cents."""
    if isinstance(value, Decimal):
        whole, _, decimals = plain(value).partition(".")
        sign, size = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        if ccy is not None and MINOR_DIGITS.get(ccy) == 0:
            decimals = decimals.rstrip("0")
        return f"{sign}{int(size):,}" + (f".{decimals}" if decimals else "")
    if isinstance(value, list):
        return f"{len(value)} of them"
    return "none" if value is None else str(value)


def _print_ledger(part: LedgerPart) -> None:
    """What was done: what waits, what was posted or refused, the entries, and whose word it was."""
    paper.print("\n[bold]Ledger[/]")
    said = part.verdict
    word = f", {said.verdict.value.lower()} by {said.actor} at {said.at:%Y-%m-%d %H:%M} UTC" if said else ""
    _say(f"batch {part.batch.batch.batch_id} of {part.batch.as_of}: {part.batch.state.value}{word}", 2)
    for row in part.waiting.iter_rows(named=True):
        _say(f"not applied: {row['kind']} {_shown(row['amount'])} {row['ccy']}, asks to {row['asks']}", 4)
    for row in part.decisions.iter_rows(named=True):
        approval = part.verdicts.get(row["batch_id"])
        by = f", approved by {approval.actor}" if approval else ""
        _say(
            f"{row['outcome']} {row['kind']} {_shown(row['amount'])} {row['ccy']} on {row['as_of_date']} at "
            f"{row['known_at']:%Y-%m-%d %H:%M:%S} UTC by {row['actor']}{by}; {row['decision_id']}, place "
            f"{row['seq']}",
            4,
        )
        for entry in part.entries.iter_rows(named=True):
            if entry["decision_id"] == row["decision_id"]:
                _say(f"{entry['account']}  {_shown(entry['amount'])} {entry['ccy']}", 8)


def _say(words: str, indent: int, style: str = "") -> None:
    """Words, broken into lines that fit; each line stands where the first does."""
    for line in wrap(words, max(paper.width - indent, _NARROW)):
        paper.print(Text(" " * indent + line, style=style), soft_wrap=True)
