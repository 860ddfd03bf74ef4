"""One case: who sees it, how far it is, what its forms do, and what the engine and the record say of it."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from domain.admissions import first_meetings
from domain.casework import tasks, versions
from domain.declarations.protocol import Protocol
from domain.declared.reading import load_declared_text
from domain.kernel.actors import LOADER, Actor
from domain.participants.locking import case_of
from domain.people.people import end_tenure
from models.base import table_of
from models.program import Tenure
from models.record import Event
from tests.api.application import client_for
from tests.api.pages.looking import row_of, send, signed_in, task_of, text_of
from tests.casework import approve, case_row, complete, onboard_wholly, open_onboarding, steps
from tests.cast import ARRIVAL, AT, TODAY, Cast, onboarding
from tests.flows.support import carry_all, means_of
from tests.referring import declare_admission, refer, triaged

_tenure = table_of(Tenure)
_event = table_of(Event)

HARD = "<script>alert(1)</script> l’été d'août 🌍"


def row(cast: Cast, case_id: UUID) -> dict[str, object]:
    with cast.session() as session:
        return case_row(session, case_id)


# --------------------------------------------------------------------------------------------- who sees what


@pytest.mark.ci
@pytest.mark.parametrize("name", ["coordinator", "manager_em", "director_em", "officer"])
def test_whoever_has_a_part_in_a_case_sees_all_of_it(cast: Cast, name: str) -> None:
    case_id = open_onboarding(cast)
    page = text_of(signed_in(cast, name).get(f"/cases/{case_id}").text)
    assert "Émeraude Quartz" in page
    assert "Youth worker onboarding · En Marge" in page
    for stage in ("Before the arrival", "On arrival", "The first weeks", "Looking back"):
        assert stage in page
    assert "0 of 28" in page


@pytest.mark.ci
def test_one_who_is_told_of_a_case_can_open_it_though_their_step_has_not_begun(cast: Cast) -> None:
    """The letter that says a case was opened leads to it: the IT contact's step waits for an approval first."""
    case_id = open_onboarding(cast)
    assert signed_in(cast, "it_contact").get(f"/cases/{case_id}").status_code == 200


