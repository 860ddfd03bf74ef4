"""Writes letters: to those who an act concerns, in their language, as finished bytes, in the transaction of the act.

A letter names staff, steps and days, and never a participant, a reason or a note. A person without an address is not
passed over in silence: the coordinator is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.kernel import (
    Actor,
    Language,
    col,
    first,
    hosts_of,
    in_program,
    inside,
    local_day,
    of,
    only,
    program,
    program_of,
    run,
    scalar,
    scalars,
    select,
    there_is,
)
from domain.mail.delivery import POST_CHANNEL
from domain.mail.envelopes import Attachment, CalendarPart, Mailbox, message_id, mime
from domain.mail.letters import COMMON, Letter, Letters
from domain.mail.name_gate import Known, NameGate, nobody
from domain.mail.sent_before import was_sent
from domain.record import events
from domain.roles import Holder, Link, calls_who_barred, standing
from locales import N_, pick, say, say_n
from models.lifecycles import NOTICE
from models.outbox import Notice
from models.program import Person, Role
from models.record import Event

Facts = Callable[[Language], Mapping[str, object]]


#: The chain of those who answer for the whole program.
COORDINATION: list[Link] = [Link("coordinator")]


def coordination_chain(session: Session) -> list[Link]:
    """Those who answer for the whole program, and behind them the coordination's hosts: managers, then directors.

    For what waits on no one else, so that it has a holder also while there is no coordinator.
    """
    hosts = hosts_of(session)
    return COORDINATION + [Link(role, str(place)) for role in ("manager", "director") for place in hosts]


#: Someone who has no address is spoken of again so long after, where nothing changed.
TOLD_AGAIN_AFTER: Final = timedelta(days=30)


@dataclass(frozen=True)
class LetterTemplates:
    """What letters are written with: their templates, their sender, and the address of their links.

    `known` gives the people who may be named in none of them, nor in any document (`domain.mail.name_gate`).
    """

    letters: Letters
    sender: Mailbox
    base_url: str
    known: Known = nobody

    @property
    def domain(self) -> str:
        """The domain of the letters' Message-IDs."""
        return self.sender.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Unreached:
    """A letter that a person without an address did not get, as it was for them; and in the other language."""

    person: Person
    key: str
    letter: Letter
    _in_language: Callable[[Language], Letter]

    def subject(self, language: Language) -> str:
        """What the letter was about, for a reader of this language."""
        return (self.letter if language == self.person.language else self._in_language(language)).subject


def stationery_for(
    *, sender: Mailbox, base_url: str, folders: Sequence[Path] = (), known: Known = nobody
) -> LetterTemplates:
    """The stationery with the common letters and those of the protocols' own folders.

    Raises ValueError where `base_url` is no web address.
    """
    if urlsplit(base_url).scheme not in ("http", "https"):
        msg = "links in letters need a web address"
        raise ValueError(msg)
    return LetterTemplates(Letters([COMMON, *folders]), sender, base_url, known)


