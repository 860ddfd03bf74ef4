"""The departure on one screen, the leaver's own page, and what was handed over to one, as each reader sees them."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain.casework import GivenProof, complete_task
from domain.departure import hand_overs, offers
from locales import show_day
from models.base import table_of
from models.outbox import Notice
from tests.agreeing import second_holder
from tests.api.application import client_for
from tests.api.pages.looking import signed_in, text_of
from tests.casework import open_onboarding
from tests.cast import AT, TODAY, Cast
from tests.departing import LAST_DAY, TASK, asked, leave, lend, record_protocols, settle
from tests.following import SECOND, WORKER, agreed, bar, followed
from tests.meetings import meeting_room

PLACE = "en-marge"
NOTICE = table_of(Notice)

#: Where the coordinator finds what a departure hands over, and what became of it.
EVERYWHERE = (
    *("/departures/{}", "/departures/{}?history=all", "/", "/activity?all=1"),
    *("/api/v1/departures/{}", "/api/v1/cases/{}/tasks", "/api/v1/work"),
)


@pytest.fixture
def program(cast: Cast) -> Cast:
    record_protocols(cast)
    open_onboarding(cast)
    with cast.session() as session:
        lend(session, cast.people["manager_em"], "SN-1")
    return cast


def choice(cast: Cast, who: str, place: str) -> str:
    return f"{cast.people[who]}/{cast.organizations[place]}"


@pytest.mark.parametrize("reader", ["coordinator", "manager_em"])
@pytest.mark.ci
def test_the_coordinator_and_the_leaver_open_a_departure_from_the_page(program: Cast, reader: str) -> None:
    client = signed_in(program, reader)
    page = client.get("/departures").text
    assert choice(program, "manager_em", PLACE) in page
    answer = client.post(
        "/departures",
        data={"who": choice(program, "manager_em", PLACE), "last_day": LAST_DAY.isoformat()},
        follow_redirects=True,
    )
    assert answer.status_code == 200
    assert "Program cell phone, serial number SN-1" in answer.text or "SN-1" in answer.text


def test_who_may_open_their_own_departure_alone_is_not_asked_whether_they_are_gone_already(program: Cast) -> None:
    page = signed_in(program, "worker_codim").get("/departures").text
    assert 'name="last_day"' in page
    assert 'name="gone"' not in page
    assert 'name="gone"' in signed_in(program, "coordinator").get("/departures").text


def test_nobody_opens_the_departure_of_somebody_elsewhere(program: Cast) -> None:
    client = signed_in(program, "manager_codim")
    assert choice(program, "manager_em", PLACE) not in client.get("/departures").text
    answer = client.post(
        "/departures", data={"who": choice(program, "manager_em", PLACE), "last_day": LAST_DAY.isoformat()}
    )
    assert answer.status_code == 404


def test_a_wrong_day_is_said_on_the_form_and_nothing_is_opened(program: Cast) -> None:
    client = signed_in(program, "coordinator")
    past = (TODAY - timedelta(days=1)).isoformat()
    answer = client.post(
        "/departures",
        data={"who": choice(program, "manager_em", PLACE), "last_day": past},
        headers={"Accept-Language": "en"},
    )
    assert answer.status_code == 409
    assert "This day is past" in answer.text
    assert past in answer.text


@pytest.mark.ci
def test_the_whole_of_it_stands_on_one_screen_and_is_settled_there(program: Cast) -> None:
    case_id = leave(program, "manager_em", PLACE)
    client = signed_in(program, "coordinator")
    page = client.get(f"/departures/{case_id}", headers={"Accept-Language": "en"}).text
    for words in ("SN-1", "Welcome the person in their organization", "Equipment and access", "Last day"):
        assert words in page, words
    assert "Youth worker onboarding – Émeraude Quartz" in page, (
        "of which case each task is: several are called the same"
    )
    (phone,) = asked(program, case_id, "return_equipment")
    form = {"seen": str(phone.version), "how": "end:returned", "note": ""}
    refused = client.post(f"/tasks/{phone.id}/settlement", data=form, headers={"Accept-Language": "en"})
    assert refused.status_code == 409
    assert "condition" in refused.text
    missing = f'formaction="/tasks/{phone.id}/missing" formnovalidate>Report as missing'
    assert missing in page, "no browser asks first how it came back, of what did not"
    done = client.post(
        f"/tasks/{phone.id}/settlement", data={**form, "note": "Screen scratched"}, follow_redirects=True
    )
    assert done.status_code == 200
    assert "Screen scratched" in done.text
    again = client.post(f"/tasks/{phone.id}/settlement", data={**form, "note": "Sans chargeur"})
    assert (again.status_code, "Sans chargeur" in again.text) == (412, True), "whose form is gone has their words back"


@pytest.mark.parametrize(("reader", "reads"), [("coordinator", True), ("director_ccsmtl", False)])
@pytest.mark.ci
def test_why_somebody_refused_and_what_was_noted_is_read_by_who_has_a_part_in_it(
    program: Cast, reader: str, reads: bool
) -> None:
    """A director answers for how far a departure is, and needs nothing that people wrote in it."""
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01", worker=WORKER)
        followed(session, program, "#2026-02", worker=WORKER)
    case_id = leave(program, WORKER, "ccsmtl")
    offered, vacant = asked(program, case_id, "hand_over_follow_ups")
    settle(program, offered.id, to=SECOND)
    settle(program, vacant.id, ended="left_vacant", note="No room until January")
    with program.session() as session:
        (offer,) = offers.offered_to(session, program.people[SECOND])
        hand_overs.refuse(session, offer.id, reason="Six of them already", by=program.actor(SECOND), at=AT)
    shown = signed_in(program, reader).get(f"/departures/{case_id}", headers={"Accept-Language": "en"})
    assert shown.status_code == 200
    assert "Refused by" in shown.text
    said = {offered.id: "Six of them already", vacant.id: "No room until January"}
    assert not any(words in shown.text for words in said.values()), "they are about a participant: no list shows them"
    for task_id, words in said.items():
        assert (words in signed_in(program, reader).get(f"/tasks/{task_id}").text) is reads


@pytest.mark.ci
def test_a_departure_has_one_page_on_which_each_thing_stands_once(program: Cast) -> None:
    """What the case asks and what the person holds are the same lines: the case's own address leads there."""
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01", worker=WORKER)
        lend(session, program.people[WORKER], "SN-7")
    case_id = leave(program, WORKER, "ccsmtl")
    client = signed_in(program, "coordinator")
    led = client.get(f"/cases/{case_id}?history=all")
    assert (led.status_code, led.headers["location"]) == (303, f"/departures/{case_id}?history=all")
    page = client.get(f"/departures/{case_id}?lang=en").text
    with program.session() as session:
        rows = session.execute(select(TASK.c.id, TASK.c.holding, TASK.c.state).where(TASK.c.case_id == case_id)).all()
    for row in rows:
        assert page.count(f'id="task-{row.id}"') == 1, "each step once"
        assert page.count(f'action="/tasks/{row.id}/settlement"') == (1 if row.holding and row.state == "open" else 0)
    assert page.count("SN-7</a>") == 1, "the telephone, in the line that asks for it"
    assert "Nothing to settle here" not in page
    for there in re.findall(r'href="#([\w-]+)"', page):
        assert f'id="{there}"' in page, "a link on the page leads to something on it"
    assert f'href="/departures/{case_id}"' not in page, "nothing leads from the page to another one of it"


