"""What the program lends: an inventory of things with a serial number, and in whose hands each of them is."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint

from models.base import InProgram, at_most_one, found_by, moment, one_of, to, together
from models.lifecycles import EQUIPMENT


class Equipment(InProgram, table=True):
    """A thing with a serial number that the program lends. It is never deleted.

    `serial` is as it is written on the thing. `serial_key` is the same without spaces, marks and case, so that one
    thing is not entered twice. `to_check` says that it was written down before there was an inventory, under a number
    that another thing of its kind has too. A person looks, and corrects it.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "kind", "serial"),
        one_of("state", EQUIPMENT.states),
        together("state_since", "state_at", "state_as"),
        Index("ix_equipment_in_order", "program_id", "kind", "serial_key", "id"),
        found_by("ix_equipment_in_use", "kind", "serial_key", "id", where="state = 'in_use'"),
        at_most_one("one_of_a_number", "kind", "serial_key", where="not to_check"),
    )

    kind: str
    serial: str
    serial_key: str
    label: str = ""
    to_check: bool = False
    added_at: datetime | None = moment(default=None)
    added_by: UUID | None = to("person", default=None)
    state: str = EQUIPMENT.initial
    state_at: datetime | None = moment(default=None)  # of its last change
    state_by: UUID | None = to("person", default=None)
    state_as: str | None = None
    reason: str = ""
    version: int = 1


class Loan(InProgram, table=True):
    """A piece of equipment in a person's hands, from the task or the page that handed it over to its return.

    One that was recorded by mistake never was in their hands.
    """

    __table_args__ = (
        at_most_one("one_hand_at_a_time", "equipment_id", where="returned_at is null"),
        CheckConstraint("not lost or (returned_at is not null and missing_since is not null)", name="lost"),
        CheckConstraint("not mistaken or (returned_at is not null and not lost)", name="mistaken"),
        CheckConstraint("returned_by is distinct from person_id or mistaken", name="not_returned_by_themselves"),
        Index("ix_loan_equipment_id", "program_id", "equipment_id", "lent_at"),
        found_by("ix_loan_held", "person_id", where="returned_at is null"),
    )

    equipment_id: UUID = to("equipment")
    person_id: UUID = to("person")
    task_id: UUID | None = to("task", default=None)
    lent_at: datetime = moment()
    lent_by: UUID | None = to("person", default=None)
    returned_at: datetime | None = moment(default=None)
    returned_by: UUID | None = to("person", default=None)  # who took it back, or gave it up: never who had it
    condition: str = ""
    missing_since: datetime | None = moment(default=None)  # when it was found not to be there
    lost: bool = False  # given up: it was not returned, and no one has it in hand any more
    mistaken: bool = False  # the hand-over was undone as a mistake
