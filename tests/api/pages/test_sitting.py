"""The page on which a meeting is run: attendance, items, decisions and closing, by forms alone."""

from __future__ import annotations

import html
import re
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select, update

from domain.casework.assigning import assign
from domain.mail.notices import COORDINATION
from meetings import agendas, answers, attendance, decisions, freezing, running
from meetings.agenda_items import PresentedItem, items_of
from meetings.decision_rows import RegisteredDecision
from meetings.locking import read_meeting
from models.agenda import AgendaItem, ItemReason
from models.base import table_of
from models.casework import Task
from models.meeting import Meeting
from models.program import Person
from models.record import Event
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import AT, Arranged, Cast
from tests.meetings import meeting_room
from tests.meetings.meeting_room import LOCAL, MINUTE, NEXT_LOCAL, NOW, PRESENT, meeting, sit
from tests.meetings.sitting import seat

_item = table_of(AgendaItem)
_event = table_of(Event)
_meeting = table_of(Meeting)
_task = table_of(Task)

LATER = NOW + timedelta(minutes=20)
#: Who cannot come, and whom they name instead.
NAMED = ("manager_em", "deputy")
HARD = "<script>alert(1)</script> L’étage"


class Room:
    """The meeting, and its page as the coordinator sends its forms twenty minutes into it."""

    def __init__(self, cast: Cast, at: datetime = LATER) -> None:
        self.cast = cast
        self.at = at
        with cast.session() as session:
            self.id = meeting(session)
        self.client = client_for(cast.database, cast.people["coordinator"], at=at)

    @property
    def path(self) -> str:
        return f"/meetings/{self.id}/run"

    def at_moment(self, at: datetime) -> Room:
        return Room(self.cast, at)

    def page(self) -> str:
        answer = self.client.get(self.path)
        assert answer.status_code == 200
        return answer.text

    def send(self, form: str, **fields: Any) -> Response:
        return self.client.post(f"{self.path}/{form}", data=fields)

    def fill(self, key: str, state: str, **fields: Any) -> Response:
        with self.cast.session() as session:
            here = seat(session, "steering", key)
        seen = fields.pop("seen", self.seat(key).version)
        return self.send("attendance", seat=here, state=state, seen=seen, **fields)

    def treat(self, n: int, outcome: str, **fields: Any) -> Response:
        item = self.items()[n]
        return self.send("outcome", item=item.id, **{"seen": item.version, "outcome": outcome, **fields})

    def seat(self, key: str) -> attendance.Attended:
        with self.cast.session() as session:
            found = attendance.attendance_of(session, self.id)
        return next(one for one in found if one.seat.key == key)

    def items(self) -> list[PresentedItem]:
        with self.cast.session() as session:
            return items_of(session, self.id)

    def decided(self) -> list[RegisteredDecision]:
        with self.cast.session() as session:
            return decisions.decisions_of(session, self.id)

    def row(self) -> Meeting:
        with self.cast.session() as session:
            return read_meeting(session, self.id)


@pytest.fixture
def planned(cast: Cast, arranged: Arranged[None]) -> Room:
    """A meeting of the Steering Committee with three items, planned."""
    arranged(cast, meeting_room.planned)
    return Room(cast)


@pytest.fixture
def room(planned: Room) -> Room:
    """The same, opened at its hour."""
    with planned.cast.session() as session:
        running.open_meeting(session, planned.id, by=planned.cast.actor("coordinator"), at=NOW - 5 * MINUTE)
    return planned


def card(page: str, name: str) -> str:
    """What one card of the page says."""
    return text_of(markup_of(page, name))


def markup_of(page: str, name: str) -> str:
    """One card of the page as it is written, with its links."""
    start = page.index(f'id="{name}" aria-labelledby')
    end = page.find("<section", start)
    return page[start : end if end > 0 else len(page)]


