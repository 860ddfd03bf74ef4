"""A partner's year, from the records: its agreement, seats, roles, obligations, resources and decisions. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session

from domain.endorsement import OWES_AGAIN
from domain.kernel import Refusal, col, every, first, local_day, of, program
from locales import N_
from meetings.decision_words import said_as, shown_state
from meetings.decisions import owed_by, owner_of, to_endorse
from meetings.documents.content import Both
from meetings.documents.statement import (
    Days,
    DecisionAsked,
    DecisionOwed,
    PartnerStatement,
    ResourceLine,
    SignedVersion,
)
from meetings.endorsements import endorsements
from meetings.statements.clauses import clauses_of
from meetings.statements.clinical import clinical_decisions
from meetings.statements.naming import days_of, people_of, titles
from meetings.statements.posts import director_on, posts_of
from meetings.statements.seats import seats_of
from meetings.statements.year import CoveredYear, versions_of
from models.agreement import Signature
from models.minutes import Decision
from models.program import Organization


def years(session: Session, organization_id: UUID, on: date) -> list[int]:
    """The years of which a partner has a statement by the local day `on`, the newest first."""
    found: set[int] = set()
    for version in versions_of(session, organization_id):
        last = min(version.ends_on or on, on)
        found.update(range(version.begins_on.year, last.year + 1))
    return sorted(found, reverse=True)


def partner_statement(session: Session, organization_id: UUID, year: int, *, at: datetime) -> PartnerStatement:
    """A partner's statement of a calendar year as it stands at the moment `at`.

    Only days on which its agreement was in force count: signed in July, January to June are in no figure; and none
    after it left. Raises Refusal: no such organization, a year to come, or one without an agreement.
    """
    on = local_day(session, at)
    place = first(session, of(Organization).where(Organization.id == organization_id))
    if place is None:
        raise Refusal("organization.unknown", N_("The program has no such organization."))
    reckoned = CoveredYear.of(session, place, year, on)
    here, people, names = program(session), people_of(session), titles(session)
    return PartnerStatement(
        program=Both(fr=here.title_fr, en=here.title_en),
        organization=Both(fr=place.name_fr, en=place.name_en),
        short_name=place.short_name,
        year=year,
        on=on,
        is_final=reckoned.is_final,
        covered=tuple(days_of(span) for span in reckoned.covered),
        versions=tuple(_signed(session, reckoned, people)),
        seats=tuple(seats_of(session, reckoned, people)),
        posts=tuple(posts_of(session, reckoned, people, names)),
        clauses=tuple(clauses_of(session, reckoned, place, names)),
        resources=_resources(reckoned),
        owed=tuple(_owed(session, reckoned)),
        asked=tuple(_asked(session, reckoned)),
        director=director_on(session, organization_id, min(on, reckoned.last), people),
    )


def _signed(session: Session, year: CoveredYear, people: Mapping[UUID, str]) -> Iterable[SignedVersion]:
    theirs = of(Signature).where(
        col(Signature.agreement_version_id).in_([row.id for row in year.versions]),
        Signature.organization_id == year.organization_id,
        col(Signature.taken_back_at).is_(None),
    )
    signatures = every(session, theirs.order_by(col(Signature.signed_on)))
    for row in year.versions:
        mine = [one for one in signatures if one.agreement_version_id == row.id]
        yield SignedVersion(
            n=row.n,
            days=Days(starts_on=row.begins_on, ends_on=row.ends_on),
            signed_by=tuple(people[one.person_id] for one in mine),
            signed_on=mine[-1].signed_on if mine else None,
        )


def _resources(year: CoveredYear) -> tuple[ResourceLine, ...]:
    """What the last version in force names."""
    return tuple(
        ResourceLine(kind=one.kind, brings=Both(fr=one.text.fr, en=one.text.en))
        for one in year.versions[-1].terms.resources
    )


def _owed(session: Session, year: CoveredYear) -> Iterable[DecisionOwed]:
    """What the organization carries out: decided by the last covered day, and not closed before the first.

    Of what is about a participant, without its words.
    """
    clinical = clinical_decisions(session)
    for row in owed_by(session, year.organization_id):
        decided = local_day(session, row.decided_at)
        closed = local_day(session, row.closed_at) if row.closed_at else None
        if decided > year.last or (closed is not None and closed < year.first):
            continue
        still_open = closed is not None and closed > year.last
        yield DecisionOwed(
            number=row.number,
            decided_on=decided,
            text=Both() if row.id in clinical else _said(row),
            owner=owner_of(row),
            due_on=row.due_on,
            state="open" if still_open else shown_state(row),  # type: ignore[arg-type]  # one of the words of both
            closed_on=None if still_open else closed,
        )


def _asked(session: Session, year: CoveredYear) -> Iterable[DecisionAsked]:
    """What the organization was asked to endorse in the year; of what is about a participant, without its words."""
    asked = to_endorse(session, [year.organization_id], year.last.year)
    rows = [row for row in asked if year.holds(local_day(session, row.decided_at))]
    said, clinical = endorsements(session, [row.id for row in rows]), clinical_decisions(session)
    for row in rows:
        for mine in said[row.id]:
            if mine.organization_id == year.organization_id and (mine.said or mine.stake != OWES_AGAIN):
                yield DecisionAsked(
                    number=row.number,
                    decided_on=local_day(session, row.decided_at),
                    text=Both() if row.id in clinical else _said(row),
                    said=said_as(mine),  # type: ignore[arg-type]  # one of the words that the table allows
                    state=row.endorsement,  # type: ignore[arg-type]
                )


def _said(row: Decision) -> Both:
    """A decision's text; in the one language that it has where it was written in one alone."""
    return Both(fr=row.text_fr or row.text_en, en=row.text_en or row.text_fr)
