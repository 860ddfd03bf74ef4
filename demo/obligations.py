"""What the demonstration's partners did about what they owe: stated, gave, were freed of, and let run late.

One partner is late with what it has to state, one has something at risk, one is freed of a clause by a decision that
every partner endorsed, and one agreement nears its last day, with its renewal under way. What they gave was accepted by
somebody else, but for one proof that was returned and some that wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from demo.people import Happening, coordinator, organization
from domain.agreements import agreements, terminations
from domain.casework import asking, cases
from domain.declarations import GIVEN, rule_of
from domain.kernel import ROUNDS, Actor, Calendar, local_day
from domain.obligations import accepting, attestations, keep, reading, to_accept, waiving
from domain.roles import DayTenures, standing
from flows.at_once import carry_at_once
from meetings import asked_partners, endorsing, waivers
from models.agreement import AgreementVersion

#: Whose statements are late since this long ago; whose document is not there yet; who is freed of which clause; and
#: whose agreement ends.
_LATE, _LATE_SINCE = "anonyme", timedelta(days=120)
_AT_RISK: Final = ("codim", "AG-P6")
_FREED: Final = ("marie-vincent", "AG-P4")
_ENDS: Final = "spvm"

#: What was seen to: every six weeks of the year behind.
_EVERY: Final = timedelta(days=42)
_LOOKS: Final = 8
#: A waiver was proposed before the Steering Committee met (`demonstrated_meetings`), and endorsed some days after.
_PROPOSED, _ENDORSED = 33, 25
_REORGANIZED: Final = "Équipe en réorganisation cette année."
#: How many proofs were given before their last days and wait to be looked at, and why one was returned.
_GIVEN_EARLY: Final = 7
_STILL_WAIT: Final = 3
_RETURNED: Final = "Il manque la date et le nombre de personnes présentes."
_SETTLED: Final = ("met", "waived", "no_occasion", GIVEN)
#: A period is seen to in its last days.
_SEEN_TO_BEFORE: Final = timedelta(days=45)


@dataclass
class DemonstratedObligations:
    """What happened around obligations up to the day on which the demonstration is loaded."""

    session: Session
    calendar: Calendar
    today: date

    def happenings(self) -> Iterator[Happening]:
        """Each thing that was done, with the past working day on which somebody did it."""
        for number in range(_LOOKS, 0, -1):
            yield Happening(self.calendar.next_working_day(self.today - number * _EVERY), self._see_to)
        yield Happening(self._ago(_PROPOSED), self._propose)
        yield Happening(self._ago(_ENDORSED), self._endorse)
        yield Happening(self._ago(6), self._give_early)
        yield Happening(self._ago(4), self._look_at_proof)
        yield Happening(self._ago(6), self._end)
        yield Happening(self._ago(5), self._renew)
        yield Happening(self._ago(2), self._free)
        yield Happening(self._ago(1), self._look)

    def _ago(self, working_days: int) -> date:
        return self.calendar.add_working_days(self.today, -working_days)

    def _look(self, at: datetime) -> None:
        keep(self.session, at=at)

    def _see_to(self, at: datetime) -> None:
        """State and give what periods that end soon, or ended, ask for; whoever is late leaves it."""
        keep(self.session, at=at)
        day = local_day(self.session, at)
        held = standing(self.session, day)
        for period_id, proof_id, by in self._waiting(held):
            accepting.accept(self.session, period_id, proof_id, by=by, at=at, judged=False)
        for row in reading.periods(self.session, since=day - timedelta(days=100), until=day):
            if not self._is_seen_to(row, day):
                continue
            if row.check_kind == "attestation":
                role = str(row.rule["by"])
                place = organization(self.session, "ccsmtl") if role == "coordinator" else row.organization_id
                holders = held.holding(role, place)
                if holders:
                    by = Actor(role, holders[0].person_id, place)
                    attestations.attest(self.session, row.id, "held", by=by, at=at, judged=False)
            else:
                holders = held.holding("manager", row.organization_id)
                if holders:
                    self._give(row, Actor("manager", holders[0].person_id, row.organization_id), day, at)

    def _is_seen_to(self, row: reading.PeriodRead, day: date) -> bool:
        if row.check_kind not in ("attestation", "document") or row.state in _SETTLED:
            return False
        if row.ends_on is not None and row.ends_on - _SEEN_TO_BEFORE > day:
            return False
        if any(fact["why"] == "not_endorsed" for fact in row.found["facts"]):
            return False  # it was given, and waits for the committee
        stated = rule_of(row.check_kind, row.rule).stated()
        if stated is not None and stated.from_day(row.starts_on, row.ends_on) > day:
            return False
        place = row.organization_key
        if place == _LATE and day > self.today - _LATE_SINCE:
            return False
        return (place, row.key) not in (_AT_RISK, _FREED)

    def _give(self, row: reading.PeriodRead, by: Actor, day: date, at: datetime) -> None:
        last = row.ends_on or day
        content = f"Démonstration : {row.key}.\n".encode()
        attestations.add_document(
            self.session,
            row.id,
            f"{row.rule['kind']}.txt",
            content,
            effective_on=max(row.starts_on, min(last, day)),
            by=by,
            at=at,
            judged=False,
        )

    def _waiting(self, held: DayTenures) -> Iterator[tuple[UUID, UUID, Actor]]:
        """Each proof that waits, with its period, and who is asked to look at it."""
        for row in reading.periods(self.session):
            judged = to_accept.period_judged(self.session, row.id) if row.state == GIVEN else None
            if judged is None:
                continue
            barred = to_accept.barred(self.session, judged, to_accept.waiting(judged), held.day)
            holders = held.falls(to_accept.chain_of(self.session, judged, held)).holders
            first = next((one for one in holders if one.person_id not in barred), None)
            if first is not None:
                by = Actor(first.role, first.person_id, first.organization_id, first.acting_for)
                for fact in to_accept.waiting(judged):
                    yield row.id, UUID(fact.id), by

    def _give_early(self, at: datetime) -> None:
        """Some do not wait for the last days: what they give is looked at these days."""
        keep(self.session, at=at)
        day = local_day(self.session, at)
        held, given = standing(self.session, day), 0
        for row in reading.periods(self.session, since=day, until=day):
            place = row.organization_key
            holders = held.holding("manager", row.organization_id)
            is_left = place == _LATE or (place, row.key) in (_AT_RISK, _FREED)
            if row.check_kind != "document" or row.ends_on is None or row.state in _SETTLED or is_left:
                continue
            if holders and given < _GIVEN_EARLY:
                self._give(row, Actor("manager", holders[0].person_id, row.organization_id), day, at)
                given += 1

    def _look_at_proof(self, at: datetime) -> None:
        """All but the last of what waits is accepted; one comes back to the partner that gave it."""
        keep(self.session, at=at)
        waiting = list(self._waiting(standing(self.session, local_day(self.session, at))))
        for period_id, proof_id, by in waiting[1:-_STILL_WAIT]:
            accepting.accept(self.session, period_id, proof_id, by=by, at=at, judged=False)
        if len(waiting) > _STILL_WAIT:
            period_id, proof_id, by = waiting[0]
            accepting.give_back(self.session, period_id, proof_id, reason=_RETURNED, by=by, at=at)

    def _propose(self, at: datetime) -> None:
        """The coordinator proposes to the Steering Committee, which sits soon, to free a partner of a clause."""
        version = agreements.version_in_force(self.session, organization(self.session, _FREED[0]), self.today)
        if version is not None:
            waivers.propose(
                self.session,
                version.agreement_id,
                _FREED[1],
                starts_on=date(self.today.year, 1, 1),
                ends_on=date(self.today.year, 12, 31),
                reason=_REORGANIZED,
                by=coordinator(self.session, at),
                at=at,
            )

    def _endorse(self, at: datetime) -> None:
        """Every partner endorses what the committee decided."""
        held = standing(self.session, local_day(self.session, at))
        for _, decision_id in self._decided():
            for asked in asking.open_ones(self.session, asked_partners.ENDORSE, decision_id):
                first = held.falls(asked.links).holders[0]
                by = Actor(first.role, first.person_id, first.organization_id, first.acting_for)
                place = UUID(asked.links[0].at)
                endorsing.endorse(self.session, decision_id, place, "endorsed", by=by, at=at)

    def _free(self, at: datetime) -> None:
        """What the committee decided frees the partner."""
        for proposal, decision_id in self._decided():
            attestations.waive(
                self.session,
                proposal.agreement_id,
                proposal.key,
                starts_on=proposal.starts_on,
                ends_on=proposal.ends_on,
                decision_id=decision_id,
                reason=_REORGANIZED,
                by=coordinator(self.session, at),
                at=at,
            )

    def _decided(self) -> list[tuple[waiving.Proposed, UUID]]:
        version = agreements.version_in_force(self.session, organization(self.session, _FREED[0]), self.today)
        found = [] if version is None else waiving.proposals_of(self.session, version.agreement_id, _FREED[1])
        return [(proposal, proposal.decision_id) for proposal in found if proposal.decision_id is not None]

    def _end(self, at: datetime) -> None:
        """An agreement's last day is settled, so that the notice before it began a few days ago."""
        version = self._ending()
        if version is not None:
            last = self.today + timedelta(days=version.notice_days - 10)
            terminations.end_version(self.session, version.id, ends_on=last, by=coordinator(self.session, at), at=at)

    def _renew(self, at: datetime) -> None:
        version = self._ending()
        if version is not None:
            case_id = cases.open_case(
                self.session, "renewal", agreement_version_id=version.id, by=Actor.system(ROUNDS), at=at
            )
            carry_at_once(self.session, case_id, at=at)

    def _ending(self) -> AgreementVersion | None:
        return agreements.version_in_force(self.session, organization(self.session, _ENDS), self.today)
