"""A protocol is held against its grammar, itself and the program, and a new version says what it changes."""

import re
from pathlib import Path

import pytest

from domain.declarations.protocol import Protocol
from domain.declarations.protocol_check import COMPLETED, MOVED, Around, check_protocol
from domain.declarations.protocol_difference import difference
from domain.declared.problems import DeclaredErrors, FileProblem
from domain.declared.reading import Declared, load_declared, load_declared_text
from flows.protocols import PROTOCOLS, read_protocol

HERE = Path(__file__).resolve().parents[2]

GREETING = """\
protocol: greeting
version: 1
title: {fr: Bienvenue, en: Greeting}
source: {fr: Guide, en: Guide}
subject: {kind: worker}
calendar: program
anchors:
  arrival: {title: {fr: l’arrivée, en: the arrival}, from: worker.starts_on}
  opened: {title: {fr: l’ouverture, en: the opening}, from: case.opened_on}
  signed: {title: {fr: la signature, en: the signature}, from: step.sign.done_on}
accountable: coordinator
roles:
  coordinator: {title: {fr: Coordination, en: Coordinator}, holds: coordinator, at: coordination}
  manager: {title: {fr: Gestionnaire, en: Manager}, holds: manager, at: employer, else: [coordinator]}
  cashier: {title: {fr: Caisse, en: Cash}, holds: manager, at: "having:petty_cash_holder"}
  worker: {title: {fr: Intervenant·e, en: Worker}, subject: worker, else: [manager]}
stages:
  - {id: first, title: {fr: Début, en: Beginning}}
  - {id: last, title: {fr: Fin, en: End}}
steps:
  - id: ask
    title: {fr: Demander, en: Ask}
    stage: first
    source: [ON-P06]
    clause: AG-M4
    by: coordinator
    due: {days: 5, before: arrival}
    approved_by: {role: manager, not_same_as: [requester, worker]}
  - id: sign
    title: {fr: Signer, en: Sign}
    stage: first
    by: worker
    needs: [ask]
    due: {days: 1, after: arrival}
  - id: greet
    title: {fr: Saluer, en: Greet}
    stage: first
    by: manager
    needs: [ready_to_work]
    due: {days: 1, after: signed}
    waive: {by: coordinator}
  - id: enrol
    title: {fr: Inscrire, en: Enrol}
    stage: last
    needs: [sign]
    action: enrol
    undo: withdraw
gates:
  ready_to_work: {title: {fr: Peut travailler, en: May work}, steps: [ask, sign]}
remind:
  - {after_working_days: -2, to: owner}
  - {after_working_days: 3, to: manager}
close: {when: all_required}
cancel: {by: [coordinator]}
reopen: {by: [coordinator]}
"""


def read(text: str) -> Declared[Protocol]:
    around = Around(
        roles={"coordinator", "manager", "youth_worker", "petty_cash_holder"},
        clauses={"AG-M4", "AG-X1", "AG-X1:manager"},
        actions={"enrol", "withdraw"},
        committees={"clinical"},
    )
    return check_protocol(load_declared_text(text, "greeting.yaml", Protocol), around)


def changed(old: str, new: str) -> str:
    assert GREETING.count(old) == 1, "the test must change one place"
    return GREETING.replace(old, new)


def problems(text: str) -> list[FileProblem]:
    with pytest.raises(DeclaredErrors) as raised:
        read(text)
    return raised.value.problems


def test_a_good_protocol_is_read_and_survives_being_kept() -> None:
    protocol = read(GREETING).value
    kept = protocol.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert Protocol.model_validate(kept) == protocol


def test_a_step_waits_for_the_steps_of_a_gate_that_it_names() -> None:
    protocol = read(GREETING).value
    assert protocol.waits_for(protocol.by_id["greet"]) == ("ask", "sign")


