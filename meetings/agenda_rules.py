"""What a committee's declared rules draw for the agenda of a meeting from what is on record. Reads only.

The same records give the same items in the same order: nothing is drawn by chance, nor by the hour at which it is done.
Days are the local ones of the meeting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, literal_column
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, or_

from domain.agreements.agreements import version_in_force
from domain.casework import vacancies
from domain.casework.steps import ROLE_OF_SUBJECT
from domain.casework.subjects import notice_day
from domain.declarations.program_agreements import clause_without_role
from domain.declarations.program_committees import AgendaRule
from domain.declared.reading import Bilingual
from domain.endorsement.counting import it_counts
from domain.endorsement.partners import OWES_AGAIN
from domain.kernel.rows import (
    SHAPE,
    also,
    col,
    every,
    inside,
    joins,
    of,
    only,
    run,
    scalar,
    scalars,
    surely,
    value_of,
)
from domain.kernel.scope import local_day
from domain.obligations.reading import PeriodRead, at_risk
from domain.obligations.windows import year_begun
from domain.roles.roles import standing
from domain.terms import days as agreement_days
from locales import N_, say
from meetings import endorsements
from meetings.committees import PRINCIPAL, CommitteeSeat, Membership, membership
from meetings.partner_years import year_record
from meetings.reasons import CARRIED, ENDED, STANDING_THREE_TIMES, TOO_OFTEN, Fact, Kept, Reason
from models.agenda import AUDIENCES, AgendaItem
from models.agreement import AgreementVersion
from models.casework import SETTLED, Case, ProtocolVersion, Task
from models.committee import Committee
from models.meeting import Meeting
from models.minutes import Decision, Minutes
from models.obligation import WAIVER_ITEM
from models.program import Organization, Role

#: The kinds that each meeting has anew: they vanish with it, and never wait in the pool.
STANDING: Final = "standing"
TURN: Final = "turn"
OF_ONE_MEETING: Final = frozenset({STANDING, TURN})
#: The re-evaluation of an agreement after one year of it: of one agreement, one a year.
AGREEMENT_YEAR: Final = "agreement_year"

#: What a partner objects to, and on what one is silent: its subject is the decision's id.
OBJECTION: Final = "objection"
SILENCE: Final = "silence"
#: Under this key the committee that settles objections has its rule where its file declares none.
_BY_ITSELF: Final = "endorsements"

#: The committee that answers for every place of the program, by its fact of the guide: the Steering Committee.
WATCHES_EVERY_ROLE: Final = "CM-S"

#: What members ask for, and what comes to every committee of which the file says nothing else as that does.
REQUEST: Final = "request"
_ASKED_AS: Final[Mapping[str, str]] = {WAIVER_ITEM: REQUEST}

#: A decision's words that go into an item's title, of which the register has the whole.
LONGEST_EXTRACT: Final = 120


@dataclass(frozen=True)
class Rule:
    """A declared rule under its key, with its place among the committee's rules."""

    key: str
    place: int
    declared: AgendaRule


@dataclass(frozen=True)
class Drawn:
    """An item that a rule draws. `subject` tells it from every other of its kind in the committee.

    `base` is the subject without the meeting, for kinds that each meeting has anew; `item_id` the row, where it exists
    already because it was asked for.
    """

    kind: str
    subject: str
    rule: str
    title_fr: str
    title_en: str
    section_fr: str
    section_en: str
    purpose: str
    audience: str
    minutes: int
    presenter_seat_id: UUID | None
    reasons: tuple[Kept, ...]
    times_seen: int = 0
    carried_from_id: UUID | None = None
    item_id: UUID | None = None


@dataclass(frozen=True)
class Table:
    """Where a rule draws: the session, the committee and the meeting as rows, who sits on it, and the moment."""

    session: Session
    committee: Committee
    meeting: Meeting
    seats: Membership
    at: datetime
    unreached: Mapping[str, tuple[UUID, int]] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The meeting's local day."""
        return self.meeting.starts.date()


def rules_of(committee: Committee) -> tuple[Rule, ...]:
    """The declared rules of a committee's row, in the order in which its file has them."""
    declared = committee.agenda
    return tuple(
        Rule(key, place, AgendaRule.model_validate(declared["rules"][key]))
        for place, key in enumerate(declared.get("order", ()))
    )


def rule_taking(committee: Committee, kind: str) -> Rule | None:
    """The first rule by which items of this kind, asked for, come on the committee's agendas."""
    return next((rule for rule in rules_of(committee) if kind in kinds_taken(committee, rule)), None)


