"""The page of an agenda: built by whoever keeps it, asked of by who sits on the committee, and read as each may."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from domain.kernel.rows import surely
from meetings import agenda_requests, agendas, assembling, freezing, schedule
from meetings.agenda_items import PresentedItem, item_of, items_of, pool_of
from meetings.committees import committee_of
from models.base import table_of
from models.meeting import Meeting
from models.outbox import Notice
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import AT, Cast
from tests.meetings import agenda_application
from tests.meetings.agenda_application import FIRST, SECOND, THIRD, admission
from tests.meetings.sitting import seat_everyone

_meeting = table_of(Meeting)
_notice = table_of(Notice)

#: When the first meeting of the season is under way, and a day after.
OVER = datetime.fromisoformat("2026-12-03T15:00:00+00:00")


@pytest.fixture
def here(cast: Cast) -> UUID:
    """The first meeting of a season, its agenda drawn by the rules, with an admission on it."""
    with cast.session() as session:
        seat_everyone(session, cast)
        schedule.plan_season(
            session,
            "clinical",
            first=FIRST,
            last=FIRST + timedelta(days=28),
            hour=time(9, 30),
            by=cast.actor("coordinator"),
            at=AT,
        )
        admission(session, cast)
        first = agenda_application.meeting(session, FIRST)
        assembling.assemble(session, first, by=cast.actor("coordinator"), at=AT)
    return first


def signed_in(cast: Cast, name: str, at: datetime = AT) -> TestClient:
    return client_for(cast.database, cast.people[name], at=at)


def on(cast: Cast, meeting_id: UUID) -> list[PresentedItem]:
    with cast.session() as session:
        return items_of(session, meeting_id)


def pool(cast: Cast) -> list[PresentedItem]:
    with cast.session() as session:
        return pool_of(session, committee_of(session, "clinical").id)


def row(cast: Cast, meeting_id: UUID) -> Any:
    with cast.session() as session:
        return session.execute(select(_meeting).where(_meeting.c.id == meeting_id)).one()


def one(cast: Cast, item_id: UUID) -> PresentedItem:
    with cast.session() as session:
        return item_of(session, item_id)


def the_admission(cast: Cast, meeting_id: UUID) -> PresentedItem:
    return next(found for found in on(cast, meeting_id) if found.kind == "admission")


def asked(cast: Cast, name: str, title: str, **more: Any) -> UUID:
    with cast.session() as session:
        words = {"title_fr": title, "title_en": f"{title} (en)", **more}
        return agenda_requests.request(session, "clinical", by=cast.actor(name), at=AT, **words)


def sent(cast: Cast) -> int:
    with cast.session() as session:
        of_agendas = _notice.c.template == "meeting_agenda"
        return session.scalar(select(func.count()).select_from(_notice).where(of_agendas)) or 0


def shown_by(page: str) -> dict[str, str]:
    """The fields that the page before the letters sends on."""
    form = page[page.index('<h2 id="letters-title"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def freeze(client: TestClient, cast: Cast, meeting_id: UUID) -> None:
    path = f"/meetings/{meeting_id}/agenda/freezing"
    before = client.post(path, data={"seen": row(cast, meeting_id).version})
    assert client.post(path, data=shown_by(before.text)).status_code == 303


@pytest.mark.ci
def test_each_item_says_in_the_reader_s_language_why_it_is_there(cast: Cast, here: UUID) -> None:
    path = f"/meetings/{here}/agenda"
    client = signed_in(cast, "coordinator")
    client.headers["Accept-Language"] = "en"
    page = text_of(client.get(path).text)
    assert "Admission #2026-07" in page
    assert "Admissions and hand-overs" in page
    assert "In turn: the last one the time before comes first." in page
    assert "for: Those who hold a seat" in page
    assert "On Dec 1, 2026 at 9:30 a.m. it is frozen and sent automatically." in page, "no sentence ends in a.m.."


@pytest.mark.ci
def test_who_may_not_see_the_meeting_finds_no_agenda_and_who_sits_there_finds_nothing_to_change(
    cast: Cast, here: UUID
) -> None:
    path = f"/meetings/{here}/agenda"
    assert signed_in(cast, "manager_codim").get(path).status_code == 404
    member = signed_in(cast, "worker_codim").get(path)
    assert member.status_code == 200
    assert "Admission #2026-07" in member.text
    for act in ("/assembly", "/freezing", "/removal", "/place"):
        assert f'{act}"' not in member.text
    of_item = the_admission(cast, here)
    for act in ("", "/place", "/removal", "/restoring", "/scheduling", "/late", "/late-refusal"):
        done = signed_in(cast, "worker_codim").post(f"{path}/items/{of_item.id}{act}", data={"seen": 1})
        assert done.status_code == 404, act
    assert the_admission(cast, here) == of_item


def test_a_title_is_changed_and_what_another_changed_meanwhile_is_not_written_over(cast: Cast, here: UUID) -> None:
    before = the_admission(cast, here)
    path = f"/meetings/{here}/agenda/items/{before.id}"
    form = {
        "seen": before.version,
        "title_fr": "Admission #2026-07, suite",
        "title_en": "Admission #2026-07, continued",
        "minutes": "25",
        "purpose": "discussion",
        "audience": "seats",
        "presenter": "",
    }
    client = signed_in(cast, "coordinator")
    done = client.post(path, data=form)
    assert (done.status_code, done.headers["location"]) == (303, f"/meetings/{here}/agenda#item-{before.id}")
    now = one(cast, before.id)
    assert (now.title_en, now.minutes, now.purpose) == ("Admission #2026-07, continued", 25, "discussion")
    assert now.presenter_seat_id is None
    late = client.post(path, data=form | {"title_fr": "Ce que je tapais"})
    assert late.status_code == 412
    assert "Ce que je tapais" in late.text
    assert one(cast, before.id) == now


@pytest.mark.wide(3)
@pytest.mark.parametrize("minutes", ["-1", "dix", "10.5", "١٠", "99999", "700"])
def test_minutes_that_are_no_number_are_refused_with_what_was_typed(cast: Cast, here: UUID, minutes: str) -> None:
    before = the_admission(cast, here)
    done = signed_in(cast, "coordinator").post(
        f"/meetings/{here}/agenda/items/{before.id}",
        data={"seen": before.version, "title_fr": "Un autre titre", "minutes": minutes},
    )
    assert done.status_code in (409, 422)
    assert "Un autre titre" in done.text
    assert one(cast, before.id) == before


@pytest.mark.ci
def test_an_item_is_moved_by_one_and_to_a_place_and_no_further_than_the_ends(cast: Cast, here: UUID) -> None:
    client = signed_in(cast, "coordinator")

    def move(**how: str) -> int:
        found = the_admission(cast, here)
        done = client.post(f"/meetings/{here}/agenda/items/{found.id}/place", data={"seen": found.version, **how})
        assert done.status_code == 303, done.text
        return [each.id for each in on(cast, here)].index(found.id) + 1

    last = len(on(cast, here))
    assert last > 3
    assert move(place="1") == 1
    assert move(to="up") == 1
    assert move(to="down") == 2
    assert move(place="999") == last
    assert move(to="down") == last
    found = the_admission(cast, here)
    path = f"/meetings/{here}/agenda/items/{found.id}/place"
    for wrong in ("", "0", "deux"):
        assert client.post(path, data={"seen": found.version, "place": wrong}).status_code in (409, 422)
    assert the_admission(cast, here).position == found.position


@pytest.mark.ci
def test_what_is_taken_off_waits_or_can_be_put_on_again(cast: Cast, here: UUID) -> None:
    client = signed_in(cast, "coordinator")
    drawn = next(each for each in on(cast, here) if each.kind == "standing")
    for found in (the_admission(cast, here), drawn):
        path = f"/meetings/{here}/agenda/items/{found.id}/removal"
        assert client.post(path, data={"seen": found.version}).status_code == 303
    (waiting,) = [each for each in pool(cast) if each.kind == "admission"]
    assert drawn.id not in {each.id for each in on(cast, here)}
    client.post(f"/meetings/{here}/agenda/assembly")
    assert drawn.subject not in {each.subject for each in on(cast, here)}, "what people took off stays off"

    assert text_of(client.get(f"/meetings/{here}/agenda").text).count(drawn.title_fr) == 1
    off = one(cast, drawn.id)
    back = client.post(f"/meetings/{here}/agenda/items/{off.id}/restoring", data={"seen": off.version})
    assert back.status_code == 303
    assert drawn.subject in {each.subject for each in on(cast, here)}
    waiting = one(cast, waiting.id)
    put = client.post(f"/meetings/{here}/agenda/items/{waiting.id}/scheduling", data={"seen": waiting.version})
    assert put.status_code == 303
    assert on(cast, here)[-1].id == waiting.id


@pytest.mark.ci
def test_a_member_asks_and_takes_back_their_own_and_nobody_else_s(cast: Cast, here: UUID) -> None:
    path = f"/meetings/{here}/agenda/items"
    member = signed_in(cast, "worker_codim")
    done = member.post(path, data={"title_fr": "La halte-chaleur", "minutes": "", "purpose": "discussion"})
    assert (done.status_code, done.headers["location"]) == (303, f"/meetings/{here}/agenda#mine")
    (made,) = [each for each in pool(cast) if each.kind == "request"]
    assert (made.title_fr, made.asked_by) == ("La halte-chaleur", cast.people["worker_codim"])
    assert "La halte-chaleur" in member.get(f"/meetings/{here}/agenda").text
    other = signed_in(cast, "worker_ccsmtl")
    assert "La halte-chaleur" not in other.get(f"/meetings/{here}/agenda").text
    withdrawal = f"{path}/{made.id}/withdrawal"
    assert other.post(withdrawal, data={"seen": made.version}).status_code == 404
    assert member.post(withdrawal, data={"seen": made.version}).status_code == 303
    assert one(cast, made.id).state == "withdrawn"
    empty = member.post(path, data={"title_fr": " ", "title_en": "", "minutes": "15", "purpose": "discussion"})
    assert empty.status_code in (409, 422)
    assert 'value="15"' in empty.text
    assert [each for each in pool(cast) if each.kind == "request"] == []


@pytest.mark.ci
def test_the_agenda_says_by_how_much_it_is_longer_than_the_meeting(cast: Cast, here: UUID) -> None:
    found = the_admission(cast, here)
    client = signed_in(cast, "coordinator")
    client.headers["Accept-Language"] = "en"
    assert "over the length of the meeting" not in client.get(f"/meetings/{here}/agenda").text
    with cast.session() as session:
        agendas.edit(session, found.id, minutes=600, by=cast.actor("coordinator"), at=AT)
    over = sum(each.minutes for each in on(cast, here)) - 150
    page = client.get(f"/meetings/{here}/agenda").text
    assert f"The items run {over} minutes over the length of the meeting." in page


@pytest.mark.ci
def test_freezing_is_asked_twice_and_shows_before_it_who_reads_how_much(cast: Cast, here: UUID) -> None:
    with cast.session() as session:
        by = cast.actor("coordinator")
        schedule.invite_guest(session, here, cast.people["research_coordinator"], by=by, at=AT)
    client = signed_in(cast, "coordinator")
    client.headers["Accept-Language"] = "en"
    path = f"/meetings/{here}/agenda/freezing"
    before = client.post(path, data={"seen": row(cast, here).version})
    assert before.status_code == 200
    assert "Nothing has been changed yet." in before.text
    assert row(cast, here).agenda_frozen_at is None
    assert sent(cast) == 0
    everything, widest = text_of(before.text), len(on(cast, here))
    assert f"{widest} items" in everything
    lines = re.findall(r"<tr\b.*?</tr>", before.text, re.DOTALL)
    guest = next(text_of(line) for line in lines if str(cast.people["research_coordinator"]) in line)
    assert f"{widest} items" not in guest, "whoever holds no seat reads fewer"

    # Somebody asks for one more meanwhile: nothing goes out that was not seen.
    with cast.session() as session:
        late = agenda_requests.request(session, "clinical", title_fr="Vite", title_en="Quick", by=by, at=AT)
        agendas.put_on(session, late, here, by=by, at=AT)
    again = client.post(path, data=shown_by(before.text))
    assert (again.status_code, sent(cast)) == (200, 0)
    assert "Check again" in again.text
    done = client.post(path, data=shown_by(again.text))
    assert (done.status_code, done.headers["location"]) == (303, f"/meetings/{here}/agenda#documents")
    assert row(cast, here).agenda_frozen_at == AT
    assert [each.number for each in on(cast, here)] == [str(n) for n in range(1, widest + 2)]
    told = sent(cast)
    assert told > 5
    twice = client.post(path, data=shown_by(again.text))
    assert (twice.status_code, twice.headers["location"]) == (303, done.headers["location"]), (
        "it is done, by two fingers"
    )
    assert client.post(path, data={**shown_by(again.text), "seen": row(cast, here).version}).status_code == 409
    assert client.post(path, data=shown_by(before.text)).status_code in (409, 412), "a page that did nothing is none"
    assert sent(cast) == told


@pytest.mark.ci
def test_frozen_or_drawn_by_hand_an_agenda_has_what_a_meeting_left_that_nobody_closed(cast: Cast, here: UUID) -> None:
    item = asked(cast, "coordinator", "Horaire")
    with cast.session() as session:
        agendas.put_on(session, item, here, by=cast.actor("coordinator"), at=AT)
        second, third = agenda_application.meeting(session, SECOND), agenda_application.meeting(session, THIRD)
    client = signed_in(cast, "coordinator", OVER)
    client.headers["Accept-Language"] = "en"

    def titles(meeting_id: UUID) -> list[str]:
        return [found.title_en for found in on(cast, meeting_id)]

    before = client.post(f"/meetings/{second}/agenda/freezing", data={"seen": row(cast, second).version})
    text = text_of(before.text)
    assert "Left by meetings that were not closed" in text, text
    assert "Horaire (en)" in before.text
    assert (titles(second), one(cast, item).outcome) == ([], ""), "nothing has been changed yet"
    assert client.post(f"/meetings/{third}/agenda/assembly").status_code == 303
    assert "Horaire (en)" in titles(third)
    path = f"/api/v1/meetings/{second}/agenda/freezing"
    assert client.post(path, headers={"If-Match": f'"{row(cast, second).version}"'}).status_code == 200


@pytest.mark.ci
def test_a_missing_translation_stops_the_freezing_and_says_which_item(cast: Cast, here: UUID) -> None:
    made = asked(cast, "coordinator", "La halte-chaleur", title_en="")
    with cast.session() as session:
        agendas.put_on(session, made, here, by=cast.actor("coordinator"), at=AT)
    client = signed_in(cast, "coordinator")
    client.headers["Accept-Language"] = "en"
    place = len(on(cast, here))
    page = " ".join(client.get(f"/meetings/{here}/agenda").text.split())
    assert "Titles are missing" in page
    assert f'In English: <a href="#item-{made}">item {place}</a>' in page
    done = client.post(f"/meetings/{here}/agenda/freezing", data={"seen": row(cast, here).version})
    assert done.status_code == 409
    assert "La halte-chaleur" in done.text
    assert row(cast, here).agenda_frozen_at is None
    assert sent(cast) == 0


@pytest.mark.ci
def test_what_comes_late_is_an_addendum_by_the_host_s_yes_or_waits(cast: Cast, here: UUID) -> None:
    client = signed_in(cast, "coordinator")
    freeze(client, cast, here)
    numbers = {each.id: each.number for each in on(cast, here)}
    before, path = sent(cast), f"/meetings/{here}/agenda/items"
    member = signed_in(cast, "worker_codim")
    form = {"title_fr": "Cette nuit", "title_en": "Last night", "purpose": "discussion"}
    assert member.post(path, data=form).status_code in (409, 422), "late, and no reason given"
    assert member.post(path, data=form | {"late_reason": "Arrivé cette nuit."}).status_code == 303
    (late,) = [each for each in pool(cast) if each.kind == "request"]
    assert "Arrivé cette nuit." in client.get(f"/meetings/{here}/agenda").text

    add = f"{path}/{late.id}/late"
    shown = client.post(add, data={"seen": late.version, "reason": "Arrivé cette nuit."})
    assert (shown.status_code, sent(cast)) == (200, before)
    assert client.post(add, data=shown_by(shown.text)).status_code == 303
    now = {each.id: each.number for each in on(cast, here)}
    added = now.pop(late.id)
    assert now == numbers, "printed copies stay right"
    assert re.fullmatch(r"\d+\.1", surely(added))
    assert sent(cast) > before

    assert member.post(path, data=form | {"late_reason": "Encore."}).status_code == 303
    (other,) = [each for each in pool(cast) if each.kind == "request"]
    refused = client.post(f"{path}/{other.id}/late-refusal", data={"seen": other.version})
    assert refused.status_code == 303
    with cast.session() as session:
        assert agenda_requests.late_requests(session, here) == []
        assert [each.id for each in pool_of(session, row(cast, here).committee_id)] == [other.id]


@pytest.mark.ci
def test_each_reads_the_papers_of_their_audience(cast: Cast, here: UUID) -> None:
    with cast.session() as session:
        by = cast.actor("coordinator")
        schedule.invite_guest(session, here, cast.people["research_coordinator"], by=by, at=AT)
    client = signed_in(cast, "coordinator")
    freeze(client, cast, here)
    path = f"/meetings/{here}/agenda"
    sizes = {}
    for name in ("worker_codim", "research_coordinator"):
        for form, kind in (("pdf", "application/pdf"), ("docx", "application/vnd.openxmlformats")):
            answer = signed_in(cast, name).get(f"{path}.{form}?version=1&edition=en")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(kind)
            assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.\w+"', answer.headers["content-disposition"])
            sizes[name, form] = len(answer.content)
    assert sizes["research_coordinator", "docx"] < sizes["worker_codim", "docx"]
    assert signed_in(cast, "manager_codim").get(f"{path}.pdf?version=1").status_code == 404
    for wrong in ("version=2", "version=0", "version=x", "version=1&edition=de", ""):
        assert client.get(f"{path}.pdf?{wrong}").status_code in (404, 409, 422), wrong


@pytest.mark.ci
def test_the_agenda_of_a_meeting_that_is_over_is_kept_as_it_is(cast: Cast, here: UUID) -> None:
    with cast.session() as session:
        freezing.freeze(session, here, by=cast.actor("coordinator"), at=AT)
        agenda_application.hold(session, here)
    client = signed_in(cast, "coordinator", at=OVER)
    page = client.get(f"/meetings/{here}/agenda")
    assert page.status_code == 200
    for act in ("/assembly", "/freezing", "/items"):
        assert f'agenda{act}"' not in page.text
    found = on(cast, here)
    version = found[0].version
    tries = [
        client.post(f"/meetings/{here}/agenda/assembly"),
        client.post(f"/meetings/{here}/agenda/items", data={"title_fr": "Trop tard"}),
        client.post(f"/meetings/{here}/agenda/items/{found[0].id}", data={"seen": version, "title_fr": "Autre"}),
        client.post(f"/meetings/{here}/agenda/freezing", data={"seen": row(cast, here).version}),
    ]
    assert {one.status_code for one in tries} == {409}
    assert on(cast, here) == found


@pytest.mark.ci
def test_an_item_of_another_meeting_or_committee_is_not_found_here(cast: Cast, here: UUID) -> None:
    found = the_admission(cast, here)
    with cast.session() as session:
        second, third = (agenda_application.meeting(session, day) for day in (SECOND, THIRD))
        steering = agenda_requests.request(
            session, "steering", title_fr="Budget", title_en="Budget", by=cast.actor("coordinator"), at=AT
        )
    client = signed_in(cast, "coordinator")
    for meeting_id, item_id in ((second, found.id), (third, found.id), (here, steering)):
        path = f"/meetings/{meeting_id}/agenda/items/{item_id}"
        assert client.post(path, data={"seen": 1, "title_fr": "Autre"}).status_code == 404
    assert the_admission(cast, here) == found


def test_words_that_would_be_markup_stay_words(cast: Cast, here: UUID) -> None:
    hard = "<script>alert(1)</script> L’étage"
    made = asked(cast, "worker_codim", hard)
    for name in ("coordinator", "worker_codim"):
        page = signed_in(cast, name).get(f"/meetings/{here}/agenda").text
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page
    assert made in {each.id for each in pool(cast)}
