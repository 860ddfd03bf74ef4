"""What a meeting's agenda says on paper, and who may read which part of it. Reads only.

An agenda that is frozen says what it said when it was frozen, and each addendum what was added; one that is not says
what is on it now, under the numbers that it would get. Every audience reads the same numbers, some with gaps.

What went out is kept for good as versions, counted from 1 in each meeting. An agenda that was frozen anew replaces
those before it and their addenda; the addenda to it are counted from 1 again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain
from typing import Final, Literal, NamedTuple, TypeVar
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Refusal, col, only, program, scalar, tuples
from domain.terms import BY_NUMBER, Shared, not_sharing
from locales import LANGUAGES, N_, pick
from meetings.agenda_items import PresentedItem, items_of
from meetings.committees import ALTERNATE, CommitteeSeat, committees, membership
from meetings.documents.content import AgendaContent, AgendaLine, Both, MeetingHeading, as_json, from_json
from meetings.invitees import others
from meetings.locking import read_meeting
from meetings.reasons import in_words, why_late
from models.agenda import AUDIENCES, CARRIED, AgendaVersion, KeptPaper
from models.meeting import Meeting
from models.program import Person

Key = TypeVar("Key")

#: The audiences, from the widest: each reads what is for those before it too.
WIDEST: Final = AUDIENCES
#: The audience that reads everything.
PARTNERS: Final = AUDIENCES[-1]


@dataclass(frozen=True)
class Reader:
    """Someone who gets the papers of a meeting: the language that they read, and as what they read its agenda.

    `is_kept_aware`: not invited, but the second representative of a seat, who is kept aware of what was committed to.
    """

    person_id: UUID
    language: str
    audience: str
    is_kept_aware: bool = False


def readers_of(
    session: Session, meeting_id: UUID, *, sat: Mapping[UUID, CommitteeSeat] | None = None
) -> tuple[Reader, ...]:
    """Everyone who gets the papers of a meeting, and how they read them; with `sat`, also who sat on which seat there.

    Those who are invited, and the second representatives of its seats, whether or not the first is away (CM-2R): these
    read nothing but what is written for their seat. A guest reads what is for all who are invited; who has a seat, what
    is for the seats; who has one for a partner of the program, everything. Of no partner are an outside organization,
    and one that by that day has no agreement, or none that shares what this committee speaks of (AG-IS).
    """
    meeting = read_meeting(session, meeting_id)
    members = membership(session, meeting.committee_id)
    day = meeting.starts.date()
    outside = closed_to(session, members.key, day)
    # Guests, and alternates whom somebody who cannot come has named: these read as the seat that they hold.
    guests = {person: members.seat_of(person, day) for person in others(session, [meeting_id])[meeting_id]}
    seats: dict[UUID, CommitteeSeat | None] = {**guests, **(sat or {}), **members.invited(day)}
    held = (person for seat in members.seats_on(day) for person in members.holders(seat.id, day, ALTERNATE))
    aware = {person: members.seat_of(person, day) for person in held if person not in seats}
    audiences = {person: widest_of(seat, members.key, outside) for person, seat in {**seats, **aware}.items()}
    people = only(Person.id, Person.language).where(col(Person.id).in_(list(audiences)))
    rows = tuples(session, people.order_by(col(Person.sort_key), col(Person.id)))
    return tuple(Reader(person, language, audiences[person], person in aware) for person, language in rows)


def closed_to(session: Session, committee: str, day: date) -> frozenset[UUID]:
    """The organizations that do not read, on a local day, what a committee keeps for partners (AG-IS)."""
    return not_sharing(session, day, BY_NUMBER if committee == BY_NUMBER.body else Shared())


def widest_of(seat: CommitteeSeat | None, committee: str, closed: Collection[UUID]) -> str:
    """The audience of a seat's holder, or of a guest without a seat; `closed` as `closed_to` has it.

    The Clinical Committee speaks of participants to all its seats: one that may not hear of them reads as a guest does.
    """
    if seat is None:
        return WIDEST[0]
    if seat.organization_id not in closed:
        return PARTNERS
    return WIDEST[0] if committee == BY_NUMBER.body else WIDEST[1]


class Printed(NamedTuple):
    """An item as an agenda was written down with it: its id, and who may read it."""

    id: str
    audience: str


@dataclass(frozen=True)
class PrintedAgenda:
    """An agenda as it is written down: what it says, and beside each of its lines the item and who may read it."""

    says: AgendaContent
    items: tuple[Printed, ...]

    def read_by(self, audience: str) -> AgendaContent:
        """What this audience reads of it."""
        return replace(self.says, items=tuple(self.by_item(audience).values()))

    def by_item(self, audience: str) -> dict[str, AgendaLine]:
        """The lines that this audience reads, by the ids of their items."""
        may = WIDEST[: WIDEST.index(audience) + 1]
        lines = zip(self.says.items, self.items, strict=True)
        return {item.id: line for line, item in lines if item.audience in may}

    def kept(self) -> KeptPaper:
        """It as it is stored."""
        audiences, items = [item.audience for item in self.items], [item.id for item in self.items]
        return KeptPaper(agenda=as_json(self.says), audiences=audiences, items=items)


def content(session: Session, meeting_id: UUID, *, audience: str = PARTNERS, addendum: int = 0) -> AgendaContent:
    """The agenda, or from 1 on an addendum to it, as this audience reads it. Raises Refusal where there is none."""
    is_frozen = read_meeting(session, meeting_id).agenda_frozen_at is not None
    if not is_frozen and addendum == 0:
        return paper(session, meeting_id).read_by(audience)
    current = [one for one in versions_of(session, meeting_id) if not one.is_replaced and one.addendum == addendum]
    if not is_frozen or not current:
        raise Refusal("agenda.no_addendum", N_("There is no such addendum."))
    return content_of(session, meeting_id, current[0].n, audience=audience)


def content_of(session: Session, meeting_id: UUID, n: int, *, audience: str = PARTNERS) -> AgendaContent:
    """What the version `n` of a meeting's agenda said when it went out, as this audience reads it. Raises Refusal."""
    return _kept_as(session, meeting_id, n).read_by(audience)


