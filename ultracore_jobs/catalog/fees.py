"""Given fee terms of a tenant: schedules, arrangements and the consents behind them (domain_rules 2, 3)."""

import polars as pl

from ultracore_jobs.catalog.columns import (
    CURRENCY,
    KNOWN_AT,
    MONEY,
    SOURCE,
    TENANT_ID,
    Column,
    code,
    day,
    flag,
    fraction,
    instant,
    money,
    text,
)
from ultracore_jobs.catalog.dataset import Dataset, Partitioning

BPS = pl.Decimal(10, 4)
"""Basis points a year, exact, because they multiply money."""

TIER = pl.Struct({"from": MONEY, "to": MONEY, "bps": BPS})
"""One slice of assets ``[from, to)`` in the schedule's currency; ``to`` is null in the last one."""

FEE_SCHEDULES = Dataset(
    name="fee_schedules",
    grain="one fee schedule, as known from one moment on",
    key=("fee_schedule_id",),
    partitioning=Partitioning.BY_LOAD,
    source="fee register",
    columns={
        "tenant_id": TENANT_ID,
        "fee_schedule_id": text("Our identifier of the schedule"),
        "fee_type": code("What is charged for", ["MANAGEMENT", "PERFORMANCE", "ADVICE"]),
        "ccy": CURRENCY.described("Currency of the tiers and of the minimum"),
        "tier_method": code(
            "marginal: each slice at its own rate; cliff: all at the rate of its tier",
            ["marginal", "cliff"],
            nullable=True,
        ),
        "tiers": Column(
            pl.List(TIER),
            "Slices of assets [from, to) with annual basis points; empty for none",
        ),
        "annual_minimum": money("Least fee for a whole year, excluding GST", nullable=True, at_least=0),
        "hurdle_annual": fraction("Annual hurdle of a performance fee", nullable=True, at_least=0, at_most=1),
        "hurdle_type": code("hard: gain above the hurdle; soft: all of it", ["hard", "soft"], nullable=True),
        "perf_rate": fraction("Share of the gain charged", nullable=True, at_least=0, at_most=1),
        "crystallisation": code(
            "When a performance fee is charged", ["30_june", "quarterly", "annual"], nullable=True
        ),
        "consent_required": flag("Whether a live consent is needed for every deduction"),
        "exemption_code": code(
            "Why none is needed", ["WHOLESALE", "PRODUCT_FEE_PDS", "FIXED_TERM_12M"], nullable=True
        ),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

FEE_ARRANGEMENTS = Dataset(
    name="fee_arrangements",
    grain="one agreement that a portfolio pays by one schedule, as known from one moment on",
    key=("arrangement_id",),
    partitioning=Partitioning.BY_LOAD,
    source="fee register",
    columns={
        "tenant_id": TENANT_ID,
        "arrangement_id": text("Our identifier of the arrangement"),
        "client_id": text("Client who pays"),
        "portfolio_id": text("Portfolio it is deducted from"),
        "fee_schedule_id": text("Schedule that sets the fee"),
        "entered_on": day("Day it was entered into; its anniversaries set the life of consents"),
        "reference_on": day("Agreed day that replaces the anniversary", nullable=True),
        "start_on": day("First day it accrues"),
        "end_on": day("First day it no longer accrues; null while it runs", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

CONSENTS = Dataset(
    name="consents",
    grain="one holder's signed consent to one arrangement, as known from one moment on",
    key=("consent_id",),
    partitioning=Partitioning.BY_LOAD,
    source="consent register",
    columns={
        "tenant_id": TENANT_ID,
        "consent_id": text("Our identifier of the consent; a withdrawal is a later row of the same id"),
        "arrangement_id": text("Arrangement it allows"),
        "account_id": text("Account it may be deducted from"),
        "kind": code(
            "OFA: ongoing fee arrangement; DEDUCTION: deduction from the account", ["OFA", "DEDUCTION"]
        ),
        "holder_id": text("Holder who signed; each joint holder signs one"),
        "signed_on": day("Day of the signature, tenant time"),
        "basis": code("fixed: an amount; method: an estimate and how it is computed", ["fixed", "method"]),
        "consented_amount": money("Amount or estimate, schedule's currency, incl. GST", at_least=0),
        "fee_schedule_id": text("Schedule shown to the holder, for basis method", nullable=True),
        "withdrawn_at": instant("When it was withdrawn, effective at once; null if not", nullable=True),
        "document_hash": text("SHA-256 of the signed document, hexadecimal", pattern=r"[0-9a-f]{64}"),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)
