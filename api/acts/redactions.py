"""What is done with a request to take words out: it is confirmed, refused, or taken back. Never by one side alone."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from api.access.permissions import Action, Forbidden, Relation, require, to_program
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from domain.roles import FOR_PRIVACY
from meetings import redacting
from models.redaction import Redaction

#: Who asks that words of something are taken out, and who answers.
_SIDES: Final = frozenset({Relation.COORDINATOR, Relation.PRIVACY})
_ASKING: Final = {"meeting": frozenset[Relation](), "incident": frozenset({Relation.STANDS_IN})}


def to_answer(context: RequestContext, row: Redaction) -> Relations:
    """What the asker is to a request, as one who answers it: never of the side that asked."""
    side = Relation.PRIVACY if redacting.answered_as(row) == FOR_PRIVACY[0].role else Relation.COORDINATOR
    return _among(context, frozenset({side}))


def find_redaction(context: RequestContext, redaction_id: UUID) -> Redaction:
    """A request that the asker may see. Raises Forbidden, also where there is none."""
    row = redacting.find(context.session, redaction_id)
    if row is None:
        raise Forbidden
    of, _ = redacting.of_what(row)
    require(Action.SEE_REDACTIONS, _among(context, _SIDES | _ASKING[of]))
    return row


def _among(context: RequestContext, relations: frozenset[Relation]) -> Relations:
    """What the asker is to the program, of these relations alone and of the staff's."""
    given = to_program(context.asker)
    return {one: who for one, who in given.items() if one in relations or one is Relation.STAFF}


def _find(context: RequestContext, action: Action, redaction_id: UUID) -> tuple[Redaction, Relations]:
    row = find_redaction(context, redaction_id)
    return row, to_answer(context, row) if action is Action.CONFIRM_REDACTION else to_program(context.asker)


REDACTION: Final = ActSubject("/redactions/{redaction_id}", _find)


@REDACTION.act(Action.CONFIRM_REDACTION, "/confirmation", form="settle", versioned=True)
def confirm_redaction(on: On[Redaction]) -> None:
    """Take the words out, everywhere."""
    redacting.confirm(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@REDACTION.act(Action.CONFIRM_REDACTION, "/refusal", form="settle", versioned=True)
def decline_redaction(on: On[Redaction]) -> None:
    """Say that the words stay."""
    redacting.decline(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@REDACTION.act(Action.SEE_REDACTIONS, "/taking-back", form="settle", versioned=True)
def take_back_redaction(on: On[Redaction]) -> None:
    """No longer ask for it."""
    redacting.take_back(on.session, on.id, by=on.by, at=on.at, seen=on.seen)