def kinds_taken(committee: Committee, rule: Rule) -> tuple[str, ...]:
    """The kinds of items that a rule takes. One that takes what members ask for takes what no other rule names."""
    named = {kind for one in rules_of(committee) for kind in one.declared.kinds}
    also = [kind for kind, asked_as in _ASKED_AS.items() if asked_as in rule.declared.kinds and kind not in named]
    return (*rule.declared.kinds, *also)


def presenter_of(rule: Rule, seats: Membership, day: date) -> UUID | None:
    """The seat that a rule names to present its items, where it exists on that day."""
    return next((seat.id for seat in seats.seats_on(day) if seat.key == rule.declared.presenter), None)


def draw(session: Session, committee: Committee, meeting: Meeting, *, at: datetime) -> tuple[Drawn, ...]:
    """Every item that belongs on the agenda of this meeting now, section by section, each subject once.

    Where two rules draw the same subject it stands where the first one puts it, with the reasons of both.
    """
    table = Table(
        session,
        committee,
        meeting,
        membership(session, committee.id),
        at,
        _unreached(session, committee.id, meeting),
    )
    rules = _with_endorsements(session, committee)
    found: dict[tuple[str, str], Drawn] = {}
    for rule in rules:
        for one in _SOURCES[rule.declared.source](table, rule):
            key = (one.kind, one.subject)
            before = found.get(key)
            if before is None:
                found[key] = one
            elif before.item_id is None:
                more = tuple(reason for reason in one.reasons if reason not in before.reasons)
                found[key] = replace(before, reasons=before.reasons + more)
    sections: dict[str, int] = {}
    for rule in rules:
        sections.setdefault(rule.declared.section.fr, rule.place)
    places = {rule.key: rule.place for rule in rules}
    return tuple(sorted(found.values(), key=lambda one: (sections[one.section_fr], places[one.rule])))


def _with_endorsements(session: Session, committee: Committee) -> tuple[Rule, ...]:
    """A committee's rules; the committee that settles objections (GV-4) also gets the rule that brings them before it.

    The author of the program file does not choose whether an objection is heard.
    """
    rules = rules_of(committee)
    settles = committee.key == endorsements.declared(session).committee
    if not settles or any(rule.declared.source == "endorsements" for rule in rules):
        return rules
    section = Bilingual(fr=say("fr", _TO_SETTLE), en=say("en", _TO_SETTLE))
    by_itself = AgendaRule(source="endorsements", section=section, minutes=15, purpose="decision", sources=("GV-4",))
    return (Rule(_BY_ITSELF, 0, by_itself), *(replace(rule, place=rule.place + 1) for rule in rules))


_TO_SETTLE: Final = N_("Decisions that the partners endorse")


def points_of(declared: Mapping[str, Any], rule: str) -> tuple[dict[str, str], ...]:
    """What is gone through under an item that this rule drew, in both languages; nothing where it declares none."""
    found = declared.get("rules", {}).get(rule, {})
    return tuple(found.get("points", ()))


# ------------------------------------------------------------------------------------------------------ the sources


def _standing(table: Table, rule: Rule) -> Iterator[Drawn]:
    yield _of_one_meeting(table, rule, STANDING, rule.key, presenter_of(rule, table.seats, table.day))


def _turn(table: Table, rule: Rule) -> Iterator[Drawn]:
    seats = [seat for seat in table.seats.seats_on(table.day) if seat.role == rule.declared.role]
    for seat in _rotated(seats, _last_in_turn(table, rule)):
        yield _of_one_meeting(table, rule, TURN, f"{rule.key}/{seat.id}", seat.id, seat)


def _rotated(seats: Sequence[CommitteeSeat], last: UUID | None) -> list[CommitteeSeat]:
    """The seats in their order, beginning with the one that came last at the meeting before."""
    start = next((place for place, seat in enumerate(seats) if seat.id == last), 0)
    return [*seats[start:], *seats[:start]]


def _last_in_turn(table: Table, rule: Rule) -> UUID | None:
    """The seat that the latest held meeting before this one has last in its turn, as its agenda had it."""
    found: UUID | None = scalar(
        table.session,
        only(AgendaItem.presenter_seat_id)
        .join(Meeting, joins(AgendaItem.meeting_id, Meeting))
        .where(
            AgendaItem.committee_id == table.committee.id,
            AgendaItem.kind == TURN,
            AgendaItem.rule == rule.key,
            col(AgendaItem.state).in_(["scheduled", "settled"]),
            Meeting.state == "held",
            col(Meeting.starts_at) < table.meeting.starts_at,
        )
        .order_by(col(Meeting.starts_at).desc(), col(AgendaItem.position).desc())
        .limit(1),
    )
    return found


