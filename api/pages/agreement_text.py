"""Rewriting a draft of an agreement on a page of its own: the whole text as a form, in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access.agreements import find_agreement, find_version
from api.access.permissions import Action, asks, require
from api.access.session import AtDesk, Desk
from api.pages.agreement import RESOURCES
from api.pages.forms import Text
from api.pages.frame import framed_pages, page, see_other
from api.web.readers import day_or_none
from domain.agreements import rewriting
from domain.agreements.version_text import Columns, Content, content_of_version
from domain.kernel.refusals import Refusal
from locales import N_, gettext
from models.agreement import AgreementVersion

router = framed_pages()

Listed = Annotated[Sequence[str], Form()]
"""Fields of one name, in the order of the form."""

#: The rows of the form for each clause and each thing that the organization brings; one more is for another.
_CLAUSE: Final = ("clause", "clause_title_fr", "clause_title_en", "clause_fr", "clause_en")
_RESOURCE: Final = ("resource", "resource_fr", "resource_en")
_OWED: Final = ("owed", "owed_fr", "owed_en")
_ROLE: Final = ("role", "people", "hours")

Fields = dict[str, list[str]]


def fields_of(
    notice: Text = "",
    role: Listed = (),
    people: Listed = (),
    hours: Listed = (),
    owed: Listed = (),
    owed_fr: Listed = (),
    owed_en: Listed = (),
    keeps: Listed = (),
    clause: Listed = (),
    clause_title_fr: Listed = (),
    clause_title_en: Listed = (),
    clause_fr: Listed = (),
    clause_en: Listed = (),
    resource: Listed = (),
    resource_fr: Listed = (),
    resource_en: Listed = (),
    shares: Text = "",
    purposes: Listed = (),
    information: Listed = (),
    bodies: Listed = (),
    first: Text = "",
    last: Text = "",
) -> Fields:
    """The form as it was typed: each name with its values."""
    given: Mapping[str, str | Sequence[str]] = dict(locals())
    return {name: [value] if isinstance(value, str) else list(value) for name, value in given.items()}


Typed = Annotated[Fields, Depends(fields_of)]


@router.get("/program/agreements/{agreement_id}/versions/{n}/text", name="agreement_text")
@asks(Action.KEEP_AGREEMENTS)
def show_text(desk: AtDesk, request: Request, agreement_id: UUID, n: int) -> Response:
    """A draft as a form; what is no draft any more is read on the agreement's page."""
    version, given = find_version(desk, agreement_id, n)
    require(Action.KEEP_AGREEMENTS, given)
    if version.state != "draft":
        return see_other(f"/program/agreements/{agreement_id}?n={n}")
    return _form(desk, request, version, _as_fields(content_of_version(desk.session, version.id)))


@router.post("/program/agreements/{agreement_id}/versions/{n}/text")
@asks(Action.KEEP_AGREEMENTS)
def rewrite(
    desk: AtDesk, request: Request, agreement_id: UUID, n: int, typed: Typed, seen: Annotated[int, Form()]
) -> Response:
    """The draft says this from here on."""
    version, given = find_version(desk, agreement_id, n)
    by = require(Action.KEEP_AGREEMENTS, given)
    refusal = desk.attempt(
        lambda: rewriting.rewrite(desk.session, version.id, text=_text_of(typed), by=by, at=desk.at, seen=seen)
    )
    if refusal is not None:
        return _form(desk, request, version, typed, refusal, seen=seen)
    return see_other(f"/program/agreements/{agreement_id}?n={n}")


def _form(
    desk: Desk,
    request: Request,
    version: AgreementVersion,
    fields: Fields,
    refusal: Refusal | None = None,
    *,
    seen: int | None = None,
) -> HTMLResponse:
    agreement, _ = find_agreement(desk, version.agreement_id)
    may = rewriting.offered(desk.session, version.id)
    return page(
        desk,
        request,
        "agreement_text.html",
        refused=refusal,
        agreement=agreement,
        n=version.n,
        seen=version.version if seen is None else seen,
        notice=_first(fields, "notice"),
        roles=_role_lines(desk, may, fields),
        owed=_owed_lines(may, fields),
        clauses=[*_filled(fields, _CLAUSE), dict.fromkeys(_CLAUSE, "")],
        resources=[*_filled(fields, _RESOURCE, kind="resource"), dict.fromkeys(_RESOURCE, "")],
        kinds_in_words=[(kind, gettext(words)) for kind, words in RESOURCES.items()],
        shares=_first(fields, "shares") == "yes",
        parts=[
            (part, [(one["key"], one[desk.language], one["key"] in fields[part]) for one in may.sharing.get(part, ())])
            for part in rewriting.CHOSEN
        ],
        first=_first(fields, "first"),
        last=_first(fields, "last"),
    )


@dataclass(frozen=True)
class RoleLine:
    """A role of the program as the form has it: how many people, and each one's hours, as they were typed."""

    role: str
    title: str
    people: str
    hours: str


