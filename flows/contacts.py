"""The round of follow-ups: breaks end on their day, what is missing is asked for, lost contact is reported.

A participant without contact is put on the Clinical Committee's agenda, by number, with since when and why. The item is
withdrawn when there is contact again, or the follow-up ended. One found to recruit others is put on it too, until the
committee has assessed the risk. A candidate who waits for its decision and is on no agenda is put back on one. Consents
that became a person's own to give with their birthday are asked about. Each follow-up, and each file, is a transaction
of its own; running the round again, late or twice at once changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import asked_today, breaks, referred_again, reviews, withdrawals
from domain.follow_ups import Losing, assigning, lost, notes
from domain.kernel import Actor, col, local_day, only, scalars
from flows import agenda_points
from flows.turns import BY_ROUNDS, Turn, in_parts
from locales import LANGUAGES, N_, say
from meetings import agendas, recruiters
from meetings.agenda_items import open_subjects
from models.agenda import ItemReason
from models.follow_up import FollowUp

#: The local hour at which the round looks, every day: a break that ends on a Sunday ends on that Sunday.
CRON: Final = "0 6 * * *"
#: The committee and the kind of item under which lost contact is talked about (CM-C, FU-7).
COMMITTEE: Final = "clinical"
LOST_CONTACT: Final = "lost_contact"


@in_parts("contacts", CRON)
def look(turn: Turn) -> int:
    """See to every follow-up of one program.

    How many breaks ended, tasks opened, and items were put on or taken off.
    """
    at = turn.at
    with turn.reading() as session:
        day = local_day(session, at)
    # Looked for before anything is done: what is done first is not found to be due by what comes after it.
    active, consenting = turn.look(_active), turn.look(lambda session: reviews.to_look_at(session, day))
    forgotten = turn.look(agenda_points.forgotten)
    found = turn.each(turn.look(lambda session: breaks.due_to_return(session, day)), breaks.come_back_if_due)
    found += turn.each(active, assigning.keep_vacancy)
    found += turn.act(_see_to_notes)
    found += turn.act(_see_to_withdrawals)
    found += turn.each(consenting, reviews.keep)
    found += turn.act(breaks.ask_who_has_it_now)
    found += turn.act(referred_again.ask_who_has_them_now)
    found += turn.act(asked_today.pass_over_whom_they_barred)
    found += turn.once(partial(tell_the_committee, at=at))
    found += turn.act(recruiters.keep_on_agendas)
    return found + sum(turn.once(partial(agenda_points.put_back, case_id=case_id, at=at)) for case_id in forgotten)


def _active(session: Session) -> list[UUID]:
    """The follow-ups under way, the oldest first."""
    asked = only(FollowUp.id).where(FollowUp.state == "active").order_by(col(FollowUp.opened_at), col(FollowUp.id))
    return list(scalars(session, asked))


def tell_the_committee(session: Session, *, at: datetime) -> int:
    """Put each lost contact on the committee's agenda, and withdraw those that no longer are; how many changed."""
    lost_ones = {one.number: one for one in lost.losing(session, local_day(session, at)) if one.is_lost}
    open_ones = open_subjects(session, COMMITTEE, LOST_CONTACT)
    for number, one in lost_ones.items():
        if number not in open_ones:
            _ask(session, one, at)
    gone = open_ones - lost_ones.keys()
    for number in sorted(gone):
        agendas.withdraw(session, COMMITTEE, LOST_CONTACT, number, by=BY_ROUNDS, at=at)
    return len(lost_ones.keys() - open_ones) + len(gone)


def _ask(session: Session, one: Losing, at: datetime) -> None:
    agendas.ask(
        session,
        COMMITTEE,
        LOST_CONTACT,
        one.number,
        title_fr=say("fr", _TITLE, number=one.number),
        title_en=say("en", _TITLE, number=one.number),
        reasons=[
            ItemReason(
                "contact_lost",
                one.sentence,
                {
                    "since": one.since.isoformat(),
                    "weeks": one.weeks,
                    "attempts": one.attempts,
                    "why": {language: say(language, WHY.get(one.why, _NO_NOTE)) for language in LANGUAGES},
                },
            )
        ],
        by=BY_ROUNDS,
        at=at,
    )


def _see_to_notes(session: Session, *, by: Actor, at: datetime) -> int:
    return notes.settle_notes(session, by=by, at=at) + notes.ask_for_notes(session, by=by, at=at)


def _see_to_withdrawals(session: Session, *, by: Actor, at: datetime) -> int:
    moved = withdrawals.ask_who_has_it_now(session, by=by, at=at)
    moved += reviews.ask_who_has_it_now(session, by=by, at=at)
    moved += withdrawals.ask_of_the_ended(session, by=by, at=at)
    return moved + withdrawals.ask_about_seconds(session, by=by, at=at)


_TITLE: Final = N_("Lost contact: %(number)s")
_NO_NOTE: Final = N_("No note says why.")
#: What the newest note says of why they did not meet.
WHY: Final = {
    "": _NO_NOTE,
    "not_scheduled": N_("Noted: no meeting was scheduled."),
    "no_news": N_("Noted: no news."),
    "impossible": N_("Noted: meeting was not possible."),
    "withdrew": N_("Noted: the participant withdrew."),
    "other": N_("Noted: another reason."),
}
