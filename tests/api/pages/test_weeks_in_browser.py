"""Notes of weeks in rows, in a browser: by keyboard, on a phone, and with the line or the sign-in gone meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select, update

from domain.follow_ups import Week, notes, week_row
from models.access import BrowserSession
from models.base import table_of
from models.follow_up import WeeklyNote
from models.record import Event
from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import AT, TODAY, Cast
from tests.following import SECOND, WORKER, agreed, followed, row_of
from tests.noting import write_note

pytestmark = [pytest.mark.browser, pytest.mark.ci]

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
NOW = AT + 3 * WEEK
MONDAY = TODAY + 3 * WEEK
WORDS = "Une visite au musée, puis un café."
_sessions, _note, _event = table_of(BrowserSession), table_of(WeeklyNote), table_of(Event)

#: What a browser says of itself where a request is refused or has no line: these tests provoke it.
_PROVOKED = re.compile(r"Failed to load resource|ERR_INTERNET_DISCONNECTED")


class Desk:
    """The rows of a worker's week, as several browsers and windows see them."""

    def __init__(self, cast: Cast, origin: str, open_page: OpenPage, follow_up: UUID) -> None:
        self.cast, self.origin, self.open_page, self.follow_up = cast, origin, open_page, follow_up

    def cookie(self, name: str = WORKER) -> str:
        return token_for(self.cast.database, self.cast.people[name], at=NOW)

    def open(self, path: str = "/caseload/week", **given: object) -> Page:
        given = {"lang": "en", **given}
        return self.open_page(f"{self.origin}{path}", cookies={"spheres": self.cookie()}, **given)

    def row(self, page: Page, number: str = "#2026-01") -> Locator:
        return page.locator("form[data-week]").filter(has_text=number)

    def sign_in(self, page: Page, name: str = WORKER) -> None:
        """As in another tab of the same browser."""
        page.context.add_cookies([{"name": "spheres", "value": self.cookie(name), "url": self.origin}])

    def end_sign_ins(self) -> None:
        with self.cast.session() as session:
            session.execute(update(_sessions).where(_sessions.c.ended_at.is_(None)).values(ended_at=NOW))

    def note(self) -> notes.NoteLine | None:
        with self.cast.session() as session:
            return notes.note_of(session, self.follow_up, MONDAY)

    def words(self) -> Week | None:
        """All that is stored of the week, with its words."""
        with self.cast.session() as session:
            note = notes.note_of(session, self.follow_up, MONDAY)
            if note is None:
                return None
            participant = row_of(session, self.follow_up)["participant_id"]
            sealed = session.scalars(select(_note.c.words).where(_note.c.id == note.id)).one()
            return Week.of(note, week_row.opened_week(session, participant, note.id, sealed))

    def provoked(self) -> None:
        """Forget what the browser said of the requests that were to fail."""
        wrong: list[str] = self.open_page.wrong  # type: ignore[attr-defined]
        wrong[:] = [one for one in wrong if not _PROVOKED.search(one)]


@pytest.fixture
def desk(cast: Cast, open_page: OpenPage) -> Iterator[Desk]:
    with cast.session() as session:
        agreed(session, cast)
        first = followed(session, cast, second=SECOND)
        followed(session, cast, "#2026-02", at=AT + DAY)  # the rows stand in the order of their beginning
        by = cast.actor(WORKER)
        write_note(
            session,
            first,
            MONDAY - WEEK,
            Week(met=1, minutes=60, need="stability", summary="Bien."),
            by=by,
            at=NOW - 2 * DAY,
        )
    with serve(app_on(cast.database, demonstration=True, base_url=SERVED, at=NOW)) as origin:
        yield Desk(cast, origin, open_page, first)


def _state(row: Locator) -> Locator:
    return row.locator(".row-state")


def _kept(page: Page) -> list[str]:
    """What this browser keeps, by name and content."""
    found: list[str] = page.evaluate("Object.entries(localStorage).map((one) => one.join(' '))")
    return found


def _until_nothing_is_kept(page: Page) -> None:
    for _ in range(100):
        if not _kept(page):
            return
        page.wait_for_timeout(100)
    pytest.fail("something is kept and not saved")


