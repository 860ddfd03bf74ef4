"""Rewriting a draft of an agreement on a page of its own: the whole text as a form, in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Final, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access.agreements import find_agreement, find_version
from api.access.permissions import Action, asks, require
from api.access.session import InContext, RequestContext
from api.pages.agreement import RESOURCES
from api.pages.frame import framed_pages, page, see_other
from api.web.readers import day_or_none
from domain.agreements import Content, RoleText, content_of_version, rewriting
from domain.kernel import Refusal
from locales import N_, gettext, pick
from models.agreement import AgreementVersion, Sharing

router = framed_pages()


class RoleTyped(NamedTuple):
    """A role as it was typed: how many people, and each one's hours."""

    role: str
    people: str = ""
    hours: str = ""


class OwedTyped(NamedTuple):
    """The words of an obligation."""

    owed: str
    owed_fr: str
    owed_en: str


class ClauseTyped(NamedTuple):
    """A clause; the last one of the form is for another."""

    clause: str = ""
    clause_title_fr: str = ""
    clause_title_en: str = ""
    clause_fr: str = ""
    clause_en: str = ""


class ResourceTyped(NamedTuple):
    """What the organization brings; the last one of the form is for another."""

    resource: str = ""
    resource_fr: str = ""
    resource_en: str = ""


T = TypeVar("T", RoleTyped, OwedTyped, ClauseTyped, ResourceTyped)

Fields = dict[str, list[str]]


_ROWS: Final = (RoleTyped, OwedTyped, ClauseTyped, ResourceTyped)
_NAMES: Final = (
    "notice",
    "keeps",
    "shares",
    *rewriting.CHOSEN,
    "first",
    "last",
    *(n for row in _ROWS for n in row._fields),
)


async def fields_of(request: Request) -> Fields:
    """The form as it was typed: each name with its values."""
    form = await request.form()
    return {name: [str(value) for value in form.getlist(name)] for name in _NAMES}


Typed = Annotated[Fields, Depends(fields_of)]


@router.get("/program/agreements/{agreement_id}/versions/{n}/text", name="agreement_text")
@asks(Action.KEEP_AGREEMENTS)
def show_text(context: InContext, request: Request, agreement_id: UUID, n: int) -> Response:
    """A draft as a form; what is no draft any more is read on the agreement's page."""
    version, given = find_version(context, agreement_id, n)
    require(Action.KEEP_AGREEMENTS, given)
    if version.state != "draft":
        return see_other(f"/program/agreements/{agreement_id}?n={n}")
    return _form(context, request, version, _as_fields(content_of_version(context.session, version.id)))


@router.post("/program/agreements/{agreement_id}/versions/{n}/text")
@asks(Action.KEEP_AGREEMENTS)
def rewrite(
    context: InContext, request: Request, agreement_id: UUID, n: int, typed: Typed, seen: Annotated[int, Form()]
) -> Response:
    """The draft says this from here on."""
    version, given = find_version(context, agreement_id, n)
    by = require(Action.KEEP_AGREEMENTS, given)
    refusal = context.attempt(
        lambda: rewriting.rewrite(context.session, version.id, text=_text_of(typed), by=by, at=context.at, seen=seen)
    )
    if refusal is not None:
        return _form(context, request, version, typed, refusal, seen=seen)
    return see_other(f"/program/agreements/{agreement_id}?n={n}")


def _form(
    context: RequestContext,
    request: Request,
    version: AgreementVersion,
    fields: Fields,
    refusal: Refusal | None = None,
    *,
    seen: int | None = None,
) -> HTMLResponse:
    agreement, _ = find_agreement(context, version.agreement_id)
    may = rewriting.offered(context.session, version.id)
    return page(
        context,
        request,
        "agreement_text.html",
        refused=refusal,
        agreement=agreement,
        n=version.n,
        seen=version.version if seen is None else seen,
        notice=_first(fields, "notice"),
        roles=_roles(may, fields),
        titles={key: role.title_fr if context.language == "fr" else role.title_en for key, role in may.roles.items()},
        owed=_owed(may, fields),
        keeps=fields["keeps"],
        clauses=[*_written(ClauseTyped, fields), ClauseTyped()],
        resources=[*_written(ResourceTyped, fields), ResourceTyped()],
        kinds_in_words=[(kind, gettext(words)) for kind, words in RESOURCES.items()],
        shares=_first(fields, "shares") == "yes",
        parts=[
            (part, [(one.key, pick(context.language, one), one.key in fields[part]) for one in may.parts[part]])
            for part in rewriting.CHOSEN
        ],
        first=_first(fields, "first"),
        last=_first(fields, "last"),
    )


