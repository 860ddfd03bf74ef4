"""Every item of the guide's follow-up and progress notes is carried by a state, a rule or a record."""

from __future__ import annotations

from dataclasses import fields

import pytest

from api.access.permissions import TABLE, Action, Relation
from domain.accompaniment import states
from domain.declarations.program_check import read_program
from domain.declared.guide_ids import GUIDE_IDS
from domain.follow_ups import Week, contacts, week_row
from domain.follow_ups.lost import Losing
from flows import contacts as the_round
from models.consent import ResearchConsent
from models.follow_up import INACTIVE_REASONS, FollowUpBreak, NoShow, WeeklyNote
from models.lifecycles import FOLLOW_UP
from tests.guide.refusals import ROOT, refused_by

ITEMS = sorted(fact for fact in GUIDE_IDS if fact.startswith("FU-"))
PROGRAM = read_program(ROOT / "programs" / "greater-montreal.yaml").value


def test_the_projects_own_copy_has_the_guides_nine_items_and_the_break_apart() -> None:
    assert set(ITEMS) == {f"FU-{n}" for n in range(1, 10)} | {"FU-3b"}


@pytest.mark.ci
@pytest.mark.parametrize("item", [item for item in ITEMS if item not in ("FU-7", "FU-8")])
def test_what_the_guide_does_not_allow_is_refused_and_the_refusal_says_where_it_stands(item: str) -> None:
    """FU-7 and FU-8 forbid nothing: they say what is seen, and by whom."""
    assert item in refused_by("domain"), GUIDE_IDS[item]


def test_a_follow_up_is_active_inactive_or_completed_is_taken_up_again_from_both_and_has_its_breaks() -> None:
    assert set(FOLLOW_UP.states) == {"active", "inactive", "completed", "on_break"}
    for ended in ("inactive", "completed"):
        assert FOLLOW_UP.after(ended, "reactivate") == "active"
    assert (FOLLOW_UP.after("active", "pause"), FOLLOW_UP.after("on_break", "resume")) == ("on_break", "active")
    assert {"terms", "returns_on"} <= set(FollowUpBreak.model_fields)


def test_the_reasons_of_an_inactive_follow_up_are_the_guides_and_one_is_the_participant_s_own() -> None:
    assert set(INACTIVE_REASONS) == {
        *("withdrew", "no_longer_benefits", "needs_beyond_program", "other_purposes"),
        states.LOST_CONTACT,
    }
    assert states.PARTICIPANTS_OWN == "withdrew"


def test_two_further_attempts_at_most_and_a_wait_before_a_meeting_counts_as_missed() -> None:
    assert contacts.MOST_ATTEMPTS == 2
    assert contacts.LEAST_MINUTES <= 15
    assert {"waited_minutes", "strategy", "agreed_on"} <= set(NoShow.model_fields)


def test_whom_the_team_loses_is_told_with_since_when_why_and_how_long_and_has_its_place_on_the_agenda() -> None:
    assert {"number", "since", "days", "why"} <= set(Losing.__dataclass_fields__)
    agenda = PROGRAM.committees["clinical"].agenda
    assert agenda is not None
    assert the_round.LOST_CONTACT in {kind for rule in agenda.rules.values() for kind in rule.kinds}


def test_a_week_s_note_says_whether_they_met_how_long_or_why_not() -> None:
    assert {"week", "met", "minutes", "reached", "words"} <= set(WeeklyNote.model_fields)
    assert set(week_row.FIELDS) - set(week_row.WORDS) <= set(WeeklyNote.model_fields)
    assert set(week_row.FIELDS) == {one.name for one in fields(Week)}


def test_the_research_keeps_consents_of_its_own_and_sees_nobody() -> None:
    assert {"participant_id", "kept_by", "withdrawn_on"} <= set(ResearchConsent.model_fields)
    assert TABLE[Action.KEEP_RESEARCH_CONSENTS] == {Relation.RESEARCH}
    of_somebody = (
        *(Action.SEE_FOLLOW_UP, Action.READ_FOLLOW_UP, Action.READ_NOTES, Action.READ_SAID, Action.READ_SUMMARY),
        *(Action.SEE_PARTICIPANT, Action.READ_IDENTITY, Action.SEE_ADMISSION, Action.SEE_RISK, Action.SEE_CONSENTS),
    )
    assert [action for action in of_somebody if Relation.RESEARCH in TABLE[action]] == []
