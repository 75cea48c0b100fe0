"""Given lists that clients and payments are screened against (domain_rules 2, 8)."""

import polars as pl

from ultracore_jobs.catalog.columns import KNOWN_AT, SOURCE, TENANT_ID, Column, code, count, day, text
from ultracore_jobs.catalog.dataset import Dataset, Partitioning, Retention, Scope

WATCHLISTS = Dataset(
    name="watchlists",
    grain="one entry of one version of one list, as known from one moment on",
    key=("list_id", "version", "entry_id"),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.CUSTOMER_DUE_DILIGENCE,
    source="list publisher",
    licence="as the publisher's; every name of the sample is invented",
    columns={
        "tenant_id": TENANT_ID,
        "list_id": text("Our identifier of the list"),
        "category": code("What a match means", ["SANCTIONS", "PEP"]),
        "version": count("Version of the list, rising; the greatest known one is in force", at_least=1),
        "entry_id": text("The publisher's identifier of the entry"),
        "name": text("Primary name"),
        "aliases": Column(pl.List(pl.String), "Other names; empty for none"),
        "dob": text("Date or year of birth, as published", nullable=True, pattern=r"\d{4}(-\d{2}-\d{2})?"),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

JURISDICTIONS = Dataset(
    name="jurisdictions",
    grain="one country on one version of the list of high-risk jurisdictions",
    key=("list_version", "country"),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.CUSTOMER_DUE_DILIGENCE,
    valid_date="effective_on",
    source="list publisher",
    licence="facts; the sample's list is for testing only",
    columns={
        "tenant_id": TENANT_ID,
        "list_version": text("Version of the list, such as 2026-06"),
        "country": text("ISO 3166 country", pattern=r"[A-Z]{2}"),
        "level": code("Level", ["CALL_FOR_ACTION", "INCREASED_MONITORING"]),
        "effective_on": day("First day this version of the list holds"),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)
