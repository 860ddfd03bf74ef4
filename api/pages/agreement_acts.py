"""What is done with an agreement from its page: drafted anew, sent, taken back, signed, begun, ended; and its files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Form, Request, Response

from api.access.agreements import find_version, signed_file
from api.access.permissions import Action, asks, require
from api.access.session import InContext, RequestContext
from api.acts.agreements import AGREEMENT, VERSION
from api.pages.act_routes import act_pages
from api.pages.agreement import agreement_page
from api.pages.files import Sent, kept_file, read_sent
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, see_other
from api.pages.idempotent_forms import AtOnce
from api.web.readers import day_of, day_or_none, id_or_none
from domain.agreements import signed_files, succession
from domain.kernel import Refusal

router = framed_pages()

Seen = Annotated[int, Form()]
"""The version that the form was made from."""

Listed = Annotated[Sequence[str], Form()]
"""Fields of one name, in the order of the form."""

_HERE: Final = "/program/agreements/{agreement_id}/versions/{n}"


@router.post(f"{_HERE}/start")
@asks(Action.KEEP_AGREEMENTS)
def start(
    context: InContext,
    request: Request,
    agreement_id: UUID,
    n: int,
    seen: Seen,
    first: Text = "",
    last: Text = "",
    was: Listed = (),
    becomes: Listed = (),
) -> Response:
    """A signed version comes into force, in the place of the one that is; each role that it drops becomes another."""
    version, given = find_version(context, agreement_id, n)
    by = require(Action.KEEP_AGREEMENTS, given)
    settled = {role: other for role, other in zip(was, becomes, strict=False) if other}
    refusal = context.attempt(
        lambda: succession.begin(
            context.session,
            version.id,
            starts_on=day_of(first),
            ends_on=day_or_none(last),
            becomes=settled,
            by=by,
            at=context.at,
            seen=seen,
        )
    )
    return _after(
        context, request, agreement_id, n, "start", refusal, {"first": first, "last": last, "becomes": settled}
    )


@router.post(f"{_HERE}/files")
@asks(Action.ADD_SIGNED_FILE)
def add_file(
    context: InContext,
    request: Request,
    agreement_id: UUID,
    n: int,
    once: AtOnce,
    director: Text = "",
    document: Sent = None,
) -> Response:
    """Keep what was signed with the signature that it carries."""
    version, given = find_version(context, agreement_id, n)
    by = require(Action.ADD_SIGNED_FILE, given)

    def act() -> str:
        name, content = read_sent(document)
        signer = id_or_none(director)
        signed_files.add(
            context.session, version.id, name=name, content=content, director_id=signer, by=by, at=context.at
        )
        return f"/program/agreements/{agreement_id}?n={n}"

    outcome = once.attempt(act)
    refusal = outcome if isinstance(outcome, Refusal) else None
    return _after(context, request, agreement_id, n, "files", refusal, {"director": director})


@router.get("/signed-files/{file_id}", name="signed_file")
@asks(Action.READ_SIGNED_FILE)
def download(context: InContext, file_id: UUID) -> Response:
    """A signed file as it was added."""
    kept, content = signed_file(context, file_id)
    return kept_file(kept.name, kept.content_type, content)


def _after(
    context: RequestContext,
    request: Request,
    agreement_id: UUID,
    n: int,
    form: str,
    refusal: Refusal | None,
    typed: dict[str, Any],
) -> Response:
    if refusal is not None:
        return agreement_page(context, request, agreement_id, n, Typed(form, refusal, typed))
    return see_other(f"/program/agreements/{agreement_id}?n={n}")


act_pages(
    router,
    AGREEMENT,
    lambda on, request, typed: agreement_page(on.context, request, on.id, None, typed),
    after=lambda on, _: f"/program/agreements/{on.id}",
    under="/program",
)
act_pages(
    router,
    VERSION,
    lambda on, request, typed: agreement_page(on.context, request, on.ids["agreement_id"], on.ids["n"], typed),
    after=lambda on, _: f"/program/agreements/{on.ids['agreement_id']}?n={on.ids['n']}",
    must_have_seen=True,
    under="/program",
)
