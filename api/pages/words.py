"""Looking at words while they are typed: what has the shape of a name, alike for everyone, known or not."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext
from api.pages.forms import Text
from api.web.pointing import point
from domain.names import Ours, ours
from locales import N_, gettext

router = APIRouter(include_in_schema=False)

#: As long as any text of ours; of a longer one nothing is said until it is saved.
_LONGEST = 20_000


@router.post("/words", name="words")
@asks(Action.LOOK_AT_WORDS)
def words(context: InContext, field: Text = "", text: Text = "") -> JSONResponse:
    """What of a field's words is pointed at, and the sentence that says so. Nothing of it is kept."""
    require(Action.LOOK_AT_WORDS, to_program(context.asker))
    found = point([(field, text[:_LONGEST])], Ours.of(ours(context.session)), year=context.day.year)
    passages = [passage for one in found for passage in one.passages]
    said = "; ".join(f"{passage.kind} – {passage.words}" for passage in passages)
    return JSONResponse({"said": f"{said}. {gettext(INSTEAD)}" if said else ""})


#: What is offered where something is pointed at.
INSTEAD = N_("Participants are identified by a number: write the number instead.")
