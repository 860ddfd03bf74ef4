"""A meeting that sits, in ten browsers at once: what the secretary does shows on all, and who leaves is shut out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from meetings import attendance, deciding, running
from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import Cast
from tests.following import WORKER
from tests.meetings.clinic import NOW
from tests.meetings.sitting import seat
from tests.meetings.spoken_cases import WORDS, item_named, prepare_cases

pytestmark = pytest.mark.browser

MEMBERS = ("worker_codim", "police", WORKER, "without_mail", "deputy")


@dataclass
class Room:
    """A clinic that sits, and the windows of whoever follows it."""

    cast: Cast
    origin: str
    here: UUID
    open_page: OpenPage
    app: Any

    def window(self, name: str, where: str = "sitting", **given: Any) -> Page:
        token = token_for(self.cast.database, self.cast.people[name], at=NOW)
        given.setdefault("lang", "en")
        return self.open_page(f"{self.origin}/meetings/{self.here}/{where}", cookies={"spheres": token}, **given)

    def leaves(self, key: str) -> None:
        with self.cast.session() as session:
            who = seat(session, "clinical", key)
            by = self.cast.actor("coordinator")
            attendance.record(session, self.here, who, "present", left_at=NOW, by=by, at=NOW)

    def close(self) -> None:
        with self.cast.session() as session:
            running.close_meeting(session, self.here, carry_rest=True, by=self.cast.actor("coordinator"), at=NOW)


@pytest.fixture
def room(cast: Cast, open_page: OpenPage) -> Iterator[Room]:
    here, *_ = prepare_cases(cast)
    app = app_on(cast.database, demonstration=True, base_url=SERVED, at=NOW)
    with serve(app) as origin:
        yield Room(cast, origin, here, open_page, app)


@pytest.mark.ci
def test_what_the_secretary_does_shows_in_ten_windows_and_who_leaves_gets_no_more(room: Room) -> None:
    windows = {(name, lang): room.window(name, lang=lang) for name in MEMBERS for lang in ("en", "fr")}
    for page in windows.values():
        expect(page.locator("#now-title")).to_contain_text("CCSMTL")
    secretary = room.window("coordinator", "run")
    with room.cast.session() as session:
        turn = item_named(session, room.here, "CODIM")
    secretary.locator(f"#item-{turn}-current button, button#item-{turn}-current").first.click()
    for page in windows.values():
        expect(page.locator("#now-title")).to_contain_text("CODIM")
    with room.cast.session() as session:
        deciding.decide(
            session, room.here, None, text_fr="Les notes avant mardi.", text_en="Notes before Tuesday.",
            by=room.cast.actor("coordinator"), at=NOW,
        )  # fmt: skip
    for (_, lang), page in windows.items():
        expect(page.locator("#now")).to_contain_text(
            {"en": "Notes before Tuesday.", "fr": "Les notes avant mardi."}[lang]
        )
    room.leaves("codim")
    for (name, _), page in windows.items():
        if name == "worker_codim":
            expect(page.locator("#now")).not_to_contain_text("#2026")
            expect(page.locator("#now-title")).to_have_count(0)
    with room.cast.session() as session:
        deciding.decide(
            session, room.here, None, text_fr="Encore.", text_en="Once more.", by=room.cast.actor("coordinator"), at=NOW
        )
    expect(windows["police", "en"].locator("#now")).to_contain_text("Once more.")
    expect(windows["worker_codim", "en"].locator("#now")).not_to_contain_text("Once more.")


@pytest.mark.ci
def test_words_leave_the_window_when_the_meeting_closes_and_what_is_typed_stays_and_says_that_it_is_not_saved(
    room: Room,
) -> None:
    member, secretary = room.window("police"), room.window("coordinator", "run")
    member.locator("#read-raised a").click()
    expect(member.locator("#raised")).to_contain_text(WORDS)
    with room.cast.session() as session:
        turn = item_named(session, room.here, "CCSMTL")
    secretary.locator(f"#item-{turn}-record > summary").click()
    note = secretary.locator(f"#item-{turn}-note-en")
    note.fill("Half a sentence")
    room.close()
    expect(member.locator("body")).not_to_contain_text(WORDS)
    expect(member.locator("#now")).to_contain_text("This meeting was closed.")
    expect(secretary.locator("#say")).to_contain_text("NOT saved")
    expect(note).to_have_value("Half a sentence")
    secretary.locator(f"#item-{turn}-treated").click()
    expect(secretary.locator("main")).to_contain_text("This was not done")
    expect(secretary.locator("main textarea[readonly]")).to_have_value("Half a sentence")
    wrong = room.open_page.wrong  # type: ignore[attr-defined]  # a refusal is said in the console, too
    wrong[:] = [one for one in wrong if "409" not in one]


@pytest.mark.ci
def test_a_case_is_recorded_by_keyboard_and_shows_to_who_sits(room: Room) -> None:
    member, secretary = room.window("police"), room.window("coordinator", "run")
    case = secretary.locator("details[id^=case-]").first
    case.locator("summary").focus()
    secretary.keyboard.press("Enter")
    expect(case.locator("textarea[name=note]")).to_be_focused()
    secretary.keyboard.type("Heard; housing first.")
    secretary.keyboard.press("Control+Enter")
    expect(member.locator(".case-line").first).to_contain_text("Goes on as planned")


@pytest.mark.ci
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_pages_fit_a_phone_and_are_for_everyone(room: Room, lang: str) -> None:
    for name, where in (("police", "sitting"), ("coordinator", "projector"), ("coordinator", "run")):
        page = room.window(name, where, lang=lang, width=360, height=780)
        expect(page.locator("#now")).to_be_visible()
        assert_fits(page)
        assert_accessible(page)
        if where == "sitting":
            assert page.evaluate("document.documentElement.scrollHeight") < 2500
            page.locator("#read-raised a").click()
            expect(page.locator("#raised")).to_contain_text(WORDS)
            assert_fits(page)
            assert_accessible(page)


@pytest.mark.ci
def test_without_the_script_a_link_loads_the_page_again(room: Room) -> None:
    page = room.window("police", script=False)
    expect(page.locator("#now-title")).to_contain_text("CCSMTL")
    with room.cast.session() as session:
        turn = item_named(session, room.here, "CODIM")
        running.take_up(session, turn, by=room.cast.actor("coordinator"), at=NOW)
    page.get_by_role("link", name="Reload").click()
    expect(page.locator("#now-title")).to_contain_text("CODIM")
