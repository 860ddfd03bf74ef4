"""What a row of a week costs while it is typed: its save over JSON, beside the page of the rows, of the same worker."""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlmodel import Session

from adapters.database import program_session
from bench.figures import Ratio, median, mixed, ms, table
from bench.ground import Ground, now
from bench.pages import demonstration
from bench.reading import Reader, Reading
from domain.follow_ups import monday_of
from domain.kernel import col, in_program, joins, local_day, run, select
from models.follow_up import Assignment, FollowUp

PAGE: Final = "/caseload/week"
#: A save may cost as much as two readings of its page: it looks who may, locks, opens and seals, and notes it.
AT_MOST: Final = 2
MOST_STATEMENTS: Final = 26


def measure(ground: Ground, folder: Path, *, rounds: int) -> Iterator[Ratio]:
    """Save one row and read the page of rows `rounds` times, in turn: words and a number change with each save."""
    with demonstration(ground, folder / "weeks") as shown:
        with program_session(shown.installation.engine, shown.program_id) as session:
            worker, follow_up = _busiest(session)
            week = monday_of(local_day(session, now()))
        path = f"/api/v1/follow-ups/{follow_up}/notes/{week}"
        found = asyncio.run(_ask(shown.reader(worker), path, rounds))
    print(
        table(
            f"12. A week in rows, of one worker of the demonstration, in process ({rounds} rounds)",
            ("statements", "CPU"),
            {name: (f"{those[-1].statements}", ms(median(one.cpu for one in those))) for name, those in found.items()},
        )
    )
    saves, pages = found["save"], found["page"]
    yield Ratio("weeks.save", median(a.cpu / b.cpu for a, b in zip(saves, pages, strict=True)), at_most=AT_MOST)
    yield Ratio("weeks.statements", saves[-1].statements, at_most=MOST_STATEMENTS)


def _busiest(session: Session) -> tuple[UUID, UUID]:
    """The worker who has most active follow-ups, and one of these."""
    parts = run(
        session,
        select(Assignment.person_id, Assignment.follow_up_id)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .where(in_program(Assignment), FollowUp.state == "active", col(Assignment.ends_on).is_(None))
        .order_by(col(Assignment.person_id), col(Assignment.follow_up_id)),
    ).all()
    worker = Counter(part.person_id for part in parts).most_common(1)[0][0]
    return worker, next(part.follow_up_id for part in parts if part.person_id == worker)


async def _ask(reader: Reader, path: str, rounds: int) -> dict[str, list[Reading]]:
    found: dict[str, list[Reading]] = {"save": [], "page": []}
    for n in range(6):  # psycopg prepares a statement that it sees for the sixth time
        await _save(reader, path, n)
        await reader.get(PAGE)
    gc.collect()
    for n, name in enumerate(mixed(list(found), rounds)):
        found[name].append(await (_save(reader, path, n) if name == "save" else reader.get(PAGE)))
        assert found[name][-1].status == 200, name
    return found


async def _save(reader: Reader, path: str, n: int) -> Reading:
    said = {"met": 1 + n % 2, "minutes": 60 + n, "summary": "Une visite au musée. " * (1 + n % 9), "complete": None}
    return await reader.put(path, json.dumps(said).encode())
