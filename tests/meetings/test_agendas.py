"""The door by which items are asked for, and what people do to single items."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Text, select, update
from sqlalchemy import cast as cast_to
from sqlmodel import Session

from domain.casework.assigning import assign
from domain.kernel.refusals import Refusal
from domain.mail.notices import COORDINATION
from meetings import agenda_requests, agendas, assembling, deciding, decisions, freezing, running, schedule
from meetings.agenda_items import PresentedItem, items_of, pool_of
from meetings.committees import committee_of
from meetings.reasons import in_words
from models.agenda import AgendaItem, ItemReason
from models.base import table_of
from models.casework import Task
from models.record import Event
from tests.cast import AT, Cast
from tests.meetings.agenda_application import (
    FIRST,
    SECOND,
    SEEN_AGAIN,
    TRIAGED,
    admission,
    everything,
    item,
    meeting,
    move,
    session,
    titles,
    told,
)
from tests.meetings.sitting import seat

__all__ = ["session"]

_event = table_of(Event)
_item = table_of(AgendaItem)
_task = table_of(Task)


def _refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value.code


def _asked_task(session: Session, cast: Cast) -> UUID:
    """A task of the layer above, that a decision is to complete."""
    by = cast.actor("coordinator")
    return assign(
        session, "decide", "", title_fr="Décider", title_en="Decide", chain=COORDINATION, due_on=SECOND, by=by, at=AT
    )


def _pool(session: Session) -> list[PresentedItem]:
    return pool_of(session, committee_of(session, "clinical").id)


def test_the_same_subject_asked_for_twice_is_one_item_with_both_reasons(cast: Cast, session: Session) -> None:
    first = admission(session, cast)
    assert admission(session, cast, reason=SEEN_AGAIN) == first
    assert admission(session, cast, reason=SEEN_AGAIN) == first, "a reason that is known changes nothing"
    assert admission(session, cast, "#2026-08") != first

    (row,) = [row for row in _pool(session) if row.subject == "#2026-07"]
    assert [reason.code for reason in row.reasons] == ["triaged", "seen_again"]
    assert row.version == 2
    assert in_words(row.reasons, "fr") == "Décision attendue: 20 novembre 2026 Vu de nouveau: 22 novembre 2026"
    assert told(session, first) == ["agenda_item.asked", "agenda_item.asked_again"]


def test_what_is_not_said_is_as_the_rule_of_the_committee_has_it(cast: Cast, session: Session) -> None:
    row = item(session, admission(session, cast))
    assert (row["minutes"], row["purpose"], row["audience"]) == (15, "decision", "seats")
    assert row["section_en"] == "Admissions and hand-overs"
    assert row["presenter_seat_id"] == seat(session, "clinical", "coordination")

    other = item(session, admission(session, cast, "#2026-08", purpose="discussion"))
    assert (other["minutes"], other["purpose"], other["audience"]) == (15, "discussion", "seats")


def test_a_kind_that_no_rule_takes_is_refused_so_that_nothing_waits_for_ever(cast: Cast, session: Session) -> None:
    def ask(committee: str, kind: str) -> Callable[[], UUID]:
        return lambda: agendas.ask(
            session,
            committee,
            kind,
            "#2026-07",
            title_fr="Titre",
            title_en="Title",
            reasons=[TRIAGED],
            by=cast.actor("coordinator"),
            at=AT,
        )

    assert _refused(ask("extended", "admission")) == "agenda.kind_not_taken"
    assert _refused(ask("nowhere", "admission")) == "committee.unknown"
    with pytest.raises(ValueError, match="on one line"):
        admission(session, cast, "#2026-07\n")
    with pytest.raises(KeyError):
        admission(session, cast, reason=ItemReason("triaged", "Since %(day)s"))
    assert everything(session) == []


def test_reasons_are_kept_as_json_with_nothing_that_is_empty(cast: Cast, session: Session) -> None:
    made = admission(session, cast)
    kept = select(cast_to(_item.c.reasons, Text)).where(_item.c.id == made)
    asked = '{"code": "triaged", "facts": {"day": "2026-11-20"}, "sentence": "Décision attendue: %(day)s"}'
    assert session.scalar(kept) == f"[{asked}]"
    agendas.edit(session, made, title_fr="Un secret", by=cast.actor("coordinator"), at=AT)
    assert session.scalar(kept) == f'[{asked}, {{"code": "edited", "facts": {{"columns": ["title_fr"]}}}}]'
    assembling.assemble(session, meeting(session, FIRST), by=cast.actor("coordinator"), at=AT)
    drawn = session.scalars(select(cast_to(_item.c.reasons, Text)).where(_item.c.kind == "standing"))
    assert next(iter(drawn)).startswith('[{"code": "standing", "rule": "')


def test_two_who_ask_at_once_get_one_item_with_both_reasons(cast: Cast) -> None:
    both_ready = threading.Barrier(2)

    def ask(reason: ItemReason) -> UUID:
        with cast.session() as mine:
            both_ready.wait()
            return admission(mine, cast, reason=reason)

    with ThreadPoolExecutor(2) as pool:
        found = set(pool.map(ask, (TRIAGED, SEEN_AGAIN)))

    assert len(found) == 1
    with cast.session() as after:
        (row,) = everything(after)
        assert {reason.code for reason in row["reasons"]} == {"triaged", "seen_again"}


def test_an_item_is_withdrawn_with_its_last_reason(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    made = admission(session, cast)
    admission(session, cast, reason=SEEN_AGAIN)

    def withdraw(subject: str = "#2026-07") -> bool:
        return agendas.withdraw(session, "clinical", "admission", subject, by=by, at=AT)

    assert not withdraw("#2026-08")
    assert item(session, made)["state"] == "pool"
    assert withdraw()
    assert item(session, made)["state"] == "withdrawn"
    assert not withdraw(), "there is none open any more"
    assert admission(session, cast) != made, "it may be asked for again"


def test_what_is_withdrawn_after_the_freeze_stays_as_printed_and_says_so(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    made, first = admission(session, cast), meeting(session, FIRST)
    assembling.assemble(session, first, by=by, at=AT)
    freezing.freeze(session, first, by=by, at=AT)
    number = item(session, made)["number"]

    assert agendas.withdraw(session, "clinical", "admission", "#2026-07", by=by, at=AT)

    row = item(session, made)
    assert (row["state"], row["number"]) == ("scheduled", number)
    assert "Since November 23, 2026, the reason for this item no longer applies." in in_words(row["reasons"], "en")


def test_a_member_asks_for_an_item_in_one_language_and_a_stranger_does_not(cast: Cast, session: Session) -> None:
    def request(name: str, **more: Any) -> UUID:
        words = {"title_fr": "Horaire d’été", "title_en": "", **more}
        return agenda_requests.request(session, "clinical", by=cast.actor(name), at=AT, **words)

    row = item(session, request("worker_codim", minutes=25))
    assert (row["kind"], row["minutes"], row["asked_by"]) == ("request", 25, cast.people["worker_codim"])
    assert row["presenter_seat_id"] == seat(session, "clinical", "codim")
    request("deputy")  # an alternate is a member
    assert _refused(lambda: request("manager_em")) == "agenda.not_a_member"
    assert _refused(lambda: request("worker_codim", title_fr=" ")) == "agenda.no_title"
    assert _refused(lambda: request("worker_codim", title_fr="a\nb")) == "text.not_a_line"
    assert _refused(lambda: request("worker_codim", minutes=601)) == "agenda.minutes"


def test_edits_say_what_changed_and_never_the_words(cast: Cast, session: Session) -> None:
    by, made = cast.actor("coordinator"), admission(session, cast)
    version = agendas.edit(session, made, title_fr="Un secret", minutes=20, by=by, at=AT, seen=1)
    assert version == 2
    assert agendas.edit(session, made, minutes=20, by=by, at=AT) == 2, "the same again is no edit"

    lines = session.scalars(select(_event.c.facts).where(_event.c.subject_id == made)).all()
    assert {"kind": "admission", "columns": ["minutes", "title_fr"]} in lines
    assert "secret" not in str(lines)

    assert _refused(lambda: agendas.edit(session, made, minutes=5, by=by, at=AT, seen=1)) == "agenda_item.changed"
    assert _refused(lambda: agendas.edit(session, made, title_fr="", title_en="", by=by, at=AT)) == "agenda.no_title"
    assert _refused(lambda: agendas.edit(session, made, purpose="fun", by=by, at=AT)) == "agenda.unknown_word"
    other = seat(session, "steering", "codim")
    assert _refused(lambda: agendas.edit(session, made, presenter=other, by=by, at=AT)) == "agenda.no_such_seat"
    agendas.edit(session, made, presenter=None, by=by, at=AT)
    assert item(session, made)["presenter_seat_id"] is None


def test_a_frozen_agenda_takes_no_edit(cast: Cast, session: Session) -> None:
    by, made, first = cast.actor("coordinator"), admission(session, cast), meeting(session, FIRST)
    waiting = admission(session, cast, "#2026-08")
    agendas.put_on(session, made, first, by=by, at=AT)
    freezing.freeze(session, first, by=by, at=AT)

    assert _refused(lambda: agendas.edit(session, made, minutes=5, by=by, at=AT)) == "agenda.frozen"
    assert _refused(lambda: move(session, made, before=None, by=by, at=AT)) == "agenda.frozen"
    assert _refused(lambda: agendas.take_off(session, made, by=by, at=AT)) == "agenda.frozen"
    assert _refused(lambda: agendas.withdraw_item(session, made, by=by, at=AT)) == "agenda.frozen"
    assert _refused(lambda: agendas.put_on(session, waiting, first, by=by, at=AT)) == "agenda.frozen"


def test_an_item_moved_by_hand_stands_under_the_heading_that_it_came_to(cast: Cast, session: Session) -> None:
    by, made, first = cast.actor("coordinator"), admission(session, cast), meeting(session, FIRST)
    assembling.assemble(session, first, by=by, at=AT)
    research = next(row.id for row in items_of(session, first) if row.title_en == "Research")

    move(session, made, before=research, by=by, at=AT)
    order = titles(session, first)
    assert order.index("Admission #2026-07") == order.index("Research") - 1
    assert item(session, made)["section_en"] == "News"

    move(session, made, before=None, by=by, at=AT)
    assert titles(session, first)[-1] == "Admission #2026-07"
    elsewhere = admission(session, cast, "#2026-09")
    assert _refused(lambda: move(session, elsewhere, before=None, by=by, at=AT)) == "agenda.not_on_one"


def test_what_is_taken_off_stays_off_this_agenda_and_comes_on_the_next(cast: Cast, session: Session) -> None:
    by, made = cast.actor("coordinator"), admission(session, cast)
    first, second = meeting(session, FIRST), meeting(session, SECOND)
    assembling.assemble(session, first, by=by, at=AT)
    research = next(row.id for row in items_of(session, first) if row.title_en == "Research")

    agendas.take_off(session, made, by=by, at=AT)
    agendas.take_off(session, research, by=by, at=AT)

    assert not assembling.assemble(session, first, by=by, at=AT)
    assert not {"Admission #2026-07", "Research"} & set(titles(session, first))
    assert item(session, made)["state"] == "pool"
    assert item(session, research)["state"] == "withdrawn"
    assembling.assemble(session, second, by=by, at=AT)
    assert {"Admission #2026-07", "Research"} <= set(titles(session, second))


def test_what_was_taken_off_can_be_put_on_again_by_hand(cast: Cast, session: Session) -> None:
    by, made, first = cast.actor("coordinator"), admission(session, cast), meeting(session, FIRST)
    assembling.assemble(session, first, by=by, at=AT)
    agendas.take_off(session, made, by=by, at=AT)

    agendas.put_on(session, made, first, by=by, at=AT)

    assert titles(session, first)[-1] == "Admission #2026-07"
    assert not assembling.assemble(session, first, by=by, at=AT)
    assert _refused(lambda: agendas.put_on(session, made, first, by=by, at=AT)) == "agenda.item_state"


def test_only_what_was_asked_for_is_taken_back(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    made = admission(session, cast)
    assembling.assemble(session, first, by=by, at=AT)
    standing = next(row.id for row in items_of(session, first) if row.kind == "standing")

    assert _refused(lambda: agendas.withdraw_item(session, standing, by=by, at=AT)) == "agenda.drawn"
    agendas.withdraw_item(session, made, by=by, at=AT)
    assert item(session, made)["state"] == "withdrawn"
    assert not assembling.assemble(session, first, by=by, at=AT)


def test_a_referred_item_waits_in_the_other_committees_pool_and_says_who_referred_it(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    made = agenda_requests.request(session, "clinical", title_fr="Horaire", title_en="Schedule", by=by, at=AT)

    there = agendas.refer(session, made, "steering", by=by, at=AT)

    row = item(session, there)
    assert row["committee_id"] == committee_of(session, "steering").id
    assert (row["state"], row["title_en"], row["carried_from_id"]) == ("pool", "Schedule", made)
    assert in_words(row["reasons"], "en") == "“Clinical Committee” referred it on November 23, 2026."
    assert _refused(lambda: agendas.refer(session, made, "clinical", by=by, at=AT)) == "agenda.own_committee"


@pytest.mark.wide(8)
@pytest.mark.parametrize("kind", ["admission", "recruiter", "handover", "lost_contact", "follow_up_summary"])
def test_what_a_layer_above_asks_for_is_read_by_the_committee_alone_and_its_task_is_done_by_the_decision(
    cast: Cast, session: Session, kind: str
) -> None:
    """The whole way of an item of the clinic, by the door alone: nothing in `meetings` knows of candidates."""
    by, during = cast.actor("coordinator"), datetime(2026, 12, 2, 14, 35, tzinfo=UTC)
    first = meeting(session, FIRST)
    schedule.invite_guest(session, first, cast.people["research_coordinator"], by=by, at=AT)
    task_id = _asked_task(session, cast)
    made = agendas.ask(
        session,
        "clinical",
        kind,
        "C-2026-014",
        title_fr="Candidature C-2026-014",
        title_en="Candidate C-2026-014",
        reasons=[TRIAGED],
        task_id=task_id,
        by=by,
        at=AT,
    )
    assembling.assemble(session, first, by=by, at=AT)
    assert "Candidate C-2026-014" in titles(session, first, kind)

    sent = {reader.person_id: edition for reader, edition in freezing.freeze(session, first, by=by, at=AT).to_send()}
    read = {
        name: any("C-2026-014" in line.title.en for line in sent[cast.people[name]].items)
        for name in ("worker_codim", "police", "research_coordinator")
    }
    assert read == {"worker_codim": True, "police": True, "research_coordinator": False}

    running.open_meeting(session, first, by=by, at=during)
    assert decisions.taken_on(session, "clinical", kind, "C-2026-014") == []
    made_decision = deciding.decide(session, first, made, text_fr="On l’admet.", in_its_act=True, by=by, at=during)
    (taken,) = decisions.taken_on(session, "clinical", kind, "C-2026-014")
    assert (taken.id, taken.text_fr, taken.audience) == (made_decision, "On l’admet.", "seats")
    task = session.execute(select(_task).where(_task.c.id == task_id)).one()
    assert (task.state, task.note, task.done_as) == ("done", taken.number, "coordinator")
    with pytest.raises(Refusal):
        decisions.taken_on(session, "nowhere", kind, "C-2026-014")


def test_a_decision_is_recorded_even_where_the_task_that_it_is_about_asks_for_more(
    cast: Cast, session: Session
) -> None:
    by, during = cast.actor("coordinator"), datetime(2026, 12, 2, 14, 35, tzinfo=UTC)
    first = meeting(session, FIRST)
    task_id = _asked_task(session, cast)
    session.execute(update(_task).where(_task.c.id == task_id).values(evidence="document"))
    made = admission(session, cast, task_id=task_id)
    agendas.put_on(session, made, first, by=by, at=AT)
    running.open_meeting(session, first, by=by, at=during)
    deciding.decide(session, first, made, text_fr="On l’admet.", by=by, at=during)
    assert len(decisions.taken_on(session, "clinical", "admission", "#2026-07")) == 1
    assert session.scalar(select(_task.c.state).where(_task.c.id == task_id)) == "open"
