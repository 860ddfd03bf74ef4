"""What comes into the mailbox, page after page: all of it, from where one was, and nothing that leads elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from fastapi.responses import JSONResponse

from adapters.graph import Graph
from adapters.graph_inbox import PAGE, GraphInbox
from models.ports import Inbox, Incoming, Later, Lost, Refused
from tests.fakes.entra import listening
from tests.fakes.graph_server import GARBAGE, LOST, MAILBOX, Bent, FakeGraph, serving_graph

AT = datetime(2026, 11, 23, 15, tzinfo=UTC)
MOST = 1000

_number = count(1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGraph]:
    with serving_graph(tmp_path_factory.mktemp("graph")) as fake:
        yield fake


@pytest.fixture
def fake(served: FakeGraph) -> FakeGraph:
    served.reset()
    return served


@pytest.fixture
def inbox(fake: FakeGraph) -> Iterator[Inbox]:
    graph = Graph(fake.graph_settings())
    yield GraphInbox(graph)
    graph.close()


def mail(size: int = 0) -> bytes:
    """One like no other."""
    return f"From: someone@untel.example\r\nSubject: {next(_number)}\r\n\r\n{'x' * size}".encode()


def page(inbox: Inbox, place: str = "", since: datetime = AT) -> Incoming:
    came = inbox.read(place=place, since=since, most_bytes=MOST)
    assert isinstance(came, Incoming), came
    return came


def read(inbox: Inbox, place: str = "") -> tuple[list[bytes], str]:
    """All that is there, and the place after it."""
    found: list[bytes] = []
    while True:
        came = page(inbox, place)
        found += came.messages
        place = came.place
        if not came.more:
            return found, place


@pytest.mark.ci
def test_what_came_is_read_in_pages_and_then_what_comes(fake: FakeGraph, inbox: Inbox) -> None:
    sent = [mail() for _ in range(2 * PAGE + 1)]
    for one in sent:
        fake.arrive(one, AT)
    found, place = read(inbox)
    assert found == sent
    assert fake.calls["delta"] == 3
    assert read(inbox, place)[0] == []
    later = mail()
    fake.arrive(later, AT + timedelta(hours=1))
    assert read(inbox, place)[0] == [later]


def test_a_mailbox_is_read_from_a_moment_and_its_past_is_left_alone(fake: FakeGraph, inbox: Inbox) -> None:
    fake.arrive(mail(), AT - timedelta(seconds=1))
    new = mail()
    fake.arrive(new, AT)
    assert read(inbox)[0] == [new]
    assert fake.calls["mail"] == 1, "what is older is not even fetched"


@pytest.mark.ci
def test_the_same_place_gives_the_same_mails_again(fake: FakeGraph, inbox: Inbox) -> None:
    _, place = read(inbox)
    new = mail()
    fake.arrive(new, AT)
    assert read(inbox, place) == read(inbox, place)
    assert read(inbox, place)[0] == [new]


def test_what_somebody_deleted_or_moved_meanwhile_is_left_out(fake: FakeGraph, inbox: Inbox) -> None:
    gone, stays = fake.arrive(mail(), AT), fake.arrive(mail(), AT)
    fake.remove(gone)
    assert read(inbox)[0] == [stays.message]


def test_what_somebody_read_may_be_told_of_again(fake: FakeGraph, inbox: Inbox) -> None:
    kept = fake.arrive(mail(), AT)
    _, place = read(inbox)
    fake.touch(kept)
    assert read(inbox, place)[0] == [kept.message], "whoever takes it in knows it already"


def test_a_place_that_the_mailbox_no_longer_knows_is_lost_and_reading_begins_anew(
    fake: FakeGraph, inbox: Inbox
) -> None:
    first = mail()
    fake.arrive(first, AT)
    _, place = read(inbox)
    fake.forget_places()
    assert inbox.read(place=place, since=AT, most_bytes=MOST) == Lost()
    assert read(inbox)[0] == [first]


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_place_is_lost_however_the_service_says_so(fake: FakeGraph, inbox: Inbox, status: int) -> None:
    _, place = read(inbox)
    fake.bent = {"delta": [(status, {})]}
    assert inbox.read(place=place, since=AT, most_bytes=MOST) == Lost()


def test_a_place_in_another_mailbox_is_none_in_this_one(fake: FakeGraph, inbox: Inbox) -> None:
    other = f"{fake.authority}/v1.0/users/director@agency.example/mailFolders/inbox/messages/delta?$deltatoken=1"
    assert inbox.read(place=other, since=AT, most_bytes=MOST) == Lost()
    assert fake.calls == {}
    assert inbox.name == MAILBOX.lower()


@pytest.mark.ci
def test_a_place_that_leads_elsewhere_is_not_gone_to_with_our_token(fake: FakeGraph, inbox: Inbox) -> None:
    fake.arrive(mail(), AT)
    with listening() as elsewhere:
        elsewhere.settimeout(0.2)
        fake.links_to = f"https://127.0.0.1:{elsewhere.getsockname()[1]}"
        assert inbox.read(place="", since=AT, most_bytes=MOST) == Later("answer")
        assert inbox.read(place=f"{fake.links_to}/v1.0/users/", since=AT, most_bytes=MOST) == Lost()
        with pytest.raises(TimeoutError):
            elsewhere.accept()


@pytest.mark.wide(4)
@pytest.mark.parametrize(
    ("size", "arrives"), [(MOST, MOST), (MOST + 1, MOST + 1), (MOST + 2, MOST + 1), (5_000_000, MOST + 1)]
)
def test_of_a_mail_no_more_is_read_than_shows_that_it_is_too_large(
    fake: FakeGraph, inbox: Inbox, size: int, arrives: int
) -> None:
    whole = mail(size)[:size]
    fake.arrive(whole, AT)
    ((found,), _) = read(inbox)
    assert found == whole[:arrives]


@pytest.mark.ci
@pytest.mark.wide(4)
@pytest.mark.parametrize(
    ("place", "bent", "outcome"),
    [
        ("delta", (429, {"Retry-After": "40"}), Later("429", timedelta(seconds=40))),
        ("delta", (503, {}), Later("503", timedelta(seconds=30))),
        ("delta", (500, {}), Later("connect")),
        ("delta", LOST, Later("connect")),
        ("delta", GARBAGE, Later("answer")),
        ("delta", (403, {}), Refused(permanent=False, code="403")),
        ("delta", (404, {}), Refused(permanent=False, code="404")),
        ("mail", (429, {"Retry-After": "40"}), Later("429", timedelta(seconds=40))),
        ("mail", (500, {}), Later("connect")),
        ("mail", LOST, Later("connect")),
        ("mail", (403, {}), Refused(permanent=False, code="403")),
        ("mail", (406, {}), Later("406")),
    ],
    ids=str,
)
def test_a_page_is_read_whole_or_not_at_all(
    fake: FakeGraph, inbox: Inbox, place: str, bent: Bent, outcome: object
) -> None:
    sent = [mail(), mail()]
    for one in sent:
        fake.arrive(one, AT)
    fake.bent = {place: [bent]}
    assert inbox.read(place="", since=AT, most_bytes=MOST) == outcome
    if not (isinstance(outcome, Later) and outcome.retry_after):
        assert read(inbox)[0] == sent


@pytest.mark.wide(4)
@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"value": []},
        {"value": None, "@odata.deltaLink": "here"},
        {"value": [], "@odata.deltaLink": 7},
        {"value": [], "@odata.nextLink": ""},
        {"value": [], "@odata.deltaLink": "here" + "x" * 20_000},
        [],
    ],
)
def test_an_answer_without_a_place_to_go_on_from_is_none(
    fake: FakeGraph, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    says(fake, monkeypatch, answer)
    assert inbox.read(place="", since=AT, most_bytes=MOST) == Later("answer")


def test_rows_that_are_no_mails_are_passed_over(fake: FakeGraph, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = fake.arrive(mail(), AT)
    rows = [None, 7, "id", {}, {"id": None}, {"id": 7}, {"id": "../../director@agency.example"}, {"id": kept.id}]
    says(fake, monkeypatch, {"value": rows, "@odata.deltaLink": "here"})
    assert page(inbox).messages == (kept.message,)


def says(fake: FakeGraph, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """The service says this of what came; "here" stands for an address of the mailbox."""
    if isinstance(answer, dict):
        here = fake._base("mailFolders/inbox/messages/delta?$deltatoken=1")
        answer = {
            name: here + link.removeprefix("here") if isinstance(link, str) and link.startswith("here") else link
            for name, link in answer.items()
        }
    monkeypatch.setattr(fake, "_delta", lambda _: JSONResponse(answer))
