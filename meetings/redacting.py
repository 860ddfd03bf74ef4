"""Taking words out of all that is kept of a meeting or an incident: one asks, another who answers for it confirms.

What goes out is searched for names (`domain.mail.name_gate`); what got in nevertheless is taken out here, in items,
notes, decisions, minutes and the register of incidents, in every copy: of an agenda as it went out, of minutes as they
were circulated, of letters in the outbox. What is sealed is sealed anew under another key, and the one before is
destroyed, so that no copy of the database opens any more. The record keeps a digest of before and of after, and that it
was done, by which two. Papers that were made are made anew and sent; letters that had not left are withdrawn.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Text, cast, insert
from sqlmodel import Session

from domain.casework import asking
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import changes, col, every, first, in_program, of, only, run, scalars, select, surely
from domain.kernel.scope import local_day, program_of
from domain.kernel.sealed_words import change_key, open_words, seal_words
from domain.mail import notices
from domain.mail.notices import coordination_chain
from domain.names.hiding import takes_out
from domain.record import events, incidents
from domain.roles.deputies import deputies_of
from domain.roles.sight import FOR_PRIVACY
from locales import N_
from meetings import agenda_items, freezing, invitations, minutes, minutes_posting, posting, told
from meetings.documents.content import MinutesContent, from_json
from meetings.locking import lock_meeting
from models.agenda import AgendaItem, AgendaVersion
from models.base import InProgram
from models.casework import Task
from models.lifecycles import REDACTION, NoSuchMove
from models.meeting import Meeting
from models.minutes import Decision, Endorsement, Minutes
from models.redaction import TAKEN_OUT, Redaction

#: The step of the task to look at what is to be taken out; its item is the redaction's id.
STEP: Final = "redaction"
DAYS_TO_LOOK: Final = 2
#: What stands where words were taken out, by the language of the text; else in both.
GONE: Final[Mapping[str, str]] = {"fr": "[caviardé]", "en": "[redacted]", "": "[caviardé – redacted]"}
MOST_WORDS: Final = 20
LONGEST: Final = 200
#: So many letters or figures at least: one letter would be taken out everywhere.
_LEAST: Final = 2

Of = Literal["meeting", "incident"]

_IN_ITEMS: Final = (("title_fr", "fr"), ("title_en", "en"), ("late_reason", ""))
_IN_DECISIONS: Final = (("text_fr", "fr"), ("text_en", "en"), ("why_not_management", ""), ("wanted_why", ""))
_IN_TASKS: Final = (("note", ""), ("reason", ""))
_IN_MEETINGS: Final = (("place", ""), ("reason", ""))


@dataclass(frozen=True)
class Place:
    """A text from which words go: as it stands, and as it will. For the two alone who look at it."""

    before: str
    after: str


def ask(
    session: Session,
    of: Of,
    subject_id: UUID,
    words: Sequence[str],
    *,
    taken_out: str = "name",
    by: Actor,
    at: datetime,
) -> UUID:
    """Ask that these words are taken out of all that is kept of a meeting or an incident; the id of what is asked.

    Raises Refusal: nothing is asked for, too much, or the words stand nowhere in it.
    """
    _hold(session, of, subject_id)
    wanted = _checked(words)
    if taken_out not in TAKEN_OUT:
        raise Refusal("redaction.kind.malformed", N_("Choose from the list what is redacted."))
    found = places_of(session, of, subject_id, wanted)
    if not found and not (of == "meeting" and _is_in_letters(session, subject_id, _taker(wanted)(""))):
        raise Refusal("redaction.nothing", N_("These words are not in it. Write them exactly as they appear."))
    assert by.person_id is not None  # noqa: S101 - people ask
    redaction_id = uuid4()
    sealed = seal_words(session, of, subject_id, _place(redaction_id), {"words": wanted}, at=at)
    run(
        session,
        insert(Redaction).values(
            program_id=program_of(session),
            id=redaction_id,
            taken_out=taken_out,
            words=sealed,
            state=REDACTION.initial,
            asked_by=by.person_id,
            asked_as=by.role,
            asked_for=by.acting_for,
            asked_at=at,
            settled_as="",
            places=len(found),
            version=1,
            **{f"{of}_id": subject_id},
        ),
    )
    events.write(
        session, "redaction.asked", "redaction", redaction_id, by=by, at=at, of=of, taken_out=taken_out, n=len(found)
    )
    asking.ask(
        session,
        STEP,
        redaction_id,
        N_("Check words to redact, and confirm or refuse"),
        chain=coordination_chain(session) if of == "incident" else FOR_PRIVACY,
        working_days=DAYS_TO_LOOK,
        by=by,
        at=at,
    )
    return redaction_id


def confirm(session: Session, redaction_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> int:
    """Take the words out, everywhere at once; in how many texts. It cannot be undone.

    Raises Refusal: it is settled, or whoever asked for it has a part in this too, under whichever hat.
    """
    row = _lock(session, redaction_id, seen)
    _refuse_own(session, row, by, at)
    state = _moved(row, "redact")
    of, subject_id = of_what(row)
    words = words_of(session, row)
    takes = _taker(words)
    if of == "incident":
        before, after, n = incidents.redact(session, subject_id, takes(""), by=by, at=at)
    else:
        before, after, n = _redact_meetings(session, subject_id, takes, row, by=by, at=at)
    _settle(session, row, state, by=by, at=at, words=None, before=before, after=after, places=n)
    events.write(
        session,
        "redaction.done",
        "redaction",
        redaction_id,
        by=by,
        at=at,
        of=of,
        subject=str(subject_id),
        taken_out=row.taken_out,
        before=before,
        after=after,
        n=n,
    )
    asking.answered(session, STEP, redaction_id, by=by, at=at)
    return n


def decline(session: Session, redaction_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Say that the words stay. Raises Refusal as `confirm`."""
    row = _lock(session, redaction_id, seen)
    _refuse_own(session, row, by, at)
    _end(session, row, "decline", "redaction.declined", by=by, at=at)
    asking.answered(session, STEP, redaction_id, by=by, at=at)


