"""The record in words, where it tells of what partners owe: the sentences, and how a clause is named in them.

A clause is named by its partner and as the agreement numbers it; a document by its clause, never by its file's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import and_

from api.access.session import Desk
from api.views.obligations import STATES
from domain.kernel.rows import AnySelect, col, in_program, joins, select
from locales import N_
from models.agreement import Agreement, AgreementVersion, SignedFile
from models.obligation import ObligationDocument, ObligationPeriod
from models.program import Organization

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


def clause_in_words(part: str, roles: Mapping[str, str]) -> str:
    """A part of an obligation's name: of a clause that several roles owe, its number and the role's title."""
    clause, _, role = part.partition(":")
    return f"{clause} · {roles[role]}" if role in roles else part


def _periods_read(_desk: Desk, ids: set[UUID]) -> AnySelect:
    return (
        select(ObligationPeriod.id, Organization.short_name, ObligationPeriod.key)
        .join(Agreement, joins(ObligationPeriod.agreement_id, Agreement))
        .join(Organization, joins(Agreement.organization_id, Organization))
        .where(_here(ObligationPeriod, ids))
    )


def _documents_read(_desk: Desk, ids: set[UUID]) -> AnySelect:
    return (
        select(ObligationDocument.id, Organization.short_name, ObligationDocument.key)
        .join(Agreement, joins(ObligationDocument.agreement_id, Agreement))
        .join(Organization, joins(Agreement.organization_id, Organization))
        .where(_here(ObligationDocument, ids))
    )


def _signed_read(_desk: Desk, ids: set[UUID]) -> AnySelect:
    return (
        select(SignedFile.id, Organization.short_name, AgreementVersion.n)
        .join(AgreementVersion, joins(SignedFile.agreement_version_id, AgreementVersion))
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .join(Organization, joins(Agreement.organization_id, Organization))
        .where(_here(SignedFile, ids))
    )


def _here(table: Any, ids: set[UUID]) -> ColumnElement[bool]:
    return and_(in_program(table), col(table.id).in_(ids))


READINGS: Final[Mapping[str, Callable[[Desk, set[UUID]], AnySelect]]] = {
    "obligation_period": _periods_read,
    "obligation_document": _documents_read,
    "signed_file": _signed_read,
}