@pytest.mark.ci
def test_who_may_follow_in_a_role_is_listed_by_name_and_those_of_the_organization_first(program: Cast) -> None:
    case_id = leave(program, "manager_em", PLACE)
    (task,) = asked(program, case_id, "find_successor")
    page = signed_in(program, "coordinator").get(f"/departures/{case_id}").text
    offered = page[page.index(f'id="settle-{task.id}-how"') :].partition("</select>")[0]
    names = [html.unescape(name) for name in re.findall(r'value="to:[^"]*"[^>]*>Goes to ([^<]*)<', offered)]
    assert names[:2] == ["Corail Mica", "Soufre Tungstène"], "who works there"
    others = ["Platine Dolomie", "Jade Lapis", "Topaze Turquoise"]
    assert [name for name in names if name in others] == others, "as people look"
    assert "Onyx Feldspath" not in names, "a manager is followed by who answers for others, or may for them"


@pytest.mark.ci
def test_what_goes_to_somebody_by_itself_stands_on_the_page_without_a_step(program: Cast) -> None:
    with program.session() as session:
        second_holder(session, program, "manager", PLACE)
    case_id = leave(program, "manager_em", PLACE)
    page = text_of(signed_in(program, "coordinator").get(f"/departures/{case_id}?lang=en").text)
    assert "Passes automatically to Soufre Tungstène." in page
    assert not asked(program, case_id, "pass_on_tasks")


