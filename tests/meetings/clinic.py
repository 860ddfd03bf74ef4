"""The Clinical Committee as the tests hold it: prepared to sit, and sitting on a candidate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from domain.participants.referral_form import ReferralForm
from meetings import agendas, freezing, running, schedule
from meetings.agenda_items import items_of, pool_of
from models.base import table_of
from models.meeting import Meeting
from models.participant import Participant
from tests.cast import AT, Cast
from tests.flows.support import carry_all, means_of
from tests.following import WORKER, agreed
from tests.meetings.sitting import seat_everyone
from tests.referring import ONDINE, declare_admission, refer, triaged

LOCAL: Final = datetime(2026, 11, 25, 9, 30)
NEXT_LOCAL: Final = datetime(2026, 12, 2, 9, 30)
#: Five minutes into the clinic of Wednesday, in Montréal.
NOW: Final = datetime(2026, 11, 25, 14, 35, tzinfo=UTC)

_participant = table_of(Participant)
_meeting = table_of(Meeting)


def prepare_clinic(cast: Cast) -> None:
    """Put agreements in force, seat everyone, plan two clinics, and have the program carry admissions."""
    declare_admission(cast)
    with cast.session() as session:
        agreed(session, cast)
        seat_everyone(session, cast)
        schedule.plan_meetings(session, "clinical", [LOCAL, NEXT_LOCAL], by=cast.actor("coordinator"), at=AT)


def prepare_on_the_table(cast: Cast) -> tuple[UUID, UUID]:
    """As `prepare_clinic`, with a candidate whom the open clinic is about to decide on: the participant, the item."""
    prepare_clinic(cast)
    return on_the_table(cast)


def clinic_of(session: Session, local: datetime = LOCAL) -> UUID:
    """The clinic that starts then."""
    found: UUID = session.scalars(
        select(_meeting.c.id).where(_meeting.c.program_id == session.info["program_id"], _meeting.c.starts == local)
    ).one()
    return found


def on_the_table(cast: Cast, form: ReferralForm = ONDINE) -> tuple[UUID, UUID]:
    """A candidate whom the open clinic is about to decide on: the participant and the item."""
    participant_id = triaged(cast, refer(cast, form, by=WORKER))
    return participant_id, tabled(cast, participant_id)


def on_the_agenda(cast: Cast, form: ReferralForm = ONDINE, *, frozen: bool = True) -> tuple[UUID, UUID]:
    """A candidate on the clinic's agenda, as it went out, before anybody sits: the participant and the item."""
    participant_id = triaged(cast, refer(cast, form, by=WORKER))
    return participant_id, _put_down(cast, participant_id, frozen=frozen)


def tabled(cast: Cast, participant_id: UUID) -> UUID:
    """Have the open clinic be about to decide on somebody who was triaged; the item."""
    found = _put_down(cast, participant_id, frozen=True)
    with cast.session() as session:
        running.open_meeting(session, clinic_of(session), by=cast.actor("coordinator"), at=NOW)
    return found


def _put_down(cast: Cast, participant_id: UUID, *, frozen: bool) -> UUID:
    by = cast.actor("coordinator")
    carry_all(means_of(cast, lambda: AT))
    with cast.session() as session:
        reference = session.scalar(select(_participant.c.candidate_ref).where(_participant.c.id == participant_id))
        here = clinic_of(session)
        (item,) = [row for row in pool_of(session, committee_of(session, here)) if row.subject == reference] or [
            row for row in items_of(session, here) if row.subject == reference
        ]
        if item.state == "pool":
            agendas.put_on(session, item.id, here, by=by, at=AT)
        if frozen:
            freezing.freeze(session, here, by=by, at=AT)
    found: UUID = item.id
    return found


def committee_of(session: Session, meeting_id: UUID) -> UUID:
    """The committee that a meeting is of."""
    found: UUID = session.scalars(select(_meeting.c.committee_id).where(_meeting.c.id == meeting_id)).one()
    return found
