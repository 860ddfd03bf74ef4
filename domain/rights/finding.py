"""Finds the file of a person who lost their number: by their whole name and their birth date, both together.

Who may is declared in one place (`api.access.permissions`, FIND_FILE): the privacy officer, once the person showed who
they are. It lists no one: what does not agree in both is not there. What was typed is kept nowhere; that somebody
looked, and what was found, is on record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from domain.kernel import Actor, Refusal, col, every, inside, of, only, run, says_something, scalars, surely
from domain.participants import ParticipantIdentity, identity_within, known_as, marks_of
from domain.record import Purpose, events, files_of, record_read
from domain.roles import who_barred
from locales import N_
from models.participant import Participant
from models.record import Event

#: So often one person may look in an hour: nobody tries out names.
MOST_AN_HOUR: Final = 10
LOOKED_FOR: Final = "rights.looked_for"
_HOUR: Final = timedelta(hours=1)
#: Any number that no other lock of ours uses; who looks stands beside it.
_LOCK: Final = 0x14C9


@dataclass(frozen=True)
class NameGiven:
    """Who a person said and showed that they are."""

    given_name: str
    family_name: str
    birth_date: date


def find_files(session: Session, said: NameGiven, *, by: Actor, at: datetime) -> list[str]:
    """The numbers or references of the files of this name and birth date, noted on record. Mostly one, or none.

    Those who barred the reader are not among them. Raises Refusal: a part is missing, or too many in an hour.
    """
    if not (says_something(said.given_name) and says_something(said.family_name)):
        raise Refusal("rights.whole_name", N_("Write the given name, the family name and the birth date."))
    _refuse_more(session, by, at)
    marks = marks_of(session, ParticipantIdentity(given_name=said.given_name, family_name=said.family_name))
    alike = every(
        session,
        of(Participant, without=(Participant.sealed,)).where(
            inside(Participant.marks).overlap(marks),
            Participant.state != "draft",
            col(Participant.destroyed_at).is_(None),
        ),
    )
    whose = files_of(session, [row.id for row in alike])
    agree = {whose[row.id] for row in alike if said.birth_date in _born(session, whose[row.id])}
    found = sorted(agree - (who_barred(session, by.person_id) if by.person_id is not None else frozenset()))
    for participant_id in found:
        record_read(
            session,
            "participant",
            participant_id,
            what="looked_up",
            ground="purpose",
            purpose=Purpose.REQUEST_OF_PERSON,
            by=by,
            at=at,
        )
    events.write(session, LOOKED_FOR, "person", surely(by.person_id), by=by, at=at, found=len(found))
    return [known_as(session, participant_id) for participant_id in found]


def _born(session: Session, participant_id: UUID) -> set[date | None]:
    """The birth dates of a person, as each file of theirs says it."""
    who = identity_within(session, participant_id)
    return {one.birth_date for one in (who, *who.also)} - {None}


def _refuse_more(session: Session, by: Actor, at: datetime) -> None:
    # Held until this look is in the record, so that another window of theirs counts it.
    run(session, text("select pg_advisory_xact_lock(:ours, hashtext(:who))"), {"ours": _LOCK, "who": str(by.person_id)})
    theirs = Event.verb == LOOKED_FOR, Event.actor_id == by.person_id, col(Event.at) > at - _HOUR
    looked = scalars(session, only(Event.id).where(*theirs).limit(MOST_AN_HOUR)).all()
    if len(looked) == MOST_AN_HOUR:
        raise Refusal(
            "rights.looked_often",
            N_("You looked for %(most)s people within an hour, the most one may. Wait a little."),
            most=MOST_AN_HOUR,
        )
