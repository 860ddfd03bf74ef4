"""How long a file is kept: its last day, and what moves it. A legal hold keeps it beyond its day (`holds`).

The program's own calendar counts the last day (`retention_terms`) from the end of the follow-up or of the admission, or
from the referral of a candidate who was never triaged. On the day after it the coordination is asked to have the file
destroyed, which takes another person too (`destruction`). Whatever keeps a file stops the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, cast
from uuid import UUID

from sqlalchemy import exists, func
from sqlmodel import Session, or_

from domain.casework import asking
from domain.declarations import Ended
from domain.kernel import (
    Actor,
    Refusal,
    changes,
    col,
    every,
    joins,
    keys_of,
    local_day,
    of,
    only,
    rewrite,
    run,
    same,
    scalars,
    sealed_words,
    select,
    surely,
    tuples,
    value_of,
)
from domain.mail import coordination_chain
from domain.participants import destruction, destruction_requests, still_needed
from domain.participants.keeping_changes import day_by_hand, write_change
from domain.participants.locking import change_participant, hold_participant
from domain.participants.referring import DRAFT_KEPT, LEFT_SINCE, destroy_draft
from domain.participants.retention_terms import last_day
from domain.participants.still_needed import calendar_day, refuse_while_decided, refuse_while_followed
from domain.record import events
from locales import N_
from models.casework import Case
from models.destruction import KeptUntil
from models.follow_up import FollowUp
from models.lifecycles import PARTICIPANT
from models.participant import DataKey, Participant
from models.record import Event
from models.referral import Referral

#: How long a key may lie without its row: no transaction takes that long.
WITHOUT_ROW: Final = timedelta(days=1)

#: For how many years at most a last day can be set by hand: a later one is an error of typing.
LONGEST_KEPT: Final = 100

#: How soon it is due, in working days, to have a file destroyed whose last day is over, or to say why it is kept.
DAYS_TO_ASK: Final = 10


def retain_until(session: Session, participant_id: UUID, day: date, *, reason: str, by: Actor, at: datetime) -> None:
    """Set another last day on which a file that ended is kept, with the reason, which is sealed.

    It is never earlier than the calendar's: destroying a file before that takes another person's word (`destruction`).
    It answers the question to have the file destroyed, and stops a request that was made already. Raises Refusal: also
    while the person is accompanied, being admitted, or waits for a triage.
    """
    held = hold_participant(session, participant_id)
    if held.state in ("draft", "destroyed"):
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    if day < local_day(session, at):
        raise Refusal("retention.past", N_("The last day on which a file is kept must be in the future."))
    if day.year > local_day(session, at).year + LONGEST_KEPT:
        raise Refusal(
            "retention.too_far", N_("A file is kept for at most %(most)s years: look again."), most=LONGEST_KEPT
        )
    refuse_while_decided(session, held)
    refuse_while_followed(session, held)
    _refuse_shorter(session, held, day)
    write_change(session, held, "day", reason, day=day, by=by, at=at)
    change_participant(session, held, retain_until=day)
    events.write(session, "retention.moved", "participant", participant_id, by=by, at=at, day=day.isoformat())
    destruction.stop(session, participant_id, "day_moved", by=by, at=at)
    asking.answered(session, destruction.ASK, participant_id, by=by, at=at)


def _refuse_shorter(session: Session, held: Participant, day: date) -> None:
    """Refuse a last day before that of the calendar, or of a file that the calendar does not count. Raises Refusal."""
    if held.retain_until is None:
        raise Refusal(
            "retention.not_counted",
            N_("The last day of this file is counted once nothing goes on in it: until then none can be set."),
        )
    first_of_all = calendar_day(session, held) or held.retain_until
    if day < first_of_all:
        raise Refusal("retention.shorter", _SHORTER, day=first_of_all)


_SHORTER: Final = N_(
    "The program’s calendar keeps this file until %(day)s, and no earlier day can be set. To have it destroyed before, "
    "ask for that and say why: another person decides."
)


def kept_until(session: Session, participant_id: UUID, ended: Ended, on: date) -> date:
    """The last day of a file that ended so on a local day: the calendar's, or a later one that was set by hand.

    What was said by hand for a reason of its own stands, whatever began and ended in between.
    """
    day, by_hand = last_day(session, ended, on), day_by_hand(session, participant_id)
    return day if by_hand is None else max(day, by_hand)


def keep_as_by_hand(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Keep a file that ended until a later day set by hand, which came to it with a file that was joined to it."""
    held, day = hold_participant(session, participant_id), day_by_hand(session, participant_id)
    if day is not None and held.retain_until is not None and held.retain_until < day:
        change_participant(session, held, retain_until=day)
        events.write(session, "retention.moved", "participant", participant_id, by=by, at=at, day=day.isoformat())


