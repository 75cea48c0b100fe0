"""What Alembic runs: the steps that are left, in the caller's transaction."""

from alembic import context

# Imported for what they put into METADATA, so that it is whole whoever asks.
import ultracore_jobs.adapters.event_tables
import ultracore_jobs.adapters.ledger_tables
import ultracore_jobs.adapters.occurrence_tables  # noqa: F401 - as above
from ultracore_jobs.adapters.database import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
