"""``python -m ultracore_jobs`` is ``ultracore-jobs``."""

from ultracore_jobs.cli import main

main()
