"""Explain: why every stored number of one portfolio is what it is, from the very inputs it came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from graphlib import TopologicalSorter

import polars as pl

from ultracore_jobs.application.explain_ledger import LedgerPart, explain_ledger
from ultracore_jobs.application.explain_origins import Key, Origin, origins_of
from ultracore_jobs.application.pipeline import read_parameters
from ultracore_jobs.application.planner import upstreams
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.reading import Moment, moment_of, owner
from ultracore_jobs.application.replay import pinned_tables
from ultracore_jobs.application.results import by_name
from ultracore_jobs.application.stored_rows import loads_of
from ultracore_jobs.application.tenants import list_tenants, require_tenant
from ultracore_jobs.catalog.holdings import PORTFOLIOS
from ultracore_jobs.errors import UnknownNameError, UsageError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.kernels.explained import Explained
from ultracore_jobs.ports import Provenance, TableVersion, VersionRef

_NEAR = 5


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """What one job stored about the portfolio.

    Attributes:
        spec: Type of the job.
        moment: Its day or period, and what was known.
        provenance: Job, run, code, parameters, inputs and gates.
        versions: The version that stands for each table, with its hash.
        numbers: Each stored number, explained, in reading order.
        origins: Where the rows behind the numbers lie.
        ledger: What was done about its decisions; None where it decides nothing.
    """

    spec: JobSpec
    moment: Moment
    provenance: Provenance
    versions: Mapping[str, Origin]
    numbers: tuple[Explained, ...]
    origins: Mapping[Key, Origin]
    ledger: LedgerPart | None

    @property
    def disagreeing(self) -> tuple[Explained, ...]:
        """The numbers whose formula does not come to what is stored."""
        return tuple(number for number in self.numbers if not number.agrees)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything stored about one portfolio and one day.

    Attributes:
        portfolio_id: Which.
        tenant: Its owner.
        as_of: The day.
        chapters: One for each job, in the order in which they run.
        missing: Job types that have stored nothing for that day, each with the key of its period.
    """

    portfolio_id: str
    tenant: str
    as_of: date
    chapters: tuple[Chapter, ...]
    missing: tuple[tuple[str, date], ...]

    @property
    def agrees(self) -> bool:
        """Whether every formula comes to what is stored."""
        return not any(chapter.disagreeing for chapter in self.chapters)


def explain_portfolio(
    app: Application, portfolio_id: str, as_of: date, tenant: str | None = None
) -> Explanation:
    """Explain every number stored about a portfolio for a day, and for the month that the day lies in.

    Each number is worked out again from the inputs that its job pinned, apart from the job's kernel, and held
    against what is stored. Nothing is written.

    Args:
        app: The platform.
        portfolio_id: Which.
        as_of: The day.
        tenant: Its owner; found if not given.

    Raises:
        UnknownNameError: No such portfolio or tenant, or nothing is stored about it for that day.
        UsageError: Several tenants have a portfolio of that name.
        IntegrityError: A pinned input no longer has the bytes it had.
    """
    owned_by = _owner_of(app, portfolio_id, tenant)
    chapters, missing = [], []
    for name in TopologicalSorter(upstreams(app.jobs)).static_order():
        spec = app.jobs[name]
        if spec.explain is None:
            continue
        chapter = _chapter(app, spec, owned_by, portfolio_id, as_of)
        if chapter is None:
            missing.append((spec.name, spec.cadence.key_of(as_of)))
        else:
            chapters.append(chapter)
    if not chapters:
        raise _nothing_stored(app, owned_by, portfolio_id, as_of)
    return Explanation(
        portfolio_id=portfolio_id,
        tenant=owned_by,
        as_of=as_of,
        chapters=tuple(chapters),
        missing=tuple(missing),
    )