def whole(session: Session, meeting_id: UUID, *, audience: str = PARTNERS) -> AgendaContent:
    """The agenda of a meeting with what was added to it since it was frozen, in the order of the numbers."""
    is_frozen = read_meeting(session, meeting_id).agenda_frozen_at is not None
    return (frozen_whole if is_frozen else paper)(session, meeting_id).read_by(audience)


def frozen_whole(session: Session, meeting_id: UUID) -> PrintedAgenda:
    """A frozen agenda and the addenda to it as one, as they were printed. Raises Refusal where it is not frozen."""
    parts = [_kept_as(session, meeting_id, one.n) for one in versions_of(session, meeting_id) if not one.is_replaced]
    if not parts:
        raise _no_version()
    lines = [pair for part in parts for pair in zip(part.says.items, part.items, strict=True)]
    lines.sort(key=lambda one: [int(number) for number in one[0].number.split(".")])
    says, items = tuple(line for line, _ in lines), tuple(item for _, item in lines)
    return PrintedAgenda(replace(parts[0].says, items=says, overrun_minutes=parts[-1].says.overrun_minutes), items)


@dataclass(frozen=True)
class AgendaEdition:
    """A version of an agenda as it went out: the agenda itself, or the addendum to it of that number.

    `is_replaced` where an agenda that was frozen later stands in its place, or is to be frozen again.
    """

    n: int
    kind: str
    addendum: int
    digest: str
    made_at: datetime
    is_replaced: bool


def versions_of(session: Session, meeting_id: UUID) -> tuple[AgendaEdition, ...]:
    """Every version of a meeting's agenda that went out, the first one first."""
    rows = tuples(
        session,
        only(AgendaVersion.n, AgendaVersion.kind, AgendaVersion.digest, AgendaVersion.made_at)
        .where(AgendaVersion.meeting_id == meeting_id)
        .order_by(col(AgendaVersion.n)),
    )
    is_frozen = bool(rows) and read_meeting(session, meeting_id).agenda_frozen_at is not None
    last = max((n for n, kind, _, _ in rows if kind == "agenda"), default=0) if is_frozen else 0
    found, first = [], 0
    for n, kind, digest, made_at in rows:
        first = n if kind == "agenda" else first
        found.append(AgendaEdition(n, kind, n - first, digest, made_at, is_replaced=first != last))
    return tuple(found)


@dataclass(frozen=True)
class AgendaChange:
    """What became of one item since the agenda before: its number now, and its number then; "" where it has none."""

    what: Literal["added", "gone", "renumbered", "reworded"]
    number: str
    was: str
    title: Both


@dataclass(frozen=True)
class Replacing:
    """An agenda in whose place another one stands: when its meeting was to be, and what changed."""

    was: datetime
    changes: tuple[AgendaChange, ...]


def replacing(session: Session, meeting_id: UUID, n: int, *, audience: str = PARTNERS) -> Replacing | None:
    """What version `n`, an agenda, says otherwise than the one before it with its addenda; None for a first one."""
    start = max((one.n for one in versions_of(session, meeting_id) if one.n < n and one.kind == "agenda"), default=0)
    if not start:
        return None
    parts = [_kept_as(session, meeting_id, k) for k in range(start, n + 1)]
    *earlier, after = (part.by_item(audience) for part in parts)
    before = dict(chain.from_iterable(part.items() for part in earlier))
    return Replacing(parts[0].says.head.starts, tuple(_changes(before, after)))


