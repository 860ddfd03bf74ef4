"""What the lists cost after one year of a program and after ten, read in turn, by those who open them.

Of the web and of the database's own processes, which is what grows first.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy import make_url

from adapters.addresses import conninfo_of, parts_of
from adapters.database import program_session
from bench import past
from bench.figures import Ratio, ms, table
from bench.ground import Ground, now
from bench.pages import Demonstrated, demonstration, installed
from bench.reading import Reader, Reading, lists_of
from demo.people import coordinator
from domain.kernel import first, local_day, of
from domain.record import IncidentEntry, incidents
from domain.roles import standing
from models.program import Organization

#: Those who read, by a role: what a list has for one, it has not for another.
READERS: Final = ("coordinator", "youth_worker", "manager", "privacy_officer")
#: Files that hold all there ever was, on purpose.
WHOLE: Final = "/privacy/incidents/register."
YEARS: Final = 10
FIVE: Final = 5
WEEKS: Final = 52
#: What a page may cost after ten years of what it costs after one.
MOST: Final = 1.25
#: Bytes, and CPU of the web, below which no page is compared: a word more, or a mood of the machine, is a quarter.
FEW_BYTES: Final = 2_000
FEW_SECONDS: Final = 0.010
#: As well, of the database's processes.
FEW_OF_SERVER: Final = 0.002

#: A page by its reader and its address.
Pages = Mapping[tuple[str, str], list[Reading]]


def measure(
    ground: Ground, folder: Path, *, a_year: int, rounds: int, readers: Sequence[str] = READERS
) -> Iterator[Ratio]:
    """Fill a year and ten years, of so many copies of the demonstration a year, and read every list of both in turn.

    A list that fills its page only after the first year is compared with the same after five, where it is full too.
    """
    with demonstration(ground, folder / "years") as after_one:
        _enter_an_incident(after_one)
        after_five, after_ten = (_copied(ground, after_one, folder / "years", years) for years in (FIVE, YEARS))
        _grow(after_one, years=1, a_year=a_year)
        _grow(after_five, years=FIVE, a_year=a_year)
        told = _grow(after_ten, years=YEARS, a_year=a_year)
        one, ten = asyncio.run(_read(after_one, after_ten, readers, rounds))
        filled = [page for page in one if ten[page][-1].goes_on and not one[page][-1].goes_on]
        five, _ = asyncio.run(_read(after_five, after_ten, readers, rounds, alone=filled))
        for shown in (after_five, after_ten):
            shown.installation.engine.dispose()
    print(
        table(
            f"12. The lists after one year and after ten: {told} ({rounds} rounds)",
            ("CPU, one", "CPU, ten", "server, one", "server, ten", "kB, one", "kB, ten", "rows, ten"),
            {f"{path} ({who.replace('_', ' ')})": _line(one[who, path], ten[who, path]) for who, path in one},
        )
    )
    print("full only since then, and compared with five years:", _addresses(filled))
    print(
        "full only after five years, and compared with nothing:", _addresses(p for p in five if not five[p][-1].goes_on)
    )
    before: Pages = {**one, **five}
    costs = {page: (_least(before[page], "cpu"), _least(ten[page], "cpu")) for page in before}
    yield _worst("years.cpu", costs, FEW_SECONDS)
    yield _worst(
        "years.server",
        {page: (_least(before[page], "server"), _least(ten[page], "server")) for page in before},
        FEW_OF_SERVER,
    )
    yield _worst("years.bytes", {page: (before[page][-1].size, ten[page][-1].size) for page in before}, FEW_BYTES)
    yield _worst("years.statements", {page: (one[page][-1].statements, ten[page][-1].statements) for page in one}, 1)
    for name in ("cpu", "server"):
        sums = [sum(_least(those[page], name) for page in before) for those in (before, ten)]
        yield Ratio(f"years.{name}_of_all", sums[1] / sums[0], at_most=MOST)


def _addresses(pages: Iterable[tuple[str, str]]) -> str:
    return ", ".join(sorted({path for _, path in pages})) or "none"


def _enter_an_incident(shown: Demonstrated) -> None:
    """One incident, of which the years have copies that open."""
    with program_session(shown.installation.engine, shown.program_id) as session:
        session.info["keys"] = shown.installation.keys
        place = first(session, of(Organization).limit(1))
        assert place is not None
        today = local_day(session, now())
        entry = IncidentEntry(place.id, "Notes de travail", "Un portable oublié.", today, measures="Effacé.")
        incidents.enter(session, entry, by=coordinator(session, now()), at=now())
        session.commit()


def _line(one: list[Reading], ten: list[Reading]) -> tuple[str, ...]:
    times = (ms(_least(readings, name)) for name in ("cpu", "server") for readings in (one, ten))
    sizes = (f"{readings[-1].size / 1000:.1f}" for readings in (one, ten))
    return *times, *sizes, f"{ten[-1].rows}"


def _least(readings: list[Reading], name: str) -> float:
    """The least that a page took: whatever else the machine does only adds to it."""
    return min(float(getattr(reading, name)) for reading in readings)


def _worst(name: str, pages: Mapping[tuple[str, str], tuple[float, float]], few: float) -> Ratio:
    """The page that grew most, of those that cost more than `few`; it is printed by its address."""
    grown = {page: after / max(before, few) for page, (before, after) in pages.items()}
    worst = max(grown, key=lambda page: grown[page])
    print(f"{name} is of {worst[1]}, {worst[0].replace('_', ' ')}")
    return Ratio(name, grown[worst], at_most=MOST)


def _copied(ground: Ground, shown: Demonstrated, folder: Path, years: int) -> Demonstrated:
    """The same demonstration in another database of its server, which is named by its years."""
    shown.installation.engine.dispose()  # no one is connected to what is copied
    name = parts_of(shown.urls.app)["dbname"]
    with psycopg.connect(conninfo_of(shown.urls.admin), autocommit=True) as admin:
        admin.execute(f'create database years_{years} template "{name}"'.encode())
    app = make_url(shown.urls.app).set(database=f"years_{years}").render_as_string(hide_password=False)
    return replace(shown, urls=replace(shown.urls, app=app), installation=installed(ground, app, folder))


def _grow(shown: Demonstrated, *, years: int, a_year: int) -> str:
    """Fill so many years before the present, and what there is then, in words."""
    address = conninfo_of(shown.urls.admin, dbname=parts_of(shown.urls.app)["dbname"])
    with psycopg.connect(address, autocommit=True) as admin:
        copies = range(1, years * a_year + 1)
        past.add(admin, shown.program_id, copies, range(years * WEEKS), now())
        with program_session(shown.installation.engine, shown.program_id) as session:
            session.info["keys"] = shown.installation.keys
            past.open_copies(session, copies, now())
            session.commit()
        admin.execute("vacuum analyze")
        counted = {
            name: admin.execute(f'select count(*) from "{name}"'.encode()).fetchone()
            for name in ("person", "case", "task", "meeting", "participant", "notice", "event")
        }
    return ", ".join(f"{count[0]:,} of {name}" for name, count in counted.items() if count)


async def _read(
    one: Demonstrated,
    ten: Demonstrated,
    roles: Sequence[str],
    rounds: int,
    *,
    alone: Collection[tuple[str, str]] | None = None,
) -> tuple[Pages, Pages]:
    """Each list in turn after one year and after ten, by each who reads; or some pages `alone`."""
    people = _people(one, roles)
    readings: tuple[dict[tuple[str, str], list[Reading]], ...] = ({}, {})
    for who, person_id in people.items():
        readers = [shown.reader(person_id) for shown in (one, ten)]
        for path in lists_of(readers[0].app):
            if path.startswith(WHOLE) or (alone is not None and (who, path) not in alone):
                continue
            if not await _is_theirs(readers, path, again=rounds > 1):
                continue
            gc.collect()
            for turn in range(rounds):
                for place in (0, 1) if turn % 2 else (1, 0):
                    readings[place].setdefault((who, path), []).append(await readers[place].get(path))
    return readings[0], readings[1]


async def _is_theirs(readers: list[Reader], path: str, *, again: bool) -> bool:
    """Whether a page is for those who ask; where it is asked `again`, each process knows what it keeps of it after."""
    answers = {(await reader.get(path)).status for reader in readers}
    for _ in range(3 if again and answers == {200} else 0):
        answers |= {(await reader.get(path)).status for reader in readers}
    assert answers in ({200}, {303}, {404}), (path, answers)
    return answers == {200}


def _people(shown: Demonstrated, roles: Sequence[str]) -> dict[str, UUID]:
    """One of each role who reads."""
    with program_session(shown.installation.engine, shown.program_id) as session:
        today = standing(session, local_day(session, now()))
    return {role: min(held.person_id for held in today.holding(role)) for role in roles}
