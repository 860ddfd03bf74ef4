"""A letter says what its calendar file says: each day and hour, how long, the place and the link, and no day past.

Whatever happened before: moves, places, links, cancellations, another hour, guests and named alternates. The letter is
read here by its words alone, the file by a library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest
from recurring_ical_events import of as dates_of  # type: ignore[import-untyped]
from sqlalchemy import select, update
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, every, of
from meetings import answers, schedule
from meetings.local_times import local_of
from models.base import table_of
from models.meeting import Meeting
from models.program import Person
from tests.cast import AT, Cast
from tests.meetings.sitting import Sent, letters, seat_everyone

_meeting = table_of(Meeting)
_person = table_of(Person)

ZONE: Final = "America/Toronto"
HOUR: Final = timedelta(hours=1)
Said = tuple[datetime, int, str, str]
"""When a meeting begins, how many minutes it lasts, its place, and its link."""

_MONTHS: Final = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
_DAY: Final = r"(?:(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche) )?(\d+)(?:er)? (\w+) (\d{4})"
_CLOCK: Final = r"(\d+) h(?: (\d+))?"
_WEEKLY: Final = re.compile(rf"chaque \w+ à {_CLOCK}, du {_DAY} au {_DAY}")
_WHEN: Final = re.compile(rf"(?:Au lieu du {_DAY} : )?{_DAY} à {_CLOCK}( – .*)?")
_ON: Final = re.compile(rf"{_DAY}(?:; {_DAY})* – .*")
_LENGTH: Final = re.compile(r"Durée : (?:(\d+) h)? ?(?:(\d+)(?: min)?)?")


def _plain(words: str) -> str:
    return re.sub(r"[\u00a0\u202f]", " ", words)


def _day(number: str, month: str, year: str) -> date:
    return date(int(year), _MONTHS.index(month) + 1, int(number))


def _read(lines: list[str]) -> set[Said]:
    """The meetings that the lines of a letter tell, read as a person would."""
    usual: dict[str, Any] = {"minutes": 0, "place": "", "online": ""}
    for line in lines:
        usual |= _where(line)
    found: dict[date, tuple[datetime, dict[str, Any]]] = {}
    for line in lines:
        if weekly := _WEEKLY.fullmatch(line):
            hour = time(int(weekly[1]), int(weekly[2] or 0))
            day, last = _day(*weekly.groups()[2:5]), _day(*weekly.groups()[5:8])
            while day <= last:
                found[day] = datetime.combine(day, hour), usual
                day += timedelta(weeks=1)
    for line in lines:
        if line.startswith("Sauf : "):
            for day_of in re.finditer(_DAY, line):
                del found[_day(*day_of.groups())]
        elif moved := _WHEN.fullmatch(line):
            if moved[1]:
                del found[_day(*moved.groups()[:3])]
            day = _day(*moved.groups()[3:6])
            starts = datetime.combine(day, time(int(moved[7]), int(moved[8] or 0)))
            found[day] = starts, usual | _beside(moved[9])
        elif _ON.fullmatch(line):
            days, _, how = line.partition(" – ")
            for day in (_day(*one.groups()) for one in re.finditer(_DAY, days)):
                found[day] = found[day][0], usual | _beside(how)
    return {(starts, how["minutes"], how["place"], how["online"]) for starts, how in found.values()}


def _beside(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in (text or "").split(" – "):
        found |= _where(one)
    return found


def _where(line: str) -> dict[str, Any]:
    if length := _LENGTH.fullmatch(line):
        return {"minutes": int(length[1] or 0) * 60 + int(length[2] or 0)}
    if line == "Sans lieu":
        return {"place": ""}
    if line == "Pas en ligne":
        return {"online": ""}
    for words, name in (("Lieu : ", "place"), ("En ligne : ", "online")):
        if line.startswith(words):
            return {name: line.removeprefix(words)}
    return {}


def _parts(sent: Sent) -> Iterator[list[str]]:
    """The lines of each piece of news, those of what became of a date before left out."""
    text = _plain(sent.text).replace("\r\n", "\n").rpartition("Voici ce qui est prévu maintenant")[2]
    lines = [one[2:] if one.startswith("- ") else "" for one in re.sub(r"\n  +", " ", text).split("\n")]
    part: list[str] = []
    for line in [*lines, ""]:
        if line:
            part.append(line)
        elif part:
            yield part
            part = []


def _told(calendar: Any) -> set[Said]:
    """The meetings of a file, or the one date that it is about."""
    events = calendar.walk("VEVENT")
    rule = any("recurrence-id" not in one for one in events)
    shown = dates_of(calendar).between((2026, 1, 1), (2028, 1, 1)) if rule else events
    return {
        (
            one["dtstart"].dt.replace(tzinfo=None),
            round((one["dtend"].dt - one["dtstart"].dt) / timedelta(minutes=1)),
            *_place_and_link(str(one.get("location", "")), str(one.get("conference", ""))),
        )
        for one in shown
    }


def _place_and_link(location: str, conference: str) -> tuple[str, str]:
    return location.removesuffix(conference).removesuffix(" · ") if conference else location, conference


def _disagreements(sent: Sent, at: datetime) -> list[str]:
    """Where a letter that was written at a moment says otherwise than its files, or names a day that is past."""
    now = local_of(at, ZONE)
    files = [{one for one in _told(calendar) if one[0] > now} for calendar in sent.calendars]
    asking = [shown for calendar, shown in zip(sent.calendars, files, strict=True) if calendar["method"] == "REQUEST"]
    subject = _plain(sent.subject)
    found = [f"past: {subject}" for day in re.findall(_DAY, subject) if _day(*day) < now.date()]
    found += [f"past: {day}" for part in _parts(sent) for line in part for day in re.findall(_DAY, line)
              if _day(*day) < now.date() and not line.startswith(("Au lieu du", "N’a plus lieu"))]  # fmt: skip
    if sent.method == "CANCEL":
        # All of a season is taken back by its rule alone, whatever was moved; a date, as it was to be held.
        if any("recurrence-id" not in event for calendar in sent.calendars for event in calendar.walk("VEVENT")):
            return found
        named = {_day(*day) for day in re.findall(_DAY, subject)}
        return found + [f"{subject}: {files}"] * (named != {one[0].date() for shown in files for one in shown})
    for part in _parts(sent):
        said = _read(part)
        # What one date of a season has become is said alone; its file may bring the whole.
        if said and not any(said == shown or (len(said) == 1 and said < shown) for shown in asking):
            found.append(f"{subject}: {part} {said} {asking}")
    if sent.template == "meeting_invitation":
        (shown,) = asking
        first = _WHEN.fullmatch(subject.partition(", ")[2])
        assert first is not None
        found += [f"{subject}: {shown}"] * (_day(*first.groups()[3:6]) != min(shown)[0].date())
    return found


# ------------------------------------------------------------------------------------------------------- what happens


def _history(session: Session, cast: Cast, random: Random) -> Iterator[tuple[Sent, datetime]]:
    """Any acts one after another, some days apart, each with the letters that it writes."""
    by, at, seen = cast.actor("coordinator"), AT, 0
    people = [cast.people[who] for who in ("researcher", "officer", "manager_em")]
    links = ("", "https://meet.example/a", "https://meet.example/b")

    def a_date() -> Meeting:
        to_come = of(Meeting).where(Meeting.state == "planned", col(Meeting.starts_at) > at)
        chosen: Meeting = random.choice(every(session, to_come.order_by(col(Meeting.starts)))[:8])
        return chosen

    def move() -> None:
        row = a_date()
        starts = row.starts + timedelta(days=random.randint(-2, 2))
        starts = starts.replace(hour=random.choice([9, 13, 15]))
        schedule.move_meeting(session, row.id, starts, minutes=random.choice([None, 90]), by=by, at=at)

    def place() -> None:
        where = {"place": random.choice(["Salle A", "Salle B"]), "online_url": random.choice(links)}
        schedule.change_place(session, a_date().id, **where, following=random.random() < 0.4, by=by, at=at)  # type: ignore[arg-type]

    def off() -> None:
        schedule.cancel_meeting(session, a_date().id, reason="Tempête", by=by, at=at)

    def hour() -> None:
        row = a_date()
        to = time(random.choice([9, 14]), 30)
        schedule.change_hour(session, schedule.season_of(row), since=row.starts.date(), hour=to, by=by, at=at)

    def guest() -> None:
        schedule.invite_guest(session, a_date().id, random.choice(people), by=by, at=at)

    def no_guest() -> None:
        schedule.withdraw_guest(session, a_date().id, random.choice(people), by=by, at=at)

    def alternate() -> None:
        deputy = random.choice([cast.people["deputy"], None])
        said = "declined" if deputy else "accepted"
        answers.answer(
            session, a_date().id, cast.people["worker_em"], said, means="page", alternate_id=deputy,
            by=cast.actor("worker_em"), at=at,
        )  # fmt: skip

    acts: list[Callable[[], None]] = [move, move, place, place, off, hour, guest, guest, no_guest, alternate, alternate]
    for _ in range(24):
        at += HOUR * random.choice([1, 24, 100])
        point = session.begin_nested()
        try:
            random.choice(acts)()
        except Refusal:
            point.rollback()
            continue
        point.commit()
        written = letters(session)
        yield from ((one, at) for one in written[seen:])
        seen = len(written)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """Twenty Wednesdays of the clinic, read in French by all."""
    with cast.session() as made:
        seat_everyone(made, cast)
        made.execute(update(_person).values(language="fr"))
        days = {"first": date(2026, 12, 2), "last": date(2027, 4, 14), "hour": time(9, 30)}
        where = {"place": "Salle A", "online_url": "https://meet.example/a"}
        schedule.plan_season(made, "clinical", **days, **where, by=cast.actor("coordinator"), at=AT)  # type: ignore[arg-type]
        yield made


@pytest.mark.ci
@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.nightly) for n in range(2, 13))])
def test_every_letter_says_what_its_file_says_whatever_happened_before(cast: Cast, session: Session, seed: int) -> None:
    found = list(_history(session, cast, Random(seed)))  # noqa: S311 - any acts, the same each time
    assert len({one.template for one, _ in found}) > 2, "of several kinds"
    assert [wrong for one, at in found for wrong in _disagreements(one, at)] == []


def _on(session: Session, day: date) -> UUID:
    found: UUID = session.scalars(
        select(_meeting.c.id).where(_meeting.c.original == datetime.combine(day, time(9, 30)))
    ).one()
    return found


def test_a_guest_and_a_named_alternate_read_the_day_the_place_and_the_link_of_their_date_and_none_that_is_past(
    cast: Cast, session: Session
) -> None:
    by, worker, deputy = cast.actor("coordinator"), cast.people["worker_em"], cast.people["deputy"]
    moved, elsewhere = _on(session, date(2026, 12, 16)), _on(session, date(2027, 1, 27))
    schedule.move_meeting(session, moved, datetime(2026, 12, 17, 9, 30), by=by, at=AT + HOUR)
    schedule.change_place(session, elsewhere, place="Salle Aurore", by=by, at=AT + HOUR)
    schedule.invite_guest(session, moved, cast.people["researcher"], by=by, at=AT + 2 * HOUR)
    letter = letters(session)[-1]
    assert _plain(letter.subject) == "Invitation : Comité clinique, jeudi 17 décembre 2026 à 9 h 30"
    assert "16 décembre" not in _plain(letter.text)
    assert "à votre place" not in letter.text, "a guest names nobody"
    first = _on(session, date(2026, 12, 2))
    for hours, one in ((3, first), (24 * 12, elsewhere)):
        answers.answer(
            session, one, worker, "declined", means="page", alternate_id=deputy, by=cast.actor("worker_em"),
            at=AT + hours * HOUR,
        )  # fmt: skip
    letter = letters(session)[-1]
    assert letter.person_id == deputy
    assert _plain(letter.subject) == "Invitation : Comité clinique, mercredi 27 janvier 2027 à 9 h 30"
    (part,) = _parts(letter)
    assert _read(part) == {(datetime(2027, 1, 27, 9, 30), 150, "Salle Aurore", "")}
    assert "2 décembre" not in _plain(letter.text)


@pytest.mark.ci
def test_another_link_alone_is_called_a_link_and_another_place_alone_a_place(cast: Cast, session: Session) -> None:
    by, one = cast.actor("coordinator"), _on(session, date(2027, 3, 31))
    said = []
    for hours, place, link in ((1, "Salle A", "https://meet.example/b"), (2, "Salle B", "https://meet.example/b"),
                               (3, "Salle C", "https://meet.example/a"), (4, "Salle C", ""), (5, "", "https://meet.example/a"),
                               (6, "Salle C", "")):  # fmt: skip
        schedule.change_place(session, one, place=place, online_url=link, following=True, by=by, at=AT + hours * HOUR)
        lines = _plain(letters(session)[-1].text).split("\n")
        said += [line.strip() for line in lines if "rencontres" in line and line.startswith("- ")]
    assert said == [
        "- Autre lien : 3 rencontres",
        "- Autre lieu : 3 rencontres",
        "- Autre lieu : 3 rencontres",
        "- Autre lien : 3 rencontres",
        "- Ne sont plus en ligne : 3 rencontres",
        "- N’ont plus de lieu : 3 rencontres",
        "- Désormais en ligne : 3 rencontres",
        "- Désormais avec un lieu : 3 rencontres",
        "- Ne sont plus en ligne : 3 rencontres",
    ]
