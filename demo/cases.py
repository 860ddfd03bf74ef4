"""The cases of the demonstration: opened, carried by its people step by step, and called off, by the real verbs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from sqlmodel import Session

from demo.cast import Act, DemoCase, DemonstrationFile
from demo.people import Happening, organization, person
from domain.casework import GivenProof, cases, chain_of, tasks
from domain.declarations import Protocol
from domain.kernel import Actor, Calendar, col, every, local_day, of
from domain.roles import Holder, Link, standing
from flows.at_once import carry_at_once
from models.casework import Task


@dataclass
class DemonstratedCases:
    """What people did in the cases of a demonstration's file up to the day on which it is loaded, a local day."""

    session: Session
    calendar: Calendar
    today: date
    demo: DemonstrationFile
    protocols: Mapping[str, Protocol]
    _opened: dict[str, UUID] = field(default_factory=dict)

    def happenings(self) -> Iterator[Happening]:
        """Each case in turn, with everything that was done in it."""
        for key, case in sorted(self.demo.cases.items()):
            yield Happening(case.opened.on(self.today, self.calendar), partial(self._open, key, case))
            for act in case.acts:
                settled = tuple((case.worker, step) for step in act.steps if self._settles(case, act, step))
                yield Happening(act.day.on(self.today, self.calendar), partial(self._act, key, act), settles=settled)
            if case.cancelled is not None:
                yield Happening(case.cancelled.on(self.today, self.calendar), partial(self._cancel, key, case))

    def _settles(self, case: DemoCase, act: Act, step: str) -> bool:
        needs_approval = self.protocols[case.protocol].by_id[step].approved_by is not None
        return act.verb in ("approved", "waived") or (act.verb == "done" and not needs_approval)

    def _open(self, key: str, case: DemoCase, at: datetime) -> None:
        self._opened[key] = cases.open_case(
            self.session,
            case.protocol,
            subject_id=person(self.session, case.worker),
            organization_id=organization(self.session, case.organization),
            by=self._coordinator(case.opened_by, at),
            at=at,
        )
        self._carry(key, at)

    def _act(self, key: str, act: Act, at: datetime) -> None:
        for step in act.steps:
            rows = every(
                self.session,
                of(Task).where(
                    Task.case_id == self._opened[key], Task.step == step, col(Task.item) == (act.item or "")
                ),
            )
            for task in rows:
                self._do(act, task, at)
        self._carry(key, at)

    def _cancel(self, key: str, case: DemoCase, at: datetime) -> None:
        by = self._coordinator(case.cancelled_by or case.opened_by, at)
        cases.cancel_case(self.session, self._opened[key], by=by, at=at, reason=case.reason or "")
        self._carry(key, at)

    def _carry(self, key: str, at: datetime) -> None:
        carry_at_once(self.session, self._opened[key], at=at + timedelta(minutes=1))

    def _do(self, act: Act, task: Task, at: datetime) -> None:
        by = self._hat(act, task, at)
        note, reason = act.note or "", act.reason or ""
        if act.verb == "done":
            given = act.filled_in(task.step)
            tasks.complete_task(self.session, task.id, by=by, at=at, note=note, evidence=[*_proofs(act)], given=given)
        elif act.verb == "approved":
            tasks.approve_task(self.session, task.id, by=by, at=at, note=note)
        elif act.verb == "rejected":
            tasks.reject_task(self.session, task.id, by=by, at=at, reason=reason)
        elif act.verb == "handed_back":
            tasks.hand_back_task(self.session, task.id, by=by, at=at, reason=reason)
        elif act.verb == "waived":
            tasks.waive_task(self.session, task.id, by=by, at=at, reason=reason)
        else:
            tasks.undo_task(self.session, task.id, by=by, at=at, reason=reason)

    def _hat(self, act: Act, task: Task, at: datetime) -> Actor:
        """The role in which a person did this: the one that owes it or approves it, else the coordinator's."""
        decides = act.verb in ("approved", "rejected")
        chain = task.approved_by_id if decides else task.owed_by_id
        holder: Holder | None = None
        if chain is not None:
            from_chain = standing(self.session, local_day(self.session, at)).falls(
                chain_of(self.session, chain), kind="approvals" if decides else "tasks"
            )
            holder = from_chain.on(person(self.session, act.by))
        if holder is None:
            return self._coordinator(act.by, at)
        return Actor(holder.role, holder.person_id, holder.organization_id, holder.acting_for)

    def _coordinator(self, key: str, at: datetime) -> Actor:
        """A person of the demonstration as the coordinator that they are, or act for."""
        person_id = person(self.session, key)
        held = standing(self.session, local_day(self.session, at))
        holder = held.falls([Link("coordinator")]).on(person_id)
        return Actor("coordinator", person_id, holder.organization_id if holder else None)


def _proofs(act: Act) -> list[GivenProof]:
    if act.serial is not None:
        return [GivenProof("serial", act.serial)]
    if act.account is not None:
        return [GivenProof("account", act.account)]
    if act.document is not None:
        return [GivenProof("document", act.document.name, act.document.text.encode())]
    return []
