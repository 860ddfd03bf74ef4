"""Meetings: dates and invitations against icalendar, dateutil and psycopg alone, and agendas per item."""

from __future__ import annotations

import gc
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import docx
import psycopg
import typst
from dateutil.rrule import rruleset, rrulestr  # type: ignore[import-untyped]
from icalendar import Calendar, Event, Timezone, vCalAddress
from psycopg.types.json import Jsonb
from sqlalchemy import insert

from bench import agenda_pages
from bench.figures import Cost, Ratio, an_item, costing, median, mixed, ms, table, timing
from bench.ground import Ground, now
from domain.kernel import col, run, select
from meetings import schedule
from meetings.documents.content import AgendaContent, AgendaLine, Both, MeetingHeading
from meetings.documents.docx import as_docx
from meetings.documents.pdf import as_pdf
from meetings.entries import CalendarEntry, EntryException
from models.base import table_of
from models.committee import Committee, Seat, SeatHolder
from models.program import Person

ZONE: Final = "America/Toronto"
WEEK: Final = timedelta(days=7)
HOUR: Final = time(9, 30)
MINUTES: Final = 90
#: Of the weeks of a season, those without a meeting and those with one a day later.
OFF: Final = (4, 5)
MOVED: Final = (9, 20)
#: What one season inserts whatever the number of people: the series, its meetings, and a line of the record.
TABLES: Final = ("notice", "invitation", "meeting_link", "event", "meeting_series", "meeting")

Spans = list[tuple[datetime, datetime]]
_numbers = count(1)


@dataclass(frozen=True)
class Season:
    """A year of one committee: weekly, two weeks off, two meetings a day later."""

    uid: str
    first: date

    @property
    def last(self) -> date:
        """The day of the last of 52 meetings."""
        return self.first + 51 * WEEK

    @property
    def off(self) -> list[date]:
        """The days without a meeting."""
        return [self.first + week * WEEK for week in OFF]

    @property
    def moved(self) -> dict[date, datetime]:
        """When a day's meeting is held instead."""
        days = [self.first + week * WEEK for week in MOVED]
        return {day: datetime.combine(day + timedelta(days=1), HOUR) for day in days}


def measure(
    ground: Ground, folder: Path, *, rounds: int, committees: int, invitations: int, items: tuple[int, int]
) -> Iterator[Ratio]:
    """Each part in turn: a year of dates, invitations in the outbox, and an agenda as PDF, as DOCX and as a page."""
    yield from _dates(committees, rounds)
    yield from _invitations(ground, invitations, rounds)
    yield from _papers(folder, items, rounds)
    yield from agenda_pages.measure(ground, items, rounds)


# --------------------------------------------------------------------------------------------------------------- dates


def _dates(committees: int, rounds: int) -> Iterator[Ratio]:
    first = now().date() + WEEK
    seasons = [Season(f"{number}@bench.example", first + timedelta(days=number % 5)) for number in range(committees)]
    ways: dict[str, Callable[[Season], Spans]] = {"meetings.entries": _by_entries, "icalendar, dateutil": _by_dateutil}
    for season in seasons:  # also the first of each, which reads the zone
        assert _by_entries(season) == _by_dateutil(season), "both find the same moments"
    costs = _in_turn({name: _each(way, seasons) for name, way in ways.items()}, rounds)
    rows = {name: (ms(cpu * committees), ms(cpu)) for name, cpu in _medians(costs).items()}
    print(table(f"8. A year of {committees} committees, 50 meetings each ({rounds} rounds)", ("CPU", "each"), rows))
    yield Ratio("meetings.dates", _ratio(costs), at_most=1)


def _by_entries(season: Season) -> Spans:
    return CalendarEntry(
        uid=season.uid,
        zone=ZONE,
        starts=datetime.combine(season.first, HOUR),
        minutes=MINUTES,
        title="Comité",
        last_on=season.last,
        cancelled=frozenset(datetime.combine(day, HOUR) for day in season.off),
        moved={datetime.combine(day, HOUR): EntryException(starts, MINUTES) for day, starts in season.moved.items()},
    ).utc()


