"""How the tests of the case's pages look: signing in by short name, reading text, and sending a task's forms."""

from __future__ import annotations

import html
import re
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient

from tests.api.desk import client_for
from tests.casework import step
from tests.cast import Cast


def signed_in(cast: Cast, name: str) -> TestClient:
    """A browser in which one of the cast is signed in."""
    return client_for(cast.database, cast.people[name])


def text_of(page: str) -> str:
    """What a reader reads of a page: no tags, one space between words."""
    body = page[max(page.find("<main"), 0) :]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def row_of(page: str, task_id: UUID) -> str:
    """One task's row of a list, its forms included."""
    start = page.index(f'id="task-{task_id}"') - len("<li ")
    end = page.find('<li class="task ', start)
    return page[start : end if end > 0 else len(page)]


def task_of(cast: Cast, case_id: UUID, name: str, item: str = "") -> dict[str, Any]:
    """One task as it stands."""
    with cast.session() as session:
        return step(session, case_id, name, item)


def send(
    client: TestClient, task: dict[str, Any], act: str, *, back: str = "task", seen: int | None = None, **fields: Any
) -> Any:
    """Send one of a task's forms as its page would."""
    given = {"seen": task["version"] if seen is None else seen, "back": back, **fields}
    files = given.pop("files", None)
    return client.post(f"/tasks/{task['id']}/{act}", data=given, files=files)
