"""The privacy officer's pages in a browser: they fit a phone, and nothing in them keeps anyone out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.record.reads import Purpose
from tests.api.application import SERVED, app_on, client_for, token_for
from tests.api.pages.test_incidents import enter, post
from tests.api.pages.test_privacy import NIGHT, documented, read
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import Cast

pytestmark = [pytest.mark.browser, pytest.mark.ci]

LONG = "notesdetravailavecdesprénomsdejeunesetunnumérodetéléphone " * 3


@pytest.fixture
def places(cast: Cast) -> Iterator[list[str]]:
    """The addresses of every page, with something on each."""
    case_id, evidence = documented(cast)
    client_for(cast.database, cast.people["worker_codim"]).get(f"/cases/{case_id}")
    read(cast, "worker_codim", at=NIGHT, thing=evidence, ground="purpose", purpose=Purpose.URGENT_HELP)
    officer = client_for(cast.database, cast.people["privacy_officer"])
    incident = enter(officer, cast, information=LONG, circumstances=LONG, measures=LONG)
    post(officer, f"{incident}/assessment", 1, serious_risk="yes", risk_reasons=LONG)
    paths = ["", "/refusals", f"?thing={evidence}", "/incidents", "/incidents/new"]
    with serve(app_on(cast.database, base_url=SERVED)) as address:
        yield [*(f"{address}/privacy{path}" for path in paths), address + incident]


@pytest.mark.parametrize(("lang", "width"), [("fr", 320), ("en", 1280)])
@pytest.mark.nightly
def test_every_page_fits_and_keeps_nobody_out(
    cast: Cast, places: list[str], open_page: OpenPage, lang: str, width: int
) -> None:
    cookies = {"spheres": token_for(cast.database, cast.people["privacy_officer"])}
    for place in places:
        page = open_page(place, lang=lang, width=width, cookies=cookies)
        assert page.locator("h1").count() == 1
        assert_fits(page)
        assert_accessible(page)


def test_an_incident_is_entered_and_completed_without_the_script(
    cast: Cast, places: list[str], open_page: OpenPage
) -> None:
    cookies = {"spheres": token_for(cast.database, cast.people["privacy_officer"])}
    page = open_page(places[4], lang="en", script=False, cookies=cookies)
    page.get_by_label("Body that holds the information").select_option(index=1)
    page.get_by_label("Personal information concerned").fill("A list of those present")
    page.get_by_label("Circumstances").fill("Sent to a wrong address.")
    page.get_by_label("Known since").fill("2026-11-23")
    page.get_by_role("button", name="Enter this incident").click()
    assert page.locator("h1").inner_text() == "Incident no. 2"
    page.get_by_text("Complete the entry").click()
    page.get_by_label("Measures taken").fill("Taken out of the other mailbox.")
    page.locator("#entry").get_by_role("button", name="Save").click()
    assert "Taken out of the other mailbox." in page.locator("#entry .facts").inner_text()
