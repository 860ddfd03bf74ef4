"""The page of who runs the installation: how the engine does, what is held up, "try again", and no case or person."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from api.access.engine_server import EngineServer
from api.views.engine import ROUND_WORDS
from domain.casework import tending
from domain.casework.wakeups import wake
from domain.kernel import put_row
from flows import timetable
from flows.marks import set_mark, set_trouble
from flows.troubles import DOORS
from models.engine import EngineSeat
from tests.api.application import client_for
from tests.api.pages.test_post import give_up, one_letter
from tests.casework import open_onboarding
from tests.cast import AT, MEMBERS, Cast
from tests.domain.test_copies import ran
from tests.flows.prefect_server import free_port
from tests.tending import carried, give_sign, hold_up, take_in_hand, tries, wake_up_of

_NOT_OPERATORS: Final = sorted(set(MEMBERS) - {"administrator"})


@pytest.fixture
def case_id(cast: Cast) -> UUID:
    """An onboarding of the program, which the engine is to carry."""
    return open_onboarding(cast)


@pytest.fixture
def operator(cast: Cast) -> TestClient:
    """The administrator's browser."""
    return client_for(cast.database, cast.people["administrator"])


def page_of(browser: TestClient, language: str = "en") -> str:
    answer = browser.get("/engine", headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def part(page: str, name: str) -> str:
    return " ".join(page[page.index(f'id="{name}"') :].partition("</section>")[0].split())


def test_who_runs_the_installation_alone_sees_the_engine(cast: Cast, operator: TestClient) -> None:
    assert 'href="/engine"' in page_of(operator)
    for name in ("coordinator", "officer", "privacy_officer", "manager_codim", "it_contact"):
        browser = client_for(cast.database, cast.people[name])
        assert browser.get("/engine").status_code == 404, name
        assert 'href="/engine"' not in browser.get("/people").text, name


def test_the_page_names_no_person_and_no_whole_case(cast: Cast, case_id: UUID, operator: TestClient) -> None:
    hold_up(cast, case_id)
    take_in_hand(cast, case_id)
    carried(cast, case_id, why_plain="busy")
    page = page_of(operator)
    assert "seat.none" in page
    assert [member.name for name, member in MEMBERS.items() if name in _NOT_OPERATORS and member.name in page] == []
    assert f"/cases/{case_id}" not in page.replace(f"/engine/cases/{case_id}", "")


def test_a_case_that_is_held_up_stands_there_by_its_code_and_since_when(
    cast: Cast, case_id: UUID, operator: TestClient
) -> None:
    hold_up(cast, case_id)
    stuck = part(page_of(operator), "stuck")
    assert str(case_id)[:8] in stuck
    assert "2 hours ago" in stuck
    assert "people of the program have something to do first" in stuck
    assert "once something changes, and now and then" in stuck


def test_a_case_is_held_up_since_its_first_run_that_failed_after_one_that_went_well(
    cast: Cast, case_id: UUID, operator: TestClient
) -> None:
    hold_up(cast, case_id, "error.OSError")
    for days, outcome in ((9, "trouble"), (8, "waiting"), (3, "trouble"), (1, "trouble")):
        carried(cast, case_id, at=AT - timedelta(days=days), outcome=outcome)
    stuck = part(page_of(operator), "stuck")
    assert "3 days ago" in stuck
    assert "it is tried again by itself" in stuck
    assert "in 5 minutes" in stuck


def test_try_again_wakes_the_case_and_is_on_record_and_a_second_click_changes_nothing(
    cast: Cast, case_id: UUID, operator: TestClient
) -> None:
    hold_up(cast, case_id, "error.OSError")
    before, _, _ = wake_up_of(cast, case_id)
    for woken in (1, 0):
        answer = operator.post(f"/engine/cases/{case_id}/retry")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/engine?tried={woken}#stuck")
        assert wake_up_of(cast, case_id)[0::2] == (before + 1, AT)
    assert tries(cast) == [(case_id, "error.OSError", cast.people["administrator"])]


def test_all_cases_of_one_code_are_tried_again_together_and_those_of_another_are_not(
    cast: Cast, case_id: UUID, operator: TestClient
) -> None:
    second, third = open_onboarding(cast, "worker_codim", "codim"), open_onboarding(cast, "without_mail", "anonyme")
    for one, code in ((case_id, "error.OSError"), (second, "error.OSError"), (third, "seat.none")):
        hold_up(cast, one, code)
    for _ in range(2):
        assert operator.post("/engine/retry", data={"code": "error.OSError"}).status_code == 303
    assert {one for one, _, _ in tries(cast)} == {case_id, second}
    assert len(tries(cast)) == 2
    want, have, _ = wake_up_of(cast, third)
    assert want == have


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        ("1", "1 case is tried now"),
        ("40", "40 cases are tried now"),
        ("0", "Nothing was left to try"),
        ("", ""),
        ("many", ""),
    ],
)
def test_who_asked_to_try_again_is_told_how_many_are_tried(operator: TestClient, tried: str, said: str) -> None:
    page = unescape(operator.get("/engine", params={"tried": tried}).text)
    told = [one for one in ("1 case is tried", "cases are tried now", "Nothing was left to try") if one in page]
    assert (said in page, bool(told)) == (True, bool(said))


