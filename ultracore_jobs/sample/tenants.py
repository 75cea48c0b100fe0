"""A tenant of the sample: its whole books, made in one go, the same each time."""

from datetime import date

import polars as pl

from ultracore_jobs.errors import UnknownNameError, UsageError
from ultracore_jobs.sample.calendars import LAST_DAY
from ultracore_jobs.sample.grid import day_number, market_grid
from ultracore_jobs.sample.ledger import Activity, lot_table, transaction_table
from ultracore_jobs.sample.money import contributions, income_money, withdrawals
from ultracore_jobs.sample.names import TENANTS
from ultracore_jobs.sample.parcels import income, parcels
from ultracore_jobs.sample.planted import planted_movements
from ultracore_jobs.sample.registers import client_facts, client_table, mandate_table, portfolio_table
from ultracore_jobs.sample.roster import make_roster
from ultracore_jobs.sample.services import (
    legal_hold_table,
    notification_pref_table,
    price_alert_table,
    subscription_table,
)
from ultracore_jobs.sample.shared import shared_tables
from ultracore_jobs.sample.terms import (
    arrangement_facts,
    arrangement_table,
    consent_table,
    fee_schedule_table,
)
from ultracore_jobs.sample.trading import purchases, sales

SEED = 20240101


def generate_tenant(
    tenant: str, *, portfolios: int = 200, seed: int = SEED, until: date
) -> dict[str, pl.DataFrame]:
    """The books of one tenant up to the evening of *until*, as given tables.

    The same arguments give the same tables. A later *until* gives the same rows and more, portfolio n is
    the same however many there are, and the first 28 portfolios carry what `Planted` says.

    Args:
        tenant: One of `TENANTS`.
        portfolios: How many, 1 or more; linear in time and memory.
        seed: Another seed gives other books.
        until: Last day on which anything happened; at most the end of 2031.

    Returns:
        Conforming tables by name, each in the order its rows became known: clients, portfolios, mandates,
        transactions, lots, fee_schedules, fee_arrangements, consents, subscriptions, price_alerts,
        notification_prefs, legal_holds.

    Raises:
        UnknownNameError: No such tenant.
        UsageError: *portfolios* is below 1.
        MissingExtraError: The extra ``sample`` is not installed.
    """
    if tenant not in TENANTS:
        raise UnknownNameError("sample tenant", tenant, list(TENANTS))
    if portfolios < 1:
        raise UsageError(f"a tenant needs at least 1 portfolio, not {portfolios}")
    until = min(until, LAST_DAY)
    grid, last = market_grid(), day_number(until)
    roster = make_roster(tenant, portfolios=portfolios, seed=seed, grid=grid)
    facts = client_facts(roster)
    arranged = arrangement_facts(roster, facts)
    paid_in, for_income = contributions(roster, grid, last), income_money(roster, grid, last)
    bought = purchases(paid_in, for_income, roster, grid)
    bought = bought.filter(pl.col("day") <= last)
    sold = sales(bought, roster, grid, last)
    activity = Activity(
        contributions=paid_in,
        income_money=for_income,
        withdrawals=withdrawals(roster, grid, last),
        planted=planted_movements(portfolios, until),
        bought=bought,
        sold=sold,
        income=income(pl.concat([bought, sold]), grid, last),
        parcels=parcels(bought, sold, grid, last),
    )
    return {
        "clients": client_table(facts, roster, until),
        "portfolios": portfolio_table(roster, until),
        "mandates": mandate_table(roster, grid, until),
        "transactions": transaction_table(activity, roster, grid),
        "lots": lot_table(activity, roster, grid),
        "fee_schedules": fee_schedule_table(tenant),
        "fee_arrangements": arrangement_table(arranged, roster, until),
        "consents": consent_table(arranged, roster, until),
        "subscriptions": subscription_table(facts, roster, until),
        "price_alerts": price_alert_table(roster, grid, until),
        "notification_prefs": notification_pref_table(facts, roster, until),
        "legal_holds": legal_hold_table(roster, until),
    }


__all__ = ["SEED", "generate_tenant", "shared_tables"]
