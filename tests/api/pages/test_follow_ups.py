"""Follow-ups on their pages: a worker's week, the coordinator's view by worker, and who reads what was written."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from domain.accompaniment import breaks, states
from domain.follow_ups import assigning, contacts
from domain.follow_ups.week_row import Week
from domain.kernel.actors import Actor
from domain.participants import research
from domain.people.absences import record_absence
from domain.terms.parts import PRIMARY
from models.base import table_of
from models.record import Event
from tests.api.application import client_for
from tests.api.pages.looking import fields_of, signed_in, text_of
from tests.casework import open_onboarding
from tests.cast import AT, TODAY, Cast
from tests.following import SECOND, THIRD, WORKER, agreed, bar, followed, left_without_consent, parts, row_of, tasks_of
from tests.meetings.sitting import seat_everyone
from tests.noting import write_note

_event = table_of(Event)
DAY = timedelta(days=1)
WORDS = "Elle veut parler de son <b>logement</b>."


@pytest.fixture
def follow_up(cast: Cast) -> UUID:
    """A follow-up with a note whose words are sealed; the committees' seats are held."""
    with cast.session() as session:
        agreed(session, cast)
        seat_everyone(session, cast)
        made = followed(session, cast, second=SECOND)
        write_note(session, made, TODAY, Week(met=1, minutes=45, summary=WORDS), by=cast.actor(WORKER), at=AT)
        return made


def test_an_activity_of_more_minutes_than_a_day_has_is_told_how_long_it_may_be(cast: Cast, follow_up: UUID) -> None:
    plan = {"held_on": TODAY.isoformat(), "begins": "20:00", "place": "Parc", "kind": "outing", "once": "1"}
    worker = signed_in(cast, WORKER)
    for minutes, said in (("1000000", "An activity lasts from 15 to"), ("an hour", "Write how many minutes it lasts")):
        page = worker.post("/activities", data={**plan, "follow_up": str(follow_up), "minutes": minutes})
        assert page.status_code == 422
        assert said in page.text


@pytest.mark.ci
def test_who_is_being_welcomed_is_offered_with_what_is_left_first_on_the_page_and_over_json(
    cast: Cast, follow_up: UUID
) -> None:
    case_id = open_onboarding(cast, THIRD, "anonyme")
    context = signed_in(cast, "coordinator")
    context.headers["accept-language"] = "fr"
    here = f"/follow-ups/{follow_up}"
    left = "Présenter le programme (Agate Améthyste)"
    page = text_of(context.get(here).text)
    assert f'<option value="{cast.people[THIRD]}"' not in context.get(here).text
    assert "accueil pas assez avancé; il reste d’abord à faire" in page
    assert left in page
    assert left in text_of(context.get("/caseload").text)
    row = {"seen": "1", "kind": "primary", "instead_of": str(cast.people[WORKER]), "worker": str(cast.people[THIRD])}
    with cast.session() as session:
        row["seen"] = str(row_of(session, follow_up)["version"])
    answer = context.post(f"{here}/workers", data=row)
    assert answer.status_code == 409
    assert "L’accueil de cette personne n’est pas assez avancé" in text_of(answer.text)
    loads = {one["person_id"]: one for one in context.get("/api/v1/caseload").json()["loads"]}
    shown = loads[str(cast.people[THIRD])]
    assert shown["bars"] == ["onboarding"]
    assert {"case_id": str(case_id), "step": "introduce_program", "title": "Présenter le programme"}.items() <= shown[
        "waits_for"
    ][2].items()
    # And the case itself says where its gate stands.
    case = text_of(context.get(f"/cases/{case_id}").text)
    assert "Peut suivre des participant·es" in case
    assert "Seulement une fois ces tâches faites" in case


def later(cast: Cast, name: str, days: int) -> TestClient:
    """A browser some days later."""
    return client_for(cast.database, cast.people[name], at=AT + days * DAY)


