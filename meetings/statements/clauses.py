"""A partner’s obligations in its year: each clause, its periods, how they stood, and what was counted as proof."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.declarations import (
    DOCUMENT,
    FACTS,
    GIVEN_BY_PEOPLE,
    CheckRule,
    Fact,
    clause_without_role,
    facts_of,
    rule_of,
)
from domain.kernel import Span, col, every, local_day, of
from domain.obligations import reading
from locales import N_
from meetings.documents.content import Both
from meetings.documents.statement import ClausePeriod, ClauseYear, Days, StatementEvidence
from meetings.statements.naming import title_of
from meetings.statements.tables import both
from meetings.statements.year import CoveredYear
from models.obligation import ObligationDocument
from models.program import Organization

_ORGANIZATION: Final = "organization"


def clauses_of(
    session: Session, year: CoveredYear, place: Organization, names: Mapping[str, Both]
) -> Iterable[ClauseYear]:
    """Each obligation with the periods that share a day with those covered, by owner and clause."""
    end = date(year.first.year, 12, 31)
    rows = [
        row
        for row in reading.periods(session, organization_ids=[year.organization_id], since=year.first, until=year.last)
        if year.touches(Span(row.starts_on, row.ends_on))
    ]
    standing = reading.as_of(session, rows, min(end, year.on))
    facts = _Facts.of(session, standing, names)
    by_clause: dict[str, list[reading.PeriodRead]] = defaultdict(list)
    for row in standing:
        by_clause[row.key].append(row)
    found = []
    for key, periods in by_clause.items():
        newest = periods[-1]
        owner = (
            Both(fr=place.short_name, en=place.short_name)
            if newest.owed_by == _ORGANIZATION
            else title_of(names, newest.owed_by)
        )
        clause = ClauseYear(
            clause=clause_without_role(key),
            duty=Both(fr=newest.text_fr, en=newest.text_en),
            owner=owner,
            periods=tuple(_period(row, facts) for row in periods),
        )
        found.append(((newest.owed_by != _ORGANIZATION, newest.owed_by, key), clause))
    return [clause for _, clause in sorted(found, key=lambda one: one[0])]


def _period(row: reading.PeriodRead, facts: _Facts) -> ClausePeriod:
    # Of one partner's year the number of people who were referred is mostly a small one.
    counts_people = rule_of(row.check_kind, row.rule).counts_participants
    return ClausePeriod(
        days=Days(starts_on=row.starts_on, ends_on=row.ends_on),
        state=row.state,
        found_on=row.found_on,
        due_on=row.due_on,
        numbers={} if counts_people else row.found["numbers"],
        proofs=() if counts_people else tuple(facts.proofs(row)),
        is_apart=counts_people,
    )


@dataclass(frozen=True)
class _Facts:
    """What the facts of findings are called, read at once: tasks by title, documents by the day on which they came.

    The giver of a file chooses its name, and the gate of documents answers before their eyes. Printed, it would tell
    them whether a person of that name is known.
    """

    called: Mapping[str, Both]
    hands: Mapping[str, Both]
    names: Mapping[str, Both]

    @classmethod
    def of(cls, session: Session, rows: Sequence[reading.PeriodRead], names: Mapping[str, Both]) -> _Facts:
        ids: dict[str, set[UUID]] = defaultdict(set)
        for row in rows:
            for fact in facts_of(row.found):
                if not FACTS[fact.kind].is_number:
                    ids[fact.kind].add(UUID(fact.id))
        called: dict[str, Both] = {}
        for key, kind in FACTS.items():
            titles = kind.titles(session, ids[key]) if ids[key] else {}
            called |= {one: Both(fr=title.fr, en=title.en) for one, title in titles.items()}
        documents = every(session, of(ObligationDocument).where(col(ObligationDocument.id).in_(ids[DOCUMENT.key])))
        called |= {str(row.id): both(_GIVEN, day=local_day(session, row.added_at)) for row in documents}
        return cls(called, _hands(session, rows), names)

    def proofs(self, row: reading.PeriodRead) -> Iterator[StatementEvidence]:
        """The facts of a period as they are told; what is of another period stands with that one."""
        rule = rule_of(row.check_kind, row.rule)
        hands = self.hands if row.check_kind in GIVEN_BY_PEOPLE else {}
        for fact in facts_of(row.found):
            if fact.why != "other_period":
                yield StatementEvidence(
                    kind=fact.kind,
                    what=self.called.get(fact.id) or self._named(rule, fact),
                    on=fact.on,
                    counts=fact.counts,
                    why=fact.why,
                    hands=hands.get(fact.id, Both()),
                )

    def _named(self, rule: CheckRule, fact: Fact) -> Both:
        """By the title of a committee or role, where it is one of these; else by nothing."""
        key = rule.named_by(fact)
        return title_of(self.names, key) if key else Both()


#: Who gave a proof and, by what was said of it, who accepted or returned it.
_HANDS: Final[Mapping[str, str]] = {
    "": N_("submitted by %(giver)s on %(day)s"),
    "kept": N_("submitted by %(giver)s on %(day)s"),
    "accepted": N_("submitted by %(giver)s on %(day)s, accepted by %(name)s on %(then)s"),
    "returned": N_("submitted by %(giver)s on %(day)s, returned by %(name)s on %(then)s"),
}


def _hands(session: Session, rows: Sequence[reading.PeriodRead]) -> dict[str, Both]:
    """Who gave each proof of these periods and who looked at it, in words."""
    facts = [fact for row in rows if row.check_kind in GIVEN_BY_PEOPLE for fact in facts_of(row.found)]
    found = {}
    for key, said in reading.hands_of(session, facts).items():
        if said.given_name is None:
            continue
        found[key] = both(
            _HANDS[said.looked_at_as],
            giver=f"{said.given_name} {said.family_name}".strip(),
            day=local_day(session, said.given_at),
            name=f"{said.looker_given_name or ''} {said.looker_family_name or ''}".strip(),
            then=local_day(session, said.looked_at) if said.looked_at else "",
        )
    return found


_GIVEN: Final = N_("Document submitted on %(day)s")
