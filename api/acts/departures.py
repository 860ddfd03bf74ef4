"""What is done when people leave or are recruited: a departure, the answer to an offer, a summary, an interview."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from pydantic import Field

from api.access.cases import SeenCase, find_case, to_case
from api.access.permissions import Action
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.access.summaries import find_to_write
from api.acts.declaring import ActSubject, On, asks_itself
from api.views.departures import answerer, find_departure, opener, to_offers
from api.web.given import ActInput, PlainText, ReasonGiven, on_form
from api.web.readers import id_or_none, number_of
from domain.casework import TaskOutcome
from domain.departure import departures, hand_overs, hand_overs_in_bulk, interviews
from domain.follow_ups import SummaryStep, summaries
from domain.kernel import Actor, Refusal
from locales import N_

Row = SummaryStep


def _find_hand_over(context: RequestContext, _: Action, hand_over_id: UUID) -> tuple[None, Actor]:
    return None, answerer(context.session, context.asker, hand_over_id)


def _find_summary(context: RequestContext, action: Action, task_id: UUID) -> tuple[Row, Actor]:
    row, by, _ground = find_to_write(context.session, context.asker, task_id, action)
    return row, by


def _find_offers(context: RequestContext, _: Action, case_id: UUID) -> tuple[None, Relations]:
    _departure, case = find_departure(context.session, context.asker, case_id)
    return None, to_offers(context.session, context.asker, case)


def _find_recruiting(context: RequestContext, _: Action, case_id: UUID) -> tuple[SeenCase, Relations]:
    case = find_case(context.session, context.asker, case_id)
    return case, to_case(context.session, context.asker, case)


DEPARTURES: Final = ActSubject("/departures", asks_itself)
OFFERED: Final = ActSubject("/hand-overs/{hand_over_id}", _find_hand_over, nominative=True)
SUMMARY: Final = ActSubject("/tasks/{task_id}/summary", _find_summary, nominative=True)
OFFERS: Final = ActSubject("/departures/{case_id}", _find_offers)
RECRUITING: Final = ActSubject("/cases/{case_id}", _find_recruiting)


def _who(text: str) -> tuple[UUID, UUID]:
    """Who leaves which organization, as a list of choices sends it."""
    person, _, place = text.partition("/")
    person_id, organization_id = id_or_none(person), id_or_none(place)
    if person_id is None or organization_id is None:
        raise Refusal("person.missing", N_("Choose who leaves."))
    return person_id, organization_id


class DepartureGiven(ActInput):
    """Who leaves which organization, and their last day there. `planned` is false of who has gone already."""

    person_id: Annotated[UUID, on_form(lambda text: _who(text)[0], name="who")]
    organization_id: Annotated[UUID, on_form(lambda text: _who(text)[1], name="who")]
    last_day: date
    planned: Annotated[bool, on_form(lambda gone: not gone, name="gone")] = True


@DEPARTURES.act(Action.OPEN_DEPARTURE, form="open", once=True, leads=lambda _, case_id: f"{DEPARTURES.path}/{case_id}")
def open_departure(on: On[None], said: DepartureGiven) -> UUID:
    """Open a person's departure: their roles there end on the last day, and everything in hand is asked for."""
    by = opener(on.context.asker, said.person_id, said.organization_id)
    return departures.open_departure(on.session, **dict(said), by=by, at=on.at)


class OffersGiven(ActInput):
    """Whether only to say what would happen."""

    dry_run: Annotated[bool, on_form(lambda really: not really, name="really")] = True


class OffersMade(NamedTuple):
    """What became of each follow-up, or would where they are not `done`."""

    lines: list[hand_overs_in_bulk.BulkOffer]
    done: bool


@OFFERS.act(Action.OFFER_FOLLOW_UPS, "/offers", form="offers")
def offer_all(on: On[None], said: OffersGiven) -> OffersMade:
    """Offer every follow-up to the worker who fits it best; a dry run says the same and changes nothing."""
    lines = hand_overs_in_bulk.propose_all(on.session, on.id, dry_run=said.dry_run, by=on.by, at=on.at)
    return OffersMade(lines, not said.dry_run)


@OFFERED.act(Action.ANSWER_HAND_OVER, "/acceptance", form="{hand_over_id}")
def accept(on: On[None]) -> TaskOutcome:
    """Take over a follow-up that was offered to oneself."""
    return hand_overs.accept(on.session, on.id, by=on.by, at=on.at)


@OFFERED.act(Action.ANSWER_HAND_OVER, "/refusal", form="{hand_over_id}", status=204)
def refuse(on: On[None], said: ReasonGiven) -> None:
    """Say, with the reason, that one does not take a follow-up over."""
    hand_overs.refuse(on.session, on.id, reason=said.reason, by=on.by, at=on.at)


@SUMMARY.act(
    Action.TAKE_SUMMARY_BACK,
    "/taking-back",
    form="back",
    leads=lambda on, _: f"/departures/{on.row.case_id}#task-{on.id}",
)
def take_back(on: On[Row], said: ReasonGiven) -> TaskOutcome:
    """Take back that it is complete, with the reason, so that it can be corrected."""
    return summaries.take_back(on.session, on.id, reason=said.reason, by=on.by, at=on.at)


class InterviewGiven(ActInput):
    """An interviewer's own marks of an applicant, out of 100."""

    applicant: Annotated[int, Field(ge=1, le=99), on_form(number_of)]
    leadership: Annotated[int, Field(ge=0, le=100), on_form(number_of)]
    clinical: Annotated[int, Field(ge=0, le=100), on_form(number_of)]
    note: PlainText


@RECRUITING.act(Action.RECORD_INTERVIEW, "/interviews", form="sheet", leads=lambda on, _: f"/cases/{on.id}/interviews")
def record_interview(on: On[SeenCase], said: InterviewGiven) -> None:
    """Write down one's own marks of an applicant; the answer is how the applicants stand."""
    interviews.record_interview(on.session, on.id, **dict(said), by=on.by, at=on.at)
