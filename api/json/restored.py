"""What a restore left to decide, over JSON: the same decisions as on the page, by the same side."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime

from api.access.permissions import Action, asks
from api.access.restored import theirs
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.restored import MATTER
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.shapes import Page, Shown
from api.views.restored import MatterLine, lines_of
from domain.kernel import Part
from domain.restored import matters
from models.ledger import RestoredMatter

router = api_routes("restored", of_acts=True)

#: So many are given at most at once.
MOST: Final = 100


class MatterShown(Shown):
    """One thing that had ended, or a meeting that was told of, and what was decided of it.

    `can` says whether it can be done again here: `again`, `so` where it is so already, `gone` where it cannot be found,
    or `by_hand`. It is empty of a meeting, and of one that was decided. `line` is the number of its line in the ledger.
    `was_decided` says what was decided of it before another restore, which lost that.
    """

    id: UUID
    line: int
    kind: str
    verb: str
    words: str
    at: AwareDatetime
    is_certain: bool
    can: Literal["again", "so", "gone", "by_hand", ""]
    decision: Literal["", "done_again", "left_undone", "noted", "cancelled", "kept"]
    decided_at: AwareDatetime | None
    decided_by: UUID | None
    reason: str
    was_decided: str


@router.get("/restored")
@asks(Action.SEE_RESTORED)
def list_restored(
    context: InContext,
    after: Annotated[int, Query(ge=0, description="The `next` of the part before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> Page[MatterShown]:
    """What waits for the asker's decision after a restore, in the order in which it was done."""
    waiting = matters.waiting(context.session)
    found = theirs(context, waiting, waiting)
    part = Part.of([one for one in found if one.ledger_n > after][: limit + 1], limit, attrgetter("ledger_n"))
    return Page[MatterShown].of(part, lambda rows: _shown(context, rows), limit, len(found))


def _shown(context: RequestContext, rows: Sequence[RestoredMatter]) -> list[MatterShown]:
    lines = {one.id: one for one in lines_of(context, [one for one in rows if one.decided_at is None])}
    return [_one(matter, lines.get(matter.id)) for matter in rows]


def _one(matter: RestoredMatter, line: MatterLine | None) -> MatterShown:
    return MatterShown(
        **{name: getattr(matter, name) for name in MatterShown.model_fields if hasattr(matter, name)},
        line=matter.ledger_n,
        words=line.what if line else "",
        can=line.can if line else "",
        was_decided=line.was_decided if line else "",
    )


def _acted_on(on: On[RestoredMatter], _: None) -> MatterShown:
    matter = matters.find(on.session, on.id)
    assert matter is not None  # noqa: S101 - it was decided a moment ago
    return _shown(on.context, [matter])[0]


act_resources(router, MATTER, _acted_on)
