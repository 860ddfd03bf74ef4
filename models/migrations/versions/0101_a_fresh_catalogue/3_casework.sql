-- Cases and their tasks, with what is written and shown with them; equipment; and the engine that carries the cases.
-- What each table is for: `models/casework.py`, `equipment.py`, `engine.py`.

create table protocol_version (
    program_id uuid not null,
    id uuid not null,
    key varchar not null,
    number integer not null,
    digest varchar not null,
    title_fr varchar not null,
    title_en varchar not null,
    declared jsonb not null,
    source varchar not null,
    recorded_at timestamptz not null,
    constraint pk_protocol_version primary key (program_id, id),
    constraint uq_protocol_version_program_id_key_digest unique (program_id, key, digest),
    constraint fk_protocol_version_program_id foreign key (program_id) references program (id)
);

create table responsibility (
    program_id uuid not null,
    id uuid not null,
    digest varchar not null,
    links jsonb not null,
    constraint pk_responsibility primary key (program_id, id),
    constraint uq_responsibility_program_id_digest unique (program_id, digest),
    constraint fk_responsibility_program_id foreign key (program_id) references program (id)
);
create index ix_responsibility_links on responsibility using gin (links jsonb_path_ops);

create table "case" (
    program_id uuid not null,
    id uuid not null,
    protocol varchar not null,
    protocol_version_id uuid not null,
    subject_kind varchar not null,
    subject_id uuid,
    organization_id uuid,
    agreement_version_id uuid,
    participant_id uuid,
    period varchar not null,
    once boolean not null,
    gathers boolean not null,
    anchors jsonb not null,
    state varchar not null,
    opened_at timestamptz not null,
    opened_by uuid,
    opened_as varchar not null,
    ended_at timestamptz,
    ended_by uuid,
    ended_reason varchar not null,
    version integer not null,
    constraint pk_case primary key (program_id, id),
    constraint ck_case_state check (state in ('open', 'closed', 'cancelled')),
    constraint ck_case_subject_kind
        check (subject_kind in ('worker', 'member', 'organization', 'agreement_version', 'program', 'participant')),
    constraint ck_case_about_a_person check ((subject_kind in ('worker', 'member')) = (subject_id is not null)),
    constraint ck_case_about_an_agreement
        check ((subject_kind = 'agreement_version') = (agreement_version_id is not null)),
    constraint ck_case_about_a_participant check ((subject_kind = 'participant') = (participant_id is not null)),
    constraint ck_case_about_the_program
        check ((subject_kind in ('program', 'participant')) = (organization_id is null)),
    constraint ck_case_period check (period ~ '^([0-9]{4}(-Q[1-4])?)?$'),
    constraint ck_case_ended check ((state = 'open') = (ended_at is null)),
    constraint fk_case_program_id_protocol_version_id foreign key (program_id, protocol_version_id)
        references protocol_version (program_id, id),
    constraint fk_case_program_id_subject_id foreign key (program_id, subject_id) references person (program_id, id),
    constraint fk_case_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_case_program_id_agreement_version_id foreign key (program_id, agreement_version_id)
        references agreement_version (program_id, id),
    constraint fk_case_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_case_program_id_opened_by foreign key (program_id, opened_by) references person (program_id, id),
    constraint fk_case_program_id_ended_by foreign key (program_id, ended_by) references person (program_id, id),
    constraint fk_case_program_id foreign key (program_id) references program (id)
);
create unique index begun_once on "case" (program_id, protocol, subject_id, organization_id, agreement_version_id,
    participant_id, period) nulls not distinct where once;
create index ix_case_open on "case" (program_id, protocol) where state = 'open';
create index ix_case_ended on "case" (program_id, protocol, ended_at) where state <> 'open';
create index ix_case_opened on "case" (program_id, opened_at);
create index ix_case_subject_id on "case" (subject_id);
create unique index one_open_case on "case" (program_id, protocol, subject_id, organization_id, agreement_version_id,
    participant_id, period) nulls not distinct where state = 'open' and not gathers;

