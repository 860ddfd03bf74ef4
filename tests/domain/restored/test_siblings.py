"""Deciding one thing that a restore left decides that one alone: what is alike stays closed until it is decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session

from domain.access import passkeys
from domain.accompaniment import barring, consents
from domain.follow_ups import assigning
from domain.kernel import add_row, every, of
from domain.people import people
from domain.record.apart import CLOSINGS, ENDED
from domain.restored import deciding, matters
from domain.restored.again import AGAIN
from domain.restored.deciding import _done_with_it
from domain.roles import standing, who_barred
from domain.terms import circle_of
from models.access import Passkey
from models.consent import Consent
from models.ledger import RestoredMatter
from models.ports import LedgerFact, LedgerNote
from models.program import Tenure
from tests.cast import AT
from tests.domain.restored.coming_back import LATER, NOW, CameBack, come_back, participant_of
from tests.following import SECOND, WORKER, agreed, followed
from tests.restored import Installed, installed

__all__ = ["installed"]

DAY = AT.date()


def decide_one(back: CameBack[Any], verb: str) -> tuple[RestoredMatter, list[RestoredMatter]]:
    """Do one of several matters of an act again; that one, and those that it leaves."""
    one, *others = [matter for matter in back.waiting() if matter.verb == verb]
    assert others, "there is only one of them"
    with back.house.session() as session:
        deciding.done_again(session, one.id, by=back.house.actor("coordinator"), at=NOW)
    assert {matter.id for matter in back.waiting() if matter.verb == verb} == {matter.id for matter in others}
    assert [matter.id for matter in back.asked(matters.decided) if matter.verb == verb] == [one.id]
    return one, others


@pytest.mark.ci
def test_a_consent_that_is_withdrawn_again_leaves_those_to_other_partners_closed(installed: Installed) -> None:
    def stood(session: Session) -> UUID:
        agreed(session, installed.cast)
        return participant_of(session, followed(session, installed.cast))

    def ended(session: Session, participant_id: UUID) -> None:
        for one in every(session, of(Consent).where(Consent.participant_id == participant_id)):
            if one.purpose == "sharing":
                consents.withdraw(session, one.id, by=installed.actor(WORKER), at=LATER)

    back = come_back(installed, stood, ended)
    _, others = decide_one(back, "consent.withdrawn")
    circle = back.asked(lambda session: circle_of(session, back.thing, DAY))
    assert not [one for one in others if circle.agrees_to(UUID(str(one.facts["organization"])))]


@pytest.mark.ci
def test_a_role_that_is_ended_again_leaves_the_other_role_of_the_person_ended(installed: Installed) -> None:
    def stood(session: Session) -> list[Tenure]:
        held: dict[UUID, list[Tenure]] = {}
        for one in every(session, of(Tenure)):
            held.setdefault(one.person_id, []).append(one)
        return next(those for those in held.values() if len(those) > 1)

    def ended(session: Session, held: list[Tenure]) -> None:
        for one in held:
            day = DAY - timedelta(days=1)
            people.end_tenure(session, one.id, ends_on=day, by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, stood, ended)
    decide_one(back, "tenure.ended")
    assert not back.asked(lambda session: standing(session, DAY).roles_of(back.thing[0].person_id))


@pytest.mark.ci
def test_a_part_that_is_ended_again_leaves_the_other_worker_barred_from_the_file(installed: Installed) -> None:
    def stood(session: Session) -> UUID:
        agreed(session, installed.cast)
        return followed(session, installed.cast, worker=WORKER, second=SECOND)

    def ended(session: Session, follow_up_id: UUID) -> None:
        for name in (WORKER, SECOND):
            by = installed.actor("coordinator")
            assigning.end_part(session, follow_up_id, installed.person(name), by=by, at=LATER)

    back = come_back(installed, stood, ended)
    one, (other,) = decide_one(back, "follow_up.part_ended")
    whose = {back.asked(lambda session: participant_of(session, back.thing))}
    assert not back.asked(lambda session: who_barred(session, UUID(str(one.facts["worker"]))))
    assert back.asked(lambda session: who_barred(session, UUID(str(other.facts["worker"])))) == whose


@pytest.mark.ci
def test_a_passkey_that_is_removed_again_leaves_the_person_out_until_the_other_is(installed: Installed) -> None:
    whose = installed.person("manager_em")

    def stood(session: Session) -> list[UUID]:
        made = [
            Passkey(
                program_id=installed.cast.program_id,
                person_id=whose,
                credential_id=uuid4().hex,
                public_key=b"key",
                sign_count=0,
                device=f"key {n}",
                enrolled_at=AT,
            )
            for n in range(3)  # the last one is not removed
        ]
        for one in made:
            add_row(session, one)
        return [one.id for one in made]

    def ended(session: Session, made: list[UUID]) -> None:
        for one in made[:2]:
            passkeys.remove(session, whose, one, by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, stood, ended)
    _, (other,) = decide_one(back, "passkey.removed")
    live = {one["id"] for one in installed.rows("select id::text from passkey where ended_at is null")}
    assert live == {other.facts["passkey"], str(back.thing[2])}


@pytest.mark.ci
def test_who_is_barred_stays_so_while_another_matter_of_the_two_waits(installed: Installed) -> None:
    def stood(session: Session) -> UUID:
        agreed(session, installed.cast)
        return participant_of(session, followed(session, installed.cast, worker=WORKER))

    def ended(session: Session, participant_id: UUID) -> None:
        barring.bar(session, participant_id, installed.person(WORKER), by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, stood, ended)
    back.again("follow_up.part_ended")
    assert back.asked(lambda session: barring.is_barred(session, back.thing, installed.person(WORKER)))


@pytest.mark.ci
def test_no_line_of_an_act_explains_a_matter_that_says_anything_else(installed: Installed) -> None:
    with installed.session() as session:
        for number, verb in enumerate(sorted(AGAIN)):
            closing, subject = CLOSINGS[verb], uuid4()
            facts: dict[str, LedgerFact] = dict.fromkeys(
                (*closing.facts, *(["day"] if closing.day else [])), "the same"
            )
            said = [facts, facts, *({**facts, name: "another"} for name in facts)]
            mine, twin, *others = [
                RestoredMatter(
                    program_id=installed.cast.program_id,
                    id=uuid4(),
                    epoch=1,
                    kind=closing.matter,
                    verb=verb,
                    subject_kind="thing",
                    subject_id=subject,
                    facts=one,
                    ledger_n=10_000 + 100 * number + at,
                    at=AT,
                )
                for at, one in enumerate(said)
            ]
            for one in (mine, twin, *others):
                add_row(session, one)
            note = LedgerNote(ENDED, AT, installed.cast.program_id, subject, {"verb": verb, "of": "thing", **facts})
            assert _done_with_it(session, mine, [note]) == [], f"the line of {verb} explains itself"
            assert [one.id for one in _done_with_it(session, mine, [note, note])] == [twin.id], verb
        session.rollback()
