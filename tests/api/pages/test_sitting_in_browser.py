"""The page on which a meeting is run, in a browser: one screen, by keyboard, with and without the script."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Page, Route, expect

from meetings import attendance, deciding, decisions, running
from meetings.locking import read_meeting
from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import Cast
from tests.meetings.meeting_room import MINUTE, NOW, arrange, items, meeting, sit
from tests.meetings.sitting import seat

pytestmark = pytest.mark.browser

HARD = "<script>alert(1)</script> " + "Interminablement" * 8


class Window:
    """The application on loopback some minutes into the meeting, and its page as the coordinator opens it."""

    def __init__(self, cast: Cast, origin: str, here: UUID, open_page: OpenPage) -> None:
        self.cast = cast
        self.origin = origin
        self.here = here
        self.open_page = open_page

    def open(self, **given: object) -> Page:
        token = token_for(self.cast.database, self.cast.people["coordinator"], at=NOW)
        return self.open_page(f"{self.origin}/meetings/{self.here}/run", cookies={"spheres": token}, **given)

    def state(self, key: str) -> str:
        with self.cast.session() as session:
            found = attendance.attendance_of(session, self.here)
            return next(one.state for one in found if one.seat.key == key)


@pytest.fixture
def window(cast: Cast, open_page: OpenPage) -> Iterator[Window]:
    with cast.session() as session:
        arrange(session, cast)
        here = meeting(session)
        running.open_meeting(session, here, by=cast.actor("coordinator"), at=NOW - 4 * MINUTE)
    at = NOW + timedelta(minutes=20)
    with serve(app_on(cast.database, demonstration=True, base_url=SERVED, at=at)) as origin:
        yield Window(cast, origin, here, open_page)


@pytest.mark.parametrize(
    ("lang", "width", "dark"),
    [
        pytest.param("fr", 320, False, marks=pytest.mark.nightly),
        pytest.param("en", 1280, True, marks=pytest.mark.ci),
        pytest.param("fr", 390, True, marks=pytest.mark.nightly),
    ],
)
def test_the_page_is_for_everyone_and_never_scrolls_sideways(window: Window, lang: str, width: int, dark: bool) -> None:
    by = window.cast.actor("coordinator")
    with window.cast.session() as session:
        for key in ("ccsmtl", "spvm"):
            sit(session, window.cast, key)
        first, second, _ = items(session)
        running.treat(session, first.id, "treated", note_fr=HARD, note_en=HARD, by=by, at=NOW + MINUTE)
        deciding.decide(
            session, window.here, second.id, text_fr=HARD, kind="management", owner_role="manager",
            due_on=NOW.date(), by=by, at=NOW + MINUTE,
        )  # fmt: skip
        running.add_item(session, window.here, title_fr=HARD[:150], reason=HARD[:150], by=by, at=NOW + MINUTE)
    page = window.open(lang=lang, width=width, dark=dark)
    assert_fits(page)
    assert_accessible(page)
    # Those of one group close each other, so each is looked at while it is open.
    for fold in page.locator("main details > summary").all():
        fold.click()
        assert_fits(page)
    assert_accessible(page)


@pytest.mark.ci
@pytest.mark.parametrize("script", [True, False])
def test_a_meeting_is_run_from_its_first_seat_to_its_closing(window: Window, script: bool) -> None:
    page = window.open(lang="fr", script=script)
    with window.cast.session() as session:
        codim, first = seat(session, "steering", "codim"), items(session)[0].id
    page.locator(f"#seat-{codim}-remote").click()
    expect(page.locator(f"#seat-{codim}")).to_contain_text(
        "Part maintenant"
    )  # it is there once the presence is recorded
    page.locator("#rest").click()
    expect(page.locator("#quorum")).to_contain_text("Quorum")
    expect(page.locator("#quorum.is-met")).to_be_visible()
    page.locator(f"#decide-{first} > summary").click()
    page.locator(f"#decide-{first}-fr").fill("Le budget est adopté.")
    page.locator(f"#decide-{first} [name=kind][value=management]").check()
    page.locator(f"#decide-{first}-decide").click()
    expect(page.locator("#decided")).to_contain_text("Le budget est adopté.")
    expect(page.locator("#decided")).to_contain_text("Avec quorum")
    page.locator("#close").click()
    expect(page.get_by_text("Cette rencontre a eu lieu")).to_be_visible()
    assert window.state("codim") == "remote"
    assert window.state("spvm") == "present"


@pytest.mark.ci
def test_the_keyboard_goes_on_where_it_was_and_what_was_typed_elsewhere_stays(window: Window) -> None:
    page = window.open(lang="en")
    with window.cast.session() as session:
        codim, first = seat(session, "steering", "codim"), items(session)[0]
    page.locator(f"#item-{first.id}-record > summary").press("Enter")
    page.locator(f"#item-{first.id}-note-en").fill("Heard and discussed.")
    page.locator(f"#seat-{codim}-present").press("Enter")
    expect(page.locator(f"#seat-{codim}")).to_contain_text("Leaves now")
    expect(page.locator("#say")).to_contain_text("Recorded. No quorum. Missing: 3 voting seats and 3 organizations.")
    assert page.evaluate("document.activeElement.id") == f"seat-{codim}"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()").startswith("Leaves now")
    note = page.locator(f"#item-{first.id}-note-en")
    expect(note).to_be_visible()
    expect(note).to_have_value("Heard and discussed.")
    page.locator(f"#item-{first.id}-treated").press("Enter")
    expect(page.locator(f"#item-{first.id}")).to_contain_text("Treated")
    focused = "document.activeElement.closest('details').id"
    assert page.evaluate(focused) == f"item-{first.id}-record"


@pytest.mark.ci
def test_who_goes_on_before_the_answer_is_there_is_not_put_back(window: Window) -> None:
    page = window.open(lang="en")
    with window.cast.session() as session:
        codim, first = seat(session, "steering", "codim"), items(session)[0].id
    late: list[Route] = []
    page.route("**/run/attendance", lambda route: late.append(route))  # noqa: PLW0108  # it has to be a function
    with page.expect_request("**/run/attendance"):
        page.locator(f"#seat-{codim}-present").press("Enter")
    page.locator(f"#item-{first}-record > summary").press("Enter")
    note = page.locator(f"#item-{first}-note-en")
    page.locator(f"#item-{first}-note-fr").press("Tab")
    expect(note).to_be_focused()
    late.pop().continue_()
    expect(page.locator(f"#seat-{codim}")).to_contain_text("Leaves now")
    page.keyboard.type("Heard.")
    expect(note).to_have_value("Heard.")


@pytest.mark.ci
def test_who_goes_on_before_an_opened_fold_takes_the_focus_types_where_they_are(window: Window) -> None:
    page = window.open(lang="en")
    with window.cast.session() as session:
        first = items(session)[0].id
    # A slow machine: what the page does "at once" comes after the next key.
    page.evaluate("() => { const soon = setTimeout; window.setTimeout = (act, ms) => soon(act, ms + 400) }")
    note = page.locator(f"#item-{first}-note-en")
    page.locator(f"#item-{first}-record > summary").press("Enter")
    note.focus()
    page.wait_for_timeout(600)
    page.keyboard.type("Heard.")
    expect(note).to_have_value("Heard.")
    expect(page.locator(f"#item-{first}-note-fr")).to_have_value("")


@pytest.mark.ci
def test_what_was_typed_before_somebody_else_recorded_the_item_is_kept_and_told(
    window: Window, open_page: OpenPage
) -> None:
    page = window.open(lang="en")
    with window.cast.session() as session:
        codim, first = seat(session, "steering", "codim"), items(session)[0]
    page.locator(f"#item-{first.id}-record > summary").click()
    note = page.locator(f"#item-{first.id}-note-en")
    note.fill("Mine, and long.")
    with window.cast.session() as session:
        by = window.cast.actor("coordinator")
        running.treat(session, first.id, "treated", note_en="Theirs.", by=by, at=NOW + MINUTE)
    # Another form brings the page up to date; the version that this note was written to stays the one that was seen.
    page.locator(f"#seat-{codim}-present").click()
    expect(page.locator(f"#item-{first.id}")).to_contain_text("Theirs.")
    expect(note).to_have_value("Mine, and long.")
    page.locator(f"#item-{first.id}-treated").click()
    expect(page.locator("#say")).to_contain_text("This item was changed by someone else")
    expect(note).to_have_value("Mine, and long.")
    with window.cast.session() as session:
        assert items(session)[0].note_en == "Theirs."
    page.locator(f"#item-{first.id}-treated").click()
    expect(page.locator(f"#item-{first.id}")).to_contain_text("Mine, and long.")
    wrong = open_page.wrong  # type: ignore[attr-defined]  # the refusal, which the browser's console tells too
    assert [one for one in wrong if "412" not in one] == []
    wrong.clear()


def refused_by_another(window: Window, open_page: OpenPage, page: Page, key: str) -> UUID:
    """Press a seat as present that somebody else recorded as absent a moment before; the seat's id."""
    with window.cast.session() as session:
        here = seat(session, "steering", key)
        by = window.cast.actor("deputy")
        attendance.record(session, window.here, here, "absent", by=by, at=NOW + MINUTE)
    page.locator(f"#seat-{here}-present").click()
    expect(page.locator("#say")).to_contain_text("This seat was recorded by someone else")
    open_page.wrong.clear()  # type: ignore[attr-defined]  # the 412 itself is told in the console
    return here


