"""Agendas over JSON: what they say, their items as they are kept, freezing, and what comes late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response

from api.access.agendas import (
    AgendaAccess,
    AgendaLetter,
    agenda_file,
    find_agenda,
    find_item,
    foreseen,
    freezes_at,
    keeper_of_item,
    lacking,
    letters_of,
    refuse_over,
    requests_of,
    send,
    versions_read,
)
from api.access.meetings import audience_of, find_meeting
from api.access.permissions import Action, allows, asks, require
from api.access.session import InContext, RequestContext
from api.acts.agendas import AGENDA, FREEZING, ITEM, LATE, AgendaSent
from api.acts.declaring import On
from api.json.act_routes import act_resources
from api.json.agenda_shapes import (
    AgendaKept,
    AgendaShown,
    AgendaVersionShown,
    AssembledShown,
    EditionShown,
    ItemKept,
    ItemShown,
    OutgoingShown,
    PlaceOnAgenda,
)
from api.json.described import api_routes
from api.json.idempotent_requests import IfMatch, etag, seen_version
from api.json.previewed_acts import previewed_resources
from api.json.shapes import FileShown
from api.web import downloads
from meetings import agenda_papers, agenda_requests, agendas
from meetings.agenda_items import PresentedItem, is_asked, item_of, items_of, pool_of
from meetings.assembling import Assembled
from meetings.documents.content import AgendaLine, Both
from meetings.locking import read_meeting
from meetings.reasons import why_late

router = api_routes("meetings")


@router.get("/meetings/{meeting_id}/agenda")
@asks(Action.SEE_MEETING)
def get_agenda(meeting_id: UUID, context: InContext, addendum: Annotated[int, Query(ge=0, le=1000)] = 0) -> AgendaShown:
    """What is on a meeting's agenda, or on an addendum to it, as the asker may read it."""
    row, members, given = find_meeting(context.session, context.asker, meeting_id)
    audience = audience_of(context, members, given, row.starts.date())
    content = agenda_papers.content(context.session, meeting_id, audience=audience, addendum=addendum)
    return AgendaShown(items=[_item(context, one) for one in content.items], overrun_minutes=content.overrun_minutes)


@router.get("/meetings/{meeting_id}/agenda/versions")
@asks(Action.SEE_MEETING)
def list_versions(meeting_id: UUID, context: InContext) -> list[AgendaVersionShown]:
    """The versions of an agenda that went out, the last one first, with how many items the asker may read of each."""
    row, members, given = find_meeting(context.session, context.asker, meeting_id)
    audience = audience_of(context, members, given, row.starts.date())
    return [
        AgendaVersionShown.about(version, items=len(content.items))
        for version, content in versions_read(context, meeting_id, audience)
    ]


@router.get("/meetings/{meeting_id}/agenda/versions/{n}/{language}/{form}")
@asks(Action.SEE_MEETING)
def get_version_file(
    meeting_id: UUID,
    n: Annotated[int, Path(ge=1, le=10_000)],
    language: downloads.Language,
    form: downloads.Form,
    context: InContext,
) -> FileShown:
    """A version of an agenda that went out, as a file in one language, as the asker may read it."""
    return FileShown.of(agenda_file(context, meeting_id, n, language, form))


@router.get("/meetings/{meeting_id}/agenda/items")
@asks(Action.ASK_FOR_ITEM)
def list_items(meeting_id: UUID, context: InContext) -> AgendaKept:
    """The items of an agenda and of its committee's pool, to be changed by their ids and versions."""
    found = find_agenda(context, meeting_id)
    require(Action.ASK_FOR_ITEM, found.given)
    rows = items_of(context.session, meeting_id)
    late = agenda_requests.late_requests(context.session, meeting_id)
    pool = [row for row in pool_of(context.session, found.committee_id) if row not in late]
    off = agendas.off_of(context.session, meeting_id)
    missing = lacking(context, meeting_id, rows)
    if allows(Action.KEEP_AGENDA, found.given) is None:
        mine = {row.id for row in requests_of(context, found)}
        rows, pool, late = ([row for row in part if row.id in mine] for part in (rows, pool, late))
        off, missing = [], {}
    return AgendaKept(
        items=_all_kept(context, rows),
        pool=_all_kept(context, pool),
        late=_all_kept(context, late),
        off=_all_kept(context, off),
        missing={language: [UUID(one) for one in ids] for language, ids in missing.items()},
        freezes_at=freezes_at(context, found.meeting),
    )


