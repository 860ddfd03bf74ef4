"""The register of decisions and the page of one: open ones first, who does it, and what the partners say of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from api.access import permissions
from api.access.permissions import TABLE, Action, Relation
from domain.casework.tasks import complete_task
from meetings import deciding, freezing
from meetings.endorsing import endorse
from models.base import table_of
from models.minutes import Decision, Endorsement
from models.program import Organization
from tests.api.application import client_for
from tests.api.pages.gathered import END, Held, hold
from tests.api.pages.looking import text_of
from tests.api.pages.test_meetings import HARD
from tests.cast import Arranged, Cast
from tests.meetings.meeting_room import NEXT, NEXT_LOCAL, PRESENT, meeting, opened

_decision = table_of(Decision)
_endorsement = table_of(Endorsement)
_organization = table_of(Organization)

#: Past the day on which the owed decision is due.
LATE = END + timedelta(days=20)


@pytest.fixture
def held(cast: Cast, arranged: Arranged[Held]) -> Held:
    return arranged(cast, hold)


def signed_in(cast: Cast, name: str, at: datetime = END) -> TestClient:
    return client_for(cast.database, cast.people[name], at=at)


def row(cast: Cast, decision_id: UUID) -> Any:
    with cast.session() as session:
        return session.execute(select(_decision).where(_decision.c.id == decision_id)).one()


def part(page: str, name: str) -> str:
    """The card of a page with this id, as it reads; "" where there is none."""
    found = page.find(f'<section class="card" id="{name}"')
    return "" if found < 0 else text_of(page[found : page.index("</section>", found)])


@pytest.mark.usefixtures("held")
def test_what_is_to_be_done_stands_first_with_who_by_when_and_how_long(cast: Cast) -> None:
    page = signed_in(cast, "manager_em", LATE).get("/decisions").text
    open_ones = part(page, "open")
    assert "Write to the funders." in open_ones
    assert "CD-2027-003" in open_ones
    assert "The budget is adopted." not in open_ones
    assert "Administrative officer" in open_ones
    assert "open for 20 days" in open_ones
    assert "8 days late" in open_ones
    year = part(page, "year")
    assert "CD-2027-001" in year
    assert "CD-2027-003" in year
    assert "Pending: endorsed by 0 of 3 partners" in year
    assert "Missing: CCSMTL, CODIM and En Marge" in year
    assert "with a quorum" in year
    assert page.index('id="open"') < page.index('id="year"')


@pytest.mark.ci
def test_done_ones_are_open_no_more_and_withdrawn_ones_say_by_which(cast: Cast, held: Held) -> None:
    with cast.session() as session:
        complete_task(session, row(cast, held.owed).task_id, by=cast.actor("officer"), at=END)
    assert "Everything that was decided is done" in part(signed_in(cast, "manager_em").get("/decisions").text, "open")
    assert "Carried out" in text_of(signed_in(cast, "manager_em").get(f"/decisions/{held.owed}").text)


def test_a_decision_without_a_quorum_does_not_hold_and_says_so_wherever_it_stands(cast: Cast, held: Held) -> None:
    member = signed_in(cast, "manager_em")
    assert "No one: it applies as is." in text_of(member.get(f"/decisions/{held.quiet}").text)
    with cast.session() as session:
        session.execute(update(_decision).where(_decision.c.id == held.quiet).values(has_quorum=False))
    page = text_of(member.get(f"/decisions/{held.quiet}").text)
    assert "Does not hold: no quorum" in page
    assert "nothing can be based on it" in page
    assert "applies as is" not in page
    assert "Does not hold: no quorum" in part(member.get("/decisions").text, "year")
    with cast.session() as session:
        session.execute(update(_decision).values(has_quorum=False))
    for decision in (held.owed, held.budget):
        owed = text_of(member.get(f"/decisions/{decision}").text)
        assert "Does not hold: no quorum" in owed, "also where a role owes it, and where partners are asked"
        assert "nothing can be based on it" in owed
    member.headers["Accept-Language"] = "fr"
    french = text_of(member.get(f"/decisions/{held.quiet}").text)
    assert "Sans effet" in french
    assert "pas de quorum" in french
    assert "En vigueur" not in french


def test_a_register_is_not_linked_in_a_language_in_which_it_is_not_whole_and_says_which_decisions(
    cast: Cast, held: Held
) -> None:
    member = signed_in(cast, "manager_em")
    files = "/committees/steering/decisions/2027"
    assert f"{files}/en.pdf" in member.get("/decisions").text
    with cast.session() as session:
        session.execute(update(_decision).where(_decision.c.id == held.quiet).values(text_en=""))
    page = member.get("/decisions").text
    assert f"{files}/fr.pdf" in page
    assert f"{files}/en." not in page
    assert "Decisions without an English text: CD-2027-002" in text_of(page)
    refused = member.get(f"{files}/en.pdf")
    assert refused.status_code == 409
    assert "not written in it: CD-2027-002." in text_of(refused.text)
    assert member.get(f"{files}/fr.pdf").status_code == 200


def test_whoever_keeps_the_minutes_writes_a_decision_in_the_language_that_it_lacks_and_its_page_says_so(
    cast: Cast, held: Held
) -> None:
    path = f"/decisions/{held.quiet}"
    with cast.session() as session:
        session.execute(update(_decision).where(_decision.c.id == held.quiet).values(text_en=""))
    before = row(cast, held.quiet)
    ask = {"seen": str(before.version), "language": "en", "text": "The minutes are sent on Fridays."}
    for name in ("manager_em", "director_codim", "police"):
        reader = signed_in(cast, name)
        assert "Write it in English" not in reader.get(path).text, name
        assert reader.post(f"{path}/translation", data=ask).status_code == 404, name
    secretary = signed_in(cast, "coordinator")
    assert "Write it in English" in secretary.get(path).text
    for wrong, status in (
        ({"text": " "}, 422),
        ({"text": before.text_fr}, 409),
        ({"language": "fr"}, 409),
        ({"seen": "77"}, 412),
    ):
        assert secretary.post(f"{path}/translation", data=ask | wrong).status_code == status, wrong
    assert row(cast, held.quiet) == before
    done = secretary.post(f"{path}/translation", data=ask)
    assert done.headers["location"] == f"{path}#text"
    page = signed_in(cast, "manager_em").get(path).text
    assert "The minutes are sent on Fridays." in part(page, "text")
    assert "Written in English later" in part(page, "text")
    assert "The meeting decided the French text." in part(page, "text")
    assert secretary.get("/committees/steering/decisions/2027/en.pdf").status_code == 200


def test_what_was_added_to_a_decision_stays_as_it_was_written(cast: Cast, held: Held) -> None:
    path = f"/decisions/{held.quiet}/translation"
    with cast.session() as session:
        session.execute(update(_decision).where(_decision.c.id == held.quiet).values(text_en=""))
    secretary = signed_in(cast, "coordinator")
    ask = {"seen": str(row(cast, held.quiet).version), "language": "en", "text": "Once."}
    assert secretary.post(path, data=ask).status_code == 303
    written = row(cast, held.quiet)
    for language in ("en", "fr"):
        again = ask | {"seen": str(written.version), "language": language, "text": "Something else."}
        assert secretary.post(path, data=again).status_code == 409
    assert row(cast, held.quiet) == written
    assert "Write it in" not in secretary.get(f"/decisions/{held.quiet}").text


@pytest.mark.ci
@pytest.mark.usefixtures("held")
def test_a_register_is_for_those_who_sit_on_its_committee(cast: Cast) -> None:
    assert "CD-2027-001" in signed_in(cast, "coordinator").get("/decisions").text
    for name in ("police", "officer", "administrator"):
        answer = signed_in(cast, name).get("/decisions?committee=steering")
        assert answer.status_code == 200, name
        assert "CD-2027" not in answer.text, name
    assert "You have no access to a register" in signed_in(cast, "officer").get("/decisions").text


@pytest.mark.ci
def test_registers_lists_and_pages_of_decisions_are_for_whom_the_table_lets_see_one(
    cast: Cast, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinator, row_of_table = signed_in(cast, "coordinator"), TABLE[Action.SEE_DECISION]
    for relations, sees in ((row_of_table, True), (frozenset({Relation.OWES}), False)):
        monkeypatch.setattr(permissions, "TABLE", {**TABLE, Action.SEE_DECISION: relations})
        assert ("CD-2027-001" in coordinator.get("/decisions").text) == sees
        assert (coordinator.get(f"/decisions/{held.quiet}").status_code == 200) == sees
        assert bool(coordinator.get("/api/v1/decisions").json()["items"]) == sees


@pytest.mark.ci
def test_an_outside_organization_reads_what_is_for_the_seats(cast: Cast, held: Held) -> None:
    with cast.session() as session:
        session.execute(
            update(_organization).where(_organization.c.id == cast.organizations["anonyme"]).values(kind="outside")
        )
    outside = signed_in(cast, "manager_la")
    page = outside.get("/decisions").text
    assert "Write to the funders." in page or "Écrire aux bailleurs." in page
    assert "CD-2027-002" not in page
    assert outside.get(f"/decisions/{held.quiet}").status_code == 404
    assert outside.get(f"/decisions/{held.owed}").status_code == 200
    file = outside.get("/committees/steering/decisions/2027/en.docx")
    assert (
        file.headers["content-disposition"]
        == 'attachment; filename="2027-01-20-steering-committee-register-of-decisions.docx"'
    )


@pytest.mark.usefixtures("held")
def test_a_register_is_a_file_in_both_languages_for_its_readers(cast: Cast) -> None:
    member = signed_in(cast, "manager_codim")
    assert member.get("/committees/steering/decisions/2027/fr.pdf").content.startswith(b"%PDF")
    for path in (
        "/committees/clinical/decisions/2027/fr.pdf",
        "/committees/nowhere/decisions/2027/fr.pdf",
        "/committees/steering/decisions/2027/fr.exe",
        "/committees/steering/decisions/1999/fr.pdf",
    ):
        assert member.get(path).status_code in (404, 422), path
    assert signed_in(cast, "police").get("/committees/steering/decisions/2027/fr.pdf").status_code == 404


@pytest.mark.ci
def test_whoever_does_what_was_decided_reads_it_and_nothing_else(cast: Cast, held: Held) -> None:
    officer = signed_in(cast, "officer")
    page = officer.get(f"/decisions/{held.owed}")
    assert page.status_code == 200
    assert "Écrire aux bailleurs." in page.text
    assert f"/tasks/{row(cast, held.owed).task_id}" in page.text
    assert f"/meetings/{held.meeting_id}" not in page.text
    assert officer.get(f"/decisions/{held.budget}").status_code == 404
    assert f"/decisions/{held.owed}" in officer.get(f"/tasks/{row(cast, held.owed).task_id}").text
    assert signed_in(cast, "it_contact").get(f"/decisions/{held.owed}").status_code == 404


@pytest.mark.ci
def test_a_director_endorses_or_objects_for_their_own_organization_and_it_is_counted(cast: Cast, held: Held) -> None:
    path = f"/decisions/{held.budget}"
    director = signed_in(cast, "director_codim")
    assert "The budget is adopted." in part(director.get("/decisions").text, "waiting")
    page = director.get(path).text
    assert "Answer for CODIM" in page
    assert "Answer for En Marge" not in page
    ours = {"organization": str(cast.organizations["codim"]), "seen": 0}
    refused = director.post(f"{path}/endorsement", data=ours | {"said": "objected"})
    assert refused.status_code == 422
    assert "Say why, in a few words." in refused.text
    objected = director.post(f"{path}/endorsement", data=ours | {"said": "objected", "reason": "Too little for two."})
    assert objected.headers["location"] == f"{path}#endorsements"
    assert "Too little for two." in director.get(path).text
    register = signed_in(cast, "manager_em").get("/decisions").text
    assert "Objected: by CODIM." in part(register, "year")
    page = text_of(director.get(path).text)
    assert "This decision is not in effect now" in page
    assert page.count("Objected: by CODIM. Anything based on it is suspended until this is settled.") == 1
    assert "An objection is settled at the Steering Committee, by a decision taken with a quorum" in page
    assert "The meeting that has it on its agenda:" in page, "one knows when"
    late = director.post(f"{path}/endorsement", data=ours | {"said": "endorsed", "reason": "We talked about it"})
    assert late.status_code == 412
    assert "We talked about it" in late.text
    # The manager speaks for the organization too, and the last word counts.
    manager = signed_in(cast, "manager_codim")
    manager.post(f"{path}/endorsement", data=ours | {"seen": 1, "said": "endorsed"})
    after = director.get("/decisions").text
    assert part(after, "waiting") == ""
    assert "Pending: endorsed by 1 of 3 partners" in part(after, "said")
    taken_back = manager.post(f"{path}/endorsement", data=ours | {"seen": 2, "said": "taken_back"})
    assert taken_back.status_code == 303
    assert "The budget is adopted." in part(director.get("/decisions").text, "waiting")
    assert "Previous answers" in director.get(path).text


@pytest.mark.parametrize("said", ["", "perhaps"])
def test_a_word_that_is_none_is_refused(cast: Cast, held: Held, said: str) -> None:
    data = {"organization": str(cast.organizations["codim"]), "seen": 0, "said": said}
    answer = signed_in(cast, "director_codim").post(f"/decisions/{held.budget}/endorsement", data=data)
    assert answer.status_code == 422


@pytest.mark.ci
def test_nobody_speaks_for_anothers_organization(cast: Cast, held: Held) -> None:
    path = f"/decisions/{held.budget}/endorsement"
    theirs = {"organization": str(cast.organizations["en-marge"]), "seen": 0, "said": "endorsed"}
    for name in ("director_codim", "coordinator", "manager_la", "worker_codim", "police"):
        assert signed_in(cast, name).post(path, data=theirs).status_code == 404, name
    with cast.session() as session:
        assert session.execute(select(_endorsement).where(_endorsement.c.said != "")).all() == []


@pytest.mark.ci
def test_a_partner_sees_what_was_decided_without_it_and_asks_that_it_be_endorsed(cast: Cast, held: Held) -> None:
    manager, path = signed_in(cast, "manager_codim"), f"/decisions/{held.owed}"
    apart = part(manager.get("/decisions").text, "not-asked")
    assert "Write to the funders." in apart
    assert "No reason is on record." in apart
    ask: dict[str, Any] = {
        "organization": str(cast.organizations["codim"]),
        "seen": row(cast, held.owed).version,
        "reason": " ",
    }
    refused = manager.post(f"{path}/wanted-endorsement", data=ask)
    assert (refused.status_code, "Say why, in a few words." in refused.text) == (422, True)
    for name in ("coordinator", "manager_la", "worker_codim"):
        asked = signed_in(cast, name).post(f"{path}/wanted-endorsement", data=ask | {"reason": "C’est de la gestion."})
        assert asked.status_code == 404, name
    theirs = ask | {"organization": str(cast.organizations["anonyme"]), "reason": "C’est de la gestion."}
    no_partner = signed_in(cast, "manager_la").post(f"{path}/wanted-endorsement", data=theirs)
    assert (no_partner.status_code, "had no agreement in force" in no_partner.text) == (409, True)
    done = manager.post(f"{path}/wanted-endorsement", data=ask | {"reason": "C’est de la gestion."})
    assert done.headers["location"] == f"{path}#endorsements"
    page = manager.get(path).text
    assert "CODIM: C’est de la gestion." in text_of(page)
    assert "Answer for CODIM" in page
    assert "Write to the funders." not in part(manager.get("/decisions").text, "not-asked")


@pytest.mark.ci
def test_an_objection_is_settled_on_its_page_while_the_committee_sits_and_by_the_secretary_alone(
    cast: Cast, held: Held
) -> None:
    path = f"/decisions/{held.budget}"
    with cast.session() as session:
        for name, place, word in (("director_ccsmtl", "ccsmtl", "endorsed"), ("manager_em", "en-marge", "endorsed")):
            endorse(session, held.budget, cast.organizations[place], word, by=cast.actor(name), at=END)
        by = cast.actor("manager_codim")
        endorse(session, held.budget, cast.organizations["codim"], "objected", reason="Trop cher.", by=by, at=END)
        freezing.freeze(session, meeting(session, NEXT_LOCAL), by=cast.actor("coordinator"), at=LATE)
        here = opened(session, cast, *PRESENT, local=NEXT_LOCAL, at=NEXT)
    client = signed_in(cast, "coordinator", NEXT)
    assert f"{path}#settlement" in client.get(f"/meetings/{here}/run").text
    assert 'action="' + f"{path}/settlement" in client.get(path).text
    assert f"{path}/settlement" not in signed_in(cast, "manager_codim", NEXT).get(path).text
    said: dict[str, Any] = {"meeting": str(here), "settled_as": "kept", "text_fr": "On le garde."}
    assert signed_in(cast, "manager_codim", NEXT).post(f"{path}/settlement", data=said).status_code == 404
    assert client.post(f"{path}/settlement", data=said | {"text_fr": ""}).status_code == 422
    assert client.post(f"{path}/settlement", data=said).headers["location"] == f"{path}#endorsements"
    page = text_of(client.get(path).text)
    assert "Endorsed by 2 of 3 partners." in page
    assert "Objected; the committee settled it" in page


@pytest.mark.ci
def test_a_decision_is_taken_back_by_a_later_one_as_that_is_recorded_and_its_task_is_called_off(
    cast: Cast, held: Held
) -> None:
    client = signed_in(cast, "coordinator", NEXT)
    path = f"/decisions/{held.owed}"
    with cast.session() as session:
        later = opened(session, cast, *PRESENT, local=NEXT_LOCAL, at=NEXT)
    given = {"text_fr": "On n’écrit plus.", "kind": "other", "takes_back": "CD-2027-003"}
    run = f"/meetings/{later}/run"
    assert "CD-2027-003 Write to the funders." in client.get(run).text
    assert client.post(f"{run}/decision", data=given | {"takes_back": "CD-2027-001"}).status_code == 409
    assert "Write to the funders." in part(client.get("/decisions").text, "open")
    assert client.post(f"{run}/decision", data=given).status_code == 303
    page = client.get(path).text
    assert "This decision was revoked" in page
    assert "CD-2027-004" in page
    with cast.session() as session:
        other = session.scalars(select(_decision.c.id).where(_decision.c.text_fr == given["text_fr"])).one()
    shown = client.get(f"/decisions/{other}").text
    assert "CD-2027-003" in part(shown, "state")
    assert "not yet" not in part(shown, "state")
    assert "Write to the funders." not in part(client.get("/decisions").text, "open")


@pytest.mark.ci
def test_the_pages_of_both_say_why_a_decision_is_not_taken_back_yet(cast: Cast, held: Held) -> None:
    client = signed_in(cast, "coordinator", NEXT)
    with cast.session() as session:
        here = opened(session, cast, *PRESENT, local=NEXT_LOCAL, at=NEXT)
        by, text = cast.actor("coordinator"), "On n’écrit plus."
        named: dict[str, Any] = {"takes_back": ["CD-2027-003"], "kind": "management", "by": by, "at": NEXT}
        other = deciding.decide(session, here, None, text_fr=text, **named)
    why = "Decision CD-2027-004 is not in effect yet: partners are still to endorse it."
    for decision, names in ((held.owed, "CD-2027-004"), (other, "CD-2027-003")):
        page = part(client.get(f"/decisions/{decision}").text, "state")
        assert names in page
        assert why in unescape(page)
    assert "pas encore" in part(client.get(f"/decisions/{other}?lang=fr").text, "state")
    with cast.session() as session:
        for name, where in (("director_ccsmtl", "ccsmtl"), ("manager_em", "en-marge"), ("manager_codim", "codim")):
            endorse(session, other, cast.organizations[where], "endorsed", by=cast.actor(name), at=NEXT)
    for decision in (held.owed, other):
        assert "not yet" not in part(client.get(f"/decisions/{decision}").text, "state")


@pytest.mark.ci
def test_a_committees_page_shows_its_last_decisions_to_those_who_sit_on_it(cast: Cast, held: Held) -> None:
    page = signed_in(cast, "manager_codim").get("/committees/steering").text
    assert f"/decisions/{held.owed}" in page[page.index('id="decided"') :]
    assert 'id="decided"' not in signed_in(cast, "police").get("/committees/steering").text


@pytest.mark.ci
@pytest.mark.usefixtures("held")
def test_a_committee_or_year_that_is_none_shows_the_whole(cast: Cast) -> None:
    client = signed_in(cast, "manager_em")
    for asked in ("?committee=nowhere&year=1999", "?year=<script>", "?committee=clinical&year=²"):
        answer = client.get(f"/decisions{asked}")
        assert answer.status_code == 200, asked
        assert "CD-2027-001" in answer.text, asked


@pytest.mark.ci
def test_what_was_typed_is_shown_as_text_and_in_the_language_in_which_it_was(cast: Cast) -> None:
    held = hold(cast, typed=HARD)
    with cast.session() as session:
        session.execute(update(_decision).where(_decision.c.id == held.owed).values(text_en=""))
    client = signed_in(cast, "coordinator")
    for path in ("/decisions", f"/decisions/{held.owed}", "/committees/steering"):
        page = client.get(path).text
        assert HARD not in page, path
        assert "&lt;script&gt;" in page, path
        assert 'lang="fr-CA">Écrire aux bailleurs.' in page, path
