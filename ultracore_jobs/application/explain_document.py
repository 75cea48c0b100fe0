"""An explanation as the documented JSON: money, dates and instants as text, every row with its origin."""

from typing import Any

from ultracore_jobs.application.explain import Chapter, Explanation
from ultracore_jobs.application.explain_ledger import LedgerPart
from ultracore_jobs.application.explain_origins import Origin, key_of
from ultracore_jobs.application.results import plain
from ultracore_jobs.kernels.explained import Explained, InputRow


def explanation_document(explanation: Explanation, *, column: str | None = None) -> dict[str, Any]:
    """The documented JSON of `ultracore-jobs explain --json`.

    Args:
        explanation: What to tell.
        column: Only the numbers of this column; all if not given.

    Returns:
        ``portfolio_id``, ``tenant``, ``as_of_date``; ``agrees``: whether every formula comes to what is
        stored; ``missing``: ``job_type`` and ``period`` of what is not stored; and ``jobs``, in the order in
        which they run, each with

        - ``job_type``, ``as_of_date``, ``period_end``, ``known_at``, ``job_id``, ``run_id``, ``actor``,
          ``code_version``, ``input_hash``, ``parameters``, ``gates`` (``name``, ``passed``);
        - ``tables``: ``partition``, ``version`` and ``sha256`` of each, by name;
        - ``numbers``: ``table``, ``row``, ``key``, ``column``, ``value``, ``unit``, ``meaning``, ``kind``
          (computed, copied, counted, decided, absent), ``formula``, ``rounding``, ``how``, ``source``,
          ``agrees``, and ``inputs``: the rows used, each with ``table``, ``key``, ``values``, ``source``,
          ``known_at``, ``partition``, ``version``, ``sha256`` (null for a row that is stored nowhere);
        - ``ledger``: null, or ``batch_id``, ``state``, ``verdict``, ``waiting``, ``decisions``, ``entries``,
          ``approved_by`` (the verdict on each batch that something was applied with).
    """
    return {
        "portfolio_id": explanation.portfolio_id,
        "tenant": explanation.tenant,
        "as_of_date": explanation.as_of.isoformat(),
        "agrees": explanation.agrees,
        "missing": [{"job_type": name, "period": day.isoformat()} for name, day in explanation.missing],
        "jobs": [_chapter(chapter, column) for chapter in explanation.chapters],
    }


def _chapter(chapter: Chapter, column: str | None) -> dict[str, Any]:
    said, moment = chapter.provenance, chapter.moment
    chosen = [number for number in chapter.numbers if column in {None, number.column}]
    return {
        "job_type": chapter.spec.name,
        "as_of_date": plain(moment.as_of),
        "period_end": plain(moment.period_end),
        "known_at": plain(moment.known_at),
        "job_id": said.job.job_id,
        "run_id": said.job.run_id,
        "actor": said.job.actor,
        "code_version": said.job.code_version,
        "input_hash": said.input_hash,
        "parameters": plain(said.parameters),
        "gates": [gate.model_dump() for gate in said.gates],
        "tables": {name: vars(origin) for name, origin in chapter.versions.items()},
        "numbers": [_number(chapter, number) for number in chosen],
        "ledger": None if chapter.ledger is None else _ledger(chapter.ledger),
    }


def _number(chapter: Chapter, number: Explained) -> dict[str, Any]:
    told = {name: plain(value) for name, value in vars(number).items() if name != "inputs"}
    return {**told, "inputs": [_input(row, chapter.origins.get(key_of(row))) for row in number.inputs]}


def _input(row: InputRow, origin: Origin | None) -> dict[str, Any]:
    where = vars(origin) if origin is not None else dict.fromkeys(("partition", "version", "sha256"))
    return {**{name: plain(value) for name, value in vars(row).items()}, **where}


def _ledger(part: LedgerPart) -> dict[str, Any]:
    return {
        "batch_id": part.batch.batch.batch_id,
        "state": part.batch.state.value,
        "verdict": None if part.verdict is None else plain(part.verdict.model_dump()),
        **{name: plain(table.to_dicts()) for name, table in part.tables},
        "approved_by": {batch: plain(said.model_dump()) for batch, said in part.verdicts.items()},
    }