@pytest.mark.ci
def test_a_click_that_lost_a_race_is_told_until_it_is_done_and_keeps_what_was_meant(
    window: Window, open_page: OpenPage
) -> None:
    page = window.open(lang="en")
    codim = refused_by_another(window, open_page, page, "codim")
    with window.cast.session() as session:
        spvm = seat(session, "steering", "spvm")
    page.locator(f"#seat-{spvm}-present").click()
    expect(page.locator(f"#seat-{spvm}")).to_contain_text("Leaves now")
    expect(page.locator("#say.failed")).to_contain_text("Still not done: This seat was recorded by someone else")
    lost = page.locator(f"#seat-{codim}-more")
    expect(lost.locator(".error")).to_contain_text("This seat was recorded by someone else")
    expect(lost.locator("select[name=state]")).to_have_value("present")
    page.locator(f"#seat-{codim}-record").click()
    expect(page.locator(f"#seat-{codim}")).to_contain_text("Leaves now")
    expect(page.locator("#say")).not_to_contain_text("Still not done")
    assert window.state("codim") == "present"


@pytest.mark.ci
def test_who_closes_what_was_refused_hears_no_more_of_it(window: Window, open_page: OpenPage) -> None:
    page = window.open(lang="en")
    codim = refused_by_another(window, open_page, page, "codim")
    page.locator(f"#seat-{codim}-more > summary").click()
    with window.cast.session() as session:
        spvm = seat(session, "steering", "spvm")
    page.locator(f"#seat-{spvm}-present").click()
    expect(page.locator("#say")).to_contain_text("Recorded.")
    expect(page.locator("#say")).not_to_contain_text("Still not done")
    assert window.state("codim") == "absent"


