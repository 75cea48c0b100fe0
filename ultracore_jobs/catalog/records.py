"""Given orders to keep records: legal holds (domain_rules 2, 11)."""

from ultracore_jobs.catalog.columns import KNOWN_AT, SOURCE, TENANT_ID, instant, text
from ultracore_jobs.catalog.dataset import Dataset, Partitioning, Retention

LEGAL_HOLDS = Dataset(
    name="legal_holds",
    grain="one order not to delete, as known from one moment on",
    key=("hold_id",),
    partitioning=Partitioning.BY_LOAD,
    retention=Retention.OPERATIONAL,
    restricted=True,
    source="legal register",
    columns={
        "tenant_id": TENANT_ID,
        "hold_id": text("Our identifier of the hold"),
        "scope": text(
            "What it covers: `client:ID`, `portfolio:ID`, `table:NAME` or `all`",
            pattern=r"all|(client|portfolio|table):\S+",
        ),
        "from_at": instant("When it begins"),
        "released_at": instant("When it was released; null while it stands", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)
