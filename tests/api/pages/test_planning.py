"""Planning a committee's dates: proposals with their reasons, what is ticked, and who would be invited."""

from __future__ import annotations

import html
import re
from datetime import date, datetime, time
from typing import Any

import pytest
from sqlalchemy import func, select, update

from meetings import drafting, schedule
from models.base import table_of
from models.committee import Committee
from models.meeting import DraftedYear, Meeting
from models.outbox import Notice
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, Cast
from tests.meetings.sitting import seat_everyone

_meeting = table_of(Meeting)
_notice = table_of(Notice)
_draft = table_of(DraftedYear)
_committee = table_of(Committee)

SEASON = {"first": "2026-12-09", "last": "2027-01-13"}


@pytest.fixture(autouse=True)
def _everyone_sits(cast: Cast) -> None:
    with cast.session() as session:
        seat_everyone(session, cast)


def options(page: str) -> list[str]:
    """What the form would send as it stands: what is ticked, and what each list has chosen."""
    ticks = re.findall(r'<input type="checkbox" id="date-[\d-]+" name="date" value="([^"]*)" checked>', page)
    return sorted([*ticks, *re.findall(r'<option value="([^"]*)" selected>', page)])


def hidden(page: str) -> dict[str, list[str]]:
    """The fields that the page of letters sends on."""
    form = page[page.index('<h2 id="letters-title"') :]
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form):
        found.setdefault(name, []).append(html.unescape(value))
    return found


def planned(cast: Cast) -> list[tuple[str, str, str]]:
    with cast.session() as session:
        rows = session.execute(
            select(_meeting.c.starts, _meeting.c.state, _meeting.c.reason).order_by(_meeting.c.starts)
        ).all()
        return [(row.starts.isoformat(timespec="minutes"), row.state, row.reason) for row in rows]


def _steering(column: Any) -> Any:
    """This of the Steering Committee's draft: others that never met were drafted their first dates beside it."""
    return (
        select(column).join(_committee, _committee.c.id == _draft.c.committee_id).where(_committee.c.key == "steering")
    )


def sent(cast: Cast) -> int:
    with cast.session() as session:
        return session.scalar(select(func.count()).select_from(_notice).where(_notice.c.thread != "")) or 0