def place(answer: Response) -> str:
    """Where a form led: the part of the page, after the meeting's own address."""
    assert answer.status_code == 303, text_of(answer.text)[:600]
    return str(answer.headers["location"].partition("/run")[2])


# ------------------------------------------------------------------------------------------------- opening and closing


@pytest.mark.ci
def test_a_meeting_is_opened_on_its_day_and_put_back_while_nothing_is_recorded(planned: Room) -> None:
    early = planned.at_moment(NOW - timedelta(days=1))
    assert "It may be opened from Wednesday, January 20, 2027 at 11:00 a.m. on." in text_of(early.page())
    assert early.send("opening", seen=early.row().version).status_code == 409
    assert "3 items" in card(planned.page(), "opening")
    assert place(planned.send("opening", seen=planned.row().version)) == "#opening"
    assert planned.row().state == "under_way"
    assert "Undo the opening" in card(planned.page(), "closing")
    planned.send("putting-back", seen=planned.row().version)
    assert planned.row().state == "planned"
    planned.send("opening", seen=planned.row().version)
    planned.fill("codim", "present")
    assert "Undo the opening" not in planned.page()
    refused = planned.send("putting-back", seen=planned.row().version)
    assert refused.status_code == 409
    assert "Something was recorded in this meeting" in text_of(refused.text)
    assert planned.row().state == "under_way"


@pytest.mark.ci
def test_closing_names_what_is_left_and_carries_it_only_where_one_says_so(room: Room) -> None:
    room.treat(0, "treated")
    page = room.page()
    assert "Nothing is recorded yet for: 2 Formation (en) 3 Local (en)" in card(page, "closing")
    refused = room.send("closing", seen=room.row().version)
    assert refused.status_code == 409
    assert "(2): 2, 3" in text_of(refused.text)
    assert room.row().state == "under_way"
    assert place(room.send("closing", seen=room.row().version, rest="carried")) == "#closing"
    assert room.row().state == "held"
    assert [one.outcome for one in room.items()] == ["treated", "carried", "carried"]


@pytest.mark.ci
def test_what_was_closed_today_is_no_next_meeting_any_more(room: Room) -> None:
    own = f"/meetings/{room.id}"
    ahead = (("/committees/steering", "next"), ("/meetings", "mine"))
    assert [own in markup_of(room.client.get(path).text, name) for path, name in ahead] == [True, True]
    room.send("closing", seen=room.row().version, rest="carried")
    assert [own in markup_of(room.client.get(path).text, name) for path, name in ahead] == [False, False]
    assert own in room.client.get("/committees/steering").text


@pytest.mark.ci
def test_of_two_who_close_the_second_is_told(room: Room) -> None:
    seen = room.row().version
    room.send("closing", seen=seen, rest="carried")
    again = room.send("closing", seen=seen, rest="carried")
    assert again.status_code == 412
    assert "This meeting was changed by someone else" in text_of(again.text)


@pytest.mark.ci
def test_a_held_meeting_takes_corrections_of_attendance_and_nothing_else(room: Room) -> None:
    room.fill("codim", "present")
    room.send("closing", seen=room.row().version, rest="carried")
    page = room.page()
    assert "its attendance can still be corrected" in text_of(page)
    for gone in ("/run/outcome", "/run/decision", "/run/items", "/run/closing", "/run/putting-back"):
        assert gone not in page
    assert place(room.fill("codim", "absent")).startswith("#seat-")
    assert room.seat("codim").state == "absent"
    assert room.treat(0, "treated").status_code == 409
    assert room.send("decision", kind="other", text_fr="Trop tard").status_code == 409
    assert room.send("items", title_fr="Trop tard", reason="Oublié").status_code == 409


def test_a_cancelled_meeting_is_not_run(planned: Room) -> None:
    with planned.cast.session() as session:
        session.execute(
            update(_meeting)
            .where(_meeting.c.id == planned.id)
            .values(state="cancelled", cancelled_at=NOW, reason="Non")
        )
    assert "it cannot be run" in text_of(planned.page())
    assert "/run/opening" not in planned.page()
    meeting_page = planned.client.get(f"/meetings/{planned.id}").text
    assert "/run" not in meeting_page


