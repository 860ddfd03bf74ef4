"""How often one may knock: counted in the database, for all processes alike, and kindly refused beyond."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Final

import pytest
from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from api.access.permissions import Action
from api.app import create_app
from api.pages.answering import ANSWERS_FROM_ONE_PLACE
from api.web import limits
from api.web.limits import (
    LETTERS_FROM_ONE_PLACE,
    LETTERS_TO_ONE_ADDRESS,
    LETTERS_TO_ONE_ADDRESS_FROM_ALL,
    SIGN_IN_TRIES,
    SPAN,
    place_of,
)
from flows.sweep import sweep
from models.access import RateCount, SignInFlow
from models.base import table_of
from tests.api.application import ADDRESS, installation_of, nobody
from tests.api.doorway import enrolled, letters
from tests.cast import AT, Cast
from tests.flows.support import Clock, means_of

_count = table_of(RateCount)
_flow = table_of(SignInFlow)

MANAGER = "manager.em@en-marge.example"


def from_place(cast: Cast, host: str) -> TestClient:
    """A browser at an address of the network, with the application to itself."""
    app = create_app(installation_of(cast.database))
    return TestClient(app, base_url=ADDRESS, client=(host, 50000), follow_redirects=False)


@pytest.mark.parametrize("tries", [SIGN_IN_TRIES + 10, pytest.param(1000, marks=pytest.mark.ci)])
def test_of_a_thousand_tries_from_one_place_most_are_refused_and_other_places_are_not(cast: Cast, tries: int) -> None:
    client = from_place(cast, "198.51.100.7")
    answers = [client.post("/sign-in/passkey", data={"answer": "{}"}) for _ in range(tries)]
    statuses = [one.status_code for one in answers]
    assert statuses == [403] * SIGN_IN_TRIES + [429] * (tries - SIGN_IN_TRIES)
    refused = answers[-1]
    assert 0 < int(refused.headers["retry-after"]) <= SPAN.total_seconds()
    assert "Attendez un quart d’heure" in refused.text
    assert "There were too many attempts" in client.post("/sign-in/passkey", headers={"Accept-Language": "en"}).text
    assert from_place(cast, "198.51.100.8").post("/sign-in/passkey").status_code == 403
    # Another process of the web counts on from there.
    assert from_place(cast, "198.51.100.7").post("/sign-in/passkey").status_code == 429
    # Whoever is signed in goes on working.
    assert client.get("/sign-in").status_code == 200


#: What counts the tries of each action that somebody who is not signed in may try, and how many are let through.
COUNTED: Final = {Action.SIGN_IN: ("sign_in", SIGN_IN_TRIES), Action.ANSWER_BY_LINK: ("answer", ANSWERS_FROM_ONE_PLACE)}

#: The choice of whom to be. Only a demonstration has it, where there is nothing to guess and nobody is real.
OF_THE_DEMONSTRATION: Final = "/sign-in"


def posted_to(app: FastAPI, action: Action) -> list[str]:
    """The paths of the routes that ask for an action and are posted to."""
    return [
        str(found.path)
        for found in iter_route_contexts(app.routes)
        if getattr(getattr(found.original_route, "endpoint", None), "__asks__", None) is action
        and "POST" in (getattr(found.original_route, "methods", None) or ())
    ]


@pytest.mark.parametrize("action", COUNTED)
def test_every_way_in_is_shut_to_a_place_that_tried_too_often(cast: Cast, action: Action) -> None:
    installation = installation_of(cast.database)
    app = create_app(installation)
    ways = [("POST", path) for path in posted_to(app, action) if path != OF_THE_DEMONSTRATION]
    if action is Action.SIGN_IN:
        assert {"/door/{token}", "/sign-in/passkey", "/sign-in/entra", "/auth/callback"} <= {path for _, path in ways}
        # The one that only leads away, and keeps for each try what the way back is held to.
        ways.append(("GET", "/sign-in/entra"))
    assert ways

    def statuses(host: str) -> dict[str, int]:
        client = TestClient(app, base_url=ADDRESS, client=(host, 50000), follow_redirects=False)
        return {
            f"{method} {path}": client.request(method, path.replace("{token}", "A" * 43)).status_code
            for method, path in ways
        }

    assert 429 not in statuses("198.51.100.8").values()
    what, most = COUNTED[action]
    for _ in range(most):
        limits.hit(installation, what, "198.51.100.7", most=most)
    assert statuses("198.51.100.7") == {f"{method} {path}": 429 for method, path in ways}


def test_a_try_counts_for_a_quarter_of_an_hour(cast: Cast) -> None:
    now = AT.replace(minute=14, second=59)
    installation = replace(installation_of(cast.database), clock=lambda: now)
    for _ in range(3):
        limits.hit(installation, "letter_to", MANAGER, most=3)
    with pytest.raises(limits.TooMany) as told:
        limits.hit(installation, "letter_to", MANAGER, most=3)
    assert told.value.headers == {"Retry-After": "1"}
    limits.hit(replace(installation, clock=lambda: now + timedelta(seconds=1)), "letter_to", MANAGER, most=3)


def asked_for(cast: Cast, address: str, hosts: Iterable[str]) -> list[int]:
    """How it is answered where a link is asked for to an address, once from each of these places."""
    return [from_place(cast, host).post("/sign-in/letter", data={"address": address}).status_code for host in hosts]


@pytest.mark.ci
def test_an_address_gets_few_letters_from_however_many_places_they_are_asked_for(cast: Cast) -> None:
    enrolled(cast, "manager_em")
    before, most = len(letters(cast, "manager_em", "enrolment")), LETTERS_TO_ONE_ADDRESS_FROM_ALL
    statuses = asked_for(cast, MANAGER.upper(), (f"198.51.100.{number}" for number in range(most + 2)))
    assert statuses == [303] * most + [429, 429]
    assert len(letters(cast, "manager_em", "enrolment")) == before + most
    # An address that nobody has is counted alike: the limit tells nothing.
    unknown = asked_for(cast, "a@b.example", (f"203.0.113.{number}" for number in range(most + 2)))
    assert unknown == statuses


@pytest.mark.ci
def test_whoever_types_anothers_address_over_and_over_does_not_keep_them_out(cast: Cast) -> None:
    enrolled(cast, "manager_em")
    before = len(letters(cast, "manager_em", "enrolment"))
    asked = 2 * LETTERS_TO_ONE_ADDRESS_FROM_ALL
    from_there = asked_for(cast, MANAGER, ["198.51.100.7"] * asked)
    assert from_there == [303] * LETTERS_TO_ONE_ADDRESS + [429] * (asked - LETTERS_TO_ONE_ADDRESS)
    assert asked_for(cast, MANAGER, ["198.51.100.8"]) == [303]
    assert len(letters(cast, "manager_em", "enrolment")) == before + LETTERS_TO_ONE_ADDRESS + 1


@pytest.mark.ci
def test_whoever_is_signed_in_asks_for_so_many_links_too(cast: Cast) -> None:
    browser, _ = enrolled(cast, "manager_em")
    before = len(letters(cast, "manager_em", "enrolment"))
    statuses = [browser.post("/my-access/passkeys").status_code for _ in range(LETTERS_TO_ONE_ADDRESS + 2)]
    assert statuses == [303] * LETTERS_TO_ONE_ADDRESS + [429, 429]
    assert len(letters(cast, "manager_em", "enrolment")) == before + LETTERS_TO_ONE_ADDRESS


@pytest.mark.ci
def test_one_place_asks_for_so_many_links_however_many_addresses_it_types(cast: Cast) -> None:
    client = from_place(cast, "198.51.100.7")
    statuses = [
        client.post("/sign-in/letter", data={"address": f"a{number}@b.example"}).status_code
        for number in range(LETTERS_FROM_ONE_PLACE + 2)
    ]
    assert statuses == [303] * LETTERS_FROM_ONE_PLACE + [429, 429]
    assert asked_for(cast, "a@b.example", ["198.51.100.8"]) == [303]


def test_what_is_counted_names_neither_address_nor_place(cast: Cast) -> None:
    from_place(cast, "198.51.100.7").post("/sign-in/letter", data={"address": MANAGER})
    with cast.session() as session:
        kept = str(session.execute(select(_count)).mappings().all())
    assert "198.51" not in kept
    assert "manager" not in kept


def test_nobody_says_for_themselves_where_they_come_from(cast: Cast) -> None:
    client = from_place(cast, "198.51.100.7")
    for number in range(3):
        headers = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
        client.post("/sign-in/passkey", headers=headers)
    with cast.session() as session:
        assert session.scalars(select(_count.c.tries)).all() == [3]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.7", "198.51.100.8", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("testclient", "testclient", True),
    ],
)
def test_a_place_is_an_address_and_of_ipv6_a_network(one: str, other: str, same: bool) -> None:
    def place(host: str) -> str:
        return place_of(Request({"type": "http", "client": (host, 1), "headers": []}))

    assert (place(one) == place(other)) is same


def test_counts_and_half_done_sign_ins_are_swept_away_when_they_serve_no_more(cast: Cast) -> None:
    client = nobody(cast.database)
    client.post("/sign-in/passkey/options")
    clock = Clock()

    def left() -> tuple[int, int]:
        with cast.session() as session:
            counts = session.scalar(select(func.count()).select_from(_count)) or 0
            return counts, session.scalar(select(func.count()).select_from(_flow)) or 0

    sweep(means_of(cast, clock), cast.program_id, "test")
    assert left() == (1, 1)
    clock.pass_by(minutes=16)
    sweep(means_of(cast, clock), cast.program_id, "test")
    assert left() == (1, 0)
    # A count is kept a day, for the record of those who were turned away in its minute.
    clock.pass_by(hours=23)
    sweep(means_of(cast, clock), cast.program_id, "test")
    assert left() == (1, 0)
    clock.pass_by(hours=1)
    sweep(means_of(cast, clock), cast.program_id, "test")
    assert left() == (0, 0)
    assert clock.now.tzinfo is UTC
