"""Dates for a committee: a year at its rhythm, a season of weekly meetings, and what is said about each date."""

import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.declarations.program_committees import Weekday
from domain.declared.reading import Bilingual
from domain.kernel.calendars import Calendar, ClosedSpan, UnknownYear
from domain.kernel.refusals import Refusal
from meetings.planner import WEEKDAYS, BookedMeeting, DateConstraints, propose_season, propose_year
from meetings.proposals import DateProposal

ZONE = "America/Toronto"
ROOT = UUID("6f9f3c0e-0000-4000-8000-000000000000")
PEOPLE = [uuid5(ROOT, str(n)) for n in range(6)]
VACATION = ClosedSpan(date(2027, 7, 19), date(2027, 8, 20), Bilingual(fr="Vacances d’été", en="Summer vacation"))
SUMMER = Calendar(closures=(VACATION,))
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)

STEERING = DateConstraints(
    committee="steering",
    calendar=Calendar(),
    zone=ZONE,
    weekday="wednesday",
    at=time(9, 30),
    minutes=150,
    people=frozenset(PEOPLE[:4]),
)
CLINICAL = replace(STEERING, committee="clinical")


def taken(committee: str, day: date, *people: UUID, at: time = time(9, 30), minutes: int = 150) -> BookedMeeting:
    starts = datetime.combine(day, at, ZoneInfo(ZONE))
    title = committee.capitalize()
    return BookedMeeting(
        committee,
        f"Comité {title}",
        f"{title} Committee",
        starts,
        starts + timedelta(minutes=minutes),
        frozenset(people),
    )


def days_of(proposals: tuple[DateProposal, ...]) -> list[date]:
    return [one.starts.date() for one in proposals]


def french(proposal: DateProposal) -> str:
    said = " ".join(reason.in_words("fr") for reason in (*proposal.reasons, *proposal.remaining))
    return said.replace("\N{NO-BREAK SPACE}", " ")


def english(proposal: DateProposal) -> str:
    return " ".join(reason.in_words("en") for reason in (*proposal.reasons, *proposal.remaining))


# --------------------------------------------------------------------------------------------------------- a year


def test_four_meetings_a_year_fall_in_the_middle_of_each_quarter_on_the_usual_weekday() -> None:
    proposals = propose_year(4, date(2027, 1, 1), terms=STEERING)
    assert days_of(proposals) == [date(2027, 2, 17), date(2027, 5, 19), date(2027, 8, 18), date(2027, 11, 17)]
    assert all(one.decision == "meet" and not one.reasons and not one.remaining for one in proposals)
    assert {one.starts.time() for one in proposals} == {time(9, 30)}
    assert {one.minutes for one in proposals} == {150}
    assert {one.starts.tzinfo for one in proposals} == {None}


def test_twelve_months_may_begin_on_any_day_and_on_29_february() -> None:
    proposals = propose_year(4, date(2028, 2, 29), terms=STEERING)
    assert len(proposals) == 4
    assert all(date(2028, 2, 29) <= day <= date(2029, 2, 28) for day in days_of(proposals))


def test_a_closed_day_moves_to_the_nearest_working_day_of_its_week_and_says_why_in_both_languages() -> None:
    closed = ClosedSpan(date(2027, 2, 17), date(2027, 2, 17), Bilingual(fr="Journée de réflexion", en="Retreat"))
    terms = replace(STEERING, calendar=Calendar(closures=(closed,)))
    first, *others = propose_year(4, date(2027, 1, 1), terms=terms)
    assert (first.decision, first.original, first.starts.date()) == ("shifted", date(2027, 2, 17), date(2027, 2, 18))
    assert french(first) == "Le 17 février 2027 est un jour de fermeture : Journée de réflexion."
    assert english(first) == "February 17, 2027 is a closed day: Retreat."
    assert first.alternatives[0].starts.date() == date(2027, 2, 16)
    assert {one.decision for one in others} == {"meet"}


def test_summer_weeks_that_are_declared_closed_have_no_meeting() -> None:
    proposals = propose_year(4, date(2027, 1, 1), terms=replace(STEERING, calendar=SUMMER))
    third = proposals[2]
    assert (third.decision, third.original, third.starts.date()) == ("shifted", date(2027, 8, 18), date(2027, 8, 25))
    assert "Summer vacation" in english(third)
    assert "Vacances d’été" in french(third)