def _of_one_meeting(
    table: Table, rule: Rule, kind: str, base: str, presenter: UUID | None, seat: CommitteeSeat | None = None
) -> Drawn:
    assert rule.declared.title is not None  # noqa: S101 - the grammar wants one of these sources
    title_fr, title_en = rule.declared.title.fr, rule.declared.title.en
    if seat is not None:
        title_fr, title_en = f"{title_fr} – {seat.title_fr}", f"{title_en} – {seat.title_en}"
    carried_from, seen = table.unreached.get(f"{kind}/{base}", (None, 0))
    reasons = [Reason(kind)]
    asks = seen >= TOO_OFTEN
    if seen:
        reasons.append(Reason(STANDING_THREE_TIMES if asks else CARRIED, facts={"n": seen}))
    drawn = _drawn(
        rule,
        kind,
        f"{base}@{table.meeting.id}",
        (title_fr, title_en),
        reasons,
        presenter,
        times_seen=seen,
        carried_from_id=carried_from,
    )
    return replace(drawn, purpose="decision") if asks else drawn


def _unreached(session: Session, committee_id: UUID, meeting: Meeting) -> dict[str, tuple[UUID, int]]:
    """What each meeting has anew and the latest held meeting that had it did not reach: its item, and how often by now.

    A meeting from whose agenda it was taken off does not count: its age neither grows by it, nor is it forgotten.
    """
    # Written out: parameters of their own would make each mention of it another expression.
    base = func.split_part(col(AgendaItem.subject), literal_column("'@'"), literal_column("1")).label("base")
    latest = (
        only(AgendaItem.id, AgendaItem.kind, base, AgendaItem.times_seen, AgendaItem.outcome)
        .join(Meeting, joins(AgendaItem.meeting_id, Meeting))
        .where(
            AgendaItem.committee_id == committee_id,
            col(AgendaItem.kind).in_(OF_ONE_MEETING),
            col(AgendaItem.state).in_(["scheduled", "settled"]),
            Meeting.state == "held",
            col(Meeting.starts_at) < meeting.starts_at,
        )
        .ext(distinct_on(col(AgendaItem.kind), base))
        .order_by(col(AgendaItem.kind), base, col(Meeting.starts_at).desc())
    )
    rows = run(session, latest)
    return {f"{row.kind}/{row.base}": (row.id, row.times_seen + 1) for row in rows if row.outcome == "carried"}


def _minutes_to_approve(table: Table, rule: Rule) -> Iterator[Drawn]:
    rows = run(
        table.session,
        only(Meeting.id, Meeting.starts)
        .join(Minutes, joins(Minutes.meeting_id, Meeting))
        .where(
            Meeting.committee_id == table.committee.id,
            Meeting.state == "held",
            col(Meeting.starts_at) < table.meeting.starts_at,
            Minutes.state == "circulated",
        )
        .order_by(col(Meeting.starts_at), col(Meeting.id)),
    )
    for row in rows:
        day = row.starts.date().isoformat()
        title = _both(N_("Minutes of %(day)s"), day=day)
        yield _presented(table, rule, "minutes", str(row.id), title, [Reason("minutes_to_approve", facts={"day": day})])


def _onboarding(table: Table, rule: Rule) -> Iterator[Drawn]:
    rows = run(
        table.session,
        only(
            Case.id,
            Case.opened_at,
            Organization.short_name,
            value_of(inside(ProtocolVersion.declared)["subject"]["kind"].astext.label("subject")),
        )
        .join(ProtocolVersion, joins(Case.protocol_version_id, ProtocolVersion))
        .join(Organization, joins(Case.organization_id, Organization))
        .where(Case.protocol == "onboarding", Case.state == "open")
        .order_by(col(Case.opened_at), col(Case.id)),
    ).all()
    titles = _roles(table.session)
    for row in rows:
        facts = {"since": local_day(table.session, row.opened_at).isoformat()}
        title = _both(
            N_("Onboarding: %(role)s, %(organization)s"),
            role=titles[ROLE_OF_SUBJECT[row.subject]],
            organization=row.short_name,
        )
        yield _presented(table, rule, "onboarding", str(row.id), title, [Reason("onboarding_open", facts=facts)])


