"""What was settled of a role is of the one that an agreement’s next version made of it."""

from pathlib import Path

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the statements of the file beside this one, which say it as the database keeps it."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    # As the driver takes them: several statements without parameters, and no % of a pattern read as one.
    op.get_bind().exec_driver_sql(statements.replace("%", "%%"))


def downgrade() -> None:
    """A program's history is not taken back: restore the backup made before the upgrade."""
    raise NotImplementedError
