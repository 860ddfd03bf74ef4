"""The files that directors signed: each stored as it came, with the signature that it carries, and checked for swaps.

The record's line about a file holds its SHA-256 and the signature that it carries, and is under a seal. So a file that
was swapped behind the program's back, its row's digest included, no longer fits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, cast, false, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_
from sqlmodel.sql.expression import SelectOfScalar

from domain.agreements.agreements import of_agreement, signatures_of, stands
from domain.agreements.version_text import content_of_version
from domain.casework import proofs
from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    add_row,
    also,
    col,
    every,
    first,
    in_program,
    inside,
    joins,
    of,
    only,
    program_of,
    run,
    same,
    scalar,
    scalars,
    select,
    surely,
    tuples,
    value_of,
)
from domain.record import events, seal_check
from locales import N_
from models.agreement import Agreement, AgreementVersion, Signature, SignedFile
from models.program import Organization, Person
from models.record import Event

#: A scan or a photograph of the signed paper, or the document as it was signed.
KINDS: Final = frozenset({"application/pdf", "image/png", "image/jpeg"})


def _fact(line: Any, name: str) -> Any:
    """A fact of a line of the record, as text."""
    return inside(line.facts)[name].astext


#: What the record tells of a file: the line of its version that names it.
_TOLD: Final = and_(
    same(Event, SignedFile),
    col(Event.verb) == "agreement.file_added",
    col(Event.subject_id) == col(SignedFile.agreement_version_id),
    _fact(Event, "file") == cast(col(SignedFile.id), Text),
)
#: The same table under a name of its own, where its bytes are digested in the database and shown to no one.
_kept: Final = aliased(SignedFile, name="kept")
_DIGEST: Final = (
    select(func.encode(func.sha256(_kept.content), "hex"))
    .where(same(_kept, SignedFile), _kept.id == SignedFile.id)
    .correlate(SignedFile)
    .scalar_subquery()
)
#: Whether its bytes, its row and the record agree, the signature included.
_AGREES: Final = and_(
    col(SignedFile.sha256) == _DIGEST,
    col(SignedFile.sha256) == _fact(Event, "sha256"),
    cast(col(SignedFile.signature_id), Text).is_not_distinct_from(_fact(Event, "signature")),
)
#: Whether the signature that it carries was taken back.
_WITHDRAWN: Final = (
    select(Signature.id).where(joins(SignedFile.signature_id, Signature), ~stands()).correlate(SignedFile).exists()
)


class VersionFile(SignedFile):
    """A file of a version, without its bytes. `is_as_added`: bytes, row and record have one digest and one signature.

    `signature_id` is the signature that it carries; None where it was kept before that was asked. It `is_withdrawn`
    with a signature that was taken back.
    """

    model_config = SHAPE

    is_as_added: bool = also(value_of(func.coalesce(_AGREES, false())))
    is_withdrawn: bool = also(value_of(_WITHDRAWN))


def add(
    session: Session,
    version_id: UUID,
    *,
    name: str,
    content: bytes,
    by: Actor,
    at: datetime,
    director_id: UUID | None = None,
) -> UUID:
    """Store a file with a signature under a version; returns its id. Another file is added beside it, never over it.

    The signature is that of `director_id`; where one person alone signed, theirs is meant. Metadata of a camera or a
    program is left out. Raises Refusal: no such version, nothing signed yet, several signed and no one is named, the
    one who is named did not sign, or no PDF, PNG or JPEG by its bytes.
    """
    row = first(session, of(AgreementVersion).where(AgreementVersion.id == version_id))
    if row is None:
        raise Refusal("agreement.unknown", N_("There is no such agreement."))
    signature_id = _signature_of(session, version_id, director_id)
    checked = _checked(name, content)
    kept = SignedFile(
        program_id=program_of(session),
        agreement_version_id=version_id,
        signature_id=signature_id,
        content=checked.content,
        **checked.columns,
        added_by=by.person_id,
        added_at=at,
    )
    add_row(session, kept)
    events.write(
        session,
        "agreement.file_added",
        "agreement_version",
        version_id,
        by=by,
        at=at,
        number=row.n,
        file=str(kept.id),
        signature=str(signature_id),
        sha256=checked.sha256,
    )
    return kept.id


def _checked(name: str, content: bytes) -> proofs.StoredDocument:
    """A file that carries a signature. Raises Refusal, which names the kinds that are kept here and no other."""
    other = Refusal("document.unknown_kind", N_("A signed agreement is kept as a PDF, a PNG or a JPEG."))
    try:
        checked = proofs.checked_document(name, content)
    except Refusal as refused:
        raise other if refused.code == other.code else refused from None
    if checked.content_type not in KINDS:
        raise other
    return checked


def _signature_of(session: Session, version_id: UUID, director_id: UUID | None) -> UUID:
    """The signature under a version of this director, or of the only one who signed. Raises Refusal."""
    signed = {row.person_id: row.id for row in signatures_of(session, version_id)}
    if not signed:
        raise Refusal("agreement.not_signed", N_("This version is not signed yet: record the signature first."))
    if director_id is None and len(signed) > 1:
        raise Refusal("signed_file.whose", N_("Several people signed this version: say who signed the file."))
    found: UUID | None = signed.get(director_id) if director_id is not None else next(iter(signed.values()))
    if found is None:
        raise Refusal(
            "signed_file.not_signed_by_them",
            N_("This person has not signed this version: record their signature first."),
        )
    return found


def files_of(session: Session, version_id: UUID) -> tuple[VersionFile, ...]:
    """The files of a version, the first one first, each compared with the record."""
    return tuple(every(session, _files().where(SignedFile.agreement_version_id == version_id)))


def refuse_unfiled(session: Session, version_id: UUID) -> None:
    """Refuse a version with a signature on paper that no file carries. Raises Refusal, with who signed.

    A director who signed on the page needs none; one who recorded their own paper does. A file that was stored before
    the program asked whose signature it carries may carry any.
    """
    carried = {kept.signature_id for kept in files_of(session, version_id)}
    lacking = [row.person_id for row in signatures_of(session, version_id) if row.on_paper and row.id not in carried]
    if not lacking or None in carried:
        return
    signers = run(
        session,
        only(Person.given_name, Person.family_name)
        .where(col(Person.id).in_(lacking))
        .order_by(col(Person.sort_key), col(Person.id)),
    )
    raise Refusal(
        "agreement.unfiled",
        N_(
            "Signed on paper, without the signed file: %(people)s. Add the file to this "
            "version, then bring it into force."
        ),
        people=", ".join(f"{given} {family}" for given, family in signers),
    )


def content_of(session: Session, file_id: UUID) -> tuple[VersionFile, bytes]:
    """A file and its bytes, compared with the record at this very reading. Raises Refusal: no such file."""
    found = first(session, _files().where(SignedFile.id == file_id))
    if found is None:
        raise Refusal("signed_file.unknown", N_("There is no such file."))
    content: bytes = run(session, only(SignedFile.content).where(SignedFile.id == file_id)).scalar_one()
    return found, bytes(content)


def organization_of_file(session: Session, file_id: UUID) -> UUID | None:
    """The organization whose agreement a file is of; None where there is no such file."""
    return scalar(
        session,
        select(Agreement.organization_id)
        .join(AgreementVersion, of_agreement())
        .join(SignedFile, joins(SignedFile.agreement_version_id, AgreementVersion))
        .where(in_program(SignedFile), SignedFile.id == file_id),
    )


def file_of(session: Session, file_id: UUID) -> VersionFile:
    """An existing file, without its bytes, compared with the record."""
    return surely(first(session, _files().where(SignedFile.id == file_id)))


@seal_check.check_digests.owner
def report_altered(session: Session, report: seal_check.Report) -> None:
    """Add to a check of the record which agreements are no longer as they were signed."""
    signed = altered(session)
    if signed:
        report.found(
            "agreement.altered",
            N_("Agreements are not as they were signed, text or file (organization and version): %(versions)s."),
            versions=", ".join(signed),
        )


def altered(session: Session) -> list[str]:
    """What was signed and has changed since: each version's organization and number, in order.

    A file that is another, that is gone or that the record does not know, and a text that is not the signed one.
    """
    wrong = {file.agreement_version_id for file in every(session, _files()) if not file.is_as_added}
    told = tuples(
        session,
        only(Event.subject_id, _fact(Event, "file")).select_from(Event).where(Event.verb == "agreement.file_added"),
    )
    there = {str(file_id) for file_id in scalars(session, only(SignedFile.id))}
    wrong |= {version_id for version_id, file in told if file not in there}
    wrong |= {version_id for version_id, digest in _signed_texts(session) if not _says(session, version_id, digest)}
    rows = tuples(
        session,
        only(Organization.short_name, AgreementVersion.n)
        .join(Agreement, joins(Agreement.organization_id, Organization))
        .join(AgreementVersion, of_agreement())
        .where(col(AgreementVersion.id).in_(wrong))
        .order_by(col(Organization.short_name), col(AgreementVersion.n)),
    )
    return [f"{name} {n}" for name, n in rows]


def text_stands(session: Session, version_id: UUID) -> bool:
    """Whether a version's text is that of its signing, or of its drafting where no one has signed yet."""
    said = scalar(session, only(AgreementVersion.digest).where(AgreementVersion.id == version_id))
    signed = {digest for of, digest in _signed_texts(session, version_id) if of == version_id}
    return content_of_version(session, version_id).digest == said and signed <= {said}


