"""Settings, read from the environment here and nowhere else, and the platform wired from them."""

import getpass
import json
import os
from functools import cache
from importlib import import_module
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from ultracore_jobs import __version__
from ultracore_jobs.adapters.database import migrate, open_database
from ultracore_jobs.adapters.file_feeds import FileFeeds
from ultracore_jobs.adapters.http_feeds import HttpFeeds
from ultracore_jobs.adapters.local_processes import LocalProcesses
from ultracore_jobs.adapters.parquet_tables import ParquetTables
from ultracore_jobs.adapters.sql_claims import SqlClaims
from ultracore_jobs.adapters.sql_events import SqlEventStore
from ultracore_jobs.adapters.sql_ledger import SqlLedger
from ultracore_jobs.adapters.sql_occurrences import SqlOccurrences
from ultracore_jobs.adapters.system_clock import SystemClock
from ultracore_jobs.application import Application
from ultracore_jobs.errors import MissingExtraError, UsageError
from ultracore_jobs.jobs import job_types
from ultracore_jobs.ports import Feeds, Relay
from ultracore_jobs.sample import ReplayFeeds


class Settings(BaseSettings):
    """Every setting; each is an environment variable ``ULTRACORE_...`` (table in docs/settings.md)."""

    model_config = SettingsConfigDict(env_prefix="ULTRACORE_", frozen=True)

    home: Path = Field(default=Path(".ultracore"), description="Folder for everything that is kept locally")
    lake_url: str | None = Field(
        default=None, description="Where tables are kept; default: `lake` in the home"
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="The database of the ledger: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`; default: "
        "`ultracore.db` in the home",
    )
    kafka_bootstrap: str | None = Field(
        default=None, description="Kafka brokers, HOST:PORT,...; without them the record is not relayed"
    )
    feeds: str = Field(
        default="replay",
        description="Provider of market data: `replay` (sample), a folder of files, or a JSON object of URLs",
    )
    dagster_home: Path | None = Field(
        default=None, validation_alias="DAGSTER_HOME", description="Dagster's own home, where it is elsewhere"
    )
    user_header: str | None = Field(
        default=None,
        description="HTTP header in which a trusted proxy before the UI names the user: `X-Forwarded-User`",
    )
    log_level: str = Field(default="INFO", description="Level of the package's log")

    @property
    def lake(self) -> str:
        """Where tables are kept."""
        return self.lake_url or str(self.home.absolute() / "lake")

    @property
    def database(self) -> str:
        """Where the ledger is kept; may hold a password, so it is never shown."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home.absolute() / 'ultracore.db'}"


def build_application(settings: Settings | None = None) -> Application:
    """The platform that the settings describe; by default those of the environment.

    Raises:
        UsageError: ``ULTRACORE_FEEDS`` or ``ULTRACORE_DATABASE_URL`` is none of the forms it can have.
        MissingExtraError: The replay feed is asked for and the sample data is not installed, or PostgreSQL
            and its driver is not.
        StoreError: The database cannot be reached, or is newer than this code.
    """
    settings = settings or Settings()
    clock = SystemClock()
    database = open_database(settings.database)
    migrate(database)
    return Application(
        tables=ParquetTables(settings.lake, clock),
        ledger=SqlLedger(database),
        claims=SqlClaims(database),
        events=SqlEventStore(database, clock),
        occurrences=SqlOccurrences(database),
        processes=LocalProcesses(),
        feeds=_feeds(settings),
        clock=clock,
        jobs=job_types(),
        code_version=__version__,
    )


def build_relay(app: Application, settings: Settings | None = None) -> Relay:
    """The relay from the record to the brokers of the settings.

    Raises:
        UsageError: No broker is set.
        MissingExtraError: The client of Kafka is not installed.
    """
    settings = settings or Settings()
    if settings.kafka_bootstrap is None:
        raise UsageError("no broker is set: ULTRACORE_KAFKA_BOOTSTRAP=HOST:PORT")
    try:
        client = import_module("ultracore_jobs.adapters.kafka_client")
        relay = import_module("ultracore_jobs.adapters.kafka_relay")
    except ModuleNotFoundError as error:
        raise MissingExtraError("kafka", "relaying the record to Kafka") from error
    made: Relay = relay.KafkaRelay(app.events, client.KafkaCluster(settings.kafka_bootstrap))
    return made


def current_user() -> str:
    """The name of who runs this process, as the operating system knows it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container may run under a number that no name belongs to.
        return f"uid-{os.getuid()}"


def child_environment(**extra: str) -> dict[str, str]:
    """The environment for a process that we start: ours, and *extra*; Dagster's telemetry stays off."""
    return {**os.environ, "DAGSTER_DISABLE_TELEMETRY": "yes", **extra}


def _feeds(settings: Settings) -> Feeds:
    if settings.feeds == "replay":
        return _replay()
    if settings.feeds.lstrip().startswith("{"):
        return HttpFeeds(json.loads(settings.feeds))
    folder = Path(settings.feeds)
    if folder.is_dir():
        return FileFeeds(folder)
    message = (
        f"ULTRACORE_FEEDS={settings.feeds!r} is neither `replay`, nor a folder of provider files, nor a JSON "
        'object of URLs such as {"vendor_prices": "https://..."}'
    )
    raise UsageError(message)


@cache
def _replay() -> Feeds:
    """One replay feed for the process: it keeps the history it has read."""
    return ReplayFeeds()
