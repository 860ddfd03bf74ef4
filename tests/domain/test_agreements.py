"""A version of an agreement on its way: drafted, sent, signed by directors, in force from a day to a day."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session

from domain.agreements import agreements
from domain.agreements.agreements import (
    complete_signatures,
    draft_version,
    redraft_version,
    send_version,
    sign_version,
    signatures_of,
    start_version,
    version_in_force,
    withdraw_version,
)
from domain.agreements.terminations import call_off_version, end_version
from domain.agreements.unsigning import take_back
from domain.agreements.version_text import Content, content_of
from domain.kernel.refusals import Refusal
from domain.people.people import appoint, end_tenure
from models.agreement import Agreement, AgreementVersion, Signature
from models.base import table_of
from models.lifecycles import AGREEMENT_VERSION
from models.program import Tenure
from models.record import Event
from tests.agreeing import second_director
from tests.cast import AT, SINCE, TODAY, Cast, edited, program_file

DAY = timedelta(days=1)
_version = table_of(AgreementVersion)
_agreement = table_of(Agreement)


def draft_of(session: Session, cast: Cast, place: str = "en-marge") -> UUID:
    """The one version that the load drafted for an organization."""
    asked = (
        select(_version.c.id)
        .join(_agreement, agreements.of_agreement())
        .where(_agreement.c.organization_id == cast.organizations[place])
    )
    found: UUID = session.scalars(asked).one()
    return found


def another(session: Session, version_id: UUID, content: Content, cast: Cast) -> UUID:
    """Draft the next version of the same agreement."""
    agreement = session.scalars(select(_version.c.agreement_id).where(_version.c.id == version_id)).one()
    return draft_version(session, agreement, content, by=cast.actor("coordinator"), at=AT)


def signed(session: Session, cast: Cast, version_id: UUID, name: str = "director_em", on: date = TODAY) -> str:
    """Have a director sign on paper; what was not sent yet is sent to them first, if they sign it today."""
    if on == TODAY and row(session, version_id).state == "draft":
        send_version(session, version_id, by=cast.actor("coordinator"), at=AT)
    return sign_version(
        session, version_id, director_id=cast.people[name], signed_on=on, by=cast.actor("coordinator"), at=AT
    )


def unsigned(
    session: Session, cast: Cast, version_id: UUID, name: str = "director_em", reason: str = "Autre jour."
) -> None:
    """Take back a signature that was recorded from paper."""
    by = cast.actor("coordinator")
    take_back(session, version_id, director_id=cast.people[name], reason=reason, by=by, at=AT)


def started(session: Session, cast: Cast, version_id: UUID, day: date = TODAY) -> None:
    """Bring a version into force."""
    start_version(session, version_id, starts_on=day, by=cast.actor("coordinator"), at=AT)


def ended(session: Session, cast: Cast, version_id: UUID, day: date) -> None:
    """End a version."""
    end_version(session, version_id, ends_on=day, by=cast.actor("coordinator"), at=AT)


def content(place: str = "en-marge", *edits: tuple[str, str]) -> Content:
    """What the agreement of an organization says, in the real file or an edited one."""
    return content_of((edited(*edits) if edits else program_file()).value, place)


OTHER_WORDING = (("fr: Diriger vers le programme", "fr: Référer au programme"),)


def refusal(act: Callable[[], object]) -> str:
    """The code with which a rule refuses an act."""
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value.code


def row(session: Session, version_id: UUID) -> Any:
    """A version's row as it is now."""
    return session.execute(select(_version).where(_version.c.id == version_id)).one()


# -------------------------------------------------------------------------------------------- the whole journey


def test_an_agreement_is_drafted_sent_signed_in_force_and_ended(cast: Cast) -> None:
    with cast.session() as session:
        version = draft_of(session, cast)
        send_version(session, version, by=cast.actor("coordinator"), at=AT)
        assert signed(session, cast, version) == "signed"
        started(session, cast, version, TODAY + DAY)
        ended(session, cast, version, TODAY + 30 * DAY)
    with cast.session() as session:
        place = cast.organizations["en-marge"]
        days = [TODAY, TODAY + DAY, TODAY + 30 * DAY, TODAY + 31 * DAY]
        assert [version_in_force(session, place, day) is not None for day in days] == [False, True, True, False]
        event = table_of(Event)
        told = session.execute(select(event).where(event.c.subject_id == version).order_by(event.c.n)).all()
        assert [line.verb.removeprefix("agreement.") for line in told] == [
            "drafted",
            "sent",
            "signed",
            "started",
            "ended",
        ]
        assert told[2].facts == {
            "number": 1,
            "director": str(cast.people["director_em"]),
            "signed_on": TODAY.isoformat(),
            "complete": True,
            "digest": content().digest,
        }


