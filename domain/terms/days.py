"""What an agreement's dates allow: new assignments and sharing, as long as it is in force. A draft gates nothing.

An organization whose agreement was in force and no longer is has let it lapse: it gets no new case and no new role,
and what is for partners alone. What is under way goes on. One that never had an agreement in force is under none yet,
as in the first implementation, which was informal; nothing is refused to it (see docs/adr/0015).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Date, bindparam, func, type_coerce
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import Select as Picked
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import (
    MATTER,
    SHAPE,
    Question,
    Refusal,
    also,
    ask_ahead,
    built,
    col,
    every,
    first,
    in_program,
    inside,
    joins,
    last_day_of_matter,
    lasts,
    of,
    run,
    same,
    scalars,
    select,
    value_of,
)
from domain.terms.agreed_roles import BEGUN
from locales import N_
from models.agreement import Agreement, AgreementVersion, Sharing
from models.program import Organization
from models.stored import stored_as

#: Those who sign an agreement anew, who keep it, and who keep the installation and its people's information: these
#: roles are given also where it has lapsed, or no one could bring it back.
ALWAYS_GIVEN: Final = frozenset({"director", "coordinator", "administrator", "privacy_officer"})


def lapsed_on(session: Session, organization_id: UUID, day: date) -> date | None:
    """The last day on which an agreement of the organization was in force, where none is on the local `day`.

    None where one is, or where none ever was before.
    """
    row = first(
        session,
        of(_Latest)
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .where(
            Agreement.organization_id == organization_id,
            col(AgreementVersion.state).in_(BEGUN),
            col(AgreementVersion.starts_on) <= day,
        )
        .order_by(col(AgreementVersion.starts_on).desc())
        .limit(1),
    )
    if row is None or row.lasts_until is None or row.lasts_until >= day:
        return None
    return row.lasts_until


def last_day() -> ColumnElement[date | None]:
    """The last day of a version, or an earlier one that it was given before a restore lost that, until it is decided.

    An organization that had left the program shares nothing, nor is given anything, either.
    """
    about = or_(
        col(MATTER.subject_id) == col(AgreementVersion.id),
        and_(MATTER.verb == "organization.ended", col(MATTER.subject_id) == col(Agreement.organization_id)),
    )
    since = select(value_of(func.min(last_day_of_matter()))).where(
        in_program(MATTER), MATTER.kind == "agreement", col(MATTER.decided_at).is_(None), about
    )
    found: ColumnElement[date | None] = func.least(col(AgreementVersion.ends_on), since.scalar_subquery(), type_=Date())
    return found


class _Latest(AgreementVersion):
    """A version, with the last day that it has."""

    model_config = SHAPE
    lasts_until: date | None = also(value_of(last_day()))


def refuse_if_lapsed(session: Session, organization_id: UUID, day: date) -> None:
    """Refuse a new assignment at an organization whose agreement has lapsed by the local `day`. Raises Refusal."""
    last = lapsed_on(session, organization_id, day)
    if last is not None:
        raise Refusal(
            "agreement.lapsed",
            N_(
                "The agreement of this organization was in force until %(last)s, and none is on "
                "%(day)s. Nothing new begins there until another version is in force; what is "
                "under way continues."
            ),
            last=last.isoformat(),
            day=day.isoformat(),
        )


@dataclass(frozen=True)
class Shared:
    """Something that circulates among partners, by the keys of the terms: what, for which purpose, in which committee.

    "" where that plays no part.
    """

    information: str = ""
    purpose: str = ""
    body: str = ""


CLINICAL: Final = "clinical"
#: What the Clinical Committee learns of a candidate, a participant, and their identity, each where it asks to know.
CANDIDATE: Final = Shared("admission", "admission", CLINICAL)
PARTICIPANT: Final = Shared("follow-up", "follow-up", CLINICAL)
#: The participants in its agendas and decisions.
BY_NUMBER: Final = Shared("number", body=CLINICAL)
#: What a worker is given with a participant to accompany, and with one that another organization hands over.
TO_ACCOMPANY: Final = Shared("contact", "follow-up")
TO_TAKE_OVER: Final = Shared("contact", "handover")


def other_than(shared: Shared, information: str) -> Shared:
    """Other information, for the same purpose in the same committee."""
    return replace(shared, information=information)


class Latest(NamedTuple):
    """What an organization's version says of sharing, and the version's last day."""

    ends_on: date | None
    sharing: Sharing | None


@dataclass(frozen=True)
class DayTerms:
    """The terms of sharing of every organization on a local day: of its version in force, else of its last one."""

    day: date
    outside: frozenset[UUID]
    latest: Mapping[UUID, Latest]

    def give(self, organization_id: UUID, shared: Shared) -> bool:
        """Whether they give this to an organization.

        Not to those outside the program, nor those whose agreement has lapsed, nor those whose agreement in force has
        no terms for sharing information (AG-IS), or terms that do not name this. To one that never had an agreement in
        force, yes.
        """
        if organization_id in self.outside:
            return False
        version = self.latest.get(organization_id)
        return version is None or _may_share(version, self.day, shared)

    def closed_to(self, shared: Shared) -> frozenset[UUID]:
        """The organizations to which they do not give this."""
        return self.outside | {place for place in self.latest if not self.give(place, shared)}


def not_sharing(session: Session, day: date, shared: Shared = Shared()) -> frozenset[UUID]:
    """The organizations that are not to get, on a local `day`, what circulates among partners, or this part of it.

    For one participant, `domain.terms.sharing` asks their consent too.
    """
    return terms_on(session, day).closed_to(shared)


def terms_on(session: Session, day: date) -> DayTerms:
    """What the agreements say of sharing on a local day."""
    ask_ahead(session, *asked_of_terms(day))
    said, outside = asked_of_terms(day)
    latest = {place: Latest(ends_on, sharing) for place, ends_on, sharing in run(session, *said)}
    return DayTerms(day, frozenset(scalars(session, *outside)), latest)


def asked_of_terms(
    day: date,
) -> tuple[Question[Picked[UUID, date | None, Sharing | None]], Question[SelectOfScalar[UUID]]]:
    """What `terms_on` asks."""
    return Question(_TERMS, {"day": day}), Question(_OUTSIDE)


#: What each organization's text says, the newest last.
_TERMS: Final = built(
    select(
        Agreement.organization_id,
        value_of(last_day()),
        value_of(type_coerce(inside(AgreementVersion.terms)["information_sharing"], stored_as(Sharing))),
    )
    .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
    .where(
        in_program(AgreementVersion),
        col(AgreementVersion.state).in_(BEGUN),
        col(AgreementVersion.starts_on) <= bindparam("day", type_=Date()),
    )
    .order_by(col(AgreementVersion.starts_on))
)
_OUTSIDE: Final = built(select(Organization.id).where(and_(in_program(Organization), Organization.kind == "outside")))


def _may_share(version: Latest, day: date, shared: Shared) -> bool:
    terms = version.sharing
    if terms is None or (version.ends_on is not None and version.ends_on < day) or not terms.holds_on(day):
        return False
    # A text that was signed before committees were named in it names none, and shared in those that there were.
    asked = ((shared.information, terms.information), (shared.purpose, terms.purposes), (shared.body, terms.bodies))
    return all(not key or named is None or any(one.key == key for one in named) for key, named in asked)


class PartnerVersion(AgreementVersion):
    """A version with its agreement's organization."""

    model_config = SHAPE
    organization_id: UUID = also(Agreement.organization_id)


