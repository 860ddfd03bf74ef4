"""The consent form at the window: its papers, who opens what was signed, research apart, each door after a word."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from pypdf import PdfReader
from sqlalchemy import text

from api.cli import program
from domain.accompaniment import consent_forms, consents
from domain.follow_ups import assigning
from domain.participants import consent_text
from domain.participants.consent_text import labels_of, languages_of, sheet_of, text_of
from meetings.documents.consent_papers import refuse_unprintable
from tests import signing
from tests.api.application import client_for
from tests.api.pages.looking import fields_of
from tests.api.pages.looking import text_of as read
from tests.api.pages.test_sharing import there
from tests.cast import AT, TODAY, Cast
from tests.following import SECOND, WORKER, consented, known_as_somebody, left_without_consent, row_of
from tests.meetings.documents.reading import pdf_text
from tests.refusing import refused

DAY: Final = timedelta(days=1)
NAMES: Final = ("Ondine", "Fougère")


def _client(cast: Cast, name: str, *, days: int = 0) -> TestClient:
    return client_for(cast.database, cast.people[name], at=AT + days * DAY)


@pytest.fixture
def unsigned(cast: Cast) -> tuple[UUID, UUID]:
    """A participant of 16 who signed nothing yet, and the follow-up; every agreement in force, everyone seated."""
    follow_up = there(cast)
    with cast.session() as session:
        participant_id: UUID = row_of(session, follow_up)["participant_id"]
        known_as_somebody(session, participant_id)
        left_without_consent(session, participant_id)
    return participant_id, follow_up


def _form_of(cast: Cast, participant_id: UUID) -> str:
    with cast.session() as session:
        found = session.scalar(
            text("select id from consent_form where participant_id = :id and sealed is not null"),
            {"id": participant_id},
        )
    return str(found)


@pytest.mark.ci
def test_a_form_is_signed_once_on_its_page_and_its_copy_is_given_in_the_language_that_was_signed(
    cast: Cast, unsigned: tuple[UUID, UUID]
) -> None:
    participant_id, _ = unsigned
    worker, codim = _client(cast, WORKER), cast.organizations["codim"]
    page = worker.get(f"/participants/{participant_id}/consents/form").text
    asked = re.findall(r'name="ticked" value="([^"]+)"', page)
    assert f"sharing:{codim}" in asked
    assert not any(str(cast.organizations["ccsmtl"]) in one for one in asked), "the worker's own organization"
    assert "checked" not in page.partition("data-signing")[2].partition("3. Sign once")[0], "nobody is nudged"
    sent = signing.on_page(
        worker, participant_id, f"sharing:{codim}", drawn=signing.ON_CANVAS, text="en", until="2027-03-01"
    )
    assert sent.status_code == 303
    here = f"/participants/{participant_id}/consent-forms/{_form_of(cast, participant_id)}"
    copy = worker.get(f"{here}/copy")
    assert copy.headers["content-type"] == "application/pdf"
    assert copy.headers["content-disposition"] == 'attachment; filename="2026-11-23-consent-copy.pdf"'
    said = pdf_text(copy.content)
    assert "Yes – That the program shares with CODIM what is useful for my follow-up, until March 1, 2027." in said
    assert "No – That what is written down about me serves research" in said
    assert cast.members[WORKER].name in said
    reader = PdfReader(BytesIO(copy.content))
    assert reader.metadata is not None
    assert set(reader.metadata) == {"/Title", "/Creator"}
    assert sum(len(one.images) for one in reader.pages) == 1, "the signature, as it was drawn"
    assert not any(name in said + str(reader.metadata) + str(copy.headers) for name in (*NAMES, "#2026-01"))
    assert worker.post(f"{here}/copy", data={"copy_given_on": TODAY.isoformat()}).status_code == 303
    assert "Copy given November 23, 2026." in read(worker.get(f"/participants/{participant_id}").text)


@pytest.mark.ci
def test_the_coordinator_alone_opens_what_was_signed_and_each_reading_has_its_line(
    cast: Cast, unsigned: tuple[UUID, UUID]
) -> None:
    participant_id, _ = unsigned
    worker = _client(cast, WORKER)
    scan = ("Ondine Fougère-Lys, signé.png", signing.drawing())
    assert signing.on_page(worker, participant_id, scan=scan).status_code == 303
    here = f"/participants/{participant_id}/consent-forms/{_form_of(cast, participant_id)}"
    for name in (
        WORKER,
        SECOND,
        "police",
        "manager_ccsmtl",
        "administrator",
        "research_coordinator",
        "privacy_officer",
    ):
        assert _client(cast, name).get(f"{here}/signed").status_code == 404, name
    opened = _client(cast, "coordinator").get(f"{here}/signed")
    assert opened.status_code == 200
    assert opened.content.startswith(b"\x89PNG")
    assert opened.headers["content-disposition"] == 'attachment; filename="2026-11-23-consent-form.png"'
    with cast.session() as session:
        told = session.execute(
            text("select actor_id, facts from event where verb = 'read' and subject_kind = 'consent_form'")
        ).all()
        everything = session.scalar(text("select string_agg(e::text, ' ') from event e"))
    assert [(row.actor_id, row.facts["ground"]) for row in told] == [(cast.people["coordinator"], "role")]
    assert not any(name in str(everything) for name in NAMES)


@pytest.mark.ci
def test_a_form_that_is_signed_by_nobody_or_twice_is_refused_and_what_was_ticked_stays(
    cast: Cast, unsigned: tuple[UUID, UUID]
) -> None:
    participant_id, _ = unsigned
    worker, tick = _client(cast, WORKER), f"sharing:{cast.organizations['spvm']}"
    here = f"/participants/{participant_id}/consents"
    form = {name: values[-1] for name, values in fields_of(worker.get(f"{here}/form").text, here).items()}
    without = signing.on_page(worker, participant_id, tick, drawn=signing.ON_CANVAS, program="")
    assert (without.status_code, "Nothing is signed without the program" in without.text) == (409, True)
    said = {"limits": "yes", "program": "yes", "signed_by": "self", "ticked": tick, "line": tick, "until": ""}
    nobody = worker.post(here, data={**form, **said})
    assert nobody.status_code == 409
    assert "signed by nobody" in nobody.text
    assert f'value="{tick}" checked' in nobody.text
    both = signing.on_page(worker, participant_id, tick, drawn=signing.ON_CANVAS, scan=("s.png", signing.drawing()))
    assert (both.status_code, "Keep one signature" in both.text) == (409, True)
    typed = signing.on_page(worker, participant_id, tick, drawn="Ondine")
    assert (typed.status_code, "Ondine" in typed.text) == (409, False), "typed words are no signature"
    large = worker.post(here, data=form, files={"scan": ("scan.pdf", b"%PDF-" + b"0" * (12 * 1024 * 1024))})
    assert large.status_code == 413
    assert "<main" in large.text, "in words"


@pytest.mark.ci
def test_research_is_ticked_apart_and_goes_to_the_research_coordinator_who_alone_keeps_it(
    cast: Cast, unsigned: tuple[UUID, UUID]
) -> None:
    participant_id, _ = unsigned
    worker, keeper = _client(cast, WORKER), _client(cast, "research_coordinator")
    before = read(worker.get(f"/participants/{participant_id}").text)
    assert signing.on_page(worker, participant_id, drawn=signing.ON_CANVAS, research="yes").status_code == 303
    for shown in (f"/participants/{participant_id}", f"/participants/{participant_id}/consents"):
        page = read(worker.get(shown).text)
        assert page.count("esearch") <= 3 + before.count("esearch"), "nothing says what was said to research"
        assert "#2026-01 ticked" not in page
    assert "esearch" not in worker.get(f"/api/v1/participants/{participant_id}").text
    waiting = keeper.get("/research-consents").text
    assert "Ticked on the consent form" in waiting
    assert "#2026-01" in keeper.get("/").text, "and it is asked of them by a task"
    keeping = f"/research-consents/{participant_id}/keeping"
    for name in (WORKER, "coordinator"):
        assert _client(cast, name).post(keeping).status_code == 404
    assert keeper.post(keeping).status_code == 303
    assert keeper.post(keeping).status_code == 409
    assert keeper.post(f"/api/v1{keeping}").status_code == 409
    assert "Ticked on the consent form" not in keeper.get("/research-consents").text


@pytest.mark.ci
def test_a_word_on_the_page_of_ticks_closes_every_door_at_the_next_request(
    cast: Cast, unsigned: tuple[UUID, UUID]
) -> None:
    participant_id, follow_up = unsigned
    places, by = cast.organizations, cast.actor("coordinator")
    with cast.session() as session:
        consented(session, cast, follow_up, "codim", "spvm")
        assigning.assign_worker(session, follow_up, cast.people[SECOND], kind="second", by=by, at=AT)
    second, police, worker = (_client(cast, name) for name in (SECOND, "police", WORKER))
    doors: dict[str, Callable[[], int]] = {
        "second": lambda: second.get(f"/participants/{participant_id}").status_code,
        "read": lambda: second.post(f"/participants/{participant_id}/identity").status_code,
        "follow": lambda: second.get(f"/api/v1/follow-ups/{follow_up}").status_code,
        "sit": lambda: police.get(f"/participants/{participant_id}").status_code,
        "purpose": lambda: (
            police.post(f"/participants/{participant_id}/identity", data={"purpose": "urgent_help"}).status_code
        ),
        "search": lambda: 200 if "#2026-01" in second.get("/caseload").text else 404,
    }
    assert {name: door() for name, door in doors.items()} == dict.fromkeys(doors, 200)
    here = f"/participants/{participant_id}/consents"
    page = worker.get(here)
    assert f"{cast.members[SECOND].name} leaves the pair." in read(page.text), "what stops is said before"
    shown = fields_of(page.text, f"{here}/narrowing")
    with cast.session() as session:
        program = str(signing.standing(session, participant_id, "program"))
    kept = {"seen": shown["seen"], "line": shown["line"], "until": shown["until"], "ticked": [program]}
    assert worker.post(f"{here}/narrowing", data=kept, follow_redirects=False).status_code == 303
    assert {name: door() for name, door in doors.items()} == dict.fromkeys(doors, 404)
    assert worker.get(f"/participants/{participant_id}").status_code == 200
    with cast.session() as session, refused("assignment.not_agreed"):
        assigning.assign_worker(session, follow_up, cast.people[SECOND], instead_of=cast.people[WORKER], by=by, at=AT)
    after = worker.get(here)
    assert "withdrawn November 23, 2026" in read(after.text)
    again = worker.post(f"{here}/narrowing", data=kept, follow_redirects=False)
    assert again.status_code in (409, 412), "the same page in another window is told to look again"
    paper = worker.get(f"{here}/confirmation?text=fr")
    said = pdf_text(paper.content)
    assert "Ce qui a pris fin" in said
    assert said.index("Être accompagné·e") < said.index("Ce qui a pris fin") < said.index("partage avec CODIM")
    ended = " ".join(said[said.index("partage avec CODIM") :].split())
    assert re.search(r"depuis le [^;)]+; a pris fin le 23 novembre 2026\)", ended), (
        "both days, each said for what it is"
    )
    assert not any(name in said for name in (*NAMES, "#2026-01"))
    assert places["codim"] is not None


@pytest.mark.ci
def test_the_same_is_done_over_json_with_the_version_that_was_read(cast: Cast, unsigned: tuple[UUID, UUID]) -> None:
    participant_id, _ = unsigned
    worker, here = _client(cast, WORKER), f"/api/v1/participants/{participant_id}"
    days = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on"), TODAY.isoformat())
    said: dict[str, Any] = {
        **days,
        "signed_by": "self",
        "language": "fr",
        "limits_stated": True,
        "partners": [{"organization_id": str(cast.organizations["codim"])}],
        "signature": {"way": "drawn", "content": signing.IN_JSON},
    }
    assert worker.post(f"{here}/consents", json=said).status_code == 428
    tag = worker.get(here).headers["etag"]
    made = worker.post(f"{here}/consents", json=said, headers={"If-Match": tag})
    assert made.status_code == 201
    assert worker.post(f"{here}/consents", json=said, headers={"If-Match": tag}).status_code == 412
    stands = [one for one in made.json()["consents"] if not one["replaced_at"] and not one["withdrawn_on"]]
    kept = [{"consent_id": one["id"]} for one in stands if one["purpose"] == "program"]
    holds = pdf_text(b64decode(worker.get(f"{here}/consents/confirmation?language=en").json()["content"]))
    assert holds.index("To be accompanied") < holds.index("the program shares"), "first what all else rests on"
    narrowed = worker.post(
        f"{here}/consents/narrowing", json={"kept": kept}, headers={"If-Match": made.headers["etag"]}
    )
    assert narrowed.status_code == 200
    assert narrowed.json()["what_follows_is_asked_of"] == ["worker", "coordinator"]
    form = f"{here}/consent-forms/{_form_of(cast, participant_id)}"
    for address, in_french in ((f"{form}/copy", "Votre copie"), (f"{here}/consents/confirmation", "Ce qui a pris fin")):
        paper = worker.get(address).json()
        assert paper["media_type"] == "application/pdf"
        assert in_french in pdf_text(b64decode(paper["content"]))
    assert "What has ended" in pdf_text(
        b64decode(worker.get(f"{here}/consents/confirmation?language=en").json()["content"])
    )
    assert worker.get(f"{here}/consents/confirmation?language=zau").status_code == 404
    assert worker.get(f"{form}/signed").status_code == 404, "what was signed is the coordinator's"
    opened = _client(cast, "coordinator").get(f"{form}/signed").json()
    assert opened["media_type"] == "image/png"
    assert b64decode(opened["content"]).startswith(b"\x89PNG")
    assert _client(cast, "manager_la").get(f"{form}/copy").status_code == 404
    typed = {**said, "signature": {"way": "typed", "content": "Ondine"}}
    assert worker.post(f"{here}/consents", json=typed, headers={"If-Match": "*"}).status_code == 422
    no_bytes = {**said, "signature": {"way": "drawn", "content": "é"}}
    assert worker.post(f"{here}/consents", json=no_bytes, headers={"If-Match": "*"}).status_code == 422


@pytest.mark.ci
def test_the_page_never_says_that_it_is_not_shared_with_the_organization_that_accompanies(
    cast: Cast, unsigned: tuple[UUID, UUID]
) -> None:
    participant_id, follow_up = unsigned
    worker, here = _client(cast, WORKER), f"/participants/{participant_id}"
    assert signing.on_page(worker, participant_id, drawn=signing.ON_CANVAS).status_code == 303

    def left_out() -> str:
        return read(_client(cast, "coordinator").get(here).text).partition("Not shared with")[2][:120]

    assert "CODIM" in left_out()
    assert "CCSMTL" not in left_out()
    with cast.session() as session:
        consented(session, cast, follow_up, "codim")
        by = cast.actor("coordinator")
        assigning.assign_worker(session, follow_up, cast.people[SECOND], instead_of=cast.people[WORKER], by=by, at=AT)
    assert "CCSMTL" in left_out(), "the organization of the worker of before was not ticked"
    assert "CODIM" not in left_out()
    with cast.session() as session:
        consents.withdraw(session, signing.standing(session, participant_id, "program"), by=by, at=AT)
    assert "CODIM" not in left_out(), "not even without the program"


@pytest.mark.ci
def test_a_further_language_is_a_text_and_a_catalogue_and_nothing_else(
    cast: Cast, unsigned: tuple[UUID, UUID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A made-up language: what no program says in it comes from its two files, and its sheet where it has one."""
    for one in consent_text.TEXTS.iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes())
    words = (consent_text.TEXTS / "consent.3.en.txt").read_text("utf-8")
    for english, zaun in (("INFORMATION AND CONSENT", "ZAUNU DA ZAHI"), ("To be accompanied", "Zahi zaunu")):
        assert english in words
        words = words.replace(english, zaun)
    (tmp_path / "consent.3.zau.txt").write_text(words, "utf-8")
    labels = re.sub(' = "', ' = "z-', (tmp_path / "labels.en.toml").read_text("utf-8"))
    (tmp_path / "labels.zau.toml").write_text(labels, "utf-8")
    monkeypatch.setattr(consent_text, "TEXTS", tmp_path)
    for cached in (text_of, labels_of, sheet_of):
        cached.cache_clear()
    try:
        assert languages_of() == [("fr", "Français"), ("en", "English"), ("zau", "z-English")]
        participant_id, _ = unsigned
        worker = _client(cast, WORKER)
        shown = worker.get(f"/participants/{participant_id}/consents/form?text=zau")
        assert "ZAUNU DA ZAHI" in shown.text
        assert 'lang="zau"' in shown.text
        drawn = signing.ON_CANVAS
        assert signing.on_page(worker, participant_id, drawn=drawn, text="zau", ends_on="2027-03-01").status_code == 303
        here = f"/participants/{participant_id}"
        copy = pdf_text(worker.get(f"{here}/consent-forms/{_form_of(cast, participant_id)}/copy").content)
        assert "z-Yes – Zahi zaunu by the program, until 2027-03-01." in copy
        assert "z-Your copy" in copy
        confirmed = pdf_text(worker.get(f"{here}/consents/confirmation").content)
        assert "z-What holds" in confirmed, "in the language that was signed"
        assert "z-English" in worker.get(here).text
        assert worker.get("/consent-form/sheet?text=zau").status_code == 404, "it has none yet"
        for path in ("/consent-form?text=zau", "/api/v1/consent-form?language=zau"):
            assert "ZAUNU DA ZAHI" in worker.get(path).text
        with cast.session() as session:
            said = consent_forms.lines_of(session, participant_id, UUID(_form_of(cast, participant_id)))
            assert {one.language for one in said} == {"zau"}
    finally:
        for cached in (text_of, labels_of, sheet_of):
            cached.cache_clear()


