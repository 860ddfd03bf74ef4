"""The program driven through departures at random: what people do to it, and what holds after every step.

A state machine: people of every role leave and stay after all, go away and come back, answer what is offered to them,
or return to another organization; follow-ups, referrals and equipment arrive in the meantime; closed departures are
opened again; days pass, and the engine's own loops run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select, text

from domain.access import sign_ins
from domain.accompaniment import breaks, states
from domain.casework import board, cases, tasks
from domain.casework.proofs import GivenProof
from domain.departure import (
    departures,
    endings,
    gathering,
    hand_overs,
    hand_overs_in_bulk,
    interviews,
    offers,
    settling,
)
from domain.follow_ups import assigning, summaries
from domain.follow_ups.summaries import Summary
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, every, of
from domain.kernel.scope import local_day, program_of
from domain.participants import referring
from domain.people import absences, people
from domain.roles.roles import standing
from flows.at_once import carry_at_once
from flows.departing import close_doors, look_at_hands
from models.access import BrowserSession
from models.base import table_of
from models.casework import Case, Task
from models.departure import Departure
from models.program import Absence
from models.referral import Referral
from tests.casework import filled_in
from tests.cast import AT, Cast
from tests.departing import CASE, TASK, lend, open_account
from tests.flows.support import means_of
from tests.following import followed
from tests.raw_rows import many
from tests.referring import ONDINE

DEPARTURE, REFERRAL, ABSENCE, SIGN_IN = (
    table_of(Departure),
    table_of(Referral),
    table_of(Absence),
    table_of(BrowserSession),
)
WORKERS: Final = ("worker_ccsmtl", "worker_codim", "without_mail")
#: Who leaves in these walks, and from where: workers, managers, a member of committees, and the only coordinator.
PLACES: Final = {
    "worker_ccsmtl": "ccsmtl",
    "worker_codim": "codim",
    "without_mail": "anonyme",
    "manager_codim": "codim",
    "police": "spvm",
    "coordinator": "ccsmtl",
}
LEAVERS: Final = tuple(PLACES)
#: Who sees to departures where there is no coordinator: the host organization's manager, then its director.
HOSTS: Final = ("manager_ccsmtl", "director_ccsmtl")
ORGANIZATIONS: Final = ("ccsmtl", "codim", "anonyme")
STEPS: Final = ("tell_participant", "agree_on_way", "write_summary", "return_material", "agree_on_criteria")


def machine_of(fresh: Callable[[], Cast]) -> type[RuleBasedStateMachine]:  # noqa: C901  # it holds a class of rules
    """The machine, each run of it in a program of its own."""

    class Leaving(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.cast = fresh()
            self.at: datetime = AT
            self.numbers = 0
            self.serials = 0
            self.names = 0
            self.acknowledged: list[UUID] = []  # in the order in which they came, so that a walk can be walked again
            self.referred: set[UUID] = set()
            self.lent: set[UUID] = set()
            self.closed: set[UUID] = set()
            with self.cast.session() as session:
                for name in LEAVERS:
                    sign_ins.begin(session, self.cast.people[name], means="passkey", device="", at=AT)

        def _try(self, act: Callable[[Any], object]) -> None:
            """Do what somebody asks for; a rule may refuse it, and then nothing is kept."""
            with suppress(Refusal), self.cast.session() as session:
                act(session)

        def _by(self) -> Actor:
            """Whoever coordinates today, else who sees to it for the host organization."""
            with self.cast.session() as session:
                now = standing(session, local_day(session, self.at))
                for role in ("coordinator", "manager", "director"):
                    for held in now.holding(role, self.cast.organizations["ccsmtl"]):
                        return Actor(role, held.person_id, held.organization_id)
            return self.cast.actor("director_ccsmtl")

        # What arrives.

        @initialize(leaver=st.sampled_from(WORKERS), days=st.integers(0, 9))
        def a_worker_leaves_who_follows_two(self, leaver: str, days: int) -> None:
            for second in (None, WORKERS[WORKERS.index(leaver) - 1]):
                self.somebody_is_followed(leaver, second)
            self.something_reaches_them(leaver)
            self.somebody_leaves(leaver, days, planned=True)
            with self.cast.session() as session:
                hand_overs_in_bulk.propose_all(session, self.open_cases()[0], dry_run=False, by=self._by(), at=self.at)

        @rule(who=st.sampled_from(WORKERS), second=st.sampled_from((None, *WORKERS)))
        def somebody_is_followed(self, who: str, second: str | None) -> None:
            self.numbers += 1
            number = f"#2026-{self.numbers:02}"
            pair = None if second == who else second

            def act(session: Any) -> UUID:
                return followed(session, self.cast, number, worker=who, second=pair, by=self._by(), at=self.at)

            with suppress(Refusal), self.cast.session() as session:
                found = act(session)
                session.commit()
                self.acknowledged.append(found)

        @rule(who=st.sampled_from(LEAVERS))
        def something_reaches_them(self, who: str) -> None:
            self.serials += 1
            with self.cast.session() as session:
                self.lent.add(lend(session, self.cast.people[who], f"SN-{self.serials}"))

        @rule(who=st.sampled_from(LEAVERS))
        def an_account_is_opened_for_them(self, who: str) -> None:
            self.names += 1
            with self.cast.session() as session:
                open_account(session, self.cast.people[who], f"name-{self.names}", at=self.at)

        @rule(who=st.sampled_from(LEAVERS), sent=st.booleans())
        def somebody_is_referred(self, who: str, sent: bool) -> None:
            by = self.cast.actor(who)
            with self.cast.session() as session:
                referral_id = referring.begin_referral(session, ONDINE, by=by, at=self.at)
                if sent:
                    referring.send_referral(session, referral_id, ONDINE, by=by, at=self.at)
                self.referred.add(referral_id)

        # Who comes and goes.

        @rule(who=st.sampled_from(LEAVERS), days=st.integers(0, 9), planned=st.booleans())
        def somebody_leaves(self, who: str, days: int, planned: bool) -> None:
            today = self.at.date()
            last_day = today + timedelta(days=days) if planned else today - timedelta(days=days)
            person_id, place = self.cast.people[who], self.cast.organizations[PLACES[who]]
            by = self._by()
            if by.person_id == person_id:
                by = self.cast.actor(HOSTS[0])
            self._try(
                lambda session: departures.open_departure(
                    session,
                    person_id=person_id,
                    organization_id=place,
                    last_day=last_day,
                    planned=planned,
                    by=by,
                    at=self.at,
                )
            )

        @rule(who=st.sampled_from(LEAVERS), days=st.integers(0, 20))
        def an_end_is_only_written_down(self, who: str, days: int) -> None:
            def act(session: Any) -> None:
                for held in standing(session, self.at.date()).roles_of(self.cast.people[who]):
                    ends_on = self.at.date() + timedelta(days=days)
                    people.end_tenure(session, held.id, ends_on=ends_on, by=self._by(), at=self.at)

            self._try(act)

        @rule(who=st.sampled_from(LEAVERS), place=st.sampled_from(ORGANIZATIONS), days=st.integers(0, 3))
        def somebody_comes_to_another_organization(self, who: str, place: str, days: int) -> None:
            self._try(
                lambda session: people.appoint(
                    session,
                    person_id=self.cast.people[who],
                    role="youth_worker",
                    organization_id=self.cast.organizations[place],
                    starts_on=self.at.date() + timedelta(days=days),
                    by=self._by(),
                    at=self.at,
                )
            )

        @rule(who=st.sampled_from(LEAVERS), deputy=st.sampled_from((None, *LEAVERS)), days=st.integers(1, 6))
        def somebody_is_away(self, who: str, deputy: str | None, days: int) -> None:
            self._try(
                lambda session: absences.record_absence(
                    session,
                    person_id=self.cast.people[who],
                    starts_on=self.at.date(),
                    ends_on=self.at.date() + timedelta(days=days),
                    deputy_id=self.cast.people[deputy] if deputy else None,
                    by=self._by(),
                    at=self.at,
                )
            )

        @rule()
        def everybody_comes_back(self) -> None:
            with self.cast.session() as session:
                away = session.scalars(select(ABSENCE.c.id).where(ABSENCE.c.cancelled_at.is_(None))).all()
            for absence_id in away:
                self._try(partial(absences.cancel_absence, absence_id=absence_id, by=self._by(), at=self.at))

        # What is done about it.

        @rule(who=st.sampled_from((*LEAVERS, *HOSTS)))
        def somebody_names_themselves(self, who: str) -> None:
            for task in self.tasks():
                if task["holding"] == "tenure":
                    by, me = self.cast.actor(who), self.cast.people[who]
                    settle = partial(settling.settle_holding, task_id=task["id"], successor_id=me, by=by, at=self.at)
                    self._try(settle)

        @precondition(lambda self: bool(self.tasks()))
        @rule(data=st.data())
        def something_is_settled(self, data: st.DataObject) -> None:
            task = data.draw(st.sampled_from(self.tasks()))
            end = data.draw(st.sampled_from(endings.ENDINGS[task["holding"]]))
            who = data.draw(st.sampled_from((None, *LEAVERS, "deputy", "officer")))
            self._settle(task, self.cast.people[who] if who else None, end)

        def _settle(self, task: dict[str, Any], successor_id: UUID | None, end: str) -> None:
            self._try(
                lambda session: settling.settle_holding(
                    session,
                    task["id"],
                    successor_id=successor_id,
                    ended_as="" if successor_id else end,
                    note="So",
                    by=self._by(),
                    at=self.at,
                )
            )

        @precondition(lambda self: bool(self.open_cases()))
        @rule(data=st.data())
        def all_follow_ups_are_offered_as_the_dry_run_said(self, data: st.DataObject) -> None:
            case_id, by = data.draw(st.sampled_from(self.open_cases())), self._by()
            offer = partial(hand_overs_in_bulk.propose_all, case_id=case_id, by=by, at=self.at)
            with self.cast.session() as session:
                foreseen = offer(session, dry_run=True)
                assert offer(session, dry_run=False) == foreseen
                again = offer(session, dry_run=False)
            assert all(line.refused for line in again), "a second run offers nothing"

        @rule(who=st.sampled_from(WORKERS), yes=st.booleans())
        def somebody_answers(self, who: str, yes: bool) -> None:
            with self.cast.session() as session:
                waiting = offers.offered_to(session, self.cast.people[who])
            by = self.cast.actor(who)
            for offer in waiting[:1]:
                if yes:
                    self._try(partial(hand_overs.accept, hand_over_id=offer.id, by=by, at=self.at))
                else:
                    self._try(partial(hand_overs.refuse, hand_over_id=offer.id, reason="No room", by=by, at=self.at))

        @precondition(lambda self: bool(self.acknowledged))
        @rule(data=st.data(), who=st.sampled_from(WORKERS))
        def a_follow_up_is_given_to_somebody(self, data: st.DataObject, who: str) -> None:
            follow_up_id = data.draw(st.sampled_from(self.acknowledged))

            def act(session: Any) -> None:
                today = assigning.on_day(session, self.at.date(), follow_up_ids=[follow_up_id])
                has_it = next((row.person_id for row in today if row.kind == "primary"), None)
                assigning.assign_worker(
                    session, follow_up_id, self.cast.people[who], instead_of=has_it, by=self._by(), at=self.at
                )

            self._try(act)

        @precondition(lambda self: bool(self.acknowledged))
        @rule(data=st.data(), move=st.sampled_from(("pause", "resume", "lose", "complete", "take_up")))
        def a_follow_up_stands_otherwise(self, data: st.DataObject, move: str) -> None:
            follow_up_id = data.draw(st.sampled_from(self.acknowledged))
            by, at = self._by(), self.at
            back = at.date() + timedelta(days=3)
            do: dict[str, Callable[[Any], object]] = {
                "pause": lambda s: breaks.take_break(
                    s, follow_up_id, returns_on=back, terms="J’appelle.", by=by, at=at
                ),
                "resume": lambda s: breaks.come_back(s, follow_up_id, by=by, at=at),
                "lose": lambda s: states.deactivate(s, follow_up_id, "lost_contact", by=by, at=at),
                "complete": lambda s: states.complete(s, follow_up_id, participant_agrees=True, by=by, at=at),
                "take_up": lambda s: states.reactivate(s, follow_up_id, nobody_yet=True, by=by, at=at),
            }
            self._try(do[move])

        @rule(who=st.sampled_from((*LEAVERS, *HOSTS)), stands_for=st.sampled_from((None, *LEAVERS)))
        def somebody_does_and_somebody_approves(self, who: str, stands_for: str | None) -> None:
            """Every step that a tick does, and every approval that waits, by whoever comes by, under whichever hat."""
            acting = self.cast.people[stands_for] if stands_for and stands_for != who else None
            by = Actor("manager", self.cast.people[who], acting_for=acting)
            for task in self._rows(TASK.c.holding == "", TASK.c.action == "", TASK.c.case_id.is_not(None)):
                if task["state"] == "submitted":
                    self._try(partial(tasks.approve_task, task_id=task["id"], by=by, at=self.at))
                elif task["step"] in STEPS or task["protocol"] == "recruiting":
                    self._try(partial(self._do, task=task, by=by))

        def _do(self, session: Any, task: dict[str, Any], by: Actor) -> None:
            if task["step"] == summaries.WRITTEN:
                said = Summary("Elle va bien.", "Elle a appelé.")
                summaries.complete_summary(session, task["id"], said, by=by, at=self.at)
                return
            if task["evidence"] == "interviews":
                for one in (by, self.cast.actor("researcher")):
                    interviews.record_interview(
                        session, task["case_id"], applicant=1, leadership=80, clinical=80, note="So", by=one, at=self.at
                    )
            proofs = [GivenProof("way", "call")] if task["evidence"] == "way" else []
            given = filled_in(task["asks"])
            tasks.complete_task(session, task["id"], by=by, at=self.at, note="So", evidence=proofs, given=given)

        @precondition(lambda self: bool(self.open_cases()))
        @rule(data=st.data())
        def one_is_seen_to_the_end(self, data: st.DataObject) -> None:
            """Everything is settled by its last way to end, and every other step done, so far as rules let it."""
            case_id = data.draw(st.sampled_from(self.open_cases()))
            by = self.cast.actor("director_ccsmtl")
            for task in self._rows(TASK.c.case_id == case_id, TASK.c.action == ""):
                if task["holding"] == "equipment":
                    self._settle(task, None, "returned")
                elif task["holding"]:
                    self._settle(task, None, endings.ENDINGS[task["holding"]][-1])
                else:
                    self._try(partial(self._do, task=task, by=by))
            self._carry(case_id)
            for task in self._rows(TASK.c.case_id == case_id, TASK.c.evidence == "empty_hands"):
                self._try(partial(self._do, task=task, by=by))

        @precondition(lambda self: bool(self.open_cases()))
        @rule(data=st.data())
        def one_stays_after_all_or_closes(self, data: st.DataObject) -> None:
            case_id = data.draw(st.sampled_from(self.open_cases()))
            if data.draw(st.booleans()):
                self._try(partial(cases.cancel_case, case_id=case_id, by=self._by(), at=self.at, reason="Stays"))
            else:
                self._try(partial(cases.close_case, case_id=case_id, by=self._by(), at=self.at))
            self._carry(case_id)

        @precondition(lambda self: bool(self.ended_cases()))
        @rule(data=st.data())
        def one_is_opened_again(self, data: st.DataObject) -> None:
            case_id = data.draw(st.sampled_from(self.ended_cases()))
            reopen = partial(cases.reopen_case, case_id=case_id, by=self._by(), at=self.at, reason="Something was left")
            self._try(reopen)
            self._carry(case_id)

        def _carry(self, case_id: UUID) -> None:
            """What the engine does for the case, as soon as somebody did something to it."""
            with self.cast.session() as session:
                carry_at_once(session, case_id, at=self.at)

        @rule(days=st.integers(0, 5))
        def days_pass(self, days: int) -> None:
            """And the engine's loops run, as they do every few seconds."""
            self.at += timedelta(days=days)
            means = means_of(self.cast, lambda: self.at)
            close_doors(means)
            look_at_hands(means)

        # What is looked at.

        def _rows(self, *which: Any) -> list[dict[str, Any]]:
            """The tasks of these that are to be done or approved, in an order that is always the same."""
            with self.cast.session() as session:
                rows = many(
                    session,
                    select(TASK, CASE.c.protocol, CASE.c.opened_at.label("began_at"), CASE.c.subject_id)
                    .join(CASE, (CASE.c.program_id == TASK.c.program_id) & (CASE.c.id == TASK.c.case_id))
                    .where(TASK.c.program_id == program_of(session), TASK.c.state.in_(["open", "submitted"]), *which),
                )
            return sorted(
                rows,
                key=lambda row: (
                    row["began_at"],
                    self._name(row["subject_id"]),
                    row["position"],
                    row["title_en"],
                    row["opened_at"],
                ),
            )

        def _name(self, person_id: UUID) -> str:
            """What a person is called in every run, where their id is another each time: a walk can be walked again."""
            return next((name for name, known in self.cast.people.items() if known == person_id), "")

        def tasks(self) -> list[dict[str, Any]]:
            return self._rows(TASK.c.holding != "")

        def open_cases(self) -> list[UUID]:
            return self._departures("open")

        def ended_cases(self) -> list[UUID]:
            return self._departures("closed", "cancelled")

        def _departures(self, *states_: str) -> list[UUID]:
            with self.cast.session() as session:
                asked = select(CASE).where(
                    CASE.c.program_id == program_of(session), CASE.c.gathers, CASE.c.state.in_(states_)
                )
                rows = many(session, asked.order_by(CASE.c.opened_at))
            places = {place: key for key, place in self.cast.organizations.items()}
            rows.sort(
                key=lambda row: (
                    row["opened_at"],
                    self._name(row["subject_id"]),
                    places.get(row["organization_id"], ""),
                )
            )
            return [row["id"] for row in rows]

        def _ended(self, session: Any) -> Iterator[dict[str, Any]]:
            """The departures whose last day is over, and that hold."""
            for row in many(session, select(DEPARTURE).where(DEPARTURE.c.called_off_at.is_(None))):
                if row["ended_at"] is not None:
                    yield row

        @invariant()
        def a_followed_participant_has_one_live_primary_worker_or_a_visible_vacancy(self) -> None:
            with self.cast.session() as session:
                today = local_day(session, self.at)
                live = standing(session, today).live
                rows = session.execute(
                    text(
                        "select f.id, f.state, t.state as vacancy, a.person_id from follow_up f"
                        " left join task t on t.id = f.vacancy_task_id"
                        " left join assignment a"
                        " on a.follow_up_id = f.id and a.kind = 'primary' and a.withdrawn_at is null"
                        " and a.starts_on <= :day and (a.ends_on is null or a.ends_on >= :day)"
                    ),
                    {"day": today},
                ).all()
            assert {row.id for row in rows} == set(self.acknowledged), "a follow-up was lost"
            assert len({row.id for row in rows}) == len(rows), "two primary workers"
            for row in rows:
                if row.state == "active":
                    assert row.person_id in live or row.vacancy == "open"

        @invariant()
        def whatever_is_open_has_a_live_holder_or_shows_as_vacant(self) -> None:
            with self.cast.session() as session:
                now = standing(session, local_day(session, self.at))
                open_ones = of(Task).where(
                    col(Task.state).in_(["open", "submitted"]), col(Task.owed_by_id).is_not(None)
                )
                rows = every(session, open_ones)
                names = [chain for row in rows for chain in (row.owed_by_id, row.approved_by_id)]
                chains = board.chains(session, names)
                for row in rows:
                    falls = board.who(now, row, chains)
                    assert falls is not None
                    assert falls.vacant or all(one.person_id in now.live for one in falls.holders)

        @invariant()
        def no_referral_is_lost_and_each_that_was_sent_waits_on_somebody(self) -> None:
            with self.cast.session() as session:
                rows = session.execute(select(REFERRAL.c.id, REFERRAL.c.state)).all()
                waiting = session.scalar(text("select count(*) from task where step = 'triage' and state = 'open'"))
            states_ = {row.id: row.state for row in rows}
            # A draft is thrown away by a settlement that says so; what was sent stays.
            assert {one for one, state in states_.items() if state != "draft"} <= set(states_) <= self.referred
            assert self.referred - set(states_) <= self._thrown_away()
            assert waiting == sum(state == "received" for state in states_.values())

        def _thrown_away(self) -> set[UUID]:
            with self.cast.session() as session:
                said = text("select holding_id from settlement where ended_as = 'thrown_away' and note <> ''")
                return set(session.scalars(said))

        @invariant()
        def no_piece_of_equipment_is_lost(self) -> None:
            with self.cast.session() as session:
                there = set(session.scalars(text("select id from loan")))
                silent = session.scalar(
                    text("select count(*) from loan where returned_at is not null and condition = ''")
                )
            assert self.lent <= there
            assert silent == 0, "one came back of which nobody noted the condition"

        @invariant()
        def no_account_is_closed_unsaid_nor_asked_back_by_a_departure_from_before_it_was_opened(self) -> None:
            """Whoever came back is given a new one, which is of their new time there, and of its own departure."""
            with self.cast.session() as session:
                asked = text(
                    "select count(*) from task t join departure d on d.case_id = t.case_id"
                    " join account a on replace(a.id::text, '-', '') = t.item"
                    " where t.holding = 'account' and t.state = 'open' and d.called_off_at is null"
                    " and d.ended_at is not null and a.opened_at > d.ended_at"
                    " and exists (select 1 from tenure n where n.person_id = d.person_id"
                    " and n.organization_id = d.organization_id and n.starts_on > d.last_day"
                    " and n.starts_on <= :day and (n.ends_on is null or n.ends_on >= :day))"
                )
                wrongly = session.scalar(asked, {"day": local_day(session, self.at)})
                unsaid = session.scalar(
                    text(
                        "select count(*) from account a where a.closed_at is not null and not exists"
                        " (select 1 from settlement s where s.kind = 'account' and s.holding_id = a.id)"
                    )
                )
            assert (wrongly, unsaid) == (0, 0)

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
                    text("select count(*) from task where settled_by is not null and settled_by in (done_by, done_for)")
                )
            assert (own, approved) == (0, 0)

        @invariant()
        def nothing_was_in_hand_when_a_case_closed(self) -> None:
            """What comes after its close is another matter: it is asked for once the case is opened again."""
            with self.cast.session() as session:
                closed = {
                    row.id: row for row in every(session, of(Case).where(col(Case.gathers), Case.state == "closed"))
                }
                for case_id in closed.keys() - self.closed:
                    assert gathering.left(session, closed[case_id], self.at) == []
            self.closed = set(closed)

        @invariant()
        def who_left_holds_no_role_nor_seat_there_and_has_no_way_in_unless_they_are_elsewhere(self) -> None:
            with self.cast.session() as session:
                now = standing(session, local_day(session, self.at))
                later = standing(session, local_day(session, self.at) + timedelta(days=30))
                for row in self._ended(session):
                    who = row["person_id"]
                    is_back = row["organization_id"] in [one.organization_id for one in now.roles_of(who)]
                    if is_back:
                        # Only who came back there: in a role that began after the last day.
                        began = text(
                            "select max(starts_on) from tenure where person_id = :who and organization_id = :place"
                        )
                        asked = {"who": who, "place": row["organization_id"]}
                        assert session.scalar(began, asked) > row["last_day"], f"{self._name(who)} still works there"
                    seats = text(
                        "select count(*) from seat_holder h join seat s on s.id = h.seat_id where h.person_id = :who"
                        " and s.organization_id = :place and h.withdrawn_at is null and h.starts_on <= :until"
                        " and (h.ends_on is null or h.ends_on >= :day)"
                    )
                    until = row["last_day"] if is_back else now.day
                    held = {"who": who, "place": row["organization_id"], "day": now.day, "until": until}
                    assert session.scalar(seats, held) == 0
                    if who not in now.live and who not in later.live:
                        still_in = SIGN_IN.c.person_id == who, SIGN_IN.c.ended_at.is_(None)
                        assert session.scalars(select(SIGN_IN.c.id).where(*still_in)).all() == []

    return Leaving