def _vacancies(table: Table, rule: Rule) -> Iterator[Drawn]:
    for seat in table.seats.seats_on(table.day):
        if not table.seats.holders(seat.id, table.day, PRINCIPAL):
            title = _both(N_("Vacant seat: %(seat)s"), seat={"fr": seat.title_fr, "en": seat.title_en})
            yield _presented(table, rule, "vacancy", f"seat/{seat.id}", title, [Reason("seat_vacant")])
    if table.committee.source == WATCHES_EVERY_ROLE:
        yield from _vacant_roles(table, rule)


def _vacant_roles(table: Table, rule: Rule) -> Iterator[Drawn]:
    for vacancy in vacancies.find(table.session, standing(table.session, table.day)):
        if vacancy.kind != "role":
            continue
        title = _both(
            N_("Vacant role: %(role)s, %(organization)s"),
            role={"fr": vacancy.title_fr, "en": vacancy.title_en},
            organization=vacancy.organization,
        )
        reason = Reason("role_vacant")
        if vacancy.tasks:
            reason = Reason("role_vacant_with_tasks", facts={"n": vacancy.tasks})
        subject = f"role/{vacancy.role}/{vacancy.organization_id}"
        yield _presented(table, rule, "vacancy", subject, title, [reason])


class _DecisionForSome(Decision):
    """A decision with the last day of its task, and who may read the item that it was taken on."""

    model_config = SHAPE
    task_due_on: date | None = also(Task.due_on)
    audience: str = also(value_of(func.coalesce(col(AgendaItem.audience), AUDIENCES[0])))


def _decisions(table: Table, rule: Rule) -> Iterator[Drawn]:
    """Those late on the day of the meeting first, then by their last day.

    Their words are in the title: each is for those alone who may read the item that it was taken on, or for fewer where
    the rule says so.
    """
    rows = every(
        table.session,
        of(_DecisionForSome)
        .outerjoin(AgendaItem, joins(Decision.item_id, AgendaItem))
        .outerjoin(Task, joins(Decision.task_id, Task))
        .where(
            Decision.committee_id == table.committee.id,
            Decision.state == "open",
            it_counts(),  # one that waits for the partners asks nothing of anybody yet
            or_(col(Task.id).is_(None), col(Task.state).not_in([*SETTLED, "cancelled"])),
        )
        .order_by(col(Decision.due_on).asc().nulls_last(), col(Decision.number)),
    )
    for row in rows:
        due = row.task_due_on or row.due_on
        facts: dict[str, Fact] = {"decided": local_day(table.session, row.decided_at).isoformat()}
        reason = Reason("decision_undated", facts=facts)
        if due is not None:
            code = "decision_late" if due < table.day else "decision_open"
            reason = Reason(code, facts={**facts, "due": due.isoformat()})
        drawn = _presented(table, rule, "decision", str(row.id), _title_of_decision(row), [reason])
        yield replace(drawn, audience=max(drawn.audience, row.audience, key=AUDIENCES.index))


def _endorsements(table: Table, rule: Rule) -> Iterator[Drawn]:
    """One for each decision of any committee to which a partner objects, then for each on which one is silent still.

    An objection comes at once, also where it stops nothing; silence, once its partners were asked again and the last
    day of that is past on the day of the meeting, or where none of them is a partner any more. Words
    are for those alone who may read the item of the decision.
    """
    rows = every(
        table.session,
        of(_DecisionForSome)
        .outerjoin(AgendaItem, joins(Decision.item_id, AgendaItem))
        .outerjoin(Task, joins(Decision.task_id, Task))
        .where(
            col(Decision.needs_endorsement),
            Decision.state != "withdrawn",
        )
        .order_by(col(Decision.decided_at), col(Decision.number)),
    )
    said = endorsements.endorsements(table.session, [row.id for row in rows], at=table.at)
    silent: list[Drawn] = []
    for row in rows:
        facts = {"decided": local_day(table.session, row.decided_at).isoformat()}
        against = [one for one in said[row.id] if one.word.objects]
        missing = [one for one in said[row.id] if one.word.is_awaited]
        if against:
            reasons = [
                Reason(
                    "objected_own_waiver"
                    if one.stake == OWES_AGAIN
                    else _HOW_IT_OBJECTS.get(row.endorsement, "objected"),
                    facts={"partner": one.organization, "day": _day_of(table, one.said_at)},
                )
                for one in against
            ]
            kind, title = OBJECTION, _title_of_decision(row, _OBJECTION, _OBJECTION_SHORT)
        elif row.endorsement == "pending" and missing and row.asked_again_at and surely(row.endorse_by) < table.day:
            asked = _day_of(table, row.asked_again_at)
            reasons = [Reason("silent", facts={**facts, "partner": one.organization, "day": asked}) for one in missing]
            kind, title = SILENCE, _title_of_decision(row, _SILENCE, _SILENCE_SHORT)
        elif row.endorsement == "pending" and not missing:
            reasons = [Reason("nobody_left", facts=facts)]
            kind, title = SILENCE, _title_of_decision(row, _SILENCE, _SILENCE_SHORT)
        else:
            continue
        drawn = _presented(table, rule, kind, str(row.id), title, reasons)
        drawn = replace(drawn, audience=max(drawn.audience, row.audience, key=AUDIENCES.index))
        if kind == SILENCE:
            silent.append(drawn)
        else:
            yield drawn
    yield from silent


