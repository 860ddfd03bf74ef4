"""How the program is carried out (ER-1): the figures of a quarter with pictures, and the paper for the committee."""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Final

from fastapi import Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require
from api.access.research import to_measures
from api.access.session import InContext
from api.pages.frame import around, framed_pages, page
from api.web import downloads
from domain.kernel import Part, in_words
from meetings.statements import implementation

router = framed_pages("/measures", of_acts=True)

#: Quarters on one page.
A_PAGE: Final = 12

Quarter = Annotated[str, Path(max_length=12, description="A quarter, such as 2026-Q3.")]


@router.get("", name="measures")
@asks(Action.SEE_MEASURES)
def list_measures(
    context: InContext, request: Request, after: Annotated[str, Query(max_length=12)] = ""
) -> HTMLResponse:
    """The quarters that are over, the newest first."""
    require(Action.SEE_MEASURES, to_measures(context.session, context.asker))
    over = implementation.quarters(context.session, at=context.at)
    part = Part.among(over, after, A_PAGE, attrgetter("key"))
    names = {one.key: in_words(one.key, context.language) for one in part.rows}
    return page(context, request, "measures.html", names=names, total=len(over), parts=around(part, after, "/measures"))


@router.get("/{quarter}", name="measures_of")
@asks(Action.SEE_MEASURES)
def show_measures(context: InContext, request: Request, quarter: Quarter) -> HTMLResponse:
    """The measures until the end of a quarter, each table with its picture."""
    require(Action.SEE_MEASURES, to_measures(context.session, context.asker))
    content = implementation.look(context.session, quarter, at=context.at)
    return page(context, request, "measures_of.html", content=content, quarter=quarter)


@router.get("/{quarter}/{language}.pdf", name="measures_paper")
@asks(Action.SEE_MEASURES)
def download_paper(context: InContext, quarter: Quarter, language: downloads.Language) -> Response:
    """The same as a paper, to be put before the Joint Committee."""
    require(Action.SEE_MEASURES, to_measures(context.session, context.asker))
    return downloads.download(implementation.paper(context.session, quarter, language, at=context.at))
