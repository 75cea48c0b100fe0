"""The tests that library ``eventsourcing`` holds its own recorders to."""

from typing import Any

import pytest
from eventsourcing.tests.persistence import AggregateRecorderTestCase, ApplicationRecorderTestCase

from ultracore_jobs_tests.adapters.event_places import open_events
from ultracore_jobs_tests.adapters.recorder_of_events import OurAggregateRecorder, OurApplicationRecorder


class AggregateRecorders(AggregateRecorderTestCase):
    """Inherit it in a test class that has the fixture `url`."""

    INITIAL_VERSION = 0
    url: str

    @pytest.fixture(autouse=True)
    def _database(self, url: str) -> None:
        self.url = url

    def create_recorder(self) -> Any:
        """On our store."""
        return OurAggregateRecorder(open_events(self.url))

    def test_performance(self) -> None:
        """Measured by our own benchmark."""


class ApplicationRecorders(ApplicationRecorderTestCase[Any]):
    """Inherit it in a test class that has the fixture `url`."""

    INITIAL_VERSION = 0
    url: str

    @pytest.fixture(autouse=True)
    def _database(self, url: str) -> None:
        self.url = url

    def create_recorder(self) -> Any:
        """On our store."""
        return OurApplicationRecorder(open_events(self.url))

    def test_performance(self) -> None:
        """Measured by our own benchmark."""

    def test_concurrent_throughput(self) -> None:
        """Measured by our own benchmark."""
