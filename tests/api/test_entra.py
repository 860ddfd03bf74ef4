"""Signing in with an organization's account: who is let in, who is linked, and everything that lets nobody in.

The directory is the tests' own (`tests.fakes.entra`), spoken to over TLS; the browser is a client without a script.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select, update
from sqlmodel import Session

from adapters.directory import Entra
from adapters.entra_settings import EntraSettings
from adapters.settings import Settings
from api.access.session import Installation
from api.app import create_app, directory_of
from api.web.browsers import GONE_SECONDS
from domain.access import doors, identities, invitations, sign_ins
from domain.access.identities import ProvenAccount as Linked
from domain.kernel import digest
from domain.people.people import end_tenure
from models.access import BrowserSession, Door, Identity, SignInFlow
from models.base import table_of
from models.ports import Begun
from models.program import Tenure
from models.record import Event
from tests.api.application import token_for, watched
from tests.api.doorway import amid
from tests.cast import ARRIVAL, AT, TODAY, Cast, letter_templates
from tests.fakes.entra import (
    CLIENT_ID,
    HERE,
    LEFT_TO,
    OTHER_TENANT,
    RETURN_TO,
    TENANT,
    Account,
    Bend,
    FakeEntra,
    serving,
)

_session = table_of(BrowserSession)
_identity = table_of(Identity)
_tenure = table_of(Tenure)
_flow = table_of(SignInFlow)
_event = table_of(Event)
_door = table_of(Door)

COOKIE = "__Host-spheres"
FLOW = "__Host-spheres-entra"

ALICE = Account(UUID("aaaaaaaa-0000-4000-8000-00000000000a"))
BOB = Account(UUID("bbbbbbbb-0000-4000-8000-00000000000b"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEntra]:
    """The directory of this module's tests."""
    with serving(tmp_path_factory.mktemp("entra")) as fake:
        yield fake


@pytest.fixture
def fake(served: FakeEntra) -> FakeEntra:
    """The directory, honest."""
    served.reset()
    return served


class Place:
    """An installation that is registered in the directory, at a moment, and the browsers of those who use it."""

    def __init__(self, cast: Cast, fake: FakeEntra, settings: EntraSettings) -> None:
        self.cast, self.fake, self.at = cast, fake, AT
        self.directory = Entra(settings, return_to=RETURN_TO, left_to=LEFT_TO)
        self.installation = Installation(
            cast.database.engine,
            letter_templates(),
            HERE,
            demonstration=False,
            directory=self.directory,
            clock=lambda: self.at,
        )
        self.app = watched(create_app(self.installation))

    def browser(self) -> TestClient:
        """A browser in which nobody is signed in; it reads English and shows redirections as they are."""
        return TestClient(self.app, base_url=HERE, headers={"Accept-Language": "en"}, follow_redirects=False)

    def invite(self, name: str, *, cast: Cast | None = None) -> str:
        """Invite one of the cast; the token of the link that they are given."""
        cast = cast or self.cast
        with cast.session() as session:
            return doors.make(session, doors.INVITATION, cast.people[name], by=cast.actor("coordinator"), at=self.at)

    def link(self, name: str, account: Account = ALICE, *, cast: Cast | None = None) -> None:
        """Have one of the cast linked to an account, as by an answered invitation."""
        cast = cast or self.cast
        token = self.invite(name, cast=cast)
        with cast.session() as session:
            identities.link_by_invitation(session, token, of(account), at=self.at)

    def lose_role(self, name: str, *, cast: Cast | None = None) -> None:
        """Have one of the cast leave: their last role ended yesterday."""
        cast = cast or self.cast
        with cast.session() as session:
            held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people[name])).all()
            for tenure in held:
                end_tenure(session, tenure, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=self.at)

    def events(self, verb: str, *, cast: Cast | None = None) -> list[tuple[UUID, dict[str, Any]]]:
        """Of whom the record tells this, with its facts, in order."""
        with (cast or self.cast).session() as session:
            found = session.execute(select(_event).where(_event.c.verb == verb).order_by(_event.c.n)).mappings()
            return [(row["subject_id"], row["facts"]) for row in found]

    def before(self) -> Session:
        """A session before a program is known."""
        return self.installation.before_a_program()


Settle = Callable[..., Place]


