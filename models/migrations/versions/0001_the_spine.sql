-- The spine: programs, people, agreements, committees, casework, the record, the outbox, the engine, and the walls around them.
CREATE TABLE beat (
    process VARCHAR NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    prefect_up BOOLEAN NOT NULL,
    CONSTRAINT pk_beat PRIMARY KEY (process)
);
CREATE TABLE program (
    id UUID NOT NULL,
    key VARCHAR NOT NULL,
    title_fr VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    time_zone VARCHAR NOT NULL,
    languages TEXT[] NOT NULL,
    calendar JSONB NOT NULL,
    area JSONB NOT NULL,
    governance VARCHAR NOT NULL,
    coordination JSONB NOT NULL,
    is_demonstration BOOLEAN NOT NULL,
    source VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    loaded_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT pk_program PRIMARY KEY (id),
    CONSTRAINT uq_program_key UNIQUE (key),
    CONSTRAINT ck_program_governance CHECK (governance in ('hosted', 'secondment', 'joint'))
);
CREATE TABLE committee (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    key VARCHAR NOT NULL,
    title_fr VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    rhythm JSONB NOT NULL,
    minutes INTEGER,
    derived_from TEXT[] NOT NULL,
    CONSTRAINT pk_committee PRIMARY KEY (program_id, id),
    CONSTRAINT uq_committee_program_id_key UNIQUE (program_id, key),
    CONSTRAINT ck_committee_minutes CHECK (minutes > 0),
    CONSTRAINT fk_committee_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE equipment (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    serial VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    CONSTRAINT pk_equipment PRIMARY KEY (program_id, id),
    CONSTRAINT uq_equipment_program_id_kind_serial UNIQUE (program_id, kind, serial),
    CONSTRAINT fk_equipment_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE organization (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    key VARCHAR NOT NULL,
    name_fr VARCHAR NOT NULL,
    name_en VARCHAR NOT NULL,
    short_name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    regime VARCHAR NOT NULL,
    starts_on DATE,
    ends_on DATE,
    CONSTRAINT pk_organization PRIMARY KEY (program_id, id),
    CONSTRAINT uq_organization_program_id_key UNIQUE (program_id, key),
    CONSTRAINT ck_organization_kind CHECK (kind in ('health_agency', 'community', 'police', 'specialized', 'research', 'outside')),
    CONSTRAINT ck_organization_regime CHECK (regime in ('R-22.1', 'A-2.1', 'P-39.1')),
    CONSTRAINT ck_organization_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT fk_organization_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE person (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    key VARCHAR NOT NULL,
    given_name VARCHAR NOT NULL,
    family_name VARCHAR NOT NULL,
    sort_key VARCHAR NOT NULL,
    email VARCHAR,
    phone VARCHAR,
    language VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_person PRIMARY KEY (program_id, id),
    CONSTRAINT ck_person_language CHECK (language in ('fr', 'en')),
    CONSTRAINT uq_person_program_id_key UNIQUE (program_id, key),
    CONSTRAINT ck_person_email CHECK (email is null or email like '%_@_%'),
    CONSTRAINT fk_person_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE protocol_version (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    key VARCHAR NOT NULL,
    number INTEGER NOT NULL,
    digest VARCHAR NOT NULL,
    title_fr VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    declared JSONB NOT NULL,
    source VARCHAR NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_protocol_version PRIMARY KEY (program_id, id),
    CONSTRAINT uq_protocol_version_program_id_key_digest UNIQUE (program_id, key, digest),
    CONSTRAINT fk_protocol_version_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE responsibility (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    digest VARCHAR NOT NULL,
    links JSONB NOT NULL,
    CONSTRAINT pk_responsibility PRIMARY KEY (program_id, id),
    CONSTRAINT uq_responsibility_program_id_digest UNIQUE (program_id, digest),
    CONSTRAINT fk_responsibility_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_responsibility_links ON responsibility USING gin (links jsonb_path_ops);
CREATE TABLE role (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    key VARCHAR NOT NULL,
    title_fr VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    single_holder BOOLEAN NOT NULL,
    CONSTRAINT pk_role PRIMARY KEY (program_id, id),
    CONSTRAINT uq_role_program_id_key UNIQUE (program_id, key),
    CONSTRAINT fk_role_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE round_mark (
    program_id UUID NOT NULL,
    key VARCHAR NOT NULL,
    done_up_to TIMESTAMP WITH TIME ZONE NOT NULL,
    ran_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ran_by VARCHAR NOT NULL,
    found INTEGER NOT NULL,
    CONSTRAINT pk_round_mark PRIMARY KEY (program_id, key),
    CONSTRAINT fk_round_mark_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE absence (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    deputy_id UUID,
    kinds TEXT[] NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    recorded_by UUID,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_absence PRIMARY KEY (program_id, id),
    CONSTRAINT fk_absence_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_absence_program_id_deputy_id FOREIGN KEY(program_id, deputy_id) REFERENCES person (program_id, id),
    CONSTRAINT ck_absence_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT one_absence_at_a_time EXCLUDE USING gist (program_id WITH =, person_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (cancelled_at is null),
    CONSTRAINT ck_absence_not_own_deputy CHECK (deputy_id is null or deputy_id <> person_id),
    CONSTRAINT fk_absence_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_absence_deputy_id ON absence (deputy_id);
CREATE INDEX ix_absence_person_id ON absence (person_id);
CREATE TABLE agreement (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    organization_id UUID NOT NULL,
    title_fr VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    CONSTRAINT pk_agreement PRIMARY KEY (program_id, id),
    CONSTRAINT fk_agreement_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT uq_agreement_program_id_organization_id UNIQUE (program_id, organization_id),
    CONSTRAINT fk_agreement_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE answered_request (
    program_id UUID NOT NULL,
    person_id UUID NOT NULL,
    route VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    status INTEGER NOT NULL,
    location VARCHAR NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_answered_request PRIMARY KEY (program_id, person_id, route, key),
    CONSTRAINT fk_answered_request_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_answered_request_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE browser_session (
    token_digest VARCHAR NOT NULL,
    program_id UUID NOT NULL,
    person_id UUID NOT NULL,
    signed_in_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_browser_session PRIMARY KEY (token_digest),
    CONSTRAINT fk_browser_session_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_browser_session_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE "case" (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    protocol VARCHAR NOT NULL,
    protocol_version_id UUID NOT NULL,
    subject_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    anchors JSONB NOT NULL,
    state VARCHAR NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    opened_by UUID,
    opened_as VARCHAR NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by UUID,
    ended_reason VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_case PRIMARY KEY (program_id, id),
    CONSTRAINT fk_case_program_id_protocol_version_id FOREIGN KEY(program_id, protocol_version_id) REFERENCES protocol_version (program_id, id),
    CONSTRAINT fk_case_program_id_subject_id FOREIGN KEY(program_id, subject_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_case_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT fk_case_program_id_opened_by FOREIGN KEY(program_id, opened_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_case_program_id_ended_by FOREIGN KEY(program_id, ended_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_case_state CHECK (state in ('open', 'closed', 'cancelled')),
    CONSTRAINT ck_case_ended CHECK ((state = 'open') = (ended_at is null)),
    CONSTRAINT fk_case_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_case_open ON "case" (program_id, protocol) WHERE state = 'open';
CREATE INDEX ix_case_subject_id ON "case" (subject_id);
CREATE UNIQUE INDEX one_open_case ON "case" (program_id, protocol, subject_id, organization_id) WHERE state = 'open';
CREATE TABLE closure (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    organization_id UUID,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    reason_fr VARCHAR NOT NULL,
    reason_en VARCHAR NOT NULL,
    CONSTRAINT pk_closure PRIMARY KEY (program_id, id),
    CONSTRAINT fk_closure_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT ck_closure_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT fk_closure_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE event (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    n BIGINT GENERATED ALWAYS AS IDENTITY,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor_id UUID,
    actor_as VARCHAR NOT NULL,
    actor_for UUID,
    verb VARCHAR NOT NULL,
    subject_kind VARCHAR NOT NULL,
    subject_id UUID NOT NULL,
    case_id UUID,
    facts JSONB NOT NULL,
    CONSTRAINT pk_event PRIMARY KEY (program_id, id),
    CONSTRAINT fk_event_program_id_actor_id FOREIGN KEY(program_id, actor_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_event_program_id_actor_for FOREIGN KEY(program_id, actor_for) REFERENCES person (program_id, id),
    CONSTRAINT fk_event_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_event_case ON event (program_id, case_id, n) WHERE case_id is not null;
CREATE INDEX ix_event_n ON event (program_id, n);
CREATE INDEX ix_event_subject ON event (program_id, subject_id);
CREATE TABLE seat (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    committee_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    key VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    title_fr VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    voting BOOLEAN NOT NULL,
    starts_on DATE,
    ends_on DATE,
    CONSTRAINT pk_seat PRIMARY KEY (program_id, id),
    CONSTRAINT fk_seat_program_id_committee_id FOREIGN KEY(program_id, committee_id) REFERENCES committee (program_id, id),
    CONSTRAINT fk_seat_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT uq_seat_program_id_committee_id_key UNIQUE (program_id, committee_id, key),
    CONSTRAINT ck_seat_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT fk_seat_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_seat_committee_id ON seat (committee_id);
CREATE TABLE tenure (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    role VARCHAR NOT NULL,
    organization_id UUID NOT NULL,
    single_holder BOOLEAN NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    ended_by UUID,
    ended_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT pk_tenure PRIMARY KEY (program_id, id),
    CONSTRAINT fk_tenure_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_tenure_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT ck_tenure_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT one_tenure_at_a_time EXCLUDE USING gist (program_id WITH =, person_id WITH =, role WITH =, organization_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&),
    CONSTRAINT one_holder EXCLUDE USING gist (program_id WITH =, role WITH =, organization_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (single_holder),
    CONSTRAINT ck_tenure_ended CHECK (num_nulls(ended_by, ended_at) in (0, 2)),
    CONSTRAINT fk_tenure_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_tenure_organization_id ON tenure (organization_id);
CREATE INDEX ix_tenure_person_id ON tenure (person_id);
CREATE INDEX ix_tenure_role ON tenure (role);
CREATE TABLE agreement_version (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    n INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    starts_on DATE,
    ends_on DATE,
    notice_days INTEGER NOT NULL,
    terms JSONB NOT NULL,
    digest VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_agreement_version PRIMARY KEY (program_id, id),
    CONSTRAINT fk_agreement_version_program_id_agreement_id FOREIGN KEY(program_id, agreement_id) REFERENCES agreement (program_id, id),
    CONSTRAINT uq_agreement_version_program_id_agreement_id_n UNIQUE (program_id, agreement_id, n),
    CONSTRAINT ck_agreement_version_state CHECK (state in ('draft', 'sent', 'signed', 'in_force', 'ended')),
    CONSTRAINT ck_agreement_version_in_order CHECK (ends_on is null or starts_on is not null and ends_on >= starts_on),
    CONSTRAINT ck_agreement_version_in_force_from_a_day CHECK (state <> 'in_force' or starts_on is not null),
    CONSTRAINT one_in_force EXCLUDE USING gist (program_id WITH =, agreement_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (state in ('in_force', 'ended') and starts_on is not null),
    CONSTRAINT fk_agreement_version_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_agreement_version_agreement_id ON agreement_version (agreement_id);
CREATE TABLE engine_run (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome VARCHAR NOT NULL,
    acts INTEGER NOT NULL,
    trouble VARCHAR NOT NULL,
    flow_run_id UUID,
    CONSTRAINT pk_engine_run PRIMARY KEY (program_id, id),
    CONSTRAINT fk_engine_run_program_id_case_id FOREIGN KEY(program_id, case_id) REFERENCES "case" (program_id, id),
    CONSTRAINT fk_engine_run_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_engine_run_case ON engine_run (program_id, case_id, started_at);
CREATE TABLE notice (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    n BIGINT GENERATED ALWAYS AS IDENTITY,
    key VARCHAR NOT NULL,
    person_id UUID NOT NULL,
    to_address VARCHAR NOT NULL,
    language VARCHAR NOT NULL,
    template VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    message BYTEA NOT NULL,
    case_id UUID,
    state VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    leased_until TIMESTAMP WITH TIME ZONE,
    sent_at TIMESTAMP WITH TIME ZONE,
    code VARCHAR NOT NULL,
    CONSTRAINT pk_notice PRIMARY KEY (program_id, id),
    CONSTRAINT fk_notice_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_notice_program_id_case_id FOREIGN KEY(program_id, case_id) REFERENCES "case" (program_id, id),
    CONSTRAINT uq_notice_program_id_key UNIQUE (program_id, key),
    CONSTRAINT ck_notice_state CHECK (state in ('queued', 'sent', 'failed')),
    CONSTRAINT ck_notice_sent CHECK ((state = 'sent') = (sent_at is not null)),
    CONSTRAINT ck_notice_queued CHECK ((state = 'queued') = (next_attempt_at is not null)),
    CONSTRAINT fk_notice_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_notice_due ON notice (program_id, next_attempt_at, n) WHERE state = 'queued';
CREATE INDEX ix_notice_n ON notice (program_id, n);
CREATE TABLE seat_holder (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    seat_id UUID NOT NULL,
    person_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT pk_seat_holder PRIMARY KEY (program_id, id),
    CONSTRAINT fk_seat_holder_program_id_seat_id FOREIGN KEY(program_id, seat_id) REFERENCES seat (program_id, id),
    CONSTRAINT fk_seat_holder_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT ck_seat_holder_kind CHECK (kind in ('principal', 'alternate')),
    CONSTRAINT ck_seat_holder_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT one_principal EXCLUDE USING gist (program_id WITH =, seat_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (kind = 'principal' and withdrawn_at is null),
    CONSTRAINT once_a_seat EXCLUDE USING gist (program_id WITH =, seat_id WITH =, person_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (withdrawn_at is null),
    CONSTRAINT fk_seat_holder_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_seat_holder_person_id ON seat_holder (person_id);
CREATE INDEX ix_seat_holder_seat_id ON seat_holder (seat_id);
CREATE TABLE task (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    case_id UUID,
    step VARCHAR NOT NULL,
    item VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    stage VARCHAR NOT NULL,
    title_fr VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    sources TEXT[] NOT NULL,
    clause VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL,
    system VARCHAR NOT NULL,
    required BOOLEAN NOT NULL,
    owed_by_id UUID,
    declared_owed_by_id UUID,
    approved_by_id UUID,
    may_not_approve JSONB NOT NULL,
    on_reject VARCHAR NOT NULL,
    waived_by TEXT[] NOT NULL,
    state VARCHAR NOT NULL,
    due_on DATE,
    due_rule JSONB NOT NULL,
    ladder JSONB NOT NULL,
    dates_hang BOOLEAN NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE,
    rung INTEGER NOT NULL,
    next_check DATE,
    done_at TIMESTAMP WITH TIME ZONE,
    done_by UUID,
    done_as VARCHAR,
    done_for UUID,
    note VARCHAR NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    settled_by UUID,
    settled_as VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    handed_back_at TIMESTAMP WITH TIME ZONE,
    handed_back_by UUID,
    action VARCHAR NOT NULL,
    undo VARCHAR NOT NULL,
    act_state VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_task PRIMARY KEY (program_id, id),
    CONSTRAINT fk_task_program_id_case_id FOREIGN KEY(program_id, case_id) REFERENCES "case" (program_id, id),
    CONSTRAINT fk_task_program_id_owed_by_id FOREIGN KEY(program_id, owed_by_id) REFERENCES responsibility (program_id, id),
    CONSTRAINT fk_task_program_id_declared_owed_by_id FOREIGN KEY(program_id, declared_owed_by_id) REFERENCES responsibility (program_id, id),
    CONSTRAINT fk_task_program_id_approved_by_id FOREIGN KEY(program_id, approved_by_id) REFERENCES responsibility (program_id, id),
    CONSTRAINT fk_task_program_id_done_by FOREIGN KEY(program_id, done_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_task_program_id_done_for FOREIGN KEY(program_id, done_for) REFERENCES person (program_id, id),
    CONSTRAINT fk_task_program_id_settled_by FOREIGN KEY(program_id, settled_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_task_program_id_handed_back_by FOREIGN KEY(program_id, handed_back_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_task_program_id_case_id_step_item UNIQUE (program_id, case_id, step, item),
    CONSTRAINT ck_task_state CHECK (state in ('planned', 'open', 'submitted', 'done', 'waived', 'cancelled')),
    CONSTRAINT ck_task_act_state CHECK (act_state in ('none', 'wanted', 'done', 'stuck', 'undo_wanted', 'undone')),
    CONSTRAINT ck_task_done CHECK (num_nulls(done_at, done_as) in (0, 2)),
    CONSTRAINT ck_task_done_has_its_moment CHECK (state <> 'done' or done_at is not null),
    CONSTRAINT ck_task_submitted CHECK (state <> 'submitted' or (done_at is not null and approved_by_id is not null)),
    CONSTRAINT ck_task_not_own CHECK (approved_by_id is null or settled_by is null or settled_by is distinct from done_by),
    CONSTRAINT ck_task_handed_back CHECK ((handed_back_at is null) = (handed_back_by is null)),
    CONSTRAINT fk_task_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_task_acts ON task (program_id, case_id) WHERE act_state in ('wanted', 'undo_wanted');
CREATE INDEX ix_task_case_id ON task (case_id);
CREATE INDEX ix_task_next_check ON task (program_id, next_check) WHERE next_check is not null;
CREATE INDEX ix_task_owed ON task (program_id, owed_by_id) WHERE state in ('planned', 'open');
CREATE INDEX ix_task_to_approve ON task (program_id, approved_by_id) WHERE state = 'submitted';
CREATE INDEX ix_task_unsettled ON task (program_id, case_id) WHERE required and state not in ('done', 'waived', 'cancelled');
CREATE TABLE wake_up (
    program_id UUID NOT NULL,
    case_id UUID NOT NULL,
    want INTEGER NOT NULL,
    have INTEGER NOT NULL,
    wanted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    not_before TIMESTAMP WITH TIME ZONE NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    leased_by VARCHAR NOT NULL,
    attempts INTEGER NOT NULL,
    trouble VARCHAR NOT NULL,
    CONSTRAINT pk_wake_up PRIMARY KEY (program_id, case_id),
    CONSTRAINT fk_wake_up_program_id_case_id FOREIGN KEY(program_id, case_id) REFERENCES "case" (program_id, id),
    CONSTRAINT fk_wake_up_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_wake_up_due ON wake_up (not_before) WHERE want > have;
CREATE TABLE account (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    task_id UUID,
    system VARCHAR NOT NULL,
    user_name VARCHAR NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_account PRIMARY KEY (program_id, id),
    CONSTRAINT fk_account_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_account_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_account_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_account_person_id ON account (person_id);
CREATE UNIQUE INDEX one_open_account ON account (program_id, system, user_name) WHERE closed_at is null;
CREATE TABLE agreement_role (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    agreement_version_id UUID NOT NULL,
    role VARCHAR NOT NULL,
    headcount INTEGER NOT NULL,
    hours_a_week FLOAT,
    CONSTRAINT pk_agreement_role PRIMARY KEY (program_id, id),
    CONSTRAINT fk_agreement_role_program_id_agreement_version_id FOREIGN KEY(program_id, agreement_version_id) REFERENCES agreement_version (program_id, id),
    CONSTRAINT uq_agreement_role_program_id_agreement_version_id_role UNIQUE (program_id, agreement_version_id, role),
    CONSTRAINT ck_agreement_role_headcount CHECK (headcount >= 1),
    CONSTRAINT fk_agreement_role_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE evidence (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    task_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    content_type VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    sha256 VARCHAR NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    added_by UUID,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    withdrawn_why VARCHAR,
    CONSTRAINT pk_evidence PRIMARY KEY (program_id, id),
    CONSTRAINT fk_evidence_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_evidence_program_id_added_by FOREIGN KEY(program_id, added_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_evidence_kind CHECK (kind in ('document', 'serial', 'account')),
    CONSTRAINT ck_evidence_withdrawn CHECK (num_nulls(withdrawn_at, withdrawn_why) in (0, 2)),
    CONSTRAINT fk_evidence_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_evidence_task_id ON evidence (task_id);
CREATE TABLE loan (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    equipment_id UUID NOT NULL,
    person_id UUID NOT NULL,
    task_id UUID,
    lent_at TIMESTAMP WITH TIME ZONE NOT NULL,
    returned_at TIMESTAMP WITH TIME ZONE,
    condition VARCHAR NOT NULL,
    CONSTRAINT pk_loan PRIMARY KEY (program_id, id),
    CONSTRAINT fk_loan_program_id_equipment_id FOREIGN KEY(program_id, equipment_id) REFERENCES equipment (program_id, id),
    CONSTRAINT fk_loan_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_loan_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_loan_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_loan_held ON loan (program_id, person_id) WHERE returned_at is null;
CREATE UNIQUE INDEX one_hand_at_a_time ON loan (program_id, equipment_id) WHERE returned_at is null;
CREATE TABLE obligation (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    agreement_version_id UUID NOT NULL,
    key VARCHAR NOT NULL,
    text_fr VARCHAR NOT NULL,
    text_en VARCHAR NOT NULL,
    owed_by VARCHAR NOT NULL,
    period VARCHAR NOT NULL,
    check_kind VARCHAR NOT NULL,
    rule JSONB NOT NULL,
    sources TEXT[] NOT NULL,
    CONSTRAINT pk_obligation PRIMARY KEY (program_id, id),
    CONSTRAINT fk_obligation_program_id_agreement_version_id FOREIGN KEY(program_id, agreement_version_id) REFERENCES agreement_version (program_id, id),
    CONSTRAINT uq_obligation_program_id_agreement_version_id_key UNIQUE (program_id, agreement_version_id, key),
    CONSTRAINT fk_obligation_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE signature (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    agreement_version_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    person_id UUID NOT NULL,
    signed_on DATE NOT NULL,
    recorded_by UUID,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_signature PRIMARY KEY (program_id, id),
    CONSTRAINT fk_signature_program_id_agreement_version_id FOREIGN KEY(program_id, agreement_version_id) REFERENCES agreement_version (program_id, id),
    CONSTRAINT fk_signature_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT fk_signature_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT uq_signature_program_id_agreement_version_id_person_id UNIQUE (program_id, agreement_version_id, person_id),
    CONSTRAINT fk_signature_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE task_need (
    program_id UUID NOT NULL,
    task_id UUID NOT NULL,
    needs_id UUID NOT NULL,
    CONSTRAINT pk_task_need PRIMARY KEY (program_id, task_id, needs_id),
    CONSTRAINT fk_task_need_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_task_need_program_id_needs_id FOREIGN KEY(program_id, needs_id) REFERENCES task (program_id, id),
    CONSTRAINT ck_task_need_not_itself CHECK (task_id <> needs_id),
    CONSTRAINT fk_task_need_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_task_need_needs ON task_need (program_id, needs_id);
CREATE TABLE evidence_file (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT pk_evidence_file PRIMARY KEY (program_id, id),
    CONSTRAINT fk_evidence_file_program_id_id FOREIGN KEY(program_id, id) REFERENCES evidence (program_id, id),
    CONSTRAINT fk_evidence_file_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
grant usage on schema public to spheres_app;
grant select on "beat" to spheres_app;
grant insert, update on "beat" to spheres_app;
grant delete on "beat" to spheres_app;
alter table "program" enable row level security;
create policy everyone_reads on "program" for select using (true);
create policy own_is_added on "program" for insert with check (id = nullif(current_setting('spheres.program_id', true), '')::uuid);
create policy own_is_changed on "program" for update using (id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "program" to spheres_app;
grant insert, update on "program" to spheres_app;
alter table "committee" enable row level security;
create policy own_program on "committee" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "committee" to spheres_app;
grant insert, update on "committee" to spheres_app;
alter table "equipment" enable row level security;
create policy own_program on "equipment" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "equipment" to spheres_app;
grant insert, update on "equipment" to spheres_app;
alter table "organization" enable row level security;
create policy own_program on "organization" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "organization" to spheres_app;
grant insert, update on "organization" to spheres_app;
alter table "person" enable row level security;
create policy own_program on "person" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "person" to spheres_app;
grant insert, update on "person" to spheres_app;
alter table "protocol_version" enable row level security;
create policy own_program on "protocol_version" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "protocol_version" to spheres_app;
grant insert ("program_id", "id", "key", "number", "digest", "title_fr", "title_en", "declared", "source", "recorded_at") on "protocol_version" to spheres_app;
alter table "responsibility" enable row level security;
create policy own_program on "responsibility" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "responsibility" to spheres_app;
grant insert, update on "responsibility" to spheres_app;
alter table "role" enable row level security;
create policy own_program on "role" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "role" to spheres_app;
grant insert, update on "role" to spheres_app;
alter table "round_mark" enable row level security;
create policy own_program on "round_mark" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "round_mark" to spheres_app;
grant insert, update on "round_mark" to spheres_app;
alter table "absence" enable row level security;
create policy own_program on "absence" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "absence" to spheres_app;
grant insert, update on "absence" to spheres_app;
alter table "agreement" enable row level security;
create policy own_program on "agreement" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "agreement" to spheres_app;
grant insert, update on "agreement" to spheres_app;
alter table "answered_request" enable row level security;
create policy own_program on "answered_request" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "answered_request" to spheres_app;
grant insert, update on "answered_request" to spheres_app;
grant delete on "answered_request" to spheres_app;
grant select on "browser_session" to spheres_app;
grant insert, update on "browser_session" to spheres_app;
grant delete on "browser_session" to spheres_app;
alter table "case" enable row level security;
create policy own_program on "case" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "case" to spheres_app;
grant insert, update on "case" to spheres_app;
alter table "closure" enable row level security;
create policy own_program on "closure" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "closure" to spheres_app;
grant insert, update on "closure" to spheres_app;
grant delete on "closure" to spheres_app;
alter table "event" enable row level security;
create policy own_program on "event" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "event" to spheres_app;
grant insert ("program_id", "id", "at", "actor_id", "actor_as", "actor_for", "verb", "subject_kind", "subject_id", "case_id", "facts") on "event" to spheres_app;
alter table "seat" enable row level security;
create policy own_program on "seat" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "seat" to spheres_app;
grant insert, update on "seat" to spheres_app;
alter table "tenure" enable row level security;
create policy own_program on "tenure" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "tenure" to spheres_app;
grant insert, update on "tenure" to spheres_app;
alter table "agreement_version" enable row level security;
create policy own_program on "agreement_version" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "agreement_version" to spheres_app;
grant insert, update on "agreement_version" to spheres_app;
alter table "engine_run" enable row level security;
create policy own_program on "engine_run" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "engine_run" to spheres_app;
grant insert ("program_id", "id", "case_id", "started_at", "ended_at", "outcome", "acts", "trouble", "flow_run_id") on "engine_run" to spheres_app;
alter table "notice" enable row level security;
create policy own_program on "notice" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "notice" to spheres_app;
grant insert, update on "notice" to spheres_app;
alter table "seat_holder" enable row level security;
create policy own_program on "seat_holder" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "seat_holder" to spheres_app;
grant insert, update on "seat_holder" to spheres_app;
alter table "task" enable row level security;
create policy own_program on "task" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "task" to spheres_app;
grant insert, update on "task" to spheres_app;
grant select on "wake_up" to spheres_app;
grant insert, update on "wake_up" to spheres_app;
alter table "account" enable row level security;
create policy own_program on "account" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "account" to spheres_app;
grant insert, update on "account" to spheres_app;
alter table "agreement_role" enable row level security;
create policy own_program on "agreement_role" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "agreement_role" to spheres_app;
grant insert, update on "agreement_role" to spheres_app;
grant delete on "agreement_role" to spheres_app;
alter table "evidence" enable row level security;
create policy own_program on "evidence" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "evidence" to spheres_app;
grant insert, update on "evidence" to spheres_app;
alter table "loan" enable row level security;
create policy own_program on "loan" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "loan" to spheres_app;
grant insert, update on "loan" to spheres_app;
alter table "obligation" enable row level security;
create policy own_program on "obligation" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "obligation" to spheres_app;
grant insert, update on "obligation" to spheres_app;
grant delete on "obligation" to spheres_app;
alter table "signature" enable row level security;
create policy own_program on "signature" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "signature" to spheres_app;
grant insert ("program_id", "id", "agreement_version_id", "organization_id", "person_id", "signed_on", "recorded_by", "recorded_at") on "signature" to spheres_app;
alter table "task_need" enable row level security;
create policy own_program on "task_need" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "task_need" to spheres_app;
grant insert, update on "task_need" to spheres_app;
grant delete on "task_need" to spheres_app;
alter table "evidence_file" enable row level security;
create policy own_program on "evidence_file" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "evidence_file" to spheres_app;
grant insert ("program_id", "id", "content") on "evidence_file" to spheres_app;
