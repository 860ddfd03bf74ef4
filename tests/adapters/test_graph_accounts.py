"""Accounts closed in a tenant's directory: closed is what the directory says afterwards, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.graph import Graph
from adapters.graph_accounts import GraphAccounts
from models.ports import Accepted, Accounts, Later, Refused, Unknown
from tests.fakes.graph_server import GARBAGE, FakeGraph, serving_graph

LEAVER = "g.schist@agency.example"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGraph]:
    with serving_graph(tmp_path_factory.mktemp("graph")) as fake:
        yield fake


@pytest.fixture
def fake(served: FakeGraph) -> FakeGraph:
    served.reset()
    served.accounts = {LEAVER: True, "other@agency.example": True}
    return served


@pytest.fixture
def directory(fake: FakeGraph) -> Iterator[Accounts]:
    graph = Graph(fake.graph_settings())
    yield GraphAccounts(graph, "secure-network")
    graph.close()


def test_an_account_is_disabled_and_its_sign_ins_end_and_nobody_elses(fake: FakeGraph, directory: Accounts) -> None:
    assert directory.state(LEAVER) == "open"
    assert directory.close(LEAVER) == Accepted()
    assert directory.state(LEAVER) == "closed"
    assert (fake.accounts, fake.revoked) == ({LEAVER: False, "other@agency.example": True}, [LEAVER])
    assert directory.close(LEAVER) == Accepted(), "again, nothing changes"


def test_a_directory_that_says_yes_and_does_nothing_is_found_out(fake: FakeGraph, directory: Accounts) -> None:
    fake.forgets_to_disable = True
    assert directory.close(LEAVER) == Accepted()
    assert directory.state(LEAVER) == "open"


@pytest.mark.parametrize("name", ["nobody@agency.example", "..", "a/b", "a b", "", "x?$select=id"])
def test_a_name_that_is_nobodys_is_absent_and_leads_nowhere_else(
    fake: FakeGraph, directory: Accounts, name: str
) -> None:
    assert directory.state(name) == "absent"
    assert directory.close(name) in (Refused(permanent=True, code="name"), Refused(permanent=True, code="404"))
    assert all(fake.accounts.values())


def test_without_leave_it_is_we_who_are_refused(fake: FakeGraph, directory: Accounts) -> None:
    fake.may_disable = False
    assert directory.close(LEAVER) == Refused(permanent=False, code="403")
    assert directory.state(LEAVER) == Refused(permanent=False, code="403")


def test_what_cannot_be_known_now_is_neither_open_nor_closed(fake: FakeGraph, directory: Accounts) -> None:
    fake.bent = {"look": [(500, {}), GARBAGE], "change": [(502, {})]}
    assert directory.state(LEAVER) == Later("connect")
    assert directory.state(LEAVER) == Later("answer")
    assert directory.close(LEAVER) == Unknown()
    assert fake.revoked == []
