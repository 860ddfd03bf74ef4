"""Consent to research (FU-9): apart from the program's, by participant's number, kept by the research coordinator.

It comes on a form of research's own, or by its line of the consent form. The worker who records that form hands it over
in the same transaction. The signature stays with the form: research learns a number and a day.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement
from sqlmodel import Session

from domain.casework import asking
from domain.kernel import (
    MATTER,
    SHAPE,
    Actor,
    Order,
    Part,
    Refusal,
    add_row,
    changes,
    col,
    first,
    hook,
    joins,
    local_day,
    of,
    only,
    program_of,
    run,
    scalar,
    scalars,
    surely,
    there_is,
    undecided,
)
from domain.participants.locking import hold_participant, known_as
from domain.record import events
from domain.roles import Link
from locales import N_
from models.consent import ResearchConsent
from models.participant import Participant

#: The research coordinator's task: keep a consent that was ticked on the consent form.
KEEP: Final = "research_consent.keep"


def keep_research_consent(session: Session, participant_id: UUID, signed_on: date, *, by: Actor, at: datetime) -> None:
    """Record a consent to research that came on a form of research's own, by the research coordinator (FU-9).

    Raises Refusal.
    """
    held = hold_participant(session, participant_id)
    if held.state != "admitted":
        raise Refusal("research.admitted", N_("Only participants are asked for consent to research."), source="FU-9")
    if signed_on > local_day(session, at):
        raise Refusal("consent.days", N_("A form is explained first, then signed, and never on a future day."))
    if research_consent(session, participant_id) is not None:
        raise Refusal("research.there", N_("This participant has consented to research already."), source="FU-9")
    if _was_withdrawn_since(session, participant_id, signed_on):
        raise Refusal(
            "research.withdrawn_since",
            N_("After this form was signed, the participant withdrew their consent to research. A new form is needed."),
            source="FU-9",
        )
    row = ResearchConsent(
        program_id=program_of(session),
        id=uuid4(),
        participant_id=participant_id,
        signed_on=signed_on,
        kept_by=by.person_id,
        kept_at=at,
        recorded_at=at,
    )
    add_row(session, row)
    events.write(session, "research_consent.kept", "participant", participant_id, by=by, at=at)


def tick_research(
    session: Session, participant_id: UUID, form_id: UUID, signed_on: date, *, by: Actor, at: datetime
) -> None:
    """Hand the consent to research that was ticked on a consent form to the research coordinator, who keeps it.

    The worker who records the form keeps nothing of it. Where one stands already, nothing is added; nor by a paper from
    before a withdrawal. The worker is told the same: what was said about research is kept apart.
    """
    if research_consent(session, participant_id) is not None:
        return
    if _was_withdrawn_since(session, participant_id, signed_on):
        return
    row = ResearchConsent(
        program_id=program_of(session),
        id=uuid4(),
        participant_id=participant_id,
        form_id=form_id,
        signed_on=signed_on,
        recorded_at=at,
    )
    add_row(session, row)
    events.write(session, "research_consent.ticked", "participant", participant_id, by=by, at=at)
    hand_over_research(session, participant_id, by=by, at=at)


def hand_over_research(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the research coordinator to keep the consent that waits, once the person has a number by which to know it."""
    found, number = research_consent(session, participant_id), known_as(session, participant_id)
    if found is None or found.kept_at is not None or not number.startswith("#"):
        return
    chain = [Link("research_coordinator")]
    asking.ask(session, KEEP, participant_id, _TITLE, chain=chain, working_days=10, by=by, at=at, subject=number)


def keep_ticked(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Have the research coordinator keep a consent that was ticked on the consent form. Raises Refusal: none waits."""
    hold_participant(session, participant_id)
    found = research_consent(session, participant_id)
    if found is None or found.kept_at is not None:
        raise Refusal("research.none_waits", N_("No consent to research waits here to be kept."), source="FU-9")
    kept = changes(ResearchConsent).where(ResearchConsent.id == found.id)
    run(session, kept.values(kept_by=by.person_id, kept_at=at))
    asking.answered(session, KEEP, participant_id, by=by, at=at)
    events.write(session, "research_consent.kept", "participant", participant_id, by=by, at=at)


_TITLE: Final = N_("Keep the consent to research of %(subject)s, who ticked it on the consent form")


def withdraw_research_consent(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw the participant's consent to research; nothing else changes for them. Raises Refusal: there is none.

    What was exported of them goes, with all who went together with them.
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
    asking.no_more(session, KEEP, participant_id, by=by, at=at)
    events.write(session, "research_consent.withdrawn", "participant", participant_id, by=by, at=at)
    left_research(session, participant_id, at=at)


@hook
def left_research(session: Session, participant_id: UUID, *, at: datetime) -> None:
    """A consent to research was withdrawn, in this transaction: what a higher room made of it goes too."""


def withdraw_if_any(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw a consent to research where there is one. Who records it is told the same where there is none.

    The day is then kept, so that an older paper that ticks research does not count.
    """
    if research_consent(session, participant_id) is not None:
        withdraw_research_consent(session, participant_id, by=by, at=at)
        return
    no_more = changes(Participant).where(Participant.id == participant_id)
    run(session, no_more.values(no_research_on=local_day(session, at)))
    events.write(session, "research_consent.declined", "participant", participant_id, by=by, at=at)


def research_consent(session: Session, participant_id: UUID) -> ResearchConsent | None:
    """The consent to research that stands; None where there is none."""
    return first(
        session,
        of(ResearchConsent).where(
            ResearchConsent.participant_id == participant_id, col(ResearchConsent.withdrawn_on).is_(None)
        ),
    )


def _was_withdrawn_since(session: Session, participant_id: UUID, signed_on: date) -> bool:
    """Whether the participant withdrew a consent to research, or said no to it, on a later day than this signature."""
    withdrawn = ResearchConsent.participant_id == participant_id, col(ResearchConsent.withdrawn_on) > signed_on
    declined = Participant.id == participant_id, col(Participant.no_research_on) > signed_on
    return there_is(session, only(ResearchConsent.id).where(*withdrawn)) or there_is(
        session, only(Participant.id).where(*declined)
    )


def consents_to_research(session: Session) -> frozenset[UUID]:
    """The participants whose consent to research stands, and is kept. One that a restore brought back does not."""
    return frozenset(scalars(session, only(ResearchConsent.participant_id).where(*stands())))


def stands() -> tuple[ColumnElement[bool], ...]:
    """The conditions on a consent to research that it is kept, and was not withdrawn, nor had been before a restore."""
    kept = col(ResearchConsent.kept_at).is_not(None)
    return (kept, col(ResearchConsent.withdrawn_on).is_(None), ~taken_back_since())


def taken_back_since() -> ColumnElement[bool]:
    """The condition on a consent to research that it had been withdrawn, and a restore lost that."""
    return undecided(
        "consent",
        MATTER.verb == "research_consent.withdrawn",
        col(MATTER.subject_id) == col(ResearchConsent.participant_id),
        col(MATTER.at) >= col(ResearchConsent.recorded_at),
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
