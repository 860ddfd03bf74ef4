"""What is done to the program's statement of a period: it leaves, once and for good."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import Field

from api.access.permissions import Action, to_program
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.web.given import ActInput, on_form
from meetings.statements import program

Period = Annotated[str, Path(max_length=12, description="A year, such as 2026, or a quarter: 2026-Q3.")]
AfterPeriod = Annotated[str, Query(max_length=12, description="The period with which the part before ended.")]


def _find(context: RequestContext, _: Action, period: Period) -> tuple[str, Relations]:
    return period, to_program(context.asker)


STATEMENT: Final = ActSubject("/statements/{period}", _find)


class ReleaseGiven(ActInput):
    """The digest of what was looked at."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), on_form(name="seen")]


@STATEMENT.act(Action.RELEASE_COUNTS, "/release", once=True)
def release(on: On[str], said: ReleaseGiven) -> None:
    """Let the statement of a period leave as it was looked at: once, and for good."""
    program.release(on.session, on.row, digest=said.digest, by=on.by, at=on.at)
