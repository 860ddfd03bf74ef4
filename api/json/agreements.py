"""Agreements over JSON: what each version says, its signatures and files, and what is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from api.at_agreements import agreements_of, find_agreement, find_version, versions_of
from api.json.agreement_shapes import (
    AgreementShown,
    ChangeShown,
    EndingGiven,
    PaperSignatureGiven,
    SignatureGiven,
    SignatureShown,
    SignedFileShown,
    StartGiven,
    VersionListed,
    VersionShown,
)
from api.json.once import IdempotencyKey, IfMatch, Once, etag, seen_version
from api.permissions import Action, asks, require, to_program
from api.session import AtDesk, Desk
from duties import agreements, signed_files, succession
from duties.agreement_difference import difference

router = APIRouter(tags=["agreements"])

_HERE: Final = "/agreements/{agreement_id}/versions/{n}"
Number = Annotated[int, Path(ge=1, le=9999)]


@router.get("/agreements")
@asks(Action.SEE_PROGRAM)
def list_agreements(desk: AtDesk) -> list[AgreementShown]:
    """Every agreement of the program, by the partner's name."""
    require(Action.SEE_PROGRAM, to_program(desk.asker))
    return [_agreement(desk, row) for row in agreements_of(desk)]


@router.get("/agreements/{agreement_id}")
@asks(Action.SEE_PROGRAM)
def get_agreement(agreement_id: UUID, desk: AtDesk) -> AgreementShown:
    """One agreement and its versions."""
    row, _ = find_agreement(desk, agreement_id)
    return _agreement(desk, row)


@router.get(_HERE)
@asks(Action.SEE_PROGRAM)
def get_version(agreement_id: UUID, n: Number, desk: AtDesk, response: Response) -> VersionShown:
    """One version: what it says, what of it is another than before, who signed it, and its files by their digests."""
    find_version(desk, agreement_id, n)
    return _shown(desk, agreement_id, n, response)


