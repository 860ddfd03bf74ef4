"""Whatever happens in whatever order, nobody leaves with anything in hand and nothing open is lost.

A state machine drives the program: people leave, stay after all, are away, come back; follow-ups are opened, offered,
accepted and refused; days pass. After every step the rules below hold in the database.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, text

from duties import board, cases, departures, gathering, hand_overs, people, settling
from duties.here import local_day, many, program_of
from duties.participants import referring
from duties.refusals import Refusal
from duties.roles import standing
from models.base import table_of
from models.casework import Responsibility
from models.departure import Departure
from models.referral import Referral
from tests.cast import AT, LOADING, Cast
from tests.conftest import Copies
from tests.departing import CASE, TASK, lend, record_protocols
from tests.following import agreed, followed
from tests.referring import ONDINE, declare_admission

CHAIN, DEPARTURE, REFERRAL = table_of(Responsibility), table_of(Departure), table_of(Referral)
WORKERS = ("worker_ccsmtl", "worker_codim", "without_mail")
PLACES = {"worker_ccsmtl": "ccsmtl", "worker_codim": "codim", "without_mail": "anonyme", "manager_codim": "codim"}
LEAVERS = tuple(PLACES)


def machine_of(fresh: Callable[[], Cast]) -> type[RuleBasedStateMachine]:  # noqa: C901  # it holds a class of rules
    """The machine, each run of it in a program of its own."""

    class Leaving(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.cast = fresh()
            self.at: datetime = AT
            self.numbers = 0
            self.serials = 0
            self.acknowledged: set[UUID] = set()
            self.referred: set[UUID] = set()

        def _try(self, act: Callable[[Any], object]) -> None:
            """Do what somebody asks for; a rule may refuse it, and then nothing is kept."""
            with suppress(Refusal), self.cast.session() as session:
                act(session)

        def _by(self) -> Any:
            return self.cast.actor("coordinator")

        @rule(who=st.sampled_from(WORKERS), second=st.sampled_from((None, *WORKERS)))
        def somebody_is_followed(self, who: str, second: str | None) -> None:
            self.numbers += 1
            number = f"#2026-{self.numbers:02}"

            def act(session: Any) -> None:
                found = followed(
                    session, self.cast, number, worker=who, second=None if second == who else second, at=self.at
                )
                self.acknowledged.add(found)

            with suppress(Refusal), self.cast.session() as session:
                act(session)

        @rule(who=st.sampled_from(LEAVERS), days=st.integers(0, 9), planned=st.booleans())
        def somebody_leaves(self, who: str, days: int, planned: bool) -> None:
            today = self.at.date()
            self._try(
                lambda session: departures.open_departure(
                    session,
                    person_id=self.cast.people[who],
                    organization_id=self.cast.organizations[PLACES[who]],
                    last_day=today + timedelta(days=days) if planned else today - timedelta(days=days),
                    planned=planned,
                    by=self._by(),
                    at=self.at,
                )
            )

        @rule(who=st.sampled_from(LEAVERS))
        def something_reaches_them(self, who: str) -> None:
            self.serials += 1
            self._try(lambda session: lend(session, self.cast.people[who], f"SN-{self.serials}"))

        @rule(who=st.sampled_from(LEAVERS), sent=st.booleans())
        def somebody_is_referred(self, who: str, sent: bool) -> None:
            def act(session: Any) -> None:
                by = self.cast.actor(who)
                referral_id = referring.begin_referral(session, ONDINE, by=by, at=self.at)
                if sent:
                    referring.send_referral(session, referral_id, ONDINE, by=by, at=self.at)
                self.referred.add(referral_id)

            self._try(act)

        @rule(who=st.sampled_from(("manager_codim", "coordinator")))
        def somebody_names_themselves(self, who: str) -> None:
            for task in self.tasks():
                if task["holding"] == "tenure":
                    by, me = self.cast.actor(who), self.cast.people[who]
                    settle = partial(settling.settle_holding, task_id=task["id"], successor_id=me, by=by, at=self.at)
                    self._try(settle)

        @rule(who=st.sampled_from(LEAVERS), deputy=st.sampled_from((None, *LEAVERS)), days=st.integers(1, 6))
        def somebody_is_away(self, who: str, deputy: str | None, days: int) -> None:
            self._try(
                lambda session: people.record_absence(
                    session,
                    person_id=self.cast.people[who],
                    starts_on=self.at.date(),
                    ends_on=self.at.date() + timedelta(days=days),
                    deputy_id=self.cast.people[deputy] if deputy else None,
                    by=self._by(),
                    at=self.at,
                )
            )

        @precondition(lambda self: bool(self.tasks()))
        @rule(data=st.data())
        def something_is_settled(self, data: st.DataObject) -> None:
            task = data.draw(st.sampled_from(self.tasks()))
            ends = settling.ENDINGS[task["holding"]]
            who = data.draw(st.sampled_from((None, *LEAVERS, "deputy")))
            self._try(
                lambda session: settling.settle_holding(
                    session,
                    task["id"],
                    successor_id=self.cast.people[who] if who else None,
                    ended_as="" if who else ends[0],
                    note="So",
                    by=self._by(),
                    at=self.at,
                )
            )

        @rule(who=st.sampled_from(WORKERS), yes=st.booleans())
        def somebody_answers(self, who: str, yes: bool) -> None:
            with self.cast.session() as session:
                offers = hand_overs.offered_to(session, self.cast.people[who])
            by = self.cast.actor(who)
            for offer in offers[:1]:
                if yes:
                    self._try(partial(hand_overs.accept, hand_over_id=offer["id"], by=by, at=self.at))
                else:
                    self._try(partial(hand_overs.refuse, hand_over_id=offer["id"], reason="No room", by=by, at=self.at))

        @precondition(lambda self: bool(self.open_cases()))
        @rule(data=st.data())
        def one_stays_after_all_or_closes(self, data: st.DataObject) -> None:
            case_id = data.draw(st.sampled_from(self.open_cases()))
            if data.draw(st.booleans()):
                self._try(lambda session: self._cancel(session, case_id))
            else:
                self._try(lambda session: cases.close_case(session, case_id, by=self._by(), at=self.at))

        def _cancel(self, session: Any, case_id: UUID) -> None:
            cases.cancel_case(session, case_id, by=self._by(), at=self.at, reason="Stays")
            departures.call_off(session, case_id, by=LOADING, at=self.at)

        @rule(days=st.integers(1, 5))
        def days_pass(self, days: int) -> None:
            self.at += timedelta(days=days)
            with self.cast.session() as session:
                for departure_id in departures.due_to_end(session, self.at):
                    departures.end_departure(session, departure_id, by=LOADING, at=self.at)
            for case_id in self.open_cases():
                self._try(partial(gathering.gather, case_id=case_id, by=LOADING, at=self.at))

        # What is looked at.

        def tasks(self) -> list[dict[str, Any]]:
            with self.cast.session() as session:
                return many(
                    session,
                    select(TASK)
                    .where(TASK.c.program_id == program_of(session), TASK.c.holding != "", TASK.c.state == "open")
                    .order_by(TASK.c.title_en, TASK.c.id),
                )

        def open_cases(self) -> list[UUID]:
            with self.cast.session() as session:
                return departures.under_way(session)

        @invariant()
        def a_followed_participant_has_one_live_primary_worker_or_a_visible_vacancy(self) -> None:
            with self.cast.session() as session:
                today = local_day(session, self.at)
                live = standing(session, today).live
                rows = session.execute(
                    text(
                        "select f.id, f.vacancy_task_id, a.person_id from follow_up f left join assignment a"
                        " on a.follow_up_id = f.id and a.kind = 'primary' and a.withdrawn_at is null"
                        " and a.starts_on <= :day and (a.ends_on is null or a.ends_on >= :day)"
                        " where f.state = 'active'"
                    ),
                    {"day": today},
                ).all()
            assert {row.id for row in rows} == self.acknowledged, "a follow-up was lost"
            assert len({row.id for row in rows}) == len(rows), "two primary workers"
            for row in rows:
                assert row.person_id in live or row.vacancy_task_id is not None

        @invariant()
        def whatever_is_open_has_a_live_holder_or_shows_as_vacant(self) -> None:
            with self.cast.session() as session:
                now = standing(session, local_day(session, self.at))
                for row in many(session, select(TASK).where(TASK.c.state == "open", TASK.c.owed_by_id.is_not(None))):
                    falls = board.who(now, row, board.chains(session, [row["owed_by_id"]]))
                    assert falls is not None
                    assert falls.vacant or all(one.person_id in now.live for one in falls.holders)

        @invariant()
        def no_referral_is_lost_and_each_that_was_sent_waits_on_somebody(self) -> None:
            with self.cast.session() as session:
                rows = session.execute(select(REFERRAL.c.id, REFERRAL.c.state)).all()
                waiting = session.scalar(text("select count(*) from task where step = 'triage' and state = 'open'"))
            states = {row.id: row.state for row in rows}
            assert set(states) == self.referred, "a referral was lost"
            assert waiting == sum(state == "received" for state in states.values())

        @invariant()
        def nobody_took_over_by_their_own_word_nor_approved_their_own(self) -> None:
            with self.cast.session() as session:
                own = session.scalar(
                    text(
                        "select count(*) from settlement where kind = 'tenure' and successor_id is not null"
                        " and settled_by = successor_id"
                    )
                )
                approved = session.scalar(
                    text("select count(*) from task where settled_by is not null and settled_by = done_by")
                )
            assert (own, approved) == (0, 0)

        @invariant()
        def nobody_whose_last_day_is_past_has_anything_in_hand_in_a_case_that_closed(self) -> None:
            with self.cast.session() as session:
                closed = many(session, select(CASE).where(CASE.c.gathers, CASE.c.state == "closed"))
                for case in closed:
                    assert gathering.left(session, case, self.at) == []

        @invariant()
        def who_left_holds_no_role_there(self) -> None:
            with self.cast.session() as session:
                today = local_day(session, self.at)
                now = standing(session, today)
                for row in many(session, select(DEPARTURE).where(DEPARTURE.c.called_off_at.is_(None))):
                    if row["ended_at"] is not None:
                        held = [one.organization_id for one in now.roles_of(row["person_id"])]
                        assert row["organization_id"] not in held

    return Leaving


def test_no_order_of_departures_absences_returns_and_refusals_loses_anything(
    copies: Copies, cast_template: tuple[str, Cast]
) -> None:
    name, built = cast_template
    kept: list[Any] = []

    def fresh() -> Cast:
        while kept:
            kept.pop().__exit__(None, None, None)
        copy = copies.of(name)
        cast = built.on(copy.__enter__())
        kept.append(copy)
        record_protocols(cast)
        declare_admission(cast)
        with cast.session() as session:
            agreed(session, cast)
        return cast

    try:
        run_state_machine_as_test(
            machine_of(fresh),
            settings=settings(
                max_examples=8,
                stateful_step_count=15,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                derandomize=True,
            ),
        )
    finally:
        while kept:
            kept.pop().__exit__(None, None, None)
