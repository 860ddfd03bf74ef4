"""Twelve traps into which calendars, agendas and obligations were seen to fall, and the tests that go through each.

Beside them, what nobody should send and somebody will.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]

#: Of each trap, what must hold, and by file the names of its tests, or how they begin.
TRAPS: Final[Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]]] = {
    "T1": (
        "The zone is told by two yearly rules, and all readers agree; as icalendar writes it, some are an hour wrong.",
        {
            "meetings/test_zones.py": ("the_zone_of_the_program_is_two_yearly_rules_and_no_list_of_dates",),
            "meetings/test_readers.py": (
                "a_season_is_seen_by_all_as_the_zone_database_has_it_over_both_clock_changes",
                "with_the_zone_that_icalendar_writes_some_would_be_an_hour_wrong",
            ),
            "meetings/test_schedule.py": (
                "a_season_invites_everyone_who_sits_each_once_and_those_without_address_are_known",
            ),
        },
    ),
    "T2": (
        "Every time is local, in a zone of a place: no offset, no other name of it, no hour that the clocks skip.",
        {
            "meetings/test_zones.py": (
                "another_name_of_a_zone_becomes_the_one_that_calendars_know",
                "an_offset_is_no_zone",
            ),
            "meetings/test_entries.py": (
                "a_zone_is_that_of_a_place",
                "nobody_meets_at_an_hour_that_the_clocks_skip",
                "a_season_is_at_the_same_local_hour_before_and_after_both_changes_of_the_clocks",
            ),
            "meetings/test_calendar_files.py": ("every_local_time_is_in_the_zone_that_the_file_tells",),
            "meetings/test_schedule.py": ("a_time_that_is_past_or_that_the_clocks_skip_is_refused",),
        },
    ),
    "T3": (
        "A series ends with its last date, also in the evening, and its weekday is that of its first date.",
        {
            "meetings/test_readers.py": (
                "an_evening_series_ends_with_its_last_date_for_all",
                "a_last_day_between_two_dates_adds_none",
            ),
            "meetings/test_calendar_files.py": ("an_evening_season_ends_with_the_moment_of_its_last_date",),
            "meetings/test_itip.py": ("another_hour_or_weekday_under_the_same_uid_is_refused",),
            "meetings/test_schedule.py": (
                "a_season_invites_everyone_who_sits_each_once_and_those_without_address_are_known",
            ),
        },
    ),
    "T4": (
        "One date cancelled is one cancellation each, and leaves the others in calendars of either kind.",
        {
            "meetings/test_itip.py": (
                "a_date_that_is_cancelled_is_one_cancellation_and_leaves_the_others",
                "the_whole_as_it_is_told_later_has_the_date_taken_out_and_no_cancelled_exception",
            ),
            "meetings/test_schedule.py": ("a_cancelled_date_is_one_cancellation_each_with_status_and_its_own_date",),
            "meetings/test_calendar_readers.py": (
                "a_date_that_is_off_takes_no_other_from_a_calendar_that_takes_each_message_for_the_whole",
                "without_knowing_such_a_calendar_would_lose_the_season",
            ),
            "meetings/test_readers.py": ("a_cancelled_date_is_gone_for_all_in_either_dialect",),
        },
    ),
    "T5": (
        "One date moved is one message; not onto its neighbours; again, with a higher sequence; then cancelled.",
        {
            "meetings/test_itip.py": (
                "a_date_that_is_moved_is_one_message_and_the_others_stay",
                "a_moved_date_that_is_cancelled_is_no_exception_any_more",
            ),
            "meetings/test_entries.py": ("a_meeting_is_not_moved_onto_its_neighbours_nor_past_them",),
            "meetings/test_schedule.py": (
                "a_moved_date_tells_each_of_that_date_alone_and_twice_with_a_higher_sequence",
                "a_date_is_not_moved_to_its_neighbours_day_nor_past_it",
            ),
            "meetings/test_calendar_readers.py": (
                "a_date_that_is_off_takes_no_other_from_a_calendar_that_takes_each_message_for_the_whole",
            ),
            "meetings/test_readers.py": ("a_date_moved_twice_and_then_cancelled_is_seen_right_at_each_step",),
        },
    ),
    "T6": (
        "Another hour from a day on is an end and a beginning, each date once, and what was held stays recorded.",
        {
            "meetings/test_itip.py": (
                "another_hour_from_a_day_on_is_an_end_and_a_beginning_and_nothing_twice",
                "a_date_that_was_moved_before_the_hour_changed_is_not_shown_twice",
            ),
            "meetings/test_schedule.py": (
                "a_new_hour_from_a_day_on_ends_the_season_and_begins_another",
                "who_came_before_the_hour_changed_stays_recorded_at_the_meetings_to_which_they_came",
            ),
            "meetings/test_readers.py": ("another_hour_from_a_day_on_gives_each_date_once",),
        },
    ),
    "T7": (
        "Of a change of people hear the one who leaves and the one who comes, and who sits on both has one invitation.",
        {
            "meetings/test_itip.py": ("who_leaves_is_told_alone_who_comes_is_invited_and_nobody_else_hears_of_it",),
            "meetings/test_schedule.py": (
                "a_change_of_holder_tells_the_one_who_leaves_and_the_one_who_comes_and_nobody_else",
                "one_who_sits_on_both_gets_one_invitation_to_the_joint_committee",
            ),
            "meetings/test_seating.py": (
                "a_change_of_holder_is_for_days_to_come_and_tells_the_two_alone_also_of_what_is_derived",
            ),
        },
    ),
    "T8": (
        "The same values are the same bytes; the counters go up as they must; a crash sends nothing out of its order.",
        {
            "meetings/test_calendar_files.py": ("the_same_values_give_the_same_bytes",),
            "meetings/test_itip.py": (
                "other_words_alone_are_no_news_and_come_along_with_the_next_change",
                "another_room_keeps_sequence_and_answer_and_another_length_asks_anew",
                "the_first_message_has_sequence_nought_and_each_change_one_more",
            ),
            "meetings/test_schedule.py": (
                "a_change_of_place_asks_nobody_to_answer_again",
                "another_room_on_one_date_of_a_season_keeps_what_was_answered_to_it",
                "a_season_in_another_room_keeps_an_answer_that_was_given_to_all_of_it",
                "an_answer_lapses_when_its_meeting_gets_another_time_and_counts_when_given_again",
            ),
            "flows/test_post.py": (
                "a_worker_that_dies_after_sending_leaves_a_letter_that_goes_again_after_its_lease",
                "two_workers_share_the_letters_and_send_none_twice",
            ),
            "flows/test_gatherings.py": ("a_cancellation_never_overtakes_its_invitation",),
        },
    ),
    "T9": (
        "A reply is that of the invited person to the right date, or is kept aside; it invites nobody.",
        {
            "meetings/test_mail_replies.py": (
                "exchange_answers_for_one_date_in_its_own_zone_and_in_capitals",
                "google_answers_for_the_whole_series_though_a_program_generated_the_mail",
                "sabre_answers_for_one_date_with_the_sequence_that_it_keeps",
                "apple_answers_by_someone_for_another",
                "a_zone_that_is_known_by_name_makes_a_moment",
                "a_comment_is_known_to_be_there_and_is_not_kept",
                "a_machine_that_says_that_someone_is_away_answers_nothing",
                "what_the_server_that_received_a_mail_found_to_be_forged_is_no_answer",
            ),
            "meetings/test_replies.py": (
                "a_date_is_known_in_whatever_zone_a_calendar_writes_it",
                "what_cannot_be_bound_is_a_stray_and_changes_nothing",
                "an_answer_that_was_written_before_a_newer_one_is_stale",
                "an_answer_for_another_persons_seat_is_not_taken",
                "a_yes_to_a_date_of_a_season_written_before_it_was_moved_is_none_to_the_new_day",
                "sabre_that_answers_a_moved_date_with_the_sequence_of_the_whole_season_is_understood",
                "an_answer_from_a_mailbox_of_two_who_are_invited_is_nobodys_until_the_coordinator_says_whose",
            ),
            "meetings/test_strays.py": (
                "a_forged_answer_is_kept_with_its_address_its_meeting_whose_it_claims_to_be_and_what",
            ),
        },
    ),
    "T10": (
        "Meetings at irregular dates have each their own identity, may pass each other, and go one by one.",
        {
            "meetings/test_itip.py": ("meetings_at_irregular_dates_are_told_each_by_itself",),
            "meetings/test_schedule.py": (
                "four_dates_of_a_committee_are_four_meetings_that_pass_each_other_and_go_one_by_one",
            ),
            "meetings/test_readers.py": (
                "four_meetings_a_year_are_four_that_move_across_each_other_and_go_by_themselves",
            ),
        },
    ),
    "T11": (
        "The envelope is as mail wants it and shows no other address; a name in any part of it stops it; a feed ends.",
        {
            "meetings/test_calendar_files.py": (
                "every_file_is_in_lines_of_75_octets_that_split_no_character_and_end_as_mail_ends_them",
                "the_recipient_is_the_only_attendee_and_the_sender_organizes",
                "a_letter_carries_the_file_as_its_last_alternative_and_beside_it",
                "a_calendar_to_subscribe_to_has_days_and_places_nobody_and_says_when_to_look_again",
            ),
            "meetings/documents/test_gate.py": (
                "a_name_in_any_text_of_a_document_stops_it",
                "a_name_in_a_files_name_stops_it",
                "a_name_in_a_docx_s_properties_stops_it",
                "a_name_in_a_calendar_file_is_found_across_its_folded_lines",
            ),
            "meetings/test_names_stay_inside.py": ("a_place_that_names_somebody_changes_nothing_and_invites_nobody",),
            "meetings/test_feeds.py": ("an_address_opens_before_a_program_is_known_and_no_more_once_it_is_ended",),
            "api/pages/test_meetings.py": ("a_calendar_address_is_shown_once_and_ends",),
            "api/pages/test_answering.py": ("a_feed_that_did_not_change_is_not_sent_again",),
        },
    ),
    "T12 (a)": (
        "What two rules draw is one item with two reasons.",
        {
            "meetings/test_agenda_rules.py": (
                "what_two_rules_draw_stands_where_the_first_puts_it_with_the_reasons_of_both",
            ),
            "meetings/test_agendas.py": ("the_same_subject_asked_for_twice_is_one_item_with_both_reasons",),
        },
    ),
    "T12 (b)": (
        "What comes after the freeze is an addendum, and the old numbers stay.",
        {"meetings/test_assembling.py": ("what_comes_after_the_freeze_is_an_addendum_and_the_old_numbers_stay",)},
    ),
    "T12 (c)": (
        "The items of a meeting that is cancelled after the freeze return to the pool once.",
        {"meetings/test_assembling.py": ("what_was_on_the_agenda_of_a_cancelled_meeting_returns_to_the_pool_once",)},
    ),
    "T12 (d)": (
        "With a meeting cancelled, an absence too many cannot be made good, and what was counted is listed.",
        {
            "domain/obligations/test_judging.py": (
                "a_seat_that_stays_empty_once_too_often_cannot_be_made_good",
                "a_meeting_adjourned_without_quorum_is_no_occasion_for_anyone",
            ),
            "domain/obligations/test_keeping.py": (
                "an_empty_seat_is_at_risk_then_cannot_be_met_and_a_correction_keeps_both",
            ),
        },
    ),
    "T12 (e)": (
        "What nobody recorded waits for its record, and is nobody's absence.",
        {
            "domain/obligations/test_judging.py": (
                "a_record_that_comes_a_month_late_is_the_secretarys_delay_and_no_absence",
                "nothing_unrecorded_is_ever_an_absence",
            ),
            "domain/obligations/test_keeping.py": (
                "what_nobody_recorded_is_the_coordinators_task_once_a_meeting_and_no_partners_miss",
            ),
        },
    ),
    "T12 (f)": (
        "An agreement signed in July owes nothing for January to June.",
        {"domain/obligations/test_windows.py": ("an_agreement_signed_in_july_owes_nothing_for_january_to_june",)},
    ),
    "T12 (g)": (
        "A principal and an alternate who are both there are one presence.",
        {
            "domain/obligations/test_keeping.py": (
                "a_committee_that_takes_its_seats_from_others_is_sat_on_by_any_of_them_and_once",
            )
        },
    ),
    "T12 (h)": (
        "What is weekly goes on after 31 December.",
        {
            "flows/test_gatherings.py": ("the_weekly_agendas_and_letters_go_on_after_31_december",),
            "meetings/test_planner.py": (
                "a_season_keeps_its_local_hour_over_both_clock_changes_and_goes_on_after_31_december",
            ),
        },
    ),
    "T12 (i)": (
        "A holiday that falls on a Sunday is proposed on its Monday; a language is one of two, and no locale.",
        {
            "meetings/test_planner.py": (
                "a_season_has_every_week_and_proposes_to_skip_a_closed_day_with_its_reason_in_both_languages",
            ),
            "meetings/test_drafting.py": (
                "a_weekly_committee_gets_a_season_on_its_day_and_hour_without_the_closed_days",
            ),
            "meetings/documents/test_papers.py": ("only_the_two_languages_are_spoken",),
        },
    ),
}

#: What is sent wrongly, and the tests that send it.
BAD_INPUT: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "a season over a leap day": {
        "meetings/test_entries.py": ("a_season_over_a_leap_day_has_it",),
        "meetings/test_planner.py": ("a_season_over_29_february_has_it",),
    },
    "a meeting at 02:30 on the night of the change": {
        "meetings/test_entries.py": ("nobody_meets_at_an_hour_that_the_clocks_skip",),
        "meetings/test_schedule.py": ("a_time_that_is_past_or_that_the_clocks_skip_is_refused",),
        "api/json/test_meetings.py": ("a_time_with_a_zone_or_on_the_hour_that_the_clocks_skip_is_refused",),
    },
    "a seat with two principals": {
        "meetings/test_attendance.py": ("a_seat_with_two_principals_is_refused_by_the_database",)
    },
    "an alternate who is also a principal": {
        "meetings/test_attendance.py": ("an_alternate_who_is_a_principal_elsewhere_fills_one_seat_and_not_two",)
    },
    "an organizer without mailbox": {
        "adapters/test_settings.py": ("a_wrong_setting_is_named_in_one_sentence_without_its_secret",),
        "adapters/test_graph_mail.py": ("a_mailbox_that_we_are_not_let_into_is_our_own_trouble",),
        "flows/test_incoming.py": (
            "a_mailbox_that_is_not_there_loses_no_invitation_and_the_coordinator_is_told_at_once",
        ),
    },
    "an agenda rule naming an unknown source": {
        "meetings/test_agenda_rules.py": ("a_rule_whose_source_nobody_knows_is_no_rule",),
        "domain/test_program.py": ("a_wrong_file_is_told_its_line_its_path_and_why",),
    },
    "a reply of 5 MB": {
        "meetings/test_replies.py": ("a_meeting_of_nobody_here_and_five_megabytes_are_strays",),
        "meetings/test_mail_replies.py": ("five_megabytes_are_not_read",),
    },
    "a reply for another person's seat": {
        "meetings/test_replies.py": ("an_answer_for_another_persons_seat_is_not_taken",)
    },
    "a decision whose owner's role is vacant": {
        "meetings/test_decisions.py": ("a_decision_whose_owners_role_is_vacant_is_seen_by_the_coordinator_at_once",)
    },
    "closing minutes with an item untreated": {
        "meetings/test_running.py": ("a_meeting_with_an_untreated_item_does_not_close_and_names_it",)
    },
    "a translation missing at freeze": {
        "meetings/test_assembling.py": (
            "a_missing_translation_refuses_the_freeze_and_not_the_other_languages_edition",
        ),
        "api/json/test_agendas.py": ("a_translation_that_is_missing_holds_the_freeze_up_and_is_listed",),
    },
}


#: Traps that lie in one rule, which is asked by itself: nothing else of the program has a part in them.
IN_A_RULE_ALONE: Final = frozenset({"T12 (f)"})


def _tests_in(file: str) -> dict[str, set[str]]:
    """The tests of a file, by name, each with the fixtures that it takes."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {
        node.name: {argument.arg for argument in node.args.args}
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("what", [*TRAPS, *BAD_INPUT])
def test_each_trap_and_each_bad_input_has_its_tests(what: str) -> None:
    """So that none of them is renamed or taken out without somebody reading what it was for."""
    tests = TRAPS[what][1] if what in TRAPS else BAD_INPUT[what]
    assert tests
    for file, names in tests.items():
        there = _tests_in(file)
        for name in names:
            assert any(found.startswith(f"test_{name}") for found in there), f"{what}: {file} has no test_{name}"


@pytest.mark.parametrize("trap", [trap for trap in TRAPS if trap not in IN_A_RULE_ALONE])
def test_each_trap_is_gone_through_in_a_program_with_its_people(trap: str) -> None:
    """By the acts and on the real database, and not only in the part that makes the message."""
    fixtures = [
        taken
        for file, names in TRAPS[trap][1].items()
        for found, taken in _tests_in(file).items()
        if found.startswith(tuple(f"test_{name}" for name in names))
    ]
    assert any(taken & {"cast", "session"} for taken in fixtures)
