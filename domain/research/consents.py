"""Consent to research (FU-9): apart from the program's, by participant's number, kept by the research coordinator."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.kernel import (
    SHAPE,
    Actor,
    Order,
    Part,
    Refusal,
    add_row,
    changes,
    col,
    first,
    joins,
    local_day,
    of,
    only,
    program_of,
    scalar,
    surely,
)
from domain.participants import hold_participant
from domain.record import events
from domain.research.groups import leave
from domain.research.standing import taken_back_since
from locales import N_
from models.consent import ResearchConsent
from models.participant import Participant


def keep_research_consent(session: Session, participant_id: UUID, signed_on: date, *, by: Actor, at: datetime) -> None:
    """Record consent to research, apart from the program's, by the research coordinator (FU-9). Raises Refusal."""
    held = hold_participant(session, participant_id)
    if held.state != "admitted":
        raise Refusal("research.admitted", N_("Only participants are asked for consent to research."), source="FU-9")
    if signed_on > local_day(session, at):
        raise Refusal("consent.days", N_("A form is explained first, then signed, and never on a future day."))
    if research_consent(session, participant_id) is not None:
        raise Refusal("research.there", N_("This participant has consented to research already."), source="FU-9")
    row = ResearchConsent(
        program_id=program_of(session),
        id=uuid4(),
        participant_id=participant_id,
        signed_on=signed_on,
        kept_by=by.person_id,  # type: ignore[arg-type]  # a person
        recorded_at=at,
    )
    add_row(session, row)
    events.write(session, "research_consent.kept", "participant", participant_id, by=by, at=at)


def withdraw_research_consent(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw the participant's consent to research; nothing else changes for them. Raises Refusal: there is none.

    What was exported of them goes, with all who went together with them (`groups.leave`).
    """
    ended = scalar(
        session,
        changes(ResearchConsent)
        .where(ResearchConsent.participant_id == participant_id, col(ResearchConsent.withdrawn_on).is_(None))
        .values(withdrawn_on=local_day(session, at), withdrawn_at=at)
        .returning(col(ResearchConsent.id)),
    )
    if ended is None:
        raise Refusal("research.none", N_("This participant has not consented to research."), source="FU-9")
    events.write(session, "research_consent.withdrawn", "participant", participant_id, by=by, at=at)
    leave(session, participant_id, "withdrawn", at=at)


def research_consent(session: Session, participant_id: UUID) -> ResearchConsent | None:
    """The consent to research that stands; None where there is none."""
    return first(
        session,
        of(ResearchConsent).where(
            ResearchConsent.participant_id == participant_id, col(ResearchConsent.withdrawn_on).is_(None)
        ),
    )


def of_number(session: Session, number: str) -> UUID:
    """The participant of a number, as the research coordinator types it from the signed form. Raises Refusal."""
    found: UUID | None = scalar(
        session, only(Participant.id).where(Participant.number == _as_kept(number), Participant.state == "admitted")
    )
    if found is None:
        raise Refusal("research.number", N_("No participant has this number. Write it as on the form: #2026-01."))
    return found


def _as_kept(number: str) -> str:
    """A number as it is kept, with or without its sign as it was typed."""
    return "#" + number.strip().lstrip("#")


class Consented(ResearchConsent):
    """A consent to research, with the participant's number."""

    model_config = SHAPE

    number: str = surely(Participant.number)


#: One after the other, also of one moment.
_LAST_FIRST: Final = Order(ResearchConsent.recorded_at, ResearchConsent.id, newest_first=True)


def research_consents(
    session: Session, *, most: int = 50, after: UUID | None = None, number: str = ""
) -> Part[Consented]:
    """The consents to research that stand, and those that were withdrawn, by number and nothing else.

    The `most` that were recorded last, after the one that `after` names; of one participant's `number`, or of all.
    """
    asked = (
        of(Consented)
        .join(Participant, joins(ResearchConsent.participant_id, Participant))
        .where(Participant.state == "admitted", ~taken_back_since())
    )
    if number:
        asked = asked.where(Participant.number == _as_kept(number))
    return _LAST_FIRST.part(session, asked, after=after, most=most)
