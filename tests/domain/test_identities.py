"""Accounts of a directory: linked by an invitation and in no other way, one person at a time in a program."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from adapters.database import open_session
from domain.access import doors, identities, invitations
from domain.access.identities import KnownPerson, ProvenAccount
from domain.kernel.refusals import Refusal
from domain.record import events
from models.access import Identity
from models.base import table_of
from tests.api.doorway import letters
from tests.cast import AT, Cast

_identity = table_of(Identity)

TENANT = UUID("11111111-0000-4000-8000-000000000001")


def invited(cast: Cast, name: str) -> str:
    """The token of an invitation to one of the cast."""
    with cast.session() as session:
        return invitations.invite(session, cast.people[name], by=cast.actor("coordinator"), at=AT)


def known(cast: Cast, account: ProvenAccount) -> list[KnownPerson]:
    """Who an account is, as one asks before a program is known."""
    with open_session(cast.database.engine) as session:
        return identities.known_as(session, account)


def test_an_account_is_known_in_each_program_in_which_it_was_linked(cast: Cast) -> None:
    account = ProvenAccount(TENANT, uuid4())
    assert known(cast, account) == []
    for each in (cast, cast.other):
        token = invited(each, "manager_em")
        with each.session() as session:
            assert identities.link_by_invitation(session, token, account, at=AT) == each.people["manager_em"]
    assert set(known(cast, account)) == {
        KnownPerson(each.program_id, each.people["manager_em"]) for each in (cast, cast.other)
    }
    assert known(cast, ProvenAccount(uuid4(), account.object_id)) == [], "the same object of another tenant"


def test_a_refused_link_leaves_the_invitation_open(cast: Cast) -> None:
    account = ProvenAccount(TENANT, uuid4())
    first, second = invited(cast, "manager_em"), invited(cast, "officer")
    with cast.session() as session:
        identities.link_by_invitation(session, first, account, at=AT)
    with pytest.raises(Refusal, match=r"identity\.taken"), cast.session() as session:
        identities.link_by_invitation(session, second, account, at=AT)
    with open_session(cast.database.engine) as session:
        assert doors.look(session, first, at=AT) is None
        assert doors.look(session, second, at=AT) is not None


def test_the_one_invited_is_told_of_each_account_that_comes_to_open_their_access(cast: Cast) -> None:
    """The link of an invitation is all that it takes: somebody else may have had it."""
    first, second = ProvenAccount(TENANT, uuid4()), ProvenAccount(TENANT, uuid4())
    for account, told in ((first, 1), (first, 1), (second, 2)):
        token = invited(cast, "manager_em")
        with cast.session() as session:
            identities.link_by_invitation(session, token, account, at=AT)
        assert len(letters(cast, "manager_em", "account_linked")) == told
    letter = letters(cast, "manager_em", "account_linked")[0]
    assert "un compte de votre organisme ouvre votre accès" in letter
    assert "avisez sans attendre la coordination" in letter
    assert "/door/" not in letter
    token = invited(cast, "officer")
    with pytest.raises(Refusal, match=r"identity\.taken"), cast.session() as session:
        identities.link_by_invitation(session, token, second, at=AT)
    assert letters(cast, "officer", "account_linked") == []


def test_an_invitation_of_another_program_is_none_here(cast: Cast) -> None:
    token = invited(cast.other, "manager_em")
    with pytest.raises(Refusal, match=r"door\.closed"), cast.session() as session:
        identities.link_by_invitation(session, token, ProvenAccount(TENANT, uuid4()), at=AT)


def test_of_two_who_link_one_account_at_the_same_moment_one_is_refused(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = ProvenAccount(TENANT, uuid4())
    tokens = {name: invited(cast, name) for name in ("manager_em", "officer")}
    together = threading.Barrier(2, timeout=10)
    write = events.write

    def meet(*args: object, **named: object) -> object:
        # Both have passed through their doors, and neither has seen the other's link.
        if args[1] == "invitation.used":
            together.wait()
        return write(*args, **named)  # type: ignore[arg-type]  # whatever it is called with

    monkeypatch.setattr(events, "write", meet)

    def link(name: str) -> str:
        try:
            with cast.session() as session:
                identities.link_by_invitation(session, tokens[name], account, at=AT)
        except Refusal as refusal:
            return refusal.code
        return "linked"

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(link, tokens))
    assert sorted(found) == ["identity.taken", "linked"]
    assert len(known(cast, account)) == 1


def test_a_link_that_was_ended_is_kept_and_made_anew(cast: Cast) -> None:
    account = ProvenAccount(TENANT, uuid4())
    for _ in range(2):
        token = invited(cast, "manager_em")
        with cast.session() as session:
            identities.link_by_invitation(session, token, account, at=AT)
        assert known(cast, account) == [KnownPerson(cast.program_id, cast.people["manager_em"])]
        with cast.session() as session:
            invitations.end_access(session, cast.people["manager_em"], by=cast.actor("coordinator"), at=AT)
        assert known(cast, account) == []
    with cast.session() as session:
        assert len(session.execute(select(_identity)).all()) == 1