def test_the_weeks_of_christmas_and_new_year_have_no_meeting_of_a_committee_that_meets_a_few_times_a_year() -> None:
    # A year that begins on 1 October has the middle of one of its halves in the last days of December.
    first, _second = propose_year(2, date(2026, 9, 30), terms=STEERING)
    assert first.original == date(2026, 12, 30)
    assert first.decision == "shifted"
    assert not date(2026, 12, 21) <= first.starts.date() <= date(2027, 1, 3)
    assert french(first) == "Le 30 décembre 2026 tombe dans les semaines de Noël et du jour de l’An."
    assert english(first) == "December 30, 2026 falls in the weeks of Christmas and New Year’s Day."


def test_a_day_on_which_people_of_both_committees_meet_at_that_hour_moves_by_a_week_and_names_the_committee() -> None:
    clash = taken("clinical", date(2027, 2, 17), PEOPLE[0], PEOPLE[1], PEOPLE[5], at=time(11))
    first, *_others = propose_year(4, date(2027, 1, 1), terms=replace(STEERING, taken=(clash,)))
    assert (first.decision, first.starts.date(), first.remaining) == ("shifted", date(2027, 2, 24), ())
    assert english(first) == (
        "Clinical Committee: meeting on February 17, 2027 from 11:00 a.m. to 1:30 p.m., 2 people expected at both."
    )
    assert french(first).replace("\N{NO-BREAK SPACE}", " ") == (
        "Comité Clinical : rencontre le 17 février 2027, de 11 h à 13 h 30, avec 2 personnes attendues aux deux."
    )


@pytest.mark.parametrize(
    "harmless",
    [
        taken("clinical", date(2027, 2, 17), PEOPLE[5]),  # of other people
        taken("clinical", date(2027, 2, 17), PEOPLE[0], at=time(12)),  # as this one ends
        taken("clinical", date(2027, 2, 17), PEOPLE[0], at=time(8), minutes=90),  # until this one begins
        taken("clinical", date(2027, 2, 16), PEOPLE[0]),  # the day before
    ],
)
def test_a_meeting_of_other_people_or_at_another_hour_moves_nothing(harmless: BookedMeeting) -> None:
    assert propose_year(4, date(2027, 1, 1), terms=replace(STEERING, taken=(harmless,))) == propose_year(
        4, date(2027, 1, 1), terms=STEERING
    )


def test_where_the_same_people_meet_every_week_at_that_hour_another_weekday_is_proposed() -> None:
    weekly = tuple(taken("clinical", date(2027, 1, 6) + WEEK * n, PEOPLE[0]) for n in range(52))
    proposals = propose_year(2, date(2027, 1, 1), terms=replace(STEERING, committee="joint", taken=weekly))
    assert days_of(proposals) == [date(2027, 4, 1), date(2027, 9, 30)]
    assert {one.decision for one in proposals} == {"shifted"}
    assert not any(one.remaining for one in proposals)


def test_a_clash_that_cannot_be_avoided_is_proposed_and_said() -> None:
    daily = tuple(taken("clinical", date(2027, 1, 1) + DAY * n, PEOPLE[0]) for n in range(365))
    proposals = propose_year(4, date(2027, 1, 1), terms=replace(STEERING, taken=daily))
    assert [one.decision for one in proposals] == ["meet"] * 4
    assert all("1 person expected at both" in english(one) for one in proposals)
    assert all("1 personne attendue aux deux" in french(one) for one in proposals)


def test_a_joint_meeting_keeps_its_days_from_a_steering_one() -> None:
    steering = taken("steering", date(2027, 3, 29), at=time(14))
    terms = replace(STEERING, committee="joint", taken=(steering,), apart={"steering": 7})
    first, _second = propose_year(2, date(2027, 1, 1), terms=terms)
    assert (first.original, first.starts.date()) == (date(2027, 3, 31), date(2027, 4, 7))
    assert english(first) == "Steering Committee: meeting on March 29, 2027, less than 7 days away."
    assert french(first) == "Comité Steering : rencontre le 29 mars 2027, à moins de 7 jours."


def test_a_date_that_had_to_come_late_keeps_the_next_one_from_coming_early() -> None:
    winter = ClosedSpan(date(2027, 1, 1), date(2027, 3, 31), Bilingual(fr="Hiver", en="Winter"))
    spring = ClosedSpan(date(2027, 5, 10), date(2027, 6, 10), Bilingual(fr="Printemps", en="Spring"))
    terms = replace(STEERING, calendar=Calendar(closures=(winter, spring)))
    first, second, *_others = days_of(propose_year(4, date(2027, 1, 1), terms=terms))
    # Without the first one, 5 May would be nearer to the middle of the second quarter.
    assert (first, second) == (date(2027, 4, 1), date(2027, 6, 16))


