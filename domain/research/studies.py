"""Studies: opened by the research coordinator, with an ethics approval that lasts until a day, and their recipients."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlmodel import Session, or_

from domain.casework import asking
from domain.declarations import ResearchRules
from domain.kernel import (
    Actor,
    Order,
    Part,
    Refusal,
    add_row,
    begin_key,
    changes,
    checked,
    col,
    end_key,
    every,
    first,
    local_day,
    next_number,
    of,
    only,
    program,
    program_of,
    rewrite,
    run,
    scalar,
    there_is,
)
from domain.record import events
from domain.research.fields import FIELDS
from domain.research.standing import ended_since, removed_since
from domain.roles import standing
from locales import N_
from models.program import Person
from models.record import Event
from models.research import Study, StudyExport, StudyRecipient, StudyRow

#: The roles whose holders may receive exports (ER-6): staff of an organization of research holds one too.
RECEIVE: Final = ("researcher", "research_coordinator")
#: The task of who holds rows of a group that left; its item is the study (`domain.research.removals`).
REMOVE_ROWS: Final = "study.remove_rows"
_KIND: Final = "study"
#: A month or a last day of more years than these before or after today is a slip of the keyboard.
_YEARS_BACK: Final = 30
_YEARS_AHEAD: Final = 10
#: What changes of a study after it was opened, by the verbs of the record.
_CHANGES: Final = ("study.ethics_renewed", "study.recipient_named", "study.recipient_removed")
_MOST_CHANGES: Final = 100


@dataclass(frozen=True)
class EthicsApproval:
    """The approval of an ethics committee: whose, under which reference, and until which last day."""

    body: str
    reference: str
    ends_on: date


@dataclass(frozen=True)
class StudyDescription:
    """A study as it is described when it is opened. Months are those of the two days."""

    fields: Sequence[str]
    first_month: date
    last_month: date
    title_fr: str
    title_en: str
    purpose_fr: str
    purpose_en: str
    ethics: EthicsApproval

    @property
    def texts(self) -> tuple[str, ...]:
        """What people type of it."""
        words = (self.title_fr, self.title_en, self.purpose_fr, self.purpose_en)
        return (*words, self.ethics.body, self.ethics.reference)


def rules_of(session: Session) -> ResearchRules:
    """The program's rules of the research, as its file was loaded last; the grammar's own where it says nothing."""
    return ResearchRules.model_validate(program(session).research)


def open_study(session: Session, said: StudyDescription, *, by: Actor, at: datetime) -> UUID:
    """Open a study, with a key of its own for its codes. Raises Refusal."""
    texts = [checked(one) for one in said.texts]
    if not all(texts):
        raise Refusal(
            "study.words",
            N_("A study has a title and a purpose, in both languages, and an ethics approval with its reference."),
            source="ER-5",
        )
    if not said.fields or any(key not in FIELDS for key in said.fields):
        raise Refusal("study.fields", N_("Choose the fields that the study asks for, among those that are declared."))
    begins, ends = said.first_month.replace(day=1), said.last_month.replace(day=1)
    _refuse_unlikely_months(session, begins, ends, at)
    _refuse_ended_approval(session, said.ethics.ends_on, at)
    study = Study(
        program_id=program_of(session),
        id=uuid4(),
        number=next_number(session, Study.number),
        title_fr=texts[0],
        title_en=texts[1],
        purpose_fr=texts[2],
        purpose_en=texts[3],
        ethics_body=texts[4],
        ethics_reference=texts[5],
        ethics_ends_on=said.ethics.ends_on,
        first_month=begins,
        last_month=ends,
        fields=[key for key in FIELDS if key in said.fields],
        opened_by=by.person_id,  # type: ignore[arg-type]  # a person
        opened_at=at,
    )
    add_row(session, study)
    begin_key(session, "study", study.id, at=at)
    events.write(session, "study.opened", _KIND, study.id, by=by, at=at, number=study.number, fields=list(study.fields))
    return study.id


def renew_ethics(
    session: Session, study_id: UUID, reference: str, ends_on: date, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Note that the ethics approval was renewed, under a reference and until a day. Raises Refusal."""
    study = hold_study(session, study_id, seen=seen)
    _refuse_ended_approval(session, ends_on, at)
    said = checked(reference)
    if not said:
        raise Refusal("study.ethics", N_("Write the reference of the ethics approval."), source="ER-5")
    before, until = study.ethics_ends_on.isoformat(), ends_on.isoformat()
    rewrite(session, Study, study.id, ethics_reference=said, ethics_ends_on=ends_on)
    events.write(session, "study.ethics_renewed", _KIND, study.id, by=by, at=at, before=before, ends_on=until)


