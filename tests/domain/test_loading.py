"""Loading a program twice, changed, wrong and at once; and writing out what loads back without a change."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text, update
from sqlmodel import Session

from adapters.database import open_session, program_session
from domain.agreements.agreements import send_version, sign_version, start_version, version_in_force
from domain.agreements.succession import renew
from domain.agreements.terminations import end_version
from domain.casework.cases import move_day, open_case
from domain.declarations.program import ProgramFile
from domain.declarations.program_check import read_program_text
from domain.declarations.program_committees import AgendaRules
from domain.declarations.protocol import Protocol
from domain.declarations.protocol_check import Around, check_protocol
from domain.declared.problems import DeclaredErrors
from domain.declared.reading import Bilingual, Declared, load_declared_text
from domain.kernel.calendars import ClosedSpan as ClosedDays
from domain.kernel.program_calendar import calendar_of
from domain.kernel.refusals import Refusal
from domain.kernel.scope import program
from domain.loading.comparison import LoadChange
from domain.loading.exporting import export, written
from domain.loading.loading import changes, load, new_program_id, program_id_for
from domain.people.people import add_person, appoint
from domain.roles.roles import standing
from models.agreement import Agreement, AgreementRole, AgreementVersion, Obligation
from models.base import table_of
from models.casework import Link, ProtocolVersion, Responsibility, Task
from models.committee import Committee, Seat
from models.program import Closure, Organization, Program, Role, Tenure
from models.record import Event
from models.tables import metadata
from tests.casework import complete, open_onboarding, steps
from tests.cast import (
    ARRIVAL,
    AT,
    LOADING,
    TODAY,
    Cast,
    edited,
    letter_templates,
    onboarding,
    program_file,
    without_spvm,
)
from tests.conftest import Database
from tests.domain.test_program import CCSMTL_COORDINATOR, EN_MARGE_WORKER, HOSTED, JOINT, MANAGER_TITLE, SECONDMENT

DAY = timedelta(days=1)
TERMS = "the title, notice, resources, clauses, sharing of information or majority"
_program = table_of(Program)
_version = table_of(AgreementVersion)
_agreement = table_of(Agreement)
_organization = table_of(Organization)
_closure = table_of(Closure)
_seat = table_of(Seat)

Edits = tuple[tuple[str, str], ...]


def loaded(session: Session, file: Declared[ProgramFile], at: datetime = AT) -> list[str]:
    """Load a file with the onboarding protocol, and what that changed, in English."""
    return in_english(load(session, file, [onboarding()], by=LOADING, at=at))


def in_english(found: Sequence[LoadChange]) -> list[str]:
    return [change.in_language("en") for change in found]


def everything(session: Session) -> dict[str, int]:
    """How many rows each table holds for this program, and how often their rows were changed."""
    counts = {}
    for table in metadata.sorted_tables:
        if "program_id" in table.columns:
            counts[table.name] = session.scalar(select(func.count()).select_from(table)) or 0
            if "version" in table.columns:
                counts[f"{table.name} versions"] = session.scalar(select(func.sum(table.c.version))) or 0
    return counts


@contextmanager
def new_program(database: Database) -> Iterator[Session]:
    """A session of a program that does not exist yet, committed at the end."""
    with program_session(database.engine, new_program_id()) as session:
        session.info["letter_templates"] = letter_templates()
        yield session
        session.commit()


def state_of(session: Session, place: UUID) -> list[tuple[int, str]]:
    """The versions of an organization's agreement, by number, each with its state."""
    rows = session.execute(
        select(_version.c.n, _version.c.state)
        .join(_agreement, _agreement.c.id == _version.c.agreement_id)
        .where(_agreement.c.organization_id == place)
        .order_by(_version.c.n)
    )
    return [(row.n, row.state) for row in rows]


def version_of(session: Session, place: UUID, number: int) -> Any:
    return session.execute(
        select(_version)
        .join(_agreement, _agreement.c.id == _version.c.agreement_id)
        .where(_agreement.c.organization_id == place, _version.c.n == number)
    ).one()


# ------------------------------------------------------------------------------------------------- a first load


def test_a_first_load_says_what_is_new_and_makes_it(database: Database) -> None:
    with new_program(database) as session:
        expected = changes(session, program_file(), [onboarding()])
        assert session.scalar(select(func.count()).select_from(_program)) == 0, "to look changes nothing"
        assert load(session, program_file(), [onboarding()], by=LOADING, at=AT) == expected
        said = in_english(expected)
        assert said[0] == "New program: “SPHÈRES – Greater Montréal”."
        assert "New committee: “Steering Committee”, with 7 seats of its own." in said
        assert said[-1] == "The procedure “Youth worker onboarding” is recorded as its version 2."

    with program_session(database.engine, session.info["program_id"]) as session:
        kinds = dict(session.execute(select(_organization.c.kind, func.count()).group_by(_organization.c.kind)).all())
        assert kinds == {"health_agency": 2, "community": 2, "police": 1, "specialized": 1, "outside": 3}
        assert session.scalars(select(_version.c.state)).all() == ["draft"] * 6
        committees = table_of(Committee)
        # The Advisory Committee is only recommended: it does not meet, and has no row.
        assert set(session.scalars(select(committees.c.key))) == {"steering", "clinical", "joint", "extended"}
        assert calendar_of(session).why_closed(date(2026, 12, 28), "en") == "Holiday break"


def test_what_a_file_declares_is_what_the_rows_hold(cast: Cast) -> None:
    file = program_file().value
    created, duty = table_of(AgreementRole), table_of(Obligation)
    with cast.session() as session:
        for key in file.agreements:
            version = version_of(session, cast.organizations[key], 1)
            rows = session.execute(select(created).where(created.c.agreement_version_id == version.id))
            assert {row.role: (row.headcount, row.hours_a_week) for row in rows} == {
                role: (terms.headcount, terms.hours_a_week) for role, terms in file.agreements[key].roles.items()
            }
            domain = session.execute(select(duty).where(duty.c.agreement_version_id == version.id)).all()
            assert {row.key for row in domain} == {owed.key for owed in file.obligations_of(key)}
            assert [clause.key for clause in version.terms.clauses] == list(file.clauses_of(key))
            assert version.notice_days == file.agreements[key].notice_days
        sits = session.execute(select(duty).where(duty.c.key == "AG-M1")).all()
        assert len(sits) == 6
        for row in sits:
            assert (row.owed_by, row.period, row.check_kind) == ("manager", "calendar_year", "attendance")
            assert row.rule["at_most_absences"] == 1
            assert row.sources == ["AG-M1", "CM-S"]
        shown = session.get_one(Program, cast.program_id)
        assert shown.governance == "hosted"
        assert shown.coordination.organizations == [str(cast.organizations["ccsmtl"])]
        assert shown.source == program_file().text


