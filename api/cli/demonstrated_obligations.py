"""What the demonstration's partners did about what they owe: stated, gave, were freed of, and let run late.

One partner is late with what it has to state, one has something at risk, one is freed of a clause by a decision, and
one agreement nears its last day, with its renewal under way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session

from api.cli.demonstrated_people import Happening, coordinator, organization
from duties.actors import ROUNDS, Actor
from duties.agreement import agreements
from duties.calendars import Calendar
from duties.casework import cases
from duties.declarations.program_agreements import AttestationRule
from duties.here import local_day, program_of
from duties.obligations import reading, saying
from duties.obligations.keeping import keep
from duties.roles import standing
from flows.at_once import carry_at_once
from models.base import table_of
from models.minutes import Decision

#: Whose statements are late since this long ago; whose document is not there yet; who is freed of which clause; and
#: whose agreement ends.
_LATE, _LATE_SINCE = "anonyme", timedelta(days=120)
_AT_RISK: Final = ("codim", "AG-P6")
_FREED: Final = ("marie-vincent", "AG-P4")
_ENDS: Final = "spvm"

#: What was seen to: every six weeks of the year behind.
_EVERY: Final = timedelta(days=42)
_LOOKS: Final = 8
#: A period is seen to in its last days.
_SEEN_TO_BEFORE: Final = timedelta(days=45)

_decision = table_of(Decision)


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
        for row in reading.periods(self.session, since=day - timedelta(days=100), until=day):
            if not self._is_seen_to(row, day):
                continue
            if row["check_kind"] == "attestation":
                role = row["rule"]["by"]
                place = organization(self.session, "ccsmtl") if role == "coordinator" else row["organization_id"]
                holders = held.holding(role, place)
                if holders:
                    by = Actor(role, holders[0].person_id, place)
                    saying.attest(self.session, row["id"], "held", by=by, at=at, judged=False)
            else:
                holders = held.holding("manager", row["organization_id"])
                if holders:
                    self._give(row, Actor("manager", holders[0].person_id, row["organization_id"]), day, at)

    def _is_seen_to(self, row: Mapping[str, Any], day: date) -> bool:
        if row["check_kind"] not in ("attestation", "document") or row["state"] in ("met", "waived", "no_occasion"):
            return False
        if row["ends_on"] is not None and row["ends_on"] - _SEEN_TO_BEFORE > day:
            return False
        if any(fact["why"] == "not_endorsed" for fact in row["found"]["facts"]):
            return False  # it was given, and waits for the committee
        if row["check_kind"] == "attestation":
            rule = AttestationRule.model_validate(row["rule"])
            if rule.from_day(row["starts_on"], row["ends_on"]) > day:
                return False
        place = row["organization_key"]
        if place == _LATE and day > self.today - _LATE_SINCE:
            return False
        return (place, row["key"]) not in (_AT_RISK, _FREED)

    def _give(self, row: Mapping[str, Any], by: Actor, day: date, at: datetime) -> None:
        last = row["ends_on"] or day
        content = f"Démonstration : {row['key']}.\n".encode()
        saying.add_document(
            self.session,
            row["id"],
            f"{row['rule']['kind']}.txt",
            content,
            effective_on=max(row["starts_on"], min(last, day)),
            by=by,
            at=at,
            judged=False,
        )

    def _free(self, at: datetime) -> None:
        """The Clinical Committee's first decision frees a partner of a clause."""
        decision_id = self.session.scalar(
            select(_decision.c.id)
            .where(_decision.c.program_id == program_of(self.session), _decision.c.state != "withdrawn")
            .order_by(_decision.c.decided_at)
            .limit(1)
        )
        version = agreements.version_in_force(self.session, organization(self.session, _FREED[0]), self.today)
        if decision_id is None or version is None:
            return
        saying.waive(
            self.session,
            version["agreement_id"],
            _FREED[1],
            starts_on=date(self.today.year, 1, 1),
            ends_on=date(self.today.year, 12, 31),
            decision_id=decision_id,
            reason="Équipe en réorganisation cette année.",
            by=coordinator(self.session, at),
            at=at,
        )

    def _end(self, at: datetime) -> None:
        """An agreement's last day is settled, so that the notice before it began a few days ago."""
        version = self._ending()
        if version is not None:
            last = self.today + timedelta(days=version["notice_days"] - 10)
            agreements.end_version(self.session, version["id"], ends_on=last, by=coordinator(self.session, at), at=at)

    def _renew(self, at: datetime) -> None:
        version = self._ending()
        if version is not None:
            case_id = cases.open_case(
                self.session, "renewal", agreement_version_id=version["id"], by=Actor.system(ROUNDS), at=at
            )
            carry_at_once(self.session, case_id, at=at)

    def _ending(self) -> dict[str, Any] | None:
        return agreements.version_in_force(self.session, organization(self.session, _ENDS), self.today)
