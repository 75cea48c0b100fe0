"""Two job types small enough to see through: shared rates, and balances of a tenant that use them."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

import polars as pl
from pydantic import Field

from ultracore_jobs.catalog import REJECTS_SCHEMA, Dataset, Partitioning, Scope
from ultracore_jobs.catalog.columns import KNOWN_AT, SOURCE, TENANT_ID, count, day, money, text
from ultracore_jobs.jobs import Cadence, Chart, JobSpec, Priority
from ultracore_jobs.jobs.spec import Parameters
from ultracore_jobs.kernels.gates import Gate, Severity

ACCOUNTS = Dataset(
    name="accounts",
    grain="one account, as known from one moment on",
    key=("account_id",),
    partitioning=Partitioning.BY_LOAD,
    source="test",
    columns={
        "tenant_id": TENANT_ID,
        "account_id": text("Account"),
        "amount": money("Amount"),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

FACTORS = Dataset(
    name="factors",
    grain="the factor of one day",
    key=("as_of_date",),
    scope=Scope.SHARED,
    source="daily_factor",
    columns={"as_of_date": day("Day"), "factor": count("Factor")},
)

BALANCES = Dataset(
    name="balances",
    grain="one account's balance on one day",
    key=("as_of_date", "account_id"),
    source="account_balance",
    columns={
        "as_of_date": day("Day"),
        "account_id": text("Account"),
        "balance": money("Amount times factor"),
    },
)


class Factor(NamedTuple):
    """What `factor_of` returns."""

    factors: pl.DataFrame


class Balances(NamedTuple):
    """What `balance_accounts` returns."""

    balances: pl.DataFrame
    quarantine: pl.DataFrame


class BalanceParameters(Parameters):
    """Parameters of `account_balance`."""

    skew: bool = Field(default=False, description="Add one to every balance, which breaks the law")


def factor_of(*, as_of: date) -> Factor:
    """The factor of the day: 2."""
    return Factor(pl.DataFrame({"as_of_date": [as_of], "factor": [2]}, schema=FACTORS.schema))


def balance_accounts(*, accounts: pl.DataFrame, factors: pl.DataFrame, as_of: date, skew: bool) -> Balances:
    """Amount times factor; an account named `bad` is set aside."""
    factor = factors["factor"].item()
    good = accounts.filter(pl.col("account_id") != "bad").sort("account_id")
    balances = good.select(
        pl.lit(as_of).alias("as_of_date"),
        "account_id",
        (pl.col("amount") * factor + int(skew)).cast(BALANCES.schema["balance"]).alias("balance"),
    )
    bad = accounts.filter(pl.col("account_id") == "bad").select(
        pl.lit("accounts").alias("table_name"),
        pl.lit(None, dtype=pl.Int64).alias("row_number"),
        pl.col("account_id").alias("row_key"),
        pl.lit("account_id").alias("column_name"),
        pl.col("account_id").alias("value"),
        pl.lit("BAD_ACCOUNT").alias("reason"),
        pl.lit("name it well").alias("remedy"),
    )
    return Balances(balances, bad.cast(REJECTS_SCHEMA))


def unbalanced(*, balances: pl.DataFrame, accounts: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """Balances that are not amount times factor."""
    return (
        balances.join(accounts, on="account_id")
        .join(factors.select("factor"), how="cross")
        .filter(pl.col("balance") != pl.col("amount") * pl.col("factor"))
        .select("account_id", "balance")
    )


def small(*, balances: pl.DataFrame) -> pl.DataFrame:
    """Balances below ten."""
    return balances.filter(pl.col("balance") < 10)


DAILY_FACTOR = JobSpec(
    name="daily_factor",
    family="toys",
    summary="The factor of the day.",
    rule="It is 2.",
    source="test",
    reads=(),
    kernel=factor_of,
    writes=(FACTORS,),
    cadence=Cadence.DAYS,
    priority=Priority.LOW,
    rerun="Writes nothing.",
    result=lambda factors: {"factors": factors.height},
)

ACCOUNT_BALANCE = JobSpec(
    name="account_balance",
    family="toys",
    summary="What every account holds.",
    rule="Amount times factor.",
    source="test",
    reads=(ACCOUNTS, FACTORS),
    kernel=balance_accounts,
    writes=(BALANCES,),
    cadence=Cadence.SESSIONS,
    priority=Priority.HIGH,
    rerun="Writes nothing unless an amount changed.",
    parameters=BalanceParameters,
    gates=(
        Gate("balances_reconciled", "balances", "A balance is amount times factor", unbalanced),
        Gate("no_small_balance", "balances", "A balance is at least ten", small, Severity.WARNING),
    ),
    result=lambda balances: {"accounts": balances.height, "total": balances["balance"].sum()},
    chart=lambda balances: Chart(
        "Balances",
        "AUD",
        tuple((name, float(amount)) for name, amount in balances.select("account_id", "balance").rows()),
    ),
    preview=lambda balances: balances,
)

TOYS = {"account_balance": ACCOUNT_BALANCE, "daily_factor": DAILY_FACTOR}


def accounts(tenant: str = "acacia", known_at: str = "2026-01-05T00:00:00Z", **amounts: str) -> pl.DataFrame:
    """Accounts with these amounts, known from one instant on."""
    return pl.DataFrame(
        {
            "tenant_id": [tenant] * len(amounts),
            "account_id": list(amounts),
            "amount": [Decimal(amount) for amount in amounts.values()],
            "known_at": [known_at] * len(amounts),
            "source": ["test"] * len(amounts),
        }
    ).with_columns(
        pl.col("amount").cast(ACCOUNTS.schema["amount"]),
        pl.col("known_at").str.to_datetime(time_unit="us", time_zone="UTC"),
    )
