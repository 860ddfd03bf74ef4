"""Agreements over JSON: what each version says, its signatures and files, and what is done with it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Response
from pydantic import TypeAdapter

from api.access.agreements import (
    WithOrganization,
    agreements_of,
    find_agreement,
    find_version,
    signed_file,
    versions_of,
)
from api.access.permissions import Action, allows, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.agreements import AGREEMENT, VERSION, Number, Row
from api.acts.declaring import On
from api.json.act_routes import act_resources
from api.json.agreement_shapes import (
    AgreementShown,
    AgreementVersionShown,
    SignatureShown,
    SignedFileGiven,
    SignedFileGivenOut,
    SignedFileShown,
    StartGiven,
    TakenBackSignatureShown,
    TextGiven,
    VersionChangeShown,
    VersionListed,
)
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, IfMatch, etag, seen_version
from api.web.bytes_given import bytes_of
from domain.agreements import (
    DutyText,
    RoleText,
    Text,
    agreements,
    difference,
    rewriting,
    signed_files,
    succession,
    unsigning,
    version_text,
)
from domain.kernel import Refusal
from locales import N_

router = api_routes("agreements")

_HERE: Final = "/agreements/{agreement_id}/versions/{n}"
_TEXT: Final = TypeAdapter(Text)


@router.get("/agreements")
@asks(Action.SEE_PROGRAM)
def list_agreements(context: InContext) -> list[AgreementShown]:
    """Every agreement of the program, by the partner's name."""
    require(Action.SEE_PROGRAM, to_program(context.asker))
    return [_agreement(context, row) for row in agreements_of(context)]


@router.get("/agreements/{agreement_id}")
@asks(Action.SEE_PROGRAM)
def get_agreement(agreement_id: UUID, context: InContext) -> AgreementShown:
    """One agreement and its versions."""
    row, _ = find_agreement(context, agreement_id)
    return _agreement(context, row)


@router.get(_HERE)
@asks(Action.SEE_PROGRAM)
def get_version(agreement_id: UUID, n: Number, context: InContext, response: Response) -> AgreementVersionShown:
    """One version: what it says, what of it is another than before, who signed it, and its files by their digests."""
    find_version(context, agreement_id, n)
    return _shown(context, agreement_id, n, response)


@dataclass(frozen=True)
class VersionRequest:
    """What every act on a version comes with: which one, the request, and the version of it that was seen."""

    context: RequestContext
    response: Response
    agreement_id: UUID
    n: int
    if_match: str

    def open(self, action: Action, verb: Callable[..., object], **given: Any) -> AgreementVersionShown:
        """Do `verb` with what was `given`, as what the asker is to the partner. Raises Forbidden and Refusal."""
        row, relations = find_version(self.context, self.agreement_id, self.n)
        by = require(action, relations)
        verb(self.context.session, row.id, **given, by=by, at=self.context.at, seen=seen_version(self.if_match))
        return _shown(self.context, self.agreement_id, self.n, self.response)


async def door_of(
    agreement_id: UUID, n: Number, context: InContext, response: Response, if_match: IfMatch = ""
) -> VersionRequest:
    """The door at which one request knocks."""
    return VersionRequest(context, response, agreement_id, n, if_match)


AtDoor = Annotated[VersionRequest, Depends(door_of)]


@router.put(f"{_HERE}/text")
@asks(Action.KEEP_AGREEMENTS)
def rewrite(body: TextGiven, door: AtDoor) -> AgreementVersionShown:
    """Rewrite a draft: its notice, roles, words, clauses, resources, and what it shares. What is left out is gone."""
    return door.open(Action.KEEP_AGREEMENTS, rewriting.rewrite, text=_TEXT.validate_python(body.model_dump()))


@router.post(f"{_HERE}/start")
@asks(Action.KEEP_AGREEMENTS)
def start(body: StartGiven, door: AtDoor) -> AgreementVersionShown:
    """A signed version comes into force, in the place of the one that is."""
    return door.open(Action.KEEP_AGREEMENTS, succession.begin, **dict(body))


