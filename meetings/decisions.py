"""Decisions: numbered without gaps, stamped with the quorum of their instant, owed by a role, and kept until closed.

What a decision asks of a role is a task outside any case, and whether that is done is the task's own truth: a decision
that is owed reads as done while its task is, and as open again once that is undone. Nothing is copied, so that however
a task is completed or taken back, the two cannot differ, and `domain` need not know of decisions. The row keeps what
no task says: open, standing, or withdrawn by a later decision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, insert
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.casework.assigning import assign
from domain.kernel.actors import Actor
from domain.kernel.asking import Question, built
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, every, joins, of, only, replaced, run, same, scalar, scalars
from domain.kernel.scope import local_day, moments_of, program, program_of
from domain.kernel.spans import Span
from domain.kernel.typed_words import says_something
from domain.mail.notices import COORDINATION
from domain.obligations import waiving
from domain.record import events
from domain.roles.roles import Link
from locales import N_, say
from meetings import attendance, endorsing, freeing, quorum, taking_back
from meetings.agenda_items import change_item, done_by_an_act, item_of, lock_item, moved, tell
from meetings.agenda_papers import PARTNERS, WIDEST
from meetings.agenda_rules import OBJECTION
from meetings.committees import CommitteeSeat, committee_of, committees
from meetings.decision_rows import RegisteredDecision, count_of, read_state
from meetings.decision_words import endorsement_in_words, shown_state
from meetings.documents.content import Both, RegisterContent, RegisterLine
from meetings.endorsements import declared, endorsements
from meetings.locking import lock_meeting
from meetings.resting import ask_committee_again, asked_task, complete_asked
from meetings.taking_back import CLINICAL_KIND, is_above, settles_objections
from meetings.texts import checked_text
from models.agenda import AgendaItem
from models.casework import Responsibility, Task
from models.committee import Committee
from models.lifecycles import DECISION, ENDORSEMENT
from models.meeting import Meeting
from models.minutes import DECISION_KINDS, Decision
from models.obligation import WAIVER_ITEM
from models.program import Organization, Role

#: The step of a task that follows from a decision; its item is the decision's number.
STEP: Final = "decision"
#: Management and coordination are decided with every partner (GV-4).
ENDORSED_KIND: Final = "management"
#: What says of a step that the partners endorse it, by its sources.
ENDORSED_SOURCE: Final = "GV-4"


def decide(
    session: Session,
    meeting_id: UUID,
    item_id: UUID | None,
    *,
    text_fr: str,
    text_en: str = "",
    kind: str = DECISION_KINDS[2],
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

    It is stamped with the quorum of the moment `decided_at`, met or not; that is `at`, where it is not recorded later
    than it was taken. With an `owner_role`, at one organization or wherever
    it is held, a task opens for that role to be done by the local day `due_on`. Where it is on management, another
    opens for each partner that is asked to endorse it, and nothing that rests on the decision counts before they did
    (GV-4): what it asks of people waits. Of another kind, `why_not_management` may say why. The item is then "decided".
    The task that it was asked for with is done where the decision says that it `grants` what is asked; else the item
    comes back on an agenda. `takes_back` has the numbers of decisions that it takes back: each holds no more as soon as
    this one counts (`meetings.taking_back`). Who owes a clause takes nothing back by which its waiver stands again.
    `seen` is the item's version. An item whose task only its act
    completes, as that of a candidate, is decided by the verb of that act alone, which says `in_its_act`. Where
    `settles` is false the committee has more to decide on the item, which stays open with its task. `settles_id` is the
    decision whose objections this one settles (`meetings.settling`). Raises Refusal.
    """
    meeting = lock_meeting(session, meeting_id)
    taking_back.hold(session, [row.id for row in numbered(session, takes_back)], at=at)
    if meeting.state != "under_way":
        raise Refusal("decision.not_under_way", N_("A decision is recorded while the meeting is under way."))
    text_fr, text_en = _checked_texts(text_fr, text_en)
    if kind not in DECISION_KINDS:
        raise Refusal("decision.kind", N_("Choose one of the kinds of decision offered."))
    decided_at = decided_at or at
    if decided_at > at or (decided_at < at and decided_at < meeting.starts_at):
        raise Refusal("decision.when", N_("A decision is taken during its meeting, not in the future."))
    _refuse_owner(session, owner_role, owner_organization_id, due_on, local_day(session, decided_at))
    if item_id is not None:
        _refuse_item(session, meeting_id, item_id, in_its_act=in_its_act or settles_id is not None)
    waits = kind == ENDORSED_KIND
    stood = attendance.quorum_now(session, meeting_id, decided_at)
    if grants:
        _refuse_to_grant(session, item_id, kind, has_quorum=stood.is_met)
    _refuse_to_name(session, meeting.committee_id, takes_back, kind=kind, settles_id=settles_id, at=decided_at)
    _refuse_to_free_again(session, meeting_id, takes_back, settles_id, by=by, moments=(decided_at, at))
    does_it = item_id is not None and settles and (grants or in_its_act)
    number = _next_number(session, meeting.committee_id, meeting.starts.year)
    # A case is held before an item, as whoever asks for items holds them.
    completed = False
    if item_id is not None and does_it and not waits:
        completed = complete_asked(session, item_id, number, by=by, at=at)
    task_id = None
    if owner_role:
        assert due_on is not None  # noqa: S101 - refused above
        task_id = assign(
            session,
            STEP,
            number,
            title_fr=say("fr", N_("Decision %(number)s"), number=number),
            title_en=say("en", N_("Decision %(number)s"), number=number),
            chain=_chain(owner_role, owner_organization_id),
            due_on=due_on,
            by=by,
            at=at,
            waits=waits,
        )
    decision = Decision(
        program_id=program_of(session),
        id=uuid4(),
        committee_id=meeting.committee_id,
        meeting_id=meeting_id,
        item_id=item_id,
        number=number,
        kind=kind,
        text_fr=text_fr,
        text_en=text_en,
        has_quorum=stood.is_met,
        quorum=stood.to_json(),
        owner_role=owner_role,
        owner_organization_id=owner_organization_id,
        due_on=due_on,
        task_id=task_id,
        needs_endorsement=waits,
        why_not_management="" if waits else checked_text(why_not_management),
        endorsement=ENDORSEMENT.after(ENDORSEMENT.initial, "ask") if waits else ENDORSEMENT.initial,
        counts_since=None if waits else decided_at,
        grants=does_it,
        takes_back=sorted(set(takes_back)),
        settles_id=settles_id,
        state=DECISION.initial if owner_role else DECISION.after(DECISION.initial, "stand"),
        decided_at=decided_at,
        recorded_by=by.person_id,
    )
    run(session, insert(Decision).values(decision.model_dump()))
    events.write(
        session,
        "decision.made",
        "decision",
        decision.id,
        by=by,
        at=at,
        number=number,
        meeting=str(meeting_id),
        item=str(item_id) if item_id else None,
        kind=kind,
        has_quorum=stood.is_met,
        owner=owner_role,
        due=due_on.isoformat() if due_on else None,
        grants=does_it,
        completed=completed,
        takes_back=sorted(set(takes_back)),
    )
    if waits:
        endorsing.ask_partners(session, decision.id, by=by, at=at, as_recorded=True)
    else:
        taking_back.follow(session, decision.id, by=by, at=at)
    if item_id is not None and settles and not does_it:
        ask_committee_again(session, item_id, at=at)
    if item_id is not None and settles:
        _settle_item(session, item_id, seen, by=by, at=at)
    return decision.id


