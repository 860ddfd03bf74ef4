"""What is done with an agreement: drafted anew, sent, taken back, signed, and ended.

The text, what a version that begins does to roles, and the files are forms of their own kind in each window.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Path
from starlette.exceptions import HTTPException

from api.access.agreements import WithOrganization, find_agreement, find_version, versions_of
from api.access.permissions import Action
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.web.given import ActInput, Day, PlainText, on_form
from api.web.readers import chosen
from domain.agreements import agreements, succession, terminations, unsigning
from locales import N_
from models.agreement import AgreementVersion

Row = AgreementVersion
Number = Annotated[int, Path(ge=1, le=9999)]


def _find(context: RequestContext, _: Action, agreement_id: UUID) -> tuple[WithOrganization, Relations]:
    return find_agreement(context, agreement_id)


def _find_version(context: RequestContext, _: Action, agreement_id: UUID, n: Number) -> tuple[Row, Relations]:
    return find_version(context, agreement_id, n)


AGREEMENT: Final = ActSubject("/agreements/{agreement_id}", _find)
VERSION: Final = ActSubject("/agreements/{agreement_id}/versions/{n}", _find_version)


@AGREEMENT.act(Action.KEEP_AGREEMENTS, "/renewal", form="renewal", once=True, json="POST /versions")
def renew(on: On[WithOrganization]) -> int:
    """Draft the next version from the text that was signed last."""
    succession.renew(on.session, on.id, by=on.by, at=on.at)
    newest: int = versions_of(on.context, on.id)[0].n
    return newest


def _read(on: On[Row]) -> int:
    """The version that was read: what is done is done to that one, and not to any. Without it, 428."""
    if on.seen is None:
        raise HTTPException(428)
    return on.seen


@VERSION.act(Action.KEEP_AGREEMENTS, "/sending", form="sending", versioned=True)
def send(on: On[Row]) -> None:
    """A draft goes to the directors, each by letter."""
    agreements.send_version(on.session, on.row.id, by=on.by, at=on.at, seen=_read(on))


@VERSION.act(Action.KEEP_AGREEMENTS, "/taking-back", form="taking-back", versioned=True)
def take_back(on: On[Row]) -> None:
    """Make a draft again of a version that was sent and not yet signed."""
    agreements.withdraw_version(on.session, on.row.id, by=on.by, at=on.at, seen=_read(on))


class SignatureGiven(ActInput):
    """One's own signature, as a director, with the text in front of one."""

    has_read: bool


@VERSION.act(Action.SIGN_AGREEMENT, "/signature", form="signature", versioned=True)
def sign(on: On[Row], said: SignatureGiven) -> None:
    """A director signs, oneself, today."""
    agreements.sign_here(on.session, on.row.id, has_read=said.has_read, by=on.by, at=on.at, seen=_read(on))


class PaperSignatureGiven(ActInput):
    """A signature that a director gave on paper."""

    director_id: Annotated[UUID, on_form(chosen("agreement.no_such_director", N_("Say who signed.")), name="director")]
    signed_on: Annotated[Day, on_form(name="day")]


@VERSION.act(Action.KEEP_AGREEMENTS, "/signatures", form="signatures", versioned=True)
def record_signature(on: On[Row], said: PaperSignatureGiven) -> None:
    """Record the signature that a director gave on paper."""
    agreements.sign_version(on.session, on.row.id, **dict(said), by=on.by, at=on.at, seen=_read(on))


class SignatureTakenBack(ActInput):
    """Whose signature from paper is taken back, and why."""

    director_id: Annotated[UUID, on_form(chosen("agreement.no_such_director", N_("Say who signed.")), name="director")]
    reason: PlainText


@VERSION.act(Action.KEEP_AGREEMENTS, "/signatures/taking-back", form="signature-back", versioned=True)
def take_signature_back(on: On[Row], said: SignatureTakenBack) -> None:
    """Take back a signature that was recorded from paper by mistake, before its version is set to begin."""
    unsigning.take_back(on.session, on.row.id, **dict(said), by=on.by, at=on.at, seen=_read(on))


class EndingGiven(ActInput):
    """The last day, the day on which notice was given and by which side, and whether both settled on a shorter one."""

    ends_on: Annotated[Day, on_form(name="last")]
    notice_on: Annotated[Day, on_form(name="notice")]
    shorter_agreed: Annotated[bool, on_form(name="shorter")] = False
    given_by: Literal["partner", "program", ""] = ""


@VERSION.act(Action.KEEP_AGREEMENTS, "/ending", form="ending", versioned=True)
def end(on: On[Row], said: EndingGiven) -> None:
    """A version in force gets its last day, with the notice that one side gave; before its first, it does not begin."""
    terminations.end_version(on.session, on.row.id, **dict(said), by=on.by, at=on.at, seen=_read(on))
