"""Rewriting a draft of an agreement on a page of its own: the whole text as a form, in both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from domain.agreements.version_text import Content, content_of_version
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
    people = {row["role"]: row for row in _rows(fields, _ROLE)}
    owed = {row["owed"]: row for row in _rows(fields, _OWED)}
    titles = {key: role.title_fr if desk.language == "fr" else role.title_en for key, role in may.roles.items()}
    blank = {"role": "", "people": "", "hours": ""}
    return page(
        desk,
        request,
        "agreement_text.html",
        refused=refusal,
        agreement=agreement,
        n=version.n,
        seen=version.version if seen is None else seen,
        notice=_first(fields, "notice"),
        roles=[
            {
                **blank,
                **people.get(key, {}),
                "role": key,
                "title": titles[key],
            }
            for key in sorted(may.roles, key=lambda one: (one not in people, one))
        ],
        owed=[
            {
                "key": key,
                "fr": owed.get(key, {}).get("owed_fr", columns["text_fr"]),
                "en": owed.get(key, {}).get("owed_en", columns["text_en"]),
                "kept": key in fields["keeps"],
            }
            for key, columns in may.obligations.items()
        ],
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


def _as_fields(content: Content) -> Fields:
    """A draft as the form would have sent it."""
    terms = content.terms
    sharing = terms.get("information_sharing") or {}
    clauses, resources = terms.get("clauses") or (), terms.get("resources") or ()
    roles, owed = content.roles.values(), content.obligations.values()
    return {
        "notice": [str(content.notice_days)],
        "role": [one["role"] for one in roles],
        "people": [str(one["headcount"]) for one in roles],
        "hours": [f"{one['hours_a_week']:g}" if one["hours_a_week"] else "" for one in roles],
        "owed": [one["key"] for one in owed],
        "owed_fr": [one["text_fr"] for one in owed],
        "owed_en": [one["text_en"] for one in owed],
        "keeps": [one["key"] for one in owed],
        "clause": [one["key"] for one in clauses],
        "clause_title_fr": [one["title"]["fr"] for one in clauses],
        "clause_title_en": [one["title"]["en"] for one in clauses],
        "clause_fr": [one["text"]["fr"] for one in clauses],
        "clause_en": [one["text"]["en"] for one in clauses],
        "resource": [one["kind"] for one in resources],
        "resource_fr": [one["text"]["fr"] for one in resources],
        "resource_en": [one["text"]["en"] for one in resources],
        "shares": ["yes" if sharing else ""],
        **{part: [one["key"] for one in sharing.get(part, ())] for part in rewriting.CHOSEN},
        "first": [sharing.get("starts_on") or ""],
        "last": [sharing.get("ends_on") or ""],
    }


def _text_of(fields: Fields) -> rewriting.Text:
    """The form as a text. Raises Refusal where a number or a day is none."""
    sharing = None
    if _first(fields, "shares") == "yes":
        days = {"starts_on": day_or_none(_first(fields, "first")), "ends_on": day_or_none(_first(fields, "last"))}
        sharing = {**{part: fields[part] for part in rewriting.CHOSEN}, **days}
    return rewriting.Text(
        notice_days=_number(_first(fields, "notice") or "0"),
        roles=[
            {"role": row["role"], "headcount": people, "hours_a_week": _hours(row["hours"])}
            for row in _rows(fields, _ROLE)
            if (people := _number(row["people"] or "0"))
        ],
        obligations={
            row["owed"]: {"fr": row["owed_fr"], "en": row["owed_en"]}
            for row in _rows(fields, _OWED)
            if row["owed"] in fields["keeps"]
        },
        clauses=[
            {
                "key": row["clause"],
                "title": {"fr": row["clause_title_fr"], "en": row["clause_title_en"]},
                "text": {"fr": row["clause_fr"], "en": row["clause_en"]},
            }
            for row in _filled(fields, _CLAUSE)
        ],
        resources=[
            {"kind": row["resource"], "text": {"fr": row["resource_fr"], "en": row["resource_en"]}}
            for row in _filled(fields, _RESOURCE, kind="resource")
        ],
        sharing=sharing,
    )


def _rows(fields: Fields, names: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of fields that stand beside each other. Raises Refusal where one was sent more often than another."""
    lengths = {len(fields[name]) for name in names}
    if len(lengths) != 1:
        raise Refusal("form.malformed", N_("Part of what was sent is missing. Check the page again."))
    for values in zip(*(fields[name] for name in names), strict=True):
        yield dict(zip(names, values, strict=True))


def _filled(fields: Fields, names: Sequence[str], kind: str = "") -> list[dict[str, str]]:
    """The rows in which something is written: one that was emptied is left out."""
    own = [name for name in names[1:] if name != kind]
    return [row for row in _rows(fields, names) if any(row[name].strip() for name in own)]


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
