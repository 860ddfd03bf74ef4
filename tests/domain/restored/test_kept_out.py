"""Who may not have access any more, after a restore, hears nothing and sits nowhere until it is decided."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.access import invitations
from domain.kernel import first, of
from domain.people import people, seat_holders
from flows.post import deliver
from meetings import schedule
from meetings.committees import memberships
from meetings.invitees import guests_of, invited_to
from models.committee import SeatHolder
from models.meeting import Meeting
from models.program import Person
from tests.api.application import nobody
from tests.cast import AT
from tests.databases import Database, in_database
from tests.domain.restored.coming_back import LATER, NOW, CameBack, come_back
from tests.domain.restoring.test_done_again import letter
from tests.meetings.meeting_room import LOCAL
from tests.meetings.sitting import give, letters, seat_everyone
from tests.restored import Installed, installed

__all__ = ["installed"]

pytestmark = pytest.mark.ci
WHO: Final = "manager_em"
NEW: Final = "new.address@program.example"


def readdress(house: Installed, session: Session) -> None:
    person = session.get_one(Person, (house.cast.program_id, house.person(WHO)))
    people.update_person(
        session,
        person.id,
        given_name=person.given_name,
        family_name=person.family_name,
        email=NEW,
        phone=person.phone,
        language=person.language,
        by=house.actor("administrator"),
        at=LATER,
    )


def end_access(house: Installed, session: Session) -> None:
    invitations.end_access(session, house.person(WHO), by=house.actor("coordinator"), at=LATER)


def leaves(house: Installed) -> list[str]:
    """To which addresses letters leave now."""
    house.mailbag.sent.clear()
    deliver(replace(house.means, clock=lambda: NOW))
    return [to for to, _ in house.mailbag.sent]


def test_no_letter_leaves_to_an_address_that_was_changed_and_later_it_goes_to_the_new_one(installed: Installed) -> None:
    (old,) = installed.rows("select email from person where id = :id", id=installed.person(WHO))
    back = come_back(installed, lambda _: None, lambda session, _: readdress(installed, session))
    leaves(installed)
    assert letter(installed, "news")
    assert leaves(installed) == [], "neither to the one nor to the other"
    assert installed.rows("select state, attempts from notice where template = 'account_linked'") == [
        {"state": "queued", "attempts": 0}
    ]
    with installed.session() as session:
        readdress(installed, session)
    assert leaves(installed) == []
    back.noted("person.updated")
    assert sorted(leaves(installed)) == sorted([NEW, old["email"]]), "the old one hears that it is no longer theirs"
    (sent,) = [message for to, message in installed.mailbag.sent if to == NEW]
    assert NEW.encode() in sent


def test_letters_to_who_may_have_no_access_wait_and_no_one_else_s_do(installed: Installed) -> None:
    def stood(_: Session) -> None:
        return None

    back = come_back(installed, stood, lambda session, _: end_access(installed, session))
    leaves(installed)
    letter(installed, "theirs")
    letter(installed, "another's", name="manager_la")
    emails = {one["id"]: one["email"] for one in installed.rows("select id, email from person")}
    assert leaves(installed) == [emails[installed.person("manager_la")]]
    back.undone("access.ended")
    assert leaves(installed) == [emails[installed.person(WHO)]]


def link_of(house: Installed) -> str:
    """The link by which they answer the invitation of their letter."""
    with house.session() as session:
        (sent,) = [one for one in letters(session) if one.person_id == house.person(WHO)]
    (path,) = re.findall(r"(/answer/[\w-]+)", sent.text)
    return str(path)


def test_no_link_of_a_letter_answers_for_who_may_have_no_access(installed: Installed) -> None:
    back = come_back(
        installed,
        lambda session: seat_everyone(session, installed.cast),
        lambda session, _: end_access(installed, session),
    )
    with installed.session() as session:
        schedule.plan_meetings(session, "steering", [LOCAL], by=installed.actor("coordinator"), at=NOW)
    app, admin = (in_database(url, installed.name) for url in (installed.copies.urls.app, installed.copies.urls.admin))
    reader = nobody(Database(installed.engine, app, installed.owner_url, admin), at=NOW)
    path = link_of(installed)
    assert reader.get(path).status_code == 404
    back.undone("access.ended")
    assert reader.get(path).status_code == 200


def sits(back: CameBack[None], who: UUID, day: date) -> bool:
    def asked(session: Session) -> bool:
        return any(one.seat_of(who, day) is not None for one in memberships(session).values())

    found: bool = back.asked(asked)
    return found


def test_who_left_a_seat_sits_on_it_to_the_day_and_not_after_until_it_is_decided(installed: Installed) -> None:
    last_day = LATER.date() + timedelta(days=20)

    def ended(session: Session, _: object) -> None:
        held = of(SeatHolder).where(SeatHolder.person_id == installed.person("manager_la"))
        holding = first(session, held)
        assert holding is not None
        seat_holders.end_seat(session, holding, last_day, by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, lambda session: seat_everyone(session, installed.cast), ended)
    who, after = installed.person("manager_la"), last_day + timedelta(days=1)
    assert (sits(back, who, last_day), sits(back, who, after)) == (True, False)
    with installed.session() as session:
        schedule.plan_meetings(session, "steering", [LOCAL], by=installed.actor("coordinator"), at=NOW)
        (planned,) = session.exec(of(Meeting)).all()
        assert who not in invited_to(session, planned)
        assert installed.person(WHO) in invited_to(session, planned)
    back.undone("seat.left")
    assert sits(back, who, after)


def test_a_seat_that_is_given_after_the_restore_is_held(installed: Installed) -> None:
    def ended(session: Session, _: object) -> None:
        holding = first(session, of(SeatHolder).where(SeatHolder.person_id == installed.person("manager_la")))
        assert holding is not None
        seat_holders.end_seat(session, holding, LATER.date(), by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, lambda session: seat_everyone(session, installed.cast), ended)
    who, day = installed.person("manager_la"), LATER.date() + timedelta(days=30)
    assert not sits(back, who, day)
    installed.rows("update seat_holder set ends_on = :day where person_id = :who returning id", day=NOW.date(), who=who)
    with installed.session() as session:
        held = give(session, installed.cast, "steering", "anonyme", "manager_la", since=NOW.date() + timedelta(days=1))
    installed.rows("update seat_holder set recorded_at = :at where id = :id returning id", at=NOW, id=held)
    assert sits(back, who, day)


def test_a_guest_whose_invitation_was_taken_back_is_invited_by_nothing_until_it_is_decided(
    installed: Installed,
) -> None:
    who = installed.person(WHO)

    def stood(session: Session) -> UUID:
        by = installed.actor("coordinator")
        seat_everyone(session, installed.cast)
        schedule.plan_meetings(session, "clinical", [LOCAL], by=by, at=AT)
        (planned,) = session.exec(of(Meeting)).all()
        schedule.invite_guest(session, planned.id, who, by=by, at=AT)
        return planned.id

    def ended(session: Session, meeting_id: UUID) -> None:
        schedule.withdraw_guest(session, meeting_id, who, by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, stood, ended)
    assert back.asked(lambda session: guests_of(session, back.thing)) == []
    back.noted("guest.withdrawn")
    assert back.asked(lambda session: guests_of(session, back.thing)) == [who]