def take_back(session: Session, redaction_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """No longer ask for it. Raises Refusal: it is settled, or somebody else asked."""
    row = _lock(session, redaction_id, seen)
    if not by.is_one_of(row.asked_by):
        raise Refusal("redaction.not_yours", N_("Someone else asked for this."))
    _end(session, row, "take_back", "redaction.taken_back", by=by, at=at)
    asking.no_more(session, STEP, redaction_id, by=by, at=at)


# -------------------------------------------------------------------------------------------------------- reading


def waiting(session: Session, of: Of | None = None) -> list[Redaction]:
    """What is asked for and not settled, the first asked first; of meetings or of incidents alone, if so."""
    here = [in_program(Redaction), col(Redaction.state) == "asked"]
    if of is not None:
        here.append(col(getattr(Redaction, f"{of}_id")).is_not(None))
    return every(session, select(Redaction).where(*here).order_by(col(Redaction.asked_at), col(Redaction.id)))


def find(session: Session, redaction_id: UUID) -> Redaction | None:
    """One that was asked for; None where there is none."""
    return first(session, of(Redaction).where(Redaction.id == redaction_id))


def of_subject(session: Session, kind: Of, subject_id: UUID) -> list[Redaction]:
    """What was asked for of one meeting or incident, the newest first."""
    return every(
        session,
        of(Redaction)
        .where(col(getattr(Redaction, f"{kind}_id")) == subject_id)
        .order_by(col(Redaction.asked_at).desc(), col(Redaction.id)),
    )


def of_what(row: Redaction) -> tuple[Of, UUID]:
    """Of what words are taken out."""
    return ("meeting", row.meeting_id) if row.meeting_id is not None else ("incident", surely(row.incident_id))


def words_of(session: Session, row: Redaction) -> list[str]:
    """The words that are to go, while it is asked. Raises Refusal."""
    found: list[str] = open_words(session, _place(row.id), surely(row.words))["words"]
    return found


def places_of(session: Session, of: Of, subject_id: UUID, words: Sequence[str]) -> list[Place]:
    """Each text from which these words would go, once: as it stands, and as it would. Raises Refusal."""
    takes = _taker(words)
    if of == "incident":
        said = [(text, "") for text in incidents.texts(session, subject_id)]
    else:
        said = list(texts_of(session, subject_id))
    found = {text: takes(language)(text) for text, language in said}
    return [Place(text, left) for text, left in found.items() if left != _composed(text)]


def texts_of(session: Session, meeting_id: UUID) -> Iterator[tuple[str, str]]:
    """Each text that people wrote and that is kept of a meeting, and of those its items came from or went to.

    So are those of what waits for a meeting of the committee, and of the meetings that look again at what was decided.
    With its language; "" where it stands for both. Raises Refusal.
    """
    for one_meeting in _chain(session, meeting_id):
        yield from _texts_of_one(session, one_meeting)


def _texts_of_one(session: Session, meeting_id: UUID) -> Iterator[tuple[str, str]]:
    meeting = _meeting(session, meeting_id)
    yield from _columns(meeting, _IN_MEETINGS)
    yield from ((text, "") for text in told.texts(session, meeting))
    for row in _rows(session, AgendaItem, meeting_id):
        yield from _columns(row, _IN_ITEMS)
        said = agenda_items.note_of(session, row)
        yield from ((said[f"note_{language}"], language) for language in ("fr", "en") if said[f"note_{language}"])
    for decision in _rows(session, Decision, meeting_id):
        yield from _columns(decision, _IN_DECISIONS)
        yield from ((text, "") for text in _objections(session, decision.id))
    for task in _tasks_of(session, meeting_id):
        yield from _columns(task, _IN_TASKS)
    for row in _in_the_pool(session, meeting):
        yield from _columns(row, _IN_ITEMS)
    for version in _rows(session, AgendaVersion, meeting_id):
        yield from _strings(version.content.get("agenda", {}))
    written = minutes.find(session, meeting_id)
    if written is not None:
        yield from _strings(written.content)
        yield from _strings(written.circulated)


# -------------------------------------------------------------------------------------------------------- doing it

R = TypeVar("R", AgendaItem, AgendaVersion, Decision)
Taker = Callable[[str], Callable[[str], str]]


def _redact_meetings(
    session: Session, meeting_id: UUID, takes: Taker, row: Redaction, *, by: Actor, at: datetime
) -> tuple[str, str, int]:
    meetings = sorted(
        {*_chain(session, meeting_id), *told.of_the_season(session, _meeting(session, meeting_id), takes(""))}
    )
    for one_meeting in meetings:
        lock_meeting(session, one_meeting)
    found = {one_meeting: list(_texts_of_one(session, one_meeting)) for one_meeting in meetings}
    texts = [said for of_one in found.values() for said in of_one]
    left = [takes(language)(text) for text, language in texts]
    salt = str(row.id)
    before = incidents.digest_of([salt, *(text for text, _ in texts)])
    after = incidents.digest_of([salt, *left])
    # What nothing is taken out of stays under the key that it has.
    changed = [
        _redact_one(session, one_meeting, takes, apart=row.id, by=by, at=at)
        for one_meeting, of_one in found.items()
        if any(takes(language)(text) != text for text, language in of_one)
    ]
    emptied = _redact_what_was_told(session, meetings, changed, takes, by=by, at=at)
    # Last, once nothing says the words any more: what is written from here on says what is left.
    for one_of_them in changed:
        if one_of_them.minutes is not None:
            _send_minutes_anew(session, one_of_them.minutes, takes, at=at)
        if one_of_them.agenda:
            _send_agenda_anew(session, one_of_them.meeting.id, by=by, at=at)
    if changed or emptied:
        for committee_id in sorted({_meeting(session, one_meeting).committee_id for one_meeting in meetings}):
            _tell_anew(session, committee_id, at=at)
    gone = {said for said, now in zip(texts, left, strict=True) if said[0] != now}
    return before, after, len(gone)


def _redact_what_was_told(
    session: Session, meetings: Sequence[UUID], changed: Sequence[_Changed], takes: Taker, *, by: Actor, at: datetime
) -> int:
    """Take words out of what was told of these meetings and of their seasons, and out of letters; of how many of them.

    Letters are read once for all of these: each of a season is of every date of it.
    """
    rows = [_meeting(session, one_meeting) for one_meeting in meetings]
    for meeting in {row.series_id or row.id: row for row in rows}.values():
        told.redact(session, meeting, takes(""))
    papers = [told.kept_under(session, [one.meeting]) for one in changed if one.agenda or one.minutes is not None]
    n = sum(notices.redact(session, ids, takes(""), whole=True, by=by, at=at) for ids in papers)
    return n + notices.redact(session, told.letters_of(session, rows), takes(""), whole=False, by=by, at=at)


def _is_in_letters(session: Session, meeting_id: UUID, taken_out: Callable[[str], str]) -> bool:
    return told.letters_hold(session, [_meeting(session, meeting_id)], taken_out)


@dataclass(frozen=True)
class _Changed:
    """A meeting from which words were taken out: whether from its agenda, and its minutes as they stood where so."""

    meeting: Meeting
    agenda: bool
    minutes: Minutes | None


def _redact_one(session: Session, meeting_id: UUID, takes: Taker, *, apart: UUID, by: Actor, at: datetime) -> _Changed:
    items, written = _rows(session, AgendaItem, meeting_id), minutes.find(session, meeting_id)
    notes = {row.id: agenda_items.note_of(session, row) for row in items}
    others = {
        asked.id: words_of(session, asked)
        for asked in of_subject(session, "meeting", meeting_id)
        if asked.state == "asked" and asked.id != apart
    }
    change_key(session, "meeting", meeting_id, at=at)
    for row in items:
        said = {name: takes(name.removeprefix("note_"))(text) for name, text in notes[row.id].items()}
        columns = _redacted(row, _IN_ITEMS, takes) | agenda_items.noted_anew(session, row, said, at=at)
        _write(session, AgendaItem, row.id, columns)
    for decision in _rows(session, Decision, meeting_id):
        _write(session, Decision, decision.id, _redacted(decision, _IN_DECISIONS, takes))
        _redact_objections(session, decision.id, takes)
    for task in _tasks_of(session, meeting_id):
        _write(session, Task, task.id, _redacted(task, _IN_TASKS, takes))
    meeting = _meeting(session, meeting_id)
    for row in _in_the_pool(session, meeting):
        _write(session, AgendaItem, row.id, _redacted(row, _IN_ITEMS, takes))
    _write(session, Meeting, meeting_id, _redacted(meeting, _IN_MEETINGS, takes))
    agenda_changed = _redact_versions(session, meeting_id, takes)
    for other, words in others.items():
        sealed = seal_words(session, "meeting", meeting_id, _place(other), {"words": words}, at=at)
        _write(session, Redaction, other, {"words": sealed})
    minutes_changed = written is not None and _redact_minutes(session, written, takes, by=by, at=at)
    return _Changed(meeting, agenda_changed, written if minutes_changed else None)


def _redact_versions(session: Session, meeting_id: UUID, takes: Taker) -> bool:
    changed = False
    for row in _rows(session, AgendaVersion, meeting_id):
        agenda = _walked(row.content.get("agenda", {}), takes, "")
        content = {**row.content, "agenda": agenda}
        if content != row.content:
            changed = True
            _write(session, AgendaVersion, row.id, {"content": content, "digest": freezing.digest_of(content)})
    return changed


def _redact_minutes(session: Session, written: Minutes, takes: Taker, *, by: Actor, at: datetime) -> bool:
    content, circulated = (_walked(said, takes, "") for said in (written.content, written.circulated))
    minutes.write_redacted(session, written, content, circulated, by=by, at=at)
    return bool((content, circulated) != (written.content, written.circulated))


def _send_minutes_anew(session: Session, written: Minutes, takes: Taker, *, at: datetime) -> None:
    """Minutes that are with their readers: whose edition changed gets it anew, with a letter that says where."""
    if not written.circulations:
        return
    was, now = from_json(written.circulated), from_json(_walked(written.circulated, takes, ""))
    assert isinstance(was, MinutesContent)  # noqa: S101 - `minutes` wrote both
    assert isinstance(now, MinutesContent)  # noqa: S101
    n = written.circulations + 1
    with suppress(Refusal), session.begin_nested():  # something else stops them: the coordinator sends them then
        minutes_posting.post(session, written.meeting_id, now, before=was, n=n, at=at)
        minutes.count_circulation(session, written, n)


def _send_agenda_anew(session: Session, meeting_id: UUID, *, by: Actor, at: datetime) -> None:
    """The agenda of a meeting to come leaves again, as a version that stands in the place of the one with the words."""
    meeting = _meeting(session, meeting_id)
    if meeting.state != "planned" or meeting.agenda_frozen_at is None or meeting.starts_at <= at:
        return
    with suppress(Refusal), session.begin_nested():  # something else stops it: the coordinator sends it then
        outgoing = freezing.restate(session, meeting_id, by=by, at=at)
        posting.post(session, outgoing, "frozen", at=at)


def _tell_anew(session: Session, committee_id: UUID, *, at: datetime) -> None:
    """Calendars that show words which were taken out get what is left; so do those whose letter was withdrawn."""
    with suppress(Refusal), session.begin_nested():  # something else stops it: the next change tells them
        invitations.tell(session, committee_id, at=at)


# ---------------------------------------------------------------------------------------------------------- words


def _checked(words: Sequence[str]) -> list[str]:
    wanted = [word for word in dict.fromkeys(" ".join(word.split()) for word in words) if word]
    if not wanted:
        raise Refusal("redaction.words.missing", N_("Write the words to redact."))
    if len(wanted) > MOST_WORDS or any(len(word) > LONGEST for word in wanted):
        raise Refusal(
            "redaction.words.too_long",
            N_("At most %(most)s words or lines at once, each of at most %(longest)s characters."),
            most=MOST_WORDS,
            longest=LONGEST,
        )
    if any(sum(letter.isalnum() for letter in word) < _LEAST for word in wanted):
        raise Refusal("redaction.words.malformed", N_("A single letter would be redacted everywhere. Write the word."))
    return wanted


def _taker(words: Sequence[str]) -> Taker:
    """What takes these words out of a text of a language: whole words, however they are written."""
    taken = takes_out(words)

    def takes(language: str) -> Callable[[str], str]:
        return lambda text: taken(_composed(text), GONE[language])

    return takes


def _composed(text: str) -> str:
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


def _walked(said: Any, takes: Taker, language: str) -> Any:
    if isinstance(said, str):
        return takes(language)(said) if said else said
    if isinstance(said, dict):
        return {key: _walked(value, takes, key if key in ("fr", "en") else language) for key, value in said.items()}
    if isinstance(said, list):
        return [_walked(value, takes, language) for value in said]
    return said


def _columns(row: InProgram, columns: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((getattr(row, name), language) for name, language in columns if getattr(row, name))


def _redacted(row: InProgram, columns: Sequence[tuple[str, str]], takes: Taker) -> dict[str, str]:
    said = {name: takes(language)(getattr(row, name)) for name, language in columns if getattr(row, name)}
    return {name: text for name, text in said.items() if text != getattr(row, name)}


# ----------------------------------------------------------------------------------------------------------- rows


def _chain(session: Session, meeting_id: UUID) -> list[UUID]:
    """The meeting, those that its items were carried over from or to, and those that share a decision with them.

    A decision's words stand in the title of each item by which a meeting looks at it again. In the order of their ids.
    """
    items = only(AgendaItem.id, AgendaItem.meeting_id, AgendaItem.carried_from_id).where(
        (col(AgendaItem.carried_from_id).is_not(None)) | col(AgendaItem.meeting_id).is_not(None)
    )
    rows = {row.id: row for row in run(session, items)}
    beside: dict[UUID, set[UUID]] = {}
    for row in rows.values():
        if row.carried_from_id is not None:
            beside.setdefault(row.id, set()).add(row.carried_from_id)
            beside.setdefault(row.carried_from_id, set()).add(row.id)
    left = [row.id for row in rows.values() if row.meeting_id == meeting_id]
    seen: set[UUID] = set()
    while left:
        item = left.pop()
        if item not in seen:
            seen.add(item)
            left += beside.get(item, ())
    found = {rows[item].meeting_id for item in seen if item in rows and rows[item].meeting_id is not None}
    return sorted(_with_what_they_decided(session, found | {meeting_id}))


def _with_what_they_decided(session: Session, meetings: set[UUID]) -> set[UUID]:
    """These meetings, those that took a decision at which one of them looks, and all that look at one of theirs."""
    looked_at = only(AgendaItem.subject).where(col(AgendaItem.meeting_id).in_(meetings))
    taken = run(
        session,
        only(Decision.id, Decision.meeting_id).where(
            col(Decision.meeting_id).in_(meetings) | cast(col(Decision.id), Text).in_(looked_at)
        ),
    ).all()
    looks = scalars(
        session,
        only(surely(AgendaItem.meeting_id)).where(
            col(AgendaItem.subject).in_([str(row.id) for row in taken]), col(AgendaItem.meeting_id).is_not(None)
        ),
    )
    return meetings | {row.meeting_id for row in taken} | set(looks)


def _objections(session: Session, decision_id: UUID) -> list[str]:
    rows = scalars(
        session, only(Endorsement.reason).where(Endorsement.decision_id == decision_id, Endorsement.reason != "")
    )
    return list(rows)


def _redact_objections(session: Session, decision_id: UUID, takes: Taker) -> None:
    rows = every(session, of(Endorsement).where(Endorsement.decision_id == decision_id))
    for row in rows:
        _write(session, Endorsement, row.id, _redacted(row, (("reason", ""),), takes))


def _tasks_of(session: Session, meeting_id: UUID) -> list[Task]:
    """The tasks of a meeting and of its decisions, with what was written as they were done or handed back.

    Of a decision, what it has somebody do, and what it asks of each partner.
    """
    decided = in_program(Decision), col(Decision.meeting_id) == meeting_id
    asked_about = col(Task.item).in_(
        [str(meeting_id), *map(str, scalars(session, select(Decision.id).where(*decided)))]
    )
    return every(
        session,
        of(Task)
        .where(col(Task.id).in_(select(Decision.task_id).where(*decided)) | (col(Task.case_id).is_(None) & asked_about))
        .order_by(col(Task.id)),
    )


def _rows(session: Session, table: type[R], meeting_id: UUID) -> list[R]:
    return every(session, of(table).where(table.meeting_id == meeting_id).order_by(col(table.id)))


def _in_the_pool(session: Session, meeting: Meeting) -> list[AgendaItem]:
    """What waits for a meeting of the same committee, or was asked of it and never came on one.

    There waits what is held back since it names somebody. It has no meeting of its own, so that any of them takes
    words out of it. So do those that took the decision that is looked at, of whichever committee.
    """
    decided = select(cast(col(Decision.id), Text)).where(in_program(Decision), Decision.meeting_id == meeting.id)
    return every(
        session,
        of(AgendaItem)
        .where(
            col(AgendaItem.meeting_id).is_(None),
            (col(AgendaItem.committee_id) == meeting.committee_id) | col(AgendaItem.subject).in_(decided),
        )
        .order_by(col(AgendaItem.id)),
    )


def _meeting(session: Session, meeting_id: UUID) -> Meeting:
    found = first(session, of(Meeting).where(Meeting.id == meeting_id))
    if found is None:
        raise Refusal("meeting.unknown", N_("There is no such meeting."))
    return found


def _write(session: Session, table: Any, row_id: UUID, values: Mapping[str, Any]) -> None:
    """Write what words are left. A row with a version counts it up: who looked at the words of before is told."""
    if not values:
        return
    counted = {"version": table.version + 1} if hasattr(table, "version") and table is not Redaction else {}
    run(session, changes(table).where(table.id == row_id).values(**values, **counted))


def _hold(session: Session, of: Of, subject_id: UUID) -> None:
    if of == "meeting":
        lock_meeting(session, subject_id)
    else:
        incidents.hold(session, subject_id)


def _lock(session: Session, redaction_id: UUID, seen: int | None) -> Redaction:
    row = first(session, of(Redaction).where(Redaction.id == redaction_id).with_for_update())
    if row is None:
        raise Refusal("redaction.unknown", N_("There is no such request."))
    if seen is not None and seen != row.version:
        raise Refusal(
            "redaction.changed",
            N_("This was settled by someone else or in another window. Nothing was changed; look again."),
        )
    return row


def _refuse_own(session: Session, row: Redaction, by: Actor, at: datetime) -> None:
    """Two people, whichever hats they wear and for whomever they act; nor one and their deputy since it was asked."""
    asked = {one for one in (row.asked_by, row.asked_for) if one is not None}
    asked |= deputies_of(session, asked, [(local_day(session, row.asked_at), local_day(session, at))])
    if by.person_id is None or asked & {by.person_id, by.acting_for}:
        raise Refusal("redaction.own", N_("Redaction takes two people: someone else must answer."))


def _moved(row: Redaction, move: str) -> str:
    try:
        return REDACTION.after(row.state, move)
    except NoSuchMove:
        raise Refusal("redaction.settled", N_("This was settled already.")) from None


def _end(session: Session, row: Redaction, move: str, verb: str, *, by: Actor, at: datetime) -> None:
    _settle(session, row, _moved(row, move), by=by, at=at, words=None)
    events.write(session, verb, "redaction", row.id, by=by, at=at, taken_out=row.taken_out)


def _settle(session: Session, row: Redaction, state: str, *, by: Actor, at: datetime, **values: Any) -> None:
    run(
        session,
        changes(Redaction)
        .where(Redaction.id == row.id)
        .values(
            state=state,
            settled_by=by.person_id,
            settled_as=by.role,
            settled_for=by.acting_for,
            settled_at=at,
            version=row.version + 1,
            **values,
        ),
    )


def _place(redaction_id: UUID) -> str:
    return f"redaction/{redaction_id}"
