"""The registers of a tenant: clients, portfolios and mandates; every name in them is invented."""

from datetime import date

import numpy as np
import polars as pl

from ultracore_jobs.catalog.holdings import CLIENTS, PORTFOLIOS
from ultracore_jobs.catalog.mandates import MANDATES
from ultracore_jobs.sample.draws import Ints
from ultracore_jobs.sample.grid import Grid, dates, day_number
from ultracore_jobs.sample.ledger import SOURCE, dated, sydney
from ultracore_jobs.sample.planted import Planted, is_planted
from ultracore_jobs.sample.roster import AUSTRALIAN, INVESTED, NO_SLOT, Roster

CLOSED_ON = date(2025, 3, 31)
JOINT = "joint"
_GIVEN = (
    "Ava", "Noah", "Mei", "Liam", "Priya", "Jack", "Isla", "Omar", "Ruby", "Ethan", "Zara", "Leo", "Hana",
    "Finn", "Nina", "Arjun", "Tess", "Marcus", "Elena", "Kofi", "Freya", "Hugo", "Lien", "Sofia",
)  # fmt: skip
_FAMILY = (
    "Tarrowick", "Nguyenfield", "Ashgrove", "Merrindale", "Okonjura", "Pellworth", "Singhvale",
    "Brackenridge", "Castellane", "Wattlebury", "Hallorane", "Iwasaki-Moor", "Jindabury",
    "Kestrelton", "Lindenfelt", "Moorabine", "Novakinde", "Orrelby", "Pascoevale", "Quandamere",
    "Rosewarren", "Strathbourne", "Tillabudgee", "Yarraville-Holt",
)  # fmt: skip
_RATES = {"0.16": 0.15, "0.30": 0.45, "0.37": 0.2, "0.45": 0.2}
_REVIEW_MONTHS = {"LOW": 36, "MEDIUM": 24, "HIGH": 12}
_SANCTIONED_AS, _PEP_AS = "Zoltan Verebes Quill", "Margaret Osei-Lindqvist"


def client_facts(roster: Roster) -> pl.DataFrame:
    """What a client is for life, one row each by place.

    Returns:
        ``client`` (place), ``first_day`` (day number of its first portfolio), ``entity``, ``retail``,
        ``legal_name``, ``dob``, ``marginal_rate``, ``risk_profile``, ``kyc_risk``.
    """
    clients = pl.DataFrame({"client": roster.client, "first_day": roster.opened}).group_by("client").min()
    clients = clients.sort("client")
    c, draws = clients["client"].to_numpy(), roster.draws
    entity = draws.choice(
        "entity", {"individual": 0.5, JOINT: 0.18, "trust": 0.12, "company": 0.08, "super_fund": 0.12}, c
    )
    person = is_planted(
        c, Planted.SANCTIONS_NAME, Planted.PEP_NAME, Planted.CONSENT_EXPIRED, Planted.CONSENT_WITHDRAWN
    )
    entity = np.where(person, "individual", entity)
    entity = np.where(is_planted(c, Planted.JOINT_LATE_SIGNATURE), JOINT, entity)
    consents = (
        Planted.CONSENT_MISSING, Planted.CONSENT_EXPIRED, Planted.CONSENT_WITHDRAWN,
        Planted.CONSENT_TOO_SMALL, Planted.JOINT_LATE_SIGNATURE, Planted.REFERENCE_DAY,
    )  # fmt: skip
    wholesale = (draws.chance("wholesale", 0.12, c) & ~is_planted(c, *consents)) | is_planted(
        c, Planted.LARGE_WHOLESALE
    )
    rate = draws.choice("rate", _RATES, c).astype(np.float64)
    rate = np.select(
        [entity == "super_fund", entity == "company", entity == "trust"], [0.15, 0.25, 0.47], rate
    )
    profile = {"conservative": 0.1, "moderate": 0.2, "balanced": 0.35, "growth": 0.25, "high_growth": 0.1}
    born = day_number(date(1940, 1, 1)) + draws.below("born", 22_000, c)
    is_person = np.isin(entity, ["individual", JOINT])
    return clients.with_columns(
        pl.Series("entity", entity),
        pl.Series("retail", ~wholesale),
        _names(roster, c, entity).alias("legal_name"),
        pl.select(pl.when(pl.Series(is_person)).then(dates(born))).to_series().alias("dob"),
        pl.Series("marginal_rate", rate),
        pl.Series("risk_profile", draws.choice("profile", profile, c)),
        pl.Series("kyc_risk", draws.choice("kyc", {"LOW": 0.75, "MEDIUM": 0.2, "HIGH": 0.05}, c)),
    )


