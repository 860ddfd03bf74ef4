"""Referring on a page and by a link, the coordinator's board, and a candidate's page: who sees what, what is told."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from domain.accompaniment import barring, workers
from domain.admissions import duplicates, triage
from domain.kernel.rows import surely
from domain.participants import links, referring
from domain.participants.locking import step_of
from models.base import table_of
from models.participant import Participant
from models.record import Event
from models.referral import Referral
from tests import signing
from tests.api.application import client_for, nobody
from tests.cast import AT, KEYS, TODAY, Cast
from tests.following import agreed, followed
from tests.referring import ONDINE, declare_admission, look_at_everything, participant_of, refer, triaged

_participant = table_of(Participant)
_referral = table_of(Referral)
_event = table_of(Event)

TYPED: dict[str, Any] = {
    "given_name": "Ondine",
    "family_name": "Fougère-Lys",
    "birth_date": "2010-05-04",
    "phone": "514 555-0144",
    "languages": "fr, en",
    "area": "laval",
    "reasons": "Elle demande de l’aide.",
    "fact": ["Elle le dit.", "", "Laval", "", "", "Oui"],
}


@pytest.fixture
def there(cast: Cast) -> Cast:
    """Admissions carried, agreements in force."""
    declare_admission(cast)
    with cast.session() as session:
        agreed(session, cast)
    return cast


def _client(cast: Cast, name: str) -> TestClient:
    return client_for(cast.database, cast.people[name])


def _one(cast: Cast) -> Any:
    with cast.session() as session:
        return session.execute(select(_referral)).one()


@pytest.mark.ci
def test_a_draft_is_saved_gone_on_with_and_sent(there: Cast) -> None:
    client = _client(there, "worker_ccsmtl")
    assert client.get("/referrals/new").status_code == 200
    saved = client.post("/referrals", data={"given_name": "Ondine", "do": "save"})
    assert saved.status_code == 303
    page = client.get(saved.headers["location"])
    assert 'value="Ondine"' in page.text
    seen = re.findall(r'name="seen" value="(\d+)"', page.text)[0]
    wrong = client.post(
        saved.headers["location"], data={**TYPED, "birth_date": "2090-01-01", "seen": seen, "do": "send"}
    )
    assert wrong.status_code == 409
    assert "future" in wrong.text
    assert 'value="Fougère-Lys"' in wrong.text, "what was typed is still there"
    sent = client.post(saved.headers["location"], data={**TYPED, "seen": seen, "do": "send"})
    assert sent.headers["location"] == "/referrals?sent=yes"
    assert _one(there).state == "received"
    for who in (client, _client(there, "coordinator")):
        stands = who.get(saved.headers["location"])
        assert (stands.status_code, "Fougère" in stands.text) == (200, False), "where it stands, and nothing of it"


@pytest.mark.ci
def test_languages_are_ticked_or_typed_by_name_and_shown_by_name(there: Cast) -> None:
    client = _client(there, "worker_ccsmtl")
    typed = {**TYPED, "language": ["fr", "iu"], "languages": "espagnol, Tagalog", "do": "send"}
    saved = client.post("/referrals", data={**typed, "do": "save"})
    page = client.get(saved.headers["location"]).text
    assert 'value="iu" checked' in page
    assert 'value="es" checked' in page, "what is typed is ticked where it is offered"
    assert "Filipino" in page or "Tagalog" in page
    assert client.post("/referrals", data=typed).status_code == 303
    with there.session() as session:
        columns = select(_participant.c.languages, _participant.c.id).where(_participant.c.state == "candidate")
        row = session.execute(columns).one()
    assert row.languages[:3] == ["fr", "iu", "es"]
    assert len(row.languages) == 4
    shown = _client(there, "coordinator").get(f"/participants/{row.id}").text
    assert "French, Inuktitut, Spanish" in shown


def test_what_sending_needs_is_marked_and_a_draft_is_saved_without_it(there: Cast) -> None:
    page = _client(there, "worker_ccsmtl").get("/referrals/new").text
    for name in ("given_name", "family_name", "reasons"):
        field = re.search(rf'<(?:input|textarea)[^>]*name="{name}"[^>]*>', page)
        assert field is not None
        assert " required" in field.group(0), name
    assert "formnovalidate" in page
    assert "data-autosave" in page


@pytest.mark.ci
def test_the_board_is_the_coordinator_s_and_names_nobody(there: Cast) -> None:
    refer(there)
    mine = _client(there, "worker_ccsmtl").get("/referrals")
    board = _client(there, "coordinator").get("/referrals")
    with there.session() as session:
        reference = session.execute(select(_participant.c.candidate_ref)).scalar_one()
    assert reference in board.text
    assert reference in mine.text
    assert "Ondine" not in board.text + mine.text
    assert "To triage" in board.text
    assert "To triage" not in mine.text


def test_the_way_in_says_whether_it_counts_referrals_or_people(there: Cast) -> None:
    refer(there)
    page = _client(there, "coordinator").get("/referrals").text
    way_in = page[page.index('id="funnel"') :].partition("</section>")[0]
    for words in (
        "Referrals received",
        "Referrals triaged",
        "People to be met, or who have committed",
        "People admitted",
    ):
        assert words in way_in


@pytest.mark.ci
def test_the_board_shows_who_is_being_admitted_and_apart_who_goes_no_further(there: Cast) -> None:
    """Also of somebody who was refused once and referred again: each stands in one place."""
    by = there.actor("coordinator")
    refused, again, waiting = (refer(there, replace(ONDINE, reasons=one)) for one in ("Un", "Deux", "Trois"))
    with there.session() as session:
        for one in (refused, again):
            look_at_everything(session, there, one)
            triage.triage(session, one, "refused", reason="Non", offered="Autre", by=by, at=AT)
        known = participant_of(session, again)
    third = refer(there, replace(ONDINE, reasons="Quatre"))
    with there.session() as session:
        duplicates.join_referral(session, third, known, reason="La même", by=by, at=AT)
        gone = participant_of(session, refused)
    under_way = triaged(there, waiting)
    page = _client(there, "coordinator").get("/referrals").text
    parts = {
        name: page[page.index(f'id="{name}"') :].partition("</section>")[0] for name in ("under-way", "no-further")
    }
    listed = {name: re.findall(r"/participants/([0-9a-f-]{36})", part) for name, part in parts.items()}
    assert listed == {"under-way": [str(under_way)], "no-further": [str(gone)]}
    shown = _client(there, "coordinator").get("/api/v1/referrals").json()
    assert [one["participant_id"] for one in shown["under_way"]] == [str(under_way)]


@pytest.mark.ci
def test_who_they_are_is_one_act_away_and_in_the_record(there: Cast) -> None:
    referral_id = refer(there)
    with there.session() as session:
        participant_id = participant_of(session, referral_id)
    client = _client(there, "coordinator")
    page = client.get(f"/participants/{participant_id}")
    assert page.status_code == 200
    assert "Ondine" not in page.text
    shown = client.post(f"/participants/{participant_id}/identity")
    assert "Ondine Fougère-Lys" in shown.text
    assert "no-store" in shown.headers["cache-control"]
    with there.session() as session:
        told = session.execute(text("select facts->>'what' as what from event where verb = 'read'")).scalars().all()
    assert sorted(told) == ["duplicates", "identity", "referral"]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("name", ["worker_codim", "manager_ccsmtl", "police", "researcher", "worker_ccsmtl"])
def test_a_candidate_is_not_there_for_anyone_else_nor_for_whoever_referred(there: Cast, name: str) -> None:
    referral_id = refer(there)
    with there.session() as session:
        participant_id = participant_of(session, referral_id)
    client = _client(there, name)
    absent = client.get(f"/participants/{UUID(int=5)}")
    theirs = client.get(f"/participants/{participant_id}")
    assert (absent.status_code, theirs.status_code) == (404, 404)
    for way in ("identity", "findings", "triage", "meetings", "number", "barred", "risk", "consents", "decision"):
        assert client.post(f"/participants/{participant_id}/{way}", data={"seen": "1"}).status_code == 404, way


@pytest.mark.parametrize("door", ["/referrals", "/api/v1/referrals"])
def test_what_somebody_who_leaves_began_is_read_by_the_coordinator_alone_once_it_is_left(
    there: Cast, door: str
) -> None:
    def read_by() -> list[Any]:
        with there.session() as session:
            rows = session.execute(select(_event).where(_event.c.verb == "read").order_by(_event.c.n)).all()
            return [(row.actor_id, row.subject_id, row.facts["what"], row.facts["ground"]) for row in rows]

    with there.session() as session:
        draft = referring.begin_referral(session, ONDINE, by=there.actor("worker_ccsmtl"), at=AT)
    assert _client(there, "worker_ccsmtl").get(f"{door}/{draft}").status_code == 200
    assert read_by() == [], "what one wrote oneself is no reading"
    assert _client(there, "coordinator").get(f"{door}/{draft}").status_code == 404, "not before"
    with there.session() as session:
        referring.leave_draft(session, draft, by=there.actor("manager_ccsmtl"), at=AT)
    for other in ("worker_ccsmtl", "manager_ccsmtl", "administrator", "privacy_officer"):
        assert _client(there, other).get(f"{door}/{draft}").status_code == 404, other
    answer = _client(there, "coordinator").get(f"{door}/{draft}")
    assert (answer.status_code, "Ondine" in answer.text) == (200, True)
    assert read_by() == [(there.people["coordinator"], draft, "referral", "part")]
    if door == "/referrals":
        board = _client(there, "coordinator").get(door).text
        assert "Unfinished, from people who left" in board
        assert "Unfinished, from people who left" not in _client(there, "manager_ccsmtl").get(door).text


@pytest.mark.ci
def test_a_referral_is_triaged_forwarded_met_consented_and_numbered_on_the_pages(there: Cast) -> None:
    referral_id = refer(there)
    coordinator, worker = _client(there, "coordinator"), _client(there, "worker_codim")
    with there.session() as session:
        participant_id = participant_of(session, referral_id)
        seen = session.execute(select(_referral.c.version)).scalar_one()
    here = f"/participants/{participant_id}"
    found = {"referral": str(referral_id), "seen": str(seen)}
    for end in ("c0", "c2", "c3", "c5"):
        found |= {f"finding_{end}": "met", f"fact_{end}": "Dit."}
    assert coordinator.post(f"{here}/findings", data=found).status_code == 303
    assert coordinator.post(f"{here}/findings", data=found).status_code == 412, "that window shows what was before"
    seen += 1
    decided = {
        "referral": str(referral_id),
        "seen": str(seen),
        "result": "forwarded",
        "reason": "Danger",
        "worker": str(there.people["worker_codim"]),
    }
    assert worker.get(here).status_code == 404
    answer = coordinator.post(f"{here}/triage", data=decided)
    assert answer.status_code == 303, answer.text
    assert worker.get(here).status_code == 200
    assert "Ondine" in worker.post(f"{here}/identity").text
    met = {"met_on": TODAY.isoformat(), "way": "in_person", "outcome": "commits"}
    assert worker.post(f"{here}/meetings", data=met).status_code == 303
    file = here.rpartition("/")[2]
    assert signing.on_page(worker, file, drawn=signing.ON_CANVAS, limits="").status_code == 409
    assert signing.on_page(worker, file, drawn=signing.ON_CANVAS).status_code == 303
    assert worker.post(f"{here}/number", data={"seen": "1"}).status_code == 404
    assert worker.post(f"{here}/risk", data={"level": "yellow"}).status_code == 303
    with there.session() as session:
        version = session.execute(select(_participant.c.version)).scalar_one()
    assert coordinator.post(f"{here}/number", data={"seen": str(version)}).status_code == 303
    page = coordinator.get(here)
    assert "#2026-01" in page.text
    assert "Ondine" not in page.text


@pytest.mark.ci
def test_the_page_warns_of_a_worker_without_room_in_both_languages_and_refuses_nothing(there: Cast) -> None:
    referral_id = refer(there, by="manager_ccsmtl")
    client, worker = _client(there, "coordinator"), there.people["worker_codim"]
    with there.session() as session:
        participant_id = participant_of(session, referral_id)
        look_at_everything(session, there, referral_id)
        for count in range(7):
            followed(session, there, f"#2026-0{count + 1}", worker="worker_codim")
    here = f"/participants/{participant_id}"
    words = {"en": "has no room for it", "fr": "n’a pas de place pour ce suivi"}
    for language, said in words.items():
        assert said not in client.get(f"{here}/triage", headers={"Accept-Language": language}).text, (
            "seven regular ones leave room"
        )
    with there.session() as session:
        session.execute(text("update follow_up set intensity = 'intense'"))
    for language, said in words.items():
        page = html.unescape(client.get(f"{here}/triage", headers={"Accept-Language": language}).text)
        lines = [line for line in re.findall(r"<bdi>([^<]+)</bdi>", page) if said in line]
        assert [line.partition(" – ")[0] for line in lines] == ["Garnet Schist"], language
        (select_worker,) = re.findall(r'<select[^>]*name="worker".*?</select>', page, re.DOTALL)
        (offered,) = re.findall(rf'<option value="{worker}"[^>]*>([^<]+)<', select_worker)
        assert said in offered, "whoever decides is warned, and may choose them all the same"
    with there.session() as session:
        seen = session.execute(select(_referral.c.version).where(_referral.c.id == referral_id)).scalar_one()
    forwarded = {"referral": str(referral_id), "seen": str(seen), "result": "forwarded", "reason": "Danger"}
    assert client.post(f"{here}/triage", data={**forwarded, "worker": str(worker)}).status_code == 303
    with there.session() as session:
        named = workers.named(session, participant_id)
    assert named is not None
    assert named.worker_id == worker


@pytest.mark.ci
def test_whom_the_person_barred_sees_nothing_from_that_moment_on(there: Cast) -> None:
    test_a_referral_is_triaged_forwarded_met_consented_and_numbered_on_the_pages(there)
    with there.session() as session:
        participant_id = session.execute(select(_participant.c.id)).scalar_one()
    worker = _client(there, "worker_codim")
    assert worker.get(f"/participants/{participant_id}").status_code == 200
    with there.session() as session:
        barring.bar(session, participant_id, there.people["worker_codim"], by=there.actor("coordinator"), at=AT)
    assert worker.get(f"/participants/{participant_id}").status_code == 404
    assert worker.post(f"/participants/{participant_id}/identity", data={"purpose": "urgent_help"}).status_code == 404


@pytest.mark.ci
def test_a_step_s_task_says_where_it_is_done_and_is_ticked_by_nobody(there: Cast) -> None:
    referral_id = refer(there)
    coordinator = _client(there, "coordinator")
    with there.session() as session:
        participant_id = participant_of(session, referral_id)
        task_id = surely(step_of(session, participant_id, "triage")).id
    shown = coordinator.get(f"/tasks/{task_id}").text
    assert f'href="/participants/{participant_id}#criteria"' in shown
    assert "/completion" not in shown
    assert "/waiver" not in shown
    with there.session() as session:
        seen = session.execute(text("select version from task where id = :id"), {"id": task_id}).scalar_one()
    ticked = coordinator.post(f"/tasks/{task_id}/completion", data={"seen": str(seen), "words": "Fait."})
    assert ticked.status_code == 409
    answer = coordinator.post(
        f"/api/v1/tasks/{task_id}/completion", json={"note": "Fait."}, headers={"If-Match": f'"{seen}"'}
    )
    assert answer.json()["code"] == "task.by_its_act"
    assert f"/participants/{participant_id}#criteria" in coordinator.get("/").text


@pytest.mark.ci
def test_somebody_else_is_named_where_the_person_bars_the_worker_and_they_may_say_no(there: Cast) -> None:
    participant_id = triaged(there, refer(there), "forwarded")
    coordinator, worker = _client(there, "coordinator"), _client(there, "worker_codim")
    here = f"/participants/{participant_id}"

    def version() -> str:
        with there.session() as session:
            return str(session.execute(select(_participant.c.version)).scalar_one())

    with there.session() as session:
        workers.forward(session, participant_id, there.people["worker_ccsmtl"], by=there.actor("coordinator"), at=AT)
    assert coordinator.post(f"{here}/barred", data={"person": str(there.people["worker_ccsmtl"])}).status_code == 303
    assert f"{here}#workers" in coordinator.get("/").text, "the vacancy is the coordinator's work"
    refused = {"seen": version(), "worker": str(there.people["worker_ccsmtl"])}
    assert coordinator.post(f"{here}/worker", data=refused).status_code == 409
    named = {"seen": version(), "worker": str(there.people["worker_codim"])}
    assert worker.post(f"{here}/worker", data=named).status_code == 404
    assert coordinator.post(f"{here}/worker", data=named).status_code == 303
    assert worker.get(here).status_code == 200
    gone = worker.post(f"{here}/declining")
    assert (gone.status_code, gone.headers["location"]) == (303, "/"), "and has nothing to do with the file any more"
    assert worker.get(here).status_code == 404
    with there.session() as session:
        assert session.execute(select(_participant.c.state)).scalar_one() == "declined"


@pytest.mark.ci
def test_a_triage_is_opened_again_once_on_the_page_of_the_candidate(there: Cast) -> None:
    referral_id = refer(there)
    participant_id = triaged(there, referral_id)
    coordinator = _client(there, "coordinator")
    here = f"/participants/{participant_id}"
    assert "/triage/taking-back" in coordinator.get(here).text
    with there.session() as session:
        seen = str(session.execute(select(_referral.c.version)).scalar_one())
    again = {"referral": str(referral_id), "seen": seen}
    assert coordinator.post(f"{here}/triage/taking-back", data=again).status_code == 303
    assert coordinator.post(f"{here}/triage/taking-back", data=again).status_code == 409
    assert f'href="{here}/triage"' in coordinator.get(here).text
    assert f'action="{here}/triage"' in coordinator.get(f"{here}/triage").text


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("act", "typed"),
    [
        ("findings", {"seen": "2", "finding_c2": "met", "fact_c2": "Elle le dit."}),
        ("triage", {"seen": "1", "result": "refused", "reason": "Non.", "offered": "Oui."}),
        ("triage/taking-back", {"seen": "1"}),
        ("joining", {}),
    ],
)
def test_from_one_person_s_page_nothing_is_done_to_the_referral_of_another(
    there: Cast, act: str, typed: dict[str, str]
) -> None:
    refer(there)
    with there.session() as session:
        ours, other = participant_of(session, refer(there)), session.execute(select(_referral)).all()
    others = next(row for row in other if row.participant_id != ours)
    sent = {"referral": str(others.id), "to": str(others.participant_id), **typed}
    refused = _client(there, "coordinator").post(f"/participants/{ours}/{act}", data=sent)
    assert (refused.status_code, "There is no such referral." in refused.text) == (409, True)
    with there.session() as session:
        assert session.execute(select(_referral).where(_referral.c.id == others.id)).one() == others


def test_a_link_is_opened_as_often_as_one_likes_and_refers_once(there: Cast) -> None:
    with there.session() as session:
        _, token = links.make_link(session, by=there.actor("coordinator"), at=AT)
    client = nobody(there.database)
    for _ in range(2):
        assert client.get(f"/refer/{token}").status_code == 200
    outside = {**TYPED, "referrer_name": "Jonc Osier", "referrer_contact": "450 555-0101"}
    refused = client.post(f"/refer/{token}", data={**outside, "referrer_name": ""})
    assert refused.status_code == 409
    assert 'value="Fougère-Lys"' in refused.text
    sent = client.post(f"/refer/{token}", data=outside)
    assert sent.headers["location"] == "/referred"
    thanks = client.get("/referred").text
    assert "Ondine" not in thanks
    assert "Keep your link" in thanks, "it goes on showing where the referral stands, and asks for what is missing"
    stands = client.get(f"/refer/{token}")
    assert (stands.status_code, "Ondine" in stands.text) == (200, False), "it shows where the referral stands"
    assert client.post(f"/refer/{token}", data=outside).status_code == 404
    assert client.get("/refer/never-was").status_code == 404
    assert _one(there).way == "link"


@pytest.mark.ci
def test_what_is_begun_by_a_link_is_gone_on_with_in_the_same_browser_and_read_in_no_other(there: Cast) -> None:
    with there.session() as session:
        _, token = links.make_link(session, by=there.actor("coordinator"), at=AT)
        taken, other_token = links.make_link(session, by=there.actor("coordinator"), at=AT)
    here, there_too = nobody(there.database), nobody(there.database)
    place = f"/refer/{token}"
    saved = here.post(place, data={"family_name": "Fougère-Lys", "referrer_name": "Jonc Osier", "do": "save"})
    assert (saved.status_code, saved.headers["location"]) == (303, place)
    assert "HttpOnly" in saved.headers["set-cookie"]
    page = here.get(place).text
    assert 'value="Fougère-Lys"' in page
    assert 'value="Jonc Osier"' in page
    elsewhere = there_too.get(place)
    assert "begun in another browser" in elsewhere.text
    assert "Fougère-Lys" not in elsewhere.text
    assert "<form" not in elsewhere.text.partition("<main")[2].partition("</main>")[0]
    outside = {**TYPED, "referrer_name": "Jonc Osier", "referrer_contact": "450 555-0101"}
    for do in ("save", "send"):
        assert there_too.post(place, data={**outside, "do": do}).status_code == 409
    assert here.post(place, data={**outside, "seen": "7", "do": "save"}).status_code == 412
    assert _client(there, "coordinator").get("/referrals").text.count("by a link") == 0, "a draft is nobody’s yet"
    assert here.post(place, data={**outside, "do": "send"}).headers["location"] == "/referred"
    assert _one(there).state == "received"
    for one in (here, there_too):
        stands = one.get(place)
        assert (stands.status_code, "Fougère" in stands.text) == (200, False)
    # A link that is taken back takes what was begun by it along.
    here.post(f"/refer/{other_token}", data={"family_name": "Tilleul", "do": "save"})
    with there.session() as session:
        referring.end_link(session, taken, by=there.actor("coordinator"), at=AT)
        states = select(_referral.c.state, _referral.c.sealed.is_(None)).where(_referral.c.link_id == taken)
        assert session.execute(states).one() == ("abandoned", True)
    assert here.get(f"/refer/{other_token}").status_code == 404


def test_a_referral_takes_no_attachment_and_a_large_one_is_turned_away(there: Cast) -> None:
    with there.session() as session:
        _, token = links.make_link(session, by=there.actor("coordinator"), at=AT)
    worker = _client(there, "worker_ccsmtl")
    huge = {"photo": ("photo.jpg", b"\xff\xd8\xff" + b"x" * 20 * 1024 * 1024, "image/jpeg")}
    small = {"photo": ("photo.jpg", b"\xff\xd8\xffExif\x00\x00GPS", "image/jpeg")}
    assert worker.post("/referrals", data=TYPED, files=huge).status_code == 413
    assert nobody(there.database).post(f"/refer/{token}", data=TYPED, files=huge).status_code == 413
    with there.session() as session:
        assert session.execute(select(_referral)).all() == []
    assert worker.post("/referrals", data={**TYPED, "do": "save"}, files=small).status_code == 303
    with there.session() as session:
        kept = session.execute(text("select count(*) from evidence_file")).scalar_one()
    assert kept == 0, "what the form does not ask is not kept"


def test_a_link_is_shown_once_and_taken_back(there: Cast) -> None:
    coordinator = _client(there, "coordinator")
    made = coordinator.post("/referrals/links")
    token = re.findall(r"/refer/([\w-]{20,})", made.text)[0]
    assert token not in coordinator.get("/referrals").text
    assert _client(there, "worker_codim").post("/referrals/links").status_code == 404
    ending = re.findall(r'action="(/referrals/links/[^"]+/ending)"', made.text)[0]
    assert coordinator.post(ending).status_code == 303
    assert nobody(there.database).get(f"/refer/{token}").status_code == 404


@pytest.mark.ci
def test_without_keys_pages_say_one_sentence_and_nothing_is_lost(there: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    referral_id = refer(there)
    with there.session() as session:
        participant_id = participant_of(session, referral_id)
    coordinator = _client(there, "coordinator")
    monkeypatch.setattr(KEYS, "broken", True)
    for answer in (
        coordinator.post(f"/participants/{participant_id}/identity"),
        coordinator.post("/referrals", data={**TYPED, "do": "send"}),
    ):
        assert answer.status_code == 409
        assert "its keys cannot be used" in answer.text
    monkeypatch.setattr(KEYS, "broken", False)
    assert ONDINE.given_name in coordinator.post(f"/participants/{participant_id}/identity").text
