"""What is said and given for one period of an obligation: statements, a look at the proof, and waivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, Literal
from uuid import UUID

from api.access.partners import find_obligation, find_proposal
from api.access.permissions import Action, Forbidden
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On, Parts
from api.web.given import ActInput, Day, PlainText, on_form
from api.web.readers import chosen
from domain.kernel import Refusal
from domain.obligations import PeriodRead, accepting, reading
from domain.obligations import attestations as saying
from locales import N_
from meetings import waivers

Row = PeriodRead


def _find(context: RequestContext, _: Action, period_id: UUID) -> tuple[Row, Relations]:
    return find_obligation(context.session, context.asker, period_id)


OBLIGATION: Final = ActSubject("/obligations/{period_id}", _find)
#: Once it is looked at, it may be nothing any more to who did so.
LOOKED_AT: Final = ActSubject("/obligations/{period_id}", _find)


def _held_or_not(text: str) -> str:
    if text not in ("held", "not_held"):
        raise Refusal("attestation.missing", N_("Attest that it was met, or that it was not."))
    return text


class AttestationGiven(ActInput):
    """That it held in the period, or that it did not, and then why."""

    said: Annotated[Literal["held", "not_held"], on_form(_held_or_not)]
    note: PlainText = ""


@OBLIGATION.act(Action.ATTEST, "/attestation", form="attestation")
def attest(on: On[Row], said: AttestationGiven) -> None:
    """State in writing that it held in this period, or that it did not."""
    saying.attest(on.session, on.id, said.said, note=said.note, by=on.by, at=on.at)


class DocumentWithdrawalGiven(ActInput):
    """Why a document is taken back."""

    reason: PlainText


@OBLIGATION.act(Action.GIVE_PROOF, "/documents/{document_id}/withdrawal", form="withdrawal-{document_id}")
def withdraw_document(on: On[Row], said: DocumentWithdrawalGiven, document_id: UUID) -> None:
    """Take a document back, with the reason; it is kept, and counts no more."""
    of_clause = reading.documents_of(on.session, on.row.agreement_id, on.row.key)
    if not any(one.id == document_id for one in of_clause):
        raise Forbidden
    saying.withdraw_document(on.session, document_id, reason=said.reason, by=on.by, at=on.at)


def _of_proof(form: str) -> Callable[[Parts], str]:
    return lambda typed: f"{form}-{typed['proof']}"


class AcceptanceGiven(ActInput):
    """Which proof is accepted: the id of a document, of an attestation, or of a procedure's step."""

    proof_id: Annotated[
        UUID, on_form(chosen("proof.unknown", N_("There is no such proof for this period.")), name="proof")
    ]


@LOOKED_AT.act(Action.ACCEPT_PROOF, "/acceptance", form=_of_proof("look"))
def accept_proof(on: On[Row], said: AcceptanceGiven) -> None:
    """Accept a proof that was given: from then on it counts."""
    accepting.accept(on.session, on.id, said.proof_id, by=on.by, at=on.at)


class ReturnGiven(AcceptanceGiven):
    """Which proof is returned, and why."""

    reason: PlainText


@LOOKED_AT.act(Action.ACCEPT_PROOF, "/return", form=_of_proof("return"))
def return_proof(on: On[Row], said: ReturnGiven) -> None:
    """Return a proof with words: it does not count, and is to be given again."""
    accepting.give_back(on.session, on.id, said.proof_id, reason=said.reason, by=on.by, at=on.at)


class WaiverProposalGiven(ActInput):
    """The days, both inclusive, and why."""

    starts_on: Annotated[Day, on_form(name="first")]
    ends_on: Annotated[Day, on_form(name="last")]
    reason: PlainText


@OBLIGATION.act(Action.WAIVE_CLAUSE, "/waiver-proposals", form="proposal", once=True)
def propose_waiver(on: On[Row], said: WaiverProposalGiven) -> None:
    """Ask the committee that the agreement names to free the partner of the clause."""
    of_clause = (on.row.agreement_id, on.row.key)
    waivers.propose(on.session, *of_clause, **dict(said), by=on.by, at=on.at)


@OBLIGATION.act(Action.WAIVE_CLAUSE, "/waiver-proposals/{proposal_id}/decision", form="decision-{proposal_id}")
def decide_waiver(on: On[Row], proposal_id: UUID) -> None:
    """Record that the committee, which sits on it now, frees the partner as proposed."""
    find_proposal(on.session, on.row, proposal_id)
    waivers.decide(on.session, proposal_id, by=on.by, at=on.at)


class WaiverGiven(ActInput):
    """The days, both inclusive, the decision by which, and why."""

    starts_on: Annotated[Day, on_form(name="first")]
    ends_on: Annotated[Day, on_form(name="last")]
    decision_id: Annotated[
        UUID, on_form(chosen("waiver.no_decision", N_("A waiver needs a decision that is in effect.")), name="decision")
    ]
    reason: PlainText


@OBLIGATION.act(Action.WAIVE_CLAUSE, "/waivers", form="waiver")
def waive(on: On[Row], said: WaiverGiven) -> None:
    """Free the partner of the clause from a day to another, by a decision."""
    of_clause = (on.row.agreement_id, on.row.key)
    saying.waive(on.session, *of_clause, **dict(said), by=on.by, at=on.at)