def _checked_texts(text_fr: str, text_en: str) -> tuple[str, str]:
    text_fr, text_en = checked_text(text_fr), checked_text(text_en)
    if not says_something(text_fr + text_en):
        raise Refusal("decision.empty", N_("Write down what was decided, in one of the languages at least."))
    return text_fr, text_en


def _refuse_item(session: Session, meeting_id: UUID, item_id: UUID, *, in_its_act: bool) -> None:
    """Raise Refusal where the item is on no agenda of the meeting, or is decided by an act of its own."""
    item = item_of(session, item_id)
    if item.meeting_id != meeting_id:
        raise Refusal("agenda.not_on_this", N_("This item is not on the agenda of this meeting."))
    if in_its_act:
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


def _refuse_to_grant(session: Session, item_id: UUID | None, kind: str, *, has_quorum: bool) -> None:
    """Refuse that a decision is what an item asks for: nothing is asked, or it would not do. Raises Refusal.

    What the guide has the partners endorse is granted by a decision that they are asked to endorse.
    """
    task = None if item_id is None else asked_task(session, item_id)
    if task is None:
        raise Refusal("decision.nothing_asked", N_("No procedure asks for a decision on this item."))
    if ENDORSED_SOURCE in task.sources and kind != ENDORSED_KIND:
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