@pytest.mark.ci
def test_a_season_is_proposed_with_its_reasons_and_planned_as_it_was_ticked(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    page = client.get("/committees/clinical/dates", params=SEASON)
    assert page.status_code == 200
    chosen = options(page.text)
    assert chosen[0] == "2026-12-09|2026-12-09T09:30"
    assert "None of these dates is planned yet." in text_of(page.text)
    # One that is plain is taken off by hand, and one is held on another day than its own.
    given = [one for one in chosen if not one.startswith(("2026-12-16", "2026-12-30"))] + [
        "2026-12-30|2026-12-29T09:30"
    ]
    form = {**SEASON, "place": "Salle 4", "date": given}
    asked = client.post("/committees/clinical/dates", data=form)
    assert asked.status_code == 200, text_of(asked.text)[:500]
    assert "Confirm, and tell 5 people" in asked.text
    assert "Invitation" in asked.text
    assert planned(cast) == []
    assert sent(cast) == 0
    done = client.post("/committees/clinical/dates", data=hidden(asked.text))
    assert done.headers["location"] == "/committees/clinical#next"
    rows = planned(cast)
    assert ("2026-12-09T09:30", "planned", "") in rows
    assert ("2026-12-16T09:30", "cancelled", "No meeting that week.") in rows
    assert ("2026-12-29T09:30", "planned", "") in rows
    assert len(rows) == 6
    assert sent(cast) == 5
    # Why a date is off is read by each in their language, whoever planned it.
    listed = client.get("/meetings?month=2026-12", headers={"Accept-Language": "fr"})
    assert "Annulée : Pas de rencontre cette semaine-là." in text_of(listed.text)


@pytest.mark.ci
def test_the_same_click_again_is_answered_as_the_first_and_plans_and_tells_once(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    meeting = {"day": "2026-12-15", "hour": "13:30"}
    form = hidden(client.post("/committees/steering/meetings", data=meeting).text)
    answers = [client.post("/committees/steering/meetings", data=form) for _ in range(3)]
    assert [(one.status_code, one.headers["location"]) for one in answers] == [(303, "/committees/steering#next")] * 3
    assert len(planned(cast)) == 1
    told = sent(cast)
    with cast.session() as session:
        here = f"/meetings/{session.scalars(select(_meeting.c.id)).one()}"
    there = hidden(client.post(f"{here}/time", data={"seen": "1", "day": "2026-12-16", "hour": "13:30"}).text)
    assert [client.post(f"{here}/time", data=there).headers["location"] for _ in range(2)] == [here] * 2
    assert sent(cast) == 2 * told
    # Back and there again is another act, by a page of its own.
    for seen, day in (("2", "2026-12-15"), ("3", "2026-12-16")):
        again = hidden(client.post(f"{here}/time", data={"seen": seen, "day": day, "hour": "13:30"}).text)
        assert client.post(f"{here}/time", data=again).status_code == 303
    assert planned(cast) == [("2026-12-16T13:30", "planned", "")]
    assert sent(cast) == 4 * told
    # The page of the first move, gone back to, is done: it says so, and undoes nothing.
    assert client.post(f"{here}/time", data=there).headers["location"] == here
    # Its key with another change, or on another form, does nothing.
    otherwise = client.post(f"{here}/time", data={**there, "day": ["2026-12-18"]})
    assert otherwise.status_code == 409
    assert client.post(f"{here}/cancellation", data={"shown": there["shown"], "seen": "4", "reason": "x"}).is_success
    assert planned(cast) == [("2026-12-16T13:30", "planned", "")]
    assert sent(cast) == 4 * told


@pytest.mark.ci
def test_a_year_is_proposed_at_the_rhythm_and_each_date_is_a_meeting_of_its_own(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    page = client.get("/committees/steering/dates", params={"first": "2027-01-01"}).text
    chosen = options(page)
    assert len(chosen) == 4
    asked = client.post("/committees/steering/dates", data={"first": "2027-01-01", "date": chosen[:3]})
    client.post("/committees/steering/dates", data=hidden(asked.text))
    assert [state for _, state, _ in planned(cast)] == ["planned"] * 3
    with cast.session() as session:
        assert session.scalar(select(func.count(_meeting.c.uid.distinct()))) == 3


@pytest.mark.ci
def test_a_drafted_year_is_planned_from_or_dismissed_once(cast: Cast) -> None:
    with cast.session() as session:
        by = cast.actor("coordinator")
        starts = datetime.combine(date(2026, 12, 15), time(13, 30))
        schedule.plan_meetings(session, "steering", [starts], by=by, at=AT)
        drafting.draft_due(session, by=by, at=AT)
        draft_id = session.scalars(_steering(_draft.c.id)).one()
    client = signed_in(cast, "coordinator")
    assert f"?draft={draft_id}" in client.get("/committees/steering").text
    page = client.get(f"/committees/steering/dates?draft={draft_id}").text
    chosen = options(page)
    assert len(chosen) == 4
    asked = client.post("/committees/steering/dates", data={"draft": str(draft_id), "date": chosen})
    assert client.post("/committees/steering/dates", data=hidden(asked.text)).status_code == 303
    assert len(planned(cast)) == 5
    assert f"?draft={draft_id}" not in client.get("/committees/steering").text
    assert client.post(f"/committees/steering/drafts/{draft_id}/dismissal").status_code == 404


@pytest.mark.ci
def test_a_draft_is_dismissed_by_the_coordinator(cast: Cast) -> None:
    with cast.session() as session:
        by = cast.actor("coordinator")
        starts = datetime.combine(date(2026, 12, 15), time(13, 30))
        schedule.plan_meetings(session, "steering", [starts], by=by, at=AT)
        drafting.draft_due(session, by=by, at=AT)
        draft_id = session.scalars(_steering(_draft.c.id)).one()
    path = f"/committees/steering/drafts/{draft_id}/dismissal"
    assert signed_in(cast, "manager_em").post(path).status_code == 404
    assert signed_in(cast, "manager_em").get("/committees/steering/dates").status_code == 404
    assert "drafted" not in signed_in(cast, "manager_em").get("/committees/steering").text
    assert signed_in(cast, "coordinator").post(path).status_code == 303
    with cast.session() as session:
        assert session.scalars(_steering(_draft.c.settled_as)).one() == "dismissed"


@pytest.mark.ci
def test_a_single_meeting_is_added_after_its_letters_were_seen(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    given = {"day": "2026-12-10", "hour": "14:00", "minutes": "90", "place": "Salle 2"}
    asked = client.post("/committees/clinical/meetings", data=given)
    assert "Confirm, and tell 5 people" in asked.text
    assert planned(cast) == []
    assert client.post("/committees/clinical/meetings", data=hidden(asked.text)).status_code == 303
    assert planned(cast) == [("2026-12-10T14:00", "planned", "")]
    again = client.post("/committees/clinical/meetings", data=given)
    assert again.status_code == 409
    assert "has a meeting on that day already" in again.text


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"first": "soon", "last": "2027-01-13"}, "year-month-day"),
        ({"first": "2027-01-13", "last": "2026-12-09"}, "A season ends on or after"),
        ({"first": "2026-12-09", "last": "2099-12-09"}, "A season lasts a year at most."),
    ],
)
def test_days_from_which_nothing_can_be_proposed_are_told(cast: Cast, query: dict[str, str], why: str) -> None:
    answer = signed_in(cast, "coordinator").get("/committees/clinical/dates", params=query)
    assert answer.status_code in (409, 422)
    assert why in text_of(answer.text)


