"""A program's file: the real one is whole, and every wrong one is told its line, its path and why."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from domain.declarations.checks.attendance import AttendanceRule
from domain.declarations.program import (
    STRUCTURES,
    DeclaredOrganization,
    OrganizationKind,
    ProgramFile,
    Regime,
    Structure,
)
from domain.declarations.program_check import read_program, read_program_text
from domain.declarations.role_keys import ROLE_KEYS
from domain.declared.guide_ids import GUIDE_IDS
from domain.declared.problems import DeclaredErrors, FileProblem, PathOf, written
from domain.declared.reading import Declared
from domain.kernel.languages import Language
from models import program as tables

FILE = Path(__file__).resolve().parents[2] / "programs" / "greater-montreal.yaml"
TEXT = FILE.read_text("utf-8")
HERE = "»"  # in a wrong text: stands on the line that the complaint must name, and is taken out

_EXTENDED = TEXT[TEXT.index("  extended:\n") :]
#: When the Extended Committee's agenda goes out, and its rules.
_EXTENDED_AGENDA = _EXTENDED[_EXTENDED.index("    agenda:") : _EXTENDED.index("    derived_from:")]

HOSTED = """  hosted:
    host: ccsmtl
    unit: {fr: Institut universitaire Jeunes en difficulté, en: Institut universitaire Jeunes en difficulté}
    source: GV-1
"""
SECONDMENT = """  secondment:
    shares:
      - {organization: ccsmtl, percent: 60}
      - {organization: en-marge, percent: 40}
    source: GV-2
"""
JOINT = """  joint:
    administrative_manager: ccsmtl
    funders:
      - {organization: ccsmtl, percent: 50}
      - {organization: codim, percent: 25}
      - {organization: spvm, percent: 25}
    source: GV-3