def _by_dateutil(season: Season) -> Spans:
    """The same season as components of a calendar, and its rule expanded by dateutil."""
    rule: Any
    rule, *moved = _components(season)
    dates = rruleset()
    dates.rrule(rrulestr(rule["rrule"].to_ical().decode(), dtstart=rule["dtstart"].dt))
    for off in rule["exdate"]:
        dates.exdate(off.dts[0].dt)
    one: Any
    for one in moved:
        dates.exdate(one["recurrence-id"].dt)
        dates.rdate(one["dtstart"].dt)
    length = rule["dtend"].dt - rule["dtstart"].dt
    return [(start, start + length) for start in (local.astimezone(UTC) for local in dates)]


def _components(season: Season) -> list[Event]:
    """The rule and the moved dates, by icalendar alone."""
    there = ZoneInfo(ZONE)
    rule = _component(season, datetime.combine(season.first, HOUR, there))
    until = datetime.combine(season.last, HOUR, there).astimezone(UTC)
    rule.add("rrule", {"freq": "WEEKLY", "until": until})
    for day in season.off:
        rule.add("exdate", datetime.combine(day, HOUR, there))
    made = [rule]
    for day, starts in season.moved.items():
        moved = _component(season, starts.replace(tzinfo=there))
        moved.add("recurrence-id", datetime.combine(day, HOUR, there))
        made.append(moved)
    return made


def _component(season: Season, starts: datetime) -> Event:
    made = Event()
    made.add("uid", season.uid)
    made.add("dtstart", starts)
    made.add("dtend", starts + timedelta(minutes=MINUTES))
    made.add("summary", "Comité")
    return made


# --------------------------------------------------------------------------------------------------------- invitations


def _invitations(ground: Ground, wanted: int, rounds: int) -> Iterator[Ratio]:
    people = _staff(ground, at_most=wanted)
    seasons = wanted // len(people)
    ours, alone = _Planning(ground, people), _Inserting(ground, people)
    try:
        ways: dict[str, Callable[[], None]] = {"plan_season": ours.plan, "icalendar, psycopg": alone.insert}
        ours.prepare(2 + seasons * rounds)
        left = {}
        for name, plan in ways.items():  # the first of each, which reads what there is to read
            before = _rows(ground)
            plan()
            left[name] = {one: after - before[one] for one, after in _rows(ground).items()}
        assert left["plan_season"] == left["icalendar, psycopg"], f"both leave the same rows: {left}"
        assert left["plan_season"]["notice"] == len(people), left
        before_all = ground.statements
        ours.plan()
        statements = (ground.statements - before_all) / len(people)
        pairs = _in_turn({name: [plan] * seasons for name, plan in ways.items()}, rounds, ground.servers)
    finally:
        alone.close()
    rows = {
        name: (ms(_median(costs, len(people))), ms(_median(costs, len(people), of_all=True)), said)
        for (name, costs), said in zip(pairs.items(), (f"{statements:.1f}", ""), strict=True)
    }
    title = f"8. {seasons * len(people)} invitations to a year, built, queued and committed ({rounds} rounds; each)"
    print(table(title, ("CPU here", "with server's", "statements"), rows))
    yield Ratio("meetings.invite", _ratio(pairs), at_most=7)
    yield Ratio("meetings.invite_with_server", _ratio(pairs, of_all=True), at_most=7)
    yield Ratio("meetings.invite_statements", statements, at_most=4)


def _staff(ground: Ground, *, at_most: int) -> list[tuple[UUID, str, str]]:
    with ground.session() as session:
        rows = run(
            session,
            select(Person.id, Person.email, Person.family_name)
            .where(Person.program_id == ground.program_id, col(Person.key).like("staff-%"))
            .order_by(col(Person.key))
            .limit(at_most),
        )
        return [(row.id, row.email, row.family_name) for row in rows]


def _rows(ground: Ground) -> dict[str, int]:
    with ground.as_admin() as admin:
        found = {}
        for name in TABLES:
            query = psycopg.sql.SQL("select count(*) from {}").format(psycopg.sql.Identifier(name))
            row = admin.execute(query).fetchone()
            assert row is not None
            found[name] = row[0]
        return found


