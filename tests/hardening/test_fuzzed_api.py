"""Every operation of the API, asked with what its own description allows and forbids, by several kinds of asker."""

from __future__ import annotations

import ast
import functools
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
import schemathesis
from httpx2 import Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.config import GenerationConfig
from schemathesis.core import NOT_SET
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.application import ADDRESS
from tests.api.json.window import description, problem_of
from tests.cast import ROOT
from tests.hardening.test_headers import faults
from tests.matrix import grid
from tests.matrix.askers import COLUMNS, KINDS, Kind, cookie_of
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.world import CODIM, PLACES, STEPS

pytestmark = pytest.mark.ci

ASKERS: Final = tuple(COLUMNS[column] for column in ("coor", "priv", "admi", "coll", "anon"))
"""The coordinator, the privacy officer, the administrator, a worker with no part in anything, and nobody."""

#: What a generated body says by chance too seldom: with these it comes as far as the rules.
_MEANT: Final = {"role": "second_representative", "protocol": "onboarding", "language": "fr"}

#: How a program that fails shows itself.
_OF_A_FAULT: Final = re.compile(r"Traceback|\.py\b|File \"|sqlalchemy|psycopg|pydantic|starlette|Error:", re.IGNORECASE)

_CHECKS: Final[Sequence[CheckFunction]] = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
)

_HEADERS: Final = ("If-Match", "Accept-Language", "Idempotency-Key", "Cookie", "Content-Type", "Accept", "X-Word")

#: A word of the asker's own, where what is made up has none.
_WORD: Final = "zq7hellebore"

_HOW: Final = settings(
    max_examples=5,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def _described() -> Iterator[Any]:
    # A config of its own: no file that lies about where the tests are started has a say.
    schema = schemathesis.openapi.from_dict(dict(description()), config=schemathesis.Config())
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), "the description cannot be read"
        yield found.ok()


OPERATIONS: Final = {operation.label: operation for operation in _described()}


class Fuzz:
    """Sends what was made up, as one kind of asker, and holds each answer to all that is promised of any."""

    def __init__(self, runner: Runner, run: Run[Any]) -> None:
        self._runner = runner
        self._run = run
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(runner.app, raise_app_exceptions=False), base_url=ADDRESS
        )
        self.statuses: set[int] = set()

    def ask(self, case: Case[Any], kind: Kind) -> Response:
        """Ask once, and hold the answer. What it changed is gone afterwards."""
        answer: Response = self._run(self._send(case, kind))
        self.statuses.add(answer.status_code)
        hold(case, kind, answer)
        if answer.status_code < 400 and case.method != "GET" and self._runner.changed():
            self._runner.renew()
        return answer

    async def _send(self, case: Case[Any], kind: Kind) -> Response:
        sent = case.as_transport_kwargs(base_url=ADDRESS)
        headers = {name: value for name, value in sent.pop("headers").items() if name.lower() != "user-agent"}
        headers |= {"Origin": ADDRESS, "Accept-Language": "en"}
        if cookie := cookie_of(kind):
            headers["Cookie"] = f"spheres={cookie}"
        sent.pop("cookies", None)
        data = sent.pop("data", None)
        raw = [(name.encode("latin-1"), _bytes_of(value)) for name, value in headers.items()]
        content = {"content": data} if isinstance(data, str | bytes) else {"data": data} if data is not None else {}
        return await self._client.request(headers=raw, **content, **sent)


def hold(case: Case[Any], kind: Kind, answer: Response) -> None:
    """Hold one answer: as described, nothing of a fault in it, and nothing of what was sent where it refuses."""
    where = f"{case!r} as {kind.column}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, where
    case.validate_response(answer, checks=list(_CHECKS))
    assert faults(answer) == [], where
    if answer.status_code < 400:
        return
    assert problem_of(answer), where
    assert not _OF_A_FAULT.search(answer.text), where
    said = answer.text + str(answer.headers.multi_items())
    for word in _words_of(case):
        assert word not in said, where


