"""What a restore brings back is not gone on with until it is decided: a version, a seat, an address, a letter."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlmodel import Session, select

from domain.access import sign_ins
from domain.agreements import agreements, unsigning
from domain.kernel import Actor, Refusal, first, of
from domain.mail import resending
from domain.people import people, seat_holders
from domain.restored import deciding
from models.committee import SeatHolder
from models.outbox import Notice
from models.program import Person
from tests.agreeing import DIRECTORS, code_of, last_version, signed_on
from tests.api.application import client_for
from tests.cast import AT
from tests.databases import Database, in_database
from tests.domain.restored.coming_back import LATER, NOW, CameBack, come_back
from tests.meetings.sitting import seat_everyone
from tests.restored import Installed, installed

__all__ = ["installed"]

pytestmark = pytest.mark.ci
PLACE = "en-marge"
OPERATOR = Actor.system("terminal")


def sent(house: Installed, session: Session) -> UUID:
    version_id = last_version(session, house.cast, PLACE)
    agreements.send_version(session, version_id, by=house.actor("coordinator"), at=AT)
    return version_id


def signs(back: CameBack[UUID]) -> str:
    """The code by which the director of the place does not sign; "" where they do."""
    director = DIRECTORS[PLACE]
    with back.house.session() as session:
        try:
            agreements.sign_here(session, back.thing, has_read=True, by=back.house.actor(director), at=NOW)
        except Refusal as refused:
            return refused.code
    return ""


def test_a_version_that_was_withdrawn_is_not_signed_until_it_is_decided(installed: Installed) -> None:
    def ended(session: Session, version_id: UUID) -> None:
        agreements.withdraw_version(session, version_id, by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, lambda session: sent(installed, session), ended)
    assert signs(back) == "agreement.undecided"
    back.undone("agreement.withdrawn")
    assert signs(back) == ""


def test_a_version_whose_signature_was_taken_back_does_not_begin_until_it_is_decided(installed: Installed) -> None:
    director = installed.person(DIRECTORS[PLACE])

    def stood(session: Session) -> UUID:
        version_id = last_version(session, installed.cast, PLACE)
        signed_on(session, installed.cast, version_id, PLACE)
        return version_id

    def ended(session: Session, version_id: UUID) -> None:
        unsigning.take_back(
            session,
            version_id,
            director_id=director,
            reason="Another paper",
            by=installed.actor("coordinator"),
            at=LATER,
        )

    back = come_back(installed, stood, ended)
    day = NOW.date()

    def begins(session: Session) -> None:
        agreements.start_version(session, back.thing, starts_on=day, by=installed.actor("coordinator"), at=NOW)

    assert back.asked(lambda session: code_of(lambda: begins(session))) == "agreement.undecided"
    back.again("agreement.signature_taken_back")
    assert back.asked(lambda session: code_of(lambda: begins(session))) != "agreement.undecided"
    assert signs(back) == ""


def let_in(house: Installed, name: str) -> bool:
    try:
        with house.session() as session:
            sign_ins.begin(session, house.person(name), means="demonstration", device="", at=NOW)
    except sign_ins.NotLetIn:
        return False
    return True


def test_who_left_a_seat_does_not_sign_in_until_it_is_decided(installed: Installed) -> None:
    held: list[UUID] = []

    def ended(session: Session, _: object) -> None:
        holding = first(session, of(SeatHolder).order_by("id").limit(1))
        assert holding is not None
        held.append(holding.person_id)
        seat_holders.end_seat(session, holding, LATER.date(), by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, lambda session: seat_everyone(session, installed.cast), ended)
    (name,) = [one for one, person_id in installed.cast.people.items() if [person_id] == held]
    assert not let_in(installed, name)
    back.undone("seat.left", by="deputy" if name == "coordinator" else "coordinator")
    assert let_in(installed, name)


def changed_address(house: Installed, name: str, session: Session) -> None:
    person = session.exec(select(Person).where(Person.id == house.person(name))).one()
    people.update_person(
        session,
        person.id,
        given_name=person.given_name,
        family_name=person.family_name,
        email=f"new.{person.email}",
        phone=person.phone,
        language=person.language,
        by=house.actor("administrator"),
        at=LATER,
    )


def test_no_link_to_an_address_that_was_changed_lets_in_until_it_is_decided(installed: Installed) -> None:
    back = come_back(installed, lambda _: None, lambda session, _: changed_address(installed, "manager_em", session))
    assert not let_in(installed, "manager_em")
    assert code_of(lambda: back.noted("person.updated")) == "restored.not_seen_to"
    assert not let_in(installed, "manager_em"), "the address is the old one"
    with installed.session() as session:
        changed_address(installed, "manager_em", session)
    back.noted("person.updated")
    assert let_in(installed, "manager_em")


def test_where_no_one_who_decides_is_let_in_the_terminal_lets_one_in(installed: Installed) -> None:
    names = ["coordinator", "privacy_officer"]

    def ended(session: Session, _: object) -> None:
        for name in names:
            changed_address(installed, name, session)

    back = come_back(installed, lambda _: None, ended)
    assert not any(let_in(installed, name) for name in names)

    def by_terminal(name: str, reason: str = "They are known at this desk") -> int:
        with installed.session() as session:
            return deciding.let_in(session, installed.person(name), reason=reason, by=OPERATOR, at=NOW)

    assert code_of(lambda: by_terminal("manager_em")) == "restored.not_who_decides"
    assert code_of(lambda: by_terminal("coordinator", " ")) == "reason.missing"
    assert by_terminal("coordinator") == 1
    assert let_in(installed, "coordinator")
    assert code_of(lambda: by_terminal("privacy_officer")) == "restored.someone_decides"
    (line,) = back.record("restored.left_undone")
    assert (line["actor_as"], line["facts"]["ended"]) == ("terminal", "person.updated")


def test_a_letter_of_which_words_were_taken_out_is_neither_sent_nor_read_again(installed: Installed) -> None:
    def stood(session: Session) -> UUID:
        sent(installed, session)
        found = first(session, of(Notice).order_by("n").limit(1))
        assert found is not None
        return found.id

    def ended(session: Session, notice_id: UUID) -> None:
        done = resending.redact(
            session, [notice_id], lambda words: words[:1], whole=False, by=installed.actor("privacy_officer"), at=LATER
        )
        assert done == 1

    back = come_back(installed, stood, ended)
    assert installed.rows("select state from notice where id = :id", id=back.thing) == [{"state": "withdrawn"}]
    app, admin = (in_database(url, installed.name) for url in (installed.copies.urls.app, installed.copies.urls.admin))
    database = Database(installed.engine, app, installed.owner_url, admin)
    coordinator = client_for(database, installed.person("coordinator"), at=NOW)
    page = coordinator.get(f"/post/{back.thing}")
    assert (page.status_code, "/file" in page.text) == (200, False)
    assert "Words of it had been redacted before the program was restored" in page.text
    back.noted("notice.redacted", by="privacy_officer")
    assert "Words of it had been redacted" not in coordinator.get(f"/post/{back.thing}").text