def test_a_committees_quorum_rules_letters_and_place_are_kept_as_they_were_declared(cast: Cast) -> None:
    committee = table_of(Committee)
    file = edited(("    letters: CC\n", "    letters: CC\n    place: Salle des lilas\n"))
    with cast.session() as session:
        load(session, file, [onboarding()], by=LOADING, at=AT)
        rows = {row.key: row for row in session.execute(select(committee))}
    assert {row.letters for row in rows.values()} == {"CD", "CC", "CM", "CE"}
    assert rows["clinical"].place == "Salle des lilas"
    assert rows["clinical"].quorum == {"seats": 4, "organizations": 3, "must": ["coordination"]}
    assert rows["extended"].quorum == {}
    for key, row in rows.items():
        declared = file.value.committees[key].agenda
        assert declared is not None
        kept = dict(row.agenda)
        assert kept.pop("order") == list(declared.rules), "a JSON object has no order: it stands beside the rules"
        assert AgendaRules.model_validate(kept) == declared, "what is read back is what was declared"


def test_a_program_is_found_by_its_key_before_a_session_is_of_any(cast: Cast) -> None:
    with open_session(cast.database.engine) as session:
        assert program_id_for(session, "greater-montreal") == cast.program_id
        assert program_id_for(session, "other-shore") == cast.other.program_id
        assert program_id_for(session, "nowhere") is None


# --------------------------------------------------------------------------------- closed days and open cases


ARRIVAL_CLOSED = "{first: 2026-12-07, reason: {fr: Travaux, en: Works}}"
EN_MARGE_CLOSED: Edits = (
    ("regime: P-39.1\n  anonyme:", f"regime: P-39.1\n    closures: [{ARRIVAL_CLOSED}]\n  anonyme:"),
)
MOVED = "In open cases, due days move: %s. Cases concerned: 1."


def due_days(cast: Cast, case_id: UUID) -> dict[tuple[str, str], date]:
    with cast.session() as session:
        return {name: row["due_on"] for name, row in steps(session, case_id).items()}


@pytest.mark.ci
def test_days_that_close_move_what_is_due_in_open_cases_and_nothing_that_is_done(cast: Cast) -> None:
    case_id, elsewhere = open_onboarding(cast), open_onboarding(cast, "worker_codim", "codim")
    for name in ("plan_coaching", "introduce_program"):
        complete(cast, case_id, name)
    before, others = due_days(cast, case_id), due_days(cast, elsewhere)
    file = edited(*EN_MARGE_CLOSED)
    with cast.session() as session:
        asked = in_english(changes(session, file, [onboarding()]))
    assert due_days(cast, case_id) == before, "looking changes nothing"
    with cast.session() as session:
        assert loaded(session, file) == asked
    after = due_days(cast, case_id)
    moved = {name for name in before if after[name] != before[name]}
    assert asked[-1] == MOVED % len(moved)
    # Those due on the day itself come later, those counted back from it sooner; what waits for others moves too.
    assert before["hand_over_equipment", "phone"] == ARRIVAL
    assert after["hand_over_equipment", "phone"] == ARRIVAL + DAY
    assert before["hand_over_notebook_and_guide", ""] == ARRIVAL + DAY
    assert after["confirm_notebook_and_guide", ""] == before["confirm_notebook_and_guide", ""]
    assert after["introduce_program", ""] == before["introduce_program", ""], "it is done"
    assert after["plan_coaching", ""] == before["plan_coaching", ""], "it is done"
    assert due_days(cast, elsewhere) == others, "another organization's case"
    with cast.session() as session:
        event = table_of(Event)
        told = session.execute(select(event.c.case_id, event.c.facts).where(event.c.verb == "case.rescheduled")).all()
        assert [tuple(row) for row in told] == [(case_id, {"days": len(moved)})]
        assert loaded(session, file) == []
    with cast.session() as session:
        assert loaded(session, program_file())[-1] == MOVED % len(moved)
    assert due_days(cast, case_id) == before


