"""What is kept of a candidate or participant beside the admission: disclosures (AD-R12), retention, the legal hold."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from fastapi import Request, Response

from api.access.participants import find_participant, ground_of
from api.access.permissions import Action, asks, require
from api.access.session import AtDesk, Desk
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages
from api.pages.participant import act_on, participant_page
from api.web.readers import day_of
from domain.kernel.actors import Actor
from domain.participants import destruction, disclosures, retention

router = framed_pages("/participants")


@router.post("/{participant_id}/disclosures")
@asks(Action.KEEP_DISCLOSURES)
def disclose(
    desk: AtDesk,
    request: Request,
    participant_id: UUID,
    ground: Text = "",
    to_whom: Text = "",
    what: Text = "",
    disclosed_on: Text = "",
    only_necessary: Text = "",
) -> Response:
    """Record what was said without consent, once it was said."""
    said = {
        "ground": ground,
        "to_whom": to_whom,
        "what": what,
        "disclosed_on": disclosed_on,
        "only_necessary": only_necessary,
    }

    def act(by: Actor) -> None:
        disclosures.disclose(
            desk.session,
            participant_id,
            ground,
            to_whom=to_whom,
            what=what,
            disclosed_on=day_of(disclosed_on),
            only_necessary=only_necessary == "yes",
            by=by,
            at=desk.at,
        )

    return act_on(desk, request, participant_id, Action.KEEP_DISCLOSURES, act, "disclosures", "disclose", **said)


@router.post("/{participant_id}/disclosures/{disclosure_id}/reading")
@asks(Action.KEEP_DISCLOSURES)
def read_disclosure(desk: AtDesk, request: Request, participant_id: UUID, disclosure_id: UUID) -> Response:
    """To whom it was said, and what: shown once, and told to the record."""
    row, given = find_participant(desk.session, desk.asker, participant_id, Action.KEEP_DISCLOSURES)
    by = require(Action.KEEP_DISCLOSURES, given)
    told: dict[str, str] = {}

    def act() -> None:
        told.update(
            disclosures.read_disclosure(
                desk.session, participant_id, disclosure_id, by=by, at=desk.at, ground=ground_of(given)
            )
        )

    refusal = desk.attempt(act)
    shown = {"disclosure": {"id": disclosure_id, **told}} if refusal is None else None
    return participant_page(desk, request, row, given, typed=Typed("disclosure", refusal), shown=shown)


@router.post("/{participant_id}/retention")
@asks(Action.KEEP_RETENTION)
def retain(desk: AtDesk, request: Request, participant_id: UUID, day: Text = "", reason: Text = "") -> Response:
    """Set another last day on which the file is kept than that of the retention calendar, and say why."""

    def act(by: Actor) -> None:
        retention.retain_until(desk.session, participant_id, day_of(day), reason=reason, by=by, at=desk.at)

    return act_on(
        desk, request, participant_id, Action.KEEP_RETENTION, act, "retention", "retain", day=day, reason=reason
    )


@router.post("/{participant_id}/hold")
@asks(Action.KEEP_RETENTION)
def hold(desk: AtDesk, request: Request, participant_id: UUID) -> Response:
    """Keep the file whatever its retention says, because the law asks for it."""
    return _retain(desk, request, participant_id, retention.place_hold)


@router.post("/{participant_id}/hold/release")
@asks(Action.KEEP_RETENTION)
def release(desk: AtDesk, request: Request, participant_id: UUID) -> Response:
    """Let the retention of the file run again."""
    return _retain(desk, request, participant_id, retention.release_hold)


@router.post("/{participant_id}/destruction")
@asks(Action.KEEP_RETENTION)
def ask_to_destroy(
    desk: AtDesk, request: Request, participant_id: UUID, ground: Text = "", reason: Text = ""
) -> Response:
    """Ask that what is known of somebody be destroyed, once the retention has ended and nothing holds the file."""

    def act(by: Actor) -> None:
        destruction.ask(desk.session, participant_id, ground, reason=reason, by=by, at=desk.at)

    return act_on(
        desk, request, participant_id, Action.KEEP_RETENTION, act, "retention", "destroy", ground=ground, reason=reason
    )


@router.post("/{participant_id}/destruction/withdrawal")
@asks(Action.KEEP_RETENTION)
def take_destruction_back(desk: AtDesk, request: Request, participant_id: UUID) -> Response:
    """Take back that the file be destroyed."""
    return _retain(desk, request, participant_id, destruction.withdraw)


def _retain(desk: Desk, request: Request, participant_id: UUID, verb: Callable[..., object]) -> Response:
    """Do what asks for nothing more than whose file it is, and show how long that is kept then."""
    return act_on(
        desk,
        request,
        participant_id,
        Action.KEEP_RETENTION,
        lambda by: verb(desk.session, participant_id, by=by, at=desk.at),
        "retention",
    )
