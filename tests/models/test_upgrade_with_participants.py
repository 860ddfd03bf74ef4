"""An upgrade of a program with participants, of whom some are being handed over: nothing is lost, and all goes on.

`upgrade/who_leaves.copy.gz` was left by the release at revision 0009, by its own verbs: a participant was admitted
whole (referred, triaged, decided on at the clinic, met, consented), two follow-ups go on beside, one candidate was
given straight to a worker and one waits for triage. The worker of all leaves: one follow-up is offered, one taken over
in a meeting, one refused. Dates of a season are drafted. `who_leaves.keys.json` has the keys of those made-up people.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlmodel import Session

from adapters.database import migrate
from domain.accompaniment import consents, withdrawals, workers
from domain.accompaniment.consents import Signed
from domain.admissions import first_meetings
from domain.departure import hand_overs
from domain.follow_ups import assigning, notes
from domain.kernel.scope import local_day
from domain.participants import identity
from meetings import drafting
from models.base import table_of
from models.departure import HandOver
from models.follow_up import FollowUp, WeeklyNote
from models.participant import Participant
from tests.api.desk import client_for
from tests.casework import approve, complete, step
from tests.cast import AT, KEYS, MEMBERS, OTHER_KEY, OTHERS, TODAY, Cast
from tests.conftest import Copies, Database
from tests.departing import asked
from tests.flows.support import Clock, carry_all, means_of
from tests.following import SECOND, THIRD, WORKER, known_as_somebody, parts, tasks_of
from tests.models.catalogue import catalogue
from tests.models.conftest import as_superuser
from tests.models.releases import LEFT, cast_of, columns_of, differing, left_by, rows_of
from tests.referring import ONDINE
from tests.refusing import refused

REVISION: Final = "0009"
#: The day after the clinic of that program.
LATER: Final = datetime(2026, 11, 26, 14, 35, tzinfo=UTC)

_participant, _follow_up = table_of(Participant), table_of(FollowUp)
_hand_over, _note = table_of(HandOver), table_of(WeeklyNote)


@pytest.fixture(scope="module")
def left_behind(copies: Copies) -> Iterator[str]:
    """The name of a database as that release left it, which nobody is signed in to."""
    with left_by(copies, REVISION, LEFT / "who_leaves.copy.gz") as name:
        yield name


@pytest.fixture
def upgraded(before: Database, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """The two programs after the upgrade, with the keys that were kept apart from the database."""
    kept = json.loads((LEFT / "who_leaves.keys.json").read_text(encoding="utf-8"))
    for key_id, key in kept.items():
        monkeypatch.setitem(KEYS.keys, UUID(key_id), bytes.fromhex(key))
        monkeypatch.setitem(KEYS.made, UUID(key_id), AT)
    migrate(before.owner_url)
    second = cast_of(before, OTHER_KEY, OTHERS)
    first = cast_of(before, "greater-montreal", MEMBERS)
    return Cast(before, first.program_id, first.organizations, first.people, MEMBERS, second=second)


def by_number(session: Session, number: str) -> dict[str, Any]:
    """A participant and their follow-up."""
    row = session.execute(
        select(_participant.c.id, _follow_up.c.id.label("follow_up_id"))
        .join(_follow_up, _follow_up.c.participant_id == _participant.c.id)
        .where(_participant.c.number == number)
    ).one()
    return dict(row._mapping)


@pytest.mark.ci
def test_what_is_upgraded_is_of_that_release_and_has_people_in_every_stage(before: Database, fresh: set[str]) -> None:
    with as_superuser(before) as connection:
        assert connection.execute(text("select version_num from alembic_version")).scalars().all() == [REVISION]
        assert catalogue(connection) != fresh
        states = dict(
            tuple(row) for row in connection.execute(text("select state, count(*) from participant group by 1"))
        )
        offers = dict(
            tuple(row) for row in connection.execute(text("select state, count(*) from hand_over group by 1"))
        )
        ways = set(connection.execute(text("select way from hand_over")).scalars())
    assert states == {"admitted": 3, "assigned": 1, "candidate": 1}
    assert offers == {"proposed": 1, "accepted": 1, "refused": 1}
    assert ways == {"call", "meeting"}


def _in_the_one_thread(row: str) -> str:
    letter = json.loads(row)
    waits = letter["state"] == "queued" and letter["thread"]
    return json.dumps({**letter, "thread": "meetings"} if waits else letter, sort_keys=True)


def test_every_row_is_kept_to_the_letter_and_the_tables_are_those_of_the_models(
    before: Database, fresh: set[str]
) -> None:
    with as_superuser(before) as connection:
        columns = columns_of(connection)
    stood = rows_of(before)
    assert sum(map(len, stood.values())) > 1300
    migrate(before.owner_url)
    stands = rows_of(before, columns=columns)
    # Letters about meetings that wait join the one thread, so that no later one overtakes them.
    stood["notice"] = [_in_the_one_thread(row) for row in stood["notice"]]
    stands["notice"] = [_in_the_one_thread(row) for row in stands["notice"]]
    assert {name: differing(stood[name], stands[name]) for name in stood if stood[name] != stands[name]} == {}
    with as_superuser(before) as connection:
        assert catalogue(connection) == fresh
        assert connection.execute(text("select follows from drafted_year")).scalars().all() == [
            TODAY.replace(month=1, day=1)
        ]


def test_who_somebody_is_and_what_was_written_of_them_is_read_after_it_by_who_may(upgraded: Cast) -> None:
    with upgraded.session() as session:
        one = by_number(session, "#2026-01")
        opened = identity.open_identity(session, one["id"], ground="part", by=upgraded.actor(WORKER), at=LATER)
        assert (opened.given_name, opened.family_name) == (ONDINE.given_name, ONDINE.family_name)
        three = by_number(session, "#2026-31")
        note_id = session.scalars(select(_note.c.id).where(_note.c.follow_up_id == three["follow_up_id"])).one()
        words = notes.read_words(session, note_id, three["id"], ground="part", by=upgraded.actor(WORKER), at=LATER)
        assert words == "Elle a trouvé un logement."


def _agree_with(session: Session, cast: Cast, participant_id: UUID, partner: str) -> None:
    """The participant, who is 16, agrees to the program and to share with a partner."""
    day = local_day(session, LATER)
    signed = Signed(day, day, "self", day, "fr", limits_stated=True)
    sign = partial(consents.sign, session, participant_id, by=cast.actor(WORKER), at=LATER)
    sign("program", signed)
    sign("sharing", signed, organization_id=cast.organizations[partner])


@pytest.mark.ci
def test_the_departure_that_was_under_way_hands_over_what_is_left(upgraded: Cast) -> None:
    """What was offered before is accepted after; what was refused is offered anew; what was taken over stays so."""
    with upgraded.session() as session:
        here = {number: by_number(session, number) for number in ("#2026-01", "#2026-30", "#2026-31")}
        (offer,) = hand_overs.offered_to(session, upgraded.people[SECOND])
        assert offer["way"] == "call"
        # The consent to share with whom takes over is asked: of a second it was not asked before.
        with refused("assignment.not_agreed"), session.begin_nested():
            hand_overs.accept(session, offer["id"], by=upgraded.actor(SECOND), at=LATER)
        assert withdrawals.ask_about_seconds(session, by=upgraded.actor("coordinator"), at=LATER) == 2
        _agree_with(session, upgraded, here["#2026-01"]["id"], "codim")
        assert withdrawals.ask_about_seconds(session, by=upgraded.actor("coordinator"), at=LATER) == 0
        about = {task["item"]: task["state"] for task in tasks_of(session, withdrawals.OF_SECOND)}
        assert about.pop(str(here["#2026-01"]["id"])) == "done"
        assert set(about.values()) == {"open"}, "another second waits for a consent yet"
        hand_overs.accept(session, offer["id"], by=upgraded.actor(SECOND), at=LATER)
        primary = {
            number: [
                who for kind, who, _, ends in parts(session, one["follow_up_id"]) if kind == "primary" and not ends
            ]
            for number, one in here.items()
        }
        (taken,) = hand_overs.taken_over(session, here["#2026-30"]["follow_up_id"])
        assert taken["way"] == "meeting"
    assert primary == {
        "#2026-01": [upgraded.people[SECOND]],
        "#2026-30": [upgraded.people[THIRD]],
        "#2026-31": [upgraded.people[WORKER]],
    }
    with upgraded.session() as session:
        departure = session.execute(text("select distinct case_id from hand_over")).scalar_one()
    (task,) = [one for one in asked(upgraded, departure, "hand_over_follow_ups") if "#2026-31" in one["title_en"]]
    with upgraded.session() as session:
        known_as_somebody(session, here["#2026-31"]["id"])
        _agree_with(session, upgraded, here["#2026-31"]["id"], "anonyme")
        hand_overs.propose(session, task["id"], upgraded.people[THIRD], by=upgraded.actor("coordinator"), at=LATER)
    with upgraded.session() as session:
        (anew,) = hand_overs.offered_to(session, upgraded.people[THIRD])
        assert anew["way"] == "", "how is not agreed with the participant yet, and that is known from now on"
        hand_overs.accept(session, anew["id"], by=upgraded.actor(THIRD), at=LATER)
        assert assigning.on_day(session, LATER.date(), people=[upgraded.people[WORKER]]) == []


@pytest.mark.ci
def test_candidates_cases_and_the_engine_go_on(upgraded: Cast) -> None:
    with upgraded.session() as session:
        forwarded = session.scalars(select(_participant.c.id).where(_participant.c.state == "assigned")).one()
        named = workers.named(session, forwarded)
        assert named is not None
        assert named["worker_id"] == upgraded.people[WORKER]
        first_meetings.record_first_meeting(
            session, forwarded, met_on=TODAY, way="in_person", outcome="commits", by=upgraded.actor(WORKER), at=LATER
        )
        onboarding = session.execute(text("select id from \"case\" where protocol = 'onboarding'")).scalar_one()
        assert step(session, onboarding, "request_secure_access")["state"] == "submitted"
    approve(upgraded, onboarding, "request_secure_access", by=upgraded.actor("manager_em"), at=LATER)
    complete(upgraded, onboarding, "open_secure_account", by=upgraded.actor("it_contact"), at=LATER)
    assert {one.outcome for one in carry_all(means_of(upgraded, Clock(LATER)))} <= {"waiting"}
    with as_superuser(upgraded.database) as connection:
        assert connection.execute(text("select count(*) from wake_up where trouble <> ''")).scalar_one() == 0


def test_dates_that_were_drafted_are_not_drafted_twice_and_are_settled(upgraded: Cast) -> None:
    by = upgraded.actor("coordinator")
    with upgraded.session() as session:
        (draft,) = drafting.drafts(session)
        assert drafting.draft_due(session, by=by, at=LATER) == ()
        drafting.settle(session, draft["id"], "dismissed", by=by, at=LATER)
        assert len(drafting.draft_due(session, by=by, at=LATER + timedelta(days=1))) == 1, (
            "of what they follow, once more"
        )
        assert drafting.draft_due(session, by=by, at=LATER + timedelta(days=2)) == ()


@pytest.mark.wide(3)
@pytest.mark.parametrize("path", ["/", "/cases", "/caseload", "/referrals", "/meetings", "/departures", "/people"])
def test_every_list_opens_on_what_the_release_before_wrote(upgraded: Cast, path: str) -> None:
    assert client_for(upgraded.database, upgraded.people["coordinator"], at=LATER).get(path).status_code in (200, 303)


@pytest.mark.ci
def test_equipment_that_was_written_down_by_its_number_is_in_the_inventory_and_nothing_of_it_is_lost(
    before: Database,
) -> None:
    """Two writings of one number are both there, one of them to be checked; what was given up is lost."""
    with as_superuser(before) as connection:
        here, lent = connection.execute(text("select program_id, id from person limit 1")).one()
        stood = connection.execute(text("select count(*) from loan")).scalar_one()
        for serial, ended in (("ZZ-1", ""), ("zz 1", ""), ("ZZ-2", "lost"), ("ZZ-3", "returned"), ("###", "")):
            connection.execute(
                text(
                    "with thing as (insert into equipment (program_id, id, kind, serial, label)"
                    " values (:here, gen_random_uuid(), 'phone', :serial, '') returning id)"
                    " insert into loan (program_id, id, equipment_id, person_id, lent_at, condition, lost, returned_at,"
                    " missing_since) select :here, gen_random_uuid(), id, :lent, now(), :condition, :ended = 'lost',"
                    " case when :ended <> '' then now() end, case when :ended = 'lost' then now() end from thing"
                ),
                {"here": here, "lent": lent, "serial": serial, "ended": ended, "condition": ended and "Noté"},
            )
        connection.commit()
    migrate(before.owner_url)
    with as_superuser(before) as connection:
        found = {
            row.serial: (row.serial_key, row.to_check, row.state)
            for row in connection.execute(text("select serial, serial_key, to_check, state from equipment"))
        }
        assert connection.execute(text("select count(*) from loan")).scalar_one() == stood + 5
        in_hand = "select count(*) from loan where returned_at is null and person_id = :lent"
        assert connection.execute(text(in_hand), {"lent": lent}).scalar_one() == 3
        proofs = "select count(*) from evidence where kind = 'serial' and equipment_id is null"
        assert connection.execute(text(proofs)).scalar_one() == 0
    assert sorted(found[serial][:2] for serial in ("ZZ-1", "zz 1")) == [("ZZ1", False), ("ZZ1", True)]
    assert [found[serial][2] for serial in ("ZZ-1", "ZZ-2", "ZZ-3")] == ["in_use", "lost", "in_use"]
    assert found["###"] == ("###", False, "in_use")


@pytest.mark.ci
def test_the_pages_of_a_participant_a_follow_up_and_a_departure_open_on_it(upgraded: Cast) -> None:
    with upgraded.session() as session:
        one = by_number(session, "#2026-01")
        departure = session.execute(text("select distinct case_id from hand_over")).scalar_one()
    desk = client_for(upgraded.database, upgraded.people["coordinator"], at=LATER)
    for path in (
        f"/participants/{one['id']}",
        f"/follow-ups/{one['follow_up_id']}",
        f"/departures/{departure}",
    ):
        assert desk.get(path).status_code == 200, path
    assert desk.get(f"/cases/{departure}").headers["location"] == f"/departures/{departure}"
