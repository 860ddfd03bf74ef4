"""The workbook of notes in a browser: sent, looked at, saved and taken back; and what is refused, in words."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from openpyxl import Workbook
from playwright.sync_api import Page, expect

from domain.follow_ups import Week, notes
from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.cast import AT, TODAY, Cast
from tests.following import WORKER, agreed, followed
from tests.noting import write_note

pytestmark = [pytest.mark.browser, pytest.mark.ci]


def filled(*rows: tuple[object, ...], number: str = "#2026-01") -> bytes:
    """A workbook of one sheet, as people keep it."""
    made = Workbook()
    made.remove(made.worksheets[0])
    sheet = made.create_sheet("J")
    sheet.append(["ID du jeune", number])
    sheet.append(["Semaine du", "N de rencontres", "Durée des rencontres", "Pourquoi", "Résumé"])
    for row in rows:
        sheet.append(row)
    file = BytesIO()
    made.save(file)
    return file.getvalue()


def _send(page: Page, folder: Path, content: bytes, name: str = "notes.xlsx") -> None:
    path = folder / name
    path.write_bytes(content)
    page.locator("input[type=file]").set_input_files(path)
    page.locator("form[enctype] button[type=submit]").click()


def _note(cast: Cast, follow_up: UUID) -> notes.NoteLine | None:
    with cast.session() as session:
        return notes.note_of(session, follow_up, TODAY)


@pytest.mark.parametrize(("lang", "width", "said"), [("en", 1280, ("Save all of it", "Take all of it back"))])
def test_a_workbook_is_sent_looked_at_saved_and_taken_back(
    cast: Cast, open_page: OpenPage, tmp_path: Path, lang: str, width: int, said: tuple[str, str]
) -> None:
    save, back = said
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        before = Week(met=1, minutes=30)
        write_note(session, follow_up, TODAY, before, by=cast.actor(WORKER), at=AT)
    with serve(app_on(cast.database, demonstration=True, base_url=SERVED, at=AT)) as origin:
        cookies = {"spheres": token_for(cast.database, cast.people[WORKER], at=AT)}
        page = open_page(f"{origin}/caseload/imports", cookies=cookies, lang=lang, width=width)
        _send(page, tmp_path, filled((TODAY, 1, 400, None, "Vu avec Jacinthe Belle-Ombre.")))
        expect(page.get_by_role("button", name=save)).to_be_visible()
        assert_fits(page)
        assert_accessible(page)
        assert "Jacinthe" not in page.content()
        for tick in page.locator("#save input[type=checkbox]").all():
            tick.check()
        page.get_by_role("button", name=save).click()
        expect(page.locator("#save")).not_to_contain_text(save)
        now = _note(cast, follow_up)
        assert now is not None
        assert (now.minutes, now.has_words) == (400, True)
        page.get_by_text(back, exact=True).first.click()
        page.get_by_role("button", name=back).last.click()
        expect(page.locator("#save button")).to_have_count(0)
        again = _note(cast, follow_up)
        assert again is not None
        assert (again.minutes, again.has_words) == (30, False)
