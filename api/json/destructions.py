"""The destruction of files that is asked, over JSON: what and why, by number, for those who confirm or refuse it."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.destructions import find_destruction, seen_destructions
from api.access.permissions import Action, Given, allows, asks
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.participant_files import DESTRUCTION
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.shapes import Shown, of_columns
from api.views.participant_words import CAUTIONS
from domain.participants import DestructionRequest, destruction, weighing, what_is_destroyed
from locales import gettext
from models.destruction import Destruction

router = api_routes("destructions", of_acts=True)


class CautionShown(Shown):
    """One thing to know before a file is destroyed, in words."""

    key: weighing.Caution
    words: str


@of_columns(
    Destruction,
    "participant_id state ground asked_by asked_as asked_at confirm_from lapses_on stopped_by ended_by ended_at",
)
class DestructionAsked(Shown, what_is_destroyed.Contents):
    """That a file be destroyed: what is asked and why, by number, and what became of it.

    `cautions` is what a person who confirms it says to know, each by its key. `waiting_for` are those who can answer
    today, and `kept_out` those who cannot though their role does, and why. `changes` are those by hand of how long the
    file is kept, and `earlier` the other requests about it. No words have the person's names.
    """

    id: UUID
    cautions: list[CautionShown]
    known_as: str
    reason: str
    waiting_for: list[UUID]
    kept_out: list[destruction.KeptOut]
    answer: str
    changes: list[weighing.KeepingChange]
    earlier: list[weighing.EarlierRequest]


@of_columns(Destruction, "participant_id ground asked_by asked_at confirm_from lapses_on")
class DestructionListed(Shown):
    """A request that waits for an answer."""

    id: UUID
    known_as: str


@router.get("/destructions")
@asks(Action.SEE_DESTRUCTIONS)
def get_destructions(context: InContext) -> list[DestructionListed]:
    """The destructions that are asked and wait for an answer, the first to be confirmed first."""
    return DestructionListed.each(seen_destructions(context.session, context.asker))


@router.get("/participants/{participant_id}/destruction-request")
@asks(Action.SEE_DESTRUCTION)
def get_destruction(participant_id: UUID, context: InContext) -> DestructionAsked:
    """What is to be destroyed and why, and what became of it. Each reading of the words is in the record."""
    asked, given = find_destruction(context.session, context.asker, participant_id)
    return _shown(context, asked, given)


def _shown(context: RequestContext, asked: DestructionRequest, given: Given) -> DestructionAsked:
    session, participant_id = context.session, asked.participant_id
    by = allows(Action.SEE_DESTRUCTION, given)
    assert by is not None  # noqa: S101 - found for it
    weighed = weighing.weigh(session, asked, context.day, by=by, at=context.at)
    able = destruction.who_may_confirm(session, asked, context.asker.standing) if asked.state == "asked" else []
    return DestructionAsked.about(
        asked,
        **vars(what_is_destroyed.contents_of(session, participant_id)),
        **{name: value for name, value in vars(weighed).items() if name != "cautions"},
        cautions=[CautionShown(key=one, words=gettext(CAUTIONS[one])) for one in weighed.cautions],
        waiting_for=sorted({holder.person_id for holder in able}),
        kept_out=destruction.kept_out(session, asked, context.asker.standing),
    )


def _acted_on(on: On[DestructionRequest], _: None, __: Response) -> DestructionAsked:
    return _shown(on.context, *find_destruction(on.session, on.context.asker, on.id))


act_resources(router, DESTRUCTION, _acted_on)
