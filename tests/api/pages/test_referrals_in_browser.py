"""Referring in a browser: legible on a phone and at a desk, saved as one types, and whole without the script."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from domain.accompaniment import workers
from domain.participants import links
from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import AT, Cast
from tests.following import SECOND, WORKER, agreed
from tests.referring import ROMARIN, declare_admission, participant_of, refer, triaged

pytestmark = [pytest.mark.browser, pytest.mark.ci]

#: Where pictures of the pages go, for whoever wants to look at them.
PICTURES = os.environ.get("TEST_PICTURES")


class Window:
    """The application on loopback, and its pages as one of the cast, or a stranger, opens them."""

    def __init__(self, cast: Cast, origin: str, open_page: OpenPage) -> None:
        self.cast = cast
        self.origin = origin
        self.open_page = open_page

    def open(self, name: str, path: str, **given: object) -> Page:
        cookies = {"spheres": token_for(self.cast.database, self.cast.people[name], at=AT)} if name else {}
        return self.open_page(f"{self.origin}{path}", cookies=cookies, **given)


@pytest.fixture
def window(cast: Cast, open_page: OpenPage) -> Iterator[Window]:
    declare_admission(cast)
    with cast.session() as session:
        agreed(session, cast)
    with serve(app_on(cast.database, demonstration=True, base_url=SERVED, at=AT)) as origin:
        yield Window(cast, origin, open_page)


@pytest.mark.parametrize(("width", "language"), [(320, "fr"), (1280, "en")])
@pytest.mark.nightly
def test_the_pages_of_a_referral_fit_and_can_be_used_by_all(window: Window, width: int, language: str) -> None:
    cast = window.cast
    participant_id = triaged(cast, refer(cast), "forwarded")
    waits = refer(cast, ROMARIN)
    with cast.session() as session:
        to_triage = participant_of(session, waits)
        workers.forward(session, participant_id, cast.people[SECOND], by=cast.actor("coordinator"), at=AT)
        _, token = links.make_link(session, by=cast.actor("coordinator"), at=AT)
    for name, path in (
        (WORKER, "/referrals/new"),
        ("", f"/refer/{token}"),
        ("coordinator", "/referrals"),
        ("coordinator", f"/participants/{participant_id}"),
        ("coordinator", f"/participants/{to_triage}/triage"),
        (SECOND, "/consent-form"),
        (SECOND, "/activities"),
    ):
        page = window.open(name, path, width=width, lang=language)
        assert_fits(page)
        assert_accessible(page)
        if path.endswith("/triage"):
            height = page.evaluate("document.documentElement.scrollHeight")
            assert height < (1_500 if width > 1_000 else 3_300), "one screen at a desk, and short on a phone"
        if PICTURES:
            shown = f"{path.strip('/').split('/')[0]}_{len(path)}_{width}_{language}.png"
            page.screenshot(path=Path(PICTURES) / shown, full_page=True)
        page.close()


def test_what_is_typed_is_saved_after_a_pause_and_sent_with_what_was_saved(window: Window) -> None:
    page = window.open(WORKER, "/referrals/new", width=390, lang="en")
    page.get_by_label("Given name").fill("Viorne")
    expect(page.locator("#say")).to_contain_text("Saved as a draft.")
    expect(page).to_have_url(re.compile(r"/referrals/[0-9a-f-]{36}$"))
    address = page.url
    page.get_by_label("Family name").fill("Sorbier")
    expect(page.locator("input[name=seen]")).to_have_value("2")
    page.reload()
    assert page.url == address
    expect(page.get_by_label("Given name")).to_have_value("Viorne")
    expect(page.get_by_label("Family name")).to_have_value("Sorbier")
    page.get_by_label("Age, if").fill("15")
    page.get_by_label("Telephone").fill("514 555-0123")
    page.get_by_label("Reasons for the referral").fill("Demande de l’aide.")
    page.get_by_role("button", name="Send to the coordinator").click()
    expect(page).to_have_url(re.compile(r"sent=yes"))
    with window.cast.session() as session:
        assert session.execute(text("select count(*), min(state) from referral")).one() == (1, "received")


@pytest.mark.parametrize("is_saved_first", [True, False], ids=["saved before", "while it is saved"])
def test_one_press_sends_what_was_typed_whether_it_is_saved_already_or_not(
    window: Window, *, is_saved_first: bool
) -> None:
    page = window.open(WORKER, "/referrals/new", width=390, lang="en")
    page.get_by_label("Given name").fill("Viorne")
    page.get_by_label("Family name").fill("Sorbier")
    page.get_by_label("Age, if").fill("15")
    page.get_by_label("Telephone").fill("514 555-0123")
    with page.expect_request(lambda one: one.method == "POST" and one.url.endswith("/referrals")):
        page.get_by_label("Reasons for the referral").fill("Demande de l’aide.")
    if is_saved_first:
        expect(page.locator("#say")).to_contain_text("Saved as a draft.")
        expect(page).to_have_url(re.compile(r"/referrals/[0-9a-f-]{36}$"))
    page.get_by_role("button", name="Send to the coordinator").click()
    expect(page).to_have_url(re.compile(r"sent=yes"))
    with window.cast.session() as session:
        assert session.execute(text("select count(*), min(state) from referral")).one() == (1, "received")


def test_a_draft_is_saved_without_the_script_by_its_button(window: Window) -> None:
    page = window.open(WORKER, "/referrals/new", width=320, lang="en", script=False)
    page.get_by_label("Given name").fill("Viorne")
    page.get_by_role("button", name="Save, and go on later").click()
    expect(page.get_by_label("Given name")).to_have_value("Viorne")
    assert re.search(r"/referrals/[0-9a-f-]{36}$", page.url)


def test_what_is_typed_by_a_link_is_saved_after_a_pause_for_this_browser_alone(window: Window) -> None:
    with window.cast.session() as session:
        _, token = links.make_link(session, by=window.cast.actor("coordinator"), at=AT)
    address = f"{window.origin}/refer/{token}"
    page = window.open_page(address, width=390, lang="en")
    page.get_by_label("Family name").fill("Sorbier")
    expect(page.locator("#say")).to_contain_text("Saved for this browser.")
    page.get_by_label("Given name").fill("Viorne")
    expect(page.locator("input[name=seen]")).to_have_value("2")
    page.reload()
    expect(page.get_by_label("Given name")).to_have_value("Viorne")
    expect(page.get_by_label("Family name")).to_have_value("Sorbier")
    other = window.open_page(address, width=390, lang="en")
    expect(other.get_by_text("begun in another browser")).to_be_visible()
    assert "Sorbier" not in other.content()
    assert_fits(other)
    assert_accessible(other)