def test_an_agreement_binds_its_own_organization_alone(cast: Cast) -> None:
    with cast.session() as session:
        version = draft_of(session, cast)
        signed(session, cast, version)
        started(session, cast, version)
        assert version_in_force(session, cast.organizations["en-marge"], TODAY) is not None
        assert version_in_force(session, cast.organizations["anonyme"], TODAY) is None


def test_the_loaded_agreements_are_drafts_that_bind_nobody(cast: Cast) -> None:
    with cast.session() as session:
        assert set(session.scalars(select(_version.c.state))) == {"draft"}
        for place in cast.organizations.values():
            assert version_in_force(session, place, TODAY) is None


# ------------------------------------------------------------------------------------------ each move, each state


MOVES: dict[str, Callable[[Session, Cast, UUID], object]] = {
    "send": lambda session, cast, version: send_version(session, version, by=cast.actor("coordinator"), at=AT),
    "withdraw": lambda session, cast, version: withdraw_version(session, version, by=cast.actor("coordinator"), at=AT),
    "sign": lambda session, cast, version: signed(session, cast, version, on=SINCE),
    "unsign": unsigned,
    "start": lambda session, cast, version: started(session, cast, version, TODAY + DAY),
    "end": lambda session, cast, version: ended(session, cast, version, TODAY + DAY),
    "call_off": lambda session, cast, version: call_off_version(
        session, version, last=TODAY, by=cast.actor("coordinator"), at=AT
    ),
}
WAY = {
    "draft": [],
    "sent": ["send"],
    "signed": ["send", "sign"],
    "in_force": ["send", "sign", "start"],
    "ended": ["send", "sign", "start", "end"],
}


def test_every_state_and_every_move_is_tried_below() -> None:
    assert set(WAY) == set(AGREEMENT_VERSION.states)
    assert set(MOVES) == {move for _, move in AGREEMENT_VERSION.moves}


@pytest.mark.parametrize("state", WAY)
def test_a_version_makes_the_moves_of_its_state_and_no_other(cast: Cast, state: str) -> None:
    with cast.session() as session:
        version = draft_of(session, cast)
        for move in WAY[state]:
            MOVES[move](session, cast, version)
        assert row(session, version).state == state
        for move, make in MOVES.items():
            before = row(session, version)
            with session.begin_nested() as tried:
                if AGREEMENT_VERSION.allows(state, move):
                    make(session, cast, version)
                    assert row(session, version).state == AGREEMENT_VERSION.after(state, move)
                else:
                    assert refusal(partial(make, session, cast, version)) == "agreement.not_now"
                    assert row(session, version) == before
                tried.rollback()


@pytest.mark.parametrize("move", MOVES)
def test_another_programs_version_does_not_exist_here(cast: Cast, move: str) -> None:
    with cast.other.session() as session:
        theirs = draft_of(session, cast.other)
    with cast.session() as session:
        assert refusal(lambda: MOVES[move](session, cast, theirs)) == "agreement.unknown"


# -------------------------------------------------------------------------------------------------- signatures


@pytest.mark.parametrize("name", ["director_la", "manager_em", "deputy", "coordinator"])
def test_nobody_but_the_director_of_that_organization_signs(cast: Cast, name: str) -> None:
    with cast.session() as session:
        version = draft_of(session, cast)
        assert refusal(lambda: signed(session, cast, version, name)) == "agreement.not_director"
        assert signatures_of(session, version) == []
        assert row(session, version).state == "sent"