"""
MANAGER_TITLE = "  administrative_manager: {title: {fr: Gestion administrative, en: Administrative manager}}\n"
CCSMTL_COORDINATOR = "      coordinator: {}\n      administrative_officer: {}\n"
EN_MARGE_WORKER = (
    "      youth_worker: {headcount: 1, hours_a_week: 35}\n      second_representative: {}\n    resources:"
)


@pytest.fixture(scope="module")
def program() -> ProgramFile:
    return read_program(FILE).value


def edited(*edits: tuple[str, str]) -> str:
    """The real file with edits; each old text must be there, so that a test does not quietly change nothing."""
    text = TEXT
    for old, new in edits:
        assert old in text, f"the file no longer holds {old!r}"
        text = text.replace(old, new, 1)
    return text


def problems_of(text: str) -> list[FileProblem]:
    with pytest.raises(DeclaredErrors) as refused:
        read_program_text(text, "program.yaml")
    return refused.value.problems


# ------------------------------------------------------------------------------------------- the real program


def test_the_program_carries_every_fact_of_agreements_committees_and_governance(program: ProgramFile) -> None:
    wanted = {fact for fact in GUIDE_IDS if fact.startswith(("AG-", "CM-"))}
    wanted |= {"GV-1", "GV-4", "GV-5", "GV-6", "GV-7", "GV-9", "GV-10"}
    assert wanted - program.guide_ids() == set()


def test_a_fact_that_only_a_rule_of_an_agenda_carries_is_carried_by_the_program(program: ProgramFile) -> None:
    assert "AD-R3" in program.guide_ids()
    without = edited(("          sources: [AD-R3, AD-C4]\n", ""))
    assert "AD-R3" not in read_program_text(without, "program.yaml").value.guide_ids()


def test_the_three_structures_are_the_three_that_the_guide_proposes() -> None:
    assert STRUCTURES == {"hosted": "GV-1", "secondment": "GV-2", "joint": "GV-3"}
    assert set(STRUCTURES.values()) <= GUIDE_IDS.keys()


def test_six_partners_have_an_agreement_and_outside_members_none(program: ProgramFile) -> None:
    kinds = {name: program.organizations[name].kind for name in program.agreements}
    assert kinds == {
        "ccsmtl": "health_agency",
        "codim": "health_agency",
        "spvm": "police",
        "marie-vincent": "specialized",
        "en-marge": "community",
        "anonyme": "community",
    }
    outside = program.organizations.keys() - program.agreements.keys()
    assert {program.organizations[name].kind for name in outside} == {"outside"}


def test_four_youth_workers_are_employed_for_the_hours_of_the_first_implementation(program: ProgramFile) -> None:
    workers = {name: agreement.roles.get("youth_worker") for name, agreement in program.agreements.items()}
    hours = {name: (role.headcount, role.hours_a_week) for name, role in workers.items() if role}
    assert hours == {"ccsmtl": (1, 28), "codim": (1, 28), "en-marge": (1, 35), "anonyme": (1, 35)}


def test_every_partner_has_a_director_a_manager_and_a_second_representative(program: ProgramFile) -> None:
    for name in program.agreements:
        assert {"director", "manager", "second_representative"} <= program.roles_at(name)


def test_the_host_creates_the_coordination_and_the_anonyme_the_petty_cash(program: ProgramFile) -> None:
    assert program.coordination.structure == "hosted"
    assert [name for _, name in program.coordination.organizations()] == ["ccsmtl"]
    assert {"coordinator", "administrative_officer", "it_contact", "researcher"} <= program.roles_at("ccsmtl")
    holders = [name for name in program.agreements if "petty_cash_holder" in program.roles_at(name)]
    assert holders == ["anonyme"]


def test_an_obligation_of_several_roles_is_owed_by_those_that_the_agreement_creates(program: ProgramFile) -> None:
    trained = [owed for owed in program.obligations_of("spvm") if owed.key.startswith("AG-X1")]
    assert [(owed.key, owed.owner) for owed in trained] == [
        ("AG-X1:manager", "manager"),
        ("AG-X1:police_representative", "police_representative"),
    ]


def test_only_employers_of_a_youth_worker_owe_what_comes_with_one(program: ProgramFile) -> None:
    owing = {name for name in program.agreements if any(o.key == "AG-W2" for o in program.obligations_of(name))}
    assert owing == {"ccsmtl", "codim", "en-marge", "anonyme"}


def test_no_agreement_holds_two_obligations_under_one_key(program: ProgramFile) -> None:
    for name in program.agreements:
        keys = [owed.key for owed in program.obligations_of(name)]
        assert len(keys) == len(set(keys))


def test_sitting_on_the_steering_committee_allows_one_absence_and_counts_alternates(program: ProgramFile) -> None:
    (sits,) = [owed.obligation for owed in program.obligations_of("codim") if owed.key == "AG-M1"]
    assert sits.check.rule == AttendanceRule(committee="steering", at_most_absences=1)
    assert isinstance(sits.check.rule, AttendanceRule)
    assert (sits.check.rule.alternates, sits.owed_by, sits.period) == ("count", ("manager",), "calendar_year")


def test_quarterly_statements_and_a_yearly_report_are_owed_by_the_coordinator(program: ProgramFile) -> None:
    owed = {one.key: one for one in program.obligations_of("ccsmtl")}
    assert (owed["GV-6.statements"].owner, owed["GV-6.statements"].obligation.period) == ("coordinator", "quarter")
    assert (owed["GV-6.report"].owner, owed["GV-6.report"].obligation.period) == ("coordinator", "calendar_year")
    assert owed["GV-9"].obligation.endorsed_by == "steering"
    assert owed["GV-10"].owner == "organization"
    assert not any(one.key.startswith("GV-") for one in program.obligations_of("codim"))


def test_the_joint_committee_is_the_steering_and_the_clinical_together(program: ProgramFile) -> None:
    joint = program.seats_of("joint")
    assert joint == (*program.seats_of("steering"), *program.seats_of("clinical"))
    assert len(joint) == len(set(joint)) == 7 + 8


def test_the_extended_committee_adds_outside_members_to_the_clinical(program: ProgramFile) -> None:
    added = [one for one in program.seats_of("extended") if one not in program.seats_of("clinical")]
    assert {one.seat.organization for one in added} == {"cavac", "mobilis", "spal"}
    assert program.roles_at("cavac") == {"specialized_resource"}


def test_only_the_clinical_committee_has_a_weekday(program: ProgramFile) -> None:
    weekly = {key for key, one in program.committees.items() if one.rhythm and one.rhythm.weekday}
    assert weekly == {"clinical"}
    assert not program.committees["advisory"].established


def test_the_calendar_closes_public_holidays_and_the_holiday_break(program: ProgramFile) -> None:
    days = program.calendar("en-marge")
    assert [days.is_working_day(date(2026, 6, day)) for day in (23, 24, 25)] == [True, False, True]
    assert days.why_closed(date(2026, 12, 29), "en") == "Holiday break"
    assert days.next_working_day(date(2026, 4, 3)) == date(2026, 4, 7)  # Good Friday to Easter Monday


def test_an_organizations_own_closure_closes_it_and_nobody_else() -> None:
    closed = "closures: [{first: 2026-10-09, reason: {fr: Bilan, en: Review day}}]"
    text = edited(("    name: En Marge 12-17\n", f"    name: En Marge 12-17\n    {closed}\n"))
    program = read_program_text(text, "program.yaml").value
    assert program.calendar("en-marge").why_closed(date(2026, 10, 9), "fr") == "Bilan"
    assert program.calendar().is_working_day(date(2026, 10, 9))


def test_names_of_organizations_are_public_ones_and_fall_back_to_french(program: ProgramFile) -> None:
    assert program.organizations["spvm"].name_in("en") == "Montréal police department"
    assert program.organizations["anonyme"].name_in("en") == "L’Anonyme"


def test_the_words_of_the_grammar_are_those_of_the_tables() -> None:
    assert get_args(OrganizationKind) == tables.ORGANIZATION_KINDS
    assert get_args(Regime) == tables.REGIMES
    assert get_args(Structure) == tables.STRUCTURES
    assert get_args(Language) == tables.LANGUAGES
    assert len(ROLE_KEYS) == 15


def test_a_file_is_read_with_its_digest_and_lines() -> None:
    read = read_program(FILE)
    assert read.text == TEXT
    assert TEXT.splitlines()[read.line_of(("agreements", "spvm")) - 1] == "  spvm:"


# ---------------------------------------------------------------------------------------- the other structures


def test_a_position_split_by_secondment_has_a_coordinator_at_both() -> None:
    text = edited(
        (HOSTED, SECONDMENT),
        # The first of the two who employ for 35 hours is En Marge.
        (EN_MARGE_WORKER, "      coordinator: {}\n" + EN_MARGE_WORKER),
    )
    coordination = read_program_text(text, "program.yaml").value.coordination
    assert coordination.structure == "secondment"
    assert [name for _, name in coordination.organizations()] == ["ccsmtl", "en-marge"]


def test_a_jointly_funded_position_has_an_administrative_manager() -> None:
    text = edited(
        (HOSTED, JOINT),
        ("\nroles:\n", "\nroles:\n" + MANAGER_TITLE),
        (CCSMTL_COORDINATOR, CCSMTL_COORDINATOR + "      administrative_manager: {}\n"),
    )
    program = read_program_text(text, "program.yaml").value
    assert program.coordination.structure == "joint"
    assert "GV-3" in program.guide_ids()
    assert "GV-1" in program.guide_ids()  # still the source of what the host brings


# ------------------------------------------------------------------------------------------------- wrong files

SPVM_END = "    obligations: [partner]\n    information_sharing: between-partners\n\n  marie-vincent:"
SPVM_ROLES = "      director: {}\n      manager: {}\n      second_representative: {}\n      police_representative: {}"
ADVISORY = "    source: CM-A\n    established: false"

WRONG: dict[str, tuple[list[tuple[str, str]], str, str]] = {
    "a key with a typo": (
        [("  time_zone:", "  »time_zones:")],
        "program.time_zones",
        "“time_zones” has no meaning here.",
    ),
    "a zone that is none": (
        [("America/Toronto", "»America/Trois-Rivieres")],
        "program.time_zone",
        "This is not a time zone, such as America/Toronto.",
    ),
    "a zone that leads out of the database": (
        [("America/Toronto", "»../etc/localtime")],
        "program.time_zone",
        "This is not a time zone, such as America/Toronto.",
    ),
    "a country without known holidays": (
        [("  calendar:\n    country: CA", "  »calendar:\n    country: QQ")],
        "program.calendar",
        "No public holidays are known for this country and subdivision.",
    ),
    "closed days that end before they begin": (
        [("{first: 2026-12-24, last: 2027-01-02", "»{first: 2026-12-24, last: 2026-01-02")],
        "program.calendar.closed[2].last",
        "The last closed day is before the first.",
    ),
    "a text in one language": ([("{fr: Laval, en: Laval}", "»{fr: Laval}")], "program.area[1].en", "“en” is missing."),
    "a text that is blank in one language": (
        [("{fr: Laval, en: Laval}", "»{fr: Laval, en: '  '}")],
        "program.area[1].en",
        "A text is expected here, and it is empty.",
    ),
    "a language twice": (
        [("languages: [fr, en]", "»languages: [fr, fr]")],
        "program.languages[1]",
        "This stands here a second time.",
    ),
    "an organization twice": (
        [("  codim:\n    name:", "  »ccsmtl:\n    name:")],
        "organizations.ccsmtl",
        "This key stands here a second time",
    ),
    "a kind of organization that is none": (
        [("kind: police", "»kind: army")],
        "organizations.spvm.kind",
        "One of these is expected here: 'health_agency', 'community'",
    ),
    "a partner without agreement": (
        [("  cavac:\n", "  »cavac:\n"), ("kind: outside", "kind: community")],
        "organizations.cavac",
        "“cavac” is a partner and has no agreement; one without is of kind outside.",
    ),
    "a seat of a partner without agreement": (
        [("      cavac: {", "      »cavac: {"), ("kind: outside", "kind: community")],
        "committees.extended.seats.cavac.organization",
        "“cavac” has no agreement with the program.",
    ),
    "an agreement with an outside body": (
        [("kind: police", "kind: outside"), ("  spvm:\n    title:", "  »spvm:\n    title:")],
        "agreements.spvm",
        "“spvm” is outside the program: it has no agreement.",
    ),
    "an agreement with nobody": (
        [("  codim:\n    title:", "  »codin:\n    title:")],
        "agreements.codin",
        "No organization here is named “codin”.",
    ),
    "a role that no agreement creates": (
        [("\nroles:\n", "\nroles:\n»" + MANAGER_TITLE)],
        "roles.administrative_manager",
        "No agreement creates the role “administrative_manager”.",
    ),
    "a role outside the vocabulary": (
        [("      police_representative: {}", "      »police_officer: {}")],
        "agreements.spvm.roles.police_officer",
        "One of these is expected here: 'director', 'manager'",
    ),
    "a role that the program does not declare": (
        [
            ("  researcher: {title: {fr: Chercheur·e, en: Researcher}}\n", ""),
            ("      researcher: {}", "      »researcher: {}"),
        ],
        "agreements.ccsmtl.roles.researcher",
        "The role “researcher” is not among the program's roles.",
    ),
    "two holders of a role that has one": (
        [(SPVM_ROLES, SPVM_ROLES.replace("manager: {}", "»manager: {headcount: 2}"))],
        "agreements.spvm.roles.manager.headcount",
        "Only one person at a time holds the role “manager” at an organization.",
    ),
    "nobody at all in a role": (
        [("youth_worker: {headcount: 1, hours_a_week: 28}", "»youth_worker: {headcount: 0, hours_a_week: 28}")],
        "agreements.ccsmtl.roles.youth_worker.headcount",
        "This number must be at least 1.",
    ),
    "hours in quotes": (
        [("hours_a_week: 28}", '»hours_a_week: "28"}')],
        "agreements.ccsmtl.roles.youth_worker.hours_a_week",
        "A number is expected here.",
    ),
    "a group of obligations that is not there": (
        [(SPVM_END, SPVM_END.replace("    obligations: [partner]", "    »obligations: [partners]"))],
        "agreements.spvm.obligations[0]",
        "Nothing here is named “partners”.",
    ),
    "a group of clauses that is not there": (
        [("    clauses: [general]", "    »clauses: [generals]")],
        "agreements.ccsmtl.clauses[0]",
        "Nothing here is named “generals”.",
    ),
    "terms of sharing that are not there": (
        [("    information_sharing: between-partners", "    »information_sharing: between-friends")],
        "agreements.ccsmtl.information_sharing",
        "Nothing here is named “between-friends”.",
    ),
    "a committee of the terms of sharing that is not there": (
        [("    bodies: [clinical]", "    bodies: [»clinics]")],
        "sharing_terms.between-partners.bodies[0]",
        "Nothing here is named “clinics”.",
    ),
    "terms of sharing that end before they begin": (
        [("    bodies: [clinical]", "    starts_on: 2027-01-01\n    »ends_on: 2026-12-31\n    bodies: [clinical]")],
        "sharing_terms.between-partners.ends_on",
        "The last day comes before the first.",
    ),
    "an obligation that no role of the agreement can owe": (
        [(SPVM_END, SPVM_END.replace("    obligations: [partner]", "    »obligations: [partner, youth-worker]"))],
        "agreements.spvm.obligations[1]",
        "“AG-W1” is owed by a role that this agreement does not create: youth_worker.",
    ),
    "an obligation that no role of the agreement can state": (
        [
            (SPVM_ROLES, SPVM_ROLES.replace("      director: {}\n", "")),
            (SPVM_END, SPVM_END.replace("    obligations: [partner]", "    »obligations: [partner]")),
        ],
        "agreements.spvm.obligations[0]",
        "“AG-P7” is attested in writing by a role that this agreement does not create: director.",
    ),
    "an own obligation that a group brings already": (
        [("      GV-10:\n", "      »AG-P1:\n")],
        "agreements.ccsmtl.own_obligations.AG-P1",
        "This agreement has “AG-P1” already.",
    ),
    "a clause that a group brings already": (
        [
            (
                "    clauses: [general]",
                "    own_clauses:\n      »duration: {title: &x {fr: a, en: b}, text: *x}\n    clauses: [general]",
            )
        ],
        "agreements.ccsmtl.own_clauses.duration",
        "This agreement has “duration” already.",
    ),
    "an obligation that the guide does not have": (
        [("    AG-P1:\n", "    »AG-P9:\n")],
        "obligation_groups.partner.AG-P9",
        "An obligation is named by its fact of the guide",
    ),
    "an obligation with half a suffix": (
        [("    AG-P1:\n", "    »AG-P1.:\n")],
        "obligation_groups.partner.AG-P1.",
        "An obligation is named by its fact of the guide",
    ),
    "a source that the guide does not have": (
        [("sources: [CM-2R]", "»sources: [CM-3R]")],
        "obligation_groups.partner.AG-X2.sources[0]",
        "The guide has no fact “CM-3R”.",
    ),
    "an owner that is none": (
        [("owed_by: [organization]", "»owed_by: [organisation]")],
        "obligation_groups.partner.AG-P1.owed_by[0]",
        "One of these is expected here: 'organization'",
    ),
    "a kind of check that is none": (
        [("check: {count: {of: referrals", "»check: {counts: {of: referrals")],
        "obligation_groups.partner.AG-P1.check.counts",
        "“counts” has no meaning here.",
    ),
    "two checks at once": (
        [
            (
                "check: {count: {of: referrals, at_least: 1}}",
                "»check: {count: {of: referrals, at_least: 1}, document: {kind: list}}",
            )
        ],
        "obligation_groups.partner.AG-P1.check",
        "Exactly one check must stand here: attendance, tasks, decisions, document, attestation or count.",
    ),
    "no check": (
        [("check: {count: {of: referrals, at_least: 1}}", "»check: {}")],
        "obligation_groups.partner.AG-P1.check",
        "Exactly one check must stand here: attendance, tasks, decisions, document, attestation or count.",
    ),
    "a count without a number": (
        [("{of: referrals, at_least: 1}", "»{of: referrals}")],
        "obligation_groups.partner.AG-P1.check.count",
        "A count has either at_least or at_most.",
    ),
    "alternates of no committee": (
        [("{of: alternates, committees: [steering, clinical]", "»{of: alternates")],
        "obligation_groups.partner.AG-X2.check.count.committees",
        "Alternates are counted for named committees, and only they are.",
    ),
    "vacant days of no role": (
        [
            (
                "{of: vacant_working_days, roles: [manager, youth_worker, police_representative, specialized_resource]",
                "»{of: vacant_working_days",
            )
        ],
        "obligation_groups.partner.AG-X2.replacement.check.count.roles",
        "Vacant days are counted for named roles, and only they are.",
    ),
    "people asked again no nearer to the last day": (
        [("{working_days: 20, to", "{»working_days: 60, to")],
        "program.obligations.asked[1].working_days",
        "Each time people are asked is nearer to the last day than the one before.",
    ),
    "who owes it not asked first": (
        [("{working_days: 60, to: [owner]}", "{working_days: 60, »to: [director]}")],
        "program.obligations.asked[0].to",
        "Who owes it is asked first.",
    ),
    "a risk in the first half": (
        [("at_risk: {percent: 25", "at_risk: {»percent: 75")],
        "program.obligations.at_risk.percent",
        "This number must be at most 50.",
    ),
    "attendance at a committee that is not there": (
        [("attendance: {committee: steering", "»attendance: {committee: stearing")],
        "obligation_groups.partner.AG-M1.check.attendance.committee",
        "No committee here is named “stearing”.",
    ),
    "attendance at a committee that does not meet": (
        [("attendance: {committee: steering", "»attendance: {committee: advisory")],
        "obligation_groups.partner.AG-M1.check.attendance.committee",
        "The committee “advisory” is not established.",
    ),
    "alternates for a committee that is not there": (
        [("committees: [steering, clinical]", "»committees: [steering, clinic]")],
        "obligation_groups.partner.AG-X2.check.count.committees[1]",
        "No committee here is named “clinic”.",
    ),
    "attendance where the partner has no seat": (
        [
            ("      spvm: {organization: spvm, role: manager, title: &for-spvm {fr: SPVM, en: SPVM}}\n", ""),
            ("title: *for-spvm", "title: {fr: SPVM, en: SPVM}"),
            (SPVM_END, SPVM_END.replace("    obligations", "    »obligations")),
        ],
        "agreements.spvm.obligations[0]",
        "“AG-M1” asks for a seat on “steering”, and this organization has none.",
    ),
    "an attestation by a role that nobody creates": (
        [("by: director", "»by: administrative_manager")],
        "obligation_groups.partner.AG-P7.check.attestation.by",
        "No agreement creates the role “administrative_manager”.",
    ),
    "an endorsement by nobody": (
        [("endorsed_by: steering", "»endorsed_by: nobody")],
        "agreements.ccsmtl.own_obligations.GV-9.endorsed_by",
        "No committee here is named “nobody”.",
    ),
    "a host that is not there": (
        [("host: ccsmtl", "»host: cisss")],
        "coordination.hosted.host",
        "No organization here is named “cisss”.",
    ),
    "a host whose agreement creates no coordinator": (
        [("host: ccsmtl", "»host: codim")],
        "coordination.hosted.host",
        "The agreement of “codim” does not create the role “coordinator”.",
    ),
    "support that the host does not give": (
        [("support: [administrative_officer]", "»support: [petty_cash_holder]")],
        "coordination.support[0]",
        "No agreement of those who host the coordination creates the role “petty_cash_holder”.",
    ),
    "no structure": (
        [("coordination:\n" + HOSTED, "»coordination:\n")],
        "coordination",
        "Exactly one structure must stand here: hosted, secondment or joint.",
    ),
    "two structures": (
        [("coordination:\n", "»coordination:\n" + SECONDMENT)],
        "coordination",
        "Exactly one structure must stand here: hosted, secondment or joint.",
    ),
    "a structure under the fact of another": (
        [("    source: GV-1\n  support", "    »source: GV-2\n  support")],
        "coordination.hosted.source",
        "One of these is expected here: 'GV-1'.",
    ),
    "a report to nobody": (
        [("reports_to: steering", "»reports_to: steerin")],
        "coordination.reports_to",
        "No committee here is named “steerin”.",
    ),
    "decisions endorsed nowhere": (
        [("decisions: {committee: steering", "»decisions: {committee: nowhere")],
        "coordination.decisions.committee",
        "No committee here is named “nowhere”.",
    ),
    "objections settled by a committee without an agenda": (
        [("decisions: {committee: steering", "decisions: {»committee: extended"), (_EXTENDED_AGENDA, "")],
        "coordination.decisions.committee",
        "The committee that settles objections has an agenda, on which they come.",
    ),
    "no day to endorse a decision": (
        [("days: 10, days_again", "»days: 0, days_again")],
        "coordination.decisions.days",
        "This number must be at least 1.",
    ),
    "a majority that is none": (
        [
            (
                "  codim:\n    title: &partnership",
                "  codim:\n    decisions: {»majority: most, source: GV-4}\n    title: &partnership",
            )
        ],
        "agreements.codim.decisions.majority",
        "One of these is expected here: 'more_than_half', 'two_thirds' or 'three_quarters'.",
    ),
    "shares that do not make a whole": (
        [(HOSTED, SECONDMENT.replace("percent: 40", "percent: 30").replace("    shares", "    »shares"))],
        "coordination.secondment.shares",
        "The shares come to 90 percent, not to 100.",
    ),
    "a secondment with oneself": (
        [(HOSTED, SECONDMENT.replace("- {organization: en-marge", "- »{organization: ccsmtl"))],
        "coordination.secondment.shares[1].organization",
        "This organization has its share already.",
    ),
    "a secondment of three": (
        [(HOSTED, SECONDMENT.replace("shares:", "»shares:\n      - {organization: codim, percent: 1}"))],
        "coordination.secondment.shares",
        "At most 2 may stand here.",
    ),
    "a secondment between two health agencies": (
        [(HOSTED, SECONDMENT.replace("en-marge", "codim").replace("    shares", "    »shares"))],
        "coordination.secondment.shares",
        "A secondment is between a health agency and a community organization.",
    ),
    "a secondment to a partner that creates no coordinator": (
        [(HOSTED, SECONDMENT.replace("- {organization: en-marge", "- »{organization: en-marge"))],
        "coordination.secondment.shares[1].organization",
        "The agreement of “en-marge” does not create the role “coordinator”.",
    ),
    "a funder without agreement": (
        [(HOSTED, JOINT.replace("{organization: spvm", "»{organization: cavac"))],
        "coordination.joint.funders[2].organization",
        "“cavac” has no agreement with the program.",
    ),
    "a trustee whose agreement creates no administrative manager": (
        [(HOSTED, JOINT.replace("administrative_manager", "»administrative_manager"))],
        "coordination.joint.administrative_manager",
        "The agreement of “ccsmtl” does not create the role “administrative_manager”.",
    ),
    "a seat of nobody": (
        [("spvm: {organization: spvm, role: manager", "»spvm: {organization: sq, role: manager")],
        "committees.steering.seats.spvm.organization",
        "No organization here is named “sq”.",
    ),
    "a seat for a role that the partner does not have": (
        [
            (
                "organization: marie-vincent, role: specialized_resource",
                "»organization: marie-vincent, role: youth_worker",
            )
        ],
        "committees.clinical.seats.marie-vincent.role",
        "The agreement of “marie-vincent” does not create the role “youth_worker”.",
    ),
    "an outside seat for a role that the program does not declare": (
        [("organization: cavac, role: specialized_resource", "»organization: cavac, role: administrative_manager")],
        "committees.extended.seats.cavac.role",
        "The role “administrative_manager” is not among the program's roles.",
    ),
    "a seat without alternate": (
        [
            (SPVM_ROLES, SPVM_ROLES.replace("      second_representative: {}\n", "")),
            ("      spvm: {organization: spvm, role: manager", "      »spvm: {organization: spvm, role: manager"),
        ],
        "committees.steering.seats.spvm",
        "This seat has no alternate: its organization's agreement does not create “second_representative”.",
    ),
    "a committee taken from one that is not there": (
        [("derived_from: [steering, clinical]", "»derived_from: [steering, clinics]")],
        "committees.joint.derived_from[1]",
        "No committee here is named “clinics”.",
    ),
    "a committee taken from one that does not meet": (
        [("derived_from: [clinical]", "»derived_from: [advisory]")],
        "committees.extended.derived_from[0]",
        "The committee “advisory” is not established.",
    ),
    "committees taken from each other": (
        [("    source: CM-S\n", "    source: CM-S\n    »derived_from: [joint]\n")],
        "committees.steering.derived_from",
        "“steering” would take its seats from itself.",
    ),
    "a committee under the fact of an agreement": (
        [("    source: CM-S\n", "    »source: AG-M1\n")],
        "committees.steering.source",
        "A committee's source is its fact of the guide, such as CM-S.",
    ),
    "a committee without rhythm": (
        [(ADVISORY, ADVISORY.replace("false", "true")), ("  advisory:\n", "  »advisory:\n")],
        "committees.advisory",
        "An established committee has its rhythm.",
    ),
    "a committee without length": (
        [
            (ADVISORY, ADVISORY.replace("established: false", "rhythm: {times: 2, per: year}")),
            ("  advisory:\n", "  »advisory:\n"),
        ],
        "committees.advisory",
        "An established committee has the length of its meetings, in minutes.",
    ),
    "a committee without seats": (
        [
            (
                ADVISORY,
                ADVISORY.replace(
                    "established: false", "rhythm: {times: 2, per: year}\n    minutes: 60\n    letters: CA"
                ),
            ),
            ("  advisory:\n", "  »advisory:\n"),
        ],
        "committees.advisory",
        "An established committee has seats, or takes them from another.",
    ),
    "a weekly committee without weekday": (
        [("per: week, weekday: wednesday", "»per: week")],
        "committees.clinical.rhythm.weekday",
        "A weekly committee has its weekday and time, and only a weekly one.",
    ),
    "a yearly committee with a weekday": (
        [("rhythm: {times: 2, per: year}", "»rhythm: {times: 2, per: year, weekday: monday}")],
        "committees.joint.rhythm.weekday",
        "A weekly committee has its weekday and time, and only a weekly one.",
    ),
    "a weekly committee twice a week": (
        [("rhythm: {times: 1, per: week", "»rhythm: {times: 2, per: week")],
        "committees.clinical.rhythm.times",
        "A weekly committee meets once a week.",
    ),
    "a time that is none": (
        [('at: "09:30"', '»at: "9 h 30"')],
        "committees.clinical.rhythm.at",
        "A time of day is expected here, written as 13:30.",
    ),
    "a committee without letters": (
        [("    letters: CE\n", ""), ("  extended:\n", "  »extended:\n")],
        "committees.extended",
        "An established committee has the letters that its decisions are numbered with.",
    ),
    "letters that are none": (
        [("letters: CE", "»letters: Ce-1")],
        "committees.extended.letters",
        "Two to four capital letters are expected here, such as CD.",
    ),
    "letters that another committee has": (
        [("letters: CC", "»letters: CD")],
        "committees.clinical.letters",
        "“steering” numbers its decisions with these letters already.",
    ),
    "a quorum of more seats than vote": (
        [("quorum: {seats: 4, organizations: 4}", "»quorum: {seats: 7, organizations: 4}")],
        "committees.steering.quorum.seats",
        "This committee has 6 voting seats only: its quorum could never be reached.",
    ),
    "a quorum of more organizations than vote": (
        [("quorum: {seats: 4, organizations: 4}", "»quorum: {seats: 4, organizations: 7}")],
        "committees.steering.quorum.organizations",
        "Fewer organizations vote on this committee than its quorum asks for: 6.",
    ),
    "a quorum with a seat that is not there": (
        [("must: [coordination]", "»must: [coordinator]")],
        "committees.clinical.quorum.must[0]",
        "This committee has no seat “coordinator”.",
    ),
    "an item presented by a seat that is not there": (
        [("presenter: research\n          sources: [CM-C]", "»presenter: steering\n          sources: [CM-C]")],
        "committees.clinical.agenda.rules.research.presenter",
        "This committee has no seat “steering”.",
    ),
    "a turn of a role that has no seat": (
        [("role: youth_worker\n          points", "»role: director\n          points")],
        "committees.clinical.agenda.rules.discussions.role",
        "No seat of this committee is for the role “director”.",
    ),
    "a turn of nobody": (
        [
            ("          role: youth_worker\n          points", "          points"),
            ("        discussions:\n", "        »discussions:\n"),
        ],
        "committees.clinical.agenda.rules.discussions.role",
        "This rule has “role” where its source needs none, or lacks it.",
    ),
    "an agenda drawn from what nobody knows": (
        [("source: turn\n", "»source: rota\n")],
        "committees.clinical.agenda.rules.discussions.source",
        "One of these is expected here: 'standing', 'turn', 'minutes',",
    ),
    "a title where the record gives one": (
        [("source: vacancies\n", "source: vacancies\n          »title: {fr: Postes, en: Positions}\n")],
        "committees.steering.agenda.rules.vacancies.title",
        "This rule has “title” where its source needs none, or lacks it.",
    ),
    "kinds where nothing is asked for": (
        [("source: vacancies\n", "source: vacancies\n          »kinds: [request]\n")],
        "committees.steering.agenda.rules.vacancies.kinds",
        "This rule has “kinds” where its source needs none, or lacks it.",
    ),
    "an agenda frozen before it goes out": (
        [("circulate_hours: 48\n      freeze_hours: 24", "circulate_hours: 48\n      »freeze_hours: 49")],
        "committees.clinical.agenda.freeze_hours",
        "An agenda goes out before it is frozen.",
    ),
    "a rule under a fact that the guide does not have": (
        [("sources: [AD-R3, AD-C4]", "»sources: [AD-R99]")],
        "committees.clinical.agenda.rules.admissions.sources[0]",
        "The guide has no fact “AD-R99”.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_told_its_line_its_path_and_why(case: str) -> None:
    edits, path, sentence = WRONG[case]
    marked = edited(*edits)
    assert marked.count(HERE) == 1
    line = marked[: marked.index(HERE)].count("\n") + 1
    found = problems_of(marked.replace(HERE, ""))
    told = [(one.line, one.path) for one in found if (one.sentence % one.facts).startswith(sentence)]
    assert (line, path) in told, "\n".join(map(str, found))
    assert {one.file for one in found} == {"program.yaml"}


def test_everything_wrong_is_said_at_once_in_the_order_of_the_lines() -> None:
    text = edited(
        ("reports_to: steering", "reports_to: steerin"),
        ("endorsed_by: steering", "endorsed_by: nobody"),
        ("derived_from: [clinical]", "derived_from: [clinics]"),
        ("host: ccsmtl", "host: cisss"),
    )
    found = problems_of(text)
    assert [one.path for one in found] == [
        "coordination.hosted.host",
        "coordination.support[0]",
        "coordination.reports_to",
        "agreements.ccsmtl.own_obligations.GV-9.endorsed_by",
        "committees.extended.derived_from[0]",
    ]
    assert [one.line for one in found] == sorted(one.line for one in found)


def test_a_file_that_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(DeclaredErrors, match=r"This file cannot be opened\."):
        read_program(tmp_path / "nowhere.yaml")


# ------------------------------------------------------------------------------------ a typo in any key at all


def _keys(value: Any, path: PathOf = ()) -> Iterator[tuple[PathOf, frozenset[str]]]:
    """Every key that the grammar names and the file writes, with all that the grammar knows at its place."""
    if isinstance(value, BaseModel):
        known = frozenset(type(value).model_fields)
        for name in value.model_fields_set:
            yield (*path, name), known
            yield from _keys(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _keys(inner, (*path, name))
    elif isinstance(value, tuple):
        for place, inner in enumerate(value):
            yield from _keys(inner, (*path, place))


def _marks(node: yaml.Node | None, path: PathOf = ()) -> Iterator[tuple[PathOf, yaml.Mark]]:
    """Where each key is written. A part that is repeated by *alias has the place of its &anchor."""
    if isinstance(node, yaml.MappingNode):
        for key, inner in node.value:
            yield (*path, key.value), key.start_mark
            yield from _marks(inner, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for place, inner in enumerate(node.value):
            yield from _marks(inner, (*path, place))


READ: Declared[ProgramFile] = read_program(FILE)
KEYS = sorted(_keys(READ.value), key=lambda one: written(one[0]))
MARKS = dict(_marks(yaml.compose(TEXT, Loader=yaml.BaseLoader)))


@given(st.sampled_from(KEYS), st.data())
@pytest.mark.ci
def test_a_typo_in_any_key_is_refused_at_its_line(key: tuple[PathOf, frozenset[str]], data: st.DataObject) -> None:
    path, known = key
    name = str(path[-1])
    place = data.draw(st.integers(0, len(name) - 1), label="place")
    letters = st.text("abcdefghijklmnopqrstuvwxyz_", max_size=2)
    typo = name[:place] + data.draw(letters, label="instead") + name[place + 1 :]
    typo = typo if typo and typo not in known and typo not in ("true", "null") else name + "x"
    at = MARKS[path].index
    found = problems_of(TEXT[:at] + typo + TEXT[at + len(name) :])
    assert any(one.line == MARKS[path].line + 1 and one.path.endswith(typo) for one in found)


def test_the_typos_reach_every_part_of_the_grammar() -> None:
    # Otherwise the test above could pass by never trying: a part that no file uses is a part not tried.
    assert len(KEYS) > 800
    assert {"rhythm", "hosted", "attestation", "safeguards", "alternates"} <= {str(path[-1]) for path, _ in KEYS}
    assert isinstance(READ.value.organizations["spvm"], DeclaredOrganization)
