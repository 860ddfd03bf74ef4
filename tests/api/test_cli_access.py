"""Inviting from the command line, and how an installation without a demonstration gets its first person in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from models.access import Door
from models.base import table_of
from models.program import Person, Tenure
from tests.api.desk import nobody
from tests.api.doorway import LINK, authenticator, letters, told
from tests.cast import Cast
from tests.terminal import Say

_door = table_of(Door)
_person = table_of(Person)
_tenure = table_of(Tenure)


FIRST = ("administrator", "lazuli@ccsmtl.example", "--given", "Lazuli", "--family", "Sélénite", "--organization")


def without_administrator(cast: Cast) -> None:
    with cast.session() as session:
        session.execute(_tenure.update().where(_tenure.c.role == "administrator").values(ends_on=_tenure.c.starts_on))


def test_someone_is_invited_by_one_who_may(command: Say, cast: Cast) -> None:
    status, out, _ = command("invite", "manager_em", "--as", "coordinator")
    assert (status, out.strip()) == (0, "An invitation goes to Perle Obsidienne.")
    assert len(letters(cast, "manager_em", "invitation")) == 1
    assert LINK.search(out) is None, "the link is its reader's alone"
    status, _, err = command("invite", "manager_em", "--as", "manager_codim")
    assert (status, "nothing that is yours" in err) == (1, True)
    status, _, err = command("invite", "without_mail", "--as", "coordinator")
    assert (status, "[invitation.no_address]" in err) == (1, True)
    assert command("invite", "no-such-person", "--as", "coordinator")[0] == 1


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
    assert told(cast, "invitation.sent") == [{}, {}]


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
