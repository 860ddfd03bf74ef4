"""Whoever writes learns nothing of who is known, at any place that takes words: every route, by page and by the API.

The same words are sent twice, with the name of somebody who was referred and with one of whom nobody ever heard. What
is answered, what is written and what is asked of the database are to be the same. Time cannot be held to by a clock on
a shared machine; the work that it takes can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from fastapi.routing import iter_route_contexts

from api.web import pointing
from tests.api.json.window import description
from tests.matrix.asked import Route
from tests.matrix.askers import Kind
from tests.matrix.candidates import FORM
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.test_bodies import writing

#: Somebody who was referred, and somebody of whom nobody ever heard; both names have one shape.
KNOWN: Final = (FORM.given_name, FORM.family_name)
UNKNOWN: Final = ("Oxelas", "Pomprenille")

#: Where the answer does tell, and whom: papers and letters that leave by the very act of who may know who is on file,
#: and words about one participant, which are answered without that participant's own name.
TELLS: Final[Mapping[str, str]] = {
    "POST /committees/{key}/dates": "the coordinator, whose invitations leave",
    "POST /committees/{key}/meetings": "the coordinator, whose invitations leave",
    "POST /meetings/{meeting_id}/place": "the coordinator, whose invitations leave",
    "PUT /api/v1/meetings/{meeting_id}/place": "the coordinator, whose invitations leave",
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/late": "the coordinator, whose agenda leaves",
    "POST /api/v1/meetings/{meeting_id}/agenda/items/{item_id}/late": "the coordinator, whose agenda leaves",
    "POST /api/v1/participants/{participant_id}/destruction/refusal": "the privacy officer, of that file",
}

SHARES: Final = 12
one_share = pytest.mark.parametrize("share", range(SHARES))

#: What a page, and no person, puts into a field: a choice of a list, a day, an hour, a figure, a thing of the world.
_CHOSEN: Final = re.compile(r"[a-z0-9_:]*|[\d:.,TZ|-]+|#?[\d-]+|\{.*\}")
#: Fields of words that forms have, and that the matrix leaves out of some.
_OFTEN: Final = frozenset({*pointing._LABELS, "question", "about", "label"})


def _taken(runner: Runner) -> dict[str, set[str]]:
    """The texts that each route takes in its form or its body, by the route's name."""
    found: dict[str, set[str]] = {}
    for one in iter_route_contexts(runner.app.routes):
        route = one.original_route
        dependant = getattr(route, "dependant", None)
        for method in getattr(route, "methods", None) or ():
            if dependant is not None:
                found[f"{method} {one.path}"] = set(_of_form(dependant))
    schemas = description()["components"]["schemas"]
    for path, operations in description()["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, Mapping):
                bodies = re.findall(r"#/components/schemas/(\w+)", str(operation.get("requestBody", "")))
                texts = {
                    name
                    for body in bodies
                    for name, said in schemas[body].get("properties", {}).items()
                    if _is_text(said)
                }
                found.setdefault(f"{method.upper()} {path}", set()).update(texts)
    return found


def _of_form(dependant: Any) -> Iterator[str]:
    for field in dependant.body_params:
        if field.field_info.annotation is str:
            yield field.alias or field.name
    for one in dependant.dependencies:
        yield from _of_form(one)


def _is_text(said: Mapping[str, Any]) -> bool:
    kinds = [said, *said.get("anyOf", ())]
    return any(one.get("type") == "string" and not one.keys() & {"format", "enum", "const", "pattern"} for one in kinds)


def _worded(route: Route, taken: set[str], text: str) -> Route:
    """A route as it is asked, with this text in each field that takes words, and as the name of each file."""
    sent = route.sent
    also = {name: text for name in taken & _OFTEN if pointing._takes_words(name)}
    form = {**({} if route.is_json else also), **{name: _said(name, value, text) for name, value in sent.form.items()}}
    body = None if sent.json is None else {**(also if route.is_json else {}), **_within(sent.json, text)}
    files = {name: (f"{text}.pdf", content) for name, (_, content) in sent.files.items()}
    return replace(route, sent=replace(sent, form=form, json=body, files=files))


def _said(name: str, value: Any, text: str) -> Any:
    if isinstance(value, str):
        return text if pointing._takes_words(name) and not _CHOSEN.fullmatch(value) else value
    return [_said(name, one, text) for one in value] if isinstance(value, list) else value


def _within(said: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {
        name: _within(value, text) if isinstance(value, Mapping) else _said(name, value, text)
        for name, value in said.items()
    }


async def _probe(runner: Runner, route: Route, kind: Kind, place: str, *, seen: bool) -> tuple[object, ...]:
    """All that a writer could tell two answers apart by: what is said, what it changes, and the work that it takes."""
    if route.is_json:
        answer = await runner.ask(route, kind, place, also={pointing.HEADER: "yes"} if seen else None)
    else:
        answer = await runner.ask(route, kind, place, more={pointing.FIELD: "yes"} if seen else None)
    response = answer.response
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in ("set-cookie", "etag")]
    return (
        response.status_code,
        sorted((name, _bare(value)) for name, value in headers),
        _bare(response.text) if "text" in response.headers.get("content-type", "") or route.is_json else "",
        answer.changed,
        answer.lines,
        # A process tells the others of every few requests of a person: by their number, and not by what they say.
        tuple(one for one in runner.statements if "rate_count" not in one),
    )


def _bare(answer: str) -> str:
    """An answer without what was sent, nor what is new in each answer."""
    for word in (*KNOWN, *UNKNOWN):
        answer = answer.replace(word, "*")
    answer = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "#", answer)
    return re.sub(r'(name="once" value=)"[^"]*"', r"\1", answer)


