"""The look: every component drawn, escaped, legible, reachable, and the same without the script."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Final

import jinja2
import pytest
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.testclient import TestClient
from starlette.staticfiles import StaticFiles

from api.pages import equipment, redactions, studies
from api.views import participant_words, rights_words
from api.views.states import STATES
from api.web.language import LanguageMiddleware
from api.web.rendering import PAGE_HEADERS, STATIC, TEMPLATES, environment, render
from locales import LANGUAGES, speaking
from meetings import decision_words
from models.lifecycles import LIFECYCLES
from tests.browser import OpenPage, assert_accessible, assert_fits, serve

NASTY = 'Zoé <script>alert(1)</script> d\'Arc & "Cie" 🛰'
TODAY, NOW = date(2026, 12, 1), datetime(2026, 12, 1, 18, 30, tzinfo=UTC)

PAGE = {
    "program": "Grand Montréal",
    "demonstration": True,
    "person": {"name": NASTY, "role": "coordination", "acting_for": NASTY, "href": "#", "sign_out": "/out"},
    "nav": [
        {"href": "/style", "label": "Travail", "count": 12, "current": True, "urgent": True},
        {"href": "/board", "label": NASTY},
        {"href": "/three", "label": "Trois", "section": "Suivi", "count": 0},
    ],
    "notices": [{"kind": "success", "title": "", "text": NASTY}],
}

BOARD = """{% extends "base.html" %}{% block title %}Board{% endblock %}{% block main %}<h1>Board</h1>
{% block board %}<section id="board" data-say="{{ done }} of 2">
<form method="post" action="/board" data-swap="#board">{{ ui.tick("done", "Done", done > 0, autosend=true) }}</form>
{% call ui.reason("Waive", "/board", "waive", swap="board", fields={"mode": mode}) %}{% endcall %}
<p id="seen">{{ done }}</p></section>{% endblock %}<p id="outside">{{ ui.person(name) }}</p>{% endblock %}"""
BOARD = BOARD.replace(
    '{% call ui.reason("Waive", "/board", "waive", swap="board", fields={"mode": mode}) %}{% endcall %}',
    '{{ ui.reason("Waive", "/board", "waive", swap="board", fields={"mode": mode}) }}',
)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """A small app of one page of every component, and one board whose form is sent in the background."""
    loader = jinja2.ChoiceLoader([environment().loader, jinja2.DictLoader({"test_board.html": BOARD})])  # type: ignore[list-item]
    monkeypatch.setattr(environment(), "loader", loader)
    app = FastAPI()
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(LanguageMiddleware)
    app.state.done = 0
    app.state.posted = []

    @app.get("/style")
    def style(request: Request) -> HTMLResponse:
        request.state.page = PAGE
        return render(request, "style_guide.html", today=TODAY, now=NOW, name=NASTY)

    @app.get("/board", name="board")
    def board(request: Request, mode: str = "") -> HTMLResponse:
        return render(request, "test_board.html", done=app.state.done, name=NASTY, mode=mode)

    @app.post("/board")
    def save(request: Request, done: Annotated[str, Form()] = "", mode: Annotated[str, Form()] = "") -> Response:
        app.state.posted.append(request.headers.get("x-part"))
        if mode == "refused":
            page = render(request, "test_board.html", status=409, done=7, name=NASTY, mode=mode)
            return HTMLResponse(bytes(page.body), 409)
        if mode == "elsewhere":
            return RedirectResponse("/style", 303)
        if mode == "broken" or app.state.done == "broken":
            return HTMLResponse("<h1>no</h1>", 500)
        app.state.done = 1 if done else 0
        return RedirectResponse("/board", 303)

    return app


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app)


@pytest.fixture
def base(app: FastAPI) -> Iterator[str]:
    with serve(app) as address:
        yield address


# ------------------------------------------------------------------------------------------- what is written


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_every_component_is_drawn_and_a_name_stays_a_name(client: TestClient, lang: str) -> None:
    html = client.get(f"/style?lang={lang}").text
    assert "Zoé &lt;script&gt;alert(1)&lt;/script&gt; d&#39;Arc &amp; &#34;Cie&#34; 🛰" in html
    assert "<script>alert" not in html
    assert f'<html lang="{lang}-CA"' in html
    assert {"fr": "Remettre le guide", "en": "Hand over the support guide"}[lang] in html
    assert {"fr": "1er décembre 2026", "en": "December 1, 2026"}[lang] in html
    macros = set(re.findall(r"{% macro ([a-z]\w*)\(", (TEMPLATES / "macros.html").read_text("utf-8")))
    pages = "".join((TEMPLATES / name).read_text("utf-8") for name in ("style_guide.html", "base.html"))
    inner = {
        "icon",
        "sphere",
        "hidden",
        "button",
        "disclosure",
        "breadcrumb",
        "moment",
        "card_title",
        "once",  # shows nothing
    }  # drawn by the others, or not seen
    assert macros - set(re.findall(r"\bui\.(\w+)\(", pages)) <= inner


@pytest.mark.parametrize("name", [path.name for path in sorted(TEMPLATES.rglob("*.html"))])
def test_nothing_is_inline_and_no_variable_passes_for_a_msgid(name: str) -> None:
    text = next(TEMPLATES.rglob(name)).read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:|\|\s*safe\b", text)
    tree = environment().parse(text)
    for call in tree.find_all(jinja2.nodes.Call):
        if isinstance(call.node, jinja2.nodes.Name) and call.node.name in ("_", "gettext", "ngettext"):
            assert isinstance(call.args[0], jinja2.nodes.Const), f"{name}:{call.lineno}: use words() instead"


#: What says its states in words of its own, on pages of its own.
ITS_OWN_WORDS: Final[Mapping[str, Collection[str]]] = {
    "endorsement": decision_words.ENDORSEMENTS,
    "destruction": participant_words.BECAME,
    "equipment": [*equipment.STATES, "in_use"],  # of what is in use it is said where it is
    "redaction": redactions.STATES,
    "study export": studies.EXPORT_STATES,
    "rights request": rights_words.STATES,
}


def test_every_state_of_every_lifecycle_has_a_shape_and_a_word() -> None:
    for lifecycle in LIFECYCLES:
        assert set(lifecycle.states) <= set(ITS_OWN_WORDS.get(lifecycle.name, STATES)), lifecycle.name
    for lang in LANGUAGES:
        with speaking(lang):
            ui = environment().globals["ui"]
            for key, (shape, _word) in STATES.items():
                drawn = str(ui.state(key))  # type: ignore[attr-defined]  # macros are found by name
                assert re.search(r"<(circle|path)", drawn), f"{shape} has no drawing"
                assert re.sub(r"<[^>]+>", "", drawn).strip()


def test_a_template_that_has_a_name_wrong_stops_but_an_item_may_leave_things_out() -> None:
    env = environment()
    for wrong in ("{{ nmae }}", "{% if nmae %}x{% endif %}", "{{ ui.no_such_part() }}", "{{ item.count }}"):
        with pytest.raises(jinja2.UndefinedError):
            env.from_string(wrong).render(item={})
    assert env.from_string("{% if item.count %}x{% endif %}").render(item={}) == ""


def test_a_page_is_written_for_its_reader_and_not_for_the_first_one() -> None:
    page = environment().from_string('{{ {"fr": "entente", "en": "agreement"} | pick }}, {{ 2 | delay }}')
    said = []
    for lang in ("fr", "en"):
        with speaking(lang):
            said.append(page.render())
    assert said == ["entente, dans 2 jours", "agreement, in 2 days"]


def test_a_page_carries_a_policy_that_lets_nothing_inline_run_and_is_kept_by_no_cache(client: TestClient) -> None:
    answer = client.get("/board")
    for name, value in PAGE_HEADERS.items():
        assert answer.headers[name] == value
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "X-Part" in answer.headers["vary"]


def test_addresses_are_relative_to_the_host_and_files_carry_their_digest(client: TestClient) -> None:
    html = client.get("/style", headers={"Host": "elsewhere.example"}).text
    assert "elsewhere.example" not in html
    assert re.search(r'href="/static/app\.css\?v=[0-9a-f]{12}"', html)


def test_the_script_gets_the_part_that_it_asked_for_and_anyone_else_the_page(client: TestClient) -> None:
    part = client.get("/board", headers={"X-Part": "board"}).text
    assert part.startswith('<section id="board"')
    assert "<html" not in part
    for other in ("no-such", "__class__", "main"):
        text = client.get("/board", headers={"X-Part": other}).text
        assert ("<html" in text) is (other != "main")


def test_a_field_names_its_hint_and_its_error(client: TestClient) -> None:
    html = client.get("/style").text
    field = re.search(r'<input[^>]*id="f-arrival"[^>]*>', html)
    assert field
    assert 'aria-describedby="f-arrival-hint f-arrival-error"' in field[0]
    assert 'aria-invalid="true"' in field[0]
    assert 'id="f-arrival-hint"' in html
    assert 'id="f-arrival-error"' in html


# ------------------------------------------------------------------------------------------------ the palette

TEXT, SIGN = 4.5, 3.0  # WCAG 2.2: 1.4.3 for text, 1.4.11 for what must be seen to be used

PAIRS = [
    *[(fore, back, TEXT) for fore in ("ink", "soft", "brand", "brand-deep", "late")
      for back in ("paper", "surface", "sunk")],
    *[(tone, back, TEXT) for tone in ("soon", "done", "ask") for back in ("paper", "surface")],
    *[(tone, f"{tone}-tint", TEXT) for tone in ("late", "soon", "done", "ask", "brand")],
    *[("ink", f"{tone}-tint", TEXT) for tone in ("late", "soon", "done", "ask", "brand")],
    ("soft", "brand-tint", TEXT),  # a task that an address points at
    ("brand-deep", "brand-tint", TEXT),
    ("on-brand", "brand", TEXT),
    ("on-brand", "brand-deep", TEXT),
    ("on-late", "late", TEXT),
    ("on-top", "top", TEXT),
    ("on-top-soft", "top", TEXT),
    ("paper", "ink", TEXT),  # what the live region says
    *[("edge", back, SIGN) for back in ("paper", "surface")],
    *[("focus", back, SIGN) for back in ("paper", "surface", "sunk", "brand-tint")],
]  # fmt: skip

ORNAMENT = {"line"}  # a hairline between things that are apart anyway


def palette() -> dict[str, tuple[str, str]]:
    css = (STATIC / "app.css").read_text("utf-8")
    root = css[css.index(":root") : css.index("--sans")]
    return {m[1]: (m[2], m[3]) for m in re.finditer(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", root)}


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("fore", "back", "least"), PAIRS, ids=str)
def test_the_palette_is_legible_by_day_and_by_night(fore: str, back: str, least: float) -> None:
    colours = palette()
    for mode, (one, other) in enumerate(zip(colours[fore], colours[back], strict=True)):
        assert contrast(one, other) >= least, ("light", "dark")[mode]


def test_every_colour_is_measured_and_none_is_written_elsewhere() -> None:
    measured = {name for fore, back, _least in PAIRS for name in (fore, back)}
    assert set(palette()) == measured | ORNAMENT
    css = (STATIC / "app.css").read_text("utf-8")
    rules = css[css.index("--sans") :]
    loose = set(re.findall(r"#[0-9a-f]{3,8}\b", rules)) - {"#14565f", "#7ccad1", "#ffffff"}  # the mark, and paper
    assert loose <= {"#ffd98a", "#a9c7ff"}, "a colour of its own"
    assert min(contrast(palette()["top"][0], "#ffd98a"), contrast(palette()["top"][1], "#a9c7ff")) >= SIGN
    assert "url(" not in css
    assert "@import" not in css


# ------------------------------------------------------------------------------------------------ in a browser


@pytest.mark.ci
@pytest.mark.wide
@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_the_components_are_accessible_and_fit(
    open_page: OpenPage, base: str, lang: str, width: int, dark: bool
) -> None:
    page = open_page(f"{base}/style", lang=lang, width=width, dark=dark)
    assert_fits(page)
    assert_accessible(page)
    for fold in page.locator("summary").all():
        fold.click()
    assert_fits(page)
    assert_accessible(page)


@pytest.mark.ci
@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
def test_what_is_pressed_is_large_enough_for_a_thumb(open_page: OpenPage, base: str, width: int) -> None:
    page = open_page(f"{base}/style", width=width)
    small = page.evaluate(
        """() => [...document.querySelectorAll(".button, .nav a, .crumbs a, .filters a, .home, .tick, select, textarea,"
        + "input:not([type=hidden], [type=checkbox], [type=radio])")]
        .filter(e => e.checkVisibility()).map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])
        .filter(([, height]) => height < 43.9)"""
    )
    assert small == []


@pytest.mark.ci
@pytest.mark.browser
def test_on_a_phone_the_menu_opens_and_closes_without_the_script(open_page: OpenPage, base: str) -> None:
    page = open_page(f"{base}/style", width=390, script=False)
    menu = page.locator("#menu")
    assert not menu.is_visible()
    page.locator(".menu-button").click()
    assert menu.is_visible()
    page.keyboard.press("Escape")
    assert not menu.is_visible()


@pytest.mark.ci
@pytest.mark.browser
def test_the_keyboard_comes_first_to_the_way_past_the_menu(open_page: OpenPage, base: str) -> None:
    page = open_page(f"{base}/style")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "to-content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.ci
@pytest.mark.browser
def test_a_tick_is_saved_in_the_background_with_the_focus_kept_and_said_aloud(
    open_page: OpenPage, base: str, app: FastAPI
) -> None:
    page = open_page(f"{base}/board")
    page.evaluate("window.same = true")
    page.locator("#f-done").focus()
    page.keyboard.press("Space")
    page.get_by_role("status").get_by_text("1 of 2").wait_for()
    assert page.locator("#seen").inner_text() == "1"
    assert page.evaluate("document.activeElement.id") == "f-done"
    assert page.evaluate("window.same") is True, "the page was loaded again"
    assert app.state.posted == ["board"]


@pytest.mark.ci
@pytest.mark.browser
def test_a_tick_that_was_not_saved_is_taken_back_and_said(open_page: OpenPage, base: str, app: FastAPI) -> None:
    page = open_page(f"{base}/board", lang="en")
    app.state.done = "broken"
    page.locator("#f-done").click()
    page.locator("#say.failed").get_by_text("Not saved.").wait_for()
    assert not page.locator("#f-done").is_checked()
    taken_out(open_page)


@pytest.mark.ci
@pytest.mark.browser
def test_a_reason_that_could_not_be_sent_is_not_lost(open_page: OpenPage, base: str, app: FastAPI) -> None:
    page = open_page(f"{base}/board?mode=broken", lang="en")
    page.locator("#waive summary").click()
    page.wait_for_function("document.activeElement.id === 'waive-reason'")
    page.keyboard.type("The agreement is signed.")
    page.locator("#waive button").click()
    page.locator("#say.failed").wait_for()
    assert page.locator("#waive-reason").input_value() == "The agreement is signed."
    page.keyboard.press("Escape")
    assert page.locator("#waive").get_attribute("open") is None
    assert app.state.posted == ["board"]
    taken_out(open_page)


@pytest.mark.ci
@pytest.mark.browser
def test_a_refusal_shows_the_part_as_it_stands_now(open_page: OpenPage, base: str) -> None:
    page = open_page(f"{base}/board?mode=refused")
    page.locator("#waive summary").click()
    page.locator("#waive-reason").fill("x")
    page.locator("#waive button").click()
    page.locator("#say.failed").get_by_text("7 of 2").wait_for()
    assert page.locator("#seen").inner_text() == "7"
    taken_out(open_page)


@pytest.mark.ci
@pytest.mark.browser
def test_where_the_answer_is_another_page_that_page_is_shown(open_page: OpenPage, base: str) -> None:
    page = open_page(f"{base}/board?mode=elsewhere")
    page.locator("#waive summary").click()
    page.locator("#waive-reason").fill("x")
    page.locator("#waive button").click()
    page.wait_for_url("**/style")


@pytest.mark.ci
@pytest.mark.browser
def test_without_the_script_the_same_form_is_sent_by_the_browser(open_page: OpenPage, base: str, app: FastAPI) -> None:
    page = open_page(f"{base}/board", script=False)
    page.locator("#waive summary").click()
    page.locator("#waive-reason").fill("x")
    page.locator("#waive button").click()
    page.wait_for_url("**/board")
    assert app.state.posted == [None]


@pytest.mark.ci
@pytest.mark.browser
def test_on_paper_there_are_no_menus_and_no_buttons(open_page: OpenPage, base: str) -> None:
    page = open_page(f"{base}/style", dark=True)
    page.emulate_media(media="print")
    assert not page.locator("#menu").is_visible()
    assert page.locator(".button:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"


def taken_out(open_page: OpenPage) -> None:
    """Takes out the console's own line about an answer that failed on purpose."""
    wrong: list[str] = open_page.wrong  # type: ignore[attr-defined]
    wrong[:] = [line for line in wrong if "the server responded with a status of" not in line]


@pytest.mark.parametrize(("in_days", "said"), [(-334, "5 janv. 2026"), (-20, "lun. 5 janv."), (None, "lun. 5 janv.")])
def test_a_day_far_away_is_said_with_its_year(in_days: int | None, said: str) -> None:
    with speaking("fr"):
        ui = environment().globals["ui"]
        drawn = str(ui.due(date(2026, 1, 5), in_days))  # type: ignore[attr-defined]  # macros are found by name
    assert f">{said}</time>" in drawn.replace("\N{NO-BREAK SPACE}", " ")
