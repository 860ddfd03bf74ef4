"""Decisions: numbered without gaps, stamped with the quorum of their instant, owed by a role, and kept until closed.

What a decision asks of a role is a task outside any case, and whether that is done is the task's own truth: a decision
that is owed reads as done while its task is, and as open again once that is undone. Nothing is copied, so that however
a task is completed or taken back, the two cannot differ, and `domain` need not know of decisions. The row keeps what
no task says: open, standing, or withdrawn by a later decision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.casework import assign
from domain.kernel import (
    Actor,
    Refusal,
    Span,
    add_row,
    col,
    local_day,
    only,
    program_of,
    says_something,
    scalar,
    scalars,
    surely,
)
from domain.mail import COORDINATION
from domain.obligations import waiving
from domain.record import apart
from domain.roles import Link
from locales import N_, say
from meetings import attendance, endorsing, freeing, taking_back
from meetings.agenda_items import change_item, done_by_an_act, item_of, item_state_after, lock_item
from meetings.agenda_items import write_item_event as tell_item
from meetings.agenda_rules import OBJECTION
from meetings.decision_rows import RegisteredDecision, count_of, tell
from meetings.decisions import numbered
from meetings.locking import lock_meeting
from meetings.resting import ask_committee_again, asked_task, complete_asked
from meetings.taking_back import is_above
from meetings.texts import checked_text
from models.committee import Committee
from models.decision_kinds import KINDS, OTHER, DecisionKind
from models.lifecycles import DECISION
from models.meeting import Meeting
from models.minutes import Decision
from models.obligation import WAIVER_ITEM
from models.program import Organization, Role

#: The step of a task that follows from a decision; its item is the decision's number.
STEP: Final = "decision"
#: What says of a step that the partners endorse it, by its sources.
ENDORSED_SOURCE: Final = "GV-4"

_NOT_IN_EFFECT: Final = N_(
    "No decision of this committee in effect has this number, or it is already carried out: %(number)s."
)


def decide(
    session: Session,
    meeting_id: UUID,
    item_id: UUID | None,
    *,
    text_fr: str,
    text_en: str = "",
    kind: str = OTHER.key,
    why_not_management: str = "",
    owner_role: str = "",
    owner_organization_id: UUID | None = None,
    due_on: date | None = None,
    decided_at: datetime | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
    in_its_act: bool = False,
    grants: bool = False,
    takes_back: Collection[str] = (),
    settles: bool = True,
    settles_id: UUID | None = None,
) -> UUID:
    """Record what a meeting that is under way decides, on an item or on none, and return the decision's id.

    It is stamped with the quorum of the moment `decided_at`, met or not: `at`, unless it is recorded later than it was
    taken. With an `owner_role`, at one organization or anywhere, a task opens to be done by the local day `due_on`. On
    management, another opens for each partner that is asked to endorse it, and nothing that rests on the decision
    counts before they did (GV-4); of another kind, `why_not_management` may say why.

    The item is then "decided". The task that it was asked for with is done where the decision says that it `grants`
    what is asked; else the item comes back on an agenda. An item whose task only its act completes, as that of a
    candidate, is decided by the verb of that act, which says `in_its_act`. Where `settles` is false, the committee has
    more to decide on the item, which stays open with its task. `seen` is the item's version.

    `takes_back` has the numbers of decisions that it takes back: each holds no more as soon as this one counts
    (`meetings.taking_back`). Who owes a clause takes nothing back by which its waiver stands again. `settles_id` is the
    decision whose objections this one settles (`meetings.settling`). Raises Refusal.
    """
    meeting = _lock_sitting(session, meeting_id)
    taking_back.hold(session, [row.id for row in numbered(session, takes_back)], at=at)
    text_fr, text_en = _checked_texts(text_fr, text_en)
    chosen = _checked_kind(kind)
    waits = chosen.asks_partners
    decided_at = _checked_moment(meeting, decided_at, at)
    _refuse_owner(session, owner_role, owner_organization_id, due_on, local_day(session, decided_at))
    _refuse_item(session, meeting_id, item_id, settles_id, in_its_act=in_its_act)
    stood = attendance.quorum_now(session, meeting_id, decided_at)
    if grants:
        _refuse_to_grant(session, item_id, chosen, has_quorum=stood.is_met)
    named = set(_to_take_back(session, meeting.committee_id, takes_back, chosen, settles_id, decided_at))
    _refuse_to_free_again(session, meeting_id, named, settles_id, by=by, moments=(decided_at, at))
    does_it = settles and (grants or in_its_act)
    number = _next_number(session, meeting.committee_id, meeting.starts.year)
    # A case is held before an item, as whoever asks for items holds them.
    completed = does_it and not waits and complete_asked(session, surely(item_id), number, by=by, at=at)
    decision = Decision(
        program_id=program_of(session),
        committee_id=meeting.committee_id,
        meeting_id=meeting_id,
        item_id=item_id,
        number=number,
        kind=kind,
        text_fr=text_fr,
        text_en=text_en,
        has_quorum=stood.is_met,
        quorum=stood,
        owner_role=owner_role,
        owner_organization_id=owner_organization_id,
        due_on=due_on,
        task_id=_assigned(session, number, owner_role, owner_organization_id, due_on, waits=waits, by=by, at=at),
        needs_endorsement=waits,
        why_not_management=_checked_why(chosen, why_not_management),
        endorsement=chosen.endorsement,
        counts_since=None if waits else decided_at,
        grants=does_it,
        takes_back=sorted(set(takes_back)),
        settles_id=settles_id,
        state=DECISION.initial if owner_role else DECISION.after(DECISION.initial, "stand"),
        decided_at=decided_at,
        recorded_by=by.person_id,
    )
    add_row(session, decision)
    _tell(session, decision, completed=completed, by=by, at=at)
    _note_number(session, decision, at=at)
    _begin(session, decision, by=by, at=at)
    if settles:
        _settle_item(session, decision, seen, by=by, at=at)
    return decision.id


def _lock_sitting(session: Session, meeting_id: UUID) -> Meeting:
    """The meeting that decides, which is under way. Raises Refusal."""
    meeting = lock_meeting(session, meeting_id)
    if meeting.state != "under_way":
        raise Refusal("decision.not_under_way", N_("A decision is recorded while the meeting is under way."))
    return meeting


def _checked_texts(text_fr: str, text_en: str) -> tuple[str, str]:
    text_fr, text_en = checked_text(text_fr), checked_text(text_en)
    if not says_something(text_fr + text_en):
        raise Refusal("decision.empty", N_("Write down what was decided, in one of the languages at least."))
    return text_fr, text_en


def _checked_kind(kind: str) -> DecisionKind:
    if kind not in KINDS:
        raise Refusal("decision.kind", N_("Choose one of the kinds of decision offered."))
    return KINDS[kind]


def _checked_why(kind: DecisionKind, why: str) -> str:
    """Why a decision is not on management, where it is not. Raises Refusal."""
    return "" if kind.asks_partners else checked_text(why)


def _checked_moment(meeting: Meeting, decided_at: datetime | None, at: datetime) -> datetime:
    """When a decision is taken: now, or earlier while its meeting sat, which may be recorded afterwards.

    Raises Refusal.
    """
    if decided_at is None or decided_at == at:
        return at
    if decided_at > at or decided_at < attendance.begins_at(meeting):
        raise Refusal("decision.when", N_("A decision is taken during its meeting, not in the future."))
    return decided_at


def _refuse_item(
    session: Session, meeting_id: UUID, item_id: UUID | None, settles_id: UUID | None, *, in_its_act: bool
) -> None:
    """Raise Refusal where the item is on no agenda of the meeting, or is decided by an act of its own."""
    if item_id is None:
        return
    item = item_of(session, item_id)
    if item.meeting_id != meeting_id:
        raise Refusal("agenda.not_on_this", N_("This item is not on the agenda of this meeting."))
    if in_its_act or settles_id is not None:
        return
    if done_by_an_act(session, [item_id]):
        raise Refusal(
            "decision.on_its_page",
            N_("What the committee decides of a candidate or a participant is recorded on their page."),
            source="AD-R3",
        )
    if item.kind == WAIVER_ITEM:
        raise Refusal("decision.frees", N_("A waiver of a clause is decided on the page of that clause."))
    if item.kind == OBJECTION:
        raise Refusal(
            "decision.settles_it",
            N_("The objection is settled on the page of the decision, and that is the decision on this item."),
            source="GV-4",
        )


def _refuse_to_grant(session: Session, item_id: UUID | None, kind: DecisionKind, *, has_quorum: bool) -> None:
    """Refuse that a decision is what an item asks for: nothing is asked, or its kind or its quorum will not do."""
    task = None if item_id is None else asked_task(session, item_id)
    if task is None:
        raise Refusal("decision.nothing_asked", N_("No procedure asks for a decision on this item."))
    if ENDORSED_SOURCE in task.sources and not kind.asks_partners:
        raise Refusal(
            "decision.to_be_endorsed",
            N_("Every partner must endorse this decision: record it as about management or coordination."),
            source="GV-4",
        )
    if not has_quorum:
        raise Refusal(
            "decision.grants_with_quorum",
            N_("This decision needs a quorum, and too few sat: carry the item over, or record something else."),
        )


def _to_take_back(
    session: Session,
    committee_id: UUID,
    numbers: Collection[str],
    kind: DecisionKind,
    settles_id: UUID | None,
    at: datetime,
) -> Iterator[UUID]:
    """The decisions of these numbers, where one of this kind may take each back, or settles what is objected to it."""
    found = {row.number: row for row in numbered(session, numbers)}
    for number in numbers:
        row = found.get(number)
        if row is None or row.state not in ("open", "standing") or not is_above(session, row, committee_id):
            raise Refusal("decision.not_to_be_taken_back", _NOT_IN_EFFECT, number=number)
        if row.decided_at > at:
            raise taking_back.not_later()
        if settles_id != row.id:
            _refuse_to_take_back(row, kind)
        yield row.id


def _refuse_to_take_back(row: RegisteredDecision, kind: DecisionKind) -> None:
    if row.endorsement == "objected":
        raise taking_back.objected()
    if row.needs_endorsement and not kind.asks_partners:
        raise taking_back.endorsed_too()


def _refuse_to_free_again(
    session: Session,
    meeting_id: UUID,
    named: Collection[UUID],
    settles_id: UUID | None,
    *,
    by: Actor,
    moments: tuple[datetime, datetime],
) -> None:
    """Refuse that a decision about to be recorded frees a partner by the standing of another, as that one itself would.

    What it takes back may have taken back what frees a partner: who owes the clause has no hand in that, and the quorum
    is there also without that partner. `moments`: when it is decided, and when it is recorded. Raises Refusal.
    """
    kept = [] if settles_id is None or settles_id in named else [settles_id]
    for freed in waiving.freed_by(session, freeing.what_stands_by(session, falls=named, stands=kept)):
        days = Span(freed.starts_on, freed.ends_on)
        for moment in sorted(set(moments)):
            waiving.refuse_who_owes(session, freed.agreement_id, freed.key, days, by=by, at=moment)
        for without in (None, freed.organization_id):
            if not attendance.quorum_now(session, meeting_id, moments[0], without=without).is_met:
                raise waiving.no_quorum()


def _refuse_owner(session: Session, role: str, organization_id: UUID | None, due_on: date | None, today: date) -> None:
    if not role:
        if due_on is not None or organization_id is not None:
            raise Refusal(
                "decision.no_owner", N_("A due day or an organization needs a role that carries out the decision.")
            )
        return
    if due_on is None or due_on < today:
        raise Refusal(
            "decision.due", N_("Say by which day it is to be done: not before the day on which it is decided.")
        )
    if scalar(session, only(Role.id).where(Role.key == role)) is None:
        raise Refusal("decision.no_role", N_("The program has no such role."))
    if organization_id is not None and not scalar(
        session, only(Organization.id).where(Organization.id == organization_id)
    ):
        raise Refusal("decision.no_organization", N_("The program has no such organization."))


def _chain(role: str, organization_id: UUID | None) -> list[Link]:
    """The holder of the role; where it is vacant, the coordinator."""
    chain = [Link(role, str(organization_id) if organization_id else "*")]
    return chain + [link for link in COORDINATION if link not in chain]


def _next_number(session: Session, committee_id: UUID, year: int) -> str:
    """The next number of a committee and year. Its row is held, so that two who decide at once take two numbers."""
    letters = scalars(
        session, only(Committee.letters).where(Committee.id == committee_id).with_for_update(key_share=True)
    ).one()
    taken = scalars(
        session, only(Decision.number).where(col(Decision.number).startswith(f"{letters}-{year}-", autoescape=True))
    )
    lost = apart.last_given(session, *_series(letters, year))
    last = max((count_of(number)[1] for number in taken), default=0)
    return f"{letters}-{year}-{max(last, lost) + 1:03d}"


def _series(letters: str, year: int) -> tuple[str, str]:
    """What the ledger calls the decisions of a committee and year: the committee by a digest of its letters."""
    return f"decision.{year}", apart.digest_of_key(letters)[:16]


def _note_number(session: Session, decision: Decision, *, at: datetime) -> None:
    year, last = count_of(decision.number)
    letters = decision.number.rsplit("-", 2)[0]
    series, of = _series(letters, year)
    apart.note_number(session, decision.id, apart.Given(series, last, of), at=at)


def _assigned(
    session: Session,
    number: str,
    role: str,
    organization_id: UUID | None,
    due_on: date | None,
    *,
    waits: bool,
    by: Actor,
    at: datetime,
) -> UUID | None:
    """The task of the role that owes a decision, which waits as long as the decision does; None where no role does."""
    if not role:
        return None
    fr, en = (say(language, N_("Decision %(number)s"), number=number) for language in ("fr", "en"))
    chain = _chain(role, organization_id)
    due = surely(due_on)
    return assign(session, STEP, number, title_fr=fr, title_en=en, chain=chain, due_on=due, by=by, at=at, waits=waits)


def _tell(session: Session, decision: Decision, *, completed: bool, by: Actor, at: datetime) -> None:
    tell(
        session,
        "decision.made",
        decision,
        by=by,
        at=at,
        meeting=str(decision.meeting_id),
        item=str(decision.item_id) if decision.item_id else None,
        kind=decision.kind,
        has_quorum=decision.has_quorum,
        owner=decision.owner_role,
        due=decision.due_on.isoformat() if decision.due_on else None,
        grants=decision.grants,
        completed=completed,
        takes_back=decision.takes_back,
    )


def _begin(session: Session, decision: Decision, *, by: Actor, at: datetime) -> None:
    """Ask the partners to endorse a decision that waits for them; of another one, take back what it says."""
    if decision.needs_endorsement:
        endorsing.ask_partners(session, decision.id, by=by, at=at, as_recorded=True)
    else:
        taking_back.follow(session, decision.id, by=by, at=at)


def _settle_item(session: Session, decision: Decision, seen: int | None, *, by: Actor, at: datetime) -> None:
    """Have the item of a decision be decided by it, and asked for again where that is not what was asked."""
    if decision.item_id is None:
        return
    if not decision.grants:
        ask_committee_again(session, decision.item_id, at=at)
    row = lock_item(session, decision.item_id, seen=seen)
    if row.outcome == "decided":
        change_item(session, row)  # another window has not seen this decision: its own one is refused
        return
    if row.outcome not in ("", "treated"):
        raise Refusal("decision.item_settled", N_("Another outcome was recorded for this item: correct that first."))
    state = item_state_after(row.state, "correct") if row.outcome else row.state
    state = item_state_after(state, "settle")
    change_item(session, row, state=state, outcome="decided", settled_at=at, settled_as=by.role)
    tell_item(session, "agenda_item.treated", row, by=by, at=at, before=row.outcome, outcome="decided")
