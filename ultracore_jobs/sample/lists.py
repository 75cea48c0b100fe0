"""Screening lists of the sample: invented names, and a short list of jurisdictions for testing."""

from datetime import UTC, date, datetime

import polars as pl

from ultracore_jobs.catalog.columns import INSTANT
from ultracore_jobs.catalog.screening import JURISDICTIONS, WATCHLISTS

SANCTIONED_NAME = "Zoltan Verebes-Quill"
"""On the sanctions list; one planted client of each tenant bears it, spelt another way."""

PEP_NAME = "Marguerite Osei-Lindqvist"
"""On the list of politically exposed persons; one planted client of each tenant bears it."""

_SANCTIONS, _PEP = "SAMPLE-SANCTIONS", "SAMPLE-PEP"
_FIRST, _SECOND = datetime(2023, 1, 2, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)

_ENTRIES: tuple[tuple[str, str, str, str, list[str], str | None], ...] = (
    (_SANCTIONS, "SANCTIONS", "S-001", SANCTIONED_NAME, ["Zoltán Verebes Quill", "Z. V. Quill"], "1968"),
    (_SANCTIONS, "SANCTIONS", "S-002", "Ottokar Fenwraith", [], "1975-03-09"),
    (_SANCTIONS, "SANCTIONS", "S-003", "Halcyon Drift Shipping Pte", ["Halcyon Drift"], None),
    (_SANCTIONS, "SANCTIONS", "S-004", "Ysolde Karamazin-Tull", ["Isolde Karamazin"], "1981"),
    (_PEP, "PEP", "P-001", PEP_NAME, ["Margaret Osei Lindqvist"], "1959-11-30"),
    (_PEP, "PEP", "P-002", "Balthasar Nkemelu-Strand", [], "1962"),
)
_ADDED: tuple[tuple[str, str, str, str, list[str], str | None], ...] = (
    (_SANCTIONS, "SANCTIONS", "S-005", "Peregrine Oduwole-Hast", ["P. Oduwole Hast"], "1990"),
)
"""What the second version of the sanctions list has more than the first."""

_JURISDICTIONS = (
    ("2023-02", date(2023, 2, 24), {"KP": True, "IR": True, "MM": True, "XA": False}),
    ("2026-06", date(2026, 6, 26), {"KP": True, "IR": True, "MM": True, "XA": False, "XB": False}),
)
"""Version, first day, country: True for a call for action. XA and XB are codes no country has."""


def watchlist_table() -> pl.DataFrame:
    """Both versions of the lists, as a `WATCHLISTS` table; every name in it is invented."""
    rows = [(1, _FIRST, *entry) for entry in _ENTRIES]
    rows += [(2, _SECOND, *entry) for entry in (*_ENTRIES, *_ADDED)]
    columns = ["version", "known_at", "list_id", "category", "entry_id", "name", "aliases", "dob"]
    return _conforming(
        pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None), WATCHLISTS.schema
    )


def jurisdiction_table() -> pl.DataFrame:
    """Both versions of the list of jurisdictions, as a `JURISDICTIONS` table."""
    rows = [
        (version, country, "CALL_FOR_ACTION" if call else "INCREASED_MONITORING", effective_on)
        for version, effective_on, countries in _JURISDICTIONS
        for country, call in countries.items()
    ]
    frame = pl.DataFrame(rows, schema=["list_version", "country", "level", "effective_on"], orient="row")
    known = pl.col("effective_on").cast(INSTANT).alias("known_at")
    return _conforming(frame.with_columns(known), JURISDICTIONS.schema)


def _conforming(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    stamped = frame.with_columns(
        pl.lit("shared").alias("tenant_id"), pl.lit("synthetic sample").alias("source")
    )
    return stamped.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
