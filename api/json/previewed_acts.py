"""The declared acts that are looked at before: over JSON, each tells which letters it writes, or would write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query

from api.access.session import RequestContext
from api.acts.declaring import Act, ActSubject, On, endpoint_of, part
from api.json.act_routes import parts_of
from api.json.described import PREFIX
from api.json.idempotent_requests import etag, seen_version
from api.json.meeting_shapes import ChangeLetterShown, MeetingChangeShown, NewsShown
from meetings import schedule
from meetings.invitations import PersonalNews, letters_in, people_in

Row = TypeVar("Row")

Preview = Annotated[
    bool, Query(description="Answer which letters the change would write, and to whom, and change nothing.")
]
#: A preview adds nothing.
_PREVIEWED: Final[dict[int | str, dict[str, Any]]] = {200: {"model": MeetingChangeShown, "description": "A preview."}}


def previewed_resources(
    router: APIRouter, subject: ActSubject[Row], *, version: Callable[[On[Row]], int] | None = None
) -> None:
    """Put the acts of a subject under `PREFIX`; `version` is that of their thing, where they look at it."""
    for act in subject.acts:
        router.add_api_route(
            (PREFIX + subject.path + act.json_path).removeprefix(router.prefix),
            _endpoint(subject, act, version),
            methods=[act.method],
            status_code=act.status,
            responses=_PREVIEWED if act.once else None,
        )


def _endpoint(subject: ActSubject[Row], act: Act, version: Callable[[On[Row]], int] | None) -> Callable[..., Any]:
    ids = dict(subject.parts())

    def answer(given: Mapping[str, Any]) -> Any:
        context, response, body, preview = given["context"], given["response"], given.get("body"), given["preview"]
        once = given["once"].unless(preview) if act.once else None
        if once is not None and (before := once.again(body)) is not None:
            return before
        on = subject.open(context, act, {name: given[name] for name in ids})
        if act.versioned:
            on = replace(on, seen=seen_version(given["if_match"]))
        parts = {name: given[name] for name in act.parts}
        shown = changed(context, lambda: act.call(on, body, parts), preview=preview)
        if version is not None:
            response.headers["ETag"] = etag(version(on))
        if once is not None and not preview:
            once.done(response, act.status, PREFIX + subject.leads_to(act, on, shown))
        elif preview:
            response.status_code = 200
        return shown

    return endpoint_of(act, answer, [*parts_of(act, ids), part("preview", Preview, False)], MeetingChangeShown)


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