@pytest.mark.ci
def test_a_form_in_which_nothing_was_typed_follows_what_another_recorded(window: Window, open_page: OpenPage) -> None:
    page = window.open(lang="en")
    with window.cast.session() as session:
        codim, (first, *_) = seat(session, "steering", "codim"), items(session)
        by = window.cast.actor("deputy")
        running.treat(session, first.id, "treated", note_en="Theirs.", by=by, at=NOW + MINUTE)
    page.locator(f"#seat-{codim}-present").click()
    expect(page.locator(f"#item-{first.id}")).to_contain_text("Theirs.")
    page.locator(f"#item-{first.id}-record > summary").click()
    page.locator(f"#item-{first.id}-nothing").click()
    expect(page.locator("#say")).to_contain_text("Recorded.")
    assert open_page.wrong == []  # type: ignore[attr-defined]


@pytest.mark.ci
def test_words_that_are_pointed_at_take_nothing_from_what_is_typed_elsewhere(
    window: Window, open_page: OpenPage
) -> None:
    page = window.open(lang="en")
    with window.cast.session() as session:
        first, second, _ = items(session)
    page.locator(f"#item-{second.id}-record > summary").click()
    page.locator(f"#item-{second.id}-note-en").fill("Not saved yet, and long.")
    page.locator(f"#item-{first.id}-record > summary").click()
    page.locator(f"#item-{first.id}-note-en").fill("News of Jessica Tremblay.")
    page.locator(f"#item-{first.id}-treated").click()
    expect(page.locator("[data-pointed] mark")).to_have_text("Jessica Tremblay")
    page.keyboard.press("Escape")
    expect(page.locator(f"#item-{first.id}-note-en")).to_have_value("News of Jessica Tremblay.")
    page.locator(f"#item-{first.id}-treated").click()
    page.locator("[data-pointed] textarea").fill("News of #2019-02.")
    page.get_by_role("button", name="Save with the corrections").click()
    expect(page.locator(f"#item-{first.id}")).to_contain_text("News of #2019-02.")
    expect(page.locator(f"#item-{first.id}")).to_contain_text("Treated")
    expect(page.locator(f"#item-{second.id}-note-en")).to_have_value("Not saved yet, and long.")
    page.locator(f"#item-{second.id}-record > summary").click()
    page.locator(f"#item-{second.id}-note-en").fill("Jessica Tremblay is a street.")
    page.locator(f"#item-{second.id}-nothing").click()
    page.get_by_role("button", name="Save as it is: no participant is named").click()
    expect(page.locator(f"#item-{second.id}")).to_contain_text("Jessica Tremblay is a street.")
    wrong = open_page.wrong  # type: ignore[attr-defined]  # the answer that points, which the console tells too
    assert [one for one in wrong if "422" not in one] == []
    wrong.clear()