@pytest.mark.ci
def test_reminders_go_by_the_days_that_are_worked_now_and_none_is_sent_again(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    task = table_of(Task)
    of_step = (task.c.case_id == case_id, task.c.step == "introduce_program")
    with cast.session() as session:
        session.execute(update(task).where(*of_step).values(rung=1, next_check=ARRIVAL))
        loaded(session, edited(*EN_MARGE_CLOSED))
        row = session.execute(select(task).where(*of_step)).one()
        assert row.ladder == [date(2026, 12, 3), date(2026, 12, 8), date(2026, 12, 11), date(2026, 12, 17)]
        assert (row.due_on, row.rung, row.next_check) == (ARRIVAL + DAY, 1, ARRIVAL + DAY)


def test_other_public_holidays_move_what_is_due_on_them(cast: Cast) -> None:
    """24 June is worked in Ontario."""
    case_id = open_onboarding(cast)
    holiday = date(2027, 6, 24)
    with cast.session() as session:
        move_day(session, case_id, anchor="arrival", day=holiday, by=cast.actor("coordinator"), at=AT)
    assert due_days(cast, case_id)["introduce_program", ""] == holiday + DAY
    with cast.session() as session:
        assert program(session).calendar.subdivision == "QC"
        said = loaded(session, edited(("subdivision: QC", 'subdivision: "ON"')))
        assert said[0] == "The public holidays that count are those of another place."
        assert said[-1].startswith("In open cases, due days move: ")
    assert due_days(cast, case_id)["introduce_program", ""] == holiday


def test_a_load_that_fails_moves_no_due_day(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    before = due_days(cast, case_id)
    with cast.session() as session:
        loaded(session, edited(*EN_MARGE_CLOSED))
        session.rollback()
    assert due_days(cast, case_id) == before


# ------------------------------------------------------------------------------------------------- a second load


def test_a_second_load_changes_nothing_and_tells_nothing(cast: Cast) -> None:
    with cast.session() as session:
        before = everything(session)
        assert changes(session, program_file(), [onboarding()]) == []
        assert load(session, program_file(), [onboarding()], by=LOADING, at=AT + DAY) == []
        assert everything(session) == before
        assert session.get_one(Program, cast.program_id).loaded_at == AT


def test_a_new_comment_is_kept_and_is_no_change(cast: Cast) -> None:
    commented = edited(("# The first agreements were informal.", "# A comment more.\n# The first were informal."))
    with cast.session() as session:
        before = everything(session)
        assert load(session, commented, [onboarding()], by=LOADING, at=AT) == []
        assert everything(session) == before
        assert "# A comment more." in export(session)


def test_a_file_arranged_otherwise_is_kept_and_said_to_change_nothing(cast: Cast) -> None:
    renamed = edited(("  general:\n", "  common:\n"), *[("clauses: [general]", "clauses: [common]")] * 6)
    with cast.session() as session:
        assert loaded(session, renamed) == [
            "The file is worded or arranged otherwise; what it says of the program stays the same."
        ]
        assert loaded(session, renamed) == []
        assert "clauses: [common]" in export(session)


REVIEW = "{first: 2027-02-05, reason: {fr: Bilan, en: Review}}"
SNOW = "{first: 2027-02-08, reason: {fr: Neige, en: Snow}}"
REFUGE = "  refuge:\n    name: Le Refuge\n    short_name: Refuge\n    kind: community\n    regime: P-39.1\n"
INTERVIEWING = "outside resource that trains the workers in motivational interviewing and supervises them."
KEEPS_IT_FILLED = "roles: [manager, youth_worker, police_representative, specialized_resource], at_most: "
MOBILIS_SEAT = (
    "      mobilis: {organization: mobilis, role: specialized_resource, "
    "title: {fr: MOBILIS, en: MOBILIS}, voting: false}\n"
)

CHANGED: dict[str, tuple[Edits, list[str]]] = {
    "the program's title": (
        (("en: SPHÈRES – Greater Montréal}", "en: SPHERES}"),),
        ["The program is now called “SPHERES”."],
    ),
    "the area": ((("    - {fr: Laval, en: Laval}\n", ""),), ["The area that the program serves changed."]),
    "the public holidays": (
        (("subdivision: QC", "subdivision: 'ON'"),),
        ["The public holidays that count are those of another place."],
    ),
    "the languages": ((("languages: [fr, en]", "languages: [en, fr]"),), ["The languages of the program changed."]),
    "the time zone": (
        (("time_zone: America/Toronto", "time_zone: America/Halifax"),),
        ["The time zone of the program changed."],
    ),
    "to whom the coordination reports": (
        (("reports_to: steering", "reports_to: joint"),),
        ["How the coordination is set up, where it is or to whom it reports changed."],
    ),
    "a role's name": ((("en: Director}", "en: Head}"),), ["The role “Director” is now called “Head”."]),
    "a role that several may hold": (
        (("en: IT contact}, single_holder: true}", "en: IT contact}}"),),
        ["“IT contact” may now have several holders at an organization."],
    ),
    "a role that one holds": (
        (("en: Youth worker}}", "en: Youth worker}, single_holder: true}"),),
        ["“Youth worker” now has one holder at a time at each organization."],
    ),
    "an organization's name": (
        (("name: L’Anonyme\n    short_name: L’Anonyme", "name: L’Anonyme\n    short_name: Anonyme"),),
        ["The name of L’Anonyme changed; it is now Anonyme."],
    ),
    "an organization's law": (
        (("SPVM\n    kind: police\n    regime: A-2.1", "SPVM\n    kind: police\n    regime: R-22.1"),),
        ["The kind of organization that SPVM is, or the law that binds it, changed."],
    ),
    "more closed days": (
        (
            ("regime: P-39.1\n  anonyme:", f"regime: P-39.1\n    closures: [{REVIEW}]\n  anonyme:"),
            ("      - {first: 2026-04-06,", f"      - {SNOW}\n      - {{first: 2026-04-06,"),
        ),
        [
            "The program is closed from February 8, 2027 to February 8, 2027: Snow.",
            "En Marge 12-17 is closed from February 5, 2027 to February 5, 2027: Review.",
        ],
    ),
    "fewer closed days": (
        (("      - {first: 2027-03-29, reason: *easter}\n", ""),),
        ["The program is no longer closed from March 29, 2027 to March 29, 2027: Easter Monday."],
    ),
    "a committee's name and rhythm": (
        (
            ("title: {fr: Comité mixte, en: Joint Committee}", "title: {fr: Comité mixte, en: Common Committee}"),
            ("rhythm: {times: 2, per: year}", "rhythm: {times: 3, per: year}"),
        ),
        [
            "The committee “Joint Committee” is now called “Common Committee”.",
            "How often, how long or where “Common Committee” meets changed.",
        ],
    ),
    "where a committee meets": (
        (("    letters: CC\n", "    letters: CC\n    place: Salle des lilas, 3e étage\n"),),
        ["How often, how long or where “Clinical Committee” meets changed."],
    ),
    "a committee's quorum": (
        (("seats: 4, organizations: 3, must", "seats: 5, organizations: 3, must"),),
        ["The agenda rules, the quorum or the letters of “Clinical Committee” changed."],
    ),
    "a committee without quorum any more": (
        (("    quorum: {seats: 6, organizations: 4}\n", ""),),
        ["The agenda rules, the quorum or the letters of “Joint Committee” changed."],
    ),
    "a committee's letters": (
        (("letters: CE", "letters: CEL"),),
        ["The agenda rules, the quorum or the letters of “Extended Committee” changed."],
    ),
    "how long an item of an agenda takes": (
        (("          minutes_a_case: 2\n", "          minutes_a_case: 3\n"),),
        ["The agenda rules, the quorum or the letters of “Clinical Committee” changed."],
    ),
    "when an agenda is frozen": (
        (("      freeze_hours: 24\n", "      freeze_hours: 12\n"),),
        ["The agenda rules, the quorum or the letters of “Clinical Committee” changed."],
    ),
    "whom a committee invites": (
        (("      - {fr: Équipes de la protection de la jeunesse, en: Youth protection teams}\n", ""),),
        ["What “Extended Committee” is for, who may attend it or where its seats come from changed."],
    ),
    "a committee that begins to meet": (
        (
            (
                "    source: CM-A\n    established: false",
                (
                    "    source: CM-A\n    rhythm: {times: 1, per: year}\n    minutes: 120\n    letters: CA\n"
                    "    derived_from: [clinical]"
                ),
            ),
        ),
        ["New committee: “Advisory Committee on sexual exploitation”, with 0 seats of its own."],
    ),
    "a seat's vote": (
        (("en: Evaluative research}\n        voting: false", "en: Evaluative research}\n        voting: true"),),
        [
            (
                "The seat “Evaluative research” of “Clinical Committee” changed: "
                "whose it is, for which role, its name or its vote."
            )
        ],
    ),
    "one seat less": (((MOBILIS_SEAT, ""),), ["The seat “MOBILIS” of “Extended Committee” ends today."]),
    "a new partner": (
        (
            ("  # Outside the program: seats", REFUGE + "  # Outside the program: seats"),
            (
                "  anonyme:\n    title: *partnership",
                "  refuge:\n    title: *partnership\n    roles: {director: {}}\n  anonyme:\n    title: *partnership",
            ),
        ),
        ["New organization: Refuge.", "New agreement with Refuge, as a draft: 1 role and 0 obligations."],
    ),
    "a role more in an agreement": (
        (("      police_representative: {}\n", "      police_representative: {}\n      researcher: {}\n"),),
        [
            "Version 1 of the agreement with SPVM, a draft, is rewritten.",
            "SPVM: its agreement creates the role “Researcher”.",
            (
                "SPVM: new obligation AG-X1:researcher, "
                "“Know vicarious trauma and compassion fatigue, and be trained in them.”"
            ),
        ],
    ),
    "fewer hours": (
        (("youth_worker: {headcount: 1, hours_a_week: 35}", "youth_worker: {headcount: 1, hours_a_week: 21}"),),
        [
            "Version 1 of the agreement with En Marge 12-17, a draft, is rewritten.",
            "En Marge 12-17: how many hold the role “Youth worker”, or for how many hours, changed.",
        ],
    ),
    "an obligation less": (
        (("      GV-10:\n", "      GV-8:\n"), ("en: Fund an outside", "en: Fund some outside")),
        [
            "Version 1 of the agreement with CCSMTL, a draft, is rewritten.",
            f"CCSMTL: new obligation GV-8, “Fund some {INTERVIEWING}”",
            f"CCSMTL: no longer an obligation, GV-10, “Fund an {INTERVIEWING}”",
        ],
    ),
    "a rule": (
        ((f"{KEEPS_IT_FILLED}20", f"{KEEPS_IT_FILLED}30"),),
        [
            said
            for place in ("CCSMTL", "CODIM", "SPVM", "Marie-Vincent", "En Marge 12-17", "L’Anonyme")
            for said in (
                f"Version 1 of the agreement with {place}, a draft, is rewritten.",
                (
                    f"{place}: the obligation AG-X2.replacement, or how it is checked, changed: "
                    "“Quickly replace a manager, a youth worker or anyone else who sits for the organization and who "
                    "leaves.”"
                ),
            )
        ],
    ),
    "when people are asked": (
        (("{working_days: 60, to: [owner]}", "{working_days: 45, to: [owner]}"),),
        ["When what partners owe is at risk, or when people are asked for it, changed."],
    ),
    "when silence about one obligation is a risk": (
        (("kind: promotion-record, at_least: 1,", "kind: promotion-record, at_risk: {percent: 50}, at_least: 1,"),),
        [
            said
            for place in ("CCSMTL", "CODIM", "SPVM", "Marie-Vincent", "En Marge 12-17", "L’Anonyme")
            for said in (
                f"Version 1 of the agreement with {place}, a draft, is rewritten.",
                (f"{place}: the obligation AG-P4, or how it is checked, changed: “Make the program known.”"),
            )
        ],
    ),
    "the notice": (
        (("notice_days: 180", "notice_days: 90"),),
        ["Version 1 of the agreement with CCSMTL, a draft, is rewritten.", f"CCSMTL: {TERMS} changed."],
    ),
}


@pytest.mark.wide
@pytest.mark.parametrize("case", CHANGED)
def test_a_changed_file_says_what_it_changes_changes_it_and_is_then_at_rest(cast: Cast, case: str) -> None:
    edits, expected = CHANGED[case]
    file = edited(*edits)
    with cast.session() as session:
        found = changes(session, file, [onboarding()])
        assert in_english(found) == expected
        for change in found:
            french = change.in_language("fr")
            assert french
            assert "%(" not in french
    with cast.session() as session:
        told = session.scalar(select(func.max(table_of(Event).c.n)))
        assert load(session, file, [onboarding()], by=cast.actor("coordinator"), at=AT) == found
        event = table_of(Event)
        last = session.execute(select(event).where(event.c.n > told).order_by(event.c.n)).all()
        assert last[-1].verb == "program.loaded"
        assert last[-1].facts["changes"] == len(expected)
        assert {line.actor_id for line in last} == {cast.people["coordinator"]}
    with cast.session() as session:
        assert changes(session, file, [onboarding()]) == []
        assert changes(session, program_file()) != [], "and the way back is a change again"
    with cast.other.session() as session:
        key = ("key: greater-montreal", "key: other-shore")
        assert changes(session, edited(key), [onboarding()]) == [], "the other program is as it was"


@pytest.mark.ci
def test_the_way_there_and_back_leaves_the_program_as_it_was(cast: Cast) -> None:
    edits = {pair for case, (pairs, _) in CHANGED.items() if case != "the public holidays" for pair in pairs}
    with cast.session() as session:
        for edit in sorted(edits):
            try:
                file = edited(edit)
            except DeclaredErrors:
                continue  # stands only with another edit beside it
            loaded(session, file)
        loaded(session, program_file())
        assert changes(session, program_file(), [onboarding()]) == []
        assert export(session) == program_file().text
        declared = program_file().value
        live = session.execute(select(_organization.c.key).where(_organization.c.ends_on.is_(None)))
        assert {row.key for row in live} == set(declared.organizations)
        seats = sum(len(committee.seats) for committee in declared.committees.values())
        alive = select(func.count()).select_from(_seat).where(_seat.c.ends_on.is_(None))
        assert session.scalar(alive) == seats


def test_a_changed_calendar_is_the_one_that_counts(cast: Cast) -> None:
    day = date(2027, 3, 29)
    with cast.session() as session:
        assert not calendar_of(session).is_working_day(day)
        loaded(session, edited(*CHANGED["fewer closed days"][0]))
        assert calendar_of(session).is_working_day(day)


def test_the_day_of_a_load_is_the_programs_own_day(cast: Cast) -> None:
    late_evening = datetime.fromisoformat("2026-11-23T23:30:00-05:00")  # the 24th in Greenwich
    with cast.session() as session:
        loaded(session, edited(*CHANGED["one seat less"][0]), at=late_evening)
        assert session.scalars(select(_seat.c.ends_on).where(_seat.c.key == "mobilis")).all() == [TODAY]


# --------------------------------------------------------------------------------------- what the file no longer has

MOBILIS = (
    "  mobilis:\n    name: Projet MOBILIS\n    name_en: MOBILIS project\n    short_name: MOBILIS\n"
    "    kind: outside\n    regime: R-22.1\n"
)
RESEARCH_COORDINATOR = (
    "  research_coordinator:\n    title: {fr: Coordonnateur·trice de la recherche, en: Research coordinator}\n"
    "    single_holder: true\n"
)
WITHOUT_MOBILIS: Edits = ((MOBILIS, ""), (MOBILIS_SEAT, ""))


def test_an_organization_that_is_gone_ends_today_with_its_seats_and_is_not_deleted(cast: Cast) -> None:
    with cast.session() as session:
        assert loaded(session, edited(*WITHOUT_MOBILIS)) == [
            "MOBILIS is no longer in the file: its part in the program ends today.",
            "The seat “MOBILIS” of “Extended Committee” ends today.",
        ]
        kept = session.execute(select(_organization).where(_organization.c.key == "mobilis")).one()
        assert kept.ends_on == TODAY
        assert session.scalars(select(_seat.c.ends_on).where(_seat.c.key == "mobilis")).all() == [TODAY]
        # On a later day it is not ended a second time, and its day stays.
        assert loaded(session, edited(*WITHOUT_MOBILIS), at=AT + 5 * DAY) == []
        assert session.scalar(select(_organization.c.ends_on).where(_organization.c.key == "mobilis")) == TODAY


def test_an_organization_that_comes_back_is_the_same_one(cast: Cast) -> None:
    with cast.session() as session:
        loaded(session, edited(*WITHOUT_MOBILIS))
        assert loaded(session, program_file(), at=AT + DAY) == [
            "MOBILIS is part of the program again.",
            "The seat “MOBILIS” of “Extended Committee” exists again.",
        ]
        back = session.execute(select(_organization).where(_organization.c.key == "mobilis")).one()
        assert (back.id, back.ends_on) == (cast.organizations["mobilis"], None)


def test_a_partner_that_is_gone_has_no_duties_from_tomorrow_and_its_agreement_ends(cast: Cast) -> None:
    spvm = cast.organizations["spvm"]
    with cast.session() as session:
        by = cast.actor("coordinator")
        version = version_of(session, spvm, 1).id
        send_version(session, version, by=by, at=AT)
        sign_version(session, version, director_id=cast.people["director_spvm"], signed_on=TODAY, by=by, at=AT)
        start_version(session, version, starts_on=TODAY, by=by, at=AT)
        said = loaded(session, without_spvm())
        assert said == [
            "SPVM is no longer in the file: its part in the program ends today.",
            "The seat “SPVM” of “Clinical Committee” ends today.",
            "The seat “SPVM” of “Steering Committee” ends today.",
            "The agreement with SPVM is no longer in the file, and ends today.",
        ]
        assert state_of(session, spvm) == [(1, "ended")]
        assert version_of(session, spvm, 1).ends_on == TODAY
        link = [Link("police_representative", str(spvm))]
        assert standing(session, TODAY).falls(link).holders
        assert not standing(session, TODAY + DAY).falls(link).holders
        assert loaded(session, without_spvm()) == []
        # It comes back as the partner that it was, with an agreement that is to be signed again.
        back = loaded(session, program_file(), at=AT + DAY)
        assert back[0] == "SPVM is part of the program again."
        assert back[-1] == "Version 2 of the agreement with SPVM is drafted; what is signed stays."
        assert state_of(session, spvm) == [(1, "ended"), (2, "draft")]
        assert loaded(session, program_file(), at=AT + DAY) == []


def test_an_agreement_that_never_was_in_force_is_only_said_to_be_gone(cast: Cast) -> None:
    with cast.session() as session:
        said = loaded(session, without_spvm())
        assert said[-1] == "The file no longer has an agreement with SPVM; none was in force."
        assert state_of(session, cast.organizations["spvm"]) == [(1, "draft")]
        assert loaded(session, without_spvm()) == []


def test_a_role_that_is_gone_stays_in_the_record(cast: Cast) -> None:
    without = edited((RESEARCH_COORDINATOR, ""), ("      research_coordinator: {}\n", ""))
    with cast.session() as session:
        assert loaded(session, without) == [
            "The role “Research coordinator” is no longer used.",
            "Version 1 of the agreement with CCSMTL, a draft, is rewritten.",
            "CCSMTL: its agreement no longer creates the role “Research coordinator”.",
        ]
        assert loaded(session, without) == []
        role = table_of(Role)
        assert session.scalar(select(role.c.title_en).where(role.c.key == "research_coordinator")) is not None
        with pytest.raises(Refusal, match=r"role\.not_in_agreement"):
            appoint(
                session,
                person_id=cast.people["police"],
                role="research_coordinator",
                organization_id=cast.organizations["ccsmtl"],
                starts_on=TODAY,
                by=LOADING,
                at=AT,
            )


def test_a_committee_that_is_gone_ends_its_seats_and_is_said_once(cast: Cast) -> None:
    source = program_file().text
    begins, ends = source.index("  extended:\n"), source.index("  # Recommended by the guide for the whole region")
    without = edited((source[begins:ends], ""))
    with cast.session() as session:
        assert loaded(session, without) == [
            "“Extended Committee” is no longer a committee of the program: its seats end today."
        ]
        ended = select(_seat.c.key).where(_seat.c.ends_on == TODAY)
        assert set(session.scalars(ended)) == {"cavac", "mobilis", "spal"}
        assert loaded(session, without) == []
        assert loaded(session, program_file())[0] == "“Extended Committee” is a committee of the program again."
        assert session.scalars(ended).all() == []


def test_an_agreement_that_was_ended_is_not_drafted_anew_by_the_file_that_still_has_it(cast: Cast) -> None:
    with cast.session() as session:
        version = in_force(session, cast)
        end_version(session, version, ends_on=TODAY + 90 * DAY, by=cast.actor("coordinator"), at=AT)
        assert loaded(session, program_file()) == []
        assert state_of(session, cast.organizations["spvm"]) == [(1, "ended")]


def test_a_file_without_an_agreement_ends_it_today_also_where_its_next_version_was_set_to_begin(cast: Cast) -> None:
    spvm, by = cast.organizations["spvm"], cast.actor("coordinator")
    with cast.session() as session:
        first = in_force(session, cast)
        second = renew(session, version_of(session, spvm, 1).agreement_id, by=by, at=AT)
        send_version(session, second, by=by, at=AT)
        sign_version(session, second, director_id=cast.people["director_spvm"], signed_on=TODAY, by=by, at=AT)
        end_version(session, first, ends_on=TODAY + 30 * DAY, by=by, at=AT)
        start_version(session, second, starts_on=TODAY + 31 * DAY, by=by, at=AT)
        loaded(session, without_spvm())
        assert version_of(session, spvm, 1).ends_on == TODAY
        assert state_of(session, spvm) == [(1, "ended"), (2, "signed")]
        assert version_in_force(session, spvm, TODAY + 31 * DAY) is None


def test_a_file_without_an_agreement_whose_last_day_has_come_prolongs_nothing(cast: Cast) -> None:
    with cast.session() as session:
        version, by = sent(session, cast), cast.actor("coordinator")
        last = TODAY - 5 * DAY
        sign_version(session, version, director_id=cast.people["director_spvm"], signed_on=last, by=by, at=AT)
        start_version(session, version, starts_on=last, ends_on=last, by=by, at=AT)
        loaded(session, without_spvm())
        row = version_of(session, cast.organizations["spvm"], 1)
        assert (row.state, row.ends_on) == ("ended", last)


# ------------------------------------------------------------------------------------- drafts, and what is signed

SPVM_HELP = "en: Support by the Les Survivantes team"
REWORDED: Edits = ((SPVM_HELP, "en: Company of the Les Survivantes team"),)
AGAIN: Edits = ((SPVM_HELP, "en: Presence of the Les Survivantes team"),)


def sent(session: Session, cast: Cast) -> UUID:
    version: UUID = version_of(session, cast.organizations["spvm"], 1).id
    send_version(session, version, by=cast.actor("coordinator"), at=AT)
    return version


def in_force(session: Session, cast: Cast) -> UUID:
    version, by = sent(session, cast), cast.actor("coordinator")
    sign_version(session, version, director_id=cast.people["director_spvm"], signed_on=TODAY, by=by, at=AT)
    start_version(session, version, starts_on=TODAY, by=by, at=AT)
    return version


def resources(session: Session, cast: Cast, number: int) -> str:
    said: str = version_of(session, cast.organizations["spvm"], number).terms.resources[0].text.en
    return said


def test_a_draft_is_rewritten_in_its_place(cast: Cast) -> None:
    with cast.session() as session:
        first = version_of(session, cast.organizations["spvm"], 1).id
        loaded(session, edited(*REWORDED))
        assert state_of(session, cast.organizations["spvm"]) == [(1, "draft")]
        assert version_of(session, cast.organizations["spvm"], 1).id == first
        assert resources(session, cast, 1) == "Company of the Les Survivantes team"


def test_a_version_that_is_in_force_keeps_its_text_and_a_next_one_is_drafted(cast: Cast) -> None:
    spvm = cast.organizations["spvm"]
    with cast.session() as session:
        in_force(session, cast)
        before = version_of(session, spvm, 1)
        assert loaded(session, edited(*REWORDED)) == [
            "Version 2 of the agreement with SPVM is drafted; what is signed stays.",
            f"SPVM: {TERMS} changed.",
        ]
        assert version_of(session, spvm, 1) == before
        assert resources(session, cast, 2) == "Company of the Les Survivantes team"
        # The next wording goes into the draft: a third version would be of no use to anybody.
        loaded(session, edited(*AGAIN))
        assert state_of(session, spvm) == [(1, "in_force"), (2, "draft")]
        assert resources(session, cast, 2) == "Presence of the Les Survivantes team"
        assert loaded(session, edited(*AGAIN)) == []


def test_a_version_that_was_only_sent_is_taken_back_before_it_is_rewritten(cast: Cast) -> None:
    with cast.session() as session:
        sent(session, cast)
        assert loaded(session, edited(*REWORDED))[0] == (
            "Version 1 of the agreement with SPVM is returned to draft and rewritten."
        )
        assert state_of(session, cast.organizations["spvm"]) == [(1, "draft")]


def test_a_version_with_one_of_two_signatures_keeps_its_text(cast: Cast) -> None:
    tenure = table_of(Tenure)
    with cast.session() as session:
        session.execute(
            insert(tenure).values(
                program_id=cast.program_id,
                id=new_program_id(),
                person_id=cast.people["police"],
                role="director",
                organization_id=cast.organizations["spvm"],
                single_holder=False,
                starts_on=TODAY,
                version=1,
            )
        )
        version, by = sent(session, cast), cast.actor("coordinator")
        sign_version(session, version, director_id=cast.people["director_spvm"], signed_on=TODAY, by=by, at=AT)
        loaded(session, edited(*REWORDED))
        assert state_of(session, cast.organizations["spvm"]) == [(1, "sent"), (2, "draft")]
        assert resources(session, cast, 1) == "Support by the Les Survivantes team"


# ------------------------------------------------------------------------------------------------ what is refused


def test_a_wrong_file_changes_nothing(cast: Cast) -> None:
    with cast.session() as session:
        before = everything(session)
        with pytest.raises(DeclaredErrors):
            loaded(
                session, edited(("role: police_representative, title: *for-spvm", "role: astronaut, title: *for-spvm"))
            )
        assert everything(session) == before


def test_the_file_of_another_program_is_refused_and_changes_nothing(cast: Cast) -> None:
    theirs = edited(("key: greater-montreal", "key: other-shore"), ("fr: Laval, en: Laval", "fr: Ici, en: Here"))
    with cast.session() as session:
        before = everything(session)
        for act in (lambda: changes(session, theirs), lambda: loaded(session, theirs)):
            with pytest.raises(Refusal, match=r"program\.other"):
                act()
        assert everything(session) == before


@pytest.mark.ci
def test_a_role_that_several_hold_cannot_have_one_holder_and_nothing_is_written(cast: Cast) -> None:
    single = edited(
        ("en: Second representative}}", "en: Second representative}, single_holder: true}"),
        ("fr: Laval, en: Laval", "fr: Ici, en: Here"),
    )
    with cast.session() as session:
        appoint(
            session,
            person_id=cast.people["police"],
            role="second_representative",
            organization_id=cast.organizations["en-marge"],
            starts_on=TODAY + 7 * DAY,
            by=LOADING,
            at=AT,
        )
        before = everything(session)
        with pytest.raises(Refusal, match=r"role\.several_hold"):
            loaded(session, single)
        assert everything(session) == before


def test_a_role_that_gets_one_holder_is_held_by_one_from_now_on(cast: Cast) -> None:
    with cast.session() as session:
        loaded(session, edited(("en: Second representative}}", "en: Second representative}, single_holder: true}")))
        with pytest.raises(Refusal, match=r"tenure\.one_holder"):
            appoint(
                session,
                person_id=cast.people["police"],
                role="second_representative",
                organization_id=cast.organizations["en-marge"],
                starts_on=TODAY,
                by=LOADING,
                at=AT,
            )
        tenure = table_of(Tenure)
        singles = session.scalars(select(tenure.c.single_holder).where(tenure.c.role == "second_representative"))
        assert set(singles) == {True}


def test_a_load_that_is_not_committed_never_was(cast: Cast) -> None:
    with cast.session() as session:
        before = everything(session)
        loaded(session, edited(*WITHOUT_MOBILIS))
        session.rollback()
        assert everything(session) == before
        assert changes(session, program_file(), [onboarding()]) == []


# ----------------------------------------------------------------------------------------------------- two at once


def at_once(*acts: Callable[[], list[str]]) -> list[list[str] | str]:
    """Load at the same instant; what each changed, or the code of its refusal, the longest first."""
    together, told = threading.Barrier(len(acts), timeout=20), list[list[str] | str]()

    def one(act: Callable[[], list[str]]) -> None:
        together.wait()
        try:
            told.append(act())
        except Refusal as refused:
            told.append(refused.code)
        except Exception as error:  # noqa: BLE001 - a thread's error is shown by the assertion on the answers
            told.append(repr(error))

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(told, key=lambda said: (isinstance(said, str), -len(said)))


def test_of_two_who_load_the_same_file_at_once_the_second_finds_nothing_left(cast: Cast) -> None:
    edits, expected = CHANGED["a new partner"]
    file = edited(*edits)

    def act() -> list[str]:
        with cast.session() as session:
            return loaded(session, file)

    assert at_once(act, act) == [expected, []]


@pytest.mark.ci
def test_whoever_agreed_to_other_changes_than_would_be_made_now_is_told_and_changes_nothing(cast: Cast) -> None:
    file, others = (edited(*CHANGED[case][0]) for case in ("a new partner", "fewer closed days"))
    with cast.session() as session:
        shown = changes(session, file)
    with cast.session() as session:  # while somebody thinks, somebody else loads another file
        loaded(session, others)
    with cast.session() as session:
        with pytest.raises(Refusal) as refused:
            load(session, file, [], by=LOADING, at=AT, shown=shown)
        assert refused.value.code == "program.changed_meanwhile"
    with cast.session() as session:
        now = changes(session, file)
        assert len(now) == len(shown) + 1, "nothing was done, and what the other file took away comes back"
        assert load(session, file, [], by=LOADING, at=AT, shown=now) == now
    with cast.session() as session:
        assert load(session, file, [], by=LOADING, at=AT, shown=now) == [], "another has done all of it"


def test_of_two_who_load_a_new_program_at_once_one_makes_it_and_the_other_is_told(database: Database) -> None:
    def act() -> list[str]:
        with new_program(database) as session:
            return loaded(session, program_file())

    made, refused = at_once(act, act)
    assert len(made) > 30
    assert refused == "program.exists"
    with open_session(database.engine) as session:
        assert session.scalar(select(func.count()).select_from(_program)) == 1


# -------------------------------------------------------------------------------------------------------- protocols


def test_a_protocol_is_recorded_once_and_its_new_version_beside_it(cast: Cast) -> None:
    file = program_file().value
    text = onboarding().text.replace("\nversion: 2\n", "\nversion: 3\n")
    named = {name for step in onboarding().value.steps for name in (step.action, step.undone_by) if name}
    newer = check_protocol(load_declared_text(text, "newer.yaml", Protocol), Around.of_program(file, named))
    with cast.session() as session:
        assert in_english(changes(session, program_file(), [newer])) == [
            "The procedure “Youth worker onboarding” is recorded as its version 3."
        ]
        found: list[Declared[Protocol]] = [onboarding(), newer]
        assert len(load(session, program_file(), found, by=LOADING, at=AT)) == 1
        assert load(session, program_file(), found, by=LOADING, at=AT) == []
        kept = table_of(ProtocolVersion)
        assert session.scalars(select(kept.c.number).order_by(kept.c.number)).all() == [2, 3]


# --------------------------------------------------------------------------------- the three structures of coordination

STRUCTURES: dict[str, tuple[Edits, list[str]]] = {
    "hosted": ((), ["ccsmtl"]),
    "secondment": (
        (
            (HOSTED, SECONDMENT),
            (EN_MARGE_WORKER, EN_MARGE_WORKER.replace("    resources:", "      coordinator: {}\n    resources:")),
        ),
        ["ccsmtl", "en-marge"],
    ),
    "joint": (
        (
            (HOSTED, JOINT),
            ("roles:\n  director:", f"roles:\n{MANAGER_TITLE}  director:"),
            (CCSMTL_COORDINATOR, CCSMTL_COORDINATOR + "      administrative_manager: {}\n"),
        ),
        ["ccsmtl"],
    ),
}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_each_structure_of_coordination_loads_and_its_duties_find_the_coordinator(
    database: Database, structure: str
) -> None:
    edits, places = STRUCTURES[structure]
    with new_program(database) as session:
        loaded(session, edited(*edits))
        organizations = {row.key: row.id for row in session.execute(select(_organization.c.key, _organization.c.id))}
        here = program(session)
        assert here.governance == structure
        assert here.coordination.organizations == [str(organizations[place]) for place in places]
        # The coordinator at the last of the places: each of them must be looked at.
        coordinator = hired(session, "Albâtre", "coordinator", organizations[places[-1]], TODAY)
        worker = hired(session, "Amiante", "youth_worker", organizations["anonyme"], ARRIVAL)
        case = open_case(
            session, "onboarding", subject_id=worker, organization_id=organizations["anonyme"], by=LOADING, at=AT
        )
        task, chain = table_of(Task), table_of(Responsibility)
        links = session.scalars(
            select(chain.c.links)
            .join(task, task.c.owed_by_id == chain.c.id)
            .where(task.c.case_id == case, task.c.step == "request_secure_access")
        ).one()
        assert [holder.person_id for holder in standing(session, TODAY).falls(links).holders] == [coordinator]


def hired(session: Session, name: str, role: str, organization_id: UUID, day: date) -> UUID:
    person_id = add_person(session, given_name="Ocre", family_name=name, email=None, language="fr", by=LOADING, at=AT)
    appoint(session, person_id=person_id, role=role, organization_id=organization_id, starts_on=day, by=LOADING, at=AT)
    return person_id


def test_a_program_changes_from_one_structure_to_another(cast: Cast) -> None:
    with cast.session() as session:
        for structure in ("secondment", "joint", "hosted"):
            edits, places = STRUCTURES[structure]
            assert "How the coordination is set up, where it is or to whom it reports changed." in loaded(
                session, edited(*edits)
            )
            assert program(session).governance == structure
            assert program(session).coordination.organizations == [str(cast.organizations[key]) for key in places]


# ---------------------------------------------------------------------------------------------------------- export


def closes(session: Session, cast: Cast, place: str | None, first: date, last: date) -> None:
    """Closed days recorded between two loads."""
    session.execute(
        insert(_closure).values(
            program_id=cast.program_id,
            id=new_program_id(),
            organization_id=cast.organizations[place] if place else None,
            starts_on=first,
            ends_on=last,
            reason_fr="Grand ménage : « tout » sortir",
            reason_en="Spring cleaning: yes, no, 12:30",
        )
    )


def test_what_is_written_out_is_the_file_as_it_was_loaded(cast: Cast) -> None:
    with cast.session() as session:
        assert export(session) == program_file().text


@pytest.mark.ci
def test_what_was_recorded_since_is_written_out_and_loads_back_without_a_change(cast: Cast) -> None:
    with cast.session() as session:
        closes(session, cast, None, TODAY, TODAY + DAY)
        closes(session, cast, "en-marge", TODAY, TODAY)
        assert changes(session, program_file()) == [], (
            "what no file ever said, a load of the old file does not take back"
        )
        out = export(session)
        back = read_program_text(out, "exported.yaml")
        assert changes(session, back, [onboarding()]) == []
        before = everything(session)
        assert load(session, back, [onboarding()], by=LOADING, at=AT) == []
        assert everything(session) == before
        assert export(session) == out, "writing out what was read back is the same text"
        snow = ClosedDays(
            TODAY, TODAY, Bilingual(fr="Grand ménage : « tout » sortir", en="Spring cleaning: yes, no, 12:30")
        )
        assert [days.closure() for days in back.value.organizations["en-marge"].closures] == [snow]
        # From then on a file says it, and one that does not takes it back.
        assert len(changes(session, program_file())) == 2


def test_how_a_committee_works_is_written_out_anew_and_loads_back_without_a_change(cast: Cast) -> None:
    """A closed day that was recorded since makes the text a new one, so that no line of it is the file's own."""
    file = edited(("    letters: CC\n", "    letters: CC\n    place: Salle des lilas\n"))
    with cast.session() as session:
        load(session, file, [onboarding()], by=LOADING, at=AT)
        closes(session, cast, None, TODAY, TODAY)
        out = export(session)
        assert out != file.text
        back = read_program_text(out, "exported.yaml")
        assert back.value.committees == file.value.committees
        assert back.value.committees["clinical"].place == "Salle des lilas"
        assert changes(session, back, [onboarding()]) == []


#: A majority that CODIM's agreement lets suffice, and other days to endorse decisions.
_MAJORITY = (
    (
        "  codim:\n    title: &partnership",
        "  codim:\n    decisions: {majority: two_thirds, source: GV-4}\n    title: &partnership",
    ),
    ("days: 10, days_again: 5", "days: 15, days_again: 3"),
)


@pytest.mark.ci
def test_a_majority_and_the_days_to_endorse_are_loaded_written_out_anew_and_load_back_without_a_change(
    cast: Cast,
) -> None:
    file = edited(*_MAJORITY)
    with cast.session() as session:
        said = in_english(changes(session, file, [onboarding()]))
        assert any("or majority changed" in one for one in said), said
        load(session, file, [onboarding()], by=LOADING, at=AT)
        assert program(session).coordination.decisions.as_stored()["days"] == 15
        closes(session, cast, None, TODAY, TODAY)
        back = read_program_text(export(session), "exported.yaml")
        assert back.value.agreements["codim"].decisions == file.value.agreements["codim"].decisions
        assert back.value.coordination.decisions == file.value.coordination.decisions
        assert changes(session, back, [onboarding()]) == []
        terms = session.scalars(select(_version.c.terms).where(_version.c.terms.has_key("decisions"))).all()
        assert [one.majority for one in terms] == ["two_thirds"], "CODIM's draft, and no other"


@pytest.mark.ci
def test_an_exported_program_is_the_same_program_elsewhere(cast: Cast, database: Database) -> None:
    with cast.session() as session:
        closes(session, cast, "spvm", TODAY, TODAY + 3 * DAY)
        out = export(session)
    back = read_program_text(out, "exported.yaml")
    with new_program(database) as session:
        loaded(session, back)
        assert export(session) == out
        assert changes(session, back, [onboarding()]) == []


def test_a_program_that_was_never_loaded_is_not_written_out(database: Database) -> None:
    with new_program(database) as session, pytest.raises(LookupError, match="no program was loaded"):
        export(session)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_writing_a_file_anew_loses_nothing_but_comments(structure: str) -> None:
    file = edited(*STRUCTURES[structure][0]).value
    again = read_program_text(written(file), "written.yaml").value
    assert again == file
    assert written(again) == written(file)
    assert list(again.organizations) == list(file.organizations), "in the declared order"
    assert list(again.roles) == list(file.roles)


TURNS_THE_LINE = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
readable = (
    st.text(
        st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=TURNS_THE_LINE),
        min_size=1,
        max_size=40,
    )
    .map(str.strip)
    .filter(bool)
)
LOOKS_LIKE = ["no", "~", "null", "true", "12:30", "2026-12-07", "3", "1e5", "0x1F", "- a", "a: b #c", "1_000", "="]


_any_words = given(
    names=st.lists(readable | st.sampled_from(LOOKS_LIKE), min_size=3, max_size=3),
    # As a file can hold them: written out as decimals, which Python shows with an exponent below 0.0001.
    hours=st.decimals(min_value="0.0000001", max_value=60, places=7).map(float),
)


@pytest.mark.ci
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@_any_words
def test_whatever_words_a_file_holds_they_are_read_back(names: list[str], hours: float) -> None:
    _are_read_back(names, hours)


@pytest.mark.nightly
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@_any_words
def test_whatever_words_a_file_holds_they_are_read_back_at_length(names: list[str], hours: float) -> None:
    """The same, many times over."""
    _are_read_back(names, hours)


def _are_read_back(names: list[str], hours: float) -> None:
    file = program_file().value
    worker = file.agreements["anonyme"].roles["youth_worker"].model_copy(update={"hours_a_week": hours})
    agreement = file.agreements["anonyme"]
    agreement = agreement.model_copy(update={"roles": {**agreement.roles, "youth_worker": worker}})
    organization = file.organizations["anonyme"].model_copy(update={"name": names[0], "short_name": names[1]})
    identity = file.program.model_copy(update={"title": Bilingual(fr=names[2], en=names[0])})
    changed = file.model_copy(
        update={
            "program": identity,
            "organizations": {**file.organizations, "anonyme": organization},
            "agreements": {**file.agreements, "anonyme": agreement},
        }
    )
    assert read_program_text(written(changed), "written.yaml").value == changed


def test_a_source_that_this_version_cannot_read_is_compared_by_its_rows(cast: Cast) -> None:
    with cast.session() as session:
        session.execute(text("update program set source = 'not: [a, program', digest = 'of an older grammar'"))
        with pytest.raises(DeclaredErrors):
            export(session)
        assert changes(session, program_file(), [onboarding()]) == []
        assert in_english(changes(session, edited(*CHANGED["a role's name"][0]))) == CHANGED["a role's name"][1]
        loaded(session, program_file())
        assert export(session) == program_file().text
