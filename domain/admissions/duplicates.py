"""Whether somebody who is referred may be known already: for the coordinator alone, by blind marks.

Nobody else learns it, by a search, an error, a number, an order or a time: referring answers the same for everyone, and
nothing there looks at marks.
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
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, every, inside, of, only, same, scalar, scalars
from domain.participants import destruction
from domain.participants.identity import identity_within
from domain.participants.locking import case_of, change_participant, forget, hold_participant, moved
from domain.participants.opening import open_admission
from domain.record import events
from domain.record.reads import record_read
from domain.roles.sight import who_barred
from locales import N_
from models.participant import Participant


@dataclass(frozen=True)
class Duplicate:
    """Somebody who may be the same person: by how many marks, and whether the birth dates agree, if both are known."""

    participant_id: UUID
    name: str
    state: str
    shared: int
    same_birth: bool | None


def possible_duplicates(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> list[Duplicate]:
    """Those who share a name, a telephone or an address with a candidate, the likeliest first.

    The record is told of each. Another birth date does not leave somebody out: it may be the one that is wrong. Left
    out is who barred the reader from their file. Raises Refusal: the keys.
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
    """Say that a referral is about somebody who is known: it becomes theirs, and what was kept apart is destroyed.

    Every referral of the joined file comes along, and what protects the person or others: the workers whom they barred,
    disclosures without consent, consents that they took back, that they recruit and how the committee assessed it, and
    what is new in who they are, such as another name or telephone (`joining`). Left behind, unreadable once the key is
    destroyed, is what the admission that ends found of its day: criteria, first meetings, who was named, decisions with
    their reasons, the risk at admission. A consent that stands there is not carried over either: it was explained and
    signed for that admission, and whoever goes on asks for one; its day and its form on paper stay. The case is
    cancelled. Neither a follow-up, a number nor a consent to research is there, as nobody joins a file that was
    admitted.

    Where the known person had declined or been refused, they are a candidate again, and whoever referred them is told
    as ever who makes contact (AD-R5). Else that is the coordinator's to decide, of each referral. Raises Refusal: the
    referral was dealt with already, or `to` is not somebody else who is known.
    """
    held = hold_referral(session, referral_id)
    joined, known = _hold_both(session, held.participant_id, to)
    again = known.state in ("refused", "declined")
    brought = joining.bring_referrals(session, joined.id, to, received=referral_id if again else None)
    destruction.stop(session, to, "referred_again", by=by, at=at)
    if again:
        change_participant(session, known, state=moved(known, "refer_again"), retain_until=None)
        asking.no_more(session, destruction.ASK, to, by=by, at=at)
        open_admission(session, to, by=by, at=at)
    joining.bring_identity(session, joined, known)
    joining.bring_what_protects(session, joined, known, by=by, at=at)
    _end(session, joined, to, by=by, at=at)
    if not again:
        referred_again.ask_to_read(session, to, by=by, at=at)
    for row in brought:
        # Of one that was joined before, by the name that is destroyed now.
        was_asked = asking.no_more(session, referred_again.ANSWER, row.id, by=by, at=at)
        if was_asked or (row.id == referral_id and not again):
            referred_again.ask_what_the_referrer_hears(session, row, by=by, at=at)
    events.write(session, "referral.joined", "referral", referral_id, by=by, at=at)


def _hold_both(session: Session, joined_id: UUID, to: UUID) -> tuple[Participant, Participant]:
    """Lock a file that is joined and the one that it is joined to. Raises Refusal where they cannot be."""
    if joined_id == to:
        raise Refusal("referral.same", N_("This is the same file. Choose the one that was there before."))
    # In the order of the ids, as whoever joins the other way round holds them.
    both = {participant_id: hold_participant(session, participant_id) for participant_id in sorted((joined_id, to))}
    joined, known = both[joined_id], both[to]
    # A legal hold keeps what would be destroyed: it is released first.
    if known.state in ("draft", "destroyed") or joined.state != "candidate" or joined.held:
        raise Refusal("referral.not_joined", N_("These two cannot be joined in their current state."))
    return joined, known


def _end(session: Session, joined: Participant, to: UUID, *, by: Actor, at: datetime) -> None:
    """Destroy a held file that is joined to another: nothing is under way nor asked about it any more."""
    destruction.stop(session, joined.id, "joined", by=by, at=at)
    forget(session, joined, "join", at=at, joined_to=to)
    case_id = case_of(session, joined.id)
    if case_id is not None:
        cases.cancel_case(session, case_id, by=by, at=at, reason="AD-R1")
    asking.nothing_more(session, joined.id, by=by, at=at)


def alike(session: Session, participant_ids: Collection[UUID], *, reader: UUID) -> frozenset[UUID]:
    """Those of these candidates who share a mark with somebody else who is known. Whom, is another question.

    For the coordinator's board: `possible_duplicates` says whom, and tells the record. Opens nothing that is sealed.
    Somebody who barred the `reader` is nobody whom they are told of.
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