def test_where_nothing_better_is_left_a_meeting_too_near_is_chosen_before_one_that_people_would_miss() -> None:
    steering = taken("steering", date(2027, 3, 29), at=time(14))
    daily = [taken("clinical", date(2027, 1, 1) + DAY * n, PEOPLE[0]) for n in range(365)]
    others = tuple(one for one in daily if one.starts_at.date() != date(2027, 3, 30))
    terms = replace(STEERING, committee="joint", taken=(steering, *others), apart={"steering": 7})
    first, second = propose_year(2, date(2027, 1, 1), terms=terms)
    assert (first.starts.date(), [one.code for one in first.remaining]) == (date(2027, 3, 30), ["close"])
    assert [one.code for one in second.remaining] == ["clash"]


def test_a_meeting_that_the_committee_has_already_stands_for_the_nearest_date() -> None:
    own = taken("steering", date(2027, 5, 5), *PEOPLE[:4])
    proposals = propose_year(4, date(2027, 1, 1), terms=replace(STEERING, taken=(own,)))
    assert [one.original for one in proposals] == [date(2027, 2, 17), date(2027, 8, 18), date(2027, 11, 17)]
    everything = tuple(taken("steering", date(2027, n, 10)) for n in (2, 5, 8, 11))
    assert propose_year(4, date(2027, 1, 1), terms=replace(STEERING, taken=everything)) == ()


def test_where_no_day_is_left_the_date_is_skipped_and_says_between_which_days_none_was() -> None:
    closed = ClosedSpan(date(2027, 4, 1), date(2027, 10, 1), Bilingual(fr="Travaux", en="Building works"))
    proposals = propose_year(4, date(2027, 1, 1), terms=replace(STEERING, calendar=Calendar(closures=(closed,))))
    assert [one.decision for one in proposals] == ["meet", "skip", "skip", "meet"]
    assert english(proposals[1]) == (
        "May 19, 2027 is a closed day: Building works. No day from April 4, 2027 to July 3, 2027 can be proposed."
    )
    assert french(proposals[1]) == (
        "Le 19 mai 2027 est un jour de fermeture : Travaux. Aucun jour ne peut être "
        "proposé du 4 avril 2027 au 3 juillet 2027."
    )


@pytest.mark.parametrize("first", [date(2150, 1, 1), date(1700, 1, 1), date.max])
def test_a_year_whose_holidays_are_not_known_is_refused_in_words(first: date) -> None:
    with pytest.raises(UnknownYear) as refused:
        propose_year(4, first, terms=STEERING)
    assert (refused.value.code, "holidays" in refused.value.sentence) == ("day.out_of_reach", True)


def test_an_hour_that_the_clocks_skip_is_refused_and_another_one_on_that_night_is_not() -> None:
    night = replace(CLINICAL, weekday="sunday", at=time(2, 30))
    with pytest.raises(Refusal) as refused:
        propose_season(date(2027, 3, 7), date(2027, 3, 28), terms=night)
    assert refused.value.code == "meeting.no_such_time"
    later = propose_season(date(2027, 3, 7), date(2027, 3, 21), terms=replace(night, at=time(3, 30)))
    assert [one.decision for one in later] == ["meet"] * 3


# -------------------------------------------------------------------------------------------------------- a season


def test_a_season_has_every_week_and_proposes_to_skip_a_closed_day_with_its_reason_in_both_languages() -> None:
    season = propose_season(date(2029, 6, 1), date(2029, 7, 10), terms=replace(CLINICAL, weekday="monday"))
    assert days_of(season) == [date(2029, 6, 4) + WEEK * n for n in range(6)]
    skipped = [one for one in season if one.decision == "skip"]
    # 24 June 2029 is a Sunday: the Monday is the holiday. 1 July is one too, and so is the Monday after.
    assert [one.original for one in skipped] == [date(2029, 6, 25), date(2029, 7, 2)]
    assert "Fête nationale" in french(skipped[0])
    assert "Saint Jean Baptiste Day" in english(skipped[0])
    assert {one.decision for one in season if one not in skipped} == {"meet"}


