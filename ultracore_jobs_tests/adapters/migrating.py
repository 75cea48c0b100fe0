"""Migrates a database together with another process."""

from multiprocessing.synchronize import Barrier

from ultracore_jobs.adapters.database import migrate


def migrate_together(url: str, together: Barrier) -> None:
    """In a process of its own: wait for the other, then migrate."""
    together.wait(60)
    migrate(url)
