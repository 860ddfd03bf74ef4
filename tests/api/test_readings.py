"""No route answers with what is protected and keeps it from the record: every statement of every route is watched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import ARRAY, JSON, LargeBinary, event, select

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext
from domain.record.reads import EXPORTED, PROTECTED, READ
from models.base import Structured, table_of
from models.casework import EvidenceFile
from models.tables import metadata
from tests.api.application import app_on, token_for
from tests.cast import AT
from tests.conftest import Copies
from tests.matrix.asked import Route, routes_of
from tests.matrix.world import CODIM, World

#: What a SELECT of a protected column looks like, under its table's own name or an alias of it.
_SHOWN: Final = re.compile(r"\b(?:" + "|".join(rf"{table}(?:_\d+)?\.{column}" for table, column in PROTECTED) + r")\b")
_COLUMNS: Final = re.compile(r"^\s*select\b(.*?)\bfrom\b", re.IGNORECASE | re.DOTALL)
_INNER: Final = re.compile(r"\(([^()]*)\)")
_TOLD: Final = re.compile(r"^\s*insert into event\b", re.IGNORECASE)


#: The form with which somebody goes on, in the browser in which they wrote it, before it is anybody else's.
_THEIR_OWN: Final = frozenset({"GET /refer/{token}"})


@pytest.fixture(scope="module")
def world(copies: Copies, the_world_template: tuple[str, World]) -> Iterator[World]:
    """Cases with documents and letters in them."""
    name, built = the_world_template
    with copies.of(name) as database:
        yield built.on(database)


def _flat(statement: str) -> str:
    """A statement without those that stand within it, so that the columns after them are seen too."""
    while inner := _INNER.search(statement):
        said = "" if inner[1].lstrip().lower().startswith("select") else f" {inner[1]} "
        statement = statement[: inner.start()] + said + statement[inner.end() :]
    return statement


@contextmanager
def watched(world: World) -> Iterator[list[tuple[str, str]]]:
    """What was read that is protected, and what the record was told, in order, as statements come."""
    seen: list[tuple[str, str]] = []

    def look(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        picked = " ".join(found[1] for one in (statement, _flat(statement)) if (found := _COLUMNS.match(one)))
        if shown := _SHOWN.findall(picked):
            seen.append(("shown", shown[0]))
        if _TOLD.match(statement) and any(verb in str(parameters) for verb in (f"'{READ}'", f"'{EXPORTED}'")):
            seen.append(("told", ""))

    engine = world.cast.database.engine
    event.listen(engine, "before_cursor_execute", look)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", look)


def silent(
    world: World, app: FastAPI, who: str, *, at: Callable[[Route], bool] = lambda _: True
) -> tuple[set[str], set[str]]:
    """The routes that showed something protected to this person, and those of them that told nobody."""
    client = TestClient(app, base_url="http://testserver", follow_redirects=False)
    client.cookies.set("spheres", token_for(world.cast.database, world.people[who], at=AT))
    shown, told_nobody = set(), set()
    for route in routes_of(app):
        if route.writes or not at(route):
            continue
        with watched(world) as seen:
            answer = client.get(route.address(world.things[CODIM]))
        if answer.status_code == 200 and any(kind == "shown" for kind, _ in seen):
            shown.add(str(route))
            if not any(kind == "told" for kind, _ in seen):
                told_nobody.add(str(route))
    return shown, told_nobody


@pytest.mark.ci
@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (
            "coordinator",
            {
                "GET /evidence/{evidence_id}",
                "GET /proofs/{document_id}",
                "GET /signed-files/{file_id}",
                "GET /api/v1/signed-files/{file_id}",
                "GET /post/{notice_id}",
                "GET /api/v1/post/{notice_id}",
                "GET /post/{notice_id}/letter.eml",
                "GET /participants/{participant_id}/triage",
                "GET /follow-ups/{follow_up_id}/notes/{week}",
                "GET /follow-ups/{follow_up_id}/break-terms",
                "GET /follow-ups/{follow_up_id}/discussions/{meeting_id}",
                "GET /api/v1/follow-ups/{follow_up_id}/discussions/{meeting_id}",
                "GET /participants/{participant_id}/consent-forms/{form_id}/copy",
                "GET /participants/{participant_id}/consent-forms/{form_id}/signed",
                "GET /api/v1/participants/{participant_id}/consent-forms/{form_id}/copy",
                "GET /api/v1/participants/{participant_id}/consent-forms/{form_id}/signed",
                "GET /tasks/{task_id}/correction",
                "GET /follow-ups/{follow_up_id}/summaries/{task_id}",
                "GET /api/v1/follow-ups/{follow_up_id}/summaries/{task_id}",
                "GET /api/v1/follow-ups/{follow_up_id}/notes/{week}",
            },
        ),
        pytest.param(
            "manager_codim",
            {
                "GET /evidence/{evidence_id}",
                "GET /proofs/{document_id}",
                "GET /signed-files/{file_id}",
                "GET /api/v1/signed-files/{file_id}",
            },
            marks=pytest.mark.nightly,
        ),
        (
            "privacy_officer",
            {  # what a person is given of their own file
                "GET /privacy/rights/{rights_request_id}/letter.pdf",
                "GET /privacy/rights/{rights_request_id}/package",
                "GET /privacy/rights/{rights_request_id}/package.csv",
                "GET /privacy/rights/{rights_request_id}/package.json",
                "GET /privacy/rights/{rights_request_id}/package.pdf",
            },
        ),
        pytest.param("administrator", set(), marks=pytest.mark.nightly),
    ],
)
def test_every_route_that_shows_what_is_protected_tells_the_record(world: World, who: str, expected: set[str]) -> None:
    shown, told_nobody = silent(world, app_on(world.cast.database), who)
    assert told_nobody <= _THEIR_OWN, (
        "these routes answer with what is protected and tell nobody: call domain.record.reads.record_read in them"
    )
    assert shown - _THEIR_OWN == expected


@pytest.mark.ci
def test_a_route_that_tells_nobody_is_found(world: World) -> None:
    app = app_on(world.cast.database)
    file = table_of(EvidenceFile)

    @app.get("/leak/{evidence_id}")
    @asks(Action.READ_EVIDENCE)
    def leak(context: InContext, evidence_id: str) -> int:
        """How long a document is, by reading it."""
        require(Action.READ_EVIDENCE, to_program(context.asker))
        return len(context.session.scalars(select(file.c.content).where(file.c.id == evidence_id)).one())

    _, told_nobody = silent(world, app, "coordinator", at=lambda route: "/leak" in route.path)
    assert told_nobody == {"GET /leak/{evidence_id}"}


def test_a_reading_whose_line_cannot_be_written_is_not_given(world: World) -> None:
    """The line stands in the reading's own transaction: without it there is no answer."""

    def refuse(_: Any, __: Any, statement: str, *___: Any) -> None:
        if _TOLD.match(statement):
            raise RuntimeError("no room")

    engine = world.cast.database.engine
    client = TestClient(app_on(world.cast.database), base_url="http://testserver", raise_server_exceptions=False)
    client.cookies.set("spheres", token_for(world.cast.database, world.people["coordinator"], at=AT))
    place = f"/evidence/{world.things[CODIM]['evidence_id']}"
    event.listen(engine, "before_cursor_execute", refuse)
    try:
        answer = client.get(place)
    finally:
        event.remove(engine, "before_cursor_execute", refuse)
    assert answer.status_code == 500
    assert client.get(place).status_code == 200