def test_a_closed_day_may_be_moved_to_the_working_days_around_the_nearest_first() -> None:
    season = propose_season(date(2026, 6, 3), date(2026, 7, 29), terms=CLINICAL)
    closed = {one.original: one for one in season if one.decision == "skip"}
    assert list(closed) == [date(2026, 6, 24), date(2026, 7, 1)]
    assert [other.starts for other in closed[date(2026, 6, 24)].alternatives] == [
        datetime(2026, 6, 25, 9, 30),
        datetime(2026, 6, 23, 9, 30),
        datetime(2026, 6, 26, 9, 30),
        datetime(2026, 6, 22, 9, 30),
    ]


def test_two_neighbours_that_are_both_closed_are_never_offered_the_same_day() -> None:
    shut = ClosedSpan(date(2027, 5, 31), date(2027, 5, 31), Bilingual(fr="Inventaire", en="Inventory"))
    terms = replace(CLINICAL, weekday="monday", calendar=Calendar(closures=(shut,)))
    season = propose_season(date(2027, 5, 17), date(2027, 6, 7), terms=terms)
    earlier, later = ([other.starts.date() for other in one.alternatives] for one in season if one.decision == "skip")
    assert max(earlier) == date(2027, 5, 27)
    assert min(later) == date(2027, 5, 28)


def test_a_week_that_is_closed_whole_can_only_be_skipped() -> None:
    season = propose_season(date(2027, 7, 14), date(2027, 8, 25), terms=replace(CLINICAL, calendar=SUMMER))
    assert [one.decision for one in season] == ["meet", "skip", "skip", "skip", "skip", "skip", "meet"]
    assert [len(one.alternatives) for one in season[2:5]] == [0, 0, 0]


def test_a_season_over_29_february_has_it() -> None:
    season = propose_season(date(2028, 2, 1), date(2028, 3, 14), terms=replace(CLINICAL, weekday="tuesday"))
    assert days_of(season) == [date(2028, 2, 1) + WEEK * n for n in range(7)]
    assert date(2028, 2, 29) in days_of(season)


def test_a_season_keeps_its_local_hour_over_both_clock_changes_and_goes_on_after_31_december() -> None:
    season = propose_season(date(2026, 10, 7), date(2027, 4, 7), terms=CLINICAL)
    assert len(season) == 27
    assert {one.starts.time() for one in season} == {time(9, 30)}


def test_a_week_on_which_people_are_expected_elsewhere_stays_says_so_and_offers_other_days() -> None:
    joint = taken("joint", date(2027, 2, 10), PEOPLE[0])
    other = taken("steering", date(2027, 2, 11), PEOPLE[1])
    season = propose_season(date(2027, 2, 3), date(2027, 2, 17), terms=replace(CLINICAL, taken=(joint, other)))
    assert [one.decision for one in season] == ["meet"] * 3
    assert "Joint Committee" in english(season[1])
    offered = [(one.starts.date(), bool(one.remaining)) for one in season[1].alternatives]
    assert offered == [
        (date(2027, 2, 9), False),
        (date(2027, 2, 12), False),
        (date(2027, 2, 8), False),
        (date(2027, 2, 11), True),
    ]


def test_a_committee_that_always_meets_on_a_weekend_day_meets_on_it_but_not_on_a_holiday_or_closure() -> None:
    terms = replace(CLINICAL, weekday="sunday", calendar=SUMMER)
    season = propose_season(date(2029, 6, 17), date(2029, 7, 8), terms=terms)
    assert [one.decision for one in season] == ["meet", "skip", "skip", "meet"]
    assert {one.decision for one in propose_season(date(2027, 7, 25), date(2027, 8, 15), terms=terms)} == {"skip"}


def test_a_season_that_ends_before_it_begins_or_beyond_the_known_years_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        propose_season(date(2027, 2, 2), date(2027, 2, 1), terms=CLINICAL)
    assert refused.value.code == "season.in_order"
    with pytest.raises(UnknownYear):
        propose_season(date(2100, 12, 1), date(2101, 2, 1), terms=CLINICAL)


def test_several_clashes_on_one_day_are_said_in_the_order_of_their_hours_however_they_are_told() -> None:
    early = taken("joint", date(2027, 2, 10), PEOPLE[0], at=time(9))
    late = taken("extended", date(2027, 2, 10), PEOPLE[1], at=time(11))
    for told in ((early, late), (late, early)):
        (only,) = propose_season(date(2027, 2, 10), date(2027, 2, 10), terms=replace(CLINICAL, taken=told))
        assert [one.facts["committee"]["en"] for one in only.remaining] == ["Joint Committee", "Extended Committee"]


