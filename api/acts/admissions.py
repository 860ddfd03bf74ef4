"""The acts of an admission after its triage: decision, first meeting, consent, risk, number, and who is barred."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from api.access.participants import UnsealedFacts, find_participant
from api.access.people import find_person
from api.access.permissions import Action, allows, require
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.web.given import ActInput, Day, PlainText, on_form
from api.web.readers import chosen, id_or_none
from api.web.referral_shapes import corrected, with_fields
from domain.accompaniment import barring, risks, workers
from domain.admissions import correcting, first_meetings, numbers, triage
from domain.participants import Who, fields_of
from locales import N_
from meetings import admissions, recruiters
from meetings.agenda_items import item_of
from models.referral import OFFERS

Words = Annotated[PlainText, StringConstraints(max_length=triage.LONGEST)]


def find_file(context: RequestContext, action: Action, participant_id: UUID) -> tuple[UnsealedFacts, Relations]:
    """A candidate or participant for an action, and what the asker is to them. Raises Forbidden."""
    return find_participant(context.session, context.asker, participant_id, action)


PARTICIPANT: Final = ActSubject("/participants/{participant_id}", find_file, nominative=True)


@with_fields(corrected(fields_of(Who)))
class IdentityGiven(ActInput):
    """What is known now of a person's identity; null, or left out, is what stays. The age is that of today."""


@PARTICIPANT.act(
    Action.KEEP_ADMISSION, "/corrections", form="correct", place="identity", versioned=True, json="PUT /identity"
)
def correct_identity(on: On[UnsealedFacts], said: IdentityGiven) -> None:
    """Write what is known now of who they are; what is not given stays. The answer says nothing of it."""
    changes = said.model_dump(exclude_none=True)
    correcting.correct_identity(on.session, on.id, changes, by=on.by, at=on.at, seen=on.seen)


#: What was offered instead of an admission, as who referred is told.
Offers = Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=len(OFFERS))]


def _item_of(text: str) -> UUID:
    found = id_or_none(text)
    if found is None:
        raise admissions.no_candidate()
    return found


class AdmissionDecisionGiven(ActInput):
    """What the committee decides of a candidate, on an item of its agenda."""

    item_id: Annotated[UUID, on_form(_item_of, name="item")]
    outcome: Literal["assign", "defer", "more", "refuse"]
    worker_id: Annotated[UUID | None, on_form(name="worker")] = None
    second_id: Annotated[UUID | None, on_form(name="second")] = None
    reason: Words = ""
    offered: Words = ""
    offers: Offers = Field(default_factory=list)


@PARTICIPANT.act(
    Action.DECIDE_ADMISSION, "/decision", form="decision", versioned=True, leads=lambda _, meeting: meeting
)
def decide(on: On[UnsealedFacts], said: AdmissionDecisionGiven) -> str:
    """Record what the committee decides while it sits. If-Match is the agenda item's version."""
    admissions.refuse_other(on.session, on.id, said.item_id)
    meeting_id = item_of(on.session, said.item_id).meeting_id
    more = said.model_dump(exclude={"item_id", "outcome"})
    admissions.decide_admission(on.session, said.item_id, said.outcome, **more, by=on.by, at=on.at, seen=on.seen)
    return f"/meetings/{meeting_id}/run#item-{said.item_id}"


class AnotherWorkerGiven(ActInput):
    """Who meets the candidate instead, and who with them."""

    worker_id: Annotated[
        UUID, on_form(chosen("admission.whom", N_("Say who follows up."), source="AD-R3"), name="worker")
    ]
    second_id: Annotated[UUID | None, on_form(name="second")] = None


@PARTICIPANT.act(Action.DECIDE_ADMISSION, "/worker", form="name-another", place="workers", versioned=True, json="PUT")
def name_another(on: On[UnsealedFacts], said: AnotherWorkerGiven) -> None:
    """Name another worker to meet a candidate who was given to one before."""
    workers.name_another(on.session, on.id, said.worker_id, second_id=said.second_id, by=on.by, at=on.at, seen=on.seen)


class MeetingGiven(ActInput):
    """A meeting before admission, and what the person said."""

    met_on: Day
    way: Literal["in_person", "remote"]
    outcome: Literal["thinks", "commits", "declines"]
    with_second: Annotated[StrictBool, on_form(name="pair")] = False
    back_on: Day | None = None