_first = aliased(AgreementVersion, name="first")
_since = (
    select(value_of(func.min(col(_first.starts_on))))
    .where(
        same(_first, AgreementVersion),
        _first.agreement_id == AgreementVersion.agreement_id,
        col(_first.state).in_(BEGUN),
    )
    .scalar_subquery()
)


class GoingOn(PartnerVersion):
    """A version with its partner's name, and the first day of the agreement through all its versions."""

    model_config = SHAPE
    short_name: str = also(Organization.short_name)
    since: date = also(value_of(_since))


def going_on(session: Session, day: date) -> list[GoingOn]:
    """Each version in force on a local `day`, with a last day or without one, by the partner's name."""
    return every(
        session,
        of(GoingOn)
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .join(Organization, joins(Agreement.organization_id, Organization))
        .where(
            col(AgreementVersion.state).in_(BEGUN), col(AgreementVersion.starts_on) <= day, lasts(AgreementVersion, day)
        )
        .order_by(col(Organization.short_name)),
    )


def without_successor(session: Session, day: date) -> list[PartnerVersion]:
    """Each version with a last day after which no other is set to begin: one that is merely signed still has to be.

    Of those in force on the local `day` or before it, in the order of their last days.
    """
    later = aliased(AgreementVersion, name="later")
    follows = (
        select(later.id)
        .where(
            same(later, AgreementVersion),
            later.agreement_id == AgreementVersion.agreement_id,
            later.id != AgreementVersion.id,
            col(later.state).in_(BEGUN),
            col(later.starts_on) > col(AgreementVersion.ends_on),
        )
        .exists()
    )
    return every(
        session,
        of(PartnerVersion)
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .where(
            col(AgreementVersion.state).in_(BEGUN),
            col(AgreementVersion.starts_on) <= day,
            col(AgreementVersion.ends_on).is_not(None),
            ~follows,
        )
        .order_by(col(AgreementVersion.ends_on), col(AgreementVersion.id)),
    )