def _committee(ground: Ground, people: Sequence[tuple[UUID, str, str]]) -> tuple[str, UUID]:
    """A new committee on which all of these sit from last year on."""
    key, committee_id = f"bench-{next(_numbers)}", uuid4()
    home = ground.organizations["ccsmtl"]
    here = {"program_id": ground.program_id}
    titles = {"title_fr": "Comité de mesure", "title_en": "Measuring committee"}
    seats = [uuid4() for _ in people]
    with ground.session() as session:
        run(
            session,
            insert(table_of(Committee)).values(
                **here, **titles, id=committee_id, key=key, source="", minutes=MINUTES, letters="B", place="Salle 1"
            ),
        )
        run(
            session,
            insert(table_of(Seat)),
            [
                {
                    **here,
                    **titles,
                    "id": seat,
                    "committee_id": committee_id,
                    "organization_id": home,
                    "key": f"seat-{place}",
                    "role": "youth_worker",
                }
                for place, seat in enumerate(seats)
            ],
        )
        run(
            session,
            insert(table_of(SeatHolder)),
            [
                {
                    **here,
                    "id": uuid4(),
                    "seat_id": seat,
                    "person_id": person_id,
                    "kind": "principal",
                    "starts_on": now().date() - timedelta(days=365),
                    "recorded_at": now(),
                }
                for seat, (person_id, _, _) in zip(seats, people, strict=True)
            ],
        )
        session.commit()
    return key, committee_id


class _Planning:
    """Seasons as the windows plan them: one verb, which invites everyone, and a commit."""

    def __init__(self, ground: Ground, people: Sequence[tuple[UUID, str, str]]) -> None:
        self._ground = ground
        self._people = people
        self._ready: list[str] = []

    def prepare(self, seasons: int) -> None:
        """Make so many committees, outside of what is measured."""
        self._ready = [_committee(self._ground, self._people)[0] for _ in range(seasons)]

    def plan(self) -> None:
        """Plan one season of a committee that has none yet."""
        season = Season("", now().date() + WEEK)
        with self._ground.session() as session:
            told = schedule.plan_season(
                session,
                self._ready.pop(),
                first=season.first,
                last=season.last,
                hour=HOUR,
                without=dict.fromkeys(season.off, "Congé"),
                instead=season.moved,
                by=self._ground.coordinator,
                at=now(),
            )
            session.commit()
        assert len(told) == len(self._people), told