def test_before_all_that_wait_for_people_are_tried_it_is_asked_and_before_errors_it_is_not(
    cast: Cast, case_id: UUID, operator: TestClient
) -> None:
    hold_up(cast, case_id)
    assert "Until people have done their part, each fails again." in part(page_of(operator), "stuck")
    hold_up(cast, case_id, "error.OSError")
    assert '<p class="question">' not in part(page_of(operator), "stuck")


def test_a_case_that_is_not_held_up_any_more_is_not_tried_again(
    cast: Cast, case_id: UUID, operator: TestClient
) -> None:
    answer = operator.post(f"/engine/cases/{case_id}/retry")
    assert answer.status_code == 409
    assert "Nothing holds this case up any more." in answer.text
    assert tries(cast) == []


def test_a_case_of_another_program_looks_as_if_it_were_not_there(cast: Cast, operator: TestClient) -> None:
    elsewhere = open_onboarding(cast.other, "worker_em")
    hold_up(cast.other, elsewhere)
    for one in (elsewhere, uuid4()):
        assert operator.post(f"/engine/cases/{one}/retry").status_code == 404
    want, have, _ = wake_up_of(cast.other, elsewhere)
    assert want == have
    assert tries(cast) == tries(cast.other) == []


def test_nothing_of_another_program_is_counted(cast: Cast, operator: TestClient) -> None:
    elsewhere = open_onboarding(cast.other, "worker_em")
    hold_up(cast.other, elsewhere, "seat.none_there")
    take_in_hand(cast.other, elsewhere, "worker-of-all")
    carried(cast.other, elsewhere, why_plain="busy")
    page = page_of(operator)
    assert "seat.none_there" not in page
    assert "worker-of-all" not in part(page, "in-hand")
    assert "Nothing is held up" in page
    assert "Nothing is in hand just now" in page
    assert "Prefect had enough to do" not in page


def test_nobody_else_has_a_case_tried_again(cast: Cast, case_id: UUID) -> None:
    hold_up(cast, case_id)
    coordinator = client_for(cast.database, cast.people["coordinator"])
    assert coordinator.post(f"/engine/cases/{case_id}/retry").status_code == 404
    assert coordinator.post("/engine/retry", data={"code": "seat.none"}).status_code == 404
    assert tries(cast) == []


def test_a_case_in_hand_says_by_which_worker_and_since_when(cast: Cast, case_id: UUID, operator: TestClient) -> None:
    take_in_hand(cast, case_id)
    in_hand = part(page_of(operator), "in-hand")
    assert "worker-abc" in in_hand
    assert "1 minute ago" in in_hand
    assert str(case_id)[:8] in in_hand


