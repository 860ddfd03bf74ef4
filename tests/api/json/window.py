"""Someone who asks over JSON, and to whom every answer must be one that the window's own description foresees."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import uuid4

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes with Prefect, without types
from pydantic import ConfigDict
from sqlalchemy import create_engine

from api.access.session import Installation
from api.app import create_app
from api.json.shapes import Problem
from tests.api.application import ADDRESS, app_on, token_for
from tests.casework import filled_in, stock
from tests.cast import AT, Cast, letter_templates

PREFIX: Final = "/api/v1"

#: What every error says; `code` where a rule refused. Anything else in it would be a surprise.
_KNOWN_IN_PROBLEMS: Final = set(Problem.model_fields)


@dataclass(frozen=True)
class Operation:
    """One thing that the window says can be asked."""

    method: str
    path: str
    described: Mapping[str, Any] = field(repr=False)

    @property
    def takes_body(self) -> bool:
        """Whether a body goes with it."""
        return "requestBody" in self.described

    def has(self, header: str) -> bool:
        """Whether it knows this header."""
        return any(one["name"].lower() == header.lower() for one in self.described.get("parameters", ()))

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path.removeprefix(PREFIX)}"


@cache
def description() -> Mapping[str, Any]:
    """The window's description of itself, of an application that needs no database for it."""
    installation = Installation(
        create_engine("postgresql+psycopg://"), letter_templates(), ADDRESS, demonstration=False
    )
    return create_app(installation).openapi()


def operations() -> list[Operation]:
    """Everything that can be asked."""
    return list(_operations(description()))


def _operations(described: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield Operation(method, path, operation)


class Asker:
    """A program that asks for one person. Each answer is checked as it comes: foreseen, whole, and in its own form."""

    def __init__(
        self, cast: Cast, name: str | None, *, at: datetime = AT, language: str = "en", app: FastAPI | None = None
    ) -> None:
        self.cast = cast
        self.app = app or app_on(cast.database, at=at)
        self.client = TestClient(
            self.app, base_url=ADDRESS, headers={"Accept-Language": language, "Origin": ADDRESS}, follow_redirects=False
        )
        if name is not None:
            self.client.cookies.set("spheres", token_for(cast.database, cast.people[name], at=at))

    def ask(
        self,
        method: str,
        path: str,
        body: object | None = None,
        *,
        version: int | str | None = None,
        key: str = "",
        **more: Any,
    ) -> Response:
        """Ask for one thing. `version` becomes If-Match, `key` the Idempotency-Key."""
        headers = dict(more.pop("headers", {}))
        if version is not None:
            headers["If-Match"] = f'"{version}"' if isinstance(version, int) else version
        if key:
            headers["Idempotency-Key"] = key
        if body is not None:
            more["json"] = body
        answer = self.client.request(method, PREFIX + path, headers=headers, **more)
        self._check(method.lower(), path, answer)
        return answer

    def get(self, path: str, **more: Any) -> Any:
        """What stands at a path; it must be there."""
        answer = self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object | None = None, **more: Any) -> Any:
        """Do something that must succeed."""
        answer = self.ask("POST", path, body, **more)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def act(self, task_id: str, act: str, body: object | None = None, *, key: str = "") -> Response:
        """Do something to a task as it stands now."""
        seen = self.client.get(f"{PREFIX}/tasks/{task_id}").headers.get("etag", "*")
        return self.ask("POST", f"/tasks/{task_id}/{act}", body, version=seen, key=key)

    def complete(self, task: Mapping[str, Any], *, key: str = "") -> Response:
        """Complete a task with what it asks for; equipment is entered into the inventory first."""
        body = completion_of(task)
        for proof in body["evidence"]:
            if proof["kind"] == "serial":
                with self.cast.session() as session:
                    stock(session, self.cast, task["item"] or task["step"], proof["label"])
        return self.act(task["id"], "completion", body, key=key)

    def _check(self, method: str, path: str, answer: Response) -> None:
        """Hold an answer against the window's own description."""
        assert answer.status_code < 500, answer.text
        operation = _matching(description(), method, path)
        if operation is None:
            assert answer.status_code in (403, 404, 405, 413), (method, path, answer.status_code)
        else:
            assert str(answer.status_code) in operation["responses"], (method, path, answer.status_code)
        kind = answer.headers.get("content-type", "")
        assert answer.headers.get("cache-control") == "no-store", (method, path, answer.status_code)
        if answer.status_code >= 400:
            problem_of(answer)
        elif answer.headers.get("idempotency-replayed") or answer.status_code == 204:
            assert answer.content == b""
        else:
            assert operation is not None
            assert kind == "application/json"
            _hold(description(), operation, answer)


def problem_of(answer: Response) -> dict[str, Any]:
    """The problem that an error is, whole and in its own form."""
    assert answer.headers.get("content-type") == "application/problem+json", (answer.status_code, answer.text[:200])
    problem: dict[str, Any] = answer.json()
    assert set(problem) <= _KNOWN_IN_PROBLEMS
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    _Strict.model_validate(problem)
    return problem


class _Strict(Problem):
    model_config = ConfigDict(extra="forbid", strict=True)


def completion_of(task: Mapping[str, Any]) -> dict[str, Any]:
    """What a task asks for, made up."""
    evidence: list[dict[str, str]] = []
    if task["evidence"] in ("serial", "account"):
        evidence.append({"kind": task["evidence"], "label": f"{task['evidence']}-{uuid4().hex[:8]}"})
    if task["evidence"] == "document":
        shown = base64.b64encode(b"shown").decode()
        evidence.append({"kind": "document", "label": "proof.txt", "content": shown})
    note = "Done as agreed." if task["evidence"] == "note" else ""
    return {"note": note, "evidence": evidence, "given": filled_in(task["asks"])}


def _matching(described: Mapping[str, Any], method: str, path: str) -> Mapping[str, Any] | None:
    parts = (PREFIX + path.partition("?")[0]).split("/")
    for known, methods in described["paths"].items():
        places = known.split("/")
        if (method in methods and len(places) == len(parts)) and all(
            place.startswith("{") or place == part for place, part in zip(places, parts, strict=True)
        ):
            found: Mapping[str, Any] = methods[method]
            return found
    return None


def _hold(described: Mapping[str, Any], operation: Mapping[str, Any], answer: Response) -> None:
    schema = operation["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
    whole = {"components": described["components"], **schema}
    # The description's references are to its own components, which stand beside the schema.
    errors = list(Draft202012Validator(whole).iter_errors(answer.json()))
    assert errors == [], errors[0].message
