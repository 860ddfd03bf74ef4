"""How much a signed-in person may ask: counted across processes, told clearly, and no typed word is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session

from adapters.database import open_session
from api.access.request_rates import MOST, SPAN, TOLD_EVERY, Requests, TooManyRequests
from api.app import create_app
from api.web import pointing
from tests.api.application import ADDRESS, installation_of, nobody, token_for, watched
from tests.api.pages.looking import fields_of
from tests.cast import AT, Cast

PATH = "/people"


def _client(cast: Cast, *, most: int, who: str = "coordinator", at: datetime = AT) -> TestClient:
    installation = installation_of(cast.database, at=at, most_requests=most)
    client = TestClient(
        watched(create_app(installation)), base_url=ADDRESS, headers={"Accept-Language": "en"}, follow_redirects=False
    )
    client.cookies.set("spheres", token_for(cast.database, cast.people[who], at=at))
    return client


@pytest.mark.ci
def test_a_person_asks_so_much_and_another_is_not_stopped_by_it(cast: Cast) -> None:
    client = _client(cast, most=3)
    assert [client.get("/healthz").status_code for _ in range(9)] == [200] * 9, "nobody's requests"
    assert [client.get(PATH).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    stopped = client.get(PATH)
    assert "Continue in" in stopped.text
    assert 0 < int(stopped.headers["retry-after"]) <= SPAN.total_seconds()
    client.cookies.set("spheres", token_for(cast.database, cast.people["officer"]))
    assert client.get(PATH).status_code == 200
    client.cookies.set("spheres", token_for(cast.database, cast.people["coordinator"]))
    assert client.get(PATH).status_code == 429, "another sign-in of the same person"


def test_the_api_says_so_as_a_problem(cast: Cast) -> None:
    client = _client(cast, most=1)
    assert client.get("/api/v1/people").status_code == 200
    answer = client.get("/api/v1/people")
    assert (answer.status_code, answer.json()["code"]) == (429, "requests.too_many")
    assert answer.headers["retry-after"]


@pytest.mark.ci
def test_typed_words_come_back_and_are_sent_again_when_it_is_over(cast: Cast) -> None:
    worker, address = "worker_ccsmtl", "/referrals"
    client = _client(cast, most=1, who=worker)
    form = fields_of(client.get("/referrals/new").text, address)
    words = 'Elle demande de l’aide,\net dit « <b>"oui"</b> ».'
    typed = {**form, "given_name": ["Ondine"], "reasons": [words], "do": ["save"]}
    stopped = client.post(address, data=typed)
    assert stopped.status_code == 429
    assert "<b>" not in stopped.text
    kept = fields_of(stopped.text, address)
    assert (kept["given_name"], kept["reasons"][0].splitlines()) == (["Ondine"], words.splitlines())
    with cast.session() as session:
        assert session.scalar(text("select count(*) from referral")) == 0, "nothing was saved"
    later = _client(cast, most=9, who=worker, at=AT + SPAN)
    assert later.post(address, data=kept).is_redirect
    with cast.session() as session:
        assert session.scalar(text("select count(*) from referral")) == 1


@contextmanager
def counting(cast: Cast) -> Iterator[Session]:
    with open_session(cast.database.engine) as session:
        yield session
        session.commit()


def test_processes_count_together_but_for_what_they_have_not_told(cast: Cast) -> None:
    someone, most = uuid4(), 4 * TOLD_EVERY
    processes = [Requests(most=most) for _ in range(3)]
    answered = 0
    for n in range(10 * most):
        try:
            processes[n % 3].hit(someone, AT, lambda: counting(cast))
            answered += 1
        except TooManyRequests:
            pass
    assert most <= answered <= most + 3 * TOLD_EVERY


def test_a_quarter_of_an_hour_later_it_counts_anew(cast: Cast) -> None:
    requests, someone = Requests(most=2), UUID(int=5)
    for moment in (AT, AT, AT + SPAN, AT + SPAN):
        requests.hit(someone, moment, lambda: counting(cast))
    with pytest.raises(TooManyRequests) as told:
        requests.hit(someone, AT + SPAN + timedelta(minutes=14), lambda: counting(cast))
    assert told.value.seconds == 60


@given(st.lists(st.integers(0, 3), max_size=60))
def test_nobody_is_stopped_before_they_asked_so_much(who: list[int]) -> None:
    requests, asked = Requests(most=TOLD_EVERY - 1), dict.fromkeys(range(4), 0)

    def no_session() -> None:
        msg = "so few requests are told to nobody"
        raise AssertionError(msg)

    for one in who:
        asked[one] += 1
        if asked[one] < TOLD_EVERY:
            requests.hit(UUID(int=one), AT, no_session)  # type: ignore[arg-type]


def test_a_day_of_hard_work_is_far_below_the_limit() -> None:
    """A secretary who ticks something every two seconds for a quarter of an hour, each tick a request."""
    assert 5 * (SPAN / timedelta(seconds=2)) <= MOST


def test_whoever_is_not_signed_in_is_counted_by_the_doors_alone(cast: Cast) -> None:
    assert nobody(cast.database).get(PATH).status_code == 303


@pytest.mark.parametrize("api", [False, True])
def test_what_is_pointed_at_is_a_request_as_any_other(cast: Cast, api: bool) -> None:
    """Else words that look like a name would be a way to ask without end."""
    client = _client(cast, most=2)
    words = {"title_fr": "Des nouvelles de Jessica Tremblay"}
    path = "/api/v1/committees/steering/agenda-items" if api else "/words-of-nowhere"

    def send() -> Response:
        return client.post(path, json=words) if api else client.post(path, data=words)

    assert [send().status_code for _ in range(4)] == [422, 422, 429, 429]
    stopped = send()
    assert 0 < int(stopped.headers["retry-after"]) <= SPAN.total_seconds()
    if api:
        assert stopped.json()["code"] == "requests.too_many"
    else:
        assert fields_of(stopped.text, path)["title_fr"] == [words["title_fr"]]


def test_what_is_typed_and_looked_at_meanwhile_is_counted_too(cast: Cast) -> None:
    client = _client(cast, most=2)
    typed = {"field": "title_fr", "text": "Jessica"}
    assert [client.post("/words", data=typed).status_code for _ in range(3)] == [200, 200, 429]


def test_more_words_than_any_form_holds_are_looked_at_for_who_is_signed_in_alone(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    def point(*_: object, **__: object) -> list[object]:
        looked.append(1)
        return []

    monkeypatch.setattr(pointing, "point", point)
    words = {f"reason_{n}": "Jessica Tremblay " * 1_000 for n in range(10)}
    stranger = nobody(cast.database)
    stranger.cookies.set("spheres", "x" * 43)
    assert stranger.post("/people", data=words).status_code in (303, 405)
    assert stranger.post(f"/refer/{'x' * 43}", data=words).status_code in (404, 303, 200, 422)
    assert looked == []
    _client(cast, most=9).post("/people", data=words)
    assert looked == [1]


def test_a_person_is_told_so_in_their_language(cast: Cast) -> None:
    client = _client(cast, most=1)
    client.get(PATH)
    for language, words in (("fr", "Continuez dans"), ("en", "Continue in")):
        assert words in client.get(PATH, headers={"Accept-Language": language}).text
        said = client.get("/api/v1/people", headers={"Accept-Language": language}).json()["detail"]
        assert words in said