def _roles(may: rewriting.DraftChoices, fields: Fields) -> list[RoleTyped]:
    """Every role of the program, those that the draft creates first."""
    typed = {row.role: row for row in _rows(RoleTyped, fields)}
    return [typed.get(key, RoleTyped(key)) for key in sorted(may.roles, key=lambda one: (one not in typed, one))]


def _owed(may: rewriting.DraftChoices, fields: Fields) -> list[OwedTyped]:
    """Every obligation that may stand in the draft."""
    typed = {row.owed: row for row in _rows(OwedTyped, fields)}
    return [typed.get(key, OwedTyped(key, one.text_fr, one.text_en)) for key, one in may.obligations.items()]


def _as_fields(content: Content) -> Fields:
    """A draft as the form would have sent it."""
    terms = content.terms
    roles, owed = content.roles.values(), content.obligations.values()
    return {
        "notice": [str(content.notice_days)],
        **_columns(
            RoleTyped, (RoleTyped(one.role, str(one.headcount), _hours_typed(one.hours_a_week)) for one in roles)
        ),
        **_columns(OwedTyped, (OwedTyped(one.key, one.text_fr, one.text_en) for one in owed)),
        "keeps": list(content.obligations),
        **_columns(
            ClauseTyped,
            (ClauseTyped(one.key, one.title.fr, one.title.en, one.text.fr, one.text.en) for one in terms.clauses),
        ),
        **_columns(ResourceTyped, (ResourceTyped(one.kind, one.text.fr, one.text.en) for one in terms.resources)),
        **_sharing_typed(terms.information_sharing),
    }


def _sharing_typed(sharing: Sharing | None) -> Fields:
    """The terms of sharing as the form would have sent them; none where nothing is shared."""
    return {
        "shares": ["yes" if sharing else ""],
        **{part: [one.key for one in getattr(sharing, part, None) or ()] for part in rewriting.CHOSEN},
        "first": [(sharing and sharing.starts_on) or ""],
        "last": [(sharing and sharing.ends_on) or ""],
    }


def _columns(shape: type[T], rows: Iterable[T]) -> Fields:
    """Rows as fields that stand beside each other."""
    typed = list(rows)
    return {name: [row[place] for row in typed] for place, name in enumerate(shape._fields)}


def _hours_typed(hours: float | None) -> str:
    return f"{hours:g}" if hours else ""


def _text_of(fields: Fields) -> rewriting.Text:
    """The form as a text. Raises Refusal where a number or a day is none."""
    sharing = _sharing_of(fields)
    return rewriting.Text(
        notice_days=_number(_first(fields, "notice") or "0"),
        roles=[
            RoleText(row.role, people, _hours(row.hours))
            for row in _rows(RoleTyped, fields)
            if (people := _number(row.people or "0"))
        ],
        obligations={
            row.owed: rewriting.BilingualWords(row.owed_fr, row.owed_en)
            for row in _rows(OwedTyped, fields)
            if row.owed in fields["keeps"]
        },
        clauses=[
            rewriting.ClauseText(
                row.clause,
                rewriting.BilingualWords(row.clause_title_fr, row.clause_title_en),
                rewriting.BilingualWords(row.clause_fr, row.clause_en),
            )
            for row in _written(ClauseTyped, fields)
        ],
        resources=[
            rewriting.ResourceText(row.resource, rewriting.BilingualWords(row.resource_fr, row.resource_en))
            for row in _written(ResourceTyped, fields)
        ],
        sharing=sharing,
    )


def _sharing_of(fields: Fields) -> rewriting.SharingText | None:
    if _first(fields, "shares") != "yes":
        return None
    first, last = (day_or_none(_first(fields, name)) for name in ("first", "last"))
    return rewriting.SharingText(fields["purposes"], fields["information"], fields["bodies"], first, last)


def _rows(shape: type[T], fields: Fields) -> Iterator[T]:
    """The rows of fields that stand beside each other. Raises Refusal where one was sent more often than another."""
    typed = [fields[name] for name in shape._fields]
    if len({len(values) for values in typed}) != 1:
        raise Refusal("form.malformed", N_("Part of what was sent is missing. Check the page again."))
    yield from (shape(*values) for values in zip(*typed, strict=True))


def _written(shape: type[T], fields: Fields) -> list[T]:
    """The rows in which something is written beside what they are: one that was emptied is left out."""
    return [row for row in _rows(shape, fields) if any(text.strip() for text in row[1:])]


def _number(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):  # noqa: PLR2004 - days of ten years have four
        raise Refusal("number.malformed", N_("Write a whole number."))
    return int(text)


def _hours(text: str) -> float | None:
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 60:  # noqa: PLR2004 - as an agreement's file has it
        raise Refusal("hours.malformed", N_("Hours a week must be more than 0 and at most 60."))
    return hours


def _first(fields: Fields, name: str) -> str:
    return fields[name][0] if fields[name] else ""