def name_recipient(session: Session, study_id: UUID, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Name a person who may receive the exports of a study: one who holds a role of the research. Raises Refusal."""
    study = hold_study(session, study_id)
    if not may_receive(session, person_id, local_day(session, at)):
        raise Refusal(
            "study.recipient",
            N_("Only people with a role in the research receive exports. Have the role given to this person first."),
            source="ER-6",
        )
    if person_id in {one.person_id for one in recipients(session, study_id)}:
        raise Refusal("study.recipient_there", N_("This person receives the exports of this study already."))
    add_row(
        session,
        StudyRecipient(
            program_id=program_of(session),
            id=uuid4(),
            study_id=study.id,
            person_id=person_id,
            named_by=by.person_id,  # type: ignore[arg-type]  # a person
            named_at=at,
        ),
    )
    events.write(session, "study.recipient_named", _KIND, study.id, by=by, at=at, person=str(person_id))


def remove_recipient(session: Session, study_id: UUID, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Have a person receive nothing more of a study, from now on. Raises Refusal."""
    removed = scalar(
        session,
        changes(StudyRecipient)
        .where(
            StudyRecipient.study_id == study_id,
            StudyRecipient.person_id == person_id,
            col(StudyRecipient.removed_at).is_(None),
        )
        .values(removed_at=at, removed_by=by.person_id)
        .returning(col(StudyRecipient.id)),
    )
    if removed is None:
        raise Refusal("study.no_recipient", N_("This person does not receive the exports of this study."))
    events.write(session, "study.recipient_removed", _KIND, study_id, by=by, at=at, person=str(person_id))


def end_study(session: Session, study_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """End a study: nothing more is made or downloaded, its rows are emptied, and the key of its codes is destroyed."""
    study = hold_study(session, study_id, seen=seen)
    if there_is(session, only(StudyExport.id).where(StudyExport.study_id == study_id, StudyExport.state == "asked")):
        raise Refusal(
            "study.export_waits", N_("An export of this study is asked for. It is answered or taken back first.")
        )
    if asking.open_ones(session, REMOVE_ROWS, study_id):
        raise Refusal(
            "study.removal_waits",
            N_("Rows of this study are still to be removed by who holds them. That is confirmed first."),
            source="FU-9",
        )
    rewrite(session, Study, study.id, ended_at=at, ended_by=by.person_id)
    made = only(StudyExport.id).where(StudyExport.study_id == study_id)
    run(session, changes(StudyRow).where(col(StudyRow.study_export_id).in_(made)).values(sealed=None))
    end_key(session, "study", study_id, at=at)
    events.write(session, "study.ended", _KIND, study_id, by=by, at=at)


def hold_study(session: Session, study_id: UUID, *, seen: int | None = None) -> Study:
    """Lock a study that goes on. Raises Refusal: there is none, it ended, or it is not the version that was seen."""
    study = first(session, of(Study).where(Study.id == study_id).with_for_update())
    if study is None:
        raise Refusal("study.unknown", N_("There is no such study."))
    if study.ended_at is not None:
        raise Refusal("study.over", N_("This study has ended."))
    if seen is not None and study.version != seen:
        raise Refusal("study.changed", N_("This study was changed since you looked. Nothing was saved; look again."))
    return study


def refuse_without_ethics(session: Session, study: Study, at: datetime) -> None:
    """Refuse what needs an ethics approval that lasts."""
    if study.ethics_ends_on < local_day(session, at):
        raise Refusal(
            "study.ethics_over",
            N_("The ethics approval of this study ended on %(day)s. Nothing is made or given until it is renewed."),
            source="ER-5",
            day=study.ethics_ends_on,
        )


def find_study(session: Session, study_id: UUID) -> Study | None:
    """A study; None where there is none."""
    return first(session, of(Study).where(Study.id == study_id, ~ended_since()))


#: The one that was opened last stands first.
_LAST_FIRST: Final = Order(Study.opened_at, Study.id, newest_first=True)


def studies(
    session: Session,
    *,
    most: int = 50,
    after: UUID | None = None,
    of_person: UUID | None = None,
    and_these: Collection[UUID] = (),
) -> Part[Study]:
    """The studies, the last one first; of a person, those whose exports they receive, and these."""
    asked = of(Study).where(~ended_since())
    if of_person is not None:
        theirs = only(StudyRecipient.study_id).where(
            StudyRecipient.person_id == of_person, col(StudyRecipient.removed_at).is_(None), ~removed_since()
        )
        asked = asked.where(or_(col(Study.id).in_(theirs), col(Study.id).in_(and_these)))
    return _LAST_FIRST.part(session, asked, after=after, most=most)


def recipients(session: Session, study_id: UUID) -> list[StudyRecipient]:
    """Those who may receive the exports of a study, in the order in which they were named."""
    named = of(StudyRecipient).where(
        StudyRecipient.study_id == study_id, col(StudyRecipient.removed_at).is_(None), ~removed_since()
    )
    return every(session, named.order_by(col(StudyRecipient.named_at), col(StudyRecipient.id)))


def changes_of(session: Session, study_id: UUID) -> list[Event]:
    """What changed of a study after it was opened, by whom and when, the last change first."""
    return events.latest(session, Event.subject_id == study_id, col(Event.verb).in_(_CHANGES), most=_MOST_CHANGES)


def receives(session: Session, study_id: UUID, person_id: UUID, day: date) -> bool:
    """Whether a person may receive the exports of a study on a day: named, and still with a role of the research."""
    return person_id in {one.person_id for one in recipients(session, study_id)} and may_receive(
        session, person_id, day
    )


def may_receive(session: Session, person_id: UUID, day: date) -> bool:
    """Whether a person holds a role of the research on a day."""
    return any(held.role in RECEIVE for held in standing(session, day).roles_of(person_id))


def could_receive(session: Session, study_id: UUID, day: date) -> list[Person]:
    """The people with a role of the research on a day who are not named in a study yet, by name."""
    there, named = standing(session, day), {one.person_id for one in recipients(session, study_id)}
    holders = {held.person_id for role in RECEIVE for held in there.holding(role)} - named
    return every(session, of(Person).where(col(Person.id).in_(holders)).order_by(col(Person.sort_key)))


def _refuse_ended_approval(session: Session, ends_on: date, at: datetime) -> None:
    today = local_day(session, at)
    if ends_on < today:
        raise Refusal("study.ethics_past", N_("The last day of the ethics approval has passed."), source="ER-5")
    if ends_on.year > today.year + _YEARS_AHEAD:
        said = N_("An ethics approval ends in %(year)s at the latest. Look at its last day again.")
        raise Refusal("study.ethics_far", said, source="ER-5", year=str(today.year + _YEARS_AHEAD))


def _refuse_unlikely_months(session: Session, begins: date, ends: date, at: datetime) -> None:
    if ends < begins:
        raise Refusal("study.months", N_("The last month of a study is not before its first."))
    year = local_day(session, at).year
    first, last = year - _YEARS_BACK, year + _YEARS_AHEAD
    if begins.year < first or ends.year > last:
        said = N_("The months of a study are from %(first)s to %(last)s.")
        raise Refusal("study.months_far", said, first=str(first), last=str(last))