@PARTICIPANT.act(Action.KEEP_ADMISSION, "/meetings", form="meeting", place="meeting", once=True)
def meet(on: On[UnsealedFacts], said: MeetingGiven) -> None:
    """Record a first meeting, and what the person said."""
    first_meetings.record_first_meeting(
        on.session,
        on.id,
        met_on=said.met_on,
        way=said.way,
        outcome=said.outcome,
        with_second=said.with_second,
        back_on=said.back_on,
        by=on.by,
        at=on.at,
    )


def _after_declining(on: On[UnsealedFacts], _: None) -> str:
    """The worker has nothing to do with the file from here on; the coordinator keeps it for a while."""
    return f"/participants/{on.id}" if allows(Action.TRIAGE, on.given) else "/"


@PARTICIPANT.act(Action.KEEP_ADMISSION, "/declining", form="decline", status=204, leads=_after_declining)
def decline(on: On[UnsealedFacts]) -> None:
    """The person says no, before a meeting or after one: nothing is held against it."""
    first_meetings.decline(on.session, on.id, by=on.by, at=on.at)


class RiskGiven(ActInput):
    """A risk, and why: `admission` has `why`; `recruiter` the four things that the committee weighs (AD-C4).

    `recruiter` is assessed by the Clinical Committee while it sits, under `item_id` of its agenda: the item of the
    admission, or of the risk itself.
    """

    kind: Annotated[Literal["admission", "recruiter"], on_form(otherwise="admission")] = "admission"
    level: Literal["red", "yellow", "green", "none", "benefits_exceed", "risks_exceed"]
    why: Words = ""
    profile: Words = ""
    involvement: Words = ""
    benefits: Words = ""
    risks: Annotated[Words, on_form(name="risks_to_others")] = ""
    item_id: Annotated[UUID | None, on_form(name="item")] = None

    def told(self) -> dict[str, str]:
        """What stands behind it, as it is sealed."""
        names = ("why",) if self.kind == "admission" else ("profile", "involvement", "benefits", "risks")
        return {name: getattr(self, name) for name in names}


@PARTICIPANT.act(
    Action.KEEP_ADMISSION,
    "/risk",
    form=lambda typed: "assess-others" if typed["kind"] == "recruiter" else "assess",
    place="risk",
    once=True,
    json="POST /risks",
)
def assess_risk(on: On[UnsealedFacts], said: RiskGiven) -> None:
    """Assess the risk at admission; or record how the committee, sitting, assesses the risk to others (AD-C4)."""
    if said.kind == "recruiter":
        by = require(Action.DECIDE_ADMISSION, on.given)
        recruiters.assess(on.session, on.id, said.item_id, said.level, why=said.told(), by=by, at=on.at)
    else:
        risks.assess(on.session, on.id, said.kind, said.level, why=said.told(), by=on.by, at=on.at)


@PARTICIPANT.act(Action.KEEP_ADMISSION, "/recruiting", place="risk", versioned=True)
def find_recruiter(on: On[UnsealedFacts]) -> None:
    """Say that it was found out that they also recruit others: for good (AD-C4)."""
    recruiters.find_recruiter(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@PARTICIPANT.act(Action.DECIDE_ADMISSION, "/number", place="number", versioned=True)
def give_number(on: On[UnsealedFacts]) -> None:
    """Give the number; the follow-up begins."""
    numbers.admit(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


class BarGiven(ActInput):
    """A person to be kept from the file, at the participant's wish."""

    person_id: Annotated[UUID, on_form(chosen("choice.missing", N_("Choose from the list.")), name="person")]


def _after_barring(on: On[UnsealedFacts], barred: UUID) -> str:
    """Who bars themselves, because the person asked them to, is out from here on."""
    return "/" if barred == on.context.asker.person_id else f"/participants/{on.id}#barred"


@PARTICIPANT.act(Action.KEEP_ADMISSION, "/barred", form="barred", status=204, leads=_after_barring)
def bar(on: On[UnsealedFacts], said: BarGiven) -> UUID:
    """Bar a person from the file at the participant's wish: at once."""
    barring.bar(on.session, on.id, said.person_id, by=on.by, at=on.at)
    return said.person_id


@PARTICIPANT.act(
    Action.TRIAGE, "/barred/{person_id}/lifting", place="barred", json="DELETE /barred/{person_id}", status=204
)
def lift_bar(on: On[UnsealedFacts], person_id: UUID) -> None:
    """Lift a bar: the participant lets the person near their file again."""
    find_person(on.session, person_id)
    barring.lift(on.session, on.id, person_id, by=on.by, at=on.at)
