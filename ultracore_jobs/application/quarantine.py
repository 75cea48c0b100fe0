"""Quarantine: bad rows are set aside with a reason, one table for each job type, never dropped."""

from ultracore_jobs.catalog import REJECTS_SCHEMA, Dataset, Scope
from ultracore_jobs.catalog.columns import TENANT_ID, count, day, text

_MEANINGS = {
    "table_name": text("Table the row came from or was meant for"),
    "row_number": count("Row within its delivery, counted from 1", nullable=True),
    "row_key": text("Key of the row, fields joined by |", nullable=True),
    "column_name": text("Column at fault", nullable=True),
    "value": text("The value as given", nullable=True),
    "reason": text("Why the row was set aside"),
    "remedy": text("What a person can do", nullable=True),
}


def quarantine_dataset(job_type: str, scope: Scope) -> Dataset:
    """The contract of the rows that a job type set aside for one day."""
    return Dataset(
        name=f"{job_type}_quarantine",
        grain="one row set aside by the job of one day, with the reason",
        key=("as_of_date", "table_name", "row_number", "column_name"),
        scope=scope,
        source=job_type,
        unique_within_load=False,
        columns={
            "tenant_id": TENANT_ID,
            "as_of_date": day("Logical date of the job"),
            "job_id": text("Job that set the row aside"),
            **{name: _MEANINGS[name] for name in REJECTS_SCHEMA},
        },
    )
