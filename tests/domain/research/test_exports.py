"""Exports of studies: who asks, approves and receives, what is in one, and what a withdrawal does."""

from __future__ import annotations

import csv
import io
import json
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlmodel import Session

from domain.casework import complete_task
from domain.follow_ups import Week
from domain.follow_ups.self_reports import record_self_report
from domain.follow_ups.weeks import monday_of
from domain.kernel import col, local_day, only, rewrite, seal, tuples
from domain.kernel.actors import Actor
from domain.participants import ParticipantIdentity, research
from domain.research import ANSWER_EXPORT, FILES, REMOVE_ROWS, approvers, exports, removals, studies
from domain.rights.told import told_of
from domain.roles import DayAbsence, DayTenures, Link, standing
from models.base import table_of
from models.casework import Responsibility, Task
from models.follow_up import FollowUp
from models.participant import Participant
from tests.cast import AT, KEYS, TODAY, Arranged, Cast
from tests.destroying import destroyed
from tests.following import WORKER, in_force
from tests.noting import write_note
from tests.refusing import refused
from tests.researching import APPROVER, KEEPER, RECEIVER, THEN, described, exported, rows_of, several, studied

DAY = timedelta(days=1)


@pytest.fixture
def cast(cast: Cast, arranged: Arranged[None]) -> Cast:
    """The cast, with every agreement in force."""
    arranged(cast, in_force)
    return cast


def follow_up_of(session: Session, participant_id: UUID) -> UUID:
    table = table_of(FollowUp)
    found: UUID = session.execute(select(table.c.id).where(table.c.participant_id == participant_id)).scalar_one()
    return found


def say_who(session: Session, participant_id: UUID) -> None:
    """Have a file hold who somebody is."""
    who = seal(session, participant_id, "identity", ParticipantIdentity(gender="woman").to_json())
    rewrite(session, Participant, participant_id, sealed=who)


# ---------------------------------------------------------------------------------------------------- what is in it


def test_an_export_has_codes_months_and_rounded_numbers_and_nobody_stands_apart(cast: Cast) -> None:
    with cast.session() as session:
        people = several(session, cast, 5)
        by = cast.actor(WORKER)
        for week in range(4):
            monday = monday_of(TODAY + timedelta(weeks=week))
            at = AT + timedelta(weeks=week)
            write_note(session, follow_up_of(session, people[0]), monday, Week(met=1, minutes=70), by=by, at=at)
        study = studied(session, cast)
        heads, *rows = rows_of(session, cast, exported(session, cast, study))
        assert len(rows) == 5
        assert len({row[0] for row in rows}) == 5
        told = [dict(zip(heads, row, strict=True)) for row in rows]
        assert {one["entered_from"] for one in told} == {one["entered_to"] for one in told} == {"2026-11"}
        assert sorted(one["minutes"] for one in told) == ["", "", "", "", "75"]
        assert {one["organization"] for one in told} == {"ccsmtl"}
        everything = "\n".join(",".join(row) for row in rows)
        assert "#2026" not in everything
        assert not any(str(one) in everything for one in people)


def test_an_export_has_the_choices_of_the_weekly_row_the_gender_and_the_self_reports(cast: Cast) -> None:
    with cast.session() as session:
        people = several(session, cast, 5)
        by = cast.actor(WORKER)
        week = Week(
            met=1,
            minutes=60,
            communications=("telephone", "messenger"),
            need="stability",
            main_activity="Une marche avec Zibeline",
            worker_satisfaction="satisfied",
            participant_satisfaction="very_satisfied",
            activity_type="sports",
            summary="Zibeline raconte.",
        )
        for one in people:
            say_who(session, one)
            follow_up_id = follow_up_of(session, one)
            write_note(session, follow_up_id, monday_of(TODAY), week, by=by, at=AT + 7 * DAY)
            record_self_report(session, follow_up_id, 1, done_on=TODAY + 9 * DAY, risk="green", by=by, at=AT + 9 * DAY)
        heads, *rows = rows_of(session, cast, exported(session, cast, studied(session, cast)))
        told = [dict(zip(heads, row, strict=True)) for row in rows]
        assert {one["gender"] for one in told} == {"woman"}
        for column, value in {
            "need": "stability",
            "worker_satisfaction": "satisfied",
            "participant_satisfaction": "very_satisfied",
            "activity_type": "sports",
            "by_telephone": "100",
            "by_email": "0",
            "time_1_from": "2026-12",
            "time_1_to": "2026-12",
            "time_1_risk": "green",
            "time_2_from": "",
            "time_2_risk": "",
        }.items():
            assert {one[column] for one in told} == {value}, column
        assert "Zibeline" not in "".join(cell for row in rows for cell in row)


