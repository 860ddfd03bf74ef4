"""The engine's own memory: which cases to carry, what ran, how far each round has come, and whether it is alive."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from models.base import InProgram, Table, found_by, moment, to, together


class WakeUp(Table, table=True):
    """Something changed in a case since it was last carried: `want` counts changes, `have` those dealt with.

    Found before a program is known (`models.walls.ADDED_BY_OWN`), and holds ids alone.
    """

    __table_args__ = (
        Index("ix_wake_up_due", "not_before", postgresql_where=text("want > have")),
        found_by("ix_wake_up_leased", "leased_until", where="leased_until is not null"),
        found_by("ix_wake_up_trouble", where="trouble <> ''"),
    )

    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    case_id: UUID = to("case", primary_key=True)
    want: int = 1
    have: int = 0
    wanted_at: datetime = moment()  # the oldest change not yet dealt with
    not_before: datetime = moment()
    leased_until: datetime | None = moment(default=None)
    leased_by: str = ""
    taken_at: datetime | None = moment(default=None)  # when who has it in hand took it
    attempts: int = 0
    trouble: str = ""  # an error's code, never its text
    shown: str = ""  # a digest of what the engine's own pages last showed of the case


class EngineRun(InProgram, table=True):
    """One time that the engine carried a case: when, how it ended, and which Prefect run shows it."""

    __table_args__ = (
        Index("ix_engine_run_case", "program_id", "case_id", "started_at"),
        Index("ix_engine_run_lately", "program_id", "ended_at"),
    )

    case_id: UUID = to("case")
    started_at: datetime = moment()
    ended_at: datetime = moment()
    outcome: str  # waiting, closed, cancelled, trouble
    acts: int = 0
    trouble: str = ""
    flow_run_id: UUID | None = None  # empty where it was carried plainly
    why_plain: str = ""  # Prefect was away, busy or slow, or failed; empty where it shows the run


class RoundMark(Table, table=True):
    """How far a round has dealt with what time brings, so that a lost, late or double run changes nothing.

    Where it failed since it was last done, by which code and since when: a person is told.
    """

    __table_args__ = (
        together("done_and_ran", "done_up_to", "ran_at"),
        together("trouble_and_since", "nullif(trouble, '')", "troubled_since"),
    )

    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    key: str = Field(primary_key=True)
    done_up_to: datetime | None = moment(default=None)  # none where it failed and was never done
    ran_at: datetime | None = moment(default=None)
    ran_by: str = ""  # prefect, or worker where Prefect was away
    found: int = 0
    trouble: str = ""  # a code, while the round fails; "" once it was done again
    troubled_since: datetime | None = moment(default=None)


class InboxPlace(Table, table=True):
    """How far the mailbox to which answers come was read: the transport's own word for it, and up to when.

    Where it cannot be read, by which code and since when, so that a person is told.
    """

    __table_args__ = (together("trouble_and_since", "nullif(trouble, '')", "troubled_since"),)

    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    mailbox: str = Field(primary_key=True)
    place: str
    since: datetime = moment()  # all that came before was dealt with: where a place is lost, reading begins anew here
    read_at: datetime = moment()
    trouble: str = ""  # a code, while the mailbox is not there or is closed to us; "" once it was read again
    troubled_since: datetime | None = moment(default=None)


class Beat(Table, table=True):
    """A sign of life of one process of the engine. No policy: it belongs to no program."""

    process: str = Field(primary_key=True)
    at: datetime = moment()
    prefect_up: bool = False
    prefect_since: datetime | None = moment(default=None)  # since when it has been up, or away, as this process saw it
    machine: str = ""


class EngineSeat(Table, table=True):
    """Where Prefect's server runs: one row, of the machine that holds the seat, and of no program.

    A worker beside the server writes it; those of other machines read it. `address` is that of its API, as they reach
    it. The word that it asks for lies with the keys, and never here.
    """

    seat: str = Field(primary_key=True)
    address: str
    machine: str
    since: datetime = moment()
    beat_at: datetime = moment()
