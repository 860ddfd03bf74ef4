"""The pages of work, cases and tasks in a browser: legible and reachable by all, and whole without the script."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from domain.casework import tasks
from tests.api.application import SERVED, app_on, token_for
from tests.api.pages.looking import task_of
from tests.browser import OpenPage, assert_accessible, assert_fits, serve
from tests.casework import approve, complete, open_onboarding
from tests.cast import AT, Cast

pytestmark = pytest.mark.browser

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
def lively(cast: Cast) -> UUID:
    """A case with every kind of task: done with a long note, approved, sent back, waived, handed back, waiting."""
    case_id = open_onboarding(cast)
    for name in ("request_secure_access", "request_petty_cash"):
        complete(cast, case_id, name)
    approve(cast, case_id, "request_petty_cash", by=cast.actor("manager_la"))
    coordinator, officer = cast.actor("coordinator"), cast.actor("officer")
    for name, verb, by in (
        ("provide_own_cards", tasks.waive_task, coordinator),
        ("prepare_notebook_and_guide", tasks.hand_back_task, officer),
        ("request_secure_access", tasks.reject_task, cast.actor("manager_em")),
    ):
        task = task_of(cast, case_id, name)
        with cast.session() as session:
            verb(session, task["id"], by=by, at=AT, reason=HARD)
    with cast.session() as session:
        task = task_of(cast, case_id, "plan_coaching")
        tasks.complete_task(session, task["id"], by=coordinator, at=AT, note=HARD)
    complete(cast, case_id, "introduce_program")
    return case_id


@pytest.mark.parametrize(
    ("lang", "width", "dark"),
    [
        pytest.param("fr", 320, False, marks=pytest.mark.nightly),
        pytest.param("en", 1280, True, marks=pytest.mark.nightly),
        pytest.param("fr", 390, True, marks=pytest.mark.nightly),
    ],
)
def test_each_page_is_for_everyone_and_never_scrolls_sideways(
    window: Window, lively: UUID, lang: str, width: int, dark: bool
) -> None:
    task = task_of(window.cast, lively, "plan_coaching")
    submitted = task_of(window.cast, lively, "open_secure_account")
    for name, path in (
        ("coordinator", "/"),
        ("police", "/"),
        ("coordinator", "/cases"),
        ("coordinator", "/cases?q=zzz"),
        ("coordinator", "/cases/new"),
        ("coordinator", f"/cases/{lively}?history=all"),
        ("manager_em", f"/cases/{lively}"),
        ("coordinator", f"/tasks/{task['id']}"),
        ("coordinator", f"/tasks/{submitted['id']}"),
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
def test_the_plan_and_a_refusal_are_for_everyone_too(window: Window) -> None:
    page = window.open("coordinator", "/cases/new", lang="fr", width=320)
    page.get_by_label("Intervenant·e").select_option(index=1)
    page.locator("#known").get_by_role("button", name="Voir le plan").click()
    expect(page.get_by_text("Rien n’est encore inscrit")).to_be_visible()
    assert_fits(page)
    assert_accessible(page)
    page.get_by_role("button", name="Ouvrir le dossier").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Émeraude Quartz")
    window.open_page.wrong.clear()  # type: ignore[attr-defined]
    page.goto(f"{window.origin}/cases/{window.cast.program_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Il n’y a rien ici")
    assert_fits(page)
    assert_accessible(page)
    window.open_page.wrong.clear()  # type: ignore[attr-defined]  # the 404 itself is told in the console


@pytest.mark.ci
@pytest.mark.parametrize("script", [True, False])
def test_a_request_is_handed_in_and_approved_with_and_without_the_script(window: Window, script: bool) -> None:
    case_id = open_onboarding(window.cast)
    task = task_of(window.cast, case_id, "request_secure_access")
    mine = window.open("coordinator", "/", lang="en", script=script)
    form = mine.locator(f"#complete-{task['id']}")
    form.locator("> summary").click()
    form.get_by_label("progress notes").check()
    form.get_by_label("What for").fill("Ses suivis.")
    form.get_by_role("button", name="Complete").click()
    expect(mine.locator(f"#task-{task['id']}")).to_have_count(0)
    assert mine.url == f"{window.origin}/"
    manager = window.open("manager_em", f"/cases/{case_id}", lang="en", script=script)
    asked_for = manager.locator(f"#task-{task['id']}")
    expect(asked_for).to_contain_text("progress notes")
    expect(asked_for).to_contain_text("Ses suivis.")
    manager.locator(f"#approve-{task['id']}").click()
    expect(manager.get_by_text("Approved: Ask for access to the secure network.")).to_be_visible()
    assert task_of(window.cast, case_id, "request_secure_access")["state"] == "done"


@pytest.mark.ci
def test_what_was_done_is_said_aloud_and_the_page_stays(window: Window) -> None:
    case_id = open_onboarding(window.cast)
    task = task_of(window.cast, case_id, "plan_coaching")
    page = window.open("coordinator", f"/cases/{case_id}", lang="en")
    page.evaluate("window.stays = true")
    page.locator(f"#done-{task['id']}").click()
    expect(page.locator("#say")).to_have_text("Required tasks settled: 1 of 28")
    assert page.evaluate("window.stays") is True


@pytest.mark.ci
@pytest.mark.parametrize("script", [True, False])
def test_the_second_of_two_keeps_what_they_wrote_in_the_form(window: Window, script: bool) -> None:
    case_id = open_onboarding(window.cast)
    task = task_of(window.cast, case_id, "provide_own_cards")
    page = window.open("coordinator", f"/cases/{case_id}", lang="en", script=script)
    page.locator(f"#more-{task['id']} > summary").click()
    page.locator(f"#more-{task['id']}-words").fill("Elle en a déjà.")
    with window.cast.session() as session:
        tasks.hand_back_task(session, task["id"], by=window.cast.actor("officer"), at=AT, reason="Pas moi.")
    page.locator(f"#more-{task['id']}").get_by_role("button", name="Waive").click()
    expect(page.get_by_role("alert")).to_contain_text("This task was changed by someone else")
    expect(page.locator(f"#more-{task['id']}-words")).to_have_value("Elle en a déjà.")
    page.locator(f"#more-{task['id']}").get_by_role("button", name="Waive").click()
    expect(page.locator(f"#task-{task['id']} .task-state")).to_have_text("Waived")
    window.open_page.wrong.clear()  # type: ignore[attr-defined]  # the 412 itself is told in the console


@pytest.mark.ci
def test_what_a_list_of_cases_is_asked_for_stands_in_one_row_at_a_desk_and_fills_a_phone(window: Window) -> None:
    open_onboarding(window.cast)
    open_onboarding(window.cast, "worker_codim", "codim")
    edges = """() => [...document.querySelectorAll("form.ask :is(input:not([type=hidden]), select, .button)")]
        .map(one => one.getBoundingClientRect()).map(box => [Math.round(box.bottom), Math.round(box.width)])"""
    context = window.open("coordinator", "/cases?q=quartz", lang="fr").evaluate(edges)
    assert len(context) == 4, "the name, the organization, and two buttons"
    assert len({bottom for bottom, _ in context}) == 1
    phone = window.open("coordinator", "/cases?q=quartz", lang="fr", width=390)
    (_, name), (_, organization), *_ = phone.evaluate(edges)
    assert name == organization == phone.evaluate("document.querySelector('form.ask').clientWidth")
