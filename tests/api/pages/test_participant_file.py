"""What is kept beside the admission, on its pages: disclosures, retention, research, activities, the consent's text."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.pages import research_consents
from domain.accompaniment import barring
from domain.admissions import first_meetings, triage
from domain.participants import destruction, research, retention
from tests import signing
from tests.api.application import client_for
from tests.api.pages.looking import fields_of
from tests.cast import AT, TODAY, Cast
from tests.domain.obligations.signed import put_in_force
from tests.following import SECOND, WORKER, agreed, followed, known_as_somebody, row_of
from tests.referring import declare_admission, look_at_everything, participant_of, refer, triaged

DAY = timedelta(days=1)


@pytest.fixture
def two(cast: Cast) -> tuple[UUID, UUID]:
    """Two follow-ups of one worker: the second participant also recruits others."""
    with cast.session() as session:
        agreed(session, cast)
        return followed(session, cast), followed(session, cast, "#2026-02", recruiter=True)


def _client(cast: Cast, name: str, days: int = 0) -> TestClient:
    return client_for(cast.database, cast.people[name], at=AT + days * DAY)


def _participant(cast: Cast, follow_up: UUID) -> UUID:
    with cast.session() as session:
        found: UUID = row_of(session, follow_up)["participant_id"]
        return found


@pytest.mark.ci
def test_a_disclosure_is_recorded_by_the_worker_and_read_by_one_act(cast: Cast, two: tuple[UUID, UUID]) -> None:
    worker, other = _client(cast, WORKER), _client(cast, SECOND)
    here = f"/participants/{_participant(cast, two[0])}"
    said = {
        "ground": "ypa_38d",
        "to_whom": "Une personne de la protection",
        "what": "Ce qui compromet la sécurité",
        "disclosed_on": TODAY.isoformat(),
    }
    assert worker.post(f"{here}/disclosures", data=said).status_code == 409, "only what was necessary: it is stated"
    assert other.post(f"{here}/disclosures", data={**said, "only_necessary": "yes"}).status_code == 404
    assert worker.post(f"{here}/disclosures", data={**said, "only_necessary": "yes"}).status_code == 303
    page = worker.get(here).text
    assert "compromet la sécurité" not in page
    with cast.session() as session:
        disclosure = session.execute(text("select id from disclosure")).scalar_one()
    opened = worker.post(f"{here}/disclosures/{disclosure}/reading")
    assert "compromet la sécurité" in opened.text
    assert other.post(f"{here}/disclosures/{disclosure}/reading").status_code == 404
    with cast.session() as session:
        assert session.scalar(text("select count(*) from event where verb = 'read' and facts->>'what' = 'disclosure'"))


@pytest.mark.ci
def test_what_was_typed_into_a_form_that_is_refused_stays_in_it(cast: Cast, two: tuple[UUID, UUID]) -> None:
    here = f"/participants/{_participant(cast, two[0])}"
    worker, day = _client(cast, WORKER), TODAY.isoformat()
    tick = f"sharing:{cast.organizations['spvm']}"
    page = signing.on_page(
        worker, here.rpartition("/")[2], tick, limits="", signed_by="tutor", text="en", until="2027-03-01"
    )
    assert page.status_code == 409, "the limits of confidentiality were not stated"
    form = page.text.partition("data-signing")[2].partition("</form>")[0]
    for name in ("explained_on", "signed_on", "worker_signed_on"):
        assert f'name="{name}" value="{day}"' in form
    assert 'value="tutor" checked' in form
    assert 'name="text" value="en"' in form
    assert re.findall(r'name="ticked" value="([^"]*)" checked', form) == [tick], "and no other line"
    assert form.count('value="2027-03-01"') == 1
    said = {"ground": "ypa_38d", "to_whom": "La protection", "what": "Ce qui compromet", "disclosed_on": day}
    page = worker.post(f"{here}/disclosures", data=said)
    assert page.status_code == 409
    form = page.text.partition('id="disclose"')[2].partition("</form>")[0]
    assert "Ce qui compromet" in form
    assert "La protection" in form


@pytest.mark.ci
def test_what_the_coordinator_wrote_in_triage_is_not_lost_where_no_worker_is_chosen(cast: Cast) -> None:
    declare_admission(cast)
    with cast.session() as session:
        agreed(session, cast)
    referral_id = refer(cast)
    coordinator = _client(cast, "coordinator")
    with cast.session() as session:
        look_at_everything(session, cast, referral_id)
        here = f"/participants/{participant_of(session, referral_id)}"
    sent = {**fields_of(coordinator.get(f"{here}/triage").text, f"{here}/triage"), "result": "forwarded"}
    page = coordinator.post(f"{here}/triage", data={**sent, "worker": "", "second": "", "reason": "Danger ce soir"})
    assert "Say who follows up." in page.text
    form = page.text.partition('id="triage"')[2].partition("</form>")[0]
    assert "Danger ce soir" in form
    assert 'value="forwarded" checked' in form
    found = {**fields_of(page.text, f"{here}/findings"), "finding_c3": "not_met", "exception": "yes"}
    page = coordinator.post(f"{here}/findings", data={**found, "fact_c3": "Elle n’en voit pas", "why": ""})
    form = page.text.partition('id="criterion-c3"')[2].partition('<div class="criterion"')[0]
    assert "Elle n’en voit pas" in form
    assert 'value="not_met" checked' in form
    assert "Say why the situation makes it desirable" in page.text


@pytest.mark.ci
def test_why_it_was_decided_so_is_read_by_one_act_and_told_to_the_record(cast: Cast, two: tuple[UUID, UUID]) -> None:
    declare_admission(cast)
    referral_id = refer(cast)
    followed_there = _participant(cast, two[1])
    with cast.session() as session:
        triage.triage(
            session,
            referral_id,
            "refused",
            reason="Hors du territoire",
            offered="Une adresse à Laval",
            by=cast.actor("coordinator"),
            at=AT,
        )
        refused_there = participant_of(session, referral_id)
        known_as_somebody(session, followed_there)
    coordinator, worker = _client(cast, "coordinator"), _client(cast, WORKER)
    assert "à Laval" not in coordinator.get(f"/participants/{refused_there}").text, "it is sealed"
    page = coordinator.post(f"/participants/{refused_there}/identity").text
    assert "Hors du territoire" in page
    assert "Une adresse à Laval" in page

    here = f"/participants/{followed_there}"
    assert worker.post(f"{here}/risk", data={"level": "yellow", "why": "Elle fugue"}).is_redirect
    assert "fugue" not in worker.get(here).text
    answer = worker.post(f"/api/v1{here}/identity", json={})
    assert [(one["of"], one["result"], one["fields"]) for one in answer.json()["reasons"]] == [
        ("risk", "yellow", {"why": "Elle fugue"})
    ]
    with cast.session() as session:
        told = "select subject_id from event where verb = 'read' and facts->>'what' = 'reasons' order by at, id"
        assert set(session.scalars(text(told))) == {refused_there, followed_there}


@pytest.mark.ci
def test_nobody_but_the_committee_while_it_sits_assesses_the_risk_to_others(cast: Cast, two: tuple[UUID, UUID]) -> None:
    said = {"profile": "Aucun", "involvement": "Aucune", "benefits": "Elle veut sortir", "risks_to_others": "Faibles"}
    sent = {"kind": "recruiter", "level": "benefits_exceed", **said}
    here = f"/participants/{_participant(cast, two[1])}"
    assert _client(cast, WORKER).post(f"{here}/risk", data=sent).status_code == 404
    coordinator = _client(cast, "coordinator")
    assert "assess-others" not in coordinator.get(here).text, "no meeting sits"
    answer = coordinator.post(f"{here}/risk", data=sent)
    assert answer.status_code == 409
    assert "Elle veut sortir" not in answer.text
    with cast.session() as session:
        assert session.scalar(text("select count(*) from risk_assessment")) == 0


@pytest.fixture
def declined(cast: Cast) -> UUID:
    """Somebody who said no today; the last day of their file is in a year."""
    declare_admission(cast)
    participant_id = triaged(cast, refer(cast))
    with cast.session() as session:
        first_meetings.decline(session, participant_id, by=cast.actor("coordinator"), at=AT)
    return participant_id


@pytest.mark.ci
def test_a_file_is_held_released_and_destroyed_by_two(cast: Cast, declined: UUID) -> None:
    here, calendar = f"/participants/{declined}", {"ground": "calendar"}
    now = _client(cast, "coordinator")
    later = _client(cast, "coordinator", days=366)
    assert ('value="calendar"' in now.get(here).text, 'value="law"' in now.get(here).text) == (False, True)
    assert now.post(f"{here}/destruction", data=calendar).status_code == 409
    assert f"{here}/destruction" in later.get(here).text
    assert f'href="{here}"' in later.get("/referrals").text, "the board says which retention has ended"
    assert later.post(f"{here}/hold", data={"reason": "Ondine, un procès"}).status_code == 303
    assert later.post(f"{here}/destruction", data=calendar).status_code == 409
    assert later.post(f"{here}/hold/release", data={"reason": "Le procès est clos"}).status_code == 303
    assert later.post(f"{here}/retention", data={"day": str(TODAY - DAY), "reason": "Un juge"}).status_code == 409
    unsaid = later.post(f"{here}/retention", data={"day": (TODAY + 400 * DAY).isoformat(), "reason": ""})
    assert (unsaid.status_code, "Say why the file is kept" in unsaid.text) == (422, True)
    unsaid = later.post(f"{here}/destruction", data={"ground": "law", "reason": ""})
    assert (unsaid.status_code, 'value="law" selected' in unsaid.text) == (422, True), "what was chosen stays"
    assert later.post(f"{here}/destruction", data={"ground": "law", "reason": "Ondine, un juge"}).status_code == 303
    page = later.get(here).text
    assert "Destruction of the file requested" in page
    assert f'action="{here}/destruction"' not in page, "it is asked once"

    officer = _client(cast, "privacy_officer", days=367)
    assert officer.get(here).status_code == 404, "who confirms sees nothing else of the file"
    assert f"{here}/destruction" in officer.get("/").text, "it is among their work"
    assert f"{here}/destruction" in officer.get("/destructions").text
    asked = officer.get(f"{here}/destruction").text
    assert ("un juge" in asked, "Ondine" in asked, "Fougère" in asked) == (True, False, False)
    assert "/destruction/confirmation" not in asked, "the delay is not over"
    assert "another person must answer" in later.get(f"{here}/destruction").text
    assert "/destruction/confirmation" not in later.get(f"{here}/destruction").text
    due = _client(cast, "privacy_officer", days=373)
    form = fields_of(due.get(f"{here}/destruction").text, f"{here}/destruction/confirmation")
    assert _client(cast, "coordinator", days=373).post(f"{here}/destruction/confirmation", data=form).status_code == 404
    empty = due.post(f"{here}/destruction/refusal", data={**form, "reason": ""})
    assert (empty.status_code, "Say why the file is to be kept" in empty.text) == (422, True)
    unseen = due.post(f"{here}/destruction/confirmation", data={**form, "seen": ""})
    assert unseen.status_code == 409, "it is confirmed by who looked at it"
    assert due.post(f"{here}/destruction/confirmation", data=form).status_code == 409, "a hold was released"
    form["knowing"] = ["released"]
    assert due.post(f"{here}/destruction/confirmation", data=form).status_code == 303
    assert due.post(f"{here}/destruction/confirmation", data=form).status_code == 409, "it is done once"
    gone = later.get(here)
    assert (gone.status_code, "/identity" in gone.text) == (200, False)
    assert "not yet: within a minute or so" in gone.text
    assert cast.members["privacy_officer"].name in html.unescape(gone.text)
    with cast.session() as session:
        retention.destroy_keys(session, at=AT + 373 * DAY)
        line = session.scalar(text("select n from event where verb = 'participant.destroyed'"))
    proof = later.get(f"/api/v1{here}/destruction").json()
    assert (proof["line"], proof["by_as"], proof["key_gone_at"] is None) == (line, "privacy_officer", False)
    assert "not yet: within" not in later.get(here).text
    assert now.get(f"/api/v1/participants/{refer(cast)}/destruction").status_code == 404


def test_what_a_calm_page_could_hide_stands_at_its_top_and_is_confirmed_by_itself(cast: Cast, declined: UUID) -> None:
    here, by = f"/participants/{declined}/destruction", cast.actor("coordinator")
    over = AT + 366 * DAY
    with cast.session() as session:
        retention.retain_until(session, declined, over.date() + 90 * DAY, reason="Ondine, un juge", by=by, at=AT)
        retention.retain_until(session, declined, over.date(), reason="Le juge a fini", by=by, at=over)
        destruction.ask(session, declined, "law", reason="Plus rien", by=by, at=over + DAY)
    officer = _client(cast, "privacy_officer", days=380)
    page = html.unescape(officer.get(here).text)
    said = "The person who asks for the destruction moved the last day of this file to an earlier one."
    assert page.index(said) < page.index("What and why") < page.index("Le juge a fini")
    days = [f"{day:%B} {day.day}, {day.year}" for day in (over.date() + 90 * DAY, over.date())]
    assert f"From {days[0]} to {days[1]}" in page
    assert (cast.members["coordinator"].name in page, "Ondine" in page) == (True, False)
    assert ("1 referral" in page, "0 " in page[page.index("What it holds") : page.index("Which organization")]) == (
        *(True, False),
    )
    form = fields_of(page, f"{here}/confirmation")
    unread = officer.post(f"{here}/confirmation", data={"seen": form["seen"]})
    assert (unread.status_code, 'value="shortened"' in unread.text) == (409, True)
    said_so = {"seen": form["seen"], "knowing": ["shortened"]}
    assert officer.post(f"{here}/confirmation", data=said_so).status_code == 303
    gone = html.unescape(officer.get(here).text)
    assert ("Le juge a fini" in gone, f"From {days[0]} to {days[1]}" in gone) == (False, True)


@pytest.mark.ci
def test_whom_a_participant_barred_is_not_told_that_the_file_is_due(cast: Cast, declined: UUID) -> None:
    here, later = f"/participants/{declined}", _client(cast, "coordinator", days=366)
    assert f'href="{here}"' in later.get("/referrals").text
    with cast.session() as session:
        barring.bar(session, declined, cast.people["coordinator"], by=cast.actor(WORKER), at=AT)
    assert f'href="{here}"' not in later.get("/referrals").text
    assert later.post(f"{here}/destruction", data={"ground": "calendar"}).status_code == 404


@pytest.mark.ci
def test_what_is_asked_is_refused_with_words_or_taken_back_on_its_page(cast: Cast, declined: UUID) -> None:
    here, later = f"/participants/{declined}/destruction", _client(cast, "coordinator", days=366)
    manager = _client(cast, "manager_ccsmtl", days=366)
    assert manager.get("/destructions").status_code == 200
    assert _client(cast, WORKER).get("/destructions").status_code == 404
    assert later.post(here, data={"ground": "calendar"}).status_code == 303
    form = fields_of(manager.get(here).text, f"{here}/refusal")
    assert manager.post(f"{here}/refusal", data={**form, "reason": "Un proces attend"}).status_code == 303
    page = later.get(here).text
    assert ("Refused: the file is kept" in page, "Un proces attend" in page) == (True, True)
    later = _client(cast, "coordinator", days=367)
    assert later.post(here, data={"ground": "calendar"}).status_code == 303
    assert later.post(f"{here}/withdrawal").status_code == 303
    assert "Taken back" in manager.get(here).text
    for name in ("manager_codim", WORKER, "administrator"):
        assert _client(cast, name, days=366).get(here).status_code == 404, name


@pytest.mark.ci
def test_research_is_kept_by_number_by_the_research_coordinator_alone(cast: Cast, two: tuple[UUID, UUID]) -> None:
    keeper = _client(cast, "research_coordinator")
    for name in ("coordinator", WORKER):
        assert _client(cast, name).get("/research-consents").status_code == 404
    signed = {"number": "2026-01", "signed_on": TODAY.isoformat()}
    assert keeper.post("/research-consents", data={**signed, "number": "#2026-09"}).status_code in (404, 409, 422)
    assert keeper.post("/research-consents", data=signed).status_code == 303
    assert keeper.post("/research-consents", data=signed).status_code == 409
    page = keeper.get("/research-consents").text
    assert "#2026-01" in page
    assert "#2026-02" not in page, "whoever said nothing is not listed"
    assert "This cannot be undone" in page, "one slip of a thumb takes nobody out of the research"
    participant_id = _participant(cast, two[0])
    assert keeper.get(f"/participants/{participant_id}").status_code == 404
    assert keeper.post(f"/research-consents/{participant_id}/withdrawal").status_code == 303
    assert keeper.post(f"/research-consents/{participant_id}/withdrawal").status_code == 409
    with cast.session() as session:
        assert row_of(session, two[0])["state"] == "active", "and nothing else changes for them"


@pytest.mark.ci
def test_consents_to_research_are_listed_by_pages_the_last_recorded_first_and_found_by_number(
    cast: Cast, two: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (_participant(cast, one) for one in two)
    by = cast.actor("research_coordinator")
    with cast.session() as session:
        for day in range(5):
            whose = second if day == 2 else first
            research.keep_research_consent(session, whose, TODAY + day * DAY, by=by, at=AT + day * DAY)
            research.withdraw_research_consent(session, whose, by=by, at=AT + day * DAY)
    keeper = _client(cast, "research_coordinator", days=5)
    read: list[str] = []
    here = "/api/v1/research-consents?limit=2"
    while True:
        part = keeper.get(here).json()
        assert len(part["items"]) <= 2
        read += [one["id"] for one in part["items"]]
        if part["next"] is None:
            break
        here = f"/api/v1/research-consents?limit=2&after={part['next']}"
    with cast.session() as session:
        assert read == [
            str(one) for one in session.scalars(text("select id from research_consent order by recorded_at desc"))
        ]
    numbers = [one["number"] for one in keeper.get("/api/v1/research-consents?number=2026-02").json()["items"]]
    assert numbers == ["#2026-02"]
    assert len(keeper.get(f"/api/v1/research-consents?after={first}").json()["items"]) == 5, (
        "no consent: from the start"
    )
    monkeypatch.setattr(research_consents, "A_PAGE", 3)
    page = keeper.get("/research-consents").text
    assert page.count("signed November") == 3
    (older,) = re.findall(r'href="(/research-consents\?after=[^"]+)"', page)
    assert keeper.get(older).text.count("signed November") == 2
    assert keeper.get("/research-consents?q=%232026-02").text.count("signed November") == 1
    assert "No consent of this number" in keeper.get("/research-consents?q=2026-77").text


@pytest.mark.ci
def test_nobody_who_recruits_is_planned_together_with_another(cast: Cast, two: tuple[UUID, UUID]) -> None:
    worker = _client(cast, WORKER)
    plan = {"held_on": TODAY.isoformat(), "begins": "14:00", "minutes": "60", "place": "Parc", "kind": "meal"}
    both = worker.post("/activities", data={**plan, "follow_up": [str(one) for one in two]})
    assert both.status_code == 409
    assert "AD-C4" in both.text or "condition" in both.text
    with cast.session() as session:
        assert session.scalar(text("select count(*) from activity")) == 0
    for turn, one in enumerate(two):
        once = fields_of(worker.get("/activities").text, "/activities")["once"]
        form = {**plan, "place": f"Maison {turn}", "follow_up": [str(one)], "once": once}
        assert [worker.post("/activities", data=form).status_code for _ in range(2)] == [303, 303], "planned once"
    assert worker.get("/activities").text.count("/calling-off") == 2
    assert _client(cast, SECOND).post("/activities", data={**plan, "follow_up": [str(two[0])]}).status_code == 404
    with cast.session() as session:
        activity = session.execute(text("select id from activity limit 1")).scalar_one()
    assert _client(cast, SECOND).post(f"/activities/{activity}/calling-off").status_code == 404
    assert worker.post(f"/activities/{activity}/calling-off").status_code == 303
    assert worker.post(f"/activities/{activity}/calling-off").status_code == 409
    assert _client(cast, "coordinator").get("/activities").text.count("/calling-off") == 1


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "INFORMATION ET CONSENTEMENT"), ("en", "INFORMATION AND CONSENT")]
)
def test_the_form_is_there_in_both_languages_and_says_that_no_lawyer_validated_it(
    cast: Cast, language: str, words: str
) -> None:
    page = _client(cast, WORKER).get(f"/consent-form?text={language}")
    assert page.status_code == 200
    assert words in page.text
    assert "validated" in page.text
    assert "38" in page.text
    assert "39.1" in page.text
    assert _client(cast, WORKER).get("/consent-form?version=99").status_code == 404


@pytest.mark.parametrize(
    ("language", "shares", "until"), [("fr", "partage avec", "jusqu’au"), ("en", "shares with", "until")]
)
def test_the_form_has_a_box_for_each_partner_and_purpose_with_its_last_day(
    cast: Cast, language: str, shares: str, until: str
) -> None:
    with cast.session() as session:
        put_in_force(session, cast, "ccsmtl", "codim")
    client = _client(cast, WORKER)
    form = html.unescape(client.get(f"/consent-form?text={language}").text)
    boxes = re.findall(r"<li><span aria-hidden=\"true\">☐</span> ([^<]+)</li>", form)
    assert all(re.search(rf"{until} _+", line) for line in boxes[:-1])
    assert "_" not in boxes[-1], "research is apart, and holds until it is withdrawn"
    shared = [line for line in boxes if shares in line]
    assert len(boxes) == 1 + 2 * len(shared) + 1
    assert [name for name in ("CCSMTL", "CODIM", "SPVM") if any(name in line for line in shared)] == ["CCSMTL", "CODIM"]
    first = client.get(f"/consent-form?text={language}&version=1")
    assert "☐" not in first.text, "what was signed stays what it was"


@pytest.mark.ci
def test_whoever_enters_a_signed_paper_says_which_worker_signed_it_and_the_page_says_so(
    cast: Cast, two: tuple[UUID, UUID]
) -> None:
    participant_id = _participant(cast, two[0])
    with cast.session() as session:
        known_as_somebody(session, participant_id)
    here = f"/participants/{participant_id}"
    coordinator, me = _client(cast, "coordinator"), cast.people[WORKER]
    offered = {
        name: re.findall(
            r'<select[^>]*name="worker".*?</select>', _client(cast, name).get(f"{here}/consents/form").text, re.DOTALL
        )[-1]
        for name in ("coordinator", WORKER)
    }
    assert f'value="{me}" selected' in offered[WORKER]
    assert f'value="{me}"' in offered["coordinator"]
    assert "selected" not in offered["coordinator"], "nobody signs by being there"
    refusal = signing.on_page(coordinator, participant_id, worker="")
    assert refusal.status_code == 409
    assert "Choose the worker who explained the consent" in refusal.text
    assert signing.on_page(coordinator, participant_id, worker=str(me)).status_code == 303
    assert f"with {cast.members[WORKER].name}" in html.unescape(coordinator.get(here).text)
