"""The research over JSON: studies, their exports, the rows to remove, and the consents of staff."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path

from api.access.permissions import Action, Given, asks, require, to_program
from api.access.research import find_export, find_study, removals_for, studies_seen_by, to_list_of_studies, to_measures
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.research import EXPORT, STAFF, STAFF_CONSENT, STUDIES, STUDY
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.shapes import After, FileShown, Limit, Page, Shown, of_columns
from api.web import downloads
from domain.research import FIELDS, FileKind, exports, staff_consents, studies
from meetings.documents.measures import MeasuresContent
from meetings.statements import implementation
from models.record import Event
from models.research import Study, StudyExport

router = api_routes("research", of_acts=True)


class FieldShown(Shown):
    """A field that a study may ask for."""

    key: str
    kind: Literal["number", "month", "word"]
    columns: list[str]
    knowable: bool
    source: str


@of_columns(
    Study,
    "id number title_fr title_en purpose_fr purpose_en ethics_body ethics_reference ethics_ends_on first_month"
    " last_month fields opened_at ended_at version",
)
class StudyListed(Shown):
    """A study of the research."""


@of_columns(
    StudyExport,
    "id study_id n state fields first_month last_month ethics_reference ethics_ends_on smallest_group rule asked_by"
    " asked_at settled_by settled_at made_at people closed_at version",
)
class ExportShown(Shown):
    """An export of a study, as it was asked for. `digests` are of its files, by language and name.

    Where the study says something else since, one that waits is asked anew: it cannot be approved.
    """

    recipients: list[UUID]
    digests: Mapping[str, str]


@of_columns(Event, "at actor_id verb facts")
class ChangeShown(Shown):
    """A change of a study after it was opened: its ethics approval, or who receives its exports."""


class CodeShown(Shown):
    """The code of a row that recipients remove."""

    code: str
    since: date


class DownloadShown(Shown):
    """That a file of an export was downloaded."""

    export_id: UUID
    at: datetime
    person_id: UUID | None
    what: str


class RemovalShown(Shown):
    """That a person was asked to remove rows that left, and when it was confirmed, if it was."""

    id: UUID
    person_id: UUID
    asked_at: datetime
    confirmed_at: datetime | None
    confirmed_by: UUID | None


class StudyShown(StudyListed):
    """A study, who receives it, its exports and their downloads, the codes of the rows to remove, and by whom.

    Who neither keeps the study nor approves its exports is shown their own removals alone.
    """

    recipients: list[UUID]
    changes: list[ChangeShown]
    exports: list[ExportShown]
    downloads: list[DownloadShown]
    to_remove: list[CodeShown]
    removals: list[RemovalShown]


class StaffConsentShown(Shown):
    """A consent of a member of staff to take part in the research."""

    id: UUID
    person_id: UUID
    signed_on: date
    withdrawn_on: date | None


@router.get("/research-fields")
@asks(Action.SEE_STUDIES)
def list_fields(context: InContext) -> list[FieldShown]:
    """The fields that a study may ask for."""
    require(Action.SEE_STUDIES, to_list_of_studies(context.session, context.asker))
    return FieldShown.each(FIELDS.values())


@router.get("/studies")
@asks(Action.SEE_STUDIES)
def list_studies(context: InContext, limit: Limit = 50, after: After = None) -> Page[StudyListed]:
    """The studies, the last one first; for who neither keeps nor approves, those that they receive. Not counted."""
    given = to_list_of_studies(context.session, context.asker)
    require(Action.SEE_STUDIES, given)
    part = studies_seen_by(context.session, context.asker, given, most=limit, after=after)
    return Page[StudyListed].of(part, StudyListed.each, limit)


@router.get("/studies/{study_id}")
@asks(Action.SEE_STUDIES)
def get_study(study_id: UUID, context: InContext) -> StudyShown:
    """A study, with its exports."""
    return _shown(context, *find_study(context.session, context.asker, study_id))


@router.get("/study-exports/{export_id}/{language}/{file}")
@asks(Action.DOWNLOAD_EXPORT)
def get_export_file(export_id: UUID, language: downloads.Language, file: FileKind, context: InContext) -> FileShown:
    """A file of an export, for who is named to receive it. Each download is on record."""
    export, given = find_export(context.session, context.asker, export_id, Action.DOWNLOAD_EXPORT)
    by = require(Action.DOWNLOAD_EXPORT, given)
    return FileShown.of(exports.download(context.session, export.id, file, language, by=by, at=context.at))


@router.get("/measures/{quarter}")
@asks(Action.SEE_MEASURES)
def get_measures(
    quarter: Annotated[str, Path(max_length=12, description="A quarter, such as 2026-Q3.")], context: InContext
) -> MeasuresContent:
    """How the program is carried out until the end of a quarter. A figure that would tell of few people is null."""
    require(Action.SEE_MEASURES, to_measures(context.session, context.asker))
    return implementation.look(context.session, quarter, at=context.at)


@router.get("/staff-research-consents")
@asks(Action.KEEP_RESEARCH_CONSENTS)
def list_staff_consents(context: InContext, limit: Limit = 50, after: After = None) -> Page[StaffConsentShown]:
    """The consents of staff, those that were taken back too, the last recorded first. Not counted."""
    require(Action.KEEP_RESEARCH_CONSENTS, to_program(context.asker))
    part = staff_consents.kept(context.session, most=limit, after=after)
    return Page[StaffConsentShown].of(part, StaffConsentShown.each, limit)


def _shown(context: RequestContext, study: Study, given: Given) -> StudyShown:
    session = context.session
    return StudyShown.about(
        study,
        recipients=[one.person_id for one in studies.recipients(session, study.id)],
        changes=ChangeShown.each(studies.changes_of(session, study.id)),
        exports=ExportShown.each(exports.exports_of(session, study.id)),
        downloads=DownloadShown.each(exports.downloads_of(session, study.id)),
        to_remove=CodeShown.each(exports.to_remove(session, study)),
        removals=RemovalShown.each(removals_for(session, context.asker, study.id, given)),
    )


def _opened(on: On[None], study_id: UUID) -> StudyShown:
    return _shown(on.context, *find_study(on.session, on.context.asker, study_id))


def _kept(on: On[Study], _: object) -> StudyShown:
    return _shown(on.context, *find_study(on.session, on.context.asker, on.row.id))


def _answered(on: On[StudyExport], _: object) -> ExportShown:
    return ExportShown.model_validate(exports.find_export(on.session, on.id))


def _staff(on: On[None], person_id: UUID) -> StaffConsentShown:
    return StaffConsentShown.model_validate(staff_consents.consent_of(on.session, person_id))


act_resources(router, STUDIES, _opened)
act_resources(router, STUDY, _kept)
act_resources(router, EXPORT, _answered)
act_resources(router, STAFF, _staff)
act_resources(router, STAFF_CONSENT)
