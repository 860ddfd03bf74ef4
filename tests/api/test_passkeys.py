"""Passkeys: enrolled and used in a real browser, and every answer that is not right refused and recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from secrets import token_bytes
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import CDPSession, Page
from sqlalchemy import select, update
from sqlmodel import Session

from api.app import create_app
from domain.access.invitations import end_access
from domain.access.sites import Site, site_of
from domain.people.people import end_tenure
from models.access import BrowserSession, Passkey
from models.base import table_of
from models.program import Tenure
from tests.api.application import client_for, installation_of, nobody
from tests.api.doorway import amid, authenticator, come_in, enrolled, invited, letters, link, ready_to_enrol, told
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import AT, TODAY, Cast
from tests.fakes.authenticator import Authenticator

_passkey = table_of(Passkey)
_tenure = table_of(Tenure)
_session = table_of(BrowserSession)

Bend = Callable[[Authenticator, dict[str, Any]], str]


def passkeys(cast: Cast) -> list[dict[str, Any]]:
    with cast.session() as session:
        return [dict(row) for row in session.execute(select(_passkey).order_by(_passkey.c.enrolled_at)).mappings()]


# ------------------------------------------------------------------------------------------- enrolling, and its lies


@pytest.mark.ci
def test_a_passkey_is_enrolled_by_the_link_and_signs_in_from_then_on(cast: Cast) -> None:
    browser, passkey = enrolled(cast, "manager_em")
    assert "Perle Obsidienne" in browser.get("/people").text
    (kept,) = passkeys(cast)
    assert kept["person_id"] == cast.people["manager_em"]
    elsewhere = nobody(cast.database)
    assert come_in(elsewhere, passkey) == 303
    assert "Perle Obsidienne" in elsewhere.get("/people").text
    assert [one["means"] for one in told(cast, "sign_in.begun")] == ["passkey", "passkey"]
    assert len(told(cast, "passkey.enrolled")) == 1
    assert "une nouvelle clé d’accès ouvre votre accès" in letters(cast, "manager_em", "passkey_added")[0]


@pytest.mark.ci
def test_the_browser_is_asked_for_what_the_program_wants(cast: Cast) -> None:
    browser, door = ready_to_enrol(cast, "manager_em")
    asked = browser.post(f"{door}/options").json()
    assert asked["rp"] == {"id": "testserver", "name": "SPHÈRES"}
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["user"]["name"].startswith("Perle Obsidienne – ")
    assert len(asked["user"]["name"].encode()) <= 64
    assert asked["excludeCredentials"] == []
    again = browser.post(f"{door}/options").json()
    assert asked["challenge"] != again["challenge"]
    anyone = nobody(cast.database).post("/sign-in/passkey/options").json()
    assert (anyone["userVerification"], anyone["allowCredentials"]) == ("required", [])
    # Who has one is not asked to make a second on the same device.
    browser, passkey = enrolled(cast, "police")
    browser.post("/my-access/passkeys")
    asked = browser.post(f"{link(cast, 'police', 'enrolment')}/options").json()
    assert [one["id"] for one in asked["excludeCredentials"]] == [json.loads(passkey.create(asked))["id"]]


@pytest.mark.parametrize(
    ("path", "name", "same_site"),
    [
        # Both halves are on pages of ours; the other one comes with a link in a page of mail.
        ("/sign-in/passkey/options", "__Host-spheres-flow", "strict"),
        ("/sign-in/letter", "__Host-spheres-browser", "lax"),
    ],
)
def test_what_a_browser_keeps_until_its_person_goes_on_is_bound_to_this_host(
    cast: Cast, path: str, name: str, same_site: str
) -> None:
    here = "https://spheres.example"
    browser = TestClient(
        create_app(installation_of(cast.database, base_url=here)), base_url=here, follow_redirects=False
    )
    kept = browser.post(path, data={"address": "nobody@elsewhere.example"}).headers["set-cookie"]
    said = kept.lower().split("; ")
    assert kept.startswith(f"{name}=")
    assert {"httponly", "secure", "path=/", f"samesite={same_site}"} <= set(said)
    assert not any(one.startswith("domain=") for one in said)


LIES: dict[str, Bend] = {
    "another site's page": lambda one, asked: replace(one, origin="http://elsewhere.example").create(asked),
    "our page under https": lambda one, asked: replace(one, origin="https://testserver").create(asked),
    "another host": lambda one, asked: replace(one, host="elsewhere.example").create(asked),
    "nobody verified": lambda one, asked: replace(one, verifies=False).create(asked),
    "another challenge": lambda one, asked: one.create({**asked, "challenge": "A" * 86}),
    "a signing in for an enrolling": lambda one, asked: replace(one, handle=uuid4().bytes).get(asked),
    "no answer": lambda _, __: "",
    "no JSON": lambda _, __: "{",
    "a list": lambda _, __: "[]",
    "deep JSON": lambda _, __: "[" * 5000,
    "an empty object": lambda _, __: "{}",
    "too long": lambda one, asked: one.create(asked) + " " * 20_000,
    "a name past what the standard allows": lambda one, asked: replace(one, credential=bytes(1024)).create(asked),
    "a name past what an index holds": lambda one, asked: replace(one, credential=token_bytes(4500)).create(asked),
    "no CBOR": lambda one, asked: bent(one.create(asked), attestationObject="AAAA"),
    "no client data": lambda one, asked: bent(one.create(asked), clientDataJSON="e30"),
    "no base64": lambda one, asked: bent(one.create(asked), attestationObject="é"),
}


def bent(answer: str, **parts: str) -> str:
    """An answer with some of its parts replaced."""
    read = json.loads(answer)
    read["response"] |= parts
    return json.dumps(read)


@pytest.mark.wide(4)
@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_is_not_right_enrols_nothing_and_the_link_stays_good(cast: Cast, lie: str) -> None:
    browser, door = ready_to_enrol(cast, "manager_em")
    passkey = authenticator()
    refused = browser.post(
        f"{door}/passkey", data={"answer": LIES[lie](passkey, browser.post(f"{door}/options").json())}
    )
    assert refused.status_code == 409
    assert "No passkey was added" in refused.text
    assert passkeys(cast) == []
    assert "spheres" not in browser.cookies
    assert told(cast, "sign_in.refused") == [{"means": "passkey", "reason": "not_proved"}]
    data = {"answer": passkey.create(browser.post(f"{door}/options").json())}
    assert browser.post(f"{door}/passkey", data=data).status_code == 303


def test_a_challenge_serves_once_and_not_behind_another_door(cast: Cast) -> None:
    browser, door = ready_to_enrol(cast, "manager_em")
    asked = browser.post(f"{door}/options").json()
    assert browser.post(f"{door}/passkey", data={"answer": "{}"}).status_code == 409
    passkey = authenticator()
    # The challenge went with the answer that was not right.
    late = browser.post(f"{door}/passkey", data={"answer": passkey.create(asked)})
    assert (late.status_code, "took too long" in late.text) == (409, True)
    # Somebody else's link, opened in the same browser: what was asked there is not answered here.
    marked = browser.cookies["spheres-browser"]
    nobody_else = nobody(cast.database)
    nobody_else.post(invited(cast, "police"))
    theirs = link(cast, "police", "enrolment")
    asked_there = nobody_else.post(f"{theirs}/options").json()
    browser.cookies.set("spheres-flow", nobody_else.cookies["spheres-flow"])
    refused = browser.post(f"{door}/passkey", data={"answer": passkey.create(asked_there)})
    assert refused.status_code == 409
    assert passkeys(cast) == []
    assert browser.cookies["spheres-browser"] == marked


def test_a_challenge_is_too_old_after_five_minutes(cast: Cast) -> None:
    browser, door = ready_to_enrol(cast, "manager_em")
    answer = authenticator().create(browser.post(f"{door}/options").json())
    late = nobody(cast.database, at=AT + timedelta(minutes=5))
    late.cookies.update(browser.cookies)
    assert "took too long" in late.post(f"{door}/passkey", data={"answer": answer}).text
    assert passkeys(cast) == []


def test_a_passkey_that_is_enrolled_already_is_not_taken_for_another_person(cast: Cast) -> None:
    _, passkey = enrolled(cast, "manager_em")
    browser, door = ready_to_enrol(cast, "police")
    data = {"answer": passkey.create(browser.post(f"{door}/options").json())}
    refused = browser.post(f"{door}/passkey", data=data)
    assert (refused.status_code, "is already enrolled" in refused.text) == (409, True)
    assert [one["person_id"] for one in passkeys(cast)] == [cast.people["manager_em"]]


@pytest.mark.ci
def test_a_passkey_that_another_program_knows_is_refused_in_the_same_words(cast: Cast) -> None:
    _, passkey = enrolled(cast, "manager_em")
    answers = []
    for program, name in ((cast, "police"), (cast.other, "manager_em")):
        browser, door = ready_to_enrol(program, name)
        data = {"answer": passkey.create(browser.post(f"{door}/options").json())}
        refused = browser.post(f"{door}/passkey", data=data)
        answers.append((refused.status_code, "is already enrolled. Create a new one" in refused.text))
        again = {"answer": authenticator().create(browser.post(f"{door}/options").json())}
        assert browser.post(f"{door}/passkey", data=again).status_code == 303, (
            "and the link is still good for a new one"
        )
    assert answers == [(409, True), (409, True)]


# ------------------------------------------------------------------------------------- while somebody's access ends


def all_of_it(cast: Cast) -> Callable[[Session], None]:
    """The coordinator ends all of a manager's access."""
    return lambda session: end_access(session, cast.people["manager_em"], by=cast.actor("coordinator"), at=AT)


