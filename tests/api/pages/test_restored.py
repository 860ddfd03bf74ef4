"""After a restore: each side decides what is theirs, on the page and over JSON, and no one their own."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, select

from domain.access import voiding
from domain.record import apart
from domain.record.apart import DecidedBefore
from meetings import feeds
from models.ledger import Epoch, Restoration, RestoredMatter
from models.written import as_json
from tests import matters
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import AT, Cast
from tests.meetings.test_redacting import held_with_a_name

NOW = AT + timedelta(hours=2)


def left(session: Session, kind: str, verb: str, subject_id: UUID, n: int, **more: Any) -> UUID:
    """The id of what a restore left to decide."""
    return matters.left(session, kind, verb, subject_id, n, **more).id


@pytest.fixture
def found(cast: Cast) -> dict[str, UUID]:
    """A restore, after which a manager's and the coordinator's access, and a consent, wait."""
    with cast.session() as session:
        session.add(Epoch(number=1, found_at=AT, lines=3))
        session.flush()
        session.add(Restoration(program_id=cast.program_id, epoch=1, found_at=AT, missing_from=AT, missing_to=AT))
        manager, coordinator = cast.people["manager_em"], cast.people["coordinator"]
        facts = {"purpose": "program"}
        return {
            "manager": left(session, "other", "account.closed", manager, 1, person_id=manager),
            "coordinator": left(session, "other", "account.closed", coordinator, 2, person_id=coordinator),
            "consent": left(session, "consent", "consent.withdrawn", uuid4(), 3, facts=facts),
        }


@pytest.fixture
def world_of_a_meeting(cast: Cast) -> tuple[Cast, UUID]:
    """The cast, and a meeting that was held with a name in what was written."""
    return cast, held_with_a_name(cast)


def decided(cast: Cast) -> dict[UUID, str]:
    with cast.session() as session:
        rows = session.execute(select(RestoredMatter.id, RestoredMatter.decision))
        return {row.id: row.decision for row in rows if row.decision}


def test_each_sees_and_decides_what_is_theirs(cast: Cast, found: dict[str, UUID]) -> None:
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    officer = client_for(cast.database, cast.people["privacy_officer"], at=NOW)
    seen, of_officer = (client.get("/restored").text for client in (coordinator, officer))
    assert [str(found[one]) in seen for one in ("manager", "coordinator", "consent")] == [True, False, False]
    assert [str(found[one]) in of_officer for one in ("manager", "coordinator", "consent")] == [False, True, True]
    assert coordinator.post(f"/restored/{found['consent']}/noted").status_code == 404
    assert coordinator.post(f"/restored/{found['coordinator']}/noted").status_code == 404
    assert officer.post(f"/restored/{found['manager']}/noted").status_code == 404
    assert decided(cast) == {}
    assert coordinator.post(f"/restored/{found['manager']}/noted").status_code == 303
    assert officer.post(f"/restored/{found['coordinator']}/noted").status_code == 303
    assert officer.post(f"/restored/{found['consent']}/noted").status_code == 303
    assert set(decided(cast).values()) == {"noted"}
    assert "Everything is decided" in text_of(officer.get("/restored").text)


def test_what_was_decided_before_another_restore_is_said_until_it_is_decided_once_more(
    cast: Cast, found: dict[str, UUID]
) -> None:
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    with cast.session() as session:
        row = session.scalars(select(RestoredMatter).where(col(RestoredMatter.id) == found["manager"])).one()
        by = str(cast.people["privacy_officer"])
        row.before = as_json(DecidedBefore(apart.said_of(row), "left_undone", by, at=AT))
    seen = text_of(coordinator.get("/restored").text)
    assert re.search(r"Decided before this restore: “Does not hold any more” \(\w.*, Nov.* 9.*\)\.", seen)
    (one,) = coordinator.get("/api/v1/restored").json()["items"]
    assert "Does not hold any more" in one["was_decided"]
    assert coordinator.post(f"/restored/{found['manager']}/noted").status_code == 303
    assert "Decided before" not in text_of(coordinator.get("/restored").text)


def test_no_one_else_knows_of_it(cast: Cast, found: dict[str, UUID]) -> None:
    for who in ("manager_em", "worker_ccsmtl", "deputy"):
        client = client_for(cast.database, cast.people[who], at=NOW)
        assert client.get("/restored").status_code == 404
        assert client.post(f"/restored/{found['manager']}/noted").status_code == 404
        assert client.get("/api/v1/restored").status_code == 404


@pytest.mark.usefixtures("found")
def test_the_board_says_first_that_something_waits_until_all_is_decided(cast: Cast) -> None:
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    board = text_of(coordinator.get("/board").text)
    assert "1 matter waits for your decision. There are others, which wait for someone else." in board
    with cast.session() as session:
        for row in session.scalars(select(RestoredMatter)):
            row.decision, row.decided_at, row.decided_as = "noted", NOW, "coordinator"
    assert "restored from a copy" not in text_of(coordinator.get("/board").text)
    assert "The last restore" in text_of(coordinator.get("/restored").text)


def test_why_it_does_not_hold_any_more_is_asked_for_and_kept(cast: Cast, found: dict[str, UUID]) -> None:
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    place = f"/restored/{found['manager']}/undone"
    assert coordinator.post(place, data={"reason": "  "}).status_code == 422
    assert coordinator.post(place, data={"reason": "Never mind"}).status_code == 303
    assert "Never mind" in text_of(coordinator.get("/restored").text)
    assert coordinator.post(place, data={"reason": "Once more"}).status_code == 409


def test_the_same_is_decided_over_json(cast: Cast, found: dict[str, UUID]) -> None:
    officer = client_for(cast.database, cast.people["privacy_officer"], at=NOW)
    listed = officer.get("/api/v1/restored").json()["items"]
    assert {(one["kind"], one["can"]) for one in listed} == {("other", "by_hand"), ("consent", "gone")}
    answer = officer.post(f"/api/v1/restored/{found['coordinator']}/undone", json={"reason": "It goes on"})
    assert answer.status_code == 200
    assert (answer.json()["decision"], answer.json()["reason"]) == ("left_undone", "It goes on")


def test_noting_lets_no_one_in_by_one_tap_and_says_whom_it_lets_in(cast: Cast, found: dict[str, UUID]) -> None:
    manager = cast.people["manager_em"]
    with cast.session() as session:
        address = left(session, "access", "person.updated", manager, 4, person_id=manager)
        seat = left(session, "role", "seat.withdrawn", uuid4(), 5, person_id=manager, subject_kind="seat")
        found |= {"address": address, "seat": seat, "agreement": left(
            session, "agreement", "agreement.lapsed", uuid4(), 6, subject_kind="agreement_version"
        )}  # fmt: skip
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    page = unescape(coordinator.get("/restored").text)
    for one in ("address", "seat"):
        shown = page[page.index(f'id="m-{found[one]}"') :].partition("</li>")[0]
        asked = shown.index('<p class="question">')
        assert asked < shown.index(f'id="undone-{found[one]}"')
        assert f'id="noted-{found[one]}"' in shown, "it is asked first"
        assert cast.members["manager_em"].name in shown[asked:]
        assert 'class="button primary"' not in shown.partition(f'id="undone-{found[one]}"')[0]
    assert f'href="/people/{manager}"' in page
    assert "Letters and links for signing in go to" in page
    refused = coordinator.post(f"/restored/{found['address']}/noted")
    assert refused.status_code == 409
    assert "This was not done anew yet" in text_of(refused.text)
    assert coordinator.post(f"/restored/{found['seat']}/noted").status_code == 303
    assert set(decided(cast)) == {found["seat"]}


@pytest.mark.usefixtures("found")
def test_the_report_counts_for_each_reader_what_they_decide_and_says_no_number_of_the_others(cast: Cast) -> None:
    with cast.session() as session:
        barred = {"subject_kind": "participant", "person_id": cast.people["coordinator"]}
        left(session, "restriction", "participant.barred", uuid4(), 4, **barred)
    reports = {}
    for name in ("coordinator", "privacy_officer"):
        page = client_for(cast.database, cast.people[name], at=NOW).get("/restored").text
        reports[name] = text_of("<main" + page[page.index('id="report"') :])
        assert "There are others, which wait for someone else." in text_of(page)
        assert "What was done in this time is missing" in reports[name]
    assert "Restrictions of files" not in reports["coordinator"]
    assert "Consents" not in reports["coordinator"]
    assert "Other 1" in reports["coordinator"]
    assert "Restrictions of files 1" in reports["privacy_officer"]


@pytest.mark.ci
def test_of_many_matters_a_page_asks_for_those_that_it_shows_and_leads_to_the_others(
    cast: Cast, found: dict[str, UUID]
) -> None:
    manager = cast.people["manager_em"]
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)

    def grown(first: int, last: int) -> list[UUID]:
        with cast.session() as session:
            return [left(session, "other", "seat.ended", uuid4(), n, person_id=manager) for n in range(first, last)]

    def asked() -> int:
        seen: list[str] = []

        def note(_: Any, __: Any, statement: str, *___: Any) -> None:
            seen.append(statement)

        event.listen(cast.database.engine, "before_cursor_execute", note)
        try:
            assert coordinator.get("/restored").status_code == 200
        finally:
            event.remove(cast.database.engine, "before_cursor_execute", note)
        return len(seen)

    first = [found["manager"], *grown(4, 25)]
    asked()  # what is read once is read
    few = asked()
    more = [*first, *grown(25, 60)]
    assert asked() == few
    page = coordinator.get("/restored").text
    assert [one for one in more if f'id="m-{one}"' in page] == more[:20]
    (following,) = re.findall(r'href="(/restored\?after=\d+)#ended"', page)
    assert [one for one in more if f'id="m-{one}"' in coordinator.get(following).text] == more[20:40]
    part = coordinator.get("/api/v1/restored", params={"limit": 30}).json()
    rest = coordinator.get("/api/v1/restored", params={"after": part["next"]}).json()
    assert [one["id"] for one in (*part["items"], *rest["items"])] == [str(one) for one in more]
    assert (part["total"], rest["next"]) == (len(more), None)


def test_who_decided_is_told_what_was_decided_and_older_decisions_stand_on_pages_of_their_own(
    cast: Cast, found: dict[str, UUID]
) -> None:
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    with cast.session() as session:
        made = [left(session, "other", "seat.ended", uuid4(), n) for n in range(4, 29)]
        for row in session.scalars(select(RestoredMatter).where(col(RestoredMatter.id).in_(made))):
            row.decision, row.decided_at, row.decided_as = "noted", NOW - timedelta(minutes=row.ledger_n), "coordinator"
    led = coordinator.post(f"/restored/{found['manager']}/noted").headers["location"]
    page = text_of(coordinator.get(led).text)
    assert page.index("Noted An account of") < page.index("The last restore")
    assert "Decided 26" in page
    assert page.partition("Decided 26")[2].count("Seat ended") == 19
    (older,) = re.findall(r'href="(/restored\?from=[0-9a-f-]+)#decided"', coordinator.get("/restored").text)
    assert text_of(coordinator.get(older).text).count("Seat ended") == 6


def test_a_matter_of_a_meeting_alone_is_cancelled_or_kept(cast: Cast, found: dict[str, UUID]) -> None:
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    for act in ("cancellation", "keeping"):
        assert coordinator.post(f"/restored/{found['manager']}/{act}").status_code in (404, 409)
    assert decided(cast) == {}


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_each_act_is_done_where_it_fits(cast: Cast, found: dict[str, UUID], prefix: str) -> None:
    manager = cast.people["manager_em"]
    news = {"sequence": 1, "starts": "2027-02-03T09:00", "minutes": 60, "last_on": "", "off": False}
    with cast.session() as session:
        again = left(session, "access", "access.ended", manager, 4, person_id=manager)
        of_meetings = [
            left(session, "meeting", "meeting.told", uuid4(), n, subject_kind="meeting", facts={
                **news, "uid": f"m{n}", "people": [str(manager)]
            })
            for n in (5, 6)
        ]  # fmt: skip
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    acts = dict(zip((again, *of_meetings), ("again", "cancellation", "keeping"), strict=True))
    for matter_id, act in acts.items():
        answer = coordinator.post(f"{prefix}/restored/{matter_id}/{act}")
        assert answer.status_code == (200 if prefix else 303), answer.text
    assert {act: decided(cast)[one] for one, act in acts.items()} == {
        "again": "done_again",
        "cancellation": "cancelled",
        "keeping": "kept",
    }
    assert found["manager"] not in decided(cast)


def test_meetings_that_people_were_told_of_stand_on_pages_of_their_own(cast: Cast, found: dict[str, UUID]) -> None:
    news = {"sequence": 1, "starts": "2027-02-03T09:00", "minutes": 60, "last_on": "", "off": False, "people": []}
    with cast.session() as session:
        told = [
            left(session, "meeting", "meeting.told", uuid4(), n, subject_kind="meeting", facts=news | {
                "uid": f"m{n % 30}"
            })
            for n in range(4, 64)
        ]  # fmt: skip
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    page = coordinator.get("/restored").text
    assert "Meetings that people were told of 30" in text_of(page)
    assert [one for one in told if f'id="m-{one}"' in page] == told[30:50], "each once, by its last news"
    (following,) = re.findall(r'href="(/restored\?told=\d+)#told"', page)
    rest = coordinator.get(following).text
    assert [one for one in told if f'id="m-{one}"' in rest] == told[50:]
    assert str(found["manager"]) in rest, "and the others stay where they were"


def test_a_season_says_each_date_that_people_were_told_otherwise_and_whom_and_is_decided_as_one(
    cast: Cast, found: dict[str, UUID]
) -> None:
    people = [str(cast.people[one]) for one in ("manager_em", "police")]
    news = {"starts": "2026-11-11T09:30", "minutes": 150, "last_on": "2027-01-27", "off": False, "uid": "s"}
    off, elsewhere = "2026-12-09T09:30", "2026-12-16T09:30"
    moved = {"moved": [elsewhere], "moved_to": ["2026-12-17T13:00"], "lasting": ["150"]}
    told = [
        news | {"sequence": 1, "people": people, "dates": [off], "without": [off]},
        news | {"sequence": 2, "people": people, "dates": [elsewhere], "without": [off], **moved},
        news | {"sequence": 3, "people": [str(uuid4())], "off": True, "dates": [off]},
    ]
    with cast.session() as session:
        ids = [
            left(session, "meeting", "meeting.told", found["manager"], n, subject_kind="meeting_series", facts=one)
            for n, one in enumerate(told, start=4)
        ]
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    page = coordinator.get("/restored").text
    assert "Meetings that people were told of 1" in text_of(page)
    line = text_of("<p" + page.partition(f'id="m-{ids[-1]}"')[2].partition("</form>")[0])
    assert "Told as off, or as a date without them: December 9, 2026" in line
    assert "Told as moved from Wednesday, December 16, 2026 at 9:30 a.m. to Thursday, December 17, 2026" in line
    assert "November" not in line, "the season's first day is no news"
    assert all(cast.members[one].name in line for one in ("manager_em", "police"))
    coordinator.post(f"/restored/{ids[-1]}/cancellation")
    after = text_of(coordinator.get("/restored").text)
    assert "Decided 1 " in after
    assert after.partition("Decided 1 ")[2].count("Cancelled in calendars") == 1


def test_of_what_nothing_keeps_closed_the_line_says_so(cast: Cast, found: dict[str, UUID]) -> None:
    with cast.session() as session:
        seat = left(session, "other", "seat.ended", uuid4(), 4, subject_kind="seat")
        paper = left(session, "other", "role.ended", uuid4(), 5, subject_kind="role")
    page = client_for(cast.database, cast.people["coordinator"], at=NOW).get("/restored").text
    lines = {one: text_of("<p" + page.partition(f'id="m-{one}"')[2].partition("</li>")[0]) for one in (seat, paper)}
    assert "Nothing is kept closed by it meanwhile" in lines[paper]
    assert "It is open again at once" not in lines[paper]
    assert "Nothing is kept closed" not in lines[seat]
    assert "What this keeps closed is open again" in lines[seat], "it is asked first"
    assert found["manager"] in {UUID(one) for one in re.findall(r'id="m-([0-9a-f-]{36})"', page)}


def test_a_program_that_never_was_restored_says_so(cast: Cast) -> None:
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    assert "never restored" in text_of(coordinator.get("/restored").text)


def _redaction(session: Session, meeting_id: UUID, first: int) -> list[UUID]:
    """Words that were taken out of a meeting, of its minutes and of two letters by one act."""
    facts = {"of": "meeting", "subject": str(meeting_id)}
    of_texts = [("minutes.redacted", "minutes"), ("notice.redacted", "notice"), ("notice.redacted", "notice")]
    texts = [
        left(session, "redaction", verb, uuid4(), first + n, subject_kind=kind)
        for n, (verb, kind) in enumerate(of_texts)
    ]
    more = {"subject_kind": "meeting", "facts": facts}
    return [left(session, "redaction", "redaction.done", uuid4(), first + 3, **more), *texts]


@pytest.mark.usefixtures("found")
def test_one_redaction_is_one_matter_that_one_act_decides_and_its_link_opens_for_who_decides(cast: Cast) -> None:
    meeting_id = uuid4()
    with cast.session() as session:
        lines = _redaction(session, meeting_id, 10)
    officer = client_for(cast.database, cast.people["privacy_officer"], at=NOW)
    page = officer.get("/restored").text
    assert [f'id="m-{one}"' in page for one in lines] == [True, False, False, False]
    assert "3 matters wait for your decision" in text_of(officer.get("/privacy").text)
    assert 'id="ended-title">What had ended <span class="count">3</span>' in page
    assert "Redacted words 1" in text_of("<main" + page[page.index('id="report"') :])
    assert officer.post(f"/restored/{lines[0]}/noted").status_code == 303
    assert set(decided(cast)) == set(lines)
    assert 'id="decided-title">Decided <span class="count">1</span>' in officer.get("/restored").text


def test_who_asks_for_a_redaction_is_told_of_which_meetings_to_ask_anew(world_of_a_meeting: tuple[Cast, UUID]) -> None:
    cast, meeting_id = world_of_a_meeting
    with cast.session() as session:
        session.add(Epoch(number=1, found_at=AT, lines=3))
        session.flush()
        session.add(Restoration(program_id=cast.program_id, epoch=1, found_at=AT, missing_from=AT, missing_to=AT))
        done, *_ = _redaction(session, meeting_id, 10)
    coordinator, officer = (
        client_for(cast.database, cast.people[one], at=NOW) for one in ("coordinator", "privacy_officer")
    )
    words = f"/meetings/{meeting_id}/words"
    assert f'href="{words}"' in coordinator.get("/restored").text
    assert coordinator.get(words).status_code == 200
    page = officer.get("/restored").text
    shown = page[page.index(f'id="m-{done}"') :].partition("</li>")[0]
    assert words not in page
    (link,) = re.findall(r'<a href="([^"]+)">Where this is done', shown)
    assert officer.get(link).status_code == 200


def test_board_and_page_count_the_news_of_one_meeting_once(cast: Cast, found: dict[str, UUID]) -> None:
    told = {
        "uid": "season-1",
        "starts": "2026-12-10T09:30:00",
        "minutes": 60,
        "last_on": "",
        "off": False,
        "people": [str(cast.people["manager_em"])],
    }
    with cast.session() as session:
        for n in range(3):
            facts = {**told, "sequence": n}
            left(session, "meeting", "meeting.told", uuid4(), 20 + n, subject_kind="meeting", facts=facts)
    coordinator = client_for(cast.database, cast.people["coordinator"], at=NOW)
    assert "2 matters wait for your decision" in text_of(coordinator.get("/board").text)
    page = coordinator.get("/restored").text
    assert str(found["manager"]) in page
    assert "Meetings that people were told of 1" in text_of("<main" + page[page.index('id="report"') :])


def test_it_does_not_hold_any_more_says_whom_it_lets_in(cast: Cast, found: dict[str, UUID]) -> None:
    manager = cast.people["manager_em"]
    with cast.session() as session:
        seat = left(session, "role", "seat.withdrawn", uuid4(), 5, person_id=manager, subject_kind="seat")
    page = unescape(client_for(cast.database, cast.people["coordinator"], at=NOW).get("/restored").text)
    undone = page[page.index(f'id="undone-{seat}"') :].partition("</form>")[0]
    assert f"{cast.members['manager_em'].name} is no longer kept out because of this." in undone
    assert str(found["manager"]) in page


def test_who_had_a_private_calendar_address_is_told_that_it_is_void_until_they_made_a_new_one(cast: Cast) -> None:
    me = cast.people["manager_em"]
    with cast.session() as session:
        feeds.make(session, me, by=cast.actor("manager_em"), at=AT)
        session.add(Epoch(number=1, found_at=AT, lines=3))
        session.flush()
        session.add(Restoration(program_id=cast.program_id, epoch=1, found_at=AT, missing_from=AT, missing_to=AT))
        voiding.void_all(session, at=AT)
    mine = client_for(cast.database, me, at=NOW)
    other = client_for(cast.database, cast.people["worker_ccsmtl"], at=NOW)
    told = "your private calendar addresses no longer work"
    assert [told in text_of(mine.get(path).text) for path in ("/", "/my-access", "/meetings")] == [True] * 3
    assert told not in text_of(other.get("/").text)
    assert mine.post("/my-calendar").status_code == 200
    assert told not in text_of(mine.get("/").text)