@pytest.mark.ci
def test_whom_a_thing_goes_to_finds_it_in_their_own_list(program: Cast) -> None:
    case_id = leave(program, "manager_em", PLACE)
    (task, *_) = asked(program, case_id, "pass_on_tasks")
    form = {"seen": str(task.version), "how": f"to:{program.people['deputy']}", "note": ""}
    assert signed_in(program, "coordinator").post(f"/tasks/{task.id}/settlement", data=form).status_code == 303
    mine = signed_in(program, "deputy").get("/handed-over", headers={"Accept-Language": "en"}).text
    assert task.title_en in mine
    assert "Perle Obsidienne" in mine
    others = signed_in(program, "manager_codim").get("/handed-over", headers={"Accept-Language": "en"}).text
    assert task.title_en not in others
    assert 'href="/handed-over"' in signed_in(program, "deputy").get("/").text
    assert 'href="/handed-over"' not in signed_in(program, "manager_codim").get("/").text


@pytest.mark.ci
def test_who_is_offered_a_follow_up_finds_it_from_their_own_work_and_answers_there(program: Cast) -> None:
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01", second=SECOND)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    client = signed_in(program, SECOND)
    words = "Follow-ups are offered to you 1 waits for your answer. See and answer"
    page = text_of(client.get("/?lang=en").text)
    assert words in page
    assert "Nothing waits for you" not in page
    assert words not in text_of(signed_in(program, WORKER).get("/?lang=en").text)
    (answer,) = re.findall(r'action="(/hand-overs/[^"]*/acceptance)"', client.get("/handed-over").text)
    assert client.post(answer).status_code == 303
    assert 'href="/follow-ups/' in client.get("/handed-over").text, "which leads to the follow-up and its summary"
    page = text_of(client.get("/?lang=en").text)
    assert words not in page
    assert "Handed over to you by people who left" in page


@pytest.mark.ci
def test_a_dry_run_says_what_speaks_for_each_to_whom_a_follow_up_would_be_offered(program: Cast) -> None:
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01", second=SECOND, at=AT - timedelta(days=21))
    case_id = leave(program, WORKER, "ccsmtl")
    client = signed_in(program, "coordinator")
    (offer,) = client.post(f"/api/v1/departures/{case_id}/offers", json={"dry_run": True}).json()
    assert offer["reasons"][0] == "met"
    for done in ({}, {"really": "yes"}):
        page = client.post(f"/departures/{case_id}/offers", data=done).text
        receipt = page[page.index('id="receipt"') : page.index('id="standing"')]
        assert "Garnet Schist – has met the participant, speaks " in text_of(receipt)
        assert "% taken" in text_of(receipt)


@pytest.mark.ci
def test_without_a_coordinator_the_hosts_manager_offers_the_follow_ups_and_a_partners_manager_does_not(
    program: Cast,
) -> None:
    with program.session() as session:
        agreed(session, program)
        followed(session, program, "#2026-01", worker=SECOND)
    leave(program, "coordinator", "ccsmtl", last_day=TODAY, planned=False, by=program.actor("manager_ccsmtl"))
    case_id = leave(program, SECOND, "codim", by=program.actor("manager_codim"))
    codes = [
        signed_in(program, who).post(f"/departures/{case_id}/offers").status_code
        for who in ("manager_ccsmtl", "manager_codim")
    ]
    assert codes == [200, 404]
    assert "/offers" in signed_in(program, "manager_ccsmtl").get(f"/departures/{case_id}").text


