"""What holds of a program that people lived in, broken in the rows of the demonstration: each check finds where."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlmodel import Session

from adapters.database import program_session
from demo.loading import Demonstration
from simulation.promises import (
    carried,
    clinical_work,
    doors_and_letters,
    foreseen,
    given_once,
    on_whom,
    promises,
    rounds_and_record,
    sat_and_decided,
)
from tests.cast import KEYS, Cast, letter_templates
from tests.conftest import Copies, Database
from tests.fakes.seal_keys import FakeSealKeys
from tests.sealing import seal_all, tamper

AT: Final = datetime(2027, 1, 4, 14, 0, tzinfo=UTC)
MODULES: Final = (
    carried,
    on_whom,
    doors_and_letters,
    rounds_and_record,
    given_once,
    sat_and_decided,
    foreseen,
    clinical_work,
)

#: By the beginning of its sentence, what breaks a promise: the last of its statements tells the row that is found.
BREAKS: Final[dict[str, str]] = {
    "Nobody named themselves as who follows": """
        insert into settlement (program_id, id, case_id, task_id, kind, holding_id, successor_id, ended_as, note,
        settled_at, settled_by, settled_as) select program_id, :new, case_id, task_id, 'tenure', id, settled_by, '',
        '', :at, settled_by, settled_as from settlement where settled_by is not null order by id limit 1
        returning 'settlement ' || id
        """,
    "Who left a partner has no seat": """
        update seat_holder set withdrawn_at = :at where withdrawn_at is null;
        update seat_holder set ends_on = null, withdrawn_at = null where id = (
        select h.id from seat_holder h join seat s on s.id = h.seat_id
        join departure d on d.person_id = h.person_id and d.organization_id = s.organization_id
        where d.ended_at is not null and d.called_off_at is null order by h.id limit 1)
        returning 'seat_holder ' || id
        """,
    "An account of a leaver's is closed": """
        update account set closed_at = :at where id = (
        select id from account where closed_at is null order by id limit 1) returning 'account ' || id
        """,
    "A case closes by itself": """
        update "case" set state = 'closed', ended_at = :at
        where id = (select id from "case" where state = 'open' order by id limit 1) returning 'case ' || id
        """,
    "Nothing is asked of anyone in a case": """
        update "case" set state = 'closed', ended_at = :at where state = 'open';
        select 'task ' || id from task where state = 'open' and case_id is not null order by id limit 1
        """,
    "A step waits for what it needs": """
        update task set state = 'planned' where id = (
        select id from task where state = 'open' and case_id is not null order by id limit 1) returning 'task ' || id
        """,
    "What the engine is to carry": """
        insert into round_mark (program_id, key, done_up_to, ran_at, ran_by, found, trouble)
        values (:here, 'sweep', :at, :at, '', 0, '');
        update wake_up set want = have + 1, wanted_at = :at - interval '5 days', not_before = :at - interval '5 days'
        where case_id = (select case_id from wake_up order by case_id limit 1) returning 'case ' || case_id
        """,
    "No reminder is forgotten": """
        insert into round_mark (program_id, key, done_up_to, ran_at, ran_by, found, trouble)
        values (:here, 'remind', :at, :at, '', 0, '');
        update task set next_check = :today - 9, opened_at = :at - interval '20 days'
        where id = (select id from task where state = 'open' order by id limit 1) returning 'task ' || id
        """,
    "Each clause of an agreement in force": """
        insert into round_mark (program_id, key, done_up_to, ran_at, ran_by, found, trouble)
        values (:here, 'obligations', :at, :at, '', 0, '');
        update obligation_period set key = 'gone' where id = (select p.id from obligation_period p
        join obligation o on o.id = p.obligation_id join agreement_version v on v.id = o.agreement_version_id
        where v.state = 'in_force' and p.ends_on is null order by p.id limit 1)
        returning 'obligation ' || obligation_id
        """,
    "What a clause counts": """
        insert into obligation_finding (program_id, id, period_id, n, obligation_id, state, "on", found, evaluated_at)
        select program_id, :new, period_id, 99, obligation_id, state, "on", jsonb_set(found, '{numbers,late}', '9'), :at
        from obligation_finding where found->'numbers' ? 'late' order by id limit 1
        returning 'obligation_finding ' || id
        """,
    "What organizations carry": """
        update program set coordination = jsonb_set(
        coordination, '{hosted}', '{"shares": [{"organization": "ccsmtl", "percent": 50}]}')
        where id = :here returning 'program ' || id
        """,
    "The coordination does not settle": """
        insert into event (program_id, id, at, actor_id, actor_as, verb, subject_kind, subject_id, facts) values
        (:here, :new, :at, :person, 'coordinator', 'tenure.ended', 'person', :other_person,
        '{"role": "privacy_officer"}') returning 'event ' || n
        """,
    "A follow-up is never given to a worker": """
        update assignment set starts_on = '2001-01-01' where id = (
        select one.id from assignment one where not exists (select 1 from assignment before
        where before.follow_up_id = one.follow_up_id and before.starts_on < one.starts_on)
        order by one.id limit 1) returning 'assignment ' || id
        """,
    "Closing a meeting drafts its minutes": """
        update meeting set state = 'held', opened_at = starts_at, closed_at = ends_at
        where id = (select id from meeting where state = 'planned' order by id limit 1) returning 'meeting ' || id
        """,
    "Whoever sat had that seat": """
        update attendance set person_id = :person where id = (
        select sat.id from attendance sat where person_id is not null and not exists (
        select 1 from seat_holder held where held.seat_id = sat.seat_id and held.person_id = :person)
        order by sat.id limit 1) returning 'attendance ' || id
        """,
    "No agenda, no minutes and no daily letter": """
        update tenure set starts_on = :today - 90, ends_on = :today - 30 where person_id = :person;
        update notice set template = 'daily_digest', created_at = :at, person_id = :person
        where id = (select id from notice order by n limit 1) returning 'notice ' || id
        """,
    "What is open or handed in falls to somebody": """
        insert into responsibility (program_id, id, digest, links) values (:here, :new, 'nobody',
        jsonb_build_array(jsonb_build_object('role', 'coordinator', 'at', '*', 'person', cast(:other as text))));
        update task set owed_by_id = :new where id = (select id from task where state = 'open' and case_id is
        null order by id limit 1) returning 'task ' || id
        """,
    "No two open tasks ask one role": """
        update task set opened_at = :at + interval '1 day', item = one.item, step = one.step, owed_by_id =
        one.owed_by_id, declared_owed_by_id = one.declared_owed_by_id from (select * from task where step =
        'obligation.give' and state = 'open' order by id limit 1) as one where task.id = (select id from task
        where step = 'obligation.attest' and state = 'open' order by id limit 1) returning 'task ' || task.id
        """,
    "Nobody approves their own request": """
        insert into event (program_id, id, at, actor_id, actor_as, actor_for, verb, subject_kind, subject_id,
        facts) select program_id, :new, :at, :other_person, 'manager', actor_id, 'task.approved', 'task',
        subject_id, '{}' from event where verb = 'task.submitted' order by n limit 1 returning 'task ' ||
        subject_id
        """,
    "A worker is looked for a follow-up": """
        update task set item = (select follow_up_id::text from assignment where kind = 'primary' and ends_on is
        null order by id limit 1) where step = 'follow_up.assign' returning 'task ' || id
        """,
    "Whom a participant barred": """
        insert into barred (program_id, id, participant_id, person_id, recorded_at) select a.program_id, :new,
        f.participant_id, a.person_id, :at from assignment a join follow_up f on f.id = a.follow_up_id where
        a.ends_on is null order by a.id limit 1;
        select 'assignment ' || id from assignment where ends_on is null order by id limit 1
        """,
    "After two further attempts": """
        insert into contact_attempt (program_id, id, follow_up_id, tried_on, means, reached, tried_by,
        recorded_at) select f.program_id, gen_random_uuid(), f.id, :today + 40 + n, 'call', false, :person, :at
        from generate_series(1, 3) as n, (select * from follow_up where state = 'active' order by id limit 1) as
        f;
        select 'contact_attempt ' || id from contact_attempt order by tried_on desc limit 1
        """,
    "Nobody is admitted without a consent": """
        update consent set signed_on = signed_on + 500, agreed_until = null, ends_on = null where id = (select id
        from consent where purpose = 'program' order by id limit 1) returning 'participant ' ||
        participant_id
        """,
    "No one gives themselves the role": """
        insert into event (program_id, id, at, actor_id, actor_as, verb, subject_kind, subject_id, facts) values
        (:here, :new, :at, :person, 'manager', 'tenure.started', 'person', :person, '{"role":
        "privacy_officer"}') returning 'person ' || subject_id
        """,
    "With the last role, access ends by itself": """
        update tenure set starts_on = :today - 90, ends_on = :today - 9 where person_id = :person;
        insert into passkey (credential_id, program_id, person_id, id, public_key, sign_count, device,
        enrolled_at) values ('abc', :here, :person, :new, '', 0, '', :at) returning 'passkey ' || id
        """,
    "No letter is left behind": """
        update notice set state = 'sent', sent_at = :at, created_at = :at, next_attempt_at = null where id =
        (select id from notice order by n desc limit 1);
        update notice set created_at = :at where id <> (select id from notice order by n limit 1);
        update notice set created_at = :at - interval '9 days', state = 'queued', next_attempt_at = :at, sent_at
        = null, attempts = 0 where id = (select id from notice order by n limit 1) returning 'notice ' || id
        """,
    "Letters of one thread leave": """
        update notice set state = 'sent', next_attempt_at = null, sent_at = :at - n * interval '1 minute' where
        id in (select id from notice where thread = 'meetings' and person_id = (select person_id from notice
        where thread = 'meetings' group by 1 having count(*) > 1 order by 1 limit 1) order by n limit 2);
        select 'notice ' || id from notice where thread = 'meetings' and sent_at is not null order by n desc
        limit 1
        """,
    "One letter a day at most tells": """
        update notice set template = 'daily_digest', created_at = :at, person_id = :person where id in (select
        id from notice order by n limit 2);
        select 'notice ' || id from notice where template = 'daily_digest' order by n desc limit 1
        """,
    "Each letter goes to one person": """
        update notice set to_address = 'a@b.example, c@d.example' where id = (select id from notice order by n
        limit 1) returning 'notice ' || id
        """,
    "No round is marked as done ahead": """
        insert into round_mark (program_id, key, done_up_to, ran_at, ran_by, found, trouble) values (:here,
        'sweep', :at + interval '1 hour', :at, '', 0, '') returning 'round_mark ' || key
        """,
    "Each round is done within a day": """
        insert into round_mark (program_id, key, done_up_to, ran_at, ran_by, found, trouble) values (:here,
        'sweep', :at - interval '5 days', :at, '', 0, '') returning 'round_mark ' || key
        """,
    "Each rung of a ladder is used once": """
        insert into event (program_id, id, at, actor_as, verb, subject_kind, subject_id, facts) select :here,
        gen_random_uuid(), :at + n * interval '2 days', 'rounds', 'task.reminded', 'task', :new, '{"rung": 1,
        "state": "open", "to": ["owner"]}' from generate_series(1, 2) as n;
        select 'task ' || cast(:new as text)
        """,
    "What is over says since when": """
        update task set settled_as = '' where state = 'waived' returning 'task ' || id
        """,
    "A participant's number is given once": """
        update participant set number = left(number, 6) || '99' where id = (select id from participant where
        number is not null order by id limit 1) returning 'participant ' || id
        """,
    "Decisions of a committee are numbered": """
        update decision set number = number || '9' where id = (select id from decision order by number desc
        limit 1) returning 'decision ' || id
        """,
    "Incidents are all entered": """
        insert into incident (program_id, id, number, organization_id, known_on, recorded_at, version) select
        program_id, :new, 2, id, :today, :at, 1 from organization order by id limit 1 returning 'incident ' ||
        id
        """,
    "What a partner's people read": """
        insert into event (program_id, id, at, actor_id, actor_as, verb, subject_kind, subject_id, facts) select
        program_id, :new, :at, :person, 'youth_worker', 'read', 'participant', id, '{"what": "notes", "ground":
        "part"}' from participant where number is not null order by id limit 1 returning 'event ' || n
        """,
    "Each decision is stamped with the quorum": """
        update decision set decided_at = decided_at - interval '1 day' where id = (select id from decision order
        by number limit 1) returning 'decision ' || id
        """,
    "A quorum is met by as many": """
        update decision set quorum = jsonb_set(quorum, '{seats_present}', '0') where id = (select id from
        decision order by number limit 1) returning 'decision ' || id
        """,
    "A meeting opens two hours before": """
        update meeting set opened_at = starts_at - interval '3 hours' where id = (select id from meeting where
        state = 'held' order by id limit 1) returning 'meeting ' || id
        """,
    "An hour of attendance lies within": """
        update attendance set arrived_at = :at - interval '400 days' where id = (select id from attendance where
        person_id is not null and left_at is null order by id limit 1) returning 'attendance ' || id
        """,
    "Minutes are approved at a later meeting": """
        update minutes set approved_in_id = meeting_id where id = (select id from minutes where state =
        'approved' order by id limit 1) returning 'minutes ' || id
        """,
    "A meeting that no one closed": """
        insert into round_mark (program_id, key, done_up_to, ran_at, ran_by, found, trouble) values (:here,
        'gatherings', :at, :at, '', 0, '');
        update meeting set state = 'planned', closed_at = null, starts_at = :at - interval '9 days', ends_at =
        :at - interval '8 days' where id = (select id from meeting where state = 'held' order by id limit 1)
        returning 'meeting ' || id
        """,
    "What can no longer be met is met by nothing": """
        insert into obligation_finding (program_id, id, period_id, n, obligation_id, state, "on", found,
        evaluated_at) select program_id, :new, period_id, 99, obligation_id, 'met', "on", found, :at from
        obligation_finding where state = 'cannot_be_met' order by id limit 1 returning 'obligation_period ' ||
        period_id
        """,
    "'Can no longer be met' is said": """
        insert into obligation_finding (program_id, id, period_id, n, obligation_id, state, "on", found,
        evaluated_at) select program_id, :new, period_id, 99, obligation_id, 'on_track', "on", found, :at from
        obligation_finding where state = 'cannot_be_met' order by id limit 1 returning 'obligation_finding ' ||
        id
        """,
    "That a period will be missed is said 30 days before": """
        insert into obligation_finding (program_id, id, period_id, n, obligation_id, state, "on", found,
        evaluated_at) select p.program_id, :new, p.id, 99, p.obligation_id, 'missed', p.ends_on,
        jsonb_build_object('facts', jsonb_build_array(jsonb_build_object('id', 'x', 'on', p.ends_on - 60, 'why',
        'late', 'kind', 'task', 'counts', true)), 'numbers', '{"late": 1, "allowed": 0}'::jsonb), :at from
        obligation_period p join obligation o on o.id = p.obligation_id where o.check_kind = 'tasks' and exists
        (select 1 from obligation_finding f where f.period_id = p.id and f."on" < p.ends_on - 40) and not exists
        (select 1 from obligation_finding f where f.period_id = p.id and f.state = 'cannot_be_met') order by
        p.id limit 1 returning 'obligation_period ' || period_id
        """,
    "Nobody’s words of a week are saved over": """
        update weekly_note set version = version + 1 where id = (select id from weekly_note order by id limit 1)
        returning 'weekly_note ' || id
        """,
    "What is said of a case is said while": """
        insert into case_discussion (program_id, id, follow_up_id, meeting_id, urgent, outcome, recorded_by,
        recorded_at, version) select m.program_id, :new, f.id, m.id, false, 'goes_on', :person, m.closed_at, 1 from
        meeting m, follow_up f where m.state = 'held' and not exists (select 1 from case_discussion d where
        d.meeting_id = m.id and d.follow_up_id = f.id) order by m.id, f.id limit 1 returning
        'case_discussion ' || id
        """,
    "An export holds only participants whose consent": """
        insert into study_row (program_id, id, study_export_id, participant_id) select x.program_id, :new, x.id, p.id
        from study_export x, participant p where p.state = 'admitted' and not exists (select 1 from research_consent c
        where c.participant_id = p.id) order by p.id limit 1 returning 'study_row ' || id
        """,
    "No group of an export is smaller": """
        update study_export set state = 'made', made_at = :at, settled_by = :person, settled_as = 'privacy_officer',
        settled_at = :at where state = 'asked';
        insert into research_group (program_id, id, made_at, left_because) values (:here, :new, :at, '');
        insert into research_group_member (program_id, id, research_group_id, participant_id) select c.program_id,
        gen_random_uuid(), :new, c.participant_id from research_consent c where c.withdrawn_on is null and not exists (
        select 1 from research_group_member m where m.participant_id = c.participant_id) order by c.id limit 4;
        insert into study_row (program_id, id, study_export_id, participant_id) select m.program_id, gen_random_uuid(),
        x.id, m.participant_id from study_export x, research_group_member m where x.state = 'made' and
        m.research_group_id = :new returning 'study_export ' || study_export_id
        """,
    "An export is made or refused by another": """
        insert into event (program_id, id, at, actor_id, actor_as, verb, subject_kind, subject_id, facts) select
        program_id, :new, :at, actor_id, 'privacy_officer', 'study_export.made', subject_kind, subject_id, '{}' from
        event where verb = 'study_export.asked' order by n limit 1 returning 'study_export ' || subject_id
        """,
    "Nobody downloads an export but": """
        insert into event (program_id, id, at, actor_id, actor_as, verb, subject_kind, subject_id, facts) select
        program_id, :new, :at, :person, 'researcher', 'exported', 'study_export', id, '{}' from study_export where state
        = 'asked' order by id limit 1 returning 'study_export ' || subject_id
        """,
    "Who takes back their consent to research": """
        update study_export set state = 'made', made_at = :at, settled_by = :person, settled_as = 'privacy_officer',
        settled_at = :at where state = 'asked';
        update research_consent set withdrawn_on = :today, withdrawn_at = :at + interval '1 hour' where withdrawn_on is
        null;
        insert into study_row (program_id, id, study_export_id, participant_id) select c.program_id, :new, x.id,
        c.participant_id from study_export x, research_consent c where x.state = 'made' order by c.id limit 1 returning
        'study_export ' || study_export_id
        """,
    "Each request about own data is answered": """
        update task set due_on = due_on + 1 where id = (select id from task where step = 'rights.answer' and state =
        'open' order by id limit 1) returning 'rights_request ' || item
        """,
    "Who refers somebody who was known": """
        update referral set state = 'joined', result = '', triaged_at = null, triaged_by = null, asked = '{}', asked_at
        = null where id = (select r.id from referral r join participant p on p.id = r.participant_id where r.reference =
        p.candidate_ref and r.state in ('received', 'triaged') order by r.id limit 1) returning 'referral ' || id
        """,
    "Of who went straight to a worker": """
        update task set step = 'triage.find_out' where step = 'triage.owed';
        update referral set result = 'forwarded', state = 'triaged', triaged_at = :at, triaged_by = :person where id = (
        select r.id from referral r join participant p on p.id = r.participant_id where p.state = 'candidate' and
        r.state in ('received', 'triaged') and not exists (select 1 from criterion_finding c where c.participant_id =
        p.id and c.criterion = 'AD-C0' and c.finding = 'met') order by r.id limit 1) returning
        'participant ' || participant_id
        """,
    "A workbook that was taken back leaves": """
        insert into note_import (program_id, id, uploaded_by, uploaded_at, told, saved_at, saved_as, taken_back_at,
        cleared_at) select program_id, :new, written_by, written_at, '{}', written_at, 'youth_worker', :at, :at from
        weekly_note where is_complete order by id limit 1;
        insert into note_import_sheet (program_id, id, note_import_id, follow_up_id, position, name, trouble, lines)
        select program_id, :new, :new, follow_up_id, 1, 'J', '', jsonb_build_array(jsonb_build_object('week', week,
        'kind', 'new', 'stays', false)) from weekly_note where is_complete order by id limit 1;
        select 'weekly_note ' || id from weekly_note where is_complete order by id limit 1
        """,
}


@pytest.fixture(scope="module")
def loaded(copies: Copies, template: str) -> Iterator[tuple[Database, UUID]]:
    """The year of the demonstration. Loading takes seconds, so that the tests share it; each undoes what it did."""
    with copies.of(template) as database:
        yield database, Demonstration(database.engine, letter_templates(), at=AT, keys=KEYS).load()


@pytest.fixture
def demonstrated(loaded: tuple[Database, UUID]) -> Iterator[Session]:
    """A session of the demonstration, whose changes are not kept."""
    database, program_id = loaded
    with program_session(database.engine, program_id) as session:
        session.info.update(keys=KEYS)
        yield session


def test_every_promise_of_these_modules_is_broken_here() -> None:
    mine = {one.sentence for one in promises() if one.look.__module__ in {module.__name__ for module in MODULES}}
    left = {sentence for sentence in mine if not any(sentence.startswith(begins) for begins in BREAKS)}
    assert left == {"The record is as it was sealed: no line was changed, removed or put in."}  # below
    assert len(mine) == len(BREAKS) + 1


@pytest.mark.ci
@pytest.mark.parametrize("begins", BREAKS)
def test_what_breaks_a_promise_is_found_in_a_program_that_kept_it(demonstrated: Session, begins: str) -> None:
    session = demonstrated
    (one,) = [one for one in promises() if one.sentence.startswith(begins)]
    assert list(one.look(session, AT)) == []
    where = _broken_by(session, BREAKS[begins])
    assert where in list(one.look(session, AT))


def _broken_by(session: Session, statements: str) -> str:
    people = session.scalars(
        text(
            "select person_id from tenure where role = 'youth_worker' and ends_on is null and not exists ("
            "select 1 from assignment where assignment.person_id = tenure.person_id) order by person_id"
        )
    ).all()
    values: dict[str, Any] = {
        "here": session.info["program_id"],
        "at": AT,
        "today": AT.date(),
        "new": uuid4(),
        "other": str(uuid4()),
        "person": people[0],
        "other_person": people[-1],
    }
    told = ""
    for statement in statements.split(";\n"):
        asked = {name: value for name, value in values.items() if f":{name}" in statement}
        found = session.connection().execute(text(statement), asked)
        told = str(found.scalar()) if found.returns_rows else told
    return told


@pytest.mark.ci
def test_a_line_of_the_record_that_was_changed_behind_its_seal_is_found(cast: Cast) -> None:
    keys, look = FakeSealKeys(), rounds_and_record.the_record_is_sound
    seal_all(cast, keys)
    with cast.session() as session:
        assert list(look(session, AT)) == [], "nothing is looked at without the keys"
        session.info["seal_keys"] = keys
        assert list(look(session, AT)) == []
        line: UUID = session.scalars(text("select id from event order by n limit 1")).one()
    tamper(cast.database, "update event set verb = 'read' where id = :id", id=line)
    with cast.session() as session:
        session.info["seal_keys"] = keys
        assert list(look(session, AT)) != []
