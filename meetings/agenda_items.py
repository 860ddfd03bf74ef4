"""The rows of agenda items: reading them, having one open for a subject, and holding one while it is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.casework import BY_ITS_ACT
from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    also,
    changes,
    col,
    every,
    first,
    joins,
    local_day,
    of,
    only,
    open_words,
    program_of,
    replaced,
    run,
    same,
    scalar,
    scalars,
    seal_words,
    tuples,
)
from domain.record import events
from locales import N_
from meetings.agenda_rules import OBJECTION, OF_ONE_MEETING, NewItem, points_of
from meetings.locking import changed_meanwhile
from meetings.reasons import EDITED, ENDED, REFERRED, TAKEN_OFF, ItemReason, Kept, edited, is_drawn, merged, without
from models.agenda import AgendaItem
from models.casework import Task
from models.committee import Committee, Seat
from models.lifecycles import AGENDA_ITEM, NoSuchMove
from models.meeting import Meeting
from models.obligation import WAIVER_ITEM
from models.participant import Participant

#: How often a row that was there and is gone again is looked for, when two settle the same subject at once.
_TRIES: Final = 5

#: The states of an item that is on the agenda of a meeting: to be talked about, or talked about already.
TALKED_ABOUT: Final = ("scheduled", "settled")

#: Whom an item is about: it goes by the number of a participant, or by a candidate's reference.
IS_ABOUT: Final = same(Participant, AgendaItem) & col(AgendaItem.subject).in_(
    [col(Participant.number), col(Participant.candidate_ref)]
)

_WAITED_FOR: Final = N_(
    "Someone waits for the committee’s answer. Record on their page what is decided, "
    "deferred or asked, or carry the item over."
)

#: The columns of an item that no agenda was printed with, or not any more.
UNPRINTED: Final[Mapping[str, Any]] = {"number": None, "frozen_at": None, "late": False, "late_reason": ""}

#: The kind of the item by which a committee hears of a direct forwarding (AD-R4).
FORWARDED: Final = "forwarded"
#: The kinds that a committee is told and that ask nothing of it: what is treated was heard.
ONLY_HEARD: Final = frozenset({FORWARDED})

#: What nobody changes of items that ask the committee for an act of its own: else few would know that it is asked.
SAID_AS_IT_IS: Final[Mapping[str, frozenset[str]]] = dict.fromkeys(
    (OBJECTION, WAIVER_ITEM), frozenset({"title_fr", "title_en", "audience", "purpose"})
)


class PresentedItem(AgendaItem):
    """An item with its presenting seat, and its note as it was said."""

    model_config = SHAPE
    presenter_fr: str | None = also(Seat.title_fr)
    presenter_en: str | None = also(Seat.title_en)
    declared: dict[str, Any] = also(Committee.agenda)

    @property
    def points(self) -> tuple[dict[str, str], ...]:
        """What is gone through under it, in both languages."""
        return points_of(self.declared, self.rule)


def items_of(session: Session, meeting_id: UUID) -> list[PresentedItem]:
    """What is on a meeting's agenda, settled or not, in its order."""
    return _read(
        session, col(AgendaItem.meeting_id) == meeting_id, col(AgendaItem.state).in_(TALKED_ABOUT), by_position=True
    )


def last_position(session: Session, meeting_id: UUID) -> int:
    """The place of the last item on a meeting's agenda; 0 where it has none."""
    return max((one.position for one in items_of(session, meeting_id)), default=0)


def pool_of(session: Session, committee_id: UUID) -> list[PresentedItem]:
    """What waits for a meeting of the committee, the first asked first."""
    return _read(
        session, col(AgendaItem.committee_id) == committee_id, col(AgendaItem.state) == "pool", by_position=False
    )


def withdrawn_of(session: Session, meeting_id: UUID) -> list[PresentedItem]:
    """What was on a meeting's agenda and was withdrawn, in the order in which it was asked for."""
    return _read(
        session, col(AgendaItem.meeting_id) == meeting_id, col(AgendaItem.state) == "withdrawn", by_position=False
    )


def item_of(session: Session, item_id: UUID) -> PresentedItem:
    """One item's row. Raises Refusal where there is none."""
    rows = _read(session, col(AgendaItem.id) == item_id, by_position=False)
    if not rows:
        raise _unknown()
    return rows[0]


def is_asked(row: AgendaItem) -> bool:
    """Whether an item was asked for or brought over, and is not there by what a rule draws alone."""
    return row.kind not in OF_ONE_MEETING and not is_drawn(without(row.reasons, EDITED, TAKEN_OFF))


