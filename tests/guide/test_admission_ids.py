"""Every criterion and every item of the guide's admissions is carried by a step, a rule or what the form says."""

from __future__ import annotations

import re

import pytest

from domain.admissions.triage import NEVER_WITHOUT, OF_EVERYONE
from domain.declarations.protocol import Protocol
from domain.declared.guide_ids import GUIDE_IDS
from domain.declared.reading import load_declared
from domain.participants.ages import OLDEST, YOUNGEST
from domain.participants.consent_text import CURRENT, text_of
from models.consent import DISCLOSURE_GROUNDS, Disclosure
from models.participant import MEETING_OUTCOMES, NUMBER, RISK_LEVELS
from models.referral import CRITERIA
from tests.guide.refusals import ROOT, refused_by

PROTOCOL = load_declared(ROOT / "flows" / "admission" / "protocol.yaml", Protocol).value
ITEMS = sorted(fact for fact in GUIDE_IDS if fact.startswith("AD-"))
#: A disclosure without consent can be made at any moment, also of somebody who is not admitted: it is no step.
OF_NO_STEP = ("AD-R12",)


def test_the_projects_own_copy_has_the_guides_six_criteria_and_twelve_items() -> None:
    assert set(ITEMS) == {f"AD-C{n}" for n in range(6)} | {f"AD-R{n}" for n in range(1, 13)}


@pytest.mark.parametrize("item", [item for item in ITEMS if item not in OF_NO_STEP])
def test_each_item_is_carried_by_a_required_step(item: str) -> None:
    assert [step for step in PROTOCOL.steps if item in step.source and step.required], GUIDE_IDS[item]


def test_triage_looks_at_each_criterion_and_only_two_have_a_way_round() -> None:
    """AD-C3 by an exception with its reason; AD-C4 is asked of those who also recruit others."""
    assert set(CRITERIA) == {item for item in ITEMS if item.startswith("AD-C")} <= set(PROTOCOL.by_id["triage"].source)
    assert set(CRITERIA) - set(OF_EVERYONE) == {"AD-C4"}
    assert set(OF_EVERYONE) - set(NEVER_WITHOUT) == {"AD-C3"}
    assert (YOUNGEST, OLDEST) == (12, 24)


@pytest.mark.ci
@pytest.mark.parametrize(
    "item", ["AD-C1", "AD-C3", "AD-C4", *(f"AD-R{n}" for n in (1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12))]
)
def test_what_the_guide_does_not_allow_is_refused_and_the_refusal_says_where_it_stands(item: str) -> None:
    assert item in refused_by("domain"), GUIDE_IDS[item]


def test_the_worker_s_part_is_the_worker_s_and_the_coordinator_keeps_form_and_number() -> None:
    by = {step.id: step.by for step in PROTOCOL.steps}
    assert {by[name] for name in ("make_contact", "first_meeting", "consent", "risk")} == {"worker"}
    assert {by[name] for name in ("triage", "store_consent", "number")} == {"coordinator"}
    assert set(PROTOCOL.gates["admissible"].steps) == {"decide", "first_meeting", "consent", "risk"}


def test_the_answers_of_the_first_meeting_the_levels_of_risk_and_the_number_are_the_guides() -> None:
    assert MEETING_OUTCOMES == ("thinks", "commits", "declines")
    assert RISK_LEVELS == ("red", "yellow", "green", "none")
    assert re.fullmatch(NUMBER, "#2019-02")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_form_states_the_limits_of_confidentiality_the_withdrawal_and_the_research(language: str) -> None:
    said = " ".join(text_of(CURRENT, language).text.split())
    wanted = {
        "fr": (
            "articles 38 d) et 39.1",
            "Comité clinique",
            "sans donner de raison",
            "sans rien qui dise qui vous êtes",
        ),
        "en": (
            "sections 38(d) and 39.1",
            "Clinical Committee",
            "without giving a reason",
            "nothing that says who you are",
        ),
    }
    assert [words for words in wanted[language] if words not in said] == []


def test_a_disclosure_has_its_ground_by_whom_and_that_it_was_only_what_was_necessary() -> None:
    assert {"ypa_38d", "ypa_39_1", "ypa_72_6"} <= set(DISCLOSURE_GROUNDS)
    assert {"ground", "disclosed_by", "disclosed_on", "sealed", "only_necessary"} <= set(Disclosure.model_fields)