def write(
    session: Session,
    template: str,
    *,
    to: UUID,
    key: str,
    facts: Facts,
    at: datetime,
    case_id: UUID | None = None,
    thread: str = "",
    calendars: Sequence[CalendarPart] = (),
    attachments: Sequence[Attachment] = (),
    calls: Sequence[str] = (),
    instead: Mapping[UUID, list[Unreached]] | None = None,
) -> bool:
    """Put one letter to one person into the outbox. The same `key` to the same person writes once, ever.

    Ever is beyond a restore: the key of an act has its moment (`once_by`), or an id that the act makes. That of a round
    has what it found, and no count or version that an older copy of the database counts once more.

    Letters of one `thread` to one person leave in the order in which they were written. `calendars` go with the letter,
    for its reader's calendar: the first is what most of them take. `calls` are the numbers and references of its
    participants beside those in its own words. `facts` gives the letter's facts in the language that the person reads.

    Returns False where it was written before, where it names a participant who barred the person from their file
    (`_is_kept_from`), or where the person has no address. The record then says that there was no letter, and the
    coordinator is told of the person, once until something changes. `instead` are those who get a letter of the same
    act: a coordinator among them is sent none about the person. What was not written is added there, each time, for
    theirs to say so. Raises Refusal where the letter, or what goes with it, names a person who may not be named.
    """
    person = person_of(session, to)
    language = cast("Language", person.language)
    letter = _letter(session, template, person, language, facts(language))
    letter = replace(letter, calls=tuple(sorted({*letter.calls, *calls})))
    NameGate.here(session).refuse(_parts_of(letter, calendars, attachments))
    if (case_id is not None or template in _OF_LETTERS) and _is_kept_from(session, template, person, letter):
        return False
    if person.email is None:
        missed = Unreached(person, key, letter, lambda other: _letter(session, template, person, other, facts(other)))
        _tell_of_no_address(session, template, missed, at=at, case_id=case_id, instead=instead or {})
        return False
    return _put(
        session,
        template,
        person,
        letter,
        key=f"{key}:{person.id}",
        at=at,
        case_id=case_id,
        thread=thread,
        calendars=calendars,
        attachments=attachments,
    )


def once_by(at: datetime) -> str:
    """The moment of an act, by which the key of its letter is its own.

    An older copy of the database counts versions once more, and no moment. An act that is done again after a restore
    has the moment of the first time, so that its letters are not new.
    """
    return at.astimezone(UTC).isoformat()


def is_written(session: Session, key: str, person_id: UUID) -> bool:
    """Whether a letter with this key to a person was written, also where a restore lost it after it was sent."""
    whole = f"{key}:{person_id}"
    return there_is(session, only(Notice.id).where(Notice.key == whole)) or was_sent(session, whole)


def given_up(session: Session, notice: Notice, *, refused: bool, at: datetime) -> None:
    """Tell the coordinator that a letter reached no one: of one person and address, the first of a local day.

    A letter of that kind to them is not itself reported. Everything else that was not delivered is on the page of
    outgoing mail.
    """
    if notice.template in _OF_LETTERS:
        return
    recipient = person_of(session, notice.person_id)
    # An address that was mended and fails again the same day is news.
    address = hashlib.sha256(notice.to_address.encode()).hexdigest()[:16]
    for holder in _coordination(session, at):
        write(
            session,
            "notice_given_up",
            to=holder.person_id,
            key=f"given_up:{recipient.id}:{address}:{local_day(session, at).isoformat()}",
            facts=lambda _: {
                "recipient": recipient.name,
                "subject": notice.subject,
                "refused": refused,
                "code": notice.code,
                "attempts": notice.attempts,
                "path": f"/post/{notice.id}",
            },
            at=at,
            calls=notice.calls,
        )


def had_no_address(session: Session, key: str, person_id: UUID) -> bool:
    """Whether a letter with this key to a person was not written for want of an address."""
    missed = only(Event.id).where(
        Event.subject_id == person_id, Event.verb == "notice.no_address", inside(Event.facts)["key"].astext == key
    )
    return there_is(session, missed)


def written_to(session: Session, key_begins: str) -> set[UUID]:
    """Everyone with a letter whose key begins like this."""
    about = col(Notice.key).startswith(key_begins, autoescape=True)
    return set(scalars(session, only(Notice.person_id).where(about)))


def _tell_of_no_address(
    session: Session,
    template: str,
    missed: Unreached,
    *,
    at: datetime,
    case_id: UUID | None,
    instead: Mapping[UUID, list[Unreached]],
) -> None:
    """Write to the coordinator in place of a person without an address; where they have none either, it shows."""
    person = missed.person
    if had_no_address(session, missed.key, person.id):
        return
    reached = _others_reached(session, person, at)
    for coordinator in reached:
        instead.get(coordinator.id, []).append(missed)
    to_tell = [one for one in reached if one.id not in instead and not _knows(session, one, person, at)]
    by, facts = Actor.system("post"), {"template": template, "key": missed.key}
    events.write(session, "notice.no_address", "person", person.id, by=by, at=at, case_id=case_id, **facts)
    for coordinator in to_tell:
        _tell_alone(session, coordinator, missed, at=at, case_id=case_id)