create table task (
    program_id uuid not null,
    id uuid not null,
    case_id uuid,
    step varchar not null,
    item varchar not null,
    holding varchar not null,
    position integer not null,
    stage varchar not null,
    title_fr varchar not null,
    title_en varchar not null,
    sources text[] not null,
    clause varchar not null,
    evidence varchar not null,
    system varchar not null,
    asks jsonb not null,
    required boolean not null,
    owed_by_id uuid,
    declared_owed_by_id uuid,
    approved_by_id uuid,
    may_not_approve jsonb not null,
    on_reject varchar not null,
    waived_by text[] not null,
    state varchar not null,
    due_on date,
    due_rule jsonb not null,
    ladder jsonb not null,
    ladder_to text[] not null,
    dates_hang boolean not null,
    opened_at timestamptz,
    rung integer not null,
    next_check date,
    done_at timestamptz,
    done_by uuid,
    done_as varchar,
    done_for uuid,
    note varchar not null,
    settled_at timestamptz,
    settled_by uuid,
    settled_as varchar not null,
    reason varchar not null,
    handed_back_at timestamptz,
    handed_back_by uuid,
    given_again_at timestamptz,
    given_again_by uuid,
    action varchar not null,
    undo varchar not null,
    act_state varchar not null,
    version integer not null,
    constraint pk_task primary key (program_id, id),
    constraint uq_task_program_id_case_id_step_item unique (program_id, case_id, step, item),
    constraint ck_task_state check (state in ('planned', 'open', 'submitted', 'done', 'waived', 'cancelled')),
    constraint ck_task_act_state check (act_state in ('none', 'wanted', 'done', 'stuck', 'undo_wanted', 'undone')),
    constraint ck_task_done check (num_nulls(done_at, done_as) in (0, 2)),
    constraint ck_task_done_has_its_moment check (state <> 'done' or done_at is not null),
    constraint ck_task_submitted check (state <> 'submitted' or (done_at is not null and approved_by_id is not null)),
    constraint ck_task_not_own
        check (approved_by_id is null or settled_by is null or settled_by is distinct from done_by),
    constraint ck_task_handed_back check ((handed_back_at is null) = (handed_back_by is null)),
    constraint ck_task_given_again check ((given_again_at is null) = (given_again_by is null)),
    constraint ck_task_handed_back_or_given_again check (handed_back_at is null or given_again_at is null),
    constraint fk_task_program_id_case_id foreign key (program_id, case_id) references "case" (program_id, id),
    constraint fk_task_program_id_owed_by_id foreign key (program_id, owed_by_id)
        references responsibility (program_id, id),
    constraint fk_task_program_id_declared_owed_by_id foreign key (program_id, declared_owed_by_id)
        references responsibility (program_id, id),
    constraint fk_task_program_id_approved_by_id foreign key (program_id, approved_by_id)
        references responsibility (program_id, id),
    constraint fk_task_program_id_done_by foreign key (program_id, done_by) references person (program_id, id),
    constraint fk_task_program_id_done_for foreign key (program_id, done_for) references person (program_id, id),
    constraint fk_task_program_id_settled_by foreign key (program_id, settled_by) references person (program_id, id),
    constraint fk_task_program_id_handed_back_by foreign key (program_id, handed_back_by)
        references person (program_id, id),
    constraint fk_task_program_id_given_again_by foreign key (program_id, given_again_by)
        references person (program_id, id),
    constraint fk_task_program_id foreign key (program_id) references program (id)
);
create index ix_task_acts on task (program_id, case_id) where act_state in ('wanted', 'undo_wanted');
create index ix_task_done_by on task (program_id, done_by) where done_by is not null;
create index ix_task_settled_by on task (program_id, settled_by) where settled_by is not null;
create index ix_task_live on task (program_id, due_on) where state in ('open', 'submitted');
create index ix_task_stuck on task (program_id) where act_state = 'stuck';
create index ix_task_case_id on task (case_id);
create index ix_task_of_no_case on task (program_id, item) where case_id is null;
create index ix_task_handed_back on task (program_id) where handed_back_at is not null;
create index ix_task_next_check on task (program_id, next_check) where next_check is not null;
create index ix_task_owed on task (program_id, owed_by_id) where state in ('planned', 'open');
create index ix_task_to_approve on task (program_id, approved_by_id) where state = 'submitted';
create index ix_task_unsettled on task (program_id, case_id)
    where required and state not in ('done', 'waived', 'cancelled');

create table task_need (
    program_id uuid not null,
    task_id uuid not null,
    needs_id uuid not null,
    constraint pk_task_need primary key (program_id, task_id, needs_id),
    constraint ck_task_need_not_itself check (task_id <> needs_id),
    constraint fk_task_need_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_task_need_program_id_needs_id foreign key (program_id, needs_id) references task (program_id, id),
    constraint fk_task_need_program_id foreign key (program_id) references program (id)
);
create index ix_task_need_needs on task_need (program_id, needs_id);

create table task_words (
    program_id uuid not null,
    id uuid not null,
    task_id uuid not null,
    participant_id uuid not null,
    sealed bytea,
    version integer not null,
    constraint pk_task_words primary key (program_id, id),
    constraint uq_task_words_program_id_task_id unique (program_id, task_id),
    constraint fk_task_words_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_task_words_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_task_words_program_id foreign key (program_id) references program (id)
);
create index ix_task_words_participant_id on task_words (participant_id);