def last_role(cast: Cast) -> Callable[[Session], None]:
    """The manager's last role ended yesterday."""

    def end(session: Session) -> None:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["manager_em"])).one()
        end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)

    return end


def still_in(cast: Cast) -> int:
    """How many sign-ins have not ended."""
    with cast.session() as session:
        return len(session.scalars(select(_session.c.id).where(_session.c.ended_at.is_(None))).all())


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize(("ending", "reason"), [(all_of_it, "removed"), (last_role, "no_role")])
def test_a_passkey_that_comes_while_access_ends_waits_for_it_and_opens_nothing(
    cast: Cast, ending: Callable[[Cast], Callable[[Session], None]], reason: str, done: bool
) -> None:
    _, passkey = enrolled(cast, "manager_em")
    browser = nobody(cast.database)
    assert amid(cast, "manager_em", ending(cast), lambda: come_in(browser, passkey), done=done) == 403
    assert still_in(cast) == 0
    assert told(cast, "sign_in.refused") == [{"means": "passkey", "reason": reason}]


def test_a_passkey_that_is_enrolled_while_access_ends_is_not(cast: Cast) -> None:
    browser, door = ready_to_enrol(cast, "manager_em")
    answer = authenticator().create(browser.post(f"{door}/options").json())
    refused = amid(
        cast, "manager_em", all_of_it(cast), lambda: browser.post(f"{door}/passkey", data={"answer": answer})
    )
    assert (refused.status_code, "does not open" in refused.text) == (409, True)
    assert (passkeys(cast), still_in(cast)) == ([], 0)