def test_the_papers_of_the_languages_of_the_program_have_every_letter() -> None:
    assert [code for code, _ in languages_of()] == ["fr", "en"]
    refuse_unprintable()


def test_a_language_whose_letters_no_font_has_is_refused_in_words_when_the_file_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in consent_text.TEXTS.iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes())
    words = (tmp_path / "consent.3.en.txt").read_text("utf-8")
    (tmp_path / "consent.3.iu.txt").write_text(words.replace("INFORMATION", "ᐃᓄᒃᑎᑐᑦ"), "utf-8")
    (tmp_path / "labels.iu.toml").write_bytes((tmp_path / "labels.en.toml").read_bytes())
    monkeypatch.setattr(consent_text, "TEXTS", tmp_path)
    for cached in (text_of, labels_of, sheet_of):
        cached.cache_clear()
    try:
        with refused("consent.no_letters") as told:
            program.check(Path("programs/greater-montreal.yaml"))
        assert told.value.facts["language"] == "iu"
        assert told.value.facts["letters"] == "ᐃ ᓄ ᒃ ᑎ ᑐ …"
    finally:
        for cached in (text_of, labels_of, sheet_of):
            cached.cache_clear()


@pytest.mark.parametrize("language", ["../../x", "fr.txt", "FR", "français", "", "f" * 40])
def test_no_other_file_is_read_by_the_name_of_a_language(language: str) -> None:
    with refused("consent.no_text"):
        text_of(3, language)
    with refused("consent.no_sheet"):
        sheet_of(language)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_sheet_in_plain_words_is_one_tagged_page(cast: Cast, language: str) -> None:
    sheet = _client(cast, WORKER).get(f"/consent-form/sheet?text={language}")
    reader = PdfReader(BytesIO(sheet.content))
    assert len(reader.pages) == 1
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == f"{language}-CA"
