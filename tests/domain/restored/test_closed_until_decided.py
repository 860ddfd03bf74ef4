"""What had ended before a restore counts as ended until a person has decided: each kind, and both decisions."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, select

from domain.access import sign_ins
from domain.accompaniment import barring, consents
from domain.agreements import terminations
from domain.casework import versions
from domain.departure import departures
from domain.follow_ups import assigning
from domain.kernel import Refusal, every, local_day, of
from domain.mail.envelopes import texts_of
from domain.participants import holds
from domain.people import people
from domain.research import consents as research
from domain.roles import standing, who_barred
from domain.terms import circle_of, not_sharing
from flows.protocols import PROTOCOLS, read_protocol
from models.access import Identity
from models.consent import Consent
from models.program import Tenure
from tests.agreeing import last_version
from tests.cast import AT, LOADING
from tests.domain.restored.coming_back import LATER, NOW, CameBack, come_back, participant_of
from tests.following import SECOND, THIRD, WORKER, agreed, followed
from tests.restored import Installed, installed

__all__ = ["installed"]

DAY = AT.date()

pytestmark = pytest.mark.ci
PARTNER = "codim"


def consented(house: Installed) -> CameBack[UUID]:
    """Someone withdrew their consent to sharing with one partner since the copy."""

    def stood(session: Session) -> UUID:
        agreed(session, house.cast)
        return participant_of(session, followed(session, house.cast))

    def ended(session: Session, participant_id: UUID) -> None:
        (consent,) = [
            one
            for one in every(session, of(Consent))
            if one.participant_id == participant_id and one.organization_id == house.cast.organizations[PARTNER]
        ]
        consents.withdraw(session, consent.id, by=house.actor(WORKER), at=LATER)

    return come_back(house, stood, ended)


def agrees(back: CameBack[UUID]) -> bool:
    place = back.house.cast.organizations[PARTNER]
    told: bool = back.asked(lambda session: circle_of(session, back.thing, DAY).agrees_to(place))
    stands: bool = back.asked(
        lambda session: consents.stands(session, back.thing, "sharing", DAY, organization_id=place)
    )
    assert told == stands
    return told


def test_a_consent_that_was_withdrawn_counts_as_withdrawn_until_it_is_withdrawn_again(installed: Installed) -> None:
    back = consented(installed)
    assert not agrees(back)
    back.again("consent.withdrawn")
    assert not agrees(back)
    (row,) = back.house.rows("select withdrawn_on, withdrawn_at from consent where withdrawn_on is not null")
    assert row == {"withdrawn_on": DAY, "withdrawn_at": LATER}
    assert back.decisions() == {"consent.withdrawn": "done_again"}
    assert [line["at"] for line in back.record("consent.withdrawn")] == [LATER]
    (line,) = back.record("restored.done_again")
    assert (line["facts"]["ended"], line["at"]) == ("consent.withdrawn", NOW)


def test_a_consent_stands_again_once_it_is_said_why_its_withdrawal_does_not_hold(installed: Installed) -> None:
    back = consented(installed)
    back.undone("consent.withdrawn")
    assert agrees(back)
    (row,) = back.house.rows("select decision, reason from restored_matter")
    assert row == {"decision": "left_undone", "reason": "They changed their mind"}


def test_a_consent_that_is_signed_after_the_restore_stands(installed: Installed) -> None:
    back = consented(installed)
    back.house.rows("update consent set recorded_at = :at returning id", at=NOW)
    assert agrees(back)


def test_a_consent_to_research_that_was_withdrawn_is_not_listed_until_it_is_decided(installed: Installed) -> None:
    def stood(session: Session) -> UUID:
        agreed(session, installed.cast)
        participant_id = participant_of(session, followed(session, installed.cast))
        research.keep_research_consent(session, participant_id, DAY, by=installed.actor("coordinator"), at=AT)
        return participant_id

    def ended(session: Session, participant_id: UUID) -> None:
        research.withdraw_research_consent(session, participant_id, by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, stood, ended)
    assert not back.asked(research.research_consents).rows
    back.undone("research_consent.withdrawn")
    assert len(back.asked(research.research_consents).rows) == 1


def ended_agreement(house: Installed, ends_on: date) -> CameBack[UUID]:
    def stood(session: Session) -> UUID:
        agreed(session, house.cast)
        return last_version(session, house.cast, PARTNER)

    def ended(session: Session, version_id: UUID) -> None:
        terminations.end_version(session, version_id, ends_on=ends_on, by=house.actor("coordinator"), at=LATER)

    return come_back(house, stood, ended)


def test_an_agreement_that_was_ended_shares_nothing_after_its_day_until_it_is_decided(installed: Installed) -> None:
    back = ended_agreement(installed, DAY)
    place = installed.cast.organizations[PARTNER]

    def closed(day: date) -> bool:
        found: bool = back.asked(lambda session: place in not_sharing(session, day))
        return found

    after = DAY + timedelta(days=1)
    assert (closed(DAY), closed(after)) == (False, True)
    back.again("agreement.ended")
    assert (closed(DAY), closed(after)) == (False, True)
    assert back.house.rows("select ends_on from agreement_version where state = 'ended'") == [{"ends_on": DAY}]


def test_an_agreement_goes_on_once_it_is_said_that_its_end_does_not_hold(installed: Installed) -> None:
    back = ended_agreement(installed, DAY)
    back.undone("agreement.ended")
    place, after = installed.cast.organizations[PARTNER], DAY + timedelta(days=1)
    assert not back.asked(lambda session: place in not_sharing(session, after))


def departed(house: Installed, last_day: date) -> CameBack[UUID]:
    def stood(session: Session) -> UUID:
        for key in ("departure", "recruiting"):
            versions.record_protocol(session, read_protocol(PROTOCOLS[key].file), by=LOADING, at=AT)
        agreed(session, house.cast)
        return followed(session, house.cast, worker=WORKER)

    def ended(session: Session, _: UUID) -> None:
        (place,) = {hat[1] for hat in house.cast.members[SECOND].hats}
        departures.open_departure(
            session,
            person_id=house.person(SECOND),
            organization_id=house.cast.organizations[place],
            last_day=last_day,
            planned=True,
            by=house.actor("coordinator"),
            at=LATER,
        )

    return come_back(house, stood, ended)


def may_be_given_one(back: CameBack[UUID]) -> bool:
    participant_id = back.asked(lambda session: participant_of(session, back.thing))

    def bar(session: Session) -> str:
        try:
            assigning.bar_to(session, participant_id, back.house.person(SECOND), kind="second", day=DAY)
        except Refusal as refusal:
            return refusal.code
        return ""

    code = back.asked(bar)
    assert code in ("", "assignment.leaving")
    return not code


def test_a_person_whose_departure_was_opened_is_given_no_follow_up_until_it_is_decided(installed: Installed) -> None:
    back = departed(installed, DAY + timedelta(days=100))
    assert not may_be_given_one(back)
    for matter in back.waiting():
        if matter.verb != "departure.opened":
            back.undone(matter.verb)
    assert not may_be_given_one(back)
    back.undone("departure.opened")
    assert may_be_given_one(back)


def test_a_departure_is_opened_again_by_one_act_with_all_that_it_ended(installed: Installed) -> None:
    back = departed(installed, DAY + timedelta(days=100))
    assert {one.verb for one in back.waiting()} >= {"departure.opened", "tenure.ended"}
    back.again("departure.opened")
    assert back.waiting() == []
    assert not may_be_given_one(back)
    (row,) = back.house.rows("select last_day from departure where called_off_at is null")
    assert row == {"last_day": DAY + timedelta(days=100)}


def test_who_has_a_part_in_a_departure_that_opens_again_is_told_that_it_takes_the_place_of_the_one_before(
    installed: Installed,
) -> None:
    back = departed(installed, DAY + timedelta(days=100))
    back.again("departure.opened")
    told = back.house.rows("select language, message from notice where template = 'case_opened'")
    said = {"en": "place of the one that was opened", "fr": "prend la place de celui"}
    letters = [(said[row["language"]], " ".join(" ".join(texts_of(row["message"])).split())) for row in told]
    assert letters
    assert [text for sentence, text in letters if sentence not in text] == []


def role_ended(house: Installed) -> CameBack[Tenure]:
    def stood(session: Session) -> Tenure:
        (held,) = [one for one in every(session, of(Tenure)) if one.person_id == house.person("manager_em")]
        return held

    def ended(session: Session, held: Tenure) -> None:
        people.end_tenure(session, held.id, ends_on=DAY - timedelta(days=1), by=house.actor("coordinator"), at=LATER)

    return come_back(house, stood, ended)


def holds_it(back: CameBack[Tenure], day: date) -> bool:
    found: bool = back.asked(lambda session: bool(standing(session, day).roles_of(back.thing.person_id)))
    return found


def test_a_role_that_had_ended_is_held_for_nothing_new_until_it_is_decided(installed: Installed) -> None:
    back = role_ended(installed)
    assert not holds_it(back, DAY)
    assert holds_it(back, DAY - timedelta(days=1))
    back.undone("tenure.ended")
    assert holds_it(back, DAY)


def test_a_role_is_ended_again_on_the_day_on_which_it_had_ended(installed: Installed) -> None:
    back = role_ended(installed)
    back.again("tenure.ended")
    assert not holds_it(back, DAY)
    assert back.house.rows("select ends_on from tenure where id = :id", id=back.thing.id) == [
        {"ends_on": DAY - timedelta(days=1)}
    ]


def barred(house: Installed) -> CameBack[UUID]:
    def stood(session: Session) -> UUID:
        agreed(session, house.cast)
        return participant_of(session, followed(session, house.cast, worker=WORKER))

    def ended(session: Session, participant_id: UUID) -> None:
        barring.bar(session, participant_id, house.person(WORKER), by=house.actor("coordinator"), at=LATER)

    return come_back(house, stood, ended)


def is_barred(back: CameBack[UUID]) -> bool:
    found: bool = back.asked(lambda session: back.thing in who_barred(session, back.house.person(WORKER)))
    asked = back.asked(lambda session: barring.is_barred(session, back.thing, back.house.person(WORKER)))
    assert found == asked
    return found


def test_whom_a_participant_had_barred_stays_barred_until_it_is_decided(installed: Installed) -> None:
    back = barred(installed)
    assert is_barred(back)
    with pytest.raises(Refusal) as refused:
        back.undone("participant.barred", by=WORKER)
    assert refused.value.code == "restored.own"
    back.undone("participant.barred")
    assert is_barred(back), "their part had ended too, and that is not decided"
    back.undone("follow_up.part_ended")
    assert not is_barred(back)


def test_a_worker_is_barred_again_and_their_part_ends(installed: Installed) -> None:
    back = barred(installed)
    back.again("participant.barred")
    assert is_barred(back)
    assert back.house.rows("select recorded_by from barred where lifted_at is null") == [
        {"recorded_by": installed.person("coordinator")}
    ]
    assert back.waiting() == []
    assert back.house.rows("select 1 from assignment where ended_at is null") == []


def test_a_worker_whose_part_had_ended_reads_nothing_of_the_file_until_it_is_decided(installed: Installed) -> None:
    def stood(session: Session) -> UUID:
        agreed(session, installed.cast)
        return followed(session, installed.cast, worker=WORKER)

    def ended(session: Session, follow_up_id: UUID) -> None:
        by = installed.actor("coordinator")
        assigning.end_part(session, follow_up_id, installed.person(WORKER), by=by, at=LATER)

    back = come_back(installed, stood, ended)
    whose = back.asked(lambda session: participant_of(session, back.thing))
    assert back.asked(lambda session: who_barred(session, installed.person(WORKER))) == {whose}
    back.again("follow_up.part_ended")
    assert back.asked(lambda session: who_barred(session, installed.person(WORKER))) == frozenset()
    assert back.house.rows("select 1 from assignment where ended_at is null") == []


def test_a_file_on_which_a_hold_was_placed_is_not_destroyed_until_it_is_decided(installed: Installed) -> None:
    from domain.participants.destruction import _refuse_unless_over  # noqa: PLC0415

    def stood(session: Session) -> UUID:
        agreed(session, installed.cast)
        return participant_of(session, followed(session, installed.cast))

    def ended(session: Session, participant_id: UUID) -> None:
        holds.place_hold(session, participant_id, reason="A trial", by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, stood, ended)

    def code(session: Session) -> str:
        from domain.participants.locking import hold_participant  # noqa: PLC0415

        with pytest.raises(Refusal) as refused:
            _refuse_unless_over(session, hold_participant(session, back.thing), "calendar", local_day(session, NOW))
        return refused.value.code

    assert back.asked(code) == "retention.undecided"
    back.again("retention.held")
    assert back.asked(code) == "retention.hold"


def test_an_access_is_ended_again_by_one_act_and_its_letter_is_not_sent_twice(installed: Installed) -> None:
    def ended(session: Session, _: object) -> None:
        from domain.departure import ways_in  # noqa: PLC0415

        whose, by = installed.person("manager_em"), installed.actor("coordinator")
        ways_in.shut_out(session, whose, by=by, at=LATER)
        people.tell_access_ended(session, whose, by=by, at=LATER)
        # As the post hands it over, the ledger says that it was sent.
        from domain.record import apart  # noqa: PLC0415

        (row,) = session.connection().execute(
            select(*_letter()).where(_letter()[1] == "access_ended")  # type: ignore[call-overload]
        )
        apart.note(session, apart.SENT, row.id, at=LATER, key=apart.digest_of_key(row.key), to=str(whose))

    def stood(session: Session) -> None:
        session.add(
            Identity(
                program_id=installed.cast.program_id,
                tenant_id=uuid4(),
                object_id=uuid4(),
                person_id=installed.person("manager_em"),
                linked_at=AT,
            )
        )

    back = come_back(installed, stood, ended)
    with pytest.raises(sign_ins.NotLetIn), installed.session() as session:
        sign_ins.begin(session, installed.person("manager_em"), means="demonstration", device="", at=NOW)
    back.again("access.ended")
    assert back.decisions() == {"access.ended": "done_again"}
    assert installed.rows("select 1 from notice where template = 'access_ended'") == []


def _letter() -> tuple[object, object, object]:
    from models.outbox import Notice  # noqa: PLC0415

    return Notice.id, Notice.template, Notice.key


def test_what_was_made_after_the_copy_is_noted_and_nothing_else(installed: Installed) -> None:
    def ended(session: Session, _: object) -> None:
        agreed(session, installed.cast)
        participant_id = participant_of(session, followed(session, installed.cast))
        barring.bar(session, participant_id, installed.person(THIRD), by=installed.actor("coordinator"), at=LATER)

    back = come_back(installed, lambda _: None, ended)
    matter = back.of("participant.barred")
    from domain.restored import standing  # noqa: PLC0415

    assert back.asked(lambda session: standing.standing_of(session, matter).can) == "gone"
    with pytest.raises(Refusal):
        back.again("participant.barred")
    back.noted("participant.barred")
    assert back.decisions() == {"participant.barred": "noted"}


def test_of_two_who_decide_at_once_the_second_is_told(installed: Installed) -> None:
    back = role_ended(installed)
    matter = back.of("tenure.ended")
    back.undone("tenure.ended")
    from domain.restored import deciding  # noqa: PLC0415

    with pytest.raises(Refusal) as refused, installed.session() as session:
        deciding.done_again(session, matter.id, by=installed.actor("coordinator"), at=NOW)
    assert refused.value.code == "restored.decided"


def test_no_one_decides_on_their_own_role(installed: Installed) -> None:
    back = role_ended(installed)
    with pytest.raises(Refusal) as refused:
        back.undone("tenure.ended", by="manager_em")
    assert refused.value.code == "restored.own"


def test_a_decision_without_a_reason_is_none(installed: Installed) -> None:
    back = role_ended(installed)
    from domain.restored import deciding  # noqa: PLC0415

    with pytest.raises(Refusal) as refused, installed.session() as session:
        deciding.leave_undone(
            session, back.of("tenure.ended").id, reason=" \n", by=installed.actor("coordinator"), at=NOW
        )
    assert refused.value.code == "reason.missing"
