"""The platform as a Dagster resource."""

from collections.abc import Callable
from functools import cached_property

from ultracore_jobs.application import Application
from ultracore_jobs.bootstrap import build_application


class Platform:
    """The wired `Application`, made in each process on first use; loading the code location opens nothing.

    Args:
        make: Wires the application; by default from the environment.
    """

    def __init__(self, make: Callable[[], Application] = build_application) -> None:
        """Keep the recipe."""
        self._make = make

    @cached_property
    def application(self) -> Application:
        """The wired ports."""
        return self._make()
