"""People and engine in any order, with the engine dying anywhere: what must be true after each step of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain.casework import cases, tasks
from domain.kernel.refusals import Refusal
from domain.people import people
from flows.carry import carry, plainly
from flows.engine import DueAction, Means
from models.base import table_of
from models.casework import SETTLED, Task
from tests.casework import WHOLE_ONBOARDING, approve, case_row, complete, steps
from tests.cast import ARRIVAL, AT, Cast
from tests.flows.support import EVENT, HOLDER, NOTICE, Clock, carry_all, means_of, take
from tests.raw_rows import many

_task = table_of(Task)

ENROLMENT = "enrol_on_clinical_committee"


class Killed(BaseException):
    """The engine's process is gone."""


@dataclass
class World:
    """One new worker's onboarding among those of the others, and who does what with it."""

    cast: Cast
    means: Means
    clock: Clock
    person_id: UUID
    case_id: UUID

    def do(self, act: str) -> None:
        """Do what its name says, if the rules let it be done now."""
        kind, _, name = act.partition(" ")
        with suppress(Refusal):
            getattr(self, f"_{kind}")(name)

    def _complete(self, name: str) -> None:
        if complete(self.cast, self.case_id, name, at=self.clock.now).state == "submitted":
            approve(self.cast, self.case_id, name, by=self.cast.actor("manager_em"), at=self.clock.now)

    def _undo(self, name: str) -> None:
        with self.cast.session() as session:
            task_id = steps(session, self.case_id)[name, ""]["id"]
            tasks.undo_task(session, task_id, by=self.cast.actor("coordinator"), at=self.clock.now)

    def _everything(self, _: str) -> None:
        """Everyone does all that they can, the engine following."""
        for name in WHOLE_ONBOARDING:
            with self.cast.session() as session:
                items = [item for (found, item) in steps(session, self.case_id) if found == name]
            for item in items:
                with suppress(Refusal):
                    moved = complete(self.cast, self.case_id, name, item=item, at=self.clock.now)
                    if moved.state == "submitted":
                        approver = "manager_la" if name == "request_petty_cash" else "manager_em"
                        approve(self.cast, self.case_id, name, by=self.cast.actor(approver), at=self.clock.now)
            carry_all(self.means)

    def _cancel(self, _: str) -> None:
        with self.cast.session() as session:
            by = self.cast.actor("coordinator")
            cases.cancel_case(session, self.case_id, by=by, at=self.clock.now, reason="Non.")

    def _reopen(self, _: str) -> None:
        with self.cast.session() as session:
            by = self.cast.actor("coordinator")
            cases.reopen_case(session, self.case_id, by=by, at=self.clock.now, reason="Oui.")

    def _carry(self, _: str) -> None:
        carry_all(self.means)

    def _die(self, name: str) -> None:
        """Carry, and die right before or right after the first act; the lease ends."""
        self._interrupted(_kill, before=name == "before")

    def _meanwhile(self, act: str) -> None:
        """Carry, while somebody does something just before the engine's first act."""
        self._interrupted(lambda: self.do(act.replace("-", " ", 1)), before=True)

    def _wait(self, _: str) -> None:
        self.clock.pass_by(days=1)

    def _interrupted(self, what: Callable[[], None], *, before: bool) -> None:
        claim = take(self.means)
        if claim is None:
            return
        plain = plainly(self.means)
        seen: list[DueAction] = []

        async def perform(act: DueAction) -> None:
            first = not seen
            seen.append(act)
            if first and before:
                what()
            await plain(act)
            if first and not before:
                what()

        try:
            asyncio.run(carry(claim, self.means, perform))
        except Killed:
            self.clock.pass_by(seconds=121)

    def check(self, *, at_rest: bool) -> None:
        """What is true whatever happened."""
        with self.cast.session() as session:
            case = case_row(session, self.case_id)
            rows = steps(session, self.case_id)
            holding = many(
                session, select(HOLDER).where(HOLDER.c.person_id == self.person_id, HOLDER.c.withdrawn_at.is_(None))
            )
            told = many(session, select(EVENT).where(EVENT.c.case_id == self.case_id).order_by(EVENT.c.n))
            lists = many(
                session,
                select(NOTICE.c.id).where(NOTICE.c.person_id == self.person_id, NOTICE.c.template == "contact_lists"),
            )
        today = self.clock.now.date()
        enrolled = [held for held in holding if held["ends_on"] is None or held["ends_on"] >= today]
        act = rows[ENROLMENT, ""]["act_state"]
        assert bool(enrolled) == (act in ("done", "undo_wanted")), "enrolled exactly while the act is done"
        assert len(enrolled) <= 1
        assert len(lists) <= 1
        _in_turns(told, rows[ENROLMENT, ""]["id"])
        asked = [row["step"] for row in rows.values() if row["act_state"] in ("wanted", "undo_wanted")]
        if case["state"] == "closed":
            assert all(row["state"] in SETTLED for row in rows.values() if row["required"]), "closed when settled"
            assert asked == []
        if at_rest:
            assert asked == [], "the engine left something undone"
            if case["state"] == "cancelled":
                assert enrolled == []
            elif rows["introduce_program", ""]["state"] == "done":
                assert enrolled