def _owner_of(app: Application, portfolio_id: str, tenant: str | None) -> str:
    """The tenant whose register has the portfolio."""
    if tenant is not None:
        require_tenant(app, tenant)
    tenants = [tenant] if tenant is not None else list_tenants(app)["tenant_id"].to_list()
    names = {name: _portfolios_of(app, name) for name in tenants}
    found = [name for name, portfolios in names.items() if portfolio_id in portfolios]
    if len(found) > 1:
        raise UsageError(
            f"portfolio {portfolio_id!r} is in the registers of {', '.join(found)}; "
            "name the one you mean with --tenant"
        )
    if not found:
        known = sorted({each for portfolios in names.values() for each in portfolios})
        more = [f"and {len(known) - _NEAR:,} more"] if len(known) > _NEAR else []
        raise UnknownNameError("portfolio", portfolio_id, [*known[:_NEAR], *more])
    return found[0]


def _portfolios_of(app: Application, tenant: str) -> set[str]:
    """Every portfolio that the register of a tenant has ever had."""
    loads = [app.tables.scan(PORTFOLIOS, ref) for ref, _ in loads_of(app, PORTFOLIOS, tenant=tenant)]
    if not loads:
        return set()
    return set(pl.concat(loads).select("portfolio_id").unique().collect()["portfolio_id"])


def _chapter(app: Application, spec: JobSpec, tenant: str, portfolio_id: str, as_of: date) -> Chapter | None:
    """What a job stored about the portfolio; None where it has stored nothing."""
    key = spec.cadence.key_of(as_of)
    newest = {dataset.name: _newest(app, spec, dataset.name, tenant, key) for dataset in spec.writes}
    stored = {name: version for name, version in newest.items() if version is not None}
    if len(stored) < len(newest) or spec.explain is None:
        return None
    tables = {
        dataset.name: app.tables.scan(
            dataset, _ref(dataset.name, tenant, key, stored[dataset.name])
        ).collect()
        for dataset in spec.writes
    }
    # A table whose rows did not change keeps its version; the last job of all made every one of them.
    provenance = max(stored.values(), key=lambda version: version.published_at).provenance
    moment = moment_of(app, spec, tenant, provenance.as_of, provenance.known_at)
    inputs = pinned_tables(app, spec, moment, provenance.inputs)
    # A parameter that is no more changes no number that its formula comes to.
    known = {
        name: value for name, value in provenance.parameters.items() if name in spec.parameters.model_fields
    }
    available = by_name(moment, read_parameters(spec, known), inputs, tables)
    numbers = tuple(call_by_name(spec.explain, {**available, "portfolio_id": portfolio_id}))
    if not numbers:
        return None
    versions = {
        name: Origin(key.isoformat(), version.version, version.sha256) for name, version in stored.items()
    }
    rows = [row for number in numbers for row in number.inputs]
    return Chapter(
        spec=spec,
        moment=moment,
        provenance=provenance,
        versions=versions,
        numbers=numbers,
        origins=origins_of(app, spec, provenance, versions, rows),
        ledger=explain_ledger(app, spec, tenant=tenant, portfolio_id=portfolio_id, as_of=key),
    )


def _newest(app: Application, spec: JobSpec, name: str, tenant: str, key: date) -> TableVersion | None:
    dataset = next(dataset for dataset in spec.writes if dataset.name == name)
    versions = app.tables.versions(dataset, tenant=owner(dataset, tenant), partition=key.isoformat())
    return versions[-1] if versions else None


def _ref(name: str, tenant: str, key: date, version: TableVersion) -> VersionRef:
    return VersionRef(tenant=tenant, dataset=name, partition=key.isoformat(), version=version.version)


def _nothing_stored(app: Application, tenant: str, portfolio_id: str, as_of: date) -> UnknownNameError:
    """Which days there are, nearest first, and what would make this one."""
    explained = [spec for spec in app.jobs.values() if spec.explain is not None]
    days = {
        date.fromisoformat(day)
        for spec in explained
        for day in app.tables.partitions(spec.writes[0], tenant=tenant)
    }
    near = [str(day) for day in sorted(days, key=lambda day: abs((day - as_of).days))[:_NEAR]]
    jobs = ", ".join(spec.name for spec in explained)
    others = f"others after `ultracore-jobs run JOB --tenant {tenant} --date {as_of}`, JOB one of {jobs}"
    return UnknownNameError(f"day of portfolio {portfolio_id}", as_of.isoformat(), [*near, others])
