"""The engine in trouble, as rows: cases that are held up or in hand, and runs that Prefect did not show."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update

from models.base import table_of
from models.engine import Beat, EngineRun, WakeUp
from models.record import Event
from tests.cast import AT, Cast

_wake_up = table_of(WakeUp)
_run = table_of(EngineRun)
_beat = table_of(Beat)
_event = table_of(Event)


def hold_up(cast: Cast, case_id: UUID, code: str = "seat.none", *, at: datetime = AT) -> None:
    """Have a case held up by a code: by a rule it waits for people, by an error it is tried again later."""
    is_error = code.startswith("error.")
    with cast.session() as session:
        session.execute(
            update(_wake_up)
            .where(_wake_up.c.case_id == case_id)
            .values(
                trouble=code,
                have=_wake_up.c.want - (1 if is_error else 0),
                not_before=at + timedelta(minutes=5) if is_error else at,
                wanted_at=at - timedelta(hours=2),
            )
        )


def take_in_hand(
    cast: Cast, case_id: UUID, worker: str = "worker-abc", *, at: datetime = AT, since: datetime | None = None
) -> None:
    """Have a worker hold a case, since a minute where nothing else is said."""
    with cast.session() as session:
        session.execute(
            update(_wake_up)
            .where(_wake_up.c.case_id == case_id)
            .values(
                leased_by=worker,
                leased_until=at + timedelta(seconds=20),
                taken_at=since or at - timedelta(minutes=1),
                attempts=3,
            )
        )


def wake_up_of(cast: Cast, case_id: UUID) -> tuple[int, int, datetime]:
    """How often a case was woken, how often dealt with, and from when on it may be carried."""
    with cast.session() as session:
        row = session.execute(
            select(_wake_up.c.want, _wake_up.c.have, _wake_up.c.not_before).where(_wake_up.c.case_id == case_id)
        ).one()
    return row.want, row.have, row.not_before


def carried(
    cast: Cast, case_id: UUID, *, at: datetime = AT, why_plain: str = "", outcome: str = "waiting", shown: bool = False
) -> None:
    """Record a run of a case: `shown` by Prefect, or plain."""
    with cast.session() as session:
        session.execute(
            insert(_run).values(
                program_id=cast.program_id,
                id=uuid4(),
                case_id=case_id,
                started_at=at,
                ended_at=at,
                outcome=outcome,
                acts=0,
                trouble="",
                flow_run_id=uuid4() if shown else None,
                why_plain=why_plain,
            )
        )


def give_sign(
    cast: Cast, name: str = "worker-abc", *, at: datetime = AT, up: bool = True, since: datetime | None = None
) -> None:
    """Have a worker give a sign of life."""
    with cast.session() as session:
        session.execute(insert(_beat).values(process=name, at=at, prefect_up=up, prefect_since=since))


def tries(cast: Cast) -> list[tuple[UUID, str, UUID]]:
    """The cases that were asked to be tried again: the case, the code, and who asked."""
    with cast.session() as session:
        rows = session.execute(
            select(_event.c.case_id, _event.c.facts, _event.c.actor_id)
            .where(_event.c.verb == "case.tried_again")
            .order_by(_event.c.n)
        ).all()
    return [(row.case_id, row.facts["code"], row.actor_id) for row in rows]