def readings(cast: Cast) -> list[tuple[UUID | None, str, str]]:
    """Who was given what, and on what ground."""
    with cast.session() as session:
        rows = session.execute(
            select(_event.c.actor_id, _event.c.facts).where(_event.c.verb == "read").order_by(_event.c.n)
        )
        return [(row.actor_id, row.facts["what"], row.facts["ground"]) for row in rows]


@pytest.mark.ci
def test_a_worker_writes_the_weeks_note_from_their_caseload(cast: Cast, follow_up: UUID) -> None:
    worker = later(cast, WORKER, 7)
    page = worker.get("/caseload")
    assert "#2026-01" in page.text
    assert "Week of" in text_of(page.text)
    form = {"seen": "0", "met": "2", "minutes": "90", "summary": WORDS, "complete": "yes", "back": "week"}
    answer = worker.post(f"/follow-ups/{follow_up}/notes/2026-11-30", data=form)
    place = f"/caseload/week?week=2026-11-30#row-{follow_up}-2026-11-30"
    assert (answer.status_code, answer.headers["location"]) == (303, place)
    assert "Every note is written." in text_of(worker.get("/caseload").text)
    shown = text_of(worker.get(f"/follow-ups/{follow_up}").text)
    assert "2 meetings in person, 90 min" in shown
    assert "logement" not in shown


@pytest.mark.parametrize(
    ("back", "page"), [("week", "/caseload/week?week=2026-11-23"), ("weeks", "/follow-ups/{id}/weeks")]
)
def test_the_rows_show_no_words_until_one_row_is_opened_and_that_is_on_record(
    cast: Cast, follow_up: UUID, back: str, page: str
) -> None:
    worker, place = later(cast, WORKER, 7), page.format(id=follow_up)
    before = len(readings(cast))
    assert "logement" not in worker.get(place).text
    assert len(readings(cast)) == before
    opened = f"&opened={follow_up}" if back == "week" else "?opened=2026-11-23"
    assert "logement" in worker.get(place + opened).text
    assert readings(cast)[before:] == [(cast.people[WORKER], "weekly_note", "part")]


def test_only_who_follows_or_coordinates_sees_the_rows_of_a_follow_up(cast: Cast, follow_up: UUID) -> None:
    for who, status in ((WORKER, 200), (SECOND, 200), ("coordinator", 200), ("police", 404), (THIRD, 404)):
        assert signed_in(cast, who).get(f"/follow-ups/{follow_up}/weeks").status_code == status
    with cast.session() as session:
        bar(session, cast, follow_up, cast.people[SECOND])
    second = signed_in(cast, SECOND)
    assert second.get(f"/follow-ups/{follow_up}/weeks").status_code == 404
    assert "#2026-01" not in second.get("/caseload/week").text
    assert second.put(f"/api/v1/follow-ups/{follow_up}/notes/2026-11-23", json={"met": 3}).status_code == 404
    assert second.post(f"/follow-ups/{follow_up}/notes/2026-11-23", data={"met": "3"}).status_code == 404


def test_after_an_assignment_ended_its_worker_writes_no_note_of_it_and_the_next_one_does(
    cast: Cast, follow_up: UUID
) -> None:
    with cast.session() as session:
        by = cast.actor("coordinator")
        assigning.assign_worker(
            session,
            follow_up,
            cast.people[THIRD],
            kind="primary",
            instead_of=cast.people[WORKER],
            by=by,
            at=AT + 8 * DAY,
        )
    here = f"/api/v1/follow-ups/{follow_up}/notes"
    before, after = later(cast, WORKER, 9), later(cast, THIRD, 9)
    assert before.put(f"{here}/2026-11-30", json={"met": 1}).status_code == 404
    assert before.put(f"{here}/2026-11-23", json={"met": 1}).status_code == 404
    assert after.put(f"{here}/2026-11-30", json={"met": 1}).status_code == 200


