-- Who accompanies whom: follow-ups, their workers, breaks, attempts, missed meetings, weekly notes, activities.

CREATE TABLE activity (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    held_on DATE NOT NULL,
    kind VARCHAR NOT NULL,
    planned_by UUID NOT NULL,
    planned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    called_off_at TIMESTAMP WITH TIME ZONE,
    called_off_as VARCHAR,
    CONSTRAINT pk_activity PRIMARY KEY (program_id, id),
    CONSTRAINT fk_activity_program_id_planned_by FOREIGN KEY(program_id, planned_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_activity_kind CHECK (kind in ('outing', 'workshop', 'meal', 'errand', 'other')),
    CONSTRAINT ck_activity_called_off CHECK (num_nulls(called_off_at, called_off_as) in (0, 2)),
    CONSTRAINT fk_activity_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_activity_held_on ON activity (held_on);
alter table "activity" enable row level security;
create policy own_program on "activity" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "activity" to spheres_app;
grant insert, update on "activity" to spheres_app;

CREATE TABLE follow_up (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    state VARCHAR NOT NULL,
    state_since DATE NOT NULL,
    state_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state_by UUID,
    state_as VARCHAR NOT NULL,
    inactive_reason VARCHAR,
    intensity VARCHAR NOT NULL,
    opened_on DATE NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    opened_by UUID,
    vacancy_task_id UUID,
    version INTEGER NOT NULL,
    CONSTRAINT pk_follow_up PRIMARY KEY (program_id, id),
    CONSTRAINT fk_follow_up_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_follow_up_program_id_opened_by FOREIGN KEY(program_id, opened_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_follow_up_program_id_state_by FOREIGN KEY(program_id, state_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_follow_up_program_id_vacancy_task_id FOREIGN KEY(program_id, vacancy_task_id) REFERENCES task (program_id, id),
    CONSTRAINT uq_follow_up_program_id_participant_id UNIQUE (program_id, participant_id),
    CONSTRAINT ck_follow_up_state CHECK (state in ('active', 'on_break', 'inactive', 'completed')),
    CONSTRAINT ck_follow_up_intensity CHECK (intensity in ('light', 'regular', 'intense')),
    CONSTRAINT ck_follow_up_inactive_reason CHECK (inactive_reason is null or inactive_reason in ('withdrew', 'no_longer_benefits', 'needs_beyond_program', 'other_purposes', 'lost_contact')),
    CONSTRAINT ck_follow_up_inactive_for_a_reason CHECK ((state = 'inactive') = (inactive_reason is not null)),
    CONSTRAINT ck_follow_up_since_its_opening CHECK (state_since >= opened_on),
    CONSTRAINT fk_follow_up_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
alter table "follow_up" enable row level security;
create policy own_program on "follow_up" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "follow_up" to spheres_app;
grant insert, update on "follow_up" to spheres_app;

CREATE TABLE activity_part (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    activity_id UUID NOT NULL,
    follow_up_id UUID NOT NULL,
    place INTEGER NOT NULL,
    alone BOOLEAN NOT NULL,
    CONSTRAINT pk_activity_part PRIMARY KEY (program_id, id),
    CONSTRAINT fk_activity_part_program_id_activity_id FOREIGN KEY(program_id, activity_id) REFERENCES activity (program_id, id),
    CONSTRAINT fk_activity_part_program_id_follow_up_id FOREIGN KEY(program_id, follow_up_id) REFERENCES follow_up (program_id, id),
    CONSTRAINT uq_activity_part_program_id_activity_id_follow_up_id UNIQUE (program_id, activity_id, follow_up_id),
    CONSTRAINT ck_activity_part_place CHECK (place >= 1),
    CONSTRAINT alone_in_theirs EXCLUDE USING gist (program_id WITH =, activity_id WITH =, int4range(case when alone then 0 else place end, case when alone then null else place + 1 end) WITH &&),
    CONSTRAINT fk_activity_part_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_activity_part_follow_up_id ON activity_part (follow_up_id);
alter table "activity_part" enable row level security;
create policy own_program on "activity_part" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "activity_part" to spheres_app;
grant insert, update on "activity_part" to spheres_app;

CREATE TABLE assignment (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    follow_up_id UUID NOT NULL,
    person_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    assigned_by UUID,
    assigned_as VARCHAR NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by UUID,
    ended_as VARCHAR,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_assignment PRIMARY KEY (program_id, id),
    CONSTRAINT fk_assignment_program_id_follow_up_id FOREIGN KEY(program_id, follow_up_id) REFERENCES follow_up (program_id, id),
    CONSTRAINT fk_assignment_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_assignment_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT fk_assignment_program_id_assigned_by FOREIGN KEY(program_id, assigned_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_assignment_program_id_ended_by FOREIGN KEY(program_id, ended_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_assignment_kind CHECK (kind in ('primary', 'second')),
    CONSTRAINT ck_assignment_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT ck_assignment_ended CHECK (num_nulls(ended_at, ended_as) in (0, 2)),
    CONSTRAINT ck_assignment_withdrawn_by_someone CHECK (withdrawn_at is null or ended_at is not null),
    CONSTRAINT one_worker_of_a_kind EXCLUDE USING gist (program_id WITH =, follow_up_id WITH =, kind WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (withdrawn_at is null),
    CONSTRAINT one_part_a_worker EXCLUDE USING gist (program_id WITH =, follow_up_id WITH =, person_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (withdrawn_at is null),
    CONSTRAINT fk_assignment_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_assignment_follow_up_id ON assignment (follow_up_id);
CREATE INDEX ix_assignment_person ON assignment (program_id, person_id);
alter table "assignment" enable row level security;
create policy own_program on "assignment" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "assignment" to spheres_app;
grant insert, update on "assignment" to spheres_app;

CREATE TABLE contact_attempt (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    follow_up_id UUID NOT NULL,
    tried_on DATE NOT NULL,
    means VARCHAR NOT NULL,
    reached BOOLEAN NOT NULL,
    tried_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_contact_attempt PRIMARY KEY (program_id, id),
    CONSTRAINT fk_contact_attempt_program_id_follow_up_id FOREIGN KEY(program_id, follow_up_id) REFERENCES follow_up (program_id, id),
    CONSTRAINT fk_contact_attempt_program_id_tried_by FOREIGN KEY(program_id, tried_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_contact_attempt_means CHECK (means in ('call', 'message', 'visit', 'through_someone')),
    CONSTRAINT fk_contact_attempt_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_contact_attempt_follow_up_id ON contact_attempt (follow_up_id);
alter table "contact_attempt" enable row level security;
create policy own_program on "contact_attempt" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "contact_attempt" to spheres_app;
grant insert, update on "contact_attempt" to spheres_app;

CREATE TABLE follow_up_break (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    follow_up_id UUID NOT NULL,
    starts_on DATE NOT NULL,
    returns_on DATE NOT NULL,
    terms BYTEA,
    agreed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    agreed_by UUID,
    ended_on DATE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_follow_up_break PRIMARY KEY (program_id, id),
    CONSTRAINT fk_follow_up_break_program_id_follow_up_id FOREIGN KEY(program_id, follow_up_id) REFERENCES follow_up (program_id, id),
    CONSTRAINT fk_follow_up_break_program_id_agreed_by FOREIGN KEY(program_id, agreed_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_follow_up_break_returns_later CHECK (returns_on > starts_on),
    CONSTRAINT ck_follow_up_break_ended CHECK (num_nulls(ended_on, ended_at) in (0, 2)),
    CONSTRAINT fk_follow_up_break_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_follow_up_break_due ON follow_up_break (program_id, returns_on) WHERE ended_at is null;
CREATE UNIQUE INDEX one_break_at_a_time ON follow_up_break (program_id, follow_up_id) WHERE ended_at is null;
alter table "follow_up_break" enable row level security;
create policy own_program on "follow_up_break" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "follow_up_break" to spheres_app;
grant insert, update on "follow_up_break" to spheres_app;

CREATE TABLE no_show (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    follow_up_id UUID NOT NULL,
    expected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    waited_minutes INTEGER NOT NULL,
    strategy VARCHAR,
    agreed_on DATE,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_no_show PRIMARY KEY (program_id, id),
    CONSTRAINT fk_no_show_program_id_follow_up_id FOREIGN KEY(program_id, follow_up_id) REFERENCES follow_up (program_id, id),
    CONSTRAINT fk_no_show_program_id_recorded_by FOREIGN KEY(program_id, recorded_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_no_show_waited_minutes CHECK (waited_minutes between 0 and 240),
    CONSTRAINT ck_no_show_strategy CHECK (strategy is null or strategy in ('new_meeting', 'another_place', 'reminder_before', 'less_often', 'break', 'attempts')),
    CONSTRAINT ck_no_show_agreed CHECK (num_nulls(strategy, agreed_on) in (0, 2)),
    CONSTRAINT uq_no_show_program_id_follow_up_id_expected_at UNIQUE (program_id, follow_up_id, expected_at),
    CONSTRAINT fk_no_show_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
alter table "no_show" enable row level security;
create policy own_program on "no_show" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "no_show" to spheres_app;
grant insert, update on "no_show" to spheres_app;

CREATE TABLE weekly_note (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    follow_up_id UUID NOT NULL,
    week DATE NOT NULL,
    met INTEGER NOT NULL,
    minutes INTEGER NOT NULL,
    reached BOOLEAN NOT NULL,
    why_none VARCHAR,
    words BYTEA,
    has_words BOOLEAN NOT NULL,
    is_complete BOOLEAN NOT NULL,
    written_by UUID NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_weekly_note PRIMARY KEY (program_id, id),
    CONSTRAINT fk_weekly_note_program_id_follow_up_id FOREIGN KEY(program_id, follow_up_id) REFERENCES follow_up (program_id, id),
    CONSTRAINT fk_weekly_note_program_id_written_by FOREIGN KEY(program_id, written_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_weekly_note_program_id_follow_up_id_week UNIQUE (program_id, follow_up_id, week),
    CONSTRAINT ck_weekly_note_week_is_a_monday CHECK (extract(isodow from week) = 1),
    CONSTRAINT ck_weekly_note_met CHECK (met between 0 and 21),
    CONSTRAINT ck_weekly_note_minutes CHECK (minutes between 0 and 6000),
    CONSTRAINT ck_weekly_note_minutes_of_meetings CHECK (met > 0 or minutes = 0),
    CONSTRAINT ck_weekly_note_why_none CHECK (why_none is null or why_none in ('not_scheduled', 'no_news', 'impossible', 'withdrew', 'other')),
    CONSTRAINT ck_weekly_note_none_for_a_reason CHECK (why_none is null or met = 0),
    CONSTRAINT ck_weekly_note_complete CHECK (not is_complete or met > 0 or reached or why_none is not null),
    CONSTRAINT ck_weekly_note_has_words CHECK (has_words = (words is not null)),
    CONSTRAINT fk_weekly_note_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
alter table "weekly_note" enable row level security;
create policy own_program on "weekly_note" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "weekly_note" to spheres_app;
grant insert, update on "weekly_note" to spheres_app;
