"""A copy of the database is put back: what had ended since stays ended, and waits for a person where it has to."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from api.cli.spoken import Ending
from domain.access import invitations, sign_ins
from domain.kernel import Refusal
from domain.restoring import Disagrees
from locales import speaking
from tests.cast import AT
from tests.restored import Installed, installed

__all__ = ["installed"]

LATER = AT + timedelta(hours=1)


def sign_in(house: Installed, name: str) -> str:
    with house.session() as session:
        return sign_ins.begin(session, house.person(name), means="demonstration", device="", at=AT)


def is_open(house: Installed, token: str) -> bool:
    with house.session() as session:
        return sign_ins.sign_in_of(session, token) is not None


def end_access(house: Installed, name: str) -> None:
    with house.session() as session:
        invitations.end_access(session, house.person(name), by=house.actor("coordinator"), at=LATER)


def matters(house: Installed) -> list[tuple[str, str, UUID | None, bool]]:
    rows = house.rows("select kind, verb, person_id, is_certain from restored_matter order by ledger_n")
    return [(row["kind"], row["verb"], row["person_id"], row["is_certain"]) for row in rows]


def decide(house: Installed) -> None:
    """Somebody decides everything."""
    house.rows(
        "update restored_matter set decision = 'left_undone', decided_at = now(), decided_as = 'coordinator'"
        " where decided_at is null returning id"
    )


def test_an_installation_that_was_not_restored_starts_as_often_as_one_likes(installed: Installed) -> None:
    end_access(installed, "manager_em")
    before = installed.ledger.lines()
    for _ in range(3):
        installed.start()
    assert installed.ledger.lines() == before
    assert installed.rows("select 1 from epoch") == []


def test_an_access_that_ended_since_the_copy_is_closed_until_somebody_decides(installed: Installed) -> None:
    copy = installed.copy()
    end_access(installed, "manager_em")
    installed.put_back(copy)
    with pytest.raises(Disagrees):
        sign_in(installed, "manager_em")
    installed.start()
    assert matters(installed) == [("access", "access.ended", installed.person("manager_em"), True)]
    with pytest.raises(sign_ins.NotLetIn):
        sign_in(installed, "manager_em")
    with pytest.raises(Refusal) as refused, installed.session() as session:
        invitations.invite(session, installed.person("manager_em"), by=installed.actor("coordinator"), at=LATER)
    assert refused.value.code == "access.undecided"
    sign_in(installed, "coordinator")
    decide(installed)
    sign_in(installed, "manager_em")


def test_every_sign_in_from_before_a_restore_is_void(installed: Installed) -> None:
    token = sign_in(installed, "manager_em")
    copy = installed.copy()
    end_access(installed, "manager_la")
    assert is_open(installed, token)
    installed.put_back(copy)
    installed.start()
    assert not is_open(installed, token)
    assert installed.rows("select ended_as from browser_session") == [{"ended_as": "restored"}]


def test_a_ledger_that_was_put_aside_stops_the_start(installed: Installed) -> None:
    end_access(installed, "manager_em")
    installed.stop()
    installed.ledger.path.write_bytes(b"")
    with speaking("en"), pytest.raises(Ending, match="is empty, and this database knows"):
        installed.start()
