"""What the database knows of the ledger of what must not come back, and what is to be decided after a restore.

The ledger itself lies outside the database (`models.ports.Ledger`). A row here for each of its lines says that this
database was there when the line was written: a line without its row was lost with a restore.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, UniqueConstraint
from sqlmodel import Field

from models.base import InProgram, Table, found_by, is_digest, moment, one_of, structure, to, together
from models.ports import LedgerFact

#: Which server's data it is, which database of it, and on which timeline: where a transaction's number has its meaning.
#: A standby that is promoted has the same data, begins a timeline, and may give numbers that were lost out again.
SERVER: Final = (
    "(select system_identifier::text from pg_control_system())"
    " || '.' || (select oid::text from pg_database where datname = current_database())"
    " || '.' || case when pg_is_in_recovery() then '0'"
    " else left(pg_walfile_name(pg_current_wal_lsn()), 8) end"
)

#: How the comment of a database begins while a copy is brought back into it: every machine sees that, and no copy has
#: it.
RESTORING: Final = "SPHERES: a restore is at work"
#: Whether it is so.
IS_BEING_RESTORED: Final = (
    f"coalesce((select starts_with(shobj_description(oid, 'pg_database'), '{RESTORING}')"  # noqa: S608  # of constants
    " from pg_database where datname = current_database()), false)"
)

#: What a matter is about: each is closed in its own way until it is decided.
MATTERS = ("access", "consent", "departure", "restriction", "agreement", "redaction", "role", "other", "meeting")
#: What was decided: it was done again, it stays undone, nothing can be done here; or a meeting is cancelled, or kept.
DECISIONS = ("", "done_again", "left_undone", "noted", "cancelled", "kept")


class LedgerSeen(Table, table=True):
    """A line of the ledger that this database was there for. No policy: it belongs to no program, and names no one."""

    __table_args__ = (is_digest("digest"), CheckConstraint("n >= 1", name="n"))

    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    digest: str


class Epoch(Table, table=True):
    """A restore that was found, or a ledger that was accepted: what let people in before it lets no one in any more.

    No policy: it belongs to no program. Epoch 0, of a database that was never restored, has no row.
    """

    __table_args__ = (CheckConstraint("number >= 1", name="number"),)

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    found_at: datetime = moment()
    lines: int  # of the ledger that this database had lost


class Restoration(InProgram, table=True):
    """That a program was restored: from when to when something of it is missing, and when those concerned were told."""

    __table_args__ = (UniqueConstraint("program_id", "epoch"),)

    epoch: int
    found_at: datetime = moment()
    missing_from: datetime | None = moment(default=None)  # empty of a program in which nothing had happened
    missing_to: datetime | None = moment(default=None)
    accepted: bool = False  # the database is the newest, and the ledger was lost: what is missing is not known
    told_at: datetime | None = moment(default=None)


class RestoredMatter(InProgram, table=True):
    """Something that had ended, or that was told, and that a restore brought back: closed until somebody decides.

    `is_certain` is false of what was being done as the program crashed: it may not have been done.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "ledger_n"),
        one_of("kind", MATTERS),
        one_of("decision", DECISIONS),
        together("decided", "nullif(decision, '')", "decided_at", "decided_as"),
        found_by("ix_restored_matter_open", "kind", "person_id", where="decided_at is null"),
    )

    epoch: int
    kind: str
    verb: str  # what was done, as the record calls it
    subject_kind: str
    subject_id: UUID
    person_id: UUID | None = None  # whose access it is, where it is one; they may be gone with the restore
    facts: dict[str, LedgerFact] = structure()
    ledger_n: int = Field(sa_type=BigInteger)
    at: datetime = moment()
    is_certain: bool = True
    decision: str = ""
    decided_at: datetime | None = moment(default=None)
    decided_by: UUID | None = to("person", default=None)
    decided_as: str | None = None
    reason: str = ""  # why it stays undone
    before: dict[str, LedgerFact] = structure(default_factory=dict)  # what was decided of it, and lost with a restore


class SentBefore(Table, table=True):
    """The digest of the key of a letter that was sent, and lost with a restore: it is not written a second time."""

    __table_args__ = (is_digest("digest"),)

    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    digest: str = Field(primary_key=True)


class NumberGiven(Table, table=True):
    """The last number of a series that was given, and lost with a restore: the next ones go on after it.

    `lost` are those that are missing for that reason, and that no one is to look for.
    """

    __table_args__ = (CheckConstraint("last >= 1", name="last"),)

    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    series: str = Field(primary_key=True)
    last: int
    lost: list[int] = structure(default_factory=list)
