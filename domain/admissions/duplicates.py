"""Whether a referred person may be known already: for the coordinator alone, by blind marks.

No one else learns it, by a search, an error, a number, an order or a time. Referring answers the same for everyone, and
never looks at marks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Text, exists, func, literal
from sqlalchemy.orm import aliased
from sqlmodel import Session, or_

from domain.accompaniment import referred_again
from domain.admissions import joining
from domain.admissions.triage import hold_referral
from domain.casework import asking, cases
from domain.kernel import (
    Actor,
    Refusal,
    col,
    every,
    in_program,
    inside,
    local_day,
    of,
    only,
    same,
    scalar,
    scalars,
    select,
    there_is,
)
from domain.participants import (
    asked_rights,
    case_of,
    change_participant,
    destruction,
    forget,
    hold_participant,
    identity_within,
    move_standing,
    open_admission,
    opened,
    participant_state_after,
    retention_terms,
    write_change,
)
from domain.record import events, read_since, record_read
from domain.roles import who_barred
from locales import N_
from models.agenda import AgendaItem, AgendaVersion
from models.destruction import KeptUntil
from models.meeting import Meeting
from models.participant import Participant
from models.record import Event

#: What of an identity two files are found alike by.
_MARKED: Final = ("given_name", "family_name", "phone", "email")


@dataclass(frozen=True)
class Duplicate:
    """A person who may be the same: by how many marks, and whether the birth dates agree, if both are known."""

    participant_id: UUID
    name: str
    state: str
    shared: int
    same_birth: bool | None


def possible_duplicates(
    session: Session, participant_id: UUID, *, by: Actor, at: datetime, since: datetime | None = None
) -> list[Duplicate]:
    """Those who share a name, a telephone or an address with a candidate, the likeliest first.

    The record is told of each; of a sitting of work that began at `since`, once. A different birth date leaves no one
    out: it may be the wrong one. Those who barred the reader from their file are left out. Raises Refusal: the keys.
    """
    marks = scalar(session, only(Participant.marks).where(Participant.id == participant_id)) or []
    rows = _sharing(session, participant_id, marks, by) if marks else []
    # Each of them is shown, so that each one's file says who saw it.
    all_shown = [participant_id, *(row.id for row in rows)]
    told = read_since(session, all_shown, what="duplicates", by=by, since=since) if since is not None else frozenset()
    for shown in all_shown:
        if shown in told:
            continue
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


def join_referral(session: Session, referral_id: UUID, to: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Join a referral to a known person: it becomes theirs, and the file it had is destroyed.

    One person does it, and not two, as nothing is joined but a file that shares a mark with the known one. `reason`
    says why they are the same person. It is sealed in the known file, and read before that is destroyed.

    Every referral of the joined file comes along, and what protects the person or others. That is the workers they
    barred, disclosures without consent, withdrawn consents, that they recruit and how the committee assessed it, and
    what is new in their identity, such as another name or telephone (`joining`). What the ending admission found in its
    day is left behind, unreadable once the key is destroyed: criteria, first meetings, the workers named, decisions
    with their reasons, the risk at admission. A consent that stands there is not carried over either. It was explained
    and signed for that admission, and the present worker asks for one. Its day and its form on paper stay. The case is
    cancelled. A follow-up, a number or a consent to research cannot be there, as no admitted file is joined.

    Where the known person had declined or been refused, they become a candidate again, and their referrer is told as
    ever who makes contact (AD-R5). Otherwise the coordinator decides that for each referral. Raises Refusal: the
    referral was dealt with already, `to` is not another known person who looks alike, no reason is given, or something
    keeps the file.
    """
    held = hold_referral(session, referral_id)
    joined, known = _hold_both(session, held.participant_id, to)
    _refuse_unless_alike(session, joined, known, by)
    _refuse_while_kept(session, joined, known, local_day(session, at))
    write_change(session, known, "joined", reason, joined=joined.id, by=by, at=at)
    again = known.state in ("refused", "declined")
    brought = joining.bring_referrals(session, joined.id, to, received=referral_id if again else None)
    move_standing(session, to, "committee", of_states=("joined",))
    opened.shut(session, joined.id)
    destruction.stop(session, to, "referred_again", by=by, at=at)
    if again:
        change_participant(session, known, state=participant_state_after(known, "refer_again"), retain_until=None)
        asking.no_more(session, destruction.ASK, to, by=by, at=at)
        open_admission(session, to, by=by, at=at)
    joining.bring_identity(session, joined, known, by=by, at=at)
    joining.bring_what_protects(session, joined, known, by=by, at=at)
    asked_rights.bring(session, joined.id, known.id, at=at)
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


