"""How the tests of the case's pages look: signing in by short name, reading text, and sending a task's forms."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient

from tests.api.application import client_for
from tests.casework import filled_in, step
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
    """Send one of a task's forms as its page would, with what the step asks for filled in."""
    given = {"seen": task["version"] if seen is None else seen, "back": back, **fields}
    if act == "completion":
        given = {f"given-{part}": said for part, said in filled_in(task["asks"]).items()} | given
    files = given.pop("files", None)
    return client.post(f"/tasks/{task['id']}/{act}", data=given, files=files)


class _Sent(HTMLParser):
    """What a browser sends of one form whose fields nobody touches."""

    def __init__(self, page: str, action: str) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, list[str]] = {}
        self._action, self._is_in = action, False
        self._written: str = ""
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_in = given.get("action") == self._action
        if not self._is_in:
            return
        if tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self._add(given["name"], given.get("value", ""))
        elif tag == "textarea":
            self._written = given["name"]
            self._add(self._written, "")
        elif tag == "select":
            self._select = given["name"]
            self.fields.setdefault(self._select, []).append("")
        elif tag == "option" and ("selected" in given or not self.fields[self._select][-1]):
            self.fields[self._select][-1] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_in = False
        if tag == "textarea":
            self._written = ""

    def handle_data(self, data: str) -> None:
        if self._written:
            self.fields[self._written][-1] = data.removeprefix("\n")

    def _add(self, name: str, value: str) -> None:
        self.fields.setdefault(name, []).append(value)


def fields_of(page: str, action: str) -> dict[str, list[str]]:
    """The fields of the form that goes to `action`, each name with its values, as they stand on a page."""
    return _Sent(page, action).fields
