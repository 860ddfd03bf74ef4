"""The words that people wrote and that are kept of a meeting, read in all of its copies, and words taken out of them.

What is sealed is sealed anew under another key, and the one before is destroyed. `meetings.redacting` says when.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import Text, cast, union_all
from sqlmodel import Session

from domain.kernel import (
    Actor,
    change_key,
    changes,
    col,
    every,
    in_program,
    of,
    only,
    run,
    scalars,
    select,
    surely,
    tuples,
)
from domain.mail import resending
from domain.names import takes_out
from meetings import agenda_items, freezing, minutes, told
from meetings.locking import read_meeting
from meetings.minutes import OpenedMinutes
from models.agenda import AgendaItem, AgendaVersion, KeptPaper
from models.base import InProgram
from models.casework import Task
from models.meeting import Meeting
from models.minutes import Decision, Endorsement

#: What stands where words were taken out, by the language of the text; else in both.
GONE: Final[Mapping[str, str]] = {"fr": "[caviardé]", "en": "[redacted]", "": resending.GONE}

#: The columns in which people wrote, each with the language of its text; "" where it stands for both.
_IN_ITEMS: Final = (("title_fr", "fr"), ("title_en", "en"), ("late_reason", ""))
_IN_DECISIONS: Final = (("text_fr", "fr"), ("text_en", "en"), ("why_not_management", ""), ("wanted_why", ""))
_IN_ENDORSEMENTS: Final = (("reason", ""),)
_IN_TASKS: Final = (("note", ""), ("reason", ""))
_IN_MEETINGS: Final = (("place", ""), ("reason", ""))

R = TypeVar("R", AgendaItem, AgendaVersion, Decision)
Columns = Sequence[tuple[str, str]]
Taker = Callable[[str], Callable[[str], str]]


@dataclass(frozen=True)
class Changed:
    """A meeting from which words were taken out: whether from its agenda, and its minutes as they stood where so."""

    meeting: Meeting
    agenda: bool
    minutes: OpenedMinutes | None


def texts_of(session: Session, meeting_id: UUID) -> Iterator[tuple[str, str]]:
    """Each text that people wrote and that is kept of a meeting, and of those its items came from or went to.

    So are those of what waits for a meeting of the committee, and of the meetings that look again at what was decided.
    With its language; "" where it stands for both. Raises Refusal.
    """
    for one_meeting in chain(session, meeting_id):
        yield from texts_of_one(session, one_meeting)


def texts_of_one(session: Session, meeting_id: UUID) -> Iterator[tuple[str, str]]:
    """As `texts_of`, of one meeting alone."""
    meeting = read_meeting(session, meeting_id)
    for _, row, columns in _written(session, meeting):
        yield from ((getattr(row, name), language) for name, language in columns if getattr(row, name))
    yield from ((text, "") for text in told.texts(session, meeting))
    for item in _rows(session, AgendaItem, meeting_id):
        said = agenda_items.note_of(session, item)
        yield from ((said[f"note_{language}"], language) for language in ("fr", "en") if said[f"note_{language}"])
    for version in _rows(session, AgendaVersion, meeting_id):
        yield from _strings(version.content.agenda)
    written = minutes.find(session, meeting_id)
    if written is not None:
        yield from _strings(written.content)
        yield from _strings(written.circulated)


def redact(session: Session, meeting_id: UUID, takes: Taker, *, by: Actor, at: datetime) -> Changed:
    """Take words out of all that is kept of a meeting, and seal what is left under another key. It is locked."""
    meeting, written = read_meeting(session, meeting_id), minutes.find(session, meeting_id)
    notes = [(item, agenda_items.note_of(session, item)) for item in _rows(session, AgendaItem, meeting_id)]
    change_key(session, "meeting", meeting_id, at=at)
    sealed = {
        item.id: agenda_items.noted_anew(
            session, item, {name: takes(name.removeprefix("note_"))(text) for name, text in note.items()}, at=at
        )
        for item, note in notes
    }
    for table, row, columns in _written(session, meeting):
        _write(session, table, row, {**_redacted(row, columns, takes), **sealed.get(row.id, {})})
    agenda_changed = _redact_versions(session, meeting_id, takes)
    minutes_changed = written is not None and _redact_minutes(session, written, takes, by=by, at=at)
    return Changed(meeting, agenda_changed, written if minutes_changed else None)


def _redacted(row: InProgram, columns: Columns, takes: Taker) -> dict[str, str]:
    """What is left in these columns, of those alone that change."""
    said = {name: takes(language)(getattr(row, name)) for name, language in columns if getattr(row, name)}
    return {name: text for name, text in said.items() if text != getattr(row, name)}


def _redact_versions(session: Session, meeting_id: UUID, takes: Taker) -> bool:
    """Take words out of the agendas of a meeting as they went out; whether any changed."""
    versions = _rows(session, AgendaVersion, meeting_id)
    left = [_without(row.content, takes) for row in versions]
    changed = [(row, content) for row, content in zip(versions, left, strict=True) if content != row.content]
    for row, content in changed:
        _write(session, AgendaVersion, row, {"content": content, "digest": freezing.digest_of(content)})
    return bool(changed)


def _without(content: KeptPaper, takes: Taker) -> KeptPaper:
    """An agenda as it was written down, with words taken out of what it says."""
    return content.model_copy(update={"agenda": walked(content.agenda, takes, "")})


def _redact_minutes(session: Session, written: OpenedMinutes, takes: Taker, *, by: Actor, at: datetime) -> bool:
    content, circulated = (walked(said, takes, "") for said in (written.content, written.circulated))
    minutes.write_redacted(session, written, content, circulated, by=by, at=at)
    return (content, circulated) != (written.content, written.circulated)


def taker(words: Sequence[str]) -> Taker:
    """What takes these words out of a text of a language: whole words, however they are written."""
    taken = takes_out(words)

    def takes(language: str) -> Callable[[str], str]:
        return lambda text: taken(composed(text), GONE[language])

    return takes


def composed(text: str) -> str:
    """A text with each letter written in one way."""
    return unicodedata.normalize("NFC", text)


def _strings(said: object, language: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(said, str):
        if said:
            yield said, language
    elif isinstance(said, dict):
        for key, value in said.items():
            yield from _strings(value, key if key in ("fr", "en") else language)
    elif isinstance(said, list):
        for value in said:
            yield from _strings(value, language)


def walked(said: Any, takes: Taker, language: str) -> Any:
    """A structure of JSON with words taken out of each of its texts."""
    if isinstance(said, str):
        return takes(language)(said) if said else said
    if isinstance(said, dict):
        return {key: walked(value, takes, key if key in ("fr", "en") else language) for key, value in said.items()}
    if isinstance(said, list):
        return [walked(value, takes, language) for value in said]
    return said


def chain(session: Session, meeting_id: UUID) -> list[UUID]:
    """The meeting, those that its items were carried over from or to, and those that share a decision with them.

    A decision's words stand in the title of each item by which a meeting looks at it again. In the order of their ids.
    """
    items = only(AgendaItem.id, AgendaItem.meeting_id, AgendaItem.carried_from_id).where(
        (col(AgendaItem.carried_from_id).is_not(None)) | col(AgendaItem.meeting_id).is_not(None)
    )
    rows = tuples(session, items)
    meeting_of = {item_id: its_meeting for item_id, its_meeting, _ in rows}
    beside: dict[UUID, set[UUID]] = defaultdict(set)
    for item_id, _, carried_from in rows:
        if carried_from is not None:
            beside[item_id].add(carried_from)
            beside[carried_from].add(item_id)
    left = [one for one, its_meeting in meeting_of.items() if its_meeting == meeting_id]
    seen: set[UUID] = set()
    while left:
        item = left.pop()
        if item not in seen:
            seen.add(item)
            left += beside[item]
    found = {its_meeting for item in seen if (its_meeting := meeting_of.get(item)) is not None}
    return sorted(_with_what_they_decided(session, found | {meeting_id}))


def _with_what_they_decided(session: Session, meetings: set[UUID]) -> set[UUID]:
    """These meetings, those that took a decision at which one of them looks, and all that look at one of theirs."""
    looked_at = only(AgendaItem.subject).where(col(AgendaItem.meeting_id).in_(meetings))
    of_them = col(Decision.meeting_id).in_(meetings) | cast(col(Decision.id), Text).in_(looked_at)
    taken = run(session, only(Decision.id, Decision.meeting_id).where(of_them)).all()
    looks = only(surely(AgendaItem.meeting_id)).where(
        col(AgendaItem.subject).in_([str(row.id) for row in taken]), col(AgendaItem.meeting_id).is_not(None)
    )
    return meetings | {row.meeting_id for row in taken} | set(scalars(session, looks))


def _written(session: Session, meeting: Meeting) -> Iterator[tuple[type[InProgram], InProgram, Columns]]:
    """Each row of a meeting in whose columns people wrote, with its table and these columns."""
    yield Meeting, meeting, _IN_MEETINGS
    for item in _rows(session, AgendaItem, meeting.id):
        yield AgendaItem, item, _IN_ITEMS
    for decision in _rows(session, Decision, meeting.id):
        yield Decision, decision, _IN_DECISIONS
        for word in every(session, of(Endorsement).where(Endorsement.decision_id == decision.id)):
            yield Endorsement, word, _IN_ENDORSEMENTS
    for task in _tasks_of(session, meeting.id):
        yield Task, task, _IN_TASKS
    for item in _in_the_pool(session, meeting):
        yield AgendaItem, item, _IN_ITEMS


def _tasks_of(session: Session, meeting_id: UUID) -> list[Task]:
    """The tasks of a meeting and of its decisions, with what was written as they were done or handed back.

    Of a decision, the task that it opens, and what it asks of each partner.
    """
    decided = in_program(Decision), col(Decision.meeting_id) == meeting_id
    asked_about = col(Task.item).in_(
        [str(meeting_id), *map(str, scalars(session, select(Decision.id).where(*decided)))]
    )
    found = select(Decision.task_id).where(*decided, col(Decision.task_id).is_not(None))
    asked = only(surely(Task.id)).where(col(Task.case_id).is_(None), asked_about)
    return every(session, of(Task).where(col(Task.id).in_(union_all(found, asked))).order_by(col(Task.id)))


def _rows(session: Session, table: type[R], meeting_id: UUID) -> list[R]:
    return every(session, of(table).where(table.meeting_id == meeting_id).order_by(col(table.id)))


def _in_the_pool(session: Session, meeting: Meeting) -> list[AgendaItem]:
    """What waits for a meeting of the same committee, or was asked of it and never came on one.

    There waits what is held back for a name in it. It has no meeting of its own, so any of them takes words out of it.
    So do those that took the decision that is looked at, of any committee.
    """
    decided = select(cast(col(Decision.id), Text)).where(in_program(Decision), Decision.meeting_id == meeting.id)
    statement = of(AgendaItem).where(
        col(AgendaItem.meeting_id).is_(None),
        (col(AgendaItem.committee_id) == meeting.committee_id) | col(AgendaItem.subject).in_(decided),
    )
    return every(session, statement.order_by(col(AgendaItem.id)))


def _write(session: Session, table: type[InProgram], row: InProgram, values: Mapping[str, Any]) -> None:
    """Write what words are left. A row with a version counts it up: who looked at the words of before is told."""
    if values:
        version = getattr(table, "version", None)
        counted = {} if version is None else {"version": version + 1}
        run(session, changes(table).where(table.id == row.id).values(**values, **counted))