@pytest.fixture
def settle(cast: Cast, fake: FakeEntra) -> Iterator[Settle]:
    """Makes an installation: `settle()` of one tenant, `settle(several=True)` of two."""
    made: list[Place] = []

    def settling(**kind: bool) -> Place:
        made.append(Place(cast, fake, fake.settings(**kind)))
        return made[-1]

    yield settling
    for one in made:
        one.directory.close()


@pytest.fixture
def place(settle: Settle) -> Place:
    """An installation of one tenant."""
    return settle()


def of(account: Account) -> Linked:
    """An account as the rules know it."""
    return Linked(account.tenant, account.object_id)


def begun(browser: TestClient, door: str = "") -> str:
    """The directory's address to which a browser is sent, by the link or, with an invitation, by the form."""
    if not door:
        answer = browser.get("/sign-in/entra")
        assert answer.status_code == 303
        return answer.headers["location"]
    answer = browser.post("/sign-in/entra", data={"door": door})
    assert answer.status_code == 200, answer.text
    seconds, address = answer.headers["refresh"].split("; url=")
    assert seconds == "0"
    return address


def back(browser: TestClient, posted: dict[str, str]) -> Response:
    """What a browser is answered that comes back with this, posted by a page of the directory."""
    return browser.post("/auth/callback", data=posted, headers={"Sec-Fetch-Site": "cross-site", "Origin": "null"})


def plant(browser: TestClient, name: str, value: str) -> None:
    """Give a browser a cookie, in place of its own."""
    browser.cookies.set(name, value, domain="spheres.example", path="/")


def signed_in(place: Place, browser: TestClient, account: Account = ALICE, door: str = "") -> Response:
    """What the second half of a whole sign-in is answered."""
    return back(browser, place.fake.authorize(begun(browser, door), account))


def who(place: Place, browser: TestClient) -> str:
    """The name of whoever is signed in; "" where nobody is."""
    answer = browser.get("/people")
    if answer.status_code == 303:
        return ""
    return next(member.name for member in place.cast.members.values() if f">{member.name}</" in answer.text)


def is_in(browser: TestClient) -> bool:
    """Whether somebody is signed in."""
    return browser.get("/").status_code == 200


# In, and out.