def test_a_group_of_four_is_not_exported(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 4)
        study = studied(session, cast)
        export_id = exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        with refused("export.too_few"):
            exports.approve(session, export_id, by=cast.actor(APPROVER), at=THEN)


def test_those_who_come_one_by_one_wait_until_they_are_five(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 6)
        study = studied(session, cast)
        before = rows_of(session, cast, exported(session, cast, study))
        several(session, cast, 4, first=7)
        again = rows_of(session, cast, exported(session, cast, study))
        assert [row[0] for row in again] == [row[0] for row in before], "four more wait"
        several(session, cast, 1, first=11)
        later = rows_of(session, cast, exported(session, cast, study))
        assert len(later) - len(before) == 5


def test_another_study_has_other_codes_and_the_same_study_the_same(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        one, other = studied(session, cast), studied(session, cast)
        mine = {row[0] for row in rows_of(session, cast, exported(session, cast, one))[1:]}
        again = {row[0] for row in rows_of(session, cast, exported(session, cast, one))[1:]}
        theirs = {row[0] for row in rows_of(session, cast, exported(session, cast, other))[1:]}
        assert mine == again
        assert mine.isdisjoint(theirs)


def test_who_did_not_consent_or_came_after_the_months_is_in_none(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        later = THEN - 10 * DAY  # in January, whose month is not over
        several(session, cast, 5, first=6, at=later)
        study = studied(session, cast)
        assert len(rows_of(session, cast, exported(session, cast, study))) == 1 + 5


def test_an_export_is_the_same_bytes_whatever_changes_since(cast: Cast) -> None:
    with cast.session() as session:
        people = several(session, cast, 5)
        export_id = exported(session, cast, studied(session, cast))
        by = cast.actor(RECEIVER)

        def files() -> list[bytes]:
            return [
                exports.download(session, export_id, kind, language, by=by, at=THEN).content
                for kind in FILES
                for language in ("fr", "en")
            ]

        before = files()
        monday = monday_of(TODAY)
        write_note(
            session, follow_up_of(session, people[0]), monday, Week(met=3, minutes=90), by=cast.actor(WORKER), at=AT
        )
        session.execute(text("update participant set area = 'laval'"))
        several(session, cast, 5, first=6)
        assert files() == before


def test_redcap_reads_the_dictionary_and_every_value_is_one_of_its_choices(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        export_id = exported(session, cast, studied(session, cast))
        by = cast.actor(RECEIVER)
        given = exports.download(session, export_id, "redcap.csv", "en", by=by, at=THEN)
        lines = list(csv.DictReader(io.StringIO(given.content.decode("utf-8-sig"))))
        assert given.name == "study-1-export-1-en-redcap.csv"
        assert len(lines[0]) == 18
        assert lines[0]["Variable / Field Name"] == "code"
        heads, *rows = rows_of(session, cast, export_id)
        assert [one["Variable / Field Name"] for one in lines] == heads
        for one in lines:
            name, choices = one["Variable / Field Name"], one["Choices, Calculations, OR Slider Labels"]
            assert name == name.lower()
            assert name.replace("_", "").isalnum()
            assert (one["Field Type"] == "radio") == bool(choices)
            codes = {choice.split(", ")[0] for choice in choices.split(" | ")} | {""}
            values = {row[heads.index(name)] for row in rows}
            if choices:
                assert values <= codes
            elif one["Text Validation Type OR Show Slider Number"] == "integer":
                assert all(value == "" or value.isdigit() for value in values)


# --------------------------------------------------------------------------------------------------- who may, and when


def test_nobody_approves_what_they_asked_for_under_any_hat_or_receives(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        export_id = exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        keeper = cast.people[KEEPER]
        for by in (
            Actor("privacy_officer", keeper),
            Actor("privacy_officer", cast.people["deputy"], acting_for=keeper),
        ):
            with refused("export.own_request"):
                exports.approve(session, export_id, by=by, at=THEN)
            with refused("export.own_request"):
                exports.refuse(session, export_id, by=by, at=THEN)
        with refused("export.recipient"):
            exports.approve(session, export_id, by=Actor("privacy_officer", cast.people[RECEIVER]), at=THEN)
        with refused("export.not_approver"):
            exports.approve(session, export_id, by=cast.actor("coordinator"), at=THEN)
        exports.approve(session, export_id, by=cast.actor(APPROVER), at=THEN)
        with refused("export.answered"):
            exports.refuse(session, export_id, by=cast.actor(APPROVER), at=THEN)


def test_an_approval_that_ended_yesterday_refuses_everything(cast: Cast) -> None:
    last = (THEN - DAY).date()
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast, described(ends_on=last))
        made = exported(session, cast, study, at=THEN - DAY)
        rows_of(session, cast, made, at=THEN - DAY)
        asked = exports.ask(session, study, by=cast.actor(KEEPER), at=THEN - DAY)
        with refused("study.ethics_over"):
            exports.approve(session, asked, by=cast.actor(APPROVER), at=THEN)
        with refused("study.ethics_over"):
            rows_of(session, cast, made, at=THEN)
        exports.take_back(session, asked, by=cast.actor(KEEPER), at=THEN)
        with refused("study.ethics_over"):
            exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        with refused("study.ethics_past"):
            studies.renew_ethics(session, study, "CER-2", last, by=cast.actor(KEEPER), at=THEN)
        studies.renew_ethics(session, study, "CER-2", date(2028, 1, 1), by=cast.actor(KEEPER), at=THEN)
        with refused("export.ethics_over"):
            rows_of(session, cast, made, at=THEN)
        rows_of(session, cast, exported(session, cast, study))  # which somebody else approved, under the renewed one


def _renewed(session: Session, cast: Cast, study: UUID) -> None:
    studies.renew_ethics(session, study, "CER-2026-14", date(2030, 1, 1), by=cast.actor(KEEPER), at=THEN)


def _named(session: Session, cast: Cast, study: UUID) -> None:
    studies.name_recipient(session, study, cast.people[KEEPER], by=cast.actor(KEEPER), at=THEN)


def _removed(session: Session, cast: Cast, study: UUID) -> None:
    _named(session, cast, study)
    studies.remove_recipient(session, study, cast.people[RECEIVER], by=cast.actor(KEEPER), at=THEN)


@pytest.mark.parametrize("change", [_renewed, _named, _removed])
def test_nobody_approves_another_study_than_the_one_that_was_asked_for(cast: Cast, change: Any) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        asked = exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        with refused("export.asked_already"):
            exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        change(session, cast, study)
        with refused("export.changed"):
            exports.approve(session, asked, by=cast.actor(APPROVER), at=THEN, seen=1)
        anew = exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        with refused("export.answered"):
            exports.approve(session, asked, by=cast.actor(APPROVER), at=THEN, seen=1)
        assert sorted(one[0] for one in asks(session, ANSWER_EXPORT)) == ["cancelled", "open"]
        assert studies.changes_of(session, study)[0].actor_id == cast.people[KEEPER]
        exports.approve(session, anew, by=cast.actor(APPROVER), at=THEN, seen=1)


def test_a_change_that_was_undone_asks_nobody_anew(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        asked = exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        _named(session, cast, study)
        studies.remove_recipient(session, study, cast.people[KEEPER], by=cast.actor(KEEPER), at=THEN)
        exports.approve(session, asked, by=cast.actor(APPROVER), at=THEN)


def test_nobody_who_was_named_after_an_approval_receives_what_it_gave(cast: Cast) -> None:
    keeper = cast.actor(KEEPER)
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        made = exported(session, cast, study)
        _removed(session, cast, study)
        with refused("export.named_since"):
            exports.download(session, made, "data.csv", "fr", by=keeper, at=THEN)
        with refused("export.not_theirs"):
            rows_of(session, cast, made)
        later = exported(session, cast, study)
        exports.download(session, later, "data.csv", "fr", by=keeper, at=THEN)
        studies.name_recipient(session, study, cast.people[RECEIVER], by=keeper, at=THEN)
        rows_of(session, cast, made)
        with refused("export.named_since"):
            rows_of(session, cast, later)


def test_a_shorter_ethics_approval_counts_at_once(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        made = exported(session, cast, study)
        studies.renew_ethics(session, study, "CER-2026-14", THEN.date(), by=cast.actor(KEEPER), at=THEN)
        rows_of(session, cast, made)
        with refused("study.ethics_over"):
            rows_of(session, cast, made, at=THEN + DAY)


def test_the_last_day_of_an_approval_is_the_program_s_own_to_its_last_minute(cast: Cast) -> None:
    last = THEN.date()
    end = datetime.combine(last + DAY, time(), ZoneInfo("America/Toronto")).astimezone(UTC)
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast, described(ends_on=last))
        made = exported(session, cast, study)
        minute = timedelta(minutes=1)
        assert (end - minute).date() > last, "the day is over in UTC, and not in the program"
        rows_of(session, cast, made, at=end - minute)
        with refused("study.ethics_over"):
            rows_of(session, cast, made, at=end)


def test_a_rule_that_changed_since_it_was_asked_is_never_the_weaker_one(cast: Cast) -> None:
    def smallest(n: int) -> None:
        session.execute(
            text("update program set research = research || cast(:rules as jsonb)"),
            {"rules": json.dumps({"smallest_group": n})},
        )
        session.expire_all()

    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        made = exported(session, cast, study)
        before = rows_of(session, cast, made)
        asked = exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        smallest(8)
        assert rows_of(session, cast, made) == before, "what was made is the same bytes"
        with refused("export.rule_changed"):
            exports.approve(session, asked, by=cast.actor(APPROVER), at=THEN)
        exports.refuse(session, asked, by=cast.actor(APPROVER), at=THEN)
        with refused("export.too_few"):
            exported(session, cast, study)


def test_a_request_pins_its_fields_whatever_the_study_says_later(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast, described(fields=("age",)))
        asked = exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        session.execute(text("update study set fields = '{age,meetings}'"))
        session.expire_all()
        exports.approve(session, asked, by=cast.actor(APPROVER), at=THEN)
        assert rows_of(session, cast, asked)[0] == ["code", "age_from", "age_to"]


def test_a_person_is_told_in_which_exports_they_were_and_who_took_them_also_once_their_group_left(cast: Cast) -> None:
    def told(one: UUID) -> list[dict[str, Any]]:
        return [dict(line.said) for line in told_of(session, one) if line.kind.startswith("research")]

    with cast.session() as session:
        people = several(session, cast, 5)
        alone = several(session, cast, 1, first=20)[0]
        for one in [*people, alone]:
            say_who(session, one)
        study = studied(session, cast)
        assert not told(people[0])
        made = exported(session, cast, study)
        known = {"study_fr": "Intensité du suivi", "study_en": "Intensity of the follow-up"}
        in_it = [one for one in [*people, alone] if told(one)]
        assert len(in_it) == 6
        assert told(people[0]) == [known], "of which study and when, and nothing of the group"
        rows_of(session, cast, made)
        taken = known | {"role": RECEIVER, "organization": str(cast.actor(RECEIVER).organization_id)}
        assert told(people[0]) == [known, taken]
        research.withdraw_research_consent(session, people[1], by=cast.actor(KEEPER), at=THEN)
        assert told(people[0]) == [known | {"emptied": True}, taken], "nobody takes back that it was given"


def test_only_who_is_named_downloads_and_each_download_is_on_record(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        export_id = exported(session, cast, study)
        for name in (KEEPER, APPROVER, "coordinator", WORKER):
            with refused("export.not_theirs"):
                exports.download(session, export_id, "data.csv", "fr", by=cast.actor(name), at=THEN)
        rows_of(session, cast, export_id)
        (line,) = exports.downloads_of(session, study)
        assert (line.person_id, line.what, line.at) == (cast.people[RECEIVER], "data.csv", THEN)
        studies.remove_recipient(session, study, cast.people[RECEIVER], by=cast.actor(KEEPER), at=THEN)
        with refused("export.not_theirs"):
            rows_of(session, cast, export_id)


def test_only_people_of_the_research_are_named_and_what_is_said_of_a_study_is_whole(cast: Cast) -> None:
    by = cast.actor(KEEPER)
    with cast.session() as session:
        study = studied(session, cast)
        with refused("study.recipient"):
            studies.name_recipient(session, study, cast.people[WORKER], by=by, at=AT)
        with refused("study.recipient_there"):
            studies.name_recipient(session, study, cast.people[RECEIVER], by=by, at=AT)
        with refused("study.words"):
            studies.open_study(session, replace(described(), purpose_en=" "), by=by, at=AT)
        with refused("study.fields"):
            studies.open_study(session, described(fields=()), by=by, at=AT)
        with refused("study.fields"):
            studies.open_study(session, described(fields=("name",)), by=by, at=AT)
        with refused("study.months"):
            studies.open_study(session, replace(described(), last_month=date(2026, 8, 1)), by=by, at=AT)
        with refused("study.ethics_past"):
            studies.open_study(session, described(ends_on=TODAY - DAY), by=by, at=AT)
        for months in ({"last_month": date(9998, 12, 1)}, {"first_month": date(1, 1, 1)}):
            with refused("study.months_far"):
                studies.open_study(session, replace(described(), **months), by=by, at=AT)  # type: ignore[arg-type]  # days
        with refused("study.ethics_far"):
            studies.open_study(session, described(ends_on=date(9999, 12, 31)), by=by, at=AT)
        with refused("study.ethics_far"):
            studies.renew_ethics(session, study, "CER-2", date(9999, 12, 31), by=by, at=AT)


# ------------------------------------------------------------------------------------------- asked, told, and removed


def asks(session: Session, step: str) -> list[tuple[str, list[Link], str]]:
    """The tasks of a step, each with the state, the chain and the title in English."""
    asked = (
        only(Task.state, Responsibility.links, Task.title_en)
        .join(Responsibility, col(Responsibility.id) == col(Task.owed_by_id))
        .where(Task.step == step)
        .order_by(col(Task.opened_at), col(Task.id))
    )
    return list(tuples(session, asked))


@pytest.mark.parametrize(
    ("answer", "state"), [(exports.approve, "done"), (exports.refuse, "done"), (exports.take_back, "cancelled")]
)
def test_who_approves_exports_has_a_task_until_it_is_answered(cast: Cast, answer: Any, state: str) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        export_id = exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        ((is_open, links, title),) = asks(session, ANSWER_EXPORT)
        assert (is_open, title) == ("open", "Answer the request for an export of study no. 1")
        assert [link.role for link in links] == ["privacy_officer"]
        there = standing(session, local_day(session, THEN))
        assert [holder.person_id for holder in there.falls(links).holders] == [cast.people[APPROVER]]
        by = cast.actor(KEEPER if answer is exports.take_back else APPROVER)
        answer(session, export_id, by=by, at=THEN + DAY)
        assert [one[0] for one in asks(session, ANSWER_EXPORT)] == [state]


def test_the_task_does_not_fall_to_who_asked_while_they_stand_in_for_who_approves(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        asker, today = cast.people["director_ccsmtl"], local_day(session, THEN)
        gone = DayAbsence(uuid4(), cast.people[APPROVER], asker, ("tasks", "approvals"), today, today + DAY)
        exports.ask(session, study, by=Actor("research_coordinator", asker), at=THEN)
        ((_, links, _),) = asks(session, ANSWER_EXPORT)
        there = standing(session, today)
        away = DayTenures(today, there.tenures, [gone])
        assert [one.person_id for one in away.falls([Link("privacy_officer")]).holders] == [asker]
        assert not away.falls(links).holders, "it is vacant, which the coordination sees"


def test_the_task_falls_to_no_deputy_who_was_not_given_approvals(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        asked = exports.ask(session, studied(session, cast), by=cast.actor(KEEPER), at=THEN)
        ((_, links, _),) = asks(session, ANSWER_EXPORT)
        export, there = exports.find_export(session, asked), standing(session, local_day(session, THEN))
        assert export is not None
        assert [one.person_id for one in approvers.who_can(session, export, there.day)] == [cast.people[APPROVER]]
        deputy = cast.people["director_ccsmtl"]
        for kinds, able in ((("tasks",), []), (("approvals",), [deputy])):
            gone = DayAbsence(uuid4(), cast.people[APPROVER], deputy, kinds, there.day, there.day)
            away = DayTenures(there.day, there.tenures, [gone])
            assert [one.person_id for one in away.falls(links).holders] == able


def test_no_one_asks_for_what_nobody_else_could_approve(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        alone = Actor("research_coordinator", cast.people[APPROVER])
        with refused("export.nobody_answers"):
            exports.ask(session, study, by=alone, at=THEN)
        with refused("export.nobody_answers"):
            exports.ask(session, study, by=replace(cast.actor(KEEPER), acting_for=cast.people[APPROVER]), at=THEN)


def test_recipients_have_a_letter_by_number_when_an_export_is_made(cast: Cast) -> None:
    with cast.session() as session:
        people = several(session, cast, 5)
        study = studied(session, cast)
        exported(session, cast, study)
        (letter,) = session.execute(
            text("select person_id, subject, message from notice where template = 'export_made'")
        ).all()
        assert letter.person_id == cast.people[RECEIVER]
        read = message_from_bytes(bytes(letter.message), policy=policy.default)
        body = read.get_body(("plain",))
        assert body is not None
        said = letter.subject + body.get_content()
        assert f"/studies/{study}" in said
        for never in ("Intensité", "Intensity", "#2026", *map(str, people)):
            assert never not in said


def test_each_who_may_hold_rows_is_asked_to_remove_them_and_it_is_known_who_did_not(cast: Cast) -> None:
    keeper, receiver = cast.actor(KEEPER), cast.actor(RECEIVER)
    with cast.session() as session:
        people = several(session, cast, 10)
        study = studied(session, cast)
        rows_of(session, cast, exported(session, cast, study))
        # Who holds what they downloaded is asked too when they are a recipient no more.
        studies.remove_recipient(session, study, cast.people[RECEIVER], by=keeper, at=THEN)
        studies.name_recipient(session, study, cast.people[KEEPER], by=keeper, at=THEN)
        assert not removals.removals_of(session, study)
        research.withdraw_research_consent(session, people[3], by=keeper, at=THEN)
        found = {one.person_id: one for one in removals.removals_of(session, study)}
        assert set(found) == {cast.people[RECEIVER], cast.people[KEEPER]}
        assert all(one.confirmed_at is None for one in found.values())
        links = [links for _, links, _ in asks(session, REMOVE_ROWS)]
        there = standing(session, local_day(session, THEN))
        assert {there.falls(chain).holders[0].person_id for chain in links} == set(found)
        with refused("study.removal_waits"):
            studies.end_study(session, study, by=keeper, at=THEN)
        mine, theirs = found[cast.people[RECEIVER]].id, found[cast.people[KEEPER]].id
        with refused("removal.not_theirs"):
            removals.confirm(session, study, theirs, by=receiver, at=THEN)
        with refused("task.by_its_act"):
            complete_task(session, mine, by=receiver, at=THEN)
        removals.confirm(session, study, mine, by=receiver, at=THEN + DAY)
        with refused("removal.confirmed"):
            removals.confirm(session, study, mine, by=receiver, at=THEN + DAY)
        waits, done = removals.removals_of(session, study)
        assert (waits.person_id, waits.confirmed_at) == (cast.people[KEEPER], None)
        assert (done.person_id, done.confirmed_by, done.confirmed_at) == (
            cast.people[RECEIVER],
            cast.people[RECEIVER],
            THEN + DAY,
        )
        removals.confirm(session, study, waits.id, by=keeper, at=THEN + DAY)
        studies.end_study(session, study, by=keeper, at=THEN + DAY)


def test_what_was_confirmed_covers_no_group_that_leaves_later(cast: Cast) -> None:
    with cast.session() as session:
        people = several(session, cast, 10)
        study = studied(session, cast)
        exported(session, cast, study)
        research.withdraw_research_consent(session, people[0], by=cast.actor(KEEPER), at=THEN)
        left = set(
            session.scalars(
                text(
                    "select participant_id from research_group_member join research_group"
                    " on research_group.id = research_group_id where left_at is not null"
                )
            )
        )
        (first,) = removals.removals_of(session, study)
        later = next(one for one in people if one not in left)
        research.withdraw_research_consent(session, later, by=cast.actor(KEEPER), at=THEN + DAY)
        removals.confirm(session, study, first.id, by=cast.actor(RECEIVER), at=THEN + DAY)
        waits, done = removals.removals_of(session, study)
        assert (waits.confirmed_at, done.id) == (None, first.id), "the codes that came after are confirmed apart"


def test_a_withdrawal_of_who_is_in_no_export_asks_nobody(cast: Cast) -> None:
    with cast.session() as session:
        people = several(session, cast, 6)
        study = studied(session, cast)
        research.withdraw_research_consent(session, people[0], by=cast.actor(KEEPER), at=THEN)
        exported(session, cast, study)
        assert not removals.removals_of(session, study)


# ------------------------------------------------------------------------------------------ withdrawn, and destroyed


def test_a_withdrawal_takes_the_group_out_of_every_export_and_lists_its_codes(cast: Cast) -> None:
    with cast.session() as session:
        people = several(session, cast, 10)
        study, other = studied(session, cast), studied(session, cast)
        made, elsewhere = exported(session, cast, study), exported(session, cast, other)
        before = {row[0] for row in rows_of(session, cast, made)[1:]}
        found = studies.find_study(session, study)
        assert found is not None
        assert not exports.to_remove(session, found)
        research.withdraw_research_consent(session, people[3], by=cast.actor(KEEPER), at=THEN)
        for export_id in (made, elsewhere):
            with refused("export.not_made"):
                rows_of(session, cast, export_id)
        gone = {one.code for one in exports.to_remove(session, found)}
        assert len(gone) == 5, "with the four who go together with them, so that none of them is told apart"
        assert gone < before
        later = {row[0] for row in rows_of(session, cast, exported(session, cast, study))[1:]}
        assert later == before - gone
        sealed = session.scalars(text("select count(*) from study_row where sealed is not null")).one()
        assert sealed == 5 + 10, "the rows of the group are empty in every export"


def test_one_who_consents_again_is_in_no_export_any_more(cast: Cast) -> None:
    """Their row would come back alone, among those that had left together."""
    with cast.session() as session:
        people = several(session, cast, 5)
        study = studied(session, cast)
        exported(session, cast, study)
        research.withdraw_research_consent(session, people[0], by=cast.actor(KEEPER), at=THEN)
        research.keep_research_consent(session, people[0], THEN.date(), by=cast.actor(KEEPER), at=THEN)
        several(session, cast, 5, first=6)
        rows = rows_of(session, cast, exported(session, cast, study))[1:]
        assert len(rows) == 5
        found = studies.find_study(session, study)
        assert found is not None
        assert {one.code for one in exports.to_remove(session, found)}.isdisjoint(row[0] for row in rows)


def test_a_withdrawal_before_any_export_counts_nobody_else_out(cast: Cast) -> None:
    with cast.session() as session:
        people = several(session, cast, 6)
        research.withdraw_research_consent(session, people[0], by=cast.actor(KEEPER), at=THEN)
        assert len(rows_of(session, cast, exported(session, cast, studied(session, cast)))) == 1 + 5


def test_a_destroyed_file_leaves_every_export_and_its_rows_open_no_more(cast: Cast) -> None:
    long_after = AT + timedelta(days=3650)
    with cast.session() as session:
        people = several(session, cast, 5)
        study = studied(session, cast)
        export_id = exported(session, cast, study)
        session.execute(text("update follow_up set state = 'completed'"))
        session.execute(text("update participant set retain_until = '2032-01-01'"))
        destroyed(session, cast, people[0], at=long_after, knowing=("referral",))
        with refused("export.not_made"):
            exports.file_of_export(session, export_id, "data.csv", "fr")
        found = studies.find_study(session, study)
        assert found is not None
        assert len(exports.to_remove(session, found)) == 5


def test_a_consent_withdrawn_while_an_export_is_made_is_in_none_that_can_be_downloaded(cast: Cast) -> None:
    """Whichever of the two is first: the export is made without them, or is closed at once."""
    with cast.session() as session:
        people = several(session, cast, 10)
        study = studied(session, cast)
        export_id = exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
    start = threading.Barrier(2, timeout=20)

    def withdraw() -> None:
        with cast.session() as session:
            start.wait()
            research.withdraw_research_consent(session, people[0], by=cast.actor(KEEPER), at=THEN)

    def approve() -> None:
        with cast.session() as session:
            start.wait()
            exports.approve(session, export_id, by=cast.actor(APPROVER), at=THEN)

    threads = [threading.Thread(target=one) for one in (withdraw, approve)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with cast.session() as session:
        export = exports.find_export(session, export_id)
        assert export is not None
        whose = set(session.scalars(text("select participant_id from study_row where sealed is not null")))
        assert people[0] not in whose
        if export.state == "made":
            assert len(rows_of(session, cast, export_id)) == 1 + 9
        else:
            assert export.state == "closed"


def test_a_study_that_ends_has_nothing_to_download_and_its_codes_can_be_made_by_nobody(cast: Cast) -> None:
    with cast.session() as session:
        several(session, cast, 5)
        study = studied(session, cast)
        export_id = exported(session, cast, study)
        keys = set(KEYS.keys)
        studies.end_study(session, study, by=cast.actor(KEEPER), at=THEN)
        with refused("study.over"):
            rows_of(session, cast, export_id)
        with refused("study.over"):
            exports.ask(session, study, by=cast.actor(KEEPER), at=THEN)
        assert session.scalars(text("select count(*) from study_row where sealed is not null")).one() == 0
        (key,) = session.scalars(
            text("select id from word_key where study_id is not null and destroyed_at is not null")
        )
        assert key in keys, "and the worker destroys it"
