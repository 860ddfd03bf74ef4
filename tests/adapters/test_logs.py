"""What a line of the log may hold: listed fields of a known shape, sentences of ours, kinds and places of errors."""

from __future__ import annotations

import ast
import json
import logging
import os
import pty
import subprocess
import sys
from typing import Any, TypeGuard
from uuid import UUID

import pytest

from adapters.logs import FIELDS, OURS, OneLine
from tests.cast import ROOT

NAME = "Émeraude Quartz"
TOKEN = "s3cr3t-T0ken_of-a-sign-in"


def line(message: Any, *args: Any, logger: str = "flows.carry", error: bool = False, **fields: Any) -> dict[str, Any]:
    """One record as it is written."""
    record = logging.getLogger(logger).makeRecord(
        logger,
        logging.WARNING,
        "file.py",
        1,
        message,
        args,
        sys.exc_info() if error else None,  # what logging itself passes
        extra=fields,
    )
    written = OneLine("web").format(record)
    assert "\n" not in written
    read: dict[str, Any] = json.loads(written)
    return read


def test_a_line_says_when_where_what_and_of_which_thing() -> None:
    case = UUID("0c9d1e2f-3a4b-4c5d-8e6f-7a8b9c0d1e2f")
    said = line("a case is put back", case=case, code="error.ValueError", count=3)
    assert said.pop("at").endswith("+00:00")
    assert said == {
        "level": "warning",
        "process": "web",
        "logger": "flows.carry",
        "what": "a case is put back",
        "case": str(case),
        "code": "error.ValueError",
        "count": 3,
    }


def test_a_field_that_is_not_listed_is_left_out() -> None:
    said = line("an act", person=NAME, token=TOKEN, path="/people?q=Quartz", body={"name": NAME})
    assert set(said) == {"at", "level", "process", "logger", "what"}


@pytest.mark.parametrize("field", sorted(FIELDS))
@pytest.mark.parametrize("value", [NAME, "two words", "a@b.example", "", {"a": 1}, True, "/people/Émeraude", "x" * 500])
def test_a_value_of_another_shape_is_left_out(field: str, value: Any) -> None:
    assert field not in line("an act", **{field: value})


@pytest.mark.parametrize(
    "route", ["/cases/{case_id}", "/static", "/api/v1/cases/{case_id}/days/{anchor}", "/auth/callback", "/"]
)
def test_a_route_is_written_as_the_code_writes_it(route: str) -> None:
    assert line("answered", logger="spheres.access", route=route)["route"] == route


def test_what_would_be_filled_into_a_sentence_is_left_out() -> None:
    assert line("saved %s for %s", NAME, TOKEN)["what"] == "saved %s for %s"


@pytest.mark.ci
def test_no_sentence_of_ours_has_a_hole() -> None:
    """What would fill it would not be written: ids, codes and counts stand in fields beside the sentence."""
    files = [path for folder in OURS if (ROOT / folder).is_dir() for path in (ROOT / folder).rglob("*.py")]
    said = [(path, call) for path in files for call in ast.walk(ast.parse(path.read_text("utf-8"))) if _logs(call)]
    assert len(said) > 20
    assert [
        f"{path}:{call.lineno}"
        for path, call in said
        if not (len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and "%" not in str(call.args[0].value))
    ] == []


def _logs(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether this is a call that logs a sentence, by the names that the project gives to what does."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
        and ast.unparse(node.func.value).startswith(("_log", "logging.getLogger("))
    )


def test_what_a_library_writes_is_cut_down_to_who_and_how_bad() -> None:
    said = line(f"Exception for {NAME}", logger="uvicorn.error")
    assert set(said) == {"at", "level", "process", "logger"}


def test_an_error_is_its_kind_and_place_and_never_its_text() -> None:
    try:
        try:
            raise KeyError(NAME)
        except KeyError as behind:
            raise ValueError(TOKEN) from behind
    except ValueError:
        said = line("it failed", error=True)
    assert (said["error"], said["cause"]) == ("ValueError", "KeyError")
    assert said["place"].startswith(__name__.rpartition(".")[2]) or ":" in said["place"]
    assert NAME not in str(said)
    assert TOKEN not in str(said)


SCRIPT = """
import logging, sys, threading, warnings
logging.basicConfig(stream=sys.stdout)
loud = logging.getLogger("library.part"); loud.addHandler(logging.StreamHandler(sys.stdout)); loud.propagate = False
from adapters.logs import configure
configure("worker")
loud.warning("Émeraude Quartz signed in")
warnings.warn("Émeraude Quartz is deprecated")
logging.getLogger("spheres").warning("%d for %s", "no number", "Émeraude Quartz")
thread = threading.Thread(target=lambda: {}["Émeraude Quartz"]); thread.start(); thread.join()
raise ValueError("Émeraude Quartz at 12 rue des Canaris")
"""


def test_a_process_writes_nothing_else_whatever_its_libraries_set_up_and_however_it_ends() -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, timeout=60, check=False)
    assert ran.stdout == b""
    assert b"Quartz" not in ran.stderr
    lines = [json.loads(one) for one in ran.stderr.decode().splitlines()]
    assert [(one["logger"], one.get("error")) for one in lines] == [
        ("library.part", None),
        ("py.warnings", None),
        ("spheres", None),
        ("spheres", "KeyError"),
        ("spheres", "ValueError"),
    ]
    assert ran.returncode == 1


#: Logs what went well and what did not.
_LOGS = (
    "import logging; from adapters import logs; logs.configure('web'); log = logging.getLogger('spheres.access');"
    " log.info('answered'); log.warning('away', extra={'part': 'gatherings', 'count': 3, 'who': 'Jade'})"
)


def test_at_a_terminal_what_went_well_is_left_out_and_what_did_not_is_a_sentence() -> None:
    kept = subprocess.run([sys.executable, "-c", _LOGS], cwd=ROOT, capture_output=True, check=True, text=True).stderr
    assert [json.loads(each)["what"] for each in kept.splitlines()] == ["answered", "away"]

    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", _LOGS], cwd=ROOT, stderr=theirs, check=True)
        shown = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert shown.splitlines() == ["web: away (gatherings, 3)"]