@pytest.mark.ci
def test_only_the_coordinator_runs_a_meeting_and_all_others_are_told_that_nothing_is_there(room: Room) -> None:
    assert f"{room.path}" in room.client.get(f"/meetings/{room.id}").text
    for name in ("manager_codim", "police", "administrator"):
        other = client_for(room.cast.database, room.cast.people[name], at=LATER)
        assert other.get(room.path).status_code == 404
        for form in (
            "opening",
            "closing",
            "putting-back",
            "attendance",
            "attendance/rest",
            "outcome",
            "decision",
            "items",
        ):
            answer = other.post(f"{room.path}/{form}", data={"seen": 1, "item": room.items()[0].id, "kind": "other"})
            assert answer.status_code == 404, (name, form)
    member = client_for(room.cast.database, room.cast.people["manager_codim"], at=LATER)
    assert room.path not in member.get(f"/meetings/{room.id}").text
    assert {one.outcome for one in room.items()} == {""}


# ---------------------------------------------------------------------------------------------------------- attendance


@pytest.mark.ci
def test_the_quorum_follows_each_record_and_is_said_in_words(room: Room) -> None:
    page = room.page()
    assert "No quorum. Missing: 4 voting seats and 4 organizations." in card(page, "attendance")
    assert "At least, for a quorum: 4 voting seats and 4 organizations." in card(page, "attendance")
    assert "marked as taken without a quorum" in card(page, "attendance")
    for key in ("ccsmtl", "codim", "spvm"):
        assert place(room.fill(key, "present")) == f"#seat-{room.seat(key).seat.id}"
    assert "Missing: 1 voting seat and 1 organization." in card(room.page(), "attendance")
    room.fill("anonyme", "remote")
    assert "Quorum: 4 voting seats (4 needed), of 4 organizations (4 needed)." in card(room.page(), "attendance")


def test_the_rest_is_recorded_at_once(room: Room) -> None:
    room.fill("codim", "excused")
    assert place(room.send("attendance/rest")) == "#attendance"
    assert room.seat("codim").state == "excused"
    assert {room.seat(key).state for key in ("ccsmtl", "spvm", "anonyme", "en-marge", "coordination")} == {"present"}
    assert "/attendance/rest" not in room.page()


@pytest.mark.ci
def test_a_seat_says_what_was_answered_to_the_invitation_and_who_was_named_instead(planned: Room) -> None:
    cast = planned.cast
    with cast.session() as session:
        answers.answer(
            session,
            planned.id,
            cast.people["manager_em"],
            answers.DECLINED,
            means="link",
            alternate_id=cast.people["deputy"],
            by=cast.actor("manager_em"),
            at=AT,
        )
        running.open_meeting(session, planned.id, by=cast.actor("coordinator"), at=NOW)
        names = {one: session.get_one(Person, (cast.program_id, cast.people[one])).name for one in NAMED}
    here = planned.seat("en-marge").seat.id
    line = text_of(planned.page().partition(f'id="seat-{here}"')[2].partition("</li>")[0])
    assert f"{names['manager_em']} Cannot come instead: {names['deputy']}" in line
    planned.send("attendance/rest")
    assert (planned.seat("en-marge").state, planned.seat("codim").state) == ("unrecorded", "present")
    assert card(planned.page(), "attendance").count("Cannot come") == 1