create table request (
    program_id uuid not null,
    id uuid not null,
    task_id uuid not null,
    n integer not null,
    asked jsonb not null,
    given jsonb not null,
    digest varchar not null,
    handed_in_at timestamptz not null,
    handed_in_by uuid,
    constraint pk_request primary key (program_id, id),
    constraint uq_request_program_id_task_id_n unique (program_id, task_id, n),
    constraint ck_request_n check (n >= 1),
    constraint fk_request_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_request_program_id_handed_in_by foreign key (program_id, handed_in_by)
        references person (program_id, id),
    constraint fk_request_program_id foreign key (program_id) references program (id)
);

create table lateness (
    program_id uuid not null,
    id uuid not null,
    task_id uuid not null,
    clause varchar not null,
    due_on date not null,
    until date not null,
    recorded_at timestamptz not null,
    constraint pk_lateness primary key (program_id, id),
    constraint uq_lateness_program_id_task_id_due_on_until unique (program_id, task_id, due_on, until),
    constraint ck_lateness_late check (until > due_on),
    constraint fk_lateness_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_lateness_program_id foreign key (program_id) references program (id)
);

create table equipment (
    program_id uuid not null,
    id uuid not null,
    kind varchar not null,
    serial varchar not null,
    serial_key varchar not null,
    label varchar not null,
    to_check boolean not null,
    added_at timestamptz,
    added_by uuid,
    state varchar not null,
    state_at timestamptz,
    state_by uuid,
    state_as varchar,
    reason varchar not null,
    version integer not null,
    constraint pk_equipment primary key (program_id, id),
    constraint uq_equipment_program_id_kind_serial unique (program_id, kind, serial),
    constraint ck_equipment_state check (state in ('in_use', 'out_of_use', 'lost')),
    constraint ck_equipment_state_since check (num_nulls(state_at, state_as) in (0, 2)),
    constraint fk_equipment_program_id_added_by foreign key (program_id, added_by) references person (program_id, id),
    constraint fk_equipment_program_id_state_by foreign key (program_id, state_by) references person (program_id, id),
    constraint fk_equipment_program_id foreign key (program_id) references program (id)
);
create index ix_equipment_in_order on equipment (program_id, kind, serial_key, id);
create index ix_equipment_in_use on equipment (program_id, kind, serial_key, id) where state = 'in_use';
create unique index one_of_a_number on equipment (program_id, kind, serial_key) where not to_check;

create table loan (
    program_id uuid not null,
    id uuid not null,
    equipment_id uuid not null,
    person_id uuid not null,
    task_id uuid,
    lent_at timestamptz not null,
    lent_by uuid,
    returned_at timestamptz,
    returned_by uuid,
    condition varchar not null,
    missing_since timestamptz,
    lost boolean not null,
    mistaken boolean not null,
    constraint pk_loan primary key (program_id, id),
    constraint ck_loan_lost check (not lost or (returned_at is not null and missing_since is not null)),
    constraint ck_loan_mistaken check (not mistaken or (returned_at is not null and not lost)),
    constraint ck_loan_not_returned_by_themselves check (returned_by is distinct from person_id or mistaken),
    constraint fk_loan_program_id_equipment_id foreign key (program_id, equipment_id)
        references equipment (program_id, id),
    constraint fk_loan_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_loan_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_loan_program_id_lent_by foreign key (program_id, lent_by) references person (program_id, id),
    constraint fk_loan_program_id_returned_by foreign key (program_id, returned_by) references person (program_id, id),
    constraint fk_loan_program_id foreign key (program_id) references program (id)
);
create index ix_loan_held on loan (program_id, person_id) where returned_at is null;
create index ix_loan_equipment_id on loan (program_id, equipment_id, lent_at);
create unique index one_hand_at_a_time on loan (program_id, equipment_id) where returned_at is null;

create table account (
    program_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    task_id uuid,
    system varchar not null,
    user_name varchar not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    look_again_on date,
    constraint pk_account primary key (program_id, id),
    constraint fk_account_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_account_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_account_program_id foreign key (program_id) references program (id)
);
create index ix_account_look_again on account (program_id, look_again_on) where look_again_on is not null;
create index ix_account_person_id on account (person_id);
create unique index one_open_account on account (program_id, system, user_name) where closed_at is null;

