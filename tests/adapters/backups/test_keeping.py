"""Which copies stay: whatever days they are of, the last good one does, and no key outlives its weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.backups.keeping import MOST_DAYS_OF_KEYS, Keeping, Kept, removals

NOW = datetime(2026, 11, 30, 2, 30, tzinfo=UTC)

KEEPINGS = st.builds(
    Keeping, st.integers(1, 9), st.integers(0, 9), st.integers(0, 14), st.integers(1, MOST_DAYS_OF_KEYS)
)
#: Hours from the first copy to the next: often a night, at times a year, and back where a clock went wrong.
GAPS = st.lists(st.integers(-9000, 9000) | st.just(24), max_size=60)


def _nights(count: int) -> list[Kept]:
    return [Kept(f"n{back}", NOW - timedelta(days=back), has_keys=True) for back in range(count)]


def test_a_copy_a_day_leaves_seven_days_five_weeks_and_twelve_months() -> None:
    nights = _nights(400)
    gone = set(removals(nights, Keeping(), newest="n0", now=NOW).copies)
    stay = [night for night in nights if night.id not in gone]
    assert [night.id for night in stay][:7] == [f"n{back}" for back in range(7)]
    months = {(night.taken_at.year, night.taken_at.month) for night in stay}
    assert len(months) == 12
    assert len({night.taken_at.isocalendar()[:2] for night in stay}) >= 5
    assert len(stay) <= 7 + 5 + 12


def test_keys_go_after_their_days_and_the_copy_they_were_in_stays() -> None:
    nights = _nights(60)
    gone = removals(nights, Keeping(), newest="n0", now=NOW)
    for night in nights:
        if night.id not in gone.copies:
            assert (night.id in gone.keys) == (NOW - night.taken_at >= timedelta(days=MOST_DAYS_OF_KEYS))


@given(gaps=GAPS, keeping=KEEPINGS)
def test_night_after_night_the_copy_just_made_stays_and_no_key_is_older_than_its_limit(
    gaps: list[int], keeping: Keeping
) -> None:
    held: dict[str, Kept] = {}
    now = NOW
    for number, gap in enumerate([0, *gaps]):
        now += timedelta(hours=gap)
        newest = Kept(f"c{number}", now, has_keys=True)
        held[newest.id] = newest
        gone = removals(held.values(), keeping, newest=newest.id, now=now)
        for name in gone.copies:
            del held[name]
        for name in gone.keys:
            held[name] = Kept(name, held[name].taken_at, has_keys=False)
        assert held[newest.id].has_keys, "the last good one is whole"
        for one in held.values():
            if one.has_keys:
                assert now - timedelta(days=keeping.days_of_keys) < one.taken_at < now + timedelta(days=1)
        assert len(held) <= keeping.daily + keeping.weekly + keeping.monthly + 1


@given(gaps=GAPS, keeping=KEEPINGS)
def test_what_a_rule_keeps_it_keeps_again(gaps: list[int], keeping: Keeping) -> None:
    moments = [NOW - timedelta(hours=sum(gaps[:place])) for place in range(len(gaps) + 1)]
    copies = [Kept(f"c{number}", moment, has_keys=True) for number, moment in enumerate(moments)]
    gone = set(removals(copies, keeping, newest="c0", now=NOW).copies)
    stay = [one for one in copies if one.id not in gone]
    assert removals(stay, keeping, newest="c0", now=NOW).copies == ()