#: Bytes and structures of which no reading is told: none of them is made for a reader out of what people are.
_NOT_PROTECTED: Final = {
    "absence": ("kinds",),
    "activity_part": ("sealed",),  # where, which those who plan with the participant look at each day, beside the hour
    "agenda_item": ("reasons", "note"),  # what was said, for the minutes
    "agenda_version": ("content",),  # what the committee was sent; it names no participant
    "agreement_version": ("terms",),
    "case": ("anchors",),
    "committee": ("rhythm", "derived_from", "quorum", "agenda"),
    "decision": ("quorum", "takes_back"),  # numbers of decisions
    "departure": ("was_to_end",),  # days
    "drafted_year": ("dates",),
    "event": ("facts",),  # the record itself: codes, ids and counts
    "incident": ("words",),
    "incident_version": ("stood", "words"),  # for the privacy officer alone, whose page the register is
    "invitation": ("told",),
    "minutes": ("sealed",),  # what the committee approved or was sent; it names no participant
    "notice": ("calls",),  # the numbers and references of whom a letter is about
    "number_given": ("lost",),  # numbers
    "obligation": ("rule", "sources"),
    "participant": ("marks", "languages", "names"),  # the names for the gate of letters, which shows them to nobody
    "obligation_finding": ("found",),  # codes, days and ids of what was counted
    "passkey": ("public_key",),
    "person": ("spoken",),  # codes of languages
    "program": (
        "languages",
        "calendar",
        "area",
        "coordination",
        "obligations",
        "retention",
        "reading",
        "research",
        "rights",
        "self_reports",
    ),
    "protocol_version": ("declared",),
    "request": ("asked", "given"),  # what a worker asks for: folders, an amount, for which travel
    "study": ("fields",),
    "study_export": ("recipients", "fields", "codebook", "digests"),  # ids, the program’s own words, and digests
    "redaction": ("words",),  # whose page tells the record by a line of its own
    "responsibility": ("links",),
    "seal": ("events", "marks"),
    # The names of fields and criteria that its author is asked for, and what was offered, of closed lists.
    "referral": ("asked", "offered"),
    "restored_matter": ("before", "facts"),  # codes, ids and days
    "sign_in_flow": ("kept",),
    "task": ("sources", "may_not_approve", "waived_by", "due_rule", "ladder", "ladder_to", "asks"),
    "tenure": ("entered_late",),  # pairs of days
    "note_import": ("told",),
    "note_import_sheet": ("lines",),  # codes, days and counts
    "weekly_note": ("communications",),  # by which kinds of means
}


def test_every_column_that_can_hold_a_document_is_protected_or_said_not_to_be() -> None:
    """So that a new kind of document, or a participant's file, is not read untold."""
    there = {
        (name, column.name)
        for name, table in metadata.tables.items()
        for column in table.columns
        if isinstance(column.type, LargeBinary | JSON | ARRAY | Structured)
    }
    left = {(table, column) for table, columns in _NOT_PROTECTED.items() for column in columns}
    assert there - left == PROTECTED
    assert left <= there - PROTECTED