def count_from(session: Session, participant_id: UUID, ended: Ended, *, by: Actor, at: datetime) -> None:
    """Count from today how long a file is kept, since it ended so: to the calendar's day, or a later one by hand."""
    day = kept_until(session, participant_id, ended, local_day(session, at))
    change_participant(session, hold_participant(session, participant_id), retain_until=day)
    events.write(session, "retention.set", "participant", participant_id, by=by, at=at, day=day.isoformat())


def count_no_more(
    session: Session, participant_id: UUID, *, by: Actor, at: datetime, stopped_by: str = "taken_up"
) -> None:
    """Remove the last day of a file that is needed again: its end lies ahead.

    `stopped_by` is what came between, where its destruction is asked (`models.destruction.STOPPED_BY`).
    """
    held = hold_participant(session, participant_id)
    if held.retain_until is None:
        return
    change_participant(session, held, retain_until=None)
    events.write(session, "retention.stopped", "participant", participant_id, by=by, at=at)
    destruction.stop(session, participant_id, stopped_by, by=by, at=at)
    asking.no_more(session, destruction.ASK, participant_id, by=by, at=at)


def count_what_was_missed(session: Session, *, by: Actor, at: datetime) -> int:
    """Set the last day of each file that has ended without one, from the day on which it ended; how many.

    A file whose follow-up ended, and one of a candidate who was referred and never triaged.
    """
    found: list[tuple[UUID, str, date]] = list(_ended_without_a_day(session))
    found += [(one, "not_admitted", local_day(session, received_at)) for one, received_at in _never_triaged(session)]
    for participant_id, ended, since in found:
        day = kept_until(session, participant_id, cast("Ended", ended), since)
        rewrite(session, Participant, participant_id, retain_until=day)
        events.write(session, "retention.set", "participant", participant_id, by=by, at=at, day=day.isoformat())
    return len(found)


def _ended_without_a_day(session: Session) -> Sequence[tuple[UUID, str, date]]:
    return tuples(
        session,
        only(Participant.id, FollowUp.state, FollowUp.state_since)
        .join(FollowUp, same(FollowUp, Participant) & (col(FollowUp.participant_id) == col(Participant.id)))
        .where(
            Participant.state == "admitted",
            col(Participant.retain_until).is_(None),
            col(FollowUp.state).in_(still_needed.ENDED),
        )
        .order_by(col(Participant.id)),
    )


def _never_triaged(session: Session) -> Sequence[tuple[UUID, datetime]]:
    """The candidates without a last day and without any triaged referral, and when the last referral came."""
    was_triaged = exists().where(joins(Event.subject_id, Referral), col(Event.verb) == "referral.triaged")
    return tuples(
        session,
        only(Participant.id, func.max(col(surely(Referral.received_at))))
        .join(Referral, joins(Referral.participant_id, Participant))
        .where(
            col(Participant.state) == "candidate",
            col(Participant.retain_until).is_(None),
            col(Referral.received_at).is_not(None),
        )
        .group_by(col(Participant.id))
        .having(~func.bool_or(was_triaged))
        .order_by(col(Participant.id)),
    )


def ask_to_destroy(session: Session, participant_id: UUID, known_as: str, *, by: Actor, at: datetime) -> bool:
    """Ask the coordination to have a file destroyed whose last day is over; returns whether it was not asked before."""
    return (
        asking.ask(
            session,
            destruction.ASK,
            participant_id,
            N_("Request the destruction of the file of %(subject)s, or say why it is kept: its last day is over"),
            chain=coordination_chain(session),
            working_days=DAYS_TO_ASK,
            by=by,
            at=at,
            subject=known_as,
        )
        is not None
    )