def test_a_duty_falls_back_along_the_whole_chain() -> None:
    protocol = read(GREETING).value
    assert protocol.chain("worker") == ("worker", "manager", "coordinator")
    assert protocol.chain("cashier") == ("cashier",)
    assert protocol.roles["cashier"].having == "petty_cash_holder"
    assert protocol.roles["manager"].having is None


def test_a_rejection_reopens_the_step_itself_unless_it_names_one_before_it() -> None:
    ask = "approved_by: {role: manager, not_same_as: [requester, worker]}"
    protocol = read(GREETING).value
    assert protocol.by_id["ask"].reopens == "ask"
    approved = "needs: [ask]\n    approved_by: {role: coordinator}\n    on_reject: ask"
    assert read(changed("needs: [ask]", approved)).value.by_id["sign"].reopens == "ask"
    (problem,) = problems(changed(ask, ask + "\n    on_reject: sign"))
    assert (problem.path, problem.line) == ("steps[0].on_reject", 29)


WRONG = [
    # a name that leads nowhere: old text, new text, path, what is said
    ("by: manager\n    needs", "by: manger\n    needs", "steps[2].by", "no role “manger”. Did you mean “manager”?"),
    ("needs: [ask]", "needs: [aks]", "steps[1].needs[0]", "no step and no gate “aks”. Did you mean “ask”?"),
    ("5, before: arrival", "5, before: arival", "steps[0].due.before", "no anchor “arival”"),
    ("1, after: signed", "1, after: singed", "steps[2].due.after", "Did you mean “signed”?"),
    ("from: step.sign.done_on", "from: step.sing.done_on", "anchors.signed.from", "no step “sing”"),
    ("from: case.opened_on", "from: case.closed_on", "anchors.opened.from", "A day is one of"),
    ("stage: last", "stage: lost", "steps[3].stage", "no stage “lost”. Did you mean “last”?"),
    ("clause: AG-M4", "clause: AG-M9", "steps[0].clause", "No agreement has the clause “AG-M9”"),
    ("clause: AG-M4", "clause: AG-X1:coach", "steps[0].clause", "No agreement has the clause “AG-X1:coach”"),
    ("source: [ON-P06]", "source: [ON-P66]", "steps[0].source[0]", "The guide has no fact “ON-P66”"),
    ("action: enrol", "action: enroll", "steps[3].action", "no action “enroll”. Did you mean “enrol”?"),
    ("undo: withdraw", "undo: withdrew", "steps[3].undo", "no action “withdrew”"),
    ("holds: manager, at: employer", "holds: manger, at: employer", "roles.manager.holds", "No agreement creates"),
    ("having:petty_cash_holder", "having:purse_holder", "roles.cashier.at", "No agreement creates"),
    ("at: employer", "at: employers", "roles.manager.at", "A place is one of"),
    ("else: [manager]", "else: [boss]", "roles.worker.else[0]", "no role “boss”"),
    ("[requester, worker]", "[requestor, worker]", "steps[0].approved_by.not_same_as[0]", "“requester”"),
    ("accountable: coordinator", "accountable: nobody", "accountable", "no role “nobody”"),
    ("cancel: {by: [coordinator]}", "cancel: {by: [coordinatr]}", "cancel.by[0]", "“coordinator”"),
    ("waive: {by: coordinator}", "waive: {by: chief}", "steps[2].waive.by", "no role “chief”"),
    ("steps: [ask, sign]}", "steps: [ask, sin]}", "gates.ready_to_work.steps[1]", "no step “sin”"),
    (
        "    waive:",
        "    agenda: {committee: klinical, kind: request}\n    waive:",
        "steps[2].agenda.committee",
        "“clinical”",
    ),
    # names that mean two things
    ("id: greet", "id: ask", "steps[2].id", "a second time"),
    ("stages:", "stages:\n  - {id: last, title: {fr: a, en: a}}", "stages[2].id", "a second time"),
    ("  ready_to_work:", "  ask: {title: {fr: a, en: a}, steps: [sign]}\n  ready_to_work:", "gates.ask", "both named"),
    ("  worker: {title", "  requester: {title: {fr: a, en: a}, subject: worker}\n  worker: {title",
     "roles.requester", "already"),
    # what is said by halves
    ("action: enrol", "by: worker\n    action: enrol", "steps[3]", "either “by” a role or by an “action”"),
    ("    undo: withdraw\n", "", "steps[3]", "Say what undoes the action"),
    ("needs: [ask]", "needs: [ask]\n    undo: withdraw", "steps[1].undo", "belongs to a step with an action"),
    ("needs: [ask]", "needs: [ask]\n    on_reject: ask", "steps[1].on_reject", "belongs to a step with an approval"),
    ("needs: [ask]", "needs: [ask]\n    evidence: account", "steps[1]", "go together"),
    ("action: enrol", "action: enrol\n    evidence: note", "steps[3]", "neither approval nor evidence"),
    ("needs: [ask]", "needs: [ask]\n    evidence: act", "steps[1].evidence", "Nothing that is done completes a step"),
    ("needs: [ask]", "needs: [ask]\n    act: agreement.sent", "steps[1].act", "“evidence: act”"),
    ("needs: [ask]", "needs: [ask]\n    evidence: act\n    act: agreement.sent", "steps[1].act", "about an agr"),
    ("needs: [ask]", "needs: [ask]\n    evidence: act\n    act: letter.sent", "steps[1].act", "agreement.sent"),
    ("1, after: arrival", "1", "steps[1].due", "either “before” or “after”"),
    ("1, after: arrival", "1, after: arrival, before: opened", "steps[1].due", "either “before” or “after”"),
    ("needs: [ask]", "needs: [ask]\n    for_each: {}", "steps[1].for_each", "either “list” or “over”"),
    ("holds: manager, at: employer", "holds: manager", "roles.manager", "go together"),
    ("subject: worker, else", "holds: manager, at: employer, subject: worker, else", "roles.worker", "Say either"),
    ("fr: Signer, en: Sign", "en: Sign", "steps[1].title.fr", "“fr” is missing"),
    ("version: 1", "version: 0", "version", "at least 1"),
    # circles, and roads to nobody
    ("holds: coordinator, at: coordination", "holds: coordinator, at: coordination, else: [manager]",
     "roles.coordinator.else", "fall back on each other"),
    ("subject: worker, else: [manager]", "subject: worker", "roles.worker.else", "No one is left"),
    ("steps: [ask, sign]}", "steps: [ask, greet]}", "steps[2].needs", "wait for each other: greet → greet"),
    ("    by: coordinator\n    due", "    by: coordinator\n    needs: [sign]\n    due", "steps[0].needs",
     "wait for each other: ask → sign → ask"),
    ("1, after: arrival", "1, after: signed", "steps[1].due", "which itself waits for this step"),
    ("5, before: arrival", "5, after: signed", "steps[0].due", "which itself waits for this step"),
    # days that cannot be kept
    ("5, before: arrival", "5, before: opened", "steps[0].due", "before the case opens"),
    ("1, after: signed", "1, before: signed", "steps[2].due", "only once it has passed"),
    ("1, after: arrival", "9, before: arrival", "steps[1].due", "before “ask”, which it waits for"),
    # approvals of one's own
    ("[requester, worker]", "[worker]", None, ""),
    ("role: manager, not_same_as: [requester, worker]", "role: coordinator, not_same_as: [worker]",
     "steps[0].approved_by", "would approve it"),
    # the rest
    ("-2, to: owner", "5, to: owner", "remind[1]", "put them in order"),
    ("stage: last", "stage: first", "stages[1]", "No step belongs to this stage"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "path", "said"), WRONG)
