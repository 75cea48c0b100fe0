"""What a page in `ultracore_jobs.jobs.types` declares: one job type, whole."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from ultracore_jobs.catalog import Dataset, Look, Read, Scope
from ultracore_jobs.errors import InvalidJobSpecError
from ultracore_jobs.jobs.cadence import Cadence
from ultracore_jobs.jobs.effect import Effect
from ultracore_jobs.kernels.explained import Explained
from ultracore_jobs.kernels.gates import Gate

ALWAYS_GIVEN = ("as_of", "known_at", "tenant", "period_end", "timezone")
"""What every kernel, gate and result function may ask for besides tables and parameters.

``as_of`` is the logical date, for a month or a quarter its first day; ``period_end`` the first day after it;
``timezone`` the zone whose dates the tenant's dates are.
"""


class Priority(IntEnum):
    """How jobs that are ready are ordered; the number is Dagster's run priority."""

    CRITICAL = 30
    HIGH = 20
    NORMAL = 10
    LOW = 0


class Parameters(BaseModel):
    """What every job type takes. Pages add their own, with defaults of domain_rules 2b."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_reject_pct: float = Field(
        default=0.05, ge=0, le=1, description="Share of rows that may be quarantined before the job fails"
    )


@dataclass(frozen=True)
class Chart:
    """One small bar chart about a result: at most a dozen bars that a person reads at a glance."""

    title: str
    unit: str
    bars: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Example:
    """A worked example: shown in the documentation, and run as a test.

    Attributes:
        text: The example in words, with its numbers.
        inputs: Tables by kernel parameter name.
        expected: For each table named, rows that must be found in it (subset of columns).
    """

    text: str
    as_of: date
    inputs: Mapping[str, pl.DataFrame]
    expected: Mapping[str, pl.DataFrame]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    known_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """One job type: what it reads, computes, promises and writes.

    Attributes:
        name: Snake case, as in domain_rules 2b.
        family: Group in the Dagster UI, such as ``valuation``.
        summary: One line: what it is for and how often.
        rule: The rule in short, for people, in Markdown.
        source: Section of domain_rules.
        reads: Inputs; the kernel's parameters, by name. A bare dataset means its plain read.
        kernel: Pure function; returns a NamedTuple with one table per dataset written, and
            optionally ``quarantine`` (`REJECTS_SCHEMA`).
        writes: Tables produced; the first is the head table, published last.
        parameters: Pydantic model of the parameters; each field is passed to whoever names it.
        gates: Laws that hold before the write.
        result: Result of the job by the keys of domain_rules 2b, from inputs and outputs by name.
        chart: One picture of the result.
        preview: Small table of the result that an operator wants to see.
        cadence: How often it is due.
        priority: Its place among ready jobs.
        effect: What is done about its decisions, once each; None where it decides nothing.
        explain: Why each stored number of one portfolio is what it is, from pinned inputs and stored tables.
        rerun: What running it again does.
        example: A worked example.
    """

    name: str
    family: str
    summary: str
    rule: str
    source: str
    reads: tuple[Read | Dataset, ...]
    kernel: Callable[..., Any]
    writes: tuple[Dataset, ...]
    cadence: Cadence
    priority: Priority
    rerun: str
    parameters: type[Parameters] = Parameters
    gates: tuple[Gate, ...] = ()
    result: Callable[..., dict[str, Any]]
    chart: Callable[..., Chart] | None = None
    preview: Callable[..., pl.DataFrame] | None = None
    effect: Effect | None = None
    explain: Callable[..., Sequence[Explained]] | None = None
    example: Callable[[], Example] | None = None

    def __post_init__(self) -> None:
        """Refuse a page that does not hold together, when it is loaded."""
        if not self.writes:
            self._refuse("it writes nothing")
        if len({dataset.scope for dataset in self.writes}) > 1:
            self._refuse("its tables belong partly to `shared`, partly to tenants")
        returned = set(getattr(inspect.signature(self.kernel).return_annotation, "_fields", ()))
        promised = {dataset.name for dataset in self.writes}
        if returned - {"quarantine"} != promised:
            self._refuse(f"its kernel returns {sorted(returned)}, its writes are {sorted(promised)}")
        self._require_inputs()
        self._require_laws()
        self._require_effect()

    def _require_inputs(self) -> None:
        """The kernel takes what is read, and asks for nothing else."""
        self._require_known(self.kernel, self._given())
        for read in self.inputs:
            if read.unless and read.unless not in self.parameters.model_fields:
                self._refuse(f"it reads {read.argument} unless {read.unless}, which is no parameter of it")
            if read.argument not in inspect.signature(self.kernel).parameters:
                self._refuse(f"it reads {read.argument}, which its kernel does not take")

    def _require_laws(self) -> None:
        """What is asked of a result asks for what there is, and gates protect what is written."""
        promised = {dataset.name for dataset in self.writes}
        given = self._given() | promised | {"quarantine"}
        for function in (self.result, self.chart, self.preview, *(gate.broken for gate in self.gates)):
            if function is not None:
                self._require_known(function, given)
        if self.explain is not None:
            self._require_known(self.explain, given | {"portfolio_id"})
        for gate in self.gates:
            if gate.on not in promised:
                self._refuse(f"gate {gate.name} protects {gate.on!r}, which it does not write")

    def _require_effect(self) -> None:
        """What is done is decided in a table that the job writes, and a limit is a parameter."""
        if self.effect is None:
            return
        promised = {dataset.name for dataset in self.writes}
        decided = {table.dataset.name for table in self.effect.decisions}
        unknown = sorted(decided - promised)
        if unknown:
            self._refuse(f"its effect applies {', '.join(unknown)}, which it does not write")
        if self.effect.approval == "over_limit" and "approval_limit" not in self.parameters.model_fields:
            self._refuse("its approval depends on approval_limit, which is no parameter of it")
        fresh = {read.argument for read in self.effect.inputs}
        given = fresh | decided | set(self.parameters.model_fields) | set(ALWAYS_GIVEN) | {"at", "batch"}
        self._require_known(self.effect.postings, given)
        self._require_known(self.effect.view, decided | {"tenant", "known_at"})

    def _given(self) -> set[str]:
        return {read.argument for read in self.inputs} | set(self.parameters.model_fields) | set(ALWAYS_GIVEN)

    @property
    def inputs(self) -> tuple[Read, ...]:
        """What it reads, each with the rows it takes."""
        return tuple(read if isinstance(read, Read) else read.plainly() for read in self.reads)

    @property
    def scope(self) -> Scope:
        """Whether it runs once for all (``shared``) or once for each tenant."""
        return self.writes[0].scope

    @property
    def feeds(self) -> tuple[Read, ...]:
        """The inputs that providers deliver."""
        return tuple(read for read in self.inputs if read.look is Look.FEED)

    def _require_known(self, function: Callable[..., Any], given: set[str]) -> None:
        unknown = [name for name in inspect.signature(function).parameters if name not in given]
        if unknown:
            self._refuse(
                f"{function.__name__}() asks for {', '.join(unknown)}; there are {', '.join(sorted(given))}"
            )

    def _refuse(self, why: str) -> None:
        message = f"job type {self.name!r}: {why}"
        raise InvalidJobSpecError(message)


def call_by_name(function: Callable[..., Any], available: Mapping[str, Any]) -> Any:
    """Call *function* with those of *available* that it names."""
    names = inspect.signature(function).parameters
    return function(**{name: available[name] for name in names if name in available})
