"""Invitations as rules: whom they may reach, what access is, and that two acts at once leave one outcome."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select

from domain.access import doors, sign_ins
from domain.access.doors import ENROLMENT, INVITATION, OPEN_FOR
from domain.access.invitations import accept, access_of, end_access, invite, send_enrolment, send_enrolment_to_address
from domain.kernel.actors import SIGN_IN
from domain.kernel.refusals import Refusal
from domain.people.people import end_tenure
from models.access import Door, Identity
from models.base import table_of
from models.program import Tenure
from models.record import Event
from tests.api.doorway import LINK, letters, link
from tests.cast import AT, TODAY, Cast

_door = table_of(Door)
_identity = table_of(Identity)
_tenure = table_of(Tenure)
_event = table_of(Event)


def state_of(cast: Cast, name: str) -> str:
    with cast.session() as session:
        return access_of(session, [cast.people[name]], at=AT)[cast.people[name]].state


def invited(cast: Cast, name: str) -> str:
    """Invite one of the cast; the token of the link in their letter."""
    with cast.session() as session:
        invite(session, cast.people[name], by=cast.actor("coordinator"), at=AT)
    return link(cast, name, "invitation").rpartition("/")[2]


def accepted(cast: Cast, name: str) -> None:
    token = invited(cast, name)
    with cast.session() as session:
        accept(session, token, at=AT)


def test_access_goes_from_none_to_invited_to_open_and_back(cast: Cast) -> None:
    assert state_of(cast, "police") == "none"
    token = invited(cast, "police")
    assert state_of(cast, "police") == "invited"
    with cast.session() as session:
        accept(session, token, at=AT)
    assert state_of(cast, "police") == "open"
    with cast.session() as session:
        end_access(session, cast.people["police"], by=cast.actor("coordinator"), at=AT)
    assert state_of(cast, "police") == "none"


def test_an_invitation_that_is_too_old_is_none(cast: Cast) -> None:
    invited(cast, "police")
    late = AT + OPEN_FOR[INVITATION]
    with cast.session() as session:
        assert access_of(session, [cast.people["police"]], at=late)[cast.people["police"]].state == "none"


def test_a_linked_account_is_access_and_ends_with_it(cast: Cast) -> None:
    with cast.session() as session:
        session.execute(
            insert(_identity).values(
                tenant_id=uuid4(),
                object_id=uuid4(),
                program_id=cast.program_id,
                person_id=cast.people["police"],
                linked_at=AT,
            )
        )
    assert state_of(cast, "police") == "open"
    with cast.session() as session:
        assert send_enrolment_to_address(session, "POLICE@spvm.example", browser="b" * 43, at=AT) == 1
        end_access(session, cast.people["police"], by=cast.actor("coordinator"), at=AT)
        assert send_enrolment_to_address(session, "police@spvm.example", browser="b" * 43, at=AT) == 0
        assert session.scalars(select(_identity.c.ended_at)).one() == AT


def test_of_two_who_invite_the_same_person_at_once_one_invitation_opens(cast: Cast) -> None:
    def act(by: str) -> None:
        with cast.session() as session:
            invite(session, cast.people["worker_codim"], by=cast.actor(by), at=AT)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(act, ["coordinator", "manager_codim"]))
    tokens = [
        found[0].rpartition("/")[2] for found in map(LINK.search, letters(cast, "worker_codim", "invitation")) if found
    ]
    assert len(tokens) == 2
    with cast.session() as session:
        assert sum(doors.look(session, token, at=AT) is not None for token in tokens) == 1
        assert session.scalar(select(func.count()).select_from(_door)) == 1


def test_an_invitation_answered_while_access_ends_leaves_none_that_opens(cast: Cast) -> None:
    token = invited(cast, "police")
    with cast.session() as session:
        end_access(session, cast.people["police"], by=cast.actor("coordinator"), at=AT)
    with pytest.raises(Refusal) as told, cast.session() as session:
        accept(session, token, at=AT)
    assert told.value.code == "door.closed"


def test_a_refused_answer_leaves_the_invitation_open(cast: Cast) -> None:
    token = invited(cast, "police")
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["police"])).one()
        session.execute(_tenure.update().where(_tenure.c.id == held).values(starts_on=TODAY + timedelta(days=3)))
    with pytest.raises(Refusal) as told, cast.session() as session:
        accept(session, token, at=AT)
    assert told.value.code == "access.not_yet"
    with cast.session() as session:
        assert accept(session, token, at=AT + timedelta(days=3)).person_id == cast.people["police"]


def test_a_link_for_a_passkey_is_no_invitation(cast: Cast) -> None:
    accepted(cast, "police")
    with cast.session() as session:
        me = cast.people["police"]
        send_enrolment(session, me, browser="b" * 43, by=cast.actor("police"), at=AT)
        token = doors.make(session, ENROLMENT, me, by=cast.actor("police"), at=AT, browser="b" * 43)
    with pytest.raises(Refusal), cast.session() as session:
        accept(session, token, at=AT, browser="b" * 43)
    with cast.session() as session:
        assert doors.look(session, token, at=AT, browser="b" * 43) is not None, "and the wrong try used nothing up"


def test_a_link_that_a_stranger_asks_for_shuts_none_that_its_person_asked_for_and_is_no_act_of_theirs(
    cast: Cast,
) -> None:
    accepted(cast, "police")
    me, mine = cast.people["police"], "m" * 43
    with cast.session() as session:
        send_enrolment(session, me, browser=mine, by=cast.actor("police"), at=AT)
    token = link(cast, "police", "enrolment").rpartition("/")[2]
    with cast.session() as session:
        assert send_enrolment_to_address(session, "police@spvm.example", browser="s" * 43, at=AT) == 1
        assert doors.look(session, token, at=AT, browser=mine) is not None
        sent = _event.c.verb == "enrolment.sent"
        told = session.execute(select(_event.c.actor_id, _event.c.actor_as).where(sent).order_by(_event.c.n)).all()
    assert told == [(me, cast.actor("police").role), (None, SIGN_IN)]
    with cast.session() as session:
        send_enrolment(session, me, browser=mine, by=cast.actor("police"), at=AT)
        assert doors.look(session, token, at=AT, browser=mine) is None, "of one browser the last one opens"


def test_ending_the_last_role_shuts_what_is_open_and_keeps_what_was_answered(cast: Cast) -> None:
    accepted(cast, "police")
    invited(cast, "police")
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["police"])).one()
        end_tenure(session, held, ends_on=TODAY - timedelta(days=1), by=cast.actor("coordinator"), at=AT)
        assert session.scalars(select(_door.c.used_at)).all() == [AT]


# --------------------------------------------------------------------------------- between two halves of a sign-in


def test_what_is_kept_is_taken_once_by_its_browser_for_its_kind_in_time(cast: Cast) -> None:
    span = timedelta(minutes=5)

    def keep() -> None:
        with cast.session() as session:
            sign_ins.keep(session, "cookie", "passkey", {"challenge": "c"}, at=AT, open_for=span)

    def take(cookie: str, kind: str, after: timedelta = timedelta(0)) -> dict[str, str] | None:
        with cast.session() as session:
            return sign_ins.take(session, cookie, kind, at=AT + after)

    keep()
    assert take("another", "passkey") is None
    assert take("cookie", "enrolment") is None
    assert take("", "passkey") is None
    assert take("cookie", "passkey", span - timedelta(seconds=1)) == {"challenge": "c"}
    assert take("cookie", "passkey") is None
    keep()
    assert take("cookie", "passkey", span) is None


def test_of_many_who_take_what_was_kept_one_gets_it(cast: Cast) -> None:
    with cast.session() as session:
        sign_ins.keep(session, "cookie", "passkey", {"challenge": "c"}, at=AT, open_for=timedelta(minutes=5))

    def take(_: int) -> bool:
        with cast.session() as session:
            return sign_ins.take(session, "cookie", "passkey", at=AT) is not None

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(take, range(6))) == 1
