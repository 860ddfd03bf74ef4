"""A second restore of the same copy, or of another older one: each thing is decided once, and what was is said."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from domain.access import invitations, voiding
from domain.casework import versions
from domain.departure import departures
from domain.kernel import every, of
from domain.people import people
from domain.record import apart
from domain.restored import deciding, matters
from flows.protocols import PROTOCOLS, read_protocol
from models.ledger import RestoredMatter
from models.program import Tenure
from tests.cast import AT, LOADING
from tests.domain.restored.coming_back import LATER, NOW, CameBack
from tests.domain.restoring.test_done_again import restored
from tests.restored import Installed, installed

__all__ = ["installed"]


def end_access(house: Installed, name: str, at: datetime = LATER) -> None:
    with house.session() as session:
        invitations.end_access(session, house.person(name), by=house.actor("coordinator"), at=at)


def waiting(house: Installed) -> list[RestoredMatter]:
    return CameBack(house, None).waiting()


def is_kept_out(house: Installed, name: str) -> bool:
    with house.session() as session:
        return voiding.is_kept_out(session, house.person(name), at=NOW)


def undo(house: Installed, matter_id: UUID) -> None:
    with house.session() as session:
        by = house.actor("coordinator")
        deciding.leave_undone(session, matter_id, reason="They came back", by=by, at=NOW)


def test_what_was_done_again_and_lost_again_is_one_matter_and_one_decision_lets_the_person_in(
    installed: Installed,
) -> None:
    copy = installed.copy()
    end_access(installed, "manager_em")
    restored(installed, copy)
    CameBack(installed, None).again("access.ended")
    restored(installed, copy)
    (one,) = waiting(installed)
    assert is_kept_out(installed, "manager_em")
    undo(installed, one.id)
    assert not is_kept_out(installed, "manager_em")
    assert waiting(installed) == []


def test_a_departure_that_was_done_again_and_lost_again_leaves_each_thing_that_it_ended_once(
    installed: Installed,
) -> None:
    with installed.session() as session:
        for key in ("departure", "recruiting"):
            versions.record_protocol(session, read_protocol(PROTOCOLS[key].file), by=LOADING, at=AT)
    copy = installed.copy()
    with installed.session() as session:
        departures.open_departure(
            session,
            person_id=installed.person("manager_em"),
            organization_id=installed.cast.organizations["en-marge"],
            last_day=LATER.date() + timedelta(days=30),
            planned=True,
            by=installed.actor("coordinator"),
            at=LATER,
        )
    restored(installed, copy)
    first = sorted((one.verb, one.subject_id) for one in waiting(installed))
    assert {"departure.opened", "tenure.ended"} <= {verb for verb, _ in first}
    CameBack(installed, None).again("departure.opened")
    restored(installed, copy)
    assert sorted((one.verb, one.subject_id) for one in waiting(installed)) == first


def test_what_did_not_hold_any_more_is_closed_again_and_says_so_until_it_is_decided_once_more(
    installed: Installed,
) -> None:
    copy = installed.copy()
    end_access(installed, "manager_em")
    end_access(installed, "manager_la")
    restored(installed, copy)
    undo(installed, next(one.id for one in waiting(installed) if one.person_id == installed.person("manager_em")))
    restored(installed, copy)
    told = {one.person_id: one.before for one in waiting(installed)}
    before = told.pop(installed.person("manager_em"))
    assert (before["decision"], before["by"]) == ("left_undone", str(installed.person("coordinator")))
    assert datetime.fromisoformat(str(before["at"])) == NOW
    assert list(told.values()) == [{}], "of the other nothing was decided"
    assert is_kept_out(installed, "manager_em")
    assert "came back" not in installed.ledger.path.read_text(encoding="ascii")


def test_a_decision_is_not_said_of_what_ended_anew_after_it(installed: Installed) -> None:
    copy = installed.copy()
    end_access(installed, "manager_em")
    restored(installed, copy)
    undo(installed, waiting(installed)[0].id)
    end_access(installed, "manager_em", NOW + timedelta(hours=1))
    restored(installed, copy)
    (one,) = waiting(installed)
    assert one.before == {}


def test_a_decision_that_a_copy_from_before_it_lost_is_said_of_the_matter_that_waits_there(
    installed: Installed,
) -> None:
    copy = installed.copy()
    end_access(installed, "manager_em")
    restored(installed, copy)
    between = installed.copy()
    undo(installed, waiting(installed)[0].id)
    restored(installed, between)
    (one,) = waiting(installed)
    assert one.before["decision"] == "left_undone"
    assert is_kept_out(installed, "manager_em"), "the decision was lost: it is closed until it is decided once more"


def test_two_acts_of_one_verb_that_say_different_things_are_two_matters(installed: Installed) -> None:
    with installed.session() as session:
        held = every(session, of(Tenure).where(Tenure.person_id == installed.person("manager_em")))
    copy = installed.copy()
    for days in (1, 2):
        with installed.session() as session:
            day = LATER.date() + timedelta(days=days)
            people.end_tenure(session, held[0].id, ends_on=day, by=installed.actor("coordinator"), at=LATER)
    restored(installed, copy)
    assert len({one.facts["day"] for one in waiting(installed) if one.verb == "tenure.ended"}) == 2


def test_each_decision_is_in_the_ledger_without_its_reason_and_a_copy_without_it_is_known_as_a_restore(
    installed: Installed,
) -> None:
    copy = installed.copy()
    end_access(installed, "manager_em")
    restored(installed, copy)
    between = installed.copy()
    matter = waiting(installed)[0]
    undo(installed, matter.id)
    (line,) = [one for one in installed.ledger.lines() if one.note.kind == apart.DECIDED]
    assert line.note.more == {
        "what": apart.said_of(matter),
        "decision": "left_undone",
        "by": str(installed.person("coordinator")),
    }
    restored(installed, between)
    assert installed.rows("select count(*) as n from epoch") == [{"n": 2}]
    assert CameBack(installed, None).asked(matters.decided) == []