def kept_by_hand(row: AgendaItem) -> frozenset[str]:
    """The columns of an item that people changed and that stay so: none of those that must say what the rule says."""
    return edited(row.reasons) - SAID_AS_IT_IS.get(row.kind, frozenset())


def done_by_an_act(session: Session, item_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the items whose task is still to be done, and only by its act, as that of a candidate."""
    return frozenset(
        scalars(
            session,
            only(AgendaItem.id)
            .join(Task, joins(AgendaItem.task_id, Task))
            .where(col(AgendaItem.id).in_(item_ids), Task.evidence == BY_ITS_ACT, Task.state == "open"),
        )
    )


class AskedTask(NamedTuple):
    """An open task for which an item was asked."""

    title_fr: str
    title_en: str
    sources: list[str]


def asked_for(session: Session, item_ids: Iterable[UUID]) -> dict[UUID, AskedTask]:
    """What a decision on each of these items may do: the open task that it was asked for with, by the item.

    Not one that its own act alone does.
    """
    rows = tuples(
        session,
        only(AgendaItem.id, Task.title_fr, Task.title_en, Task.sources)
        .join(Task, joins(AgendaItem.task_id, Task))
        .where(col(AgendaItem.id).in_(list(item_ids)), Task.evidence != BY_ITS_ACT, Task.state == "open"),
    )
    return {item_id: AskedTask(title_fr, title_en, sources) for item_id, title_fr, title_en, sources in rows}


def kept_for_their_act(session: Session, rows: Iterable[AgendaItem]) -> frozenset[UUID]:
    """The items that no meeting may let go of, since their task can be done by their own act alone.

    Not one that another committee referred, which has it back (`flows.agenda_points`), nor one whose fact is over.
    """
    waiting = [
        row.id
        for row in rows
        if row.task_id is not None and not {reason["code"] for reason in row.reasons} & {REFERRED, ENDED}
    ]
    return done_by_an_act(session, waiting) if waiting else frozenset()


def refuse_to_let_go(session: Session, row: AgendaItem) -> None:
    """Refuse that an item ends, or leaves for elsewhere, while its task is done by its act alone. Raises Refusal."""
    if kept_for_their_act(session, [row]):
        raise Refusal("item.kept_for_its_act", _WAITED_FOR, source="AD-R3")


def _read(session: Session, *conditions: Any, by_position: bool) -> list[PresentedItem]:
    order = (
        (col(AgendaItem.position), col(AgendaItem.asked_at))
        if by_position
        else (col(AgendaItem.asked_at), col(AgendaItem.kind), col(AgendaItem.subject))
    )
    rows = every(
        session,
        of(PresentedItem)
        .join(Committee, joins(AgendaItem.committee_id, Committee))
        .outerjoin(Seat, joins(AgendaItem.presenter_seat_id, Seat))
        .where(*conditions)
        .order_by(*order, col(AgendaItem.id)),
    )
    return [replaced(row, **note_of(session, row)) for row in rows]


def as_it_is(row: AgendaItem) -> NewItem:
    """An item as another one begins that takes its place."""
    return NewItem(
        kind=row.kind,
        subject=row.subject,
        title_fr=row.title_fr,
        title_en=row.title_en,
        rule=row.rule,
        section_fr=row.section_fr,
        section_en=row.section_en,
        purpose=row.purpose,
        audience=row.audience,
        minutes=row.minutes,
        presenter_seat_id=row.presenter_seat_id,
        task_id=row.task_id,
        times_seen=row.times_seen,
        carried_from_id=row.carried_from_id,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
    )


def open_item(
    session: Session,
    committee_id: UUID,
    new: NewItem,
    reasons: Sequence[Kept],
    *,
    meeting_id: UUID | None = None,
    position: int = 0,
    by: Actor,
    at: datetime,
    verb: str = "agenda_item.asked",
) -> UUID:
    """Put an item in a committee's pool, or on a meeting's agenda; one that is open for the subject gets the reasons.

    Two who ask at once get the same item: the index `one_open_item` decides, and nobody is refused.
    The record tells of it as `verb`, and with "_again" where it only got reasons.
    """
    item = AgendaItem(
        **{one.name: getattr(new, one.name) for one in fields(NewItem)} | {"asked_at": new.asked_at or at},
        program_id=program_of(session),
        committee_id=committee_id,
        meeting_id=meeting_id,
        position=position,
        reasons=list(reasons),
        state=AGENDA_ITEM.initial if meeting_id is None else AGENDA_ITEM.after(AGENDA_ITEM.initial, "schedule"),
    )
    for _ in range(_TRIES):
        made: UUID | None = scalar(
            session,
            insert(AgendaItem)
            .values(item.model_dump())
            .on_conflict_do_nothing(
                index_elements=["program_id", "committee_id", "kind", "subject"],
                index_where=text("state in ('pool', 'scheduled')"),
            )
            .returning(col(AgendaItem.id)),
        )
        if made is not None:
            events.write(session, verb, "agenda_item", made, by=by, at=at, kind=new.kind)
            return made
        row = open_row(session, committee_id, new.kind, new.subject)
        if row is not None:
            _ask_again(session, row, new, reasons, verb=f"{verb}_again", by=by, at=at)
            return row.id
    msg = "an open item was in the way again and again, and gone each time it was read"
    raise RuntimeError(msg)


def _ask_again(
    session: Session, row: AgendaItem, new: NewItem, reasons: Sequence[Kept], *, verb: str, by: Actor, at: datetime
) -> None:
    """Have an open item be there for these reasons too; what is asked for again holds again.

    The task of before may be over: whoever is referred a second time is decided on by the second one.
    """
    now = merged(without(row.reasons, ENDED), reasons), new.task_id or row.task_id, max(row.times_seen, new.times_seen)
    if now == (row.reasons, row.task_id, row.times_seen):
        return
    change_item(session, row, reasons=now[0], task_id=now[1], times_seen=now[2])
    write_item_event(session, verb, row, by=by, at=at)


def open_row(session: Session, committee_id: UUID, kind: str, subject: str) -> AgendaItem | None:
    """The open item of a committee about this subject, locked; None where there is none."""
    return first(
        session,
        of(AgendaItem)
        .where(
            AgendaItem.committee_id == committee_id,
            AgendaItem.kind == kind,
            AgendaItem.subject == subject,
            col(AgendaItem.state).in_(["pool", "scheduled"]),
        )
        .with_for_update(),
    )


def open_subjects(session: Session, committee_key: str, kind: str) -> set[str]:
    """What a committee has still to talk about under items of a kind, by the subjects of these.

    One of which the fact no longer holds stays on an agenda that is frozen, and is not among them.
    """
    return set(
        scalars(
            session,
            only(AgendaItem.subject)
            .join(Committee, joins(AgendaItem.committee_id, Committee))
            .where(
                Committee.key == committee_key,
                AgendaItem.kind == kind,
                col(AgendaItem.state).in_(["pool", "scheduled"]),
                ~col(AgendaItem.reasons).contains([{"code": ENDED}]),
            ),
        )
    )


def lock_item(session: Session, item_id: UUID, *, seen: int | None = None) -> AgendaItem:
    """An item's row, locked for this transaction. Raises Refusal: there is none, or not in the version `seen`."""
    row = first(session, of(AgendaItem).where(AgendaItem.id == item_id).with_for_update())
    if row is None:
        raise _unknown()
    if seen is not None and row.version != seen:
        raise changed_meanwhile("agenda_item")
    return row


def lock_agenda(session: Session, meeting_id: UUID) -> list[AgendaItem]:
    """What is on a meeting's agenda and not settled, locked in the order of the ids."""
    return every(
        session,
        of(AgendaItem)
        .where(AgendaItem.meeting_id == meeting_id, AgendaItem.state == "scheduled")
        .order_by(col(AgendaItem.id))
        .with_for_update(),
    )


def change_item(session: Session, row: AgendaItem, **values: Any) -> int:
    """Write columns of a locked item, and return the version that it is now."""
    version: int = row.version + 1
    done = run(
        session,
        update(AgendaItem)
        .where(
            col(AgendaItem.program_id) == row.program_id,
            col(AgendaItem.id) == row.id,
            col(AgendaItem.version) == row.version,
        )
        .values(**values, version=version),
    )
    if done.rowcount != 1:
        msg = "a locked item changed under its lock"
        raise RuntimeError(msg)
    return version


def put_last(session: Session, row: AgendaItem, meeting_id: UUID, *, by: Actor, at: datetime, **values: Any) -> None:
    """Have a locked item of the pool stand last on a meeting's agenda, with these columns besides."""
    last = last_position(session, meeting_id)
    state = item_state_after(row.state, "schedule")
    change_item(session, row, state=state, meeting_id=meeting_id, position=1 + last, **values)
    write_item_event(session, "agenda_item.put_on", row, by=by, at=at, meeting=str(meeting_id))


def end(session: Session, row: AgendaItem, *, by: Actor, at: datetime, **values: Any) -> bool:
    """Withdraw a locked item whose fact no longer holds; one that is printed stays, and says so. Whether it stays."""
    is_printed = row.frozen_at is not None
    if is_printed:
        ended = ItemReason(ENDED, facts={"day": local_day(session, at).isoformat()}).kept()
        values["reasons"] = [*without(row.reasons, ENDED), ended]
    else:
        values |= {"state": item_state_after(row.state, "withdraw"), "position": 0}
    change_item(session, row, **values)
    write_item_event(session, "agenda_item.withdrawn", row, by=by, at=at)
    return is_printed


def note_of(session: Session, row: AgendaItem) -> dict[str, str]:
    """What was said on an item, for the minutes, in each language: as `note_fr` and `note_en`. Raises Refusal."""
    if row.note is None:
        return {"note_fr": "", "note_en": ""}
    said = open_words(session, _place(row.id), row.note)
    return {"note_fr": said["fr"], "note_en": said["en"]}


def noted(session: Session, row: AgendaItem, said: Mapping[str, str], *, at: datetime) -> dict[str, Any]:
    """The columns of an item on the agenda of a meeting with what was said on it, sealed. Its meeting is held.

    `said` has what is new, as `note_of` gives it; the rest stays. Raises Refusal where the keys cannot be used.
    """
    before = note_of(session, row)
    after = {**before, **said}
    if after == before:
        return {}
    return noted_anew(session, row, after, at=at)


def noted_anew(session: Session, row: AgendaItem, said: Mapping[str, str], *, at: datetime) -> dict[str, Any]:
    """As `noted`, all of what was said, sealed under the meeting's key of now."""
    sealed = None
    if any(said.values()) and row.meeting_id is not None:
        words = {"fr": said["note_fr"], "en": said["note_en"]}
        sealed = seal_words(session, "meeting", row.meeting_id, _place(row.id), words, at=at)
    return {"note": sealed, "note_fr": "", "note_en": ""}


def _place(item_id: UUID) -> str:
    return f"note/{item_id}"


def set_positions(session: Session, rows: Sequence[AgendaItem]) -> int:
    """Have items stand in this order, and say how many stood elsewhere.

    Their versions stay: where the others stand is no edit of an item.
    """
    elsewhere = [(place, row) for place, row in enumerate(rows, start=1) if row.position != place]
    for place, row in elsewhere:
        run(session, changes(AgendaItem).where(AgendaItem.id == row.id).values(position=place))
    return len(elsewhere)


def refuse_unless_open(meeting: Meeting) -> None:
    """Raises Refusal where a meeting's agenda can no longer be changed: it is frozen, or the meeting is not planned."""
    refuse_unless_planned(meeting)
    if meeting.agenda_frozen_at is not None:
        raise Refusal("agenda.frozen", N_("The agenda is frozen: later items are added to it, with a reason."))


def item_state_after(state: str, move: str) -> str:
    """The state of an item after a move. Raises Refusal where its state does not allow it."""
    try:
        return AGENDA_ITEM.after(state, move)
    except NoSuchMove:
        raise Refusal("agenda.item_state", N_("This cannot be done with this item in its current state.")) from None


def write_item_event(
    session: Session, verb: str, row: AgendaItem, *, by: Actor, at: datetime, **facts: events.Fact
) -> None:
    """Write the event of what was done to an item."""
    events.write(session, verb, "agenda_item", row.id, by=by, at=at, case_id=None, kind=row.kind, **facts)


def _unknown() -> Refusal:
    return Refusal("agenda.unknown_item", N_("There is no such item."))


def not_on_one() -> Refusal:
    """The refusal of an item that stands on no agenda."""
    return Refusal("agenda.not_on_one", N_("This item is not on the agenda of a meeting."))


def refuse_other_committee(meeting: Meeting, committee_id: UUID) -> None:
    """Raises Refusal where a meeting is not of this committee."""
    if meeting.committee_id != committee_id:
        raise Refusal("agenda.other_committee", N_("This meeting is another committee’s."))


def refuse_unless_late(meeting: Meeting) -> None:
    """Raises Refusal where nothing can be late for a meeting: its agenda is not frozen, or it is over."""
    if meeting.agenda_frozen_at is None:
        raise Refusal("agenda.not_frozen", N_("The agenda of this meeting is not frozen: nothing is late yet."))
    if meeting.state not in ("planned", "under_way"):
        raise Refusal("agenda.meeting_over", N_("Nothing is added to the agenda of a meeting that is over."))


def refuse_unless_planned(meeting: Meeting) -> None:
    """Raises Refusal where a meeting is not planned, or not any more."""
    if meeting.state != "planned":
        raise Refusal(
            "agenda.meeting_not_planned",
            N_("The agenda of a meeting can be changed only while the meeting is planned."),
        )
