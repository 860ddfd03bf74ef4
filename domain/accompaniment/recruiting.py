"""Records that a person also recruits others (AD-C4): found at any time, for good, and watched in what is planned.

It may be found alone, as a criterion, or with a referral that is joined: `note` does what follows from it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment.questions import QuestionAbout
from domain.casework import asking
from domain.follow_ups import ask_apart
from domain.kernel import Actor, Refusal
from domain.participants import change_participant, hold_participant
from domain.record import events
from locales import N_
from models.participant import Participant

#: The coordinator's task, once it is found: the Clinical Committee assesses the risk to others while it sits.
ASSESS: Final = "recruiter.assess"
#: The coordinator's task after the committee found the risk too great for a person who is not admitted yet.
REFUSE: Final = "recruiter.refuse"


def find_recruiter(session: Session, participant_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Record that a person was found to recruit others. Raises Refusal: it is known already, or there is no such file.

    `meetings.recruiters.find_recruiter` calls it and has the committee assess the risk to others at its next meeting.
    """
    held = hold_participant(session, participant_id, seen=seen)
    if held.state in ("draft", "destroyed"):
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    if held.recruiter:
        raise Refusal("recruiter.known", N_("It is already recorded that this person recruits others."), source="AD-C4")
    note(session, held, by=by, at=at)


def note(session: Session, held: Participant, *, by: Actor, at: datetime) -> None:
    """Note that a locked participant recruits others, where it is new.

    From now on no activity brings them together with others, and planned ones are asked about at once. The coordinator
    is asked to have the committee assess the risk to others.
    """
    if held.recruiter:
        return
    change_participant(session, held, recruiter=True)
    events.write(session, "participant.recruits", "participant", held.id, by=by, at=at)
    ask_apart(session, held.id, by=by, at=at)
    ask_to_assess(session, held, by=by, at=at)


def ask_to_assess(session: Session, held: Participant, *, by: Actor, at: datetime) -> None:
    """Ask the coordinator to have the committee assess a person's risk to others, for the first time or anew.

    Until it does, no earlier assessment counts.
    """
    _ASSESS.ask(session, held.id, by=by, at=at)


#: The committee sits once a week, and what is found the day before is for the week after.
_ASSESS: Final = QuestionAbout(
    ASSESS, N_("Have the risk to others assessed: %(subject)s was found to recruit others"), 10
)


def assessed(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Close the question to the coordinator: the risk to others is assessed."""
    asking.answered(session, ASSESS, participant_id, by=by, at=at)


def ask_to_refuse(session: Session, held: Participant, *, by: Actor, at: datetime) -> None:
    """Ask the coordinator to refuse a locked candidate, since the committee found the risk to others too great.

    It is theirs to say what was offered instead, as with every refusal (AD-C4).
    """
    _REFUSE.ask(session, held.id, by=by, at=at)


#: The person, and the worker who was to meet them, wait for the word.
_REFUSE: Final = QuestionAbout(
    REFUSE, N_("Refuse %(subject)s, and say what was offered instead: the risks to others exceed the benefits"), 2
)


def ask_not_to_refuse(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Cancel the question to refuse the candidate. Returns whether it was asked."""
    return asking.no_more(session, REFUSE, participant_id, by=by, at=at)


def ask_no_more(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """End both questions: the candidate goes no further, so no risk is left to assess, and the refusal is done."""
    asking.no_more(session, ASSESS, participant_id, by=by, at=at)
    asking.answered(session, REFUSE, participant_id, by=by, at=at)
