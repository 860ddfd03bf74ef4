"""Where the routes of the API stand, and what its description says of each of them."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter

from api.acts.declaring import ActRouter
from api.json.shapes import Problem
from api.web.answers import PROBLEM

PREFIX: Final = "/api/v1"

#: What any route may answer besides. It refers to the shape of a problem, which `with_problems` adds: as a model of
#: each answer of each route the framework would work it out three thousand times at each start.
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"content": {PROBLEM: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}, "description": why}
    for status, why in (
        (400, "It cannot be read, or asks to be taken for another method."),
        (401, "Nobody is signed in."),
        (403, "The request came from another site."),
        (404, "There is nothing here, or nothing that you may see."),
        (405, "This cannot be done here."),
        (409, "A rule refuses it now."),
        (412, "It changed since it was read."),
        (413, "It is too large."),
        (414, "The address is too long."),
        (421, "The program is not reached by that name."),
        (
            422,
            (
                "It does not fit, or a rule wants more. With the code words.shape, words in it are written like a "
                "name, a telephone, an address or a date of birth, alike for everyone: send a participant's number "
                "instead, or the same again with the header Words-Seen: yes."
            ),
        ),
        (428, "If-Match is missing."),
        (429, "It is more than one person may ask in this time; Retry-After says when the next one counts anew."),
        (431, "The headers are too many, or too long."),
        (503, "The database does not answer."),
    )
}


def with_problems(description: dict[str, Any]) -> dict[str, Any]:
    """The description of the API, and in it the shape of a problem that `ANSWERS` refers to."""
    description["components"]["schemas"][Problem.__name__] = Problem.model_json_schema()
    return description


def api_routes(tag: str, *, prefix: str = "", of_acts: bool = False) -> APIRouter:
    """A module's routes under `PREFIX`, named together in the description; `of_acts`, none that writes by hand.

    Each says here, where it is made, what else it may answer: a router around it would work every route out again,
    which is a second at each start.
    """
    router = ActRouter if of_acts else APIRouter
    return router(prefix=PREFIX + prefix, tags=[tag], responses=ANSWERS)