#: By what the partners made of the decision, what an objection to it does.
_HOW_IT_OBJECTS: Final[Mapping[str, str]] = {"endorsed": "objected_in_vain", "earlier": "objected_before"}


def _day_of(table: Table, moment: datetime | None) -> str:
    return local_day(table.session, moment or table.at).isoformat()


_OBJECTION, _OBJECTION_SHORT = N_("Objection to decision %(number)s: %(text)s"), N_("Objection to decision %(number)s")
_SILENCE, _SILENCE_SHORT = (
    N_("Not yet endorsed by all, decision %(number)s: %(text)s"),
    N_("Not yet endorsed by all: decision %(number)s"),
)


def _obligations(table: Table, rule: Rule) -> Iterator[Drawn]:
    """One for each partner: everything of theirs that is at risk, cannot be met any more, or was missed lately."""
    by_partner: dict[UUID, list[PeriodRead]] = {}
    for row in at_risk(table.session, table.day):
        by_partner.setdefault(row.organization_id, []).append(row)
    for organization_id, rows in by_partner.items():
        title = _both(N_("Obligations at risk: %(organization)s"), organization=rows[0].short_name)
        reasons = []
        for row in rows:
            facts: dict[str, Fact] = {"clause": clause_without_role(row.key)}
            code = f"obligation_{row.state}"
            if row.ends_on is None:
                reasons.append(Reason("obligation_missed_now", facts=facts))
            else:
                reasons.append(Reason(code, facts={**facts, "day": row.ends_on.isoformat()}))
        yield _presented(table, rule, "obligation", str(organization_id), title, reasons)


def _agreement_years(table: Table, rule: Rule) -> Iterator[Drawn]:
    """One for each agreement in force of which a year is over that the committee has not spoken of yet.

    It shows the record of that year. Years are those of the agreement through all its versions: an amendment neither
    begins one anew nor settles what waits. One that ends near the last day of a version that is renewed comes by the
    renewal instead, and one in which the agreement had lapsed does not come.
    """
    spoken_of = set(
        scalars(
            table.session,
            only(AgendaItem.subject).where(
                AgendaItem.committee_id == table.committee.id,
                AgendaItem.kind == AGREEMENT_YEAR,
                AgendaItem.state == "settled",
                AgendaItem.outcome != "carried",
            ),
        )
    )
    renewed = _renewed(table.session)
    # Where another one is set to begin, its last day may be but the eve of an amendment.
    to_renew = {row.id for row in agreement_days.without_successor(table.session, table.day)}
    for row in agreement_days.going_on(table.session, table.day):
        begun = year_begun(row.since, table.day)
        last = begun - timedelta(days=1)
        subject = f"{row.agreement_id}/{begun.isoformat()}"
        renewed_from = notice_day(row) if row.id in to_renew else None
        is_renewed = (renewed_from is not None and begun >= renewed_from) or any(
            first <= begun <= until for first, until in renewed.get(row.agreement_id, ())
        )
        is_whole = version_in_force(table.session, row.organization_id, last) is not None
        if not is_whole or is_renewed or subject in spoken_of:
            continue
        facts: dict[str, Fact] = {"since": row.since.isoformat(), "day": begun.isoformat()}
        if row.ends_on is not None:
            facts["last"] = row.ends_on.isoformat()
        reasons = [
            Reason("agreement_year_to_a_day" if row.ends_on else "agreement_year", facts=facts),
            *year_record(table.session, row.organization_id, last),
        ]
        title = _both(N_("Re-evaluate the agreement: %(organization)s"), organization=row.short_name)
        yield _presented(table, rule, AGREEMENT_YEAR, subject, title, reasons)


