"""What is done to a mail that came as an answer and was not taken: it is set aside, or taken as an answer."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from api.access.people import find_person
from api.access.permissions import Action, Forbidden, require, to_program
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.web.given import ActInput, on_form
from api.web.readers import chosen
from domain.kernel import Actor, Refusal
from locales import N_
from meetings import unmatched_replies

#: What a form sends for every meeting to come of the season.
WHOLE_SEASON: Final = "season"


def find_stray(context: RequestContext, action: Action, stray_id: UUID) -> tuple[None, Actor]:
    """The actor who sees to a mail that was not taken. Raises Forbidden, also where there is none."""
    by = require(action, to_program(context.asker))
    try:
        unmatched_replies.stray_of(context.session, stray_id)
    except Refusal:
        raise Forbidden from None
    return None, by


STRAY: Final = ActSubject("/strays/{stray_id}", find_stray)


@STRAY.act(Action.KEEP_STRAYS, "/setting-aside", form="{stray_id}", versioned=True)
def set_aside(on: On[None]) -> None:
    """Leave a mail for what it is."""
    unmatched_replies.set_aside(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


_meeting = chosen("meeting.missing", N_("Choose the meeting that the mail answers."))


class StrayTaken(ActInput):
    """Whose answer a mail is, and what it says; without a meeting, to each to come of the season that it names."""

    person_id: Annotated[UUID, on_form(chosen("person.missing", N_("Choose a person.")), name="person")]
    answer: Annotated[Literal["accepted", "tentative", "declined"], on_form(name="said")]
    meeting_id: Annotated[
        UUID | None, on_form(lambda text: None if text == WHOLE_SEASON else _meeting(text), name="meeting")
    ] = None


@STRAY.act(Action.KEEP_STRAYS, "/answer", form="{stray_id}", versioned=True)
def take(on: On[None], said: StrayTaken) -> None:
    """Take a mail as the answer of the person who is named."""
    person_id = find_person(on.session, said.person_id)
    unmatched_replies.take(
        on.session, on.id, person_id, said.answer, meeting_id=said.meeting_id, by=on.by, at=on.at, seen=on.seen
    )
