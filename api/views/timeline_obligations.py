"""The record in words, where it tells of what partners owe: the sentences, and how a clause is named in them.

A clause is named by its partner and as the agreement numbers it; a document by its clause, never by its file's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from api.access.session import RequestContext
from api.views.obligations import STATES
from domain.kernel import AnySelect, col, in_program, joins, select
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


def _named_by(thing: Any, name: Any, *, of_version: bool = False) -> Callable[[RequestContext, set[UUID]], AnySelect]:
    """How a subject of the record is called: by its partner, and by `name`. A signed file is of a version."""

    def read(_: RequestContext, ids: set[UUID]) -> AnySelect:
        asked: AnySelect = select(thing.id, Organization.short_name, name)
        if of_version:
            asked = asked.join(AgreementVersion, joins(thing.agreement_version_id, AgreementVersion))
        of_agreement = AgreementVersion.agreement_id if of_version else thing.agreement_id
        return (
            asked.join(Agreement, joins(of_agreement, Agreement))
            .join(Organization, joins(Agreement.organization_id, Organization))
            .where(in_program(thing), col(thing.id).in_(ids))
        )

    return read


READINGS: Final[Mapping[str, Callable[[RequestContext, set[UUID]], AnySelect]]] = {
    "obligation_period": _named_by(ObligationPeriod, ObligationPeriod.key),
    "obligation_document": _named_by(ObligationDocument, ObligationDocument.key),
    "signed_file": _named_by(SignedFile, AgreementVersion.n, of_version=True),
}