def test_an_invitation_that_is_accepted_while_access_ends_leads_nowhere(cast: Cast) -> None:
    browser, door = nobody(cast.database), invited(cast, "manager_em")
    refused = amid(cast, "manager_em", all_of_it(cast), lambda: browser.post(door))
    assert (refused.status_code, "does not open" in refused.text) == (409, True)
    assert letters(cast, "manager_em", "enrolment") == []


@pytest.mark.ci
def test_who_removes_a_passkey_or_signs_out_while_access_ends_waits_for_it_too(cast: Cast) -> None:
    browser, _ = enrolled(cast, "manager_em")
    (passkey,) = passkeys(cast)
    gone = amid(
        cast, "manager_em", all_of_it(cast), lambda: browser.post(f"/my-access/passkeys/{passkey['id']}/remove")
    )
    assert (gone.status_code, told(cast, "passkey.removed")) == (404, [])
    browser, _ = enrolled(cast, "manager_em")
    assert amid(cast, "manager_em", all_of_it(cast), lambda: browser.post("/sign-out")).status_code == 303
    assert told(cast, "session.ended")[-1] == {"means": ["passkey"], "reason": "door_closed", "sign_ins": 1}


# ------------------------------------------------------------------------------------------- signing in, and its lies


def another_key(one: Authenticator) -> Authenticator:
    """A passkey that says that it is this one, and has another key."""
    return replace(authenticator(), credential=one.credential, handle=one.handle)