@pytest.mark.ci
def test_the_history_of_a_participants_workers_says_who_took_over_from_whom_and_how(program: Cast) -> None:
    with program.session() as session:
        agreed(session, program)
        follow_up_id = followed(session, program, "#2026-01", second=SECOND, at=AT - timedelta(days=21))
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    with program.session() as session:
        hand_overs.propose(session, task.id, program.people[SECOND], way="call", by=program.actor("coordinator"), at=AT)
        (offer,) = offers.offered_to(session, program.people[SECOND])
        hand_overs.accept(session, offer.id, by=program.actor(SECOND), at=AT)
    page = text_of(signed_in(program, "coordinator").get(f"/follow-ups/{follow_up_id}?lang=en").text)
    since, until = (TODAY - timedelta(days=21)), TODAY - timedelta(days=1)
    told = f"{show_day('en', since)} to {show_day('en', until)} · handed over to Garnet Schist, by a call"
    assert told in page.partition("Before")[2]


def test_the_record_says_in_words_how_a_participant_wants_to_be_handed_over(program: Cast) -> None:
    with program.session() as session:
        agreed(session, program)
        followed(session, program, at=AT - timedelta(days=21))
    (agreeing,) = asked(program, case_id := leave(program, WORKER, "ccsmtl"), "agree_on_way")
    (telling,) = asked(program, case_id, "tell_participant")
    with program.session() as session:
        complete_task(session, telling.id, by=program.actor(WORKER), at=AT)
        complete_task(session, agreeing.id, by=program.actor(WORKER), at=AT, evidence=[GivenProof("way", "meeting")])
    shown = text_of(signed_in(program, "coordinator").get("/activity?all=yes&lang=en").text)
    assert "– a meeting with both." in shown
    assert "– meeting." not in shown


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(("reader", "words"), [("coordinator", "They leave"), ("manager_em", "I am leaving")])
def test_a_departure_is_opened_from_the_persons_page_and_found_there_again(
    program: Cast, reader: str, words: str
) -> None:
    client = signed_in(program, reader)
    person = f"/people/{program.people['manager_em']}?lang=en"
    opening = f"/departures?person={choice(program, 'manager_em', PLACE)}"
    page = client.get(person).text
    assert (words in text_of(page), opening in page) == (True, True)
    assert f'<option value="{choice(program, "manager_em", PLACE)}" selected' in client.get(opening).text
    assert "They leave" not in signed_in(program, "manager_codim").get(person).text
    case_id = leave(program, "manager_em", PLACE)
    page = client.get(person).text
    assert (opening in page, f'href="/departures/{case_id}"' in page) == (False, True)


@pytest.mark.ci
def test_the_leaver_sees_what_is_in_their_hands_and_settles_nothing_of_their_own(program: Cast) -> None:
    case_id = leave(program, "manager_em", PLACE)
    page = signed_in(program, "manager_em").get(f"/departures/{case_id}", headers={"Accept-Language": "en"}).text
    assert "This is what is still in your hands" in page
    (phone,) = asked(program, case_id, "return_equipment")
    form = {"seen": str(phone.version), "how": "end:returned", "note": "Fine"}
    answer = signed_in(program, "manager_em").post(f"/tasks/{phone.id}/settlement", data=form)
    assert answer.status_code == 404


def test_a_departure_is_nothing_to_strangers(program: Cast) -> None:
    case_id = leave(program, "manager_em", PLACE)
    assert signed_in(program, "manager_codim").get(f"/departures/{case_id}").status_code == 404


