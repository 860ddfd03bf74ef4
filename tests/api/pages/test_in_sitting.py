"""A meeting as it sits, on the device of whoever sits in it: who is let in, what they see, and what shuts the door."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlmodel import select as select_model

from api.access.follow_ups import find_follow_up
from api.access.permissions import Asker, Forbidden
from api.access.sittings import read_sitting
from api.pages import sitting_feed
from api.pages.sitting_feed import Reader, SittingFeed
from domain.access import LONGEST, sign_ins
from domain.kernel import local_day
from domain.roles import standing
from meetings import attendance, running, schedule
from meetings.committees import membership
from meetings.locking import read_meeting
from models.access import BrowserSession
from models.base import table_of
from models.program import Person
from models.record import Event
from tests.api.application import app_on, client_for, token_for
from tests.cast import AT, Arranged, Cast
from tests.following import SECOND, THIRD, WORKER, bar, consented
from tests.meetings.clinic import NOW, clinic_of, prepare_on_the_table
from tests.meetings.sitting import give, seat
from tests.meetings.spoken_cases import WORDS, item_named, prepare_cases

MEMBER: Final = "worker_codim"

_event = table_of(Event)


@pytest.fixture
def sitting(cast: Cast, arranged: Arranged[list[UUID]]) -> tuple[Cast, UUID, list[UUID]]:
    here, *cases = arranged(cast, prepare_cases)
    return cast, here, cases


def _as(cast: Cast, name: str = MEMBER) -> TestClient:
    return client_for(cast.database, cast.people[name], at=NOW)


def _leaves(cast: Cast, here: UUID, key: str, person: str | None = None) -> None:
    with cast.session() as session:
        who = cast.people[person] if person else None
        attendance.record(
            session, here, seat(session, "clinical", key), "present", person_id=who, left_at=NOW,
            by=cast.actor("coordinator"), at=NOW,
        )  # fmt: skip
        session.commit()


def _doors(cast: Cast, here: UUID, name: str = MEMBER) -> list[int]:
    """How each door of the sitting answers; of the stream only where it refuses, since it goes on."""
    client = _as(cast, name)
    with cast.session() as session:
        item = item_named(session, here, "CCSMTL")
    answers = [client.get(f"/meetings/{here}/sitting"), client.get(f"/meetings/{here}/sitting/raised/{item}")]
    return [one.status_code for one in answers]


def _shown(cast: Cast, here: UUID, *names: str, view: str = "in_sitting", language: str = "en") -> dict[str, str]:
    """What the stream would send each of these people now; "" before it where that is the last."""
    app = app_on(cast.database, at=NOW)
    feed = SittingFeed(app, app.state.installation, cast.program_id, here)
    readers = {
        name: Reader(token_for(cast.database, cast.people[name], at=NOW), cast.people[name], language, view)
        for name in names
    }
    shown = feed.show(list(readers.values()))
    return {name: ("OVER " if shown[one].is_last else "") + shown[one].html for name, one in readers.items()}


def test_who_sits_sees_the_item_and_its_cases_by_number_and_opens_the_words_by_an_act_of_their_own(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, _ = sitting
    page = _as(cast).get(f"/meetings/{here}/sitting")
    assert page.status_code == 200
    assert "#2026-01" in page.text
    assert WORDS not in page.text
    assert "Raised, urgent" in page.text
    with cast.session() as session:
        item = item_named(session, here, "CCSMTL")
    opened = _as(cast).get(f"/meetings/{here}/sitting/raised/{item}")
    assert WORDS in opened.text
    assert _readings(cast, MEMBER) == [("raised_issue", "committee")]
    assert WORDS not in "".join(_shown(cast, here, MEMBER, "coordinator").values()), "and no stream has them"


def test_who_left_who_is_not_seated_and_who_only_works_here_are_refused(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, _ = sitting
    assert _doors(cast, here) == [200, 200]
    assert _doors(cast, here, "manager_ccsmtl") == [404, 404]
    assert not _shown(cast, here, MEMBER)[MEMBER].startswith("OVER")
    _leaves(cast, here, "codim")
    assert _doors(cast, here) == [404, 404]
    shown = _shown(cast, here, MEMBER, "police")
    assert shown[MEMBER].startswith("OVER")
    assert "#2026" not in shown[MEMBER]
    assert not shown["police"].startswith("OVER"), "the others go on"


@pytest.mark.parametrize("recorded", ["absent", "excused"])
def test_who_is_recorded_as_away_reads_nothing_by_any_way_into_the_meeting(
    sitting: tuple[Cast, UUID, list[UUID]], recorded: str
) -> None:
    cast, here, _ = sitting
    with cast.session() as session:
        item, codim = item_named(session, here, "CCSMTL"), seat(session, "clinical", "codim")
        attendance.record(session, here, codim, recorded, by=cast.actor("coordinator"), at=NOW)
        session.commit()
    ways = (
        f"/meetings/{here}/sitting",
        f"/meetings/{here}/sitting/raised/{item}",
        f"/meetings/{here}/sitting/events",
        f"/meetings/{here}/sitting/end",
        f"/api/v1/meetings/{here}/sitting/raised/{item}",
    )
    member = _as(cast)
    assert [member.get(way).status_code for way in ways] == [404] * len(ways)
    assert _shown(cast, here, MEMBER)[MEMBER].startswith("OVER")


def test_what_a_sitting_answers_is_kept_by_no_browser(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, _ = sitting
    with cast.session() as session:
        item = item_named(session, here, "CCSMTL")
    for way in ("sitting", f"sitting/raised/{item}", "sitting/events"):
        assert _as(cast).get(f"/meetings/{here}/{way}").headers["cache-control"] == "no-store", way
    raised = _as(cast).get(f"/api/v1/meetings/{here}/sitting/raised/{item}")
    assert raised.headers["cache-control"] == "no-store"


def test_who_will_sit_is_told_days_before_when_it_opens_sees_the_agenda_without_a_case_and_it_opens_by_itself(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, _ = sitting
    by, before = cast.actor("coordinator"), NOW - timedelta(days=2)
    with cast.session() as session:
        running.put_back(session, here, by=by, at=NOW)
        session.commit()
    with cast.session() as session:
        item = item_named(session, here, "CCSMTL")
    member = client_for(cast.database, cast.people[MEMBER], at=before)
    page = member.get(f"/meetings/{here}/sitting")
    assert "planned for Wednesday, November 25, 2026" in " ".join(page.text.split())
    assert "CCSMTL" in page.text, "the agenda"
    assert not re.search("#2026|Raised", page.text)
    assert f'href="/meetings/{here}/sitting"' in member.get(f"/meetings/{here}").text
    raised = f"/meetings/{here}/sitting/raised/{item}"
    assert member.get(raised).status_code == 409, "words wait for the meeting"
    for name in ("manager_ccsmtl", "manager_codim"):
        assert client_for(cast.database, cast.people[name], at=before).get(page.url.path).status_code == 404, name
    seen = [_shown(cast, here, MEMBER)[MEMBER]]
    with cast.session() as session:
        running.open_meeting(session, here, by=by, at=NOW)
        session.commit()
    seen.append(_shown(cast, here, MEMBER)[MEMBER])
    assert ["data-shut" in one for one in seen] == [True, False]
    assert "#2026-01" in seen[1]


def test_whose_seat_ends_before_the_meeting_or_begins_later_finds_no_page_of_it(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, _ = sitting
    before = NOW - timedelta(days=2)
    with cast.session() as session:
        running.put_back(session, here, by=cast.actor("coordinator"), at=NOW)
        until = local_day(session, NOW) - timedelta(days=1)
        give(session, cast, "clinical", "marie-vincent", "specialist", until=until)
        give(session, cast, "clinical", "marie-vincent", "manager_codim", since=until + timedelta(days=1))
        session.commit()
    for name in ("specialist", "manager_codim"):
        client = client_for(cast.database, cast.people[name], at=before)
        assert client.get(f"/meetings/{here}/sitting").status_code == 404, name
        assert client.get(f"/meetings/{here}/sitting/events").status_code == 404, name


def test_a_meeting_that_is_cancelled_says_so_in_the_windows_that_wait_for_it(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, _ = sitting
    with cast.session() as session:
        by = cast.actor("coordinator")
        running.put_back(session, here, by=by, at=NOW)
        schedule.cancel_meeting(session, here, reason="Tempête", by=by, at=NOW)
        session.commit()
    shown = _shown(cast, here, MEMBER)[MEMBER]
    assert shown.startswith("OVER")
    assert "cancelled" in shown


def test_when_the_meeting_closes_nobody_reads_its_cases_there_any_more(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, _ = sitting
    with cast.session() as session:
        running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW)
        session.commit()
    assert _doors(cast, here) == [303, 303]
    for shown in _shown(cast, here, MEMBER, "coordinator").values():
        assert shown.startswith("OVER")
        assert "#2026" not in shown


def test_a_meeting_that_closes_while_it_is_read_tells_nobody_that_they_had_left(
    sitting: tuple[Cast, UUID, list[UUID]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent is of one moment; a last word that is wrong would end a window that should tell another."""
    cast, here, _ = sitting

    def closes_meanwhile(*given: Any) -> Any:
        with cast.session() as session:
            running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW)
        return read_sitting(*given)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(sitting_feed, "read_sitting", closes_meanwhile)
        assert "you are not sitting in it now" not in _shown(cast, here, MEMBER)[MEMBER]
    assert "This meeting was closed." in _shown(cast, here, MEMBER)[MEMBER]


