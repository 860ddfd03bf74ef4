"""The pages of follow-ups in a browser: legible on a phone and at a desk, usable by all, and whole without script."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page

from domain.accompaniment import breaks
from domain.follow_ups import contacts
from domain.follow_ups.week_row import Week
from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import AT, TODAY, Cast
from tests.following import SECOND, WORKER, agreed, followed
from tests.noting import write_note

pytestmark = [pytest.mark.browser, pytest.mark.ci]

DAY = timedelta(days=1)
NOW = AT + 22 * DAY
#: Where pictures of the pages go, for whoever wants to look at them.
PICTURES = os.environ.get("TEST_PICTURES")


class Window:
    """The application on loopback, three weeks later, and its pages as one of the cast opens them."""

    def __init__(self, cast: Cast, origin: str, open_page: OpenPage) -> None:
        self.cast = cast
        self.origin = origin
        self.open_page = open_page

    def open(self, name: str, path: str, **given: object) -> Page:
        token = token_for(self.cast.database, self.cast.people[name], at=NOW)
        return self.open_page(f"{self.origin}{path}", cookies={"spheres": token}, **given)


@pytest.fixture
def window(cast: Cast, open_page: OpenPage) -> Iterator[Window]:
    with serve(app_on(cast.database, demonstration=True, base_url=SERVED, at=NOW)) as origin:
        yield Window(cast, origin, open_page)


@pytest.fixture
def lively(cast: Cast) -> UUID:
    """Follow-ups in every state: one that is being lost, one on a break, one that nobody has."""
    with cast.session() as session:
        agreed(session, cast)
        by = cast.actor(WORKER)
        lost = followed(session, cast, second=SECOND)
        write_note(session, lost, TODAY, Week(met=1, minutes=50, summary="Bien."), by=by, at=AT)
        for week in (1, 2):
            write_note(
                session, lost, TODAY + week * 7 * DAY, Week(why_none="no_news"), by=by, at=AT + (week * 7 + 4) * DAY
            )
        contacts.record_attempt(session, lost, means="visit", reached=False, by=by, at=AT + 18 * DAY)
        contacts.record_no_show(
            session, lost, expected_at=AT + 15 * DAY, waited_minutes=20, by=by, at=AT + 15 * DAY + timedelta(hours=1)
        )
        pausing = followed(session, cast, "#2026-02")
        breaks.take_break(session, pausing, returns_on=TODAY + 40 * DAY, terms="J’appelle.", by=by, at=AT)
        followed(session, cast, "#2026-03", worker=None, recruiter=True)
        followed(session, cast, "#2026-04", at=AT + 20 * DAY)
        return lost


@pytest.mark.parametrize(("width", "language"), [(320, "fr"), (1280, "en")])
@pytest.mark.nightly
def test_the_pages_fit_and_can_be_used_by_all(window: Window, lively: UUID, width: int, language: str) -> None:
    for name, path in (
        (WORKER, "/caseload"),
        ("coordinator", "/caseload"),
        ("coordinator", f"/follow-ups/{lively}"),
        (WORKER, f"/follow-ups/{lively}/notes/{TODAY.isoformat()}"),
    ):
        page = window.open(name, path, width=width, lang=language)
        assert_fits(page)
        assert_accessible(page)
        if PICTURES:
            shown = f"{path.strip('/').replace('/', '_')[:12]}_{name}_{width}_{language}.png"
            page.screenshot(path=Path(PICTURES) / shown, full_page=True)
        page.close()


def test_on_a_phone_a_follow_up_is_folded_until_it_is_wanted_and_an_address_leads_into_it(
    window: Window, lively: UUID
) -> None:
    page = window.open("coordinator", f"/follow-ups/{lively}#history", lang="fr", width=360, height=780)
    assert page.evaluate("document.documentElement.scrollHeight") < 3500
    assert_fits(page)
    assert_accessible(page)
    opened = "[...document.querySelectorAll('.folding')].filter((one) => one.open).map((one) => one.id)"
    assert page.evaluate(opened) == ["history"]
    at_a_desk = window.open("coordinator", f"/follow-ups/{lively}", lang="fr")
    assert {"workers", "contacts", "notes", "history"} <= set(at_a_desk.evaluate(opened))