@pytest.mark.usefixtures("follow_up")
def test_what_a_browser_keeps_is_under_a_key_of_one_sign_in_alone(cast: Cast) -> None:
    keys = {later(cast, who, 7).get("/caseload/key").json()["key"] for who in (WORKER, WORKER, SECOND)}
    assert len(keys) == 3
    worker = later(cast, WORKER, 7)
    assert len({worker.get("/caseload/key").json()["key"] for _ in range(2)}) == 1
    assert worker.get("/caseload/key").json()["key"] in worker.get("/caseload/week").text


def test_what_is_given_of_a_note_leaves_the_rest_of_it_as_it_was(cast: Cast, follow_up: UUID) -> None:
    worker, here = later(cast, WORKER, 7), f"/api/v1/follow-ups/{follow_up}/notes/2026-11-23"
    saved = worker.put(here, json={"need": "recovery", "complete": None, "seen": 1})
    shown = saved.json()
    assert (shown["version"], shown["met"], shown["minutes"], shown["is_complete"]) == (2, 1, 45, True)
    assert worker.get(here).json()["summary"] == WORDS
    assert worker.put(here, json={"other_workers": "Appel au CLSC.", "seen": 1}).status_code == 412
    assert worker.put(here, json={"met": 0, "minutes": 0, "complete": None, "seen": 2}).json()["is_complete"] is False
    assert worker.put(here, json={"met": 1, "minutes": 400}).json()["code"] == "minutes.long"
    assert worker.put(here, json={"met": 1, "minutes": 400, "confirmed": True}).status_code == 200
    assert worker.put(here, json={"need": "stability"}).status_code == 200  # asked once, and not again


def test_who_writes_a_week_after_another_sees_both_on_record_and_loses_nothing_by_page_and_by_json(
    cast: Cast, follow_up: UUID
) -> None:
    worker, second = later(cast, WORKER, 7), later(cast, SECOND, 7)
    here = f"/follow-ups/{follow_up}/notes/2026-11-30"
    theirs = {"met": 2, "minutes": 60, "need": "recovery", "summary": "Vue au CLSC.", "seen": 0}
    assert worker.put(f"/api/v1{here}", json=theirs).status_code == 200
    mine = {"met": "1", "minutes": "30", "summary": "Appel de l’école.", "main_activity": "Marche", "opened": "yes"}
    answer = second.post(here, data={**mine, "seen": "0", "complete": "yes"})
    assert answer.status_code == 412
    assert "They wrote: 2 meetings, 60 min, recovery. Summary of the week: Vue au CLSC." in text_of(answer.text)
    assert "Vue au CLSC.\n\nAppel de l’école.</textarea>" in answer.text
    assert readings(cast)[-1] == (cast.people[SECOND], "weekly_note", "part")
    sent = fields_of(answer.text, here)
    shown = [sent[name] for name in ("seen", "met", "need", "main_activity")]
    assert shown == [["1"], ["1"], ["recovery"], ["Marche"]]
    sent["why_none"] = [""]  # as a browser sends a menu in which nothing is chosen
    assert second.post(here, data={name: value for name, value in sent.items() if any(value)}).status_code == 303
    assert worker.get(f"/api/v1{here}").json()["summary"] == "Vue au CLSC.\n\nAppel de l’école."
    assert worker.put(f"/api/v1{here}", json={"summary": "Autre chose.", "seen": 1}).status_code == 412
    assert worker.get(f"/api/v1{here}").json()["summary"] == "Vue au CLSC.\n\nAppel de l’école."


def test_a_note_that_says_nothing_is_refused_and_what_was_typed_stays(cast: Cast, follow_up: UUID) -> None:
    worker = later(cast, WORKER, 7)
    here = f"/follow-ups/{follow_up}/notes/2026-11-30"
    answer = worker.post(here, data={"summary": "À revoir", "complete": "yes"})
    assert answer.status_code == 422
    assert "Say that you met" in text_of(answer.text)
    assert "À revoir" in answer.text
    assert worker.post(here, data={"met": "two"}).status_code == 422
    assert worker.post(here, data={"complete": "no"}).status_code == 303