@pytest.mark.ci
def test_someone_who_is_linked_signs_in_under_a_new_token(place: Place) -> None:
    place.link("manager_em")
    browser = place.browser()
    answer = signed_in(place, browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookies = answer.headers.get_list("set-cookie")
    ours = next(one for one in cookies if one.startswith(f"{COOKIE}="))
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(ours.split("; "))
    assert any(one.startswith(f'{FLOW}="";') and "Max-Age=0" in one for one in cookies), "what had begun is over"
    assert "Perle Obsidienne" in browser.get("/").text
    with place.cast.session() as session:
        row = session.execute(select(_session).where(_session.c.means == "entra")).mappings().one()
        assert row["person_id"] == place.cast.people["manager_em"]
    assert place.events("sign_in.begun")[-1] == (place.cast.people["manager_em"], {"means": "entra"})


def test_what_a_browser_keeps_of_a_sign_in_that_has_begun_is_bound_to_this_host_and_opens_nothing(place: Place) -> None:
    browser = place.browser()
    answer = browser.get("/sign-in/entra")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{FLOW}=")
    parts = set(cookie.split("; "))
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=none", f"Max-Age={GONE_SECONDS}"} <= parts
    assert answer.headers["cache-control"] == "no-store"
    value = browser.cookies[FLOW]
    with place.before() as session:
        (row,) = session.execute(select(_flow)).mappings().all()
        assert row["cookie_digest"] == digest(session, value)
    assert value not in str(row["kept"])
    assert not is_in(browser)


def test_the_sign_in_page_and_the_form_lead_there_too_without_loosening_the_content_policy(place: Place) -> None:
    browser = place.browser()
    answer = browser.post("/sign-in/entra")
    assert answer.status_code == 200
    assert "form-action 'self';" in answer.headers["content-security-policy"]
    address = answer.headers["refresh"].partition("url=")[2]
    assert address.startswith(f"{place.fake.authority}/{TENANT}/oauth2/v2.0/authorize?")
    assert f'href="{address.replace("&", "&amp;")}"' in answer.text, "a link, where the browser does not go by itself"
    assert "/sign-in/entra" in browser.get("/sign-in").text


@pytest.mark.ci
def test_a_stay_from_before_and_its_cookie_are_worth_nothing_after_a_sign_in(place: Place) -> None:
    place.link("manager_em")
    browser, thief = place.browser(), place.browser()
    planted = token_for(place.cast.database, place.cast.people["officer"])
    for one in (browser, thief):
        plant(one, COOKIE, planted)
    assert is_in(thief)
    signed_in(place, browser)
    assert browser.cookies[COOKIE] != planted
    assert is_in(browser)
    assert not is_in(thief)


def test_signing_out_ends_it_here_for_every_copy_and_goes_on_to_end_it_there(place: Place) -> None:
    place.link("manager_em")
    browser, copy = place.browser(), place.browser()
    signed_in(place, browser)
    plant(copy, COOKIE, browser.cookies[COOKIE])
    answer = browser.post("/sign-out")
    assert answer.status_code == 200
    there = answer.headers["refresh"].partition("url=")[2]
    assert there.startswith(f"{place.fake.authority}/{TENANT}/oauth2/v2.0/logout?")
    assert "post_logout_redirect_uri=https%3A%2F%2Fspheres.example%2Fsign-in" in there
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert COOKIE not in browser.cookies
    assert not is_in(copy)


@pytest.mark.ci
def test_signing_out_works_while_the_directory_is_away(settle: Settle, fake: FakeEntra) -> None:
    place, restarted = settle(), settle()  # the second process knows nothing of the directory yet
    place.link("manager_em")
    browser, same = place.browser(), restarted.browser()
    signed_in(place, browser)
    fake.failing["description"] = (500, {})
    plant(same, COOKIE, browser.cookies[COOKIE])
    answer = same.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert not is_in(browser)


def test_someone_who_came_by_other_means_is_not_signed_out_of_their_organization(place: Place) -> None:
    browser = place.browser()
    plant(browser, COOKIE, token_for(place.cast.database, place.cast.people["officer"]))
    answer = browser.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.ci
def test_someone_who_leaves_is_out_at_the_next_request_and_comes_in_no_more(place: Place) -> None:
    place.link("manager_em")
    browser = place.browser()
    signed_in(place, browser)
    assert is_in(browser)
    place.lose_role("manager_em")
    assert not is_in(browser)
    answer = signed_in(place, browser)
    assert answer.status_code == 403
    assert not is_in(browser)
    manager = place.cast.people["manager_em"]
    assert place.events("sign_in.refused") == [(manager, {"means": "entra", "reason": "no_role"})]


# Whom nobody lets in.


def test_the_known_who_hold_nothing_and_the_unknown_are_answered_alike(place: Place) -> None:
    place.link("manager_em")
    place.lose_role("manager_em")
    pages = [signed_in(place, place.browser(), account) for account in (ALICE, BOB)]
    assert [page.status_code for page in pages] == [403, 403]
    assert pages[0].text == pages[1].text
    assert "opens nothing here today" in pages[0].text
    assert {*pages[0].headers} == {*pages[1].headers}


def test_whoever_came_by_an_account_that_opens_nothing_may_choose_another(place: Place) -> None:
    browser = place.browser()
    assert 'name="choose"' in signed_in(place, browser).text
    address = browser.post("/sign-in/entra", data={"choose": "yes"}).headers["refresh"].split("; url=")[1]
    assert parse_qs(urlsplit(address).query)["prompt"] == ["select_account"]
    # Nothing was proven: there is no other account to come by.
    assert 'name="choose"' not in back(browser, place.fake.turned_down(address)).text


def test_an_address_links_nobody(place: Place) -> None:
    someone = Account(tenant=TENANT, email="manager.em@en-marge.example")
    assert signed_in(place, place.browser(), someone).status_code == 403
    with place.before() as session:
        assert session.execute(select(_identity)).all() == []


@pytest.mark.ci
def test_someone_of_another_tenant_with_the_same_object_and_address_is_someone_else(settle: Settle) -> None:
    place = settle(several=True)
    place.link("manager_em")
    namesake = Account(ALICE.object_id, OTHER_TENANT, ALICE.email)
    assert signed_in(place, place.browser(), namesake).status_code == 403
    assert signed_in(place, place.browser()).status_code == 303


@pytest.mark.ci
def test_a_token_that_lies_lets_nobody_in_and_nothing_of_it_is_shown(place: Place, fake: FakeEntra) -> None:
    place.link("manager_em")
    for bend in (
        Bend(algorithm="none"),
        Bend(claims={"aud": "8d9e1f00-0000-4000-8000-0000000000c2"}),
        Bend(claims={"nonce": "<script>"}),
        Bend(claims={"tid": str(OTHER_TENANT)}),
        Bend(whole="<script>"),
    ):
        fake.bend = bend
        browser = place.browser()
        answer = signed_in(place, browser)
        assert answer.status_code == 403
        assert "did not prove" in answer.text
        assert "<script>" not in answer.text
        assert "Traceback" not in answer.text
        assert not is_in(browser)
    fake.bend = Bend()
    assert signed_in(place, place.browser()).status_code == 303


def test_someone_who_goes_back_is_told_so(place: Place, fake: FakeEntra) -> None:
    browser = place.browser()
    answer = back(browser, fake.turned_down(begun(browser)))
    assert answer.status_code == 403
    assert "You went back" in answer.text
    assert "AADSTS" not in answer.text


# Callbacks that are no answer to this browser's sign-in.


def test_a_callback_is_answered_once(place: Place, fake: FakeEntra) -> None:
    place.link("manager_em")
    browser = place.browser()
    posted = fake.authorize(begun(browser), ALICE)
    kept = browser.cookies[FLOW]
    assert back(browser, posted).status_code == 303
    thief = place.browser()
    plant(thief, FLOW, kept)  # a copy of all that the browser had
    answer = back(thief, posted)
    assert answer.status_code == 403
    assert "not begun in this browser" in answer.text
    assert not is_in(thief)


def test_of_two_callbacks_at_once_one_signs_in(place: Place, fake: FakeEntra) -> None:
    place.link("manager_em")
    browser = place.browser()
    posted = fake.authorize(begun(browser), ALICE)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: back(browser, posted).status_code, range(4)))
    assert sorted(found) == [303, 403, 403, 403]


