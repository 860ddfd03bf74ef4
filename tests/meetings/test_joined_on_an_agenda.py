"""Who is before a committee is joined to no other file: what is said there would be said of a file that is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.admissions import duplicates, triage
from meetings.schedule import cancel_meeting
from models.base import table_of
from models.referral import Referral
from tests.cast import AT, Arranged, Cast
from tests.flows.support import carry_all, means_of
from tests.meetings.clinic import NOW, clinic_of, on_the_agenda, on_the_table, prepare_clinic
from tests.referring import ONDINE, ROMARIN, participant_of, refer
from tests.refusing import refused

_referral = table_of(Referral)


@pytest.mark.parametrize("sits", [False, True])
def test_who_is_on_an_agenda_that_went_out_is_joined_to_no_file_though_the_triage_was_taken_back(
    cast: Cast, arranged: Arranged[None], sits: bool
) -> None:
    arranged(cast, prepare_clinic)
    participant_id, _ = (on_the_table if sits else on_the_agenda)(cast)
    known, by = refer(cast, replace(ROMARIN, phone=ONDINE.phone)), cast.actor("coordinator")
    with cast.session() as session:
        theirs = select(_referral.c.id).where(_referral.c.participant_id == participant_id)
        referral_id: UUID = session.execute(theirs).scalar_one()
        triage.take_back_triage(session, referral_id, by=by, at=NOW)
    carry_all(means_of(cast, lambda: AT))
    with cast.session() as session, refused("referral.on_agenda"):
        duplicates.join_referral(session, referral_id, participant_of(session, known), reason="La même", by=by, at=NOW)


def test_nor_once_the_meeting_of_that_agenda_was_cancelled_until_its_day_is_over(
    cast: Cast, arranged: Arranged[None]
) -> None:
    arranged(cast, prepare_clinic)
    participant_id, _ = on_the_agenda(cast)
    known, by = refer(cast, replace(ROMARIN, phone=ONDINE.phone)), cast.actor("coordinator")
    with cast.session() as session:
        theirs = select(_referral.c.id).where(_referral.c.participant_id == participant_id)
        referral_id: UUID = session.execute(theirs).scalar_one()
        triage.take_back_triage(session, referral_id, by=by, at=AT)
        cancel_meeting(session, clinic_of(session), reason="Tempête", by=by, at=AT)
        join = partial(
            duplicates.join_referral, session, referral_id, participant_of(session, known), reason="La même", by=by
        )
        with refused("referral.on_agenda"):
            join(at=AT)
        join(at=NOW + timedelta(days=1))
