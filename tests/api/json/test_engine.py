"""The engine over JSON: what the page shows of it, and a held-up case tried again."""

from __future__ import annotations

from tests.api.json.window import Asker
from tests.casework import open_onboarding
from tests.cast import Cast
from tests.tending import carried, give_sign, hold_up, take_in_hand, tries


def test_the_answer_has_every_section_of_the_page(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    hold_up(cast, case_id)
    take_in_hand(cast, case_id)
    carried(cast, case_id, why_plain="slow")
    give_sign(cast)
    engine = Asker(cast, "administrator").get("/engine")
    assert [one["case_id"] for one in engine["stuck"]["cases"]] == [str(case_id)]
    assert engine["stuck"]["by_code"] == {"seat.none": 1}
    assert [one["worker"] for one in engine["in_hand"]] == ["worker-abc"]
    assert engine["plain"]["why"] == {"slow": 1}
    assert [one["name"] for one in engine["health"]["workers"]] == ["worker-abc"]
    assert {one["key"] for one in engine["rounds"]} >= {"sweep", "remind"}
    assert engine["letters"]["failed"] == {}


def test_a_case_is_tried_again_once_and_so_are_all_of_a_code(cast: Cast) -> None:
    first, second = open_onboarding(cast), open_onboarding(cast, "worker_codim", "codim")
    hold_up(cast, first)
    hold_up(cast, second)
    keeper = Asker(cast, "administrator")
    assert [keeper.post(f"/engine/cases/{first}/retry") for _ in range(2)] == [{"cases": 1}, {"cases": 0}]
    assert keeper.post("/engine/retry", {"code": "seat.none"}) == {"cases": 1}
    assert [one for one, _, _ in tries(cast)] == [first, second]


def test_who_does_not_run_the_installation_is_told_of_nothing_here(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    hold_up(cast, case_id)
    coordinator = Asker(cast, "coordinator")
    for method, path, body in (
        ("GET", "/engine", None),
        ("POST", f"/engine/cases/{case_id}/retry", None),
        ("POST", "/engine/retry", {"code": "seat.none"}),
    ):
        assert coordinator.ask(method, path, body).status_code == 404
    assert tries(cast) == []


def test_a_code_that_is_none_is_not_taken(cast: Cast) -> None:
    for code in ("", "a b", "x" * 200, "’; drop table"):
        assert Asker(cast, "administrator").ask("POST", "/engine/retry", {"code": code}).status_code == 422
