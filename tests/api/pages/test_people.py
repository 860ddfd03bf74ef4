"""People and roles: who holds what on a day, what is vacant, and who may change it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from domain.people.absences import record_absence
from domain.people.calendar_readers import readers_of
from domain.people.people import end_tenure
from locales import show_day
from models.base import table_of
from models.program import Absence, Person, Tenure
from models.record import Event
from tests.api.application import client_for, nobody
from tests.api.pages.looking import text_of
from tests.casework import open_onboarding
from tests.cast import AT, SINCE, TODAY, Cast
from tests.departing import record_protocols

_person = table_of(Person)
_tenure = table_of(Tenure)
_absence = table_of(Absence)
_event = table_of(Event)

HARD_NAME = "<script>alert(1)</script> O’Brïen 🌍"


def signed_in(cast: Cast, name: str) -> TestClient:
    return client_for(cast.database, cast.people[name])


def tenure_of(cast: Cast, name: str) -> UUID:
    with cast.session() as session:
        of_person = select(_tenure.c.id).where(_tenure.c.person_id == cast.people[name])
        found = session.scalars(of_person.order_by(_tenure.c.starts_on)).first()
    return UUID(str(found))


def end(cast: Cast, name: str, day: date) -> None:
    with cast.session() as session:
        end_tenure(session, tenure_of(cast, name), ends_on=day, by=cast.actor("coordinator"), at=AT)


def verbs(cast: Cast) -> list[str]:
    with cast.session() as session:
        return list(session.scalars(select(_event.c.verb).order_by(_event.c.n.desc()).limit(5)))


def whole_of(cast: Cast, name: str) -> dict[str, str]:
    with cast.session() as session:
        person = session.get(Person, (cast.program_id, cast.people[name]))
        assert person is not None
        return {
            "given_name": person.given_name,
            "family_name": person.family_name,
            "email": person.email or "",
            "phone": person.phone or "",
            "language": person.language,
            "seen": str(person.version),
        }


# ------------------------------------------------------------------------------------------------- everyone


def test_everyone_stands_under_their_organization(cast: Cast) -> None:
    page = signed_in(cast, "worker_codim").get("/people").text
    codim = page[page.index(f'id="o-{cast.organizations["codim"]}"') :]
    codim = codim[: codim.index("</section>")]
    assert "Pearl O&#39;Quartz" in codim
    assert "Slate Nickel" in codim
    assert "Zinc Porphyre" not in codim
    assert "Craie Pyrite" not in page  # of the other program


def test_a_role_that_nobody_holds_shows_with_the_tasks_that_fall_to_it(cast: Cast) -> None:
    open_onboarding(cast)
    end(cast, "manager_em", TODAY - timedelta(days=1))
    page = signed_in(cast, "coordinator").get("/people").text
    place = page[page.index(f'id="o-{cast.organizations["en-marge"]}"') :]
    assert place.index("Manager") < place.index("Vacant")


def test_who_held_what_on_a_day_stays_answerable(cast: Cast) -> None:
    end(cast, "manager_codim", TODAY - timedelta(days=7))
    client = signed_in(cast, "coordinator")
    today = client.get("/people").text
    before = client.get(f"/people?on={TODAY - timedelta(days=7)}").text
    codim = f'id="o-{cast.organizations["codim"]}"'
    assert "Quartz" not in today[today.index(codim) :].partition("</section>")[0].replace("Émeraude Quartz", "")
    assert "O&#39;Quartz" in before[before.index(codim) :].partition("</section>")[0]
    assert "Émeraude Quartz" in client.get("/people?on=2026-12-07").text.partition("Without a role")[0]


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "0206-11-23", "2026-11-23'; drop table person"])
def test_a_day_that_is_none_is_said_and_today_shown(cast: Cast, day: str) -> None:
    page = signed_in(cast, "coordinator").get("/people", params={"on": day})
    assert page.status_code == 422
    assert "One thing to correct" in page.text
    assert "Agate Améthyste" in page.text


def test_an_absence_shows_with_whoever_acts(cast: Cast) -> None:
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people["manager_em"],
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=3),
            deputy_id=cast.people["deputy"],
            by=cast.actor("coordinator"),
            at=AT,
        )
    page = signed_in(cast, "police").get("/people").text
    assert "Away now or soon" in page
    assert "deputy: Soufre Tungstène" in page
    assert "acting for Perle Obsidienne" in page
    # The header of whoever acts says so on every page.
    assert "acting for Perle Obsidienne" in signed_in(cast, "deputy").get("/program").text


# --------------------------------------------------------------------------------------------- adding someone


def new_person(cast: Cast, **given: str) -> dict[str, str]:
    return {
        "given_name": "Mercure",
        "family_name": "D’Étain",
        "email": "mercure@codim.example",
        "language": "fr",
        "place": f"second_representative:{cast.organizations['codim']}",
        "starts_on": "2026-12-01",
        **given,
    }


def test_the_coordinator_adds_someone_with_a_first_role(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    assert client.get("/people/new").status_code == 200
    added = client.post("/people", data=new_person(cast))
    assert added.status_code == 303
    page = client.get(added.headers["location"]).text
    assert "Mercure D’Étain" in page
    assert f"from {show_day('en', date(2026, 12, 1), 'medium')}" in page
    assert verbs(cast)[:2] == ["tenure.started", "person.added"]


@pytest.mark.ci
def test_what_somebody_new_speaks_is_asked_wherever_they_are_added(cast: Cast) -> None:
    """By it they are proposed to candidates from their first day on, without being looked at again."""
    client = signed_in(cast, "coordinator")

    def spoken(family_name: str) -> list[str] | None:
        with cast.session() as session:
            return session.scalar(select(_person.c.spoken).where(_person.c.family_name == family_name))

    for form in ("/people/new", "/cases/new"):
        assert "Languages they speak" in client.get(form).text
    wrong = client.post("/people", data=new_person(cast, spoken="espagnol, klingonais"))
    assert "one of them is not known by this name" in wrong.text
    assert 'value="espagnol, klingonais"' in wrong.text
    assert spoken("D’Étain") is None
    assert client.post("/people", data=new_person(cast, spoken="espagnol, English")).status_code == 303
    assert spoken("D’Étain") == ["es", "en"]
    welcomed = {
        **new_person(cast, family_name="Spinelle", email="spinelle@codim.example", spoken="Inuktitut"),
        "form": "new",
        "organization": str(cast.organizations["codim"]),
    }
    record_protocols(cast)
    preview = client.post("/cases/new", data=welcomed)
    assert 'name="spoken" value="Inuktitut"' in preview.text, "kept from the plan to the case"
    assert client.post("/cases", data=welcomed).status_code == 303
    assert spoken("Spinelle") == ["iu"]
    over_json = {
        **{name: new_person(cast)[name] for name in ("given_name", "language", "starts_on")},
        "family_name": "Topaze",
        "organization_id": str(cast.organizations["codim"]),
        "role": "second_representative",
        "spoken": ["ar"],
    }
    assert client.post("/api/v1/people", json=over_json).status_code == 201
    assert spoken("Topaze") == ["ar"]


def test_a_refused_form_comes_back_as_it_was_typed_and_adds_nobody(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    typed = new_person(cast, given_name=HARD_NAME, place=f"coordinator:{cast.organizations['codim']}")
    page = client.post("/people", data=typed)
    assert page.status_code == 409
    assert "No agreement of this organization creates this role." in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; O’Brïen 🌍" in page.text
    assert "<script>alert" not in page.text
    with cast.session() as session:
        assert session.scalar(select(_person.c.id).where(_person.c.family_name == "D’Étain")) is None


def test_a_hard_name_is_a_name(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    added = client.post("/people", data=new_person(cast, given_name=HARD_NAME))
    page = client.get(added.headers["location"])
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "<script>alert" not in client.get("/people?on=2026-12-02").text
    assert HARD_NAME.replace("<", "&lt;").replace(">", "&gt;") in page.text


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"given_name": ""}, 422),
        ({"family_name": "x" * 81}, 422),
        ({"email": "no address"}, 422),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, 422),
        ({"language": "de"}, 422),
        ({"phone": "5" * 41}, 422),
        ({"starts_on": ""}, 422),
        ({"starts_on": "tomorrow"}, 422),
        ({"place": "second_representative:no-id"}, 422),
    ],
)
def test_what_is_missing_or_wrong_is_said(cast: Cast, given: dict[str, str], status: int) -> None:
    page = signed_in(cast, "coordinator").post("/people", data=new_person(cast, **given))
    assert (page.status_code, "Not saved" in page.text) == (status, True)


def test_a_manager_adds_people_to_their_own_organization_alone(cast: Cast) -> None:
    client = signed_in(cast, "manager_codim")
    assert client.post("/people", data=new_person(cast)).status_code == 303
    elsewhere = f"second_representative:{cast.organizations['en-marge']}"
    assert client.post("/people", data=new_person(cast, place=elsewhere)).status_code == 404
    assert client.post("/people", data=new_person(cast, place="")).status_code == 404
    form = client.get("/people/new").text
    assert "CODIM – Youth worker" in form
    assert "En Marge 12-17 – Youth worker" not in form


@pytest.mark.parametrize("name", ["worker_codim", "director_codim", "officer", "police"])
def test_nobody_else_adds_people(cast: Cast, name: str) -> None:
    client = signed_in(cast, name)
    assert client.get("/people/new").status_code == 404
    assert client.post("/people", data=new_person(cast)).status_code == 404
    assert "Add someone" not in client.get("/people").text


# ------------------------------------------------------------------------------------------------ one person


def test_a_person_of_another_program_is_as_absent_as_one_that_never_was(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    theirs = client.get(f"/people/{cast.other.people['coordinator']}")
    none = client.get(f"/people/{uuid4()}")
    assert theirs.status_code == none.status_code == 404
    assert theirs.text == none.text
    assert client.get("/people/no-id").status_code == 404
    # The menu stays, so that one finds the way back.
    assert 'href="/people"' in theirs.text


@pytest.mark.ci
def test_no_form_reaches_into_another_program(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    theirs = cast.other.people["worker_em"]
    place = f"second_representative:{cast.organizations['codim']}"
    data = {"place": place, "starts_on": "2026-12-01"}
    assert client.post(f"/people/{theirs}/roles", data=data).status_code == 404
    details = whole_of(cast, "police")
    assert client.post(f"/people/{theirs}", data=details).status_code == 404
    assert client.post(f"/people/{theirs}/absences", data={"starts_on": "2026-12-01"}).status_code == 404
    theirs_there = f"second_representative:{cast.other.organizations['codim']}"
    mine = cast.people["police"]
    answer = client.post(f"/people/{mine}/roles", data={**data, "place": theirs_there})
    assert answer.status_code in (404, 409)
    # A tenure under the address of someone else's page is not there either.
    strange = f"/people/{mine}/roles/{tenure_of(cast, 'officer')}/end"
    assert client.post(strange, data={"ends_on": str(TODAY)}).status_code == 404


def test_oneself_changes_ones_own_address_and_the_record_says_so_without_it(cast: Cast) -> None:
    client = signed_in(cast, "police")
    me = cast.people["police"]
    data = {**whole_of(cast, "police"), "email": "argent@spvm.example", "language": "en"}
    assert client.post(f"/people/{me}", data=data).headers["location"] == f"/people/{me}#details"
    assert "argent@spvm.example" in client.get(f"/people/{me}").text
    with cast.session() as session:
        last = session.execute(select(_event).order_by(_event.c.n.desc())).mappings().first()
    assert last is not None
    assert (last["verb"], last["facts"]) == ("person.updated", {"changed": ["email", "language"]})


@pytest.mark.ci
def test_who_has_such_a_calendar_says_on_their_page_that_it_takes_every_message_for_the_whole(cast: Cast) -> None:
    client, me = signed_in(cast, "police"), cast.people["police"]
    page = client.get(f"/people/{me}").text
    assert "Not known yet" in page
    data = {**whole_of(cast, "police"), "calendar": "replace"}
    assert client.post(f"/people/{me}", data=data).status_code == 303
    assert '<input type="radio" name="calendar" value="replace" checked' in client.get(f"/people/{me}").text
    with cast.session() as session:
        assert readers_of(session, [me]) == {me: "replace"}
    # Whoever does not send the field leaves it as it is; the coordinator says it for them; and no other kind is one.
    assert client.post(f"/people/{me}", data=whole_of(cast, "police")).status_code == 303
    wrong = client.post(f"/people/{me}", data={**whole_of(cast, "police"), "calendar": "joual"})
    assert (wrong.status_code, "Choose from the list." in wrong.text) == (422, True)
    coordinator = signed_in(cast, "coordinator")
    asked = {"given_name": "Argent", "family_name": "Saphir", "language": "fr", "calendar": "merge"}
    seen = {"If-Match": f'"{whole_of(cast, "police")["seen"]}"'}
    shown = coordinator.put(f"/api/v1/people/{me}", json=asked, headers=seen)
    assert (shown.status_code, shown.json()["calendar"]) == (200, "merge")
    listed = signed_in(cast, "worker_codim").get(f"/api/v1/people/{me}").json()
    assert listed["calendar"] is None, "who does not see how somebody is reached does not see this either"


def test_the_second_of_two_editors_is_told_and_keeps_what_they_typed(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    me = cast.people["police"]
    seen = whole_of(cast, "police")
    assert client.post(f"/people/{me}", data={**seen, "phone": "514-555-0100"}).status_code == 303
    page = client.post(f"/people/{me}", data={**seen, "phone": "514-555-0199"})
    assert page.status_code == 412
    assert "This person’s entry was changed by someone else" in page.text
    assert 'value="514-555-0199"' in page.text
    assert whole_of(cast, "police")["phone"] == "514-555-0100"


def test_saving_without_a_change_writes_nothing(cast: Cast) -> None:
    me, client = cast.people["police"], signed_in(cast, "police")
    before = verbs(cast)
    assert client.post(f"/people/{me}", data=whole_of(cast, "police")).status_code == 303
    assert verbs(cast) == before
    assert whole_of(cast, "police")["seen"] == "1"


@pytest.mark.parametrize("name", ["worker_codim", "manager_codim", "officer"])
def test_nobody_changes_someone_of_another_organization(cast: Cast, name: str) -> None:
    client = signed_in(cast, name)
    them = cast.people["police"]
    assert client.post(f"/people/{them}", data=whole_of(cast, "police")).status_code == 404
    assert "Change this" not in client.get(f"/people/{them}").text
    absence = {"starts_on": "2026-12-01", "ends_on": "2026-12-02", "kinds": ["tasks"]}
    assert client.post(f"/people/{them}/absences", data=absence).status_code == 404
    assert client.post(f"/people/{them}/roles/{tenure_of(cast, 'police')}/end").status_code == 404


@pytest.mark.ci
def test_a_role_is_given_and_ended_and_its_past_stays(cast: Cast) -> None:
    client = signed_in(cast, "manager_codim")
    them = cast.people["worker_codim"]
    place = f"second_representative:{cast.organizations['codim']}"
    given = client.post(f"/people/{them}/roles", data={"place": place, "starts_on": "2026-11-01"})
    assert given.headers["location"] == f"/people/{them}#roles"
    twice = client.post(f"/people/{them}/roles", data={"place": place, "starts_on": "2026-11-10"})
    assert twice.status_code == 409
    assert "already holds that role there on those days" in twice.text
    held = tenure_of(cast, "worker_codim")
    early = client.post(f"/people/{them}/roles/{held}/end", data={"ends_on": "2020-01-01"})
    assert early.status_code == 422
    assert 'value="2020-01-01"' in early.text
    meanwhile = client.post(f"/people/{them}/roles/{held}/end", data={"ends_on": "2026-11-20", "seen": "7"})
    assert meanwhile.status_code == 412
    assert "This appointment was changed by someone else" in meanwhile.text
    ending = {"ends_on": "2026-11-20", "seen": "1"}
    before = client.post(f"/people/{them}/roles/{held}/end", data=ending)
    assert before.status_code == 200
    assert "Nothing is done yet" in before.text
    assert "They hold another role there: no departure opens." in before.text
    assert client.get(f"/people/{them}").text.count("Nov 20, 2026") == 0, "and nothing was"
    ending |= {"really": "yes"}
    assert client.post(f"/people/{them}/roles/{held}/end", data=ending).status_code == 303
    page = client.get(f"/people/{them}").text
    first, last = show_day("en", SINCE, "medium"), show_day("en", date(2026, 11, 20), "medium")
    assert f"{first} to {last}" in page


@pytest.mark.ci
def test_an_absence_is_recorded_and_called_off(cast: Cast) -> None:
    client = signed_in(cast, "worker_codim")
    me = cast.people["worker_codim"]
    absence = {"starts_on": "2026-12-01", "ends_on": "2026-12-05", "deputy": str(cast.people["deputy"])}
    nothing = client.post(f"/people/{me}/absences", data=absence)
    assert nothing.status_code == 422
    assert "Say what the deputy covers" in nothing.text
    assert f'<option value="{cast.people["deputy"]}" selected>' in nothing.text
    assert client.post(f"/people/{me}/absences", data={**absence, "kinds": ["tasks"]}).status_code == 303
    overlapping = client.post(f"/people/{me}/absences", data={**absence, "kinds": ["tasks"]})
    assert overlapping.status_code == 409
    with cast.session() as session:
        row = session.execute(select(_absence)).mappings().one()
    assert row["kinds"] == ["tasks"]
    assert client.post(f"/people/{me}/absences/{row['id']}/cancel").status_code == 303
    assert "cancelled" in client.get(f"/people/{me}").text
    again = client.post(f"/people/{me}/absences/{row['id']}/cancel")
    assert again.status_code == 404


@pytest.mark.ci
def test_what_someone_has_to_do_is_shown_to_those_who_answer_for_them(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    page = signed_in(cast, "coordinator").get(f"/people/{cast.people['officer']}").text
    assert "Waiting for them, in cases" in page
    about = signed_in(cast, "coordinator").get(f"/people/{cast.people['worker_em']}").text
    assert f'href="/cases/{case_id}"' in about
    # A colleague of elsewhere sees the person, and neither their case nor their work.
    seen = signed_in(cast, "director_codim").get(f"/people/{cast.people['worker_em']}").text
    assert "Émeraude Quartz" in seen
    assert str(case_id) not in seen
    assert "Waiting for them" not in signed_in(cast, "director_codim").get(f"/people/{cast.people['officer']}").text


def test_the_page_is_french_for_who_asks_in_french(cast: Cast) -> None:
    page = signed_in(cast, "coordinator").get("/people", headers={"Accept-Language": "fr"}).text
    assert "Personnes et rôles" in page
    assert '<html lang="fr-CA"' in page


def test_nobody_sees_people_without_signing_in(cast: Cast) -> None:
    client = nobody(cast.database)
    for path in ("/people", "/people/by-name?q=quartz", f"/people/{cast.people['police']}"):
        assert client.get(path).status_code == 303
    assert client.post("/people", data=new_person(cast)).headers["location"] == "/sign-in"


def test_who_left_is_found_by_a_part_of_the_name_with_or_without_accents(cast: Cast) -> None:
    end(cast, "manager_codim", TODAY - timedelta(days=7))
    client = signed_in(cast, "coordinator")
    found = [text_of(client.get(f"/people/by-name?q={part}").text) for part in ("quartz", "émer qua", "EMERAUDE")]
    assert all("Émeraude Quartz" in page for page in found)
    assert "O'Quartz" in found[0]
    assert "O'Quartz" not in found[1]
    assert "No matching person" in text_of(client.get("/people/by-name?q=nobody+of+this+name").text)
    assert "No matching person" in text_of(client.get("/people/by-name?q=%25").text)  # it is a part, and no pattern


def test_everyone_stands_by_name_a_page_at_a_time_and_each_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.pages.people.A_PAGE", 5)
    client, seen, address = signed_in(cast, "coordinator"), list[str](), "/people/by-name"
    while address:
        page = client.get(address).text
        here = re.findall(r'href="/people/([0-9a-f-]{36})"', page[page.index("<main") :])
        assert 0 < len(here) <= 5
        seen += here
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert sorted(seen) == sorted(set(seen))
    assert set(seen) == set(map(str, cast.people.values()))


def test_people_are_found_by_a_part_of_the_name_over_json(cast: Cast) -> None:
    found = signed_in(cast, "coordinator").get("/api/v1/people?q=QUARTZ").json()
    assert [one["name"] for one in found["items"]] == ["Pearl O'Quartz", "Émeraude Quartz"]
    assert found["total"] is None, "who was here only grows"