create table evidence (
    program_id uuid not null,
    id uuid not null,
    task_id uuid not null,
    kind varchar not null,
    label varchar not null,
    equipment_id uuid,
    content_type varchar not null,
    size integer not null,
    sha256 varchar not null,
    added_at timestamptz not null,
    added_by uuid,
    withdrawn_at timestamptz,
    withdrawn_why varchar,
    constraint pk_evidence primary key (program_id, id),
    constraint ck_evidence_kind check (kind in ('document', 'serial', 'account', 'way')),
    constraint ck_evidence_equipment_by_its_serial check (equipment_id is null or kind = 'serial'),
    constraint ck_evidence_withdrawn check (num_nulls(withdrawn_at, withdrawn_why) in (0, 2)),
    constraint fk_evidence_program_id_task_id foreign key (program_id, task_id) references task (program_id, id),
    constraint fk_evidence_program_id_added_by foreign key (program_id, added_by) references person (program_id, id),
    constraint fk_evidence_program_id_equipment_id foreign key (program_id, equipment_id)
        references equipment (program_id, id),
    constraint fk_evidence_program_id foreign key (program_id) references program (id)
);
create index ix_evidence_task_id on evidence (task_id);

create table evidence_file (
    program_id uuid not null,
    id uuid not null,
    content bytea not null,
    constraint pk_evidence_file primary key (program_id, id),
    constraint fk_evidence_file_program_id_id foreign key (program_id, id) references evidence (program_id, id),
    constraint fk_evidence_file_program_id foreign key (program_id) references program (id)
);

create table wake_up (
    program_id uuid not null,
    case_id uuid not null,
    want integer not null,
    have integer not null,
    wanted_at timestamptz not null,
    not_before timestamptz not null,
    leased_until timestamptz,
    leased_by varchar not null,
    taken_at timestamptz,
    attempts integer not null,
    trouble varchar not null,
    shown varchar not null,
    constraint pk_wake_up primary key (program_id, case_id),
    constraint fk_wake_up_program_id_case_id foreign key (program_id, case_id) references "case" (program_id, id),
    constraint fk_wake_up_program_id foreign key (program_id) references program (id)
);
create index ix_wake_up_leased on wake_up (program_id, leased_until) where leased_until is not null;
create index ix_wake_up_trouble on wake_up (program_id) where trouble <> '';
create index ix_wake_up_due on wake_up (not_before) where want > have;

create table engine_run (
    program_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    outcome varchar not null,
    acts integer not null,
    trouble varchar not null,
    flow_run_id uuid,
    why_plain varchar not null,
    constraint pk_engine_run primary key (program_id, id),
    constraint fk_engine_run_program_id_case_id foreign key (program_id, case_id) references "case" (program_id, id),
    constraint fk_engine_run_program_id foreign key (program_id) references program (id)
);
create index ix_engine_run_case on engine_run (program_id, case_id, started_at);
create index ix_engine_run_lately on engine_run (program_id, ended_at);

create table round_mark (
    program_id uuid not null,
    key varchar not null,
    done_up_to timestamptz,
    ran_at timestamptz,
    ran_by varchar not null,
    found integer not null,
    trouble varchar not null,
    troubled_since timestamptz,
    constraint pk_round_mark primary key (program_id, key),
    constraint ck_round_mark_done_and_ran check (num_nulls(done_up_to, ran_at) in (0, 2)),
    constraint ck_round_mark_trouble_and_since check (num_nulls(nullif(trouble, ''), troubled_since) in (0, 2)),
    constraint fk_round_mark_program_id foreign key (program_id) references program (id)
);

create table inbox_place (
    program_id uuid not null,
    mailbox varchar not null,
    place varchar not null,
    since timestamptz not null,
    read_at timestamptz not null,
    trouble varchar not null,
    troubled_since timestamptz,
    constraint pk_inbox_place primary key (program_id, mailbox),
    constraint ck_inbox_place_trouble_and_since check (num_nulls(nullif(trouble, ''), troubled_since) in (0, 2)),
    constraint fk_inbox_place_program_id foreign key (program_id) references program (id)
);

create table beat (
    process varchar not null,
    at timestamptz not null,
    prefect_up boolean not null,
    prefect_since timestamptz,
    machine varchar not null,
    constraint pk_beat primary key (process)
);

create table backup_run (
    id uuid not null,
    kind varchar not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    code varchar not null,
    next_by timestamptz,
    constraint pk_backup_run primary key (id),
    constraint ck_backup_run_kind check (kind in ('backup', 'drill')),
    constraint ck_backup_run_code check (code in ('', 'disk_full', 'no_place', 'no_key', 'database_away', 'tools',
        'not_verified', 'damaged', 'failed', 'keys_missing')),
    constraint ck_backup_run_in_order check (ended_at >= started_at)
);
create index ix_backup_run_ended on backup_run (kind, ended_at);

create table engine_seat (
    seat varchar not null,
    address varchar not null,
    machine varchar not null,
    since timestamptz not null,
    beat_at timestamptz not null,
    constraint pk_engine_seat primary key (seat)
);