class DueDestruction(NamedTuple):
    """A file whose retention has ended, by its number or its reference.

    Some need words before they are destroyed: the last day was set by hand, or the referral was never triaged.
    """

    id: UUID
    known_as: str
    retain_until: date
    needs_words: bool


def due(session: Session, day: date) -> list[DueDestruction]:
    """The files whose retention has ended on a local day, without a legal hold or a question about them yet."""
    by_hand = joins(KeptUntil.participant_id, Participant) & (col(KeptUntil.day) == col(Participant.retain_until))
    asked = (
        only(
            Participant.id,
            value_of(func.coalesce(col(surely(Participant.number)), col(Participant.candidate_ref))),
            surely(Participant.retain_until),
            value_of(or_(col(Participant.state) == "candidate", exists().where(by_hand))),
        )
        .where(
            col(Participant.retain_until) < day,
            col(Participant.state).in_(PARTICIPANT.open_to("destroy")),
            Participant.state != "draft",
            ~col(Participant.held),
            ~destruction_requests.is_asked(),
            ~exists().where(
                joins(FollowUp.participant_id, Participant), col(FollowUp.state).not_in(still_needed.ENDED)
            ),
            ~exists().where(
                col(Participant.state) == "candidate",
                joins(Referral.participant_id, Participant),
                col(Referral.state) == "triaged",
            ),
        )
        .order_by(col(Participant.retain_until), col(Participant.id))
    )
    return [DueDestruction(*row) for row in tuples(session, asked)]


def sweep_drafts(session: Session, *, by: Actor, at: datetime) -> int:
    """Destroy the drafts that were not touched for two weeks, except those of leavers; returns how many."""
    left = every(
        session,
        of(Referral)
        .where(
            Referral.state == "draft",
            col(Referral.saved_at) < at - DRAFT_KEPT,
            # What a leaver had begun is sent, or deleted by one who may read it: not by a day that passes.
            col(Referral.left_at).is_(None),
            ~LEFT_SINCE,
            ~select(Case.id)
            .where(
                same(Case, Referral), Case.subject_id == Referral.referred_by, col(Case.gathers), Case.state == "open"
            )
            .exists(),
        )
        .with_for_update(skip_locked=True),
    )
    for held in left:
        destroy_draft(session, held, by=by, at=at)
    return len(left)


def destroy_keys(session: Session, *, at: datetime) -> int:
    """Destroy the keys that this program's rows say are destroyed; returns how many were still there.

    Each time all of them, since a store that is restored brings keys back. In a transaction of its own, so that only
    what is committed is read; then the row says since when the key is gone. Raises NoKeys.
    """
    rows = tuples(session, only(DataKey.participant_id, DataKey.gone_at).where(col(DataKey.destroyed_at).is_not(None)))
    keys = keys_of(session)
    found = sum(keys.destroy(participant_id) for participant_id, _ in rows) + sealed_words.destroy_keys(session, at=at)
    run(
        session,
        changes(DataKey)
        .where(col(DataKey.participant_id).in_([participant_id for participant_id, gone_at in rows if gone_at is None]))
        .values(gone_at=at),
    )
    return found


def sweep_orphans(sessions: Sequence[Session], *, at: datetime) -> int:
    """Destroy the keys that no row of any program ever used; returns how many.

    `sessions` is one for every program that uses the store. For an operator who knows that no other database does, and
    that no backup is still to be restored. A key of a row that is not here yet would go too. Raises NoKeys.
    """
    if not sessions:
        return 0
    keys = keys_of(sessions[0])
    # Listed before the rows are read: a key that is made meanwhile is not among them.
    old = keys.held(made_before=at - WITHOUT_ROW)
    known = {
        key_id
        for session in sessions
        for key_id in (*scalars(session, only(DataKey.participant_id)), *sealed_words.key_ids(session))
    }
    return sum(keys.destroy(key_id) for key_id in sorted(old - known))