@pytest.mark.ci
def test_who_comes_late_leaves_and_comes_back_is_recorded_with_the_hour(room: Room) -> None:
    room.fill("codim", "absent")
    assert "Arrives now" in card(room.page(), "attendance")
    room.fill("codim", "arrives")
    assert (room.seat("codim").state, room.seat("codim").arrived_at) == ("present", LATER)
    assert "arrived at 1:25 p.m." in card(room.page(), "attendance")
    at_once = room.fill("codim", "leaves")
    assert (at_once.status_code, room.seat("codim").left_at) == (409, None)
    room = room.at_moment(LATER + MINUTE)
    room.fill("codim", "leaves")
    assert (room.seat("codim").left_at, room.seat("codim").arrived_at) == (LATER + MINUTE, LATER)
    assert "left at 1:26 p.m." in card(room.page(), "attendance")
    room.fill("codim", "arrives")
    assert (room.seat("codim").left_at, room.seat("codim").arrived_at) == (None, LATER)


def test_hours_are_those_of_the_clock_on_the_wall(room: Room) -> None:
    room.fill("codim", "present", arrived="13:10", left="13:20")
    assert room.seat("codim").arrived_at == NOW + 5 * MINUTE
    assert room.seat("codim").left_at == NOW + 15 * MINUTE
    early = room.fill("codim", "present", left="14:00")
    assert early.status_code == 409
    told = text_of(early.text)
    assert "during the meeting: between Wednesday, January 20, 2027 at 12:55 p.m. and Wednesday" in told
    assert 'value="14:00"' in early.text


@pytest.mark.ci
def test_an_alternate_sits_by_name_and_from_elsewhere(room: Room) -> None:
    deputy = room.cast.people["deputy"]
    room.fill("en-marge", "alternate", person=deputy, remote="yes")
    one = room.seat("en-marge")
    assert (one.state, one.person_id, one.is_remote) == ("alternate", deputy, True)
    assert "By an alternate Remotely" in card(room.page(), "attendance")
    refused = room.fill("spvm", "alternate", person=deputy)
    assert refused.status_code == 409
    assert "This person is not an alternate for this seat on that day." in text_of(refused.text)


@pytest.mark.ci
def test_of_two_who_record_a_seat_the_second_is_told_and_keeps_what_they_typed(room: Room) -> None:
    room.fill("codim", "present")
    answer = room.fill("codim", "excused", arrived="13:10", seen=1)
    assert answer.status_code == 412
    form = f"seat-{room.seat('codim').seat.id}"
    assert text_of(answer.text).count("This seat was recorded by someone else") == 2
    assert f'<a href="#{form}">' in answer.text
    assert f'id="{form}-more" name="seats" open' in answer.text
    assert 'value="13:10"' in answer.text
    assert re.search(r'<option value="excused" selected>', answer.text)
    # The form is sent again as it stands there, with the version that is there now.
    assert f'name="seen" value="{room.seat("codim").version}"' in answer.text[answer.text.index(f'id="{form}-more"') :]
    assert room.seat("codim").state == "present"


@pytest.mark.parametrize(
    ("press", "meant"), [("leaves", 'name="left" value="13:'), ("arrives", 'name="arrived" value="13:')]
)
def test_who_comes_or_leaves_at_a_press_that_is_refused_stands_in_the_form_with_the_hour(
    room: Room, press: str, meant: str
) -> None:
    room.fill("codim", "present")
    answer = room.fill("codim", press, seen=0)
    assert answer.status_code == 412
    form = f"seat-{room.seat('codim').seat.id}"
    fields = answer.text[answer.text.index(f'id="{form}-more"') :]
    assert meant in fields[: fields.index("</form>")]
    assert "data-refused=" in fields[: fields.index("</form>")]
    assert room.seat("codim").left_at is None


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"state": "asleep"}, 409),
        ({"state": "present", "arrived": "25:00"}, 422),
        ({"state": "present", "arrived": "14:00", "left": "13:00"}, 409),
        ({"state": "excused", "arrived": "13:10"}, 409),
        ({"state": "absent", "person": "{deputy}"}, 409),
        ({"state": "present", "person": "zzz"}, 422),
    ],
)
def test_an_attendance_that_is_none_is_refused_and_changes_nothing(
    room: Room, fields: dict[str, str], status: int
) -> None:
    given = {name: value.replace("{deputy}", str(room.cast.people["deputy"])) for name, value in fields.items()}
    assert room.fill("codim", given.pop("state"), **given).status_code == status
    assert room.seat("codim").state == "unrecorded"


