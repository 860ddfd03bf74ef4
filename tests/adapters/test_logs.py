"""What a line of the log may hold: listed fields of a known shape, sentences of ours, kinds and places of errors."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any
from uuid import UUID

import pytest

from adapters.logs import FIELDS, OneLine

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
