"""Whether somebody who is referred may be known already: for the coordinator alone, by blind marks.

Nobody else learns it, by a search, an error, a number, an order or a time: referring answers the same for everyone, and
nothing there looks at marks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlmodel import Session

from duties import asking, cases, events
from duties.actors import Actor
from duties.here import many, program_of
from duties.notices import coordination_chain
from duties.participants import recruiting, retention, withdrawals
from duties.participants.held import case_of, change_participant, hold_participant, moved
from duties.participants.identity import identity_within
from duties.participants.opening import open_admission
from duties.participants.sealing import seal, unseal
from duties.participants.triage import hold_referral
from duties.refusals import Refusal
from locales import N_
from models.base import table_of
from models.follow_up import FollowUp
from models.participant import DataKey, Participant
from models.referral import Referral

#: What whoever has somebody who is referred again is asked, and how soon, in working days.
AGAIN: Final = "referral.again"
DAYS_TO_READ: Final = 2
#: What the coordinator is asked about whoever referred somebody who is known, and how soon it is due, in working days.
ANSWER: Final = "referral.answer"
DAYS_TO_ANSWER: Final = 5

_participant = table_of(Participant)
_follow_up = table_of(FollowUp)
_referral = table_of(Referral)
_key = table_of(DataKey)


@dataclass(frozen=True)
class Duplicate:
    """Somebody who may be the same person: by how many marks, and whether the birth dates agree, if both are known."""

    participant_id: UUID
    name: str
    state: str
    shared: int
    same_birth: bool | None


def possible_duplicates(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> list[Duplicate]:
    """Those who share a name, a telephone or an address with a candidate, the likeliest first. Told to the record.

    Another birth date does not leave somebody out: it may be the one that is wrong. Raises Refusal: the keys.
    """
    here = program_of(session)
    marks = session.scalar(
        select(_participant.c.marks).where(_participant.c.program_id == here, _participant.c.id == participant_id)
    )
    rows: list[dict[str, Any]] = []
    if marks:
        rows = many(
            session,
            select(
                _participant.c.id,
                _participant.c.state,
                _participant.c.marks,
                _participant.c.number,
                _participant.c.candidate_ref,
            ).where(
                _participant.c.program_id == here,
                _participant.c.id != participant_id,
                _participant.c.state != "draft",
                _participant.c.marks.overlap(marks),
            ),
        )
    events.write(
        session,
        "read",
        "participant",
        participant_id,
        by=by,
        at=at,
        what="duplicates",
        purpose="coordination",
        ground="role",
    )
    if not rows:
        return []
    born = identity_within(session, participant_id).birth_date
    found = []
    for row in rows:
        theirs = identity_within(session, row["id"]).birth_date
        found.append(
            Duplicate(
                row["id"],
                row["number"] or row["candidate_ref"],
                row["state"],
                len(set(row["marks"]) & set(marks or ())),
                None if born is None or theirs is None else born == theirs,
            )
        )
    return sorted(found, key=lambda each: (each.same_birth is not True, -each.shared, each.name))


def join_referral(session: Session, referral_id: UUID, to: UUID, *, by: Actor, at: datetime) -> None:
    """Say that a referral is about somebody who is known: it becomes theirs, and what was kept apart is destroyed.

    Where they had declined or been refused, they are a candidate again, and whoever referred them is told as ever who
    makes contact (AD-R5). Else that is the coordinator's to decide. Raises Refusal: the referral was dealt with
    already, or `to` is not somebody else who is known.
    """
    held = hold_referral(session, referral_id)
    if held["participant_id"] == to:
        raise Refusal("referral.same", N_("This is the same file. Choose the one that was there before."))
    # In the order of the ids, as whoever joins the other way round holds them.
    first, second = sorted((held["participant_id"], to))
    both = {first: hold_participant(session, first), second: hold_participant(session, second)}
    joined, known = both[held["participant_id"]], both[to]
    # A legal hold keeps what would be destroyed: it is released first.
    if known["state"] in ("draft", "destroyed") or joined["state"] != "candidate" or joined["held"]:
        raise Refusal("referral.not_joined", N_("These two cannot be joined as things stand now."))
    case_id = case_of(session, joined["id"])
    if case_id is not None:
        cases.cancel_case(session, case_id, by=by, at=at, reason="AD-R1")
    again = known["state"] in ("refused", "declined")
    for row in _sent_for(session, joined["id"]):
        _bring(session, row, to, "received" if again and row["id"] == referral_id else "joined")
    change_participant(
        session,
        joined,
        state=moved(joined, "join"),
        joined_to_id=to,
        destroyed_at=at,
        sealed=None,
        names=None,
        marks=[],
    )
    session.execute(
        update(_key)
        .where(_key.c.program_id == held["program_id"], _key.c.participant_id == joined["id"])
        .values(destroyed_at=at)
    )
    asking.nothing_more(session, joined["id"], by=by, at=at)
    if again:
        change_participant(session, known, state=moved(known, "refer_again"), retain_until=None)
        asking.no_more(session, retention.DESTROY, to, by=by, at=at)
        open_admission(session, to, by=by, at=at)
    else:
        _tell_who_has_them(session, known, by=by, at=at)
        _ask_what_the_referrer_hears(session, known, by=by, at=at)
    if joined["recruiter"]:
        recruiting.note(session, known, by=by, at=at)  # once it is known of somebody it stays so (AD-C4)
    events.write(session, "referral.joined", "referral", referral_id, by=by, at=at)


def _sent_for(session: Session, participant_id: UUID) -> list[dict[str, Any]]:
    """The referrals of somebody, held: the last one, those of before, and those that were joined to it."""
    return many(
        session,
        select(_referral)
        .where(
            _referral.c.program_id == program_of(session),
            _referral.c.participant_id == participant_id,
            _referral.c.sealed.is_not(None),
        )
        .order_by(_referral.c.id)
        .with_for_update(),
    )


def _bring(session: Session, referral: Mapping[str, Any], to: UUID, state: str) -> None:
    """Have a referral be one of somebody else's, sealed as theirs: the key of whose it was is destroyed."""
    name = f"referral/{referral['id']}"
    told = unseal(session, referral["participant_id"], name, referral["sealed"])
    session.execute(
        update(_referral)
        .where(_referral.c.program_id == program_of(session), _referral.c.id == referral["id"])
        .values(
            participant_id=to,
            state=state,
            sealed=seal(session, to, name, told),
            result="",
            triaged_at=None,
            triaged_by=None,
            result_sealed=None,
            version=referral["version"] + 1,
        )
    )


