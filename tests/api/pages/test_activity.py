"""The record: who may read it, what is left out until it is asked for, and finding one's way in it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from api.pages.activity import GROUPS
from api.views.timeline import MINOR, SENTENCES
from api.views.timeline_meetings import item_in_words
from api.views.timeline_obligations import clause_in_words
from domain.people.absences import record_absence
from locales import speaking
from models.base import table_of
from models.record import Event
from tests.api.application import client_for
from tests.casework import open_onboarding
from tests.cast import AT, TODAY, Cast

_event = table_of(Event)


def coordinator(cast: Cast) -> TestClient:
    return client_for(cast.database, cast.people["coordinator"])


def lines(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'<li id="n-(\d+)">', page)]


@pytest.mark.parametrize("name", ["officer", "manager_em", "director_ccsmtl", "worker_codim"])
def test_the_record_is_the_coordinators(cast: Cast, name: str) -> None:
    client = client_for(cast.database, cast.people[name])
    assert client.get("/activity").status_code == 404
    assert 'href="/activity"' not in client.get("/people").text


@pytest.mark.ci
def test_it_tells_what_happened_and_leaves_out_what_follows_until_it_is_asked_for(cast: Cast) -> None:
    open_onboarding(cast)
    client = coordinator(cast)
    page = client.get("/activity")
    assert page.status_code == 200
    assert "Case opened:" in page.text
    assert "Émeraude Quartz" in page.text
    assert "Letter written" not in page.text
    assert "Letter written" in client.get("/activity?all=yes").text
    assert "Letter written" in client.get("/activity?about=mail").text


def test_each_verb_belongs_to_one_group() -> None:
    heads = [head for _, (_, kinds) in GROUPS.items() for head in kinds]
    assert len(heads) == len(set(heads))
    assert {verb.partition(".")[0] for verb in SENTENCES} | {verb.partition(".")[0] for verb in MINOR} == set(heads)


@pytest.mark.ci
def test_every_line_is_reached_by_paging_once_and_in_order(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    open_onboarding(cast)
    monkeypatch.setattr("api.pages.activity.PAGE_SIZE", 40)
    client = coordinator(cast)
    seen: list[int] = []
    path = "/activity?all=yes"
    while path:
        page = client.get(path).text
        seen += lines(page)
        older = re.search(r'href="(/activity\?[^"]*before=[^"]*)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    with cast.session() as session:
        everything = list(session.scalars(select(_event.c.n).order_by(_event.c.n.desc())))
    assert seen == everything
    counted = f'<span class="count">{len(everything)}</span>'
    assert counted not in client.get("/activity?all=yes").text, "what is more each day is not counted"
    monkeypatch.setattr("api.pages.activity.PAGE_SIZE", len(everything))
    assert counted in client.get("/activity?all=yes").text


@pytest.mark.ci
def test_it_is_found_by_person_and_by_local_day(cast: Cast) -> None:
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people["police"],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=None,
            by=cast.actor("director_spvm"),
            # 23 November, 23:30 in Montréal, is 24 November in UTC.
            at=AT.replace(hour=4, minute=30) + timedelta(days=1),
        )
    client = coordinator(cast)
    for person in ("police", "director_spvm"):
        page = client.get(f"/activity?about=people&person={cast.people[person]}").text
        assert "Argent Saphir is away" in page
    assert "is away" not in client.get(f"/activity?person={cast.people['officer']}").text
    assert "is away" in client.get("/activity?on=2026-11-23&about=people").text
    assert "is away" not in client.get("/activity?on=2026-11-24").text


@pytest.mark.parametrize("query", ["on=nonsense", "person=nonsense", "on=2026-13-01"])
def test_a_question_that_makes_no_sense_is_said(cast: Cast, query: str) -> None:
    page = coordinator(cast).get(f"/activity?{query}")
    assert page.status_code == 422
    assert "One thing to correct" in page.text


def test_the_other_programs_record_is_not_in_it(cast: Cast) -> None:
    open_onboarding(cast.other)
    client, seen = coordinator(cast), []
    older = "/activity?all=yes"
    while older:
        page = client.get(older).text
        assert "Malachite" not in page
        seen += re.findall(r'<li id="n-(\d+)">', page)
        found = re.search(r'href="([^"]*before=\d+)"', page)
        older = unescape(found[1]) if found else ""
    with cast.session() as session:
        mine = session.scalar(select(func.count()).select_from(_event))
    assert len(seen) == len(set(seen)) == mine


def test_an_item_is_told_by_its_number_or_by_what_it_is_about() -> None:
    with speaking("en"):
        assert item_in_words("10") == "item 10"
        assert item_in_words("3.1") == "item 3.1"
        assert item_in_words("lost_contact") == "a lost contact"
        assert item_in_words("Clinical Committee") == "Clinical Committee"


def test_a_clause_that_several_roles_owe_is_told_with_the_roles_title() -> None:
    assert clause_in_words("AG-X1:manager", {"manager": "Manager"}) == "AG-X1 · Manager"
    assert clause_in_words("AG-X1", {"manager": "Manager"}) == "AG-X1"
    assert clause_in_words("Maison: aide", {"manager": "Manager"}) == "Maison: aide"
