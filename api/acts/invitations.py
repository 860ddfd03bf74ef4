"""What is done with an invitation to a meeting: it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from api.access.permissions import Action
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.acts.minutes import Row, find_kept
from api.web.given import ActInput, on_form
from api.web.readers import checked_answer
from meetings import answers

INVITED: Final = ActSubject("/meetings/{meeting_id}", find_kept)


class AnswerGiven(ActInput):
    """What the asker answers, and which alternate of their seat they name to come instead."""

    answer: Annotated[Literal["accepted", "tentative", "declined"], on_form(checked_answer, name="said")]
    alternate_id: Annotated[UUID | None, on_form(name="alternate")] = None

    @classmethod
    def from_form(cls, typed: Mapping[str, Any], context: RequestContext) -> Self:
        """What the form says; who comes instead counts where one does not come."""
        return super().from_form(typed if typed["said"] == answers.DECLINED else {**typed, "alternate": ""}, context)


@INVITED.act(Action.ANSWER_INVITATION, "/answer", form="answer", place="answer", json="PUT")
def answer_invitation(on: On[Row], said: AnswerGiven) -> None:
    """Say whether the asker comes, and who comes instead. The last answer counts."""
    answers.answer(
        on.session,
        on.id,
        on.context.asker.person_id,
        said.answer,
        means="page",
        alternate_id=said.alternate_id,
        by=on.by,
        at=on.at,
    )
