"""Plans: due days that are always worked, tasks that open whatever the order, gates, and examples that can fail."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.declarations.planning import due_on, instances, known_days, plan
from domain.declarations.protocol import DueRule, Protocol, Step
from domain.declarations.protocol_check import Around, check_protocol
from domain.declared.problems import DeclaredErrors
from domain.declared.reading import Bilingual, load_declared_text
from domain.kernel.calendars import Calendar, ClosedSpan, UnknownYear
from models.casework import SETTLED
from tests.protocol_states import (
    TaskKey,
    check_examples,
    gate_waits_for,
    held_back,
    initial_states,
    is_complete,
    opened_by,
    ready,
)

QUEBEC = Calendar()
TITLE = Bilingual(fr="x", en="x")

PACKING = """\
protocol: packing
version: 1
title: {fr: Paquets, en: Packing}
source: {fr: Guide, en: Guide}
subject: {kind: worker}
calendar: program
anchors:
  arrival: {title: {fr: l’arrivée, en: the arrival}, from: worker.starts_on}
  packed: {title: {fr: l’emballage, en: the packing}, from: step.pack.done_on}
accountable: coordinator
roles:
  coordinator: {title: {fr: Coordination, en: Coordinator}, holds: coordinator, at: coordination}
stages: [{id: all, title: {fr: Tout, en: All}}]
steps:
  - {id: choose, title: {fr: Choisir, en: Choose}, stage: all, by: coordinator}
  - id: pack
    title: {fr: Emballer, en: Pack}
    stage: all
    by: coordinator
    needs: [choose]
    for_each: {list: [{id: book, title: {fr: livre, en: book}}, {id: phone, title: {fr: cellulaire, en: phone}}]}
    due: {days: 2, before: arrival}
  - id: send
    title: {fr: Envoyer, en: Send}
    stage: all
    by: coordinator
    needs: [packed_well]
    due: {days: 1, after: packed}
    waive: {by: coordinator}
  - {id: thank, title: {fr: Remercier, en: Thank}, stage: all, by: coordinator, needs: [choose], required: false}
  - id: tell
    title: {fr: Prévenir, en: Tell}
    stage: all
    by: coordinator
    for_each: {over: equipment}
gates:
  packed_well: {title: {fr: Bien emballé, en: Packed well}, steps: [choose, pack]}
