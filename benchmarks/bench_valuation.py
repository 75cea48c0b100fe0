"""Valuation of many positions, Parquet to Parquet: ours, pandas, DuckDB, and the reading and writing alone.

    python benchmarks/bench_valuation.py --rows 1000000 --rounds 7

Each variant reads positions (portfolio, instrument, quantity, cost), joins the portfolio's currency, the
price and the exchange rate, writes a line for each position (value and unrealised gain) and a total for
each portfolio. `ours-exact` uses the expressions of the product, on decimals, rounded half-up to the cent;
`ours-float`, pandas and DuckDB compute floats and round nothing. `io-pass` is no valuation: it reads the
same file in batches, multiplies and subtracts once, and writes as many columns. The results are
compared, and held against `decimal` on a sample, before anything is timed.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.interleave import interleave, measure, report, script, table
from ultracore_jobs.catalog.columns import FX_RATE, MONEY, PRICE, UNITS
from ultracore_jobs.kernels.valuation.lines import value_positions
from ultracore_jobs.kernels.valuation.tables import FRESH, POSITION
from ultracore_jobs.kernels.valuation.totals import total_lines

PER_PORTFOLIO, INSTRUMENTS = 20, 2000
ZSTD = 3
ROW_GROUP_ROWS = 65_536
WARM_UP_ROWS = 20_000
SAMPLE = 20_000


def generate(folder: Path, rows: int) -> None:
    """The same books for the same size: exact columns and their float twins.

    Quantities have up to 4 decimals and prices 2 to 4, so that ties of half a cent do occur.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(20260101)
    books = max(1, rows // PER_PORTFOLIO)
    positions = pl.DataFrame(
        {
            "portfolio": np.arange(rows) // PER_PORTFOLIO,
            "instrument": rng.integers(0, INSTRUMENTS, rows),
            "qty_e4": rng.integers(1, 50_000_000, rows),
            "cost_e2": rng.integers(1, 100_000_000, rows),
        }
    )
    exact = positions.select(
        name("portfolio", "ACA-P", 7),
        name("instrument", "XNYS-", 4),
        whole("qty_e4", 4, UNITS, "qty"),
        whole("cost_e2", 2, MONEY, "cost_base"),
    )
    floats = positions.select(
        name("portfolio", "ACA-P", 7),
        name("instrument", "XNYS-", 4),
        (pl.col("qty_e4") / 1e4).alias("qty"),
        (pl.col("cost_e2") / 1e2).alias("cost_base"),
    )
    portfolios = pl.DataFrame(
        {"portfolio": np.arange(books), "base_ccy": rng.choice(["AUD", "AUD", "AUD", "USD"], books)}
    ).select(name("portfolio", "ACA-P", 7), "base_ccy", pl.lit(2, dtype=pl.Int64).alias("digits"))
    quotes = pl.DataFrame(
        {
            "instrument": np.arange(INSTRUMENTS),
            "price_e4": rng.integers(1, 2_000_000, INSTRUMENTS) * rng.choice(np.array([1, 100]), INSTRUMENTS),
            "ccy": rng.choice(["AUD", "USD"], INSTRUMENTS),
        }
    ).select(
        name("instrument", "XNYS-", 4),
        "ccy",
        whole("price_e4", 4, PRICE, "price"),
        pl.lit(Decimal(1)).cast(PRICE).alias("price_factor"),
    )
    rates = pl.DataFrame(
        {
            "ccy": ["AUD", "AUD", "USD", "USD"],
            "base_ccy": ["AUD", "USD", "AUD", "USD"],
            "fx_e10": [10_000_000_000, 6_543_210_987, 15_283_018_867, 10_000_000_000],
        }
    ).select("ccy", "base_ccy", whole("fx_e10", 10, FX_RATE, "fx"))
    for kind, frame in (("exact", exact), ("float", floats)):
        options = {"compression": "zstd", "compression_level": ZSTD, "row_group_size": ROW_GROUP_ROWS}
        pq.write_table(
            frame.to_arrow(),
            folder / f"positions-{kind}.parquet",
            use_dictionary=["portfolio_id", "instrument_id"],
            **options,
        )
    portfolios.write_parquet(folder / "portfolios.parquet")
    for table_name, frame in (("quotes", quotes), ("rates", rates)):
        frame.write_parquet(folder / f"{table_name}-exact.parquet")
        floats = frame.with_columns(cs.decimal().cast(pl.Float64))
        floats.write_parquet(folder / f"{table_name}-float.parquet")


def name(column: str, prefix: str, width: int) -> pl.Expr:
    """A text identifier, as the product's tables have them."""
    digits = pl.col(column).cast(pl.String).str.zfill(width)
    return pl.concat_str(pl.lit(prefix), digits).alias(f"{column}_id")


def whole(column: str, places: int, dtype: pl.Decimal, name: str) -> pl.Expr:
    """Whole numbers of the last decimal as a Decimal."""
    unit = pl.lit(Decimal(1).scaleb(-places))
    return (pl.col(column).cast(pl.Decimal(38, 0)) * unit).cast(dtype).alias(name)


def ours(folder: Path, out: Path, kind: str) -> None:
    """Polars, streaming; the exact kind with the product's own expressions."""
    # Positions stream past; kept in order, they are never the side that is held in memory.
    by_position: dict[str, Any] = {"how": "left", "maintain_order": "left"}
    # The two small tables first: a quote in each base currency.
    quotes = pl.scan_parquet(folder / f"quotes-{kind}.parquet").join(
        pl.scan_parquet(folder / f"rates-{kind}.parquet"), on="ccy"
    )
    joined = (
        pl.scan_parquet(folder / f"positions-{kind}.parquet")
        .join(pl.scan_parquet(folder / "portfolios.parquet"), on="portfolio_id", **by_position)
        .join(quotes, on=["instrument_id", "base_ccy"], **by_position)
    )
    if kind == "exact":
        valued = value_positions(joined)
        gain = (pl.col("mv_base") - pl.col("cost_base")).cast(MONEY)
    else:
        product = pl.col("qty") * pl.col("price") * pl.col("price_factor") * pl.col("fx")
        valued = joined.with_columns(product.alias("mv_base"))
        gain = pl.col("mv_base") - pl.col("cost_base")
    lines = valued.select("portfolio_id", "instrument_id", "mv_base", gain.alias("unrealised_base"))
    lines.sink_parquet(out / "lines.parquet", compression_level=ZSTD)
    # Totals of what was written: nothing has to be kept for them meanwhile.
    written = pl.scan_parquet(out / "lines.parquet")
    if kind == "exact":
        typed = written.with_columns(pl.lit(POSITION).alias("line_type"), pl.lit(FRESH).alias("price_status"))
        totals = total_lines(typed).select("portfolio_id", pl.col("gross_base").alias("nav"))
    else:
        totals = written.group_by("portfolio_id").agg(pl.col("mv_base").sum().alias("nav"))
    totals.sink_parquet(out / "totals.parquet", compression_level=ZSTD)


def with_pandas(folder: Path, out: Path) -> None:
    """As most people would write it: merge, multiply, group."""
    lines = (
        pd.read_parquet(folder / "positions-float.parquet")
        .merge(pd.read_parquet(folder / "portfolios.parquet"), on="portfolio_id")
        .merge(pd.read_parquet(folder / "quotes-float.parquet"), on="instrument_id")
        .merge(pd.read_parquet(folder / "rates-float.parquet"), on=["ccy", "base_ccy"])
    )
    lines["mv_base"] = lines["qty"] * lines["price"] * lines["price_factor"] * lines["fx"]
    lines["unrealised_base"] = lines["mv_base"] - lines["cost_base"]
    kept = lines[["portfolio_id", "instrument_id", "mv_base", "unrealised_base"]]
    kept.to_parquet(out / "lines.parquet", compression="zstd", compression_level=ZSTD, index=False)
    totals = lines.groupby("portfolio_id").agg(nav=("mv_base", "sum")).reset_index()
    totals.to_parquet(out / "totals.parquet", index=False)


def with_duckdb(folder: Path, out: Path) -> None:
    """SQL, floats."""
    written = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {ZSTD}"
    database = duckdb.connect()
    database.execute(
        f"""
        COPY (
            SELECT portfolio_id, instrument_id, qty * price * price_factor * fx AS mv_base,
                   qty * price * price_factor * fx - cost_base AS unrealised_base
            FROM '{folder}/positions-float.parquet'
            JOIN '{folder}/portfolios.parquet' USING (portfolio_id)
            JOIN '{folder}/quotes-float.parquet' USING (instrument_id)
            JOIN '{folder}/rates-float.parquet' USING (ccy, base_ccy)
        ) TO '{out}/lines.parquet' ({written});
        COPY (
            SELECT portfolio_id, sum(mv_base) AS nav FROM '{out}/lines.parquet' GROUP BY portfolio_id
        ) TO '{out}/totals.parquet' ({written})
        """  # noqa: S608 - folders of our own making
    )


def io_pass(folder: Path, out: Path) -> None:
    """Read, one multiplication and one subtraction, write: one thread, no join, no total."""
    source = pq.ParquetFile(folder / "positions-float.parquet")
    names = ["portfolio_id", "instrument_id", "mv_base", "unrealised_base"]
    schema = pa.schema(list(zip(names, [pa.string(), pa.string(), pa.float64(), pa.float64()], strict=True)))
    plain = {"use_dictionary": names[:2], "compression": "zstd", "compression_level": ZSTD}
    with pq.ParquetWriter(out / "lines.parquet", schema, **plain) as writer:
        for batch in source.iter_batches(batch_size=131_072, use_threads=False):
            value = pc.multiply(batch["qty"], 1.5)
            gain = pc.subtract(value, batch["cost_base"])
            columns = [batch["portfolio_id"], batch["instrument_id"], value, gain]
            writer.write_batch(pa.record_batch(columns, names=names).cast(schema))


VARIANTS: dict[str, Callable[[Path, Path], None]] = {
    "io-pass": io_pass,
    "ours-float": lambda folder, out: ours(folder, out, "float"),
    "ours-exact": lambda folder, out: ours(folder, out, "exact"),
    "pandas-float": with_pandas,
    "duckdb-float": with_duckdb,
}
VALUING = [name for name in VARIANTS if name != "io-pass"]


def check(folder: Path, scratch: Path) -> None:
    """All variants agree, row by row and in total; the exact one agrees with `decimal`.

    Raises:
        SystemExit: They do not; nothing is timed then.
    """
    found = {}
    for name in VALUING:
        out = scratch / f"check-{name}"
        out.mkdir()
        VARIANTS[name](folder, out)
        lines = pl.read_parquet(out / "lines.parquet")
        sums = lines.with_columns(pl.col("mv_base", "unrealised_base").cast(pl.Float64))
        found[name] = (
            sums.sort("portfolio_id", "instrument_id", "unrealised_base"),
            pl.read_parquet(out / "totals.parquet").sort("portfolio_id")["nav"].cast(pl.Float64),
        )
        if name == "ours-exact":
            _check_exact(folder, lines, pl.read_parquet(out / "totals.parquet"))
        shutil.rmtree(out)
    reference, totals = found["pandas-float"]
    for name, (lines, nav) in found.items():
        slack = 0.0051 if name == "ours-exact" else 1e-6
        for column in ("mv_base", "unrealised_base"):
            is_near = (lines[column] - reference[column]).abs() < slack
            require(is_near.all(), f"{name}: {column} as pandas'")
        require(len(nav) == len(totals), f"{name}: one total for each portfolio")
        require(((nav - totals).abs() < slack * PER_PORTFOLIO).all(), f"{name}: totals as pandas'")


def require(holds: Any, what: str) -> None:
    """Stop before anything is timed.

    Raises:
        SystemExit: Something does not hold.
    """
    if not holds:
        raise SystemExit(f"not equal, so not timed: {what}")


def _check_exact(folder: Path, lines: pl.DataFrame, totals: pl.DataFrame) -> None:
    sample = (
        pl.read_parquet(folder / "positions-exact.parquet")
        .sample(min(SAMPLE, lines.height), seed=1)
        .join(pl.read_parquet(folder / "portfolios.parquet"), on="portfolio_id")
        .join(pl.read_parquet(folder / "quotes-exact.parquet"), on="instrument_id")
        .join(pl.read_parquet(folder / "rates-exact.parquet"), on=["ccy", "base_ccy"])
    )
    columns = ["portfolio_id", "instrument_id", "mv_base", "unrealised_base"]
    sampled = sample.select("portfolio_id", "instrument_id").unique()
    stored = set(
        lines.join(sampled, on=["portfolio_id", "instrument_id"], how="semi").select(columns).iter_rows()
    )
    for row in sample.iter_rows(named=True):
        product = row["qty"] * row["price"] * row["price_factor"] * row["fx"]
        value = product.quantize(Decimal("0.01"), ROUND_HALF_UP)
        line = (row["portfolio_id"], row["instrument_id"], value, value - row["cost_base"])
        require(line in stored, f"ours-exact: {line} is among the lines")
    summed = lines.group_by("portfolio_id").agg(pl.col("mv_base").sum().cast(MONEY).alias("nav"))
    require(
        summed.sort("portfolio_id").equals(totals.sort("portfolio_id")), "ours-exact: totals of its lines"
    )


def run_one(name: str, folder: Path, warm: Path) -> None:
    """One turn, in this process."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        out = Path(scratch)
        report(measure(lambda: VARIANTS[name](folder, out), lambda: VARIANTS[name](warm, out)))


def main() -> None:
    """Generate, check, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="positions; 100000, 1000000, 10000000")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each variant")
    parser.add_argument("--one", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        run_one(given.one, given.folder / "books", given.folder / "warm")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "books", given.rows)
        generate(folder / "warm", WARM_UP_ROWS)
        check(folder / "books", folder)
        base = [script(__file__), "--folder", str(folder), "--one"]
        turns = interleave({variant: [*base, variant] for variant in VARIANTS}, given.rounds)
    print(f"{given.rows:,} positions, {given.rounds} rounds\n")
    print(table(turns, limit="io-pass", peer="pandas-float"))


if __name__ == "__main__":
    main()
