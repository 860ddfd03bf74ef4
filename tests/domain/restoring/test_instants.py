"""Copies from random instants of a made-up stretch of acts, put back one after another: nothing comes back to life."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Final
from uuid import UUID

import pytest

from adapters.keys import FileSealKeys
from domain.access import sign_ins
from domain.participants import links
from domain.record import check, seals
from flows.post import deliver
from meetings import feeds
from tests.cast import AT
from tests.domain.restoring.test_done_again import (
    _crash_before_commit,
    _end,
    candidate,
    destroy,
    enter_incident,
    letter,
    number,
    opens,
)
from tests.domain.restoring.test_put_back import decide, end_access, is_open, sign_in
from tests.restored import Installed, installed, kept_aside

__all__ = ["installed"]

#: Whose access ends and begins; the coordinator does it.
PEOPLE: Final = ("manager_em", "manager_la", "worker_ccsmtl", "privacy_officer")
LATER: Final = AT + timedelta(hours=1)


@dataclass
class Known:
    """What the database of a moment holds, as the acts that led there say."""

    candidates: set[UUID] = field(default_factory=set)
    kept_out: set[str] = field(default_factory=set)

    def copied(self) -> Known:
        return Known(set(self.candidates), set(self.kept_out))


@dataclass
class Stretch:
    """People's acts one after another, and what may never be undone of them, whatever is put back."""

    house: Installed
    chance: random.Random
    known: Known = field(default_factory=Known)
    destroyed: set[UUID] = field(default_factory=set)
    ended_since: set[str] = field(default_factory=set)
    tokens: list[tuple[Callable[[str], bool], str]] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    keys: int = 0

    def act(self) -> None:
        acts = [self.come, self.go, self.end, self.address, self.link, self.refer, self.forget, self.write, self.post]
        self.chance.choice([*acts, self.count, self.seal, self.decide, self.die])()

    def come(self) -> None:
        name = self.chance.choice(PEOPLE)
        if name in self.known.kept_out:
            with pytest.raises(sign_ins.NotLetIn):
                sign_in(self.house, name)
            return
        self.tokens.append((lambda token: is_open(self.house, token), sign_in(self.house, name)))

    def go(self) -> None:
        for _, token in self.tokens[-3:]:
            with self.house.session() as session:
                sign_ins.end_by_token(session, token, at=LATER)

    def end(self) -> None:
        name = self.chance.choice(PEOPLE)
        end_access(self.house, name)
        self.ended_since.add(name)

    def address(self) -> None:
        whose = self.house.person("coordinator")
        with self.house.session() as session:
            if len(feeds.feeds_of(session, whose)) == feeds.MOST:
                first = feeds.feeds_of(session, whose)[0]
                feeds.end(session, whose, first.id, by=self.house.actor("coordinator"), at=AT)
            path = feeds.make(session, whose, by=self.house.actor("coordinator"), at=AT)
        token = path.removeprefix("/calendar/").removesuffix(".ics")
        self.tokens.append((self._is_a_feed, token))

    def link(self) -> None:
        with self.house.session() as session:
            made, token = links.make_link(session, by=self.house.actor("coordinator"), at=AT)
        self.tokens.append((self._is_a_link, token))
        if self.chance.random() < 0.5:
            with self.house.session() as session:
                links.end_link(session, made, by=self.house.actor("coordinator"), at=AT)

    def refer(self) -> None:
        self.known.candidates.add(candidate(self.house))

    def forget(self) -> None:
        living = sorted(self.known.candidates - self.destroyed)
        if living:
            whose = self.chance.choice(living)
            destroy(self.house, whose)
            self.destroyed.add(whose)

    def write(self) -> None:
        self.keys += 1
        assert letter(self.house, *_news(self.keys))

    def post(self) -> None:
        deliver(self.house.means)

    def count(self) -> None:
        self.numbers += [number(self.house), f"incident {enter_incident(self.house)}"]

    def seal(self) -> None:
        with self.house.session() as session:
            seals.seal_next(session, FileSealKeys(self.house.settings.seal_keys))

    def decide(self) -> None:
        if self.chance.random() < 0.3:
            decide(self.house)
            self.known.kept_out = set()

    def die(self) -> None:
        """The process dies in the middle of ending an access, and another is started."""
        name = self.chance.choice(PEOPLE)
        _crash_before_commit(self.house, _end(self.house, name))
        self.house.start()
        self.known.kept_out.add(name)

    # ------------------------------------------------------------------------------------------- what is put back

    def live_through(self) -> None:
        """Some acts, a copy in the middle of them, and the copy put back: with the keys of then, or those of now."""
        for _ in range(self.chance.randrange(8)):
            self.act()
        copy, then = self.house.copy(), self.known.copied()
        put_keys_back = kept_aside(self.house.settings.people_keys)
        self.ended_since = set()
        begun = len(self.house.ledger.lines())
        before = {row["n"] for row in self.house.rows("select n from ledger_seen")}
        for _ in range(self.chance.randrange(12)):
            self.act()
        known_now = {row["n"] for row in self.house.rows("select n from ledger_seen")}
        self.house.put_back(copy)
        if self.chance.random() < 0.5:
            put_keys_back()
        at_the_end, self.known = self.known, then
        self.house.start()
        open_ones = self.house.rows("select person_id from restored_matter where decided_at is null")
        waits = {row["person_id"] for row in open_ones}
        self.known.kept_out = {name for name in PEOPLE if self.house.person(name) in waits}
        assert self.known.kept_out >= then.kept_out | self.ended_since
        assert self.known.kept_out <= then.kept_out | self.ended_since | at_the_end.kept_out
        self.look(lost=len(known_now - before), begun=begun)

    def look(self, *, lost: int, begun: int) -> None:
        """Nothing of what may not come back is back."""
        house = self.house
        assert [one for one in self.destroyed if opens(house, one)] == []
        alive = {row["id"] for row in house.rows("select id from participant where state <> 'destroyed'")}
        assert alive & self.destroyed == set()
        assert all(opens(house, one) for one in alive)
        if lost:
            assert [token for holds, token in self.tokens if holds(token)] == []
            (row,) = house.rows("select lines from epoch order by number desc limit 1")
            assert row["lines"] >= lost
        for n in range(1, self.keys + 1):
            letter(house, *_news(n))  # a round that comes to the same cause
        deliver(house.means)
        assert [(key, n) for key, n in self._sent().items() if n > 1] == []
        self.count()
        assert [(one, n) for one, n in Counter(self.numbers).items() if n > 1] == []
        assert len(house.ledger.lines()) >= begun
        self.seal()
        with house.session() as session:
            assert check(session, FileSealKeys(house.settings.seal_keys)).findings == []

    def _sent(self) -> Counter[str]:
        """How often each letter was handed over, by the address in it."""
        found: Counter[str] = Counter()
        for _, message in self.house.mailbag.sent:
            body = message_from_bytes(message, policy=policy.default).get_body(("plain",))
            assert body is not None
            found.update(word for word in str(body.get_content()).split() if "/people/0000" in word)
        return found

    def _is_a_feed(self, token: str) -> bool:
        with self.house.session() as session:
            return feeds.look(session, token) is not None

    def _is_a_link(self, token: str) -> bool:
        with self.house.session() as session:
            return links.program_behind(session, token, at=AT) is not None


def _news(n: int) -> tuple[str, str]:
    """The key of a letter, and the page that it leads to, by which it is known again."""
    return f"news-{n}", f"/people/{UUID(int=n)}"


def _live(house: Installed, seed: int, instants: int) -> None:
    stretch = Stretch(house, random.Random(seed))  # noqa: S311  # the same each time
    for _ in range(instants):
        stretch.live_through()


@pytest.mark.ci
@pytest.mark.parametrize("seed", range(4))
def test_twenty_copies_from_random_instants_bring_nothing_back(installed: Installed, seed: int) -> None:
    _live(installed, seed, 5)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 120))
def test_two_hundred_copies_from_random_instants_bring_nothing_back(installed: Installed, seed: int) -> None:
    _live(installed, seed, 10)
