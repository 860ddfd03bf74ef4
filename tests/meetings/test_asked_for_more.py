"""What the clinic asked to be found out about a candidate is asked no more once nothing is decided of them any more."""

from __future__ import annotations

from typing import Final

import pytest
from sqlalchemy import select
from sqlmodel import Session

from duties.participants import duplicates, first_meetings, triage
from meetings import admissions
from models.base import table_of
from models.referral import Referral
from tests.cast import Arranged, Cast
from tests.following import tasks_of
from tests.meetings.clinic import NOW, on_the_table, prepare_clinic
from tests.referring import ROMARIN, participant_of, refer

_referral: Final = table_of(Referral)


@pytest.mark.parametrize("ends", ["refused", "declines", "joined"])
def test_what_the_clinic_asked_is_called_off_with_the_admission(
    cast: Cast, arranged: Arranged[None], ends: str
) -> None:
    arranged(cast, prepare_clinic)
    by = cast.actor("coordinator")
    participant_id, item = on_the_table(cast)
    known = refer(cast, ROMARIN)

    def asked(session: Session) -> list[str]:
        return [task["state"] for task in tasks_of(session, admissions.ASK_MORE)]

    with cast.session() as session:
        admissions.decide_admission(session, item, "more", reason="Où loge-t-elle?", by=by, at=NOW)
        assert asked(session) == ["open"]
        referral_id = session.execute(
            select(_referral.c.id).where(_referral.c.participant_id == participant_id)
        ).scalar_one()
        if ends == "declines":
            first_meetings.decline(session, participant_id, by=by, at=NOW)
        else:
            triage.take_back_triage(session, referral_id, by=by, at=NOW)
            if ends == "refused":
                triage.triage(session, referral_id, "refused", reason="Non", offered="CLSC", by=by, at=NOW)
            else:
                duplicates.join_referral(session, referral_id, participant_of(session, known), by=by, at=NOW)
        assert asked(session) == ["cancelled"]