def aimed(case: Case[Any], things: Mapping[str, str], step: str, *, far: bool) -> Case[Any]:
    """The case, aimed at one place's things by its path; and, where it is to come `far`, by its body and If-Match.

    What does not fit is left as it is: it is the point of the case.
    """
    if not _misfits(case, ParameterLocation.PATH):
        for name in case.path_parameters:
            known = f"task_id:{step}" if name == "task_id" else name
            if known in things:
                case.path_parameters[name] = things[known]
    if far and not _misfits(case, ParameterLocation.HEADER):
        case.headers.update({one.name: "*" for one in case.operation.headers if one.name.lower() == "if-match"})
    if far and not _misfits(case, ParameterLocation.BODY) and isinstance(case.body, dict):
        meant = {**_MEANT, **things}
        case.body |= {name: meant[name] for name in case.body if name in meant}
    return case


def _misfits(case: Case[Any], part: ParameterLocation) -> bool:
    return case.meta is not None and case.meta.is_negative_at(part)


@functools.cache
def whoever_may(label: str) -> tuple[Kind, ...]:
    """Someone who gets through with the things of CODIM, if anyone does, and after them those of whom few may."""
    known = grid.read()
    through = (known.get((label, place, kind.column)) for kind in KINDS for place in (CODIM, "–"))
    done = [code is not None and (code.startswith("2") or code == "409") for code in through]
    able = [kind for turn, kind in enumerate(KINDS) if any(done[2 * turn : 2 * turn + 2]) and not kind.elsewhere]
    return (*able[:1], *ASKERS)


