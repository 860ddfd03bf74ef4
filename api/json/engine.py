"""How the engine does, over JSON: what the page shows, and a held-up case tried again."""

from __future__ import annotations

from typing import Any

from api.access.engine import keeper
from api.access.permissions import Action, asks
from api.access.session import InContext
from api.acts.declaring import On
from api.acts.engine import ENGINE, ENGINE_CASE
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.shapes import Shown
from api.views.engine import HealthShown, LettersShown, PlainShown, RoundShown, StuckShown, read_engine
from domain.casework import RunsOfKind, tending

router = api_routes("engine", of_acts=True)


class EngineShown(Shown):
    """The engine as who runs the installation sees it: opaque ids, codes, counts and moments. Instants are UTC."""

    health: HealthShown
    stuck: StuckShown
    rounds: list[RoundShown]
    in_hand: list[tending.CaseInHand]
    plain: PlainShown
    letters: LettersShown
    copies: list[RunsOfKind]


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
