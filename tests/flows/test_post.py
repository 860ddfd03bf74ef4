"""Delivering the outbox: each letter once where the relay lets us, and somebody is told of what cannot be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from adapters.mail import SmtpMailer
from domain.mail import notices
from domain.mail.delivery import WAITS
from flows import post
from flows.engine import Means
from flows.post import deliver
from models.ports import Accepted, Later, Refused, Unknown
from models.program import Person
from tests.cast import AT, Cast
from tests.fakes.smtp_server import PROSE, SmtpServer
from tests.flows.support import NOTICE, Clock, Mailbag, body, letters, means_of, told

GONE_OUT_OF_HAND = 100


def write(cast: Cast, means: Means, name: str, key: str) -> None:
    """Put a letter about a gate into the outbox."""
    with means.sessions(cast.program_id) as session:
        notices.write(
            session,
            "gate_opened",
            to=cast.people[name],
            key=key,
            facts=lambda _: {"gate": "Peut suivre", "case": "Accueil", "path": f"/cases/{UUID(int=1)}"},
            at=means.clock(),
        )
        session.commit()


def row(cast: Cast, key: str, name: str) -> Any:
    with cast.session() as session:
        return session.execute(select(NOTICE).where(NOTICE.c.key == f"{key}:{cast.people[name]}")).one()


def test_what_is_due_leaves_once_in_order_and_the_record_says_so(cast: Cast) -> None:
    bag = Mailbag()
    means = means_of(cast, Clock(), bag)
    for name in ("coordinator", "manager_em", "worker_codim"):
        write(cast, means, name, "a")
    assert deliver(means).attempts == 3
    assert [to for to, _ in bag.sent] == [
        "coordinator@ccsmtl.example",
        "manager.em@en-marge.example",
        "worker.codim@codim.example",
    ]
    assert deliver(means).attempts == 0
    sent = row(cast, "a", "coordinator")
    assert (sent.state, sent.sent_at, sent.next_attempt_at, sent.attempts) == ("sent", AT, None, 1)
    assert len(told(cast, "notice.sent")) == 3


def test_the_letters_of_another_program_leave_from_their_own(cast: Cast) -> None:
    bag = Mailbag()
    means = means_of(cast, Clock(), bag)
    write(cast.other, means, "coordinator", "other")
    write(cast, means, "coordinator", "ours")
    assert deliver(means).attempts == 2
    assert row(cast.other, "other", "coordinator").state == "sent"


def test_a_letter_that_is_not_taken_now_waits_as_its_ladder_says_and_leaves_with_the_same_bytes(cast: Cast) -> None:
    clock = Clock()
    bag = Mailbag([Later("451 4.7.1"), Unknown(), Accepted()])
    means = means_of(cast, clock, bag)
    write(cast, means, "coordinator", "a")
    for wait in WAITS[:2]:
        assert deliver(means).attempts == 1
        assert row(cast, "a", "coordinator").next_attempt_at == clock.now + wait
        clock.pass_by(seconds=wait.total_seconds() - 1)
        assert deliver(means).attempts == 0
        clock.pass_by(seconds=1)
    assert deliver(means).attempts == 1
    assert row(cast, "a", "coordinator").state == "sent"
    assert len({message for _, message in bag.sent}) == 1
    assert told(cast, "notice.failed") == []


def test_a_letter_that_will_never_be_taken_is_told_to_the_coordinator_at_once(cast: Cast) -> None:
    bag = Mailbag([Refused(permanent=True, code="550 5.1.1")])
    means = means_of(cast, Clock(), bag)
    write(cast, means, "manager_em", "a")
    deliver(means)
    failed = row(cast, "a", "manager_em")
    assert (failed.state, failed.code, failed.attempts) == ("failed", "550 5.1.1", 1)
    (letter,) = letters(cast, "notice_given_up")
    assert letter["person_id"] == cast.people["coordinator"]
    assert "Perle Obsidienne" in body(letter)
    assert "550 5.1.1" in body(letter)
    assert len(told(cast, "notice.failed")) == 1


def test_a_letter_is_given_up_after_its_ladder_and_the_coordinator_hears_of_it_once(cast: Cast) -> None:
    clock = Clock()
    bag = Mailbag([Later("451")] * (len(WAITS) + 1))
    means = means_of(cast, clock, bag)
    write(cast, means, "manager_em", "a")
    for _ in range(len(WAITS) + 1):
        assert deliver(means, most=1).attempts == 1
        clock.pass_by(days=2)
    assert row(cast, "a", "manager_em").state == "failed"
    assert len(letters(cast, "notice_given_up")) == 1
    assert deliver(means).attempts == 1, "the letter to the coordinator"
    assert deliver(means).attempts == 0


def test_of_one_persons_letters_that_fail_on_a_day_the_coordinator_hears_once(cast: Cast) -> None:
    clock = Clock()
    refusing = Refused(permanent=True, code="550")
    means = means_of(cast, clock, Mailbag([refusing] * 4))
    for key in ("a", "b", "c"):
        write(cast, means, "manager_em", key)
    write(cast, means, "worker_codim", "a")
    deliver(means, most=4)
    deliver(means)
    about = [letter["subject"] for letter in letters(cast, "notice_given_up")]
    assert [name in subject for subject, name in zip(about, ("Perle Obsidienne", "Garnet Schist"), strict=True)]
    assert len(told(cast, "notice.failed")) == 4, "each is on the page of outgoing mail"
    # The address is mended, and that one fails too: this is news, on the same day.
    with means.sessions(cast.program_id) as session:
        person = session.get_one(Person, (cast.program_id, cast.people["manager_em"]))
        person.email = "perle@en-marge.example"
        session.commit()
    write(cast, means, "manager_em", "d")
    deliver(means_of(cast, clock, Mailbag([refusing])))
    assert len(letters(cast, "notice_given_up")) == 3
    # And so is the next day's.
    clock.pass_by(days=1)
    deliver(means)
    write(cast, means, "worker_codim", "b")
    deliver(means_of(cast, clock, Mailbag([refusing])))
    assert len(letters(cast, "notice_given_up")) == 4


def test_a_letter_to_the_coordinator_about_a_letter_that_fails_makes_no_circle(cast: Cast) -> None:
    bag = Mailbag([Refused(permanent=True, code="550")] * GONE_OUT_OF_HAND)
    means = means_of(cast, Clock(), bag)
    write(cast, means, "manager_em", "a")
    deliver(means)
    deliver(means)
    assert len(bag.sent) == 2
    assert deliver(means).attempts == 0


@pytest.mark.parametrize("answer", [Later("connect"), Refused(permanent=False, code="sign_in")], ids=lambda a: a.code)
def test_where_the_relay_itself_is_the_trouble_the_other_letters_keep_their_attempts(
    cast: Cast, answer: Later | Refused
) -> None:
    bag = Mailbag([answer])
    means = means_of(cast, Clock(), bag)
    for name in ("coordinator", "manager_em", "worker_codim"):
        write(cast, means, name, "a")
    done = deliver(means)
    assert (done.attempts, done.rest) == (1, True)
    assert [row(cast, "a", name).attempts for name in ("coordinator", "manager_em", "worker_codim")] == [1, 0, 0]


def test_a_worker_that_dies_after_sending_leaves_a_letter_that_goes_again_after_its_lease(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    bag = Mailbag()
    means = means_of(cast, clock, bag)
    write(cast, means, "coordinator", "a")

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(post, "_write_down", killed)
    with pytest.raises(Killed):
        deliver(means)
    monkeypatch.undo()
    assert deliver(means).attempts == 0, "it may be on its way: another worker leaves it alone"
    clock.pass_by(seconds=post.LEASE.total_seconds())
    assert deliver(means).attempts == 1
    assert len({message for _, message in bag.sent}) == 1, "so that a relay that had it can tell"


@pytest.mark.ci
def test_two_workers_share_the_letters_and_send_none_twice(cast: Cast) -> None:
    bag = Mailbag()
    means = means_of(cast, Clock(), bag)
    for n in range(30):
        write(cast, means, "coordinator", f"letter-{n}")
    workers = [threading.Thread(target=deliver, args=(means,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(bag.sent) == len({message for _, message in bag.sent}) == 30


def test_without_a_relay_letters_wait_and_none_counts_as_tried(cast: Cast) -> None:
    means = means_of(cast, Clock())
    write(cast, means, "coordinator", "a")
    without = Means(means.sessions, means.open_sessions, means.clock, None)
    assert deliver(without).attempts == 0
    assert row(cast, "a", "coordinator").attempts == 0


# ------------------------------------------------------------------------------------------------ with a real server


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def by_smtp(cast: Cast, clock: Clock, port: int, *, timeout: float = 1.0) -> tuple[Means, SmtpMailer]:
    mailer = SmtpMailer("127.0.0.1", port, envelope_from="spheres@program.example", encryption="none", timeout=timeout)
    means = means_of(cast, clock)
    return Means(means.sessions, means.open_sessions, means.clock, mailer), mailer


def test_a_relay_that_postpones_refuses_and_drops_gets_every_letter_in_the_end(cast: Cast, relay: SmtpServer) -> None:
    clock = Clock()
    means, mailer = by_smtp(cast, clock, relay.port)
    names = ["coordinator", "manager_em", "worker_codim", "director_la"]
    for name in names:
        write(cast, means, name, "a")
    relay.rcpt[:] = ["", f"451 4.7.1 later, {PROSE}", "", f"550 5.1.1 {PROSE}"]
    relay.data[:] = ["", SmtpServer.DROP]
    assert deliver(means, most=4).attempts == 4
    assert row(cast, "a", "coordinator").state == "sent"
    assert (row(cast, "a", "manager_em").state, row(cast, "a", "manager_em").code) == ("queued", "451 4.7.1")
    assert row(cast, "a", "worker_codim").state == "queued", "it may have arrived, or not"
    assert (row(cast, "a", "director_la").state, row(cast, "a", "director_la").code) == ("failed", "550 5.1.1")
    clock.pass_by(minutes=1)
    deliver(means)
    mailer.close()
    assert {row(cast, "a", name).state for name in names[:3]} == {"sent"}
    twice = [letter.message for letter in relay.received if letter.to.startswith("worker.codim")]
    assert len(twice) == 2
    assert twice[0] == twice[1]
    with cast.session() as session:
        written = " ".join(str(tuple(row)) for row in session.execute(select(NOTICE.c.code, NOTICE.c.state)))
    assert "Untel" not in written, "what a server writes in prose goes no further"


@pytest.mark.ci
def test_a_relay_that_says_nothing_holds_up_one_letter_and_no_other(cast: Cast, relay: SmtpServer) -> None:
    clock = Clock()
    means, mailer = by_smtp(cast, clock, relay.port, timeout=0.3)
    write(cast, means, "coordinator", "a")
    write(cast, means, "manager_em", "a")
    relay.data[:] = [SmtpServer.SLOW]
    deliver(means)
    mailer.close()
    assert row(cast, "a", "coordinator").state == "queued"
    assert row(cast, "a", "manager_em").state == "sent"


def test_a_relay_that_is_away_costs_one_letter_one_attempt(cast: Cast) -> None:
    clock = Clock()
    with SmtpServer() as gone:
        port = gone.port
    means, _ = by_smtp(cast, clock, port)
    write(cast, means, "coordinator", "a")
    write(cast, means, "manager_em", "a")
    assert deliver(means).rest
    assert row(cast, "a", "manager_em").attempts == 0
    assert row(cast, "a", "coordinator").next_attempt_at == AT + timedelta(minutes=1)
