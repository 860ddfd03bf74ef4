"""Whether a referred person may be known already: for the coordinator alone, by blind marks.

No one else learns it, by a search, an error, a number, an order or a time. Referring answers the same for everyone, and
never looks at marks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import exists
from sqlalchemy.orm import aliased
from sqlmodel import Session

from domain.accompaniment import referred_again
from domain.admissions import joining
from domain.admissions.triage import hold_referral
from domain.casework import asking, cases
from domain.kernel import Actor, Refusal, col, every, inside, of, only, same, scalar, scalars
from domain.participants import (
    case_of,
    change_participant,
    destruction,
    forget,
    hold_participant,
    identity_within,
    open_admission,
    participant_state_after,
)
from domain.record import events, record_read
from domain.roles import who_barred
from locales import N_
from models.participant import Participant


@dataclass(frozen=True)
class Duplicate:
    """A person who may be the same: by how many marks, and whether the birth dates agree, if both are known."""

    participant_id: UUID
    name: str
    state: str
    shared: int
    same_birth: bool | None


def possible_duplicates(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> list[Duplicate]:
    """Those who share a name, a telephone or an address with a candidate, the likeliest first.

    The record is told of each. A different birth date leaves no one out: it may be the wrong one. Those who barred the
    reader from their file are left out. Raises Refusal: the keys.
    """
    marks = scalar(session, only(Participant.marks).where(Participant.id == participant_id)) or []
    rows = _sharing(session, participant_id, marks, by) if marks else []
    # Each of them is shown, so that each one's file says who saw it.
    for shown in (participant_id, *(row.id for row in rows)):
        record_read(session, "participant", shown, what="duplicates", ground="role", by=by, at=at)
    if not rows:
        return []
    born = identity_within(session, participant_id).birth_date
    found = [
        Duplicate(
            row.id,
            row.number or row.candidate_ref,
            row.state,
            len(set(row.marks) & set(marks)),
            _is_same(born, identity_within(session, row.id).birth_date),
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: (each.same_birth is not True, -each.shared, each.name))


def _sharing(session: Session, participant_id: UUID, marks: list[str], by: Actor) -> list[Participant]:
    """The others who share one of these marks, but for those who barred the reader."""
    kept_from = who_barred(session, by.person_id) if by.person_id is not None else frozenset()
    return every(
        session,
        of(Participant).where(
            Participant.id != participant_id,
            col(Participant.id).not_in(kept_from),
            Participant.state != "draft",
            inside(Participant.marks).overlap(marks),
        ),
    )


def _is_same(born: date | None, theirs: date | None) -> bool | None:
    """Whether two birth dates are one; None where one of them is not known."""
    return None if born is None or theirs is None else born == theirs


def join_referral(session: Session, referral_id: UUID, to: UUID, *, by: Actor, at: datetime) -> None:
    """Join a referral to a known person: it becomes theirs, and the file it had is destroyed.

    Every referral of the joined file comes along, and what protects the person or others. That is the workers they
    barred, disclosures without consent, withdrawn consents, that they recruit and how the committee assessed it, and
    what is new in their identity, such as another name or telephone (`joining`). What the ending admission found in its
    day is left behind, unreadable once the key is destroyed: criteria, first meetings, the workers named, decisions
    with their reasons, the risk at admission. A consent that stands there is not carried over either. It was explained
    and signed for that admission, and the present worker asks for one. Its day and its form on paper stay. The case is
    cancelled. A follow-up, a number or a consent to research cannot be there, as no admitted file is joined.

    Where the known person had declined or been refused, they become a candidate again, and their referrer is told as
    ever who makes contact (AD-R5). Otherwise the coordinator decides that for each referral. Raises Refusal: the
    referral was dealt with already, or `to` is not another known person.
    """
    held = hold_referral(session, referral_id)
    joined, known = _hold_both(session, held.participant_id, to)
    again = known.state in ("refused", "declined")
    brought = joining.bring_referrals(session, joined.id, to, received=referral_id if again else None)
    destruction.stop(session, to, "referred_again", by=by, at=at)
    if again:
        change_participant(session, known, state=participant_state_after(known, "refer_again"), retain_until=None)
        asking.no_more(session, destruction.ASK, to, by=by, at=at)
        open_admission(session, to, by=by, at=at)
    joining.bring_identity(session, joined, known)
    joining.bring_what_protects(session, joined, known, by=by, at=at)
    _end(session, joined, to, by=by, at=at)
    if not again:
        referred_again.ask_to_read(session, to, by=by, at=at)
    for row in brought:
        # The question about an earlier joined file, by the name that is destroyed now.
        was_asked = asking.no_more(session, referred_again.ANSWER, row.id, by=by, at=at)
        if was_asked or (row.id == referral_id and not again):
            referred_again.ask_what_the_referrer_hears(session, row, by=by, at=at)
    events.write(session, "referral.joined", "referral", referral_id, by=by, at=at)


def _hold_both(session: Session, joined_id: UUID, to: UUID) -> tuple[Participant, Participant]:
    """Lock a file that is joined and the one that it is joined to. Raises Refusal where they cannot be."""
    if joined_id == to:
        raise Refusal("referral.same", N_("This is the same file. Choose the one that was there before."))
    # In the order of the ids, as a join the other way round locks them.
    both = {participant_id: hold_participant(session, participant_id) for participant_id in sorted((joined_id, to))}
    joined, known = both[joined_id], both[to]
    # A legal hold keeps what would be destroyed: it is released first.
    if known.state in ("draft", "destroyed") or joined.state != "candidate" or joined.held:
        raise Refusal("referral.not_joined", N_("These two cannot be joined in their current state."))
    return joined, known


def _end(session: Session, joined: Participant, to: UUID, *, by: Actor, at: datetime) -> None:
    """Destroy a locked file that is joined to another: nothing about it is under way or asked any more."""
    destruction.stop(session, joined.id, "joined", by=by, at=at)
    forget(session, joined, "join", at=at, joined_to=to)
    case_id = case_of(session, joined.id)
    if case_id is not None:
        cases.cancel_case(session, case_id, by=by, at=at, reason="AD-R1")
    asking.nothing_more(session, joined.id, by=by, at=at)


def alike(session: Session, participant_ids: Collection[UUID], *, reader: UUID) -> frozenset[UUID]:
    """Those of these candidates who share a mark with another known person, without saying which one.

    For the coordinator's board: `possible_duplicates` says which, and tells the record. Opens nothing that is sealed.
    Leaves out those who barred the `reader`.
    """
    other = aliased(Participant, name="other")
    return frozenset(
        scalars(
            session,
            only(Participant.id).where(
                col(Participant.id).in_(list(participant_ids)),
                exists().where(
                    same(other, Participant),
                    col(other.id) != col(Participant.id),
                    col(other.id).not_in(who_barred(session, reader)),
                    col(other.state) != "draft",
                    inside(other.marks).overlap(col(Participant.marks)),
                ),
            ),
        )
    )
