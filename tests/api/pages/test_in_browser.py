"""The pages about the program in a real browser: readable by everyone, on a phone and at a desk, in both languages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from domain.people.absences import record_absence
from domain.people.people import end_tenure
from models.agreement import Agreement
from models.base import table_of
from models.casework import ProtocolVersion
from models.outbox import Notice
from models.program import Program, Tenure
from tests.api.application import SERVED, app_on, token_for
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.casework import open_onboarding
from tests.cast import AT, TODAY, Cast

pytestmark = [pytest.mark.browser, pytest.mark.ci]

_notice = table_of(Notice)
_tenure = table_of(Tenure)
_agreement = table_of(Agreement)
_program = table_of(Program)

#: When an untouched onboarding is late.
LATER = AT + timedelta(days=60)


@pytest.fixture
def lively(cast: Cast) -> Cast:
    """The cast with something on every page: a case that is late, a vacancy, an absence, a letter that failed."""
    open_onboarding(cast)
    with cast.session() as session:
        session.execute(update(_program).where(_program.c.id == cast.program_id).values(is_demonstration=True))
        record_absence(
            session,
            person_id=cast.people["manager_em"],
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=90),
            deputy_id=cast.people["deputy"],
            by=cast.actor("coordinator"),
            at=AT,
        )
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["manager_codim"])).one()
        end_tenure(session, held, ends_on=TODAY, by=cast.actor("coordinator"), at=AT)
        session.execute(update(_notice).values(state="failed", next_attempt_at=None, attempts=7, code="550 5.1.1"))
    return cast


def pages_of(cast: Cast) -> list[str]:
    with cast.session() as session:
        letter = session.scalars(select(_notice.c.id)).first()
        agreement = session.scalars(select(_agreement.c.id)).first()
        assert session.scalars(select(table_of(ProtocolVersion).c.id)).first()
    return [
        "/sign-in",
        "/board",
        "/people",
        "/people?on=2025-06-01",
        "/people?on=nonsense",
        "/people/new",
        f"/people/{cast.people['manager_em']}",
        f"/people/{cast.people['without_mail']}",
        "/program",
        f"/program/agreements/{agreement}",
        "/protocols",
        "/protocols/onboarding",
        "/post",
        f"/post/{letter}",
        "/activity?all=yes",
        "/nowhere",
    ]


@pytest.mark.parametrize(
    ("lang", "width", "dark"), [("fr", 320, False), pytest.param("en", 1280, True, marks=pytest.mark.nightly)]
)
def test_every_page_can_be_read_by_everyone(
    lively: Cast, open_page: OpenPage, lang: str, width: int, dark: bool
) -> None:
    token = token_for(lively.database, lively.people["coordinator"], at=LATER)
    with serve(app_on(lively.database, demonstration=True, at=LATER, base_url=SERVED)) as address:
        for path in pages_of(lively):
            page = open_page(f"{address}{path}", lang=lang, width=width, dark=dark, cookies={"spheres": token})
            # What is folded away must be as readable as the rest.
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.name = ''; one.open = true })")
            assert_fits(page)
            assert_accessible(page)
            page.close()
    # A page that is not there, and a day that is none, are errors that the browser writes down as such.
    open_page.wrong[:] = [one for one in open_page.wrong if "404" not in one and "422" not in one]  # type: ignore[attr-defined]


def test_the_coordinator_adds_someone_and_records_an_absence_without_any_script(
    lively: Cast, open_page: OpenPage
) -> None:
    with serve(app_on(lively.database, demonstration=True, base_url=SERVED)) as address:
        page = open_page(f"{address}/sign-in", lang="en", width=390, script=False)
        page.get_by_role("button", name="Agate Améthyste").click()
        page.goto(f"{address}/people")
        page.get_by_role("link", name="Add someone").click()
        page.get_by_label("Given name").fill("Mercure")
        page.get_by_label("Family name").fill("D’Étain")
        page.get_by_label("First role").select_option(label="CODIM – Manager")
        page.get_by_role("button", name="Add this person").click()
        # The former manager's last day is today: one holder at a time, and what was typed stays.
        assert "has one on those days" in page.get_by_role("alert").inner_text()
        assert page.get_by_label("Family name").input_value() == "D’Étain"
        page.get_by_label("First day").fill(str(TODAY + timedelta(days=1)))
        page.get_by_role("button", name="Add this person").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Mercure D’Étain"
        page.get_by_text("Record an absence").click()
        page.get_by_label("Last day away").fill(str(TODAY + timedelta(days=2)))
        page.get_by_label(re.compile("^Deputy")).select_option(label="Soufre Tungstène")
        page.get_by_role("button", name="Record").click()
        assert "Deputy Soufre Tungstène: tasks, approvals and seats on committees" in page.inner_text("#absences")
        page.goto(f"{address}/people?on={TODAY + timedelta(days=1)}")
        assert "Mercure D’Étain" in page.inner_text(f"#o-{lively.organizations['codim']}")
    open_page.wrong[:] = [one for one in open_page.wrong if "409" not in one]  # type: ignore[attr-defined]


def test_the_procedure_prints_without_the_menu(lively: Cast, open_page: OpenPage) -> None:
    token = token_for(lively.database, lively.people["coordinator"])
    with serve(app_on(lively.database, demonstration=True, base_url=SERVED)) as address:
        page = open_page(f"{address}/protocols/onboarding", cookies={"spheres": token})
        assert page.get_by_role("navigation", name="Menu principal").is_visible()
        page.emulate_media(media="print")
        assert not page.get_by_role("navigation", name="Menu principal").is_visible()
        assert page.get_by_role("heading", level=3).first.is_visible()
