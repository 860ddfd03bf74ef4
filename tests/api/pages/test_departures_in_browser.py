"""The pages of departures in a browser: legible and reachable by all, on a phone and on a desk, in both languages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.people.people import appoint
from domain.roles.roles import standing
from tests.api.pages.test_case_pages_in_browser import Window, window
from tests.browser import assert_accessible, assert_fits
from tests.casework import open_onboarding
from tests.cast import AT, TODAY
from tests.departing import asked, leave, lend, open_account, record_protocols, settle

__all__ = ["window"]

pytestmark = [pytest.mark.browser, pytest.mark.ci]


@pytest.mark.parametrize("width", [320, pytest.param(1280, marks=pytest.mark.nightly)])
def test_a_departure_is_legible_and_fits(window: Window, width: int) -> None:  # the fixture of its kin
    cast = window.cast
    record_protocols(cast)
    open_onboarding(cast)
    with cast.session() as session:
        lend(session, cast.people["manager_em"], "SN-1")
        open_account(session, cast.people["manager_em"], "p.obsidienne")
    case_id = leave(cast, "manager_em", "en-marge")
    (task, *_) = asked(cast, case_id, "pass_on_tasks")
    settle(cast, task.id, to="deputy")
    for name, path in (
        ("coordinator", f"/departures/{case_id}"),
        ("coordinator", "/departures"),
        ("deputy", "/handed-over"),
    ):
        page = window.open(name, path, width=width)
        assert_accessible(page)
        assert_fits(page)


@pytest.mark.parametrize(("width", "language"), [(320, "fr"), (1280, "en")])
def test_what_ending_a_role_does_is_read_before_it_is_done_and_then_asked(
    window: Window, width: int, language: str
) -> None:
    cast = window.cast
    record_protocols(cast)
    with cast.session() as session:
        lend(session, cast.people["worker_codim"], "SN-1")
    person = cast.people["worker_codim"]
    page = window.open("coordinator", f"/people/{person}", width=width, lang=language)
    end, see, done = (
        ("Mettre fin", "Voir ce qui arrivera", "Terminer ce rôle")
        if language == "fr"
        else ("End", "See what happens", "End this role")
    )
    page.locator("#roles summary").filter(has_text=end).first.click()
    page.locator("#roles").get_by_role("button", name=see).first.click()
    page.locator("#foreseen").wait_for()
    assert "SN-1" in page.locator("main").inner_text()
    assert_accessible(page)
    assert_fits(page)
    with cast.session() as session:
        assert session.scalar(text("select count(*) from departure")) == 0, "nothing is done yet"
    page.get_by_role("button", name=done).click()
    page.locator("#roles").wait_for()
    with cast.session() as session:
        assert session.scalar(text("select count(*) from departure")) == 1


@pytest.mark.parametrize(("width", "language"), [(320, "en"), (1280, "fr")])
def test_an_appointment_by_mistake_is_taken_back_on_the_page_before_it_begins(
    window: Window, width: int, language: str
) -> None:
    cast = window.cast
    record_protocols(cast)
    person, first = cast.people["worker_codim"], TODAY + timedelta(days=20)
    with cast.session() as session:
        appoint(
            session,
            person_id=person,
            role="second_representative",
            organization_id=cast.organizations["codim"],
            starts_on=first,
            by=cast.actor("coordinator"),
            at=AT,
        )
    page = window.open("coordinator", f"/people/{person}", width=width, lang=language)
    see, done, never = (
        ("Voir ce qui arrivera", "Annuler cette nomination", "jamais commencé")
        if language == "fr"
        else ("See what happens", "Cancel this appointment", "never began")
    )
    line = page.locator("#roles li").filter(
        has=page.locator(".chip", has_text="à venir" if language == "fr" else "to come")
    )
    line.locator("summary").click()
    line.locator("input[type=date]").fill(TODAY.isoformat())
    line.get_by_role("button", name=see).click()
    page.locator("#foreseen").wait_for()
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("button", name=done).click()
    page.locator("#roles").wait_for()
    assert never in page.locator("#roles").inner_text()
    assert_fits(page)
    with cast.session() as session:
        held = standing(session, first).roles_of(person)
        assert [one.role for one in held] == ["youth_worker"]
        assert session.scalar(text("select count(*) from departure")) == 0
