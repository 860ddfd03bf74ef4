"""What who runs the installation does about the engine: they have a case, or all of one code, tried again."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import StringConstraints

from api.access.engine import keeper
from api.access.permissions import Action, Forbidden
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.web.given import ActInput
from domain.casework import tending
from domain.kernel import Actor

#: What the engine calls what went wrong: `error.` and a kind of error, or the code of a refusal.
Code = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$")]


class CodeGiven(ActInput):
    """The code that holds cases up."""

    code: Code


def _find(context: RequestContext, action: Action, case_id: UUID) -> tuple[None, Actor]:
    by = keeper(context, action)
    if not tending.is_known(context.session, case_id):
        raise Forbidden
    return None, by


def _find_all(context: RequestContext, action: Action) -> tuple[None, Actor]:
    return None, keeper(context, action)


ENGINE_CASE: Final = ActSubject("/engine/cases/{case_id}", _find)
ENGINE: Final = ActSubject("/engine", _find_all)


#: What the page is told of an act that led to it: how many cases were woken.
TRIED: Final = "tried"


def _back(_: object, woken: int) -> str:
    return f"/engine?{TRIED}={woken}#stuck"


@ENGINE_CASE.act(Action.TEND_ENGINE, "/retry", leads=_back)
def try_case_again(on: On[None]) -> int:
    """Have the engine carry a case now that is held up; returns how many it took up, one or none."""
    return tending.try_again(on.session, on.id, by=on.by, at=on.at)


@ENGINE.act(Action.TEND_ENGINE, "/retry", leads=_back)
def try_cases_again(on: On[None], said: CodeGiven) -> int:
    """Have the engine carry now every case that a code holds up; returns how many it took up."""
    return tending.try_all_again(on.session, said.code, by=on.by, at=on.at)