@pytest.mark.ci
def test_a_seat_that_is_none_is_refused(room: Room) -> None:
    for odd in ("", "zzz"):
        assert room.send("attendance", seat=odd, state="present", seen=0).status_code == 422
    with room.cast.session() as session:
        other = seat(session, "clinical", "codim")
    assert room.send("attendance", seat=other, state="present", seen=0).status_code == 409
    assert room.send("attendance", seat=other, state="arrives", seen=0).status_code == 404


# ---------------------------------------------------------------------------------------------------------------- items


def test_an_item_is_treated_with_its_note_and_the_page_comes_back_to_it(room: Room) -> None:
    answer = room.treat(0, "treated", note_fr=HARD, note_en="Agreed.")
    assert place(answer) == f"#item-{room.items()[0].id}"
    page = room.page()
    assert "Treated" in card(page, "items")
    assert HARD in html.unescape(page)
    assert "<script>alert" not in page
    assert "Agreed." in card(page, "items")
    room.treat(0, "", note_fr=HARD, note_en="Agreed.")
    assert room.items()[0].outcome == ""


@pytest.mark.ci
def test_an_item_is_referred_to_the_committee_that_was_chosen_and_to_no_other(room: Room) -> None:
    refused = room.treat(1, "referred")
    assert refused.status_code == 409
    assert "Say to which committee the item is referred." in text_of(refused.text)
    # The choice stands beside the other buttons, and counts for its own alone.
    room.treat(0, "treated", refer_to="clinical")
    assert room.items()[0].outcome == "treated"
    room.treat(1, "referred", refer_to="clinical")
    assert "Referred to another committee" in card(room.page(), "items")
    assert "Clinical Committee" in card(room.page(), "items")


def test_of_two_secretaries_the_second_is_told_and_their_note_is_not_lost(room: Room) -> None:
    seen = room.items()[0].version
    room.treat(0, "treated", note_fr="La première.", seen=seen)
    answer = room.treat(0, "carried", note_fr="La seconde, longue.", note_en="The second.", seen=seen)
    assert answer.status_code == 412
    page = text_of(answer.text)
    assert "This item was changed by someone else" in page
    assert "La première." in page
    assert "La seconde, longue." in page
    assert "The second." in page
    assert "You had chosen: Carried over." in page
    assert (room.items()[0].outcome, room.items()[0].note_fr) == ("treated", "La première.")


def test_an_item_of_another_meeting_is_not_there(room: Room) -> None:
    with room.cast.session() as session:
        session.execute(
            update(_item)
            .where(_item.c.id == room.items()[2].id)
            .values(meeting_id=meeting(session, NEXT_LOCAL), number=None, frozen_at=None)
        )
        other = items_of(session, meeting(session, NEXT_LOCAL))[0]
    for odd in (other.id, "zzz", ""):
        assert room.send("outcome", item=odd, seen=other.version, outcome="treated").status_code == 404
    assert room.send("decision", item=other.id, kind="other", text_fr="Non").status_code == 404


def test_the_time_that_an_item_took_is_from_the_one_before(room: Room) -> None:
    with room.cast.session() as session:
        for n, minutes in ((0, 7), (1, 15)):
            item = items_of(session, room.id)[n].id
            by = room.cast.actor("coordinator")
            running.treat(session, item, "treated", by=by, at=NOW + minutes * MINUTE)
        rows, row = items_of(session, room.id), read_meeting(session, room.id)
    used = running.minutes_used(row, rows, LATER)
    assert [used[one.id] for one in rows] == [12, 8, 5]
    page = card(room.page(), "items")
    assert "12 of 10 min over time" in page
    assert "8 of 10 min" in page
    assert "Now 5 of 10 min" in page
    assert "1:25 p.m.: 2 h 5 min left, and 10 minutes of items" in page.replace("\xa0", " ")