def test_a_row_is_filled_by_keyboard_alone_and_leads_to_the_next(desk: Desk) -> None:
    page = desk.open()
    row = desk.row(page)
    row.get_by_label("Meetings in person").focus()
    press = page.keyboard.press
    for said in ("2", "90"):
        page.keyboard.type(said)
        press("Tab")
    press("Space")  # telephone
    for _ in range(5):  # of who met it is not asked why they did not
        press("Tab")
    for letter in ("e", "s", "v", "m"):  # emergency, somewhat satisfied, very satisfied, medical
        press(letter)
        press("Tab")
    page.keyboard.type("Musée")
    press("Tab")
    page.keyboard.type(WORDS)
    press("Control+Enter")
    expect(_state(row)).to_have_text("Note complete")
    expect(desk.row(page, "#2026-02").get_by_label("Meetings in person")).to_be_focused()
    assert desk.words() == Week(
        met=2,
        minutes=90,
        communications=("telephone",),
        need="emergency",
        worker_satisfaction="somewhat_satisfied",
        participant_satisfaction="very_satisfied",
        activity_type="medical",
        main_activity="Musée",
        summary=WORDS,
    )
    assert _kept(page) == []


def test_a_row_begins_with_the_week_before_and_is_saved_without_being_complete(desk: Desk) -> None:
    page = desk.open(width=360)
    row = desk.row(page)
    row.get_by_role("link", name="Begin with the same").click()
    expect(_state(row)).to_have_text("Saved, not complete yet")
    assert desk.words() == Week(met=1, minutes=60, need="stability")
    note = desk.note()
    assert note is not None
    assert not note.is_complete


def test_with_the_line_gone_a_row_is_kept_sealed_and_saved_by_itself_when_it_is_back(desk: Desk) -> None:
    page = desk.open()
    row = desk.row(page)
    page.context.set_offline(True)
    row.get_by_label("Summary of the week").fill(WORDS)
    row.get_by_label("Meetings in person").fill("1")
    expect(_state(row)).to_contain_text("Not saved yet. It is kept on this device")
    kept = _kept(page)
    assert len(kept) == 1
    assert not any(part in kept[0] for part in ("musée", "summary", "met", "2026-01"))
    page.context.set_offline(False)
    expect(_state(row)).to_have_text("Saved, not complete yet")
    assert desk.words() == Week(met=1, summary=WORDS)
    assert _kept(page) == []
    desk.provoked()


def test_what_was_not_saved_is_there_and_saved_after_the_page_was_closed_and_opened_again(desk: Desk) -> None:
    page = desk.open()
    page.context.set_offline(True)
    desk.row(page).get_by_label("Summary of the week").fill(WORDS)
    expect(_state(desk.row(page))).to_contain_text("Not saved yet")
    context = page.context
    page.close()
    context.set_offline(False)
    again = context.new_page()
    again.goto(f"{desk.origin}/caseload/week")
    expect(_state(desk.row(again))).to_have_text("Saved, not complete yet")
    expect(desk.row(again).get_by_label("Summary of the week")).to_have_value(WORDS)
    assert desk.words() == Week(summary=WORDS)
    desk.provoked()


def test_a_row_of_another_week_that_was_not_saved_is_saved_from_the_page_that_is_opened_next(desk: Desk) -> None:
    page = desk.open()
    page.context.set_offline(True)
    desk.row(page).get_by_label("Meetings in person").fill("3")
    expect(_state(desk.row(page))).to_contain_text("Not saved yet")
    context = page.context
    page.close()
    context.set_offline(False)
    again = context.new_page()
    again.goto(f"{desk.origin}/caseload/week?week={MONDAY - WEEK}")
    _until_nothing_is_kept(again)
    assert desk.words() == Week(met=3)
    desk.provoked()


def test_after_a_sign_in_that_ended_a_row_is_saved_once_the_same_person_is_signed_in_again(desk: Desk) -> None:
    page = desk.open()
    row = desk.row(page)
    desk.end_sign_ins()
    row.get_by_label("Summary of the week").fill(WORDS)
    expect(_state(row)).to_contain_text("your sign-in has ended")
    assert desk.note() is None
    desk.sign_in(page)
    expect(_state(row)).to_have_text("Saved, not complete yet")
    assert desk.words() == Week(summary=WORDS)
    desk.provoked()


def test_nobody_else_who_signs_in_saves_or_sees_what_was_typed(desk: Desk) -> None:
    page = desk.open()
    row = desk.row(page)
    desk.end_sign_ins()
    row.get_by_label("Summary of the week").fill(WORDS)
    expect(_state(row)).to_contain_text("your sign-in has ended")
    desk.sign_in(page, "coordinator")  # who may write this note, but did not
    expect(row).to_contain_text("someone else has signed in")
    expect(row.get_by_label("Summary of the week")).to_have_value("")
    assert desk.note() is None
    assert _kept(page) == []
    desk.provoked()


