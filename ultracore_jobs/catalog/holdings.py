"""Given books of a tenant: clients, portfolios, transactions and tax lots (domain_rules 2)."""

from ultracore_jobs.catalog.columns import (
    CURRENCY,
    KNOWN_AT,
    SOURCE,
    TENANT_ID,
    code,
    day,
    flag,
    fraction,
    instant,
    money,
    price,
    text,
    units,
)
from ultracore_jobs.catalog.dataset import Dataset, Partitioning, Retention

CLIENTS = Dataset(
    name="clients",
    grain="one client, as known from one moment on",
    key=("client_id",),
    partitioning=Partitioning.BY_LOAD,
    retention=Retention.CUSTOMER_DUE_DILIGENCE,
    source="client register",
    columns={
        "tenant_id": TENANT_ID,
        "client_id": text("Our identifier of the client"),
        "legal_name": text("Name in the register"),
        "dob_on": day("Date of birth; people only", nullable=True),
        "entity": code("Legal form", ["individual", "joint", "trust", "company", "super_fund"]),
        "retail": flag("Retail client under the Corporations Act"),
        "marginal_rate": fraction("Marginal tax rate", at_least=0, at_most=1),
        "risk_profile": code(
            "Agreed risk profile", ["conservative", "moderate", "balanced", "growth", "high_growth"]
        ),
        "kyc_risk": code("Money-laundering risk rating", ["LOW", "MEDIUM", "HIGH"]),
        "kyc_reviewed_on": day("Last due-diligence review", nullable=True),
        "residency_country": text("ISO 3166 country", pattern=r"[A-Z]{2}"),
        "timezone": text("IANA time zone"),
        "relationship_ended_on": day("Day the relationship ended; null while it lasts", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

PORTFOLIOS = Dataset(
    name="portfolios",
    grain="one portfolio, as known from one moment on",
    key=("portfolio_id",),
    partitioning=Partitioning.BY_LOAD,
    source="portfolio register",
    columns={
        "tenant_id": TENANT_ID,
        "portfolio_id": text("Our identifier of the portfolio"),
        "client_id": text("Client who owns it"),
        "base_ccy": CURRENCY.described("Currency the portfolio is valued in"),
        "calendar_id": text("Business-day calendar of the portfolio"),
        "opened_on": day("First day the portfolio exists"),
        "closed_on": day("First day it no longer exists", nullable=True),
        "status": code("State in the register", ["OPEN", "CLOSED"]),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

TRANSACTIONS = Dataset(
    name="transactions",
    grain="one movement of units or cash in one portfolio",
    key=("transaction_id",),
    partitioning=Partitioning.BY_LOAD,
    valid_date="trade_on",
    source="transaction ledger",
    columns={
        "tenant_id": TENANT_ID,
        "transaction_id": text("Identifier in the ledger"),
        "portfolio_id": text("Portfolio it moves"),
        "client_id": text("Client who owns the portfolio"),
        "type": code(
            "Kind of movement",
            [
                "BUY",
                "SELL",
                "DEPOSIT",
                "WITHDRAWAL",
                "DIVIDEND",
                "INTEREST",
                "FEE",
                "TAX",
                "TRANSFER_IN",
                "TRANSFER_OUT",
            ],
        ),
        "at": instant("When it happened"),
        "trade_on": day("Contract date; moves positions and cash on this day"),
        "settle_on": day("Settlement date", nullable=True),
        "instrument_id": text("Instrument moved, if any", nullable=True),
        "qty": units(
            "Signed change of units: positive in, negative out; null where no units move", nullable=True
        ),
        "price": price("Price per unit, instrument currency", nullable=True, above=0),
        "ccy": CURRENCY.described("Currency of the amount"),
        "brokerage": money("Brokerage within the amount, never negative", nullable=True, at_least=0),
        "amount": money("Signed effect on cash in `ccy`; 0 where only units move"),
        "external_flow": flag("Client money or assets in or out; not trades, fees or income"),
        "client_initiated": flag("Whether the client asked for it"),
        "physical_currency": flag("Whether notes and coins changed hands"),
        "counterparty_name": text("Other party", nullable=True),
        "counterparty_country": text(
            "ISO 3166 country of the other party", nullable=True, pattern=r"[A-Z]{2}"
        ),
        "completed_on": day("Day the transaction is complete for record keeping", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

LOTS = Dataset(
    name="lots",
    grain="one tax parcel, from one effective day on, as known from one moment on",
    key=("lot_id", "effective_on"),
    partitioning=Partitioning.BY_LOAD,
    valid_date="effective_on",
    source="tax-lot register",
    columns={
        "tenant_id": TENANT_ID,
        "lot_id": text("Identifier of the parcel"),
        "portfolio_id": text("Portfolio that holds it"),
        "instrument_id": text("Instrument held"),
        "acquired_on": day("Contract date of the acquisition"),
        "effective_on": day("First day this state of the parcel holds: acquisition, part sale, split"),
        "qty_open": units("Units still open; negative for a short position, 0 once closed"),
        "cost_base_aud": money(
            "Cost base of the open units in AUD at acquisition FX, incidental costs included"
        ),
        "reduced_cost_base_aud": money("Reduced cost base of the open units in AUD"),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)
