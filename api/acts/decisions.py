"""What is done to a decision beside endorsing it: asking for that, settling an objection, adding a language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from api.access.decisions import find_decision
from api.access.meetings import find_meeting
from api.access.permissions import Action, Forbidden, require, to_program
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.web.given import ActInput, Moment, Said, Version, on_form
from api.web.readers import hour_there, id_or_none, picked_number
from domain.kernel import Language
from meetings import endorsing, settling, translating
from meetings.decision_rows import RegisteredDecision

Row = RegisteredDecision


def _find(context: RequestContext, action: Action, decision_id: UUID) -> tuple[Row, Relations | None]:
    row, _asked, given = find_decision(context, decision_id)
    return row, None if action is Action.WANT_ENDORSEMENT else given


DECISION: Final = ActSubject("/decisions/{decision_id}", _find)


def _there(text: str) -> UUID:
    """The id that a hidden field sends. Raises Forbidden where it sends none."""
    found = id_or_none(text)
    if found is None:
        raise Forbidden
    return found


class TextAdded(ActInput):
    """What was decided, in the language in which it is not written."""

    language: Language
    text: Said


@DECISION.act(Action.RUN_MEETING, "/translation", form="translation", place="text", versioned=True)
def add_text(on: On[Row], said: TextAdded) -> None:
    """Write a decision in the language that its meeting left out; once."""
    translating.add_text(on.session, on.id, said.language, said.text, by=on.by, at=on.at, seen=on.seen)


class EndorsementWanted(ActInput):
    """That a partner asks for a decision to be endorsed that was recorded as another kind, and why."""

    organization_id: Annotated[UUID, on_form(_there, name="organization")]
    reason: Said
    seen: Annotated[Version, on_form(picked_number)] = None


@DECISION.act(Action.WANT_ENDORSEMENT, "/wanted-endorsement", form="wanted", place="endorsements")
def want_endorsement(on: On[Row], said: EndorsementWanted) -> None:
    """Ask, for a partner, that a decision be endorsed that was recorded as another kind than on management."""
    by = require(Action.WANT_ENDORSEMENT, to_program(on.context.asker, organizations=[said.organization_id]))
    endorsing.want_endorsement(
        on.session, on.id, said.organization_id, reason=said.reason, by=by, at=on.at, seen=said.seen
    )


class ObjectionSettled(ActInput):
    """How the committee that sits settles what is objected: it keeps the decision, or takes it back.

    `decided_at` is given where that was earlier than it is recorded: its quorum is that of then.
    """

    meeting_id: Annotated[UUID, on_form(_there, name="meeting")]
    settled_as: Literal["kept", "taken_back"]
    text_fr: Said = ""
    text_en: Said = ""
    decided_at: Annotated[Moment | None, on_form(str, name="hour")] = None
    seen: Annotated[Version, on_form(lambda text: picked_number(text) if text else None)] = None

    @classmethod
    def from_form(cls, typed: Mapping[str, Any], context: RequestContext) -> Self:
        """What the form says; the hour is one of the day on which the committee sits."""
        said = super().from_form(typed, context)
        find_meeting(context.session, context.asker, said.meeting_id)
        return said.model_copy(update={"decided_at": hour_there(context, said.meeting_id, typed["hour"])})


@DECISION.act(Action.SETTLE_OBJECTION, "/settlement", form="settlement", place="endorsements")
def settle_objection(on: On[Row], said: ObjectionSettled) -> None:
    """Record how the committee that sits settles what is objected to a decision: by a decision of its own."""
    find_meeting(on.session, on.context.asker, said.meeting_id)
    settling.settle(
        on.session,
        on.id,
        said.meeting_id,
        said.settled_as,
        text_fr=said.text_fr,
        text_en=said.text_en,
        decided_at=said.decided_at,
        by=on.by,
        at=on.at,
        seen=said.seen,
    )
