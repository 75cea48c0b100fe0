"""What providers deliver, word for word, before anything is believed.

Numbers and dates are text here, so that `"N/A"` or `"-"` reaches the kernel that rejects it with a
reason. Each delivery is stored as it came: it is the pinned input from which a load can be replayed.
"""

from ultracore_jobs.catalog.columns import KNOWN_AT, SOURCE, TENANT_ID, text
from ultracore_jobs.catalog.dataset import Dataset, Partitioning, Retention, Scope

VENDOR_PRICES = Dataset(
    name="vendor_prices",
    grain="one price row of one delivery, as the provider wrote it",
    key=("symbol", "exchange", "price_date"),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    unique_within_load=False,
    source="price feed",
    licence="as the provider's",
    columns={
        "tenant_id": TENANT_ID,
        "symbol": text("Ticker", nullable=True),
        "exchange": text("Exchange code", nullable=True),
        "ccy": text("Currency of the price", nullable=True),
        "price_date": text("Session, YYYY-MM-DD", nullable=True),
        "close": text("Closing price", nullable=True),
        "bid": text("Bid at the close, where the provider has it", nullable=True),
        "ask": text("Ask at the close, where the provider has it", nullable=True),
        "volume": text("Units traded, where the provider has it", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

VENDOR_ACTIONS = Dataset(
    name="vendor_actions",
    grain="one corporate action of one delivery, as the provider wrote it",
    key=("action_id",),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    unique_within_load=False,
    source="corporate actions feed",
    licence="as the provider's",
    columns={
        "tenant_id": TENANT_ID,
        "action_id": text("The provider's identifier", nullable=True),
        "symbol": text("Ticker", nullable=True),
        "exchange": text("Exchange code", nullable=True),
        "type": text("SPLIT or DIVIDEND", nullable=True),
        "ratio": text("New units per old unit", nullable=True),
        "cash_per_unit": text("Dividend per unit", nullable=True),
        "franked_pct": text("Franked share", nullable=True),
        "ex_on": text("Ex date, YYYY-MM-DD", nullable=True),
        "pay_on": text("Pay date, YYYY-MM-DD", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

VENDOR_FIXINGS = Dataset(
    name="vendor_fixings",
    grain="one exchange-rate fixing of one delivery, as the publisher wrote it",
    key=("rate_date", "base_ccy", "quote_ccy"),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    unique_within_load=False,
    source="exchange-rate feed",
    licence="ECB reference rates: reuse with attribution; information only, not transaction rates",
    columns={
        "tenant_id": TENANT_ID,
        "rate_date": text("Day of the fixing, YYYY-MM-DD", nullable=True),
        "base_ccy": text("Pivot: EUR for the ECB, AUD for the RBA", nullable=True),
        "quote_ccy": text("Currency quoted", nullable=True),
        "rate": text("Quote units per 1 base unit", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)