def test_a_wrong_protocol_is_told_at_its_path(old: str, new: str, path: str | None, said: str) -> None:
    text = changed(old, new)
    if path is None:  # another role approves: the doer need not be barred by name
        assert read(text).value.protocol == "greeting"
        return
    (problem,) = problems(text)
    assert problem.path == path
    assert said in problem.in_language("en")
    first = GREETING[: GREETING.index(old)].count("\n")
    key = path.rpartition(".")[2].partition("[")[0]
    if f"{key}:" in text.splitlines()[first]:
        assert problem.line == first + 1


@pytest.mark.parametrize(
    ("protocol", "step"),
    [
        (key, step)
        for steps_of in (COMPLETED, MOVED)
        for key, steps in sorted(steps_of.items())
        for step in sorted(steps)
    ],
)
def test_a_step_that_the_program_moves_by_its_name_is_not_renamed(protocol: str, step: str, tmp_path: Path) -> None:
    """It would wait for ever for an act that is done under the other name, and nobody would be told."""
    text = PROTOCOLS[protocol].file.read_text(encoding="utf-8")
    file = tmp_path / "protocol.yaml"
    file.write_text(re.sub(rf"\b{step}\b(?!:)", f"{step}_here", text), encoding="utf-8")
    with pytest.raises(DeclaredErrors) as refused:
        read_protocol(file)
    told = {problem.path: problem for problem in refused.value.problems}
    assert told["steps"].facts["name"] == step
    assert "its title may change, its name may not" in told["steps"].in_language("en")


