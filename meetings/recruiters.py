"""Participants who also recruit others, before the Clinical Committee: it assesses the risk to the others (AD-C4).

Of a candidate of whom it has to decide, it does so under the item of the admission, before it gives them to a worker.
For a person who is found to recruit later, an item of its own stands on each next agenda until the assessment is
recorded. Either way the assessment is a decision of the meeting. Titles, reasons and the decision say that the
committee is asked something, and the number or reference it is about. What it is, and what was found, is for those
alone who are told of the risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.accompaniment import ASSESS, DECIDE, recruiting, risks, workers
from domain.casework import asking
from domain.kernel import Actor, col, first, local_day, only, tuples
from domain.participants import hold_participant, known_as, step_of
from domain.terms import BEING_ADMITTED
from locales import LANGUAGES, N_, say
from meetings import admissions, agendas
from meetings.admissions import COMMITTEE
from meetings.agenda_items import IS_ABOUT, open_subjects
from models.agenda import AgendaItem, ItemReason
from models.participant import Participant

#: The kind of the items under which the committee assesses the risk of whoever was found to recruit afterwards.
KIND: Final = "recruiter"


def find_recruiter(session: Session, participant_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Say that a person recruits others, and have the committee assess the risk at its next meeting. Raises Refusal.

    That no activity brings them together with others holds from now on, and waits for no meeting.
    """
    recruiting.find_recruiter(session, participant_id, by=by, at=at, seen=seen)
    for asked in asking.open_ones(session, ASSESS, participant_id):
        subject = _subject_by_itself(session, asked)
        if subject is not None:
            _put_on_agenda(session, subject, asked, by=by, at=at)


def keep_on_agendas(session: Session, *, by: Actor, at: datetime) -> int:
    """Have the committee's agendas hold each risk that it has to assess, and no other; how many items changed.

    In whatever way it was found that a person recruits: also by a referral that was joined to their file.
    """
    wanted = {
        subject: asked
        for asked in asking.open_ones(session, ASSESS)
        if (subject := _subject_by_itself(session, asked)) is not None
    }
    there = open_subjects(session, COMMITTEE, KIND)
    put = [_put_on_agenda(session, subject, wanted[subject], by=by, at=at) for subject in sorted(wanted.keys() - there)]
    gone = [
        agendas.withdraw(session, COMMITTEE, KIND, subject, by=by, at=at) for subject in sorted(there - wanted.keys())
    ]
    return sum(put) + sum(gone)


def assess(
    session: Session,
    participant_id: UUID,
    item_id: UUID | None,
    level: str,
    *,
    why: Mapping[str, str],
    by: Actor,
    at: datetime,
) -> UUID:
    """Record how the committee, while it sits, assesses the risk to others under an item about a person; the row's id.

    It is a decision of the meeting, with its number and its quorum. An item of the risk itself is decided by it. Under
    an admission's item the committee goes on to name a worker, which it cannot where the risks exceed the benefits.
    Where they do, nothing else is left to decide and the person was not admitted yet, their first meeting is off. The
    coordinator then refuses them with what was offered instead. Level and `why` are as `domain.accompaniment.risks` has
    them, and sealed. Raises Refusal.
    """
    risks.checked("recruiter", level, why)
    held = hold_participant(session, participant_id)
    item = first(session, _under_way(participant_id).where(AgendaItem.id == item_id))
    if item is None:
        raise risks.committee_assesses()
    # A candidate who went straight to a worker since leaves the item of the admission with nothing else to decide.
    is_all = item.kind == KIND or not _is_to_be_decided(session, participant_id)
    words = {language: say(language, _ASSESSED, subject=held.number or held.candidate_ref) for language in LANGUAGES}
    decision_id = admissions.decide_on_page(session, item, words, settles=is_all, by=by, at=at)
    assessed = risks.assess(session, participant_id, "recruiter", level, why=why, by=by, at=at, decision_id=decision_id)
    if held.state in BEING_ADMITTED:
        _follow(session, participant_id, level, is_all=is_all, by=by, at=at)
    return assessed


def item_under_way(session: Session, participant_id: UUID) -> UUID | None:
    """The undecided item under which a meeting that sits now can assess the risk of a person."""
    own_first = col(AgendaItem.kind) == KIND
    row = first(session, _under_way(participant_id).order_by(own_first.desc(), col(AgendaItem.id)).limit(1))
    return row.id if row else None


def sat_on(session: Session, meeting_id: UUID) -> dict[UUID, UUID]:
    """The person of each item of a meeting's agenda that is decided on that person's own page, by the item."""
    items = only(AgendaItem.id, Participant.id).join(Participant, IS_ABOUT)
    mine = items.where(AgendaItem.meeting_id == meeting_id, AgendaItem.kind == KIND)
    return admissions.candidates_on(session, meeting_id) | dict(tuples(session, mine))


def _follow(session: Session, participant_id: UUID, level: str, *, is_all: bool, by: Actor, at: datetime) -> None:
    """What follows for a person who is not admitted yet; `is_all` says that nothing else is decided under the item."""
    held = hold_participant(session, participant_id)
    if level == "benefits_exceed":
        if recruiting.ask_not_to_refuse(session, participant_id, by=by, at=at):
            workers.ask_for_one(session, participant_id, by=by, at=at)
    elif is_all:
        if held.state != "candidate":
            workers.send_nobody(session, held, "refused", by=by, at=at)
        workers.ask_no_more(session, participant_id, by=by, at=at)
        recruiting.ask_to_refuse(session, held, by=by, at=at)


def _under_way(participant_id: UUID) -> SelectOfScalar[AgendaItem]:
    """The undecided items about a person on which the Clinical Committee sits now."""
    return (
        admissions.items_under_way(admissions.KIND, KIND)
        .join(Participant, IS_ABOUT)
        .where(Participant.id == participant_id)
    )


def _subject_by_itself(session: Session, asked: asking.AskingTask) -> str | None:
    """The number or reference of a person whose risk is to be assessed; None where it comes with their admission."""
    participant_id = UUID(asked.item)
    if _is_to_be_decided(session, participant_id):
        return None
    return known_as(session, participant_id)


def _is_to_be_decided(session: Session, participant_id: UUID) -> bool:
    """Whether the committee has still to decide on a person's admission."""
    decide = step_of(session, participant_id, DECIDE)
    return decide is not None and decide.state in ("planned", "open")


def _put_on_agenda(session: Session, subject: str, asked: asking.AskingTask, *, by: Actor, at: datetime) -> bool:
    """Ask for the item with the task that it completes. Whether it is there: the program's file may be an older one."""
    if not agendas.takes(session, COMMITTEE, KIND):
        return False
    agendas.ask(
        session,
        COMMITTEE,
        KIND,
        subject,
        title_fr=say("fr", _TITLE, subject=subject),
        title_en=say("en", _TITLE, subject=subject),
        reasons=[ItemReason("to_assess", _WHY, {"since": local_day(session, asked.opened_at).isoformat()})],
        by=by,
        at=at,
        task_id=asked.id,
    )
    return True


#: Read by every seat, also by those that are not told of a risk, and by whoever reads the register: these words must
#: never tell that the question is the risk of somebody who recruits. Whatever else is once asked under items of this
#: kind is asked in these words too, so that nobody tells one question from another.
_TITLE: Final = N_("Question to the committee about %(subject)s")
_WHY: Final = N_("The committee has been asked since %(since)s; the question is in the file.")
_ASSESSED: Final = N_("%(subject)s: the committee answered the question; its answer is in the file.")
