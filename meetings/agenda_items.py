"""The rows of agenda items: reading them, having one open for a subject, and holding one while it is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import literal, text
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
    value_of,
)
from domain.record import events
from locales import N_
from meetings.agenda_rules import OBJECTION, OF_ONE_MEETING, NewItem, lists_of, points_of
from meetings.locking import changed_meanwhile
from models.agenda import EDITED, ENDED, REFERRED, TAKEN_OFF, AgendaItem, ItemReason, Reasons
from models.casework import Task
from models.committee import Committee, KeptAgenda, Seat
from models.lifecycles import AGENDA_ITEM, NoSuchMove
from models.meeting import Meeting
from models.obligation import WAIVER_ITEM
from models.participant import Participant

Row = TypeVar("Row", bound=AgendaItem)

#: How often a row that was there and is gone again is looked for, when two settle the same subject at once.
_TRIES: Final = 5

#: The states of an item that is on the agenda of a meeting: to be talked about, or talked about already.
TALKED_ABOUT: Final = ("scheduled", "settled")

#: The condition that the fact of an item still holds: one on a frozen agenda stays there, as printed, when it does not.
STILL_HOLDS: Final = ~col(AgendaItem.reasons).contains([{"code": ENDED}])

#: The condition that a committee has still to talk about an item.
IS_OPEN: Final = col(AgendaItem.state).in_(["pool", "scheduled"])

#: Whom an item is about: it goes by the number of a participant, or by a candidate's reference.
IS_ABOUT: Final = same(Participant, AgendaItem) & col(AgendaItem.subject).in_(
    [col(Participant.number), col(Participant.candidate_ref)]
)

_WAITED_FOR: Final = N_(
    "Someone waits for the committee’s answer. Record on their page what is decided, "
    "deferred or asked, or carry the item over."
)

#: The columns of an item that no agenda was printed with, or not any more.
UNPRINTED: Final[Mapping[str, object]] = {"number": None, "frozen_at": None, "late": False, "late_reason": ""}

#: The kind of the item by which a committee hears of a direct forwarding (AD-R4).
FORWARDED: Final = "forwarded"
#: The kinds that a committee is told and that ask nothing of it: what is treated was heard.
ONLY_HEARD: Final = frozenset({FORWARDED})

#: What nobody changes of items that ask the committee for an act of its own: else few would know that it is asked.
SAID_AS_IT_IS: Final[Mapping[str, frozenset[str]]] = dict.fromkeys(
    (OBJECTION, WAIVER_ITEM), frozenset({"title_fr", "title_en", "audience", "purpose"})
)


class PresentedItem(AgendaItem):
    """An item with its presenting seat, and what was said on it, unsealed."""

    model_config = SHAPE
    presenter_fr: str | None = also(Seat.title_fr)
    presenter_en: str | None = also(Seat.title_en)
    declared: KeptAgenda = also(Committee.agenda)
    note_fr: str = also(value_of(literal("")))
    note_en: str = also(value_of(literal("")))

    @property
    def points(self) -> tuple[dict[str, str], ...]:
        """What is gone through under it, in both languages."""
        return points_of(self.declared, self.rule)

    @property
    def lists(self) -> str:
        """What a sitting lists under it, as its rule declares; "" where it declares nothing."""
        return lists_of(self.declared, self.rule)


def items_of(session: Session, meeting_id: UUID) -> list[PresentedItem]:
    """What is on a meeting's agenda, settled or not, in its order."""
    return _read(session, AgendaItem.meeting_id == meeting_id, col(AgendaItem.state).in_(TALKED_ABOUT))


def last_position(session: Session, meeting_id: UUID) -> int:
    """The place of the last item on a meeting's agenda; 0 where it has none."""
    return max((one.position for one in items_of(session, meeting_id)), default=0)


def pool_of(session: Session, committee_id: UUID) -> list[PresentedItem]:
    """What waits for a meeting of the committee, the first asked first."""
    return _read(session, AgendaItem.committee_id == committee_id, AgendaItem.state == "pool")


def withdrawn_of(session: Session, meeting_id: UUID) -> list[PresentedItem]:
    """What was on a meeting's agenda and was withdrawn, in the order in which it was asked for."""
    return _read(session, AgendaItem.meeting_id == meeting_id, AgendaItem.state == "withdrawn")