def _refuse_to_name(
    session: Session,
    committee_id: UUID,
    numbers: Collection[str],
    *,
    kind: str,
    settles_id: UUID | None,
    at: datetime,
) -> None:
    """Refuse that a decision about to be recorded says that it takes back one that it could not. Raises Refusal."""
    found = {row.number: row for row in numbered(session, numbers)}
    for number in numbers:
        row = found.get(number)
        if row is None or row.state not in ("open", "standing") or not is_above(session, row, committee_id):
            raise Refusal(
                "decision.not_to_be_taken_back",
                N_(
                    "No decision of this committee in effect has this number, or it is already carried out: %(number)s."
                ),
                number=number,
            )
        if row.decided_at > at:
            raise taking_back.not_later()
        if settles_id == row.id:
            continue
        if row.endorsement == "objected":
            raise taking_back.objected()
        if row.needs_endorsement and kind != ENDORSED_KIND:
            raise taking_back.endorsed_too()


def _refuse_to_free_again(
    session: Session,
    meeting_id: UUID,
    numbers: Collection[str],
    settles_id: UUID | None,
    *,
    by: Actor,
    moments: tuple[datetime, datetime],
) -> None:
    """Refuse that a decision about to be recorded frees a partner by the standing of another, as that one itself would.

    What it takes back may have taken back what frees a partner, near or far: who owes the clause has no hand in that,
    and the quorum is there also without that partner. `moments`: when it is decided, and when it is recorded. Raises
    Refusal.
    """
    named = {row.id for row in numbered(session, numbers)}
    kept = [] if settles_id is None or settles_id in named else [settles_id]
    for freed in waiving.freed_by(session, freeing.what_stands_by(session, falls=named, stands=kept)):
        days = Span(freed.starts_on, freed.ends_on)
        for moment in sorted(set(moments)):
            waiving.refuse_who_owes(session, freed.agreement_id, freed.key, days, by=by, at=moment)
        for without in (None, freed.organization_id):
            if not attendance.quorum_now(session, meeting_id, moments[0], without=without).is_met:
                raise waiving.no_quorum()


def may_be_named(session: Session, committee_id: UUID) -> list[RegisteredDecision]:
    """What a decision of this committee may say that it takes back, the last first."""
    mine = or_(
        Decision.committee_id == committee_id,
        *([col(Decision.kind) != CLINICAL_KIND] if settles_objections(session, committee_id) else []),
    )
    rows = _read(session, mine, col(Decision.state).in_(["open", "standing"]), col(Decision.endorsement) != "objected")
    return sorted((row for row in rows if row.state != "done"), key=lambda row: row.decided_at, reverse=True)


# ---------------------------------------------------------------------------------------------------------- reading


def decision_of(session: Session, decision_id: UUID) -> RegisteredDecision:
    """One decision. Raises Refusal where there is none."""
    row = find(session, decision_id)
    if row is None:
        raise Refusal("decision.unknown", N_("There is no such decision."))
    return row


