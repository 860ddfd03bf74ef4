"""How an installation without a demonstration gets its first people in, from the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from models.access import Door
from models.base import table_of
from models.program import Person, Tenure
from tests.api.application import client_for, nobody
from tests.api.doorway import LINK, authenticator, letters, told
from tests.cast import Cast
from tests.terminal import Say

_door = table_of(Door)
_person = table_of(Person)
_tenure = table_of(Tenure)


FIRST = ("administrator", "lazuli@ccsmtl.example", "--given", "Lazuli", "--family", "Sélénite", "--organization")
#: As `FIRST`, of the first who can add anybody.
COORDINATOR = ("coordinator", "grenat@ccsmtl.example", "--given", "Grenat", "--family", "Sélénite", "--organization")


def without_administrator(cast: Cast) -> None:
    nobody_is(cast, "administrator")


def nobody_is(cast: Cast, role: str) -> None:
    with cast.session() as session:
        session.execute(_tenure.update().where(_tenure.c.role == role).values(ends_on=_tenure.c.starts_on))


def test_the_first_administrator_comes_in_by_the_printed_link_and_invites_the_others(command: Say, cast: Cast) -> None:
    without_administrator(cast)
    status, out, _ = command(*FIRST, "ccsmtl")
    assert status == 0
    door = LINK.search(out)
    assert door is not None
    assert f"https://spheres.example{door[0]}" in out
    with cast.session() as session:
        person = session.execute(select(_person).where(_person.c.family_name == "Sélénite")).one()
    added = Cast(cast.database, cast.program_id, cast.organizations, {**cast.people, "first": person.id}, cast.members)
    browser = nobody(cast.database, at=datetime.now(UTC))
    accepted = browser.post(door[0])
    assert accepted.status_code == 303
    # It was handed over by whoever runs the installation, whose mail may not go out yet: it leads on at once.
    enrolment = accepted.headers["location"]
    assert LINK.fullmatch(enrolment)
    assert nobody(cast.database, at=datetime.now(UTC)).get(enrolment).status_code == 404, "in this browser alone"
    assert letters(added, "first", "enrolment") == letters(added, "first", "invitation") == []
    data = {"answer": authenticator().create(browser.post(f"{enrolment}/options").json())}
    assert browser.post(f"{enrolment}/passkey", data=data).status_code == 303
    assert browser.get("/access").status_code == 200
    assert browser.post(f"/people/{cast.people['coordinator']}/invitation").status_code == 303
    assert browser.get("/cases").text.count("Garnet") == 0
    assert browser.get("/board").status_code == 404
    assert told(cast, "invitation.sent") == [{}]
    assert told(cast, "invitation.handed_over") == [{}], "and the record says which of the two no letter carried"


@pytest.mark.ci
def test_with_an_administrator_there_is_no_second_and_the_same_one_is_invited_again(command: Say, cast: Cast) -> None:
    status, _, err = command(*FIRST, "ccsmtl")
    assert (status, "[administrator.there_is_one]" in err) == (1, True)
    without_administrator(cast)
    assert command(*FIRST, "ccsmtl")[0] == 0
    status, again, _ = command(*FIRST, "ccsmtl")
    assert status == 0
    with cast.session() as session:
        people = session.scalar(select(func.count()).select_from(_person).where(_person.c.family_name == "Sélénite"))
        open_doors = session.scalar(select(func.count()).select_from(_door))
    assert (people, open_doors) == (1, 1)
    assert LINK.search(again) is not None


@pytest.mark.parametrize(("place", "code"), [("codim", "role.not_in_agreement"), ("nowhere", "organization.unknown")])
def test_an_administrator_is_of_the_organization_whose_agreement_creates_the_role(
    command: Say, cast: Cast, place: str, code: str
) -> None:
    without_administrator(cast)
    status, _, err = command(*FIRST, place)
    assert (status, f"[{code}]" in err) == (1, True)
    with cast.session() as session:
        assert session.scalar(select(_person.c.id).where(_person.c.family_name == "Sélénite")) is None


def test_the_first_coordinator_comes_in_by_the_printed_link_and_adds_somebody_whom_they_invite(
    command: Say, cast: Cast
) -> None:
    nobody_is(cast, "coordinator")
    status, out, _ = command(*COORDINATOR, "ccsmtl")
    assert status == 0
    door = LINK.search(out)
    assert door is not None
    browser = nobody(cast.database, at=datetime.now(UTC))
    enrolment = browser.post(door[0]).headers["location"]
    data = {"answer": authenticator().create(browser.post(f"{enrolment}/options").json())}
    assert browser.post(f"{enrolment}/passkey", data=data).status_code == 303
    assert browser.get("/people/new").status_code == 200
    day = datetime.now(UTC).date().isoformat()
    place = f"youth_worker:{cast.organizations['codim']}"
    details = {"given_name": "Jaspe", "family_name": "Opale", "email": "jaspe@codim.example", "language": "fr"}
    added = browser.post("/people", data={**details, "place": place, "starts_on": day})
    assert added.status_code == 303, added.text
    assert browser.post(f"{added.headers['location']}/invitation").status_code == 303


@pytest.mark.ci
def test_who_only_runs_the_installation_adds_nobody_and_so_a_coordinator_is_added_at_the_terminal_once(
    command: Say, cast: Cast
) -> None:
    status, _, err = command(*COORDINATOR, "ccsmtl")
    assert (status, "[coordinator.there_is_one]" in err) == (1, True)
    nobody_is(cast, "coordinator")
    assert client_for(cast.database, cast.people["administrator"]).get("/people/new").status_code == 404
    assert command(*COORDINATOR, "codim")[0] == 1, "no agreement of theirs creates the role"
    assert command(*COORDINATOR, "ccsmtl")[0] == 0
    status, again, _ = command(*COORDINATOR, "ccsmtl")
    assert (status, LINK.search(again) is not None) == (0, True)
    with cast.session() as session:
        people = session.scalar(select(func.count()).select_from(_person).where(_person.c.family_name == "Sélénite"))
    assert people == 1
