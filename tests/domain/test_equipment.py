"""The inventory: a thing is known once, is in one pair of hands, and is back or lost by somebody else's word."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import Session

from domain.casework import cases, tasks
from domain.casework.proofs import GivenProof
from domain.equipment import inventory, lending
from domain.equipment.inventory import serial_key
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.people import people
from flows.departing import look_at_hands
from models.base import table_of
from models.casework import Evidence
from models.equipment import Equipment, Loan
from tests.casework import complete, open_onboarding, step
from tests.cast import AT, Cast
from tests.departing import asked, in_hand, leave, lend, record_protocols, settle, until_somebody_waits
from tests.flows.support import means_of
from tests.refusing import refused

_equipment, _loan, _evidence = table_of(Equipment), table_of(Loan), table_of(Evidence)

HOLDER = "worker_codim"


def added(session: Session, cast: Cast, serial: str = "SN-1", *, kind: str = "phone") -> UUID:
    return inventory.add(session, kind, serial, label="Noir", by=cast.actor("officer"), at=AT)


def lent(session: Session, cast: Cast, to: str = HOLDER, serial: str = "SN-1") -> UUID:
    thing = added(session, cast, serial)
    lending.lend(session, thing, cast.people[to], by=cast.actor("officer"), at=AT)
    return thing


def state_of(session: Session, thing: UUID) -> str:
    return str(session.execute(select(_equipment.c.state).where(_equipment.c.id == thing)).scalar_one())


@given(st.text(alphabet="ab1 -_./'АБ", min_size=1, max_size=12))
def test_two_writings_of_one_number_have_one_key(serial: str) -> None:
    key = serial_key(serial)
    assert key == serial_key(serial.lower()) == serial_key(f" {serial} ".replace("-", " - "))
    assert key == "" or key.isalnum()


@pytest.mark.parametrize("again", ["SN-1", "sn 1", " S.N./1", "Sn1", "ＳＮ－１"])
def test_a_number_that_is_typed_two_ways_is_one_thing(cast: Cast, again: str) -> None:
    with cast.session() as session:
        added(session, cast)
        with refused("equipment.there_already"):
            added(session, cast, again)
        added(session, cast, again, kind="computer")
        second = added(session, cast, "SN-2")
        with refused("equipment.there_already"):
            inventory.correct(session, second, serial=again, label="", by=cast.actor("officer"), at=AT)


@pytest.mark.parametrize("serial", ["", "  ", "--", "\u202e", "S" * 121])
def test_a_thing_has_a_number_that_can_be_told(cast: Cast, serial: str) -> None:
    with cast.session() as session, pytest.raises(Refusal):
        added(session, cast, serial)


def test_a_thing_is_of_a_kind_that_a_protocol_hands_over(cast: Cast) -> None:
    with cast.session() as session:
        assert {"computer", "phone"} <= set(inventory.kinds(session))
        with refused("equipment.kind.malformed"):
            added(session, cast, kind="spaceship")


def test_one_thing_is_in_one_pair_of_hands_whoever_lends_it(cast: Cast) -> None:
    with cast.session() as session:
        thing = lent(session, cast)
        lending.lend(session, thing, cast.people[HOLDER], by=cast.actor("coordinator"), at=AT)
        with refused("equipment.in_other_hands"):
            lending.lend(session, thing, cast.people["worker_ccsmtl"], by=cast.actor("coordinator"), at=AT)
        with refused("equipment.in_hand"):
            inventory.take_out_of_use(session, thing, reason="Brisé", by=cast.actor("officer"), at=AT)
        assert len(inventory.loans_of(session, thing)) == 1


@pytest.mark.ci
def test_of_two_who_lend_one_thing_in_two_windows_the_second_is_told(cast: Cast) -> None:
    told: list[str] = []
    with cast.session() as session:
        thing = added(session, cast)

    def the_other() -> None:
        try:
            with cast.session() as session:
                lending.lend(session, thing, cast.people["worker_ccsmtl"], by=cast.actor("coordinator"), at=AT)
        except Refusal as refusal:
            told.append(refusal.code)

    thread = threading.Thread(target=the_other)
    with cast.session() as session:
        lending.lend(session, thing, cast.people[HOLDER], by=cast.actor("officer"), at=AT)
        thread.start()
        until_somebody_waits(session)
    thread.join()
    assert told == ["equipment.in_other_hands"]


@pytest.mark.parametrize("acting_for", [None, "officer"])
def test_whoever_has_a_thing_says_neither_that_it_is_back_nor_that_it_is_lost(
    cast: Cast, acting_for: str | None
) -> None:
    for_whom = cast.people[acting_for] if acting_for else None
    holder = Actor("administrative_officer", cast.people[HOLDER], acting_for=for_whom)
    officer = cast.actor("officer")
    with cast.session() as session:
        thing = lent(session, cast)
        with refused("equipment.not_by_the_leaver"):
            lending.take_back(session, lending.hold(session, thing), "Intact", by=holder, at=AT)
        with refused("equipment.in_own_hands"):
            inventory.correct(session, thing, serial="SN-9", label="", by=holder, at=AT)
        with refused("equipment.not_missing"):
            lending.give_up(session, lending.hold(session, thing), "Perdu", by=officer, at=AT)
        lending.report_missing(session, lending.hold(session, thing), "Oublié dans un taxi", by=holder, at=AT)
        with refused("equipment.not_by_the_leaver"):
            lending.give_up(session, lending.hold(session, thing), "Perdu", by=holder, at=AT)
        with refused("reason.missing"):
            lending.give_up(session, lending.hold(session, thing), " ", by=officer, at=AT)
        lending.give_up(session, lending.hold(session, thing), "Perdu", by=officer, at=AT)
        assert state_of(session, thing) == "lost"


def test_nobody_lends_to_themselves_nor_to_who_holds_no_role(cast: Cast) -> None:
    with cast.session() as session:
        thing = added(session, cast)
        with refused("equipment.to_oneself"):
            lending.lend(session, thing, cast.people["officer"], by=cast.actor("officer"), at=AT)
        stranger = people.add_person(
            session,
            given_name="Jaspe",
            family_name="Grenat",
            email=None,
            phone=None,
            language="fr",
            by=cast.actor("coordinator"),
            at=AT,
        )
        with refused("equipment.nobody_there"):
            lending.lend(session, thing, stranger, by=cast.actor("officer"), at=AT)


def test_a_thing_comes_back_with_its_condition_and_is_lent_again(cast: Cast) -> None:
    officer = cast.actor("officer")
    with cast.session() as session:
        thing = lent(session, cast)
        with refused("equipment.no_condition"):
            lending.take_back(session, lending.hold(session, thing), " ", by=officer, at=AT)
        lending.take_back(session, lending.hold(session, thing), "Écran rayé", by=officer, at=AT)
        with refused("equipment.in_nobodys_hands"):
            lending.take_back(session, lending.hold(session, thing), "Encore", by=officer, at=AT)
        (loan,) = inventory.loans_of(session, thing)
        assert (loan.condition, loan.returned_by, loan.lent_by) == (
            "Écran rayé",
            cast.people["officer"],
            cast.people["officer"],
        )
        lending.lend(session, thing, cast.people["worker_ccsmtl"], by=officer, at=AT)


def test_what_is_lost_is_lent_to_nobody_before_it_is_found_and_stays_the_same_thing(cast: Cast) -> None:
    officer = cast.actor("officer")
    with cast.session() as session:
        thing = lent(session, cast)
        lending.report_missing(session, lending.hold(session, thing), "Introuvable", by=officer, at=AT)
        lending.give_up(session, lending.hold(session, thing), "Introuvable", by=officer, at=AT)
        with refused("equipment.not_lent"):
            lending.lend(session, thing, cast.people[HOLDER], by=officer, at=AT)
        with refused("equipment.there_already"):
            added(session, cast, "sn1")
        (row,) = inventory.inventory(session, most=2).rows
        assert (row.person_id, row.last_id) == (None, cast.people[HOLDER])
        inventory.find_again(session, thing, reason="Au vestiaire", by=officer, at=AT)
        with refused("equipment.not_now"):
            inventory.find_again(session, thing, reason="Encore", by=officer, at=AT)
        lending.lend(session, thing, cast.people["worker_ccsmtl"], by=officer, at=AT)


def test_what_is_out_of_use_is_lent_to_nobody_before_it_is_put_back(cast: Cast) -> None:
    officer = cast.actor("officer")
    with cast.session() as session:
        thing = added(session, cast)
        inventory.take_out_of_use(session, thing, reason="Brisé", by=officer, at=AT)
        assert inventory.available(session, "phone") == []
        with refused("equipment.not_lent"):
            lending.lend(session, thing, cast.people[HOLDER], by=officer, at=AT)
        inventory.put_back(session, thing, by=officer, at=AT)
        assert [one.serial for one in inventory.available(session, "phone")] == ["SN-1"]


def test_who_looked_at_an_older_state_of_a_thing_is_told(cast: Cast) -> None:
    officer = cast.actor("officer")
    with cast.session() as session:
        thing = added(session, cast)
        inventory.correct(session, thing, serial="SN-7", label="", by=officer, at=AT, seen=1)
        with refused("equipment.changed"):
            inventory.correct(session, thing, serial="SN-8", label="", by=officer, at=AT, seen=1)


# In a case.


def hand_over(cast: Cast, case_id: UUID, serial: str, item: str = "phone") -> None:
    with cast.session() as session:
        task = step(session, case_id, "hand_over_equipment", item)
        proof = GivenProof("serial", serial)
        tasks.complete_task(session, task["id"], by=cast.actor("coordinator"), at=AT, evidence=[proof])


def test_one_item_waits_for_no_other(cast: Cast) -> None:
    case_id = open_onboarding(cast, HOLDER, "codim")
    complete(cast, case_id, "prepare_equipment", item="phone")
    with cast.session() as session:
        assert step(session, case_id, "hand_over_equipment", "phone")["state"] == "open"
        assert step(session, case_id, "hand_over_equipment", "computer")["state"] == "planned"


def test_the_onboarding_hands_over_what_is_in_the_inventory_in_whichever_writing(cast: Cast) -> None:
    case_id = open_onboarding(cast, HOLDER, "codim")
    complete(cast, case_id, "prepare_equipment", item="phone")
    with refused("equipment.not_in_inventory"):
        hand_over(cast, case_id, "SN-1")
    with cast.session() as session:
        thing = added(session, cast)
    hand_over(cast, case_id, "sn 1")
    with cast.session() as session:
        (proof,) = session.execute(select(_evidence.c.label, _evidence.c.equipment_id)).all()
        assert tuple(proof) == ("SN-1", thing)
        assert inventory.holder_of(session, thing) == cast.people[HOLDER]


def test_a_number_that_is_corrected_stays_the_thing_that_is_handed_over_and_returned(cast: Cast) -> None:
    record_protocols(cast)
    case_id = open_onboarding(cast, HOLDER, "codim")
    complete(cast, case_id, "prepare_equipment", item="phone")
    with cast.session() as session:
        thing = added(session, cast)
    hand_over(cast, case_id, "SN-1")
    with cast.session() as session:
        inventory.correct(session, thing, serial="SN-01", label="", by=cast.actor("officer"), at=AT)
    assert ("equipment", "Program cell phone, serial number SN-01") in [
        (kind, title[0].upper() + title[1:]) for kind, title in in_hand(cast, HOLDER, "codim")
    ]


@pytest.mark.ci
def test_an_onboarding_that_is_cancelled_leaves_the_thing_in_hand_where_it_is_seen(cast: Cast) -> None:
    record_protocols(cast)
    case_id = open_onboarding(cast, HOLDER, "codim")
    complete(cast, case_id, "prepare_equipment", item="phone")
    with cast.session() as session:
        thing = added(session, cast)
    hand_over(cast, case_id, "SN-1")
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Poste aboli")
        assert inventory.holder_of(session, thing) == cast.people[HOLDER]
    leaving = leave(cast, HOLDER, "codim")
    (back,) = asked(cast, leaving, "return_equipment")
    settle(cast, back.id, ended="returned", note="Intact", by=cast.actor("officer"))
    with cast.session() as session:
        assert inventory.holder_of(session, thing) is None
        assert [one.serial for one in inventory.available(session, "phone")] == ["SN-1"]


def test_a_hand_over_that_is_taken_back_was_a_mistake_and_no_return(cast: Cast) -> None:
    case_id = open_onboarding(cast, HOLDER, "codim")
    complete(cast, case_id, "prepare_equipment", item="phone")
    complete(cast, case_id, "hand_over_equipment", item="phone")
    with cast.session() as session:
        task = step(session, case_id, "hand_over_equipment", "phone")
        tasks.undo_task(session, task["id"], by=cast.actor("coordinator"), at=AT)
        (loan,) = session.execute(select(_loan.c.mistaken, _loan.c.lost, _loan.c.condition)).all()
        assert tuple(loan) == (True, False, "")


def test_what_is_given_up_in_a_departure_is_lost_in_the_inventory(cast: Cast) -> None:
    record_protocols(cast)
    with cast.session() as session:
        lend(session, cast.people[HOLDER], "SN-1")
    case_id = leave(cast, HOLDER, "codim")
    (back,) = asked(cast, case_id, "return_equipment")
    with cast.session() as session:
        thing = session.execute(select(_equipment.c.id)).scalar_one()
        lending.report_missing(session, lending.hold(session, thing), "Introuvable", by=cast.actor("officer"), at=AT)
    settle(cast, back.id, ended="lost", note="Introuvable", by=cast.actor("officer"))
    with cast.session() as session:
        assert state_of(session, thing) == "lost"


def test_what_is_taken_back_on_the_inventory_s_page_settles_the_departure_s_step(cast: Cast) -> None:
    record_protocols(cast)
    with cast.session() as session:
        lend(session, cast.people[HOLDER], "SN-1")
    case_id = leave(cast, HOLDER, "codim")
    with cast.session() as session:
        thing = session.execute(select(_equipment.c.id)).scalar_one()
        lending.take_back(session, lending.hold(session, thing), "Intact", by=cast.actor("officer"), at=AT)
    look_at_hands(means_of(cast, lambda: AT))
    assert [row.state for row in asked(cast, case_id, "return_equipment")] == ["done"]
