"""Activities: whoever also recruits others is never brought together with another participant."""

from __future__ import annotations

from datetime import timedelta

import pytest

from duties.follow_ups import activities, states
from tests.cast import AT, TODAY, Cast
from tests.following import WORKER, agreed, followed, told_of
from tests.refusing import refused

DAY = timedelta(days=1)


def test_somebody_who_recruits_is_in_no_activity_with_others_and_may_be_in_one_of_their_own(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        agreed(session, cast)
        first, second = followed(session, cast), followed(session, cast, "#2026-02")
        recruiter = followed(session, cast, "#2026-03", recruiter=True)
        together = activities.plan_activity(session, [first, second], held_on=TODAY, kind="meal", by=by, at=AT)
        with refused("activity.never_together"):
            activities.plan_activity(session, [first, recruiter], held_on=TODAY, kind="meal", by=by, at=AT)
        activities.plan_activity(session, [recruiter], held_on=TODAY + DAY, kind="errand", by=by, at=AT)
        assert [one["kind"] for one in activities.activities_of(session, recruiter, TODAY)] == ["errand"]
        # And the database holds it, whoever writes: they take every place of the activity.
        with pytest.raises(Exception, match="alone_in_theirs"), session.begin_nested():
            session.connection().exec_driver_sql(
                "insert into activity_part (program_id, id, activity_id, follow_up_id, place, alone)"
                " values (%s, gen_random_uuid(), %s, %s, 9, true)",
                (cast.program_id, together, recruiter),
            )


def test_what_is_planned_is_called_off_once_and_told_of_each(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        agreed(session, cast)
        first, second = followed(session, cast), followed(session, cast, "#2026-02")
        planned = activities.plan_activity(session, [first, second], held_on=TODAY, kind="meal", by=by, at=AT)
        activities.call_off(session, planned, by=by, at=AT)
        assert activities.activities_of(session, first, TODAY) == []
        with refused("activity.called_off"):
            activities.call_off(session, planned, by=by, at=AT)
        for each in (first, second):
            assert told_of(session, each)[-2:] == ["follow_up.activity_planned", "follow_up.activity_called_off"]


def test_an_activity_is_with_somebody_who_is_followed_and_not_in_the_past(cast: Cast) -> None:
    by = cast.actor(WORKER)
    with cast.session() as session:
        agreed(session, cast)
        first = followed(session, cast)
        with refused("activity.nobody"):
            activities.plan_activity(session, [], held_on=TODAY, kind="meal", by=by, at=AT)
        with refused("day.malformed"):
            activities.plan_activity(session, [first], held_on=TODAY - DAY, kind="meal", by=by, at=AT)
        with refused("activity.kind.malformed"):
            activities.plan_activity(session, [first], held_on=TODAY, kind="party", by=by, at=AT)
        states.deactivate(session, first, "withdrew", by=by, at=AT)
        with refused("follow_up.inactive"):
            activities.plan_activity(session, [first], held_on=TODAY, kind="meal", by=by, at=AT)
