"""What a fee run is held against: the script that one would write by hand, and reading and writing alone.

The script charges fees on assets only: pandas reads and groups, `decimal` computes day by day, and every
charge is one transaction on SQLite with the same tables, triggers and durability as ours. It has no
performance fees, no files, no gates, no ids that survive a second run, and asks for consent by a set.
"""

import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow.parquet as pq

from benchmarks.fee_books import END, FIRST, NOW, TENANT, TIERS, days_between
from benchmarks.fee_platform import FEES
from ultracore_jobs.adapters.database import migrate, open_database

Rows = dict[str, list[tuple[Any, ...]]]
"""Rows of the ledger in the order of their places, by table."""

_CENT = Decimal("0.01")
_AT_ONCE = 500


def plain_database(file: Path) -> sqlite3.Connection:
    """A database with our tables and durability, used without any library."""
    url = f"sqlite:///{file}"
    migrate(url)
    engine = open_database(url)
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("synchronous", "cache_size", "foreign_keys", "recursive_triggers")
        }
    engine.dispose()
    plain = sqlite3.connect(file, isolation_level=None)
    for name, value in settings.items():
        plain.execute(f"PRAGMA {name} = {value}")
    return plain


def table_files(lake: Path, name: str, tenant: str = TENANT) -> list[Path]:
    """The Parquet files of a table, by partition."""
    return sorted((lake / tenant / name).glob("*/*.parquet"))


def charge_by_hand(lake: Path, database: sqlite3.Connection) -> dict[str, int]:
    """The script; how many it charged, and the sum in cents."""
    needed = ["portfolio_id", "as_of_date", "status", "nav", "accrued_fees_base"]
    values = pd.concat([pd.read_parquet(file, columns=needed) for file in table_files(lake, "valuations")])
    values = values[values["status"] == "COMPLETE"].sort_values(["portfolio_id", "as_of_date"])
    arranged = pd.concat(map(pd.read_parquet, table_files(lake, "fee_arrangements")))
    signed = pd.concat(map(pd.read_parquet, table_files(lake, "consents")))
    allowed = set(signed.loc[signed["kind"] == "DEDUCTION", "arrangement_id"])
    booked = pd.concat(map(pd.read_parquet, table_files(lake, "transactions")))
    cash = booked.groupby("portfolio_id")["amount"].sum().to_dict()
    terms = arranged[arranged["fee_schedule_id"].isin(list(TIERS))].set_index("portfolio_id")
    charged, total = 0, Decimal(0)
    place = database.execute("SELECT COALESCE(MAX(seq), 0) FROM uc_receipts").fetchone()[0]
    schedules = terms[["arrangement_id", "fee_schedule_id"]].to_dict("index")
    for portfolio_id, rows in values.groupby("portfolio_id"):
        arrangement_id, schedule = schedules[portfolio_id].values()
        assets = (rows["nav"] + rows["accrued_fees_base"]).tolist()
        fee = _month(rows["as_of_date"].tolist(), assets, schedule)
        gst = (fee * Decimal("0.10")).quantize(_CENT, ROUND_HALF_UP)
        if arrangement_id not in allowed or cash[portfolio_id] < fee + gst:
            continue
        place += 1
        _insert(database, place, str(portfolio_id), fee, gst)
        charged, total = charged + 1, total + fee + gst
    return {"charged": charged, "cents": int(total * 100)}


def _month(known_on: list[date], assets: list[Decimal], schedule: str) -> Decimal:
    owed = Decimal(0)
    days = days_between(FIRST, END)
    for day in days:
        owed += _yearly(assets[bisect_right(known_on, day) - 1], schedule)
    return (max(owed, Decimal(TIERS[schedule][2] * len(days))) / 365).quantize(_CENT, ROUND_HALF_UP)


def _yearly(assets: Decimal, schedule: str) -> Decimal:
    method, slices, _ = TIERS[schedule]
    fee = Decimal(0)
    for low, high, bps in slices:
        if method == "cliff":
            if assets >= low and (high is None or assets < high):
                return assets * bps / 10_000
        elif assets > low:
            fee += ((assets if high is None else min(assets, Decimal(high))) - low) * bps / 10_000
    return fee