@pytest.mark.ci
def test_of_a_meeting_that_is_recorded_afterwards_no_time_is_told(planned: Room) -> None:
    after = planned.at_moment(NOW + timedelta(days=1))
    after.send("opening", seen=after.row().version)
    after.treat(0, "treated")
    page = card(after.page(), "items")
    assert " left, and" not in page
    assert " of 10 min" not in page


@pytest.mark.ci
def test_what_is_left_is_weighed_against_the_time_that_is_left(room: Room) -> None:
    late = room.at_moment(NOW + timedelta(minutes=135))
    assert "What is left needs 20 minutes more than there are." in card(late.page(), "items")
    over = room.at_moment(NOW + timedelta(minutes=155))
    assert "10 minutes over" in card(over.page(), "items")


def test_after_three_times_an_item_asks_for_a_decision_or_an_end(room: Room) -> None:
    with room.cast.session() as session:
        for n, times in ((0, 2), (1, 3)):
            item = items_of(session, room.id)[n].id
            session.execute(update(_item).where(_item.c.id == item).values(times_seen=times))
    page = card(room.page(), "items")
    assert "2 meetings did not reach it Record" in page
    assert "3 meetings did not reach it: decide on it, or end it." in page


@pytest.mark.ci
def test_what_comes_up_is_added_with_its_reason(room: Room) -> None:
    refused = room.send("items", title_fr="Dégât d’eau", title_en="", minutes="10", reason=" ")
    assert (refused.status_code, 'value="Dégât d’eau"' in refused.text) == (409, True)
    assert room.send("items", title_fr="Dégât", minutes="many", reason="Hier").status_code == 422
    assert room.send("items", title_fr="Dégât", minutes="601", reason="Hier").status_code == 422
    assert place(room.send("items", title_fr="Dégât d’eau", minutes="10", reason="Cette nuit")) == "#add"
    page = card(room.page(), "items")
    assert "3.1" in page
    assert "Dégât d’eau added 10 min" in page
    assert "Added because: Cette nuit" in page


# ------------------------------------------------------------------------------------------------------------ decisions


@pytest.mark.ci
def test_a_decision_is_recorded_on_its_item_with_its_owner_and_its_quorum(room: Room) -> None:
    for key in ("ccsmtl", "codim", "spvm", "anonyme"):
        room.fill(key, "present")
    item = room.items()[0]
    given = {
        "text_fr": HARD,
        "kind": "management",
        "owner_role": "manager",
        "owner_organization": room.cast.organizations["codim"],
        "due": "2027-02-15",
    }
    answer = room.send("decision", item=item.id, seen=item.version, **given)
    assert place(answer) == f"#item-{item.id}"
    (made,) = room.decided()
    assert (made.has_quorum, made.state, made.needs_endorsement) == (True, "open", True)
    assert room.items()[0].outcome == "decided"
    shown = card(room.page(), "decided")
    assert made.number in shown
    assert "With a quorum" in shown
    assert "Manager, CODIM · by Feb 15, 2027" in shown
    assert "Endorsed: no agreement was in force on that day, and no one was asked." in shown
    assert "Decided" in card(room.page(), "items")
    # A note can still be kept; another outcome can not be given.
    assert place(room.treat(0, "decided", note_fr="À l’unanimité.")) == f"#item-{item.id}"
    assert room.treat(0, "carried").status_code == 409


def test_a_decision_without_a_quorum_is_kept_and_says_so(room: Room) -> None:
    room.fill("codim", "present")
    assert place(room.send("decision", text_en="We go on.", kind="other")) == "#decided"
    (made,) = room.decided()
    assert (made.has_quorum, made.item_id, made.state) == (False, None, "standing")
    shown = card(room.page(), "decided")
    assert "Without a quorum" in shown
    assert "No one has anything to do." in shown


