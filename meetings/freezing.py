"""An agenda goes out: it is circulated, frozen with its numbers, and what comes after that is added to it.

`circulate`, `freeze` and `add_late` return what is to be sent and its readers (`Outgoing`); they write no letters.

A meeting that moves to another day before its agenda would be due again has its agenda opened again (`follow_move`).
Until then decisions come due, seats change hands and turns go on, so the agenda of the old day is not what the new one
needs. What was frozen stays kept. At its hour the agenda is frozen anew, with a new version that says what changed.
Moved otherwise, or held elsewhere, it stays as it is under its numbers. A version with the right day, hour and place
then replaces the wrong one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, insert
from sqlmodel import Session

from domain.kernel import Actor, Refusal, col, in_program, program_of, replaced, run, scalar, select, surely
from domain.record import events
from locales import N_
from meetings import agenda_papers, held_news
from meetings.agenda_items import (
    UNPRINTED,
    PresentedItem,
    change_item,
    item_of,
    item_state_after,
    items_of,
    lock_agenda,
    lock_item,
    refuse_other_committee,
    refuse_unless_late,
    refuse_unless_open,
    refuse_unless_planned,
    set_positions,
    write_item_event,
)
from meetings.agenda_papers import PARTNERS, PrintedAgenda, Reader, Replacing
from meetings.agenda_requests import is_late_for, late_requests, needed_line
from meetings.committees import committees
from meetings.documents.content import AgendaContent
from meetings.locking import lock_meeting, read_meeting, write_meeting
from models.agenda import AUDIENCES, LATE_REQUEST, AgendaItem, AgendaVersion, KeptPaper
from models.meeting import Meeting

#: By the language whose title is missing.
_UNTRANSLATED: Final = {
    "fr": N_("Without a French title: item %(numbers)s. Translate it, and freeze the agenda again."),
    "en": N_("Without an English title: item %(numbers)s. Translate it, and freeze the agenda again."),
}
#: An item that comes late has no number yet that anybody saw.
_LATE_UNTRANSLATED: Final = {
    "fr": N_("This item has no French title. Translate it, and add it again."),
    "en": N_("This item has no English title. Translate it, and add it again."),
}


@dataclass(frozen=True)
class Outgoing:
    """What is to be sent of an agenda or an addendum, and to whom.

    `editions` has the agenda for each audience (`models.agenda.AUDIENCES`), numbered alike; `readers`, everyone who is
    invited, their language and their audience. `incomplete` has, by language, the numbers of the items without a title
    in it: half an edition is never sent, and the other language's goes out all the same. `version` counts the versions
    that went out so far, this one among them; `addendum` is its number where it is one; `replaces` has, by audience,
    what it says otherwise than the agenda before it.
    """

    meeting_id: UUID
    editions: Mapping[str, AgendaContent]
    readers: tuple[Reader, ...]
    incomplete: Mapping[str, tuple[str, ...]]
    version: int = 0
    addendum: int = 0
    replaces: Mapping[str, Replacing | None] = field(default_factory=dict)

    def to_send(self) -> Iterator[tuple[Reader, AgendaContent]]:
        """Each reader whose language's edition is whole, and what they are sent: no addendum that is empty for them."""
        for reader in self.readers:
            edition = self.editions[reader.audience]
            if reader.language not in self.incomplete and (edition.items or not edition.addendum):
                yield reader, edition


