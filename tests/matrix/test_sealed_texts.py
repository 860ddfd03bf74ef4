"""What is typed into any field of any form or body: nothing is sealed that is no text, nor that turns a line around."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.kernel import sealing
from tests.api.json.window import description
from tests.matrix.asked import Route
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.test_bodies import SHARES, one_share, writing

#: A right-to-left override, under which #2019-02 shows as another number; and what no text column takes.
NO_TEXT = ("\u202e", "\x00")


@pytest.mark.ci
@pytest.mark.wide(SHARES)
@one_share
def test_no_field_brings_what_is_no_text_under_a_seal(
    runner: Runner, routes: list[Route], run: Run[Any], share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: list[str] = []
    seal_again = sealing.seal_again

    def noted(session: Session, key_id: UUID, place: str, facts: Mapping[str, Any]) -> bytes:
        sealed.append(repr(facts))
        return seal_again(session, key_id, place, facts)

    monkeypatch.setattr(sealing, "seal_again", noted)

    async def ask() -> None:
        for route, place, kind in list(writing(routes))[share::SHARES]:
            things = runner.things_of(place)
            for name, text in typed_in(route, route.body(things) if route.is_json else route.form(things)).items():
                for letter in NO_TEXT:
                    sealed.clear()
                    answer = await runner.ask(route, kind, place, more={name: f"{text}a{letter}b"})
                    where = f"{route} with {letter!r} in {name}: {answer.response.status_code}"
                    assert answer.response.status_code < 500, where
                    assert not [one for one in sealed if repr(letter)[1:-1] in one], where

    run(ask())


def typed_in(route: Route, sent: Mapping[str, Any] | None) -> dict[str, str]:
    """The texts that are sent, by their fields, and the fields for others that may be left out of a body."""
    schemas = description()["components"]["schemas"]
    operation = description()["paths"].get(route.path, {}).get(route.method.lower(), {}) if route.is_json else {}
    bodies = re.findall(r"#/components/schemas/(\w+)", str(operation.get("requestBody", "")))
    left_out = {
        name: ""
        for body in bodies
        for name, said in schemas[body].get("properties", {}).items()
        if said.get("type") == "string" and not {"enum", "format", "const"} & said.keys()
    }
    return left_out | {name: said for name, said in (sent or {}).items() if isinstance(said, str)}