def find(session: Session, decision_id: UUID) -> RegisteredDecision | None:
    """As `decision_of`, None where there is none."""
    return next(iter(_read(session, col(Decision.id) == decision_id)), None)


def numbered(session: Session, numbers: Collection[str]) -> list[RegisteredDecision]:
    """The decisions of these numbers, in their order."""
    return _read(session, col(Decision.number).in_(list(numbers))) if numbers else []


def of_task(session: Session, task_id: UUID) -> tuple[UUID, str] | None:
    """The id and the number of the decision that opened a task; None where none did."""
    found = run(session, only(Decision.id, Decision.number).where(Decision.task_id == task_id)).first()
    return None if found is None else (found.id, found.number)


def decisions_of(session: Session, meeting_id: UUID) -> list[RegisteredDecision]:
    """What one meeting decided, in the order of the numbers."""
    return _read(session, col(Decision.meeting_id) == meeting_id)


def register(session: Session, committee_id: UUID, year: int) -> list[RegisteredDecision]:
    """A committee's decisions of a year, in the order of their numbers."""
    return registers(session, [committee_id], year)


def registers(session: Session, committee_ids: Iterable[UUID], year: int) -> list[RegisteredDecision]:
    """The decisions of a year of these committees, one committee after the other."""
    return _shown(session, every(session, *asked_of_registers(committee_ids, year)))


def asked_of_registers(committee_ids: Iterable[UUID], year: int) -> Question[SelectOfScalar[RegisteredDecision]]:
    """What `registers` asks."""
    return Question(_OF_YEAR, {"committees": list(committee_ids), "of_year": f"%-{year}-%"})


def years(session: Session, committee_ids: Iterable[UUID]) -> list[int]:
    """The years in which these committees decided something, the last one first."""
    found = scalars(session, *asked_of_years(committee_ids))
    return sorted({count_of(number)[0] for number in found}, reverse=True)


def asked_of_years(committee_ids: Iterable[UUID]) -> Question[SelectOfScalar[str]]:
    """What `years` asks."""
    return Question(_NUMBERS_IN, {"committees": list(committee_ids)})


def latest(session: Session, committee_id: UUID, most: int) -> list[RegisteredDecision]:
    """What a committee decided last, the last decision first."""
    numbers = (
        only(Decision.id)
        .where(Decision.committee_id == committee_id)
        .order_by(col(Decision.decided_at).desc(), col(Decision.id))
        .limit(most)
    )
    return _read(session, col(Decision.id).in_(numbers))[::-1]


def open_in(session: Session, committee_ids: Iterable[UUID]) -> list[RegisteredDecision]:
    """What these committees decided and is not done yet, the first due day first."""
    rows = _shown(session, every(session, *asked_of_open_in(committee_ids)))
    return sorted((row for row in rows if row.state == "open"), key=lambda row: (row.due_on, row.number))


def asked_of_open_in(committee_ids: Iterable[UUID]) -> Question[SelectOfScalar[RegisteredDecision]]:
    """What `open_in` asks."""
    return Question(_OPEN, {"committees": list(committee_ids)})


def to_endorse(session: Session, organization_ids: Collection[UUID]) -> list[RegisteredDecision]:
    """Decisions on management on which one of these organizations is asked.

    Withdrawn ones are not among them.
    """
    if not organization_ids:
        return []
    rows = _shown(session, every(session, *ASKED_TO_ENDORSE))
    asked = endorsements(session, [row.id for row in rows])
    return [row for row in rows if any(one.organization_id in organization_ids for one in asked[row.id])]


def not_to_endorse(session: Session, since: date) -> list[RegisteredDecision]:
    """Decisions of any committee since a local day that are not about management.

    Partners are not asked about them unless a decision says so. The last decision is first. What another committee than
    the one that settles objections decides as clinical is its own matter, and left out.
    """
    return _read(
        session,
        or_(Committee.key == declared(session).committee, Decision.kind != CLINICAL_KIND),
        col(Decision.endorsement) == "not_asked",
        col(Decision.settles_id).is_(None),
        col(Decision.state) != "withdrawn",
        col(Decision.decided_at) >= moments_of(session, since)[0],
    )[::-1]