def circulate(session: Session, meeting_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> Outgoing:
    """Say that the agenda goes out now, and return what is sent and its readers. Again: as it stands by then.

    Raises Refusal: the meeting is not planned.
    """
    meeting = lock_meeting(session, meeting_id, seen=seen)
    held_news.refuse_while_waiting(session, meeting)
    refuse_unless_planned(meeting)
    write_meeting(session, meeting, agenda_circulated_at=at)
    events.write(session, "agenda.circulated", "meeting", meeting_id, by=by, at=at)
    return outgoing(session, meeting_id)


def freeze(session: Session, meeting_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> Outgoing:
    """Number the items 1 to n in their order and keep the agenda as it is; return what is sent and its readers.

    Raises Refusal.
    """
    meeting = lock_meeting(session, meeting_id, seen=seen)
    held_news.refuse_while_waiting(session, meeting)
    refuse_unless_open(meeting)
    lock_agenda(session, meeting_id)  # locked, so that nobody adds a reason while they are numbered
    rows = items_of(session, meeting_id)
    _refuse_untranslated(session, meeting, rows)
    for number, row in enumerate(rows, start=1):
        # Nothing is late on an agenda that is frozen as a whole, also where it came while nobody had frozen it.
        change_item(session, row, number=str(number), frozen_at=at, position=number, late=False)
    write_meeting(session, meeting, agenda_frozen_at=at)
    _keep(session, meeting_id, "agenda", agenda_papers.paper(session, meeting_id), at)
    events.write(session, "agenda.frozen", "meeting", meeting_id, by=by, at=at, case_id=None, items=len(rows))
    return outgoing(session, meeting_id)


def add_late(
    session: Session,
    meeting_id: UUID,
    item_id: UUID,
    *,
    reason: str = "",
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> Outgoing:
    """Add an item of the pool to a frozen agenda as an addendum, by the host's yes; return what is sent and its
    readers.

    The guide has the coordinator plan and host every committee's meetings: the yes is theirs alone. What they add
    themselves has its reason on the addendum for all to read. A person who hosts in their place cannot say yes to what
    they asked for themselves.

    It is numbered after the last item of its section, "7.1", so that printed copies stay right. `reason` says why it
    cannot wait, where the one who asked for it did not. Raises Refusal. Guide: CM-S, CM-C.
    """
    meeting = lock_meeting(session, meeting_id)
    refuse_unless_late(meeting)
    if meeting.state == "planned":
        held_news.refuse_while_waiting(session, meeting)
    row = lock_item(session, item_id, seen=seen)
    refuse_other_committee(meeting, row.committee_id)
    if meeting.state == "planned" and by.acting_for is not None and is_late_for(row, meeting_id, asked_by=by.person_id):
        raise Refusal(
            "agenda.own_late_request",
            N_("You requested this item yourself. When you host for the coordinator, someone else must accept it."),
        )
    line = needed_line(reason or row.late_reason)
    rows = items_of(session, meeting_id)
    after, number = _late_number(rows, row)
    _refuse_untranslated(session, meeting, [replaced(item_of(session, item_id), number=number)], _LATE_UNTRANSLATED)
    change_item(
        session,
        row,
        state=item_state_after(row.state, "schedule"),
        meeting_id=meeting_id,
        number=number,
        frozen_at=at,
        late=True,
        late_reason=line,
        reasons=row.reasons.without(LATE_REQUEST),
    )
    set_positions(session, [*rows[:after], replaced(row, position=0), *rows[after:]])
    addendum = 1 + agenda_papers.versions_of(session, meeting_id)[-1].addendum
    added = [one for one in items_of(session, meeting_id) if one.id == item_id]
    paper = agenda_papers.paper(session, meeting_id, addendum=addendum, only=added)
    _keep(session, meeting_id, "addendum", paper, at)
    write_item_event(session, "agenda_item.added_late", row, by=by, at=at, meeting=str(meeting_id), number=number)
    return outgoing(session, meeting_id, addendum=addendum)


def follow_move(session: Session, meeting_id: UUID, *, was: datetime, by: Actor, at: datetime) -> bool:
    """Have a meeting's agenda follow it to another time; `was` is the local time that it had.

    A frozen one is opened again where the day is another one and the declared hour to freeze it is still to come; else
    what it says of day and hour is put right. Returns whether it was opened again. Nothing is sent: the move's own
    letters tell the new time, and the round sends the agenda anew when it is due. One that went out as a draft for the
    old day goes out again for the new one.
    """
    meeting = lock_meeting(session, meeting_id)
    if meeting.state != "planned":
        return False
    declared = committees(session)[meeting.committee_id].agenda
    is_another_day = meeting.starts.date() != was.date()
    circulated = meeting.agenda_circulated_at if _is_past(meeting, declared.get("circulate_hours"), at) else None
    if meeting.agenda_frozen_at is None:
        if is_another_day and circulated != meeting.agenda_circulated_at:
            write_meeting(session, meeting, agenda_circulated_at=circulated)
        return False
    if _is_past(meeting, declared.get("freeze_hours"), at) or not is_another_day:
        _restate(session, meeting, by=by, at=at)
        return False
    for row in lock_agenda(session, meeting_id):
        change_item(session, row, **UNPRINTED)
    for one in late_requests(session, meeting_id):
        row = lock_item(session, one.id)
        change_item(session, row, late_reason="", reasons=row.reasons.without(LATE_REQUEST))
    write_meeting(session, meeting, agenda_frozen_at=None, agenda_circulated_at=circulated)
    events.write(session, "agenda.reopened", "meeting", meeting_id, by=by, at=at)
    return True


def _is_past(meeting: Meeting, hours: int | None, at: datetime) -> bool:
    """Whether the moment is past that a committee declares as so many hours before its meetings."""
    return meeting.starts_at - timedelta(hours=hours or 0) <= at


def follow_place(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> None:
    """Have a meeting's frozen agenda say where the meeting is held now, under the numbers that it has."""
    meeting = lock_meeting(session, meeting_id)
    if meeting.agenda_frozen_at is not None and meeting.state == "planned":
        _restate(session, meeting, by=by, at=at)


def outgoing(session: Session, meeting_id: UUID, *, addendum: int = 0) -> Outgoing:
    """What is sent of a meeting's agenda as it stands now, or of an addendum to it, and its readers."""
    meeting = read_meeting(session, meeting_id)
    readers = agenda_papers.readers_of(session, meeting_id)
    editions = {
        name: agenda_papers.content(session, meeting_id, audience=name, addendum=addendum) for name in AUDIENCES
    }
    whole = {line.number: line for line in editions[PARTNERS].items}
    untitled = agenda_papers.untitled(whole, readers) if readers else {}
    incomplete = {language: tuple(numbers) for language, numbers in untitled.items()}
    version = _versions(session, meeting_id)
    replaces = {}
    if not addendum and meeting.agenda_frozen_at is not None:
        replaces = {name: agenda_papers.replacing(session, meeting_id, version, audience=name) for name in AUDIENCES}
    return Outgoing(meeting_id, editions, readers, incomplete, version, addendum, replaces)


def restate(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> Outgoing:
    """Write a frozen agenda down again, in the place of one from which words were taken out; what is sent."""
    _restate(session, lock_meeting(session, meeting_id), by=by, at=at)
    return outgoing(session, meeting_id)


def digest_of(content: KeptPaper) -> str:
    """The digest of an agenda as it is written down."""
    written = json.dumps(content.as_stored(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _restate(session: Session, meeting: Meeting, *, by: Actor, at: datetime) -> None:
    """Write a frozen agenda down again, with what was added to it, under the day, hour and place that it has now.

    Its items say what they said when they were printed.
    """
    now = read_meeting(session, meeting.id)
    frozen = agenda_papers.frozen_whole(session, meeting.id)
    taken = sum(line.minutes for line in frozen.says.items)
    head = agenda_papers.head_of(session, now)
    says = replace(frozen.says, head=head, overrun_minutes=max(0, taken - now.minutes))
    _keep(session, meeting.id, "agenda", replace(frozen, says=says), at)
    events.write(session, "agenda.restated", "meeting", meeting.id, by=by, at=at)


def _refuse_untranslated(
    session: Session, meeting: Meeting, rows: Sequence[PresentedItem], sentences: Mapping[str, str] = _UNTRANSLATED
) -> None:
    readers = agenda_papers.readers_of(session, meeting.id)
    lines = [agenda_papers.item_line(row, str(place)) for place, row in enumerate(rows, start=1)]
    for language, numbers in agenda_papers.untitled({line.number: line for line in lines}, readers).items():
        raise Refusal("agenda.untranslated", sentences[language], language=language, numbers=", ".join(numbers))


def _late_number(rows: Sequence[PresentedItem], row: AgendaItem) -> tuple[int, str]:
    """After how many items a late one stands, and its number: under the last of its section, or the very last."""
    if not rows:
        return 0, "1"
    like = [one for one in rows if one.section_fr == row.section_fr] or list(rows)
    numbers = [surely(one.number).partition(".") for one in rows]
    parent = surely(like[-1].number).partition(".")[0]
    family = [place for place, number in enumerate(numbers, start=1) if number[0] == parent]
    last = numbers[family[-1] - 1][2]
    return family[-1], f"{parent}.{int(last or 0) + 1}"


def _keep(session: Session, meeting_id: UUID, kind: str, paper: PrintedAgenda, at: datetime) -> None:
    """Write down an agenda as it goes out, whole, with who may read which item of it."""
    content = paper.kept()
    run(
        session,
        insert(AgendaVersion).values(
            program_id=program_of(session),
            id=uuid4(),
            meeting_id=meeting_id,
            n=1 + _versions(session, meeting_id),
            kind=kind,
            content=content,
            digest=digest_of(content),
            made_at=at,
        ),
    )


def _versions(session: Session, meeting_id: UUID) -> int:
    """How many times an agenda of this meeting was written down."""
    found: int | None = scalar(
        session,
        select(func.max(col(AgendaVersion.n))).where(in_program(AgendaVersion), AgendaVersion.meeting_id == meeting_id),
    )
    return found or 0