@router.post("/agreements/{agreement_id}/versions", status_code=201)
@asks(Action.KEEP_AGREEMENTS)
def renew(
    agreement_id: UUID, desk: AtDesk, request: Request, response: Response, idempotency_key: IdempotencyKey = ""
) -> VersionShown:
    """Draft the next version from the one that is in force, or was last."""
    once = Once.of(desk, request, idempotency_key)
    if (before := once.again(None)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    _, given = find_agreement(desk, agreement_id)
    by = require(Action.KEEP_AGREEMENTS, given)
    succession.renew(desk.session, agreement_id, by=by, at=desk.at)
    n = versions_of(desk, agreement_id)[0]["n"]
    once.done(response, 201, f"/api/v1/agreements/{agreement_id}/versions/{n}")
    return _shown(desk, agreement_id, n, response)


@router.post(f"{_HERE}/sending")
@asks(Action.KEEP_AGREEMENTS)
def send(agreement_id: UUID, n: Number, desk: AtDesk, response: Response, if_match: IfMatch = "") -> VersionShown:
    """A draft goes to the directors, each by letter."""
    row, given = find_version(desk, agreement_id, n)
    by = require(Action.KEEP_AGREEMENTS, given)
    agreements.send_version(desk.session, row["id"], by=by, at=desk.at, seen=seen_version(if_match))
    return _shown(desk, agreement_id, n, response)


@router.post(f"{_HERE}/taking-back")
@asks(Action.KEEP_AGREEMENTS)
def take_back(agreement_id: UUID, n: Number, desk: AtDesk, response: Response, if_match: IfMatch = "") -> VersionShown:
    """What was sent, and nobody signed, is a draft again."""
    row, given = find_version(desk, agreement_id, n)
    by = require(Action.KEEP_AGREEMENTS, given)
    agreements.withdraw_version(desk.session, row["id"], by=by, at=desk.at, seen=seen_version(if_match))
    return _shown(desk, agreement_id, n, response)


@router.post(f"{_HERE}/signature")
@asks(Action.SIGN_AGREEMENT)
def sign(
    agreement_id: UUID, n: Number, body: SignatureGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> VersionShown:
    """A director signs, oneself, today."""
    row, given = find_version(desk, agreement_id, n)
    by = require(Action.SIGN_AGREEMENT, given)
    agreements.sign_here(
        desk.session, row["id"], has_read=body.has_read, by=by, at=desk.at, seen=seen_version(if_match)
    )
    return _shown(desk, agreement_id, n, response)


@router.post(f"{_HERE}/signatures")
@asks(Action.KEEP_AGREEMENTS)
def record_signature(
    agreement_id: UUID, n: Number, body: PaperSignatureGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> VersionShown:
    """Record the signature that a director gave on paper."""
    row, given = find_version(desk, agreement_id, n)
    by = require(Action.KEEP_AGREEMENTS, given)
    agreements.sign_version(
        desk.session,
        row["id"],
        director_id=body.director_id,
        signed_on=body.signed_on,
        by=by,
        at=desk.at,
        seen=seen_version(if_match),
    )
    return _shown(desk, agreement_id, n, response)


@router.post(f"{_HERE}/start")
@asks(Action.KEEP_AGREEMENTS)
def start(
    agreement_id: UUID, n: Number, body: StartGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> VersionShown:
    """A signed version comes into force, in the place of the one that is."""
    row, given = find_version(desk, agreement_id, n)
    by = require(Action.KEEP_AGREEMENTS, given)
    succession.begin(
        desk.session,
        row["id"],
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        by=by,
        at=desk.at,
        seen=seen_version(if_match),
    )
    return _shown(desk, agreement_id, n, response)


@router.post(f"{_HERE}/ending")
@asks(Action.KEEP_AGREEMENTS)
def end(
    agreement_id: UUID, n: Number, body: EndingGiven, desk: AtDesk, response: Response, if_match: IfMatch = ""
) -> VersionShown:
    """A version in force gets its last day, with the notice that one side gave."""
    row, given = find_version(desk, agreement_id, n)
    by = require(Action.KEEP_AGREEMENTS, given)
    agreements.end_version(
        desk.session,
        row["id"],
        ends_on=body.ends_on,
        notice_on=body.notice_on,
        shorter_agreed=body.shorter_agreed,
        by=by,
        at=desk.at,
        seen=seen_version(if_match),
    )
    return _shown(desk, agreement_id, n, response)


def _agreement(desk: Desk, row: Mapping[str, Any]) -> AgreementShown:
    return AgreementShown(
        id=row["id"],
        organization_id=row["organization_id"],
        organization=row["short_name"],
        versions=[VersionListed(**_listed(one)) for one in versions_of(desk, row["id"])],
    )


def _listed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in VersionListed.model_fields}


def _shown(desk: Desk, agreement_id: UUID, n: int, response: Response) -> VersionShown:
    """A version as it stands now."""
    rows = versions_of(desk, agreement_id)
    row = next(one for one in rows if one["n"] == n)
    before = next((one for one in rows if one["n"] < n), None)
    content = agreements.content_of_version(desk.session, row["id"])
    response.headers["ETag"] = etag(row["version"])
    return VersionShown(
        **_listed(row),
        agreement_id=agreement_id,
        digest=row["digest"],
        text_stands=signed_files.text_stands(desk.session, row["id"]),
        roles=list(content.roles.values()),
        obligations=list(content.obligations.values()),
        terms=content.terms,
        signatures=[
            SignatureShown(**{name: one[name] for name in SignatureShown.model_fields})
            for one in agreements.signatures_of(desk.session, row["id"])
        ],
        files=[SignedFileShown.model_validate(one) for one in signed_files.files_of(desk.session, row["id"])],
        changes=None
        if before is None
        else [
            ChangeShown.model_validate(asdict(line) | {"aspects": list(line.aspects)})
            for line in difference(agreements.content_of_version(desk.session, before["id"]), content)
        ],
    )
