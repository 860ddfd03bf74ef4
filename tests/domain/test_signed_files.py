"""What was signed stays what it was: files by their digests under the record's seals, and the text by its own."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from domain.agreements import signed_files
from domain.agreements.agreements import sign_version, signatures_of
from domain.agreements.signed_files import add, altered, content_of, files_of, text_stands
from domain.kernel.refusals import Refusal
from models.agreement import SignedFile
from models.base import table_of
from models.record import Event
from tests.agreeing import PDF, code_of, in_force, last_version, second_director, signed_on
from tests.cast import AT, SINCE, Cast
from tests.fakes.seal_keys import FakeSealKeys
from tests.sealing import codes, looked_at, seal_all, tamper

_file = table_of(SignedFile)

#: A PNG of two points, the one black and the other white.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000010800000000d1492056"
    "0000000b49444154789c6360f80f000102010042bebc680000000049454e44ae42"
    "6082"
)


def added(
    session: Session,
    cast: Cast,
    version_id: UUID,
    name: str = "entente.pdf",
    content: bytes = PDF,
    director_id: UUID | None = None,
) -> UUID:
    by = cast.actor("coordinator")
    return add(session, version_id, name=name, content=content, director_id=director_id, by=by, at=AT)


def kept(cast: Cast) -> tuple[UUID, UUID]:
    """A version in force, and a file of it."""
    with cast.session() as session:
        version_id = in_force(session, cast)
        return version_id, added(session, cast, version_id)


def test_a_file_is_kept_without_what_it_says_of_its_making_and_with_its_digest(cast: Cast) -> None:
    version_id, file_id = kept(cast)
    with cast.session() as session:
        found, content = content_of(session, file_id)
        assert found == files_of(session, version_id)[0]
        assert content.startswith(b"%PDF-")
        assert b"Corail" not in content
        assert (found.name, found.content_type, found.size) == ("entente.pdf", "application/pdf", len(content))
        assert found.sha256 == hashlib.sha256(content).hexdigest()
        assert found.is_as_added
        event = table_of(Event)
        told = session.execute(select(event).where(event.c.verb == "agreement.file_added")).one()
        (signature,) = signatures_of(session, version_id)
        assert found.signature_id == signature.id
        assert told.facts == {"number": 1, "file": str(file_id), "signature": str(signature.id), "sha256": found.sha256}


def test_another_file_stands_beside_the_first(cast: Cast) -> None:
    version_id, file_id = kept(cast)
    with cast.session() as session:
        by, later = cast.actor("coordinator"), AT + timedelta(minutes=1)
        second = add(session, version_id, name="signature.png", content=PNG, by=by, at=later)
        assert [one.id for one in files_of(session, version_id)] == [file_id, second]
        assert all(one.is_as_added for one in files_of(session, version_id))


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("entente.pdf", b"", "document.empty"),
        ("entente.pdf", b"MZ\x90\x00", "document.not_what_it_says"),
        ("entente.exe", b"MZ\x90\x00", "document.unknown_kind"),
        ("entente.txt", b"signed", "document.unknown_kind"),
        ("entente.png", PNG[:40], "document.not_what_it_says"),
        ("entente.pdf", b"%PDF-" + b"0" * (10 * 1024 * 1024), "document.too_large"),
        ("\n.pdf", PDF, "document.unknown_kind"),
    ],
)
def test_a_signed_file_is_a_pdf_or_a_picture_by_its_bytes(cast: Cast, name: str, content: bytes, code: str) -> None:
    with cast.session() as session:
        version_id = in_force(session, cast)
        assert code_of(lambda: added(session, cast, version_id, name, content)) == code
        assert files_of(session, version_id) == ()


def test_a_file_that_is_refused_is_told_the_kinds_that_are_kept_here(cast: Cast) -> None:
    with cast.session() as session:
        version_id = in_force(session, cast)
        for name in ("entente.exe", "entente.txt"):
            with pytest.raises(Refusal) as refused:
                added(session, cast, version_id, name, b"signed")
            assert refused.value.sentence == "A signed agreement is kept as a PDF, a PNG or a JPEG."


def test_a_file_belongs_to_a_version_that_somebody_signed(cast: Cast) -> None:
    with cast.session() as session:
        version_id = last_version(session, cast)
        assert code_of(lambda: added(session, cast, version_id)) == "agreement.not_signed"
        assert code_of(lambda: added(session, cast, uuid4())) == "agreement.unknown"
        signed_on(session, cast, version_id)
        added(session, cast, version_id)


def test_a_file_carries_the_signature_of_one_of_those_who_signed(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        deputy, version_id = second_director(session, cast), last_version(session, cast)
        signed_on(session, cast, version_id)
        (first,) = signatures_of(session, version_id)
        # One signed so far: the file is theirs, and nobody else's before they sign as well.
        added(session, cast, version_id)
        assert code_of(lambda: added(session, cast, version_id, director_id=deputy)) == "signed_file.not_signed_by_them"
        sign_version(session, version_id, director_id=deputy, signed_on=SINCE, by=by, at=AT)
        (second,) = (one for one in signatures_of(session, version_id) if one.person_id == deputy)
        assert code_of(lambda: added(session, cast, version_id)) == "signed_file.whose"
        theirs = added(session, cast, version_id, director_id=deputy)
        found = {one.id: one.signature_id for one in files_of(session, version_id)}
        assert found.pop(theirs) == second.id
        assert set(found.values()) == {first.id}


def test_another_programs_file_is_not_here(cast: Cast) -> None:
    _, file_id = kept(cast)
    with cast.other.session() as session:
        assert code_of(lambda: content_of(session, file_id)) == "signed_file.unknown"


def test_the_application_itself_cannot_change_or_remove_a_file(cast: Cast) -> None:
    kept(cast)
    for statement in (update(_file).values(content=PNG), delete(_file)):
        with cast.session() as session, pytest.raises(DBAPIError, match="permission denied"):
            session.execute(statement)


SWAPS = {
    "the bytes": "update signed_file set content = '\\x255044462d'::bytea",
    "bytes and digest": (
        "update signed_file set content = '\\x255044462d'::bytea,"
        " sha256 = encode(sha256('\\x255044462d'::bytea), 'hex'), size = 5"
    ),
    "the digest": "update signed_file set sha256 = repeat('0', 64)",
    "whose it is": "update signed_file set signature_id = null",
}


@pytest.mark.parametrize("how", SWAPS)
def test_a_file_swapped_after_the_signature_is_found_by_its_hash(cast: Cast, how: str) -> None:
    version_id, file_id = kept(cast)
    keys = FakeSealKeys()
    seal_all(cast, keys)
    assert codes(looked_at(cast, keys)) == []
    tamper(cast.database, SWAPS[how])
    with cast.session() as session:
        assert not files_of(session, version_id)[0].is_as_added
        assert not content_of(session, file_id)[0].is_as_added
        assert altered(session) == ["En Marge 12-17 1"]
    with cast.other.session() as session:
        assert altered(session) == []
    report = looked_at(cast, keys)
    assert codes(report) == ["agreement.altered"]
    assert report.findings[0].facts == {"versions": "En Marge 12-17 1"}


def test_a_file_that_is_gone_or_was_put_in_past_the_program_is_found(cast: Cast) -> None:
    version_id, _ = kept(cast)
    with cast.session() as session:
        signed_on(session, cast, last_version(session, cast, "anonyme"), "anonyme")
        other = last_version(session, cast, "anonyme")
    tamper(
        cast.database,
        "insert into signed_file (program_id, id, agreement_version_id, name, content_type, size, sha256, content,"
        " added_by, added_at) select program_id, gen_random_uuid(), :other, name, content_type, size, sha256, content,"
        " added_by, added_at from signed_file",
        other=other,
    )
    with cast.session() as session:
        assert not files_of(session, other)[0].is_as_added
        assert altered(session) == ["L’Anonyme 1"]
    tamper(cast.database, "delete from signed_file where agreement_version_id = :version", version=version_id)
    with cast.session() as session:
        assert altered(session) == ["En Marge 12-17 1", "L’Anonyme 1"]


#: What somebody with the database may do to a text that was signed.
CHANGES = {
    "a wording": "update obligation set text_fr = 'Rien' where agreement_version_id = :version and key = 'AG-M2'",
    "a clause removed": "delete from obligation where agreement_version_id = :version and key = 'AG-M2'",
    "hours": (
        "update agreement_role set hours_a_week = 1 where agreement_version_id = :version and role = 'youth_worker'"
    ),
    "notice": "update agreement_version set notice_days = 1 where id = :version",
    "text and digest": (
        "update agreement_version set digest = repeat('0', 64), terms = '{}'::jsonb where id = :version"
    ),
}


@pytest.mark.parametrize("how", CHANGES)
def test_a_signed_version_whose_text_was_changed_is_found(cast: Cast, how: str) -> None:
    version_id, _ = kept(cast)
    with cast.session() as session:
        assert text_stands(session, version_id)
        assert altered(session) == []
    tamper(cast.database, CHANGES[how], version=version_id)
    with cast.session() as session:
        assert not text_stands(session, version_id)
        assert altered(session) == ["En Marge 12-17 1"]
        assert text_stands(session, last_version(session, cast, "anonyme"))


def test_what_may_be_kept_is_what_the_page_says() -> None:
    assert sorted(signed_files.KINDS) == ["application/pdf", "image/jpeg", "image/png"]