def alike(session: Session, participant_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these candidates who share a mark with somebody else who is known. Whom, is another question.

    For the coordinator's board: `possible_duplicates` says whom, and tells the record. Opens nothing that is sealed.
    """
    other = _participant.alias("other")
    return frozenset(
        session.scalars(
            select(_participant.c.id).where(
                _participant.c.program_id == program_of(session),
                _participant.c.id.in_(list(participant_ids)),
                exists().where(
                    other.c.program_id == _participant.c.program_id,
                    other.c.id != _participant.c.id,
                    other.c.state != "draft",
                    other.c.marks.overlap(_participant.c.marks),
                ),
            )
        )
    )


def _tell_who_has_them(session: Session, known: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Have whoever accompanies somebody, or is to meet them, read the new referral; by number or reference.

    Where nobody does any more, the coordinator says whether the follow-up is taken up again.
    """
    worker = withdrawals.whose(session, known["id"], at=at)
    follow_up = session.scalar(
        select(_follow_up.c.state).where(
            _follow_up.c.program_id == program_of(session), _follow_up.c.participant_id == known["id"]
        )
    )
    over = follow_up in retention.ENDED
    asking.ask(
        session,
        AGAIN,
        known["id"],
        _TAKE_UP if over else _READ,
        chain=coordination_chain(session) if worker is None or over else [worker, *coordination_chain(session)],
        working_days=DAYS_TO_READ,
        by=by,
        at=at,
        evidence="none",
        subject=known["number"] or known["candidate_ref"],
    )


def _ask_what_the_referrer_hears(session: Session, known: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Have the coordinator decide what whoever referred somebody who is known hears of who makes contact (AD-R5).

    No letter says it by itself: sent now, sooner than any committee decides, or naming whoever accompanies them, it
    would tell that the person was known. See docs/adr/0013.
    """
    asking.ask(
        session,
        ANSWER,
        known["id"],
        _ANSWER,
        chain=coordination_chain(session),
        working_days=DAYS_TO_ANSWER,
        by=by,
        at=at,
        evidence="none",
        subject=known["number"] or known["candidate_ref"],
    )


_ANSWER: Final = N_(
    "%(subject)s was referred again: decide what whoever referred hears of who makes contact, and when, "
    "without telling that the person was known"
)
_READ: Final = N_("Read the new referral of %(subject)s")
_TAKE_UP: Final = N_("%(subject)s was referred again: take the follow-up up again, or say why not")
