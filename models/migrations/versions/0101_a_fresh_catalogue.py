"""The whole catalogue of an empty database: the first migration, numbered after those of the trial versions."""

from pathlib import Path

from alembic import op

revision = "0101"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the files of the folder beside this one, in the order of their numbers."""
    for file in sorted(Path(__file__).with_suffix("").glob("*.sql")):
        statements = file.read_text(encoding="utf-8")
        # As the driver takes them: several statements without parameters, and no % of a pattern read as one.
        op.get_bind().exec_driver_sql(statements.replace("%", "%%"))


def downgrade() -> None:
    """A program's history is not taken back: restore the backup made before the upgrade."""
    raise NotImplementedError
