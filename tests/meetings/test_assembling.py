"""A meeting's agenda as a whole: assembled, sent, frozen, added to, given back, carried over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlmodel import Session

from domain.kernel.refusals import Refusal
from domain.kernel.rows import surely
from meetings import agenda_papers, agenda_requests, agendas, assembling, carrying, freezing, running, schedule
from meetings.agenda_items import PresentedItem, items_of, pool_of
from meetings.committees import committee_of
from meetings.documents.content import AgendaContent, untranslated
from meetings.reasons import TOO_OFTEN, in_words
from models.agenda import AgendaItem
from models.base import table_of
from models.meeting import Meeting
from models.minutes import Decision
from models.program import Person
from tests.cast import AT, Cast
from tests.meetings.agenda_application import (
    FIRST,
    FOURTH,
    SECOND,
    SEEN_AGAIN,
    THIRD,
    TRIAGED,
    admission,
    circulate_minutes,
    decided,
    everything,
    hold,
    item,
    meeting,
    move,
    session,
    titles,
    told,
    versions,
)
from tests.meetings.sitting import give

__all__ = ["session"]

_meeting = table_of(Meeting)
_decision = table_of(Decision)
_item = table_of(AgendaItem)
_person = table_of(Person)


def _refused(act: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value


def _numbers(session: Session, meeting_id: UUID) -> dict[str, str | None]:
    return {row.title_en: row.number for row in items_of(session, meeting_id)}


# --------------------------------------------------------------------------------------------------------- assembling


def test_an_agenda_is_assembled_from_every_rule_and_from_what_was_asked_for(cast: Cast, session: Session) -> None:
    by, second = cast.actor("coordinator"), meeting(session, SECOND)
    first = meeting(session, FIRST)
    hold(session, first)
    circulate_minutes(session, cast, first)
    decided(session, cast, first, "CC-2026-001", due_on=SECOND)
    admission(session, cast)
    agenda_requests.request(
        session, "clinical", title_fr="Horaire", title_en="Schedule", by=cast.actor("police"), at=AT
    )

    done = assembling.assemble(session, second, by=by, at=AT)

    assert titles(session, second) == [
        "Minutes of December 2, 2026",
        "Decision CC-2026-001: Write to the partner",
        "Admission #2026-07",
        "The youth worker’s follow-ups – L’Anonyme",
        "The youth worker’s follow-ups – CCSMTL",
        "The youth worker’s follow-ups – CODIM",
        "The youth worker’s follow-ups – En Marge 12-17",
        "News of inactive participants",
        "Research",
        "Vacant seat: Marie-Vincent",
        "Vacant seat: Evaluative research",
        "Schedule",
    ]
    rows = items_of(session, second)
    assert [row.position for row in rows] == list(range(1, 13))
    assert set(done.added) == {row.id for row in rows}
    assert told(session, second)[-1] == "agenda.assembled"
    assert told(session, rows[0].id) == ["agenda_item.drawn"]
    assert told(session, rows[2].id) == ["agenda_item.asked"]
    assert rows[3].points[0]["en"].startswith("Relationship")


def test_assembling_again_changes_nothing(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    admission(session, cast)
    assembling.assemble(session, first, by=by, at=AT)
    before, lines = everything(session), told(session, first)

    assert not assembling.assemble(session, first, by=by, at=AT + timedelta(hours=3))

    assert everything(session) == before
    assert told(session, first) == lines, "nothing happened, so nothing is told"


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "edit", "move", "take_off", "withdraw", "assemble", "request", "seat"]),
        st.integers(0, 40),
        st.integers(0, 40),
    ),
    max_size=8,
)


@pytest.mark.ci
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
def test_whatever_people_do_in_between_assembling_twice_changes_nothing_and_no_subject_is_open_twice(
    cast: Cast, session: Session, acts: list[tuple[str, int, int]]
) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    with session.begin_nested() as point:
        for name, n, other in acts:
            _act(session, cast, name, n, other)
        assembling.assemble(session, first, by=by, at=AT)
        before, order = everything(session), titles(session, first)
        assert not assembling.assemble(session, first, by=by, at=AT)
        assert everything(session) == before
        assert titles(session, first) == order
        on_it = [(row.kind, row.subject) for row in items_of(session, first)]
        assert len(set(on_it)) == len(on_it)
        point.rollback()


def _act(session: Session, cast: Cast, name: str, n: int, other: int) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    rows = items_of(session, first)
    one = rows[n % len(rows)].id if rows else None
    if name == "ask":
        admission(session, cast, f"#2026-{n % 4:02}", TRIAGED if other % 2 else SEEN_AGAIN)
    elif name == "request":
        agenda_requests.request(session, "clinical", title_fr=f"Point {n}", title_en=f"Item {n}", by=by, at=AT)
    elif name == "withdraw":
        agendas.withdraw(session, "clinical", "admission", f"#2026-{n % 4:02}", by=by, at=AT)
    elif name == "assemble":
        assembling.assemble(session, first, by=by, at=AT)
    elif name == "edit" and one:
        agendas.edit(session, one, minutes=other, title_en=f"Words {other}", by=by, at=AT)
    elif name == "take_off" and one:
        agendas.take_off(session, one, by=by, at=AT)
    elif name == "move" and one:
        before = rows[other % len(rows)].id
        move(session, one, before=before if before != one else None, by=by, at=AT)


_TURNS = st.lists(
    st.sampled_from(["comes", "goes", "assemble", "take_off", "restore", "freeze", "move_to_another_day"]), max_size=10
)


@pytest.mark.ci
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=_TURNS)
def test_what_a_rule_draws_is_there_whenever_its_fact_holds_unless_people_took_it_off(
    cast: Cast, session: Session, turns: list[str]
) -> None:
    """Whatever came and went before: of that, only what people did by hand counts."""
    by, third = cast.actor("coordinator"), meeting(session, THIRD)
    with session.begin_nested() as point:
        decision = decided(session, cast, meeting(session, FIRST), "CC-2026-001")
        holds, there, touched, off, is_frozen = True, False, False, False, False
        days = [datetime(2026, 12, 17, 9, 30), datetime(2026, 12, 18, 9, 30)]

        def ours() -> list[UUID]:
            return [row.id for row in items_of(session, third) if row.kind == "decision"]

        for turn in [*turns, "move_to_another_day", "assemble"]:
            if turn in ("comes", "goes"):
                holds = turn == "comes"
                state = "open" if holds else "done"
                session.execute(update(_decision).where(_decision.c.id == decision).values(state=state))
            elif turn == "assemble" and not is_frozen:
                assembling.assemble(session, third, by=by, at=AT)
                there = not off and (holds or (touched and there))
            elif turn == "take_off" and there and not is_frozen:
                agendas.take_off(session, ours()[0], by=by, at=AT)
                there, touched, off = False, False, True
            elif turn == "restore" and off and not is_frozen:
                (row,) = [row for row in agendas.off_of(session, third) if row.kind == "decision"]
                agendas.restore(session, row.id, by=by, at=AT)
                there, touched, off = True, True, False
            elif turn == "freeze" and not is_frozen:
                freezing.freeze(session, third, by=by, at=AT)
                is_frozen = True
            elif turn == "move_to_another_day":
                days.reverse()
                schedule.move_meeting(session, third, days[0], by=by, at=AT)
                is_frozen = False
            assert len(ours()) == there, turn
        point.rollback()


def test_what_people_changed_by_hand_survives_and_the_rest_follows_the_records(cast: Cast, session: Session) -> None:
    by, third = cast.actor("coordinator"), meeting(session, THIRD)
    decided(session, cast, meeting(session, FIRST), "CC-2026-001", due_on=THIRD)
    assembling.assemble(session, third, by=by, at=AT)
    one = next(row for row in items_of(session, third) if row.kind == "decision")
    agendas.edit(session, one.id, title_en="Letter", minutes=45, by=by, at=AT)
    schedule.move_meeting(session, third, datetime(2026, 12, 17, 9, 30), by=by, at=AT)

    done = assembling.assemble(session, third, by=by, at=AT)

    assert done.changed == (one.id,), "by then it is late"
    row = item(session, one.id)
    assert (row["title_en"], row["minutes"]) == ("Letter", 45)
    assert row["title_fr"].startswith("Décision CC-2026-001")
    assert in_words(row["reasons"], "en").endswith("and not done.")


def test_an_order_made_by_hand_is_kept_and_what_is_new_comes_after_its_like(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    admission(session, cast, "#2026-01")
    assembling.assemble(session, first, by=by, at=AT)
    last = items_of(session, first)[-1]
    move(session, last.id, before=items_of(session, first)[0].id, by=by, at=AT)
    order = titles(session, first)
    admission(session, cast, "#2026-02")

    assembling.assemble(session, first, by=by, at=AT)

    now = titles(session, first)
    assert now.index("Admission #2026-02") == now.index("Admission #2026-01") + 1
    assert [title for title in now if title != "Admission #2026-02"] == order


def test_what_no_longer_holds_goes_unless_people_touched_it(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    assembling.assemble(session, first, by=by, at=AT)
    vacant = {row.title_en: row.id for row in items_of(session, first) if row.kind == "vacancy"}
    kept = vacant["Vacant seat: Evaluative research"]
    agendas.edit(session, kept, minutes=15, by=by, at=AT)
    give(session, cast, "clinical", "marie-vincent", "specialist")
    give(session, cast, "clinical", "research", "researcher")

    done = assembling.assemble(session, first, by=by, at=AT)

    assert done.removed == (vacant["Vacant seat: Marie-Vincent"],)
    assert item(session, kept)["state"] == "scheduled"


def test_two_meetings_whose_agendas_are_made_at_once_share_no_item_but_each_has_the_standing_ones(
    cast: Cast, session: Session
) -> None:
    by, first, second = cast.actor("coordinator"), meeting(session, FIRST), meeting(session, SECOND)
    admission(session, cast)
    assembling.assemble(session, first, by=by, at=AT)
    assembling.assemble(session, second, by=by, at=AT)

    assert "Admission #2026-07" in titles(session, first)
    assert "Admission #2026-07" not in titles(session, second)
    assert "Research" in titles(session, first)
    assert "Research" in titles(session, second)


def test_an_agenda_is_made_of_a_planned_meeting_only(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    hold(session, first)
    assert _refused(lambda: assembling.assemble(session, first, by=by, at=AT)).code == "agenda.meeting_not_planned"
    assert _refused(lambda: freezing.freeze(session, first, by=by, at=AT)).code == "agenda.meeting_not_planned"
    assert _refused(lambda: freezing.circulate(session, first, by=by, at=AT)).code == "agenda.meeting_not_planned"


def test_an_agenda_that_is_longer_than_the_meeting_says_by_how_much(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    assembling.assemble(session, first, by=by, at=AT)
    taken = sum(row.minutes for row in items_of(session, first))
    assert taken < 150
    assert agenda_papers.paper(session, first).says.overrun_minutes == 0
    admission(session, cast, minutes=150 - taken)
    assembling.assemble(session, first, by=by, at=AT)
    assert agenda_papers.paper(session, first).says.overrun_minutes == 0, "just as long as the meeting"
    admission(session, cast, "#2026-08", minutes=12)
    assembling.assemble(session, first, by=by, at=AT)
    assert agenda_papers.paper(session, first).says.overrun_minutes == 12
    assert agenda_papers.content(session, first).overrun_minutes == 12


# ------------------------------------------------------------------------------------------------- sent out and frozen


def test_a_frozen_agenda_is_numbered_and_written_down_once(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    assembling.assemble(session, first, by=by, at=AT)
    out = freezing.freeze(session, first, by=by, at=AT)

    rows = items_of(session, first)
    assert [row.number for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
    (version,) = versions(session, first)
    assert (version["n"], version["kind"]) == (1, "agenda")
    as_kept = text("select content from agenda_version where meeting_id = :it")
    kept = session.execute(as_kept, {"it": first}).scalar_one()
    written = json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert version["digest"] == hashlib.sha256(written.encode()).hexdigest()
    assert [line.number for line in out.editions["partners"].items] == [row.number for row in rows]
    assert _refused(lambda: freezing.freeze(session, first, by=by, at=AT)).code == "agenda.frozen"
    assert _refused(lambda: assembling.assemble(session, first, by=by, at=AT)).code == "agenda.frozen"


def test_what_was_frozen_is_read_as_it_was_whatever_comes_later(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    admission(session, cast)
    assembling.assemble(session, first, by=by, at=AT)
    freezing.freeze(session, first, by=by, at=AT)
    before = agenda_papers.content(session, first)
    admission(session, cast, reason=SEEN_AGAIN)
    schedule.change_place(session, first, place="Ailleurs", by=by, at=AT)

    assert agenda_papers.content_of(session, first, 1) == before
    assert isinstance(before, AgendaContent)
    now = agenda_papers.content(session, first)
    assert (now.head.place, now.items) == ("Ailleurs", before.items), "where it is held is put right, and nothing else"
    turn = next(line for line in before.items if line.title.en.startswith("The youth worker"))
    assert [point.fr.split(" ")[0] for point in turn.points] == [
        "Relation",
        "Focalisation",
        "Évocation",
        "Planification",
    ]
    assert not untranslated(before, "en")


def test_each_reads_what_is_for_them_under_the_same_numbers(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    schedule.invite_guest(session, first, cast.people["manager_em"], by=by, at=AT)
    admission(session, cast, audience="partners")
    assembling.assemble(session, first, by=by, at=AT)
    out = freezing.circulate(session, first, by=by, at=AT)

    read = {name: {line.title.en: line.number for line in edition.items} for name, edition in out.editions.items()}
    assert read["invited"].keys() < read["seats"].keys() < read["partners"].keys()
    assert "Admission #2026-07" not in read["seats"]
    assert "News of inactive participants" not in read["invited"]
    assert all(read["partners"][title] == number for title, number in read["invited"].items())
    audience = {reader.person_id: reader.audience for reader in out.readers}
    assert audience[cast.people["manager_em"]] == "invited"
    assert audience[cast.people["worker_codim"]] == "partners"
    assert audience[cast.people["deputy"]] == "partners", "whether the principal comes or not"
    freezing.freeze(session, first, by=by, at=AT)
    frozen = agenda_papers.content(session, first, audience="invited")
    assert {line.title.en: line.number for line in frozen.items} == read["invited"]


def test_an_outside_organization_with_a_seat_does_not_read_what_is_for_the_partners(cast: Cast) -> None:
    with cast.session() as session:
        give(session, cast, "extended", "cavac", "police")
        give(session, cast, "clinical", "codim", "worker_codim")
        local = datetime(2026, 12, 9, 9, 30)
        schedule.plan_meetings(session, "extended", [local], by=cast.actor("coordinator"), at=AT)
        there = session.scalars(
            select(_meeting.c.id).where(_meeting.c.committee_id == committee_of(session, "extended").id)
        ).one()
        audience = {reader.person_id: reader.audience for reader in agenda_papers.readers_of(session, there)}
    assert audience == {cast.people["police"]: "seats", cast.people["worker_codim"]: "partners"}


def test_a_missing_translation_refuses_the_freeze_and_not_the_other_languages_edition(
    cast: Cast, session: Session
) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    agenda_requests.request(session, "clinical", title_fr="Horaire", title_en="", by=cast.actor("police"), at=AT)
    assembling.assemble(session, first, by=by, at=AT)
    place = str(len(titles(session, first)))

    refused = _refused(lambda: freezing.freeze(session, first, by=by, at=AT))

    assert (refused.code, refused.facts["numbers"], refused.facts["language"]) == ("agenda.untranslated", place, "en")
    assert "Horaire" not in str(refused)
    assert versions(session, first) == []
    out = freezing.circulate(session, first, by=by, at=AT)
    assert out.incomplete == {"en": (place,)}
    languages = {reader.person_id: reader.language for reader in out.readers}
    sent = {reader.person_id for reader, _ in out.to_send()}
    assert sent == {person for person, language in languages.items() if language == "fr"}
    assert sent < set(languages)


def test_one_language_is_enough_where_everyone_who_is_invited_reads_it(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    agenda_requests.request(session, "clinical", title_fr="Horaire", title_en="", by=cast.actor("police"), at=AT)
    assembling.assemble(session, first, by=by, at=AT)
    session.execute(update(_person).values(language="fr"))
    session.expire_all()

    out = freezing.freeze(session, first, by=by, at=AT)

    assert out.incomplete == {}
    assert len(list(out.to_send())) == len(out.readers)


def test_agendas_fall_due_by_the_declared_hours_before_the_meeting(cast: Cast, session: Session) -> None:
    by, first, second = cast.actor("coordinator"), meeting(session, FIRST), meeting(session, SECOND)
    starts = session.scalar(select(_meeting.c.starts_at).where(_meeting.c.id == first))
    assert starts is not None
    minute, out_at, frozen_at = timedelta(minutes=1), starts - timedelta(hours=48), starts - timedelta(hours=24)

    assert assembling.due_to_circulate(session, out_at - minute) == ()
    assert assembling.due_to_circulate(session, out_at) == (first,)
    assert assembling.due_to_freeze(session, frozen_at - minute) == ()
    assert assembling.due_to_freeze(session, frozen_at) == (first,)
    assert assembling.due_to_freeze(session, starts + minute) == (first,), "a round that was lost is made up for"
    assert assembling.due_to_circulate(session, starts + minute) == (), "nobody is sent the agenda of what has begun"

    freezing.circulate(session, first, by=by, at=AT)
    freezing.freeze(session, first, by=by, at=AT)
    assert assembling.due_to_circulate(session, frozen_at) == assembling.due_to_freeze(session, frozen_at) == ()
    schedule.cancel_meeting(session, second, reason="Tempête", by=by, at=AT)
    later = starts + timedelta(days=7)
    assert assembling.due_to_freeze(session, later) == ()


# --------------------------------------------------------------------------------------------------- after the freeze


@pytest.mark.ci
def test_what_comes_after_the_freeze_is_an_addendum_and_the_old_numbers_stay(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    admission(session, cast, "#2026-01")
    assembling.assemble(session, first, by=by, at=AT)
    freezing.freeze(session, first, by=by, at=AT)
    before, printed = _numbers(session, first), agenda_papers.content(session, first)
    schedule.invite_guest(session, first, cast.people["manager_em"], by=by, at=AT)
    late = admission(session, cast, "#2026-02")
    later = admission(session, cast, "#2026-03")

    out = freezing.add_late(session, first, late, reason="Urgent", by=by, at=AT)
    freezing.add_late(session, first, later, reason="Aussi", by=by, at=AT)

    numbers = _numbers(session, first)
    assert {title: numbers[title] for title in before} == before
    parent = before["Admission #2026-01"]
    assert (numbers["Admission #2026-02"], numbers["Admission #2026-03"]) == (f"{parent}.1", f"{parent}.2")
    order = titles(session, first)
    assert order.index("Admission #2026-03") == order.index("Admission #2026-01") + 2
    assert [line.title.fr for line in out.editions["partners"].items] == ["Admission #2026-02"]
    assert out.editions["partners"].addendum == 1
    assert out.editions["partners"].items[0].late_reason.fr == "Urgent"
    assert out.editions["invited"].items == (), "an admission is for the seats"
    assert {reader.audience for reader, _ in out.to_send()} == {"partners"}, "nobody is sent an empty addendum"
    assert [(row["n"], row["kind"]) for row in versions(session, first)] == [
        (1, "agenda"),
        (2, "addendum"),
        (3, "addendum"),
    ]
    assert agenda_papers.content(session, first) == printed


def test_a_late_item_of_a_section_that_is_not_there_comes_after_the_last(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    assembling.assemble(session, first, by=by, at=AT)
    freezing.freeze(session, first, by=by, at=AT)
    last = len(titles(session, first))
    late = admission(session, cast)

    freezing.add_late(session, first, late, reason="Urgent", by=by, at=AT)

    assert _numbers(session, first)["Admission #2026-07"] == f"{last}.1"
    assert titles(session, first)[-1] == "Admission #2026-07"


def test_who_asks_late_gives_the_reason_and_the_host_says_yes_or_leaves_it_for_later(
    cast: Cast, session: Session
) -> None:
    by, first, second = cast.actor("coordinator"), meeting(session, FIRST), meeting(session, SECOND)
    assembling.assemble(session, first, by=by, at=AT)

    def ask(title: str, why: str = "Le partenaire part vendredi") -> UUID:
        return agenda_requests.request(
            session,
            "clinical",
            title_fr=title,
            title_en=title,
            meeting_id=first,
            late_reason=why,
            by=cast.actor("worker_codim"),
            at=AT,
        )

    assert _refused(lambda: ask("Trop tôt")).code == "agenda.not_frozen"
    freezing.freeze(session, first, by=by, at=AT)
    assert _refused(lambda: ask("Sans raison", " ")).code == "agenda.late_without_reason"
    yes, no = ask("Oui"), ask("Non")
    assert {row.id for row in agenda_requests.late_requests(session, first)} == {yes, no}
    assert agenda_requests.late_requests(session, second) == []

    freezing.add_late(session, first, yes, by=by, at=AT)
    agenda_requests.decline_late(session, no, by=by, at=AT)

    row = item(session, yes)
    assert (row["state"], row["late"], row["late_reason"]) == ("scheduled", True, "Le partenaire part vendredi")
    assert agenda_requests.late_requests(session, first) == []
    assembling.assemble(session, second, by=by, at=AT)
    row = item(session, no)
    assert (row["meeting_id"], row["late"], row["late_reason"]) == (second, False, "")


def test_a_late_item_without_its_translation_is_refused(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    freezing.freeze(session, first, by=by, at=AT)
    late = agenda_requests.request(session, "clinical", title_fr="Horaire", title_en="", by=by, at=AT)

    refused = _refused(lambda: freezing.add_late(session, first, late, reason="Urgent", by=by, at=AT))

    assert (refused.code, refused.facts["language"]) == ("agenda.untranslated", "en")
    assert refused.sentence == "This item has no English title. Translate it, and add it again.", "nothing is frozen"
    agendas.edit(session, late, title_en="Schedule", by=by, at=AT)
    freezing.add_late(session, first, late, reason="Urgent", by=by, at=AT)
    assert _numbers(session, first) == {"Schedule": "1"}, "on an empty agenda it is the first"


def test_nothing_is_added_before_the_freeze_after_the_meeting_or_without_a_reason(cast: Cast, session: Session) -> None:
    by, first = cast.actor("coordinator"), meeting(session, FIRST)
    late = admission(session, cast)

    def add(reason: str) -> Refusal:
        return _refused(lambda: freezing.add_late(session, first, late, reason=reason, by=by, at=AT))

    assert add("Urgent").code == "agenda.not_frozen"
    freezing.freeze(session, first, by=by, at=AT)
    assert add("").code == "agenda.late_without_reason"
    hold(session, first)
    assert add("Urgent").code == "agenda.meeting_over"


@pytest.mark.ci
def test_what_was_on_the_agenda_of_a_cancelled_meeting_returns_to_the_pool_once(cast: Cast, session: Session) -> None:
    by, first, second = cast.actor("coordinator"), meeting(session, FIRST), meeting(session, SECOND)
    made = admission(session, cast)
    assembling.assemble(session, first, by=by, at=AT)
    freezing.freeze(session, first, by=by, at=AT)
    late = admission(session, cast, "#2026-08")
    freezing.add_late(session, first, late, reason="Urgent", by=by, at=AT)
    assert _refused(lambda: carrying.return_to_pool(session, first, by=by, at=AT)).code == "agenda.not_cancelled"

    schedule.cancel_meeting(session, first, reason="Tempête", by=by, at=AT)

    back = set(_pool_ids(session))
    assert {made, late} < back, "the vacancies wait too"
    assert carrying.return_to_pool(session, first, by=by, at=AT) == ()
    assert set(_pool_ids(session)) == back
    rows = {row["id"]: row for row in everything(session)}
    assert all(rows[one]["number"] is None and not rows[one]["late"] for one in back)
    assert all(row["state"] == "withdrawn" for row in rows.values() if row["kind"] in ("standing", "turn"))
    assert len(versions(session, first)) == 2, "what went out stays on record"
    assembling.assemble(session, second, by=by, at=AT)
    assert {made, late} <= {row.id for row in items_of(session, second)}
    assert "December 2, 2026, on whose agenda it was, was cancelled" in in_words(item(session, made)["reasons"], "en")


@pytest.mark.ci
def test_what_was_over_before_its_meeting_was_cancelled_comes_on_no_other_agenda(cast: Cast, session: Session) -> None:
    by, first, second = cast.actor("coordinator"), meeting(session, FIRST), meeting(session, SECOND)
    over, stays = admission(session, cast), admission(session, cast, "#2026-08")
    assembling.assemble(session, first, by=by, at=AT)
    freezing.freeze(session, first, by=by, at=AT)
    agendas.withdraw(session, "clinical", "admission", "#2026-07", by=by, at=AT)
    schedule.cancel_meeting(session, first, reason="Tempête", by=by, at=AT)
    assembling.assemble(session, second, by=by, at=AT)
    assert item(session, over)["state"] == "withdrawn"
    assert [row.id for row in items_of(session, second) if row.kind == "admission"] == [stays]


def _pool_ids(session: Session) -> list[UUID]:
    return [row.id for row in pool_of(session, committee_of(session, "clinical").id)]


# ------------------------------------------------------------------------------------------------- what is not reached


def _left(session: Session, cast: Cast, day: Any, left: UUID) -> UUID:
    """Have the meeting of a day not reach an item, and be closed; returns the item that comes of it."""
    by, there = cast.actor("coordinator"), meeting(session, day)
    assembling.assemble(session, there, by=by, at=AT)
    hold(session, there, carried=(left,))
    (carried,) = carrying.carry_over(session, there, by=by, at=AT)
    assert carrying.carry_over(session, there, by=by, at=AT) == (), "once"
    return carried


@pytest.mark.ci
def test_what_three_meetings_did_not_reach_asks_for_a_decision_or_an_end(cast: Cast, session: Session) -> None:
    made = agenda_requests.request(
        session, "clinical", title_fr="Horaire", title_en="Schedule", by=cast.actor("police"), at=AT
    )
    assert item(session, made)["purpose"] == "discussion"

    once = _left(session, cast, FIRST, made)
    assert told(session, once) == ["agenda_item.carried"]
    row = item(session, once)
    assert (row["times_seen"], row["carried_from_id"], row["purpose"]) == (1, made, "discussion")
    assert "Carried over: 1 meeting did not reach it." in in_words(row["reasons"], "en")
    twice = _left(session, cast, SECOND, once)
    assert item(session, twice)["purpose"] == "discussion"
    thrice = _left(session, cast, THIRD, twice)

    row = item(session, thrice)
    assert (row["times_seen"], row["purpose"], row["state"]) == (3, "decision", "pool")
    words = in_words(row["reasons"], "en")
    assert "Meetings that did not reach it: 3. Decide on it, or end it." in words
    assert "Carried over" not in words
    assert "A member of the committee asked for it on November 23, 2026." in words
    assembling.assemble(session, meeting(session, FOURTH), by=cast.actor("coordinator"), at=AT)
    assert item(session, thrice)["purpose"] == "decision", "assembling does not take it back"


def test_a_decision_that_was_not_reached_keeps_its_age_and_goes_when_it_is_done(cast: Cast, session: Session) -> None:
    by, second, third = cast.actor("coordinator"), meeting(session, SECOND), meeting(session, THIRD)
    first = meeting(session, FIRST)
    hold(session, first)
    decided(session, cast, first, "CC-2026-001", due_on=SECOND)
    assembling.assemble(session, second, by=by, at=AT)
    one = next(row for row in items_of(session, second) if row.kind == "decision")
    carried = _left(session, cast, SECOND, one.id)

    assembling.assemble(session, third, by=by, at=AT)
    row = item(session, carried)
    assert (row["meeting_id"], row["times_seen"]) == (third, 1)
    assert in_words(row["reasons"], "en") == (
        "Decided on December 2, 2026, to be done by December 9, 2026, and not done."
        " Carried over: 1 meeting did not reach it."
    )

    session.execute(update(_item).where(_item.c.id == carried).values(times_seen=3, purpose="decision"))
    assembling.assemble(session, third, by=by, at=AT)
    assert item(session, carried)["purpose"] == "decision", "the rule does not take back that it is to be decided"
    session.execute(update(_decision).values(state="done", closed_at=AT, closed_as="coordinator"))
    assert assembling.assemble(session, third, by=by, at=AT).removed == (carried,)


def test_a_case_discussion_that_was_not_reached_is_there_again_with_its_age(cast: Cast, session: Session) -> None:
    by, first, second = cast.actor("coordinator"), meeting(session, FIRST), meeting(session, SECOND)
    assembling.assemble(session, first, by=by, at=AT)
    last = [row for row in items_of(session, first) if row.kind == "turn"][-1]
    hold(session, first, carried=(last.id,))
    assert carrying.carry_over(session, first, by=by, at=AT) == ()
    assert _pool_ids(session) == []

    assembling.assemble(session, second, by=by, at=AT)

    again = [row for row in items_of(session, second) if row.kind == "turn"]
    assert again[0].title_en == last.title_en, "it comes first"
    assert (again[0].times_seen, again[0].carried_from_id) == (1, last.id)
    assert [row.times_seen for row in again[1:]] == [0, 0, 0]
    assert "Carried over: 1 meeting did not reach it." in in_words(again[0].reasons, "en")


def _standing(session: Session, meeting_id: UUID) -> PresentedItem:
    return next(row for row in items_of(session, meeting_id) if row.title_en == "News of inactive participants")


@pytest.mark.ci
def test_a_standing_item_shows_its_age_and_after_three_times_asks_for_a_decision_on_its_rule(
    cast: Cast, session: Session
) -> None:
    by, days = cast.actor("coordinator"), (FIRST, SECOND, THIRD)
    # The next agenda is out already when the meeting before it is held, as it is every week.
    for day, following, seen in zip(days, (SECOND, THIRD, FOURTH), (1, 2, 3), strict=True):
        held, after = meeting(session, day), meeting(session, following)
        assembling.assemble(session, held, by=by, at=AT)
        assembling.assemble(session, after, by=by, at=AT)
        hold(session, held, carried=(_standing(session, held).id,))
        assert carrying.carry_over(session, held, by=by, at=AT) == (), "it returns by its rule, once"
        assembling.assemble(session, after, by=by, at=AT)
        row = _standing(session, after)
        assert row.times_seen == seen
        assert row.purpose == ("decision" if seen == TOO_OFTEN else "discussion")
    last = _standing(session, meeting(session, FOURTH))
    assert in_words(last.reasons, "en") == (
        "It is on every agenda of the committee. Meetings in a row that did not reach "
        "it: 3. Decide: another rhythm, more minutes, or a season without it."
    )
    assert "Décidez" in in_words(last.reasons, "fr")
    (line,) = [one for one in agenda_papers.whole(session, surely(last.meeting_id), audience="partners").items
               if one.title.en == "News of inactive participants"]  # fmt: skip
    assert "another rhythm" in line.why.en
    fourth, fifth = meeting(session, FOURTH), meeting(session, FOURTH + timedelta(days=7))
    hold(session, fourth)
    assembling.assemble(session, fifth, by=by, at=AT)
    assert (_standing(session, fifth).times_seen, _standing(session, fifth).purpose) == (0, "discussion")


def test_a_standing_item_that_was_taken_off_one_agenda_forgets_its_age_no_more(cast: Cast, session: Session) -> None:
    by, first, second, third = cast.actor("coordinator"), *(meeting(session, day) for day in (FIRST, SECOND, THIRD))
    assembling.assemble(session, first, by=by, at=AT)
    hold(session, first, carried=(_standing(session, first).id,))
    assembling.assemble(session, second, by=by, at=AT)
    agendas.take_off(session, _standing(session, second).id, by=by, at=AT)
    hold(session, second)
    assembling.assemble(session, third, by=by, at=AT)
    assert _standing(session, third).times_seen == 1


@pytest.mark.ci
@pytest.mark.parametrize("became", ["treated", "withdrawn"])
def test_what_was_dealt_with_where_it_was_carried_over_to_does_not_come_back_and_is_not_lost_when_asked_again(
    cast: Cast, session: Session, became: str
) -> None:
    """An extraordinary meeting that nobody held, and that is moved ahead once the regular one had what it had."""
    by = cast.actor("coordinator")
    schedule.plan_meetings(session, "clinical", [datetime(2026, 11, 30, 9, 30)], by=by, at=AT)
    admission(session, cast)
    special, regular = meeting(session, date(2026, 11, 30)), meeting(session, FIRST)
    assembling.assemble(session, special, by=by, at=AT)
    assert titles(session, special, "admission") == ["Admission #2026-07"]
    over = datetime(2026, 12, 1, 15, tzinfo=AT.tzinfo)
    carrying.carry_from_unclosed(session, regular, by=by, at=over)
    assembling.assemble(session, regular, by=by, at=over)
    if became == "withdrawn":
        agendas.withdraw(session, "clinical", "admission", "#2026-07", by=by, at=over)
    else:
        sits = datetime(2026, 12, 2, 14, 35, tzinfo=AT.tzinfo)
        running.open_meeting(session, regular, by=by, at=sits)
        (row,) = [one for one in items_of(session, regular) if one.kind == "admission"]
        running.treat(session, row.id, "treated", by=by, at=sits)
        running.close_meeting(session, regular, carry_rest=True, by=by, at=sits + timedelta(minutes=30))
    later = datetime(2026, 12, 2, 18, tzinfo=AT.tzinfo)
    schedule.move_meeting(session, special, datetime(2026, 12, 3, 9, 30), by=by, at=later)
    assert titles(session, special, "admission") == []
    admission(session, cast)
    unheld, following = datetime(2026, 12, 8, 15, tzinfo=AT.tzinfo), meeting(session, SECOND)
    carrying.carry_from_unclosed(session, following, by=by, at=unheld)
    assembling.assemble(session, following, by=by, at=unheld)
    assert titles(session, following, "admission") == ["Admission #2026-07"]
