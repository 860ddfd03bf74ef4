"""The pages of statements in a browser: legible and reachable by all, on a desk and on a phone, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import Cast
from tests.domain.obligations.signed import hold, kept, put_in_force
from tests.meetings.sitting import seat_everyone
from tests.meetings.statements.test_program import EVERYONE, LATER, refer

pytestmark = [pytest.mark.browser, pytest.mark.ci]


@pytest.fixture
def origin(cast: Cast) -> Iterator[str]:
    """The application in the year after, with meetings, obligations and referrals of the year before."""
    with cast.session() as session:
        seat_everyone(session, cast)
        put_in_force(session, cast)
        for day in (date(2026, 2, 10), date(2026, 5, 12), date(2026, 11, 10)):
            hold(session, cast, day, {**dict.fromkeys(EVERYONE, "present"), "en-marge": "absent"})
        refer(session, cast, 2, "on_break")
        refer(session, cast, 11, "active")
        refer(session, cast, 6, "completed")
        kept(session, LATER)
    with serve(app_on(cast.database, at=LATER, demonstration=True, base_url=SERVED)) as served:
        yield served


def opened(cast: Cast, origin: str, open_page: OpenPage, name: str, path: str, **given: Any) -> Page:
    cookies = {"spheres": token_for(cast.database, cast.people[name], at=LATER)}
    return open_page(f"{origin}{path}", cookies=cookies, **given)


@pytest.mark.parametrize(("lang", "width"), [("fr", 320), ("en", 1280)])
@pytest.mark.nightly
def test_the_pages_fit_and_are_reachable_by_all(
    cast: Cast, origin: str, open_page: OpenPage, lang: str, width: int
) -> None:
    for name, path in (
        ("coordinator", "/statements"),
        ("coordinator", "/statements/2026"),
        ("director_em", f"/partners/{cast.organizations['en-marge']}"),
    ):
        page = opened(cast, origin, open_page, name, path, lang=lang, width=width)
        assert_accessible(page)
        assert_fits(page)


def test_the_coordinator_releases_a_year_with_one_click_and_finds_the_files(
    cast: Cast, origin: str, open_page: OpenPage
) -> None:
    page = opened(cast, origin, open_page, "coordinator", "/statements/2026", lang="en", width=1280)
    expect(page.get_by_role("heading", name="Statement of the program: year 2026")).to_be_visible()
    referrals = page.locator("#referrals")
    expect(referrals.get_by_role("row", name="Admitted: on a break hidden")).to_be_visible()
    page.get_by_role("button", name="Release as is").click()
    expect(page.get_by_text("Released on February 15, 2027").first).to_be_visible()
    expect(page.get_by_role("link", name="Excel, français")).to_be_visible()
