"""What an asker is to the destruction of a file that is asked, and finding those that they may see and answer.

Who answers sees nothing else of the file: neither its page, nor a name.
"""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from api.access.permissions import Action, Asker, Forbidden, Given, Relation, acting_as, allows, require, themselves
from domain.accompaniment import barring
from domain.kernel import Actor
from domain.participants import DestructionRequest, destruction, destruction_requests
from domain.roles import who_barred


def find_destruction(
    session: Session, asker: Asker, participant_id: UUID, action: Action = Action.SEE_DESTRUCTION
) -> tuple[DestructionRequest, Given]:
    """The last request about a file for `action`, with how the file is called, and what the asker is to it.

    Raises Forbidden, also where no request was ever made.
    """
    asked = destruction_requests.last_of(session, participant_id)
    places = destruction.holding_organizations(session, participant_id)
    if barring.is_barred(session, participant_id, asker.person_id):
        given: Given = {Relation.BARRED: themselves(asker)}
    else:
        given = to_destructions(asker, places)
    if asked is None:
        raise Forbidden
    require(Action.SEE_DESTRUCTION, given)
    require(action, given)
    return asked, given


def answers_as(session: Session, asker: Asker, asked: DestructionRequest, given: Given) -> Actor:
    """The hat under which the asker answers what is asked: one by which they may, where they have one.

    Raises Forbidden.
    """
    for holder in destruction.who_may_confirm(session, asked, asker.standing):
        if holder.person_id == asker.person_id:
            return acting_as(asker, holder)
    return require(Action.CONFIRM_DESTRUCTION, given)


def seen_destructions(session: Session, asker: Asker) -> list[DestructionRequest]:
    """Every request that waits for an answer and that the asker may see. Raises Forbidden where they see none ever."""
    require(Action.SEE_DESTRUCTIONS, to_destructions(asker, asker.organizations_as("manager")))
    kept_from = who_barred(session, asker.person_id)
    return [
        row
        for row in destruction_requests.all_asked(session)
        if row.participant_id not in kept_from
        and allows(
            Action.SEE_DESTRUCTION,
            to_destructions(asker, destruction.holding_organizations(session, row.participant_id)),
        )
    ]


def to_destructions(asker: Asker, places: list[UUID]) -> Given:
    """What the asker is to destructions of files that these organizations hold; a deputy where given approvals."""
    given: Given = {Relation.STAFF: themselves(asker)} if asker.is_staff else {}
    coordinator = asker.hat("coordinator")
    if coordinator:
        given[Relation.COORDINATOR] = acting_as(asker, coordinator)
    # An absent officer reads what waits, beside their deputy, who answers it.
    privacy = asker.hat("privacy_officer", kind="approvals") or asker.own("privacy_officer")
    if privacy:
        given[Relation.PRIVACY] = acting_as(asker, privacy)
    for place in places:
        manager = asker.hat("manager", place, kind="approvals")
        if manager:
            given[Relation.MANAGER_HERE] = acting_as(asker, manager)
    return given
