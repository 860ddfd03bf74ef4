"""What the lists cost after one year of a program and after ten, read in turn, by those who open them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping, Sequence
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
from domain.roles import standing

#: Those who read, by a role: what a list has for one, it has not for another.
READERS: Final = ("coordinator", "youth_worker", "manager", "privacy_officer")
YEARS: Final = 10
WEEKS: Final = 52
#: What a page may cost after ten years of what it costs after one.
MOST: Final = 1.25
#: Bytes and CPU below which a page is not compared: a word more, or a mood of the machine, is a quarter of it.
FEW_BYTES: Final = 2_000
FEW_SECONDS: Final = 0.010

#: A page by its reader and its address.
Pages = Mapping[tuple[str, str], list[Reading]]


def measure(
    ground: Ground, folder: Path, *, a_year: int, rounds: int, readers: Sequence[str] = READERS
) -> Iterator[Ratio]:
    """Fill a year and ten years, of so many copies of the demonstration a year, and read every list of both in turn."""
    with demonstration(ground, folder / "years") as after_one:
        after_ten = _copied(ground, after_one, folder / "years")
        _grow(after_one, years=1, a_year=a_year)
        told = _grow(after_ten, years=YEARS, a_year=a_year)
        one, ten = asyncio.run(_read(after_one, after_ten, readers, rounds))
        after_ten.installation.engine.dispose()
    print(
        table(
            f"12. The lists after one year and after ten: {told} ({rounds} rounds)",
            ("CPU, one", "CPU, ten", "database, one", "database, ten", "kB, one", "kB, ten", "rows, ten"),
            {f"{path} ({who.replace('_', ' ')})": _line(one[who, path], ten[who, path]) for who, path in one},
        )
    )
    filled = [page for page in one if ten[page][-1].goes_on and not one[page][-1].goes_on]
    print(
        "full only since then, and not longer than a page:", ", ".join(sorted({path for _, path in filled})) or "none"
    )
    alike = [page for page in one if page not in filled]
    sizes = {page: (one[page][-1].size, ten[page][-1].size) for page in alike}
    cpu = {page: (_cpu(one[page]), _cpu(ten[page])) for page in alike}
    yield _worst("years.cpu", cpu, FEW_SECONDS)
    yield _worst("years.bytes", sizes, FEW_BYTES)
    yield _worst("years.statements", {page: (one[page][-1].statements, ten[page][-1].statements) for page in one}, 1)
    yield Ratio("years.cpu_of_all", sum(b for _, b in cpu.values()) / sum(a for a, _ in cpu.values()), at_most=MOST)


def _line(one: list[Reading], ten: list[Reading]) -> tuple[str, ...]:
    waits = (min(reading.database for reading in readings) for readings in (one, ten))
    sizes = (f"{readings[-1].size / 1000:.1f}" for readings in (one, ten))
    return ms(_cpu(one)), ms(_cpu(ten)), *map(ms, waits), *sizes, f"{ten[-1].rows}"


def _cpu(readings: list[Reading]) -> float:
    """The least that a page took: whatever else the machine does only adds to it."""
    return min(reading.cpu for reading in readings)


def _worst(name: str, pages: Mapping[tuple[str, str], tuple[float, float]], few: float) -> Ratio:
    """The page that grew most, of those that cost more than `few`; it is printed by its address."""
    grown = {page: after / max(before, few) for page, (before, after) in pages.items()}
    worst = max(grown, key=lambda page: grown[page])
    print(f"{name} is of {worst[1]}, {worst[0].replace('_', ' ')}")
    return Ratio(name, grown[worst], at_most=MOST)


def _copied(ground: Ground, shown: Demonstrated, folder: Path) -> Demonstrated:
    """The same demonstration in another database of its server."""
    shown.installation.engine.dispose()  # no one is connected to what is copied
    name = parts_of(shown.urls.app)["dbname"]
    with psycopg.connect(conninfo_of(shown.urls.admin), autocommit=True) as admin:
        admin.execute(f'create database ten_years template "{name}"'.encode())
    app = make_url(shown.urls.app).set(database="ten_years").render_as_string(hide_password=False)
    return replace(shown, urls=replace(shown.urls, app=app), installation=installed(ground, app, folder))


def _grow(shown: Demonstrated, *, years: int, a_year: int) -> str:
    """Fill so many years before the present, and what there is then, in words."""
    address = conninfo_of(shown.urls.admin, dbname=parts_of(shown.urls.app)["dbname"])
    with psycopg.connect(address, autocommit=True) as admin:
        past.add(admin, shown.program_id, range(1, years * a_year + 1), range(years * WEEKS), now())
        admin.execute("vacuum analyze")
        counted = {
            name: admin.execute(f'select count(*) from "{name}"'.encode()).fetchone()
            for name in ("person", "case", "task", "meeting", "participant", "notice", "event")
        }
    return ", ".join(f"{count[0]:,} of {name}" for name, count in counted.items() if count)


async def _read(one: Demonstrated, ten: Demonstrated, roles: Sequence[str], rounds: int) -> tuple[Pages, Pages]:
    """Each list in turn after one year and after ten, by each who reads."""
    people = _people(one, roles)
    readings: tuple[dict[tuple[str, str], list[Reading]], ...] = ({}, {})
    for who, person_id in people.items():
        readers = [shown.reader(person_id) for shown in (one, ten)]
        for path in lists_of(readers[0].app):
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
        today = standing(session, now().date())
    return {role: min(held.person_id for held in today.holding(role)) for role in roles}
