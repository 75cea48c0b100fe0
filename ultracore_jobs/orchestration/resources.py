"""The platform as a Dagster resource."""

from functools import cached_property

import dagster as dg

from ultracore_jobs.application import Application
from ultracore_jobs.bootstrap import build_application


class Platform(dg.ConfigurableResource[Application]):
    """The wired `Application`, made from the environment in each process that needs it.

    A test passes its own: ``Platform.of(application)``.
    """

    @classmethod
    def of(cls, application: Application) -> "Platform":
        """The resource around an application that is wired already."""
        platform = cls()
        platform.__dict__["application"] = application
        return platform

    @cached_property
    def application(self) -> Application:
        """The wired ports; nothing is opened before it is asked for."""
        return build_application()
