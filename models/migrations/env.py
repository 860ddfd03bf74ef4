"""Where Alembic runs the migrations: on a connection given by the caller, or on the owner's URL."""

from alembic import context
from sqlalchemy import Connection, create_engine

from models.registries import write_growing_lists
from models.tables import metadata


def run(connection: Connection) -> None:
    """Run what is asked on one connection, each migration in its own transaction, then write the growing lists."""
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    write_growing_lists(connection)


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
    with engine.connect() as opened:
        run(opened)
        opened.commit()
    engine.dispose()