@pytest.mark.ci
def test_who_is_barred_by_one_of_those_handed_over_finds_the_others_alone(program: Cast) -> None:
    """Whatever of a departure calls them is kept from the reader: the line, its steps, the letters, a silent offer."""
    with program.session() as session:
        agreed(session, program)
        follow_ups = [followed(session, program, number, worker=WORKER) for number in ("#2026-01", "#2026-011")]
    case_id = leave(program, WORKER, "ccsmtl")
    for task in asked(program, case_id, "hand_over_follow_ups"):
        settle(program, task.id, to=SECOND)
    with program.session() as session:
        assert offers.lapse(session, AT + timedelta(days=8), by=program.actor("coordinator")) == 2
        of_them = select(NOTICE.c.id).where(NOTICE.c.calls.contains(["#2026-01"])).order_by(NOTICE.c.n)
        to_them = session.scalars(of_them).first()
    (task, _) = asked(program, case_id, "hand_over_follow_ups")
    client = signed_in(program, "coordinator")

    def called() -> dict[str, set[str]]:
        return {place: set(re.findall("#2026-[0-9]+", client.get(place.format(case_id)).text)) for place in EVERYWHERE}

    assert called() == {place: {"#2026-01", "#2026-011"} for place in EVERYWHERE}
    assert client.get(f"/post/{to_them}").status_code == 200
    with program.session() as session:
        bar(session, program, follow_ups[0], program.people["coordinator"])
    assert called() == {place: {"#2026-011"} for place in EVERYWHERE}
    assert client.get(f"/post/{to_them}").status_code == 404
    for shown in client.get(f"/api/v1/cases/{case_id}/tasks").json():  # and what each waits for, and holds up
        assert "#2026-01" not in client.get(f"/tasks/{shown['id']}").text.replace("#2026-011", "")
    page = f"/departures/{case_id}"
    assert "Part of this is hidden" in client.get(page, headers={"Accept-Language": "en"}).text
    settled = client.post(f"/tasks/{task.id}/settlement", data={"seen": "1", "how": "end:left_vacant", "note": "x"})
    assert (task.title_en[-8:], settled.status_code) == ("#2026-01", 404)


@pytest.mark.ci
def test_what_was_offered_to_whom_the_participant_barred_since_is_theirs_no_more(program: Cast) -> None:
    with program.session() as session:
        agreed(session, program)
        follow_up = followed(session, program, "#2026-01", worker=WORKER)
    case_id = leave(program, WORKER, "ccsmtl")
    (task,) = asked(program, case_id, "hand_over_follow_ups")
    settle(program, task.id, to=SECOND)
    client = signed_in(program, SECOND)
    (answer,) = re.findall(r'action="(/hand-overs/[^"]*/acceptance)"', client.get("/handed-over").text)
    with program.session() as session:
        bar(session, program, follow_up, program.people[SECOND])
    assert "#2026-01" not in client.get("/handed-over").text
    assert client.post(answer).status_code == 404
    with program.session() as session:
        written = session.scalar(select(func.count()).select_from(NOTICE))
        assert offers.lapse(session, AT, by=program.actor("coordinator")) == 0
        assert offers.last_offers(session, case_id)[task.id].state == "withdrawn"
        assert session.scalar(select(func.count()).select_from(NOTICE)) == written  # no letter tells them of it


def test_a_departure_that_is_told_late_says_where_the_person_is_on_record_as_present_since(cast: Cast) -> None:
    record_protocols(cast)
    meeting_room.planned(cast)
    with cast.session() as session:
        here = meeting_room.opened(session, cast, "codim", "en-marge")
        session.commit()
    later = meeting_room.NOW + timedelta(days=5)
    before = meeting_room.LOCAL.date() - timedelta(days=2)
    case_id = leave(cast, "manager_em", PLACE, last_day=before, planned=False, at=later)
    page = client_for(cast.database, cast.people["coordinator"], at=later).get(f"/departures/{case_id}?lang=en").text
    assert "On record as present after the last day" in page
    assert f'href="/meetings/{here}"' in page
    with cast.session() as session:
        meeting_room.sit(session, cast, "en-marge", "absent", at=later)
        session.commit()
    page = client_for(cast.database, cast.people["coordinator"], at=later).get(f"/departures/{case_id}?lang=en").text
    assert "On record as present" not in page