# ------------------------------------------------------------------------------------------------------ properties

FIRST, LAST = date(2026, 1, 1), date(2031, 12, 31)
some_days = st.dates(FIRST, LAST)
some_people = st.frozensets(st.sampled_from(PEOPLE), max_size=4)
hours = st.times(time(7), time(18)).map(lambda at: at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0))
closures = st.builds(
    lambda day, length: ClosedSpan(day, day + DAY * length, Bilingual(fr="Fermé", en="Closed")),
    some_days,
    st.integers(0, 70),
)


@st.composite
def meetings_that_stand(draw: st.DrawFn, committees: tuple[str, ...]) -> tuple[BookedMeeting, ...]:
    """Single meetings here and there, and weekly ones over some months."""
    stand: list[BookedMeeting] = []
    for _each in range(draw(st.integers(0, 6))):
        key, day, at = draw(st.sampled_from(committees)), draw(some_days), draw(hours)
        people, weeks = draw(some_people), draw(st.sampled_from([1, 1, 30]))
        stand += [taken(key, day + WEEK * n, *people, at=at) for n in range(weeks)]
    return tuple(stand)


@st.composite
def terms_of(draw: st.DrawFn, committees: tuple[str, ...] = ("clinical", "joint")) -> DateConstraints:
    return DateConstraints(
        committee="steering",
        calendar=Calendar(closures=tuple(draw(st.lists(closures, max_size=4)))),
        zone=ZONE,
        weekday=draw(st.sampled_from(WEEKDAYS[:5])),
        at=draw(hours),
        minutes=draw(st.sampled_from([60, 150, 180])),
        people=draw(some_people),
        taken=draw(meetings_that_stand(committees)),
        apart=draw(st.sampled_from([{}, {"joint": 7}])),
    )


def overlapping(terms: DateConstraints, starts: datetime) -> set[str]:
    """The committees whose meetings some of the people would miss: reckoned on the moments, apart from the planner."""
    zone = ZoneInfo(terms.zone)
    begins = starts.replace(tzinfo=zone).timestamp()
    ends = begins + terms.minutes * 60
    return {
        one.title_en
        for one in terms.taken
        if one.people & terms.people and one.starts_at.timestamp() < ends and begins < one.ends_at.timestamp()
    }


def clashes_said(proposal: DateProposal) -> set[str]:
    return {one.facts["committee"]["en"] for one in proposal.remaining if one.code == "clash"}


def meets_at_all(terms: DateConstraints, day: date) -> bool:
    christmas = date(day.year - (day.month == 1), 12, 25)
    in_holidays = day.isocalendar()[:2] in {(christmas + WEEK * n).isocalendar()[:2] for n in (0, 1)}
    return terms.calendar.is_working_day(day) and not in_holidays


rhythms = st.sampled_from([1, 2, 3, 4, 6, 8, 12, 26, 52])
starting_days = st.dates(FIRST, date(2029, 12, 31))


