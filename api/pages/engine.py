"""How the engine does, for who runs the installation: workers, rounds, stuck cases with "try again", letters."""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.engine import keeper
from api.access.permissions import Action, asks
from api.access.session import InContext, RequestContext
from api.acts.engine import ENGINE, ENGINE_CASE, TRIED
from api.pages.act_routes import act_pages
from api.pages.frame import framed_pages, page
from api.views.engine import WHY_PLAIN, in_hand_total, read_engine
from api.views.names import titles_of_protocols
from domain.kernel import Refusal

router = framed_pages(of_acts=True)

#: How many were tried, as the address to which an act leads says it.
_COUNT: Final = re.compile(r"[0-9]{1,6}", re.ASCII)


@router.get("/engine", name="engine")
@asks(Action.SEE_ENGINE)
def show_engine(context: InContext, request: Request) -> HTMLResponse:
    """Everything about the engine that who runs the installation needs, and nothing about a case."""
    return _page(context, request)


def _page(context: RequestContext, request: Request, refused: Refusal | None = None) -> HTMLResponse:
    keeper(context, Action.SEE_ENGINE)
    found, titles = read_engine(context), titles_of_protocols(context)
    tried = request.query_params.get(TRIED, "")
    return page(
        context,
        request,
        "engine.html",
        refused=refused,
        now=context.at,
        sections=found,
        titles=titles,
        why=WHY_PLAIN,
        in_hand_total=in_hand_total(context),
        tried=int(tried) if _COUNT.fullmatch(tried) else None,
    )


act_pages(router, ENGINE_CASE, lambda on, request, typed: _page(on.context, request, typed.refusal))
act_pages(router, ENGINE, lambda on, request, typed: _page(on.context, request, typed.refusal))