@pytest.mark.ci
def test_an_approver_sees_the_case_once_something_waits_for_them(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    approver = signed_in(cast, "manager_la")
    assert approver.get(f"/cases/{case_id}").status_code == 404
    complete(cast, case_id, "request_petty_cash")
    assert approver.get(f"/cases/{case_id}").status_code == 200


@pytest.mark.ci
@pytest.mark.parametrize("name", ["manager_codim", "police", "researcher", "worker_codim"])
def test_a_case_in_which_one_has_no_part_looks_like_one_that_is_not_there(cast: Cast, name: str) -> None:
    case_id = open_onboarding(cast)
    stranger = signed_in(cast, name)
    absent, hidden = stranger.get(f"/cases/{uuid4()}"), stranger.get(f"/cases/{case_id}")
    assert absent.status_code == hidden.status_code == 404
    assert text_of(absent.text) == text_of(hidden.text)
    posted = stranger.post(f"/cases/{case_id}/cancellation", data={"seen": 1, "reason": "x"})
    assert posted.status_code == 404
    assert row(cast, case_id)["state"] == "open"


def test_a_case_of_another_program_is_not_there(cast: Cast) -> None:
    case_id = open_onboarding(cast.other)
    mine = signed_in(cast, "coordinator")
    assert mine.get(f"/cases/{case_id}").status_code == 404
    for path in ("closing", "cancellation", "reopening", "days/arrival", "version"):
        data = {"seen": 1, "reason": "x", "day": "2026-12-08", "version": str(uuid4())}
        assert mine.post(f"/cases/{case_id}/{path}", data=data).status_code == 404


def test_an_id_that_is_no_id_is_an_address_with_nothing_behind_it(cast: Cast) -> None:
    assert signed_in(cast, "coordinator").get("/cases/7").status_code == 404


# ----------------------------------------------------------------------------------------------- how far it is


@pytest.mark.ci
def test_each_task_says_on_whom_it_waits_until_when_and_for_what(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    page = signed_in(cast, "coordinator").get(f"/cases/{case_id}").text
    waiting = text_of(row_of(page, task_of(cast, case_id, "hand_over_notebook_and_guide")["id"]))
    assert "Later" in waiting
    assert "Waits for: Prepare the My Stratosphere notebook and the support guide" in waiting
    assert "ON-D02 · ON-P10 · ON-P11" in waiting
    assert "Agate Améthyste" in waiting
    # The worker has not begun yet, and has it on its day; until then it is nobody's to do.
    confirm = text_of(row_of(page, task_of(cast, case_id, "confirm_notebook_and_guide")["id"]))
    assert "Émeraude Quartz · Youth worker" in confirm.replace("Émeraude Quartz Youth", "Émeraude Quartz · Youth")
    assert "Vacant" not in confirm


@pytest.mark.ci
def test_a_vacant_role_shows_where_a_task_falls_to_it_and_to_whom_it_falls_instead(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        tenure = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["it_contact"])).one()
        end_tenure(session, tenure, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)
    page = signed_in(cast, "coordinator").get(f"/cases/{case_id}").text
    found = text_of(row_of(page, task_of(cast, case_id, "open_secure_account")["id"]))
    assert "Vacant: IT contact" in found
    assert "Agate Améthyste" in found


@pytest.mark.ci
def test_a_task_is_completed_and_approved_from_the_page_and_the_case_goes_on(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    task = task_of(cast, case_id, "request_secure_access")
    mine, manager = signed_in(cast, "coordinator"), signed_in(cast, "manager_em")
    assert send(mine, task, "completion", back="case", words=HARD).status_code == 303
    page = manager.get(f"/cases/{case_id}").text
    found = row_of(page, task["id"])
    assert "<script>alert" not in page
    assert HARD in text_of(found)
    assert "To approve" in text_of(found)
    assert f"/tasks/{task['id']}/approval" in found
    approved = send(manager, task_of(cast, case_id, "request_secure_access"), "approval", back="case")
    assert approved.headers["location"] == f"/cases/{case_id}#task-{task['id']}"
    after = text_of(manager.get(f"/cases/{case_id}").text)
    assert "1 of 28" in after
    assert "Approved: Ask for access to the secure network." in after


@pytest.mark.ci
def test_late_is_shown_and_never_blocks(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    later = ARRIVAL + timedelta(days=60)

    mine = client_for(
        cast.database, cast.people["coordinator"], at=AT.replace(year=later.year, month=later.month, day=later.day)
    )
    page = text_of(mine.get(f"/cases/{case_id}").text)
    assert "days late" in page
    assert "late" in page.partition("Status")[0]
    task = task_of(cast, case_id, "plan_coaching")
    assert send(mine, task, "completion").status_code == 303


@pytest.mark.ci
def test_the_gate_says_which_steps_keep_it_shut(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    page = text_of(signed_in(cast, "manager_em").get(f"/cases/{case_id}").text)
    part = page[page.index("May follow participants") :].partition("Before the arrival")[0]
    assert "Only once these are done: Ask for access to the secure network ," in part
    onboard_wholly(cast, case_id)
    page = text_of(signed_in(cast, "manager_em").get(f"/cases/{case_id}").text)
    assert "This case is closed" in page
    assert "28 of 28" in page
    assert "Only once these are done" not in page


@pytest.mark.ci
def test_only_the_part_that_the_script_asks_for_is_sent(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    mine = signed_in(cast, "coordinator")
    part = mine.get(f"/cases/{case_id}", headers={"X-Part": "case"}).text
    assert part.lstrip().startswith('<div id="case"')
    assert "<nav id=" not in part
    task = task_of(cast, case_id, "give_petty_cash")
    refused = mine.post(
        f"/tasks/{task['id']}/completion", data={"seen": task["version"], "back": "case"}, headers={"X-Part": "case"}
    )
    assert refused.status_code == 409
    assert 'data-say="This step waits for others' in refused.text
    assert "<nav id=" not in refused.text


# ------------------------------------------------------------------------------------------- what may be done


@pytest.mark.ci
def test_moving_the_arrival_moves_the_due_days(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    before = task_of(cast, case_id, "introduce_program")["due_on"]
    mine = signed_in(cast, "coordinator")
    answer = mine.post(f"/cases/{case_id}/days/arrival", data={"seen": 1, "day": "2026-12-14"})
    assert answer.status_code == 303
    assert task_of(cast, case_id, "introduce_program")["due_on"] == date(2026, 12, 14) != before
    page = text_of(mine.get(f"/cases/{case_id}").text)
    assert "Monday, December 14, 2026" in page
    assert "Day moved (the arrival): from December 7, 2026 to December 14, 2026." in page


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(("day", "status"), [("", 422), ("demain", 422), ("0206-12-14", 422)])
def test_a_day_that_is_none_comes_back_as_it_was_typed(cast: Cast, day: str, status: int) -> None:
    case_id = open_onboarding(cast)
    answer = signed_in(cast, "coordinator").post(f"/cases/{case_id}/days/arrival", data={"seen": 1, "day": day})
    assert answer.status_code == status
    assert f'value="{day}"' in answer.text
    assert row(cast, case_id)["anchors"] == {"arrival": ARRIVAL}


@pytest.mark.ci
def test_a_case_is_cancelled_with_a_reason_and_reopened_and_nothing_is_lost(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "plan_coaching")
    mine = signed_in(cast, "coordinator")
    version = row(cast, case_id)["version"]
    refused = mine.post(f"/cases/{case_id}/cancellation", data={"seen": version, "reason": " "})
    assert refused.status_code == 422
    assert mine.post(f"/cases/{case_id}/cancellation", data={"seen": version, "reason": HARD}).status_code == 303
    page = mine.get(f"/cases/{case_id}").text
    assert "This case was cancelled" in text_of(page)
    assert HARD in text_of(page)
    assert "/completion" not in page
    assert mine.post(
        f"/cases/{case_id}/reopening", data={"seen": row(cast, case_id)["version"], "reason": "Elle revient."}
    ).is_redirect
    assert task_of(cast, case_id, "plan_coaching")["state"] == "done"
    assert task_of(cast, case_id, "plan_training")["state"] == "open"


@pytest.mark.ci
def test_only_whom_the_protocol_names_may_cancel(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    manager = signed_in(cast, "manager_em")
    assert "Cancel the case" not in manager.get(f"/cases/{case_id}").text
    assert manager.post(f"/cases/{case_id}/cancellation", data={"seen": 1, "reason": "x"}).status_code == 404
    assert "Move the day" in manager.get(f"/cases/{case_id}").text


@pytest.mark.ci
def test_the_second_of_two_who_change_a_case_is_told_and_keeps_their_reason(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    mine = signed_in(cast, "coordinator")
    assert mine.post(f"/cases/{case_id}/days/arrival", data={"seen": 1, "day": "2026-12-14"}).status_code == 303
    answer = mine.post(f"/cases/{case_id}/cancellation", data={"seen": 1, "reason": "Parti ailleurs."})
    assert answer.status_code == 412
    assert "This case was changed by someone else" in text_of(answer.text)
    assert "Parti ailleurs." in answer.text
    assert row(cast, case_id)["state"] == "open"


def test_the_second_of_two_who_cancel_a_case_has_their_reason_back(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    mine, cancellation = signed_in(cast, "coordinator"), f"/cases/{case_id}/cancellation"
    assert mine.post(cancellation, data={"seen": 1, "reason": "Départ."}).status_code == 303
    answer = mine.post(cancellation, data={"seen": 1, "reason": HARD})
    assert (answer.status_code, HARD in text_of(answer.text)) == (412, True)
    assert "What you had written" in answer.text
    assert HARD not in answer.text, "written as it was typed"
    part = mine.post(cancellation, data={"seen": 1, "reason": HARD}, headers={"X-Part": "case"})
    assert HARD in text_of(part.text)
    other = signed_in(cast, "manager_em").post(cancellation, data={"seen": 1, "reason": HARD})
    assert (other.status_code, HARD in text_of(other.text)) == (404, True), "whose it is no more has it back"


@pytest.mark.ci
def test_a_case_with_work_left_is_not_closed(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    mine = signed_in(cast, "coordinator")
    assert "/closing" not in mine.get(f"/cases/{case_id}").text
    answer = mine.post(f"/cases/{case_id}/closing", data={"seen": 1})
    assert answer.status_code == 409
    assert "does not close while required steps are left" in text_of(answer.text)


@pytest.mark.ci
def test_a_case_with_nothing_left_is_closed_from_its_page_and_the_record_says_by_whom(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    onboard_wholly(cast, case_id)
    mine = signed_in(cast, "coordinator")
    again = {"seen": row(cast, case_id)["version"], "reason": "Fermé trop tôt."}
    assert mine.post(f"/cases/{case_id}/reopening", data=again).status_code == 303
    assert mine.post(f"/cases/{case_id}/closing", data={"seen": row(cast, case_id)["version"]}).status_code == 303
    assert row(cast, case_id)["state"] == "closed"
    with cast.session() as session:
        told = session.execute(select(_event.c.verb, _event.c.actor_as).where(_event.c.case_id == case_id))
        assert ("case.closed", "coordinator") in {(line.verb, line.actor_as) for line in told}


@pytest.mark.ci
def test_an_admission_is_not_cancelled_on_its_page_while_somebody_is_to_be_admitted(cast: Cast) -> None:
    """Without their case nobody would do anything for them: it ends with the act that says what becomes of them."""
    declare_admission(cast)
    participant_id = triaged(cast, refer(cast))
    with cast.session() as session:
        found = case_of(session, participant_id)
    assert found is not None
    mine = signed_in(cast, "coordinator")
    assert "/cancellation" not in mine.get(f"/cases/{found}").text
    send_off = {"seen": row(cast, found)["version"], "reason": "Ouvert par erreur."}
    answer = mine.post(f"/cases/{found}/cancellation", data=send_off)
    assert answer.status_code == 409
    assert "An admission ends on the person’s page" in text_of(answer.text)
    assert "Ondine" not in answer.text
    said = mine.post(f"/api/v1/cases/{found}/cancellation", json={"reason": "Erreur."}, headers={"If-Match": "*"})
    assert (said.status_code, row(cast, found)["state"]) == (409, "open")
    with cast.session() as session:
        first_meetings.decline(session, participant_id, by=cast.actor("coordinator"), at=AT)
    assert row(cast, found)["state"] == "cancelled", "with the act that ends the admission"
    assert "/reopening" not in mine.get(f"/cases/{found}").text
    again = {"seen": row(cast, found)["version"], "reason": "Rouvert par erreur."}
    answer = mine.post(f"/cases/{found}/reopening", data=again)
    assert (answer.status_code, row(cast, found)["state"]) == (409, "cancelled")
    assert "If referred again, they become a candidate again" in text_of(answer.text)


@pytest.mark.ci
def test_a_new_version_is_offered_with_its_difference_and_taken_only_when_wanted(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "plan_coaching")
    text = onboarding().text.replace("version: 2\n", "version: 3\n", 1)
    text = text.replace("      en: Plan the training to attend\n", "      en: Plan the courses\n", 1)
    with cast.session() as session:
        declared = load_declared_text(text, "edited.yaml", Protocol)
        newer = versions.record_protocol(session, declared, by=Actor.system(LOADER), at=AT)
        version_id = newer.id
    mine = signed_in(cast, "coordinator")
    page = text_of(mine.get(f"/cases/{case_id}").text)
    assert "This case follows version 2; the program now has version 3." in page
    assert "“Plan the training to attend” is now called “Plan the courses”." in page
    assert "Follow version 3" not in text_of(signed_in(cast, "manager_em").get(f"/cases/{case_id}").text)
    seen = row(cast, case_id)["version"]
    answer = mine.post(f"/cases/{case_id}/version", data={"seen": seen, "version": str(version_id)})
    assert answer.status_code == 303
    page = text_of(mine.get(f"/cases/{case_id}").text)
    assert "Plan the courses" in page
    assert "The case now follows version 3 of its protocol." in page
    assert task_of(cast, case_id, "plan_coaching")["state"] == "done"


# ------------------------------------------------------------------------------------ the engine, the record


@pytest.mark.ci
def test_the_page_says_since_when_the_engine_is_awaited_and_what_it_did(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "introduce_program")
    later = client_for(cast.database, cast.people["coordinator"], at=AT + timedelta(minutes=5))
    page = later.get(f"/cases/{case_id}").text
    assert "Waiting for the engine 5 minutes ago" in text_of(page)
    assert "Under way" in text_of(row_of(page, task_of(cast, case_id, "enrol_on_clinical_committee")["id"]))
    carried_at = AT + timedelta(minutes=6)
    carry_all(means_of(cast, lambda: carried_at))
    page = later.get(f"/cases/{case_id}").text
    engine = page[page.index('id="engine"') :].partition("</section>")[0]
    assert f'<time datetime="{carried_at.isoformat()}">' in engine
    assert "Nothing waits for the engine." in text_of(engine)
    found = text_of(row_of(page, task_of(cast, case_id, "enrol_on_clinical_committee")["id"]))
    assert "Done by the program itself" in found
    assert "Done automatically: Enrol the person on the Clinical Committee." in text_of(page)


@pytest.mark.ci
def test_the_history_tells_who_did_what_and_all_of_it_when_asked(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access", by=cast.actor("officer"))
    approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"))
    with cast.session() as session:
        task = task_of(cast, case_id, "provide_own_cards")
        tasks.waive_task(session, task["id"], by=cast.actor("coordinator"), at=AT, reason="Déjà.")
    mine = signed_in(cast, "coordinator")
    short = text_of(mine.get(f"/cases/{case_id}").text).rpartition("History")[2]
    assert "Waived: Provide business cards of the worker’s own." in short
    assert "Approved: Ask for access to the secure network." in short
    assert "Perle Obsidienne (Manager)" in short
    assert "Can begin" not in short
    whole = text_of(mine.get(f"/cases/{case_id}?history=all").text).rpartition("History")[2]
    assert "Can begin: Create the account and open access to the secure network." in whole
    assert "Letter written to Perle Obsidienne: something waits for an approval." in whole


@pytest.mark.ci
def test_the_whole_history_is_reached_page_by_page_from_its_newest_line_to_its_first(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = open_onboarding(cast)
    with cast.session() as session:
        written = session.scalar(select(func.count()).where(_event.c.case_id == case_id)) or 0
    most = written // 3
    assert most * 3 < written, "there is a fourth page"
    monkeypatch.setattr("api.pages.case.MOST_EVENTS", most)
    mine = signed_in(cast, "coordinator")
    address, shown, lines, pages = f"/cases/{case_id}?history=all", "", 0, 0
    while address:
        page = mine.get(address)
        assert page.status_code == 200
        shown = page.text[page.text.index('id="history"') :].partition("</section>")[0]
        lines += shown.count('class="history-what"')
        pages += 1
        older = re.search(r'href="([^"]+)#history"[^>]*>(?:<[^>]+>)*Older', shown)
        address = html.unescape(older[1]) if older else ""
    assert (lines, pages) == (written, 4)
    assert "Case opened" in text_of(shown), "the first line of all is on the last page"
    assert "Newest" in text_of(shown)


@pytest.mark.ci
def test_the_page_is_whole_in_french(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    mine = signed_in(cast, "coordinator")
    page = text_of(mine.get(f"/cases/{case_id}?history=all", headers={"Accept-Language": "fr"}).text)
    for french in ("État", "Avant l’arrivée", "Attend", "À approuver", "Historique", "Dossier ouvert"):
        assert french in page
    for english in ("Waits for", "Done by", "Status", "History", "Letter written"):
        assert english not in page


@pytest.mark.ci
def test_what_cannot_begin_yet_is_late_nowhere_and_everywhere_counts_the_same(cast: Cast) -> None:
    """Weeks after the arrival: some steps are open, one is handed in, others wait though their day is past."""
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    later = AT + timedelta(days=60)
    with cast.session() as session:
        rows = steps(session, case_id).values()
        past = [row for row in rows if row["due_on"] < later.date()]
        waiting = [row for row in past if row["state"] == "planned"]
        late = {row["id"] for row in past if row["state"] in ("open", "submitted")}
    assert len(waiting) > 5
    assert len(late) > 5
    client = client_for(cast.database, cast.people["coordinator"], at=later)
    page = client.get(f"/cases/{case_id}").text
    assert f"{len(late)} late" in text_of(page)
    assert page.count('class="due is-late"') == len(late)
    for one in waiting:
        shown = text_of(row_of(page, one["id"]))
        assert not re.search(r"\blate\b", shown.lower()), one["step"]
        assert "days late" not in text_of(client.get(f"/tasks/{one['id']}").text), one["step"]
    over_json = client.get(f"/api/v1/cases/{case_id}/tasks").json()
    assert {UUID(one["id"]) for one in over_json if one["late"]} == late
    assert client.get(f"/api/v1/cases/{case_id}").json()["late"] == len(late)
    board = client.get("/board").text
    assert {UUID(one) for one in re.findall(r'id="l-([0-9a-f-]{36})"', board)} == late
    assert f"{len(late)} late" in text_of(client.get("/cases").text)
