"""The consent form in a browser: drawn by a finger on a phone, whole without the script by a scan, and legible."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from domain.accompaniment import consent_forms
from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import AT, TODAY, Cast
from tests.following import WORKER, agreed, followed, known_as_somebody, left_without_consent, row_of
from tests.signing import drawing

pytestmark = [pytest.mark.browser, pytest.mark.ci]

#: Where pictures of the pages go, for whoever wants to look at them.
PICTURES: Final = os.environ.get("TEST_PICTURES")
PHONE: Final = 360


class Window:
    """The application on loopback, with a participant of 16 who signed nothing yet."""

    def __init__(self, cast: Cast, participant_id: UUID, origin: str, open_page: OpenPage) -> None:
        self.cast, self.participant_id, self.origin, self.open_page = cast, participant_id, origin, open_page

    def open(self, path: str, name: str = WORKER, **given: Any) -> Page:
        cookies = {"spheres": token_for(self.cast.database, self.cast.people[name], at=AT)}
        return self.open_page(f"{self.origin}/participants/{self.participant_id}{path}", cookies=cookies, **given)

    def ways(self) -> list[str]:
        """How each form of the participant was signed, without the one of before."""
        with self.cast.session() as session:
            forms = "select way from consent_form where participant_id = :id and sealed is not null"
            return list(session.scalars(text(forms), {"id": self.participant_id}))


@pytest.fixture
def window(cast: Cast, open_page: OpenPage) -> Iterator[Window]:
    with cast.session() as session:
        agreed(session, cast)
        participant_id: UUID = row_of(session, followed(session, cast))["participant_id"]
        known_as_somebody(session, participant_id)
        left_without_consent(session, participant_id)
    with serve(app_on(cast.database, demonstration=True, base_url=SERVED, at=AT)) as origin:
        yield Window(cast, participant_id, origin, open_page)


def _draw_by_finger(page: Page) -> None:
    """A finger that signs: touches, as a phone sends them."""
    pad = page.locator("canvas.signature-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    touch = page.context.new_cdp_session(page)
    stroke = [(0.1, 0.7), (0.2, 0.2), (0.35, 0.75), (0.5, 0.3), (0.7, 0.7), (0.9, 0.4)]
    for n, (x, y) in enumerate(stroke):
        point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if n else "touchStart", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_finger_signs_on_a_phone_and_what_it_drew_is_kept(window: Window) -> None:
    page = window.open("/consents/form", width=PHONE, height=740, lang="en")
    expect(page.get_by_text("Not signed yet")).to_be_visible()
    page.get_by_label("The limits of confidentiality").check()
    page.get_by_label("To be accompanied by the program").check()
    page.get_by_label("That the program shares with CODIM").check()
    _draw_by_finger(page)
    expect(page.get_by_text("Signed", exact=True)).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Not signed yet")).to_be_visible()
    page.get_by_role("button", name="Save the signed form").click()
    expect(page.get_by_text("The form is signed by nobody")).to_be_visible()
    assert window.ways() == []
    window.open_page.wrong.clear()  # type: ignore[attr-defined]  # a form that is refused is a 409
    expect(page.get_by_label("That the program shares with CODIM")).to_be_checked()
    _draw_by_finger(page)
    page.get_by_role("button", name="Save the signed form").click()
    expect(page.get_by_role("heading", name="Form signed November 23, 2026").first).to_be_visible()
    assert window.ways() == ["drawn"]
    with window.cast.session() as session:
        (form,) = [one for one in consent_forms.forms_of(session, window.participant_id) if one.way == "drawn"]
        by = window.cast.actor("coordinator")
        kept = consent_forms.read_signature(session, window.participant_id, form.id, ground="role", by=by, at=AT)
    assert kept.content_type == "image/png"


def test_a_mouse_signs_at_a_desk(window: Window) -> None:
    page = window.open("/consents/form", width=1280, lang="fr")
    page.get_by_label("Les limites de la confidentialité").check()
    page.get_by_label("Être accompagné·e par le programme").check()
    pad = page.locator("canvas.signature-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 120)
    page.mouse.down()
    for x, y in ((90, 40), (160, 130), (260, 60), (400, 110)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Enregistrer le formulaire signé").click()
    expect(page.get_by_text("Signature dessinée à l’écran.")).to_be_visible()
    assert window.ways() == ["drawn"]


def test_without_the_script_the_paper_is_scanned_and_the_rest_is_whole(window: Window, tmp_path: Path) -> None:
    page = window.open("/consents/form", width=PHONE, lang="en", script=False)
    expect(page.locator("canvas.signature-pad")).to_be_hidden()
    page.get_by_label("The limits of confidentiality").check()
    page.get_by_label("To be accompanied by the program").check()
    page.get_by_label("That the program shares with SPVM").check()
    scan = tmp_path / "scan.png"
    scan.write_bytes(drawing())
    page.get_by_label("Scan or photograph of the signed paper").set_input_files(scan)
    page.get_by_role("button", name="Save the signed form").click()
    expect(page.get_by_role("heading", name="Form signed November 23, 2026").first).to_be_visible()
    assert window.ways() == ["paper"]
    page.get_by_role("link", name="Withdraw or narrow").click()
    page.get_by_label("Sharing with a partner – SPVM").uncheck()
    page.get_by_role("button", name="Save what the person says").click()
    expect(page.get_by_text("withdrawn November 23, 2026")).to_be_visible()
    expect(page.get_by_label("Sharing with a partner – SPVM")).to_have_count(0)
    with window.cast.session() as session:
        left = session.scalars(
            text(
                "select purpose from consent where participant_id = :id and withdrawn_on is null"
                " and replaced_at is null"
            ),
            {"id": window.participant_id},
        ).all()
    assert left == ["program"]
    assert TODAY.isoformat() == "2026-11-23"


@pytest.mark.parametrize(("width", "language"), [(320, "fr"), (PHONE, "en"), (1280, "fr")])
def test_the_pages_of_the_form_fit_and_can_be_used_by_all(window: Window, width: int, language: str) -> None:
    for path in ("/consents/form", "/consents"):
        page = window.open(path, width=width, lang=language)
        assert_fits(page)
        assert_accessible(page)
        if PICTURES:
            name = f"{path.strip('/').replace('/', '_')}_{width}_{language}.png"
            page.screenshot(path=Path(PICTURES) / name, full_page=True)
        page.close()