class _Inserting:
    """The limit: the same files by icalendar alone, and the same rows by psycopg, each table's in one call.

    Without the letter's words: what stands for the message is the file.
    """

    def __init__(self, ground: Ground, people: Sequence[tuple[UUID, str, str]]) -> None:
        self._connection = ground.as_application()
        self._program = ground.program_id
        self._people = people
        self._committee = _committee(ground, people)[1]
        self._zone = Timezone.from_tzid(ZONE, first_date=now().date(), last_date=now().date() + 60 * WEEK)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def insert(self) -> None:
        """Build the files of one season and insert everything, in one transaction."""
        at, series_id, here = now(), uuid4(), self._program
        season = Season(f"{series_id}@bench.example", at.date() + WEEK)
        notices, invitations, tokens, events = [], [], [], []
        told = {"uid": season.uid, "moved": {str(day): str(starts) for day, starts in season.moved.items()}}
        for person_id, address, name in self._people:
            notice_id, invitation_id = uuid4(), uuid4()
            message = self._file(season, address, name, at)
            key = f"{season.uid}:{person_id}"
            notices.append((here, notice_id, key, person_id, address, season.uid, message, at, at))
            invitations.append((here, invitation_id, series_id, person_id, Jsonb(told), at))
            expires = at + 53 * WEEK
            tokens.append((hashlib.sha256(secrets.token_bytes(32)).hexdigest(), here, invitation_id, at, expires))
            events.append((here, uuid4(), at, "notice.written", "notice", notice_id, Jsonb({})))
            events.append((here, uuid4(), at, "meeting.told", "meeting_series", series_id, Jsonb({})))
        events.append((here, uuid4(), at, "season.planned", "meeting_series", series_id, Jsonb({})))
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("select set_config('spheres.program_id', %s, true)", (str(here),))
            series = (here, series_id, self._committee, season.uid, ZONE, season.first, season.last, HOUR, MINUTES, at)
            cursor.execute(_SERIES, series)
            cursor.executemany(_MEETING, [self._meeting(season, week, series_id, at) for week in range(52)])
            cursor.executemany(_NOTICE, notices)
            cursor.executemany(_INVITATION, invitations)
            cursor.executemany(_LINK, tokens)
            cursor.executemany(_EVENT, events)
            cursor.execute("select pg_notify('spheres_bench', '')")

    def _meeting(self, season: Season, week: int, series_id: UUID, at: datetime) -> tuple[Any, ...]:
        day = season.first + week * WEEK
        original = datetime.combine(day, HOUR)
        starts = season.moved.get(day, original)
        moment = starts.replace(tzinfo=ZoneInfo(ZONE))
        ends = moment + timedelta(minutes=MINUTES)
        state, cancelled_at = ("cancelled", at) if week in OFF else ("planned", None)
        where = (self._program, uuid4(), self._committee, series_id)
        return (*where, original, starts, MINUTES, moment, ends, ZONE, state, cancelled_at, at)

    def _file(self, season: Season, address: str, name: str, at: datetime) -> bytes:
        made = Calendar()
        made.add("prodid", "-//bench//EN")
        made.add("version", "2.0")
        made.add("calscale", "GREGORIAN")
        made.add("method", "REQUEST")
        made.add_component(self._zone)
        for event in _components(season):
            event.add("location", "Salle 1")
            event.add("description", "http://127.0.0.1/meetings")
            event.add("url", "http://127.0.0.1/meetings")
            event.add("class", "PRIVATE")
            event.add("status", "CONFIRMED")
            event.add("sequence", 0)
            event.add("dtstamp", at.replace(microsecond=0))
            event.add("organizer", vCalAddress("mailto:spheres@bench.example"), parameters={"CN": "SPHÈRES"})
            asked = {"CN": name, "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"}
            event.add("attendee", vCalAddress(f"mailto:{address}"), parameters=asked)
            made.add_component(event)
        return bytes(made.to_ical())


_SERIES: Final = """
insert into meeting_series (program_id, id, committee_id, uid, time_zone, starts_on, ends_on, at, minutes, place,
online_url, recorded_at, version) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'Salle 1', '', %s, 1)
"""
_MEETING: Final = """
insert into meeting (program_id, id, committee_id, series_id, original, starts, minutes, starts_at, ends_at, time_zone,
place, online_url, reason, state, cancelled_at, recorded_at, version)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'Salle 1', '', '', %s, %s, %s, 1)
"""
_NOTICE: Final = """
insert into notice (program_id, id, key, person_id, to_address, language, template, thread, subject, calls, message,
state, created_at, attempts, next_attempt_at, code)
values (%s, %s, %s, %s, %s, 'fr', 'meeting_invitation', %s, 'Invitation', '{}', %s, 'queued', %s, 0, %s, '')
"""
_INVITATION: Final = """
insert into invitation (program_id, id, series_id, person_id, told, sequence, told_at, version)
values (%s, %s, %s, %s, %s, 0, %s, 1)
"""
_LINK: Final = """
insert into meeting_link (token_digest, program_id, invitation_id, made_at, expires_at) values (%s, %s, %s, %s, %s)
"""
_EVENT: Final = """
insert into event (program_id, id, at, actor_as, verb, subject_kind, subject_id, facts)
values (%s, %s, %s, 'invitations', %s, %s, %s, %s)
"""


# -------------------------------------------------------------------------------------------------------------- papers


