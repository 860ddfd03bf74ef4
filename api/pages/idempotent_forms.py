"""Forms that may be sent twice, by a second click or because no answer came: what they add is added once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Form, Request

from api.access.session import InContext
from api.web import idempotency
from domain.kernel import Refusal
from locales import N_

#: The field that `ui.once()` writes into a form: another key each time that the form is shown.
FIELD: Final = "once"


@dataclass(frozen=True)
class IdempotentForm(idempotency.IdempotencyKey):
    """The act of a form, by the key that the form was shown with. `said` is all else that it says."""

    said: str

    def attempt(self, act: Callable[[], str]) -> str | Refusal:
        """Do `act`, which gives the address of what it made; of the same form sent again, the same address.

        Where a rule refuses, all of it is undone and the refusal given back, to be shown with what was typed. So is
        a form that was sent before and says something else now: shown anew, it has another key, and may be sent.
        """
        made: list[str] = []

        def act_once() -> None:
            before = self.before(
                self.said,
                otherwise=Refusal(
                    "form.sent_before",
                    N_(
                        "This form was already sent with other content. Check the result; to add this as "
                        "well, send it again."
                    ),
                ),
            )
            if before is not None:
                made.append(before.location)
                return
            made.append(act())
            self.keep(303, made[0])

        refusal = self.context.attempt(act_once)
        return made[0] if refusal is None else refusal


async def once_of(
    context: InContext, request: Request, key: Annotated[str, Form(alias=FIELD, pattern=r"^[!-~]{0,100}$")] = ""
) -> IdempotentForm:
    """The act of one form, by its key."""
    typed = sorted((name, str(value)) for name, value in (await request.form()).multi_items() if name != FIELD)
    return IdempotentForm(context, f"{request.method} {request.url.path}", key, json.dumps(typed))


AtOnce = Annotated[IdempotentForm, Depends(once_of)]