SIGNING_LIES: dict[str, Bend] = {
    "another site's page": lambda one, asked: replace(one, origin="http://elsewhere.example").get(asked),
    "another host": lambda one, asked: replace(one, host="elsewhere.example").get(asked),
    "nobody verified": lambda one, asked: replace(one, verifies=False).get(asked),
    "another challenge": lambda one, asked: one.get({**asked, "challenge": "A" * 86}),
    "another key under the same name": lambda one, asked: replace(another_key(one), count=99).get(asked),
    "another person": lambda one, asked: replace(one, handle=uuid4().bytes).get(asked),
    "no person": lambda one, asked: bent(one.get(asked), userHandle=""),
    "a signature of nothing": lambda one, asked: bent(one.get(asked), signature="AAAA"),
}


@pytest.mark.parametrize("lie", SIGNING_LIES)
def test_an_answer_that_is_not_right_lets_nobody_in_and_is_recorded(cast: Cast, lie: str) -> None:
    _, passkey = enrolled(cast, "manager_em")
    browser = nobody(cast.database)
    options = browser.post("/sign-in/passkey/options").json()
    refused = browser.post("/sign-in/passkey", data={"answer": SIGNING_LIES[lie](passkey, options)})
    assert refused.status_code == 403
    assert "spheres" not in browser.cookies
    assert "This did not let you in" in refused.text
    assert told(cast, "sign_in.refused") == [{"means": "passkey", "reason": "not_proved"}]
    assert come_in(browser, passkey) == 303, "the right answer still does"


def test_an_answer_is_good_once(cast: Cast) -> None:
    _, passkey = enrolled(cast, "manager_em")
    browser = nobody(cast.database)
    answer = passkey.get(browser.post("/sign-in/passkey/options").json())
    flow = browser.cookies["spheres-flow"]
    assert browser.post("/sign-in/passkey", data={"answer": answer}).status_code == 303
    thief = nobody(cast.database)
    thief.cookies.set("spheres-flow", flow)
    assert thief.post("/sign-in/passkey", data={"answer": answer}).status_code == 403
    thief.post("/sign-in/passkey/options")
    assert thief.post("/sign-in/passkey", data={"answer": answer}).status_code == 403
    assert "spheres" not in thief.cookies


def test_an_answer_without_the_browser_that_was_asked_is_nothing(cast: Cast) -> None:
    _, passkey = enrolled(cast, "manager_em")
    answer = passkey.get(nobody(cast.database).post("/sign-in/passkey/options").json())
    page = nobody(cast.database).post("/sign-in/passkey", data={"answer": answer})
    assert (page.status_code, "took too long" in page.text) == (403, True)


def test_a_count_of_uses_that_goes_backwards_is_a_copy_refused_and_recorded(cast: Cast) -> None:
    _, passkey = enrolled(cast, "manager_em")
    copy = replace(passkey)
    for _ in range(3):
        assert come_in(nobody(cast.database), passkey) == 303
    assert come_in(nobody(cast.database), copy) == 403
    assert told(cast, "sign_in.refused") == [{"means": "passkey", "reason": "sign_count"}]
    assert passkeys(cast)[0]["sign_count"] == passkey.count
    assert come_in(nobody(cast.database), passkey) == 303