def test_a_program_may_leave_out_a_step_that_an_act_completes(tmp_path: Path) -> None:
    text = PROTOCOLS["admission"].file.read_text(encoding="utf-8")
    file = tmp_path / "protocol.yaml"
    file.write_text(
        re.sub(r"  - id: store_consent\n.*?(?=  - id: risk\n)", "", text, flags=re.DOTALL), encoding="utf-8"
    )
    assert "store_consent" not in read_protocol(file).value.by_id


def test_a_step_of_ones_own_that_no_act_completes_is_told_in_any_protocol(tmp_path: Path) -> None:
    text = PROTOCOLS["recruiting"].file.read_text(encoding="utf-8")
    file = tmp_path / "protocol.yaml"
    for wrong in (
        text.replace("protocol: recruiting", "protocol: hiring"),
        text.replace("evidence: note", "evidence: act", 1),
    ):
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises(DeclaredErrors) as refused:
            read_protocol(file)
        (problem,) = refused.value.problems
        assert "Nothing that is done completes a step" in problem.in_language("en")


def test_a_misspelt_name_is_told_at_the_very_line_that_it_stands_on() -> None:
    text = changed("needs: [ask]", "needs:\n    - ask\n    - singn")
    (problem,) = problems(text)
    assert text.splitlines()[problem.line - 1].strip() == "- singn"


def test_two_roles_of_the_protocol_that_one_tenure_fills_do_not_approve_each_other() -> None:
    twin = "  twin: {title: {fr: a, en: a}, holds: coordinator, at: coordination}\n  worker: {title"
    text = changed("  worker: {title", twin).replace("role: manager, not_same_as: [requester, worker]", "role: twin")
    (problem,) = problems(text)
    assert problem.path == "steps[0].approved_by"


def test_a_role_may_approve_its_own_step_where_the_one_who_handed_it_in_is_barred() -> None:
    text = changed("role: manager, not_same_as: [requester, worker]", "role: coordinator, not_same_as: [requester]")
    assert read(text).value.by_id["ask"].approved_by is not None


def test_days_on_either_side_of_the_anchor_are_compared_whatever_they_count() -> None:
    text = changed("5, before: arrival", "1, after: arrival").replace(
        "    needs: [ask]\n    due: {days: 1, after: arrival}",
        "    needs: [ask]\n    due: {days: 2, counting: calendar, before: arrival}",
    )
    (problem,) = problems(text)
    assert (problem.path, problem.facts) == ("steps[1].due", {"name": "ask"})