def client_table(facts: pl.DataFrame, roster: Roster, until: date) -> pl.DataFrame:
    """Clients as a `CLIENTS` table: one row when they join, one for each review, one when they leave."""
    base = facts.with_columns(dates(facts["first_day"].to_numpy()).alias("since"))
    months = pl.col("kyc_risk").replace_strict(_REVIEW_MONTHS, return_dtype=pl.Int64)
    reviewed = (
        base.filter(~pl.Series(is_planted(base["client"].to_numpy(), Planted.KYC_OVERDUE)))
        .join(pl.DataFrame({"review": range(1, 10)}), how="cross")
        .with_columns(
            pl.col("since")
            .dt.offset_by(pl.format("{}mo", months * pl.col("review")))
            .dt.offset_by("-20d")
            .alias("on")
        )
    )
    joined = base.with_columns(pl.col("since").alias("on"))
    left = joined.filter(pl.Series(is_planted(joined["client"].to_numpy(), Planted.CLOSED))).with_columns(
        pl.lit(CLOSED_ON).alias("ended"), pl.lit(CLOSED_ON).alias("known_on")
    )
    gone = pl.col("client") == Planted.CLOSED.place
    rows = pl.concat(
        [joined, reviewed.select(joined.columns).filter(~gone | (pl.col("on") < CLOSED_ON)), left],
        how="diagonal",
    )
    rows = rows.with_columns(pl.coalesce("known_on", "on").alias("__date")).filter(pl.col("__date") <= until)
    return (
        rows.with_columns(sydney(9).alias("known_at"))
        .sort("known_at", "client")
        .select(
            pl.lit(roster.tenant).alias("tenant_id"),
            pl.lit(roster.client_ids).gather(pl.col("client")).alias("client_id"),
            "legal_name",
            pl.col("dob").alias("dob_on"),
            "entity",
            "retail",
            "marginal_rate",
            "risk_profile",
            "kyc_risk",
            pl.col("on").alias("kyc_reviewed_on"),
            pl.lit("AU").alias("residency_country"),
            pl.lit("Australia/Sydney").alias("timezone"),
            pl.col("ended").alias("relationship_ended_on"),
            "known_at",
            pl.lit(SOURCE).alias("source"),
        )
        .select(CLIENTS.schema.names())
    )


def portfolio_table(roster: Roster, until: date) -> pl.DataFrame:
    """Portfolios as a `PORTFOLIOS` table: a row when they open, and one when they close."""
    opened = pl.DataFrame({"portfolio": roster.places, "day": roster.opened})
    closed = opened.filter(pl.Series(is_planted(roster.places, Planted.CLOSED))).with_columns(
        pl.lit(day_number(CLOSED_ON), dtype=pl.Int64).alias("day"), pl.lit(CLOSED_ON).alias("closed_on")
    )
    rows = dated(pl.concat([opened, closed], how="diagonal")).filter(pl.col("__date") <= until)
    place = rows["portfolio"]
    opened_on = dates(roster.opened[place.to_numpy()])
    return rows.select(
        pl.lit(roster.tenant).alias("tenant_id"),
        roster.portfolio_ids.gather(place).alias("portfolio_id"),
        roster.client_ids.gather(roster.client[place.to_numpy()]).alias("client_id"),
        pl.Series("base_ccy", roster.base[place.to_numpy()]),
        pl.lit("XASX").alias("calendar_id"),
        opened_on.alias("opened_on"),
        pl.col("closed_on"),
        pl.when(pl.col("closed_on").is_null()).then(pl.lit("OPEN")).otherwise(pl.lit("CLOSED")).alias("status"),
        sydney(9).alias("known_at"),
        pl.lit(SOURCE).alias("source"),
    ).select(PORTFOLIOS.schema.names()).sort("known_at", "portfolio_id", maintain_order=True)  # fmt: skip


