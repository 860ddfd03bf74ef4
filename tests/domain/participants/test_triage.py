"""Triage: every criterion by a fact, the age as of the day, exceptions with their reason, and who may be known."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event as listening
from sqlalchemy import select, text

from domain.accompaniment import recruiting, referred_again, states
from domain.admissions import correcting, duplicates, first_meetings, triage
from domain.kernel.refusals import Refusal
from domain.participants import findings, reading, referring
from domain.participants.identity import open_identity
from models.base import table_of
from models.participant import Participant
from models.record import Event
from models.referral import CriterionFinding, Referral
from tests.api.application import client_for
from tests.cast import AT, TODAY, Cast
from tests.following import WORKER, agreed, followed, known_as_somebody, row_of, tasks_of
from tests.referring import ONDINE, ROMARIN, declare_admission, look_at_everything, participant_of, refer, triaged
from tests.refusing import refused

_participant = table_of(Participant)
_referral = table_of(Referral)
_event = table_of(Event)


def _found(cast: Cast, referral_id: UUID, at: datetime = AT) -> str:
    with cast.session() as session:
        return triage.find_age(session, referral_id, by=cast.actor("coordinator"), at=at)


@pytest.mark.parametrize(
    ("born", "finding"),
    [
        (date(TODAY.year - 12, TODAY.month, TODAY.day), "met"),
        (date(TODAY.year - 12, TODAY.month, TODAY.day + 1), "not_met"),
        (date(TODAY.year - 25, TODAY.month, TODAY.day + 1), "met"),
        (date(TODAY.year - 25, TODAY.month, TODAY.day), "not_met"),
    ],
)
def test_the_age_is_that_of_the_day_from_the_12th_birthday_until_before_the_25th(
    cast: Cast, born: date, finding: str
) -> None:
    assert _found(cast, refer(cast, replace(ONDINE, birth_date=born))) == finding


def test_somebody_born_on_29_february_is_12_on_1_march(cast: Cast) -> None:
    referral_id = refer(cast, replace(ONDINE, birth_date=date(2016, 2, 29)))
    assert _found(cast, referral_id, datetime(2028, 2, 28, 17, tzinfo=UTC)) == "not_met"
    assert _found(cast, referral_id, datetime(2028, 2, 29, 17, tzinfo=UTC)) == "met"
    other = refer(cast, replace(ONDINE, birth_date=date(2012, 2, 29)))
    assert _found(cast, other, datetime(2037, 2, 28, 17, tzinfo=UTC)) == "met"
    assert _found(cast, other, datetime(2037, 3, 1, 17, tzinfo=UTC)) == "not_met"


def test_the_day_is_the_program_s_own(cast: Cast) -> None:
    """At three in the morning of 24 November in London it is still the 23rd in Montréal."""
    referral_id = refer(cast, replace(ONDINE, birth_date=date(2014, 11, 24)))
    assert _found(cast, referral_id, datetime(2026, 11, 24, 3, tzinfo=UTC)) == "not_met"
    assert _found(cast, referral_id, datetime(2026, 11, 24, 6, tzinfo=UTC)) == "met"


def test_an_age_that_may_be_either_is_unknown_and_the_committee_may_still_see_it(cast: Cast) -> None:
    referral_id = refer(cast, replace(ONDINE, birth_date=None, age=11))
    assert _found(cast, referral_id) == "not_met"
    assert _found(cast, referral_id, AT + timedelta(days=30)) == "unknown"


def test_nobody_goes_on_before_every_criterion_is_looked_at(cast: Cast) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    with cast.session() as session, pytest.raises(Refusal, match=r"triage\.not_looked_at"):
        triage.triage(session, referral_id, "committee", by=by, at=AT)
    with cast.session() as session, pytest.raises(Refusal, match=r"triage\.no_fact"):
        triage.find_criteria(session, referral_id, {"AD-C0": triage.Finding("met", " ")}, by=by, at=AT)


@pytest.mark.parametrize("criterion", ["AD-C0", "AD-C2", "AD-C5"])
def test_a_criterion_that_nobody_goes_without_stops_the_referral(cast: Cast, criterion: str) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    with cast.session() as session:
        look_at_everything(session, cast, referral_id)
        triage.find_criteria(session, referral_id, {criterion: triage.Finding("not_met", "Non.")}, by=by, at=AT)
        with pytest.raises(Refusal, match=r"triage\.not_met"):
            triage.triage(session, referral_id, "committee", by=by, at=AT)
        triage.find_criteria(session, referral_id, {criterion: triage.Finding("met", "Si, en fait.")}, by=by, at=AT)
        triage.triage(session, referral_id, "committee", by=by, at=AT)


def test_precontemplation_never_blocks_once_it_is_said_why_and_who_allowed_it(cast: Cast) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    with cast.session() as session:
        look_at_everything(session, cast, referral_id)
        triage.find_criteria(
            session, referral_id, {"AD-C3": triage.Finding("not_met", "Ne voit pas de tort.")}, by=by, at=AT
        )
        with pytest.raises(Refusal, match=r"triage\.precontemplation"):
            triage.triage(session, referral_id, "committee", by=by, at=AT)
        with pytest.raises(Refusal, match=r"triage\.no_reason"):
            triage.find_criteria(
                session,
                referral_id,
                {"AD-C3": triage.Finding("not_met", "Non.", admit_all_the_same=True)},
                by=by,
                at=AT,
            )
        triage.find_criteria(
            session,
            referral_id,
            {
                "AD-C3": triage.Finding(
                    "not_met", "Ne voit pas de tort.", admit_all_the_same=True, why="Le lien est possible maintenant."
                )
            },
            by=by,
            at=AT,
        )
        triage.triage(session, referral_id, "committee", by=by, at=AT)
        participant_id = participant_of(session, referral_id)
        found = findings.read_findings(session, participant_id, language="fr", by=by, at=AT, ground="role")
    assert found["AD-C3"].allowed_by == cast.people["coordinator"]
    assert found["AD-C3"].why == "Le lien est possible maintenant."
    assert "16" in found["AD-C1"].fact
    with cast.session() as session, pytest.raises(Refusal, match=r"triage\.no_exception|referral\.dealt_with"):
        triage.find_criteria(
            session,
            referral_id,
            {"AD-C0": triage.Finding("not_met", "Non.", admit_all_the_same=True, why="x")},
            by=by,
            at=AT,
        )


def test_an_address_outside_is_no_bar_to_somebody_who_frequents_the_area(cast: Cast) -> None:
    declare_admission(cast)
    referral_id = refer(cast, replace(ONDINE, address="3, rang Creux, Saint-Loin", area=""))
    by = cast.actor("coordinator")
    with cast.session() as session:
        look_at_everything(session, cast, referral_id)
        triage.find_criteria(
            session, referral_id, {"AD-C2": triage.Finding("not_met", "Habite ailleurs.")}, by=by, at=AT
        )
        with pytest.raises(Refusal, match=r"triage\.not_met"):
            triage.triage(session, referral_id, "committee", by=by, at=AT)
    with cast.session() as session:
        fact = "Habite ailleurs, et passe ses fins de semaine au centre-ville."
        triage.find_criteria(session, referral_id, {"AD-C2": triage.Finding("met", fact)}, by=by, at=AT)
        triage.triage(session, referral_id, "committee", by=by, at=AT)
        participant_id = participant_of(session, referral_id)
        found = findings.read_findings(session, participant_id, language="fr", by=by, at=AT, ground="role")["AD-C2"]
        assert (found.finding, found.fact) == ("met", fact)


def test_what_is_to_be_confirmed_may_go_to_the_committee(cast: Cast) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    with cast.session() as session:
        look_at_everything(session, cast, referral_id)
        triage.find_criteria(session, referral_id, {"AD-C2": triage.Finding("unknown", "")}, by=by, at=AT)
        triage.triage(session, referral_id, "committee", by=by, at=AT)


def test_the_findings_are_saved_all_together_or_not_at_all(cast: Cast) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    said = {"AD-C0": triage.Finding("met", "Dit."), "AD-C2": triage.Finding("met", " ")}
    with cast.session() as session, refused("triage.no_fact"):
        triage.find_criteria(session, referral_id, said, by=by, at=AT)
    with cast.session() as session:
        assert findings.findings_of(session, participant_of(session, referral_id)) == {}


def test_what_was_found_so_already_stays_with_whom_found_it(cast: Cast) -> None:
    """One save holds every criterion: it does not make of all that was found before the finding of who saves now."""
    referral_id = refer(cast)
    with cast.session() as session:
        look_at_everything(session, cast, referral_id)
        participant_id = participant_of(session, referral_id)
        before = findings.findings_of(session, participant_id)
        said = {one: triage.Finding("met", "Dit à la rencontre.") for one in ("AD-C0", "AD-C2", "AD-C3", "AD-C5")}
        other = cast.actor("manager_ccsmtl")
        again = said | {"AD-C2": triage.Finding("met", "Sa sœur le confirme.")}
        triage.find_criteria(session, referral_id, again, by=other, at=AT + timedelta(minutes=5))
        after = findings.findings_of(session, participant_id)
    assert {name for name, one in after.items() if one != before[name]} == {"AD-C2"}


def test_of_two_windows_the_second_saves_nothing(cast: Cast) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    with cast.session() as session:
        seen = session.execute(select(_referral.c.version)).scalar_one()
        triage.find_criteria(session, referral_id, {"AD-C0": triage.Finding("met", "A")}, by=by, at=AT, seen=seen)
    with cast.session() as session, refused("referral.changed"):
        triage.find_criteria(session, referral_id, {"AD-C0": triage.Finding("not_met", "B")}, by=by, at=AT, seen=seen)
    with cast.session() as session, refused("referral.changed"):
        triage.triage(session, referral_id, "refused", reason="A", offered="B", by=by, at=AT, seen=seen)


def test_of_who_declined_nothing_more_is_found(cast: Cast) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    with cast.session() as session:
        first_meetings.decline(session, participant_of(session, referral_id), by=by, at=AT)
    with cast.session() as session, refused("triage.over"):
        triage.find_criteria(session, referral_id, {"AD-C0": triage.Finding("met", "Dit.")}, by=by, at=AT)


def test_somebody_who_recruits_is_looked_at_apart_and_never_forwarded(cast: Cast) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast, replace(ONDINE, recruiter=True))
    with cast.session() as session:
        look_at_everything(session, cast, referral_id)
        with pytest.raises(Refusal, match=r"triage\.not_looked_at"):
            triage.triage(session, referral_id, "committee", by=by, at=AT)
        triage.find_criteria(session, referral_id, {"AD-C4": triage.Finding("met", "S’engage à cesser.")}, by=by, at=AT)
        with pytest.raises(Refusal, match=r"triage\.recruiter"):
            triage.triage(session, referral_id, "forwarded", reason="Urgent", by=by, at=AT)


def test_somebody_who_recruits_and_does_not_commit_to_stop_goes_nowhere(cast: Cast) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast, replace(ONDINE, recruiter=True))
    with cast.session() as session:
        look_at_everything(session, cast, referral_id)
        triage.find_criteria(session, referral_id, {"AD-C4": triage.Finding("not_met", "N’admet rien.")}, by=by, at=AT)
        with refused("triage.not_met"):
            triage.triage(session, referral_id, "committee", by=by, at=AT)
        triage.find_criteria(session, referral_id, {"AD-C4": triage.Finding("met", "S’engage à cesser.")}, by=by, at=AT)
        triage.triage(session, referral_id, "committee", by=by, at=AT)


@pytest.mark.parametrize("finding", ["met", "not_met"])
def test_the_criterion_of_those_who_recruit_says_of_somebody_that_they_do_for_good(cast: Cast, finding: str) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    with cast.session() as session:
        triage.find_criteria(session, referral_id, {"AD-C4": triage.Finding("unknown", "")}, by=by, at=AT)
        participant_id = participant_of(session, referral_id)
        known = select(_participant.c.recruiter).where(_participant.c.id == participant_id)
        assert not session.execute(known).scalar_one(), "that nobody knows says nothing of them"
        triage.find_criteria(
            session, referral_id, {"AD-C4": triage.Finding(finding, "A présenté une amie.")}, by=by, at=AT
        )
        assert session.execute(known).scalar_one()
        assert [one["state"] for one in tasks_of(session, recruiting.ASSESS)] == ["open"]
        triage.triage(session, referral_id, "refused", reason="Non", offered="CAVAC", by=by, at=AT)
        assert [one["state"] for one in tasks_of(session, recruiting.ASSESS)] == ["cancelled"]


def test_a_refusal_has_its_reason_and_what_was_offered_and_ends_the_admission(cast: Cast) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    with cast.session() as session:
        with pytest.raises(Refusal, match=r"triage\.refusal"):
            triage.triage(session, referral_id, "refused", reason="Hors territoire", by=by, at=AT)
        triage.triage(session, referral_id, "refused", reason="Hors territoire", offered="CAVAC", by=by, at=AT)
        participant_id = participant_of(session, referral_id)
    with cast.session() as session:
        row = session.execute(select(_participant).where(_participant.c.id == participant_id)).one()
        case = session.execute(
            text('select state from "case" where participant_id = :id'), {"id": participant_id}
        ).one()
    assert (row.state, row.retain_until) == ("refused", TODAY.replace(year=TODAY.year + 1))
    assert case.state == "cancelled"


def test_of_two_coordinators_who_triage_the_same_referral_the_second_is_told(cast: Cast) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    with cast.session() as session:
        look_at_everything(session, cast, referral_id)
        seen = session.scalar(select(_referral.c.version).where(_referral.c.id == referral_id))
    start, told = threading.Barrier(2), list[str]()

    def decide(result: str) -> None:
        start.wait(10)
        try:
            with cast.session() as session:
                triage.triage(session, referral_id, result, reason="Dit", offered="Autre", by=by, at=AT, seen=seen)
            told.append("done")
        except Refusal as refusal:
            told.append(refusal.code)

    threads = [threading.Thread(target=decide, args=(result,)) for result in ("committee", "refused")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(told) == ["done", "referral.dealt_with"]


def test_findings_are_written_once_and_the_last_counts(cast: Cast) -> None:
    by = cast.actor("coordinator")
    referral_id = refer(cast)
    finding = table_of(CriterionFinding)
    with cast.session() as session:
        for said in ("unknown", "met"):
            triage.find_criteria(
                session, referral_id, {"AD-C2": triage.Finding(said, "Y passe ses soirées.")}, by=by, at=AT
            )
        participant_id = participant_of(session, referral_id)
        assert findings.findings_of(session, participant_id)["AD-C2"].finding == "met"
        of_area = select(finding.c.n, finding.c.finding).where(finding.c.criterion == "AD-C2")
        rows = session.execute(of_area.order_by(finding.c.n)).all()
    assert [tuple(row) for row in rows] == [(1, "unknown"), (2, "met")]


# Who may be one already.


@pytest.mark.parametrize(
    "again",
    [
        replace(ONDINE),
        replace(ONDINE, given_name="ONDINE", family_name="fougere lys", phone="", email=""),
        replace(ONDINE, given_name="Fougère-Lys", family_name="Ondine", phone="", email=""),
        replace(ONDINE, family_name="Lys", phone="", email="", birth_date=None, age=16),
        replace(ONDINE, given_name="Dine", family_name="X", phone="+1 (514) 555 0144", email=""),
        replace(ONDINE, given_name="Dine", family_name="X", phone="514 555-0144 poste 4567", email=""),
        replace(ONDINE, given_name="Dine", family_name="X", phone="514 555-0144 ou 438 555-0199", email=""),
        replace(ONDINE, given_name="Dine", family_name="X", phone="", email="Ondine@Courriel.example"),
    ],
)
def test_a_possible_duplicate_is_shown_however_the_name_is_written(cast: Cast, again: object) -> None:
    first = refer(cast)
    refer(cast, ROMARIN)
    second = refer(cast, again, by="worker_codim")  # type: ignore[arg-type]  # each is a form
    with cast.session() as session:
        found = duplicates.possible_duplicates(
            session, participant_of(session, second), by=cast.actor("coordinator"), at=AT
        )
        assert [one.participant_id for one in found] == [participant_of(session, first)]


def test_each_file_that_is_shown_as_a_possible_duplicate_says_who_saw_it(cast: Cast) -> None:
    with_them = [refer(cast), refer(cast, replace(ONDINE, birth_date=None, age=16))]
    refer(cast, ROMARIN)
    third = refer(cast, by="worker_codim")
    with cast.session() as session:
        asked, *shown = (participant_of(session, one) for one in (third, *with_them))
        duplicates.possible_duplicates(session, asked, by=cast.actor("coordinator"), at=AT)
        told = session.execute(select(_event).where(_event.c.verb == "read").order_by(_event.c.n)).mappings().all()
    assert {row["subject_id"] for row in told} == {asked, *shown}
    for row in told:
        assert row["actor_id"] == cast.people["coordinator"]
        assert row["facts"] == {"what": "duplicates", "purpose": "coordination", "ground": "role"}


def test_nobody_alike_is_no_duplicate(cast: Cast) -> None:
    refer(cast)
    second = refer(cast, ROMARIN)
    with cast.session() as session:
        participant_id = participant_of(session, second)
        assert duplicates.possible_duplicates(session, participant_id, by=cast.actor("coordinator"), at=AT) == []


def test_a_draft_is_compared_with_nobody(cast: Cast) -> None:
    with cast.session() as session:
        referring.begin_referral(session, ONDINE, by=cast.actor("worker_codim"), at=AT)
    second = refer(cast)
    with cast.session() as session:
        participant_id = participant_of(session, second)
        assert duplicates.possible_duplicates(session, participant_id, by=cast.actor("coordinator"), at=AT) == []


def test_a_referral_of_somebody_who_is_known_becomes_theirs_and_nothing_is_kept_twice(cast: Cast) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    first, second = refer(cast), refer(cast, by="worker_codim")
    with cast.session() as session:
        known, joined = participant_of(session, first), participant_of(session, second)
        duplicates.join_referral(session, second, known, reason="La même", by=by, at=AT)
    with cast.session() as session:
        row = session.execute(select(_participant).where(_participant.c.id == joined)).one()
        referral = session.execute(select(_referral).where(_referral.c.id == second)).one()
        assert (row.state, row.sealed, row.names, row.marks, row.joined_to_id) == ("destroyed", None, None, [], known)
        assert (row.languages, row.area) == ([], "")
        assert (referral.participant_id, referral.state) == (known, "joined")
        assert open_identity(session, known, by=by, at=AT, ground="role").given_name == "Ondine"
        with pytest.raises(Refusal, match=r"keys\.gone"):
            open_identity(session, joined, by=by, at=AT, ground="role")


@pytest.mark.ci
def test_somebody_who_was_refused_is_a_candidate_again_when_referred_anew_and_is_looked_at_anew(cast: Cast) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    first = refer(cast)
    with cast.session() as session:
        look_at_everything(session, cast, first)
        triage.triage(session, first, "refused", reason="Non", offered="Autre", by=by, at=AT)
        known = participant_of(session, first)
    later = AT + timedelta(days=400)
    second = refer(cast, at=later)
    with cast.session() as session:
        duplicates.join_referral(session, second, known, reason="La même", by=by, at=later)
        assert findings.findings_of(session, known) == {}, "an age and a wish are those of the day"
        with pytest.raises(Refusal, match=r"triage\.not_looked_at"):
            triage.triage(session, second, "committee", by=by, at=later)
    assert triaged(cast, second, at=later) == known


def test_a_birth_date_that_is_learned_later_takes_the_place_of_the_age_and_the_criterion_is_looked_at_again(
    cast: Cast,
) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    referral_id = refer(cast, replace(ONDINE, birth_date=None, age=11))
    with cast.session() as session:
        participant_id = participant_of(session, referral_id)
        assert triage.find_age(session, referral_id, by=by, at=AT) == "not_met"
        born = TODAY.replace(year=TODAY.year - 12)
        correct = partial(correcting.correct_identity, session, participant_id, by=by, at=AT)
        wrongs: tuple[tuple[dict[str, Any], str], ...] = (
            ({}, "identity.missing"),
            ({"birth_date": TODAY + timedelta(days=1)}, "referral.born_later"),
            ({"email": "not an address"}, "referral.email"),
        )
        for wrong, code in wrongs:
            with refused(code):
                correct(wrong)
        correct({"birth_date": born, "phone": "438 555-0199", "email": ""})
        assert findings.findings_of(session, participant_id)["AD-C1"].finding == "met"
        who = open_identity(session, participant_id, by=by, at=AT, ground="role")
        assert (who.birth_date, who.age, who.phone, who.email) == (born, None, "438 555-0199", ONDINE.email)
        told = session.execute(text("select facts from event where verb = 'participant.corrected'")).scalars()
        assert list(told) == [{"fields": "birth_date, phone"}], "which, and not what"
    again = refer(cast, replace(ROMARIN, phone="438 555-0199"))
    with cast.session() as session:
        found = duplicates.possible_duplicates(session, participant_of(session, again), by=by, at=AT)
    assert [one.participant_id for one in found] == [participant_id], "marked by what is known now"


@pytest.mark.ci
def test_whoever_referred_somebody_known_learns_it_by_no_state(cast: Cast) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    known, new = refer(cast), refer(cast, ROMARIN, by="worker_codim")
    again = refer(cast, by="worker_codim")
    with cast.session() as session:
        duplicates.join_referral(session, again, participant_of(session, known), reason="La même", by=by, at=AT)
        look_at_everything(session, cast, new)
        triage.triage(session, new, "committee", by=by, at=AT)
        mine = reading.mine(session, cast.people["worker_codim"])
    assert {row.id: row.state for row in mine} == {new: "received", again: "received"}


def test_that_somebody_recruits_is_not_forgotten_when_another_referral_says_it(cast: Cast) -> None:
    declare_admission(cast)
    first, second = refer(cast), refer(cast, replace(ONDINE, recruiter=True), by="worker_codim")
    with cast.session() as session:
        known = participant_of(session, first)
        duplicates.join_referral(session, second, known, reason="La même", by=cast.actor("coordinator"), at=AT)
        assert session.execute(select(_participant.c.recruiter).where(_participant.c.id == known)).scalar_one()
        (asked,) = tasks_of(session, recruiting.ASSESS)
        assert (asked["item"], asked["state"]) == (str(known), "open"), "the committee assesses them as any other"


def test_a_referral_of_somebody_known_and_of_somebody_new_are_answered_alike(cast: Cast) -> None:
    """The same statements, in the same order, with as many rows: nothing there looks whether somebody is known."""
    declare_admission(cast)
    refer(cast)

    def asked(form: object) -> list[str]:
        seen: list[str] = []

        def look(_: object, __: object, statement: str, *___: object) -> None:
            seen.append(statement)

        listening.listen(cast.database.engine, "before_cursor_execute", look)
        try:
            refer(cast, form)  # type: ignore[arg-type]  # each is a form
        finally:
            listening.remove(cast.database.engine, "before_cursor_execute", look)
        return seen

    warm = asked(ROMARIN)
    known, unknown = asked(ONDINE), asked(replace(ROMARIN, given_name="Sureau", phone="", email=""))
    assert known == unknown
    assert len(warm) > 5


# Somebody who is followed already is referred.


@pytest.mark.ci
def test_a_referral_of_somebody_followed_is_shown_to_the_coordinator_told_to_the_worker_and_hidden_from_its_author(
    cast: Cast,
) -> None:
    declare_admission(cast)
    by, author = cast.actor("coordinator"), "worker_codim"
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        known = row_of(session, follow_up)["participant_id"]
        known_as_somebody(session, known)
    other, again = refer(cast, ROMARIN, by=author), refer(cast, by=author)
    with cast.session() as session:
        new, joined = participant_of(session, other), participant_of(session, again)
        assert duplicates.alike(session, [new, joined], reader=cast.people["coordinator"]) == {joined}
    board = client_for(cast.database, cast.people["coordinator"], at=AT)
    assert board.get("/referrals").text.count("Perhaps known already") == 1
    received = board.get("/api/v1/referrals").json()["received"]
    assert {row["participant_id"]: row["perhaps_known"] for row in received} == {str(new): False, str(joined): True}
    assert "Possibly someone already known" in board.get(f"/participants/{joined}").text
    assert "Possibly someone" not in board.get(f"/participants/{new}").text
    before = _all_that_is_seen_by(cast, author)
    with cast.session() as session:
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=AT)
        (task,) = tasks_of(session, referred_again.AGAIN)
        assert task["title_en"] == "Read the new referral of #2026-01"
    # It stands as one of anybody does that was looked at and waits: tests/flows/test_heard_alike.py.
    waits = [one.replace('"stands":"committee"', '"stands":"received"') for one in _all_that_is_seen_by(cast, author)]
    assert [waits[0], *waits[2:]] == [before[0], *before[2:]], "no state, order, number, letter or task tells it"
    assert "Read the new referral of #2026-01" in client_for(cast.database, cast.people[WORKER], at=AT).get("/").text


def _all_that_is_seen_by(cast: Cast, name: str) -> list[str]:
    asker = client_for(cast.database, cast.people[name], at=AT)
    seen = [asker.get(place).text for place in ("/", "/referrals", "/api/v1/referrals", "/caseload", "/cases")]
    with cast.session() as session:
        letters = session.execute(text("select count(*) from notice where person_id = :id"), {"id": cast.people[name]})
        return [*(re.sub(r'value="[^"]{20,}"', "", one) for one in seen), str(letters.scalar())]


@pytest.mark.ci
def test_one_whose_follow_up_is_over_is_the_coordinator_s_to_take_up_again(cast: Cast) -> None:
    declare_admission(cast)
    by = cast.actor("coordinator")
    with cast.session() as session:
        agreed(session, cast)
        follow_up = followed(session, cast)
        known = row_of(session, follow_up)["participant_id"]
        known_as_somebody(session, known)
        states.deactivate(session, follow_up, "withdrew", by=by, at=AT)
    again = refer(cast, by="worker_codim")
    with cast.session() as session:
        duplicates.join_referral(session, again, known, reason="La même", by=by, at=AT)
        (task,) = tasks_of(session, referred_again.AGAIN)
        assert "#2026-01 was referred again: resume the follow-up" in task["title_en"]
    assert "#2026-01 was referred" not in client_for(cast.database, cast.people[WORKER], at=AT).get("/").text
