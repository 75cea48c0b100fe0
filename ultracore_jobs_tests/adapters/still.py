"""A clock for stores under test."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ultracore_jobs_tests.contracts.tables_to_store import NOON


@dataclass
class StillClock:
    """Noon, always; but what is to happen meanwhile happens first."""

    instant: datetime = NOON
    meanwhile: Callable[[], object] | None = None

    def now(self) -> datetime:
        """Noon."""
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        return self.instant
