"""A person's private calendar address, as their calendar reads it: without a sign-in, the secret is the key."""

from __future__ import annotations

import hashlib
from typing import Final, cast

from fastapi import APIRouter, Request, Response

from api.access.permissions import Action, Asker, Forbidden, asks
from api.access.session import installation_of
from domain.kernel import Language, local_day, program_of
from domain.roles import standing
from locales import LANGUAGES
from meetings import feeds
from models.program import Person

router = APIRouter(include_in_schema=False)

#: Whoever subscribed keeps their copy, and asks each time whether it is so still: an ended address ends at once.
_KEPT: Final = "private, no-cache"


@router.get("/calendar/{token}.ics", name="calendar_feed")
@asks(Action.READ_FEED)
def read_feed(request: Request, token: str) -> Response:
    """The meetings of the person whose secret this is, as a calendar file. Raises Forbidden, whatever the reason."""
    installation = installation_of(request)
    at = installation.clock()
    with installation.before_a_program() as session:
        feed = feeds.look(session, token)
    if feed is None:
        raise Forbidden
    with installation.transaction(feed.program_id) as session:
        if not Asker(feed.person_id, standing(session, local_day(session, at))).is_staff:
            raise Forbidden
        person = session.get(Person, (program_of(session), feed.person_id))
        assert person is not None  # noqa: S101 - the database lets no feed be without its person
        content = feeds.calendar(session, feed.person_id, cast("Language", person.language), at=at)
        feeds.mark_read(session, feed.id, at=at)
        language = LANGUAGES[person.language].replace("_", "-")
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": _KEPT, "Content-Language": language}
    if tag in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)


def _tags(header: str) -> set[str]:
    """The tags of an If-None-Match, for which weak and strong are alike (RFC 9110, 13.1.2)."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
