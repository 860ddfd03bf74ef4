"""A meeting that sits, in ten browsers at once: what the secretary does shows on all, and who leaves is shut out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from api.web.live import MOST_STREAMS
from domain.accompaniment import barring
from meetings import attendance, deciding, discussing, running
from meetings.agenda_items import PresentedItem, items_of
from meetings.caseloads import case_lines
from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import Cast
from tests.following import SECOND, THIRD, WORKER, followed
from tests.meetings.clinic import NOW
from tests.meetings.sitting import seat
from tests.meetings.spoken_cases import WORDS, item_named, prepare_cases

pytestmark = pytest.mark.browser

#: The most that a member's page may have on a phone, in pixels.
MOST = 2500
MEMBERS = ("worker_codim", "police", WORKER, "without_mail", "deputy")


class Cable:
    """The line between browsers and a server, which can be cut, and mended."""

    def __init__(self, origin: str) -> None:
        self._whither = ("127.0.0.1", int(origin.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._is_cut = False
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._carriers = [threading.Thread(target=self._accept, daemon=True)]
        self._carriers[0].start()

    def cut(self) -> None:
        """Break what is open, and let nothing new through."""
        self._is_cut = True
        for one in self._ends:
            _shut(one)

    def mend(self) -> None:
        """Let through what comes."""
        self._is_cut = False

    def close(self) -> None:
        """Take the cable away."""
        self.cut()
        _shut(self._listener)
        for carrier in self._carriers:
            carrier.join(10)
        for one in (self._listener, *self._ends):
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._is_cut:
                    near.close()
                    continue
                far = socket.create_connection(self._whither)
                self._ends += [near, far]
                for ends in ((near, far), (far, near)):
                    self._carriers.append(threading.Thread(target=_carry, args=ends, daemon=True))
                    self._carriers[-1].start()


def _carry(whence: socket.socket, whither: socket.socket) -> None:
    with suppress(OSError):
        while part := whence.recv(65536):
            whither.sendall(part)
    _shut(whence)
    _shut(whither)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def cable(origin: str) -> Iterator[Cable]:
    """A line to a server, taken away at the end."""
    line = Cable(origin)
    try:
        yield line
    finally:
        line.close()


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
    loads: list[str] = []
    for page in windows.values():
        expect(page.locator("#now-title")).to_contain_text("CCSMTL")
        page.on("load", lambda one: loads.append(one.url))
    secretary = room.window("coordinator", "run")
    # Each act of the secretary, by hand: how a seat is filled, a case, the next item, a decision.
    with room.cast.session() as session:
        spvm = seat(session, "clinical", "spvm")
    secretary.locator(f"#seat-{spvm} .presses button[value=remote]").click()
    for (_, lang), page in windows.items():
        expect(page.locator("#who-sits")).to_contain_text({"en": "Remotely", "fr": "À distance"}[lang])
    secretary.locator("details[id^=case-] summary").first.click()
    secretary.locator("details[id^=case-] textarea[name=note]").first.press("Control+Enter")
    for (_, lang), page in windows.items():
        expect(page.locator(".case-line").first).to_contain_text({"en": "Goes on", "fr": "Se poursuit"}[lang])
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
    assert loads == [], "and no window was loaded again"


@pytest.mark.ci
def test_words_leave_the_window_when_the_meeting_closes_and_what_is_typed_stays_and_says_that_it_is_not_saved(
    room: Room,
) -> None:
    member, barred, secretary = room.window("police"), room.window("deputy"), room.window("coordinator", "run")
    for page in (member, barred):
        page.locator("#read-raised a").click()
        expect(page.locator("#raised")).to_contain_text(WORDS)
    with room.cast.session() as session:
        turn = item_named(session, room.here, "CCSMTL")
        line = next(one for one in case_lines(session, NOW.date()) if one.row.number == "#2026-01")
        barring.bar(session, line.row.participant_id, room.cast.people["deputy"], by=room.cast.actor(WORKER), at=NOW)
    expect(barred.locator("body")).not_to_contain_text(WORDS)
    expect(member.locator("#raised")).to_contain_text(WORDS)
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
def test_cases_are_recorded_by_keyboard_one_save_each_and_the_next_takes_the_focus(room: Room) -> None:
    with room.cast.session() as session:
        for number in ("#2026-03", "#2026-04"):
            followed(session, room.cast, number)
    member, secretary = room.window("police"), room.window("coordinator", "run")
    sent: list[str] = []
    secretary.on("request", lambda one: sent.append(one.url) if one.method == "POST" and "/run/" in one.url else None)
    loads: list[str] = []
    secretary.on("load", lambda page: loads.append(page.url))
    keys = secretary.keyboard
    secretary.locator("details[id^=case-] summary").first.focus()
    keys.press("Enter")
    for number in ("#2026-01", "#2026-03", "#2026-04"):
        case = secretary.locator(".case-line", has_text=number)
        expect(case.locator("textarea[name=note]")).to_be_focused()
        # At five keys a second, a note, the outcome and what follows by when take less than 20 s.
        written = ("Heard; housing first.", "Call the landlord.", "12012026")
        pressed = ("Tab", "ArrowDown", "Tab", "Tab", "Control+Enter")
        assert sum(map(len, written)) + len(pressed) + 1 < 100
        keys.type(written[0])
        for key in pressed[:3]:
            keys.press(key)
        keys.type(written[1])
        keys.press(pressed[3])
        keys.type(written[2])
        keys.press(pressed[4])
        expect(case).to_contain_text("The plan changes")
        expect(member.locator(".case-line", has_text=number)).to_contain_text("The plan changes")
    assert (len(sent), loads) == (3, []), "one save a case, and no page was loaded"
    with room.cast.session() as session:
        said = discussing.discussed_in(session, room.here, [one.row.id for one in case_lines(session, NOW.date())])
    assert [(one.outcome, one.due_on) for one in said.values()] == [("changes", date(2026, 12, 1))] * 3


@pytest.mark.ci
def test_a_line_that_is_gone_is_told_nothing_typed_is_lost_and_what_is_true_comes_back_by_itself(room: Room) -> None:
    with cable(room.origin) as line:
        room.origin = line.origin
        member, secretary = room.window("police"), room.window("coordinator", "run")
        with room.cast.session() as session:
            turn, next_turn = (item_named(session, room.here, name) for name in ("CCSMTL", "CODIM"))
        secretary.locator(f"#item-{turn}-record > summary").click()
        note = secretary.locator(f"#item-{turn}-note-en")
        note.fill("Half a sentence")
        expect(member.locator("#now-title")).to_contain_text("CCSMTL")
        line.cut()
        for page in (member, secretary):
            expect(page.locator("#now.is-away")).to_be_visible()
            expect(page.locator("#say")).to_contain_text("The connection is gone.")
        secretary.locator(f"#item-{turn}-treated").click()
        expect(secretary.locator("#say")).to_contain_text("Not saved.")
        expect(secretary.locator("#now.is-away")).to_be_visible()
        with room.cast.session() as session:
            running.take_up(session, next_turn, by=room.cast.actor("coordinator"), at=NOW)
        line.mend()
        expect(member.locator("#now-title")).to_contain_text("CODIM")
        for page in (member, secretary):
            expect(page.locator("#now.is-away")).to_have_count(0)
        expect(note).to_have_value("Half a sentence")
        secretary.locator(f"#item-{turn}-treated").click()
        expect(secretary.locator(f"#item-{turn}")).to_contain_text("Half a sentence")
        for page in (member, secretary):
            page.close()
    room.open_page.wrong.clear()  # type: ignore[attr-defined]  # that there is no line is told in the console, too


@pytest.mark.ci
def test_ten_minutes_without_a_connection_close_what_was_opened_keep_what_is_typed_and_say_so(room: Room) -> None:
    with cable(room.origin) as line:
        room.origin = line.origin
        member, secretary = room.window("police"), room.window("coordinator", "run")
        with room.cast.session() as session:
            turn = item_named(session, room.here, "CCSMTL")
        for page in (member, secretary):
            page.clock.install()
            page.reload()
        member.locator("#read-raised a").click()
        expect(member.locator("#raised")).to_contain_text(WORDS)
        secretary.locator(f"#item-{turn}-record > summary").click()
        secretary.locator(f"#item-{turn}-note-en").fill("Half a sentence")
        line.cut()
        for page in (member, secretary):
            expect(page.locator("#now.is-away")).to_be_visible()
        expect(member.locator("#raised")).to_contain_text(WORDS)
        room.close()
        for page in (member, secretary):
            page.clock.fast_forward("10:00")
        expect(member.locator("body")).not_to_contain_text(WORDS)
        expect(secretary.locator(f"#item-{turn}-note-en")).to_have_value("Half a sentence")
        line.mend()
        for page in (member, secretary):
            page.clock.fast_forward("01:00")
        expect(member.locator("#now")).to_contain_text("This meeting was closed.")
        expect(secretary.locator("#say")).to_contain_text("NOT saved")
        expect(secretary.locator(f"#item-{turn}-note-en")).to_have_value("Half a sentence")
        for page in (member, secretary):
            page.close()
    room.open_page.wrong.clear()  # type: ignore[attr-defined]  # that there is no line is told in the console, too


@pytest.mark.ci
def test_a_member_who_waits_sees_the_meeting_open_by_itself_and_an_opening_that_is_undone_takes_words_away(
    room: Room,
) -> None:
    by = room.cast.actor("coordinator")
    member = room.window("police")
    member.locator("#read-raised a").click()
    expect(member.locator("#raised")).to_contain_text(WORDS)
    with room.cast.session() as session:
        running.put_back(session, room.here, by=by, at=NOW)
    expect(member.locator("#now")).to_contain_text("Not opened yet: it is planned for")
    expect(member.locator("body")).not_to_contain_text(WORDS)
    with room.cast.session() as session:
        running.open_meeting(session, room.here, by=by, at=NOW)
    expect(member.locator("#now-title")).to_be_visible()
    expect(member.locator("#now")).to_contain_text("Under way")


@pytest.mark.ci
def test_a_browser_without_streams_asks_anew_and_is_told_the_end(room: Room) -> None:
    without = room.window("deputy")
    without.add_init_script("delete window.EventSource")
    without.reload()
    with room.cast.session() as session:
        turn = item_named(session, room.here, "CODIM")
        running.take_up(session, turn, by=room.cast.actor("coordinator"), at=NOW)
    expect(without.locator("#now-title")).to_contain_text("CODIM")
    room.close()
    expect(without.locator("#now")).to_contain_text("This meeting was closed.")


@pytest.mark.ci
def test_who_left_reads_no_more_in_any_window_nor_by_the_way_back(room: Room) -> None:
    reading, going_on = room.window("worker_codim"), room.window("worker_codim")
    reading.locator("#read-raised a").click()
    expect(reading.locator("#raised")).to_contain_text(WORDS)
    going_on.locator("#read-raised a").click()
    expect(going_on.locator("#raised")).to_contain_text(WORDS)
    going_on.goto(f"{room.origin}/meetings/{room.here}")
    room.leaves("codim")
    expect(reading.locator("body")).not_to_contain_text(WORDS)
    expect(reading.locator("#now")).to_contain_text("you are not sitting in it now")
    going_on.go_back()
    expect(going_on.locator("body")).not_to_contain_text(WORDS)
    reading.reload()
    expect(reading.locator("body")).not_to_contain_text(WORDS)
    room.open_page.wrong.clear()  # type: ignore[attr-defined]  # that the page is not found is told in the console, too


@pytest.mark.ci
def test_one_window_too_many_says_that_it_stopped_and_keeps_what_is_typed(room: Room) -> None:
    with room.cast.session() as session:
        turn = item_named(session, room.here, "CCSMTL")
    first = room.window("coordinator", "run")
    first.locator(f"#item-{turn}-record > summary").click()
    first.locator(f"#item-{turn}-note-en").fill("Half a sentence")
    for _ in range(MOST_STREAMS):
        page = room.window("coordinator")
        expect(page.locator("#now-title")).to_contain_text("CCSMTL")
    expect(first.locator("#now")).to_contain_text("more windows than are kept fresh")
    first.locator(f"#item-{turn}-treated").click()
    expect(first.locator(f"#item-{turn}")).to_contain_text("Half a sentence")


@pytest.mark.ci
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_pages_fit_a_phone_and_are_for_everyone(room: Room, lang: str) -> None:
    for name, where in (("police", "sitting"), ("coordinator", "projector"), ("coordinator", "run")):
        page = room.window(name, where, lang=lang, width=360, height=780)
        expect(page.locator("#now")).to_be_visible()
        assert_fits(page)
        assert_accessible(page)
        if where == "sitting":
            assert page.evaluate("document.documentElement.scrollHeight") < MOST
            page.locator("#read-raised a").click()
            expect(page.locator("#raised")).to_contain_text(WORDS)
            assert_fits(page)
            assert_accessible(page)


@pytest.mark.nightly
def test_a_phone_shows_a_member_thirty_cases_in_three_screens_before_at_each_item_and_after(room: Room) -> None:
    by = room.cast.actor("coordinator")
    with room.cast.session() as session:
        for n in range(3, 33):
            worker = (WORKER, SECOND, THIRD)[n % 3] if n < 12 else WORKER
            followed(session, room.cast, f"#2026-{n:02d}", worker=worker)
        running.put_back(session, room.here, by=by, at=NOW)
    page = room.window("police", width=360, height=780)

    def height() -> int:
        assert_fits(page)
        found: int = page.evaluate("document.documentElement.scrollHeight")
        return found

    assert height() < MOST
    with room.cast.session() as session:
        running.open_meeting(session, room.here, by=by, at=NOW)
    for n, item in enumerate(_items(room), start=1):
        with room.cast.session() as session:
            running.take_up(session, item.id, by=by, at=NOW + timedelta(seconds=n))
        expect(page.locator("#now-title")).to_contain_text(item.title_en)
        assert height() < MOST, item.title_en
    room.close()
    expect(page.locator("#now")).to_contain_text("This meeting was closed.")
    for where in ("", "/minutes"):
        page.goto(f"{room.origin}/meetings/{room.here}{where}")
        assert height() < MOST, where


def _items(room: Room) -> list[PresentedItem]:
    with room.cast.session() as session:
        return items_of(session, room.here)


@pytest.mark.ci
def test_without_the_script_a_link_loads_the_page_again(room: Room) -> None:
    page = room.window("police", script=False)
    expect(page.locator("#now-title")).to_contain_text("CCSMTL")
    with room.cast.session() as session:
        turn = item_named(session, room.here, "CODIM")
        running.take_up(session, turn, by=room.cast.actor("coordinator"), at=NOW)
    page.get_by_role("link", name="Reload").click()
    expect(page.locator("#now-title")).to_contain_text("CODIM")