def test_what_a_browser_kept_opens_under_no_later_sign_in(desk: Desk) -> None:
    page = desk.open()
    page.context.set_offline(True)
    desk.row(page).get_by_label("Summary of the week").fill(WORDS)
    expect(_state(desk.row(page))).to_contain_text("Not saved yet")
    context = page.context
    page.close()
    desk.end_sign_ins()
    context.set_offline(False)
    again = context.new_page()
    desk.sign_in(again)
    again.goto(f"{desk.origin}/caseload/week")
    expect(desk.row(again)).to_contain_text("can no longer be opened")
    assert _kept(again) == []
    assert desk.note() is None
    desk.provoked()


def test_of_two_windows_on_one_week_the_second_is_told_and_overwrites_nothing_unasked(desk: Desk) -> None:
    first = desk.open()
    second = first.context.new_page()
    second.goto(f"{desk.origin}/caseload/week")
    desk.row(first).get_by_label("Meetings in person").fill("2")
    expect(_state(desk.row(first))).to_have_text("Saved, not complete yet")
    late = desk.row(second)
    late.get_by_label("Minutes in all").fill("30")
    late.get_by_label("Meetings in person").fill("1")
    late.get_by_label("Need targeted").select_option("recovery")
    expect(late).to_contain_text("They wrote: Meetings in person: 2")
    assert desk.words() == Week(met=2)
    late.get_by_role("button", name="Save what I changed").click()
    expect(_state(late)).to_have_text("Saved, not complete yet")
    assert desk.words() == Week(met=1, minutes=30, need="recovery")
    desk.provoked()


def _of_second(desk: Desk, said: Week, *, seen: int = 0) -> None:
    """The other worker of the pair writes the same week."""
    with desk.cast.session() as session:
        by = desk.cast.actor(SECOND)
        write_note(session, desk.follow_up, MONDAY, said, unfinished=True, by=by, at=NOW, seen=seen)


def _readings(desk: Desk) -> int:
    with desk.cast.session() as session:
        return len(session.scalars(select(_event.c.n).where(_event.c.verb == "read")).all())


@pytest.mark.parametrize(
    ("button", "kept"), [("Keep both", "Vue au CLSC.\n\n" + WORDS), ("Keep theirs", "Vue au CLSC.")]
)
def test_of_two_workers_on_one_week_the_second_sees_the_words_of_both_on_record_and_chooses(
    desk: Desk, button: str, kept: str
) -> None:
    page = desk.open()
    row = desk.row(page)
    _of_second(desk, Week(met=2, minutes=45, summary="Vue au CLSC."))
    row.get_by_label("Summary of the week").fill(WORDS)
    expect(row).to_contain_text("Their words are sealed. Each reading is recorded.")
    expect(row).to_contain_text("They wrote: Meetings in person: 2; Minutes in all: 45.")
    expect(row).not_to_contain_text("CLSC")
    assert _readings(desk) == 0
    assert desk.words() == Week(met=2, minutes=45, summary="Vue au CLSC.")
    row.get_by_role("button", name="Show their words").click()
    expect(row).to_contain_text("Summary of the week: Vue au CLSC.")
    assert _readings(desk) == 1
    row.get_by_role("button", name=button).click()
    if button == "Keep both":
        expect(_state(row)).to_have_text("Saved, not complete yet")
        expect(row.get_by_label("Summary of the week")).to_have_value(kept)
    else:
        expect(row.get_by_role("link", name="Open them to go on writing")).to_be_visible()
    assert desk.words() == Week(met=2, minutes=45, summary=kept)
    assert _kept(page) == []
    desk.provoked()


def test_what_was_typed_without_a_line_while_another_wrote_is_not_lost_when_the_page_is_loaded_again(
    desk: Desk,
) -> None:
    page = desk.open()
    page.context.set_offline(True)
    desk.row(page).get_by_label("Summary of the week").fill(WORDS)
    expect(_state(desk.row(page))).to_contain_text("Not saved yet")
    _of_second(desk, Week(met=2, minutes=45, summary="Vue au CLSC."))
    context = page.context
    page.close()
    context.set_offline(False)
    again = context.new_page()
    again.goto(f"{desk.origin}/caseload/week")
    row = desk.row(again)
    row.get_by_role("button", name="Show their words").click()
    row.get_by_role("button", name="Keep both").click()
    expect(_state(row)).to_have_text("Saved, not complete yet")
    assert desk.words() == Week(met=2, minutes=45, summary="Vue au CLSC.\n\n" + WORDS)
    assert _kept(again) == []
    desk.provoked()


