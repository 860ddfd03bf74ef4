"""Requests that may be sent twice: versions that were seen, and answers that are given again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import and_, select, update
from sqlalchemy.dialects.postgresql import insert
from starlette.exceptions import HTTPException

from api.session import AtDesk, Desk
from duties.refusals import Refusal
from locales import N_
from models.access import AnsweredRequest
from models.base import table_of

_answered = table_of(AnsweredRequest)

IfMatch = Annotated[str, Header(pattern=r'^("\d{1,9}"|\*)?$', description='The ETag that was read, such as "3".')]
IdempotencyKey = Annotated[
    str,
    Header(
        pattern=r"^[!-~]{0,100}$",
        description="The same key is the same request: it is done once, and what was answered is answered again, "
        "with Idempotency-Replayed, the same status and Location, and no body.",
    ),
]


def seen_version(if_match: str) -> int | None:
    """The version in an If-Match header; None for `*`, which takes whatever there is. Without one it is 428."""
    if not if_match:
        raise HTTPException(428)
    return None if if_match == "*" else int(if_match.strip('"'))


def etag(version: int) -> str:
    """A version as an ETag."""
    return f'"{version}"'


@dataclass(frozen=True)
class Once:
    """An act that is done once for each key, person and route, and whose answer is given again to a repetition.

    The key's row is written in the act's own transaction: of two that race, the second waits for the first, then
    gives its answer again. What is kept is a status and a place, never a body.
    """

    desk: Desk
    route: str
    key: str

    def unless(self, foreseen: bool) -> Once:
        """Itself; but what is only foreseen is no answer to be given again."""
        return replace(self, key="") if foreseen else self

    def again(self, body: BaseModel | None) -> Response | None:
        """The answer that was given before, or None where the act is still to be done.

        Raises Refusal where the key came with another request.
        """
        if not self.key:
            return None
        digest = hashlib.sha256((body.model_dump_json() if body else "").encode()).hexdigest()
        taken = self.desk.session.scalar(
            insert(_answered)
            .values(
                program_id=self.desk.program_id,
                person_id=self.desk.asker.person_id,
                route=self.route,
                key=self.key,
                digest=digest,
                status=0,
                location="",
                answered_at=self.desk.at,
            )
            .on_conflict_do_nothing()
            .returning(_answered.c.key)
        )
        if taken is not None:
            return None
        before = self.desk.session.execute(select(_answered).where(self._mine)).one()
        if before.digest != digest:
            raise Refusal("idempotency.other_request", N_("This Idempotency-Key was used for another request."))
        headers = {"Idempotency-Replayed": "true", "Location": before.location}
        return Response(status_code=before.status, headers=headers)

    def done(self, response: Response, status: int, location: str) -> None:
        """Say where it stands, and keep what was answered, in the act's own transaction."""
        response.headers["Location"] = location
        if self.key:
            self.desk.session.execute(update(_answered).where(self._mine).values(status=status, location=location))

    @property
    def _mine(self) -> Any:
        return and_(
            _answered.c.program_id == self.desk.program_id,
            _answered.c.person_id == self.desk.asker.person_id,
            _answered.c.route == self.route,
            _answered.c.key == self.key,
        )


async def once_of(desk: AtDesk, request: Request, idempotency_key: IdempotencyKey = "") -> Once:
    """The act of one request, by its key. It asks nothing, so that no thread is taken for it."""
    return Once(desk, f"{request.method} {request.url.path}", idempotency_key)


AtOnce = Annotated[Once, Depends(once_of)]
