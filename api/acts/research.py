"""What is done to studies of the research and their exports, and to the consents of staff to take part in it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from api.access.permissions import Action, is_allowed, to_program
from api.access.permissions import Given as Relations
from api.access.research import find_export, find_study, to_study
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On, of_program
from api.web.given import ActInput, Day, Key, Said, Short, on_form
from api.web.readers import chosen
from domain.kernel import Refusal
from domain.research import EthicsApproval, StudyDescription, exports, removals, staff_consents, studies
from locales import N_
from models.research import Study, StudyExport


def _find_study(context: RequestContext, action: Action, study_id: UUID) -> tuple[Study, Relations]:
    return find_study(context.session, context.asker, study_id, action)


def _find_export(context: RequestContext, action: Action, export_id: UUID) -> tuple[StudyExport, Relations]:
    return find_export(context.session, context.asker, export_id, action)


def _find_person(context: RequestContext, _: Action, person_id: UUID) -> tuple[None, Relations]:  # noqa: ARG001 - its verb looks
    return None, to_program(context.asker)


STUDIES: Final = ActSubject("/studies", of_program)
STUDY: Final = ActSubject("/studies/{study_id}", _find_study)
EXPORT: Final = ActSubject("/study-exports/{export_id}", _find_export)
STAFF: Final = ActSubject("/staff-research-consents", of_program)
STAFF_CONSENT: Final = ActSubject("/staff-research-consents/{person_id}", _find_person)

_person = chosen("person.missing", N_("Choose a person."))
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def _month(text: str) -> date:
    """A month as a browser sends it: 2026-09. Raises Refusal."""
    found = _MONTH.fullmatch(text.strip())
    if not found or not int(found[1]):
        raise Refusal("month.malformed", N_("Write the month as year and month: 2026-09."))
    return date(int(found[1]), int(found[2]), 1)


class EthicsGiven(ActInput):
    """The reference of an ethics approval, and its last day."""

    ethics_reference: Short
    ethics_ends_on: Day


class StudyGiven(EthicsGiven):
    """A study: its title and purpose in both languages, its ethics approval, its months, and the fields it asks for.

    A month is that of the day that is given.
    """

    title_fr: Short
    title_en: Short
    purpose_fr: Said
    purpose_en: Said
    ethics_body: Short
    first_month: Annotated[Day, on_form(_month)]
    last_month: Annotated[Day, on_form(_month)]
    fields: Annotated[list[Key], Field(min_length=1, max_length=60), on_form(name="field")]


@STUDIES.act(Action.KEEP_STUDIES, form="open", once=True, leads=lambda _, study_id: f"/studies/{study_id}")
def open_study(on: On[None], said: StudyGiven) -> UUID:
    """Open a study."""
    described = StudyDescription(
        said.fields,
        said.first_month,
        said.last_month,
        said.title_fr,
        said.title_en,
        said.purpose_fr,
        said.purpose_en,
        EthicsApproval(said.ethics_body, said.ethics_reference, said.ethics_ends_on),
    )
    return studies.open_study(on.session, described, by=on.by, at=on.at)


@STUDY.act(Action.KEEP_STUDIES, "/ethics", form="ethics", place="about", versioned=True, json="PUT")
def renew_ethics(on: On[Study], said: EthicsGiven) -> None:
    """Note that the ethics approval was renewed."""
    reference, ends_on = said.ethics_reference, said.ethics_ends_on
    studies.renew_ethics(on.session, on.id, reference, ends_on, by=on.by, at=on.at, seen=on.seen)


class RecipientGiven(ActInput):
    """Who is to receive the exports."""

    person_id: Annotated[UUID, on_form(_person)]


@STUDY.act(Action.KEEP_STUDIES, "/recipients", form="recipient", place="recipients", once=True)
def name_recipient(on: On[Study], said: RecipientGiven) -> None:
    """Name a person who may receive the exports."""
    studies.name_recipient(on.session, on.id, said.person_id, by=on.by, at=on.at)


@STUDY.act(
    Action.KEEP_STUDIES,
    "/recipients/{person_id}/removal",
    form="recipient",
    place="recipients",
    json="DELETE /recipients/{person_id}",
    status=204,
)
def remove_recipient(on: On[Study], person_id: UUID) -> None:
    """Have a person receive nothing more of it."""
    studies.remove_recipient(on.session, on.row.id, person_id, by=on.by, at=on.at)


def _after_confirming(on: On[Study], _: object) -> str:
    """The study; or their own work, for who is named in it no more and now owes nothing."""
    sees_it = is_allowed(Action.SEE_STUDIES, to_study(on.session, on.context.asker, on.row.id))
    return f"/studies/{on.row.id}#to-remove" if sees_it else "/"


@STUDY.act(
    Action.CONFIRM_REMOVAL, "/removals/{removal_id}/confirmation", form="removal", status=204, leads=_after_confirming
)
def confirm_removal(on: On[Study], removal_id: UUID) -> None:
    """Confirm that the rows that left were removed from everything that somebody received."""
    removals.confirm(on.session, on.row.id, removal_id, by=on.by, at=on.at)


@STUDY.act(Action.KEEP_STUDIES, "/exports", form="export", place="exports", once=True)
def ask_for_export(on: On[Study]) -> None:
    """Ask for an export of the months that are over. Another person approves it."""
    exports.ask(on.session, on.id, by=on.by, at=on.at)


@STUDY.act(Action.KEEP_STUDIES, "/end", form="end", place="about", versioned=True)
def end_study(on: On[Study]) -> None:
    """End it, for good: its rows are emptied, and the key of its codes is destroyed."""
    studies.end_study(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


def _to_its_study(on: On[StudyExport], _: object) -> str:
    return f"/studies/{on.row.study_id}"


@EXPORT.act(Action.ANSWER_EXPORT, "/approval", form="answer", versioned=True, leads=_to_its_study)
def approve_export(on: On[StudyExport]) -> None:
    """Approve it, as another person than who asked: it is made at once."""
    exports.approve(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@EXPORT.act(Action.ANSWER_EXPORT, "/refusal", form="answer", versioned=True, leads=_to_its_study)
def refuse_export(on: On[StudyExport]) -> None:
    """Refuse it."""
    exports.refuse(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@EXPORT.act(Action.KEEP_STUDIES, "/taking-back", form="answer", versioned=True, leads=_to_its_study)
def take_back_export(on: On[StudyExport]) -> None:
    """No longer ask for it."""
    exports.take_back(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


class StaffConsentGiven(ActInput):
    """A signed consent of a worker or a manager."""

    person_id: Annotated[UUID, on_form(_person)]
    signed_on: Day


@STAFF.act(Action.KEEP_RESEARCH_CONSENTS, form="keep", once=True)
def keep_staff_consent(on: On[None], said: StaffConsentGiven) -> UUID:
    """Record that a worker or a manager consented to take part in the research (ER-5)."""
    staff_consents.keep(on.session, said.person_id, said.signed_on, by=on.by, at=on.at)
    return said.person_id


@STAFF_CONSENT.act(Action.KEEP_RESEARCH_CONSENTS, "/withdrawal", form="withdraw", status=204)
def withdraw_staff_consent(on: On[None]) -> None:
    """They take it back."""
    staff_consents.withdraw(on.session, on.id, by=on.by, at=on.at)
