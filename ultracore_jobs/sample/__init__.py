"""The sample platform: real prices and exchange rates on new dates, two generated tenants, planted anomalies.

Needs the extra ``sample``; importing this package does not, only using it does. Everything is
deterministic: the same date has the same price, the same seed the same books.
"""

from ultracore_jobs.sample.anomalies import bad_rows, planted_anomalies
from ultracore_jobs.sample.install import install_sample
from ultracore_jobs.sample.names import TENANTS
from ultracore_jobs.sample.replay import ReplayFeeds
from ultracore_jobs.sample.shared import shared_tables
from ultracore_jobs.sample.tenants import generate_tenant

__all__ = [
    "TENANTS",
    "ReplayFeeds",
    "bad_rows",
    "generate_tenant",
    "install_sample",
    "planted_anomalies",
    "shared_tables",
]
