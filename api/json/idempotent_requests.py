"""Requests that may be sent twice: versions that were seen, and answers that are given again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError
from starlette.exceptions import HTTPException

from api.access.session import InContext
from api.web import idempotency
from domain.kernel import Refusal
from locales import N_

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


def must_have_seen(if_match: str) -> int:
    """As `seen_version`, where what is done is done to the version that was read: `*` is 428 too."""
    seen = seen_version(if_match)
    if seen is None:
        raise HTTPException(428)
    return seen


def etag(version: int) -> str:
    """A version as an ETag."""
    return f'"{version}"'


class IdempotentRequest(idempotency.IdempotencyKey):
    """An act that is done once for each Idempotency-Key, and whose answer is given again to a repetition."""

    def unless(self, foreseen: bool) -> IdempotentRequest:
        """Itself; but what is only foreseen is no answer to be given again."""
        return replace(self, key="") if foreseen else self

    def again(self, body: BaseModel | None) -> Response | None:
        """The answer that was given before, or None where the act is still to be done.

        Raises Refusal where the key came with another request.
        """
        other = Refusal("idempotency.other_request", N_("This Idempotency-Key was used for another request."))
        before = self.before(_written(body) if body else "", otherwise=other)
        if before is None:
            return None
        headers = {"Idempotency-Replayed": "true", "Location": before.location}
        return Response(status_code=before.status, headers=headers)

    def done(self, response: Response, status: int, location: str) -> None:
        """Say where it stands, and keep what was answered, in the act's own transaction."""
        response.headers["Location"] = location
        self.keep(status, location)


async def once_of(context: InContext, request: Request, idempotency_key: IdempotencyKey = "") -> IdempotentRequest:
    """The act of one request, by its key. It asks nothing, so that no thread is taken for it."""
    return IdempotentRequest(context, f"{request.method} {request.url.path}", idempotency_key)


AtOnce = Annotated[IdempotentRequest, Depends(once_of)]


def _written(body: BaseModel) -> str:
    """What was given, in one form."""
    try:
        return body.model_dump_json()
    except PydanticSerializationError:  # half a letter, which JSON may hold and UTF-8 may not: it stands escaped
        return json.dumps(body.model_dump(), default=str)
