"""Sign-ins as their person sees them: which ones there are, ending one, and what ends all of them."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from api.access.session import IDLE
from domain.access import doors, sign_ins
from domain.access.invitations import access_of
from domain.access.sign_ins import device_of
from domain.departure import departures, ways_in
from domain.kernel import digest
from domain.people.people import appoint, end_tenure
from models.access import BrowserSession, Passkey
from models.base import table_of
from models.program import Tenure
from tests.api.application import client_for, nobody, token_for
from tests.api.doorway import come_in, enrolled, invited, told
from tests.cast import AT, TODAY, Cast

_session = table_of(BrowserSession)
_passkey = table_of(Passkey)
_tenure = table_of(Tenure)

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sign_in_id(cast: Cast, token: str) -> UUID:
    with cast.session() as session:
        found: UUID | None = session.scalar(
            select(_session.c.id).where(_session.c.token_digest == digest(session, token))
        )
    assert found is not None
    return found


def endings(cast: Cast, name: str) -> list[str]:
    with cast.session() as session:
        rows = session.scalars(
            select(_session.c.ended_as)
            .where(_session.c.person_id == cast.people[name])
            .order_by(_session.c.signed_in_at)
        )
        return sorted(rows)


def leave(cast: Cast, name: str, *, ends_on: int = -1) -> None:
    with cast.session() as session:
        for tenure in session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people[name])).all():
            end_tenure(session, tenure, ends_on=TODAY + timedelta(days=ends_on), by=cast.actor("coordinator"), at=AT)


# ------------------------------------------------------------------------------------------------- one's own list


def test_one_sees_each_sign_in_with_its_means_and_device_and_this_one_is_marked(cast: Cast) -> None:
    browser, passkey = enrolled(cast, "manager_em")
    telephone = nobody(cast.database)
    telephone.headers["User-Agent"] = FIREFOX
    assert come_in(telephone, passkey) == 303
    page = telephone.get("/my-access").text
    assert page.count("this one") == 1
    here = page[page.index("Firefox, Windows") :]
    assert here.index("this one") < here.index("</li>")
    assert "An unknown browser" in page, "the first one said nothing of itself"
    assert page.count("Passkey ·") == 2
    assert "python" not in page.lower(), "what a browser says of itself is not shown"
    assert "Agate" not in page
    # No digest, cookie nor key stands in the page.
    assert telephone.cookies["spheres"] not in page
    with cast.session() as session:
        keys = session.scalars(select(_passkey.c.credential_id)).all()
        digests = session.scalars(select(_session.c.token_digest)).all()
    assert [one for one in [*keys, *digests] if one in page] == []
    assert browser.get("/my-access").status_code == 200


def test_a_sign_in_is_ended_from_another_and_its_cookie_is_a_strangers(cast: Cast) -> None:
    here = client_for(cast.database, cast.people["police"])
    there = client_for(cast.database, cast.people["police"])
    answer = here.post(f"/my-access/sign-ins/{sign_in_id(cast, there.cookies['spheres'])}/end")
    assert (answer.status_code, answer.headers["location"]) == (303, "/my-access#sign-ins")
    assert there.get("/my-access").headers["location"] == "/sign-in"
    assert here.get("/my-access").status_code == 200
    assert endings(cast, "police") == ["", "ended_elsewhere"]
    assert told(cast, "session.ended")[-1] == {"means": ["demonstration"], "reason": "ended_elsewhere", "sign_ins": 1}


@pytest.mark.parametrize("whose", ["coordinator", "other_program", "nobody"])
def test_nobody_ends_the_sign_in_of_another(cast: Cast, whose: str) -> None:
    if whose == "coordinator":
        theirs = sign_in_id(cast, token_for(cast.database, cast.people["coordinator"]))
    elif whose == "other_program":
        theirs = sign_in_id(cast.other, token_for(cast.database, cast.other.people["coordinator"]))
    else:
        theirs = uuid4()
    client = client_for(cast.database, cast.people["police"])
    refused = client.post(f"/my-access/sign-ins/{theirs}/end")
    assert refused.status_code == 404
    assert refused.text == client.post(f"/my-access/sign-ins/{uuid4()}/end").text, "as one that never was"
    with cast.session() as session:
        assert session.scalars(select(_session.c.id).where(_session.c.ended_at.is_not(None))).all() == []


def test_a_sign_in_that_ended_already_is_said_to_have(cast: Cast) -> None:
    here = client_for(cast.database, cast.people["police"])
    there = client_for(cast.database, cast.people["police"])
    path = f"/my-access/sign-ins/{sign_in_id(cast, there.cookies['spheres'])}/end"
    there.post("/sign-out")
    again = here.post(path)
    assert (again.status_code, "This sign-in has ended already." in again.text) == (404, True)


def test_what_ended_by_itself_is_not_in_the_list(cast: Cast) -> None:
    token_for(cast.database, cast.people["police"])
    later = client_for(cast.database, cast.people["police"], at=AT + IDLE)
    assert later.get("/my-access").text.count('class="note">In the demonstration') == 1


def test_a_cookie_from_before_the_sign_in_is_worth_nothing_after_it(cast: Cast) -> None:
    """Whoever planted a cookie in a browser, of their own stay or of none, does not share what begins in it."""
    _, passkey = enrolled(cast, "manager_em")
    planted = token_for(cast.database, cast.people["police"])
    for before in (planted, "made-up", ""):
        browser = nobody(cast.database)
        if before:
            browser.cookies.set("spheres", before)
        assert come_in(browser, passkey) == 303
        after = browser.cookies.get("spheres", domain="testserver.local") or browser.cookies["spheres"]
        assert after != before
    attacker = nobody(cast.database)
    attacker.cookies.set("spheres", planted)
    assert attacker.get("/my-access").status_code == 303
    assert endings(cast, "police") == ["signed_out"]


# ------------------------------------------------------------------------------------------------ what ends it all


def test_with_the_last_role_sign_ins_and_open_links_end_in_the_same_transaction(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["police"])
    door = invited(cast, "police")
    leave(cast, "police")
    assert endings(cast, "police") == ["left"]
    assert told(cast, "session.ended")[-1]["reason"] == "left"
    assert client.get("/my-access").status_code == 303
    assert nobody(cast.database).get(door).status_code == 404


def test_an_end_to_come_or_another_role_leaves_the_sign_ins_as_they_are(cast: Cast) -> None:
    token_for(cast.database, cast.people["police"])
    leave(cast, "police", ends_on=0)  # the last day counts
    assert endings(cast, "police") == [""]
    token_for(cast.database, cast.people["manager_two"])
    with cast.session() as session:
        first = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["manager_two"])).first()
        assert first is not None
        end_tenure(session, first, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)
    assert endings(cast, "manager_two") == [""]
    with cast.session() as session:
        appoint(
            session,
            person_id=cast.people["police"],
            role="police_representative",
            organization_id=cast.organizations["spvm"],
            starts_on=TODAY + timedelta(days=30),
            by=cast.actor("coordinator"),
            at=AT,
        )
    leave(cast, "manager_two")
    assert endings(cast, "manager_two") == ["left"]


@pytest.mark.ci
def test_the_coordinator_ends_all_of_someones_access_at_once(cast: Cast) -> None:
    browser, passkey = enrolled(cast, "manager_em")
    client = client_for(cast.database, cast.people["coordinator"])
    manager = client_for(cast.database, cast.people["manager_codim"])
    path = f"/people/{cast.people['manager_em']}/access"
    assert "has access" in client.get(path).text
    assert manager.post(f"{path}/end").status_code == 404
    assert browser.get("/my-access").status_code == 200
    assert client.post(f"{path}/end").status_code == 303
    assert browser.get("/my-access").status_code == 303
    assert come_in(nobody(cast.database), passkey) == 403
    assert "no access" in client.get(path).text
    assert told(cast, "access.ended") == [{"passkeys": 1, "accounts": 0, "sign_ins": 1}]
    # Over JSON as well; and a new invitation begins anew.
    assert client.delete(f"/api/v1{path}").status_code == 204
    enrolled(cast, "manager_em")
    assert "has access" in client.get(path).text


def test_where_there_is_no_coordinator_who_runs_the_installation_ends_access(cast: Cast) -> None:
    browser, passkey = enrolled(cast, "manager_em")
    leave(cast, "coordinator")
    path = f"/people/{cast.people['manager_em']}/access"
    for name in ("officer", "privacy_officer", "manager_codim"):
        assert client_for(cast.database, cast.people[name]).post(f"{path}/end").status_code == 404
    administrator = client_for(cast.database, cast.people["administrator"])
    assert "End all of their access" in administrator.get(path).text
    assert administrator.post(f"{path}/end").status_code == 303
    assert browser.get("/my-access").status_code == 303
    assert come_in(nobody(cast.database), passkey) == 403


def test_an_end_that_is_written_in_the_past_leaves_no_way_in_for_whoever_comes_back(cast: Cast) -> None:
    browser, passkey = enrolled(cast, "manager_em")
    person = cast.people["manager_em"]
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == person)).one()
    coordinator = client_for(cast.database, cast.people["coordinator"])
    ended = {"ends_on": (TODAY - timedelta(days=1)).isoformat(), "really": "yes"}
    assert coordinator.post(f"/people/{person}/roles/{held}/end", data=ended).status_code == 303
    with cast.session() as session:
        assert access_of(session, [person], at=AT)[person].state == "none"
        appoint(
            session,
            person_id=person,
            role="manager",
            organization_id=cast.organizations["en-marge"],
            starts_on=TODAY,
            by=cast.actor("coordinator"),
            at=AT,
        )
    assert browser.get("/my-access").status_code == 303
    assert come_in(nobody(cast.database), passkey) == 403
    assert told(cast, "sign_in.refused")[-1]["reason"] == "removed"


def test_however_a_last_role_ends_what_is_left_to_come_in_by_is_found_once_its_day_is_over(cast: Cast) -> None:
    _, passkey = enrolled(cast, "manager_em")
    person, tomorrow = cast.people["manager_em"], AT + timedelta(days=1)
    enrolled(cast, "manager_codim")
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == person)).one()
        departures.end_role(session, held, ends_on=TODAY, by=cast.actor("coordinator"), at=AT)
        assert ways_in.left_open(session, AT) == [], "the last day counts"
        assert ways_in.left_open(session, tomorrow) == [person]
        # What is old is cleaned away, and a sign-in lapses; the passkey would be there for years.
        doors.shut(session, person, used_too=True)
        sign_ins.end_all(session, person, reason="left", by=cast.actor("coordinator"), at=AT)
        assert ways_in.left_open(session, tomorrow) == [person]
        ways_in.shut_out(session, person, by=cast.actor("coordinator"), at=tomorrow)
        assert ways_in.left_open(session, tomorrow) == [], "and it is done once"
    assert come_in(nobody(cast.database), passkey) == 403


# ------------------------------------------------------------------------------------------------- who has access


def test_the_list_of_access_says_who_cannot_be_invited_for_want_of_an_address(cast: Cast) -> None:
    page = client_for(cast.database, cast.people["coordinator"]).get("/access", headers={"Accept-Language": "en"}).text
    lines = [" ".join(re.sub("<[^>]+>", " ", line).split()) for line in re.findall("<li>(.*?)</li>", page, re.DOTALL)]
    assert [line for line in lines if "no address" in line] == ["Gypse Ardoise no access no address"]
    assert "Silex Marbre no access Invite – Silex Marbre" in lines


@pytest.mark.ci
def test_the_list_of_access_shows_a_manager_their_own_organization_alone(cast: Cast) -> None:
    enrolled(cast, "police")
    invited(cast, "worker_codim")
    page = client_for(cast.database, cast.people["manager_codim"]).get("/access")
    assert page.status_code == 200
    assert "Garnet Schist" in page.text
    assert "invitation open until" in page.text
    assert "Argent Saphir" not in page.text
    everyone = client_for(cast.database, cast.people["coordinator"]).get("/access").text
    assert "Argent Saphir" in everyone
    assert "1 passkey" in everyone
    assert "Craie Pyrite" not in everyone, "nobody of the other program"
    assert client_for(cast.database, cast.people["administrator"]).get("/access").status_code == 200
    for name in ("worker_codim", "director_codim", "officer", "researcher", "privacy_officer"):
        client = client_for(cast.database, cast.people[name])
        assert (name, client.get("/access").status_code) == (name, 404)
        assert (name, client.get(f"/people/{cast.people['police']}/access").status_code) == (name, 404)
        assert 'href="/access"' not in client.get("/").text


#: What browsers say of themselves before and after their name and system.
_WEBKIT = "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) {names}"


@pytest.mark.parametrize(
    ("system", "names", "device"),
    [
        ("Windows NT 10.0; Win64; x64", "Chrome/141.0 Safari/537.36 Edg/141.0", "Edge, Windows"),
        ("Macintosh; Intel Mac OS X 10_15_7", "Version/18.5 Safari/605.1.15", "Safari, macOS"),
        ("iPhone; CPU iPhone OS 18_5 like Mac OS X", "Version/18.5 Mobile/15E148 Safari/604.1", "Safari, iPhone"),
        ("Linux; Android 15; K", "SamsungBrowser/28.0 Chrome/130.0 Mobile Safari", "Samsung Internet, Android"),
        ("X11; CrOS x86_64 14541.0.0", "Chrome/141.0 Safari/537.36", "Chrome, ChromeOS"),
        ("X11; Linux x86_64", "HeadlessChrome/141.0 Safari/537.36", "Chrome, Linux"),
        ("<script>alert(1)</script>", "Nobody/1.0", ""),
        ("Windows; " + "x" * 500, "Firefox/1", "Windows"),
    ],
)
def test_a_browser_is_named_in_words_of_ours_alone(system: str, names: str, device: str) -> None:
    assert device_of(_WEBKIT.format(system=system, names=names)) == device


@pytest.mark.parametrize(("agent", "device"), [(FIREFOX, "Firefox, Windows"), ("", ""), ("python-httpx2/2.0", "")])
def test_what_is_no_browser_of_the_list_has_no_name(agent: str, device: str) -> None:
    assert device_of(agent) == device