def test_every_unknown_name_is_told_at_once() -> None:
    text = changed("needs: [ask]", "needs: [aks]").replace("clause: AG-M4", "clause: AG-M9")
    assert [p.path for p in problems(text)] == ["steps[0].clause", "steps[1].needs[0]"]


def test_due_days_are_said_in_words_of_both_languages() -> None:
    protocol = read(GREETING).value
    ask, sign, enrol = (protocol.by_id[name] for name in ("ask", "sign", "enrol"))
    assert protocol.due_in_words(ask, "en") == "5 working days before the arrival"
    assert protocol.due_in_words(sign, "en") == "1 working day after the arrival"
    assert protocol.due_in_words(sign, "fr") == "1 jour ouvrable après l’arrivée"
    assert protocol.due_in_words(ask, "fr") == "5 jours ouvrables avant l’arrivée"
    assert protocol.due_in_words(enrol, "fr") == ""


CHANGES = [
    ("en: Sign}", "en: Sign here}", ["“Sign” is now called “Sign here”."]),
    ("5, before: arrival", "4, before: arrival",
     ["“Ask” is due 4 working days before the arrival, and no longer 5 working days before the arrival."]),
    ("    due: {days: 1, after: arrival}\n", "",
     ["“Sign” no longer has a due day."]),
    ("action: enrol", "action: enrol\n    due: {days: 2, counting: calendar, after: arrival}",
     ["“Enrol” is now due 2 days after the arrival."]),
    ("1, after: signed", "1, after: signed, counting: calendar",
     ["“Greet” is due 1 day after the signature, and no longer 1 working day after the signature."]),
    ("by: manager\n    needs", "by: worker\n    needs", ["“Greet” is done by Worker, and no longer by Manager."]),
    ("needs: [ask]", "needs: []", ["“Sign” no longer waits for “Ask”."]),
    ("needs: [ready_to_work]", "needs: [ready_to_work, enrol]", ["“Greet” now waits for “Enrol”."]),
    ("    approved_by: {role: manager, not_same_as: [requester, worker]}\n", "",
     ["“Ask” no longer needs an approval."]),
    ("role: manager, not", "role: cashier, not", ["“Ask” is now approved by Cash."]),
    ("needs: [ask]", "needs: [ask]\n    approved_by: {role: manager}", ["“Sign” is now approved by Manager."]),
    ("[requester, worker]", "[requester]", ["Who may not approve “Ask” changed."]),
    ("stage: last", "stage: first", ["“Enrol” moves to the stage “Beginning”.", "The stages changed."]),
    ("needs: [ask]", "needs: [ask]\n    required: false", ["“Sign” is now optional."]),
    ("needs: [ask]", "needs: [ask]\n    evidence: note", ["“Sign” asks for another kind of evidence."]),
    ("source: [ON-P06]", "source: [ON-P07]", ["The details of “Ask” changed."]),
    ("steps: [ask, sign]}", "steps: [ask]}", ["What “May work” waits for, or is called, changed."]),
    ("from: case.opened_on", "from: worker.ends_on", ["What sets the day “the opening” changed."]),
    ("at: employer", "at: anywhere", ["Who is meant by “Manager” changed."]),
    ("to: manager", "to: accountable", ["The reminders changed."]),
    ("calendar: program", "calendar: employer", ["The closed days that count changed."]),
    ("cancel: {by: [coordinator]}", "cancel: {by: [manager]}", ["Who may cancel a case changed."]),
    ("title: {fr: Bienvenue, en: Greeting}", "title: {fr: Accueil, en: Greeting}",
     ["The title of the procedure changed."]),
    ("version: 1", "version: 2", []),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "sentences"), CHANGES)
