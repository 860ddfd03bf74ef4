"""The acts of an admission on the candidate's page: triage, decision, first meeting, consent, risk, number, barring."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response

from api.access.participants import find_participant
from api.access.permissions import Action, Relation, allows, asks, find_person, require
from api.access.session import AtDesk, Desk
from api.pages.forms import Text, Typed, day_of, day_or_none, id_or_none
from api.pages.frame import framed_pages, see_other
from api.pages.participant import act_on, participant_page
from api.pages.referral_fields import age_or_none
from domain.accompaniment import barring, consents, reviews, risks, withdrawals, workers
from domain.accompaniment.consents import Signed
from domain.admissions import correcting, duplicates, first_meetings, numbers, triage
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.participants.consent_text import CURRENT
from locales import N_
from meetings import admissions, recruiters
from meetings.agenda_items import item_of

router = framed_pages("/participants")

Seen = Annotated[int, Form()]


@router.post("/{participant_id}/findings")
@asks(Action.TRIAGE)
def find(
    desk: AtDesk,
    request: Request,
    participant_id: UUID,
    referral: Text = "",
    criterion: Text = "",
    finding: Text = "",
    fact: Text = "",
    exception: Text = "",
    why: Text = "",
) -> Response:
    """Record how a criterion was found; the age works itself out."""

    def act(by: Actor) -> None:
        referral_id = _referral_of(desk, participant_id, referral)
        if criterion == "AD-C1":
            triage.find_age(desk.session, referral_id, by=by, at=desk.at)
            return
        triage.find_criterion(
            desk.session,
            referral_id,
            criterion,
            finding,
            fact=fact,
            admit_all_the_same=exception == "yes",
            why=why,
            by=by,
            at=desk.at,
        )

    return act_on(
        desk,
        request,
        participant_id,
        Action.TRIAGE,
        act,
        "criteria",
        f"find-{criterion}",
        finding=finding,
        fact=fact,
        exception=exception,
        why=why,
    )


@router.post("/{participant_id}/corrections")
@asks(Action.KEEP_ADMISSION)
def correct(
    desk: AtDesk,
    request: Request,
    participant_id: UUID,
    seen: Seen,
    birth_date: Text = "",
    age: Text = "",
    given_name: Text = "",
    family_name: Text = "",
    phone: Text = "",
    email: Text = "",
    address: Text = "",
    contact_note: Text = "",
) -> Response:
    """Write what is known now of who they are; what is left empty stays."""

    said = {
        "given_name": given_name,
        "family_name": family_name,
        "phone": phone,
        "email": email,
        "address": address,
        "contact_note": contact_note,
    }

    def act(by: Actor) -> None:
        born, years = day_or_none(birth_date), age_or_none(age)
        changes = {**said, "birth_date": born, "age": years}
        correcting.correct_identity(desk.session, participant_id, changes, by=by, at=desk.at, seen=seen)

    return act_on(
        desk,
        request,
        participant_id,
        Action.KEEP_ADMISSION,
        act,
        "identity",
        "correct",
        **said,
        birth_date=birth_date,
        age=age,
    )


@router.post("/{participant_id}/triage")
@asks(Action.TRIAGE)
def decide_triage(
    desk: AtDesk,
    request: Request,
    participant_id: UUID,
    seen: Seen,
    referral: Text = "",
    result: Text = "",
    reason: Text = "",
    offered: Text = "",
    worker: Text = "",
    second: Text = "",
) -> Response:
    """Say where the referral goes; straight to a worker where it cannot wait."""
    said = {"result": result, "reason": reason, "offered": offered, "worker": worker, "second": second}

    def act(by: Actor) -> None:
        triage.triage(
            desk.session,
            _referral_of(desk, participant_id, referral),
            result,
            reason=reason,
            offered=offered,
            by=by,
            at=desk.at,
            seen=seen,
        )
        if result == "forwarded":
            chosen, other = id_or_none(worker), id_or_none(second)
            admissions.forward(desk.session, participant_id, chosen, second_id=other, by=by, at=desk.at)

    return act_on(desk, request, participant_id, Action.TRIAGE, act, "triage", "triage", **said)


@router.post("/{participant_id}/joining")
@asks(Action.TRIAGE)
def join(desk: AtDesk, request: Request, participant_id: UUID, referral: Text = "", to: Text = "") -> Response:
    """Say that the referral is about somebody who is known."""
    row, given = find_participant(desk.session, desk.asker, participant_id, Action.TRIAGE)
    by = require(Action.TRIAGE, given)

    def act() -> None:
        known = id_or_none(to)
        if known is None:
            raise Refusal("choice.missing", N_("Choose from the list."))
        find_participant(desk.session, desk.asker, known)  # nor is anybody joined to a file that is kept from the asker
        duplicates.join_referral(desk.session, _referral_of(desk, participant_id, referral), known, by=by, at=desk.at)

    refusal = desk.attempt(act)
    if refusal is not None:
        return participant_page(desk, request, row, given, typed=Typed("joining", refusal))
    return see_other(f"/participants/{to}")


@router.post("/{participant_id}/decision")
@asks(Action.DECIDE_ADMISSION)
def decide(
    desk: AtDesk,
    request: Request,
    participant_id: UUID,
    seen: Seen,
    item: Text = "",
    outcome: Text = "",
    worker: Text = "",
    second: Text = "",
    reason: Text = "",
    offered: Text = "",
) -> Response:
    """Record what the committee decides while it sits, and go back to the meeting."""
    row, given = find_participant(desk.session, desk.asker, participant_id, Action.DECIDE_ADMISSION)
    by = require(Action.DECIDE_ADMISSION, given)
    place = ""

    def act() -> None:
        nonlocal place
        item_id = id_or_none(item)
        if item_id is None:
            raise admissions.no_candidate()
        admissions.refuse_other(desk.session, participant_id, item_id)
        place = f"/meetings/{item_of(desk.session, item_id)['meeting_id']}/run#item-{item_id}"
        admissions.decide_admission(
            desk.session,
            item_id,
            outcome,
            worker_id=id_or_none(worker),
            second_id=id_or_none(second),
            reason=reason,
            offered=offered,
            by=by,
            at=desk.at,
            seen=seen,
        )

    refusal = desk.attempt(act)
    if refusal is not None:
        said = {"outcome": outcome, "worker": worker, "second": second, "reason": reason, "offered": offered}
        return participant_page(desk, request, row, given, typed=Typed("decision", refusal, said))
    return see_other(place)


@router.post("/{participant_id}/worker")
@asks(Action.DECIDE_ADMISSION)
def name_another(
    desk: AtDesk, request: Request, participant_id: UUID, seen: Seen, worker: Text = "", second: Text = ""
) -> Response:
    """Name somebody else to meet a candidate who was given to a worker before."""

    def act(by: Actor) -> None:
        worker_id = id_or_none(worker)
        if worker_id is None:
            raise Refusal("admission.whom", N_("Say who follows up."), source="AD-R3")
        workers.name_another(
            desk.session, participant_id, worker_id, second_id=id_or_none(second), by=by, at=desk.at, seen=seen
        )

    return act_on(
        desk,
        request,
        participant_id,
        Action.DECIDE_ADMISSION,
        act,
        "workers",
        "name-another",
        worker=worker,
        second=second,
    )


@router.post("/{participant_id}/triage/taking-back")
@asks(Action.TRIAGE)
def take_back_triage(desk: AtDesk, request: Request, participant_id: UUID, seen: Seen, referral: Text = "") -> Response:
    """Triage a referral again: more was learned, or the committee asks for more. Nobody is to meet the person then."""

    def act(by: Actor) -> None:
        triage.take_back_triage(
            desk.session, _referral_of(desk, participant_id, referral), by=by, at=desk.at, seen=seen
        )

    return act_on(desk, request, participant_id, Action.TRIAGE, act, "criteria")


@router.post("/{participant_id}/declining")
@asks(Action.KEEP_ADMISSION)
def decline(desk: AtDesk, request: Request, participant_id: UUID) -> Response:
    """The person says no, before a meeting or after one: nothing is held against it."""
    row, given = find_participant(desk.session, desk.asker, participant_id, Action.KEEP_ADMISSION)
    by = require(Action.KEEP_ADMISSION, given)
    refusal = desk.attempt(lambda: first_meetings.decline(desk.session, participant_id, by=by, at=desk.at))
    if refusal is not None:
        return participant_page(desk, request, row, given, typed=Typed("decline", refusal))
    # The worker has nothing to do with the file from here on; the coordinator keeps it for a while.
    return see_other(f"/participants/{participant_id}" if allows(Action.TRIAGE, given) else "/")


@router.post("/{participant_id}/meetings")
@asks(Action.KEEP_ADMISSION)
def meet(
    desk: AtDesk,
    request: Request,
    participant_id: UUID,
    met_on: Text = "",
    way: Text = "",
    outcome: Text = "",
    pair: Text = "",
    back_on: Text = "",
) -> Response:
    """Record a first meeting, and what the person said."""
    said = {"met_on": met_on, "way": way, "outcome": outcome, "pair": pair, "back_on": back_on}

    def act(by: Actor) -> None:
        first_meetings.record_first_meeting(
            desk.session,
            participant_id,
            met_on=day_of(met_on),
            way=way,
            outcome=outcome,
            with_second=pair == "yes",
            back_on=day_or_none(back_on),
            by=by,
            at=desk.at,
        )

    return act_on(desk, request, participant_id, Action.KEEP_ADMISSION, act, "meeting", "meeting", **said)


@router.post("/{participant_id}/consents")
@asks(Action.KEEP_ADMISSION)
def sign_consent(
    desk: AtDesk,
    request: Request,
    participant_id: UUID,
    purpose: Text = "",
    partner: Text = "",
    explained_on: Text = "",
    signed_on: Text = "",
    signed_by: Text = "",
    worker_signed_on: Text = "",
    copy_given_on: Text = "",
    ends_on: Text = "",
    again_at_18: Text = "",
    text: Text = "fr",
    text_version: Annotated[int, Form(ge=1, le=10_000)] = CURRENT,
    worker: Text = "",
    limits: Text = "",
) -> Response:
    """Record a consent that was explained and signed."""
    said = {
        "purpose": purpose,
        "partner": partner,
        "explained_on": explained_on,
        "limits": limits,
        "signed_on": signed_on,
        "signed_by": signed_by,
        "worker": worker,
        "worker_signed_on": worker_signed_on,
        "copy_given_on": copy_given_on,
        "ends_on": ends_on,
        "again_at_18": again_at_18,
        "text": text,
        "text_version": text_version,
    }

    def act(by: Actor) -> None:
        signed = Signed(
            explained_on=day_of(explained_on),
            signed_on=day_of(signed_on),
            signed_by=signed_by,
            worker_signed_on=day_of(worker_signed_on),
            language=text,
            limits_stated=limits == "yes",
            copy_given_on=day_or_none(copy_given_on),
            ends_on=day_or_none(ends_on),
            again_at_18=again_at_18 == "yes",
            text_version=text_version,
            worker_id=id_or_none(worker),
        )
        consents.sign(
            desk.session,
            participant_id,
            purpose,
            signed,
            organization_id=id_or_none(partner) if purpose != "program" else None,
            by=by,
            at=desk.at,
        )

    return act_on(desk, request, participant_id, Action.KEEP_ADMISSION, act, "consent", "sign", **said)


@router.post("/{participant_id}/consents/{consent_id}/withdrawal")
@asks(Action.KEEP_ADMISSION)
def withdraw_consent(
    desk: AtDesk, request: Request, participant_id: UUID, consent_id: UUID, really: Text = ""
) -> Response:
    """The person takes a consent back: asked once more, with what follows from it. Nobody asks why."""

    def act(by: Actor) -> None:
        consents.refuse_other(desk.session, participant_id, consent_id)
        consents.withdraw(desk.session, consent_id, confirmed=really == "yes", by=by, at=desk.at)

    return act_on(desk, request, participant_id, Action.KEEP_ADMISSION, act, "consent", f"take-back-{consent_id}")


@router.post("/{participant_id}/consents/review")
@asks(Action.DECIDE_ADMISSION)
def leave_consents(desk: AtDesk, request: Request, participant_id: UUID) -> Response:
    """The consents were looked at again, and stay as they were signed by the birth date that is known now."""

    def act(by: Actor) -> None:
        reviews.leave_as_signed(desk.session, participant_id, by=by, at=desk.at)

    return act_on(desk, request, participant_id, Action.DECIDE_ADMISSION, act, "consent")


@router.post("/{participant_id}/consents/going-on")
@asks(Action.KEEP_ADMISSION)
def go_on(desk: AtDesk, request: Request, participant_id: UUID) -> Response:
    """The person goes on with what the withdrawal of the consent to the program leaves."""
    _, given = find_participant(desk.session, desk.asker, participant_id, Action.KEEP_ADMISSION)
    for_everyone = Relation.COORDINATOR in given

    def act(by: Actor) -> None:
        withdrawals.go_on(desk.session, participant_id, for_everyone=for_everyone, by=by, at=desk.at)

    return act_on(desk, request, participant_id, Action.KEEP_ADMISSION, act, "consent")


@router.post("/{participant_id}/consents/{consent_id}/storing")
@asks(Action.DECIDE_ADMISSION)
def store_consent(
    desk: AtDesk, request: Request, participant_id: UUID, consent_id: UUID, copy_given_on: Text = ""
) -> Response:
    """The coordinator keeps the signed form."""

    def act(by: Actor) -> None:
        consents.refuse_other(desk.session, participant_id, consent_id)
        consents.store(desk.session, consent_id, copy_given_on=day_or_none(copy_given_on), by=by, at=desk.at)

    return act_on(desk, request, participant_id, Action.DECIDE_ADMISSION, act, "consent")


@router.post("/{participant_id}/risk")
@asks(Action.KEEP_ADMISSION)
def assess_risk(
    desk: AtDesk,
    request: Request,
    participant_id: UUID,
    kind: Text = "admission",
    level: Text = "",
    why: Text = "",
    profile: Text = "",
    involvement: Text = "",
    benefits: Text = "",
    risks_to_others: Text = "",
    item: Text = "",
) -> Response:
    """Assess the risk at admission; or record how the committee, sitting, assesses the risk to others (AD-C4)."""

    def act(by: Actor) -> None:
        risks.assess(desk.session, participant_id, kind, level, why={"why": why}, by=by, at=desk.at)

    def record(by: Actor) -> None:
        told = {"profile": profile, "involvement": involvement, "benefits": benefits, "risks": risks_to_others}
        recruiters.assess(desk.session, participant_id, id_or_none(item), level, why=told, by=by, at=desk.at)

    if kind == "recruiter":
        said = {"profile": profile, "involvement": involvement, "benefits": benefits, "level": level}
        return act_on(
            desk,
            request,
            participant_id,
            Action.DECIDE_ADMISSION,
            record,
            "risk",
            "assess-others",
            **said,
            risks_to_others=risks_to_others,
        )
    return act_on(desk, request, participant_id, Action.KEEP_ADMISSION, act, "risk", "assess", level=level, why=why)


@router.post("/{participant_id}/recruiting")
@asks(Action.KEEP_ADMISSION)
def find_recruiter(desk: AtDesk, request: Request, participant_id: UUID, seen: Seen) -> Response:
    """Say that it was found out that they also recruit others: for good."""

    def act(by: Actor) -> None:
        recruiters.find_recruiter(desk.session, participant_id, by=by, at=desk.at, seen=seen)

    return act_on(desk, request, participant_id, Action.KEEP_ADMISSION, act, "risk")


@router.post("/{participant_id}/number")
@asks(Action.DECIDE_ADMISSION)
def give_number(desk: AtDesk, request: Request, participant_id: UUID, seen: Seen) -> Response:
    """Give the number; the follow-up begins."""

    def act(by: Actor) -> None:
        numbers.admit(desk.session, participant_id, by=by, at=desk.at, seen=seen)

    return act_on(desk, request, participant_id, Action.DECIDE_ADMISSION, act, "number")


@router.post("/{participant_id}/barred")
@asks(Action.KEEP_ADMISSION)
def bar(desk: AtDesk, request: Request, participant_id: UUID, person: Text = "") -> Response:
    """The person does not want somebody near their file: at once."""
    row, given = find_participant(desk.session, desk.asker, participant_id, Action.KEEP_ADMISSION)
    by = require(Action.KEEP_ADMISSION, given)

    def act() -> None:
        whom = id_or_none(person)
        if whom is None:
            raise Refusal("choice.missing", N_("Choose from the list."))
        barring.bar(desk.session, participant_id, whom, by=by, at=desk.at)

    refusal = desk.attempt(act)
    if refusal is not None:
        return participant_page(desk, request, row, given, typed=Typed("barred", refusal))
    # Whoever bars themselves, because the person asked them to, is out from here on.
    return see_other("/" if person == str(desk.asker.person_id) else f"/participants/{participant_id}#barred")


@router.post("/{participant_id}/barred/{person_id}/lifting")
@asks(Action.TRIAGE)
def lift_bar(desk: AtDesk, request: Request, participant_id: UUID, person_id: UUID) -> Response:
    """The person lets somebody near their file again."""

    def act(by: Actor) -> None:
        find_person(desk.session, person_id)
        barring.lift(desk.session, participant_id, person_id, by=by, at=desk.at)

    return act_on(desk, request, participant_id, Action.TRIAGE, act, "barred")


def _referral_of(desk: Desk, participant_id: UUID, text: str) -> UUID:
    """The referral that a form names, which is about this person: whoever may act on one may not on every other."""
    found = id_or_none(text)
    if found is None:
        raise Refusal("referral.not_there", N_("There is no such referral."))
    triage.refuse_other(desk.session, participant_id, found)
    return found
