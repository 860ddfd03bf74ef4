"""The pages of meetings: the calendar, a meeting with its forms and what they send, and the committees."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from domain.people.absences import record_absence
from locales import show_day
from meetings import agendas, invitations, schedule
from models.agenda import ItemReason
from models.base import table_of
from models.committee import SeatHolder
from models.invitation import CalendarFeed, MeetingAnswer
from models.meeting import Meeting, MeetingGuest, MeetingSeries
from models.outbox import Notice
from models.program import Person
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, TODAY, Arranged, Cast
from tests.meetings.sitting import letters, seat_everyone

_meeting = table_of(Meeting)
_series = table_of(MeetingSeries)
_answer = table_of(MeetingAnswer)
_guest = table_of(MeetingGuest)
_feed = table_of(CalendarFeed)
_notice = table_of(Notice)
_holder = table_of(SeatHolder)
_person = table_of(Person)

FIRST = date(2026, 12, 2)
HARD = "<script>alert(1)</script> L’étage"


@pytest.fixture
def season(cast: Cast, arranged: Arranged[list[UUID]]) -> list[UUID]:
    """A season of five Wednesdays of the Clinical Committee, and a Steering meeting; the ids of the Wednesdays."""
    return arranged(cast, _season)


def _season(cast: Cast) -> list[UUID]:
    with cast.session() as session:
        seat_everyone(session, cast)
        by = cast.actor("coordinator")
        schedule.plan_season(
            session,
            "clinical",
            first=FIRST,
            last=FIRST + timedelta(weeks=4),
            hour=time(9, 30),
            place="Salle 4",
            without={date(2026, 12, 23): "Congé des fêtes"},
            by=by,
            at=AT,
        )
        schedule.plan_meetings(
            session, "steering", [datetime.combine(date(2026, 12, 9), time(13, 30))], place="Salle 9", by=by, at=AT
        )
        return list(
            session.scalars(select(_meeting.c.id).where(_meeting.c.series_id.is_not(None)).order_by(_meeting.c.starts))
        )


def row(cast: Cast, meeting_id: UUID) -> Any:
    with cast.session() as session:
        return session.execute(select(_meeting).where(_meeting.c.id == meeting_id)).one()


def steering(cast: Cast) -> UUID:
    with cast.session() as session:
        found: UUID = session.execute(select(_meeting.c.id).where(_meeting.c.series_id.is_(None))).scalar_one()
        return found


def sent(cast: Cast) -> int:
    with cast.session() as session:
        return session.scalar(select(func.count()).select_from(_notice)) or 0


def hidden(page: str) -> dict[str, str]:
    """The fields of the form that a page of letters sends on."""
    form = page[page.index('<h2 id="letters-title"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


# ------------------------------------------------------------------------------------------------------- the calendar


def test_the_calendar_shows_mine_first_then_everyones_month(cast: Cast, season: list[UUID]) -> None:
    page = signed_in(cast, "worker_codim").get("/meetings?month=2026-12").text
    mine = page[page.index('id="mine"') : page.index('id="month"')]
    assert "Clinical Committee" in mine
    assert "Steering Committee" not in mine
    assert "No answer yet" in mine
    month = page[page.index('id="month"') :]
    assert f"/meetings/{season[0]}" in month
    # When others meet is no secret; what they talk about is.
    assert "Steering Committee" in month
    assert f"/meetings/{steering(cast)}" not in page


@pytest.mark.usefixtures("season")
def test_a_cancelled_meeting_is_struck_with_its_reason(cast: Cast) -> None:
    page = signed_in(cast, "worker_codim").get("/meetings?month=2026-12").text
    assert "<del><a" in page
    assert "Cancelled: Congé des fêtes" in text_of(page)
    assert "Congé" not in page[page.index('id="mine"') : page.index('id="month"')]


@pytest.mark.ci
@pytest.mark.usefixtures("season")
def test_one_committee_alone_and_months_that_are_none(cast: Cast) -> None:
    client = signed_in(cast, "worker_codim")
    alone = client.get("/meetings?month=2026-12&committee=steering").text
    month = alone[alone.index('<table class="month"') :]
    assert "Salle 9" in month
    assert "Salle 4" not in month
    for odd in ("2026-13", "0000-01", "<script>", "9999-12"):
        answer = client.get("/meetings", params={"month": odd})
        assert answer.status_code == 200
        assert "November 2026" in answer.text


@pytest.mark.usefixtures("season")
def test_a_calendar_address_is_shown_once_and_ends(cast: Cast) -> None:
    client = signed_in(cast, "worker_codim")
    made = client.post("/my-calendar")
    (address,) = re.findall(r"<code>http://testserver(/calendar/[\w-]+\.ics)</code>", made.text)
    assert address not in client.get("/meetings").text
    assert client.get(address).status_code == 200
    with cast.session() as session:
        feed_id = session.scalars(select(_feed.c.id)).one()
    other = signed_in(cast, "police")
    assert other.post(f"/my-calendar/{feed_id}/end").status_code == 404
    assert client.get(address).status_code == 200
    assert client.post(f"/my-calendar/{feed_id}/end").headers["location"] == "/meetings#my-calendar"
    assert client.get(address).status_code == 404


@pytest.mark.ci
@pytest.mark.usefixtures("season")
def test_more_addresses_than_are_allowed_are_refused_on_the_page(cast: Cast) -> None:
    client = signed_in(cast, "worker_codim")
    assert [client.post("/my-calendar").status_code for _ in range(6)] == [200] * 5 + [409]
    assert "You have 5 addresses already" in client.post("/my-calendar").text


# -------------------------------------------------------------------------------------------------------- one meeting


@pytest.mark.ci
def test_a_meeting_is_for_those_who_sit_or_are_invited_and_for_the_coordinator(cast: Cast, season: list[UUID]) -> None:
    for name, status in (("worker_codim", 200), ("coordinator", 200), ("deputy", 200), ("manager_codim", 404)):
        assert signed_in(cast, name).get(f"/meetings/{season[0]}").status_code == status, name


@pytest.mark.ci
def test_a_meeting_shows_every_seat_and_what_was_answered(cast: Cast, season: list[UUID]) -> None:
    client = signed_in(cast, "worker_codim")
    answer = client.post(f"/meetings/{season[0]}/answer", data={"said": "accepted"})
    assert answer.headers["location"] == f"/meetings/{season[0]}#answer"
    page = text_of(signed_in(cast, "coordinator").get(f"/meetings/{season[0]}").text)
    assert "Garnet Schist Will come" in page
    assert "Silex Marbre No answer yet" in page
    # An alternate stands there, and is asked nothing while the principal comes.
    assert "Soufre Tungstène · alternate" in page or "Soufre Tungstène alternate" in page
    assert "Seat to fill" in page
    french = signed_in(cast, "coordinator").get(f"/meetings/{season[0]}", headers={"Accept-Language": "fr"})
    assert "Heures 9 h 30 à 12 h" in text_of(french.text)
    assert "Move" not in text_of(client.get(f"/meetings/{season[0]}").text)


def test_who_cannot_come_names_an_alternate_who_is_invited_at_once(cast: Cast, season: list[UUID]) -> None:
    client = signed_in(cast, "without_mail")
    before = sent(cast)
    instead = str(cast.people["second_deputy"])
    client.post(f"/meetings/{season[0]}/answer", data={"said": "declined", "alternate": instead})
    assert sent(cast) == before + 1
    page = text_of(client.get(f"/meetings/{season[0]}").text)
    assert "instead: Platine Dolomie" in page
    assert "Platine Dolomie comes instead No answer yet" in page


@pytest.mark.parametrize("said", ["", "perhaps", "accepted'; drop table meeting"])
def test_an_answer_that_is_none_is_refused(cast: Cast, season: list[UUID], said: str) -> None:
    answer = signed_in(cast, "worker_codim").post(f"/meetings/{season[0]}/answer", data={"said": said})
    assert answer.status_code == 422
    assert "Choose one of the three answers." in answer.text


def test_someone_of_another_seat_cannot_be_named(cast: Cast, season: list[UUID]) -> None:
    given = {"said": "declined", "alternate": str(cast.people["second_deputy"])}
    answer = signed_in(cast, "worker_codim").post(f"/meetings/{season[0]}/answer", data=given)
    assert answer.status_code == 409
    with cast.session() as session:
        assert session.scalar(select(func.count()).select_from(_answer)) == 0


@pytest.mark.ci
def test_a_move_shows_first_whom_it_tells_and_changes_nothing(cast: Cast, season: list[UUID]) -> None:
    client = signed_in(cast, "coordinator")
    before, letters_before = row(cast, season[1]), sent(cast)
    asked = client.post(
        f"/meetings/{season[1]}/time",
        data={"seen": before.version, "day": "2026-12-10", "hour": "10:00", "reason": HARD},
    )
    assert asked.status_code == 200
    page = text_of(asked.text)
    assert "Nothing has been changed yet." in page
    assert "Thursday, December 10, 2026 at 10:00 a.m." in page
    assert "Confirm, and tell 5 people" in page
    assert "1 person has no address: tell them yourself." in page
    assert "<script>alert" not in asked.text
    assert row(cast, season[1]) == before
    assert sent(cast) == letters_before

    done = client.post(f"/meetings/{season[1]}/time", data={**hidden(asked.text), "reason": HARD})
    assert done.headers["location"] == f"/meetings/{season[1]}"
    assert row(cast, season[1]).starts == datetime.combine(date(2026, 12, 10), time(10))
    assert sent(cast) == letters_before + 5
    with cast.session() as session:
        assert {one.template for one in letters(session)[-5:]} == {"meeting_changed"}


@pytest.mark.ci
def test_what_changed_between_the_two_clicks_is_told_and_what_was_typed_is_kept(cast: Cast, season: list[UUID]) -> None:
    client = signed_in(cast, "coordinator")
    asked = client.post(
        f"/meetings/{season[1]}/time",
        data={"seen": row(cast, season[1]).version, "day": "2026-12-10", "hour": "10:00", "reason": "Congrès"},
    )
    with cast.session() as session:
        schedule.change_place(session, season[1], place="Salle 5", by=cast.actor("coordinator"), at=AT)
    answer = client.post(f"/meetings/{season[1]}/time", data=hidden(asked.text))
    assert answer.status_code == 412
    assert 'value="Congrès"' in answer.text
    assert row(cast, season[1]).starts == datetime.combine(date(2026, 12, 9), time(9, 30))


@pytest.mark.ci
def test_where_others_have_to_be_told_by_now_the_letters_are_shown_again(cast: Cast, season: list[UUID]) -> None:
    client = signed_in(cast, "coordinator")
    asked = client.post(
        f"/meetings/{season[1]}/cancellation", data={"seen": row(cast, season[1]).version, "reason": "Tempête"}
    )
    assert "Confirm, and tell 5 people" in asked.text
    # The principal is away that day, so that their alternate comes too: the meeting itself is as it was.
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people["without_mail"],
            starts_on=date(2026, 12, 9),
            ends_on=date(2026, 12, 9),
            deputy_id=cast.people["second_deputy"],
            kinds=["seats"],
            by=cast.actor("coordinator"),
            at=AT,
        )
        invitations.tell_all(session, at=AT)
    again = client.post(f"/meetings/{season[1]}/cancellation", data=hidden(asked.text))
    assert again.status_code == 200
    assert "have changed since you looked" in text_of(again.text)
    assert row(cast, season[1]).state == "planned"
    done = client.post(f"/meetings/{season[1]}/cancellation", data=hidden(again.text))
    assert done.status_code == 303
    assert row(cast, season[1]).state == "cancelled"
    page = text_of(client.get(f"/meetings/{season[1]}").text)
    assert "This meeting is cancelled Tempête" in page


def test_letters_that_nobody_saw_are_never_sent(cast: Cast, season: list[UUID]) -> None:
    """A second click that is made up, or of another change, shows the letters instead."""
    client = signed_in(cast, "coordinator")
    version, before = row(cast, season[1]).version, sent(cast)
    place = client.post(f"/meetings/{season[1]}/place", data={"seen": version, "place": "Salle 5"})
    forged = {"seen": version, "reason": "Tempête", "shown": hidden(place.text)["shown"]}
    assert client.post(f"/meetings/{season[1]}/cancellation", data=forged).status_code == 200
    assert row(cast, season[1]).state == "planned"
    assert sent(cast) == before


@pytest.mark.ci
def test_a_place_changes_for_one_meeting_or_for_every_later_one(cast: Cast, season: list[UUID]) -> None:
    client = signed_in(cast, "coordinator")
    for following, expected in (("", ["Salle 4", "Salle 5", "Salle 4"]), ("yes", ["Salle 4", "Salle 5", "Salle 5"])):
        given = {"seen": row(cast, season[1]).version, "place": "Salle 5", "following": following}
        asked = client.post(f"/meetings/{season[1]}/place", data=given)
        assert client.post(f"/meetings/{season[1]}/place", data=hidden(asked.text)).status_code == 303
        assert [row(cast, one).place for one in season[:3]] == expected


@pytest.mark.ci
def test_the_hour_changes_from_a_day_on(cast: Cast, season: list[UUID]) -> None:
    client = signed_in(cast, "coordinator")
    with cast.session() as session:
        version = session.scalars(select(_series.c.version)).one()
    asked = client.post(f"/meetings/{season[2]}/hour", data={"seen": version, "hour": "10:00"})
    assert client.post(f"/meetings/{season[2]}/hour", data=hidden(asked.text)).status_code == 303
    assert [row(cast, one).starts.hour for one in (season[1], season[2], season[4])] == [9, 10, 10]
    # It says as far as which day: from then on the season has an hour of its own.
    with cast.session() as session:
        cut = session.execute(select(_series).where(_series.c.follows_id.is_(None))).one()
    there = show_day("en", cut.ends_on)
    asked = client.post(f"/meetings/{season[0]}/hour", data={"seen": cut.version, "hour": "11:00"})
    assert f"This meeting and the later ones, until {there}" in asked.text
    assert f"Until {there}, when the season ends" in client.get(f"/meetings/{season[0]}").text
    # One that stands alone has no such form, and refuses it.
    lone = steering(cast)
    assert client.post(f"/meetings/{lone}/hour", data={"seen": 1, "hour": "10:00"}).status_code == 409
    assert f"/meetings/{lone}/hour" not in client.get(f"/meetings/{lone}").text


@pytest.mark.ci
def test_a_guest_without_an_address_is_said_to_be_told_by_nobody_but_who_invites(
    cast: Cast, season: list[UUID]
) -> None:
    client, guest = signed_in(cast, "coordinator"), str(cast.people["researcher"])
    with cast.session() as session:
        here = _holder.c.person_id == cast.people["coordinator"]
        session.execute(update(_holder).where(here).values(ends_on=date(2026, 11, 23)))
        session.execute(update(_person).where(_person.c.id == cast.people["researcher"]).values(email=None))
        invitations.tell_all(session, at=AT)
    before, typed = sent(cast), dict[str, str]()
    for language, button, told, row_of in (
        ("en", "Confirm", "1 person has no address: tell them yourself.", "People to tell in another way –"),
        (
            "fr",
            "Confirmer",
            "1 personne n’a pas d’adresse : prévenez-la vous-même.",
            "Personnes à prévenir autrement –",
        ),
    ):
        reads = {"Accept-Language": language}
        asked = client.post(f"/meetings/{season[0]}/guests", data={"person": guest}, headers=reads)
        page = text_of(asked.text)
        assert re.search(r'id="do-it"[^>]*>([^<]*)<', asked.text).group(1).strip() == button  # type: ignore[union-attr]
        assert told in page
        assert row_of in page
        assert "autrement · " not in page
        assert "another way · " not in page
        typed = hidden(asked.text)
    assert client.post(f"/meetings/{season[0]}/guests", data=typed).status_code == 303
    assert sent(cast) == before + 1, "the coordinator reads whom to tell"


@pytest.mark.ci
def test_a_guest_is_invited_and_taken_back_each_with_their_letter_alone(cast: Cast, season: list[UUID]) -> None:
    client = signed_in(cast, "coordinator")
    guest = str(cast.people["researcher"])
    assert signed_in(cast, "researcher").get(f"/meetings/{season[0]}").status_code == 404
    asked = client.post(f"/meetings/{season[0]}/guests", data={"person": guest})
    assert "Confirm, and tell 1 person" in asked.text
    client.post(f"/meetings/{season[0]}/guests", data=hidden(asked.text))
    assert signed_in(cast, "researcher").get(f"/meetings/{season[0]}").status_code == 200
    back = f"/meetings/{season[0]}/guests/{guest}/withdrawal"
    asked = client.post(back)
    assert "No longer expected" in asked.text
    assert client.post(back, data=hidden(asked.text)).status_code == 303
    assert signed_in(cast, "researcher").get(f"/meetings/{season[0]}").status_code == 404
    assert client.post(back).status_code == 409


def test_a_guest_of_the_other_program_is_nobody(cast: Cast, season: list[UUID]) -> None:
    other = str(cast.other.people["coordinator"])
    answer = signed_in(cast, "coordinator").post(f"/meetings/{season[0]}/guests", data={"person": other})
    assert answer.status_code == 404


@pytest.mark.wide(5)
@pytest.mark.parametrize(
    ("form", "fields", "status", "why"),
    [
        ("time", {"day": "", "hour": "10:00"}, 422, "Enter a day."),
        ("time", {"day": "2026-12-10", "hour": "25:00"}, 422, "Write the hour"),
        ("time", {"day": "2026-12-10", "hour": "10:00:30"}, 422, "Write the hour"),
        (
            "time",
            {"day": "2026-12-10", "hour": "10:00", "minutes": "5"},
            422,
            "The length of a meeting, in minutes, is from 15 to 600",
        ),
        (
            "time",
            {"day": "2026-12-10", "hour": "10:00", "minutes": "1e3"},
            422,
            "The length of a meeting, in minutes, is from 15 to 600",
        ),
        ("time", {"day": "2026-11-20", "hour": "10:00"}, 409, "for a time to come"),
        ("time", {"day": "2026-12-16", "hour": "10:00"}, 409, "cancel it, and add"),
        ("time", {"day": "2027-03-14", "hour": "02:30"}, 409, "The clocks skip this hour"),
        ("place", {"place": "x" * 201}, 422, "longer than 200"),
        ("place", {"place": "a\x07b"}, 409, "characters that are not text"),
        ("place", {"place": "", "online_url": "javascript:alert(1)"}, 409, "https://"),
        ("cancellation", {"reason": " "}, 422, "reason"),
        ("hour", {"hour": ""}, 422, "Enter an hour."),
        ("guests", {"person": ""}, 422, "Choose a person."),
        ("guests", {"person": "zzz"}, 422, "Choose from the list."),
    ],
)
def test_a_form_that_a_rule_refuses_is_shown_again_with_the_reason(
    cast: Cast, season: list[UUID], form: str, fields: dict[str, str], status: int, why: str
) -> None:
    before, letters_before = row(cast, season[1]), sent(cast)
    answer = signed_in(cast, "coordinator").post(
        f"/meetings/{season[1]}/{form}", data={"seen": before.version, **fields}
    )
    assert (answer.status_code, why in answer.text) == (status, True), text_of(answer.text)[:600]
    assert row(cast, season[1]) == before
    assert sent(cast) == letters_before


@pytest.mark.parametrize("form", ["time", "cancellation", "place", "hour", "guests"])
def test_only_the_coordinator_changes_dates(cast: Cast, season: list[UUID], form: str) -> None:
    for name in ("worker_codim", "manager_codim"):
        answer = signed_in(cast, name).post(f"/meetings/{season[1]}/{form}", data={"seen": 1, "reason": "Non"})
        assert answer.status_code == 404


def test_an_agenda_shows_the_fact_that_put_each_item_there_and_each_reader_what_is_for_them(
    cast: Cast, season: list[UUID]
) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        fact = ItemReason("triaged", "Ready for the committee since %(day)s.", {"day": "2026-11-20"})
        item = agendas.ask(
            session, "clinical", "admission", "#2019-02", title_fr="Admission #2019-02", title_en="Admission #2019-02",
            reasons=[fact], by=by, at=AT,
        )  # fmt: skip
        agendas.put_on(session, item, season[0], by=by, at=AT)
        schedule.invite_guest(session, season[0], cast.people["researcher"], by=by, at=AT)
    page = text_of(signed_in(cast, "worker_codim").get(f"/meetings/{season[0]}").text)
    assert "Admission #2019-02" in page
    assert "Ready for the committee since November 20, 2026." in page
    # A guest is no seat: what is for the seats is not for them.
    assert "#2019-02" not in signed_in(cast, "researcher").get(f"/meetings/{season[0]}").text


# --------------------------------------------------------------------------------------------------------- committees


@pytest.mark.usefixtures("season")
def test_a_committee_shows_who_sits_today_what_is_vacant_and_when_it_meets(cast: Cast) -> None:
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people["worker_codim"],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=cast.people["deputy"],
            kinds=["seats"],
            by=cast.actor("coordinator"),
            at=AT,
        )
    page = text_of(signed_in(cast, "worker_ccsmtl").get("/committees/clinical").text)
    assert "every Wednesday at 9:30 a.m." in page
    assert "Garnet Schist away Soufre Tungstène sits for someone away" in page
    assert "Seat to fill" in page
    assert "Wednesday, December 23, 2026 , 9:30 a.m. Cancelled: Congé des fêtes" in page
    assert "Craie Pyrite" not in page
    listed = text_of(signed_in(cast, "worker_ccsmtl").get("/committees").text)
    assert "Steering Committee 4 times a year" in listed


def test_a_committee_that_is_none_is_absent(cast: Cast) -> None:
    client = signed_in(cast, "coordinator")
    for key in ("nope", "<script>", "x" * 500):
        assert client.get(f"/committees/{key}").status_code == 404


@pytest.mark.usefixtures("season")
def test_a_derived_committee_says_from_which_one_each_seat_is(cast: Cast) -> None:
    page = text_of(signed_in(cast, "coordinator").get("/committees/joint").text)
    assert "Its members are those of:" in page
    assert "Steering Committee" in page