@pytest.mark.parametrize("back", ["week", "weeks"])
@pytest.mark.parametrize(
    ("week", "why"), [("2027-05-03", "This week has not begun."), ("2026-08-03", "too long ago to be noted now.")]
)
def test_of_a_week_to_come_or_of_long_ago_it_is_said_that_no_note_may_be_written(
    cast: Cast, follow_up: UUID, back: str, week: str, why: str
) -> None:
    worker = later(cast, WORKER, 7)
    answer = worker.post(
        f"/follow-ups/{follow_up}/notes/{week}", data={"met": "1", "summary": "Au musée", "back": back}
    )
    assert answer.status_code == 422
    assert why in text_of(answer.text)
    shown = text_of(worker.get(f"/caseload/week?week={week}").text)
    assert why in shown
    assert "Below is the present week." in shown
    assert "Week of November 30, 2026" in shown


@pytest.mark.parametrize(
    ("who", "ground"), [(WORKER, "part"), (SECOND, "part"), ("coordinator", "role"), ("police", "committee")]
)
def test_the_words_are_opened_by_whoever_follows_the_coordinator_and_the_clinic_each_on_record(
    cast: Cast, follow_up: UUID, who: str, ground: str
) -> None:
    page = signed_in(cast, who).get(f"/follow-ups/{follow_up}/notes/{TODAY.isoformat()}")
    assert page.status_code == 200
    assert "Elle veut parler de son &lt;b&gt;logement&lt;/b&gt;." in page.text
    assert readings(cast) == [(cast.people[who], "weekly_note", ground)]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("who", ["researcher", "manager_ccsmtl", "director_ccsmtl", "officer", "administrator"])
def test_nobody_else_sees_that_there_is_a_follow_up(cast: Cast, follow_up: UUID, who: str) -> None:
    client = signed_in(cast, who)
    for path in ("", f"/notes/{TODAY.isoformat()}", "/break-terms"):
        assert client.get(f"/follow-ups/{follow_up}{path}").status_code == 404
    assert client.get("/caseload").status_code == 404
    assert readings(cast) == []


@pytest.mark.ci
def test_a_barred_worker_sees_nothing_whatever_else_they_are(cast: Cast, follow_up: UUID) -> None:
    assert signed_in(cast, "police").get(f"/follow-ups/{follow_up}").status_code == 200
    with cast.session() as session:
        for name in ("police", WORKER):
            bar(session, cast, follow_up, cast.people[name])
    for name in ("police", WORKER):
        assert signed_in(cast, name).get(f"/follow-ups/{follow_up}").status_code == 404
    assert "#2026-01" not in signed_in(cast, WORKER).get("/caseload").text


