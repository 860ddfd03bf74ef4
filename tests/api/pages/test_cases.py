"""The list of cases, and opening one: what it would ask is shown first, and nothing is written before."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, or_, select, update

from api.pages import cases as cases_page
from domain.casework import cases
from domain.people import people
from domain.people.people import end_tenure
from locales import show_day
from models.base import table_of
from models.casework import Case
from models.outbox import Notice
from models.program import Person, Tenure
from models.record import Event
from tests.agreeing import in_force
from tests.api.pages.looking import signed_in, text_of
from tests.casework import complete, open_onboarding
from tests.cast import ARRIVAL, AT, TODAY, Cast
from tests.declared import record

_case = table_of(Case)
_person = table_of(Person)
_tenure = table_of(Tenure)
_notice = table_of(Notice)
_event = table_of(Event)

HARD = "<script>alert(1)</script>"


def counts(cast: Cast) -> list[int]:
    """How many rows there are of everything that opening a case writes. Who signed in or was refused is apart."""
    with cast.session() as session:
        tables = (_case, _person, _tenure, _notice)
        rows = [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]
        of_access = or_(_event.c.verb.like("sign_in.%"), _event.c.verb.like("access.%"))
        events = select(func.count()).select_from(_event).where(~of_access)
        return [*rows, session.scalar(events) or 0]


def new(cast: Cast, **changed: str) -> dict[str, str]:
    return {
        "form": "new",
        "given_name": "Nickel",
        "family_name": "D’Ardoise",
        "email": "nickel@codim.example",
        "phone": "",
        "language": "en",
        "organization": str(cast.organizations["codim"]),
        "starts_on": "2027-01-11",
        **changed,
    }


def known(cast: Cast, worker: str = "worker_em", place: str = "en-marge") -> dict[str, str]:
    return {"form": "known", "worker": f"{cast.people[worker]}/{cast.organizations[place]}"}


# ------------------------------------------------------------------------------------------------------ the list


def names(client: TestClient, address: str = "/cases") -> list[str]:
    page = client.get(address)
    assert page.status_code == 200
    return re.findall(r'class="row-link"[^>]*><bdi>(.*?)</bdi>', page.text)


def three(cast: Cast) -> None:
    open_onboarding(cast)
    open_onboarding(cast, "worker_codim", "codim")
    open_onboarding(cast, "without_mail", "anonyme")
    open_onboarding(cast.other)


@pytest.mark.ci
def test_each_sees_the_cases_of_their_own_and_of_no_other_program(cast: Cast) -> None:
    three(cast)
    everyone = {"Émeraude Quartz", "Garnet Schist", "Gypse Ardoise"}
    for name, seen in (
        ("coordinator", everyone),
        ("officer", everyone),  # has something to do in each
        ("manager_codim", {"Garnet Schist"}),
        ("director_em", {"Émeraude Quartz"}),
        ("worker_codim", {"Garnet Schist"}),
        ("police", set()),
        ("manager_two", set()),
    ):
        assert set(names(signed_in(cast, name))) == seen, name


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("q", "found"), [("emeraude", 1), ("QUARTZ éme", 1), ("quartz garnet", 0), ("%", 0), ("_", 0), ("a", 3), ("  ", 3)]
)
def test_a_name_is_found_without_its_accents_and_signs_mean_themselves(cast: Cast, q: str, found: int) -> None:
    three(cast)
    client = signed_in(cast, "coordinator")
    assert len(re.findall("row-link", client.get("/cases", params={"q": q}).text)) == found


@pytest.mark.ci
def test_the_list_is_narrowed_by_organization_and_state(cast: Cast) -> None:
    three(cast)
    client = signed_in(cast, "coordinator")
    codim = cast.organizations["codim"]
    assert names(client, f"/cases?organization={codim}") == ["Garnet Schist"]
    assert names(client, f"/cases?organization={codim}&state=closed") == []
    assert len(names(client, "/cases?state=")) == 3
    assert len(names(client, "/cases?organization=no-id")) == 3
    assert client.get("/cases?state=elsewhere").status_code == 422


def test_each_case_shows_how_far_it_is_and_how_many_tasks_are_late(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "plan_coaching")
    page = text_of(signed_in(cast, "coordinator").get("/cases").text)
    assert "1 of 28" in page
    assert show_day("en", ARRIVAL, "medium") in page


@pytest.mark.ci
def test_a_cancelled_case_shows_what_was_done_of_how_many(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "plan_coaching")
    client = signed_in(cast, "coordinator")
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Ailleurs.")
    for path in (f"/cases/{case_id}", "/cases?state=cancelled"):
        assert "1 of 28 done" in text_of(client.get(path).text), path
    page = text_of(client.get(f"/cases/{case_id}").text)
    assert "cancelled, not done" in page
    shown = client.get(f"/api/v1/cases/{case_id}").json()
    assert (shown["settled"], shown["required"]) == (1, 28)


@pytest.mark.ci
def test_the_plan_of_a_case_that_opens_late_says_so_before_it_is_opened(cast: Cast) -> None:
    record(cast, "compassion_fatigue")
    client = signed_in(cast, "coordinator")
    other = {
        "form": "other",
        "other": f"compassion_fatigue/{cast.organizations['en-marge']}//2026",
        "once": uuid4().hex,
    }
    page = text_of(client.post("/cases/new", data=other).text)
    assert "This case opens later than it was meant to" in page
    assert "4 tasks would have been due before, and have a later day here." in page
    assert "Not asked, as their day is over: Offer the team time to debrief: first quarter" in page
    assert re.search(r"it would have been due on \w+, \w+ \d+, 2026", page), "it may be long ago: the year is said"


@pytest.mark.ci
def test_what_has_a_door_of_its_own_is_not_offered_among_other_procedures(cast: Cast) -> None:
    """A departure opens with a last day, and an admission with a referral: chosen here they were always refused."""
    for key in ("admission", "departure", "renewal"):
        record(cast, key)
    with cast.session() as session:
        in_force(session, cast)
    page = signed_in(cast, "coordinator").get("/cases/new").text
    assert not re.search(r">([^<>–]+) – \1</option>", page), "an organization of one name is named once"
    assert 'value="renewal/' in page
    assert 'value="departure/' not in page
    assert 'value="admission/' not in page


@pytest.mark.ci
def test_more_than_a_page_is_paged_and_the_filters_stay(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases_page, "A_PAGE", 2)
    three(cast)
    client = signed_in(cast, "coordinator")
    page = client.get("/cases?q=a").text
    following = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "q=a" in following
    assert len(names(client, "/cases?q=a") + names(client, following)) == 3


# ------------------------------------------------------------------------------------------------------ the form


def test_those_who_wait_for_a_case_are_offered_and_those_who_have_one_are_not(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    assert "Émeraude Quartz – En Marge" in text_of(client.get("/cases/new").text)
    open_onboarding(cast)
    assert "Émeraude Quartz – En Marge" not in text_of(client.get("/cases/new").text)


@pytest.mark.parametrize(("days_away", "is_offered"), [(30, True), (0, False)])
def test_who_comes_back_after_a_time_away_is_offered_again_and_whose_role_is_prolonged_is_not(
    cast: Cast, days_away: int, is_offered: bool
) -> None:
    open_onboarding(cast, "worker_codim", "codim")
    back = TODAY + timedelta(days=1 + days_away)
    with cast.session() as session:
        session.execute(update(_case).values(state="closed", ended_at=AT))
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["worker_codim"])).one()
        end_tenure(session, held, ends_on=TODAY, by=cast.actor("coordinator"), at=AT)
        people.appoint(
            session,
            person_id=cast.people["worker_codim"],
            role="youth_worker",
            organization_id=cast.organizations["codim"],
            starts_on=back,
            by=cast.actor("coordinator"),
            at=AT,
        )
    offered = text_of(signed_in(cast, "coordinator").get("/cases/new").text)
    assert (f"Garnet Schist – CODIM, from {show_day('en', back)}" in offered) is is_offered


def test_a_manager_opens_for_their_own_organization_alone(cast: Cast) -> None:
    manager = signed_in(cast, "manager_codim")
    page = text_of(manager.get("/cases/new").text)
    assert "Garnet Schist" in page
    assert "Émeraude Quartz" not in page
    before = counts(cast)
    for path in ("/cases/new", "/cases"):
        assert manager.post(path, data=known(cast)).status_code == 404
        assert manager.post(path, data=new(cast, organization=str(cast.organizations["anonyme"]))).status_code == 404
    assert counts(cast) == before
    assert manager.post("/cases", data=new(cast)).status_code == 303


@pytest.mark.parametrize("name", ["worker_codim", "police", "officer", "director_codim"])
def test_others_open_nothing(cast: Cast, name: str) -> None:
    client = signed_in(cast, name)
    assert client.get("/cases/new").status_code == 404
    before = counts(cast)
    for path in ("/cases/new", "/cases"):
        assert client.post(path, data=new(cast)).status_code == 404
        assert client.post(path, data=known(cast)).status_code == 404
        assert client.post(path, data=new(cast, organization="")).status_code == 404
    assert counts(cast) == before


def test_the_plan_shows_what_would_be_asked_and_writes_nothing(cast: Cast) -> None:
    before = counts(cast)
    client = signed_in(cast, "coordinator")
    answer = client.post("/cases/new", data=known(cast))
    assert answer.status_code == 200
    page = text_of(answer.text)
    assert "Nothing is written yet" in page
    assert "Create the account and open access to the secure network" in page
    assert "Flint Cobalt" in page
    assert "Wed, Dec 2" in page  # three working days before Monday the 7th
    assert "Émeraude Quartz" in page
    assert counts(cast) == before


@pytest.mark.ci
def test_the_plan_flags_vacant_roles_closed_days_and_days_gone_by(cast: Cast) -> None:
    with cast.session() as session:
        tenure = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["it_contact"])).one()
        end_tenure(session, tenure, ends_on=date(2026, 11, 1), by=cast.actor("coordinator"), at=AT)
    client = signed_in(cast, "coordinator")
    page = text_of(client.post("/cases/new", data=new(cast, starts_on="2027-06-24")).text)
    assert "Some roles are vacant" in page
    assert "Vacant: IT contact" in page
    assert "moved from Thu, Jun 24, a closed day" in page
    soon = text_of(client.post("/cases/new", data=new(cast, starts_on="2026-11-24")).text)
    assert "it would have been due on" in soon


@pytest.mark.ci
def test_the_case_is_opened_as_it_was_shown(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    plan = client.post("/cases/new", data=new(cast)).text
    form = plan[plan.rindex('<form method="post" action="/cases"') :]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    answer = client.post("/cases", data=fields)
    assert answer.status_code == 303
    page = text_of(client.get(answer.headers["location"]).text)
    assert "Nickel D’Ardoise" in page
    with cast.session() as session:
        case = session.execute(select(_case)).one()
        assert case.anchors == {"arrival": date(2027, 1, 11)}
        assert session.scalar(select(_tenure.c.role).where(_tenure.c.person_id == case.subject_id)) == "youth_worker"


@pytest.mark.ci
def test_a_hard_name_is_a_name(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    given = new(cast, given_name=HARD, family_name="O'Né 🌍")
    plan = client.post("/cases/new", data=given)
    assert HARD not in plan.text
    assert f"{HARD} O'Né 🌍" in text_of(plan.text)
    place = client.post("/cases", data=given).headers["location"]
    for address in (place, "/cases", "/"):
        page = client.get(address).text
        assert HARD not in page
        assert f"{HARD} O'Né 🌍" in text_of(page)


@pytest.mark.parametrize("path", ["/cases/new", "/cases"])
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"organization": ""}, "Choose the organization."),
        ({"starts_on": ""}, "Enter a day."),
        ({"given_name": " "}, "A name has 1 to"),
        ({"email": "zoé@@x"}, "e-mail address"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(
    cast: Cast, path: str, changed: dict[str, str], sentence: str
) -> None:
    before = counts(cast)
    answer = signed_in(cast, "coordinator").post(path, data=new(cast, **changed))
    assert answer.status_code == 422
    assert sentence in text_of(answer.text)
    assert 'value="D’Ardoise"' in answer.text
    assert counts(cast) == before


def test_a_second_case_for_the_same_person_is_refused(cast: Cast) -> None:
    open_onboarding(cast)
    answer = signed_in(cast, "coordinator").post("/cases", data=known(cast))
    assert answer.status_code == 409
    assert "already has an open case" in text_of(answer.text)


def test_a_person_of_another_program_is_not_there(cast: Cast) -> None:
    theirs = {"form": "known", "worker": f"{cast.other.people['worker_em']}/{cast.organizations['en-marge']}"}
    client = signed_in(cast, "coordinator")
    assert client.post("/cases", data=theirs).status_code == 404
    crossed = {"form": "known", "worker": f"{cast.people['worker_em']}/{cast.other.organizations['en-marge']}"}
    assert client.post("/cases", data=crossed).status_code in (404, 409)
    with cast.session() as session:
        assert session.scalar(select(func.count()).select_from(_case)) == 0


@pytest.mark.ci
def test_a_case_that_closed_by_itself_is_found_among_the_closed(cast: Cast) -> None:
    case_id: UUID = open_onboarding(cast)
    with cast.session() as session:
        cases.cancel_case(session, case_id, by=cast.actor("coordinator"), at=AT, reason="Elle part.")
    client = signed_in(cast, "coordinator")
    assert names(client) == []
    assert names(client, "/cases?state=cancelled") == ["Émeraude Quartz"]
    assert people.folded("Émeraude") == "emeraude"