@pytest.mark.parametrize(
    "given",
    [
        {**SEASON},
        {**SEASON, "date": ["2026-12-09|"]},
        {**SEASON, "date": ["zzz"]},
        {**SEASON, "date": ["2026-12-09|2026-12-09T09:30", "2026-12-09|2026-12-10T09:30"]},
        {**SEASON, "date": ["2026-12-10|2026-12-10T09:30"]},
        {**SEASON, "date": ["2026-12-09|2026-12-09"]},
        {**SEASON, "date": ["2026-12-09|2026-12-18T09:30", "2026-12-16|2026-12-16T09:30"]},
        {"first": "", "last": "", "date": ["2026-12-09|2026-12-09T09:30"]},
        {**SEASON, "date": ["2026-12-09|2026-12-09T09:30"], "draft": "zzz"},
        {**SEASON, "date": ["2026-12-09|2026-12-09T09:30"], "draft": "0b5e0b5e-0b5e-4b5e-8b5e-0b5e0b5e0b5e"},
        {**SEASON, "date": ["2026-12-09|2026-12-09T09:30"], "online_url": "http://a.example"},
    ],
)
def test_what_the_list_does_not_hold_is_refused_and_nothing_planned(cast: Cast, given: dict[str, Any]) -> None:
    answer = signed_in(cast, "coordinator").post("/committees/clinical/dates", data=given)
    assert 400 <= answer.status_code < 500
    assert planned(cast) == []
    assert sent(cast) == 0


@pytest.mark.ci
def test_propose_dates_always_answers_with_dates_or_with_the_reason_and_what_helps(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    with cast.session() as session:
        days = [datetime.fromisoformat(f"2027-{month:02}-20T13:30") for month in (1, 4, 7, 10)]
        schedule.plan_meetings(session, "steering", days, by=cast.actor("coordinator"), at=AT)
    for committee, asked, said in (
        ("steering", {"first": "2027-01-01"}, "the last one is on October 20, 2027"),
        ("clinical", {"first": "2026-12-03", "last": "2026-12-08"}, "it meets every Wednesday"),
        ("clinical", {"first": "2026-12-03", "last": "2026-12-01"}, "A season ends on or after its first day"),
        ("steering", {"first": "2026-01-01"}, "from today on"),
        ("steering", {"first": "9999-12-31"}, "too far away"),
        ("steering", {"first": "soon"}, "day"),
    ):
        page = client.get(f"/committees/{committee}/dates", params=asked)
        assert said in text_of(page.text), (committee, asked)
        assert 'name="first"' in page.text, "another first day can be given at once"
    closed = client.get("/committees/clinical/dates", params={"first": "2026-12-29", "last": "2026-12-31"})
    assert "No date fits" in text_of(closed.text)
    assert "is a closed day" in text_of(closed.text)


@pytest.mark.ci
def test_before_a_year_is_planned_the_page_counts_the_people_and_says_what_each_hears(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    dates = [f"2027-{month:02}-17|2027-{month:02}-17T13:30" for month in (2, 5, 9)]
    asked = client.post("/committees/steering/dates", data={"first": "2027-01-01", "date": dates})
    page = text_of(asked.text)
    (people,) = re.findall(r"Confirm, and tell (\d+) people", page)
    assert f"{people} people will be told, in {people} letters" in page
    assert page.count("Invitation –") == 3 * int(people)
    client.post("/committees/steering/dates", data=hidden(asked.text))
    assert sent(cast) == int(people)


def test_a_committee_that_is_not_set_up_has_no_dates_to_propose(cast: Cast) -> None:
    with cast.session() as session:
        session.execute(update(_committee).where(_committee.c.key == "joint").values(rhythm={}, minutes=None))
    client = signed_in(cast, "coordinator")
    assert client.get("/committees/joint/dates").status_code == 404
    assert client.post("/committees/joint/dates", data={"date": "2026-12-10|2026-12-10T09:30"}).status_code == 404
    page = text_of(client.get("/committees/joint").text)
    assert "not set up yet" in page
    assert "Plan the dates" not in page
    answer = client.post("/committees/joint/meetings", data={"day": "2026-12-10", "hour": "14:00"})
    assert answer.status_code == 422
    assert "how long the meeting lasts" in answer.text
