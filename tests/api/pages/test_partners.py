"""Partners and what they owe: all of them for the coordinator, one’s own for each, and what people give for it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from domain.agreements.agreements import redraft_version
from domain.agreements.succession import renew
from domain.agreements.version_text import content_of_version
from domain.obligations import accepting, attestations, reading
from domain.obligations.clauses import waivers as waivers_of
from domain.obligations.to_accept import ACCEPT
from domain.people.people import end_tenure
from domain.roles.roles import standing
from meetings import schedule
from meetings.documents.paper import Speaker
from meetings.documents.statement_layout import statement
from meetings.statements.partner import partner_statement
from models.base import table_of
from models.committee import Seat, SeatHolder
from models.meeting import Meeting
from models.minutes import Decision
from models.obligation import Attestation, ObligationDocument
from tests import waiving
from tests.agreeing import PDF
from tests.api.pages.looking import signed_in as signed_in_as
from tests.api.pages.looking import task_of
from tests.api.pages.looking import text_of as text_of_page
from tests.casework import approve, complete, open_onboarding
from tests.cast import AT, TODAY, Arranged, Cast
from tests.domain.obligations.files import UNREADABLE
from tests.domain.obligations.signed import agreement_of, hold, kept, period, put_in_force, tasks
from tests.meetings.sitting import seat, seat_everyone

_document = table_of(ObligationDocument)
_attestation = table_of(Attestation)
_decision = table_of(Decision)
_meeting = table_of(Meeting)
_seat = table_of(Seat)
_holder = table_of(SeatHolder)

NOTE = "Gypse <b>Ardoise</b>"


def signed_in(cast: Cast, name: str) -> TestClient:
    """A browser that asks for French."""
    client = signed_in_as(cast, name)
    client.headers["Accept-Language"] = "fr-CA"
    return client


def text_of(response: Any) -> str:
    """What a reader reads of an answer."""
    return text_of_page(response.text)


@pytest.fixture
def owing(cast: Cast, arranged: Arranged[dict[str, UUID]]) -> dict[str, UUID]:
    """Every agreement in force, one seat that stayed empty twice; some periods by partner and clause."""
    return arranged(cast, _owing)


def _owing(cast: Cast) -> dict[str, UUID]:
    with cast.session() as session:
        seat_everyone(session, cast)
        put_in_force(session, cast)
        filled = dict.fromkeys(("ccsmtl", "codim", "spvm", "marie-vincent", "anonyme"), "present")
        for day in (date(2026, 5, 12), date(2026, 8, 11)):
            hold(session, cast, day, {**filled, "en-marge": "absent"})
        kept(session)
        found: dict[str, UUID] = {
            f"{place} {key}": period(session, cast, place, key)["id"]
            for place in ("en-marge", "codim")
            for key in ("AG-D1", "AG-M1", "AG-P2", "AG-P4", "AG-W2", "AG-X2")
        }
        session.commit()
        return found


@pytest.mark.ci
def test_the_coordinator_sees_every_partner_by_every_clause_and_what_is_at_risk_first(
    cast: Cast, owing: dict[str, UUID]
) -> None:
    page = signed_in(cast, "coordinator").get("/partners")
    assert page.status_code == 200
    assert page.text.index("Ne peut plus être respecté") < page.text.index("Partenaires et clauses</h2>")
    assert f'href="/obligations/{owing["en-marge AG-M1"]}"' in page.text
    # Each cell says its state in words beside the shape and the letter.
    assert (
        '<b aria-hidden="true">X</b><span class="unseen">Ne peut plus être respecté – En Marge 12-17, AG-M1'
        in " ".join(page.text.split())
    )


@pytest.mark.ci
@pytest.mark.usefixtures("owing")
def test_what_stands_alike_at_several_partners_is_one_line_with_each_of_them(cast: Cast) -> None:
    page = signed_in(cast, "coordinator").get("/partners").text
    risk = page[page.index('id="risk"') : page.index('id="grid"')]
    with cast.session() as session:
        for place in ("en-marge", "codim"):
            assert f'href="/obligations/{period(session, cast, place, "AG-P2")["id"]}"' in risk
        (words,) = {period(session, cast, place, "AG-P2")["state"] for place in ("en-marge", "codim", "anonyme")}
        text = reading.period(session, period(session, cast, "codim", "AG-P2")["id"])
    assert words == "at_risk"
    assert text is not None
    assert risk.count(f"<p>{text.text_fr}</p>") == 1


@pytest.mark.ci
def test_a_manager_is_taken_to_their_own_partner_and_finds_no_other(cast: Cast, owing: dict[str, UUID]) -> None:
    manager = signed_in(cast, "manager_em")
    page = manager.get("/partners", follow_redirects=False)
    assert page.headers["location"] == f"/partners/{cast.organizations['en-marge']}"
    shown = text_of(manager.get(page.headers["location"]))
    assert "Siéger au Comité directeur" in shown
    assert "Perle Obsidienne" in shown
    assert manager.get(f"/partners/{cast.organizations['codim']}").status_code == 404
    assert manager.get(f"/obligations/{owing['codim AG-M1']}").status_code == 404


@pytest.mark.usefixtures("owing")
def test_one_who_manages_two_partners_sees_both_and_no_third(cast: Cast) -> None:
    shown = signed_in(cast, "manager_two").get("/partners").text
    assert f"/partners/{cast.organizations['spvm']}" in shown
    assert f"/partners/{cast.organizations['marie-vincent']}" in shown
    assert f"/partners/{cast.organizations['en-marge']}" not in shown


def test_a_period_says_each_fact_that_counted_and_why_and_how_it_stood_before(
    cast: Cast, owing: dict[str, UUID]
) -> None:
    shown = text_of(signed_in(cast, "manager_em").get(f"/obligations/{owing['en-marge AG-M1']}"))
    assert "Rencontre, 12 mai 2026 absent·e compte" in shown
    assert "au plus 1 absence" in shown


@pytest.mark.ci
def test_only_the_holder_of_the_role_states_it_and_what_they_wrote_is_for_those_who_answer_for_the_partner(
    cast: Cast, owing: dict[str, UUID]
) -> None:
    address = f"/obligations/{owing['en-marge AG-P2']}"
    assert "Qu’attestez-vous" in text_of(signed_in(cast, "manager_em").get(address))
    assert "Qu’attestez-vous" not in text_of(signed_in(cast, "coordinator").get(address))
    for who in ("coordinator", "deputy", "director_em", "manager_codim"):
        assert signed_in(cast, who).post(f"{address}/attestation", data={"said": "held"}).status_code == 404
    for nothing in ({}, {"said": ""}, {"said": "perhaps"}):
        assert signed_in(cast, "manager_em").post(f"{address}/attestation", data=nothing).status_code == 422
    refused = signed_in(cast, "manager_em").post(f"{address}/attestation", data={"said": "not_held"})
    assert refused.status_code == 422
    assert "Dites pourquoi" in text_of(refused)
    manager = signed_in(cast, "manager_em")
    done = manager.post(f"{address}/attestation", data={"said": "not_held", "note": NOTE}, follow_redirects=False)
    assert done.status_code == 303
    assert "Gypse &lt;b&gt;Ardoise&lt;/b&gt;" in manager.get(address).text
    assert "Ardoise" not in signed_in(cast, "deputy").get(address).text


def test_the_coordinator_states_of_a_worker_what_is_theirs_to_state(cast: Cast, owing: dict[str, UUID]) -> None:
    address = f"/obligations/{owing['en-marge AG-W2']}"
    signed_in(cast, "coordinator").post(f"{address}/attestation", data={"said": "held"})
    with cast.session() as session:
        assert session.scalars(select(_attestation.c.role)).all() == ["coordinator"]
        assert period(session, cast, "en-marge", "AG-W2")["state"] == "met", "they do not owe it: it is their word"


@pytest.mark.ci
def test_a_document_is_given_read_and_taken_back(cast: Cast, owing: dict[str, UUID]) -> None:
    manager, address = signed_in(cast, "manager_em"), f"/obligations/{owing['en-marge AG-P4']}"
    given = {"document": ("Été 2026.txt", "Soirée d’information".encode(), "text/plain")}
    refused = manager.post(f"{address}/documents", data={"day": "2027-01-01"}, files=given)
    assert refused.status_code == 409
    lied = {"document": ("bilan.pdf", b"Pas un PDF", "application/pdf")}
    assert manager.post(f"{address}/documents", data={"day": TODAY.isoformat()}, files=lied).status_code in (409, 422)
    manager.post(f"{address}/documents", data={"day": TODAY.isoformat()}, files=given)
    page = manager.get(address)
    assert "Remis, à examiner" in text_of(page)
    with cast.session() as session:
        document = session.scalars(select(_document.c.id)).one()
        assert period(session, cast, "en-marge", "AG-P4")["state"] == "given"
    got = manager.get(f"/proofs/{document}")
    assert got.text == "Soirée d’information"
    assert got.headers["content-disposition"].startswith("attachment;")
    for who in ("deputy", "manager_codim", "researcher"):
        assert signed_in(cast, who).get(f"/proofs/{document}").status_code == 404
    manager.post(f"{address}/documents/{document}/withdrawal", data={"reason": "Mauvais fichier"})
    with cast.session() as session:
        assert period(session, cast, "en-marge", "AG-P4")["state"] == "at_risk"


@pytest.mark.ci
@pytest.mark.usefixtures("owing")
def test_the_proof_of_a_period_that_is_over_is_offered_as_of_its_last_day(cast: Cast) -> None:
    """Of today it would count for the next one, and this one would stay without."""
    with cast.session() as session:
        rows = reading.periods(session, organization_ids=[cast.organizations["ccsmtl"]])
        (over,) = [row for row in rows if row.key == "GV-5.report" and row.ends_on == date(2026, 9, 30)]
        (now,) = [row for row in rows if row.key == "GV-5.report" and row.ends_on == date(2026, 12, 31)]
    coordinator = signed_in(cast, "coordinator")
    for row, day in ((over, "2026-09-30"), (now, TODAY.isoformat())):
        assert f'value="{day}"' in coordinator.get(f"/obligations/{row.id}").text
    given = {"document": ("Été 2026.pdf", PDF, "application/pdf")}
    for row, is_late in ((over, True), (now, False)):
        day = min(TODAY, row.ends_on or TODAY).isoformat()
        coordinator.post(f"/obligations/{row.id}/documents", data={"day": day}, files=given)
        shown = text_of(coordinator.get(f"/obligations/{row.id}"))
        assert ("après le dernier jour pour la preuve" in shown) is is_late


@pytest.mark.ci
@pytest.mark.usefixtures("owing")
def test_how_it_stood_before_says_each_turn_once(cast: Cast) -> None:
    with cast.session() as session:
        one = period(session, cast, "en-marge", "AG-P4")
        by, at = cast.actor("manager_em"), AT - timedelta(days=1)
        for day in (TODAY - timedelta(days=500), TODAY - timedelta(days=400)):  # of no period, and nothing changes
            attestations.add_document(session, one["id"], "bilan.pdf", PDF, effective_on=day, by=by, at=at)
        session.commit()
    page = signed_in(cast, "manager_em").get(f"/obligations/{one['id']}").text
    history = page[page.index('id="history"') :]
    assert history.count("À risque") == 1


@pytest.mark.ci
def test_silence_is_said_in_the_same_words_on_pages_in_json_and_in_the_statement(
    cast: Cast, owing: dict[str, UUID]
) -> None:
    """A public stand is owed once, and nobody has given it yet."""
    assert owing
    with cast.session() as session:
        one = period(session, cast, "en-marge", "AG-D1")["id"]
        said = partner_statement(session, cast.organizations["en-marge"], TODAY.year, at=AT)
    coordinator, here = signed_in(cast, "coordinator"), cast.organizations["en-marge"]
    for path in (f"/obligations/{one}", "/partners", f"/partners/{here}"):
        assert "Rien d’inscrit encore" in text_of(coordinator.get(path)), path
    assert coordinator.get(f"/api/v1/obligations/{one}").json()["state"] == "nothing_recorded"
    (clause,) = [clause for clause in said.clauses if clause.clause == "AG-D1"]
    assert [one.state for one in clause.periods] == ["nothing_recorded"]
    for language, words in (("fr", "Rien d’inscrit encore"), ("en", "Nothing recorded yet")):
        assert words in repr(statement(Speaker(language), said))


def test_whoever_owes_a_document_is_asked_for_it_and_may_give_it(cast: Cast, owing: dict[str, UUID]) -> None:
    assert owing
    with cast.session() as session:
        one = period(session, cast, "codim", "AG-W4")
    worker, address = signed_in(cast, "worker_codim"), f"/obligations/{one['id']}"
    assert "Remettre un document, CODIM" in text_of(worker.get("/"))
    assert address in worker.get(f"/tasks/{one['task_id']}").text
    given = {"document": ("trace.txt", b"Fait.", "text/plain")}
    for who in ("worker_ccsmtl", "deputy"):
        answer = signed_in(cast, who).post(f"{address}/documents", data={"day": TODAY.isoformat()}, files=given)
        assert answer.status_code == 404
    assert worker.post(f"{address}/documents", data={"day": TODAY.isoformat()}, files=given).status_code == 303
    with cast.session() as session:
        assert period(session, cast, "codim", "AG-W4")["state"] == "given"


@pytest.mark.ci
def test_what_is_given_is_accepted_or_returned_with_words_on_the_page_of_the_clause_by_somebody_else(
    cast: Cast, owing: dict[str, UUID]
) -> None:
    """Who gave, who accepted or returned, when and why stand there; the words for those who answer for the partner."""
    manager, address = signed_in(cast, "manager_em"), f"/obligations/{owing['en-marge AG-P4']}"
    given = {"document": ("Été 2026.pdf", PDF, "application/pdf")}
    manager.post(f"{address}/documents", data={"day": TODAY.isoformat()}, files=given)
    with cast.session() as session:
        document = session.scalars(select(_document.c.id)).one()
        (task,) = tasks(session, ACCEPT)
    assert f"{address}/acceptance" not in manager.get(address).text
    assert "À examiner par Agate Améthyste" in text_of(manager.get(address))
    for who in ("manager_em", "director_em", "deputy", "manager_codim"):
        assert signed_in(cast, who).post(f"{address}/acceptance", data={"proof": str(document)}).status_code == 404
    coordinator = signed_in(cast, "coordinator")
    asked = coordinator.get(f"/tasks/{task['id']}")
    assert f"{address}#proof" in asked.text
    assert "Examiner la preuve de En Marge 12-17 pour AG-P4" in text_of(asked)
    refused = coordinator.post(f"{address}/return", data={"proof": str(document), "reason": ""})
    assert refused.status_code == 422
    assert "Dites pourquoi" in text_of(refused)
    coordinator.post(f"{address}/return", data={"proof": str(document), "reason": NOTE})
    page = manager.get(address)
    assert "Retournée : Agate Améthyste" in text_of(page)
    assert "Gypse &lt;b&gt;Ardoise&lt;/b&gt;" in page.text
    assert "Ardoise" not in signed_in(cast, "deputy").get(address).text
    coordinator.post(f"{address}/acceptance", data={"proof": str(document)})
    shown = text_of(coordinator.get(address))
    assert "Acceptée : Agate Améthyste" in shown
    assert "Respecté" in shown


@pytest.mark.parametrize(("name", "content", "code"), [one for one in UNREADABLE if one[1]])
def test_an_unreadable_file_is_refused_on_the_page_with_a_clear_sentence(
    cast: Cast, owing: dict[str, UUID], name: str, content: bytes, code: str
) -> None:
    manager, address = signed_in(cast, "manager_em"), f"/obligations/{owing['en-marge AG-P4']}"
    given = {"document": (name, content, "application/octet-stream")}
    refused = manager.post(f"{address}/documents", data={"day": TODAY.isoformat()}, files=given)
    assert refused.status_code in (409, 422)
    words = {
        "empty": "ne contient rien, ou presque rien",
        "damaged": "Ce fichier est endommagé",
        "locked": "Un mot de passe verrouille ce fichier",
        "not_what_it_says": "ne correspond pas à l’extension de son nom",
    }
    assert words[code] in text_of(refused)


def test_a_document_of_one_clause_is_not_taken_back_under_another(cast: Cast, owing: dict[str, UUID]) -> None:
    manager = signed_in(cast, "manager_em")
    given = {"document": ("bilan.txt", b"Fait.", "text/plain")}
    manager.post(f"/obligations/{owing['en-marge AG-P4']}/documents", data={"day": TODAY.isoformat()}, files=given)
    with cast.session() as session:
        document = session.scalars(select(_document.c.id)).one()
    other = f"/obligations/{owing['en-marge AG-M1']}/documents/{document}/withdrawal"
    assert manager.post(other, data={"reason": "Mauvais"}).status_code == 404
    own = f"/obligations/{owing['en-marge AG-P4']}/documents/{document}/withdrawal"
    assert manager.post(own, data={"reason": "Mauvais"}, follow_redirects=False).status_code == 303
    twice = manager.post(own, data={"reason": "Encore un motif"})
    assert (twice.status_code, "Encore un motif" in twice.text) == (404, True), "the form is gone, the words are not"


@pytest.mark.ci
def test_who_coordinates_is_offered_nothing_of_what_the_coordination_owes(cast: Cast, owing: dict[str, UUID]) -> None:
    """Neither to accept its proof nor to propose its waiver: and where it is sent all the same, it is refused."""
    del owing
    with cast.session() as session:
        own = period(session, cast, "ccsmtl", "GV-6.report")["id"]
        by = cast.actor("coordinator")
        given = attestations.add_document(session, own, "bilan.pdf", PDF, effective_on=TODAY, by=by, at=AT)
    address, coordinator = f"/obligations/{own}", signed_in(cast, "coordinator")
    page = coordinator.get(address)
    assert "Vous devez cette clause" in text_of(page)
    for form in ("acceptance", "return", "waiver-proposals", "waivers"):
        assert f'action="{address}/{form}"' not in page.text
    refused = coordinator.post(f"{address}/acceptance", data={"proof": str(given)})
    assert refused.status_code == 409
    assert "Vous ne pouvez ni accepter ni retourner" in text_of(refused)
    named = signed_in(cast, "manager_em")
    assert f'action="{address}/acceptance"' in named.get(address).text
    assert named.post(f"{address}/acceptance", data={"proof": str(given)}, follow_redirects=False).status_code == 303


def test_nobody_is_freed_of_a_clause_without_a_decision(cast: Cast, owing: dict[str, UUID]) -> None:
    address = f"/obligations/{owing['en-marge AG-M1']}/waivers"
    said = {"first": "2026-05-01", "last": "2026-08-31", "decision": "", "reason": "Déménagement"}
    refused = signed_in(cast, "coordinator").post(address, data=said)
    assert refused.status_code in (409, 422)
    assert "exige une décision en vigueur" in text_of(refused)
    assert 'value="Déménagement"' in refused.text
    assert signed_in(cast, "manager_em").post(address, data=said).status_code == 404


@pytest.mark.ci
def test_a_waiver_says_by_which_decision_and_why_to_those_who_answer_for_the_partner(
    cast: Cast, owing: dict[str, UUID]
) -> None:
    address, at_once = f"/obligations/{owing['en-marge AG-M1']}", {"first": "2026-12-01", "last": "2026-12-31"}
    coordinator = signed_in(cast, "coordinator")
    coordinator.post(f"{address}/waiver-proposals", data={**at_once, "reason": "Déménagement"})
    with cast.session() as session:
        (proposal,) = waiving.proposals(session, cast, "en-marge", "AG-M1")
        meeting = waiving.sat_on(session, cast, proposal)
    assert "Consigner la dispense du comité" in text_of(coordinator.get(address))
    assert f'href="{address}#waivers"' in coordinator.get(f"/meetings/{meeting}/run").text
    coordinator.post(f"{address}/waiver-proposals/{proposal}/decision")
    with cast.session() as session:
        made, number = session.execute(select(_decision.c.id, _decision.c.number)).one()
        waiving.endorsed(session, made)
    said = {**at_once, "decision": str(made), "reason": "Déménagement"}
    assert coordinator.post(f"{address}/waivers", data=said, follow_redirects=False).status_code == 303
    for name in ("coordinator", "manager_em"):
        page = text_of(signed_in(cast, name).get(address))
        assert f"{number} – Déménagement" in page, name
    with cast.session() as session:
        waiving.withdrawn(session, cast, made)
        assert waivers_of(session) == []
    for name in ("coordinator", "manager_em"):
        shown = card(signed_in(cast, name).get(address), "waivers")
        assert "ne s’applique aucun jour" in shown, name
        assert f'<a href="/decisions/{made}">{number}</a>' in shown
        assert "Déménagement" in shown
        assert "Proposé" not in shown
        assert "du 1er décembre 2026 au 31 décembre 2026" in text_of_page(shown)


def test_where_nothing_is_signed_the_page_says_what_to_do(cast: Cast) -> None:
    assert "n’engage personne" in text_of(signed_in(cast, "coordinator").get("/partners"))
    partner = text_of(signed_in(cast, "coordinator").get(f"/partners/{cast.organizations['codim']}"))
    assert "Aucune entente n’est en vigueur" in partner


def card(page: Any, name: str) -> str:
    """One card of a page, as it is written."""
    found = re.search(rf'<section class="card[^>]* id="{name}".*?</section>', page.text, re.DOTALL)
    return found.group() if found else ""


@pytest.mark.ci
def test_what_needs_something_what_is_coming_and_what_is_settled_stand_apart_on_the_partners_page(
    cast: Cast, owing: dict[str, UUID]
) -> None:
    manager, at = signed_in(cast, "manager_em"), f"/partners/{cast.organizations['en-marge']}"
    given = {"document": ("bilan.txt", b"Fait.", "text/plain")}
    assert card(manager.get(at), "settled") == ""
    manager.post(f"/obligations/{owing['en-marge AG-P4']}/documents", data={"day": TODAY.isoformat()}, files=given)
    page = manager.get(at)
    with cast.session() as session:
        document = session.scalars(select(_document.c.id)).one()
        by = cast.actor("coordinator")
        accepting.accept(session, owing["en-marge AG-P4"], document, by=by, at=AT)
    page = manager.get(at)
    stands = {"AG-M1": "needs", "AG-D1": "coming", "AG-P4": "settled"}
    for clause, name in stands.items():
        link = f'href="/obligations/{owing[f"en-marge {clause}"]}"'
        assert [one for one in ("needs", "coming", "settled") if link in card(page, one)] == [name], clause
    assert "AG-P4 · période jusqu’au 31 décembre 2026 Respecté" in text_of_page(card(page, "settled"))


@pytest.mark.usefixtures("owing")
def test_who_sits_for_a_partner_and_which_seat_is_to_be_filled_stands_on_its_page(cast: Cast) -> None:
    at = f"/partners/{cast.organizations['en-marge']}"
    manager = signed_in(cast, "manager_em")
    before = text_of_page(card(manager.get(at), "seats"))
    assert "Comité directeur En Marge 12-17 Perle Obsidienne Soufre Tungstène suppléant·e" in before
    assert "Siège à combler" not in before
    with cast.session() as session:
        mine = _holder.c.seat_id == seat(session, "steering", "en-marge"), _holder.c.kind == "principal"
        session.execute(update(_holder).where(*mine).values(ends_on=TODAY - timedelta(days=1)))
    after = text_of_page(card(manager.get(at), "seats"))
    assert "Comité directeur En Marge 12-17 Siège à combler Soufre Tungstène suppléant·e" in after
    assert after.count("Siège à combler") == 1


@pytest.mark.usefixtures("owing")
def test_the_roles_of_the_agreement_in_force_stand_on_the_partners_page_with_who_is_missing(cast: Cast) -> None:
    """Two managers that a draft of the next version asks for are nobody's vacancy."""
    at, by = f"/partners/{cast.organizations['en-marge']}", cast.actor("coordinator")
    director = signed_in(cast, "director_em")
    with cast.session() as session:
        second = renew(session, agreement_of(session, cast, "en-marge"), by=by, at=AT)
        said = content_of_version(session, second)
        more = {**said.roles, "manager": said.roles["manager"]._replace(headcount=2)}
        redraft_version(session, second, replace(said, roles=more), by=by, at=AT)
    before = text_of_page(card(director.get(at), "roles"))
    assert "Gestionnaire Perle Obsidienne Deuxième représentant·e Soufre Tungstène" in before
    with cast.session() as session:
        tenure = next(one for one in standing(session, TODAY).roles_of(cast.people["manager_em"]))
        end_tenure(session, tenure.id, ends_on=TODAY - timedelta(days=1), by=by, at=AT)
    assert "Gestionnaire Vacant" in text_of_page(card(director.get(at), "roles"))