def _role_lines(desk: Desk, may: rewriting.Offered, fields: Fields) -> list[RoleLine]:
    """Every role of the program, those that the draft creates first."""
    typed = {role: (people, hours) for role, people, hours in _rows(fields, _ROLE)}
    return [
        RoleLine(key, role.title_fr if desk.language == "fr" else role.title_en, *typed.get(key, ("", "")))
        for key, role in sorted(may.roles.items(), key=lambda one: (one[0] not in typed, one[0]))
    ]


@dataclass(frozen=True)
class OwedLine:
    """An obligation as the form has it: its words in both languages, and whether it stays."""

    key: str
    fr: str
    en: str
    kept: bool


def _owed_lines(may: rewriting.Offered, fields: Fields) -> list[OwedLine]:
    """Every obligation that may stand in the draft."""
    typed = {key: (fr, en) for key, fr, en in _rows(fields, _OWED)}
    return [
        OwedLine(key, *typed.get(key, (columns["text_fr"], columns["text_en"])), kept=key in fields["keeps"])
        for key, columns in may.obligations.items()
    ]


def _as_fields(content: Content) -> Fields:
    """A draft as the form would have sent it."""
    terms = content.terms
    roles, owed = content.roles.values(), content.obligations.values()
    clauses, resources = terms.get("clauses") or (), terms.get("resources") or ()
    return {
        "notice": [str(content.notice_days)],
        **_columns(_ROLE, ((one["role"], str(one["headcount"]), _hours_typed(one["hours_a_week"])) for one in roles)),
        **_columns(_OWED, ((one["key"], one["text_fr"], one["text_en"]) for one in owed)),
        "keeps": list(content.obligations),
        **_columns(_CLAUSE, ((one["key"], *_in_both(one["title"]), *_in_both(one["text"])) for one in clauses)),
        **_columns(_RESOURCE, ((one["kind"], *_in_both(one["text"])) for one in resources)),
        **_sharing_typed(terms.get("information_sharing") or {}),
    }


def _sharing_typed(sharing: Columns) -> Fields:
    """The terms of sharing as the form would have sent them; none where nothing is shared."""
    return {
        "shares": ["yes" if sharing else ""],
        **{part: [one["key"] for one in sharing.get(part, ())] for part in rewriting.CHOSEN},
        "first": [sharing.get("starts_on") or ""],
        "last": [sharing.get("ends_on") or ""],
    }


def _columns(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Fields:
    """Rows as fields that stand beside each other."""
    typed = list(rows)
    return {name: [row[place] for row in typed] for place, name in enumerate(names)}


def _in_both(text: Mapping[str, str]) -> tuple[str, str]:
    return text["fr"], text["en"]


def _hours_typed(hours: float | None) -> str:
    return f"{hours:g}" if hours else ""


def _text_of(fields: Fields) -> rewriting.Text:
    """The form as a text. Raises Refusal where a number or a day is none."""
    sharing = _sharing_of(fields)
    return rewriting.Text(
        notice_days=_number(_first(fields, "notice") or "0"),
        roles=[
            rewriting.RoleText(role, people, _hours(hours))
            for role, typed, hours in _rows(fields, _ROLE)
            if (people := _number(typed or "0"))
        ],
        obligations={key: rewriting.Words(fr, en) for key, fr, en in _rows(fields, _OWED) if key in fields["keeps"]},
        clauses=[
            rewriting.ClauseText(
                row["clause"],
                rewriting.Words(row["clause_title_fr"], row["clause_title_en"]),
                rewriting.Words(row["clause_fr"], row["clause_en"]),
            )
            for row in _filled(fields, _CLAUSE)
        ],
        resources=[
            rewriting.ResourceText(row["resource"], rewriting.Words(row["resource_fr"], row["resource_en"]))
            for row in _filled(fields, _RESOURCE, kind="resource")
        ],
        sharing=sharing,
    )


def _sharing_of(fields: Fields) -> rewriting.SharingText | None:
    if _first(fields, "shares") != "yes":
        return None
    first, last = (day_or_none(_first(fields, name)) for name in ("first", "last"))
    return rewriting.SharingText(fields["purposes"], fields["information"], fields["bodies"], first, last)


def _rows(fields: Fields, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The rows of fields that stand beside each other. Raises Refusal where one was sent more often than another."""
    if len({len(fields[name]) for name in names}) != 1:
        raise Refusal("form.malformed", N_("Part of what was sent is missing. Check the page again."))
    yield from zip(*(fields[name] for name in names), strict=True)


def _filled(fields: Fields, names: Sequence[str], kind: str = "") -> list[dict[str, str]]:
    """The rows in which something is written: one that was emptied is left out."""
    own = [name for name in names[1:] if name != kind]
    rows = (dict(zip(names, row, strict=True)) for row in _rows(fields, names))
    return [row for row in rows if any(row[name].strip() for name in own)]


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
