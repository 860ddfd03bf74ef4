"""Studies of the evaluative research (FU-8, ER-5): who may receive what of whom, the exports made, and who consented.

A participant appears here by their row alone. What an export says of one is sealed under that participant's own key:
it is noise once their file is destroyed. The codes of a study are in no column: they come of its key, which lies
outside the database.
"""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint

from models.base import (
    InProgram,
    answered_by_another,
    at_most_one,
    blob,
    found_by,
    moment,
    one_of,
    structure,
    to,
    together,
    words,
)
from models.lifecycles import STUDY_EXPORT
from models.stored import JsonObject

#: Why a group left: its member withdrew the consent to research, or their file was destroyed.
LEFT_BECAUSE: Final = ("withdrawn", "destroyed")


class Study(InProgram, table=True):
    """One study: its title, its ethics approval and the last day of that, the fields that it asks for, and its months.

    `fields` are keys of the declared registry, and the purpose says for what they are asked. `first_month` and
    `last_month` are the first days of months. Once it ended, its key is destroyed: no code can be linked any more.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("last_month >= first_month", name="months_in_order"),
        CheckConstraint(
            "extract(day from first_month) = 1 and extract(day from last_month) = 1", name="months_by_their_first_day"
        ),
        CheckConstraint("cardinality(fields) > 0", name="fields"),
        together("ended", "ended_at", "ended_by"),
    )

    number: int
    title_fr: str
    title_en: str
    purpose_fr: str
    purpose_en: str
    ethics_body: str
    ethics_reference: str
    ethics_ends_on: date
    first_month: date
    last_month: date
    fields: list[str] = words()
    opened_by: UUID = to("person")
    opened_at: datetime = moment()
    ended_at: datetime | None = moment(default=None)
    ended_by: UUID | None = to("person", default=None)
    version: int = 1


class StudyRecipient(InProgram, table=True):
    """That a person may receive the exports of a study, from the day they were named until they are removed."""

    __table_args__ = (
        together("removed", "removed_at", "removed_by"),
        at_most_one("named_once", "study_id", "person_id", where="removed_at is null"),
    )

    study_id: UUID = to("study")
    person_id: UUID = to("person")
    named_by: UUID = to("person")
    named_at: datetime = moment()
    removed_at: datetime | None = moment(default=None)
    removed_by: UUID | None = to("person", default=None)


class StudyExport(InProgram, table=True):
    """One export of a study: asked by one person, approved by another, and made at that moment.

    The request pins what is approved: fields, months, the ethics approval, who receives it, and the rule with its
    number. `recipients` are ids of people. `digests` are of each file as it was made. It is closed once a person in it
    withdrew, or their file is destroyed: it cannot be made again.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "study_id", "n"),
        one_of("state", STUDY_EXPORT.states),
        CheckConstraint("(state in ('made', 'closed')) = (made_at is not null)", name="made"),
        CheckConstraint("(state = 'closed') = (closed_at is not null)", name="closed"),
        CheckConstraint("(state = 'asked') = (settled_at is null)", name="settled"),
        answered_by_another(unless="state in ('asked', 'taken_back')"),
        at_most_one("one_export_asked", "study_id", where="state = 'asked'"),
    )

    study_id: UUID = to("study")
    n: int
    state: str = STUDY_EXPORT.initial
    fields: list[str] = words()
    first_month: date
    last_month: date
    ethics_reference: str
    ethics_ends_on: date
    recipients: list[str] = words()
    smallest_group: int
    rule: int
    asked_by: UUID = to("person")
    asked_as: str
    asked_for: UUID | None = to("person", default=None)
    asked_at: datetime = moment()
    made_at: datetime | None = moment(default=None)
    settled_by: UUID | None = to("person", default=None)
    settled_as: str = ""
    settled_for: UUID | None = to("person", default=None)
    settled_at: datetime | None = moment(default=None)
    people: int = 0
    codebook: JsonObject = structure()
    digests: JsonObject = structure()
    closed_at: datetime | None = moment(default=None)
    version: int = 1


class ResearchGroup(InProgram, table=True):
    """Participants who go together: in every export of every study all of them are there, or none is.

    No one in it differs from the others in what another person may know of them. When one leaves, the whole group does.
    """

    __table_args__ = (
        one_of("left_because", ("", *LEFT_BECAUSE)),
        CheckConstraint("(left_at is null) = (left_because = '')", name="left"),
    )

    made_at: datetime = moment()
    left_at: datetime | None = moment(default=None)
    left_because: str = ""


class ResearchGroupMember(InProgram, table=True):
    """That a participant is of a group: of one, ever, so that a return tells no one who had left."""

    __table_args__ = (
        UniqueConstraint("program_id", "participant_id"),
        Index("ix_research_group_member_group", "program_id", "research_group_id"),
    )

    research_group_id: UUID = to("research_group")
    participant_id: UUID = to("participant")


class StudyRow(InProgram, table=True):
    """What an export says of one participant: sealed under their own key, and empty once their group left."""

    __table_args__ = (
        UniqueConstraint("program_id", "study_export_id", "participant_id"),
        found_by("ix_study_row_participant", "participant_id", where="sealed is not null"),
    )

    study_export_id: UUID = to("study_export")
    participant_id: UUID = to("participant")
    sealed: bytes | None = blob()


class StaffResearchConsent(InProgram, table=True):
    """Consent of a worker or a manager to take part in the research (ER-2, ER-5), kept by the research coordinator."""

    __table_args__ = (
        together("staff_research_withdrawn", "withdrawn_on", "withdrawn_at"),
        at_most_one("one_staff_research_consent_stands", "person_id", where="withdrawn_on is null"),
    )

    person_id: UUID = to("person")
    signed_on: date
    kept_by: UUID = to("person")
    recorded_at: datetime = moment()
    withdrawn_on: date | None = None
    withdrawn_at: datetime | None = moment(default=None)