def test_a_callback_without_the_cookie_or_with_anothers_lets_nobody_in(place: Place, fake: FakeEntra) -> None:
    place.link("manager_em")
    mine, theirs = place.browser(), place.browser()
    posted = fake.authorize(begun(mine), ALICE)
    assert back(place.browser(), posted).status_code == 403
    begun(theirs)
    answer = back(theirs, posted)  # their cookie, my state
    assert answer.status_code == 403
    assert not is_in(theirs)
    assert back(mine, posted).status_code == 303, "mine was not used up by any of it"


def test_a_sign_in_that_took_too_long_begins_again(place: Place, fake: FakeEntra) -> None:
    place.link("manager_em")
    browser = place.browser()
    posted = fake.authorize(begun(browser), ALICE)
    place.at = AT + timedelta(seconds=GONE_SECONDS)
    assert back(browser, posted).status_code == 403
    assert signed_in(place, browser).status_code == 303


def test_a_new_beginning_ends_the_one_before(place: Place, fake: FakeEntra) -> None:
    place.link("manager_em")
    browser = place.browser()
    first = fake.authorize(begun(browser), ALICE)
    begun(browser)
    assert back(browser, first).status_code == 403


@pytest.mark.wide(3)
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"code": "a", "state": "b"}', "application/json"),
        (b"", "application/x-www-form-urlencoded"),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded"),
        (b"&".join(b"f%d=1" % n for n in range(50)), "application/x-www-form-urlencoded"),
        (b"state=" + b"s" * 40_000, "application/x-www-form-urlencoded"),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (b"state=a", ""),
    ],
    ids=["json", "empty", "no text", "many", "large", "multipart", "no kind"],
)
def test_what_is_no_form_of_a_directory_is_refused_like_any_other(place: Place, body: bytes, kind: str) -> None:
    browser = place.browser()
    begun(browser)
    answer = browser.post(
        "/auth/callback", content=body, headers={"Content-Type": kind, "Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert "did not prove" in answer.text


def test_a_field_that_comes_twice_is_read_in_no_way(place: Place, fake: FakeEntra) -> None:
    place.link("manager_em")
    browser = place.browser()
    posted = fake.authorize(begun(browser), ALICE)
    answer = browser.post("/auth/callback", data={**posted, "state": [posted["state"], "other"]})
    assert answer.status_code == 403


def test_the_address_of_the_callback_loaded_again_leads_to_the_sign_in(place: Place) -> None:
    answer = place.browser().get("/auth/callback?code=a&state=b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_only_the_callback_may_be_posted_from_another_site(place: Place) -> None:
    browser = place.browser()
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
    assert browser.post("/auth/callback", headers=elsewhere).status_code == 403
    assert "not begun in this browser" in browser.post("/auth/callback", headers=elsewhere).text
    for method, path in (
        ("POST", "/sign-in/entra"),
        ("POST", "/sign-in/program"),
        ("POST", "/sign-out"),
        ("POST", "/auth/callback/"),
        ("POST", "//auth/callback"),
        ("PUT", "/auth/callback"),
        ("DELETE", "/auth/callback"),
    ):
        answer = browser.request(method, path, headers=elsewhere)
        assert (path, answer.status_code) == (path, 403)
        assert "not allowed" in answer.text


def test_a_method_written_over_another_changes_nothing(place: Place) -> None:
    answer = place.browser().get("/auth/callback", headers={"X-HTTP-Method-Override": "POST"})
    assert answer.status_code == 303
    assert place.browser().get("/sign-in/program", params={"_method": "POST"}).status_code == 403


# Invitations.


@pytest.mark.ci
def test_an_invitation_links_the_account_once_and_from_then_on_it_opens_alone(place: Place) -> None:
    token = place.invite("manager_em")
    browser = place.browser()
    assert "/sign-in/entra" in browser.get(f"/door/{token}").text
    answer = signed_in(place, browser, door=token)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Perle Obsidienne" in browser.get("/").text
    manager = place.cast.people["manager_em"]
    assert place.events("identity.linked") == [(manager, {"replaced": 0})]
    with place.before() as session:
        (row,) = session.execute(select(_identity)).mappings().all()
        assert (row["tenant_id"], row["object_id"], row["person_id"]) == (*of(ALICE), manager)
    assert signed_in(place, place.browser()).status_code == 303
    again = place.browser()
    assert again.post("/sign-in/entra", data={"door": token}).status_code == 404


def test_whoever_answers_an_invitation_is_asked_by_which_account(place: Place) -> None:
    """At a computer that several use, whoever signed in there last would else be linked without a word."""
    browser, token = place.browser(), place.invite("manager_em")
    assert parse_qs(urlsplit(begun(browser, token)).query)["prompt"] == ["select_account"]
    assert "prompt" not in parse_qs(urlsplit(begun(browser)).query)
    assert "prompt=" not in browser.post("/sign-in/entra").headers["refresh"]


def test_the_token_of_an_invitation_stays_with_the_browser(place: Place) -> None:
    token = place.invite("manager_em")
    browser = place.browser()
    begun(browser, token)
    with place.before() as session:
        (row,) = session.execute(select(_flow)).mappings().all()
    assert token not in str(dict(row))


def test_an_invitation_put_into_a_cookie_by_hand_is_not_taken(place: Place, fake: FakeEntra) -> None:
    token = place.invite("manager_em")
    browser = place.browser()
    posted = fake.authorize(begun(browser), BOB)
    plant(browser, FLOW, f"{browser.cookies[FLOW]}.{token}")
    thief = place.browser()
    plant(thief, FLOW, f"{browser.cookies[FLOW].partition('.')[0]}.{token}")
    assert back(thief, posted).status_code == 403
    with place.before() as session:
        assert session.execute(select(_identity)).all() == []


@pytest.mark.parametrize("door", ["made up", "é" * 50, "../..", "a" * 10_000])
def test_a_door_that_is_none_leads_nowhere(place: Place, door: str) -> None:
    answer = place.browser().post("/sign-in/entra", data={"door": door})
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_a_link_for_a_passkey_is_no_invitation(place: Place) -> None:
    with place.cast.session() as session:
        manager = place.cast.people["manager_em"]
        token = doors.make(session, doors.ENROLMENT, manager, by=place.cast.actor("coordinator"), at=AT, browser="")
    assert place.browser().post("/sign-in/entra", data={"door": token}).status_code == 404


def used(place: Place, token: str) -> None:
    """Somebody else answered it meanwhile."""
    with place.cast.session() as session:
        doors.take(session, token, at=AT)


def expired(place: Place, token: str) -> None:
    """It grew too old while they signed in."""
    with place.cast.session() as session:
        old = update(_door).where(_door.c.token_digest == digest(session, token))
        session.execute(old.values(used_at=AT, used_by_digest=""))


def shut(place: Place, _: str) -> None:
    """Another was sent."""
    place.invite("manager_em")


@pytest.mark.parametrize("meanwhile", [used, expired, shut], ids=lambda one: one.__name__)
def test_an_invitation_that_closed_meanwhile_links_nobody(
    place: Place, fake: FakeEntra, meanwhile: Callable[[Place, str], None]
) -> None:
    token = place.invite("manager_em")
    browser = place.browser()
    posted = fake.authorize(begun(browser, token), ALICE)
    meanwhile(place, token)
    answer = back(browser, posted)
    assert answer.status_code == 404
    assert "does not open" in answer.text
    assert not is_in(browser)
    with place.before() as session:
        assert session.execute(select(_identity)).all() == []


def test_someone_who_left_meanwhile_is_not_linked_and_the_record_is_told(place: Place, fake: FakeEntra) -> None:
    token = place.invite("manager_em")
    browser = place.browser()
    posted = fake.authorize(begun(browser, token), ALICE)
    with place.cast.session() as session:  # the roles alone, as though the doors had been forgotten
        gone = update(_tenure).where(_tenure.c.person_id == place.cast.people["manager_em"])
        session.execute(gone.values(ends_on=TODAY - timedelta(days=1)))
    answer = back(browser, posted)
    assert answer.status_code == 403
    assert "no role" in answer.text
    with place.before() as session:
        assert session.execute(select(_identity)).all() == []
    manager = place.cast.people["manager_em"]
    assert place.events("sign_in.refused") == [(manager, {"means": "entra", "reason": "no_role"})]


def test_someone_whose_first_day_is_to_come_is_told_which_and_keeps_the_invitation(place: Place) -> None:
    first = datetime.combine(ARRIVAL, AT.timetz())
    place.at = first - timedelta(days=3)
    token = place.invite("worker_em")
    answer = signed_in(place, place.browser(), door=token)
    assert answer.status_code == 403
    assert "December 7, 2026" in answer.text
    place.at = first
    assert signed_in(place, place.browser(), door=token).status_code == 303


@pytest.mark.ci
def test_an_account_that_is_someone_elses_is_refused_recorded_and_the_invitation_stays_open(place: Place) -> None:
    place.link("manager_em")
    token = place.invite("officer")
    browser = place.browser()
    answer = signed_in(place, browser, ALICE, door=token)
    assert answer.status_code == 403
    assert "belongs to someone else" in answer.text
    for name in ("Obsidienne", "Calcaire"):
        assert name not in answer.text
    assert not is_in(browser)
    officer = place.cast.people["officer"]
    assert place.events("sign_in.refused") == [(officer, {"means": "entra", "reason": "account_taken"})]
    assert signed_in(place, browser, BOB, door=token).status_code == 303
    assert "Béryl Calcaire" in browser.get("/").text


@pytest.mark.ci
def test_an_account_linked_to_the_wrong_person_is_unlinked_and_then_linked_to_the_right_one(place: Place) -> None:
    place.link("manager_em")
    with place.cast.session() as session:
        invitations.end_access(
            session, place.cast.people["manager_em"], by=place.cast.actor("coordinator"), at=place.at
        )
    assert signed_in(place, place.browser()).status_code == 403
    browser = place.browser()
    assert signed_in(place, browser, door=place.invite("officer")).status_code == 303
    assert "Béryl Calcaire" in browser.get("/").text
    # And back again: the row from before is the same one.
    with place.cast.session() as session:
        invitations.end_access(session, place.cast.people["officer"], by=place.cast.actor("coordinator"), at=place.at)
    assert signed_in(place, browser, door=place.invite("manager_em")).status_code == 303
    assert "Perle Obsidienne" in browser.get("/").text


@pytest.mark.parametrize("door", ["", "an invitation"])
def test_an_account_that_comes_while_access_ends_waits_for_it_and_opens_nothing(
    place: Place, fake: FakeEntra, door: str
) -> None:
    cast = place.cast
    place.link("manager_em")
    browser = place.browser()
    posted = fake.authorize(begun(browser, place.invite("manager_em") if door else ""), ALICE)

    def end(session: Session) -> None:
        invitations.end_access(session, cast.people["manager_em"], by=cast.actor("coordinator"), at=place.at)

    answer = amid(cast, "manager_em", end, lambda: back(browser, posted))
    assert answer.status_code == 403
    assert not is_in(browser)
    with cast.session() as session:
        assert sign_ins.open_sign_ins(session, cast.people["manager_em"], at=place.at) == []
    why = [] if door else [(cast.people["manager_em"], {"means": "entra", "reason": "unlinked"})]
    assert place.events("sign_in.refused") == why


def test_an_account_that_comes_while_the_last_role_ends_waits_for_it_and_opens_nothing(
    place: Place, fake: FakeEntra
) -> None:
    cast = place.cast
    place.link("manager_em")
    browser = place.browser()
    posted = fake.authorize(begun(browser), ALICE)

    def end(session: Session) -> None:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["manager_em"])).one()
        end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=place.at)

    assert amid(cast, "manager_em", end, lambda: back(browser, posted)).status_code == 403
    with cast.session() as session:
        assert sign_ins.open_sign_ins(session, cast.people["manager_em"], at=place.at) == []
    assert place.events("sign_in.refused") == [(cast.people["manager_em"], {"means": "entra", "reason": "no_role"})]