def owed_by(session: Session, organization_id: UUID) -> list[RegisteredDecision]:
    """What this organization carries out or carried out, in the order of the numbers."""
    return _read(session, col(Decision.owner_organization_id) == organization_id)


def taken_on(session: Session, committee_key: str, kind: str, subject: str) -> list[RegisteredDecision]:
    """What a committee decided on what was asked for by `agendas.ask` as this kind and subject, the first one first.

    Withdrawn ones too, by their state. Raises Refusal: no such committee.
    """
    return _read(
        session,
        col(Decision.committee_id) == committee_of(session, committee_key).id,
        col(AgendaItem.kind) == kind,
        col(AgendaItem.subject) == subject,
    )


def taken_before(session: Session, moment: datetime) -> list[RegisteredDecision]:
    """Everything that was decided before a moment."""
    return _read(session, col(Decision.decided_at) < moment)


def open_decisions(session: Session, committee_id: UUID, day: date) -> list[RegisteredDecision]:
    """What is decided and not done yet on a local day, the oldest due day first."""
    return [with_age(session, row, day) for row in open_in(session, [committee_id])]


def with_age(session: Session, row: RegisteredDecision, day: date) -> RegisteredDecision:
    """An open decision with its age on a local day."""
    late = 0 if row.due_on is None else max(0, (day - row.due_on).days)
    return replaced(row, age_days=(day - local_day(session, row.decided_at)).days, late_days=late)


def register_paper(
    session: Session, committee_id: UUID, year: int, on: date, *, audience: str = PARTNERS
) -> RegisterContent:
    """A committee's register of a year as a document has it on the local day `on`, for this audience."""
    here = program(session)
    committee = committees(session)[committee_id]
    rows = [row for row in register(session, committee_id, year) if is_for(row, audience)]
    endorsed = endorsements_in_words(session, rows)
    return RegisterContent(
        program=Both(fr=here.title_fr, en=here.title_en),
        committee=Both(fr=committee.title_fr, en=committee.title_en),
        on=on,
        decisions=tuple(_register_line(session, row, endorsed[row.id]) for row in rows),
    )


def is_for(row: RegisteredDecision, audience: str) -> bool:
    """Whether an audience may read a decision: those who may read the item that it was taken on."""
    return WIDEST.index(row.audience) <= WIDEST.index(audience)


def owner_of(row: RegisteredDecision) -> Both:
    """Who owes a decision, as people read it; blank where it has no owner."""
    where = f", {row.owner_organization}" if row.owner_organization else ""
    return Both(fr=row.owner_fr + where, en=row.owner_en + where) if row.owner_role else Both()


def quorum_words(stood: quorum.Standing, seats: Sequence[CommitteeSeat]) -> Both:
    """A standing in both languages; `seats` have the titles of those that it says are missing."""
    return Both(fr=quorum.in_words(stood, "fr", seats), en=quorum.in_words(stood, "en", seats))


def endorsements_in_words(session: Session, rows: Sequence[RegisteredDecision]) -> dict[UUID, Both]:
    """What the partners made of each of these decisions, in both languages, by its id."""
    asked = endorsements(session, [row.id for row in rows])
    settled = _numbers(session, [row.settles_id for row in rows if row.settles_id])
    return {row.id: endorsement_in_words(row, asked[row.id], settles=settled.get(row.settles_id, "")) for row in rows}


def _numbers(session: Session, ids: Sequence[UUID]) -> dict[UUID | None, str]:
    if not ids:
        return {}
    rows = run(session, only(Decision.id, Decision.number).where(col(Decision.id).in_(ids)))
    return {row.id: row.number for row in rows}


