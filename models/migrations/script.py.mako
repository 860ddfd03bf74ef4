"""${message}

Revision: ${up_revision}, after ${down_revision}
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say here what changes for the people who use the program."""
    op.execute("")


def downgrade() -> None:
    """A program's history is not taken back: restore the backup made before the upgrade."""
    raise NotImplementedError
