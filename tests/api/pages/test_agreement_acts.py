"""An agreement from its page: sent, signed by its director, begun, renewed, ended; its files, and what changed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from domain.agreements.agreements import redraft_version, send_version, sign_version, signatures_of
from domain.agreements.signed_files import files_of
from domain.agreements.succession import begin, renew
from domain.agreements.version_difference import difference
from domain.agreements.version_text import content_of, content_of_version
from domain.people.absences import record_absence
from models.agreement import AgreementVersion
from models.base import table_of
from tests.agreeing import PDF, agreement_of, in_force, last_version, second_director, signed_on
from tests.api.pages.looking import signed_in, text_of
from tests.cast import AT, SINCE, TODAY, Cast, program_file
from tests.sealing import tamper

_version = table_of(AgreementVersion)


@pytest.fixture
def agreement_id(cast: Cast) -> UUID:
    with cast.session() as session:
        return agreement_of(session, cast)


def stands(cast: Cast) -> dict[str, Any]:
    with cast.session() as session:
        row = session.execute(select(_version).where(_version.c.id == last_version(session, cast))).mappings().one()
        return dict(row)


def act(client: TestClient, agreement_id: UUID, n: int, name: str, seen: int, **fields: str) -> Any:
    return client.post(
        f"/program/agreements/{agreement_id}/versions/{n}/{name}",
        data={"seen": str(seen), **fields},
        follow_redirects=False,
    )


def away(cast: Cast, *, deputy: str) -> None:
    """Record that the director is away today, and who acts for them."""
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people["director_em"],
            starts_on=TODAY,
            ends_on=TODAY,
            deputy_id=cast.people[deputy],
            by=cast.actor("coordinator"),
            at=AT,
        )


@pytest.mark.ci
def test_a_version_goes_from_draft_to_force_by_the_hands_that_it_belongs_to(cast: Cast, agreement_id: UUID) -> None:
    coordinator, director = signed_in(cast, "coordinator"), signed_in(cast, "director_em")
    assert "Sign this version" not in text_of(director.get(f"/program/agreements/{agreement_id}").text)
    assert act(coordinator, agreement_id, 1, "sending", stands(cast)["version"]).status_code == 303
    assert stands(cast)["state"] == "sent"
    assert "Sign this version" in director.get(f"/program/agreements/{agreement_id}").text
    unread = act(director, agreement_id, 1, "signature", stands(cast)["version"])
    assert unread.status_code == 422
    assert stands(cast)["state"] == "sent"
    assert act(coordinator, agreement_id, 1, "signature", stands(cast)["version"], has_read="yes").status_code == 404
    assert act(director, agreement_id, 1, "signature", stands(cast)["version"], has_read="yes").status_code == 303
    assert stands(cast)["state"] == "signed"
    first = TODAY.isoformat()
    assert act(director, agreement_id, 1, "start", stands(cast)["version"], first=first).status_code == 404
    assert act(coordinator, agreement_id, 1, "start", stands(cast)["version"], first=first).status_code == 303
    assert (stands(cast)["state"], stands(cast)["starts_on"]) == ("in_force", TODAY)


def test_who_looked_at_an_older_page_is_told_and_sends_nothing(cast: Cast, agreement_id: UUID) -> None:
    answer = act(signed_in(cast, "coordinator"), agreement_id, 1, "sending", 99)
    assert answer.status_code == 412
    assert stands(cast)["state"] == "draft"


def test_a_first_version_that_is_not_to_begin_after_all_is_called_off_and_says_so(
    cast: Cast, agreement_id: UUID
) -> None:
    page, coordinator = f"/program/agreements/{agreement_id}", signed_in(cast, "coordinator")
    with cast.session() as session:
        signed_on(session, cast, last_version(session, cast), filed=True)
    first, last = TODAY + timedelta(days=9), (TODAY + timedelta(days=8)).isoformat()
    assert (
        act(coordinator, agreement_id, 1, "start", stands(cast)["version"], first=first.isoformat()).status_code == 303
    )
    shown = text_of(coordinator.get(page).text)
    assert "Begins later" in shown
    assert "If its last day is before its first, this version does not take effect." in shown
    fields = {"notice": TODAY.isoformat(), "last": last}
    assert act(coordinator, agreement_id, 1, "ending", stands(cast)["version"], **fields).status_code == 303
    assert (stands(cast)["state"], stands(cast)["starts_on"]) == ("signed", None)
    shown = text_of(coordinator.get(page).text)
    assert "It does not begin" in shown
    assert "Draft the next version" in shown
    assert "Bring into force" in shown


@pytest.mark.ci
def test_a_version_that_one_side_ended_with_notice_says_so(cast: Cast, agreement_id: UUID) -> None:
    page, coordinator = f"/program/agreements/{agreement_id}", signed_in(cast, "coordinator")
    with cast.session() as session:
        in_force(session, cast)
    assert "One side gave notice" not in text_of(coordinator.get(page).text)
    last = (TODAY + timedelta(days=200)).isoformat()
    fields = {"notice": TODAY.isoformat(), "last": last}
    assert act(coordinator, agreement_id, 1, "ending", stands(cast)["version"], **fields).status_code == 303
    assert "One side gave notice" in text_of(coordinator.get(page).text)


@pytest.mark.ci
def test_an_end_keeps_to_the_notice_of_the_agreement_unless_both_settled_on_less(
    cast: Cast, agreement_id: UUID
) -> None:
    with cast.session() as session:
        in_force(session, cast)
    coordinator, soon = signed_in(cast, "coordinator"), (TODAY + timedelta(days=5)).isoformat()
    short = act(coordinator, agreement_id, 1, "ending", stands(cast)["version"], notice=TODAY.isoformat(), last=soon)
    assert short.status_code == 409
    assert "notice of this agreement" in text_of(short.text)
    assert stands(cast)["ends_on"] is None
    fields = {"notice": TODAY.isoformat(), "last": soon, "shorter": "yes"}
    assert act(coordinator, agreement_id, 1, "ending", stands(cast)["version"], **fields).status_code == 303
    assert stands(cast)["ends_on"] == TODAY + timedelta(days=5)
    assert "Give notice" in text_of(coordinator.get(f"/program/agreements/{agreement_id}").text)
    fields["last"] = (TODAY + timedelta(days=3)).isoformat()
    assert act(coordinator, agreement_id, 1, "ending", stands(cast)["version"], **fields).status_code == 303
    assert stands(cast)["ends_on"] == TODAY + timedelta(days=3)


@pytest.mark.ci
def test_a_renewal_is_a_draft_that_says_in_plain_words_what_changes(cast: Cast, agreement_id: UUID) -> None:
    with cast.session() as session:
        in_force(session, cast)
    coordinator = signed_in(cast, "coordinator")
    coordinator.post(f"/program/agreements/{agreement_id}/renewal")
    page = coordinator.get(f"/program/agreements/{agreement_id}").text
    assert "Nothing: the text is the same." in page
    with cast.session() as session:
        content = content_of(program_file().value, "en-marge")
        without = {key: one for key, one in content.obligations.items() if key != "AG-P3"}
        roles = {**content.roles, "youth_worker": content.roles["youth_worker"]._replace(headcount=2)}
        other = replace(content, obligations=without, roles=roles, notice_days=60)
        redraft_version(session, last_version(session, cast), other, by=cast.actor("coordinator"), at=AT)
    shown = text_of(coordinator.get(f"/program/agreements/{agreement_id}").text)
    assert "No longer owed, AG-P3" in shown
    assert "Role changed: Youth worker (how many people)" in shown
    assert "Notice, in days: 60; it was" in shown


def test_what_a_version_says_otherwise_is_nothing_of_itself_and_turns_around(cast: Cast) -> None:
    with cast.session() as session:
        content = content_of_version(session, last_version(session, cast))
    assert difference(content, content) == ()
    host = content_of(program_file().value, "ccsmtl")
    there, back = difference(content, host), difference(host, content)
    turned = {"added": "left_out", "left_out": "added", "changed": "changed"}
    assert sorted((one.part, one.key, turned[one.how]) for one in there) == sorted(
        (one.part, one.key, one.how) for one in back
    )
    assert there


@pytest.mark.ci
def test_a_signed_file_is_given_to_those_who_answer_for_the_partner_and_not_once_it_was_swapped(
    cast: Cast, agreement_id: UUID
) -> None:
    with cast.session() as session:
        version_id = in_force(session, cast)
    director = signed_in(cast, "director_em")
    added = director.post(
        f"/program/agreements/{agreement_id}/versions/1/files", files={"document": ("entente.pdf", PDF)}
    )
    assert added.status_code == 303
    with cast.session() as session:
        (kept,) = files_of(session, version_id)
    shown = director.get(added.headers["location"]).text
    assert kept.sha256 in shown
    assert "Attached by Corail Mica" in text_of(shown)
    assert "Carries the signature by Corail Mica, dated" in text_of(shown)
    card = shown[shown.index('id="files"') :]
    assert "chip" not in card[: card.index("</ul>")], "a file is attached, and not shown as a proof"
    given = director.get(f"/signed-files/{kept.id}")
    assert given.content.startswith(b"%PDF-")
    assert given.headers["content-disposition"].startswith("attachment;"), "never shown as a page of ours"
    assert given.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert signed_in(cast, "worker_codim").get(f"/signed-files/{kept.id}").status_code == 404
    tamper(cast.database, "update signed_file set content = 'x'::bytea, size = 1")
    page = text_of(director.get(f"/program/agreements/{agreement_id}").text)
    assert "replaced: its fingerprint differs" in page
    assert director.get(f"/signed-files/{kept.id}").status_code == 409


@pytest.mark.ci
def test_where_two_signed_the_page_asks_whose_signature_a_file_carries(cast: Cast, agreement_id: UUID) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        deputy, version_id = second_director(session, cast), last_version(session, cast)
        signed_on(session, cast, version_id)
        sign_version(session, version_id, director_id=deputy, signed_on=SINCE, by=by, at=AT)
    coordinator, at = signed_in(cast, "coordinator"), f"/program/agreements/{agreement_id}"
    assert "Signatory" in coordinator.get(at).text
    scan = {"document": ("entente.pdf", PDF)}
    refused = coordinator.post(f"{at}/versions/1/files", files=scan)
    assert refused.status_code == 409
    assert "say who signed the file" in text_of(refused.text)
    added = coordinator.post(f"{at}/versions/1/files", files=scan, data={"director": str(deputy)})
    assert added.status_code == 303
    with cast.session() as session:
        (kept,) = files_of(session, version_id)
        signers = {one.id: one.person_id for one in signatures_of(session, version_id)}
    assert kept.signature_id is not None
    assert signers[kept.signature_id] == deputy


def test_a_signed_text_that_was_changed_says_so_on_its_page(cast: Cast, agreement_id: UUID) -> None:
    with cast.session() as session:
        in_force(session, cast)
    tamper(cast.database, "update agreement_version set notice_days = 7")
    assert "The text was altered" in signed_in(cast, "worker_codim").get(f"/program/agreements/{agreement_id}").text


@pytest.mark.ci
def test_a_signature_on_paper_is_recorded_by_the_coordinator_on_its_own_day(cast: Cast, agreement_id: UUID) -> None:
    coordinator = signed_in(cast, "coordinator")
    director = str(cast.people["director_em"])
    later = act(
        coordinator, agreement_id, 1, "signatures", stands(cast)["version"], director=director, day="2031-01-01"
    )
    assert later.status_code == 409
    nobody = act(coordinator, agreement_id, 1, "signatures", stands(cast)["version"], day=TODAY.isoformat())
    assert nobody.status_code == 409
    given = act(
        coordinator,
        agreement_id,
        1,
        "signatures",
        stands(cast)["version"],
        director=director,
        day=date(2026, 11, 2).isoformat(),
    )
    assert given.status_code == 303
    assert stands(cast)["state"] == "signed"
    assert re.search(r"signed on.*2 November 2026|November 2, 2026", coordinator.get(given.headers["location"]).text)


def test_a_draft_says_that_it_is_sent_before_paper_under_it_is_recorded(cast: Cast, agreement_id: UUID) -> None:
    coordinator = signed_in(cast, "coordinator")
    fields = {"director": str(cast.people["director_em"]), "day": TODAY.isoformat()}
    refused = act(coordinator, agreement_id, 1, "signatures", stands(cast)["version"], **fields)
    assert refused.status_code == 409
    assert "send it to the directors first" in text_of(refused.text)
    assert stands(cast)["state"] == "draft"


def test_a_signature_recorded_by_mistake_is_taken_back_on_the_page_with_the_reason(
    cast: Cast, agreement_id: UUID
) -> None:
    coordinator, director = signed_in(cast, "coordinator"), str(cast.people["director_em"])
    with cast.session() as session:
        signed_on(session, cast, last_version(session, cast), filed=True)
    page = f"/program/agreements/{agreement_id}?n=1"
    before = text_of(coordinator.get(page).text)
    assert "Take back a signature recorded from paper" in before
    assert "; recorded from paper by" in before
    fields = {"director": director, "reason": ""}
    unsaid = act(coordinator, agreement_id, 1, "signatures/taking-back", stands(cast)["version"], **fields)
    assert (unsaid.status_code, stands(cast)["state"]) == (422, "signed")
    fields["reason"] = "Le jour est celui d’une autre entente."
    theirs = act(signed_in(cast, "director_em"), agreement_id, 1, "signatures/taking-back", 3, **fields)
    assert (theirs.status_code, stands(cast)["state"]) == (404, "signed")
    done = act(coordinator, agreement_id, 1, "signatures/taking-back", stands(cast)["version"], **fields)
    assert (done.status_code, stands(cast)["state"]) == (303, "sent")
    shown = text_of(coordinator.get(page).text)
    assert "signature by Corail Mica" in shown
    assert fields["reason"] in shown
    assert "the file no longer counts" in shown
    assert re.search(r"Recorded by: .+\. Taken back by: .+\.", shown)
    others = text_of(signed_in(cast, "worker_codim").get(page).text)
    assert "signature by Corail Mica" in others
    assert fields["reason"] not in others, "why is read by those who answer for the partner"
    assert "Take back a signature" not in shown


def test_a_director_who_is_marked_absent_and_signs_in_reads_and_signs(cast: Cast, agreement_id: UUID) -> None:
    """The first page asks them to, so the page that it leads to has the form, and the form is taken."""
    away(cast, deputy="director_la")
    with cast.session() as session:
        send_version(session, last_version(session, cast), by=cast.actor("coordinator"), at=AT)
    director = signed_in(cast, "director_em")
    assert "Read and sign" in text_of(director.get("/").text)
    assert "Sign this version" in text_of(director.get(f"/program/agreements/{agreement_id}?n=1").text)
    assert act(director, agreement_id, 1, "signature", stands(cast)["version"], has_read="yes").status_code == 303
    assert stands(cast)["state"] == "signed"


@pytest.mark.parametrize("deputy", ["director_la", "manager_em"])
def test_no_deputy_is_asked_to_sign_for_a_director_and_none_does(cast: Cast, agreement_id: UUID, deputy: str) -> None:
    away(cast, deputy=deputy)
    with cast.session() as session:
        send_version(session, last_version(session, cast), by=cast.actor("coordinator"), at=AT)
    asker = signed_in(cast, deputy)
    assert "Read and sign" not in text_of(asker.get("/").text)
    assert "Sign this version" not in text_of(asker.get(f"/program/agreements/{agreement_id}?n=1").text)
    refused = act(asker, agreement_id, 1, "signature", stands(cast)["version"], has_read="yes")
    assert refused.status_code == 409
    assert "no one does so in their place" in text_of(refused.text)
    assert stands(cast)["state"] == "sent"


def test_a_past_last_day_is_refused_where_it_was_typed(cast: Cast, agreement_id: UUID) -> None:
    with cast.session() as session:
        in_force(session, cast)
    fields = {"notice": SINCE.isoformat(), "last": (TODAY - timedelta(days=1)).isoformat(), "shorter": "yes"}
    refused = act(signed_in(cast, "coordinator"), agreement_id, 1, "ending", stands(cast)["version"], **fields)
    assert refused.status_code == 409
    field = refused.text[refused.text.index('id="f-last"') - 900 : refused.text.index('id="f-last"') + 900]
    assert "what was owed until now stays owed" in text_of(field)
    assert stands(cast)["ends_on"] is None


def test_a_notice_from_before_the_agreement_is_refused_where_it_was_typed_in_either_language(
    cast: Cast, agreement_id: UUID
) -> None:
    with cast.session() as session:
        in_force(session, cast)
    fields = {"notice": "2001-01-01", "last": (TODAY + timedelta(days=1)).isoformat(), "given_by": "partner"}
    for language, words in (("en", "it was given on January 6, 2025"), ("fr", "il a été donné le 6 janvier 2025")):
        client = signed_in(cast, "coordinator")
        client.headers["Accept-Language"] = language
        refused = act(client, agreement_id, 1, "ending", stands(cast)["version"], **fields)
        assert refused.status_code == 409
        field = refused.text[refused.text.index('id="f-notice"') - 900 : refused.text.index('id="f-notice"') + 900]
        assert words in text_of(field)
        assert stands(cast)["ends_on"] is None
    fields |= {"notice": TODAY.isoformat(), "last": (TODAY + timedelta(days=90)).isoformat()}
    coordinator = signed_in(cast, "coordinator")
    done = act(coordinator, agreement_id, 1, "ending", stands(cast)["version"], **fields)
    assert done.status_code == 303
    assert "The partner gave notice" in text_of(coordinator.get(done.headers["location"]).text)


def test_the_page_says_before_an_end_that_a_version_that_is_set_to_begin_will_not(
    cast: Cast, agreement_id: UUID
) -> None:
    page, coordinator = f"/program/agreements/{agreement_id}?n=1", signed_in(cast, "coordinator")
    with cast.session() as session:
        in_force(session, cast)
    assert "will not begin if this agreement ends before that day" not in text_of(coordinator.get(page).text)
    with cast.session() as session:
        second = renew(session, agreement_id, by=cast.actor("coordinator"), at=AT)
        signed_on(session, cast, second, filed=True)
        begin(session, second, starts_on=date(2027, 1, 1), by=cast.actor("coordinator"), at=AT)
    words = "Version 2, set to begin on January 1, 2027, will not begin if this agreement ends before that day"
    assert words in text_of(coordinator.get(page).text)


def test_paper_is_offered_for_a_next_version_only_once_it_was_sent(cast: Cast, agreement_id: UUID) -> None:
    page, coordinator = f"/program/agreements/{agreement_id}?n=2", signed_in(cast, "coordinator")
    with cast.session() as session:
        in_force(session, cast)
        second = renew(session, agreement_id, by=cast.actor("coordinator"), at=AT)
    assert "Record a signature given on paper" not in text_of(coordinator.get(page).text), "it is refused there"
    with cast.session() as session:
        send_version(session, second, by=cast.actor("coordinator"), at=AT)
    assert "Record a signature given on paper" in text_of(coordinator.get(page).text)