close: {when: all_required}
cancel: {by: [coordinator]}
reopen: {by: [coordinator]}
"""
PROTOCOL: Protocol = check_protocol(
    load_declared_text(PACKING, "packing.yaml", Protocol), Around(roles={"coordinator"}, clauses=set(), actions=set())
).value


def step(days: int, side: str, counting: str = "working") -> Step:
    due = DueRule.model_validate({"days": days, side: "arrival", "counting": counting})
    return Step(id="it", title=TITLE, stage="all", by="coordinator", due=due)


def state_of(**states: str) -> dict[TaskKey, str]:
    """The tasks of a packing case, planned save those named: pack means both of its tasks, pack_book one."""
    found = initial_states(PROTOCOL)
    for name, state in states.items():
        wanted, _, item = name.partition("_")
        for key in found:
            if key[0] == wanted and item in ("", key[1]):
                found[key] = state
    return found


@pytest.mark.parametrize(
    ("days", "side", "counting", "anchor", "expected"),
    [
        (3, "before", "working", date(2026, 12, 7), date(2026, 12, 2)),
        (5, "after", "working", date(2026, 12, 7), date(2026, 12, 14)),
        (0, "after", "working", date(2026, 12, 7), date(2026, 12, 7)),
        # the arrival falls on the national holiday, a Wednesday
        (0, "after", "working", date(2026, 6, 24), date(2026, 6, 25)),
        (0, "before", "working", date(2026, 6, 24), date(2026, 6, 23)),
        (1, "after", "working", date(2026, 6, 24), date(2026, 6, 25)),
        (1, "before", "working", date(2026, 6, 24), date(2026, 6, 23)),
        # seven days from a Wednesday end on Canada Day
        (7, "after", "calendar", date(2026, 6, 24), date(2026, 7, 2)),
        (7, "before", "calendar", date(2026, 7, 1), date(2026, 6, 23)),
        (10, "after", "calendar", date(2026, 12, 7), date(2026, 12, 17)),
    ],
)
def test_a_due_day_is_counted_from_its_anchor_and_moves_off_closed_days(
    days: int, side: str, counting: str, anchor: date, expected: date
) -> None:
    assert due_on(step(days, side, counting), anchor, QUEBEC) == expected


anchors = st.dates(date(2020, 1, 1), date(2045, 12, 31))
countings = st.sampled_from(["working", "calendar"])
sides = st.sampled_from(["before", "after"])
closed = st.lists(st.tuples(st.dates(date(2020, 1, 1), date(2045, 12, 31)), st.integers(0, 30)), max_size=3)
calendars = closed.map(
    lambda spans: Calendar(closures=tuple(ClosedSpan(d, d + timedelta(days=n), TITLE) for d, n in spans))
)


@given(st.integers(0, 60), sides, countings, anchors, calendars)
def test_a_due_day_is_never_a_closed_day(days: int, side: str, counting: str, anchor: date, calendar: Calendar) -> None:
    assert calendar.is_working_day(due_on(step(days, side, counting), anchor, calendar))


@given(st.integers(0, 60), countings, anchors, calendars)
def test_what_is_due_before_is_never_due_after_and_the_reverse(
    days: int, counting: str, anchor: date, calendar: Calendar
) -> None:
    assert due_on(step(days, "before", counting), anchor, calendar) <= anchor
    assert due_on(step(days, "after", counting), anchor, calendar) >= anchor


@given(st.builds(step, st.integers(0, 60), sides, countings), anchors, st.integers(0, 20), calendars)
def test_a_later_arrival_never_makes_a_step_due_earlier(it: Step, anchor: date, later: int, calendar: Calendar) -> None:
    assert due_on(it, anchor, calendar) <= due_on(it, anchor + timedelta(days=later), calendar)


def test_a_step_without_a_due_day_has_none_and_says_so() -> None:
    with pytest.raises(ValueError, match="no due day"):
        due_on(Step(id="it", title=TITLE, stage="all", by="coordinator"), date(2026, 12, 7), QUEBEC)


def test_no_due_day_is_made_up_beyond_the_years_that_are_known() -> None:
    with pytest.raises(UnknownYear):
        due_on(step(1, "after"), date(2150, 1, 1), QUEBEC)


def test_a_plan_has_every_task_in_order_and_no_day_that_is_not_known_yet() -> None:
    lines = plan(PROTOCOL, {"arrival": date(2026, 12, 7)}, QUEBEC)
    assert [(line.step.id, line.item and line.item.id, line.due_on) for line in lines] == [
        ("choose", None, None),
        ("pack", "book", date(2026, 12, 3)),
        ("pack", "phone", date(2026, 12, 3)),
        ("send", None, None),
        ("thank", None, None),
        ("tell", None, None),
    ]
    known = plan(PROTOCOL, {"arrival": date(2026, 12, 7), "packed": date(2026, 12, 4)}, QUEBEC)
    assert next(line.due_on for line in known if line.step.id == "send") == date(2026, 12, 7)


def test_a_plan_says_why_a_day_moved() -> None:
    calendar = QUEBEC.closed_also(
        [ClosedSpan(date(2026, 12, 3), date(2026, 12, 3), Bilingual(fr="Panne", en="Outage"))]
    )
    (_, moved, *_) = plan(PROTOCOL, {"arrival": date(2026, 12, 7)}, calendar)
    assert (moved.due_on, moved.closed_reason) == (date(2026, 12, 2), None), "counted over, not moved"
    on_the_day = Protocol.model_validate(_with_due({"days": 0, "after": "arrival"}))
    (_, moved, *_) = plan(on_the_day, {"arrival": date(2026, 6, 24)}, QUEBEC)
    assert (moved.moved_from, moved.due_on) == (date(2026, 6, 24), date(2026, 6, 25))
    assert moved.closed_reason is not None
    assert moved.closed_reason.fr == "Fête nationale du Québec"


def test_nobody_is_late_for_a_day_that_had_gone_by_when_the_case_opened() -> None:
    (_, late, *_) = plan(PROTOCOL, {"arrival": date(2026, 12, 7)}, QUEBEC, opened_on=date(2026, 12, 5))
    assert (late.due_on, late.before_opening) == (date(2026, 12, 7), True), "the first working day from the opening"
    (_, timely, *_) = plan(PROTOCOL, {"arrival": date(2026, 12, 7)}, QUEBEC, opened_on=date(2026, 11, 2))
    assert (timely.due_on, timely.before_opening) == (date(2026, 12, 3), False)


def test_named_days_are_known_from_the_facts_that_set_them() -> None:
    facts = {"worker.starts_on": date(2026, 12, 7), "case.opened_on": date(2026, 11, 2)}
    assert known_days(PROTOCOL, facts) == {"arrival": date(2026, 12, 7)}
    assert known_days(PROTOCOL, {**facts, "step.pack.done_on": date(2026, 12, 1)})["packed"] == date(2026, 12, 1)


def test_a_step_for_what_a_person_has_in_hand_has_no_task_until_that_is_known() -> None:
    assert instances(PROTOCOL.by_id["tell"]) == ()
    assert instances(PROTOCOL.by_id["choose"]) == (None,)
    assert ("tell", "") not in initial_states(PROTOCOL)


def test_a_step_opens_once_everything_before_it_is_done_or_waived() -> None:
    assert opened_by(PROTOCOL, state_of()) == {("choose", "")}
    assert opened_by(PROTOCOL, state_of(choose="open")) == set()
    assert opened_by(PROTOCOL, state_of(choose="submitted")) == set()
    opened = {("pack", "book"), ("pack", "phone"), ("thank", "")}
    assert opened_by(PROTOCOL, state_of(choose="done")) == opened
    assert opened_by(PROTOCOL, state_of(choose="waived")) == opened


def test_a_step_done_for_several_things_holds_up_until_the_last() -> None:
    half = state_of(choose="done", pack_book="done", pack_phone="open", thank="open")
    assert opened_by(PROTOCOL, half) == set()
    assert gate_waits_for(PROTOCOL, "packed_well", half) == [("pack", "phone")]
    whole = {**half, ("pack", "phone"): "waived"}
    assert opened_by(PROTOCOL, whole) == {("send", "")}
    assert gate_waits_for(PROTOCOL, "packed_well", whole) == []


def test_undoing_a_step_holds_back_what_it_had_opened_and_nothing_that_is_done() -> None:
    states = state_of(choose="open", pack_book="done", pack_phone="submitted", thank="open")
    assert held_back(PROTOCOL, states) == {("pack", "phone"), ("thank", "")}
    assert held_back(PROTOCOL, {**states, ("choose", ""): "done"}) == set()


def test_a_case_is_complete_without_its_optional_steps() -> None:
    assert not is_complete(PROTOCOL, state_of(choose="done", pack="done", thank="done"))
    assert is_complete(PROTOCOL, state_of(choose="done", pack="done", send="waived", thank="open"))


def test_a_gate_that_the_protocol_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        gate_waits_for(PROTOCOL, "unknown", state_of())


def test_waiting_for_nothing_is_being_ready() -> None:
    assert ready([])
    assert ready(SETTLED)
    assert not ready(["done", "cancelled"])


@given(st.data())
def test_what_is_open_does_not_depend_on_the_order_in_which_steps_were_done(data: st.DataObject) -> None:
    """Two cases settle the same tasks, each in an order of its own that waits allow: both look the same."""
    wanted = data.draw(st.sets(st.sampled_from(sorted(initial_states(PROTOCOL)))))
    ends: list[dict[TaskKey, str]] = []
    for _ in range(2):
        states = initial_states(PROTOCOL)
        while True:
            for key in opened_by(PROTOCOL, states):
                states[key] = "open"
            assert held_back(PROTOCOL, states) == set(), "nothing opens before its time"
            able = sorted(key for key in wanted if states[key] == "open")
            if not able:
                break
            states[data.draw(st.sampled_from(able))] = "done"
        ends.append(states)
    assert ends[0] == ends[1]


GOOD_EXAMPLE = """\
protocol: packing
examples:
  - title: {fr: Un exemple, en: An example}
    anchors: {arrival: 2026-12-07}
    waived: [send]
    done: [choose, pack/book]
    expect:
      open: [pack/phone]
      only_open: [pack/phone, thank]
      due: {pack: 2026-12-03}
      gates: {packed_well: shut}
      complete: false