def _others_reached(session: Session, person: Person, at: datetime) -> list[Person]:
    """The coordinators who have an address, without this person."""
    coordinators = (person_of(session, holder.person_id) for holder in _coordination(session, at))
    return [one for one in coordinators if one.email is not None and one.id != person.id]


def _tell_alone(
    session: Session, coordinator: Person, missed: Unreached, *, at: datetime, case_id: UUID | None
) -> None:
    """Tell a coordinator, in a letter of its own, of a person who has no address."""
    language = cast("Language", coordinator.language)
    facts = _facts_of_missed([missed], language, is_silent_then=True)
    told = replace(_letter(session, "no_address", coordinator, language, facts), calls=missed.letter.calls)
    if not _is_kept_from(session, "no_address", coordinator, told):
        key = f"{_without_address(missed.person, coordinator)}{local_day(session, at).isoformat()}"
        _put(session, "no_address", coordinator, told, key=key, at=at, case_id=case_id)


def tell_of_unreached(session: Session, to: UUID, missed: Sequence[Unreached], *, at: datetime) -> bool:
    """Tell a coordinator, in one letter, of all that an act did not reach: of each act again. False as for `write`."""
    keys = hashlib.sha256("\n".join(sorted(f"{one.key} {one.person.id}" for one in missed)).encode()).hexdigest()
    return write(
        session,
        "no_address",
        to=to,
        key=f"unreached:{keys}",
        facts=lambda language: _facts_of_missed(missed, language, is_silent_then=False),
        at=at,
        calls=sorted({call for one in missed for call in one.letter.calls}),
    )


@dataclass(frozen=True, slots=True)
class _Missed:
    """A line of the letter to a coordinator: who was not reached, and with what."""

    recipient: str
    subject: str
    path: str


def _facts_of_missed(missed: Sequence[Unreached], language: Language, *, is_silent_then: bool) -> dict[str, object]:
    people = sorted({one.person.name for one in missed})
    others = len(people) - 1
    return {
        "recipients": say_n(
            language, "%(first)s and %(n)s other person", "%(first)s and %(n)s other people", others, first=people[0]
        )
        if others
        else people[0],
        "missed": [
            _Missed(one.person.name, one.subject(language), f"/people/{one.person.id}")
            for one in sorted(missed, key=lambda one: one.person.name)
        ],
        "is_silent_then": is_silent_then,
    }


def _knows(session: Session, coordinator: Person, person: Person, at: datetime) -> bool:
    """Whether the coordinator was told lately, in a letter that says so, and the address has not changed since.

    The people in a planning act's letter are named for that act alone: of other notices this silences none.
    """
    told = scalar(
        session,
        select(func.max(col(Notice.created_at))).where(
            in_program(Notice),
            Notice.person_id == coordinator.id,
            col(Notice.key).startswith(_without_address(person, coordinator), autoescape=True),
        ),
    )
    if told is None or told <= at - TOLD_AGAIN_AFTER:
        return False
    changed = only(Event.id).where(
        Event.subject_id == person.id,
        Event.verb == "person.updated",
        col(Event.at) > told,
        inside(Event.facts)["changed"].contains(["email"]),
    )
    return not there_is(session, changed)


def _without_address(person: Person, coordinator: Person) -> str:
    return f"no_address:{person.id}:{coordinator.id}:"


def title_of_role(session: Session, key: str) -> Callable[[Language], str]:
    """The title of a role, by language; its key where the program has none of it."""
    role = first(session, of(Role).where(Role.key == key))
    return lambda language: pick(language, {"fr": role.title_fr, "en": role.title_en}) if role else key


#: Letters about another letter, whose subject they say.
_OF_LETTERS: Final = frozenset({"notice_given_up", "no_address"})
#: A referrer is told who makes contact (AD-R5): it is all that they are ever told.
WORKER_NAMED: Final = "worker_named"
_ALL_THE_SAME: Final = frozenset({WORKER_NAMED})


