"""The record in words, where it tells of what partners owe: the sentences, and how a clause is named in them.

A clause is named by its partner and as the agreement numbers it; a document by its clause, never by its file's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, select
from sqlalchemy.sql.expression import ColumnElement

from api.access.session import Desk
from api.views.obligations import STATES
from domain.kernel.scope import program_of
from locales import N_
from models.agreement import Agreement, AgreementVersion, SignedFile
from models.base import refers, table_of
from models.obligation import ObligationDocument, ObligationPeriod
from models.program import Organization

_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_organization = table_of(Organization)
_period = table_of(ObligationPeriod)
_document = table_of(ObligationDocument)
_signed = table_of(SignedFile)

#: Verb to sentence and shape, as in `api.views.timeline`.
SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "obligation.found": (N_("By the records, %(subject)s: %(state)s."), "half"),
    "obligation.attested": (N_("Statement for %(subject)s: %(said)s."), "full"),
    "obligation.document_added": (N_("Document of %(effective_on)s submitted for %(subject)s."), "full"),
    "obligation.document_withdrawn": (N_("Document withdrawn that was submitted for %(subject)s."), "skip"),
    "obligation.proof_accepted": (N_("Proof accepted for %(subject)s."), "full"),
    "obligation.proof_returned": (N_("Proof returned with a note, for %(subject)s."), "stop"),
    "obligation.waiver_proposed": (
        N_("Waiver proposed for %(subject)s: %(clause)s, from %(starts_on)s to %(ends_on)s."),
        "ask",
    ),
    "obligation.waived": (
        N_("%(subject)s has a waiver of %(clause)s from %(starts_on)s to %(ends_on)s, by a decision."),
        "skip",
    ),
}

#: What follows from what others did, and that the page of partners shows.
MINOR: Final = frozenset({"obligation.found"})

SYSTEM: Final[Mapping[str, str]] = {"obligations": N_("the assessment of obligations")}

#: Facts that are codes, with their words.
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "state": {state: word for state, (_, word) in STATES.items()},
    "said": {"held": N_("it was met"), "not_held": N_("it was not met")},
}


def _periods_read(desk: Desk, ids: set[UUID]) -> Select[Any]:
    return (
        select(_period.c.id, _organization.c.short_name, _period.c.key)
        .join(_agreement, refers(_period.c.agreement_id, _agreement))
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(_here(desk, _period, ids))
    )


def _documents_read(desk: Desk, ids: set[UUID]) -> Select[Any]:
    return (
        select(_document.c.id, _organization.c.short_name, _document.c.key)
        .join(_agreement, refers(_document.c.agreement_id, _agreement))
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(_here(desk, _document, ids))
    )


def _signed_read(desk: Desk, ids: set[UUID]) -> Select[Any]:
    return (
        select(_signed.c.id, _organization.c.short_name, _version.c.n)
        .join(_version, refers(_signed.c.agreement_version_id, _version))
        .join(_agreement, refers(_version.c.agreement_id, _agreement))
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(_here(desk, _signed, ids))
    )


def _here(desk: Desk, table: Any, ids: set[UUID]) -> ColumnElement[bool]:
    return and_(table.c.program_id == program_of(desk.session), table.c.id.in_(ids))


READINGS: Final[Mapping[str, Callable[[Desk, set[UUID]], Select[Any]]]] = {
    "obligation_period": _periods_read,
    "obligation_document": _documents_read,
    "signed_file": _signed_read,
}
