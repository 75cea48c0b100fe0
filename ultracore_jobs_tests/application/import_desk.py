"""Accounts of acacia, imported from the text of a CSV file."""

from typing import Any

import polars as pl

from ultracore_jobs.adapters.tabular_files import read_table
from ultracore_jobs.application import Application
from ultracore_jobs.application.imports import ImportReport, import_table
from ultracore_jobs.application.quarantine import quarantine_dataset
from ultracore_jobs.application.stored_rows import loads_of
from ultracore_jobs.catalog import Dataset, Scope
from ultracore_jobs_tests.toys import ACCOUNTS

ASIDE = quarantine_dataset("import_accounts", Scope.TENANT)
TWENTY = "".join(f"A{number:02d},{number}.50\n" for number in range(20))


def csv(text: str) -> pl.DataFrame:
    """The rows of a CSV file."""
    return read_table(text.encode(), "accounts.csv")


def load_accounts(app: Application, text: str, **options: Any) -> ImportReport:
    """Import accounts of acacia from a CSV file."""
    options = {"tenant": "acacia", "source": "accounts.csv", **options}
    return import_table(app, ACCOUNTS, csv(text), **options)


def stored(app: Application, dataset: Dataset = ACCOUNTS, tenant: str = "acacia") -> pl.DataFrame:
    """Every row of a table, in the order of arrival."""
    scans = [app.tables.scan(dataset, ref) for ref, _ in loads_of(app, dataset, tenant=tenant)]
    return pl.concat(scans).collect() if scans else dataset.empty()