def test_nobody_makes_a_passkey_look_copied_without_having_it(cast: Cast) -> None:
    """The count is compared after the signature: else anyone could fill the record with alarms about a colleague."""
    _, passkey = enrolled(cast, "manager_em")
    assert come_in(nobody(cast.database), another_key(passkey)) == 403
    assert [one["reason"] for one in told(cast, "sign_in.refused")] == ["not_proved"]


def test_a_passkey_that_does_not_count_its_uses_comes_in_again_and_again(cast: Cast) -> None:
    browser, door = ready_to_enrol(cast, "manager_em")
    passkey = replace(authenticator(), counts=False)
    data = {"answer": passkey.create(browser.post(f"{door}/options").json())}
    assert browser.post(f"{door}/passkey", data=data).status_code == 303
    assert [come_in(nobody(cast.database), passkey) for _ in range(2)] == [303, 303]


def test_of_two_answers_with_the_same_count_at_once_one_comes_in(cast: Cast) -> None:
    _, passkey = enrolled(cast, "manager_em")
    browsers = [nobody(cast.database) for _ in range(4)]
    answers = []
    for browser in browsers:
        passkey.count = 7
        answers.append(passkey.get(browser.post("/sign-in/passkey/options").json()))

    def send(both: tuple[TestClient, str]) -> int:
        return both[0].post("/sign-in/passkey", data={"answer": both[1]}).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(send, zip(browsers, answers, strict=True)))
    assert statuses == [303, 403, 403, 403]


def test_who_holds_nothing_today_is_not_let_in(cast: Cast) -> None:
    _, passkey = enrolled(cast, "police")
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["police"])).one()
        end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)
    assert come_in(nobody(cast.database), passkey) == 403
    assert told(cast, "sign_in.refused") == [{"means": "passkey", "reason": "no_role"}]
    # In again with a new role: the passkey was never the question.
    with cast.session() as session:
        session.execute(update(_tenure).where(_tenure.c.id == held).values(ends_on=None, ended_by=None, ended_at=None))
    assert come_in(nobody(cast.database), passkey) == 303


@pytest.mark.ci
def test_an_unknown_passkey_and_one_of_another_program_are_told_apart_by_nobody(cast: Cast) -> None:
    _, theirs = enrolled(cast.other, "manager_em")
    stranger = replace(authenticator(), handle=uuid4().bytes)
    browser = nobody(cast.database)
    assert come_in(browser, stranger) == 403
    assert come_in(browser, theirs) == 303, "of which program one is, the passkey says"
    assert "Lignite Tuf" in browser.get("/people").text
    assert told(cast, "sign_in.refused") == []


# ------------------------------------------------------------------------------------------------- removing, adding


@pytest.mark.ci
def test_the_last_passkey_stays_and_one_of_two_is_removed_for_good(cast: Cast) -> None:
    browser, first = enrolled(cast, "manager_em")
    (only,) = passkeys(cast)
    refused = browser.post(f"/my-access/passkeys/{only['id']}/remove")
    assert (refused.status_code, "your only way to sign in" in refused.text) == (409, True)
    assert browser.post("/my-access/passkeys").headers["location"] == "/sign-in/letter"
    door = link(cast, "manager_em", "enrolment")
    second = authenticator()
    data = {"answer": second.create(browser.post(f"{door}/options").json())}
    assert browser.post(f"{door}/passkey", data=data).status_code == 303
    removed = browser.post(f"/my-access/passkeys/{only['id']}/remove")
    assert (removed.status_code, removed.headers["location"]) == (303, "/my-access#passkeys")
    assert come_in(nobody(cast.database), first) == 403
    assert told(cast, "sign_in.refused")[-1]["reason"] == "removed"
    assert come_in(nobody(cast.database), second) == 303
    assert len(told(cast, "passkey.removed")) == 1


