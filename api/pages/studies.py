"""Studies of the research: what each asks for, who receives it, its exports, and the rows that recipients remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, Given, asks, is_allowed, require
from api.access.research import (
    find_export,
    find_study,
    removals_for,
    sees_all_studies,
    studies_seen_by,
    to_list_of_studies,
    to_studies,
)
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.research import EXPORT, STUDIES, STUDY
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import around, framed_pages, page
from api.views.tasks import names_of
from api.views.timeline import TimelineLine, told
from api.web import downloads
from domain.kernel import title_of
from domain.research import FIELDS, FILES, FileKind, Removal, approvers, exports, studies
from locales import N_, gettext, pick
from models.research import Study, StudyExport, StudyRecipient

router = framed_pages(of_acts=True)

#: So many of the studies stand on one page.
A_PAGE: Final = 25

#: The shape and the words of an export's state.
EXPORT_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "asked": ("wait", N_("Waiting for approval")),
    "made": ("full", N_("Made, to download")),
    "refused": ("stop", N_("Refused")),
    "taken_back": ("stop", N_("No longer asked for")),
    "closed": ("stop", N_("Closed: somebody in it withdrew")),
}
_FILES: Final[Mapping[FileKind, str]] = {
    "data.csv": N_("Data (CSV)"),
    "codebook.csv": N_("Codebook (CSV)"),
    "redcap.csv": N_("Data dictionary for REDCap (CSV)"),
    "workbook.xlsx": N_("Data and codebook (XLSX)"),
}


@router.get("/studies", name="studies")
@asks(Action.SEE_STUDIES)
def list_studies(context: InContext, request: Request, after: UUID | None = None) -> HTMLResponse:
    """The studies: all of them for who keeps or approves, and for others those that they receive."""
    given = to_list_of_studies(context.session, context.asker)
    require(Action.SEE_STUDIES, given)
    return _list_page(context, request, given, Typed(), after=after)


def _list_page(
    context: RequestContext, request: Request, given: Given, typed: Typed, *, after: UUID | None = None
) -> HTMLResponse:
    sees_all = sees_all_studies(given)
    part = studies_seen_by(context.session, context.asker, given, most=A_PAGE, after=after)
    asked = exports.asked_ones(context.session) if sees_all else []
    return page(
        context,
        request,
        "studies.html",
        typed=typed,
        studies=part.rows,
        titles={one.id: title_of(one, context.language) for one in part.rows},
        waiting={one.study_id for one in asked},
        may_keep=is_allowed(Action.KEEP_STUDIES, given),
        fields=[(one.key, gettext(one.title), gettext(one.meaning)) for one in FIELDS.values()],
        parts=around(part, after, "/studies"),
        today=context.day,
    )


@router.get("/studies/{study_id}", name="study")
@asks(Action.SEE_STUDIES)
def show_study(context: InContext, request: Request, study_id: UUID) -> HTMLResponse:
    """A study: its approval, fields, recipients, exports and their downloads, and the codes of rows to remove."""
    study, given = find_study(context.session, context.asker, study_id)
    return _study_page(context, request, study, given, Typed())


def _study_page(context: RequestContext, request: Request, study: Study, given: Given, typed: Typed) -> HTMLResponse:
    session = context.session
    made, named = exports.exports_of(session, study.id), studies.recipients(session, study.id)
    downloaded, removed = exports.downloads_of(session, study.id), removals_for(session, context.asker, study.id, given)
    may_keep = is_allowed(Action.KEEP_STUDIES, given) and study.ended_at is None
    names = names_of(context, _people_of(made, named, downloaded, removed))
    could = studies.could_receive(session, study.id, context.day) if may_keep else []
    return page(
        context,
        request,
        "study.html",
        typed=typed,
        study=study,
        title=title_of(study, context.language),
        purpose=pick(context.language, {"fr": study.purpose_fr, "en": study.purpose_en}),
        is_over=study.ethics_ends_on < context.day,
        fields=[(gettext(FIELDS[key].title), gettext(FIELDS[key].meaning)) for key in study.fields if key in FIELDS],
        recipients=named,
        could=[(one.id, one.name) for one in could],
        exports=made,
        asked=_asked(context, study, made),
        history=told(context, studies.changes_of(session, study.id)),
        states=EXPORT_STATES,
        files=[(kind, gettext(_FILES[kind])) for kind in FILES],
        downloads=downloaded,
        to_remove=_by_day(exports.to_remove(session, study)),
        removals=removed,
        may_confirm_all=is_allowed(Action.KEEP_STUDIES, given),
        names=names,
        pinned=_pinned(context, made, names),
        may_keep=may_keep,
        may_answer=is_allowed(Action.ANSWER_EXPORT, given),
        receives=is_allowed(Action.DOWNLOAD_EXPORT, given),
        mine=context.asker.person_id,
        today=context.day,
    )


@dataclass(frozen=True)
class _Pinned:
    """What an export was asked for: which fields and recipients; and whether its approval covers the reader today."""

    fields: Sequence[str]
    recipients: Sequence[str]
    is_given: bool


def _pinned(context: RequestContext, made: Sequence[StudyExport], names: Mapping[UUID, str]) -> dict[UUID, _Pinned]:
    """That of each export."""
    return {
        one.id: _Pinned(
            [gettext(FIELDS[key].title) for key in one.fields if key in FIELDS],
            [names[UUID(person)] for person in one.recipients],
            exports.is_given(one, context.asker.person_id, context.day),
        )
        for one in made
    }


@dataclass(frozen=True)
class _Asked:
    """What the page says of the export that waits: whether it can be approved, what changed, and who can answer."""

    is_as_asked: bool
    changes: Sequence[TimelineLine]
    names: Mapping[UUID, str]


def _asked(context: RequestContext, study: Study, made: Sequence[StudyExport]) -> _Asked | None:
    """That of a study; None where no export of it waits."""
    export = next((one for one in made if one.state == "asked"), None)
    if export is None:
        return None
    session, since = context.session, studies.changes_of(context.session, study.id)
    able = [one.person_id for one in approvers.who_can(session, export, context.day)]
    changes = told(context, [one for one in since if one.at >= export.asked_at])
    return _Asked(exports.is_as_asked(session, study, export), changes, names_of(context, able))


def _people_of(
    made: Sequence[StudyExport],
    named: Sequence[StudyRecipient],
    downloaded: Sequence[exports.Download],
    removed: Sequence[Removal],
) -> set[UUID | None]:
    """Everyone whom the page names."""
    answered: set[UUID | None] = {person for one in made for person in (one.asked_by, one.settled_by)}
    answered |= {UUID(person) for one in made for person in one.recipients}
    answered |= {person for one in removed for person in (one.person_id, one.confirmed_by)}
    return answered | {one.person_id for one in named} | {one.person_id for one in downloaded}


def _by_day(codes: list[exports.CodeToRemove]) -> list[tuple[date, list[str]]]:
    """The codes of rows to remove, by the day since which they are."""
    days = sorted({one.since for one in codes}, reverse=True)
    return [(day, [one.code for one in codes if one.since == day]) for day in days]


@router.get("/study-exports/{export_id}/{language}/{file}", name="export_file")
@asks(Action.DOWNLOAD_EXPORT)
def download_export(context: InContext, export_id: UUID, language: downloads.Language, file: FileKind) -> Response:
    """A file of an export, for who is named to receive it. Each download is on record."""
    export, given = find_export(context.session, context.asker, export_id, Action.DOWNLOAD_EXPORT)
    by = require(Action.DOWNLOAD_EXPORT, given)
    return downloads.download(exports.download(context.session, export.id, file, language, by=by, at=context.at))


def _list_again(on: On[None], request: Request, typed: Typed) -> Response:
    return _list_page(on.context, request, to_studies(on.session, on.context.asker), typed)


def _study_again(on: On[Study], request: Request, typed: Typed) -> Response:
    study, given = find_study(on.session, on.context.asker, on.row.id)
    return _study_page(on.context, request, study, given, typed)


def _study_of_export(on: On[StudyExport], request: Request, typed: Typed) -> Response:
    study, given = find_study(on.session, on.context.asker, on.row.study_id)
    return _study_page(on.context, request, study, given, typed)


act_pages(router, STUDIES, _list_again)
act_pages(router, STUDY, _study_again)
act_pages(router, EXPORT, _study_of_export)