@router.get("/meetings/{meeting_id}/agenda/items/{item_id}")
@asks(Action.WITHDRAW_ITEM)
def get_item(meeting_id: UUID, item_id: UUID, context: InContext, response: Response) -> ItemKept:
    """One item as it is kept: for the agenda's keeper, and for the member who asked for it and may take it back."""
    found, row = find_item(context, meeting_id, item_id)
    require(Action.WITHDRAW_ITEM, found.given)
    return _shown(context, response, row.id)


@router.put("/meetings/{meeting_id}/agenda/items/{item_id}/place")
@asks(Action.KEEP_AGENDA)
def move_item(
    meeting_id: UUID, item_id: UUID, body: PlaceOnAgenda, context: InContext, response: Response, if_match: IfMatch = ""
) -> ItemKept:
    """Put an item in another place of its agenda; it stands under the heading of what it comes to there."""
    (found, by), seen = keeper_of_item(context, meeting_id, item_id), seen_version(if_match)
    refuse_over(found.meeting)
    agendas.move_to(context.session, item_id, body.place, by=by, at=context.at, seen=seen)
    return _shown(context, response, item_id)


def _assembled(_: On[AgendaAccess], done: Assembled) -> AssembledShown:
    return AssembledShown.about(done)


def _acted_on(on: On[AgendaAccess], new: UUID | None, response: Response) -> ItemKept:
    return _shown(on.context, response, new or on.id)


act_resources(router, AGENDA, _assembled)
act_resources(router, ITEM, _acted_on)


def _shown(context: RequestContext, response: Response, item_id: UUID) -> ItemKept:
    shown = _kept(context, item_of(context.session, item_id))
    response.headers["ETag"] = etag(shown.version)
    return shown


def _sent(context: RequestContext, change: Callable[[], AgendaSent], *, preview: bool) -> OutgoingShown:
    """Make a change and send what it changed; or take it back, and say what it would send."""
    with context.session.begin_nested() as point:
        sent = change()
        if preview:
            letters = foreseen(context, sent.outgoing)
            point.rollback()
        else:
            letters = letters_of(context, sent.outgoing)
            send(context, sent.outgoing, sent.occasion)
    return OutgoingShown(preview=preview, letters=[_letter(one) for one in letters])


previewed_resources(router, LATE, tell=_sent, version=lambda on: item_of(on.session, on.id).version)
previewed_resources(router, FREEZING, tell=_sent, version=lambda on: read_meeting(on.session, on.id).version)


def _letter(one: AgendaLetter) -> EditionShown:
    return EditionShown.about(one, numbers=[line.number for line in one.edition.items])


def _all_kept(context: RequestContext, rows: Sequence[PresentedItem]) -> list[ItemKept]:
    return [_kept(context, row) for row in rows]


def _kept(context: RequestContext, row: PresentedItem) -> ItemKept:
    late_reason = why_late(row.late_reason, context.language)
    return ItemKept.about(row, number=row.number or "", late_reason=late_reason, is_asked=is_asked(row))


def _item(context: RequestContext, one: AgendaLine) -> ItemShown:
    def here(both: Both) -> str:
        return str(getattr(both, context.language) or both.fr or both.en)

    return ItemShown.about(
        one,
        section_fr=one.section.fr,
        section_en=one.section.en,
        title_fr=one.title.fr,
        title_en=one.title.en,
        points=[here(point) for point in one.points],
        presenter=here(one.presenter),
        why=here(one.why),
        late_reason=here(one.late_reason),
    )