"""


def test_an_example_that_holds_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "examples.yaml"
    path.write_text(GOOD_EXAMPLE, encoding="utf-8")
    assert len(check_examples(path, PROTOCOL).value.examples) == 1


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ("protocol: packing", "protocol: unpacking", "protocol", "examples of another protocol"),
        ("[choose, pack/book]", "[pack/book, choose]", "examples[0].done[0]", "“pack/book” is not open yet"),
        ("done: [choose", "done: [chose", "examples[0].done[0]", "Did you mean “choose”?"),
        ("  open: [pack/phone]", "  open: [pack/pen]", "examples[0].expect.open[0]", "no task “pack/pen”"),
        ("  open: [pack/phone]", "  open: [pack]", "examples[0].expect.open[0]", "is done here"),
        ("  open: [pack/phone]", "  waiting: [thank]", "examples[0].expect.waiting[0]", "is open here"),
        ("[pack/phone, thank]", "[pack/phone]", "examples[0].expect.only_open", "“thank” is open here too"),
        ("[pack/phone, thank]", "[]", "examples[0].expect.only_open", "is open here too"),
        ("2026-12-03", "2026-12-04", "examples[0].expect.due.pack", "2026"),
        ("due: {pack: ", "due: {send: ", "examples[0].expect.due.send", "is due — here"),
        ("shut", "open", "examples[0].expect.gates.packed_well", "it waits for: pack"),
        ("packed_well", "packed_ill", "examples[0].expect.gates.packed_ill", "no gate “packed_ill”"),
        ("complete: false", "complete: true", "examples[0].expect.complete", "would not close"),
        ("waived: [send]", "waived: [thank]", "examples[0].waived[0]", "never waived"),
        ("{arrival:", "{departure: 2026-12-08, arrival:", "examples[0].anchors.departure", "no anchor “departure”"),
    ],
)
def test_an_example_that_does_not_hold_is_told_at_its_line(
    tmp_path: Path, old: str, new: str, where: str, said: str
) -> None:
    text = GOOD_EXAMPLE.replace(old, new, 1)
    assert text != GOOD_EXAMPLE
    path = tmp_path / "examples.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DeclaredErrors) as raised:
        check_examples(path, PROTOCOL)
    problem = raised.value.problems[0]
    assert problem.path == where
    assert said in problem.in_language("en")
    assert problem.line == GOOD_EXAMPLE[: GOOD_EXAMPLE.index(old)].count("\n") + 1


def _with_due(due: dict[str, object]) -> dict[str, object]:
    declared = PROTOCOL.model_dump(by_alias=True)
    declared["steps"][1]["due"] = due
    return declared
