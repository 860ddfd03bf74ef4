"""Where no way of sending letters is set up: the pages say so, and a link is handed over in a letter's place."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from domain.people.people import end_tenure
from models.access import Door
from models.base import table_of
from models.program import Tenure
from models.record import Event
from tests.api.application import ADDRESS, client_for, nobody
from tests.api.doorway import LINK, authenticator, enrolled, invited, letters, told
from tests.cast import AT, TODAY, Cast

_door = table_of(Door)
_event = table_of(Event)
_tenure = table_of(Tenure)

ARRIVED = "Every letter was delivered, or is on its way"
NONE_LEAVES = "No letters are going out: sending is not set up"


def without_mail(cast: Cast, name: str) -> TestClient:
    return client_for(cast.database, cast.people[name], letters_leave=False)


def hand_over(cast: Cast, name: str, *, by: str = "coordinator", letters_leave: bool = False) -> tuple[int, str]:
    """Ask for a link; the status of the answer, and its page."""
    client = client_for(cast.database, cast.people[by], letters_leave=letters_leave)
    answer = client.post(f"/people/{cast.people[name]}/invitation/link")
    return answer.status_code, answer.text


def link_to(cast: Cast, name: str, *, by: str = "coordinator") -> str:
    status, page = hand_over(cast, name, by=by)
    assert status == 200, page
    found = LINK.search(page)
    assert found is not None
    assert f"{ADDRESS}{found[0]}" in page
    return found[0]


def doors(cast: Cast) -> int:
    with cast.session() as session:
        return len(session.execute(select(_door)).all())


# ------------------------------------------------------------------------------------------------- what is said


@pytest.mark.ci
def test_the_board_says_that_letters_wait_how_many_and_where_links_are_made(cast: Cast) -> None:
    invited(cast, "manager_em")
    invited(cast, "worker_codim")
    page = without_mail(cast, "coordinator").get("/board").text
    assert NONE_LEAVES in page
    assert "2 letters wait." in page
    assert re.search(r">2</span>\s*<span class=\"tally-label\">letters that wait", page)
    assert "No undelivered letters" in page
    assert ARRIVED not in page
    notice = page[page.index(NONE_LEAVES) :].partition("</div>")[0]
    assert 'href="/access"' in notice
    officer = without_mail(cast, "officer").get("/board").text
    assert 'href="/access"' not in officer, "who may not invite is not sent there"
    assert NONE_LEAVES in officer


def test_with_mail_the_board_says_that_all_arrived_and_nothing_of_links(cast: Cast) -> None:
    page = client_for(cast.database, cast.people["coordinator"]).get("/board").text
    assert ARRIVED in page
    assert NONE_LEAVES not in page


def test_in_the_demonstration_the_pages_say_that_letters_reach_nobody(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"], demonstration=True)
    board, access = client.get("/board").text, client.get("/access").text
    assert "In the demonstration, letters are not delivered" in board
    assert "In the demonstration, letters are not delivered" in access
    for page in (board, access):
        assert ARRIVED not in page
        assert NONE_LEAVES not in page


def test_the_page_of_letters_says_it_and_so_does_a_letter_that_waits(cast: Cast) -> None:
    invited(cast, "manager_em")
    client = without_mail(cast, "coordinator")
    page = client.get("/post").text
    assert NONE_LEAVES in page
    assert "1 letter waits." in page
    letter = page[page.index('href="/post/') :].partition('"')[2].partition('"')[0]
    shown = client.get(letter).text
    assert "waits: sending is not set up" in shown
    assert "goes out next" not in shown


def test_the_page_of_access_offers_a_link_where_it_would_offer_a_letter(cast: Cast) -> None:
    theirs = f"/people/{cast.people['manager_em']}"
    page = without_mail(cast, "coordinator").get("/access").text
    assert NONE_LEAVES in page
    assert f'href="{theirs}/access#access"' in page
    assert f'action="{theirs}/invitation"' not in page
    one = without_mail(cast, "coordinator").get(f"{theirs}/access").text
    assert f'action="{theirs}/invitation/link"' in one
    assert f'action="{theirs}/invitation"' not in one
    invited(cast, "manager_em")
    waits = without_mail(cast, "coordinator").get(f"{theirs}/access").text
    assert "replaces the pending invitation" in waits
    with_mail = client_for(cast.database, cast.people["coordinator"]).get(f"{theirs}/access").text
    assert f'action="{theirs}/invitation"' in with_mail
    assert "invitation/link" not in with_mail


# ------------------------------------------------------------------------------------------------ the link itself


def test_a_link_that_was_handed_over_leads_its_person_in_at_once_and_is_shown_once(cast: Cast) -> None:
    door = link_to(cast, "manager_em")
    assert letters(cast, "manager_em", "invitation") == []
    assert door not in without_mail(cast, "coordinator").get(f"/people/{cast.people['manager_em']}/access").text
    browser = nobody(cast.database, letters_leave=False)
    assert "a second link is sent" not in browser.get(door).text
    enrolment = browser.post(door).headers["location"]
    assert LINK.fullmatch(enrolment)
    assert nobody(cast.database).get(enrolment).status_code == 404, "in this browser alone"
    answer = authenticator().create(browser.post(f"{enrolment}/options").json())
    assert browser.post(f"{enrolment}/passkey", data={"answer": answer}).status_code == 303
    assert browser.get("/my-access").status_code == 200
    assert browser.post(door).status_code == 404, "it works once"
    assert letters(cast, "manager_em", "enrolment") == []


def test_the_record_says_who_made_a_link_to_hand_over_and_that_no_letter_carried_it(cast: Cast) -> None:
    link_to(cast, "worker_codim", by="manager_codim")
    assert told(cast, "invitation.sent") == []
    with cast.session() as session:
        line = session.execute(select(_event).where(_event.c.verb == "invitation.handed_over")).mappings().one()
    assert line["subject_id"] == cast.people["worker_codim"]
    assert cast.people["manager_codim"] in line.values()
    shown = client_for(cast.database, cast.people["coordinator"]).get("/activity").text
    assert "Sign-in link to hand over created for" in shown


def test_it_revokes_the_invitation_that_waits_and_a_new_link_the_one_before(cast: Cast) -> None:
    waits = invited(cast, "manager_em")
    first = link_to(cast, "manager_em")
    second = link_to(cast, "manager_em")
    browser = nobody(cast.database)
    assert [browser.get(one).status_code for one in (waits, first, second)] == [404, 404, 200]
    assert doors(cast) == 1


def test_an_invitation_by_letter_still_asks_for_the_mailbox(cast: Cast) -> None:
    assert nobody(cast.database).post(invited(cast, "manager_em")).headers["location"] == "/sign-in/letter"


# ---------------------------------------------------------------------------------------------------- the guards


def test_where_letters_leave_no_window_makes_a_link(cast: Cast) -> None:
    status, page = hand_over(cast, "manager_em", letters_leave=True)
    assert (status, "Letters are going out: invite this person by letter." in page) == (409, True)
    assert (LINK.search(page), doors(cast)) == (None, 0)


def test_nobody_makes_a_link_for_themselves(cast: Cast) -> None:
    status, page = hand_over(cast, "coordinator", by="coordinator")
    assert (status, LINK.search(page), doors(cast)) == (409, None, 0)
    mine = without_mail(cast, "coordinator").get(f"/people/{cast.people['coordinator']}/access").text
    assert "invitation/link" not in mine


@pytest.mark.ci
def test_nobody_comes_in_as_somebody_who_is_there_already(cast: Cast) -> None:
    enrolled(cast, "manager_em")
    before = doors(cast)
    status, page = hand_over(cast, "manager_em")
    assert (status, LINK.search(page), doors(cast)) == (409, None, before)
    shown = without_mail(cast, "coordinator").get(f"/people/{cast.people['manager_em']}/access").text
    assert "invitation/link" not in shown
    ended = without_mail(cast, "coordinator").post(f"/people/{cast.people['manager_em']}/access/end")
    assert ended.status_code == 303
    assert hand_over(cast, "manager_em")[0] == 200, "once their access was ended, which they and the record see"


def test_who_holds_no_role_gets_no_link(cast: Cast) -> None:
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["manager_em"])).one()
        end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)
    assert (hand_over(cast, "manager_em")[0], doors(cast)) == (409, 0)


@pytest.mark.parametrize("by", ["worker_codim", "manager_codim", "officer", "director_em"])
def test_who_may_not_invite_somebody_makes_no_link_for_them(cast: Cast, by: str) -> None:
    assert hand_over(cast, "manager_em", by=by)[0] == 404
    assert doors(cast) == 0