@pytest.mark.ci
@pytest.mark.usefixtures("owing")
def test_the_next_meetings_of_its_committees_stand_on_the_partners_page(cast: Cast) -> None:
    """Those to come within months that are on, of committees on which it sits, also through another."""
    by = cast.actor("coordinator")
    days = {"steering": (date(2026, 12, 9), date(2027, 1, 20), date(2028, 1, 19)), "joint": (date(2026, 12, 16),)}
    with cast.session() as session:
        for committee, dates in days.items():
            starts = [datetime.combine(day, time(13, 30)) for day in dates]
            schedule.plan_meetings(session, committee, starts, by=by, at=AT)
        left = update(_seat).where(_seat.c.id == seat(session, "clinical", "en-marge"))
        session.execute(left.values(ends_on=date(2026, 11, 1)))
        schedule.plan_meetings(session, "extended", [datetime.combine(date(2026, 12, 17), time(9))], by=by, at=AT)
        off = datetime.combine(date(2027, 1, 20), time(13, 30))
        cancelled = session.scalars(select(_meeting.c.id).where(_meeting.c.starts == off)).one()
        schedule.cancel_meeting(session, cancelled, reason="Tempête", by=by, at=AT)
        session.commit()
    shown = text_of(signed_in(cast, "manager_em").get(f"/partners/{cast.organizations['en-marge']}"))
    listed = shown[shown.index("Prochaines rencontres") :]
    assert "Comité directeur mercredi 9 décembre 2026, 13 h 30" in listed
    assert "Comité mixte mercredi 16 décembre 2026, 13 h 30" in listed
    assert "Comité élargi" not in listed, "its only seat there is no more"
    assert "2028" not in listed
    assert "janvier" not in listed, "it is cancelled"
    assert "12 mai" not in listed, "it was held"


@pytest.mark.ci
@pytest.mark.usefixtures("owing")
def test_open_tasks_stand_on_the_partners_page_for_those_who_may_see_them(cast: Cast) -> None:
    """The manager and the director see what waits on their organization's roles in a case; a colleague does not."""
    case_id = open_onboarding(cast)
    at = f"/partners/{cast.organizations['en-marge']}"
    link = f'href="/tasks/{task_of(cast, case_id, "request_secure_access")["id"]}"'
    assert link not in signed_in(cast, "coordinator").get(at).text  # it is the coordinator's to do
    complete(cast, case_id, "request_secure_access")  # and waits for the manager's approval now
    for who, sees in (("coordinator", True), ("manager_em", True), ("director_em", True), ("deputy", False)):
        page = signed_in(cast, who).get(at)
        assert page.status_code == 200
        assert (link in page.text) is sees, who
    approve(cast, case_id, "request_secure_access", by=cast.actor("manager_em"))
    assert link not in signed_in(cast, "manager_em").get(at).text