def _kill() -> None:
    raise Killed


def _in_turns(told: list[dict[str, Any]], task_id: UUID) -> None:
    """Done, undone, done: never the same twice in a row."""
    turns = [
        event["verb"]
        for event in told
        if event["subject_id"] == task_id and event["verb"] in ("act.done", "act.undone")
    ]
    for one, next_one in pairwise(turns):
        assert one != next_one, turns
    assert turns[:1] in ([], ["act.done"])


STEPS = ("introduce_program", "note_committee_dates", "present_research", "request_secure_access")
ACTS = (
    *(f"complete {name}" for name in STEPS),
    *(f"undo {name}" for name in STEPS),
    "cancel",
    "reopen",
    "carry",
    "die before",
    "die after",
    "meanwhile undo-introduce_program",
    "meanwhile complete-introduce_program",
    "meanwhile cancel",
    "meanwhile reopen",
    "wait",
    "everything",
)


_RANDOMLY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
_any_acts = given(st.lists(st.sampled_from(ACTS), min_size=4, max_size=16))


@pytest.mark.ci
@settings(_RANDOMLY, max_examples=8)
@_any_acts
def test_in_whatever_order_people_and_engine_act_the_seat_and_its_note_agree(cast: Cast, acts: list[str]) -> None:
    _act_in_order(cast, acts)


@pytest.mark.nightly
@settings(_RANDOMLY, max_examples=40)
@_any_acts
def test_in_whatever_order_people_and_engine_act_the_seat_and_its_note_agree_at_length(
    cast: Cast, acts: list[str]
) -> None:
    """The same, many times over."""
    _act_in_order(cast, acts)


def _act_in_order(cast: Cast, acts: list[str]) -> None:
    world = _world(cast)
    # The onboarding begins as most do, so that what is drawn meets an engine with something to do.
    world.do("complete introduce_program")
    for act in acts:
        world.do(act)
        world.check(at_rest=False)
    world.clock.pass_by(seconds=600)
    carry_all(world.means)
    world.check(at_rest=True)


def _world(cast: Cast) -> World:
    """A new worker in the same database: the others of the examples before are still there."""
    clock = Clock()
    means = means_of(cast, clock)
    by = cast.actor("coordinator")
    with cast.session() as session:
        person_id = people.add_person(
            session, given_name="Jaspe", family_name="Lave", email="j@en-marge.example", language="fr", by=by, at=AT
        )
        people.appoint(
            session,
            person_id=person_id,
            role="youth_worker",
            organization_id=cast.organizations["en-marge"],
            starts_on=ARRIVAL - timedelta(days=20),
            by=by,
            at=AT,
        )
        case_id = cases.open_case(
            session, "onboarding", subject_id=person_id, organization_id=cast.organizations["en-marge"], by=by, at=AT
        )
    return World(cast, means, clock, person_id, case_id)
