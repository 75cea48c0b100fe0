"""UltraCore Jobs: scheduled financial, compliance, data and ML jobs for a wealth platform, on Dagster.

Front doors: the command ``ultracore-jobs`` (`ultracore_jobs.cli`) and the Dagster code
location (`ultracore_jobs.definitions`).
"""

__version__ = "0.1.0"