def _renewed(session: Session) -> dict[UUID, list[tuple[date, date]]]:
    """The days about the last one of each version that was renewed, as long before as after it, by its agreement.

    As long as its notice: its renewal is on the committee's agenda in that time.
    """
    rows = every(
        session,
        of(AgreementVersion)
        .join(Case, joins(Case.agreement_version_id, AgreementVersion))
        .where(Case.state != "cancelled", col(AgreementVersion.ends_on).is_not(None)),
    )
    found: dict[UUID, list[tuple[date, date]]] = {}
    for row in rows:
        near, last = timedelta(days=row.notice_days), surely(row.ends_on)
        found.setdefault(row.agreement_id, []).append((last - near, last + near))
    return found


def _title_of_decision(
    row: Decision,
    whole: str = N_("Decision %(number)s: %(text)s"),
    number_alone: str = N_("Decision %(number)s"),
) -> tuple[str, str]:
    """Its number and its words; the number alone in a language in which it has no words."""
    titles = []
    for language, text in (("fr", row.text_fr), ("en", row.text_en)):
        said = " ".join(text.split())
        short = said if len(said) <= LONGEST_EXTRACT else said[:LONGEST_EXTRACT].rsplit(" ", 1)[0] + "…"
        words = whole if short else number_alone
        titles.append(say(language, words, number=row.number, text=short))
    return titles[0], titles[1]


def _asked(table: Table, rule: Rule) -> Iterator[Drawn]:
    """What waits in the pool under one of the rule's kinds, and what came from there to this agenda before.

    Not what is over, which an agenda keeps as long as it is frozen.
    """
    rows = every(
        table.session,
        of(AgendaItem)
        .where(
            AgendaItem.committee_id == table.committee.id,
            col(AgendaItem.kind).in_(kinds_taken(table.committee, rule)),
            or_(AgendaItem.state == "pool", AgendaItem.meeting_id == table.meeting.id),
            col(AgendaItem.state).in_(["pool", "scheduled"]),
            ~col(AgendaItem.reasons).contains([{"code": ENDED}]),
        )
        .order_by(col(AgendaItem.asked_at), col(AgendaItem.kind), col(AgendaItem.subject)),
    )
    for row in rows:
        yield Drawn(
            kind=row.kind,
            subject=row.subject,
            rule=rule.key,
            title_fr=row.title_fr,
            title_en=row.title_en,
            section_fr=rule.declared.section.fr,
            section_en=rule.declared.section.en,
            purpose=row.purpose,
            audience=row.audience,
            minutes=row.minutes,
            presenter_seat_id=row.presenter_seat_id,
            reasons=(),
            times_seen=row.times_seen,
            carried_from_id=row.carried_from_id,
            item_id=row.id,
        )


_SOURCES: Final[Mapping[str, Callable[[Table, Rule], Iterator[Drawn]]]] = {
    "standing": _standing,
    "turn": _turn,
    "minutes": _minutes_to_approve,
    "onboarding": _onboarding,
    "vacancies": _vacancies,
    "decisions": _decisions,
    "obligations": _obligations,
    "agreement_years": _agreement_years,
    "endorsements": _endorsements,
    "asked": _asked,
}


# -------------------------------------------------------------------------------------------------------- one item


def _presented(
    table: Table, rule: Rule, kind: str, subject: str, title: tuple[str, str], reasons: Sequence[Reason]
) -> Drawn:
    return _drawn(rule, kind, subject, title, reasons, presenter_of(rule, table.seats, table.day))


def _drawn(
    rule: Rule,
    kind: str,
    subject: str,
    title: tuple[str, str],
    reasons: Sequence[Reason],
    presenter: UUID | None,
    **ages: Any,
) -> Drawn:
    return Drawn(
        kind,
        subject,
        rule.key,
        *title,
        section_fr=rule.declared.section.fr,
        section_en=rule.declared.section.en,
        purpose=rule.declared.purpose,
        audience=rule.declared.audience,
        minutes=rule.declared.minutes,
        presenter_seat_id=presenter,
        reasons=tuple(reason.kept(rule.key) for reason in reasons),
        **ages,
    )


def _both(msgid: str, **facts: object) -> tuple[str, str]:
    return say("fr", msgid, **facts), say("en", msgid, **facts)


def _roles(session: Session) -> dict[str, dict[str, str]]:
    rows = run(session, only(Role.key, Role.title_fr, Role.title_en))
    return {row.key: {"fr": row.title_fr, "en": row.title_en} for row in rows}
