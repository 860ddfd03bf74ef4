"""How the engine does, over JSON: what the page shows, and a held-up case tried again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api.access.engine import keeper
from api.access.permissions import Action, asks
from api.access.session import InContext
from api.acts.declaring import On
from api.acts.engine import ENGINE, ENGINE_CASE
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.shapes import Shown
from api.views.engine import read_engine

router = api_routes("engine", of_acts=True)


class WorkerShown(Shown):
    """A process of the engine. `prefect_since`: since when it sees Prefect up, or away."""

    name: str
    seen_at: datetime
    is_alive: bool
    prefect_up: bool
    prefect_since: datetime | None


class ServerShown(Shown):
    """The engine's server. `answers` is empty where that is not known yet; `word_file` is where its word lies."""

    address: str
    answers: bool | None
    user: str
    word_file: str


class HealthShown(Shown):
    """Whether the engine works at all, and what of the program waits for it."""

    is_silent: bool
    is_behind: bool
    waiting: int
    waiting_since: datetime | None
    workers: list[WorkerShown]
    server: ServerShown


class StuckCaseShown(Shown):
    """A case that is held up. `next_try` is empty where it waits for people, and is tried now and then."""

    case_id: UUID
    protocol: str
    code: str
    since: datetime
    next_try: datetime | None


class StuckShown(Shown):
    """The cases that are held up, at most a hundred, and how many each code holds up."""

    total: int
    by_code: Mapping[str, int]
    cases: list[StuckCaseShown]


class RoundShown(Shown):
    """A timed round of the program. `late` is zero where it was done when it was due."""

    key: str
    title: str
    ran_at: datetime | None
    ran_by: str
    found: int
    next_at: datetime | None
    late: timedelta
    is_late: bool


class CaseInHandShown(Shown):
    """A case that a worker has in hand."""

    case_id: UUID
    protocol: str
    worker: str
    taken_at: datetime | None
    wanted_at: datetime
    attempts: int


class PlainRunShown(Shown):
    """A case that was carried without Prefect, and `why`: away, busy, slow, failed, or ""."""

    case_id: UUID
    protocol: str
    ended_at: datetime
    outcome: str
    why: str


class PlainShown(Shown):
    """How often cases were carried since a moment, and the last ones of those that were carried plainly."""

    since: datetime
    by_prefect: int
    why: Mapping[str, int]
    cases: list[PlainRunShown]


class LettersShown(Shown):
    """The program's letters. Of those that wait some were `tried`, the last of them answered by `code`."""

    waiting: int
    tried: int
    code: str
    is_still: bool
    oldest: datetime | None
    failed: Mapping[str, int]


class EngineShown(Shown):
    """The engine as who runs the installation sees it: opaque ids, codes, counts and moments."""

    health: HealthShown
    stuck: StuckShown
    rounds: list[RoundShown]
    in_hand: list[CaseInHandShown]
    plain: PlainShown
    letters: LettersShown


class TriedShown(Shown):
    """How many cases the engine takes up again."""

    cases: int


@router.get("/engine")
@asks(Action.SEE_ENGINE)
def get_engine(context: InContext) -> EngineShown:
    """How the engine does."""
    keeper(context, Action.SEE_ENGINE)
    return EngineShown.model_validate(read_engine(context))


def _count(_: On[Any], cases: int) -> TriedShown:
    return TriedShown(cases=cases)


act_resources(router, ENGINE_CASE, _count)
act_resources(router, ENGINE, _count)