#: What has the focus: whether it can be seen to have it, and whether it stands on the screen.
_FOCUS = """() => {
  const one = document.activeElement, look = getComputedStyle(one), box = one.getBoundingClientRect();
  return {
    name: one.id || one.name || one.textContent.trim().slice(0, 60),
    ring: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2,
    shown: box.bottom > 0 && box.top < innerHeight && box.width > 0,
  };
}"""
_FOLLOWS = """([before]) => {
  const now = document.activeElement;
  return !before || before === now || !!(before.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING);
}"""


def tab_to(page: Page, target: str, *, back: bool = False, most: int = 60) -> None:
    """Go to an element by Tab alone, or by Shift and Tab: each stop is seen, and comes where it stands on the page."""
    for _ in range(most):
        before = page.evaluate_handle("document.activeElement === document.body ? null : document.activeElement")
        page.keyboard.press("Shift+Tab" if back else "Tab")
        focus = page.evaluate(_FOCUS)
        assert focus["ring"], f"nobody sees that {focus['name']} has the focus"
        assert focus["shown"], f"{focus['name']} has the focus off the screen"
        assert back or page.evaluate(_FOLLOWS, [before]), f"{focus['name']} comes out of its order"
        if page.evaluate("target => document.activeElement.matches(target)", target):
            return
    raise AssertionError(f"{most} times Tab did not lead to {target}")


