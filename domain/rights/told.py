"""What was said of a person to others: who referred them, who works here, the research, and others under a law.

People are named only by role and organization, as in `who_read`. It writes no record: who shows it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, or_

from domain.accompaniment import TOLD_BY_COORDINATOR
from domain.declarations import Rights
from domain.kernel import col, every, in_program, local_day, of, only, program, run, scalars
from domain.mail import WORKER_NAMED
from domain.record import EXPORTED
from domain.rights.held import Held, texts_in
from domain.rights.who_read import cases_of, letters_about, whose_lines
from models.casework import Task
from models.consent import Disclosure
from models.outbox import Notice
from models.record import Event
from models.referral import Referral
from models.research import Study, StudyExport, StudyRow

#: A referral that was sent: its author sees how far it is.
_SENT: Final = ("received", "triaged", "joined")


def told_of(session: Session, participant_id: UUID) -> list[Held]:
    """All that was told of a participant to anyone, opened.

    A disclosure that the program's file says is told to no one is not among it. Raises Refusal where keys cannot be
    used, or are destroyed.
    """
    return [
        *_told_to_referrers(session, participant_id),
        *_shown_to_referrers(session, participant_id),
        *letters_about(session, participant_id),
        *_of_exports(session, participant_id),
        *_told_to_others(session, participant_id),
    ]


def _told_to_referrers(session: Session, participant_id: UUID) -> Iterator[Held]:
    """Who referred the person was told who makes contact (AD-R5): that one is another person, and is not named.

    The letter is of the admission's case. Of a person who was known, it is of the referral alone, as its key says.
    """
    referrals = scalars(session, only(Referral.id).where(Referral.participant_id == participant_id))
    of_referral = func.split_part(Notice.key, ":", 2).in_([str(one) for one in referrals])
    cases = cases_of(session, participant_id)
    letters = (
        only(Notice.sent_at)
        .where(
            Notice.template == WORKER_NAMED,
            col(Notice.sent_at).is_not(None),
            or_(of_referral, col(Notice.case_id).in_(cases)),
        )
        .order_by(col(Notice.sent_at))
    )
    for at in scalars(session, letters):
        yield Held("referrer_told", _day(session, at), {"way": "letter"})
    asked = Task.step == TOLD_BY_COORDINATOR, col(Task.item).in_([str(one) for one in cases])
    told = only(Task.done_at).where(*asked, Task.state == "done")
    for at in scalars(session, told.order_by(col(Task.done_at))):
        yield Held("referrer_told", _day(session, at), {"way": "coordinator"})


def _shown_to_referrers(session: Session, participant_id: UUID) -> Iterator[Held]:
    """How far a referral is, as its author sees it: of each referral, also of one that came while they were known."""
    theirs = Referral.participant_id == participant_id, col(Referral.state).in_(_SENT)
    for row in every(session, of(Referral, without=(Referral.sealed, Referral.result_sealed)).where(*theirs)):
        said = {"stands": row.stands, "offered": list(row.offered)}
        yield Held("referrer_sees", _day(session, row.received_at), said)


def _of_exports(session: Session, participant_id: UUID) -> Iterator[Held]:
    """In which exports for research a row is theirs, and each file of these that was taken out, by whom.

    What a row says is of a group: only the study and the day are told.
    """
    made = (
        only(StudyExport.id, StudyExport.made_at, Study.title_fr, Study.title_en, col(StudyRow.sealed).is_(None))
        .join(Study, col(Study.id) == col(StudyExport.study_id))
        .join(StudyRow, col(StudyRow.study_export_id) == col(StudyExport.id))
        .where(StudyRow.participant_id == participant_id)
        .order_by(col(StudyExport.made_at))
    )
    for export_id, at, fr, en, is_emptied in run(session, made):
        study = {"study_fr": fr, "study_en": en}
        yield Held("research_export", _day(session, at), study | ({"emptied": True} if is_emptied else {}))
        taken = Event.verb == EXPORTED, Event.subject_id == export_id
        lines = every(session, of(Event).where(in_program(Event), *taken).order_by(col(Event.n)))
        for day, role, place in whose_lines(session, lines):
            yield Held("research_file", day, study | {"role": role, "organization": place})


def _told_to_others(session: Session, participant_id: UUID) -> Iterator[Held]:
    untold = Rights.model_validate(program(session).rights).not_told
    theirs = of(Disclosure).where(Disclosure.participant_id == participant_id)
    for row in every(session, theirs.order_by(col(Disclosure.disclosed_on), col(Disclosure.id))):
        if row.ground not in untold:
            told = texts_in(session, participant_id, f"disclosure/{row.id}", row.sealed)
            yield Held("disclosure", row.disclosed_on, {"ground": row.ground}, told)


def _day(session: Session, at: datetime | None) -> date | None:
    return None if at is None else local_day(session, at)