def _renewed(on: On[WithOrganization], n: int, response: Response) -> AgreementVersionShown:
    return _shown(on.context, on.id, n, response)


def _acted_on(on: On[Row], _: None, response: Response) -> AgreementVersionShown:
    return _shown(on.context, on.ids["agreement_id"], on.ids["n"], response)


act_resources(router, AGREEMENT, _renewed, found_at=lambda on, n: f"/agreements/{on.id}/versions/{n}")
act_resources(router, VERSION, _acted_on)


@router.post(f"{_HERE}/files", status_code=201)
@asks(Action.ADD_SIGNED_FILE)
def add_file(
    agreement_id: UUID, n: Number, body: SignedFileGiven, context: InContext, once: AtOnce, response: Response
) -> AgreementVersionShown:
    """Keep what was signed as a file of its version. A digest that is sent along has to be that of the bytes."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    row, given = find_version(context, agreement_id, n)
    by = require(Action.ADD_SIGNED_FILE, given)
    content = bytes_of(body.content)
    if body.sha256 and hashlib.sha256(content).hexdigest() != body.sha256:
        raise Refusal(
            "signed_file.malformed",
            N_("These bytes have another digest than the one that came with them: send them again."),
        )
    signed_files.add(
        context.session, row.id, name=body.name, content=content, director_id=body.director_id, by=by, at=context.at
    )
    once.done(response, 201, f"/api/v1/agreements/{agreement_id}/versions/{n}")
    return _shown(context, agreement_id, n, response)


@router.get("/signed-files/{file_id}")
@asks(Action.READ_SIGNED_FILE)
def get_file(file_id: UUID, context: InContext) -> SignedFileGivenOut:
    """A signed file with its bytes; refused where they are no longer those that the record tells of."""
    kept, content = signed_file(context, file_id)
    return SignedFileGivenOut.about(kept, content=base64.b64encode(content).decode())


def _agreement(context: RequestContext, row: WithOrganization) -> AgreementShown:
    versions = VersionListed.each(versions_of(context, row.id))
    return AgreementShown.about(row, organization=row.short_name, versions=versions)


def _shown(context: RequestContext, agreement_id: UUID, n: int, response: Response) -> AgreementVersionShown:
    """A version as it stands now."""
    rows = versions_of(context, agreement_id)
    row = next(one for one in rows if one.n == n)
    before = next((one for one in rows if one.n < n), None)
    content = version_text.content_of_version(context.session, row.id)
    response.headers["ETag"] = etag(row.version)
    return AgreementVersionShown.about(
        row,
        agreement_id=agreement_id,
        text_stands=signed_files.text_stands(context.session, row.id),
        roles=list(map(RoleText._asdict, content.roles.values())),
        obligations=list(map(DutyText._asdict, content.obligations.values())),
        terms=content.terms.as_stored(),
        signatures=SignatureShown.each(agreements.signatures_of(context.session, row.id)),
        signatures_taken_back=_taken_back(context, agreement_id, row.id),
        files=SignedFileShown.each(signed_files.files_of(context.session, row.id)),
        changes=None
        if before is None
        else [
            VersionChangeShown.about(line)
            for line in difference(version_text.content_of_version(context.session, before.id), content)
        ],
    )


def _taken_back(context: RequestContext, agreement_id: UUID, version_id: UUID) -> list[TakenBackSignatureShown]:
    """The signatures that were taken back, each with the reason for those who may read the partner's signed files."""
    rows = unsigning.taken_back_of(context.session, version_id)
    if not rows:
        return []
    _, given = find_agreement(context, agreement_id)
    if allows(Action.READ_SIGNED_FILE, given) is not None:
        return TakenBackSignatureShown.each(rows)
    return [TakenBackSignatureShown.about(row, taken_back_reason="") for row in rows]
