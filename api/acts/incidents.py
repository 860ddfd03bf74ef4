"""What is done to the register of confidentiality incidents: entering one, completing, assessing and closing it."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Final
from uuid import UUID

from pydantic import StrictBool, StrictInt
from sqlmodel import Session

from api.access.permissions import Action, Forbidden, require, to_program
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On, of_program
from api.web.given import ActInput, Day, PlainText, on_form
from api.web.readers import chosen
from domain.kernel import Actor, Refusal, first, of
from domain.record import IncidentEntry, Telling, incident_versions, incidents, malformed_count
from locales import N_

Row = incident_versions.OpenedIncident

_TELLING: Final = tuple(field.name for field in fields(Telling))


def find_incident(session: Session, incident_id: UUID) -> Row:
    """An incident of the register, opened. Raises Forbidden where there is none."""
    found = first(session, of(Row).where(Row.id == incident_id))
    if found is None:
        raise Forbidden
    return incident_versions.opened(session, found)


def _find_incident(context: RequestContext, action: Action, incident_id: UUID) -> tuple[Row, Actor]:
    by = require(action, to_program(context.asker))
    return find_incident(context.session, incident_id), by


REGISTER: Final = ActSubject("/privacy/incidents", of_program)
INCIDENT: Final = ActSubject("/privacy/incidents/{incident_id}", _find_incident)


#: So many figures has no number of people that is taken.
_FIGURES: Final = 12


def _count(typed: str) -> int | None:
    """A number of people as it is typed, None where it is left empty. Raises Refusal."""
    typed = "".join(typed.split())
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit()):
        raise malformed_count()
    # Of a longer one, its first figures are too many already.
    return int(typed.lstrip("0")[:_FIGURES] or "0")


def _risk_of(text: str) -> bool:
    if text not in ("yes", "no"):
        raise Refusal("incident.serious_risk.missing", N_("Say whether there is a risk of serious harm."))
    return text == "yes"


class IncidentGiven(ActInput):
    """What is known of an incident. What is missing is not known yet."""

    organization_id: Annotated[
        UUID,
        on_form(chosen("organization.missing", N_("Choose the body that holds the information.")), name="organization"),
    ]
    information: PlainText
    circumstances: PlainText
    known_on: Day
    happened_from: Day | None = None
    happened_to: Day | None = None
    people_concerned: Annotated[StrictInt | None, on_form(_count)] = None
    measures: PlainText = ""

    def entry(self) -> IncidentEntry:
        """The entry of the register."""
        return IncidentEntry(**{name: getattr(self, name) for name in IncidentGiven.model_fields})


@REGISTER.act(Action.KEEP_INCIDENTS, form="entry", once=True, leads=lambda _, found: f"{REGISTER.path}/{found}")
def enter_incident(on: On[None], said: IncidentGiven) -> UUID:
    """Enter an incident under the register's next number."""
    return incidents.enter(on.session, said.entry(), by=on.by, at=on.at)


class CompletedGiven(IncidentGiven):
    """As an incident that is entered. `known_on_reason` says why the day since which it is known moves."""

    known_on_reason: PlainText = ""


@INCIDENT.act(Action.KEEP_INCIDENTS, form="entry", place="entry", versioned=True, json="PUT")
def complete_incident(on: On[Row], said: CompletedGiven) -> None:
    """Write what is known of an incident anew."""
    incidents.complete(
        on.session, on.id, said.entry(), seen=on.seen, by=on.by, at=on.at, known_on_reason=said.known_on_reason
    )


class AssessmentGiven(ActInput):
    """Whether there is a risk of serious harm, and what leads to that."""

    serious_risk: Annotated[StrictBool, on_form(_risk_of)]
    risk_reasons: PlainText


@INCIDENT.act(Action.KEEP_INCIDENTS, "/assessment", form="assessment", place="assessment", versioned=True, json="PUT")
def assess_incident(on: On[Row], said: AssessmentGiven) -> None:
    """Say whether an incident may do serious harm, and why."""
    incidents.assess(
        on.session, on.id, serious_risk=said.serious_risk, reasons=said.risk_reasons, seen=on.seen, by=on.by, at=on.at
    )


class TellingGiven(ActInput):
    """Who was told, and on which day. What is left out stays as it is.

    A day that stands is replaced by another alone, with `told_on_reason`; null does not remove it.
    """

    commission_told_on: Day | None = None
    people_told_on: Day | None = None
    public_notice: PlainText = ""
    told_on_reason: PlainText = ""

    def telling(self, stands: Row) -> Telling:
        """Who was told: what was said, and what stands where nothing was."""
        said = self.model_fields_set
        return Telling(**{name: getattr(self if name in said else stands, name) for name in _TELLING})


@INCIDENT.act(Action.KEEP_INCIDENTS, "/telling", form="telling", place="telling", versioned=True, json="PUT")
def tell_of_incident(on: On[Row], said: TellingGiven) -> None:
    """Write down who was told of an incident, and when."""
    telling = said.telling(on.row)
    incidents.note_telling(
        on.session, on.id, telling, seen=on.seen, by=on.by, at=on.at, told_on_reason=said.told_on_reason
    )


@INCIDENT.act(Action.KEEP_INCIDENTS, "/closing", form="closing", place="closing", versioned=True)
def close_incident(on: On[Row]) -> None:
    """Close an incident in which nothing is left to do."""
    incidents.close(on.session, on.id, seen=on.seen, by=on.by, at=on.at)


@INCIDENT.act(Action.KEEP_INCIDENTS, "/reopening", form="closing", place="closing", versioned=True)
def reopen_incident(on: On[Row]) -> None:
    """Open a closed incident again."""
    incidents.reopen(on.session, on.id, seen=on.seen, by=on.by, at=on.at)