def item_of(session: Session, item_id: UUID) -> PresentedItem:
    """One item's row. Raises Refusal where there is none."""
    return _known(next(iter(_read(session, AgendaItem.id == item_id)), None))


def is_asked(row: AgendaItem) -> bool:
    """Whether an item was asked for or brought over, and is not there by what a rule draws alone."""
    return row.kind not in OF_ONE_MEETING and not row.reasons.without(EDITED, TAKEN_OFF).is_drawn


def kept_by_hand(row: AgendaItem) -> frozenset[str]:
    """The columns of an item that people changed and that stay so: none of those that must say what the rule says."""
    return row.reasons.edited - SAID_AS_IT_IS.get(row.kind, frozenset())


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
    """By item, the open task that it was asked for with and that a decision may do: not one that its act alone does."""
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
        if row.task_id is not None and not any(reason.code in (REFERRED, ENDED) for reason in row.reasons)
    ]
    return done_by_an_act(session, waiting) if waiting else frozenset()


def refuse_to_let_go(session: Session, row: AgendaItem) -> None:
    """Refuse that an item ends, or leaves for elsewhere, while its task is done by its act alone. Raises Refusal."""
    if kept_for_their_act(session, [row]):
        raise Refusal("item.kept_for_its_act", _WAITED_FOR, source="AD-R3")


def _read(session: Session, *conditions: Any) -> list[PresentedItem]:
    rows = every(session, _PRESENTED.where(*conditions))
    return [replaced(row, **note_of(session, row)) for row in rows]


_PRESENTED: Final = (
    of(PresentedItem)
    .join(Committee, joins(AgendaItem.committee_id, Committee))
    .outerjoin(Seat, joins(AgendaItem.presenter_seat_id, Seat))
    # What is on no agenda has no place: it stands in the order in which it was asked for.
    .order_by(*map(col, (AgendaItem.position, AgendaItem.asked_at, AgendaItem.kind, AgendaItem.subject, AgendaItem.id)))
)


#: What an item that takes the place of another has of it: not its reasons, nor why it was late.
_LIKE_IT: Final = tuple(one.name for one in fields(NewItem) if one.name not in ("late_reason", "reasons"))


def as_it_is(row: AgendaItem) -> NewItem:
    """An item as another one begins that takes its place."""
    return NewItem(**{name: getattr(row, name) for name in _LIKE_IT})