def _insert(database: sqlite3.Connection, seq: int, portfolio_id: str, fee: Decimal, gst: Decimal) -> None:
    """One charge, one transaction: it is there whole or not at all."""
    decision_id = f"{portfolio_id}:{FIRST}"
    payload = f'{{"fee":"{fee}","gst":"{gst}","portfolio_id":"{portfolio_id}"}}'
    e4 = [int(amount * 10_000) for amount in (-(fee + gst), fee, gst)]
    accounts = (f"cash:{portfolio_id}", "fee_income:MANAGEMENT", "gst_payable")
    said = (payload, "batch_by_hand", "0" * 64)
    decision = (seq, decision_id, TENANT, "MANAGEMENT_FEE", "job_by_hand", str(FIRST), -e4[0], "AUD", *said)
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO uc_decisions VALUES (?,?,?,?,?,?,?,?,?,?,?)", decision)
    for number, (account, amount) in enumerate(zip(accounts, e4, strict=True), start=1):
        row = (seq, number, account, "AUD", amount, None, None)
        database.execute("INSERT INTO uc_entries VALUES (?,?,?,?,?,?,?)", row)
    database.execute("INSERT INTO uc_receipts VALUES (?,?,?,?)", (seq, "POSTED", "script", f"{NOW:%FT%TZ}"))
    database.execute("COMMIT")


@dataclass(frozen=True)
class Bytes:
    """What a run of ours left behind, to be written again without computing anything.

    Attributes:
        tables: The Arrow tables it published.
        rows: Rows of the ledger in order: of decisions, of their entries, of their receipts.
    """

    tables: list[Any]
    rows: Rows

    @classmethod
    def of(cls, folder: Path) -> "Bytes":
        """Those of the platform in *folder*."""
        files = [file for dataset in FEES.writes for file in table_files(folder / "lake", dataset.name)]
        return cls([pq.read_table(file) for file in files], ledger_rows(folder / "ultracore.db"))


def ledger_rows(file: Path) -> Rows:
    """What a ledger on SQLite holds."""
    order = {"uc_decisions": "seq", "uc_entries": "seq, number", "uc_receipts": "seq"}
    with closing(sqlite3.connect(file)) as database:
        return {
            name: database.execute(f"SELECT * FROM {name} ORDER BY {keys}").fetchall()  # noqa: S608 - our names
            for name, keys in order.items()
        }


def insert_plainly(database: sqlite3.Connection, rows: Rows, decisions_each: int) -> None:
    """Rows of the ledger, so many decisions to a transaction."""
    for some in transactions(rows, decisions_each):
        database.execute("BEGIN IMMEDIATE")
        for name, of_one in some.items():
            if of_one:
                places = ",".join("?" * len(of_one[0]))
                database.executemany(f"INSERT INTO {name} VALUES ({places})", of_one)  # noqa: S608 - our names
        database.execute("COMMIT")


def pass_through(lake: Path, written: Bytes, out: Path, database: sqlite3.Connection) -> None:
    """Read what a run reads, write what it wrote, 500 decisions to a transaction; compute nothing."""
    for read in FEES.inputs:
        tenant = "shared" if read.dataset.name == "calendars" else TENANT
        files = table_files(lake, read.dataset.name, tenant)
        if files:
            pl.scan_parquet(files).select(read.columns or pl.all()).collect()
    for place, arrow in enumerate(written.tables):
        pq.write_table(arrow, out / f"{place}.parquet", compression="zstd", compression_level=3)
    insert_plainly(database, written.rows, _AT_ONCE)


def transactions(rows: Rows, decisions_each: int) -> Iterator[Rows]:
    """Rows of the ledger, parted so that each part has so many decisions, their entries and receipts."""
    entries, begin = rows["uc_entries"], 0
    for start in range(0, len(rows["uc_decisions"]), decisions_each):
        decisions = rows["uc_decisions"][start : start + decisions_each]
        end = bisect_right(entries, decisions[-1][0], lo=begin, key=lambda entry: entry[0])
        receipts = rows["uc_receipts"][start : start + decisions_each]
        yield {"uc_decisions": decisions, "uc_entries": entries[begin:end], "uc_receipts": receipts}
        begin = end