def _says(session: Session, version_id: UUID, digest: str) -> bool:
    try:
        return content_of_version(session, version_id).digest == digest
    except Refusal:
        return False


def _signed_texts(session: Session, version_id: UUID | None = None) -> list[tuple[UUID, str]]:
    """Each version with a signature that stands, with the digest of its text that the record holds."""
    digest = _fact(Event, "digest")
    back = aliased(Event, name="back")
    taken_back = select(back.id).where(
        same(back, Event),
        back.verb == "agreement.signature_taken_back",
        back.subject_id == Event.subject_id,
        col(back.n) > col(Event.n),
        _fact(back, "director") == _fact(Event, "director"),
    )
    rows = run(
        session,
        only(Event.subject_id, digest)
        .where(
            Event.verb == "agreement.signed",
            digest.is_not(None),
            ~taken_back.exists(),
            *([col(Event.subject_id) == version_id] if version_id else []),
        )
        .distinct(),
    )
    return [(row[0], row[1]) for row in rows]


def _files() -> SelectOfScalar[VersionFile]:
    """Files without their bytes, in the order in which they were added."""
    asked = of(VersionFile, without=(SignedFile.content,)).select_from(SignedFile).outerjoin(Event, _TOLD)
    return asked.order_by(col(SignedFile.added_at), col(SignedFile.id))