def _register_line(session: Session, row: RegisteredDecision, endorsement: Both) -> RegisterLine:
    return RegisterLine(
        number=row.number,
        decided_on=local_day(session, row.decided_at),
        text=Both(fr=row.text_fr, en=row.text_en),
        state=shown_state(row),  # type: ignore[arg-type]  # one of the words of both
        owner=owner_of(row),
        due_on=row.due_on,
        closed_on=local_day(session, row.closed_at) if row.closed_at else None,
        endorsement=endorsement,
        has_quorum=row.has_quorum,
    )


def _read(session: Session, *conditions: Any) -> list[RegisteredDecision]:
    return _shown(session, every(session, _REGISTERED.where(*conditions)))


_REGISTERED: Final = (
    of(RegisteredDecision)
    .join(Committee, joins(Decision.committee_id, Committee))
    .join(Meeting, joins(Decision.meeting_id, Meeting))
    .outerjoin(AgendaItem, joins(Decision.item_id, AgendaItem))
    .outerjoin(Task, joins(Decision.task_id, Task))
    .outerjoin(Responsibility, joins(Task.owed_by_id, Responsibility))
    .outerjoin(Role, and_(same(Role, Decision), Role.key == Decision.owner_role))
    .outerjoin(Organization, joins(Decision.owner_organization_id, Organization))
)
_IN_THESE: Final = col(Decision.committee_id) == any_(bindparam("committees", type_=ARRAY(Uuid())))
_OPEN: Final = built(_REGISTERED.where(_IN_THESE, col(Decision.state) == "open"))
_OF_YEAR: Final = built(_REGISTERED.where(_IN_THESE, col(Decision.number).like(bindparam("of_year", type_=Text()))))
_NUMBERS_IN: Final = built(only(Decision.number).where(_IN_THESE))
#: What `to_endorse` asks first.
ASKED_TO_ENDORSE: Final = Question(
    built(_REGISTERED.where(col(Decision.needs_endorsement), col(Decision.state) != "withdrawn"))
)


def _shown(session: Session, rows: Sequence[RegisteredDecision]) -> list[RegisteredDecision]:
    """Decisions as they are read, in the order of their numbers."""
    settling = declared(session).committee if rows else ""
    found = [_as_its_task_is(row, settling) for row in rows]
    return sorted(found, key=lambda row: (row.letters, *count_of(row.number)))


def _as_its_task_is(row: RegisteredDecision, settling: str) -> RegisteredDecision:
    """A decision that reads as done while its task is; its last day moves where the partners took longer."""
    state = read_state(row)
    closed = {"state": state, "closed_at": row.done_at, "closed_as": row.done_as} if state == "done" else {}
    is_there = row.committee_key == settling
    return replaced(row, due_on=row.task_due_on or row.due_on, is_where_objections_settle=is_there, **closed)


# ---------------------------------------------------------------------------------------------------------- writing


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
    chain: list[Link] = [{"role": role, "at": str(organization_id) if organization_id else "*"}]
    return chain + [link for link in COORDINATION if link not in chain]


def _next_number(session: Session, committee_id: UUID, year: int) -> str:
    """The next number of a committee and year. Its row is held, so that two who decide at once take two numbers."""
    letters = scalars(
        session, only(Committee.letters).where(Committee.id == committee_id).with_for_update(key_share=True)
    ).one()
    taken = scalars(
        session, only(Decision.number).where(col(Decision.number).startswith(f"{letters}-{year}-", autoescape=True))
    )
    last = max((count_of(number)[1] for number in taken), default=0)
    return f"{letters}-{year}-{last + 1:03d}"


def _settle_item(session: Session, item_id: UUID, seen: int | None, *, by: Actor, at: datetime) -> None:
    row = lock_item(session, item_id, seen=seen)
    if row.outcome == "decided":
        return
    if row.outcome not in ("", "treated"):
        raise Refusal("decision.item_settled", N_("Another outcome was recorded for this item: correct that first."))
    state = moved(row.state, "correct") if row.outcome else row.state
    state = moved(state, "settle")
    change_item(session, row, state=state, outcome="decided", settled_at=at, settled_as=by.role)
    tell(session, "agenda_item.treated", row, by=by, at=at, before=row.outcome, outcome="decided")
