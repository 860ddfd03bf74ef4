"""Within what someone may see, only what they need: addresses, notes and proofs, and what a letter says."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update

from domain.casework import cases, tasks
from domain.casework.proofs import GivenProof
from domain.kernel.scope import program_of
from models.base import table_of
from models.committee import Committee, Seat, SeatHolder
from models.outbox import Notice
from models.program import Person
from tests.api.json.window import Asker
from tests.api.pages.looking import signed_in, text_of
from tests.casework import approve, complete, open_onboarding, step
from tests.cast import AT, SINCE, Cast

_person = table_of(Person)
_seat = table_of(Seat)
_committee = table_of(Committee)
_holder = table_of(SeatHolder)
_notice = table_of(Notice)

NUMBER = "514-555-0177"


@pytest.fixture
def reachable(cast: Cast) -> UUID:
    """A worker of CODIM with an address and a number, who sits on the Clinical Committee."""
    person = cast.people["worker_codim"]
    with cast.session() as session:
        session.execute(update(_person).where(_person.c.id == person).values(phone=NUMBER))
    seat(cast, "worker_codim", "codim")
    return person


def seat(cast: Cast, name: str, organization: str, *, until: Any = None) -> None:
    """A seat on the Clinical Committee."""
    with cast.session() as session:
        found = session.scalar(
            select(_seat.c.id)
            .join(_committee, _committee.c.id == _seat.c.committee_id)
            .where(_committee.c.key == "clinical", _seat.c.organization_id == cast.organizations[organization])
        )
        session.execute(
            insert(_holder).values(
                program_id=program_of(session),
                id=uuid4(),
                seat_id=found,
                person_id=cast.people[name],
                kind="principal",
                starts_on=SINCE,
                ends_on=until,
                recorded_at=AT,
                version=1,
            )
        )


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("worker_codim", True),  # themselves
        ("coordinator", True),
        ("officer", True),
        ("manager_codim", True),
        ("manager_em", False),
        ("director_codim", False),
        ("it_contact", False),
        ("administrator", False),
        ("privacy_officer", False),
        ("police", False),
        ("specialist", False),
    ],
)
def test_an_address_is_for_whoever_writes_to_someone_or_must_reach_them(
    cast: Cast, reachable: UUID, who: str, sees: bool
) -> None:
    page = signed_in(cast, who).get(f"/people/{reachable}")
    assert page.status_code == 200
    assert "Garnet Schist" in page.text
    assert [word in page.text for word in ("worker.codim@codim.example", NUMBER)] == [sees, sees]
    asker = Asker(cast, who)
    shown = asker.get(f"/people/{reachable}")
    assert shown["email"] == ("worker.codim@codim.example" if sees else None)
    listed = {one["id"]: one["email"] for one in asker.get("/people?limit=200")["items"]}
    assert listed[str(reachable)] == shown["email"]


def test_those_who_sit_on_a_committee_together_reach_each_other_while_they_do(cast: Cast, reachable: UUID) -> None:
    seat(cast, "specialist", "marie-vincent")
    assert NUMBER in signed_in(cast, "specialist").get(f"/people/{reachable}").text
    # Of another committee, or of this one until last week: no more.
    seat(cast, "worker_ccsmtl", "ccsmtl", until=AT.date().replace(day=16))
    assert NUMBER not in signed_in(cast, "worker_ccsmtl").get(f"/people/{reachable}").text


@pytest.fixture
def case_id(cast: Cast) -> UUID:
    """A case at CODIM with a note, a reason and proofs, cancelled in the end."""
    case_id = open_onboarding(cast, "worker_codim", "codim")
    with cast.session() as session:
        welcome = step(session, case_id, "welcome_in_organization")["id"]
        proofs = [GivenProof("document", "visite-guidee.txt", b"Faite.")]
        tasks.complete_task(
            session, welcome, by=cast.actor("manager_codim"), at=AT, note="Bien accueillie.", evidence=proofs
        )
        spare = step(session, case_id, "provide_own_cards")["id"]
        tasks.waive_task(session, spare, by=cast.actor("coordinator"), at=AT, reason="En a déjà.")
    complete(cast, case_id, "request_secure_access")
    approve(cast, case_id, "request_secure_access", by=cast.actor("manager_codim"))
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Part ailleurs.")
    return case_id


WRITTEN = ("Bien accueillie.", "visite-guidee.txt", "En a déjà.", "Part ailleurs.")


@pytest.mark.wide(8)
@pytest.mark.parametrize(("who", "reads"), [("coordinator", True), ("manager_codim", True), ("director_codim", False)])
def test_what_people_wrote_in_a_case_is_for_those_who_have_a_part_in_it(
    cast: Cast, case_id: UUID, who: str, reads: bool
) -> None:
    """A director answers for how far a case is; that is on the page all the same."""
    client = signed_in(cast, who)
    with cast.session() as session:
        places = [f"/cases/{case_id}?history=all"] + [
            f"/tasks/{step(session, case_id, name)['id']}" for name in ("welcome_in_organization", "provide_own_cards")
        ]
    pages = [client.get(place) for place in places]
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert "Cancelled" in text_of(pages[0].text)
    assert [any(word in text_of(page.text) for page in pages) for word in WRITTEN] == [reads] * len(WRITTEN)


@pytest.mark.ci
def test_the_same_over_json(cast: Cast, case_id: UUID) -> None:
    with cast.session() as session:
        spare = step(session, case_id, "provide_own_cards")["id"]
    for who, reason in (("manager_codim", "En a déjà."), ("director_codim", None)):
        asker = Asker(cast, who)
        assert asker.get(f"/tasks/{spare}")["reason"] == reason
        shown = {one["id"]: one for one in asker.get(f"/cases/{case_id}/tasks")}
        assert shown[str(spare)]["reason"] == reason
        assert shown[str(spare)]["state"] == "waived"
        assert not [word for word in WRITTEN if word in asker.ask("GET", f"/cases/{case_id}/events").text]


@pytest.mark.usefixtures("case_id")
def test_the_administrator_sees_that_letters_went_and_not_what_they_say(cast: Cast) -> None:
    coordinator, administrator = signed_in(cast, "coordinator"), signed_in(cast, "administrator")
    whole, short = coordinator.get("/post").text, administrator.get("/post").text
    assert "To be sent" in text_of(whole)
    assert "To be sent" in text_of(short)
    assert "Garnet Schist" in text_of(whole)
    assert "/post/" in whole
    # Neither a subject, which names the one whom a case is about, nor a way to the text.
    assert "/post/" not in short.partition("<main")[2]
    with cast.session() as session:
        subjects = [row.subject for row in session.execute(select(_notice.c.subject))]
    assert subjects
    assert not [subject for subject in subjects if subject in text_of(short)]