def test_of_more_cases_in_hand_than_are_shown_all_are_counted_and_the_longest_comes_first(
    cast: Cast, case_id: UUID, operator: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    second, third = open_onboarding(cast, "worker_codim", "codim"), open_onboarding(cast, "without_mail", "anonyme")
    for one, minutes in ((case_id, 1), (second, 9), (third, 3)):
        take_in_hand(cast, one, since=AT - timedelta(minutes=minutes))
    monkeypatch.setattr(tending, "MOST", 2)
    in_hand = part(page_of(operator), "in-hand")
    assert '<span class="count">3</span>' in in_hand
    assert "and 1 other" in in_hand
    assert in_hand.index(str(second)[:8]) < in_hand.index(str(third)[:8])
    assert str(case_id)[:8] not in in_hand


def test_what_was_carried_without_prefect_lately_is_told_with_why(
    cast: Cast, case_id: UUID, operator: TestClient
) -> None:
    carried(cast, case_id, shown=True)
    for why in ("away", "busy", "slow", "failed", ""):
        carried(cast, case_id, why_plain=why)
    carried(cast, case_id, why_plain="from_the_future")
    carried(cast, case_id, at=AT - timedelta(days=2), why_plain="busy")
    carried(cast, case_id, why_plain="busy", outcome="trouble")  # without an effect: nothing was carried
    plain = part(page_of(operator), "plain")
    assert '<span class="count">6</span>' in plain
    for said in ("did not answer", "had enough to do", "did not begin in time", "failed with it", "not recorded"):
        assert said in plain, said
    assert "from_the_future" in plain


def test_a_round_that_is_late_comes_first_and_says_since_when(cast: Cast, operator: TestClient) -> None:
    with cast.session() as session:
        for key in timetable.ROUNDS:
            set_mark(session, key, AT - (timedelta(hours=5) if key == "sweep" else timedelta(0)), "prefect")
    rounds = part(page_of(operator), "rounds")
    assert '<span class="count">1</span>' in rounds
    assert "was to be done 5 hours ago" in rounds
    assert rounds.index("Cleaning up") < rounds.index("Reminders")
    assert rounds.count("was to be done") == 1


def test_what_is_done_all_the_time_stands_among_the_rounds_while_it_fails(cast: Cast, operator: TestClient) -> None:
    assert ROUND_WORDS[DOORS] not in page_of(operator)
    with cast.session() as session:
        set_trouble(session, DOORS, "error.ValueError", AT - timedelta(minutes=3))
    rounds = part(page_of(operator), "rounds")
    assert ROUND_WORDS[DOORS] in rounds
    assert "error.ValueError" in rounds
    answer = operator.get("/api/v1/engine").json()
    assert [one["key"] for one in answer["rounds"] if one["trouble"]] == [DOORS]


def test_a_round_that_is_done_says_when_it_comes_next(cast: Cast) -> None:
    with cast.session() as session:
        for key in timetable.ROUNDS:
            set_mark(session, key, AT, "worker")
        late = [key for key in timetable.ROUNDS if timetable.late_by(session, key, AT, AT)]
        times = [timetable.next_due(session, key, AT) for key in timetable.ROUNDS]
    assert late == []
    assert all(one is not None and AT < one < AT + timedelta(days=5) for one in times)


def test_the_round_of_the_mailbox_is_told_only_where_a_mailbox_is_read(operator: TestClient) -> None:
    assert "Reading the mailbox" not in page_of(operator)


def test_a_worker_without_a_sign_of_life_is_silent_and_the_page_says_what_to_do(
    cast: Cast, operator: TestClient
) -> None:
    give_sign(cast, at=AT - timedelta(minutes=5), up=False, since=AT - timedelta(hours=3))
    health = part(page_of(operator), "health")
    assert "The engine gives no sign of life" in health
    assert "spheres doctor" in health
    assert "silent" in health
    assert "changed 3 hours ago" in health


def test_a_living_worker_is_told_with_what_it_sees_of_prefect(cast: Cast, case_id: UUID, operator: TestClient) -> None:
    give_sign(cast, "worker-alive")
    with cast.session() as session:
        wake(session, case_id, at=AT - timedelta(minutes=4))
    health = part(page_of(operator), "health")
    assert "worker-alive" in health
    assert "1 alive" in health
    assert "The engine gives no sign of life" not in health


@pytest.fixture
def hung() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield listening.getsockname()[1]


def served_by(browser: TestClient, server: EngineServer) -> TestClient:
    """The browser, on an installation whose engine's server is this one."""
    installation = browser.app.state.installation  # type: ignore[attr-defined]  # an application of ours
    object.__setattr__(installation, "engine_server", server)
    return browser


def test_the_page_does_not_wait_for_a_server_that_hangs(operator: TestClient, hung: int) -> None:
    page = page_of(served_by(operator, EngineServer(f"http://127.0.0.1:{hung}", "/data/prefect-auth")))
    assert "being asked" in part(page, "health")


def test_a_server_that_is_away_is_said_to_be(operator: TestClient) -> None:
    page = page_of(served_by(operator, EngineServer(f"http://127.0.0.1:{free_port()}", "/data/prefect-auth")))
    assert "The engine’s server does not answer" in part(page, "health")


def test_of_a_server_that_only_its_own_machine_reaches_nothing_is_said_that_is_not_known(
    cast: Cast, operator: TestClient, hung: int
) -> None:
    with cast.session() as session:
        put_row(
            session, EngineSeat(seat="engine", address="http://127.0.0.1:4299/api", machine="one", since=AT, beat_at=AT)
        )
    here = f"http://127.0.0.1:{hung}"
    page = page_of(served_by(operator, EngineServer(here, "/data/prefect-auth")))
    health = part(page, "health")
    assert "It runs on the machine one, and is reached from there alone." in health
    assert [
        one for one in (here, "127.0.0.1", "/data/prefect-auth", "does not answer", "being asked") if one in page
    ] == []
    server = operator.get("/api/v1/engine").json()["health"]["server"]
    assert (server["address"], server["answers"], server["machine"]) == ("", None, "one")


def test_the_page_says_where_the_word_lies_and_never_the_word(operator: TestClient, tmp_path: Path) -> None:
    word = tmp_path / "prefect-auth"
    word.write_text("spheres:a-word-of-the-server")
    page = page_of(served_by(operator, EngineServer(f"http://127.0.0.1:{free_port()}", str(word))))
    assert str(word) in page
    assert "a-word-of-the-server" not in page


@pytest.mark.usefixtures("case_id")
def test_letters_that_were_given_up_are_counted_by_their_code(cast: Cast, operator: TestClient) -> None:
    give_up(cast, one_letter(cast))
    letters = part(page_of(operator), "letters")
    assert "550 5.1.1" in letters
    assert 'href="/post"' in letters


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_quiet_engine_is_shown_without_alarm(cast: Cast, operator: TestClient, language: str) -> None:
    give_sign(cast)
    with cast.session() as session:
        for key in timetable.ROUNDS:
            set_mark(session, key, AT, "prefect")
    page = page_of(operator, language)
    assert 'class="notice warn"' not in page
    assert 'class="card late"' not in page


def test_copies_of_the_installation_stand_on_the_page_with_the_last_good_one(cast: Cast, operator: TestClient) -> None:
    told = part(page_of(operator), "copies")
    assert "none was ever made here; the first one is made by hand: spheres backup" in told
    ran(cast, ago=timedelta(days=2), next_in=timedelta(days=1))
    told = part(page_of(operator), "copies")
    assert ("the last good one:" in told, ">late<" in told) == (True, True)
    ran(cast, code="not_verified", ago=timedelta(hours=1))
    told = part(page_of(operator), "copies")
    assert ("the last good one:" in told, "the last one failed" in told, "not_verified" in told) == (True, True, True)
    kinds = [(one["kind"], one["code"]) for one in operator.get("/api/v1/engine").json()["copies"]]
    assert kinds == [("backup", "not_verified")]
