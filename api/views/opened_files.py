"""What was opened of a file with one request, in words: shown once, and kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from api.access.participants import Facts, OpenedFile
from api.views.criteria import ASKED
from api.views.participant_words import DECIDED, WRITTEN
from api.views.rights_words import CONTESTED
from domain.admissions import Duplicate
from domain.participants import (
    Age,
    CriterionFound,
    DecisionReason,
    Kind,
    ParticipantIdentity,
    ReadReferral,
    Referrer,
    ToldField,
    Who,
    fields_of,
)
from domain.rights import Statement
from locales import N_, current_language, gettext, show_day

Lines = list[tuple[str, str]]


@dataclass(frozen=True)
class ShownReferral:
    """What a referral says, each answer with what was asked; what every referral has to say stands first."""

    received_at: datetime
    lines: Lines


@dataclass(frozen=True)
class ShownReason:
    """What was decided, when, and each thing that was written with it."""

    decided: str
    at: datetime
    lines: Lines


@dataclass(frozen=True)
class ShownStatement:
    """What the person says of a part of their file that was not corrected, and since when it stands there."""

    part: str
    on: date
    words: str


@dataclass(frozen=True)
class ShownDisclosure:
    """To whom something was said without consent, and what."""

    id: UUID
    to_whom: str
    what: str


@dataclass(frozen=True)
class OpenedNow:
    """What was opened: `who` as each file says it, or without the name the age and the ways to reach the person.

    `duplicates` is None where nobody looked for them.
    """

    who: list[Lines] = field(default_factory=list)
    without_the_name: bool = False
    age: str = ""
    reached_by: list[str] = field(default_factory=list)
    referrals: list[ShownReferral] = field(default_factory=list)
    facts: Mapping[str, CriterionFound] = field(default_factory=dict)
    reasons: list[ShownReason] = field(default_factory=list)
    beside: list[ShownStatement] = field(default_factory=list)
    duplicates: list[Duplicate] | None = None
    disclosure: ShownDisclosure | None = None


def opened_now(opened: OpenedFile, *, duplicates: list[Duplicate] | None) -> OpenedNow:
    """Who a person is and what was referred."""
    return OpenedNow(
        who=opened_who(opened.who),
        referrals=[_referral(one) for one in opened.referrals],
        facts=opened.found,
        reasons=[_reason(one) for one in opened.reasons],
        beside=said_beside(opened.beside),
        duplicates=duplicates,
    )


def opened_who(who: ParticipantIdentity) -> list[Lines]:
    """Who somebody is, as each file says it."""
    return [_who(one) for one in (who, *who.also)]


def opened_without_the_name(read: Facts, *, only: list[ReadReferral] | None = None) -> OpenedNow:
    """What was referred and found, without who they are: of each referral, or of some `only`."""
    return OpenedNow(
        without_the_name=True,
        age=age_in_words(read.age),
        reached_by=[gettext(one.label) for one in fields_of(Who) if one.name in read.reached_by],
        referrals=[_referral(one) for one in (read.referrals if only is None else only)],
        facts=read.found,
        reasons=[_reason(one) for one in read.reasons],
        beside=said_beside(read.beside),
    )


def said_beside(read: Iterable[Statement]) -> list[ShownStatement]:
    """What the person says of these parts, each called by its name."""
    return [ShownStatement(gettext(CONTESTED[one.part]), one.on, one.words) for one in read]


def _who(who: ParticipantIdentity) -> Lines:
    """Who somebody is, as one file says it."""
    unknown = gettext(N_("Not known"))
    said = f"{who.age} ({_day(who.age_on)})" if who.age is not None and who.age_on is not None else "–"
    return [
        (gettext(N_("Name")), who.name),
        (gettext(N_("Birth date")), _day(who.birth_date) if who.birth_date else unknown),
        (gettext(N_("Age as it was said")), said),
        *(
            (gettext(one.label), gettext(one.choices[code]) if (code := getattr(who, one.name)) else unknown)
            for one in fields_of(Who)
            if one.kind == "choice"
        ),
        *((gettext(one.label), _answer(one.kind, getattr(who, one.name))) for one in fields_of(Who) if one.reaches),
    ]


def _referral(referral: ReadReferral) -> ShownReferral:
    told = sorted((one for one in fields_of(ToldField) if one.kind != "facts"), key=lambda one: not one.needed)
    lines = [(gettext(one.label), _answer(one.kind, getattr(referral, one.name))) for one in told]
    lines += [(gettext(ASKED[criterion]), text) for criterion, text in referral.facts.items()]
    if referral.referrer_name:
        who = ", ".join(getattr(referral, one.name) for one in fields_of(Referrer))
        lines.append((gettext(N_("Referred by")), who))
    return ShownReferral(referral.received_at, lines)


def _reason(reason: DecisionReason) -> ShownReason:
    kind, results = DECIDED[reason.of]
    lines = [(gettext(WRITTEN[name]), text) for name, text in reason.fields.items()]
    if reason.result in results:
        became = gettext(results[reason.result])
        title = became if reason.of == "kept_until" else f"{gettext(kind)} – {became}"
    else:
        title = f"{gettext(kind)} – {_day(date.fromisoformat(reason.result))}"
    return ShownReason(title, reason.at, lines)


def _answer(kind: Kind, answer: Any) -> str:
    if kind == "yes":
        return gettext(N_("Yes")) if answer else gettext(N_("No"))
    return answer or "–"


def age_in_words(age: Age | None) -> str:
    """An age as it is known."""
    if age is None:
        return gettext(N_("Not known"))
    if age.exact is not None:
        return str(age.exact)
    return gettext(N_("%(least)s or %(most)s")) % {"least": age.least, "most": age.most}


def _day(day: date) -> str:
    return show_day(current_language(), day)