def test_one_on_a_break_whom_nobody_accompanies_is_seen_as_such(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        by = cast.actor("coordinator")
        back = TODAY + timedelta(days=60)
        unwritten = followed(session, cast, "#2026-02")
        for one in (follow_up, unwritten):
            breaks.take_break(session, one, returns_on=back, terms="J’appelle.", by=by, at=AT)
    weeks = text_of(signed_in(cast, WORKER).get(f"/follow-ups/{unwritten}/weeks").text)
    assert weeks.count("on a break") == 1, "the row of a week says why no note is asked for"
    with cast.session() as session:
        assigning.end_part(session, follow_up, cast.people[WORKER], by=by, at=AT)
    shown = text_of(signed_in(cast, "coordinator").get("/caseload").text)
    assert "No worker assigned 1 #2026-01 (On a break) Vacant" in shown


@pytest.mark.ci
def test_the_coordinator_sees_every_worker_whom_nobody_has_and_gives_it(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        vacant = followed(session, cast, "#2026-02", worker=None)
    coordinator = signed_in(cast, "coordinator")
    shown = text_of(coordinator.get("/caseload").text)
    assert "No worker assigned 1 #2026-02 Vacant" in shown
    assert "Silex Marbre" in shown
    page = coordinator.get(f"/follow-ups/{vacant}")
    assert f'value="{cast.people[THIRD]}"' in page.text
    form = {"worker": str(cast.people[THIRD]), "kind": "primary", "instead_of": "", "seen": "2"}
    with cast.session() as session:
        form["seen"] = str(row_of(session, vacant)["version"])
    assert coordinator.post(f"/follow-ups/{vacant}/workers", data=form).status_code == 303
    with cast.session() as session:
        assert parts(session, vacant) == [("primary", cast.people[THIRD], TODAY, None)]
    again = coordinator.post(f"/follow-ups/{vacant}/workers", data=form)
    assert again.status_code == 412
    assert "This follow-up was changed by someone else" in text_of(again.text)
    assert follow_up != vacant


def test_a_worker_assigns_nobody_and_the_clinic_changes_nothing(cast: Cast, follow_up: UUID) -> None:
    form = {"worker": str(cast.people[THIRD]), "kind": "primary", "instead_of": str(cast.people[WORKER])}
    assert signed_in(cast, WORKER).post(f"/follow-ups/{follow_up}/workers", data=form).status_code == 404
    police = signed_in(cast, "police")
    assert (
        police.post(f"/follow-ups/{follow_up}/state", data={"move": "deactivate", "reason": "withdrew"}).status_code
        == 404
    )
    assert (
        police.post(f"/follow-ups/{follow_up}/notes", data={"week": TODAY.isoformat(), "met": "1"}).status_code == 404
    )


@pytest.mark.ci
def test_attempts_missed_meetings_breaks_and_endings_are_done_from_the_page(cast: Cast, follow_up: UUID) -> None:
    worker, here = later(cast, WORKER, 1), f"/follow-ups/{follow_up}"
    tomorrow = (TODAY + DAY).isoformat()
    assert worker.post(f"{here}/attempts", data={"means": "call", "reached": "no", "day": tomorrow}).status_code == 303
    assert worker.post(f"{here}/attempts", data={"means": "call", "day": tomorrow}).status_code == 422
    missed = {"day": TODAY.isoformat(), "hour": "10:00", "minutes": "15"}
    assert worker.post(f"{here}/missed-meetings", data=missed).status_code == 303
    with cast.session() as session:
        (one,) = contacts.no_shows_of(session, follow_up)
        # Wall time of the program: 10:00 in Montréal.
        assert one.expected_at == AT + timedelta(hours=1)
    assert (
        worker.post(f"{here}/missed-meetings/{one.id}/strategy", data={"strategy": "another_place"}).status_code == 303
    )
    shown = text_of(worker.get(here).text)
    assert "Attempts without an answer: 1 of 2" in shown
    assert "agreed: another place or way" in shown
    pause = {"move": "pause", "returns_on": (TODAY + 10 * DAY).isoformat(), "terms": "Je rappelle moi-même."}
    assert worker.post(f"{here}/state", data=pause).status_code == 303
    assert "Je rappelle" not in worker.get(here).text
    assert "Je rappelle" in worker.get(f"{here}/break-terms").text
    with cast.session() as session:
        assert breaks.open_break(session, follow_up) is not None
    assert worker.post(f"{here}/state", data={"move": "resume"}).status_code == 303
    ended = worker.post(f"{here}/state", data={"move": "deactivate", "reason": "withdrew"})
    assert ended.status_code == 303
    # Nobody accompanies them any more: the page is no longer the worker's; the coordinator takes it up again.
    assert worker.get(here).status_code in (200, 404)
    coordinator = later(cast, "coordinator", 2)
    assert "The participant withdraws" in text_of(coordinator.get(here).text)
    assert coordinator.post(f"{here}/state", data={"move": "reactivate"}).status_code == 422, "never vacant in silence"
    assert coordinator.post(f"{here}/state", data={"move": "reactivate", "worker": "nobody_yet"}).status_code == 303
    with cast.session() as session:
        assert [one["state"] for one in tasks_of(session, assigning.FIND_A_WORKER)][-1] == "open"


@pytest.mark.ci
def test_nobody_is_offered_to_take_up_a_follow_up_that_the_participant_does_not_share_with_them(cast: Cast) -> None:
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        participant_id = row_of(session, follow_up)["participant_id"]
    worker = later(cast, WORKER, 1)
    here = f"/follow-ups/{follow_up}"
    assert worker.post(f"{here}/state", data={"move": "deactivate", "reason": "withdrew"}).status_code == 303
    with cast.session() as session:
        left_without_consent(session, participant_id)
    shown = worker.get(f"{here}/ended").text
    assert f"{here}/taking-up" not in shown
    assert worker.post(f"{here}/taking-up").status_code == 409


@pytest.mark.ci
@pytest.mark.parametrize("end", [{"move": "deactivate", "reason": "withdrew"}, {"move": "complete", "agrees": "yes"}])
def test_whoever_ends_a_follow_up_is_told_so_on_a_page_and_may_take_it_up_again(
    cast: Cast, end: dict[str, str]
) -> None:
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        here = f"/follow-ups/{follow_up}"
    worker, other = later(cast, WORKER, 1), later(cast, SECOND, 1)
    assert worker.get(here).status_code == 200
    assert worker.get(f"{here}/ended").status_code == 404, "it has not ended"
    assert worker.post(f"{here}/state", data=end).headers["location"] == f"{here}/ended"
    assert worker.get(here).status_code == 404
    shown = worker.get(f"{here}/ended")
    assert "This follow-up has ended" in shown.text
    assert f"{here}/ended" in worker.get("/caseload").text
    form = fields_of(shown.text, f"{here}/taking-up")
    for nobody in (other, later(cast, "manager_ccsmtl", 1)):
        assert nobody.get(f"{here}/ended").status_code == 404
        assert nobody.post(f"{here}/taking-up", data=form).status_code == 404
    assert worker.post(f"{here}/taking-up", data={"seen": "1"}).status_code == 412
    assert worker.post(f"{here}/taking-up", data=form).headers["location"] == here
    assert worker.get(here).status_code == 200
    assert worker.get(f"{here}/ended").status_code == 404
    with cast.session() as session:
        assert parts(session, follow_up)[-1][:2] == ("primary", cast.people[WORKER])
        assert row_of(session, follow_up)["state"] == "active"
        assert tasks_of(session, assigning.FIND_A_WORKER) == []


@pytest.mark.ci
def test_whoever_takes_a_follow_up_up_again_is_shown_the_worker_of_before_first(cast: Cast) -> None:
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        states.deactivate(session, follow_up, "withdrew", by=cast.actor(WORKER), at=AT)
    page = later(cast, "coordinator", 1).get(f"/follow-ups/{follow_up}").text
    choices = re.search(r'<select name="worker"[^>]*id="again-worker".*?</select>', page, re.DOTALL)
    assert choices is not None
    offered = re.findall(r'value="([^"]+)"', choices[0])
    assert offered[0] == str(cast.people[WORKER])
    assert offered[-1] == "nobody_yet"
    assert "accompanied them until it ended" in choices[0]


@pytest.mark.ci
def test_a_participant_who_barred_them_is_not_taken_up_again_by_who_had_it(cast: Cast) -> None:
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        states.deactivate(session, follow_up, "withdrew", by=cast.actor(WORKER), at=AT)
        bar(session, cast, follow_up, cast.people[WORKER])
    worker = later(cast, WORKER, 1)
    assert worker.get(f"/follow-ups/{follow_up}/ended").status_code == 404
    assert worker.post(f"/follow-ups/{follow_up}/taking-up", data={}).status_code == 404
    assert str(follow_up) not in worker.get("/caseload").text


@pytest.mark.ci
def test_over_json_too_it_is_taken_up_again_with_a_worker_or_with_nobody_yet_said(cast: Cast) -> None:
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        states.deactivate(session, follow_up, "withdrew", by=cast.actor(WORKER), at=AT)
    coordinator, worker, here = later(cast, "coordinator", 1), later(cast, WORKER, 1), f"/api/v1/follow-ups/{follow_up}"
    star = {"If-Match": "*"}
    assert coordinator.put(f"{here}/state", json={"move": "reactivate"}, headers=star).status_code == 422
    both = {"move": "reactivate", "worker_id": str(cast.people[WORKER]), "nobody_yet": True}
    assert coordinator.put(f"{here}/state", json=both, headers=star).status_code == 422
    assert later(cast, SECOND, 1).post(f"{here}/taking-up", headers=star).status_code == 404
    assert worker.post(f"{here}/taking-up", headers=star).json()["state"] == "active"
    with cast.session() as session:
        assert parts(session, follow_up)[-1][:2] == ("primary", cast.people[WORKER])


def test_the_terms_of_a_break_are_read_also_from_the_day_on_which_they_apply(cast: Cast, follow_up: UUID) -> None:
    here, by = f"/follow-ups/{follow_up}", cast.actor(WORKER)
    with cast.session() as session:
        breaks.take_break(session, follow_up, returns_on=TODAY + 6 * DAY, terms="Je rappelle.", by=by, at=AT)
        breaks.come_back_if_due(session, follow_up, by=Actor.system("rounds"), at=AT + 6 * DAY)
        whose = row_of(session, follow_up)["participant_id"]
    worker = later(cast, WORKER, 6)
    assert f'href="/participants/{whose}"' in worker.get("/").text, "the task leads to what it asks to read"
    shown = worker.get(here).text
    assert f"{here}/break-terms" in shown
    assert "Back from a break since" in text_of(shown)
    assert "Je rappelle" in worker.get(f"{here}/break-terms").text
    assert readings(cast) == [(cast.people[WORKER], "break_terms", "part")]


def test_the_deputy_of_an_absent_worker_has_their_follow_ups_meanwhile(cast: Cast, follow_up: UUID) -> None:
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people[WORKER],
            starts_on=TODAY + DAY,
            ends_on=TODAY + 3 * DAY,
            deputy_id=cast.people[THIRD],
            by=cast.actor("coordinator"),
            at=AT,
        )
    assert "#2026-01" in later(cast, THIRD, 1).get("/caseload").text
    assert later(cast, THIRD, 1).get(f"/follow-ups/{follow_up}").status_code == 200
    assert "#2026-01" not in later(cast, THIRD, 4).get("/caseload").text


def test_everything_is_said_in_french_too(cast: Cast, follow_up: UUID) -> None:
    worker = later(cast, WORKER, 1)
    worker.headers["Accept-Language"] = "fr-CA"
    shown = text_of(worker.get(f"/follow-ups/{follow_up}").text)
    for words in ("Intervenant·e principal·e", "Écrire les notes des semaines", "Ce qui s’est passé", "Rendre inactif"):
        assert words in shown
    assert PRIMARY not in shown


def test_a_questionnaire_is_recorded_on_the_page_and_over_json_by_who_follows_and_told_to_who_comes_second(
    cast: Cast, follow_up: UUID
) -> None:
    with cast.session() as session:
        research.keep_research_consent(
            session, row_of(session, follow_up)["participant_id"], TODAY, by=cast.actor("research_coordinator"), at=AT
        )
    here, worker = f"/follow-ups/{follow_up}", signed_in(cast, WORKER)
    form = fields_of(worker.get(here).text, f"{here}/self-reports/1")
    said = {**form, "done_on": TODAY.isoformat(), "risk": "yellow"}
    assert worker.post(f"{here}/self-reports/1", data=said).status_code == 303
    assert worker.post(f"{here}/self-reports/1", data={**said, "risk": "green"}).status_code == 412
    over_json = f"/api/v1{here}/self-reports/1"
    corrected = {"done_on": TODAY.isoformat(), "risk": "green", "seen": 1}
    assert worker.put(over_json, json=corrected).status_code == 200
    assert worker.put(over_json, json=corrected).status_code == 412
    assert signed_in(cast, THIRD).put(over_json, json=corrected).status_code == 404
