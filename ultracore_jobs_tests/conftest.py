"""What all tests share: how Hypothesis searches, and that what was opened is closed.

The gate must give the same answer twice, so its examples follow from the test alone. A campaign looks
for what the gate has not seen: ``pytest --hypothesis-profile=campaign``.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from ultracore_jobs_tests.stage import OPENED

# A machine shared by many is slow at times; that is no property of the code.
_PATIENT = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "gate", deadline=None, derandomize=True, database=None, print_blob=True, suppress_health_check=_PATIENT
)
settings.register_profile(
    "campaign", deadline=None, max_examples=5000, print_blob=True, suppress_health_check=_PATIENT
)
settings.load_profile("gate")


@pytest.fixture(autouse=True)
def closed_databases() -> Iterator[None]:
    """Closes the databases of a test's platforms: an open connection at the end is a warning, so an error."""
    yield
    for engine in OPENED:
        engine.dispose()