def _papers(folder: Path, items: tuple[int, int], rounds: int) -> Iterator[Ratio]:
    few, many = items
    plain = folder / "plain.typ"
    plain.write_text(_PLAIN, encoding="utf-8")
    compiler = typst.Compiler(str(plain), ignore_system_fonts=True)

    def by_typst(number: int) -> None:
        compiler.compile(format="pdf", sys_inputs={"data": json.dumps(_cells(number))}, pdf_standards=["ua-1"])

    ways: dict[str, Callable[[int], object]] = {
        "PDF": lambda number: as_pdf(_agenda(number), "fr"),
        "typst alone, plain table": by_typst,
        "DOCX": lambda number: as_docx(_agenda(number), "fr"),
        "python-docx alone, plain table": _by_docx,
    }
    for make in ways.values():
        make(3)  # reads fonts, templates and modules
    found = an_item("8. An agenda on paper, CPU an item", ways, items, rounds)
    pdf, bare_pdf, word, bare_word = ways
    yield Ratio("meetings.pdf", found[pdf, many] / found[bare_pdf, many], at_most=4)
    yield Ratio("meetings.docx", found[word, many] / found[bare_word, many], at_most=4)
    yield Ratio("meetings.pdf_growth", found[pdf, many] / found[pdf, few], at_most=1.25)
    yield Ratio("meetings.docx_growth", found[word, many] / found[word, few], at_most=1.25)


_PLAIN: Final = """
#set document(title: "Ordre du jour")
#set text(lang: "fr")
#let rows = json(bytes(sys.inputs.data))
#table(columns: (11mm, 1fr, 38mm, 24mm, 17mm), ..rows.flatten())
"""


def _agenda(items: int) -> AgendaContent:
    """An agenda of so many items; never the same twice, since Typst remembers what it has set."""
    turn = next(_numbers)
    return AgendaContent(
        head=MeetingHeading(
            program=Both("Programme de mesure", "Measuring program"),
            committee=Both("Comité de mesure", "Measuring committee"),
            starts=datetime(2027, 1, 6, 9, 30),  # noqa: DTZ001 - a local time
            minutes=MINUTES,
            place="Salle 1",
        ),
        items=tuple(
            AgendaLine(
                number=str(place),
                section=Both(f"Partie {place // 10}", f"Part {place // 10}"),
                title=Both(_title(turn, place), f"Matter {turn}.{place}, which somebody asked for"),
                presenter=Both("Coordination", "Coordination"),
                minutes=5,
                purpose="discussion",
                why=Both("À chaque rencontre", "At every meeting"),
            )
            for place in range(1, items + 1)
        ),
    )


def _cells(items: int) -> list[list[str]]:
    turn = next(_numbers)
    return [
        [str(place), f"{_title(turn, place)}\nÀ chaque rencontre", "Coordination", "Discussion", "5 min"]
        for place in range(1, items + 1)
    ]


def _title(turn: int, place: int) -> str:
    return f"Question {turn}.{place} que quelqu’un a demandé de traiter"


def _by_docx(items: int) -> None:
    document = docx.Document()
    made = document.add_table(rows=0, cols=5)
    for row in _cells(items):
        for cell, said in zip(made.add_row().cells, row, strict=True):
            cell.text = said
    document.save(BytesIO())


# -------------------------------------------------------------------------------------------------------------- rounds


def _each(way: Callable[[Season], object], seasons: Sequence[Season]) -> list[Callable[[], object]]:
    return [lambda season=season: way(season) for season in seasons]  # type: ignore[misc]


def _in_turn(ways: dict[str, Any], rounds: int, servers: Callable[[], list[int]] = list) -> dict[str, list[Cost]]:
    """What each way costs in each round."""
    found: dict[str, list[Cost]] = {name: [] for name in ways}
    for name in mixed(list(ways), rounds):
        gc.collect()
        with costing(servers) as cost:
            for do in ways[name]:
                with timing(cost):
                    do()
        found[name].append(cost)
    return found


def _median(costs: Sequence[Cost], parts: int = 1, *, of_all: bool = False) -> float:
    return median((cost.cpu_of_all if of_all else cost.cpu) / parts for cost in costs)


def _medians(found: dict[str, list[Cost]]) -> dict[str, float]:
    return {name: _median(costs) for name, costs in found.items()}


def _ratio(found: dict[str, list[Cost]], *, of_all: bool = False) -> float:
    """The first way's cost to the second's: the median of the rounds."""
    ours, alone = found.values()
    return median(
        (a.cpu_of_all / b.cpu_of_all) if of_all else (a.cpu / b.cpu) for a, b in zip(ours, alone, strict=True)
    )
