"""The demonstration: it holds together on whatever day it is loaded, and a wrong one is told where and why."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.cast import Act, DemoCase, DemonstrationFile, DemoTenure, RelativeDay
from demo.cast_check import read_demonstration, read_demonstration_text
from domain.declarations.planning import due_on
from domain.declarations.program_check import read_program
from domain.declarations.protocol import Protocol
from domain.declarations.protocol_check import Around, check_protocol
from domain.declared.problems import DeclaredErrors, FileProblem
from domain.declared.reading import load_declared
from domain.kernel.calendars import Calendar

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "demo" / "demonstration.yaml"
TEXT = FILE.read_text("utf-8")
HERE = "»"  # in a wrong text: stands on the line that the complaint must name, and is taken out
TODAY = date(2026, 11, 24)

PROGRAM = read_program(ROOT / "programs" / "greater-montreal.yaml").value
ONBOARDING = check_protocol(
    load_declared(ROOT / "flows" / "onboarding" / "protocol.yaml", Protocol),
    Around.of_program(
        PROGRAM, {"enrol_on_clinical_committee", "withdraw_from_clinical_committee", "send_contact_lists"}
    ),
).value
PROTOCOLS = {"onboarding": ONBOARDING}
CALENDAR = PROGRAM.calendar()


def read(text: str = TEXT, today: date = TODAY) -> DemonstrationFile:
    return read_demonstration_text(text, "demo.yaml", PROGRAM, today=today, protocols=PROTOCOLS).value


DEMO = read()


def problems_of(text: str) -> list[FileProblem]:
    with pytest.raises(DeclaredErrors) as refused:
        read(text)
    return refused.value.problems


# ----------------------------------------------------------------------------------------- the one that we have


@pytest.mark.ci
@given(st.dates(date(2025, 6, 1), date(2032, 12, 31)))
def test_it_holds_together_on_whatever_day_it_is_loaded(today: date) -> None:
    assert read_demonstration(FILE, PROGRAM, today=today, protocols=PROTOCOLS).value == DEMO


def test_its_cast_speaks_both_languages_and_has_names_that_are_hard_to_print() -> None:
    people = DEMO.people.values()
    assert len(people) >= 26
    assert {person.language for person in people} == {"fr", "en"}
    names = " ".join(f"{person.given_name} {person.family_name}" for person in people)
    assert "’" in names
    assert "'" in names
    assert not names.isascii()
    assert [key for key, person in DEMO.people.items() if person.email is None] == ["max"]


def test_one_person_holds_the_same_role_at_two_organizations() -> None:
    held = {(t.person, t.role): set[str]() for t in DEMO.tenures}
    for tenure in DEMO.tenures:
        held[tenure.person, tenure.role].add(tenure.organization)
    assert held["jade", "second_representative"] == {"en-marge", "anonyme"}


def test_every_agreement_is_signed_and_exactly_one_role_is_vacant() -> None:
    assert {signature.organization for signature in DEMO.signatures} == PROGRAM.agreements.keys()
    assert [(vacancy.role, vacancy.organization) for vacancy in DEMO.vacant] == [("manager", "codim")]


def test_it_may_show_more_people_than_an_agreement_promises() -> None:
    both = TEXT.replace("ends: -12 working days}\n  - {person: anais", "ends: today}\n  - {person: anais")
    assert [one.person for one in read(both).tenures if one.role == "youth_worker"].count("theo") == 1
    assert both != TEXT


def test_a_deputy_acts_today_for_the_manager_whose_approval_is_waited_for() -> None:
    (away,) = [one for one in DEMO.absences if one.starts.on(TODAY, CALENDAR) <= TODAY <= one.ends.on(TODAY, CALENDAR)]
    assert (away.person, away.deputy) == ("clemence", "jade")
    case = DEMO.cases["onboarding-anais"]
    acts = [act.verb for act in case.acts if "request_secure_access" in act.steps]
    assert acts == ["done"]  # and neither approved nor rejected
    assert _holds("clemence", "manager", case.organization, TODAY)


def test_some_cases_are_closed_one_is_late_and_one_has_just_been_opened() -> None:
    ends = {key: case.ends for key, case in DEMO.cases.items()}
    assert sorted(ends.values()) == ["closed", "closed", "open", "open", "open"]
    late = {key: [step for step, day in _left(case) if day < TODAY] for key, case in DEMO.cases.items()}
    assert not late["onboarding-elodie"]
    assert not late["onboarding-naima"]
    assert {"plan_training", "welcome_in_organization", "check_secure_access"} <= set(late["onboarding-emile"])
    arrival = _arrival(DEMO.cases["onboarding-naima"])
    assert CALENDAR.working_days_between(TODAY, arrival) == 10


def test_what_is_done_is_done_by_those_on_whom_it_fell_that_day() -> None:
    acted = 0
    for case in DEMO.cases.values():
        for act in case.acts:
            day = act.day.on(TODAY, CALENDAR)
            for name in act.steps:
                step = ONBOARDING.by_id[name]
                role = step.approved_by.role if act.verb in ("approved", "rejected") and step.approved_by else step.by
                role = ONBOARDING.accountable if act.verb == "waived" else role
                assert role is not None
                assert act.by in set(_on_whom(role, case, day)), f"{act.by} has no hat for {name} on {act.day}"
                acted += 1
    assert acted > 90


def test_nobody_approves_what_they_asked_for() -> None:
    for case in DEMO.cases.values():
        asked: dict[str, str] = {}
        for act in case.acts:
            for name in act.steps:
                if act.verb == "done":
                    asked[name] = act.by
                elif act.verb == "approved":
                    assert act.by not in {asked[name], case.worker}


def _held(tenure: DemoTenure, day: date) -> bool:
    ends = tenure.ends.on(TODAY, CALENDAR) if tenure.ends else date.max
    return tenure.starts.on(TODAY, CALENDAR) <= day <= ends


def _holds(person: str, role: str, organization: str, day: date) -> bool:
    return any(
        _held(t, day) for t in DEMO.tenures if (t.person, t.role, t.organization) == (person, role, organization)
    )


def _on_whom(name: str, case: DemoCase, day: date) -> Iterator[str]:
    """Who may have a duty of this role of the protocol on a day: every link of its chain, and their deputies."""
    for link in ONBOARDING.chain(name):
        role = ONBOARDING.roles[link]
        if role.subject:
            holders = [case.worker]
        else:
            places = {
                "employer": {case.organization},
                "coordination": {place for _, place in PROGRAM.coordination.organizations()},
                "anywhere": set(PROGRAM.organizations),
            }
            having = {org for org in PROGRAM.agreements if role.having and role.having in PROGRAM.roles_at(org)}
            where = places.get(role.at or "", having)
            holders = [
                t.person for t in DEMO.tenures if t.role == role.holds and t.organization in where and _held(t, day)
            ]
        for holder in holders:
            yield holder
            for away in DEMO.absences:
                first, last = away.starts.on(TODAY, CALENDAR), away.ends.on(TODAY, CALENDAR)
                if away.person == holder and away.deputy and first <= day <= last:
                    yield away.deputy


def _arrival(case: DemoCase) -> date:
    (tenure,) = [t for t in DEMO.tenures if (t.person, t.role) == (case.worker, "youth_worker")]
    return tenure.starts.on(TODAY, CALENDAR)


def _left(case: DemoCase) -> Iterator[tuple[str, date]]:
    """The steps of people that nobody did or waived, and the day on which each is due."""
    over = {name for act in case.acts if act.verb in ("done", "waived") for name in act.steps}
    for step in ONBOARDING.steps:
        if step.id not in over and step.action is None and step.due is not None:
            yield step.id, due_on(step, _arrival(case), PROGRAM.calendar(case.organization))


# ------------------------------------------------------------------------------------------------ days and acts


def test_days_are_counted_from_the_day_of_loading() -> None:
    monday = date(2026, 11, 23)
    assert RelativeDay(-30, working=False).on(monday, Calendar()) == monday - timedelta(days=30)
    assert RelativeDay(-1, working=True).on(monday, Calendar()) == date(2026, 11, 20)
    assert RelativeDay(5, working=True).on(monday, Calendar()) == date(2026, 11, 30)


def test_an_act_tells_its_verb_its_day_and_its_evidence() -> None:
    act = next(act for act in DEMO.cases["onboarding-noe"].acts if act.serial)
    assert (act.verb, act.day, act.evidence) == ("done", RelativeDay(-110, working=True), "serial")
    assert isinstance(act, Act)


# ------------------------------------------------------------------------------------------------- wrong files

NAIMA = (
    "      - {steps: [plan_integration], done: -1 working days, by: solene, note: Visits to the five other partners.}"
)
TENURES = "tenures:\n"
ENDS_NOE = "ends: closed\n    acts:\n      - steps: [request_secure_access, request_petty_cash]"
NAIMA_OPEN = "opened: -2 working days\n    opened_by: solene\n    ends: open"
OPENED_ACCOUNT = "{steps: [open_secure_account], done: -25 working days, by: tristan"
GAVE_CASH = "{steps: [give_petty_cash], done: -145 working days, by: penelope"
SECOND_SOLENE = "{person: solene, role: coordinator, organization: ccsmtl, starts: -9 days}"
SECOND_MANAGER = "{person: noe, role: manager, organization: ccsmtl, starts: -9 days}"
NOE_REVIEW = "      - steps: [review_onboarding]\n        done: -82 working days"

WRONG: dict[str, tuple[list[tuple[str, str]], str, str]] = {
    "another program": (
        [("program: greater-montreal", "»program: laval")],
        "program",
        "This demonstration is not of this program.",
    ),
    "an address that could be real": (
        [("email: aurore.lacomete@ccsmtl.example", "»email: aurore.lacomete@ccsmtl.org")],
        "people.aurore.email",
        "A demonstration's addresses end in .example",
    ),
    "a number that could ring": (
        [("phone: 514-555-0100", "»phone: 514-555-0200")],
        "people.solene.phone",
        "A demonstration's telephone numbers are made up",
    ),
    "a day that is none": (
        [("organization: ccsmtl, starts: -900 days", "»organization: ccsmtl, starts: 2024-01-01")],
        "tenures[0].starts",
        "A day is expected here, written as today, -30 days or 10 working days.",
    ),
    "no working day at all": (
        [("organization: ccsmtl, starts: -900 days", "»organization: ccsmtl, starts: 0 working days")],
        "tenures[0].starts",
        "0 working days from today is no day of its own",
    ),
    "a person who is not there": (
        [("person: aurore, role: director", "»person: auroree, role: director")],
        "tenures[1].person",
        "No person here is named “auroree”.",
    ),
    "an organization that is not there": (
        [("role: director, organization: ccsmtl", "»role: director, organization: cisss")],
        "tenures[1].organization",
        "No organization here is named “cisss”.",
    ),
    "a role that the organization does not have": (
        [("person: ariane, role: police_representative", "»person: ariane, role: youth_worker")],
        "tenures[19].role",
        "“spvm” has no role “youth_worker”.",
    ),
    "a role held twice by the same person": (
        [("  - {person: iris,", f"  - »{SECOND_SOLENE}\n  - {{person: iris,")],
        "tenures[7].person",
        "This person holds this role here already.",
    ),
    "two holders of a role that has one": (
        [("  - {person: iris,", f"  - »{SECOND_MANAGER}\n  - {{person: iris,")],
        "tenures[7]",
        "Only one person at a time holds the role “manager” at an organization.",
    ),
    "a hold that ends before it starts": (
        [("starts: -760 days, ends: -21 days", "»starts: -760 days, ends: -761 days")],
        "tenures[12].ends",
        "This ends before it starts.",
    ),
    "a vacancy that is filled": (
        [("starts: -760 days, ends: -21 days", "starts: -760 days"), ("  - {role: manager", "  - »{role: manager")],
        "vacant[0]",
        "Somebody holds this role today.",
    ),
    "a vacancy that is not said": (
        [("vacant:\n  - {role: manager, organization: codim}\n", ""), (TENURES, "»" + TENURES)],
        "tenures",
        "Nobody holds “manager” at “codim” today, and vacant does not say so.",
    ),
    "one's own deputy": (
        [("person: clemence, deputy: jade", "»person: clemence, deputy: clemence")],
        "absences[0].deputy",
        "A person cannot be their own deputy.",
    ),
    "an absence within an absence": (
        [
            ("  - {person: iris, kinds: [tasks, seats]", "  - »{person: clemence, kinds: [tasks]"),
            ("starts: 20 days", "starts: 8 days"),
        ],
        "absences[1]",
        "This person is away already on some of these days.",
    ),
    "a signature by someone else": (
        [("organization: codim, director: margaret", "»organization: codim, director: chloe")],
        "signatures[1].director",
        "This person is not the director there on that day.",
    ),
    "a signature under nothing": (
        [("  - {organization: codim, director: margaret", "  - »{organization: cavac, director: margaret")],
        "signatures[1].organization",
        "This organization has no agreement to sign.",
    ),
    "an agreement signed twice": (
        [("organization: spvm, director: victor", "»organization: codim, director: margaret")],
        "signatures[2]",
        "This agreement is signed already.",
    ),
    "an agreement in force before it is signed": (
        [("director: victor, signed: -391 days", "»director: victor, signed: -389 days")],
        "signatures[2].starts",
        "An agreement is not in force before it is signed.",
    ),
    "a seat that is not there": (
        [("seat: research, principal: iris", "»seat: researcher, principal: iris")],
        "seats[18].seat",
        "The program has no such seat.",
    ),
    "a seat held without its role": (
        [("seat: research, principal: iris", "»seat: research, principal: gael")],
        "seats[18].principal",
        "This person does not hold “researcher” at “ccsmtl” on the seat's first day.",
    ),
    "an alternate before the role": (
        [("alternate: chloe, starts: -290 days", "»alternate: chloe, starts: -310 days")],
        "seats[2].alternate",
        "This person does not hold “second_representative” at “codim” on the seat's first day.",
    ),
    "a seat held by nobody": (
        [("  - {committee: clinical, seat: research, principal: iris,", "  - »{committee: clinical, seat: research,")],
        "seats[18]",
        "A principal or an alternate must stand here; leave an empty seat out.",
    ),
    "a serial number twice": (
        [("serial: SPH-C-0006", "»serial: SPH-C-0005")],
        "equipment[5].serial",
        "Two things of a kind have this serial number.",
    ),
    "a case of nobody's": (
        [("    worker: naima\n", "    »worker: chloe\n")],
        "cases.onboarding-naima.worker",
        "This person is no youth worker of this organization.",
    ),
    "a case of no protocol": (
        [("onboarding-naima:\n    protocol: onboarding", "onboarding-naima:\n    »protocol: boarding")],
        "cases.onboarding-naima.protocol",
        "No protocol here is named “boarding”.",
    ),
    "a case opened today": (
        [("    opened: -2 working days", "    »opened: today")],
        "cases.onboarding-naima.opened",
        "What was done was done on a working day before today",
    ),
    "an act before the case": (
        [(NAIMA, NAIMA.replace("{steps", "»{steps").replace("-1 working", "-3 working"))],
        "cases.onboarding-naima.acts[0].done",
        "This comes before what stands above it.",
    ),
    "a step that is not there": (
        [(NAIMA, NAIMA.replace("{steps: [plan_integration]", "»{steps: [plan_integrations]"))],
        "cases.onboarding-naima.acts[0].steps[0]",
        "This protocol has no step “plan_integrations”.",
    ),
    "an act of two verbs": (
        [(NAIMA, NAIMA.replace("{steps", "»{undone: -1 working days, steps"))],
        "cases.onboarding-naima.acts[0]",
        "Exactly one act must stand here",
    ),
    "a waiver without reason": (
        [(NAIMA, "      - »{steps: [provide_own_cards], waived: -1 working days, by: solene}")],
        "cases.onboarding-naima.acts[0]",
        "Whoever rejects, hands back, waives or undoes gives a reason, and nobody else.",
    ),
    "a waiver of what is never waived": (
        [(NAIMA, "      - {steps: [plan_coaching], by: solene, reason: no,\n         »waived: -1 working days}")],
        "cases.onboarding-naima.acts[0].waived",
        "The protocol lets nobody waive this step.",
    ),
    "an approval of what nobody approves": (
        [(NAIMA, "      - »{steps: [plan_coaching], approved: -1 working days, by: solene}")],
        "cases.onboarding-naima.acts[0].approved",
        "This step needs no approval.",
    ),
    "an approval of what nobody asked for": (
        [(NAIMA, "      - »{steps: [request_petty_cash], approved: -1 working days, by: nour}")],
        "cases.onboarding-naima.acts[0].steps[0]",
        "Nothing waits for an approval here on that day.",
    ),
    "a step before those that it waits for": (
        [(NAIMA, "      - »{steps: [hand_over_notebook_and_guide], done: -1 working days, by: solene}")],
        "cases.onboarding-naima.acts[0].steps[0]",
        "This step still waits for another on that day.",
    ),
    "a step behind the engine's that still waits": (
        [(NAIMA, "      - »{steps: [note_committee_dates], done: -1 working days, by: naima}")],
        "cases.onboarding-naima.acts[0].steps[0]",
        "This step still waits for another on that day.",
    ),
    "a step done twice": (
        [(NAIMA, NAIMA + "\n" + NAIMA.replace("{steps", "»{steps"))],
        "cases.onboarding-naima.acts[1].steps[0]",
        "This step is done already on that day.",
    ),
    "an undoing of nothing": (
        [(NAIMA, "      - »{steps: [plan_coaching], undone: -1 working days, by: solene, reason: Oops}")],
        "cases.onboarding-naima.acts[0].steps[0]",
        "There is nothing to undo here on that day.",
    ),
    "what the engine does, done by hand": (
        [(NAIMA, "      - »{steps: [send_contact_lists], done: -1 working days, by: solene}")],
        "cases.onboarding-naima.acts[0].steps",
        "The engine does this step, and nobody else.",
    ),
    "a step without its item": (
        [("{steps: [prepare_equipment], item: phone, done: -7", "»{steps: [prepare_equipment], done: -7")],
        "cases.onboarding-anais.acts[3].item",
        "Say which of the step's items this is.",
    ),
    "an item of a step that has none": (
        [(NAIMA, NAIMA.replace("{steps", "»{item: phone, steps"))],
        "cases.onboarding-naima.acts[0].item",
        "This step has no items.",
    ),
    "a step without its evidence": (
        [(OPENED_ACCOUNT + ", account: egivre}", "»" + OPENED_ACCOUNT + "}")],
        "cases.onboarding-emile.acts[6]",
        "This step asks for other evidence: account.",
    ),
    "evidence that no step asks for": (
        [(NAIMA, NAIMA.replace("{steps", "»{account: nsirocco, steps"))],
        "cases.onboarding-naima.acts[0].account",
        "This step asks for other evidence: none.",
    ),
    "evidence with an approval": (
        [(NAIMA, "      - »{steps: [request_petty_cash], approved: -1 working days, by: nour, account: x}")],
        "cases.onboarding-naima.acts[0].account",
        "Evidence goes with one step that is done.",
    ),
    "a step without its note": (
        [(GAVE_CASH + ", note: 200 $ remis contre signature.}", "»" + GAVE_CASH + "}")],
        "cases.onboarding-elodie.acts[22]",
        "This step asks for a note.",
    ),
    "equipment that the program does not have": (
        [("serial: SPH-T-0004}\n      - {steps: [welcome", "»serial: SPH-T-0009}\n      - {steps: [welcome")],
        "cases.onboarding-anais.acts[9].serial",
        "No equipment of this kind has this serial number.",
    ),
    "equipment of another kind": (
        [("serial: SPH-T-0004}\n      - {steps: [welcome", "»serial: SPH-C-0005}\n      - {steps: [welcome")],
        "cases.onboarding-anais.acts[9].serial",
        "No equipment of this kind has this serial number.",
    ),
    "equipment in two hands": (
        [("serial: SPH-T-0004}\n      - {steps: [welcome", "»serial: SPH-T-0001}\n      - {steps: [welcome")],
        "cases.onboarding-anais.acts[9].serial",
        "This is lent to somebody else already.",
    ),
    "a closed case with something left": (
        [(NOE_REVIEW, NOE_REVIEW.replace("review_onboarding", "present_research")), (ENDS_NOE, "»" + ENDS_NOE)],
        "cases.onboarding-noe.ends",
        "This case cannot be closed: review_onboarding.",
    ),
    "an open case with nothing left": (
        [(ENDS_NOE, "»" + ENDS_NOE.replace("closed", "open"))],
        "cases.onboarding-noe.ends",
        "This case would close by itself: nothing is left to do.",
    ),
    "a cancelled case without reason": (
        [
            ("  onboarding-naima:", "  »onboarding-naima:"),
            (NAIMA_OPEN, NAIMA_OPEN.replace("ends: open", "ends: cancelled")),
        ],
        "cases.onboarding-naima",
        "A cancelled case says when, by whom and why, and no other case does.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_demonstration_is_told_its_line_its_path_and_why(case: str) -> None:
    edits, path, sentence = WRONG[case]
    marked = TEXT
    for old, new in edits:
        assert old in marked, f"the file no longer holds {old!r}"
        marked = marked.replace(old, new, 1)
    assert marked.count(HERE) == 1
    line = marked[: marked.index(HERE)].count("\n") + 1
    found = problems_of(marked.replace(HERE, ""))
    told = [(one.line, one.path) for one in found if (one.sentence % one.facts).startswith(sentence)]
    assert (line, path) in told, "\n".join(map(str, found))


def test_a_demonstration_without_its_protocol_is_refused() -> None:
    none: dict[str, Protocol] = {}
    with pytest.raises(DeclaredErrors, match="No protocol here is named “onboarding”"):
        read_demonstration(FILE, PROGRAM, today=TODAY, protocols=none)
