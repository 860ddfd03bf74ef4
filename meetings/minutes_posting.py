"""Sending the minutes of a meeting: to each who was invited or sat, in a language in which they are whole.

Minutes that changed after they had gone out go to the readers whose edition changed, with a letter that says where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import Language, Refusal, col, local_day, only, scalars
from domain.mail import Attachment, notices
from locales import LANGUAGES, N_, pick, say
from meetings import agenda_papers
from meetings.agenda_papers import WIDEST, Reader
from meetings.attendance import attendance_of
from meetings.attendance_changes import attendance_changes
from meetings.committees import committees, membership, title_of
from meetings.documents.content import NOTHING, Both, DecisionLine, MinutesContent, MinutesItem, untranslated
from meetings.documents.issuing import issue, refuse_names
from meetings.invitations import PersonalNews
from meetings.locking import read_meeting
from meetings.wording import when
from models.committee import Committee
from models.meeting import Meeting
from models.program import Tenure

#: The kinds of letter, as a preview calls them.
FIRST: Final = "minutes"
CORRECTED: Final = "minutes_corrected"


@dataclass(frozen=True)
class Edition:
    """The minutes as one reader gets them, and the language in which: theirs, or another in which alone they are
    whole."""

    content: MinutesContent
    language: str


def readers_of(session: Session, meeting_id: UUID, day: date) -> tuple[Reader, ...]:
    """Who gets the minutes on a local day: who was invited, who sat without that, and the second representatives.

    Each reads them as their seat does. People without a role by then are left out, as they have left the program. So is
    a second representative who neither sat nor has the seat any more. An alternate who came without being named for it
    is one of those who sat.
    """
    sat = {one.person_id: one.seat for one in attendance_of(session, meeting_id) if one.person_id is not None}
    readers = agenda_papers.readers_of(session, meeting_id, sat=sat)
    tenures = only(Tenure.person_id).where(col(Tenure.person_id).in_([reader.person_id for reader in readers]))
    is_over = func.max(func.coalesce(col(Tenure.ends_on), date.max)) < day
    gone = set(scalars(session, tenures.group_by(col(Tenure.person_id)).having(is_over)))
    members = membership(session, read_meeting(session, meeting_id).committee_id)
    return tuple(
        reader
        for reader in readers
        if reader.person_id not in gone
        and not (reader.is_kept_aware and members.seat_of(reader.person_id, day) is None)
    )


def read_by(content: MinutesContent, audience: str) -> MinutesContent:
    """Minutes as an audience reads them (`models.agenda.AUDIENCES`): under the same numbers, some with gaps."""
    may = WIDEST[: WIDEST.index(audience) + 1]
    return replace(content, items=tuple(item for item in content.items if item.audience in may))


def edition_for(content: MinutesContent, reader: Reader) -> Edition | None:
    """What a reader gets; None where what they may read is whole in no language."""
    mine = read_by(content, reader.audience)
    tried = [reader.language, *(one for one in LANGUAGES if one != reader.language)]
    return next((Edition(mine, language) for language in tried if not untranslated(mine, language)), None)


def lacking(content: MinutesContent) -> dict[str, tuple[str, ...]]:
    """By language, the numbers of the items and decisions of which something is not written in it."""
    found = {}
    for language in LANGUAGES:
        alone = ((item, replace(content, items=(item,), attendance=(), decisions=())) for item in content.items)
        numbers = [item.line.number for item, whole in alone if untranslated(whole, language)]
        numbers += [line.number for line in content.decisions if line.text and not pick(language, line.text)]
        if numbers:
            found[language] = tuple(numbers)
    return found


def post(
    session: Session,
    meeting_id: UUID,
    content: MinutesContent,
    *,
    before: MinutesContent | None = None,
    n: int,
    at: datetime,
) -> tuple[PersonalNews, ...]:
    """Write the letters that bring the minutes for the `n`th time, each with its PDF; returns the readers.

    With `before`, what they said when they last went out: then to those alone who have news.
    Raises Refusal where an edition is whole in no language, or holds a name that may not go out.
    """
    refuse_names(session, content)
    meeting = read_meeting(session, meeting_id)
    committee = committees(session)[meeting.committee_id]
    printed: dict[tuple[str, str], Attachment] = {}
    told = []
    for reader in readers_of(session, meeting_id, local_day(session, at)):
        edition = edition_for(content, reader)
        if edition is None:
            raise _whole_in_none(content)
        had = edition_for(before, reader) if before is not None else None
        changed = tuple(changes(had, edition)) if had is not None else ()
        if had is not None and not changed:
            continue
        place = (reader.audience, edition.language)
        if place not in printed:
            printed[place] = issue(session, edition.content, edition.language, committee=committee.key)
        written = notices.write(
            session,
            "meeting_minutes",
            to=reader.person_id,
            key=f"minutes:{meeting_id}:{n}:{notices.once_by(at)}",
            facts=_facts(committee, meeting, edition, changed, is_corrected=had is not None),
            at=at,
            attachments=(printed[place],),
        )
        kind = FIRST if had is None else CORRECTED
        told.append(PersonalNews(reader.person_id, committee.id, kind, "", meeting.starts, has_address=written))
    return tuple(told)


@dataclass(frozen=True)
class MinutesChange:
    """Where minutes say something else than before: in an item or a decision with this number, or in a part of them.

    Of the attendance, `title` says what.
    """

    part: str  # a key of `_PARTS`
    number: str = ""
    title: Both = NOTHING

    def in_words(self, language: str) -> str:
        """As a line of a letter."""
        return say(language, _PARTS[self.part], number=self.number, title=pick(language, self.title) or self.title.fr)


_PARTS: Final[Mapping[str, str]] = {
    "head": N_("The hour or the place of the meeting"),
    "attendance": N_("The attendance"),
    "seat": N_("Attendance, %(title)s"),
    "item": N_("Item %(number)s: %(title)s"),
    "decision": N_("Decision %(number)s"),
    "language": N_("The language: they are complete in another one now"),
}


def changes(had: Edition, has: Edition) -> Iterator[MinutesChange]:
    """Where an edition says something else than the one that its reader had before, in their order."""
    before, after, language = had.content, has.content, has.language
    if had.language != language:
        yield MinutesChange("language")
    if _said(before.head, language) != _said(after.head, language):
        yield MinutesChange("head")
    corrected = attendance_changes(before, after)
    for one in corrected:
        yield MinutesChange("seat", title=one)
    if not corrected and any(
        _said(getattr(before, one), language) != _said(getattr(after, one), language) for one in _ON_ATTENDANCE
    ):
        yield MinutesChange("attendance")
    (old, decided), (new, decides) = _by_number(before), _by_number(after)
    for number in _differing(old, new, language):
        yield MinutesChange("item", number, (old | new)[number].line.title)
    for number in _differing(decided, decides, language):
        yield MinutesChange("decision", number)


_ON_ATTENDANCE: Final = ("attendance", "quorum", "has_quorum")


def _by_number(content: MinutesContent) -> tuple[dict[str, MinutesItem], dict[str, DecisionLine]]:
    """The items of minutes, and the decisions taken outside any."""
    return {item.line.number: item for item in content.items}, {line.number: line for line in content.decisions}


def _differing(had: Mapping[str, object], has: Mapping[str, object], language: str) -> Iterator[str]:
    """The numbers under which something else is said than before, or something that was not there."""
    for number in {**had, **has}:
        if _said(had.get(number), language) != _said(has.get(number), language):
            yield number


def _said(part: object, language: str) -> Any:
    """A part of minutes as it reads in one language."""
    if isinstance(part, Both):
        return pick(language, part)
    if isinstance(part, tuple):
        return tuple(_said(element, language) for element in part)
    if is_dataclass(part):
        return {field.name: _said(getattr(part, field.name), language) for field in fields(part)}
    return part


def _whole_in_none(content: MinutesContent) -> Refusal:
    numbers = dict.fromkeys(number for found in lacking(content).values() for number in found)
    return Refusal(
        "minutes.untranslated",
        N_("The minutes are complete in no language. Write in one of them what is said on: %(numbers)s."),
        numbers=", ".join(numbers),
    )


def _facts(
    committee: Committee, meeting: Meeting, edition: Edition, changed: tuple[MinutesChange, ...], *, is_corrected: bool
) -> notices.Facts:
    def facts(language: Language) -> dict[str, object]:
        return {
            "committee": title_of(committee, language),
            "when": when(language, meeting.starts),
            "is_corrected": is_corrected,
            "lines": [{"text": one.in_words(language)} for one in changed],
            "in_another_language": edition.language != language,
            "path": f"/meetings/{meeting.id}/minutes",
        }

    return facts
