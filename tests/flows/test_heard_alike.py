"""Two referrals, day by day: one of a person who was known, one of a person who was not. Who wrote them hears alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.accompaniment import referred_again, workers
from domain.admissions import asking_referrers, duplicates, first_meetings, triage
from domain.kernel.actors import OUTSIDE, Actor
from domain.participants import ReferralForm, links, reading, referring
from domain.rights.told import told_of
from tests.api.application import client_for, nobody
from tests.cast import AT, Arranged, Cast
from tests.flows.support import body, carry_all, means_of
from tests.following import SECOND, WORKER, agreed, followed, known_as_somebody, row_of
from tests.referring import ONDINE, ROMARIN, declare_admission, look_at_everything, participant_of, refer
from tests.refusing import refused

DAY: Final = timedelta(days=1)
_AUTHOR: Final = "manager_codim"


@pytest.fixture
def admitting(cast: Cast, arranged: Arranged[None]) -> Cast:
    """A program that carries admissions, its agreements in force, in which Ondine is accompanied."""

    def prepare(cast: Cast) -> None:
        declare_admission(cast)
        with cast.session() as session:
            agreed(session, cast)
            known_as_somebody(session, row_of(session, followed(session, cast))["participant_id"])

    arranged(cast, prepare)
    return cast


class _TwoLives:
    """The referrals of a person who is accompanied and of somebody new, by the same way; what is heard of each."""

    def __init__(self, cast: Cast, way: str) -> None:
        self.cast, self.at, self.by = cast, AT, cast.actor("coordinator")
        self.tokens: dict[UUID, str] = {}
        with cast.session() as session:
            found = session.execute(text("select participant_id from follow_up")).scalar_one()
            self.known = UUID(str(found))
        self.of_known, self.of_new = (self._refer(form, way) for form in (ONDINE, ROMARIN))
        with cast.session() as session:
            self.new = participant_of(session, self.of_new)
        self.compare()

    def _refer(self, form: ReferralForm, way: str) -> UUID:
        if way == "page":
            return refer(self.cast, form, by=_AUTHOR)
        said = replace(form, referrer_name="Jonc Osier", referrer_contact="450 555-0101")
        with self.cast.session() as session:
            _, token = links.make_link(session, by=self.by, at=AT)
            referral_id = referring.refer_by_link(session, token, said, by=Actor.system(OUTSIDE), at=AT)
        self.tokens[referral_id] = token
        return referral_id

    def day(self, act: Callable[[Any], object] | None = None) -> None:
        """One day later something is done of both, the engine goes on, and both are looked at."""
        self.at += DAY
        if act is not None:
            with self.cast.session() as session:
                act(session)
        carry_all(means_of(self.cast, lambda: self.at))
        self.compare()

    def compare(self) -> None:
        """Look at all that is heard of both."""
        assert self._heard(self.of_known) == self._heard(self.of_new)

    def letters(self, referral_id: UUID) -> list[str]:
        """What was written to who referred, without the reference: no other letter goes to them."""
        with self.cast.session() as session:
            own = reading.own(session, referral_id)
            rows = session.execute(
                text("select * from notice where person_id = :who order by n"), {"who": self.cast.people[_AUTHOR]}
            ).mappings()
            texts = [f"{row['template']}\n{body(dict(row))}" for row in rows]
        assert own is not None
        return [one.replace(own.reference, "·") for one in texts if own.reference in one]

    def _heard(self, referral_id: UUID) -> list[str]:
        with self.cast.session() as session:
            own = reading.own(session, referral_id)
            assert own is not None
            everything = session.execute(
                text("select count(*) from notice where person_id = :who"), {"who": self.cast.people[_AUTHOR]}
            ).scalar_one()
        assert everything == len(self.letters(self.of_known)) + len(self.letters(self.of_new)), "each says of which"
        if referral_id in self.tokens:
            token = self.tokens[referral_id]
            client = nobody(self.cast.database, at=self.at)
            pages = [client.get(f"/refer/{token}").text, str(client.post(f"/refer/{token}", data={}).status_code)]
            hidden = [own.reference, token]
        else:
            client = client_for(self.cast.database, self.cast.people[_AUTHOR], at=self.at)
            mine = client.get("/api/v1/referrals").json()
            (listed,) = [one for one in mine.pop("mine") if one["id"] == str(referral_id)]
            others = [f"/api/v1/referrals/{referral_id}", f"/referrals/{referral_id}/hearing"]
            codes = [client.get(one).status_code for one in others]
            pages = [client.get(f"/referrals/{referral_id}").text, str(listed), str(mine), str(codes)]
            hidden = [own.reference, str(referral_id)]
        shown = [*pages, *self.letters(referral_id)]
        for each in hidden:
            shown = [one.replace(each, "·") for one in shown]
        return shown

    def hears(self, session: Any, what: str, **said: Any) -> None:
        """The coordinator says what who referred the known person hears."""
        referred_again.say_to_who_referred(session, self.of_known, what, by=self.by, at=self.at, **said)

    def asked(self, session: Any) -> None:
        """Both are asked for the same."""
        for one in (self.of_known, self.of_new):
            triage.ask_referrer(session, one, ["setting"], by=self.by, at=self.at)

    def answered(self, session: Any) -> None:
        """Both answer."""
        for one in (self.of_known, self.of_new):
            asking_referrers.answer(session, one, ReferralForm(setting="Foyer"), by=self.by, at=self.at)

    def triaged(self, session: Any) -> None:
        """One goes to the committee; the other is found to be of a known person."""
        look_at_everything(session, self.cast, self.of_new, at=self.at)
        triage.triage(session, self.of_new, "committee", by=self.by, at=self.at)
        duplicates.join_referral(session, self.of_known, self.known, reason="La même", by=self.by, at=self.at)


@pytest.mark.ci
@pytest.mark.parametrize("way", ["page", "link"])
def test_until_a_worker_another_and_a_no_each_hears_the_same_on_the_same_day(admitting: Cast, way: str) -> None:
    lives = _TwoLives(admitting, way)
    people = admitting.people

    def given(session: Any) -> None:
        triage.take_back_triage(session, lives.of_new, by=lives.by, at=lives.at)
        triage.triage(session, lives.of_new, "forwarded", reason="Danger", by=lives.by, at=lives.at)
        workers.forward(session, lives.new, people[WORKER], by=lives.by, at=lives.at)
        lives.hears(session, "worker", worker_id=people[WORKER])

    def another(session: Any) -> None:
        workers.name_another(session, lives.new, people[SECOND], by=lives.by, at=lives.at)
        lives.hears(session, "worker", worker_id=people[SECOND])

    def declined(session: Any) -> None:
        first_meetings.decline(session, lives.new, by=lives.by, at=lives.at)
        lives.hears(session, "not_admitted")

    for act in (lives.asked, None, lives.triaged, lives.answered, given, another, declined):
        lives.day(act)
    heard = lives.letters(lives.of_known)
    assert len(heard) == (2 if way == "page" else 0)
    with admitting.session() as session:
        session.execute(text("update notice set state = 'sent', sent_at = created_at, next_attempt_at = null"))
        told = [one.said for one in told_of(session, lives.known) if one.kind.startswith("referrer")]
    assert told == [*({"way": "letter"} for _ in heard), {"stands": "not_admitted", "offered": []}], (
        "who hears says all"
    )
    assert ["replaces our last letter" in one for one in heard] == [False, True][: len(heard)]


@pytest.mark.ci
@pytest.mark.parametrize("way", ["page", "link"])
def test_who_is_not_admitted_and_what_was_offered_is_said_alike(admitting: Cast, way: str) -> None:
    lives = _TwoLives(admitting, way)

    def no(session: Any) -> None:
        triage.triage(
            session,
            lives.of_new,
            "refused",
            reason="Hors des critères : Ondine",
            offered="Le CLSC de Romarin",
            offers=["later", "health"],
            by=lives.by,
            at=lives.at,
        )
        duplicates.join_referral(session, lives.of_known, lives.known, reason="La même", by=lives.by, at=lives.at)
        lives.hears(session, "not_admitted", offers=["health", "later"])

    lives.day(no)
    (shown, *_) = lives._heard(lives.of_new)
    assert "Health or social services; To be referred again later" in shown
    assert "CLSC" not in shown, "what is written is sealed, and for who may open it"
    lives.day()


@pytest.mark.ci
def test_what_they_heard_is_taken_back_by_nobody_and_said_of_the_known_alone(admitting: Cast) -> None:
    lives = _TwoLives(admitting, "page")
    with admitting.session() as session, refused("referral.not_joined"):
        lives.hears(session, "nothing")
    lives.day(lives.triaged)
    for wrong, code in (
        ({"worker_id": None}, "referral.which_worker"),
        ({"worker_id": admitting.people["manager_codim"]}, "referral.which_worker"),
    ):
        with admitting.session() as session, refused(code):
            lives.hears(session, "worker", **wrong)
    with admitting.session() as session, refused("triage.offers"):
        lives.hears(session, "not_admitted", offers=["Ondine"])
    with admitting.session() as session:
        lives.hears(session, "not_admitted", offers=["police"])
    for hears, of_whom in (("worker", admitting.people[WORKER]), ("not_admitted", None)):
        with admitting.session() as session, refused("referral.heard"):
            lives.hears(session, hears, worker_id=of_whom)
    with admitting.session() as session, refused("referral.no_worker"):
        lives.hears(session, "nothing", worker_id=admitting.people[WORKER])
    assert lives.letters(lives.of_known) == []


@pytest.mark.ci
def test_who_has_left_gets_no_letter_of_a_known_person_either(admitting: Cast) -> None:
    lives = _TwoLives(admitting, "page")
    lives.day(lives.triaged)
    with admitting.session() as session:
        session.execute(
            text("update tenure set ends_on = :day where person_id = :who"),
            {"day": lives.at.date() - DAY, "who": admitting.people[_AUTHOR]},
        )
        lives.hears(session, "worker", worker_id=admitting.people[WORKER])
    assert lives.letters(lives.of_known) == []


@pytest.mark.ci
def test_the_last_day_of_a_link_is_the_same_whoever_was_referred_by_it(admitting: Cast) -> None:
    lives = _TwoLives(admitting, "link")
    lives.day(lives.triaged)
    for moment, status in ((AT + links.SHOWS - DAY, 200), (AT + links.SHOWS, 404)):
        client = nobody(admitting.database, at=moment)
        assert [client.get(f"/refer/{one}").status_code for one in lives.tokens.values()] == [status, status]
        said = [client.post(f"/refer/{one}", data={"do": "answer"}).status_code for one in lives.tokens.values()]
        assert said[0] == said[1]
