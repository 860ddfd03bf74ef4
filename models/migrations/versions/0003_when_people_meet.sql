-- When people meet: the committees' places, quorums and agenda rules; series, meetings, invitations, answers, agendas,
-- attendance, decisions and minutes; letters of one thread that leave in their order; how far a mailbox was read.

alter table committee add column place varchar not null default '';
alter table committee alter column place drop default;
-- Those that stand already take the first two letters of their key until their program is loaded again.
alter table committee add column letters varchar;
update committee set letters = upper(left(key, 2));
alter table committee alter column letters set not null;
alter table committee add column quorum jsonb not null default '{}';
alter table committee alter column quorum drop default;
alter table committee add column agenda jsonb not null default '{}';
alter table committee alter column agenda drop default;
alter table notice add column thread varchar not null default '';
alter table notice alter column thread drop default;
create index ix_notice_thread on notice (program_id, person_id, thread, n) where state = 'queued' and thread <> '';

CREATE TABLE calendar_feed (
    token_digest VARCHAR NOT NULL,
    program_id UUID NOT NULL,
    person_id UUID NOT NULL,
    id UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_calendar_feed PRIMARY KEY (token_digest),
    CONSTRAINT fk_calendar_feed_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT uq_calendar_feed_program_id_id UNIQUE (program_id, id),
    CONSTRAINT ck_calendar_feed_token_digest CHECK (token_digest ~ '^[0-9a-f]{64}$'),
    CONSTRAINT fk_calendar_feed_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_calendar_feed_person_id ON calendar_feed (person_id);
alter table "calendar_feed" enable row level security;
create policy own_or_none_said_finds on "calendar_feed" for select using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
create policy own_is_added on "calendar_feed" for insert with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
create policy own_or_none_said_changes on "calendar_feed" for update using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
grant select on "calendar_feed" to spheres_app;
grant insert, update ("read_at", "ended_at") on "calendar_feed" to spheres_app;

CREATE TABLE calendar_reader (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    dialect VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_calendar_reader PRIMARY KEY (program_id, id),
    CONSTRAINT fk_calendar_reader_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT uq_calendar_reader_program_id_person_id UNIQUE (program_id, person_id),
    CONSTRAINT ck_calendar_reader_dialect CHECK (dialect in ('unknown', 'merge', 'replace')),
    CONSTRAINT fk_calendar_reader_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "calendar_reader" enable row level security;
create policy own_program on "calendar_reader" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "calendar_reader" to spheres_app;
grant insert, update on "calendar_reader" to spheres_app;

CREATE TABLE drafted_year (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    committee_id UUID NOT NULL,
    year INTEGER NOT NULL,
    dates JSONB NOT NULL,
    drafted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    settled_by UUID,
    settled_as VARCHAR NOT NULL,
    CONSTRAINT pk_drafted_year PRIMARY KEY (program_id, id),
    CONSTRAINT fk_drafted_year_program_id_committee_id FOREIGN KEY(program_id, committee_id) REFERENCES committee (program_id, id),
    CONSTRAINT fk_drafted_year_program_id_settled_by FOREIGN KEY(program_id, settled_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_drafted_year_settled_as CHECK (settled_as in ('', 'planned', 'dismissed')),
    CONSTRAINT ck_drafted_year_settled CHECK ((settled_at is null) = (settled_as = '')),
    CONSTRAINT uq_drafted_year_program_id_committee_id_year UNIQUE (program_id, committee_id, year),
    CONSTRAINT fk_drafted_year_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "drafted_year" enable row level security;
create policy own_program on "drafted_year" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "drafted_year" to spheres_app;
grant insert, update on "drafted_year" to spheres_app;

CREATE TABLE inbox_place (
    program_id UUID NOT NULL,
    mailbox VARCHAR NOT NULL,
    place VARCHAR NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_inbox_place PRIMARY KEY (program_id, mailbox),
    CONSTRAINT fk_inbox_place_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "inbox_place" enable row level security;
create policy own_program on "inbox_place" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "inbox_place" to spheres_app;
grant insert, update on "inbox_place" to spheres_app;

CREATE TABLE meeting_series (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    committee_id UUID NOT NULL,
    follows_id UUID,
    uid VARCHAR NOT NULL,
    time_zone VARCHAR NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    at TIME WITHOUT TIME ZONE NOT NULL,
    minutes INTEGER NOT NULL,
    place VARCHAR NOT NULL,
    online_url VARCHAR NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_meeting_series PRIMARY KEY (program_id, id),
    CONSTRAINT fk_meeting_series_program_id_committee_id FOREIGN KEY(program_id, committee_id) REFERENCES committee (program_id, id),
    CONSTRAINT fk_meeting_series_program_id_follows_id FOREIGN KEY(program_id, follows_id) REFERENCES meeting_series (program_id, id),
    CONSTRAINT uq_meeting_series_program_id_uid UNIQUE (program_id, uid),
    CONSTRAINT ck_meeting_series_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT ck_meeting_series_minutes CHECK (minutes between 15 and 600),
    CONSTRAINT fk_meeting_series_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_meeting_series_committee_id ON meeting_series (committee_id);
alter table "meeting_series" enable row level security;
create policy own_program on "meeting_series" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "meeting_series" to spheres_app;
grant insert, update on "meeting_series" to spheres_app;

CREATE TABLE meeting (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    committee_id UUID NOT NULL,
    series_id UUID,
    uid VARCHAR,
    original TIMESTAMP WITHOUT TIME ZONE,
    starts TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    time_zone VARCHAR NOT NULL,
    minutes INTEGER NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    place VARCHAR NOT NULL,
    online_url VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    agenda_circulated_at TIMESTAMP WITH TIME ZONE,
    agenda_frozen_at TIMESTAMP WITH TIME ZONE,
    opened_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    settled_by UUID,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_meeting PRIMARY KEY (program_id, id),
    CONSTRAINT fk_meeting_program_id_committee_id FOREIGN KEY(program_id, committee_id) REFERENCES committee (program_id, id),
    CONSTRAINT fk_meeting_program_id_series_id FOREIGN KEY(program_id, series_id) REFERENCES meeting_series (program_id, id),
    CONSTRAINT fk_meeting_program_id_settled_by FOREIGN KEY(program_id, settled_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_meeting_program_id_series_id_original UNIQUE (program_id, series_id, original),
    CONSTRAINT uq_meeting_program_id_uid UNIQUE (program_id, uid),
    CONSTRAINT ck_meeting_state CHECK (state in ('planned', 'under_way', 'held', 'cancelled')),
    CONSTRAINT ck_meeting_one_uid CHECK ((series_id is null) = (uid is not null)),
    CONSTRAINT ck_meeting_original CHECK ((series_id is null) = (original is null)),
    CONSTRAINT ck_meeting_minutes CHECK (minutes between 15 and 600),
    CONSTRAINT ck_meeting_in_order CHECK (ends_at > starts_at),
    CONSTRAINT ck_meeting_cancelled CHECK ((state = 'cancelled') = (cancelled_at is not null)),
    CONSTRAINT ck_meeting_opened CHECK (state not in ('under_way', 'held') or opened_at is not null),
    CONSTRAINT ck_meeting_closed CHECK ((state = 'held') = (closed_at is not null)),
    CONSTRAINT fk_meeting_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_meeting_committee ON meeting (program_id, committee_id, starts_at);
CREATE INDEX ix_meeting_starts_at ON meeting (program_id, starts_at);
CREATE INDEX ix_meeting_to_freeze ON meeting (program_id, starts_at) WHERE state = 'planned' and agenda_frozen_at is null;
alter table "meeting" enable row level security;
create policy own_program on "meeting" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "meeting" to spheres_app;
grant insert, update on "meeting" to spheres_app;

CREATE TABLE agenda_item (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    committee_id UUID NOT NULL,
    meeting_id UUID,
    kind VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    reasons JSONB NOT NULL,
    section_fr VARCHAR NOT NULL,
    section_en VARCHAR NOT NULL,
    title_fr VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    audience VARCHAR NOT NULL,
    minutes INTEGER NOT NULL,
    presenter_seat_id UUID,
    task_id UUID,
    position INTEGER NOT NULL,
    number VARCHAR,
    frozen_at TIMESTAMP WITH TIME ZONE,
    late BOOLEAN NOT NULL,
    late_reason VARCHAR NOT NULL,
    times_seen INTEGER NOT NULL,
    carried_from_id UUID,
    referred_to_id UUID,
    state VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    note_fr VARCHAR NOT NULL,
    note_en VARCHAR NOT NULL,
    asked_by UUID,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    settled_as VARCHAR,
    version INTEGER NOT NULL,
    CONSTRAINT pk_agenda_item PRIMARY KEY (program_id, id),
    CONSTRAINT fk_agenda_item_program_id_committee_id FOREIGN KEY(program_id, committee_id) REFERENCES committee (program_id, id),
    CONSTRAINT fk_agenda_item_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT fk_agenda_item_program_id_presenter_seat_id FOREIGN KEY(program_id, presenter_seat_id) REFERENCES seat (program_id, id),
    CONSTRAINT fk_agenda_item_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_agenda_item_program_id_carried_from_id FOREIGN KEY(program_id, carried_from_id) REFERENCES agenda_item (program_id, id),
    CONSTRAINT fk_agenda_item_program_id_referred_to_id FOREIGN KEY(program_id, referred_to_id) REFERENCES committee (program_id, id),
    CONSTRAINT fk_agenda_item_program_id_asked_by FOREIGN KEY(program_id, asked_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_agenda_item_state CHECK (state in ('pool', 'scheduled', 'settled', 'withdrawn')),
    CONSTRAINT ck_agenda_item_purpose CHECK (purpose in ('information', 'discussion', 'decision')),
    CONSTRAINT ck_agenda_item_audience CHECK (audience in ('invited', 'seats', 'partners')),
    CONSTRAINT ck_agenda_item_outcome CHECK (outcome in ('', 'treated', 'decided', 'carried', 'referred', 'withdrawn')),
    CONSTRAINT ck_agenda_item_minutes CHECK (minutes between 0 and 600),
    CONSTRAINT ck_agenda_item_times_seen CHECK (times_seen >= 0),
    CONSTRAINT ck_agenda_item_pool CHECK (state <> 'pool' or meeting_id is null),
    CONSTRAINT ck_agenda_item_scheduled CHECK (state not in ('scheduled', 'settled') or meeting_id is not null),
    CONSTRAINT ck_agenda_item_numbered_when_frozen CHECK ((number is null) = (frozen_at is null)),
    CONSTRAINT ck_agenda_item_late CHECK (not late or late_reason <> ''),
    CONSTRAINT ck_agenda_item_settled CHECK (num_nulls(settled_at, settled_as) in (0, 2)),
    CONSTRAINT one_number_a_meeting UNIQUE (program_id, meeting_id, number),
    CONSTRAINT fk_agenda_item_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_agenda_item_meeting ON agenda_item (program_id, meeting_id);
CREATE UNIQUE INDEX one_open_item ON agenda_item (program_id, committee_id, kind, subject) WHERE state in ('pool', 'scheduled');
alter table "agenda_item" enable row level security;
create policy own_program on "agenda_item" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "agenda_item" to spheres_app;
grant insert, update on "agenda_item" to spheres_app;

CREATE TABLE agenda_version (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    meeting_id UUID NOT NULL,
    n INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    content JSONB NOT NULL,
    digest VARCHAR NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_agenda_version PRIMARY KEY (program_id, id),
    CONSTRAINT fk_agenda_version_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT uq_agenda_version_program_id_meeting_id_n UNIQUE (program_id, meeting_id, n),
    CONSTRAINT ck_agenda_version_kind CHECK (kind in ('agenda', 'addendum')),
    CONSTRAINT fk_agenda_version_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "agenda_version" enable row level security;
create policy own_program on "agenda_version" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "agenda_version" to spheres_app;
grant insert ("program_id", "id", "meeting_id", "n", "kind", "content", "digest", "made_at") on "agenda_version" to spheres_app;

CREATE TABLE attendance (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    meeting_id UUID NOT NULL,
    seat_id UUID NOT NULL,
    state VARCHAR NOT NULL,
    person_id UUID,
    is_remote BOOLEAN NOT NULL,
    arrived_at TIMESTAMP WITH TIME ZONE,
    left_at TIMESTAMP WITH TIME ZONE,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by UUID,
    version INTEGER NOT NULL,
    CONSTRAINT pk_attendance PRIMARY KEY (program_id, id),
    CONSTRAINT fk_attendance_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT fk_attendance_program_id_seat_id FOREIGN KEY(program_id, seat_id) REFERENCES seat (program_id, id),
    CONSTRAINT fk_attendance_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_attendance_program_id_recorded_by FOREIGN KEY(program_id, recorded_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_attendance_program_id_meeting_id_seat_id UNIQUE (program_id, meeting_id, seat_id),
    CONSTRAINT ck_attendance_state CHECK (state in ('unrecorded', 'present', 'remote', 'alternate', 'excused', 'absent')),
    CONSTRAINT ck_attendance_someone_who_sat CHECK ((state in ('present', 'remote', 'alternate')) = (person_id is not null)),
    CONSTRAINT ck_attendance_in_order CHECK (left_at is null or arrived_at is null or left_at >= arrived_at),
    CONSTRAINT fk_attendance_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "attendance" enable row level security;
create policy own_program on "attendance" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "attendance" to spheres_app;
grant insert, update on "attendance" to spheres_app;

CREATE TABLE invitation (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    series_id UUID,
    meeting_id UUID,
    person_id UUID NOT NULL,
    told JSONB NOT NULL,
    sequence INTEGER NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT pk_invitation PRIMARY KEY (program_id, id),
    CONSTRAINT fk_invitation_program_id_series_id FOREIGN KEY(program_id, series_id) REFERENCES meeting_series (program_id, id),
    CONSTRAINT fk_invitation_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT fk_invitation_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT uq_invitation_program_id_series_id_person_id UNIQUE (program_id, series_id, person_id),
    CONSTRAINT uq_invitation_program_id_meeting_id_person_id UNIQUE (program_id, meeting_id, person_id),
    CONSTRAINT ck_invitation_one_uid CHECK (num_nulls(series_id, meeting_id) = 1),
    CONSTRAINT ck_invitation_sequence CHECK (sequence >= 0),
    CONSTRAINT fk_invitation_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_invitation_person_id ON invitation (person_id);
alter table "invitation" enable row level security;
create policy own_program on "invitation" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "invitation" to spheres_app;
grant insert, update on "invitation" to spheres_app;

CREATE TABLE meeting_answer (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    meeting_id UUID NOT NULL,
    person_id UUID NOT NULL,
    seat_id UUID,
    answer VARCHAR NOT NULL,
    by VARCHAR NOT NULL,
    alternate_id UUID,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sequence INTEGER,
    stamped_at TIMESTAMP WITH TIME ZONE,
    lapsed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT pk_meeting_answer PRIMARY KEY (program_id, id),
    CONSTRAINT fk_meeting_answer_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT fk_meeting_answer_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_meeting_answer_program_id_seat_id FOREIGN KEY(program_id, seat_id) REFERENCES seat (program_id, id),
    CONSTRAINT fk_meeting_answer_program_id_alternate_id FOREIGN KEY(program_id, alternate_id) REFERENCES person (program_id, id),
    CONSTRAINT uq_meeting_answer_program_id_meeting_id_person_id UNIQUE (program_id, meeting_id, person_id),
    CONSTRAINT ck_meeting_answer_answer CHECK (answer in ('accepted', 'tentative', 'declined')),
    CONSTRAINT ck_meeting_answer_by CHECK (by in ('link', 'mail', 'page')),
    CONSTRAINT ck_meeting_answer_alternate CHECK (alternate_id is null or answer = 'declined'),
    CONSTRAINT fk_meeting_answer_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_meeting_answer_person_id ON meeting_answer (person_id);
alter table "meeting_answer" enable row level security;
create policy own_program on "meeting_answer" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "meeting_answer" to spheres_app;
grant insert, update on "meeting_answer" to spheres_app;

CREATE TABLE meeting_guest (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    meeting_id UUID NOT NULL,
    person_id UUID NOT NULL,
    invited_by UUID,
    invited_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    withdrawn_by VARCHAR,
    CONSTRAINT pk_meeting_guest PRIMARY KEY (program_id, id),
    CONSTRAINT fk_meeting_guest_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT fk_meeting_guest_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_meeting_guest_program_id_invited_by FOREIGN KEY(program_id, invited_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_meeting_guest_withdrawn CHECK (num_nulls(withdrawn_at, withdrawn_by) in (0, 2)),
    CONSTRAINT fk_meeting_guest_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_meeting_guest_meeting_id ON meeting_guest (meeting_id);
CREATE INDEX ix_meeting_guest_person_id ON meeting_guest (person_id);
CREATE UNIQUE INDEX one_guest_a_meeting ON meeting_guest (program_id, meeting_id, person_id) WHERE withdrawn_at is null;
alter table "meeting_guest" enable row level security;
create policy own_program on "meeting_guest" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "meeting_guest" to spheres_app;
grant insert, update on "meeting_guest" to spheres_app;

CREATE TABLE minutes (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    meeting_id UUID NOT NULL,
    state VARCHAR NOT NULL,
    content JSONB NOT NULL,
    circulated JSONB NOT NULL,
    circulations INTEGER NOT NULL,
    digest VARCHAR NOT NULL,
    circulated_at TIMESTAMP WITH TIME ZONE,
    approved_at TIMESTAMP WITH TIME ZONE,
    approved_in_id UUID,
    version INTEGER NOT NULL,
    CONSTRAINT pk_minutes PRIMARY KEY (program_id, id),
    CONSTRAINT fk_minutes_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT fk_minutes_program_id_approved_in_id FOREIGN KEY(program_id, approved_in_id) REFERENCES meeting (program_id, id),
    CONSTRAINT uq_minutes_program_id_meeting_id UNIQUE (program_id, meeting_id),
    CONSTRAINT ck_minutes_state CHECK (state in ('draft', 'circulated', 'approved')),
    CONSTRAINT ck_minutes_approved CHECK ((state = 'approved') = (approved_at is not null)),
    CONSTRAINT ck_minutes_circulated CHECK (state = 'draft' or circulated_at is not null),
    CONSTRAINT ck_minutes_circulations CHECK ((circulations = 0) = (circulated_at is null)),
    CONSTRAINT fk_minutes_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "minutes" enable row level security;
create policy own_program on "minutes" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "minutes" to spheres_app;
grant insert, update on "minutes" to spheres_app;

CREATE TABLE stray_reply (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    digest VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    person_id UUID,
    meeting_id UUID,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_stray_reply PRIMARY KEY (program_id, id),
    CONSTRAINT fk_stray_reply_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_stray_reply_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT uq_stray_reply_program_id_digest UNIQUE (program_id, digest),
    CONSTRAINT ck_stray_reply_digest CHECK (digest ~ '^[0-9a-f]{64}$'),
    CONSTRAINT fk_stray_reply_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "stray_reply" enable row level security;
create policy own_program on "stray_reply" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "stray_reply" to spheres_app;
grant insert, update on "stray_reply" to spheres_app;

CREATE TABLE decision (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    committee_id UUID NOT NULL,
    meeting_id UUID NOT NULL,
    item_id UUID,
    number VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    text_fr VARCHAR NOT NULL,
    text_en VARCHAR NOT NULL,
    has_quorum BOOLEAN NOT NULL,
    quorum JSONB NOT NULL,
    owner_role VARCHAR NOT NULL,
    owner_organization_id UUID,
    due_on DATE,
    task_id UUID,
    needs_endorsement BOOLEAN NOT NULL,
    state VARCHAR NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by UUID,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_as VARCHAR,
    withdrawn_by_id UUID,
    version INTEGER NOT NULL,
    CONSTRAINT pk_decision PRIMARY KEY (program_id, id),
    CONSTRAINT fk_decision_program_id_committee_id FOREIGN KEY(program_id, committee_id) REFERENCES committee (program_id, id),
    CONSTRAINT fk_decision_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT fk_decision_program_id_item_id FOREIGN KEY(program_id, item_id) REFERENCES agenda_item (program_id, id),
    CONSTRAINT fk_decision_program_id_owner_organization_id FOREIGN KEY(program_id, owner_organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT fk_decision_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_decision_program_id_withdrawn_by_id FOREIGN KEY(program_id, withdrawn_by_id) REFERENCES decision (program_id, id),
    CONSTRAINT fk_decision_program_id_recorded_by FOREIGN KEY(program_id, recorded_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_decision_program_id_number UNIQUE (program_id, number),
    CONSTRAINT ck_decision_state CHECK (state in ('open', 'standing', 'done', 'withdrawn')),
    CONSTRAINT ck_decision_kind CHECK (kind in ('management', 'clinical', 'other')),
    CONSTRAINT ck_decision_owed CHECK ((owner_role = '') = (task_id is null)),
    CONSTRAINT ck_decision_due CHECK ((owner_role = '') = (due_on is null)),
    CONSTRAINT ck_decision_closed CHECK (num_nulls(closed_at, closed_as) in (0, 2)),
    CONSTRAINT fk_decision_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_decision_meeting_id ON decision (meeting_id);
CREATE INDEX ix_decision_open ON decision (program_id, committee_id) WHERE state = 'open';
alter table "decision" enable row level security;
create policy own_program on "decision" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "decision" to spheres_app;
grant insert, update on "decision" to spheres_app;

CREATE TABLE meeting_link (
    token_digest VARCHAR NOT NULL,
    program_id UUID NOT NULL,
    invitation_id UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_meeting_link PRIMARY KEY (token_digest),
    CONSTRAINT fk_meeting_link_program_id_invitation_id FOREIGN KEY(program_id, invitation_id) REFERENCES invitation (program_id, id),
    CONSTRAINT ck_meeting_link_token_digest CHECK (token_digest ~ '^[0-9a-f]{64}$'),
    CONSTRAINT fk_meeting_link_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_meeting_link_invitation_id ON meeting_link (invitation_id);
alter table "meeting_link" enable row level security;
create policy own_or_none_said_finds on "meeting_link" for select using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
create policy own_is_added on "meeting_link" for insert with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
create policy own_or_none_said_changes on "meeting_link" for update using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
grant select on "meeting_link" to spheres_app;
grant insert, update ("ended_at") on "meeting_link" to spheres_app;

CREATE TABLE endorsement (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    decision_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    said VARCHAR NOT NULL,
    said_at TIMESTAMP WITH TIME ZONE NOT NULL,
    said_by UUID,
    said_as VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_endorsement PRIMARY KEY (program_id, id),
    CONSTRAINT fk_endorsement_program_id_decision_id FOREIGN KEY(program_id, decision_id) REFERENCES decision (program_id, id),
    CONSTRAINT fk_endorsement_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT fk_endorsement_program_id_said_by FOREIGN KEY(program_id, said_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_endorsement_program_id_decision_id_organization_id UNIQUE (program_id, decision_id, organization_id),
    CONSTRAINT ck_endorsement_said CHECK (said in ('endorsed', 'objected')),
    CONSTRAINT fk_endorsement_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "endorsement" enable row level security;
create policy own_program on "endorsement" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "endorsement" to spheres_app;
grant insert, update on "endorsement" to spheres_app;
