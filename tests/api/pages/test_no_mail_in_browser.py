"""What the pages say where no letter leaves, in a browser: legible and reachable by all, and a link that is made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.api.application import SERVED, app_on, token_for
from tests.api.doorway import LINK, invited
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import Cast

pytestmark = [pytest.mark.browser, pytest.mark.ci]


@pytest.fixture
def origin(cast: Cast) -> Iterator[str]:
    """The application without mail, where an invitation waits."""
    invited(cast, "manager_em")
    with serve(app_on(cast.database, base_url=SERVED, letters_leave=False)) as served:
        yield served


def opened(cast: Cast, origin: str, open_page: OpenPage, path: str, lang: str, width: int) -> Page:
    cookies = {"spheres": token_for(cast.database, cast.people["coordinator"])}
    return open_page(f"{origin}{path}", cookies=cookies, lang=lang, width=width)


@pytest.mark.parametrize(("lang", "width"), [("fr", 360), ("en", 1280)])
@pytest.mark.nightly
def test_the_pages_fit_and_a_link_is_made_by_one_button(
    cast: Cast, origin: str, open_page: OpenPage, lang: str, width: int
) -> None:
    theirs = f"/people/{cast.people['manager_em']}/access"
    for path in ("/board", "/access", "/post"):
        page = opened(cast, origin, open_page, path, lang, width)
        assert_accessible(page)
        assert_fits(page)
    page = opened(cast, origin, open_page, theirs, lang, width)
    page.locator("#hand-over").click()
    shown = page.locator("#link code")
    expect(shown).to_be_visible()
    assert LINK.search(shown.inner_text())
    assert_accessible(page)
    assert_fits(page)
