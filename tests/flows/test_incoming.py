"""The mailbox as the engine uses it: invitations leave by it and answers are taken from it, once, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from adapters.graph import Graph
from adapters.graph_inbox import PAGE, GraphInbox
from adapters.graph_mail import GraphMailer
from adapters.outside import outside_of
from adapters.settings import Settings
from domain.mail import resending
from domain.mail.delivery import WAITS
from flows import incoming, rounds
from flows.engine import Means
from flows.incoming import BEFORE, KEY, Unread, take_in
from flows.marks import mark_of
from flows.post import LEASE, REST, deliver
from meetings import replies
from models.base import table_of
from models.engine import InboxPlace
from models.invitation import MeetingAnswer, StrayReply
from models.lifecycles import NOTICE as OF_A_NOTICE
from models.ports import Inbox, Incoming, Later, Lost, Refused
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import AT, Cast
from tests.fakes.entra import SECRET
from tests.fakes.graph_server import LOST, MAILBOX, PROSE, FakeGraph, serving_graph
from tests.fakes.ledger import on_disk
from tests.flows.prefect_server import free_port
from tests.flows.support import NOTICE, Clock, Mailbag, means_of
from tests.meetings.replying import plan_a_season

POLICE = "police@spvm.example"
#: What planning a season writes: five invitations, the coordinator's with word of someone who has no address.
LETTERS = 5

_answer = table_of(MeetingAnswer)
_stray = table_of(StrayReply)
_place = table_of(InboxPlace)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGraph]:
    with serving_graph(tmp_path_factory.mktemp("graph")) as fake:
        yield fake


@pytest.fixture
def fake(served: FakeGraph) -> FakeGraph:
    served.reset()
    return served


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def means(cast: Cast, fake: FakeGraph, clock: Clock) -> Iterator[Means]:
    """The engine's, with a mailbox, in the one program of its installation."""
    graph = Graph(fake.graph_settings(), clock=lambda: clock().timestamp())
    made = means_of(cast, clock)
    paper = made.sessions(cast.program_id).info["letter_templates"]
    ours = replace(paper, sender=replace(paper.sender, address=MAILBOX))

    def sessions(program_id: Any) -> Session:
        session = made.sessions(program_id)
        session.info["letter_templates"] = ours
        return session

    yield replace(made, sessions=sessions, mailer=GraphMailer(graph), inbox=GraphInbox(graph))
    graph.close()