def test_a_new_version_says_in_plain_words_what_it_changes(old: str, new: str, sentences: list[str]) -> None:
    text = changed(old, new)
    if new == "stage: first":  # a stage that no step belongs to would be refused
        text = text.replace("  - {id: last, title: {fr: Fin, en: End}}\n", "")
    assert difference(read(GREETING).value, read(text).value, "en") == sentences


def test_new_and_dropped_steps_gates_and_order_are_said() -> None:
    old = read(GREETING).value
    enrol = GREETING[GREETING.index("  - id: enrol") : GREETING.index("gates:")]
    without = GREETING.replace(enrol, "").replace("  - {id: last, title: {fr: Fin, en: End}}\n", "")
    less = read(without).value
    assert difference(old, less, "en") == ["“Enrol” is no longer asked.", "The stages changed."]
    assert difference(less, old, "en") == ["New step: “Enrol”.", "The stages changed."]
    moved = GREETING.replace(enrol, "").replace("steps:\n  - id: ask", f"steps:\n{enrol}  - id: ask")
    assert difference(old, read(moved).value, "en") == ["The order of the steps changed."]
    gate = "gates:\n  done: {title: {fr: Fini, en: Done}, steps: [enrol]}"
    more = read(changed("gates:", gate)).value
    assert difference(old, more, "en") == ["New gate: “Done”."]
    assert difference(more, old, "en") == ["The gate “Done” is no more."]


def test_what_changes_is_said_in_french_too() -> None:
    text = changed("5, before: arrival", "4, before: arrival")
    (said,) = difference(read(GREETING).value, read(text).value, "fr")
    assert "4 jours ouvrables avant l’arrivée" in said
    assert "working" not in said


def test_no_change_of_the_onboarding_goes_unsaid() -> None:
    path = HERE / "flows" / "onboarding" / "protocol.yaml"
    protocol = _onboarding(path)
    for field, value in _other_values(protocol).items():
        other = protocol.model_copy(update={field: value})
        assert difference(protocol, other, "en"), field
    for place, step in enumerate(protocol.steps):
        for field in ("title", "help", "stage", "source", "clause", "needs", "due", "for_each", "waive"):
            values = {"title": step.title.model_copy(update={"en": "Other"}), "waive": "never", "needs": (),
                      "stage": protocol.stages[(place + 1) % 4].id, "source": ("GV-1",), "due": None,
                      "help": None, "clause": "AG-M9", "for_each": None}  # fmt: skip
            if values[field] == getattr(step, field):
                continue
            changed_step = step.model_copy(update={field: values[field]})
            steps = (*protocol.steps[:place], changed_step, *protocol.steps[place + 1 :])
            other = Protocol.model_validate(
                {**protocol.model_dump(by_alias=True), "steps": [s.model_dump(by_alias=True) for s in steps]}
            )
            assert difference(protocol, other, "en"), (step.id, field)


def _onboarding(path: Path) -> Protocol:
    around = Around(
        roles={
            *("administrative_officer", "coordinator", "director", "it_contact", "manager", "petty_cash_holder"),
            "youth_worker",
        },
        clauses={"AG-M4", "GV-5.workers"},
        actions={"enrol_on_clinical_committee", "withdraw_from_clinical_committee", "send_contact_lists"},
    )
    return check_protocol(load_declared(path, Protocol), around).value


def _other_values(protocol: Protocol) -> dict[str, object]:
    title = protocol.title.model_copy(update={"fr": "Autre"})
    return {
        "title": title,
        "source": title,
        "calendar": "program",
        "anchors": {"arrival": protocol.anchors["arrival"].model_copy(update={"from_": "case.opened_on"})},
        "accountable": "manager",
        "roles": {**protocol.roles, "manager": protocol.roles["coordinator"]},
        "stages": protocol.stages[:1],
        "gates": {},
        "remind": (),
        "cancel": protocol.cancel.model_copy(update={"by": ("manager",)}),
        "reopen": protocol.reopen.model_copy(update={"by": ("manager",)}),
    }
