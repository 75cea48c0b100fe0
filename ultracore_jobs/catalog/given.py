"""Every table we are given, by name: market data, a tenant's books, terms, wishes and lists (domain_rules 2).

Tables that a job type produces are not here; they stand beside their kernels.
"""

from ultracore_jobs.catalog.alerts import NOTIFICATION_PREFS, PRICE_ALERTS, TICKS
from ultracore_jobs.catalog.billing import SUBSCRIPTIONS
from ultracore_jobs.catalog.dataset import Dataset
from ultracore_jobs.catalog.fees import CONSENTS, FEE_ARRANGEMENTS, FEE_SCHEDULES
from ultracore_jobs.catalog.holdings import CLIENTS, LOTS, PORTFOLIOS, TRANSACTIONS
from ultracore_jobs.catalog.mandates import MANDATES
from ultracore_jobs.catalog.market import (
    BENCHMARKS,
    CALENDARS,
    CORPORATE_ACTIONS,
    FX_RATES,
    INSTRUMENTS,
    PRICES,
    RISK_FREE,
)
from ultracore_jobs.catalog.records import LEGAL_HOLDS
from ultracore_jobs.catalog.screening import JURISDICTIONS, WATCHLISTS

GIVEN: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        CLIENTS,
        PORTFOLIOS,
        TRANSACTIONS,
        LOTS,
        MANDATES,
        FEE_SCHEDULES,
        FEE_ARRANGEMENTS,
        CONSENTS,
        SUBSCRIPTIONS,
        PRICE_ALERTS,
        NOTIFICATION_PREFS,
        LEGAL_HOLDS,
        INSTRUMENTS,
        PRICES,
        CORPORATE_ACTIONS,
        FX_RATES,
        CALENDARS,
        BENCHMARKS,
        RISK_FREE,
        TICKS,
        WATCHLISTS,
        JURISDICTIONS,
    )
}
"""All given tables; a tenant's first, then those of ``shared``."""