def test_words_that_go_on_without_a_line_are_saved_after_the_page_is_loaded_again_with_them_sealed(desk: Desk) -> None:
    page = desk.open()
    row = desk.row(page)
    row.get_by_label("Summary of the week").fill("Une visite.")
    expect(_state(row)).to_have_text("Saved, not complete yet")
    page.context.set_offline(True)
    row.get_by_label("Summary of the week").fill(WORDS)
    expect(_state(row)).to_contain_text("Not saved yet")
    context = page.context
    page.close()
    context.set_offline(False)
    again = context.new_page()
    again.goto(f"{desk.origin}/caseload/week")
    expect(_state(desk.row(again))).to_have_text("Saved, not complete yet")
    expect(desk.row(again).get_by_role("link", name="Open them to go on writing")).to_be_visible()
    assert desk.words() == Week(summary=WORDS)
    assert _kept(again) == []
    desk.provoked()


def test_a_very_long_meeting_is_asked_about_and_saved_once_it_is_confirmed(desk: Desk) -> None:
    page = desk.open()
    row = desk.row(page)
    row.get_by_label("Meetings in person").fill("1")
    row.get_by_label("Minutes in all").fill("-2")
    expect(row.locator(".row-told")).to_contain_text("Minutes in all – Something in this request")
    row.get_by_label("Minutes in all").fill("400")
    expect(row).to_contain_text("Meetings: 1, minutes in all: 400. Is this right?")
    note = desk.note()
    assert note is None or note.minutes == 0
    row.get_by_label("Yes, they lasted so long").check()
    expect(_state(row)).to_have_text("Saved, not complete yet")
    assert desk.words() == Week(met=1, minutes=400)
    desk.provoked()


def test_words_like_a_name_are_pointed_at_before_they_are_saved(desk: Desk) -> None:
    page = desk.open()
    row = desk.row(page)
    row.get_by_label("Summary of the week").fill("Vu avec Jacinthe Belle-Ombre.")
    expect(row.locator(".row-told")).to_contain_text("look like a name")
    assert desk.note() is None
    row.get_by_role("button", name="Save it as it is").click()
    expect(_state(row)).to_have_text("Saved, not complete yet")
    assert desk.words() == Week(summary="Vu avec Jacinthe Belle-Ombre.")
    desk.provoked()


def test_a_row_that_says_nothing_is_not_complete_and_says_why(desk: Desk) -> None:
    page = desk.open()
    row = desk.row(page)
    row.get_by_role("button", name="Complete").click()
    expect(row.get_by_role("alert")).to_contain_text("Say that you met")
    row.get_by_label("If you did not meet, why").select_option("other")
    expect(row.get_by_label("Which other reason")).to_be_visible()
    row.get_by_label("Which other reason").fill("En fugue")
    row.get_by_role("button", name="Complete").click()
    expect(_state(row)).to_have_text("Note complete")
    assert desk.words() == Week(why_none="other", why_other="En fugue")
    desk.provoked()


def test_without_the_script_a_row_has_its_button_and_its_words_are_opened_one_row_at_a_time(desk: Desk) -> None:
    page = desk.open(width=360, script=False)
    desk.row(page).get_by_role("link", name="Begin with the same").click()
    desk.row(page).get_by_label("Summary of the week").fill(WORDS)
    desk.row(page).get_by_role("button", name="Complete").click()
    expect(_state(desk.row(page))).to_have_text("Note complete")
    expect(desk.row(page).get_by_label("Summary of the week")).to_have_count(0)
    desk.row(page).locator("summary").click()
    desk.row(page).get_by_role("link", name="Open them to go on writing").click()
    expect(desk.row(page).get_by_label("Summary of the week")).to_have_value(WORDS)
    desk.row(page).get_by_label("Summary of the week").fill("")
    desk.row(page).get_by_role("button", name="Save as unfinished").click()
    assert desk.words() == Week(met=1, minutes=60, need="stability")


@pytest.mark.parametrize(("width", "language"), [(360, "fr"), (1280, "en")])
@pytest.mark.nightly
def test_the_rows_fit_and_can_be_used_by_all(desk: Desk, width: int, language: str) -> None:
    for path in ("/caseload/week", f"/follow-ups/{desk.follow_up}/weeks"):
        page = desk.open(path, width=width, lang=language)
        assert_fits(page)
        assert_accessible(page)
        page.close()