@pytest.mark.nightly
@one_share
def test_no_place_that_takes_words_answers_otherwise_for_a_name_that_is_known(
    runner: Runner, routes: list[Route], run: Run[Any], share: int
) -> None:
    assert run(_told(runner, _cells(runner, routes)[share::SHARES])) == []


@pytest.mark.ci
def test_what_members_and_workers_write_most_is_answered_alike(
    runner: Runner, routes: list[Route], run: Run[Any]
) -> None:
    cells = [one for one in _cells(runner, routes) if str(one[0]) in _MOST]
    assert len(cells) == len(_MOST)
    assert run(_told(runner, cells)) == []


#: Those of which each is another kind of words, and another window.
_MOST: Final = frozenset(
    {
        "POST /meetings/{meeting_id}/agenda/items",
        "POST /api/v1/committees/{key}/agenda-items",
        "POST /meetings/{meeting_id}/run/outcome",
        "POST /tasks/{task_id}/summary",
        "POST /tasks/{task_id}/handing-back",
        "POST /obligations/{period_id}/documents",
        "POST /hand-overs/{hand_over_id}/refusal",
        "POST /privacy/incidents",
    }
)


@pytest.mark.ci
def test_each_route_that_takes_words_is_among_those_that_are_asked(runner: Runner, routes: list[Route]) -> None:
    """A route whose words the matrix leaves out would be asked with nothing: its fields are choices, days and ids."""
    asked = {str(route) for route, _, _ in _cells(runner, routes)}
    assert len(asked) > 100
    assert TELLS.keys() <= asked
    taken = _taken(runner)
    words = {"reason", "words", "note", "title_fr", "text_fr", "note_fr", "said_fr", "circumstances", "situation"}
    left_out = {
        str(route)
        for route, _, _ in writing(routes)
        if taken.get(str(route), set()) & words and str(route) not in asked
    }
    assert left_out == set()


Cell = tuple[Route, str, Kind]


def _cells(runner: Runner, routes: list[Route]) -> list[Cell]:
    """Each route that takes words, with whose things it is asked of and somebody who gets through."""
    taken = _taken(runner)
    return [
        (route, place, kind)
        for route, place, kind in writing(routes)
        if _worded(route, taken.get(str(route), set()), "x") != route
    ]


async def _told(runner: Runner, cells: list[Cell]) -> list[str]:
    """Each place that answers otherwise for a name that is known, of those that are not meant to."""
    taken, told = _taken(runner), []
    for route, place, kind in cells:
        for seen in (False, True):
            if seen and str(route) in TELLS:
                continue
            worded = [
                _worded(route, taken.get(str(route), set()), f"On a parlé de {' '.join(name)} hier.")
                for name in (UNKNOWN, KNOWN)
            ]
            # What a name does, it does each time; what else changes from one request to the next does not.
            if await _differs(runner, worded, kind, place, seen=seen) and await _differs(
                runner, worded, kind, place, seen=seen
            ):
                told.append(f"{route} as {kind.column}, {'looked at' if seen else 'at once'}")
    return told


async def _differs(runner: Runner, worded: list[Route], kind: Kind, place: str, *, seen: bool) -> bool:
    one, other = [await _probe(runner, route, kind, place, seen=seen) for route in worded]
    return one != other
