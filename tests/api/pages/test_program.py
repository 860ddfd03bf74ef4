"""The program and its protocols as people read them, and what they say of obligations, rhythms and closed days."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from api.pages.program import rhythm_in_words
from domain.agreements import agreements, succession, version_text
from domain.casework.versions import record_protocol
from domain.declarations import Rhythm
from domain.declarations.checks import KINDS
from domain.declarations.protocol import Protocol
from domain.declared.reading import load_declared_text
from domain.kernel.calendars import Calendar
from locales import speaking
from models.agreement import Agreement, AgreementVersion
from models.base import table_of
from models.casework import ProtocolVersion
from tests.agreeing import in_force, signed_on
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.casework import open_onboarding
from tests.cast import AT, LOADING, TODAY, Cast, edited, onboarding, program_file
from tests.domain.test_loading import STRUCTURES, loaded

_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_protocol = table_of(ProtocolVersion)


def agreement_of(cast: Cast, organization: str) -> UUID:
    with cast.session() as session:
        found = session.scalars(
            select(_agreement.c.id).where(_agreement.c.organization_id == cast.organizations[organization])
        ).one()
    return UUID(str(found))


def read(cast: Cast, path: str, name: str = "worker_codim", lang: str = "en") -> str:
    answer = client_for(cast.database, cast.people[name]).get(path, headers={"Accept-Language": lang})
    assert answer.status_code == 200, answer.status_code
    return answer.text


def test_the_program_shows_its_partners_committees_and_coordination(cast: Cast) -> None:
    page = read(cast, "/program")
    for organization in program_file().value.organizations.values():
        assert organization.short_name in page
    for committee in program_file().value.committees.values():
        assert (committee.title.en in page) == committee.established
    assert "every Wednesday at 9:30" in page
    assert "4 times a year" in page
    assert "One position, in one organization" in page
    assert "Draft" in page
    french = read(cast, "/program", lang="fr")
    assert "tous les mercredis à" in french
    assert "Fête nationale du Québec" in french
    assert "Outside the program" not in french


@pytest.mark.parametrize(
    ("structure", "title", "shares"),
    [
        ("secondment", "One position, shared by two organizations", {"CCSMTL": 60, "En Marge 12-17": 40}),
        ("joint", "One position, funded by several organizations", {"CCSMTL": 50, "CODIM": 25, "SPVM": 25}),
    ],
)
def test_a_position_that_several_carry_says_who_carries_how_much_of_it(
    cast: Cast, structure: str, title: str, shares: dict[str, int]
) -> None:
    with cast.session() as session:
        loaded(session, edited(*STRUCTURES[structure][0]))
    page = text_of(read(cast, "/program"))
    assert title in page
    assert "One position, in one organization" not in page
    for name, percent in shares.items():
        assert re.search(rf"{re.escape(name)} {percent}\s?%", page), name
    if structure == "joint":  # whoever administers it has a role of their own in the agreement
        assert "Administrative manager" in read(cast, f"/program/agreements/{agreement_of(cast, 'ccsmtl')}")


def test_an_agreement_says_who_owes_what(cast: Cast) -> None:
    page = read(cast, f"/program/agreements/{agreement_of(cast, 'en-marge')}")
    assert "This version is not signed" in page
    assert "AG-M1" in page
    assert "at most 1 absence from: Steering Committee" in page
    owed = program_file().value.obligations_of("en-marge")
    assert all(one.obligation.text.en.replace("’", "’") in page for one in owed)


def test_an_earlier_version_stays_to_be_read(cast: Cast) -> None:
    agreement = agreement_of(cast, "en-marge")
    with cast.session() as session:
        first = session.scalars(select(_version.c.id).where(_version.c.agreement_id == agreement)).one()
        agreements.send_version(session, first, by=LOADING, at=AT)
        agreements.sign_version(
            session, first, director_id=cast.people["director_em"], signed_on=TODAY, by=cast.actor("director_em"), at=AT
        )
        agreements.draft_version(
            session, agreement, version_text.content_of(program_file().value, "codim"), by=LOADING, at=AT
        )
    now = read(cast, f"/program/agreements/{agreement}")
    before = read(cast, f"/program/agreements/{agreement}?n=1")
    assert "Corail Mica" not in now
    assert "Corail Mica" in before
    assert "An earlier version" in before
    client = client_for(cast.database, cast.people["coordinator"])
    assert client.get(f"/program/agreements/{agreement}?n=9").status_code == 404


@pytest.mark.ci
def test_a_version_that_is_drafted_or_begins_later_does_not_hide_the_one_in_force(cast: Cast) -> None:
    def said() -> str:
        found = re.search(r"En Marge 12-17 Community organization (.*?) L’Anonyme", text_of(read(cast, "/program")))
        assert found is not None
        return found[1]

    with cast.session() as session:
        in_force(session, cast)
        second = succession.renew(session, agreement_of(cast, "en-marge"), by=LOADING, at=AT)
    assert re.fullmatch(r"Version 1 In force from .* Version 2 Draft", said())
    with cast.session() as session:
        signed_on(session, cast, second, filed=True)
        succession.begin(session, second, starts_on=date(2027, 1, 1), by=LOADING, at=AT)
    page = read(cast, f"/program/agreements/{agreement_of(cast, 'en-marge')}?n=1")
    assert "An earlier version" not in page, "it is in force for some days more"
    assert said() == "Version 1 In force until Dec 31, 2026 Version 2 Begins later from Jan 1, 2027"


def test_an_agreement_of_another_program_is_absent(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    theirs = client.get(f"/program/agreements/{agreement_of(cast.other, 'en-marge')}")
    none = client.get(f"/program/agreements/{uuid4()}")
    assert theirs.status_code == 404
    assert theirs.text == none.text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_check_of_the_program_is_said_in_words(language: str) -> None:
    file = program_file().value
    seen = set()
    for organization in file.agreements:
        for one in file.obligations_of(organization):
            check = one.obligation.check
            said = check.rule.in_words(language, {})
            assert said
            assert "%" not in said
            seen.add(check.kind)
    assert seen == set(KINDS) - {"decisions"}  # which no clause of this program asks for


def test_a_committee_without_a_rhythm_says_none() -> None:
    with speaking("en"):
        assert rhythm_in_words(None) == ""
        assert rhythm_in_words(Rhythm(times=1, per="year")) == "1 time a year"


def test_the_public_holidays_of_a_span_are_those_that_are_not_worked() -> None:
    calendar = Calendar()
    first, last = date(2026, 12, 20), date(2027, 7, 2)
    found = calendar.public_holidays(first, last, "fr")
    assert list(found) == sorted(found)
    assert date(2026, 12, 25) in found
    assert date(2027, 6, 24) in found
    assert all(first <= day <= last and not calendar.is_working_day(day) for day in found)
    assert calendar.public_holidays(date(9000, 1, 1), date(9000, 12, 31), "en") == {}


# ------------------------------------------------------------------------------------------------- protocols


def test_the_procedure_is_printed_from_what_drives_the_cases(cast: Cast) -> None:
    page = read(cast, "/protocols/onboarding")
    protocol = onboarding().value
    for step in protocol.steps:
        assert f'id="step-{step.id}"' in page
        assert all(fact in page for fact in step.source)
    assert page.count("approved by:") == sum(step.approved_by is not None for step in protocol.steps)
    assert page.count("done by the program") == sum(step.action is not None for step in protocol.steps)
    assert "working days before the arrival" in page
    assert protocol.gates["may_follow_participants"].title.en in page
    french = read(cast, "/protocols/onboarding", lang="fr")
    assert "jours ouvrables avant l’arrivée" in french
    assert "si la personne le souhaite\xa0: ce qui manque encore" in french


def test_the_list_counts_the_cases_of_each_protocol(cast: Cast) -> None:
    open_onboarding(cast)
    page = read(cast, "/protocols")
    assert "Youth worker onboarding" in page
    assert page.count('href="/protocols/onboarding"') == 1


def test_a_version_that_cases_still_follow_can_be_read(cast: Cast) -> None:
    text = onboarding().text.replace("version: 2", "version: 3", 1).replace("the arrival", "the first day", 1)
    with cast.session() as session:
        old = session.scalars(select(_protocol.c.id)).one()
        record_protocol(
            session, load_declared_text(text, "edited.yaml", Protocol), by=LOADING, at=AT + timedelta(days=1)
        )
    assert "before the first day" in read(cast, "/protocols/onboarding")
    before = read(cast, f"/protocols/onboarding?version={old}")
    assert "before the arrival" in before
    assert "New cases follow version 3" in before
    assert read(cast, "/protocols").count("Read the procedure") == 1


def test_a_protocol_that_is_none_is_absent(cast: Cast) -> None:
    client = client_for(cast.database, cast.people["coordinator"])
    assert client.get("/protocols/departures").status_code == 404
    assert client.get(f"/protocols/onboarding?version={uuid4()}").status_code == 404
    with cast.other.session() as session:
        theirs = session.scalars(select(_protocol.c.id)).one()
    assert client.get(f"/protocols/onboarding?version={theirs}").status_code == 404
