"""By a count: what the program's own records must add up to, or must not pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from domain.declarations.checks.facts import COUNT
from domain.declarations.checks.judging import Fact, Judging, PeriodFinding
from domain.declarations.checks.owed import PeriodOwed
from domain.declarations.checks.records import Records, grouped, stands
from domain.declarations.checks.rule import LACKS, SEE_TO, CheckRule, ProofDeadline
from domain.declarations.checks.seats import held, on_record, promised, seats_on, tenures
from domain.declarations.checks.vacancies import longest_vacancy, vacant_since
from domain.declarations.role_keys import SECOND_REPRESENTATIVE, RoleKey
from domain.declared import Key, PathOf, Wrong, each_once
from domain.kernel import col, every, of, only, run
from locales import N_, say_n, show_list
from models.committee import SeatHolder
from models.referral import Referral


class CountRule(CheckRule):
    """What the program's own records must add up to.

    `referrals` made by the organization in the period; `alternates`: for each committee named, the people who may sit
    for the organization's principals; `vacant_working_days` of the role with the longest vacancy, among those named.
    """

    of: Literal["referrals", "alternates", "vacant_working_days"]
    committees: Annotated[tuple[Key, ...], AfterValidator(each_once)] = ()
    roles: Annotated[tuple[RoleKey, ...], AfterValidator(each_once)] = ()
    at_least: Annotated[int, Field(ge=1)] | None = None
    at_most: Annotated[int, Field(ge=0)] | None = None

    key = "count"
    words = N_("by a count")
    facts = (COUNT,)
    why: ClassVar[Mapping[str, str]] = {}  # it is the number itself
    adds_up: ClassVar[Mapping[str, str]] = {
        "wanted": N_("Counted: %(counted)s; asked: %(wanted)s"),
        "counted": N_("Counted: %(counted)s; allowed: %(allowed)s"),
    }
    touched_by = frozenset(
        {
            "seat.given",
            "seat.moved",
            "seat.withdrawn",
            "tenure.started",
            "tenure.moved",
            "tenure.ended",
            "tenure.taken_back",
            "referral.received",
        }
    )
    is_judged_with_cases = True
    needs_seat = True
    asks_by = SEE_TO
    asks_in = LACKS | {"cannot_be_met"}  # a vacancy is ended also where it lasted too long already

    @model_validator(mode="after")
    def _complete(self) -> CountRule:
        if (self.at_least is None) == (self.at_most is None):
            raise Wrong(N_("A count has either at_least or at_most."))
        if bool(self.committees) != (self.of == "alternates"):
            raise Wrong(N_("Alternates are counted for named committees, and only they are."), at=("committees",))
        if bool(self.roles) != self._is_of_vacancies:
            raise Wrong(N_("Vacant days are counted for named roles, and only they are."), at=("roles",))
        return self

    @property
    def _is_of_vacancies(self) -> bool:
        return self.of == "vacant_working_days"

    @property
    def counts_participants(self) -> bool:
        """Whether it counts people who were referred."""
        return self.of == "referrals"

    def committees_named(self) -> Iterator[tuple[PathOf, str]]:
        """Those for which alternates are counted."""
        for place, committee in enumerate(self.committees):
            yield ("committees", place), committee

    def looks_at(self) -> str:
        """What is counted."""
        return self.of

    def named_by(self, fact: Fact) -> str:
        """By the committee or the role that was counted."""
        return fact.id

    def vacancy_allowed(self, role: str) -> int | None:
        """Where it counts the vacant days of the role, as many as it allows."""
        return self.at_most or 0 if role in self.roles else None

    def in_words(self, language: str, names: Mapping[str, str]) -> str:
        """At least, or at most, so many."""
        n = self.at_most or 0 if self.at_least is None else self.at_least
        if self.counts_participants:
            return say_n(language, "at least %(n)s referral", "at least %(n)s referrals", n)
        named = show_list(language, [names.get(key, key) for key in self.committees or self.roles])
        if self.of == "alternates":
            return say_n(
                language,
                "at least %(n)s alternate for each: %(committees)s",
                "at least %(n)s alternates for each: %(committees)s",
                n,
                committees=named,
            )
        return say_n(
            language,
            "vacant for at most %(n)s working day: %(roles)s",
            "vacant for at most %(n)s working days: %(roles)s",
            n,
            roles=named,
        )

    def found(self, period: PeriodOwed) -> PeriodFinding:
        """By what the records add up to, days on which the partner is freed of the clause left out."""
        counts = self._counts(period)
        return self.judge(period.judging, counts, is_on_record=self._is_on_record(period, counts))

    def judge(self, judging: Judging, counts: Mapping[str, int], *, is_on_record: bool = True) -> PeriodFinding:
        """Whether what the program's records add up to is enough, or little enough. `counts` are by what was counted.

        The smallest counts where the rule says at least, the largest where it says at most. `is_on_record` says whether
        there is anything of which little could be too much: a role that nobody held yet was vacant on no day.
        """
        facts = tuple(Fact(COUNT.key, key, None, True, str(n)) for key, n in sorted(counts.items()))
        if not judging.has_begun:
            return PeriodFinding("not_yet", {}, facts)
        if judging.is_waived:
            return PeriodFinding("waived", {}, facts)
        if self.at_least is not None:
            least = min(counts.values())
            state = _enough(judging, least, self.at_least, is_any=any(counts.values()))
            return PeriodFinding(state, {"counted": least, "wanted": self.at_least}, facts)
        most, allowed = max(counts.values()), self.at_most or 0
        state = _little_enough(judging, most, allowed, is_on_record=is_on_record)
        return PeriodFinding(state, {"counted": most, "allowed": allowed}, facts)

    def asks(self, period: PeriodOwed, found: PeriodFinding) -> ProofDeadline | None:
        """Of whoever owes it, while more can be counted; of a vacancy, while the role is vacant."""
        if period.judging.is_over:
            return None  # a count of days that are over no longer changes
        if self._is_of_vacancies:
            return self._asks_to_fill(period)
        if self.at_least is None or found.numbers.get("counted", 0) >= self.at_least:
            return None
        sentence = N_("See to it by %(day)s, %(organization)s: %(what)s")
        window, records = period.window, period.records
        if window.period.ends_on is not None and window.ends_on is not None:
            return ProofDeadline(SEE_TO, window.ends_on, window.ends_on, sentence)
        # What is owed at all times is asked for at once: by the end of the first days, later within as many from today.
        soon = records.new_until(period.one.since)
        if soon is None or soon < records.on:
            soon = records.calendar.add_working_days(records.on, records.watch.first_working_days)
        return ProofDeadline(SEE_TO, soon, soon, sentence, stays=True)

    def is_done(self, period: PeriodOwed, found: PeriodFinding) -> bool:
        """Of a vacancy, whether it is over while its period is not."""
        if self._is_of_vacancies:
            return found.state != "waived" and period.window.holds(period.records.on)
        return super().is_done(period, found)

    def _asks_to_fill(self, period: PeriodOwed) -> ProofDeadline | None:
        """Asked from the first day of a vacancy, by the last one that the rule leaves."""
        since = self._vacant_since(period)
        if since is None or self.at_most is None:
            return None
        last = period.records.calendar.add_working_days(since - timedelta(days=1), max(self.at_most, 1))
        return ProofDeadline(SEE_TO, last, last, N_("Fill the vacant role by %(day)s, %(organization)s: %(what)s"))

    def _vacant_since(self, period: PeriodOwed) -> date | None:
        """The local day since which the role with the longest vacancy has lacked a holder; None where none does."""
        records, binding = period.records, period.binding
        if not period.window.holds(records.on):
            return None
        posts = [(period.one.organization_id, role) for role in self.roles]
        since = [
            vacant_since(binding, on_record(records, post), records.on, records.read(promised)[post]) for post in posts
        ]
        return min((day for day in since if day is not None), default=None)

    def _counts(self, period: PeriodOwed) -> dict[str, int]:
        """What was counted, by the committee, the role, or the whole."""
        if self.of == "alternates":
            return {committee: _alternates(period, committee) for committee in self.committees}
        if self._is_of_vacancies:
            return {role: self._longest_vacancy(period, role) for role in self._roles_of(period)}
        spans = [part for span in period.window.spans for part in span.without(period.waived)]
        days = period.records.read(_referred)[period.one.organization_id]
        return {self.of: sum(any(span.holds(day) for span in spans) for day in days)}

    def _roles_of(self, period: PeriodOwed) -> list[str]:
        """Those roles of the rule that the partner has, or had; all where it has none."""
        records, place = period.records, period.one.organization_id
        had = [role for role in self.roles if records.read(promised)[place, role] or held(records, (place, role))]
        return list(had or self.roles)

    def _longest_vacancy(self, period: PeriodOwed, role: str) -> int:
        records, post, rule_on = period.records, (period.one.organization_id, role), period.rule_on
        return longest_vacancy(
            period.window,
            period.binding,
            on_record(records, post),
            records.calendar,
            records.on,
            records.read(promised)[post],
            at_most=self.at_most,
            allowed_on=(lambda day: rule_on(day).at_most) if rule_on is not None else None,
        )

    def _is_on_record(self, period: PeriodOwed, counts: Mapping[str, int]) -> bool:
        """Whether there is anything to count: vacant days only after one of the roles was held."""
        if not self._is_of_vacancies:
            return self.at_least is not None or any(counts.values())
        end = _last_day(period)
        spans = (span for role in self.roles for span in held(period.records, (period.one.organization_id, role)))
        return any(span.starts_on <= end for span in spans)


def _last_day(period: PeriodOwed) -> date:
    """The day judged, or the last one that counts."""
    on, ends_on = period.records.on, period.window.ends_on
    return on if ends_on is None else min(on, ends_on)


def _alternates(period: PeriodOwed, committee: str) -> int:
    """How many people may sit there for the organization: named for a seat, or its second representatives."""
    records, day, place = period.records, _last_day(period), period.one.organization_id
    seats = [seat.id for seat in seats_on(records, committee, place) if stands(seat, day)]
    named = {row.person_id for seat in seats for row in records.read(_named)[seat] if stands(row, day)}
    seconds = records.read(tenures)[place, SECOND_REPRESENTATIVE]
    return len(named | {row.person_id for row in seconds if stands(row, day)})


def _named(records: Records) -> Mapping[UUID, list[SeatHolder]]:
    """The alternates named at each seat, and from when to when."""
    rows = every(
        records.session, of(SeatHolder).where(SeatHolder.kind == "alternate", col(SeatHolder.withdrawn_at).is_(None))
    )
    return grouped(rows, lambda row: row.seat_id)


def _referred(records: Records) -> Mapping[UUID, list[date]]:
    """The local days on which each organization's people referred somebody: of whom, is not read here.

    Also where the person was known already, or was refused later: the partner did refer.
    """
    rows = run(
        records.session,
        only(Referral.organization_id, Referral.received_at).where(
            col(Referral.organization_id).is_not(None), col(Referral.state).not_in(["draft", "abandoned"])
        ),
    )
    found: dict[UUID, list[date]] = defaultdict(list)
    for row in rows:
        found[row.organization_id].append(records.local_day(row.received_at))
    return found


def _enough(judging: Judging, counted: int, wanted: int, *, is_any: bool) -> str:
    """How a minimum count stands: by the last day of its period or, without one, at all times."""
    if counted < wanted:
        return _too_few(judging, is_any=is_any)
    return "met" if judging.is_over or judging.window.period.ends_on is not None else "on_track"


def _too_few(judging: Judging, *, is_any: bool) -> str:
    silence = judging.silence
    if judging.is_over:
        return "no_occasion" if silence.had_no_time(judging.window) and not is_any else "missed"
    if judging.window.period.ends_on is None and not silence.is_new(judging.on):
        return "missed"
    return "on_track" if is_any and not silence.is_risk(judging.on) else silence.state(judging.on)


def _little_enough(judging: Judging, most: int, allowed: int, *, is_on_record: bool) -> str:
    """How a maximum count stands."""
    if most > allowed:
        return "missed" if judging.is_over or judging.window.period.ends_on is None else "cannot_be_met"
    if not is_on_record:
        return "no_occasion" if judging.is_over else judging.silence.state(judging.on)
    if judging.is_over:
        return "met"
    return "at_risk" if most and 4 * most >= 3 * allowed else "on_track"