@pytest.mark.ci
def test_a_decision_that_is_recorded_afterwards_has_the_quorum_of_its_hour(room: Room) -> None:
    for key in ("ccsmtl", "codim", "spvm"):
        room.fill(key, "present")
    room.fill("anonyme", "present", left="13:15")
    room.send("decision", text_fr="Avant", kind="other", hour="13:10")
    room.send("decision", text_fr="Après", kind="other", hour="13:16")
    assert [one.has_quorum for one in room.decided()] == [True, False]
    assert room.send("decision", text_fr="Demain", kind="other", hour="23:00").status_code == 409


@pytest.mark.wide(4)
@pytest.mark.parametrize(
    ("fields", "status", "why"),
    [
        ({"kind": "other"}, 422, "Write down what was decided"),
        ({"kind": "", "text_fr": "On continue."}, 422, "Say what kind of decision it is."),
        ({"kind": "royal", "text_fr": "On continue."}, 409, "one of the kinds"),
        ({"kind": "other", "text_fr": "On continue.", "owner_role": "manager"}, 409, "Say by which day"),
        (
            {"kind": "other", "text_fr": "On continue.", "owner_role": "manager", "due": "2027-01-19"},
            409,
            "by which day",
        ),
        ({"kind": "other", "text_fr": "On continue.", "due": "2027-02-19"}, 409, "needs a role"),
        ({"kind": "other", "text_fr": "On continue.", "owner_role": "king", "due": "2027-02-19"}, 409, "no such role"),
        ({"kind": "other", "text_fr": "On\x07continue."}, 422, "not text"),
    ],
)
def test_a_decision_that_a_rule_refuses_is_shown_again_as_it_was_typed(
    room: Room, fields: dict[str, str], status: int, why: str
) -> None:
    item = room.items()[0]
    answer = room.send("decision", item=item.id, seen=item.version, **fields)
    assert (answer.status_code, why in text_of(answer.text)) == (status, True), text_of(answer.text)[:500]
    assert f'id="decide-{item.id}" name="items" open' in answer.text
    for name in ("text_fr", "due"):
        assert fields.get(name, "") in html.unescape(answer.text)
    assert room.decided() == []
    assert room.items()[0].outcome == ""


def shown_form(page: str, action: str, item: object = "") -> dict[str, str]:
    """A form of the page as it stands there: that of an item, or the one that is of none."""
    for start in re.finditer(rf'<form[^>]*action="{re.escape(action)}"', page):
        form = page[start.start() : page.index("</form>", start.start())]
        fields = dict(re.findall(r'name="(once|seen|item)" value="([^"]*)"', form))
        if fields.get("item", "") == str(item):
            return fields
    raise AssertionError(f"no form {action}")


def test_a_decision_and_an_item_that_are_sent_twice_at_one_instant_are_recorded_once(room: Room) -> None:
    item, page = room.items()[0].id, room.page()
    forms = {
        "decision": {"text_fr": "On continue.", "kind": "other"},
        "items": {"title_fr": "Un point", "reason": "Cette nuit."},
    }
    places: dict[str, list[str]] = {"decision": [], "items": [], "on an item": []}

    def click(form: str, fields: dict[str, str], told: list[str]) -> None:
        told.append(place(room.send(form, **fields)))

    for name, told in places.items():
        form = "decision" if name == "on an item" else name
        fields = forms[form] | shown_form(page, f"{room.path}/{form}", item if name == "on an item" else "")
        assert fields["once"]
        clicks = [threading.Thread(target=click, args=(form, fields, told)) for _ in range(2)]
        for one in clicks:
            one.start()
        for one in clicks:
            one.join()
        assert len(told) == 2, name
        assert len(set(told)) == 1, name
    assert sorted(str(one.item_id) for one in room.decided()) == sorted(["None", str(item)])
    assert len(room.items()) == 4