def _changes(before: Mapping[str, AgendaLine], after: Mapping[str, AgendaLine]) -> Iterator[AgendaChange]:
    """What became of each item, by the items: those that an agenda has, then those that it has no more."""
    yield from filter(None, (_changed(before.get(item), line) for item, line in after.items()))
    yield from (AgendaChange("gone", "", line.number, line.title) for item, line in before.items() if item not in after)


def paper(
    session: Session, meeting_id: UUID, *, addendum: int = 0, only: Sequence[PresentedItem] | None = None
) -> PrintedAgenda:
    """Everything that is on an agenda now, or `only` these of its items, as it is written down."""
    rows = items_of(session, meeting_id)
    meeting = read_meeting(session, meeting_id)
    shown = rows if only is None else only
    lines = tuple(item_line(row, str(place)) for place, row in enumerate(shown, start=1))
    overrun = max(0, sum(row.minutes for row in rows) - meeting.minutes)
    says = AgendaContent(head=head_of(session, meeting), addendum=addendum, items=lines, overrun_minutes=overrun)
    return PrintedAgenda(says, tuple(Printed(str(row.id), row.audience) for row in shown))


def head_of(session: Session, meeting: Meeting) -> MeetingHeading:
    """Which meeting a document is of."""
    committee = committees(session)[meeting.committee_id]
    here = program(session)
    return MeetingHeading(
        program=Both(fr=here.title_fr, en=here.title_en),
        committee=Both(fr=committee.title_fr, en=committee.title_en),
        starts=meeting.starts,
        time_zone=meeting.time_zone,
        minutes=meeting.minutes,
        place=meeting.place,
        online=meeting.online_url,
    )


def item_line(row: PresentedItem, number: str) -> AgendaLine:
    """An item as a document has it: under its own number, or `number` while it has none.

    What made it late was typed once, in one language, and stands so in both, save where the program says it itself.
    How often it was carried over is said by `times_seen`, and not a second time among the reasons.
    """
    reasons = row.reasons.without(CARRIED)
    return AgendaLine(
        number=row.number or number,
        section=Both(fr=row.section_fr, en=row.section_en),
        title=Both(fr=row.title_fr, en=row.title_en),
        points=tuple(Both(**point) for point in row.points),
        presenter=Both(fr=row.presenter_fr or "", en=row.presenter_en or ""),
        minutes=row.minutes,
        purpose=row.purpose,  # type: ignore[arg-type]  # one of the words of both
        why=Both(fr=in_words(reasons, "fr"), en=in_words(reasons, "en")),
        times_seen=row.times_seen,
        late=row.late,
        late_reason=Both(fr=why_late(row.late_reason, "fr"), en=why_late(row.late_reason, "en"))
        if row.late
        else Both(),
    )


def untitled(lines: Mapping[Key, AgendaLine], readers: Collection[Reader]) -> dict[str, list[Key]]:
    """By each language that readers read, both where there are none yet: the items without a title or heading in it."""
    used = sorted({reader.language for reader in readers} or LANGUAGES, reverse=True)
    found = {language: [key for key, line in lines.items() if _lacks(line, language)] for language in used}
    return {language: keys for language, keys in found.items() if keys}


def _lacks(line: AgendaLine, language: str) -> bool:
    return not pick(language, line.title) or (bool(line.section) and not pick(language, line.section))


def _kept_as(session: Session, meeting_id: UUID, n: int) -> PrintedAgenda:
    """A version as it was written down. Raises Refusal where there is none."""
    kept = scalar(
        session, only(AgendaVersion.content).where(AgendaVersion.meeting_id == meeting_id, AgendaVersion.n == n)
    )
    if kept is None:
        raise _no_version()
    says = from_json(kept.agenda)
    assert isinstance(says, AgendaContent)  # noqa: S101 - `PrintedAgenda.kept` wrote it
    return PrintedAgenda(says, tuple(map(Printed, kept.items, kept.audiences)))


def _no_version() -> Refusal:
    return Refusal("agenda_version.unknown", N_("There is no such version of the agenda."))


def _changed(before: AgendaLine | None, after: AgendaLine) -> AgendaChange | None:
    """What became of an item that an agenda has, by its line on the agenda before."""
    if before is None:
        return AgendaChange("added", after.number, "", after.title)
    if before.title != after.title:
        return AgendaChange("reworded", after.number, before.number, after.title)
    if before.number != after.number:
        return AgendaChange("renumbered", after.number, before.number, after.title)
    return None
