"""The record in words, where it tells of what partners owe: the sentences, and how a clause is named in them.

A clause is named by its partner and as the agreement numbers it; a document by its clause, never by its file's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.views.obligations import STATES
from api.views.timeline_readings import Reading, reading
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


_TO_PARTNER: Final = (Agreement.organization_id, Organization)
_OF_VERSION: Final = [
    (SignedFile.agreement_version_id, AgreementVersion),
    (AgreementVersion.agreement_id, Agreement),
    _TO_PARTNER,
]


def _of_agreement(thing: Any) -> Reading:
    """What is called by its partner, and by the key of its clause."""
    return reading(thing, Organization.short_name, thing.key, by=[(thing.agreement_id, Agreement), _TO_PARTNER])


READINGS: Final[Mapping[str, Reading]] = {
    "obligation_period": _of_agreement(ObligationPeriod),
    "obligation_document": _of_agreement(ObligationDocument),
    "signed_file": reading(SignedFile, Organization.short_name, AgreementVersion.n, by=_OF_VERSION),
}