def mandate_table(roster: Roster, grid: Grid, until: date) -> pl.DataFrame:
    """Mandates as a `MANDATES` table: the shares each portfolio buys by, and CASH for the rest."""
    opened = dated(pl.DataFrame({"portfolio": roster.places, "day": roster.opened}))
    names = pl.Series(grid.instruments)
    us, place = _sleeves(roster.slots, np.round(roster.weights * INVESTED, 4))
    local, where = _sleeves(roster.australian[:, None], np.full((len(roster.places), 1), AUSTRALIAN))
    held = pl.DataFrame(
        {
            "portfolio": np.concatenate([place, where]),
            "sleeve": names.gather(np.concatenate([us["instrument"], local["instrument"]])),
            "target": np.concatenate([us["target"], local["target"]]),
        }
    )
    spent = held.group_by("portfolio").agg(pl.col("target").sum().alias("spent"))
    cash = opened.select("portfolio").join(spent, on="portfolio", how="left").select(
        "portfolio",
        pl.lit("CASH").alias("sleeve"),
        (1 - pl.col("spent").fill_null(0)).round(4).alias("target"),
    )  # fmt: skip
    rows = pl.concat([held, cash]).join(opened, on="portfolio").filter(pl.col("__date") <= until)
    forbids = pl.Series(roster.draws.chance("prohibited", 0.1, roster.places))
    lists = pl.DataFrame(
        {"a": names.gather(roster.excluded[:, 0]), "b": names.gather(roster.excluded[:, 1])}
    ).select(pl.when(forbids).then(pl.concat_list("a", "b")).otherwise(pl.lit([], dtype=pl.List(pl.String))))
    return rows.select(
        pl.lit(roster.tenant).alias("tenant_id"),
        pl.lit(roster.portfolio_ids).gather(pl.col("portfolio")).alias("portfolio_id"),
        "sleeve",
        pl.col("target").alias("target_weight"),
        (pl.col("target") - 0.10).clip(0, 1).alias("min_weight"),
        (pl.col("target") + 0.10).clip(0, 1).alias("max_weight"),
        pl.lit(0.05).alias("abs_band"),
        pl.lit(0.25).alias("rel_band"),
        pl.lit(0.01).alias("cash_buffer_pct"),
        lists.to_series().gather(rows["portfolio"]).alias("prohibited"),
        sydney(9).alias("known_at"),
        pl.lit(SOURCE).alias("source"),
    ).select(MANDATES.schema.names()).sort("known_at", "portfolio_id", "sleeve")  # fmt: skip


def _sleeves(
    instrument: Ints, target: "np.ndarray[tuple[int, int], np.dtype[np.float64]]"
) -> tuple[dict[str, np.ndarray], Ints]:
    place, slot = np.nonzero(instrument != NO_SLOT)
    return {"instrument": instrument[place, slot], "target": target[place, slot]}, place


def _names(roster: Roster, c: Ints, entity: np.ndarray) -> pl.Series:
    first, second = (pl.Series(_GIVEN).gather(roster.draws.below(f"given/{n}", len(_GIVEN), c)) for n in "ab")
    family = pl.Series(_FAMILY).gather(roster.draws.below("family", len(_FAMILY), c))
    number = pl.Series(c + 1).cast(pl.String)
    frame = pl.DataFrame({"a": first, "b": second, "f": family, "n": number, "e": entity, "c": c})
    entity_of = pl.col("e")
    return frame.select(
        pl.when(pl.col("c") == Planted.SANCTIONS_NAME.place)
        .then(pl.lit(_SANCTIONED_AS))
        .when(pl.col("c") == Planted.PEP_NAME.place)
        .then(pl.lit(_PEP_AS))
        .when(entity_of == "individual")
        .then(pl.format("{} {}", "a", "f"))
        .when(entity_of == JOINT)
        .then(pl.format("{} and {} {}", "a", "b", "f"))
        .when(entity_of == "company")
        .then(pl.format("{} Holdings {} Pty Ltd", "f", "n"))
        .when(entity_of == "trust")
        .then(pl.format("The {} Family Trust {}", "f", "n"))
        .otherwise(pl.format("{} Super Fund {}", "f", "n"))
    ).to_series()