@pytest.mark.ci
def test_a_new_account_takes_the_place_of_the_one_before(place: Place) -> None:
    place.link("manager_em", ALICE)
    assert signed_in(place, place.browser(), BOB, door=place.invite("manager_em")).status_code == 303
    assert place.events("identity.linked")[-1][1] == {"replaced": 1}
    assert signed_in(place, place.browser(), ALICE).status_code == 403
    assert signed_in(place, place.browser(), BOB).status_code == 303


@pytest.mark.ci
def test_whoever_is_in_by_the_account_before_is_out_once_a_new_one_takes_its_place(place: Place) -> None:
    place.link("manager_em", ALICE)
    wrongly, rightly = place.browser(), place.browser()
    signed_in(place, wrongly, ALICE)
    assert is_in(wrongly)
    signed_in(place, rightly, BOB, door=place.invite("manager_em"))
    assert not is_in(wrongly)
    assert is_in(rightly)


def test_the_same_account_answers_a_second_invitation_without_a_second_link(place: Place) -> None:
    place.link("manager_em")
    assert signed_in(place, place.browser(), door=place.invite("manager_em")).status_code == 303
    assert len(place.events("identity.linked")) == 1


# Several programs.


@pytest.fixture
def of_two(place: Place) -> Place:
    """One account that is someone in each of two programs."""
    place.link("manager_em")
    place.link("manager_em", cast=place.cast.other)
    return place