@pytest.mark.ci
@given(rhythms, starting_days, terms_of())
def test_a_year_has_as_many_dates_as_its_rhythm_in_order_at_a_distance_on_working_days(
    times: int, first: date, terms: DateConstraints
) -> None:
    proposals = propose_year(times, first, terms=terms)
    assert len(proposals) == times
    held = [one.starts.date() for one in proposals if one.decision != "skip"]
    assert all(first <= day < first + timedelta(days=366) and meets_at_all(terms, day) for day in held)
    assert all(later - earlier >= DAY * (365 // times // 2) for earlier, later in pairwise(held))
    for one in proposals:
        moved = one.starts.date() != one.original
        assert moved == (one.decision == "shifted")
        assert bool(one.reasons) == (one.decision != "meet")


@pytest.mark.ci
@given(rhythms, starting_days, terms_of())
def test_no_date_is_given_up_while_there_was_a_day_for_it(times: int, first: date, terms: DateConstraints) -> None:
    for one in propose_year(times, first, terms=terms):
        if one.decision == "skip":
            none_left = one.reasons[-1]
            assert none_left.code == "no_day"
            begins, ends = (date.fromisoformat(none_left.facts[name]) for name in ("first", "last"))
            assert begins <= one.original <= ends
            assert not any(meets_at_all(terms, begins + DAY * n) for n in range((ends - begins).days + 1))


@given(rhythms, starting_days, terms_of())
@pytest.mark.ci
def test_no_clash_of_a_year_is_left_without_being_said(times: int, first: date, terms: DateConstraints) -> None:
    for one in propose_year(times, first, terms=terms):
        if one.decision != "skip":
            assert clashes_said(one) == overlapping(terms, one.starts)
        if one.decision == "meet" and not one.remaining:
            assert not overlapping(terms, one.starts)


@pytest.mark.ci
@given(rhythms, starting_days, terms_of())
def test_any_one_alternative_of_a_year_keeps_the_rules_too(times: int, first: date, terms: DateConstraints) -> None:
    proposals = propose_year(times, first, terms=terms)
    for place, one in enumerate(proposals):
        beside = [other.starts.date() for other in proposals if other.decision != "skip" and other is not one]
        for other in one.alternatives:
            day = other.starts.date()
            assert day != one.starts.date()
            assert meets_at_all(terms, day)
            assert not overlapping(terms, other.starts)
            assert all(abs(day - near) >= DAY * (365 // times // 2) for near in beside)
            before = [near.starts.date() for near in proposals[:place] if near.decision != "skip"]
            assert all(near < day for near in before)


@pytest.mark.ci
@given(
    st.sampled_from([1, 2, 4, 12]),
    starting_days.filter(lambda day: (day.month, day.day) != (2, 29)),
    terms_of(("steering", "clinical", "joint")),
)
def test_what_the_committee_has_already_is_not_proposed_again(times: int, first: date, terms: DateConstraints) -> None:
    own = [one.starts_at.date() for one in terms.taken if one.committee == "steering"]
    inside = [day for day in own if first <= day < first.replace(year=first.year + 1)]
    assert len(propose_year(times, first, terms=terms)) == max(0, times - len(inside))


@pytest.mark.ci
@given(st.sampled_from([2, 4, 12]), starting_days, terms_of(), st.randoms())
def test_the_same_question_has_the_same_answer_in_whatever_order_the_meetings_are_told(
    times: int, first: date, terms: DateConstraints, random: Random
) -> None:
    shuffled = list(terms.taken)
    random.shuffle(shuffled)
    told_otherwise = replace(terms, taken=tuple(shuffled))
    assert propose_year(times, first, terms=told_otherwise) == propose_year(times, first, terms=terms)


@given(st.sampled_from([2, 4, 12]), starting_days, terms_of())
@pytest.mark.ci
def test_what_a_drafted_year_keeps_is_read_back_the_same_and_can_be_said(
    times: int, first: date, terms: DateConstraints
) -> None:
    for one in (*propose_year(times, first, terms=terms), *propose_season(first, first + WEEK * 10, terms=terms)):
        assert DateProposal.from_json(json.loads(json.dumps(one.to_json()))) == one
        for reason in (*one.reasons, *one.remaining):
            assert "%" not in reason.in_words("fr") + reason.in_words("en")
            assert reason.in_words("fr") != reason.in_words("en")


@pytest.mark.ci
@given(starting_days, st.integers(0, 370), st.sampled_from(WEEKDAYS), terms_of())
def test_a_season_has_each_of_its_weeks_once_and_meets_on_every_day_that_is_worked(
    first: date, length: int, weekday: Weekday, terms: DateConstraints
) -> None:
    terms = replace(terms, weekday=weekday)
    last = first + DAY * length
    season = propose_season(first, last, terms=terms)
    days = [first + DAY * n for n in range(length + 1)]
    assert [one.original for one in season] == [day for day in days if WEEKDAYS[day.weekday()] == weekday]
    for one in season:
        assert one.starts.date() == one.original
        if WEEKDAYS.index(weekday) < 5:
            assert (one.decision == "meet") == terms.calendar.is_working_day(one.original)
        if one.decision == "meet":
            assert clashes_said(one) == overlapping(terms, one.starts)
        for other in one.alternatives:
            assert first <= other.starts.date() <= last
            assert terms.calendar.is_working_day(other.starts.date()) or other.starts.weekday() == one.starts.weekday()


@given(starting_days, terms_of(), st.randoms())
@pytest.mark.ci
def test_whatever_alternatives_are_taken_no_meeting_of_a_season_meets_or_passes_its_neighbour(
    first: date, terms: DateConstraints, random: Random
) -> None:
    season = propose_season(first, first + WEEK * 20, terms=terms)
    days = [random.choice([one.starts, *(other.starts for other in one.alternatives)]).date() for one in season]
    assert all(earlier < later for earlier, later in pairwise(days))
