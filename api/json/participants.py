"""Candidates and participants over JSON: by reference or number, and who they are by one act that stands in the record.

The answers hold nothing nominative but those of `identity` and of a disclosure's `reading`.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.participants import UnsealedFacts, find_participant, ground_of, open_file, read_facts
from api.access.permissions import Action, Forbidden, Given, allows, asks, require
from api.access.session import InContext, RequestContext
from api.acts.admissions import PARTICIPANT
from api.acts.consents import SIGNING, TICKS
from api.acts.declaring import On
from api.acts.participant_files import KEPT
from api.acts.triage import TRIAGE
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.participant_shapes import (
    DestructionShown,
    DisclosureWords,
    DuplicateShown,
    FactsShown,
    IdentityAsked,
    IdentityShown,
    MayKnow,
    ParticipantShown,
    WorkerProposalShown,
    shown_participant,
    shown_proposals,
)
from api.json.shapes import FileShown, TextLanguage
from api.views.consent_papers import confirmation_file, copy_file, signed_file
from api.views.participants import SeenFile
from domain.admissions import duplicates
from domain.kernel import Actor
from domain.participants import disclosures, what_is_destroyed

router = api_routes("participants", prefix="/participants")


@router.get("/{participant_id}")
@asks(Action.SEE_PARTICIPANT)
def get_participant(participant_id: UUID, context: InContext, response: Response) -> ParticipantShown:
    """Where a person stands, and what was found, decided and consented, without opening anything that is sealed."""
    _, given = find_participant(context.session, context.asker, participant_id)
    told = MayKnow(
        admission=allows(Action.SEE_ADMISSION, given) is not None,
        risk=allows(Action.SEE_RISK, given) is not None,
        consents=allows(Action.SEE_CONSENTS, given) is not None,
        reviews=allows(Action.KEEP_ADMISSION, given) is not None,
        disclosures=allows(Action.KEEP_DISCLOSURES, given) is not None,
    )
    return shown_participant(context, participant_id, response, told=told)


@router.post("/{participant_id}/identity")
@asks(Action.READ_IDENTITY)
def read_identity(participant_id: UUID, body: IdentityAsked, context: InContext) -> IdentityShown:
    """Who they are and what was referred. Each reading is in the record, with its purpose where one is asked for."""
    given, by = _asked(context, participant_id, Action.READ_IDENTITY)
    opened = open_file(
        context.session, given, participant_id, purpose=body.purpose, language=context.language, by=by, at=context.at
    )
    return IdentityShown.of(opened)


@router.post("/{participant_id}/facts")
@asks(Action.READ_FACTS)
def read_what_was_referred(participant_id: UUID, body: IdentityAsked, context: InContext) -> FactsShown:
    """What was referred and found (AD-R2), without who they are: each text as it stands without the name."""
    given, by = _asked(context, participant_id, Action.READ_FACTS)
    return FactsShown.of(
        read_facts(
            context.session,
            given,
            participant_id,
            purpose=body.purpose,
            language=context.language,
            by=by,
            at=context.at,
        )
    )


@router.post("/{participant_id}/duplicates")
@asks(Action.TRIAGE)
def find_duplicates(participant_id: UUID, context: InContext) -> list[DuplicateShown]:
    """Those who may be the same person: for the coordinator alone, and in the record."""
    _, by = _asked(context, participant_id, Action.TRIAGE)
    found = duplicates.possible_duplicates(context.session, participant_id, by=by, at=context.at)
    return DuplicateShown.each(found)


@router.get("/{participant_id}/proposals")
@asks(Action.DECIDE_ADMISSION)
def get_proposals(participant_id: UUID, context: InContext) -> list[WorkerProposalShown]:
    """Every youth worker of the day, the best fit first, with why, and why not."""
    _asked(context, participant_id, Action.DECIDE_ADMISSION)
    return shown_proposals(context, participant_id)


@router.post("/{participant_id}/disclosures/{disclosure_id}/reading")
@asks(Action.KEEP_DISCLOSURES)
def read_disclosure(participant_id: UUID, disclosure_id: UUID, context: InContext) -> DisclosureWords:
    """The receiver of a disclosure, and what was said: told to the record."""
    given, by = _asked(context, participant_id, Action.KEEP_DISCLOSURES)
    told = disclosures.read_disclosure(
        context.session, participant_id, disclosure_id, by=by, at=context.at, ground=ground_of(given)
    )
    return DisclosureWords.model_validate(told)


@router.get("/{participant_id}/consents/confirmation")
@asks(Action.KEEP_ADMISSION)
def get_confirmation(participant_id: UUID, context: InContext, language: TextLanguage = "") -> FileShown:
    """What holds of a person's consents today and what has ended, as the paper that they are given."""
    return FileShown.of(confirmation_file(_keeping(context, participant_id), language))


@router.get("/{participant_id}/consent-forms/{form_id}/copy")
@asks(Action.KEEP_ADMISSION)
def get_copy(participant_id: UUID, form_id: UUID, context: InContext) -> FileShown:
    """The copy of a form for the person, in the language that was signed."""
    return FileShown.of(copy_file(_keeping(context, participant_id), form_id))


@router.get("/{participant_id}/consent-forms/{form_id}/signed")
@asks(Action.READ_SIGNED_FORM)
def get_signed(participant_id: UUID, form_id: UUID, context: InContext) -> FileShown:
    """The scan or the drawing as it was signed: told to the record."""
    _, by = _asked(context, participant_id, Action.READ_SIGNED_FORM)
    return FileShown.of(signed_file(context, participant_id, form_id, by=by))


@router.get("/{participant_id}/destruction")
@asks(Action.KEEP_RETENTION)
def get_proof(participant_id: UUID, context: InContext) -> DestructionShown:
    """The proof that a file is destroyed: the line of the record, and since when its key is gone."""
    _asked(context, participant_id, Action.KEEP_RETENTION)
    proof = what_is_destroyed.proof_of(context.session, participant_id)
    if proof is None:
        raise Forbidden
    return DestructionShown.model_validate(proof)


def _keeping(context: RequestContext, participant_id: UUID) -> SeenFile:
    """The file of a person whose consents the asker keeps. Raises Forbidden."""
    return SeenFile(context, *find_participant(context.session, context.asker, participant_id, Action.KEEP_ADMISSION))


def _asked(context: RequestContext, participant_id: UUID, action: Action) -> tuple[Given, Actor]:
    """What the asker is to a file, and as whom they do it. Raises Forbidden."""
    _, given = find_participant(context.session, context.asker, participant_id, action)
    return given, require(action, given)


def _acted_on(on: On[UnsealedFacts], _: object, response: Response) -> ParticipantShown:
    return shown_participant(on.context, on.id, response)


act_resources(router, PARTICIPANT, _acted_on)
act_resources(router, SIGNING, _acted_on)
act_resources(router, TICKS, _acted_on)
act_resources(router, KEPT, _acted_on)
act_resources(router, TRIAGE, _acted_on)