@pytest.mark.ci
def test_an_account_of_two_programs_chooses_one(of_two: Place) -> None:
    browser = of_two.browser()
    answer = signed_in(of_two, browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/program")
    assert not is_in(browser)
    page = browser.get("/sign-in/program").text
    assert page == browser.get("/sign-in/program").text, "looking takes nothing"
    for cast, name in ((of_two.cast, "Perle Obsidienne"), (of_two.cast.other, "Lignite Tuf")):
        assert str(cast.program_id) in page
        chooser = of_two.browser()
        signed_in(of_two, chooser)
        entered = chooser.post("/sign-in/program", data={"program": str(cast.program_id)})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        assert name in chooser.get("/").text


@pytest.mark.ci
def test_a_choice_is_made_once_in_the_browser_that_signed_in_and_of_ones_own_programs(of_two: Place) -> None:
    browser, other = of_two.browser(), of_two.browser()
    signed_in(of_two, browser)
    chosen = {"program": str(of_two.cast.program_id)}
    assert other.get("/sign-in/program").status_code == 403
    assert other.post("/sign-in/program", data=chosen).status_code == 403
    plant(other, FLOW, browser.cookies[FLOW])
    assert browser.post("/sign-in/program", data=chosen).status_code == 303
    assert other.post("/sign-in/program", data=chosen).status_code == 403
    stranger = of_two.browser()
    signed_in(of_two, stranger)
    assert stranger.post("/sign-in/program", data={"program": str(UUID(int=7))}).status_code == 403
    assert stranger.post("/sign-in/program", data=chosen).status_code == 403, "and begins again"


def test_a_choice_cannot_be_made_out_of_a_sign_in_that_has_only_begun(of_two: Place, fake: FakeEntra) -> None:
    browser = of_two.browser()
    begun(browser)
    assert browser.post("/sign-in/program", data={"program": str(of_two.cast.program_id)}).status_code == 403
    signed_in(of_two, browser)
    posted = fake.authorize(begun(of_two.browser()), ALICE)
    assert back(browser, posted).status_code == 403, "nor a callback out of a choice"


def test_who_left_one_of_two_programs_enters_the_other(of_two: Place) -> None:
    of_two.lose_role("manager_em")
    browser = of_two.browser()
    assert signed_in(of_two, browser).headers["location"] == "/"
    assert "Lignite Tuf" in browser.get("/").text
    assert of_two.events("sign_in.refused") == []


def test_who_leaves_while_choosing_does_not_enter(of_two: Place) -> None:
    browser = of_two.browser()
    signed_in(of_two, browser)
    of_two.lose_role("manager_em")
    assert str(of_two.cast.program_id) not in browser.get("/sign-in/program").text
    assert browser.post("/sign-in/program", data={"program": str(of_two.cast.program_id)}).status_code == 403
    assert not is_in(browser)


@pytest.mark.ci
def test_one_who_was_invited_enters_the_program_of_the_invitation(of_two: Place) -> None:
    browser = of_two.browser()
    token = of_two.invite("manager_em", cast=of_two.cast.other)
    assert signed_in(of_two, browser, door=token).headers["location"] == "/"
    assert "Lignite Tuf" in browser.get("/").text


# When the directory is away, or none is set up.


@pytest.mark.ci
def test_a_directory_that_is_away_is_a_sentence(
    settle: Settle, fake: FakeEntra, caplog: pytest.LogCaptureFixture
) -> None:
    place, restarted = settle(), settle()
    place.link("manager_em")
    browser = place.browser()
    posted = fake.authorize(begun(browser), ALICE)
    fake.failing["token"] = (503, {})
    answer = back(browser, posted)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "cannot be reached" in answer.text
    assert "Traceback" not in answer.text
    assert not is_in(browser)
    with caplog.at_level(logging.WARNING):
        fake.failing |= {"keys": (500, {}), "description": (500, {})}
        for answer in (restarted.browser().get("/sign-in/entra"), restarted.browser().post("/sign-in/entra")):
            assert answer.status_code == 503
            assert "cannot be reached" in answer.text
            assert FLOW not in answer.headers.get("set-cookie", "").replace(f'{FLOW}="";', "")
    assert [record for record in caplog.records if record.exc_info] == []


def test_without_a_directory_its_addresses_are_not_there(place: Place) -> None:
    client = TestClient(create_app(replace(place.installation, directory=None)), base_url=HERE, follow_redirects=False)
    absent = client.get("/nothing")
    for method, path in (
        ("GET", "/sign-in/entra"),
        ("POST", "/sign-in/entra"),
        ("POST", "/auth/callback"),
        ("GET", "/sign-in/program"),
        ("POST", "/sign-in/program"),
    ):
        data = {"program": str(place.cast.program_id)} if method == "POST" else None
        answer = client.request(method, path, data=data)
        assert (method, path, answer.status_code) == (method, path, absent.status_code)
    assert "/sign-in/entra" not in client.get("/sign-in").text


@pytest.mark.ci
def test_the_web_registers_as_its_settings_say_and_loads_nothing_of_it_without(fake: FakeEntra) -> None:
    said = {
        "SPHERES_BASE_URL": HERE,
        "ENTRA_CLIENT_ID": CLIENT_ID,
        "ENTRA_TENANT": str(TENANT),
        "ENTRA_CLIENT_SECRET_FILE": str(fake.secret_file),
        "ENTRA_AUTHORITY": fake.authority,
        "ENTRA_CA_FILE": str(fake.ca_file),
    }
    directory = directory_of(Settings.from_env(said))
    assert isinstance(directory, Entra)
    assert "post_logout_redirect_uri=https%3A%2F%2Fspheres.example%2Fsign-in" in directory.farewell()
    begun = directory.begin()
    assert isinstance(begun, Begun)
    assert fake.authorize(begun.address, ALICE)  # which asks for the address to return to, letter by letter
    directory.close()
    assert directory_of(Settings.from_env({})) is None
    alone = "import sys, api.app; sys.exit('msal' in sys.modules or 'jwt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", alone], check=False).returncode == 0


def test_no_log_line_of_a_sign_in_tells_who_or_how(
    place: Place, fake: FakeEntra, caplog: pytest.LogCaptureFixture
) -> None:
    place.link("manager_em")
    with caplog.at_level(logging.INFO):
        signed_in(place, place.browser(), BOB)
        posted = fake.authorize(begun(place.browser()), ALICE)
        back(place.browser(), posted)
        fake.bend = Bend(claims={"iss": "https://elsewhere.example"})
        signed_in(place, place.browser())
    said = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith(("spheres", "adapters"))
    )
    assert "an account that opens nothing was proven" in said
    for word in (str(ALICE.object_id), str(BOB.object_id), ALICE.email, posted["code"], posted["state"]):
        assert word not in said
