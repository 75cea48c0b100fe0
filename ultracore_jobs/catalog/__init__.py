"""The catalog: what a dataset is, and the datasets we are given.

`Dataset` is a contract (grain, key, typed columns, source, licence, retention); `conform` and
`screen` hold rows against it; `GIVEN` lists the tables of domain_rules 2 that come from outside.
Tables that a job produces stand beside the kernel that makes them, in the same class.
"""

from ultracore_jobs.catalog.contract import REJECTS_SCHEMA, Screened, conform, describe_rejects, screen
from ultracore_jobs.catalog.dataset import Dataset, Look, Partitioning, Read, Retention, Scope

__all__ = [
    "REJECTS_SCHEMA",
    "Dataset",
    "Look",
    "Partitioning",
    "Read",
    "Retention",
    "Scope",
    "Screened",
    "conform",
    "describe_rejects",
    "screen",
]