@pytest.fixture(autouse=True)
def one_program(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of these tests are about an installation of one program: the other one of the cast is not seen."""
    monkeypatch.setattr(incoming, "programs", lambda _: [cast.program_id])


def plan(cast: Cast, means: Means) -> None:
    """A season of the Clinical Committee, whose invitations leave."""
    invite(cast, means)
    deliver(means)


def invite(cast: Cast, means: Means) -> None:
    """A season of the Clinical Committee, whose invitations wait."""
    with means.sessions(cast.program_id) as session:
        plan_a_season(session, cast)
        session.commit()


def invitation(fake: FakeGraph, person: str = POLICE) -> Any:
    """What a person's calendar reads in the invitation that reached them."""
    for message in fake.delivered:
        head = message_from_bytes(message, policy=policy.default)
        if head["To"].addresses[0].addr_spec == person:
            (part,) = [one for one in head.walk() if one.get_content_type() == "text/calendar"]
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            return Calendar.from_ical(content).events[0]
    raise LookupError(person)


def answer(
    fake: FakeGraph,
    partstat: str = "ACCEPTED",
    *,
    sender: str = POLICE,
    of: str = POLICE,
    minutes: int = 1,
    uid: str = "",
    attached: bool = False,
) -> bytes:
    """The mail by which the invited person's calendar answers, so many minutes after they were invited."""
    asked = invitation(fake)
    stamp = (AT + timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")
    lines = [
        *("BEGIN:VCALENDAR", "PRODID:-//Somebody//Calendar//EN", "VERSION:2.0", "METHOD:REPLY", "BEGIN:VEVENT"),
        f"UID:{uid or asked['UID']}",
        f"ATTENDEE;PARTSTAT={partstat}:mailto:{of}",
        f"DTSTAMP:{stamp}",
        f"SEQUENCE:{asked['SEQUENCE']}",
        *("RECURRENCE-ID;TZID=America/Toronto:20261209T093000", "END:VEVENT", "END:VCALENDAR", ""),
    ]
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, MAILBOX, "Accepted"
    mail.set_content("Yes.")
    if attached:
        mail.add_attachment("\r\n".join(lines).encode(), "application", "ics", filename="invite.ics")
    else:
        mail.add_alternative("\r\n".join(lines), subtype="calendar", params={"method": "REPLY"})
    return mail.as_bytes()


def somebody_wrote(text: str = "Bonjour") -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = POLICE, MAILBOX, "Une question"
    mail.set_content(text)
    return mail.as_bytes()


def answers(cast: Cast) -> list[str]:
    with cast.session() as session:
        return list(session.scalars(select(_answer.c.answer).order_by(_answer.c.answered_at)))


def strays(cast: Cast) -> list[str]:
    with cast.session() as session:
        return list(session.scalars(select(_stray.c.reason).order_by(_stray.c.reason)))


def place(cast: Cast) -> str | None:
    with cast.session() as session:
        return session.scalar(select(_place.c.place))


@pytest.mark.ci
def test_an_invitation_leaves_by_the_mailbox_and_its_answer_is_taken_from_it(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock
) -> None:
    plan(cast, means)
    assert str(invitation(fake)["ORGANIZER"]).lower() == f"mailto:{MAILBOX}".lower()
    clock.pass_by(minutes=5)
    assert take_in(means, cast.program_id, "test") == 0
    fake.arrive(answer(fake), clock.now)
    clock.pass_by(minutes=5)
    assert take_in(means, cast.program_id, "test") == 1
    with cast.session() as session:
        (row,) = session.execute(select(_answer)).all()
        assert mark_of(session, KEY) == clock.now
    assert (row.person_id, row.answer, row.by) == (cast.people["police"], "accepted", "mail")


@pytest.mark.ci
def test_an_answer_that_is_only_attached_to_a_mail_is_taken_too(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock
) -> None:
    plan(cast, means)
    fake.arrive(answer(fake, "TENTATIVE", attached=True), clock.now)
    assert take_in(means, cast.program_id, "test") == 1
    assert answers(cast) == ["tentative"]


@pytest.mark.ci
def test_an_answer_that_came_before_the_first_reading_is_not_missed(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock
) -> None:
    plan(cast, means)
    fake.arrive(answer(fake, "DECLINED"), AT + timedelta(minutes=1))
    clock.pass_by(hours=23)
    assert take_in(means, cast.program_id, "test") == 1
    assert answers(cast) == ["declined"]


@pytest.mark.ci
def test_a_round_that_is_run_twice_or_with_nothing_new_changes_nothing(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock
) -> None:
    plan(cast, means)
    fake.arrive(answer(fake), AT)
    assert take_in(means, cast.program_id, "test") == 1
    calls = dict(fake.calls)
    clock.pass_by(seconds=30)
    assert take_in(means, cast.program_id, "prefect") == 0
    assert fake.calls == calls, "it was done for these five minutes"
    clock.pass_by(minutes=5)
    assert take_in(means, cast.program_id, "test") == 0
    assert fake.calls["mail"] == 1


@pytest.mark.ci
def test_a_worker_that_dies_while_it_takes_a_page_leaves_all_of_it_for_the_next_one(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(cast, means)
    take_in(means, cast.program_id, "test")
    before = place(cast)
    for message in (answer(fake), answer(fake, uid="nothing@elsewhere.example")):
        fake.arrive(message, clock.now)
    clock.pass_by(minutes=5)

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(incoming, "_keep", killed)
        with pytest.raises(Killed):
            take_in(means, cast.program_id, "test")
    assert (answers(cast), strays(cast), place(cast)) == ([], [], before), "the answers went with the place"
    assert take_in(means, cast.program_id, "test") == 1
    assert (answers(cast), strays(cast)) == (["accepted"], ["unknown_meeting"])
    assert place(cast) != before


@pytest.mark.ci
def test_what_was_read_stays_read_where_a_later_page_cannot_be(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(cast, means)
    fake.arrive(answer(fake), clock.now)
    for _ in range(PAGE):
        fake.arrive(somebody_wrote(), clock.now)
    honest = fake._delta

    def until_the_first_page(request: Any) -> Any:
        fake.bent = {"delta": [(429, {"Retry-After": "90"})]}
        monkeypatch.setattr(fake, "_delta", honest)
        return honest(request)

    monkeypatch.setattr(fake, "_delta", until_the_first_page)
    with pytest.raises(Unread, match="429"):
        take_in(means, cast.program_id, "test")
    assert answers(cast) == ["accepted"]
    with cast.session() as session:
        assert mark_of(session, KEY) is None, "so that the worker sees that it is overdue"
    with pytest.raises(Unread, match="throttled"):
        take_in(means, cast.program_id, "test")
    clock.pass_by(seconds=91)
    assert take_in(means, cast.program_id, "test") == 0
    assert fake.calls["mail"] == PAGE + 1, "no mail was fetched twice"


@pytest.mark.ci
def test_a_mailbox_that_lost_the_place_is_read_anew_from_where_one_was_and_nothing_counts_twice(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock
) -> None:
    plan(cast, means)
    old = answer(fake, uid="of-old@elsewhere.example")
    fake.arrive(old, clock.now - timedelta(days=30))
    fake.arrive(answer(fake, "TENTATIVE"), clock.now)
    take_in(means, cast.program_id, "test")
    fake.forget_places()
    clock.pass_by(hours=1)
    fake.arrive(answer(fake, "DECLINED", minutes=50), clock.now)
    clock.pass_by(minutes=5)
    assert take_in(means, cast.program_id, "test") == 2, "the first one is read again"
    assert (answers(cast), strays(cast)) == (["declined"], []), "the last one counts, and last month's mails stay there"


@pytest.mark.ci
def test_what_is_told_of_again_does_not_undo_what_was_said_since(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock
) -> None:
    plan(cast, means)
    first = fake.arrive(answer(fake, "ACCEPTED", minutes=1), clock.now)
    fake.arrive(answer(fake, "DECLINED", minutes=2), clock.now)
    take_in(means, cast.program_id, "test")
    fake.touch(first)  # somebody reads the mailbox
    clock.pass_by(minutes=5)
    take_in(means, cast.program_id, "test")
    assert answers(cast) == ["declined"]


@pytest.mark.ci
def test_strays_are_kept_aside_and_what_people_and_machines_write_stays_where_it_is(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock
) -> None:
    plan(cast, means)
    absent = message_from_bytes(somebody_wrote("Je suis en vacances"), policy=policy.default)
    absent["Auto-Submitted"] = "auto-replied"
    huge = answer(fake) + b"x" * 5_000_000
    for message in (
        somebody_wrote(),
        somebody_wrote("x" * 5_000_000),
        absent.as_bytes(),
        answer(fake, sender="somebody@spvm.example"),
        answer(fake, uid="nothing@elsewhere.example"),
        huge,
    ):
        fake.arrive(message, clock.now)
    assert take_in(means, cast.program_id, "test") == 0
    assert strays(cast) == ["from_differs", "too_large", "unknown_meeting"]
    assert answers(cast) == []


@pytest.mark.ci
def test_of_several_programs_each_takes_its_own_and_none_keeps_what_none_knows(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(cast, means)
    monkeypatch.setattr(incoming, "programs", lambda _: [cast.program_id, cast.other.program_id])
    fake.arrive(answer(fake), clock.now)
    fake.arrive(answer(fake, sender="somebody@spvm.example"), clock.now)
    fake.arrive(answer(fake, uid="nothing@elsewhere.example"), clock.now)
    assert take_in(means, cast.other.program_id, "test") == 0
    assert take_in(means, cast.program_id, "test") == 1
    with cast.other.session() as session:
        assert session.scalar(select(func.count()).select_from(_stray)) == 0
        assert session.scalar(select(func.count()).select_from(_place)) == 1, "each has a place of its own"
    assert answers(cast) == ["accepted"]


@pytest.mark.ci
def test_a_mail_on_which_our_own_code_fails_does_not_hold_up_the_others(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(cast, means)
    poison = answer(fake, uid="poison@elsewhere.example")
    fake.arrive(poison, clock.now)
    fake.arrive(answer(fake), clock.now)
    receive = replies.receive

    def fails(session: Session, message: bytes, *, at: Any) -> replies.Received:
        if message == poison:
            session.execute(delete(_answer))  # refused by the database: the transaction is spoilt
        return receive(session, message, at=at)

    monkeypatch.setattr(replies, "receive", fails)
    assert take_in(means, cast.program_id, "test") == 1
    assert answers(cast) == ["accepted"]


@pytest.mark.ci
def test_a_database_that_is_away_passes_over_no_mail(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(cast, means)
    fake.arrive(answer(fake), clock.now)

    def away(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception())

    with monkeypatch.context() as restarting:
        restarting.setattr(replies, "receive", away)
        with pytest.raises(OperationalError):
            take_in(means, cast.program_id, "test")
    assert take_in(means, cast.program_id, "test") == 1


class Scripted:
    """An inbox that answers as it is told."""

    name = "scripted"

    def __init__(self, *told: Incoming | Lost | Later | Refused) -> None:
        self.told = list(told)
        self.asked: list[tuple[str, Any]] = []

    def read(self, *, place: str, since: Any, most_bytes: int) -> Incoming | Lost | Later | Refused:
        assert most_bytes > 0
        self.asked.append((place, since))
        return self.told.pop(0)


@pytest.mark.parametrize(
    "status", [pytest.param(403, marks=pytest.mark.nightly), pytest.param(404, marks=pytest.mark.ci)]
)
def test_a_mailbox_that_is_not_there_loses_no_invitation_and_the_coordinator_is_told_at_once(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock, status: int
) -> None:
    """It is every invitation’s organizer: they wait, are given up and told of, and leave when it is back."""
    invite(cast, means)
    gone: list[Any] = [(status, {})] * 2000
    fake.bent = {"send": list(gone), "find": list(gone), "delta": list(gone)}
    assert deliver(means).rest, "the next one would fare the same"
    with pytest.raises(Unread, match=str(status)):
        take_in(means, cast.program_id, "test")
    clock.pass_by(minutes=11)
    deliver(means)
    told = text_of(client_for(cast.database, cast.people["coordinator"], at=clock.now).get("/").text)
    assert "No letters are going out" in told
    assert "Answers by mail are not read" in told
    assert f"({status})" in told
    for _ in WAITS * 4:
        clock.pass_by(hours=8)
        while deliver(means).attempts:  # one letter a pass: after each it rests
            pass
    assert fake.delivered == []
    with means.sessions(cast.program_id) as session:
        states = session.scalars(select(NOTICE.c.state)).all()
    assert set(states) == {"failed"}
    # It is back: one click sends them all, in their order, and the answers that came meanwhile are read.
    fake.bent = {}
    context = client_for(cast.database, cast.people["coordinator"], at=clock.now)
    assert f"{len(states)} letters were not delivered" in text_of(context.get("/post").text)
    assert context.post("/post/retry").status_code == 303
    deliver(means, most=1000)
    assert len(fake.delivered) == len(states) > LETTERS
    fake.arrive(answer(fake), clock.now)
    assert take_in(means, cast.program_id, "test") == 1
    after = text_of(client_for(cast.database, cast.people["coordinator"], at=clock.now).get("/").text)
    assert "No letters are going out" not in after
    assert "Answers by mail are not read" not in after


def test_a_mailbox_that_has_lost_even_its_beginning_is_trouble_and_not_a_circle(
    cast: Cast, means: Means, clock: Clock
) -> None:
    inbox = Scripted(Incoming((), "a", more=False), Lost(), Lost())
    means = replace(means, inbox=inbox)
    take_in(means, cast.program_id, "test")
    clock.pass_by(minutes=5)
    with pytest.raises(Unread, match="lost"):
        take_in(means, cast.program_id, "test")
    assert [(where, since) for where, since in inbox.asked] == [
        ("", AT - BEFORE),
        ("a", AT - BEFORE),
        ("", AT - BEFORE),
    ]
    assert place(cast) == "a"


def test_a_mailbox_without_end_is_read_so_far_and_then_from_there(cast: Cast, means: Means, clock: Clock) -> None:
    inbox = Scripted(*(Incoming((), f"p{number}", more=True) for number in range(100)))
    means = replace(means, inbox=inbox)
    take_in(means, cast.program_id, "test")
    assert len(inbox.asked) == incoming.MOST_PAGES
    clock.pass_by(minutes=5)
    take_in(means, cast.program_id, "test")
    assert inbox.asked[incoming.MOST_PAGES] == (f"p{incoming.MOST_PAGES - 1}", AT - BEFORE)


def test_another_mailbox_is_read_from_its_own_beginning(cast: Cast, means: Means, clock: Clock) -> None:
    take_in(replace(means, inbox=Scripted(Incoming((), "a", more=False))), cast.program_id, "test")
    clock.pass_by(minutes=5)
    other = Scripted(Incoming((), "b", more=False))
    other.name = "other"
    take_in(replace(means, inbox=other), cast.program_id, "test")
    assert other.asked == [("", clock.now - BEFORE)]


def test_without_a_mailbox_there_is_no_round_of_it(cast: Cast, clock: Clock) -> None:
    without = means_of(cast, clock)
    clock.pass_by(hours=1)
    assert not rounds.is_overdue(without, KEY)
    assert rounds.run_round(without, KEY, "test") == 0
    inbox: Inbox = Scripted()
    assert rounds.is_overdue(replace(without, inbox=inbox), KEY)


# ------------------------------------------------------------------------------------------------ the outbox by Graph


@pytest.mark.ci
def test_of_a_worker_that_died_the_next_one_looks_first_and_nobody_is_invited_twice(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("flows.post._write_down", killed)
        with pytest.raises(Killed):
            plan(cast, means)
    assert len(fake.delivered) == 1
    clock.pass_by(seconds=LEASE.total_seconds())
    deliver(means)
    assert len(fake.delivered) == len(set(fake.delivered)) == LETTERS
    with cast.session() as session:
        assert set(session.scalars(select(NOTICE.c.state))) == {"sent"}


@pytest.mark.ci
def test_a_letter_whose_answer_was_lost_is_told_as_sent_and_reaches_its_reader_once(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock
) -> None:
    fake.bent = {"send": [LOST]}
    plan(cast, means)
    clock.pass_by(minutes=1)
    deliver(means)
    assert len(fake.delivered) == LETTERS
    with cast.session() as session:
        assert session.scalar(select(func.count()).where(NOTICE.c.state == "sent")) == LETTERS


@pytest.mark.ci
def test_a_letter_given_up_in_doubt_is_looked_for_when_somebody_sends_it_again(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock
) -> None:
    plan(cast, means)
    with cast.session() as session:  # as if no answer had ever been heard
        (given_up,) = session.scalars(select(NOTICE.c.id).where(NOTICE.c.to_address == POLICE)).all()
        session.execute(
            update(NOTICE)
            .where(NOTICE.c.id == given_up)
            .values(state=OF_A_NOTICE.after("queued", "give_up"), sent_at=None)
        )
        session.commit()
    with means.sessions(cast.program_id) as session:
        resending.retry(session, given_up, by=cast.actor("coordinator"), at=clock.now)
        session.commit()
    assert deliver(means).attempts == 1
    assert len(fake.delivered) == LETTERS


@pytest.mark.ci
def test_a_service_that_asks_for_silence_costs_one_letter_an_attempt_and_the_worker_waits(
    cast: Cast, fake: FakeGraph, means: Means, clock: Clock
) -> None:
    fake.bent = {"send": [(429, {"Retry-After": "120"})]}
    plan(cast, means)
    with cast.session() as session:
        assert sorted(session.scalars(select(NOTICE.c.attempts))) == [0, 0, 0, 0, 1]
    done = deliver(means)
    assert (done.attempts, done.rest) == (1, True), "the worker waits between; asked at once, the silence is kept"
    assert done.rest_for == timedelta(seconds=120) > REST
    assert fake.calls["send"] == 1
    clock.pass_by(minutes=5)
    assert deliver(means).attempts == LETTERS
    assert len(fake.delivered) == LETTERS


def test_a_letter_is_said_to_be_sent_again_from_its_second_attempt_on(cast: Cast, clock: Clock) -> None:
    bag = Mailbag([Later("451")])
    means = means_of(cast, clock, bag)
    plan(cast, means)
    clock.pass_by(minutes=1)
    deliver(means)
    assert bag.again == [False] * LETTERS + [True]


# ------------------------------------------------------------------------------------------------------- as it is set


@pytest.mark.ci
def test_the_worker_sends_by_the_mailbox_that_is_set_and_tells_its_log_nothing_of_it(
    cast: Cast, fake: FakeGraph, means: Means, tmp_path: Path
) -> None:
    on_disk(cast.database, tmp_path)
    invite(cast, means)
    fake.bent = {"send": [(500, {})]}
    there = {
        "DATABASE_URL": cast.database.url,
        "GRAPH_AUTHORITY": fake.authority,
        "GRAPH_URL": fake.authority,
        "GRAPH_CA_FILE": str(fake.ca_file),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "SPHERES_PREFECT_PORT": str(free_port()),
    }
    known = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SPHERES_"))}
    with (tmp_path / "log").open("wb") as log:
        environ = known | environment(tmp_path, **there)
        running = subprocess.Popen([sys.executable, "-m", "flows.worker"], env=environ, stderr=log)
    try:
        end = monotonic() + 60
        while len(fake.delivered) < LETTERS - 1:
            assert monotonic() < end, (tmp_path / "log").read_text(encoding="utf-8")
            sleep(0.1)
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
    finally:
        running.kill()
        running.wait()
    logged = (tmp_path / "log").read_text(encoding="utf-8")
    for word in (SECRET, PROSE, MAILBOX, POLICE, *fake.tokens):
        assert word not in logged


def environment(folder: Path, **other: str) -> dict[str, str]:
    secret = folder / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    return {
        "SPHERES_MAIL": "graph",
        "SPHERES_DATA": str(folder),
        "GRAPH_CLIENT_ID": "8d9e1f00-0000-4000-8000-0000000000c1",
        "GRAPH_TENANT": "11111111-0000-4000-8000-000000000001",
        "GRAPH_MAILBOX": MAILBOX,
        "GRAPH_CLIENT_SECRET_FILE": str(secret),
    } | other


def test_an_installation_with_graph_sends_and_reads_by_one_mailbox_and_a_demonstration_never_does(
    tmp_path: Path,
) -> None:
    mailer, inbox, directory = outside_of(Settings.from_env(environment(tmp_path)))
    assert isinstance(mailer, GraphMailer)
    assert isinstance(inbox, GraphInbox)
    assert inbox.name == MAILBOX.lower()
    assert directory is None, "where no system is named, people close accounts"
    closing = outside_of(Settings.from_env(environment(tmp_path, GRAPH_ACCOUNTS="secure-network")))[2]
    assert closing is not None
    assert closing.system == "secure-network"
    shown, none, no_directory = outside_of(Settings.from_env(environment(tmp_path, SPHERES_DEMO="yes")))
    assert type(shown).__name__ == "FolderMailer"
    assert none is None
    assert no_directory is None
