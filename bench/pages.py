"""What the main pages cost: statements and CPU of each, in process, for the coordinator of the demonstration."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from adapters.database import make_engine, migrate, program_session
from adapters.people_keys import FilePeopleKeys, make_people_keys
from adapters.postgres import DatabaseUrls, EmbeddedPostgres
from api.access.session import Installation
from api.app import create_app
from bench.figures import Ratio, median, mixed, ms, table
from bench.ground import APPLICATION, Ground, ledger_in, now
from bench.reading import HOST, Counter, Reader, Reading, cookie_of
from demo.loading import Demonstration
from demo.people import coordinator

#: The pages that people open all day long, and the list that other systems read; with what each cost before what it
#: reads was asked at once: statements, and milliseconds of CPU on a quiet machine.
BEFORE: Final = {
    "/": (56, 70),
    "/caseload": (62, 61),
    "/decisions": (42, 52),
    "/board": (44, 51),
    "/meetings": (43, 49),
    "/partners": (23, 50),
    "/people": (28, 39),
    "/cases": (28, 36),
    "/api/v1/work": (15, 17),
}
MOST_STATEMENTS: Final = 14
MOST_MS: Final = 22


def measure(ground: Ground, folder: Path, *, rounds: int) -> Iterator[Ratio]:
    """Ask each page `rounds` times, in turn, once the process has read what it keeps."""
    with demonstration(ground, folder / "pages") as shown:
        with program_session(shown.installation.engine, shown.program_id) as session:
            person_id = coordinator(session, now()).person_id
        assert person_id is not None
        found = asyncio.run(_read(shown.reader(person_id), rounds))
    print(
        table(
            f"10. The main pages of the demonstration, by its coordinator, in process ({rounds} rounds)",
            ("statements", "before", "CPU", "before, quiet", "size"),
            {
                path: (
                    f"{found[path][-1].statements}",
                    f"{statements}",
                    ms(_cpu(found[path])),
                    f"{milliseconds} ms",
                    f"{found[path][-1].size / 1000:.0f} kB",
                )
                for path, (statements, milliseconds) in BEFORE.items()
            },
        )
    )
    yield Ratio("pages.statements", max(those[-1].statements for those in found.values()), at_most=MOST_STATEMENTS)
    yield Ratio("pages.cpu", max(map(_cpu, found.values())) * 1000, at_most=MOST_MS, unit="ms")


def _cpu(readings: Sequence[Reading]) -> float:
    return median(one.cpu for one in readings)


@dataclass(frozen=True)
class Demonstrated:
    """A demonstration in a database, to be read by its people."""

    urls: DatabaseUrls
    installation: Installation
    program_id: UUID

    def reader(self, person_id: UUID) -> Reader:
        """One of its people who is signed in."""
        engine = self.installation.engine
        cookie = cookie_of(self.installation, self.program_id, person_id)
        return Reader(create_app(self.installation), cookie, Counter(engine))


@contextmanager
def demonstration(ground: Ground, folder: Path) -> Iterator[Demonstrated]:
    """The demonstration with its year, in a database server of its own."""
    folder.mkdir()
    make_people_keys(folder / "keys" / "people")
    with EmbeddedPostgres(folder / "postgres") as server:
        urls = server.urls()
        migrate(urls.owner)
        installation = installed(ground, urls.app, folder)
        loading = Demonstration(installation.engine, ground.letter_templates, at=now(), keys=installation.keys)
        yield Demonstrated(urls, installation, loading.load())
        installation.engine.dispose()


def installed(ground: Ground, url: str, folder: Path) -> Installation:
    """An installation of a demonstration on a database, with the keys and the ledger in its data `folder`."""
    engine = make_engine(url, application_name=APPLICATION, ledger=ledger_in(folder))
    keys = FilePeopleKeys(folder / "keys" / "people")
    return Installation(engine, ground.letter_templates, f"http://{HOST}", demonstration=True, keys=keys)


async def _read(reader: Reader, rounds: int) -> dict[str, list[Reading]]:
    found: dict[str, list[Reading]] = {path: [] for path in BEFORE}
    for path in BEFORE:
        for _ in range(6):  # psycopg prepares a statement that it sees for the sixth time
            await reader.get(path)
    gc.collect()
    for path in mixed(list(BEFORE), rounds):
        found[path].append(await reader.get(path))
        assert found[path][-1].status == 200, path
    return found