def test_a_decision_on_an_item_that_changed_or_was_decided_in_another_window_is_not_recorded(room: Room) -> None:
    item = room.items()[0]
    given = {"item": item.id, "text_fr": "On continue.", "kind": "other"}
    assert room.send("decision", **given).status_code == 422, "what was not seen is not decided on"
    room.treat(0, "", note_fr="Corrigé.")
    stale = room.send("decision", **given, seen=item.version)
    assert stale.status_code == 412
    assert "This item was changed by someone else" in text_of(stale.text)
    assert room.decided() == []
    # Two windows show the item; each decides on it, first what nothing was decided of, then what already was.
    for n in (1, 2):
        seen = room.items()[0].version
        told = [room.send("decision", **given, seen=seen).status_code for _ in range(2)]
        assert told == [303, 412], n
        assert len(room.decided()) == n


def test_nothing_that_was_typed_is_in_the_record(room: Room) -> None:
    word = "Parole-rapportée"
    room.treat(0, "treated", note_fr=word)
    room.send("decision", text_fr=word, kind="other")
    room.send("items", title_fr=word, reason=word)
    with room.cast.session() as session:
        told = session.execute(select(_event.c.verb, _event.c.facts).where(_event.c.at == LATER)).all()
    assert {"agenda_item.treated", "decision.made", "agenda_item.added_late"} <= {one.verb for one in told}
    assert word not in str([one.facts for one in told])


def test_the_page_says_everything_in_french_too(room: Room) -> None:
    room.send("attendance/rest")
    client: TestClient = client_for(room.cast.database, room.cast.people["coordinator"], at=LATER)
    page = text_of(client.get(room.path, headers={"Accept-Language": "fr"}).text)
    assert "13 h 25 : il reste 2 h 5 min, et 30 minutes de points" in page.replace("\xa0", " ")
    assert "Sur place" in page
    assert LOCAL.hour == 13


def test_who_records_a_decision_says_whether_it_is_what_a_procedure_asks_for(room: Room) -> None:
    cast, by = room.cast, room.cast.actor("coordinator")
    with cast.session() as session:
        task = assign(
            session,
            "ask",
            "",
            title_fr="Adopter le plan",
            title_en="Endorse the plan",
            chain=COORDINATION,
            due_on=LOCAL.date(),
            sources=["GV-4"],
            by=by,
            at=AT,
        )
        item = agendas.ask(
            session,
            *("steering", "report", "plan"),
            title_fr="Plan",
            title_en="Plan",
            reasons=[ItemReason("asked", facts={"day": "2026-11-23"})],
            task_id=task,
            by=by,
            at=AT,
        )
        freezing.add_late(session, room.id, item, reason="Urgent", by=by, at=NOW)
        for key in PRESENT:
            sit(session, cast, key)

    def state() -> str:
        with cast.session() as session:
            found: str = session.scalars(select(_task.c.state).where(_task.c.id == task)).one()
            return found

    assert "Asked here: Endorse the plan" in room.page()

    def given(**fields: str) -> dict[str, Any]:
        (here,) = (one for one in room.items() if one.id == item)
        return {"item": item, "seen": here.version, "text_fr": "Le logo change.", "kind": "other", **fields}

    silent = room.send("decision", **given())
    assert silent.status_code == 422
    assert "Say whether the decision is what the procedure asks for." in silent.text
    assert room.send("decision", **given(grants="no")).status_code == 303
    assert state() == "open"
    wrong = room.send("decision", **given(grants="yes"))
    assert "record it as about management or coordination" in wrong.text
    assert room.send("decision", **given(kind="management", grants="yes")).status_code == 303
    assert state() == "done", "no partner has an agreement: it counts"
    assert "Asked here" not in room.page()