def open_item(
    session: Session,
    committee_id: UUID,
    new: NewItem,
    *,
    meeting_id: UUID | None = None,
    position: int = 0,
    by: Actor,
    at: datetime,
    verb: str = "agenda_item.asked",
) -> UUID:
    """Put an item in a committee's pool, or on a meeting's agenda; one that is open for the subject gets the reasons.

    Two who ask at once get the same item, by the index `one_open_item`. The record tells of it as
    `verb`, and with "_again" where it only got reasons.
    """
    made_of = vars(new) | {
        "asked_at": new.asked_at or at,
        "program_id": program_of(session),
        "committee_id": committee_id,
        "meeting_id": meeting_id,
        "position": position,
        "state": AGENDA_ITEM.initial if meeting_id is None else AGENDA_ITEM.after(AGENDA_ITEM.initial, "schedule"),
    }
    for _ in range(_TRIES):
        made: UUID | None = scalar(
            session,
            insert(AgendaItem)
            .values(made_of)
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
            _ask_again(session, row, new, verb=f"{verb}_again", by=by, at=at)
            return row.id
    raise RuntimeError("an open item was in the way again and again, and gone each time it was read")


def _ask_again(session: Session, row: AgendaItem, new: NewItem, *, verb: str, by: Actor, at: datetime) -> None:
    """Have an open item be there for these reasons too; what is asked for again holds again.

    The task of before may be over: who is referred a second time is decided on by the second one.
    """
    reasons = row.reasons.without(ENDED).and_also(new.reasons)
    task_id, times_seen = new.task_id or row.task_id, max(row.times_seen, new.times_seen)
    if (reasons, task_id, times_seen) != (row.reasons, row.task_id, row.times_seen):
        change_item(session, row, reasons=reasons, task_id=task_id, times_seen=times_seen)
        write_item_event(session, verb, row, by=by, at=at)


def open_row(session: Session, committee_id: UUID, kind: str, subject: str) -> AgendaItem | None:
    """The open item of a committee about this subject, locked; None where there is none."""
    return first(
        session,
        of(AgendaItem)
        .where(AgendaItem.committee_id == committee_id, AgendaItem.kind == kind, AgendaItem.subject == subject, IS_OPEN)
        .with_for_update(),
    )


def open_subjects(session: Session, committee_key: str, kind: str) -> set[str]:
    """The subjects that a committee has still to talk about under a kind, but for those whose fact no longer holds."""
    return set(
        scalars(
            session,
            only(AgendaItem.subject)
            .join(Committee, joins(AgendaItem.committee_id, Committee))
            .where(Committee.key == committee_key, AgendaItem.kind == kind, IS_OPEN, STILL_HOLDS),
        )
    )


def lock_item(session: Session, item_id: UUID, *, seen: int | None = None) -> AgendaItem:
    """An item's row, locked for this transaction. Raises Refusal: there is none, or not in the version `seen`."""
    row = _known(first(session, of(AgendaItem).where(AgendaItem.id == item_id).with_for_update()))
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
    statement = changes(AgendaItem).where(AgendaItem.id == row.id, AgendaItem.version == row.version)
    if run(session, statement.values(**values, version=row.version + 1)).rowcount != 1:
        raise RuntimeError("a locked item changed under its lock")
    return row.version + 1


def move_item(session: Session, row: AgendaItem, move: str, **values: Any) -> None:
    """Have a locked item make a move of its lifecycle, and write columns of it. What leaves an agenda has no place."""
    change_item(session, row, state=item_state_after(row.state, move), **_LEFT.get(move, {}), **values)


#: What is written of an item that leaves its agenda: for the pool, or for good.
_LEFT: Final[Mapping[str, Mapping[str, object]]] = {
    "put_back": {"meeting_id": None, "position": 0},
    "withdraw": {"position": 0},
}


def put_last(session: Session, row: AgendaItem, meeting_id: UUID, *, by: Actor, at: datetime, **values: Any) -> None:
    """Have a locked item of the pool stand last on a meeting's agenda, with these columns besides."""
    last = last_position(session, meeting_id)
    move_item(session, row, "schedule", meeting_id=meeting_id, position=1 + last, **values)
    write_item_event(session, "agenda_item.put_on", row, by=by, at=at, meeting=str(meeting_id))


def end(session: Session, row: AgendaItem, *, by: Actor, at: datetime, **values: Any) -> bool:
    """Withdraw a locked item whose fact no longer holds; one that is printed stays, and says so. Whether it stays."""
    is_printed = row.frozen_at is not None
    if is_printed:
        ended = ItemReason(ENDED, facts={"day": local_day(session, at).isoformat()})
        change_item(session, row, reasons=Reasons((*row.reasons.without(ENDED), ended)), **values)
    else:
        move_item(session, row, "withdraw", **values)
    write_item_event(session, "agenda_item.withdrawn", row, by=by, at=at)
    return is_printed


def note_of(session: Session, row: AgendaItem) -> dict[str, str]:
    """What was said on an item, for the minutes, in each language: as `note_fr` and `note_en`. Raises Refusal."""
    if row.note is None:
        return {"note_fr": "", "note_en": ""}
    said = open_words(session, _place(row.id), row.note)
    return {f"note_{language}": text for language, text in said.items()}


def noted(session: Session, row: AgendaItem, said: Mapping[str, str], *, at: datetime) -> dict[str, object]:
    """The columns of an item with what is new of what was said on it, sealed. Its meeting is held. Raises Refusal."""
    before = note_of(session, row)
    after = {**before, **said}
    return noted_anew(session, row, after, at=at) if after != before else {}


def noted_anew(session: Session, row: AgendaItem, said: Mapping[str, str], *, at: datetime) -> dict[str, object]:
    """As `noted`, all of what was said, sealed under the meeting's key of now."""
    sealed = None
    if any(said.values()) and row.meeting_id is not None:
        words = {name.removeprefix("note_"): text for name, text in said.items()}
        sealed = seal_words(session, "meeting", row.meeting_id, _place(row.id), words, at=at)
    return {"note": sealed}


def _place(item_id: UUID) -> str:
    return f"note/{item_id}"


def set_positions(session: Session, rows: Sequence[AgendaItem]) -> int:
    """Have items stand in this order, and say how many stood elsewhere. It is no edit of them: their versions stay."""
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


def _known(row: Row | None) -> Row:
    if row is None:
        raise Refusal("agenda.unknown_item", N_("There is no such item."))
    return row


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