@pytest.mark.ci
def test_of_two_passkeys_removed_at_once_one_stays(cast: Cast) -> None:
    browser, _ = enrolled(cast, "manager_em")
    browser.post("/my-access/passkeys")
    door = link(cast, "manager_em", "enrolment")
    browser.post(f"{door}/passkey", data={"answer": authenticator().create(browser.post(f"{door}/options").json())})
    clients = [client_for(cast.database, cast.people["manager_em"]) for _ in range(2)]
    for client in clients:
        client.get("/my-access")
    paths = [f"/my-access/passkeys/{one['id']}/remove" for one in passkeys(cast)]
    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(lambda both: both[0].post(both[1]).status_code, zip(clients, paths, strict=True)))
    assert statuses == [303, 409]
    assert sum(one["ended_at"] is None for one in passkeys(cast)) == 1


def test_nobody_removes_the_passkey_of_another(cast: Cast) -> None:
    enrolled(cast, "manager_em")
    (theirs,) = passkeys(cast)
    for name in ("police", "coordinator"):
        client = client_for(cast.database, cast.people[name])
        answers = [client.post(f"/my-access/passkeys/{one}/remove") for one in (theirs["id"], uuid4())]
        assert [one.status_code for one in answers] == [404, 404]
    assert passkeys(cast)[0]["ended_at"] is None


def test_no_key_challenge_or_link_stands_in_the_record(cast: Cast) -> None:
    browser, passkey = enrolled(cast, "manager_em")
    come_in(nobody(cast.database), replace(passkey, verifies=False))
    browser.post("/my-access/passkeys")
    facts = str(
        [told(cast, verb) for verb in ("passkey.enrolled", "sign_in.begun", "sign_in.refused", "enrolment.sent")]
    )
    assert json.loads(passkey.get({"challenge": "AAAA"}))["id"] not in facts
    assert "@" not in facts
    assert link(cast, "manager_em", "enrolment").rpartition("/")[2] not in facts


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("https://spheres.example", Site("spheres.example", "https://spheres.example")),
        ("https://Spheres.example:443", Site("spheres.example", "https://spheres.example")),
        ("http://localhost:8400", Site("localhost", "http://localhost:8400")),
        ("http://127.0.0.1:8400", None),
        ("http://[::1]:8400", None),
    ],
)
def test_a_passkey_is_bound_to_a_name_and_never_to_a_number(address: str, site: Site | None) -> None:
    assert site_of(address) == site


def test_at_an_address_without_a_name_the_pages_say_so_and_offer_nothing(cast: Cast) -> None:
    app = create_app(replace(installation_of(cast.database), base_url="http://127.0.0.1:8400"))
    client = TestClient(app, base_url="http://127.0.0.1:8400", headers={"Accept-Language": "en"})
    page = client.get("/sign-in").text
    assert "passkeys need a name" in page
    assert "data-passkey=" not in page
    assert client.post("/sign-in/passkey/options").status_code == 409
    assert client.post("/sign-in/letter", data={"address": "a@b.example"}).status_code == 409


# ------------------------------------------------------------------------------------------------- in a real browser


