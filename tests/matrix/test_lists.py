"""What a list shows is what may be opened: by every kind of asker, on pages and over JSON, in both programs."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.matrix.asked import Route
from tests.matrix.askers import KINDS
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.world import PEOPLED

#: A list, where one of its things is opened, and the name of that thing in the world. The two agree to the letter. What
#: stands after a question mark is what the list is asked for; one that names a place is asked of each of them.
WHOLE: Final = (
    ("GET /cases", "GET /cases/{case_id}", "case_id"),
    ("GET /api/v1/cases", "GET /api/v1/cases/{case_id}", "case_id"),
    ("GET /cases?protocol=departure", "GET /departures/{case_id}", "case_id:departure"),
    ("GET /departures", "GET /departures/{case_id}", "case_id:departure"),
    ("GET /people", "GET /people/{person_id}", "person_id"),
    ("GET /api/v1/people", "GET /api/v1/people/{person_id}", "person_id"),
    ("GET /access", "GET /people/{person_id}/access", "person_id"),
    ("GET /api/v1/agreements", "GET /api/v1/agreements/{agreement_id}", "agreement_id"),
    ("GET /program/agreements/{agreement_id}?n=1", "GET /signed-files/{file_id}", "file_id"),
    ("GET /api/v1/partners", "GET /api/v1/partners/{organization_id}", "organization_id"),
    ("GET /meetings?month=2027-01", "GET /meetings/{meeting_id}", "meeting_id"),
    ("GET /post?state=failed", "GET /post/{notice_id}", "notice_id"),
    ("GET /referrals", "GET /referrals/{referral_id}", "referral_id"),
    ("GET /api/v1/referrals", "GET /api/v1/referrals/{referral_id}", "referral_id"),
    ("GET /studies", "GET /studies/{study_id}", "study_id"),
    ("GET /api/v1/studies", "GET /api/v1/studies/{study_id}", "study_id"),
    ("GET /privacy/incidents", "GET /privacy/incidents/{incident_id}", "incident_id"),
    ("GET /api/v1/privacy/incidents", "GET /api/v1/privacy/incidents/{incident_id}", "incident_id"),
)

#: Lists that leave things out on purpose: nobody finds in them what they may not open. A caseload is one's own, a
#: register is of one committee, the work of the day is what waits, a partner's page shows to whoever states a clause of
#: its own alone, and who has one partner is led to its page.
IN_PART: Final = (
    ("GET /", "GET /cases/{case_id}", "case_id"),
    ("GET /api/v1/work", "GET /api/v1/tasks/{task_id}", "task_id:open"),
    ("GET /api/v1/work", "GET /api/v1/tasks/{task_id}", "task_id:submitted"),
    ("GET /cases/{case_id}", "GET /tasks/{task_id}", "task_id:open"),
    ("GET /caseload", "GET /follow-ups/{follow_up_id}", "follow_up_id"),
    ("GET /api/v1/caseload", "GET /api/v1/follow-ups/{follow_up_id}", "follow_up_id"),
    ("GET /decisions", "GET /decisions/{decision_id}", "decision_id"),
    ("GET /api/v1/committees/{key}/decisions", "GET /api/v1/decisions/{decision_id}", "decision_id"),
    ("GET /api/v1/decisions", "GET /api/v1/decisions/{decision_id}", "decision_id"),
    ("GET /api/v1/endorsements", "GET /api/v1/decisions/{decision_id}", "decision_id"),
    ("GET /referrals", "GET /participants/{participant_id}", "participant_id"),
    ("GET /referrals", "GET /participants/{participant_id}", "participant_id:waiting"),
    ("GET /api/v1/referrals", "GET /api/v1/participants/{participant_id}", "participant_id:waiting"),
    ("GET /partners", "GET /partners/{organization_id}", "organization_id"),
    ("GET /partners", "GET /obligations/{period_id}", "period_id"),
    ("GET /partners/{organization_id}", "GET /obligations/{period_id}", "period_id"),
    ("GET /api/v1/partners/{organization_id}", "GET /api/v1/obligations/{period_id}", "period_id"),
    ("GET /program", "GET /program/agreements/{agreement_id}", "agreement_id"),
    ("GET /activities", "GET /follow-ups/{follow_up_id}", "follow_up_id"),
)


@pytest.fixture(scope="module")
def by_name(routes: list[Route]) -> dict[str, Route]:
    """Every route by its method and path."""
    return {str(route): route for route in routes}


@pytest.mark.ci
@pytest.mark.wide(6)
@pytest.mark.parametrize(("listing", "single", "thing"), [*WHOLE, *IN_PART])
def test_a_list_shows_what_its_asker_may_open(
    runner: Runner, by_name: dict[str, Route], run: Run[Any], listing: str, single: str, thing: str
) -> None:
    name, _, asked_for = listing.partition("?")
    shown, opened = run(_shown_and_opened(runner, by_name[name], asked_for, by_name[single], thing))
    assert {one for one in shown if one not in opened} == set(), "shown, and not theirs to open"
    assert any(kind != "othp" for kind, _ in shown), "nobody finds anything in it"
    if (listing, single, thing) in WHOLE:
        assert opened - shown == set(), "theirs to open, and not shown"


async def _shown_and_opened(
    runner: Runner, listing: Route, asked_for: str, single: Route, thing: str
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """By the column of the asker and the place of the thing: what stands in the list, and what is answered."""
    shown, opened = set(), set()
    name = thing.partition(":")[0]
    of_a_place = "{" in listing.path
    for kind in KINDS:
        text = ""
        for place in PEOPLED:
            if of_a_place or place == PEOPLED[0]:
                address = listing.address(runner.things_of(place))
                answer = await runner.get(kind, f"{address}?{asked_for}" if asked_for else address)
                text = answer.text if answer.status_code == 200 else ""
            found = runner.things_of(place)[thing]
            if found in text:
                shown.add((kind.column, place))
            address = single.path.replace("{" + name + "}", found)
            if (await runner.get(kind, address)).status_code == 200:
                opened.add((kind.column, place))
    return shown, opened