def _bytes_of(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


def _words_of(case: Case[Any]) -> Iterator[str]:
    """What the asker chose to say: every text of some length in what was sent, names of fields as well."""
    known = _own_words()
    for sent in (case.path_parameters, case.query, list(case.headers.values()), case.body):
        if sent is not NOT_SET:
            yield from (word for word in _texts(sent) if len(word) > 7 and word not in known)


@functools.cache
def _own_words() -> str:
    """What the project says by itself: its description, and every text its code holds.

    Hypothesis makes up words from the texts of the code it runs beside: a part of a header's name is no echo.
    """
    trees = (ast.parse(path.read_text("utf-8")) for path in sorted(ROOT.glob("*/**/*.py")) if not _apart(path))
    held = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return "\n".join((json.dumps(description()), *(text for text in held if isinstance(text, str))))


def _apart(path: Path) -> bool:
    """Whether a file is another's: of a library, or of the tests."""
    first = path.relative_to(ROOT).parts[0]
    return first.startswith(".") or first == "tests"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from (*_texts(name), *_texts(one))
    elif isinstance(value, str):
        yield value
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for one in value:
            yield from _texts(one)


@pytest.fixture(scope="module")
def fuzz(runner: Runner, run: Run[Any]) -> Fuzz:
    return Fuzz(runner, run)


def _made_up(fuzz: Fuzz, runner: Runner, label: str, mode: GenerationMode) -> int:
    """Ask one operation with what fits its description, or with what does not. How often."""
    asked = 0
    kinds = whoever_may(label)

    @_HOW
    @given(
        case=OPERATIONS[label].as_strategy(mode),
        # Every second time by who may, every second time of what is theirs: else hardly any would come to a rule.
        kind=st.just(kinds[0]) | st.sampled_from(kinds),
        place=st.just(CODIM) | st.sampled_from(PLACES),
        step=st.sampled_from(sorted(STEPS)),
        far=st.booleans(),
    )
    def ask(case: Case[Any], kind: Kind, place: str, step: str, far: bool) -> None:
        nonlocal asked
        fuzz.ask(aimed(case, runner.world.things[place], step, far=far), kind)
        asked += 1

    ask()
    return asked


def _takes_anything(label: str) -> bool:
    operation = OPERATIONS[label]
    return bool(list(operation.iter_parameters()) or operation.body)


def _in_both_modes() -> Iterator[Any]:
    for label in OPERATIONS:
        yield pytest.param(label, GenerationMode.POSITIVE, id=f"{label} as described")
        if _takes_anything(label):
            yield pytest.param(label, GenerationMode.NEGATIVE, id=f"{label} otherwise")


@pytest.mark.nightly
def test_a_sample_of_every_bound_is_answered_as_the_description_says(fuzz: Fuzz, runner: Runner) -> None:
    """Operations' smallest, largest, missing, surplus and wrongly typed values; one asker after the other.

    Of each operation as it is meant, and at one of its first bounds: making them all takes longer than asking.
    """
    asked = 0
    for turn, label in enumerate(OPERATIONS):
        for case in itertools.islice(_at_the_bounds(label, runner), 0, 2 + turn % 12, 1 + turn % 12):
            kinds = whoever_may(label)
            # Counted over all operations: few of them have cases enough to come to the last asker.
            fuzz.ask(case, kinds[asked % len(kinds)])
            asked += 1
    assert asked > 150
    # Answers, and refusals of every sort. Versions of before: see `tests/api/json/test_versions.py`.
    assert {200, 201, 204, 401, 404, 405, 409, 422, 428} <= fuzz.statuses


@pytest.mark.nightly
def test_no_refusal_says_back_a_word_of_the_address_or_of_a_header(fuzz: Fuzz, runner: Runner) -> None:
    """Bodies are in `tests/api/json/test_problems.py`."""
    refused = 0
    for turn, (label, operation) in enumerate(OPERATIONS.items()):
        if turn % 3:
            continue  # the refusals are made in one place: any of the operations tells
        whole = next(_at_the_bounds(label, runner))
        for spoiled in _with_a_word(operation, whole):
            refused += fuzz.ask(spoiled, whoever_may(label)[0]).status_code >= 400
    assert refused > 100


@pytest.mark.nightly
@pytest.mark.parametrize("label", list(OPERATIONS))
def test_every_bound_of_an_operation_is_answered_to_many_askers_as_the_description_says(
    fuzz: Fuzz, runner: Runner, label: str
) -> None:
    kinds = whoever_may(label)
    for turn, case in enumerate(_at_the_bounds(label, runner)):
        # Every second time who may, and in between one of the others after the other.
        fuzz.ask(case, kinds[0] if turn % 2 == 0 else kinds[1 + turn // 2 % (len(kinds) - 1)])


@pytest.mark.nightly
@pytest.mark.parametrize(("label", "mode"), list(_in_both_modes()))
def test_an_operation_answers_what_is_made_up_as_it_says_it_does(
    fuzz: Fuzz, runner: Runner, label: str, mode: GenerationMode
) -> None:
    assert _made_up(fuzz, runner, label, mode) >= 1


def _at_the_bounds(label: str, runner: Runner) -> Iterator[Case[Any]]:
    """Every case at a bound of an operation's description, aimed at things of CODIM."""
    operation = OPERATIONS[label]
    cases = operation.schema.iter_coverage_cases(
        operation, generation_modes=list(GenerationMode), generation_config=GenerationConfig()
    )
    steps = itertools.cycle(sorted(STEPS))
    for turn, case in enumerate(cases):
        # Not always as far: the bounds of ids and versions are bounds as well.
        yield aimed(case, runner.world.things[CODIM], next(steps), far=turn % 3 != 1)


def _with_a_word(operation: Any, whole: Case[Any]) -> Iterator[Case[Any]]:
    """The case with a word in each part of its address, in a parameter that there is none of, and in its headers."""
    for name in whole.path_parameters:
        yield _changed(whole, path_parameters={**whole.path_parameters, name: _WORD})
    for name in (*(one.name for one in operation.query), _WORD):
        yield _changed(whole, query={name: _WORD})
    for name in _HEADERS[len(whole.path) % 2 :: 2]:
        # Together with what is refused anyhow, where the header alone would not be.
        yield _changed(whole, headers={**whole.headers, name: f'"{_WORD}'}, query={"limit": "many", "on": "never"})


def _changed(case: Case[Any], **parts: Any) -> Case[Any]:
    kept = {
        "path_parameters": case.path_parameters,
        "headers": dict(case.headers),
        "query": case.query,
        "body": case.body,
        "media_type": case.media_type,
    }
    made: Case[Any] = case.operation.Case(**{**kept, **parts})
    return made