def keyed(page: Page) -> CDPSession:
    """Give a page's browser an authenticator that has a finger ready; it stays for the pages that follow."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return devices


def at_home(app: FastAPI, address: str) -> str:
    """The address under the one name of this machine to which browsers bind a passkey, told to the application too."""
    home = address.replace("127.0.0.1", "localhost")
    app.state.installation = replace(app.state.installation, base_url=home)
    return home


@pytest.mark.ci
@pytest.mark.browser
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_from_the_invitation_to_the_next_morning_in_a_real_browser(cast: Cast, open_page: OpenPage, lang: str) -> None:
    fr = lang == "fr"
    app = create_app(installation_of(cast.database, base_url="http://localhost"))
    with serve(app) as address:
        home = at_home(app, address)
        page = open_page(home + invited(cast, "manager_em"), lang=lang, width=390)
        keyed(page)
        assert_fits(page)
        assert_accessible(page)
        page.get_by_role("button", name="Continuer avec une clé d’accès" if fr else "Continue with a passkey").click()
        page.wait_for_url("**/sign-in/letter")
        assert_fits(page)
        assert_accessible(page)
        page.goto(home + link(cast, "manager_em", "enrolment"))
        assert_fits(page)
        assert_accessible(page)
        page.get_by_role("button", name="Ajouter une clé d’accès et me" if fr else "Add a passkey and sign in").click()
        page.wait_for_url(f"{home}/")
        page.goto(f"{home}/my-access")
        assert_fits(page)
        assert_accessible(page)
        assert page.locator("#passkeys .lines > li").count() == 1
        assert "Chrome" in page.inner_text("#sign-ins")
        page.get_by_role("button", name="Se déconnecter" if fr else "Sign out").click()
        page.wait_for_url("**/sign-in")
        page.get_by_role("button", name="Me connecter avec une clé d’accès" if fr else "Sign in with a passkey").click()
        page.wait_for_url(f"{home}/")
        assert "Perle Obsidienne" in page.inner_text(".me")
    (kept,) = passkeys(cast)
    assert kept["sign_count"] > 0
    assert kept["used_at"] == AT


@pytest.mark.ci
@pytest.mark.browser
def test_a_finger_that_is_refused_says_so_on_the_page_and_changes_nothing(cast: Cast, open_page: OpenPage) -> None:
    app = create_app(installation_of(cast.database, base_url="http://localhost"))
    with serve(app) as address:
        page = open_page(f"{at_home(app, address)}/sign-in", lang="en")
        devices = keyed(page)
        page.get_by_role("button", name="Sign in with a passkey").click()
        # No passkey is there to be offered.
        said = page.locator("[data-passkey-said]")
        said.wait_for(state="visible")
        assert "You stopped, or it took too long" in said.inner_text()
        assert page.url.endswith("/sign-in")
        assert_accessible(page)
        devices.detach()


@pytest.mark.ci
@pytest.mark.browser
def test_a_device_that_has_a_passkey_says_so_and_a_link_opened_elsewhere_stays_shut(
    cast: Cast, open_page: OpenPage
) -> None:
    app = create_app(installation_of(cast.database, base_url="http://localhost"))
    with serve(app) as address:
        home = at_home(app, address)
        page = open_page(home + invited(cast, "police"), lang="en")
        keyed(page)
        page.get_by_role("button", name="Continue with a passkey").click()
        page.wait_for_url("**/sign-in/letter")
        page.goto(home + link(cast, "police", "enrolment"))
        page.get_by_role("button", name="Add a passkey and sign in").click()
        page.wait_for_url(f"{home}/")
        page.goto(f"{home}/my-access")
        page.get_by_role("button", name="Send me a link to add a passkey").click()
        page.wait_for_url("**/sign-in/letter")
        door = home + link(cast, "police", "enrolment")
        other = open_page(door, lang="en")
        assert other.get_by_role("heading", level=1).inner_text() == "This link does not open"
        assert_fits(other)
        assert_accessible(other)
        page.goto(door)
        page.get_by_role("button", name="Add a passkey and sign in").click()
        said = page.locator("[data-passkey-said]")
        said.wait_for(state="visible")
        assert "already has a passkey for you" in said.inner_text()
    open_page.wrong[:] = [one for one in open_page.wrong if "404" not in one]  # type: ignore[attr-defined]


@pytest.mark.ci
@pytest.mark.browser
def test_without_the_script_the_page_says_what_is_missing(cast: Cast, open_page: OpenPage) -> None:
    app = create_app(installation_of(cast.database, base_url="http://localhost"))
    with serve(app) as address:
        page = open_page(f"{at_home(app, address)}/sign-in", lang="en", script=False)
        page.get_by_role("button", name="Sign in with a passkey").click()
        assert "this page’s script did not run" in page.locator("[role=alert]:visible").inner_text()
    open_page.wrong[:] = [one for one in open_page.wrong if "403" not in one]  # type: ignore[attr-defined]
