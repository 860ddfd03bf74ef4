"""The record in words: every verb that the program writes has its sentence, in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.pages import activity
from api.views.timeline import FIELDS, LETTERS, SENTENCES, SYSTEM
from api.web.rendering import environment
from domain.record.events import FOR_PRIVACY
from locales import LANGUAGES, catalogue
from meetings import running, schedule
from tests.api.application import client_for
from tests.api.pages.looking import signed_in, text_of
from tests.casework import onboard_wholly, open_onboarding
from tests.cast import ROOT, Cast
from tests.meetings.meeting_room import NEXT_LOCAL, NOW, PRESENT, arrange, items, meeting, opened

#: The calls that write a line of the record, and where the verb stands among their arguments.
WRITERS = {
    "write": (1,),
    "write_many": (1,),
    "write_item_event": (1,),
    "write_task_event": (2,),
    "write_follow_up_event": (2,),
    "tell": (1, 2),  # of decisions the verb comes first
    "_tell": (2,),
}
#: The modules that have such a call.
TELLING = {"events", "appointment_rows", "seat_holders"}
VERB = re.compile(r"[a-z]+\.[a-z_]+")


def modules() -> Iterator[ast.Module]:
    for package in ("domain", "meetings", "flows"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def verbs() -> set[str]:
    """The verbs that stand in the code: in the call itself, or in the lines of its function where a name holds it."""
    found: set[str] = set()
    for module in modules():
        for function in ast.walk(module):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call):
                    found |= verbs_of(call, function)
    return found


def verbs_of(call: ast.Call, function: ast.FunctionDef) -> set[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    module = getattr(getattr(call.func, "value", None), "id", "events")
    if name not in WRITERS or module not in TELLING:
        return set()
    verbs = [call.args[place] for place in WRITERS[name] if place < len(call.args)]
    told = [one for verb in verbs for one in (given_to(verb.id, function) if isinstance(verb, ast.Name) else [verb])]
    return {
        node.value
        for one in told
        for node in ast.walk(one)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VERB.fullmatch(node.value)
    }


def sentences(page: str) -> list[str]:
    """The lines of the record on a page."""
    return [text_of(line) for line in re.findall(r'<p class="history-what">(.*?)</p>', page)]


def given_to(name: str, function: ast.FunctionDef) -> list[ast.expr]:
    """What a function writes into a name."""
    return [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets)
    ]


@pytest.mark.ci
def test_the_verbs_are_found_in_the_code() -> None:
    assert {"case.opened", "task.submitted", "task.done", "act.trouble", "seat.given", "gate.opened"} <= verbs()
    assert len(verbs()) > 35


@pytest.mark.ci
def test_every_verb_that_is_written_has_its_sentence() -> None:
    # Of incidents and readers the privacy officer reads, in words of their own pages.
    assert verbs() - set(SENTENCES) - FOR_PRIVACY == set()


def test_every_change_that_a_load_writes_has_its_sentence(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "PAGE_SIZE", 5000)
    page = signed_in(cast, "coordinator").get("/activity?all=yes").text
    assert "New organization: CODIM." in text_of(page)
    assert "New committee: Clinical Committee." in text_of(page)
    # A verb without a sentence would be shown as it is.
    assert [told for told in sentences(page) if VERB.match(told)] == []


@pytest.mark.parametrize("words", [*(one for one, _ in SENTENCES.values()), *SYSTEM.values(), *LETTERS.values()])
def test_every_sentence_is_said_in_french_with_the_same_facts(words: str) -> None:
    french = catalogue("fr").gettext(words)
    assert french != words
    assert set(re.findall(r"%\((\w+)\)s", french)) == set(re.findall(r"%\((\w+)\)s", words))


@pytest.mark.ci
def test_every_letter_and_every_field_has_its_words() -> None:
    letters = {path.name.split(".")[0] for path in ROOT.glob("**/letter*/*.fr.txt") if ".venv" not in path.parts}
    assert {name for name in letters if not name.startswith("_")} - set(LETTERS) == set()
    assert set(FIELDS) == {"given_name", "family_name", "email", "phone", "language", "spoken", "calendar"}


def test_every_shape_is_one_that_is_drawn() -> None:
    drawn = set(
        re.findall(r'shape == "(\w+)"', (Path(environment().get_template("macros.html").filename or "")).read_text())
    )
    assert {shape for _, shape in SENTENCES.values()} <= drawn


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.ci
def test_a_whole_onboarding_is_told_without_a_gap(cast: Cast, language: str) -> None:
    case_id = open_onboarding(cast)
    onboard_wholly(cast, case_id)
    client = signed_in(cast, "coordinator")
    page = client.get(f"/cases/{case_id}?history=all", headers={"Accept-Language": language}).text
    told = sentences(page[page.index('id="history"') :])
    assert len(told) > 60
    for sentence in told:
        assert not VERB.match(sentence), sentence
        assert "None" not in sentence
        assert not re.search(r": \.$|:\s*$", sentence), sentence


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_before_is_an_hour_a_state_or_an_answer_and_each_line_is_told(cast: Cast, language: str) -> None:
    with cast.session() as session:
        arrange(session, cast)
        opened(session, cast, *PRESENT)
        by = cast.actor("coordinator")
        for outcome in ("treated", "", "carried"):
            running.treat(session, items(session)[0].id, outcome=outcome, by=by, at=NOW)
        schedule.move_meeting(session, meeting(session, NEXT_LOCAL), NEXT_LOCAL.replace(hour=15), by=by, at=NOW)
    client = client_for(cast.database, cast.people["coordinator"], at=NOW)
    page = client.get("/activity?all=yes", headers={"Accept-Language": language})
    assert page.status_code == 200
    told = " ".join(sentences(page.text))
    assert {"fr": "13 h", "en": "1:00"}[language] in told, "the hour from which the meeting moved"
    assert not re.search(r"\d{4}-\d\d-\d\d", told), "no day as the database writes it"
