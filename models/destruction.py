"""How a file ends: each change of its last day by hand, with the reason, and its destruction by two people."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary
from sqlmodel import Field

from models.base import InProgram, at_most_one, blob, moment, one_of, to
from models.lifecycles import DESTRUCTION

#: Why the destruction of a file is asked for. `calendar`: the program's own says so, and there is nothing to add.
DESTRUCTION_GROUNDS = ("calendar", "person_asks", "not_triaged", "by_mistake", "law")
#: The grounds on which it may be asked before the last day: each has its words, and another person weighs them.
BEFORE_ITS_DAY = ("person_asks", "by_mistake", "law")
#: What came between, where a request was stopped.
STOPPED_BY = ("hold", "day_moved", "taken_up", "triaged", "referred_again", "joined", "changed")

#: What is changed by hand of how long a file is kept. joined: another file of the same person came to it, and was
#: destroyed.
KEEPING_CHANGES = ("day", "hold", "release", "joined")


class Destruction(InProgram, table=True):
    """The destruction of a file: requested by one person, and confirmed by another some days later, or not at all.

    What was written with it is sealed as the file is, and destroyed with it; the ground, the days and the people stay.
    `before_two` marks what one person, or the program automatically, destroyed before it took two.
    """

    __table_args__ = (
        one_of("ground", DESTRUCTION_GROUNDS),
        one_of("state", DESTRUCTION.states),
        one_of("stopped_by", ("", *STOPPED_BY)),
        CheckConstraint("(state = 'stopped') = (stopped_by <> '')", name="stopped"),
        CheckConstraint("lapses_on >= confirm_from", name="in_order"),
        CheckConstraint("(state = 'asked') = (ended_at is null)", name="ended"),
        CheckConstraint("not before_two or state = 'confirmed'", name="before_two"),
        CheckConstraint("state <> 'confirmed' or before_two or ended_by is not null", name="confirmed_by_somebody"),
        # No one confirms their own request, in any role: nor does their deputy, nor the one they acted for.
        CheckConstraint(
            "state <> 'confirmed' or before_two or (ended_by is distinct from asked_by "
            "and ended_by is distinct from asked_for and (ended_for is null or "
            "(ended_for is distinct from asked_by and ended_for is distinct from asked_for)))",
            name="takes_two",
        ),
        at_most_one("one_destruction_asked", "participant_id", where="state = 'asked'"),
    )

    participant_id: UUID = to("participant", index=True)
    asked_by: UUID | None = to("person", default=None)  # empty where the program asks automatically, by its calendar
    asked_as: str
    asked_for: UUID | None = to("person", default=None)  # the absent person of the one who asked
    asked_at: datetime = moment()
    ground: str
    worded: bool = False  # whether there is a reason in words
    sealed: bytes | None = blob()  # which it is
    confirm_from: date  # not confirmed before this day
    lapses_on: date  # nor after this one
    state: str = DESTRUCTION.initial
    stopped_by: str = ""
    ended_by: UUID | None = to("person", default=None)
    ended_as: str = ""
    ended_for: UUID | None = to("person", default=None)
    ended_at: datetime | None = moment(default=None)
    answer_sealed: bytes | None = blob()  # why it was refused
    before_two: bool = False


class KeptUntil(InProgram, table=True):
    """One change by hand of how long a file is kept: another last day, a legal hold, or a file joined to it.

    Its reason is sealed, as all that is said of people.
    """

    __table_args__ = (
        one_of("kind", KEEPING_CHANGES),
        CheckConstraint("(kind = 'day') = (day is not null)", name="day"),
        CheckConstraint("(kind = 'joined') = (joined_id is not null)", name="joined"),
    )

    participant_id: UUID = to("participant", index=True)
    kind: str = KEEPING_CHANGES[0]
    was: date | None = None
    day: date | None = None
    joined_id: UUID | None = to("participant", default=None)
    sealed: bytes = Field(sa_type=LargeBinary)  # why
    set_by: UUID = to("person")
    set_as: str
    set_for: UUID | None = to("person", default=None)  # the absent person of the one who did it
    set_at: datetime = moment()