def test_it_is_the_director_on_the_day_of_the_signature_that_counts(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        version = draft_of(session, cast)
        tenure = table_of(Tenure)
        held = session.scalars(select(tenure.c.id).where(tenure.c.person_id == cast.people["director_em"])).one()
        end_tenure(session, held, ends_on=TODAY - 2 * DAY, by=by, at=AT)
        appoint(
            session,
            person_id=cast.people["deputy"],
            role="director",
            organization_id=cast.organizations["en-marge"],
            starts_on=TODAY - DAY,
            by=by,
            at=AT,
        )
        assert refusal(lambda: signed(session, cast, version, on=TODAY - DAY)) == "agreement.not_director"
        assert refusal(lambda: signed(session, cast, version, "deputy", TODAY - 2 * DAY)) == "agreement.not_director"
        assert refusal(lambda: signed(session, cast, version, on=SINCE - DAY)) == "agreement.not_director"
        # What was signed then is recorded now, and stays good after its signer has left.
        assert signed(session, cast, version, on=TODAY - 2 * DAY) == "signed"


def test_a_signature_is_not_recorded_before_it_is_given(cast: Cast) -> None:
    with cast.session() as session:
        version = draft_of(session, cast)
        assert refusal(lambda: signed(session, cast, version, on=TODAY + DAY)) == "agreement.day_to_come"


def test_where_two_direct_both_sign_before_it_is_signed(cast: Cast) -> None:
    with cast.session() as session:
        version = draft_of(session, cast)
        second_director(session, cast)
        send_version(session, version, by=cast.actor("coordinator"), at=AT)
        assert signed(session, cast, version) == "sent"
        assert refusal(lambda: started(session, cast, version)) == "agreement.not_now"
        assert refusal(lambda: signed(session, cast, version)) == "agreement.signed_already"
        # With one signature under it, its text is no longer anybody's to change.
        assert refusal(lambda: MOVES["withdraw"](session, cast, version)) == "agreement.text_stands"
        assert signed(session, cast, version, "deputy") == "signed"


def test_a_version_does_not_wait_for_a_director_who_has_left_without_signing(cast: Cast) -> None:
    tenure, by = table_of(Tenure), cast.actor("coordinator")
    with cast.session() as session:
        version = draft_of(session, cast)
        deputy = second_director(session, cast)
        send_version(session, version, by=by, at=AT)
        assert complete_signatures(session, version, by=by, at=AT) is False, "nobody has signed"
        assert signed(session, cast, version) == "sent"
        assert complete_signatures(session, version, by=by, at=AT) is False, "two direct, and one has signed"
        held = session.scalars(select(tenure.c.id).where(tenure.c.person_id == deputy, tenure.c.role == "director"))
        end_tenure(session, held.one(), ends_on=TODAY - DAY, by=by, at=AT)
        assert signed(session, cast, version) == "signed"
        assert len(signatures_of(session, version)) == 1
        assert refusal(lambda: signed(session, cast, version)) == "agreement.not_now"


def test_a_version_that_nobody_could_sign_today_is_not_signed_by_itself(cast: Cast) -> None:
    tenure, by = table_of(Tenure), cast.actor("coordinator")
    with cast.session() as session:
        version = draft_of(session, cast)
        second_director(session, cast)
        send_version(session, version, by=by, at=AT)
        signed(session, cast, version)
        for held in session.scalars(
            select(tenure.c.id).where(
                tenure.c.role == "director", tenure.c.organization_id == cast.organizations["en-marge"]
            )
        ).all():
            end_tenure(session, held, ends_on=TODAY - DAY, by=by, at=AT)
        assert complete_signatures(session, version, by=by, at=AT) is False
        assert row(session, version).state == "sent"


def test_a_signature_is_never_taken_off_or_changed(cast: Cast) -> None:
    signature = table_of(Signature)
    with cast.session() as session:
        signed(session, cast, draft_of(session, cast))
    for statement in (update(signature).values(signed_on=SINCE), delete(signature)):
        with cast.session() as session, pytest.raises(DBAPIError, match="permission denied"):
            session.execute(statement)
    with cast.session() as session:
        assert [one.signed_on for one in session.execute(select(signature))] == [TODAY]


# ------------------------------------------------------------------------------------------ what a version says


def test_a_sent_or_signed_version_never_says_something_else(cast: Cast) -> None:
    with cast.session() as session:
        version = draft_of(session, cast)
        for move in ("send", "sign", "start", "end"):
            MOVES[move](session, cast, version)
            before = row(session, version)
            other = content("en-marge", *OTHER_WORDING)
            rewriting = lambda: redraft_version(session, version, other, by=cast.actor("coordinator"), at=AT)  # noqa: B023, E731
            assert refusal(rewriting) == "agreement.text_stands"
            assert row(session, version) == before


def test_the_digest_tells_another_text_and_nothing_else() -> None:
    assert content().digest == content("en-marge", ("key: greater-montreal", "key: other")).digest
    assert content().digest != content("en-marge", *OTHER_WORDING).digest
    assert content().digest != content("anonyme").digest
    in_other_order = (
        "      director: {}\n      manager: {}\n      youth_worker: {headcount: 1, hours_a_week: 35}\n",
        "      youth_worker: {headcount: 1, hours_a_week: 35}\n      manager: {}\n      director: {}\n",
    )
    assert content().digest == content("en-marge", in_other_order).digest


def test_versions_are_numbered_one_after_the_other(cast: Cast) -> None:
    with cast.session() as session:
        first = draft_of(session, cast)
        second = another(session, first, content("en-marge", *OTHER_WORDING), cast)
        assert (row(session, first).n, row(session, second).n) == (1, 2)
        assert (
            refusal(lambda: draft_version(session, uuid4(), content(), by=cast.actor("coordinator"), at=AT))
            == "agreement.unknown"
        )


# ----------------------------------------------------------------------------------------------- in force, and not


def test_two_versions_are_never_in_force_on_one_day(cast: Cast) -> None:
    with cast.session() as session:
        first = draft_of(session, cast)
        second = another(session, first, content(), cast)
        for version in (first, second):
            signed(session, cast, version)
        started(session, cast, first)
        assert refusal(lambda: started(session, cast, second, TODAY + 300 * DAY)) == "agreement.two_in_force"
        ended(session, cast, first, TODAY + 90 * DAY)
        assert refusal(lambda: started(session, cast, second, TODAY + 90 * DAY)) == "agreement.two_in_force"
        started(session, cast, second, TODAY + 91 * DAY)
        numbers = [
            getattr(version_in_force(session, cast.organizations["en-marge"], TODAY + days * DAY), "n", None)
            for days in (-1, 0, 90, 91, 900)
        ]
        assert numbers == [None, 1, 1, 2, 2]


def test_a_version_does_not_start_where_a_later_one_already_stands(cast: Cast) -> None:
    with cast.session() as session:
        first = draft_of(session, cast)
        second = another(session, first, content(), cast)
        for version in (first, second):
            signed(session, cast, version)
        started(session, cast, second, TODAY + 10 * DAY)
        assert refusal(lambda: started(session, cast, first, TODAY)) == "agreement.two_in_force"


def test_an_end_neither_reaches_into_the_version_that_follows_nor_prolongs_what_was_signed(cast: Cast) -> None:
    last, by = TODAY + 60 * DAY, cast.actor("coordinator")
    with cast.session() as session:
        first = draft_of(session, cast)
        second = another(session, first, content(), cast)
        for version in (first, second):
            signed(session, cast, version)
        start_version(session, first, starts_on=TODAY, ends_on=last, by=by, at=AT)
        with pytest.raises(Refusal) as refused:
            ended(session, cast, first, last + DAY)
        assert (refused.value.code, refused.value.facts) == ("agreement.prolonged", {"last": last.isoformat()})
        started(session, cast, second, last + 10 * DAY)
        assert refusal(lambda: ended(session, cast, first, last + 10 * DAY)) == "agreement.two_in_force"
        assert row(session, first).ends_on == last
        ended(session, cast, first, last - DAY)


def test_the_database_itself_refuses_two_in_force(cast: Cast) -> None:
    with cast.session() as session:
        another(session, draft_of(session, cast), content(), cast)
    with cast.session() as session, pytest.raises(IntegrityError, match="one_in_force"):
        session.execute(update(_version).values(state="in_force", starts_on=TODAY))


def test_of_two_versions_started_at_the_same_instant_one_is_refused(cast: Cast) -> None:
    with cast.session() as session:
        first = draft_of(session, cast)
        second = another(session, first, content(), cast)
        for version in (first, second):
            signed(session, cast, version)
    together, told = threading.Barrier(2, timeout=20), list[str]()

    def start(version: UUID) -> None:
        together.wait()
        try:
            with cast.session() as session:
                started(session, cast, version)
            told.append("in force")
        except Refusal as refused:
            told.append(refused.code)

    threads = [threading.Thread(target=start, args=(version,)) for version in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["agreement.two_in_force", "in force"]


def test_an_agreement_is_not_in_force_before_its_signature(cast: Cast) -> None:
    with cast.session() as session:
        version = draft_of(session, cast)
        signed(session, cast, version, on=TODAY - DAY)
        assert refusal(lambda: started(session, cast, version, TODAY - 2 * DAY)) == "agreement.starts_unsigned"
        started(session, cast, version, TODAY - DAY)
        assert refusal(lambda: ended(session, cast, version, TODAY - 2 * DAY)) == "agreement.ends_first"


def test_who_looked_at_an_older_state_is_told_and_nothing_is_lost(cast: Cast) -> None:
    with cast.session() as session:
        version = draft_of(session, cast)
        seen = row(session, version).version
        send_version(session, version, by=cast.actor("coordinator"), at=AT, seen=seen)
        late = lambda: withdraw_version(session, version, by=cast.actor("coordinator"), at=AT, seen=seen)  # noqa: E731
        assert refusal(late) == "agreement.changed"
        assert row(session, version).state == "sent"


def test_an_agreement_that_will_end_creates_its_roles_until_then(cast: Cast) -> None:
    def appointed(session: Session, starts_on: date) -> object:
        return appoint(
            session,
            person_id=cast.people["police"],
            role="second_representative",
            organization_id=cast.organizations["en-marge"],
            starts_on=starts_on,
            ends_on=starts_on,
            by=cast.actor("coordinator"),
            at=AT,
        )

    with cast.session() as session:
        version = draft_of(session, cast)
        signed(session, cast, version)
        started(session, cast, version)
        ended(session, cast, version, TODAY + 90 * DAY)
        appointed(session, TODAY + 90 * DAY)
        assert refusal(lambda: appointed(session, TODAY + 91 * DAY)) == "agreement.lapsed"
