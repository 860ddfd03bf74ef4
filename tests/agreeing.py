"""What the tests of agreements share: one on its way by the real verbs, in force from a day to a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import Session

from domain.agreements import agreements, signed_files
from domain.agreements.agreements import redraft_version, send_version, sign_version, start_version
from domain.agreements.terminations import end_version
from domain.agreements.version_text import content_of
from domain.kernel.refusals import Refusal
from models.agreement import Agreement, AgreementTerms, AgreementVersion
from models.base import table_of
from models.program import Tenure
from tests.cast import AT, SINCE, Cast, program_file

#: What a scanner writes, and who made it.
_PARTS: Final = (
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 5 0 R>>",
    b"<</Author(Corail Mica)/Producer(Scan)>>",
    b"<</Length 17>>\nstream\n1 1 7 7 re 3 3 m S\nendstream\n",
)


def pdf(parts: Sequence[bytes] = _PARTS) -> bytes:
    """A page of a PDF as a scanner makes it, with who made it."""
    written, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(written))
        written += b"%d 0 obj%sendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    tail = b"trailer<</Size %d/Root 1 0 R/Info 4 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(written))
    return written + head + table + tail


PDF: Final = pdf()

#: The director of each organization that the tests of agreements name.
DIRECTORS: Final = {
    "en-marge": "director_em",
    "anonyme": "director_la",
    "codim": "director_codim",
    "ccsmtl": "director_ccsmtl",
    "spvm": "director_spvm",
    "marie-vincent": "director_mv",
}

_version = table_of(AgreementVersion)
_agreement = table_of(Agreement)
_tenure = table_of(Tenure)


def agreement_of(session: Session, cast: Cast, place: str = "en-marge") -> UUID:
    """The agreement with an organization."""
    found: UUID = session.scalars(
        select(_agreement.c.id).where(_agreement.c.organization_id == cast.organizations[place])
    ).one()
    return found


def last_version(session: Session, cast: Cast, place: str = "en-marge") -> UUID:
    """The version of an organization's agreement that was drafted last."""
    found: UUID = session.scalars(
        select(_version.c.id)
        .join(_agreement, agreements.of_agreement())
        .where(_agreement.c.organization_id == cast.organizations[place])
        .order_by(_version.c.n.desc())
        .limit(1)
    ).one()
    return found


def signed_on(
    session: Session, cast: Cast, version_id: UUID, place: str = "en-marge", day: date = SINCE, *, filed: bool = False
) -> None:
    """Send a version and have the organization's director sign it on paper, on a day that is past; with its file.

    A next version is written today, and no paper under it is older.
    """
    by = cast.actor("coordinator")
    n = session.scalars(select(_version.c.n).where(_version.c.id == version_id)).one()
    day = day if n == 1 else max(day, AT.date())
    send_version(session, version_id, by=by, at=AT)
    sign_version(session, version_id, director_id=cast.people[DIRECTORS[place]], signed_on=day, by=by, at=AT)
    if filed:
        signed_files.add(session, version_id, name="entente.pdf", content=PDF, by=by, at=AT)


def sharing_otherwise(session: Session, cast: Cast, place: str, **terms: object) -> None:
    """Have the draft of an organization's agreement say something else of the sharing of information."""
    content = content_of(program_file().value, place)
    kept = content.terms.as_stored()
    assert content.terms.information_sharing is not None
    shared = {**content.terms.information_sharing.as_stored(), **terms}
    said = replace(content, terms=AgreementTerms.model_validate({**kept, "information_sharing": shared}))
    redraft_version(session, last_version(session, cast, place), said, by=cast.actor("coordinator"), at=AT)


def in_force(
    session: Session, cast: Cast, place: str = "en-marge", *, since: date = SINCE, until: date | None = None
) -> UUID:
    """Have the last version of an organization's agreement in force from a day, to another where that is settled."""
    version_id = last_version(session, cast, place)
    signed_on(session, cast, version_id, place, min(since, AT.date()))
    is_over = until is not None and until < AT.date()
    by = cast.actor("coordinator")
    start_version(session, version_id, starts_on=since, ends_on=until if is_over else None, by=by, at=AT)
    if until is not None:
        end_version(session, version_id, ends_on=until, by=by, at=AT)
    return version_id


def second_director(session: Session, cast: Cast, place: str = "en-marge") -> UUID:
    """Have the deputy direct an organization too: this program gives each one director, another may give two."""
    return second_holder(session, cast, "director", place)


def second_holder(session: Session, cast: Cast, role: str, place: str = "en-marge") -> UUID:
    """Have the deputy hold a role of an organization too, which this program gives to one person alone."""
    session.execute(update(_tenure).values(single_holder=False))
    session.execute(
        insert(_tenure).values(
            program_id=cast.program_id,
            id=uuid4(),
            person_id=cast.people["deputy"],
            role=role,
            organization_id=cast.organizations[place],
            single_holder=False,
            starts_on=SINCE,
            entered_late=[],
            version=1,
        )
    )
    return cast.people["deputy"]


def code_of(act: Callable[[], object]) -> str:
    """The code with which a rule refuses an act."""
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value.code