def _refuse_unless_alike(session: Session, joined: Participant, known: Participant, by: Actor) -> None:
    """Refuse two locked files that share no mark: those of different people are never made one. Raises Refusal."""
    if known.id not in {row.id for row in _sharing(session, joined.id, joined.marks, by)}:
        raise Refusal(
            "referral.not_alike", N_("These two files share no name, telephone or address: they cannot be joined.")
        )


def _refuse_while_kept(session: Session, joined: Participant, known: Participant, today: date) -> None:
    """Refuse to join a file that a committee has before it, or whose hold or likeness is of these days. Raises Refusal.

    As many days as another person's confirmation takes: in these the others can look, and place a hold anew.
    """
    if _is_on_a_paper(session, joined, today):
        raise Refusal("referral.on_agenda", N_("A committee has still to talk about this person: the file is needed."))
    delay = timedelta(days=retention_terms.retention_of(session).confirmed_after_days)
    for since, code, sentence in (
        (_released_at(session, joined.id), "referral.hold_released", _RELEASED),
        (_made_alike_at(session, (joined.id, known.id)), "referral.corrected", _CORRECTED),
    ):
        if since is not None and today < (first_day := local_day(session, since) + delay):
            raise Refusal(code, sentence, day=first_day)


_RELEASED: Final = N_("A legal hold on this file was released a few days ago: it can be joined from %(day)s on.")
_CORRECTED: Final = N_(
    "A name, telephone or address of one of the two was corrected a few days ago: they can be joined from %(day)s on."
)


def _is_on_a_paper(session: Session, joined: Participant, today: date) -> bool:
    """Whether a person is on an agenda that went out, or of a meeting under way, even where the item was taken off.

    A meeting that was cancelled keeps it until its day is over: its members may have read the agenda.
    """
    called = [name for name in (joined.number, joined.candidate_ref) if name]
    on_it = exists().where(
        same(AgendaVersion, Meeting),
        col(AgendaVersion.meeting_id) == col(Meeting.id),
        col(AgendaVersion.content).op("->")(literal("items")).op("@>")(func.to_jsonb(col(AgendaItem.id))),
    )
    sits = (col(Meeting.state) == "under_way") & (col(AgendaItem.meeting_id) == col(Meeting.id))
    is_cancelled = (col(Meeting.state) == "cancelled") & (func.date(col(Meeting.starts)) >= today)
    to_come = or_(col(Meeting.state).in_(["planned", "under_way"]), is_cancelled)
    papers = only(AgendaItem.id).join(Meeting, same(Meeting, AgendaItem) & to_come)
    return there_is(
        session, papers.where(col(AgendaItem.subject).in_(called), AgendaItem.state != "settled", or_(on_it, sits))
    )


def _released_at(session: Session, participant_id: UUID) -> datetime | None:
    """When a legal hold of a file was last released; None where none was."""
    releases = KeptUntil.participant_id == participant_id, KeptUntil.kind == "release"
    return scalar(session, select(func.max(col(KeptUntil.set_at))).where(in_program(KeptUntil), *releases))


def _made_alike_at(session: Session, participant_ids: Collection[UUID]) -> datetime | None:
    """When a name, telephone or address of one of these files was last corrected; None where none was."""
    corrected = (
        *(in_program(Event), col(Event.verb) == "participant.corrected", col(Event.subject_id).in_(participant_ids)),
        or_(*(col(Event.facts).op("->>", return_type=Text())(literal("fields")).contains(name) for name in _MARKED)),
    )
    return scalar(session, select(func.max(col(Event.at))).where(*corrected))


def _end(session: Session, joined: Participant, to: UUID, *, by: Actor, at: datetime) -> None:
    """Destroy a locked file that is joined to another: nothing about it is under way or asked any more."""
    destruction.stop(session, joined.id, "joined", by=by, at=at)
    forget(session, joined, "join", at=at, joined_to=to)
    events.write(session, "participant.joined", "participant", joined.id, by=by, at=at, to=str(to))
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
