"""The declared acts that are looked at before: over JSON, each tells which letters it writes, or would write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query

from api.access.session import RequestContext
from api.acts.declaring import Act, ActSubject, On, Parts, endpoint_of, part
from api.json.act_routes import BodySent, address_of, call, opened, parts_of, shape_of
from api.json.described import PREFIX
from api.json.idempotent_requests import etag
from api.json.meeting_shapes import ChangeLetterShown, MeetingChangeShown, NewsShown
from meetings import schedule
from meetings.invitations import PersonalNews, letters_in, people_in

Row = TypeVar("Row")

Preview = Annotated[
    bool, Query(description="Answer which letters the change would write, and to whom, and change nothing.")
]
Tell = Callable[..., Any]
"""Makes a change in a context and says what it told; or, for a `preview`, what it would. Its return type is the shape.
"""
Version = Callable[[On[Row]], int]
#: A preview adds nothing.
_PREVIEWED: Final[dict[int | str, dict[str, object]]] = {
    200: {"model": MeetingChangeShown, "description": "A preview."}
}


def changed(
    context: RequestContext, change: Callable[[], tuple[PersonalNews, ...]], *, preview: bool
) -> MeetingChangeShown:
    """Make a change and say which people it told what; or take it back, and say what it would tell."""
    told = schedule.preview(context.session, change) if preview else change()
    of_person: dict[UUID, list[PersonalNews]] = {}
    for one in told:
        of_person.setdefault(one.person_id, []).append(one)
    letters = [
        ChangeLetterShown(
            person_id=person_id, has_address=all(one.has_address for one in theirs), news=NewsShown.each(theirs)
        )
        for person_id, theirs in of_person.items()
    ]
    return MeetingChangeShown(preview=preview, people=people_in(told), sent=letters_in(told), letters=letters)


def previewed_resources(
    router: APIRouter, subject: ActSubject[Row], *, tell: Tell = changed, version: Version[Row] | None = None
) -> None:
    """Put the acts of a subject under `PREFIX`; `version` is that of their thing, where they look at it."""
    for act in subject.acts:
        parts = [*parts_of(subject, act), part("preview", Preview, False)]
        router.add_api_route(
            address_of(router, subject, act),
            endpoint_of(act, _reply(subject, act, tell, version), parts, shape_of(tell)),
            methods=[act.method],
            status_code=act.status,
            responses=_PREVIEWED if act.once else None,
        )


def _reply(subject: ActSubject[Row], act: Act, tell: Tell, version: Version[Row] | None) -> Callable[[Parts], Any]:
    def reply(given: Parts) -> Any:
        sent = BodySent.of(given)
        once = sent.once.unless(sent.preview) if sent.once is not None else None
        if once is not None and (before := once.again(sent.body)) is not None:
            return before
        on = opened(subject, act, sent)
        shown = tell(on.context, lambda: call(act, on, sent), preview=sent.preview)
        if version is not None:
            sent.response.headers["ETag"] = etag(version(on))
        if sent.preview:
            sent.response.status_code = 200
        elif once is not None:
            once.done(sent.response, act.status, PREFIX + subject.leads_to(act, on, shown))
        return shown

    return reply
