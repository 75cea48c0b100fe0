"""Given subscriptions of a tenant's clients (domain_rules 2, 4)."""

from ultracore_jobs.catalog.columns import KNOWN_AT, SOURCE, TENANT_ID, code, count, day, money, text
from ultracore_jobs.catalog.dataset import Dataset, Partitioning

SUBSCRIPTIONS = Dataset(
    name="subscriptions",
    grain="one subscription of one client, as known from one moment on",
    key=("subscription_id",),
    partitioning=Partitioning.BY_LOAD,
    source="subscription register",
    columns={
        "tenant_id": TENANT_ID,
        "subscription_id": text("Our identifier of the subscription"),
        "client_id": text("Client who pays"),
        "plan": text("Name of the plan"),
        "price_incl_gst": money("Price of one full period in AUD, including GST", at_least=0),
        "interval_months": count("Months in a period", at_least=1, at_most=12),
        "anchor_on": day("First day of period 0; every period is counted from here"),
        "billing": code("anniversary: from the anchor; calendar: from the 1st", ["anniversary", "calendar"]),
        "state": code("State of payment", ["ACTIVE", "PAST_DUE", "SUSPENDED", "CANCELLED"]),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)
