"""What the clinic asked to be found out about a candidate is asked until it is decided what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.accompaniment import workers
from domain.admissions import duplicates, first_meetings, triage
from meetings import admissions
from models.base import table_of
from models.referral import Referral
from tests.cast import Arranged, Cast
from tests.following import SECOND, tasks_of
from tests.meetings.clinic import NOW, on_the_table, prepare_clinic
from tests.referring import ONDINE, ROMARIN, participant_of, refer

_referral: Final = table_of(Referral)


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("ends", ["assigned", "refused", "declines", "joined"])
def test_what_the_clinic_asked_is_called_off_once_it_is_decided(
    cast: Cast, arranged: Arranged[None], ends: str
) -> None:
    arranged(cast, prepare_clinic)
    by = cast.actor("coordinator")
    participant_id, item = on_the_table(cast)
    known = refer(cast, replace(ROMARIN, phone=ONDINE.phone))

    def asked(session: Session) -> list[tuple[str, str]]:
        return [(task["item"], task["state"]) for task in tasks_of(session, workers.FIND_OUT)]

    with cast.session() as session:
        admissions.decide_admission(session, item, "more", reason="Où loge-t-elle?", by=by, at=NOW)
        assert asked(session) == [(str(participant_id), "open")]
        referral_id = session.execute(
            select(_referral.c.id).where(_referral.c.participant_id == participant_id)
        ).scalar_one()
        if ends == "declines":
            first_meetings.decline(session, participant_id, by=by, at=NOW)
        else:
            triage.take_back_triage(session, referral_id, by=by, at=NOW)
            if ends == "assigned":
                triage.triage(session, referral_id, "forwarded", reason="Urgent", by=by, at=NOW)
                workers.forward(session, participant_id, cast.people[SECOND], by=by, at=NOW)
            elif ends == "refused":
                triage.triage(session, referral_id, "refused", reason="Non", offered="CLSC", by=by, at=NOW)
            else:
                duplicates.join_referral(
                    session, referral_id, participant_of(session, known), reason="La même", by=by, at=NOW
                )
        assert asked(session) == [(str(participant_id), "cancelled")]
