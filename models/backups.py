"""How each copy of the installation, and each trial of one, ended: of no program, and about no one."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from models.base import Table, moment, one_of

BACKUP_KINDS = ("backup", "drill")
#: How a run ended, "" where well. Pages have words for each.
BACKUP_CODES = (
    *("", "disk_full", "no_place", "no_key", "database_away"),
    *("tools", "not_verified", "damaged", "failed", "keys_missing"),
)
#: Of a run that left a copy: with the last of them, one to which keys were wanting where it was made.
BACKUP_MADE = ("", "keys_missing")


class BackupRun(Table, table=True):
    """One run that ended. `next_by` is when the next one should have ended, where a schedule asks for it.

    No policy: it belongs to no program. A run that was killed has no row, and is told by its being late.
    """

    __table_args__ = (
        one_of("kind", BACKUP_KINDS),
        one_of("code", BACKUP_CODES),
        CheckConstraint("ended_at >= started_at", name="in_order"),
        Index("ix_backup_run_ended", "kind", "ended_at"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    kind: str
    started_at: datetime = moment()
    ended_at: datetime = moment()
    code: str = ""
    next_by: datetime | None = moment(default=None)
