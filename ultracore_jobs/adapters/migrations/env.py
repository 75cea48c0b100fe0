"""What Alembic runs: the steps that are left, in the caller's transaction."""

from alembic import context

from ultracore_jobs.adapters.database import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
