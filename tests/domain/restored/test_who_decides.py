"""Who acts for another decides nothing on it after a restore, nor does one who was barred from the file."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import Session
from starlette.testclient import TestClient

from domain.accompaniment import barring
from domain.departure import last_days
from domain.follow_ups import assigning
from domain.kernel import Actor, Refusal
from domain.people import absences
from domain.restored import deciding
from domain.roles import standing
from meetings.committees import memberships
from models.program import Person
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import AT
from tests.databases import Database, in_database
from tests.domain.restored.coming_back import LATER, NOW, CameBack, come_back, participant_of
from tests.following import WORKER, agreed, followed
from tests.meetings.sitting import seat_everyone
from tests.restored import Installed, installed

__all__ = ["installed"]

pytestmark = pytest.mark.ci
DAY = AT.date()
AWAY, DEPUTY = "manager_em", "deputy"


def away(house: Installed, session: Session) -> UUID:
    """An absence in which a deputy acts for a manager, also on their seat."""
    seat_everyone(session, house.cast)
    return absences.record_absence(
        session,
        person_id=house.person(AWAY),
        starts_on=DAY,
        ends_on=DAY + timedelta(days=30),
        deputy_id=house.person(DEPUTY),
        by=house.actor("coordinator"),
        at=AT,
    )


def cancelled(house: Installed) -> CameBack[UUID]:
    def ended(session: Session, absence_id: UUID) -> None:
        absences.cancel_absence(session, absence_id, by=house.actor("coordinator"), at=LATER)

    return come_back(house, lambda session: away(house, session), ended)


def replaced(house: Installed) -> CameBack[UUID]:
    def ended(session: Session, absence_id: UUID) -> None:
        was, by = house.person(DEPUTY), house.actor("coordinator")
        last_days.change_deputy(session, absence_id, was, None, by=by, at=LATER)

    return come_back(house, lambda session: away(house, session), ended)


def acts_for_them(back: CameBack[UUID]) -> bool:
    """Whether the deputy acts for the absent one, in duties and on the seat alike."""
    day, deputy, whose = DAY + timedelta(days=1), back.house.person(DEPUTY), back.house.person(AWAY)

    def duties(session: Session) -> bool:
        found = standing(session, day).absences.get(whose)
        return found is not None and found.deputy_id == deputy

    def seat(session: Session) -> bool:
        found = (members.away(whose, day) for members in memberships(session).values())
        return any(one is not None and one.deputy_id == deputy for one in found)

    both: tuple[bool, bool] = back.asked(duties), back.asked(seat)
    assert both[0] == both[1]
    return both[0]


def decided_by(back: CameBack[UUID], verb: str, by: Actor) -> str:
    """The code by which this one does not decide that it does not hold; "" where they do."""
    matter = back.of(verb)
    with back.house.session() as session:
        try:
            deciding.leave_undone(session, matter.id, reason="I go on", by=by, at=NOW)
        except Refusal as refused:
            return refused.code
    return ""


def client_of(back: CameBack[UUID], name: str) -> TestClient:
    """The browser of one who looks after the restore."""
    house = back.house
    app, admin = (in_database(url, house.name) for url in (house.copies.urls.app, house.copies.urls.admin))
    return client_for(Database(house.engine, app, house.owner_url, admin), house.person(name), at=NOW)


def name_of(back: CameBack[UUID], name: str) -> str:
    found: str = back.asked(
        lambda session: session.get_one(Person, (session.info["program_id"], back.house.person(name))).name
    )
    return found


def test_a_deputy_whose_powers_had_ended_does_not_act_nor_decide_on_them(installed: Installed) -> None:
    back = cancelled(installed)
    assert not acts_for_them(back)
    deputy = Actor(role="coordinator", person_id=installed.person(DEPUTY), acting_for=installed.person("coordinator"))
    assert decided_by(back, "absence.cancelled", deputy) == "restored.own"
    assert decided_by(back, "absence.cancelled", installed.actor(AWAY)) == "restored.own"
    assert decided_by(back, "absence.cancelled", installed.actor("coordinator")) == ""
    assert acts_for_them(back)


def test_an_absence_is_cancelled_again_by_one_act(installed: Installed) -> None:
    back = cancelled(installed)
    back.again("absence.cancelled")
    assert installed.rows("select cancelled_at from absence") == [{"cancelled_at": LATER}]
    assert not acts_for_them(back)


def test_of_two_absences_of_one_person_the_one_that_was_cancelled_is(installed: Installed) -> None:
    def stood(session: Session) -> UUID:
        later = DAY + timedelta(days=60)
        by = installed.actor("coordinator")
        other = {"person_id": installed.person(AWAY), "deputy_id": None, "by": by, "at": AT}
        absences.record_absence(session, starts_on=later, ends_on=later, **other)  # type: ignore[arg-type]
        return away(installed, session)

    def ended(session: Session, absence_id: UUID) -> None:
        absences.cancel_absence(session, absence_id, by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, stood, ended)
    back.again("absence.cancelled")
    assert installed.rows("select id from absence where cancelled_at is not null") == [{"id": back.thing}]


def test_a_deputy_who_was_replaced_does_not_act_until_it_is_decided(installed: Installed) -> None:
    back = replaced(installed)
    assert not acts_for_them(back)
    deputy = Actor(role="coordinator", person_id=installed.person(DEPUTY), acting_for=installed.person("coordinator"))
    assert decided_by(back, "absence.deputy_changed", deputy) == "restored.own"
    page = client_of(back, "coordinator").get("/restored").text
    assert f"no longer had {name_of(back, DEPUTY)} as a deputy" in text_of(page)
    back.again("absence.deputy_changed")
    assert not acts_for_them(back)
    assert installed.rows("select deputy_id from absence") == [{"deputy_id": None}]


def test_a_deputy_acts_again_once_it_is_said_that_their_replacement_does_not_hold(installed: Installed) -> None:
    back = replaced(installed)
    back.undone("absence.deputy_changed")
    assert acts_for_them(back)


def test_who_was_barred_from_a_file_neither_sees_nor_decides_on_a_part_in_its_follow_up(installed: Installed) -> None:
    def stood(session: Session) -> UUID:
        agreed(session, installed.cast)
        follow_up = followed(session, installed.cast, worker=WORKER)
        officer, by = installed.person("privacy_officer"), installed.actor("coordinator")
        barring.bar(session, participant_of(session, follow_up), officer, by=by, at=AT)
        return follow_up

    def ended(session: Session, follow_up_id: UUID) -> None:
        by = installed.actor("coordinator")
        assigning.end_part(session, follow_up_id, installed.person(WORKER), by=by, at=LATER)

    back = come_back(installed, stood, ended)
    matter = back.of("follow_up.part_ended")
    officer = client_of(back, "privacy_officer")
    page = officer.get("/restored")
    assert (page.status_code, str(matter.id) in page.text) == (200, False)
    assert officer.post(f"/restored/{matter.id}/undone", data={"reason": "I say so"}).status_code == 404
    assert [one.id for one in back.waiting()] == [matter.id]