def test_a_worker_whom_the_participant_barred_sees_no_line_no_words_and_no_decision_about_them(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, (case, _) = sitting
    with cast.session() as session:
        bar(session, cast, case, cast.people[MEMBER])
        session.commit()
    with cast.session() as session:
        item = item_named(session, here, "CCSMTL")
    opened = _as(cast).get(f"/meetings/{here}/sitting/raised/{item}")
    assert (opened.status_code, "#2026-01" in opened.text, WORDS in opened.text) == (200, False, False)
    shown = _shown(cast, here, MEMBER, "police")
    assert ("#2026-01" in shown[MEMBER], "#2026-01" in shown["police"]) == (False, True)


def test_a_case_that_is_not_shared_with_an_organization_is_not_shown_to_who_sits_for_it(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, (case, _) = sitting
    with cast.session() as session:
        consented(session, cast, case, "ccsmtl", "spvm")
        session.commit()
    shown = _shown(cast, here, MEMBER, "police", WORKER)
    assert {name: "#2026-01" in text for name, text in shown.items()} == {MEMBER: False, "police": True, WORKER: True}


def test_a_sign_in_that_ended_ends_what_follows_from_it(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, _ = sitting
    app = app_on(cast.database, at=NOW)
    token = token_for(cast.database, cast.people[MEMBER], at=AT)
    feed = SittingFeed(app, app.state.installation, cast.program_id, here)
    reader = Reader(token, cast.people[MEMBER], "en", "in_sitting")
    assert feed.show([reader])[reader].is_last, "it lay idle since the day before"
    assert "sign-in" in feed.show([reader])[reader].html


def _with(cast: Cast, token: str, at: datetime) -> TestClient:
    client = TestClient(app_on(cast.database, at=at), base_url="http://testserver", follow_redirects=False)
    client.cookies.set("spheres", token)
    return client


def _watches(cast: Cast, here: UUID, token: str, at: datetime, view: str = "in_sitting") -> bool:
    """Whether a window that was opened by this sign-in still shows the meeting."""
    app = app_on(cast.database, at=at)
    feed = SittingFeed(app, app.state.installation, cast.program_id, here)
    reader = Reader(token, cast.people[MEMBER], "en", view)
    return not feed.show([reader])[reader].is_last


def test_who_only_watches_the_meeting_stays_in_it_and_their_other_pages_end_as_if_nobody_did(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, (case, _) = sitting
    token = token_for(cast.database, cast.people[MEMBER], at=NOW)
    watched, later = NOW + timedelta(minutes=25), NOW + timedelta(minutes=50)
    assert _watches(cast, here, token, watched)
    client = _with(cast, token, later)
    with cast.session() as session:
        item = item_named(session, here, "CCSMTL")
    assert _watches(cast, here, token, later)
    assert client.get(f"/meetings/{here}/sitting").status_code == 200
    assert WORDS in client.get(f"/meetings/{here}/sitting/raised/{item}").text
    for other in ("/", f"/follow-ups/{case}", f"/meetings/{here}"):
        assert client.get(other).headers.get("location", "").startswith("/sign-in"), other
    assert client.get(f"/api/v1/follow-ups/{case}").status_code == 401
    assert not _watches(cast, here, token, later, "beside"), "what was opened of a candidate goes"
    with cast.session() as session:
        (shown,) = sign_ins.open_sign_ins(session, cast.people[MEMBER], at=later)
        sign_ins.end(session, cast.people[MEMBER], shown.id, by=cast.actor(MEMBER), at=later)
        session.commit()
    assert not _watches(cast, here, token, later), "and its person can end it"
    assert client.get(f"/meetings/{here}/sitting").status_code == 303


def test_watching_holds_no_sign_in_that_lies_idle_besides_or_is_old_nor_before_or_after_the_meeting(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, _ = sitting
    minutes = [NOW + timedelta(minutes=n) for n in (25, 50, 81)]
    token, nobody = (token_for(cast.database, cast.people[MEMBER], at=NOW) for _ in range(2))
    old = token_for(cast.database, cast.people[MEMBER], at=NOW - LONGEST + timedelta(minutes=40))
    with cast.session() as session:
        session.execute(update(table_of(BrowserSession)).values(seen_at=NOW))
        session.commit()
    for one in (token, old):
        assert _watches(cast, here, one, minutes[0])
    assert [_watches(cast, here, one, minutes[1]) for one in (token, nobody, old)] == [True, False, False]
    assert not _watches(cast, here, token, minutes[2] + timedelta(minutes=1)), "nobody looked for half an hour"
    with cast.session() as session:
        running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=minutes[1])
        session.commit()
    assert not _watches(cast, here, token, minutes[1])
    client = _with(cast, token, minutes[1])
    assert client.get(f"/meetings/{here}/sitting").headers["location"] == f"/meetings/{here}"
    assert client.get(f"/meetings/{here}").headers["location"].startswith("/sign-in")


def test_the_secretary_records_a_case_and_one_who_comes_second_is_told(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, (case, _) = sitting
    client = _as(cast, "coordinator")

    def unsaid() -> int:
        shown = client.get(f"/meetings/{here}/run").text
        assert "Record" in shown
        return shown.partition("Nothing is recorded yet for:")[2].partition("</p>")[0].count("href=")

    before = unsaid()
    said = {"case": str(case), "seen": "0", "marked": "0", "outcome": "changes", "note": "Heard.", "processes": "focus"}
    said |= {"follows": "Call the landlord.", "due": "2026-12-01"}
    assert client.post(f"/meetings/{here}/run/cases", data=said).status_code == 303
    again = client.post(f"/meetings/{here}/run/cases", data=said | {"note": "Heard twice."})
    assert again.status_code == 412
    assert "Heard twice." in again.text, "and keeps what was typed"
    assert unsaid() == before - 1, "a turn in which a case was recorded is not carried over"
    shown = _shown(cast, here, MEMBER)[MEMBER]
    assert "The plan changes" in shown
    assert "landlord" not in shown
    worker = _as(cast, WORKER)
    assert "Come back on #2026-01" in (mine := worker.get("/").text)
    assert f'href="/follow-ups/{case}#issue"' in mine, "which leads to what was said"
    page = worker.get(f"/follow-ups/{case}")
    assert "The plan changes" in page.text
    assert "landlord" not in page.text
    assert "Call the landlord." in worker.get(f"/follow-ups/{case}/discussions/{here}").text


def test_words_typed_while_the_meeting_was_closed_come_back_and_say_that_nothing_was_saved(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, (case, _) = sitting
    with cast.session() as session:
        item = item_named(session, here, "CODIM")
        running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW)
        session.commit()
    client, words = _as(cast, "coordinator"), "Half a sentence"
    for path, typed in (
        ("run/cases", {"case": str(case), "seen": "0", "outcome": "changes", "note": words}),
        ("run/outcome", {"item": str(item), "seen": "1", "outcome": "treated", "note_en": words}),
        ("run/decision", {"item": str(item), "seen": "1", "kind": "other", "text_en": words, "once": "x" * 36}),
        ("run/items", {"title_en": words, "reason": "now", "once": "y" * 36}),
    ):
        for part in ({}, {"X-Part": "run"}):
            answer = client.post(f"/meetings/{here}/{path}", data=typed, headers=part)
            assert answer.status_code in (409, 412, 422), (path, answer.status_code)
            assert words in answer.text, path
            assert "This was not done" in answer.text


def test_a_worker_raises_words_it_anew_and_takes_it_back_and_nobody_else_reads_it_before_the_meeting(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, _, (_, case) = sitting
    worker, coordinator = _as(cast, SECOND), _as(cast, "coordinator")
    here = f"/follow-ups/{case}"
    assert worker.post(f"{here}/issue", data={"words": "A word.", "version": "0"}).status_code == 303
    assert "A word." in worker.get(f"{here}/issue").text
    assert "A word." not in worker.get(here).text
    assert coordinator.get(f"{here}/issue").status_code == 404
    assert coordinator.post(f"{here}/issue", data={"words": "Mine.", "version": "1"}).status_code == 404
    late = worker.post(f"{here}/issue", data={"words": "Another.", "version": "0"})
    assert (late.status_code, "Another." in late.text) == (412, True), late.text[3000:]
    assert worker.post(f"{here}/issue/taking-back", data={"version": "1"}).status_code == 303
    assert worker.get(f"{here}/issue").status_code == 404
    marked = {"week": "2026-11-23", "version": "0", "processes": ["focus", "planning"]}
    assert worker.post(f"{here}/processes", data=marked).status_code == 303
    assert worker.get(here).text.count("is-marked") == 2


def test_the_wall_shows_numbers_and_nothing_that_anybody_typed(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, _ = sitting
    with cast.session() as session:
        by = cast.actor("coordinator")
        running.add_item(session, here, title_en="Ondine Fougère asks", title_fr="", reason="now", by=by, at=NOW)
        session.commit()
    client = _as(cast, "coordinator")
    page = client.get(f"/meetings/{here}/projector")
    assert page.status_code == 200
    for text in (page.text, *_shown(cast, here, "coordinator", view="projector").values()):
        assert "#2026-01" in text
        assert "Ondine" not in text
        assert "Added item" in text
    with cast.session() as session:
        names = [one.name for one in session.scalars(select_model(Person))]
    assert not [name for name in names if name in page.text], "nor who works here"
    assert _as(cast).get(f"/meetings/{here}/projector").status_code == 404


def test_what_is_told_of_nobody_opens_no_stream(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, _ = sitting
    for address in ("sitting/events", "projector/events", "run/events"):
        assert _as(cast, "manager_ccsmtl").get(f"/meetings/{here}/{address}").status_code == 404
    assert _as(cast).get(f"/meetings/{here}/run/events").status_code == 404


_PARTNERS: Final = ("ccsmtl", "codim", "spvm", "en-marge", "anonyme")
_PEOPLE: Final = (WORKER, SECOND, THIRD, "police", "coordinator", "worker_em", "deputy")


@pytest.mark.ci
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    barred=st.sets(st.tuples(st.sampled_from(_PEOPLE), st.integers(0, 1)), max_size=4),
    shared=st.lists(
        st.sets(st.sampled_from(["ccsmtl", "codim", "spvm", "en-marge", "anonyme"])), min_size=2, max_size=2
    ),
    left=st.sets(st.sampled_from(_PARTNERS[:4]), max_size=2),
)
def test_nobody_sees_more_in_a_sitting_than_the_one_rule_lets_them(
    sitting: tuple[Cast, UUID, list[UUID]],
    barred: Collection[tuple[str, int]],
    shared: list[set[str]],
    left: Collection[str],
) -> None:
    cast, here, cases = sitting
    with cast.session() as session:
        for name, place in barred:
            bar(session, cast, cases[place], cast.people[name])
        for case, partners in zip(cases, shared, strict=True):
            consented(session, cast, case, *partners)
        for key in left:
            attendance.record(
                session, here, seat(session, "clinical", key), "present", left_at=NOW,
                by=cast.actor("coordinator"), at=NOW,
            )  # fmt: skip
        meeting = read_meeting(session, here)
        members = membership(session, meeting.committee_id)
        read = read_sitting(session, meeting, members, [cast.people[name] for name in _PEOPLE])
        today = standing(session, local_day(session, NOW))
        for name in _PEOPLE:
            asker = Asker(cast.people[name], today)
            try:
                seen = read.seen_by(asker)
            except Forbidden:
                continue
            for case in {*seen.cases, *seen.words, *seen.inactive}:
                find_follow_up(session, asker, case)  # raises Forbidden where the one rule says no
            assert seen.words <= seen.cases | seen.inactive
        session.rollback()


def test_a_case_is_recorded_over_json_and_answered_as_it_then_is(sitting: tuple[Cast, UUID, list[UUID]]) -> None:
    cast, here, (case, _) = sitting
    client = _as(cast, "coordinator")
    said = {"outcome": "comes_back", "note": "Heard.", "processes": ["focus"], "marked": 0}
    answer = client.put(f"/api/v1/meetings/{here}/cases/{case}", json=said, headers={"If-Match": '"0"'})
    assert (answer.status_code, answer.json()["outcome"], answer.json()["processes"]) == (200, "comes_back", ["focus"])
    listed = client.get(f"/api/v1/meetings/{here}/cases").json()
    assert [(one["number"], one["raised"], one["version"]) for one in listed] == [
        ("#2026-01", True, 1),
        ("#2026-02", False, 0),
    ]
    assert "Heard" not in answer.text


def _readings(cast: Cast, name: str) -> list[tuple[str, str]]:
    """What a person opened, by the record: what it was, and on what ground."""
    with cast.session() as session:
        told = select(_event.c.facts).where(_event.c.verb == "read", _event.c.actor_id == cast.people[name])
        return [(one["what"], one["ground"]) for one in session.execute(told.order_by(_event.c.n)).scalars()]


def test_over_json_what_is_raised_and_what_was_said_are_opened_by_the_rule_of_the_page_and_told_to_the_record(
    sitting: tuple[Cast, UUID, list[UUID]],
) -> None:
    cast, here, (case, _) = sitting
    worker, member, secretary = _as(cast, WORKER), _as(cast), _as(cast, "coordinator")
    with cast.session() as session:
        item = item_named(session, here, "CCSMTL")
    issue, raised = f"/api/v1/follow-ups/{case}/issue", f"/api/v1/meetings/{here}/sitting/raised/{item}"
    said = f"/api/v1/follow-ups/{case}/discussions/{here}"
    answer = worker.get(issue).json()
    assert (answer["words"], answer["urgent"], answer["number"], answer["version"]) == (WORDS, True, "#2026-01", 1)
    assert [secretary.get(issue).status_code, member.get(issue).status_code] == [404, 404], "until the meeting"
    assert [(one["number"], one["words"], one["urgent"]) for one in member.get(raised).json()] == [
        ("#2026-01", WORDS, True)
    ]
    assert _as(cast, "manager_ccsmtl").get(raised).status_code == 404
    assert member.get(said).status_code == 404, "nothing was said yet"
    told = {"outcome": "changes", "note": "Heard.", "follows": "Call.", "due_on": "2026-12-01"}
    cases = f"/api/v1/meetings/{here}/cases/{case}"
    assert secretary.put(cases, json=told, headers={"If-Match": '"0"'}).status_code == 200
    assert worker.get(issue).status_code == 404, "it went with the case into the meeting"
    opened = worker.get(said).json()
    assert (opened["note"], opened["follows"], opened["outcome"]) == ("Heard.", "Call.", "changes")
    assert _readings(cast, WORKER) == [("raised_issue", "part"), ("case_said", "part")]
    assert _readings(cast, MEMBER) == [("raised_issue", "committee")]
    _leaves(cast, here, "codim")
    assert member.get(raised).status_code == 404
    with cast.session() as session:
        running.close_meeting(session, here, carry_rest=True, by=cast.actor("coordinator"), at=NOW)
        session.commit()
    assert [_as(cast, who).get(raised).status_code for who in ("police", "coordinator")] == [409, 409]


@pytest.mark.ci
def test_what_was_opened_of_a_candidate_leaves_the_window_with_the_meeting_that_opened_it(
    cast: Cast, arranged: Arranged[tuple[UUID, UUID]]
) -> None:
    participant_id, _ = arranged(cast, prepare_on_the_table)
    page = _as(cast).post(f"/participants/{participant_id}/facts")
    with cast.session() as session:
        here = clinic_of(session)
    assert f'data-live="/meetings/{here}/sitting/end" data-ends="main"' in " ".join(page.text.split())
    assert "data-live" not in _as(cast, "coordinator").post(f"/participants/{participant_id}/facts").text
    assert not _shown(cast, here, MEMBER, view="beside")[MEMBER].startswith("OVER")
    with cast.session() as session:
        by = cast.actor("coordinator")
        attendance.record(session, here, seat(session, "clinical", "codim"), "absent", by=by, at=NOW)
        session.commit()
    assert _shown(cast, here, MEMBER, view="beside")[MEMBER].startswith("OVER")