@pytest.fixture
def planned(cast: Cast, open_page: OpenPage) -> Iterator[Window]:
    """The same before anybody opened the meeting."""
    with cast.session() as session:
        arrange(session, cast)
        here = meeting(session)
    with serve(app_on(cast.database, demonstration=True, base_url=SERVED, at=NOW)) as origin:
        yield Window(cast, origin, here, open_page)


@pytest.mark.parametrize(
    "lang", [pytest.param("fr", marks=pytest.mark.ci), pytest.param("en", marks=pytest.mark.nightly)]
)
def test_a_whole_meeting_is_run_by_keys_alone(planned: Window, lang: str) -> None:  # noqa: PLR0915  # it is one story
    """Opened, its seats recorded, its items gone through, one decided with who does it by when, and closed."""
    page = planned.open(lang=lang)
    keys = page.keyboard
    tab_to(page, ".to-content")
    keys.press("Enter")
    tab_to(page, "#open")
    keys.press("Enter")
    expect(page.locator("#attendance")).to_be_visible()
    with planned.cast.session() as session:
        codim, (first, second, third) = seat(session, "steering", "codim"), [one.id for one in items(session)]

    tab_to(page, ".to-content")
    keys.press("Enter")
    tab_to(page, f"#seat-{codim}-remote")
    keys.press("Enter")
    expect(page.locator(f"#seat-{codim}-more")).to_contain_text("Corriger" if lang == "fr" else "Correct")
    tab_to(page, "#rest", back=True)
    keys.press("Space")
    expect(page.locator("#quorum.is-met")).to_be_visible()

    tab_to(page, f"#item-{first}-record > summary", back=False)
    tab_to(page, f"#decide-{first} > summary")
    keys.press("Enter")
    expect(page.locator(f"#decide-{first}-fr")).to_be_focused()
    keys.type("Le budget est adopté. j k x ?")  # letters are letters: none of them is a command
    keys.press("Tab")
    keys.type("The budget is adopted.")
    tab_to(page, f"#decide-{first} [name=kind]")
    keys.press("Space")
    tab_to(page, f"#decide-{first}-role")
    keys.type("Coord")
    tab_to(page, f"#decide-{first}-due")
    keys.type("02152027")  # as this browser writes a day, whatever the page speaks
    keys.press("Control+Enter")
    expect(page.locator("#decided")).to_contain_text("Avec quorum" if lang == "fr" else "With a quorum")

    tab_to(page, f"#item-{second}-record > summary")
    keys.press("Enter")
    expect(page.locator(f"#item-{second}-note-fr")).to_be_focused()
    keys.type("Entendu.")
    keys.press("Control+Enter")
    expect(page.locator(f"#item-{second} blockquote")).to_contain_text("Entendu.")
    tab_to(page, f"#item-{third}-record > summary")
    keys.press("Enter")
    keys.press("Escape")
    expect(page.locator(f"#item-{third}-record > summary")).to_be_focused()
    keys.press("Enter")
    tab_to(page, f"#item-{third}-carried")
    keys.press("Enter")
    # Until the page has it: a part that is put in while Tab goes through it has no order.
    expect(page.locator(f"#item-{third}-record > summary")).to_contain_text("Corriger" if lang == "fr" else "Correct")
    expect(page.locator("#say")).not_to_be_empty()
    tab_to(page, "#close")
    keys.press("Enter")
    expect(page.locator("#closing")).to_have_count(0)

    with planned.cast.session() as session:
        assert {planned.state("codim"), planned.state("spvm")} == {"remote", "present"}
        assert [one.outcome for one in items(session)] == ["decided", "treated", "carried"]
        (decision,) = decisions.decisions_of(session, planned.here)
        assert (decision.text_fr, decision.text_en) == ("Le budget est adopté. j k x ?", "The budget is adopted.")
        assert (decision.kind, decision.owner_role, decision.has_quorum) == ("management", "coordinator", True)
        assert decision.due_on == date(2027, 2, 15)
        assert read_meeting(session, planned.here).state == "held"