def _is_kept_from(session: Session, template: str, person: Person, letter: Letter) -> bool:
    """Whether a letter names, by number or reference, a participant who barred this person from their file.

    What waits on them alone is not lost: their own page says that something falls to them that is not shown
    (`board.keeps_back`). A committee's papers are of no case, and the same for each of its members.
    """
    if template in _ALL_THE_SAME:
        return False
    return calls_who_barred(session, person.id)("\n".join((*letter.calls, letter.text)))


def templates_of(session: Session) -> LetterTemplates:
    """The templates that a session writes its letters from, as the window or the worker gave them."""
    found: LetterTemplates = session.info["letter_templates"]
    return found


def _letter(session: Session, template: str, person: Person, language: Language, facts: Mapping[str, object]) -> Letter:
    paper = templates_of(session)
    everywhere = {"name": person.name, "program": pick(language, title_of_program(session)), "base_url": paper.base_url}
    return paper.letters.render(template, language=language, facts={**everywhere, **facts})


def _parts_of(
    letter: Letter, calendars: Sequence[CalendarPart], attachments: Sequence[Attachment]
) -> Iterator[str | bytes]:
    """All that people read in a letter; its HTML is made of the same text."""
    yield letter.subject
    yield letter.text
    for calendar in calendars:
        yield calendar.file_name
        yield calendar.content
    for one_of_them in attachments:
        yield one_of_them.name
        yield one_of_them.content


def _put(
    session: Session,
    template: str,
    person: Person,
    letter: Letter,
    *,
    key: str,
    at: datetime,
    case_id: UUID | None,
    thread: str = "",
    calendars: Sequence[CalendarPart] = (),
    attachments: Sequence[Attachment] = (),
) -> bool:
    if was_sent(session, key):
        return False
    paper = templates_of(session)
    notice_id = uuid4()
    language = cast("Language", person.language)
    address = person.email or ""
    message = mime(
        letter,
        sender=paper.sender,
        to=Mailbox(address, person.name),
        message_id=message_id(notice_id, paper.domain),
        date=at,
        language=language,
        calendars=calendars,
        attachments=attachments,
    )
    put = scalar(
        session,
        insert(Notice)
        .values(
            program_id=program_of(session),
            id=notice_id,
            key=key,
            person_id=person.id,
            to_address=address,
            language=language,
            template=template,
            thread=thread,
            subject=letter.subject,
            calls=list(letter.calls),
            message=message,
            case_id=case_id,
            state=NOTICE.initial,
            created_at=at,
            attempts=0,
            next_attempt_at=at,
            code="",
        )
        .on_conflict_do_nothing(index_elements=["program_id", "key"])
        .returning(col(Notice.id)),
    )
    if put is None:
        return False
    run(session, text(f"select pg_notify('{POST_CHANNEL}', '')"))
    by, whose = Actor.system("post"), str(person.id)
    events.write(
        session, "notice.written", "notice", notice_id, by=by, at=at, case_id=case_id, template=template, person=whose
    )
    return True


def _coordination(session: Session, at: datetime) -> tuple[Holder, ...]:
    return standing(session, local_day(session, at)).falls(COORDINATION).holders


def person_of(session: Session, person_id: UUID) -> Person:
    """The person of this id. Raises LookupError where there is none."""
    found = session.get(Person, (program_of(session), person_id))
    if found is None:
        msg = "a person is named who does not exist"
        raise LookupError(msg)
    return found


def name_of(session: Session, by: Actor, language: Language) -> str:
    """The actor as a letter says it: a person's name, or the program where no person acted."""
    if by.person_id is None:
        return say(language, _THE_PROGRAM)
    return person_of(session, by.person_id).name


_THE_PROGRAM = N_("The program")


def title_of_program(session: Session) -> dict[str, str]:
    """The title of the program, by language."""
    here = program(session)
    return {"fr": here.title_fr, "en": here.title_en}
