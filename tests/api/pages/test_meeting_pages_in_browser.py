"""The pages of meetings in a browser: legible and reachable by all, on a desk and on a phone, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from meetings import feeds, schedule
from models.base import table_of
from models.meeting import Meeting
from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import AT, Cast
from tests.meetings.sitting import letters, seat_everyone

pytestmark = pytest.mark.browser

_meeting = table_of(Meeting)

HARD = "<script>alert(1)</script> " + "Interminablement" * 8


class Window:
    """The application on loopback, and its pages as one of the cast opens them."""

    def __init__(self, cast: Cast, origin: str, open_page: OpenPage) -> None:
        self.cast = cast
        self.origin = origin
        self.open_page = open_page

    def open(self, name: str, path: str, **given: object) -> Page:
        token = token_for(self.cast.database, self.cast.people[name])
        return self.open_page(f"{self.origin}{path}", cookies={"spheres": token}, **given)


@pytest.fixture
def window(cast: Cast, open_page: OpenPage) -> Iterator[Window]:
    with serve(app_on(cast.database, demonstration=True, base_url=SERVED)) as origin:
        yield Window(cast, origin, open_page)


@pytest.fixture
def planned(cast: Cast) -> list[UUID]:
    """A season with a cancelled day, one meeting whose place has a long name, and a guest; an address of a calendar."""
    with cast.session() as session:
        seat_everyone(session, cast)
        by = cast.actor("coordinator")
        schedule.plan_season(
            session,
            "clinical",
            first=date(2026, 12, 2),
            last=date(2026, 12, 30),
            hour=time(9, 30),
            place="Salle 4",
            without={date(2026, 12, 23): HARD},
            by=by,
            at=AT,
        )
        schedule.plan_meetings(
            session, "steering", [datetime.combine(date(2026, 12, 9), time(13, 30))], place=HARD, by=by, at=AT
        )
        found = list(
            session.scalars(select(_meeting.c.id).where(_meeting.c.series_id.is_not(None)).order_by(_meeting.c.starts))
        )
        schedule.invite_guest(session, found[1], cast.people["researcher"], by=by, at=AT)
        feeds.make(session, cast.people["worker_codim"], by=cast.actor("worker_codim"), at=AT)
        return found


@pytest.mark.parametrize(
    ("lang", "width", "dark"),
    [
        pytest.param("fr", 320, False, marks=pytest.mark.nightly),
        pytest.param("en", 1280, True, marks=pytest.mark.nightly),
        pytest.param("fr", 390, True, marks=pytest.mark.nightly),
    ],
)
def test_each_page_is_for_everyone_and_never_scrolls_sideways(
    window: Window, planned: list[UUID], lang: str, width: int, dark: bool
) -> None:
    with window.cast.session() as session:
        letter = next(one for one in letters(session) if one.person_id == window.cast.people["worker_codim"])
        (answer,) = re.findall(r"https://spheres\.example(/answer/[\w-]+)", letter.text)
    for name, path in (
        ("worker_codim", "/meetings?month=2026-12"),
        ("coordinator", "/meetings?month=2026-11"),
        ("coordinator", "/committees"),
        ("coordinator", "/committees/clinical"),
        ("police", "/committees/joint"),
        ("coordinator", "/committees/clinical/dates?first=2027-01-06&last=2027-05-26"),
        ("coordinator", f"/meetings/{planned[1]}"),
        ("worker_codim", f"/meetings/{planned[1]}"),
        ("worker_codim", f"/meetings/{planned[3]}"),
        ("worker_codim", answer),
    ):
        page = window.open(name, path, lang=lang, width=width, dark=dark)
        assert_fits(page)
        assert_accessible(page)
        for fold in page.locator("details:not([open]) > summary").all():
            if fold.is_visible():
                fold.click()
        assert_fits(page)
        page.close()


@pytest.mark.ci
@pytest.mark.parametrize("script", [True, False])
def test_a_meeting_is_cancelled_after_its_letters_were_seen_with_and_without_the_script(
    window: Window, planned: list[UUID], script: bool
) -> None:
    page = window.open("coordinator", f"/meetings/{planned[1]}", lang="fr", script=script, width=390)
    page.locator("#cancellation > summary").click()
    page.locator("#cancellation-reason").fill("Tempête de neige")
    page.locator("#cancellation").get_by_role("button", name="Voir qui sera prévenu").click()
    expect(page.get_by_text("Rien n’est encore changé.")).to_be_visible()
    assert_fits(page)
    if script:  # what looks for breaches is a script itself
        assert_accessible(page)
    page.locator("#do-it").click()
    expect(page.get_by_text("Cette rencontre est annulée")).to_be_visible()
    expect(page.get_by_text("Tempête de neige")).to_be_visible()


@pytest.mark.ci
def test_the_keyboard_alone_answers_by_the_link(window: Window, planned: list[UUID]) -> None:
    with window.cast.session() as session:
        letter = next(one for one in letters(session) if one.person_id == window.cast.people["police"])
        (path,) = re.findall(r"https://spheres\.example(/answer/[\w-]+)", letter.text)
    page = window.open_page(f"{window.origin}{path}", width=320)
    page.locator('input[name="said"]').first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Votre réponse est inscrite")).to_be_visible()
    expect(page.get_by_text("Viendra peut-être")).to_have_count(1)
    assert planned


@pytest.mark.ci
def test_the_month_is_a_table_on_a_desk_and_a_list_on_a_phone(window: Window, planned: list[UUID]) -> None:
    shown = """() => [...document.querySelectorAll(".month tbody td")]
        .filter(one => one.getBoundingClientRect().height > 0).length"""
    path = "/meetings?month=2026-12"
    assert window.open("worker_codim", path, width=1280).evaluate(shown) == 35
    days = {date(2026, 12, 2) + timedelta(weeks=n) for n in range(5)}
    assert window.open("worker_codim", path, width=390).evaluate(shown) == len(days)
    assert planned
