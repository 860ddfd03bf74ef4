"""Every kind of asker at every route, of their own, others' and absent things: each cell as `expected.txt` has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pytest

from api.access.permissions import TABLE, Relation
from domain.record.turned_away import REFUSED
from tests.api.application import app_on
from tests.cast import ROOT, Cast
from tests.matrix import grid
from tests.matrix.asked import Route, routes_of
from tests.matrix.askers import COLUMNS, KINDS, Kind
from tests.matrix.candidates import READ_AT, THEIR_OWN, read_in
from tests.matrix.fixtures import Run
from tests.matrix.runner import DENIED, Answer, Runner
from tests.matrix.sampled import SEVERAL, covering
from tests.matrix.world import ABSENT, CODIM, ELSEWHERE

#: Tables whose rows tell what a browser or a request is at, and nothing of the program.
OF_NOBODY = frozenset({"sign_in_flow", "answered_request"})

#: An act went through.
DONE: Final = frozenset({"200", "201", "202", "204", "303"})
#: What is done with a workbook.
_IMPORTED: Final = ("", "/{note_import_id}/saving", "/{note_import_id}/taking-back")
#: Acts that need more than the world arranges, and the test that does each. There too none is done in silence:
#: `tests.api.lines`.
DONE_ELSEWHERE: Final = {
    **dict.fromkeys(
        (
            f"POST {prefix}/restored/{{matter_id}}/{act}"
            for prefix in ("", "/api/v1")
            for act in ("again", "cancellation", "keeping")
        ),
        ("tests/api/pages/test_restored.py", "test_each_act_is_done_where_it_fits"),
    ),
    "POST /sign-in": (
        "tests/api/pages/test_sign_in.py",
        "test_the_demonstration_offers_its_people_by_role_and_lets_one_in",
    ),
    **dict.fromkeys(
        ("POST /sign-in/passkey", "POST /door/{token}/options", "POST /door/{token}/passkey"),
        ("tests/api/test_passkeys.py", "test_a_passkey_is_enrolled_by_the_link_and_signs_in_from_then_on"),
    ),
    **dict.fromkeys(
        ("POST /sign-in/entra", "POST /auth/callback"),
        ("tests/api/test_entra.py", "test_an_invitation_links_the_account_once_and_from_then_on_it_opens_alone"),
    ),
    "POST /sign-in/program": ("tests/api/test_entra.py", "test_an_account_of_two_programs_chooses_one"),
    "POST /people/{person_id}/invitation/link": (
        "tests/api/pages/test_no_mail.py",
        "test_a_link_that_was_handed_over_leads_its_person_in_at_once_and_is_shown_once",
    ),
    "POST /cases/{case_id}/closing": (
        "tests/api/pages/test_case.py",
        "test_a_case_with_nothing_left_is_closed_from_its_page_and_the_record_says_by_whom",
    ),
    "POST /api/v1/cases/{case_id}/closing": (
        "tests/api/json/test_onboarding.py",
        "test_a_whole_onboarding_is_carried_over_json_from_its_opening_to_its_close",
    ),
    "POST /participants/{participant_id}/number": (
        "tests/api/pages/test_referrals.py",
        "test_a_referral_is_triaged_forwarded_met_consented_and_numbered_on_the_pages",
    ),
    "POST /api/v1/participants/{participant_id}/number": (
        "tests/api/json/test_admissions.py",
        "test_a_whole_admission_is_carried_at_the_window",
    ),
    "POST /participants/{participant_id}/decision": (
        "tests/meetings/test_admissions.py",
        "test_the_clinic_s_page_leads_to_the_candidate_and_the_decision_back_to_the_meeting",
    ),
    "POST /api/v1/participants/{participant_id}/decision": (
        "tests/meetings/test_admissions.py",
        "test_the_decision_is_recorded_at_the_window_with_its_line_by_who_runs_the_meeting_alone",
    ),
    **dict.fromkeys(
        (
            "POST /studies/{study_id}/recipients",
            "POST /studies/{study_id}/exports",
            "POST /studies/{study_id}/end",
            "POST /study-exports/{export_id}/approval",
        ),
        ("tests/api/pages/test_studies.py", "test_a_study_goes_from_its_form_to_the_file_of_its_recipient"),
    ),
    **dict.fromkeys(
        (
            "POST /api/v1/studies/{study_id}/recipients",
            "POST /api/v1/studies/{study_id}/exports",
            "POST /api/v1/studies/{study_id}/end",
            "POST /api/v1/study-exports/{export_id}/approval",
        ),
        ("tests/api/pages/test_studies.py", "test_the_same_over_json"),
    ),
    **dict.fromkeys(
        (
            "POST /caseload/imports",
            "POST /caseload/imports/{note_import_id}/saving",
            "POST /caseload/imports/{note_import_id}/taking-back",
        ),
        ("tests/api/pages/test_workbooks.py", "test_a_workbook_is_sent_looked_at_saved_and_taken_back"),
    ),
    **dict.fromkeys(
        (
            "POST /api/v1/caseload/imports",
            "POST /api/v1/caseload/imports/{note_import_id}/saving",
            "POST /api/v1/caseload/imports/{note_import_id}/taking-back",
        ),
        ("tests/api/pages/test_workbooks.py", "test_the_same_is_done_over_json"),
    ),
    **dict.fromkeys(
        ("POST /follow-ups/{follow_up_id}/self-reports/{n}", "PUT /api/v1/follow-ups/{follow_up_id}/self-reports/{n}"),
        (
            "tests/api/pages/test_follow_ups.py",
            "test_a_questionnaire_is_recorded_on_the_page_and_over_json_by_who_follows_and_told_to_who_comes_second",
        ),
    ),
    "POST /statements/{period}/release": (
        "tests/api/pages/test_statements.py",
        "test_the_coordinator_looks_at_every_table_then_releases_it_and_only_then_is_there_a_file",
    ),
    "POST /api/v1/statements/{period}/release": (
        "tests/api/pages/test_statements.py",
        "test_json_releases_what_was_read_and_gives_it_back",
    ),
    "POST /activities/{activity_id}/parts/{follow_up_id}/leaving": (
        "tests/domain/follow_ups/test_activities.py",
        "test_on_the_pages_it_is_shown_until_it_is_called_off",
    ),
    "DELETE /api/v1/activities/{activity_id}/parts/{follow_up_id}": (
        "tests/domain/follow_ups/test_activities.py",
        "test_over_json_somebody_is_taken_out_of_what_may_not_be_once",
    ),
    "POST /follow-ups/{follow_up_id}/taking-up": (
        "tests/api/pages/test_follow_ups.py",
        "test_whoever_ends_a_follow_up_is_told_so_on_a_page_and_may_take_it_up_again",
    ),
    "POST /api/v1/follow-ups/{follow_up_id}/taking-up": (
        "tests/api/pages/test_follow_ups.py",
        "test_over_json_too_it_is_taken_up_again_with_a_worker_or_with_nobody_yet_said",
    ),
    "POST /decisions/{decision_id}/wanted-endorsement": (
        "tests/api/pages/test_decisions.py",
        "test_a_partner_sees_what_was_decided_without_it_and_asks_that_it_be_endorsed",
    ),
    "POST /decisions/{decision_id}/settlement": (
        "tests/api/pages/test_decisions.py",
        "test_an_objection_is_settled_on_its_page_while_the_committee_sits_and_by_the_secretary_alone",
    ),
    "POST /api/v1/decisions/{decision_id}/wanted-endorsement": (
        "tests/api/json/test_decisions.py",
        "test_a_manager_asks_that_a_decision_be_endorsed_that_was_recorded_as_another_kind",
    ),
    "POST /api/v1/decisions/{decision_id}/settlement": (
        "tests/api/json/test_decisions.py",
        "test_an_objection_is_settled_while_the_committee_sits_by_who_keeps_its_minutes",
    ),
    **dict.fromkeys(
        (
            "POST /obligations/{period_id}/waiver-proposals/{proposal_id}/decision",
            "POST /obligations/{period_id}/waivers",
        ),
        (
            "tests/api/pages/test_partners.py",
            "test_a_waiver_says_by_which_decision_and_why_to_those_who_answer_for_the_partner",
        ),
    ),
    **dict.fromkeys(
        (
            "POST /api/v1/obligations/{period_id}/waiver-proposals/{proposal_id}/decision",
            "POST /api/v1/obligations/{period_id}/waivers",
        ),
        (
            "tests/api/json/test_partners.py",
            "test_the_coordination_is_freed_by_another_partners_manager_alone_and_nobody_by_the_deputy_of_who_owes",
        ),
    ),
    **dict.fromkeys(
        ("POST /meetings/{meeting_id}/redactions", "POST /redactions/{redaction_id}/taking-back"),
        (
            "tests/api/pages/test_redactions.py",
            "test_who_asked_for_words_of_a_meeting_to_go_takes_that_back_and_nobody_else",
        ),
    ),
    **dict.fromkeys(
        ("POST /research-consents/{participant_id}/keeping", "POST /api/v1/research-consents/{participant_id}/keeping"),
        (
            "tests/api/pages/test_consent_form.py",
            "test_research_is_ticked_apart_and_goes_to_the_research_coordinator_who_alone_keeps_it",
        ),
    ),
    **dict.fromkeys(
        (
            "POST /participants/{participant_id}/consents/going-on",
            "POST /api/v1/participants/{participant_id}/consents/going-on",
        ),
        (
            "tests/domain/participants/test_withdrawals.py",
            "test_going_on_answers_for_the_worker_and_the_coordinator_has_the_last_word",
        ),
    ),
    **dict.fromkeys(
        (
            "POST /participants/{participant_id}/consents/review",
            "POST /api/v1/participants/{participant_id}/consents/review",
        ),
        (
            "tests/domain/participants/test_reviews.py",
            "test_the_page_says_what_is_to_be_looked_at_and_only_the_coordinator_leaves_it_as_it_was_signed",
        ),
    ),
}

TO_DO = (
    "expected.txt has no rows for %s: write them with `python -m tests.matrix '%s'`, and read whether each kind of "
    "asker should get that answer"
)


@pytest.fixture
def listed(cast: Cast) -> list[Route]:
    """Every route of the application: the world is not needed to say which there are."""
    return list(routes_of(app_on(cast.database)))


def test_every_route_has_its_rows_and_every_row_its_route(listed: list[Route]) -> None:
    known = grid.read()
    cells = {(str(route), place, kind.column) for route in listed for place in route.places for kind in KINDS}
    missing = sorted({route for route, _, _ in cells - known.keys()})
    assert not missing, TO_DO % (missing[0], missing[0].partition(" ")[2])
    assert sorted({route for route, _, _ in known.keys() - cells}) == [], "rows of listed that are no more"


def test_each_route_asks_the_action_that_its_rows_name(listed: list[Route]) -> None:
    assert {str(route): str(route.action) for route in listed} == grid.actions()


def test_the_matrix_is_of_the_size_that_was_asked_for(listed: list[Route]) -> None:
    assert len(KINDS) >= 16
    assert len(listed) >= 70
    denied = [code for code in grid.read().values() if code in ("404", "door", "401")]
    assert len(denied) > 3000


def test_every_act_goes_through_for_somebody(listed: list[Route]) -> None:
    """Else nothing would be seen of the line that it leaves."""
    done = {route for (route, _, _), code in grid.read().items() if code in DONE}
    undone = {str(route) for route in listed if route.writes} - done
    assert sorted(undone - DONE_ELSEWHERE.keys()) == [], (
        "arrange what these ask for in tests/matrix/stages.py, or name a test that does them in DONE_ELSEWHERE"
    )
    assert sorted(DONE_ELSEWHERE.keys() - undone) == [], "these go through here"
    for file, test in DONE_ELSEWHERE.values():
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), test


@pytest.mark.ci
def test_of_every_route_some_are_turned_away_as_expected_and_by_every_third_some_are_let_in(
    runner: Runner, routes: list[Route], run: Run[Any]
) -> None:
    """Who is let in takes three times as long to ask; at night every cell is asked."""
    away, let_in = covering(routes, let_in=0, turned_away=1), covering(routes[::3], let_in=1, turned_away=0)
    run(hold(runner, [*away, *let_in]))


@pytest.mark.nightly
def test_a_sample_of_every_route_and_every_asker_is_answered_as_expected(
    runner: Runner, routes: list[Route], run: Run[Any]
) -> None:
    run(hold(runner, covering(routes, let_in=1, turned_away=1)))


@pytest.mark.parametrize(("let_in", "turned_away"), [(0, 1), (1, 1)])
def test_a_sample_lets_some_in_and_turns_some_away_at_every_route_and_of_every_kind_of_asker(
    listed: list[Route], let_in: int, turned_away: int
) -> None:
    known = grid.read()
    cells = covering(listed, let_in=let_in, turned_away=turned_away)
    assert cells == covering(listed, let_in=let_in, turned_away=turned_away), "the same each time"
    assert len({(str(route), place, kind) for route, place, kind in cells}) == len(cells) < len(known) / 10
    for is_denied, most in ((False, let_in), (True, turned_away)):
        there = Counter(route for (route, _, _), code in known.items() if (code in DENIED) == is_denied)
        asked = Counter(
            (str(route), kind.column)
            for route, place, kind in cells
            if (known[str(route), place, kind.column] in DENIED) == is_denied
        )
        at_route, of_kind = Counter[str](), Counter[str]()
        for (route, column), times in asked.items():
            at_route[route] += times
            of_kind[column] += 1
        assert at_route == ({route: min(most, cells) for route, cells in there.items()} if most else {})
        able = {column for (_, _, column), code in known.items() if most and (code in DENIED) == is_denied}
        assert {column for column in able if of_kind[column] < SEVERAL} == set(), "each at several listed"


@pytest.mark.ci
def test_the_words_that_are_searched_for_are_read_where_they_may_be(
    runner: Runner, routes: list[Route], run: Run[Any]
) -> None:
    """Else the search in every cell would find nothing wherever it looked."""

    async def ask() -> dict[str, frozenset[str]]:
        shown = {}
        for route in routes:
            if str(route) in READ_AT:
                column = "subj" if str(route) in THEIR_OWN else "priv" if "/privacy/" in route.path else "coor"
                shown[str(route)] = read_in((await runner.ask(route, COLUMNS[column], CODIM)).response.text)
        return shown

    assert run(ask()) == READ_AT


@pytest.mark.nightly
def test_every_cell_of_a_page_is_answered_as_expected(runner: Runner, routes: list[Route], run: Run[Any]) -> None:
    asked = run(hold(runner, cells_of(route for route in routes if not route.is_json)))
    assert asked > 4000


def cells_of(routes: Iterable[Route]) -> Iterator[tuple[Route, str, Kind]]:
    """Every cell of these routes."""
    return ((route, place, kind) for route in routes for place in route.places for kind in KINDS)


async def hold(runner: Runner, cells: Iterable[tuple[Route, str, Kind]]) -> int:
    """Ask each cell and hold its answer against what is expected. How many there were."""
    known = grid.read()
    wrong = []
    asked = 0
    for route, place, kind in cells:
        answer = await runner.ask(route, kind, place)
        expected = known.get((str(route), place, kind.column), "no rows")
        if answer.code != expected:
            wrong.append(f"{route} of {place} as {kind.column} ({kind.means}): {answer.code}, expected {expected}")
        else:
            hold_one(runner, route, place, kind, answer)
        asked += 1
    assert wrong == [], "\n".join(wrong)
    return asked


def hold_one(runner: Runner, route: Route, place: str, kind: Kind, answer: Answer) -> None:
    """Whatever was answered: reading and refusing change nothing, and a refusal of someone known is in the record."""
    where = f"{route} of {place} as {kind.column}: {answer.code}"
    assert answer.response.status_code < 500, where
    if not route.writes or answer.is_denied or answer.response.status_code >= 400:
        assert not answer.changed, f"{where}, and changed {sorted(answer.changed)}"
    if answer.changed - OF_NOBODY:
        assert answer.lines, f"{where}, and changed {sorted(answer.changed)} without a line of the record"
    read = read_in(answer.response.text)
    assert read <= (frozenset() if answer.is_denied else READ_AT.get(str(route), frozenset())), f"{where} says {read}"
    if read and str(route) not in THEIR_OWN:
        assert answer.lines, f"{where} says {read} without a line of the record"
    if not answer.is_denied or kind.person is None or _asks_nothing(route):
        assert answer.told == (), where
        return
    (told,) = answer.told
    assert told.verb == REFUSED, where
    assert told.actor_id == runner.person_of(kind), where
    assert told.facts["action"] == (route.action and route.action.value), where
    assert told.facts["why"] == {"expd": "lapsed", "left": "left"}.get(kind.column, "not_theirs"), where
    # The id only where there is such a thing in the asker's own program; what was typed is not repeated.
    named = runner.named(route, place)
    is_there = place not in (ABSENT, "–") and (place == ELSEWHERE) == kind.elsewhere
    assert told.facts["asked"] == (named if is_there else None), where


def _asks_nothing(route: Route) -> bool:
    """Whether whoever is signed in is no matter to a route."""
    return route.action is not None and Relation.ANYONE in TABLE[route.action]
