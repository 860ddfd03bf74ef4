"""Referring somebody: saved as one goes, sealed from the first word, sent once; and what cannot be said of anybody."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from domain.kernel.actors import OUTSIDE, Actor
from domain.kernel.refusals import Refusal
from domain.participants import links, referring, retention
from domain.participants.identity import open_identity
from domain.participants.referral_form import ReferralForm
from models.base import table_of
from models.casework import Case
from models.participant import DataKey, Participant
from models.referral import Referral
from tests.cast import AT, KEYS, TODAY, Cast
from tests.models.conftest import as_superuser
from tests.referring import ONDINE, declare_admission, participant_of, refer

_participant = table_of(Participant)
_referral = table_of(Referral)
OUTSIDER = Actor.system(OUTSIDE)


@pytest.mark.ci
def test_a_referral_is_sealed_from_its_first_word_and_no_column_says_who(cast: Cast) -> None:
    with cast.session() as session:
        referring.begin_referral(session, replace(ONDINE, reasons=""), by=cast.actor("worker_ccsmtl"), at=AT)
    assert _found_in_the_clear(cast, "Ondine") == []
    refer(cast)
    for word in ("Ondine", "Foug", "5550144", "pinettes", "sortir d’une situation", "Foyer de groupe"):
        assert _found_in_the_clear(cast, word) == [], word


def _found_in_the_clear(cast: Cast, word: str) -> list[str]:
    """The tables in which a word stands, bytes included: the whole database is read."""
    with as_superuser(cast.database) as connection:
        names = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
        return [
            name
            for name in names
            if connection.execute(
                text(f'select count(*) from "{name}" t where t::text ilike :word or t::text ilike :hex'),  # noqa: S608
                {"word": f"%{word}%", "hex": f"%{word.encode().hex()}%"},
            ).scalar_one()
        ]


def test_the_search_finds_what_stands_in_the_clear(cast: Cast) -> None:
    """Else the test above would be content with anything."""
    assert "person" in _found_in_the_clear(cast, "Améthyste")


def test_a_sent_referral_is_a_candidate_with_a_case_of_the_coordinator_s(cast: Cast) -> None:
    declare_admission(cast)
    referral_id = refer(cast)
    with cast.session() as session:
        participant_id = participant_of(session, referral_id)
        row = session.execute(select(_participant).where(_participant.c.id == participant_id)).one()
        case = session.execute(select(table_of(Case)).where(table_of(Case).c.participant_id == participant_id)).one()
        who = open_identity(session, participant_id, by=cast.actor("coordinator"), at=AT, ground="role")
    assert (row.state, row.number, row.languages, row.area) == ("candidate", None, ["fr"], "laval")
    assert row.candidate_ref.startswith("C-")
    assert (case.state, case.subject_kind) == ("open", "participant")
    assert (who.name, who.birth_date) == ("Ondine Fougère-Lys", date(2010, 5, 4))


def test_a_draft_is_its_author_s_alone_and_goes_on_where_it_was_left(cast: Cast) -> None:
    author, other = cast.actor("worker_ccsmtl"), cast.actor("worker_codim")
    begun = ReferralForm(given_name="Ondine")
    with cast.session() as session:
        referral_id = referring.begin_referral(session, begun, by=author, at=AT)
        version = referring.save_referral(session, referral_id, ONDINE, by=author, at=AT, seen=1)
    with cast.session() as session:
        form, seen = referring.draft_of(session, referral_id, by=author, at=AT)
        assert (form, seen) == (ONDINE, version)
        for refused in (other, cast.actor("coordinator")):
            with pytest.raises(Refusal, match=r"referral\.unknown"):
                referring.draft_of(session, referral_id, by=refused, at=AT)
        with pytest.raises(Refusal, match=r"referral\.changed"):
            referring.save_referral(session, referral_id, begun, by=author, at=AT, seen=1)
        referring.send_referral(session, referral_id, ONDINE, by=author, at=AT)
        with pytest.raises(Refusal, match=r"referral\.unknown"):
            referring.draft_of(session, referral_id, by=author, at=AT)
        with pytest.raises(Refusal, match=r"referral\.unknown"):
            referring.send_referral(session, referral_id, ONDINE, by=author, at=AT)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"birth_date": TODAY + timedelta(days=1)}, "referral.born_later"),
        ({"birth_date": date(1899, 12, 31)}, "referral.born_before"),
        ({"birth_date": None, "age": None}, "referral.no_age"),
        ({"birth_date": None, "age": -1}, "referral.age"),
        ({"birth_date": None, "age": 121}, "referral.age"),
        ({"given_name": "  "}, "referral.name"),
        ({"reasons": ""}, "referral.no_reasons"),
        ({"phone": "", "email": "", "address": "", "contact_note": ""}, "referral.no_contact"),
        ({"email": "not an address"}, "referral.email"),
        ({"area": "moon"}, "referral.area"),
        ({"languages": ("fr", "Ondine le parle")}, "referral.language"),
        ({"reasons": "x" * 4001}, "referral.too_long"),
        ({"reasons": "a\x00b"}, "referral.no_text"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_half_done(
    cast: Cast, change: dict[str, object], code: str
) -> None:
    author = cast.actor("worker_ccsmtl")
    wrong = replace(ONDINE, **change)  # type: ignore[arg-type]  # as people type it
    with cast.session() as session:
        referral_id = referring.begin_referral(session, ONDINE, by=author, at=AT)
    with cast.session() as session, pytest.raises(Refusal) as refused:
        referring.send_referral(session, referral_id, wrong, by=author, at=AT)
    assert refused.value.code == code
    assert "Ondine" not in str(refused.value)
    with cast.session() as session:
        assert session.scalar(select(_referral.c.state).where(_referral.c.id == referral_id)) == "draft"
        assert referring.draft_of(session, referral_id, by=author, at=AT)[0] == ONDINE


def test_an_age_without_a_birth_date_is_enough(cast: Cast) -> None:
    referral_id = refer(cast, replace(ONDINE, birth_date=None, age=15))
    with cast.session() as session:
        who = open_identity(
            session, participant_of(session, referral_id), by=cast.actor("coordinator"), at=AT, ground="role"
        )
    assert (who.birth_date, who.age, who.age_on) == (None, 15, TODAY)


def test_references_of_candidates_tell_neither_order_nor_number(cast: Cast) -> None:
    for _ in range(12):
        refer(cast)
    with cast.session() as session:
        rows = session.execute(select(_participant.c.candidate_ref, _participant.c.id)).all()
    references = [row.candidate_ref for row in rows]
    assert len(set(references)) == 12
    assert sorted(references) != references or references[::-1] == sorted(references)
    assert all(len(one) == 8 for one in references)


def test_a_link_refers_one_person_once_and_opening_it_changes_nothing(cast: Cast) -> None:
    outside = replace(ONDINE, referrer_name="Jonc Osier", referrer_contact="450 555-0101")
    with cast.session() as session:
        _, token = links.make_link(session, by=cast.actor("coordinator"), at=AT)
    with cast.session() as session:
        assert links.program_behind(session, token, at=AT) == cast.program_id
        assert links.program_behind(session, token, at=AT) == cast.program_id
        assert links.program_behind(session, "another", at=AT) is None
        assert links.program_behind(session, token, at=AT + links.LIFE) is None
    with cast.session() as session, pytest.raises(Refusal, match=r"referral\.no_referrer"):
        referring.refer_by_link(session, token, ONDINE, by=OUTSIDER, at=AT)
    with cast.session() as session:
        referral_id = referring.refer_by_link(session, token, outside, by=OUTSIDER, at=AT)
    with cast.session() as session:
        row = session.execute(select(_referral).where(_referral.c.id == referral_id)).one()
        assert (row.way, row.referred_by, row.state) == ("link", None, "received")
        with pytest.raises(Refusal, match=r"referral_link\.closed"):
            referring.refer_by_link(session, token, outside, by=OUTSIDER, at=AT)
    assert _found_in_the_clear(cast, "Osier") == []


def test_of_two_who_use_a_link_at_the_same_instant_one_refers(cast: Cast) -> None:
    outside = replace(ONDINE, referrer_name="Jonc Osier", referrer_contact="450 555-0101")
    with cast.session() as session:
        _, token = links.make_link(session, by=cast.actor("coordinator"), at=AT)
    start, told = threading.Barrier(2), list[str]()

    def use() -> None:
        start.wait(10)
        try:
            with cast.session() as session:
                referring.refer_by_link(session, token, outside, by=OUTSIDER, at=AT)
            told.append("sent")
        except Refusal as refusal:
            told.append(refusal.code)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(told) == ["referral_link.closed", "sent"]


def test_a_link_that_was_taken_back_works_no_more(cast: Cast) -> None:
    with cast.session() as session:
        link_id, token = links.make_link(session, by=cast.actor("coordinator"), at=AT)
        links.end_link(session, link_id, by=cast.actor("coordinator"), at=AT)
        assert links.program_behind(session, token, at=AT) is None
        with pytest.raises(Refusal, match=r"referral_link\.over"):
            links.end_link(session, link_id, by=cast.actor("coordinator"), at=AT)


def test_without_keys_nothing_is_saved_and_one_sentence_says_so(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    referral_id = refer(cast)
    monkeypatch.setattr(KEYS, "broken", True)
    with cast.session() as session, pytest.raises(Refusal, match=r"keys\.unusable"):
        referring.begin_referral(session, ONDINE, by=cast.actor("worker_ccsmtl"), at=AT)
    with cast.session() as session:
        participant_id = participant_of(session, referral_id)
        with pytest.raises(Refusal, match=r"keys\.unusable"):
            open_identity(session, participant_id, by=cast.actor("coordinator"), at=AT, ground="role")
    monkeypatch.setattr(KEYS, "broken", False)
    with cast.session() as session:
        who = open_identity(session, participant_id, by=cast.actor("coordinator"), at=AT, ground="role")
        assert who.given_name == "Ondine", "nothing was lost"
        assert session.scalar(select(table_of(DataKey).c.id).where(table_of(DataKey).c.id != participant_id)) is None


def test_opening_who_somebody_is_stands_in_the_record_or_does_not_happen(cast: Cast) -> None:
    referral_id = refer(cast)
    with cast.session() as session:
        participant_id = participant_of(session, referral_id)
        open_identity(session, participant_id, by=cast.actor("coordinator"), at=AT, ground="role")
        with pytest.raises(Refusal, match=r"read\.purpose\.missing"):
            open_identity(session, participant_id, by=cast.actor("worker_codim"), at=AT, ground="purpose")
    with cast.session() as session:
        lines = session.execute(
            text("select actor_id, facts from event where verb = 'read' and subject_id = :id"), {"id": participant_id}
        ).all()
    assert [(line.actor_id, line.facts["what"]) for line in lines] == [(cast.people["coordinator"], "identity")]


def test_drafts_that_nobody_touches_are_destroyed_with_their_keys(cast: Cast) -> None:
    with cast.session() as session:
        left = referring.begin_referral(session, ONDINE, by=cast.actor("worker_ccsmtl"), at=AT)
        kept = referring.begin_referral(session, ONDINE, by=cast.actor("worker_codim"), at=AT + timedelta(days=10))
        gone, stays = participant_of(session, left), participant_of(session, kept)
    later = AT + referring.DRAFT_KEPT + timedelta(hours=1)
    orphan = UUID(int=7)
    KEYS.make(orphan)
    KEYS.made[orphan] = later - timedelta(days=2)
    with cast.session() as session:
        assert retention.sweep_drafts(session, by=Actor.system("rounds"), at=later) == 1
    assert gone in KEYS.keys, "the key goes once the row says so for good"
    KEYS.made[gone] = KEYS.made[stays] = later - timedelta(days=2)
    with cast.session() as session:
        others = {key: made for key, made in KEYS.made.items() if key not in (gone, stays, orphan)}
        for key in others:  # other tests' keys are of other databases, and young
            KEYS.made[key] = later
        assert retention.destroy_keys(session, at=later) == 1
    assert gone not in KEYS.keys
    assert orphan in KEYS.keys, "the worker takes away no key that no row speaks of"
    with cast.session() as session, cast.other.session() as elsewhere:
        retention.sweep_orphans([session, elsewhere], at=later)
    assert gone not in KEYS.keys
    assert orphan not in KEYS.keys
    assert stays in KEYS.keys
