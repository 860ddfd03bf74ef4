-- The record and its seals, the register of incidents, the words that were taken out; outgoing mail; and what is known
-- of the ledger of what must not come back. What each table is for: `models/record.py`, `redaction.py`, `outbox.py`,
-- `ledger.py`.

create table event (
    program_id uuid not null,
    id uuid not null,
    n bigint generated always as identity,
    recorded_at timestamptz default clock_timestamp() not null,
    at timestamptz not null,
    actor_id uuid,
    actor_as varchar not null,
    actor_for uuid,
    verb varchar not null,
    subject_kind varchar not null,
    subject_id uuid not null,
    case_id uuid,
    facts jsonb not null,
    xid bigint default pg_current_xact_id()::text::bigint not null,
    constraint pk_event primary key (program_id, id),
    constraint fk_event_program_id_actor_id foreign key (program_id, actor_id) references person (program_id, id),
    constraint fk_event_program_id_actor_for foreign key (program_id, actor_for) references person (program_id, id),
    constraint fk_event_program_id foreign key (program_id) references program (id)
);
create index ix_event_case on event (program_id, case_id, n) where case_id is not null;
create index ix_event_n on event (program_id, n);
create index ix_event_asked_for on event (program_id, subject_id) where verb in ('agreement.file_added',
    'agreement.signature_taken_back', 'agreement.signed', 'participant.admitted', 'statement.released');
create index ix_event_read on event (program_id, n) where verb in ('read', 'exported');
create index ix_event_read_at on event (program_id, at) where verb in ('read', 'exported');
create index ix_event_refused on event (program_id, n) where verb in ('access.refused', 'access.refused_often');
create index ix_event_refused_at on event (program_id, at) where verb in ('access.refused', 'access.refused_often');
create index ix_event_subject on event (program_id, subject_id);
create index ix_event_xid on event (program_id, xid);

create table seal (
    program_id uuid not null,
    id uuid not null,
    number integer not null,
    lines integer not null,
    events jsonb not null,
    marks jsonb not null,
    digest varchar not null,
    signature varchar not null,
    key_id varchar not null,
    sealed_at timestamptz not null,
    constraint pk_seal primary key (program_id, id),
    constraint uq_seal_program_id_number unique (program_id, number),
    constraint ck_seal_counts check (number >= 1 and lines >= 1),
    constraint fk_seal_program_id foreign key (program_id) references program (id)
);

create table sent_head (
    program_id uuid not null,
    id uuid not null,
    sent_on date not null,
    number integer not null,
    signature varchar not null,
    recipients integer not null,
    constraint pk_sent_head primary key (program_id, id),
    constraint uq_sent_head_program_id_sent_on unique (program_id, sent_on),
    constraint fk_sent_head_program_id foreign key (program_id) references program (id)
);

create table incident (
    program_id uuid not null,
    id uuid not null,
    number integer not null,
    organization_id uuid not null,
    words bytea,
    happened_from date,
    happened_to date,
    known_on date not null,
    people_concerned integer,
    serious_risk boolean,
    commission_told_on date,
    people_told_on date,
    recorded_by uuid,
    recorded_at timestamptz not null,
    closed_by uuid,
    closed_at timestamptz,
    version integer not null,
    constraint pk_incident primary key (program_id, id),
    constraint uq_incident_program_id_number unique (program_id, number),
    constraint ck_incident_number check (number >= 1),
    constraint ck_incident_in_order check (happened_to is null or happened_to >= happened_from),
    constraint ck_incident_people_concerned check (people_concerned is null or people_concerned >= 0),
    constraint ck_incident_risk_has_reasons check (not serious_risk or words is not null),
    constraint ck_incident_closed check (num_nulls(closed_by, closed_at) in (0, 2)),
    constraint fk_incident_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_incident_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_incident_program_id foreign key (program_id) references program (id)
);
create index ix_incident_open on incident (program_id, number) where closed_at is null;

create table incident_version (
    program_id uuid not null,
    id uuid not null,
    incident_id uuid not null,
    number integer not null,
    stood jsonb not null,
    words bytea,
    digest varchar not null,
    written_at timestamptz not null,
    constraint pk_incident_version primary key (program_id, id),
    constraint uq_incident_version_program_id_incident_id_number unique (program_id, incident_id, number),
    constraint ck_incident_version_number check (number >= 1),
    constraint fk_incident_version_program_id_incident_id foreign key (program_id, incident_id)
        references incident (program_id, id),
    constraint fk_incident_version_program_id foreign key (program_id) references program (id)
);

create table word_key (
    program_id uuid not null,
    id uuid not null,
    meeting_id uuid,
    incident_id uuid,
    study_id uuid,
    made_at timestamptz not null,
    destroyed_at timestamptz,
    gone_at timestamptz,
    constraint pk_word_key primary key (program_id, id),
    constraint ck_word_key_of_one check (num_nonnulls(meeting_id, incident_id, study_id) = 1),
    constraint ck_word_key_gone check (gone_at is null or destroyed_at is not null),
    constraint fk_word_key_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_word_key_program_id_incident_id foreign key (program_id, incident_id)
        references incident (program_id, id),
    constraint fk_word_key_program_id_study_id foreign key (program_id, study_id) references study (program_id, id),
    constraint fk_word_key_program_id foreign key (program_id) references program (id)
);
create unique index one_word_key_a_meeting on word_key (program_id, meeting_id)
    where destroyed_at is null and meeting_id is not null;
create unique index one_word_key_an_incident on word_key (program_id, incident_id)
    where destroyed_at is null and incident_id is not null;
create unique index one_word_key_a_study on word_key (program_id, study_id)
    where destroyed_at is null and study_id is not null;

create table redaction (
    program_id uuid not null,
    id uuid not null,
    meeting_id uuid,
    incident_id uuid,
    taken_out varchar not null,
    words bytea,
    state varchar not null,
    asked_by uuid not null,
    asked_as varchar not null,
    asked_for uuid,
    asked_at timestamptz not null,
    settled_by uuid,
    settled_as varchar not null,
    settled_for uuid,
    settled_at timestamptz,
    places integer not null,
    before varchar,
    after varchar,
    version integer not null,
    constraint pk_redaction primary key (program_id, id),
    constraint ck_redaction_state check (state in ('asked', 'done', 'declined', 'taken_back')),
    constraint ck_redaction_taken_out check (taken_out in ('name', 'telephone', 'address', 'birth_date', 'other')),
    constraint ck_redaction_of_one check (num_nonnulls(meeting_id, incident_id) = 1),
    constraint ck_redaction_words_while_asked check ((state = 'asked') = (words is not null)),
    constraint ck_redaction_done_has_digests check ((state = 'done') = (before is not null)),
    constraint ck_redaction_digests check (num_nulls(before, after) in (0, 2)),
    constraint ck_redaction_settled check ((state = 'asked') = (settled_at is null)),
    constraint ck_redaction_by_two
        check (state not in ('done', 'declined') or (settled_by is not null and settled_by <> asked_by and settled_by is
            distinct from asked_for and settled_for is distinct from asked_by and (settled_for is null or asked_for is
            null or settled_for <> asked_for))),
    constraint fk_redaction_program_id_meeting_id foreign key (program_id, meeting_id)
        references meeting (program_id, id),
    constraint fk_redaction_program_id_incident_id foreign key (program_id, incident_id)
        references incident (program_id, id),
    constraint fk_redaction_program_id_asked_by foreign key (program_id, asked_by) references person (program_id, id),
    constraint fk_redaction_program_id_asked_for foreign key (program_id, asked_for) references person (program_id, id),
    constraint fk_redaction_program_id_settled_by foreign key (program_id, settled_by)
        references person (program_id, id),
    constraint fk_redaction_program_id_settled_for foreign key (program_id, settled_for)
        references person (program_id, id),
    constraint fk_redaction_program_id foreign key (program_id) references program (id)
);
create index ix_redaction_asked on redaction (program_id) where state = 'asked';

create table name_answer (
    program_id uuid not null,
    id uuid not null,
    mark varchar not null,
    answered_by uuid not null,
    answered_at timestamptz not null,
    constraint pk_name_answer primary key (program_id, id),
    constraint uq_name_answer_program_id_mark unique (program_id, mark),
    constraint fk_name_answer_program_id_answered_by foreign key (program_id, answered_by)
        references person (program_id, id),
    constraint fk_name_answer_program_id foreign key (program_id) references program (id)
);

create table notice (
    program_id uuid not null,
    id uuid not null,
    n bigint generated always as identity,
    key varchar not null,
    person_id uuid not null,
    to_address varchar not null,
    language varchar not null,
    template varchar not null,
    thread varchar not null,
    subject varchar not null,
    calls text[] not null,
    message bytea not null,
    case_id uuid,
    state varchar not null,
    created_at timestamptz not null,
    attempts integer not null,
    next_attempt_at timestamptz,
    leased_until timestamptz,
    sent_at timestamptz,
    code varchar not null,
    constraint pk_notice primary key (program_id, id),
    constraint uq_notice_program_id_key unique (program_id, key),
    constraint ck_notice_state check (state in ('queued', 'sent', 'failed', 'withdrawn')),
    constraint ck_notice_sent check ((state = 'sent') = (sent_at is not null)),
    constraint ck_notice_queued check ((state = 'queued') = (next_attempt_at is not null)),
    constraint fk_notice_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_notice_program_id_case_id foreign key (program_id, case_id) references "case" (program_id, id),
    constraint fk_notice_program_id foreign key (program_id) references program (id)
);
create index ix_notice_due on notice (program_id, next_attempt_at, n) where state = 'queued';
create index ix_notice_n on notice (program_id, n);
create index ix_notice_not_sent on notice (program_id, state, n) where state in ('queued', 'failed');
create index ix_notice_sent_at on notice (program_id, sent_at) where sent_at is not null;
create index ix_notice_thread on notice (program_id, person_id, thread, n) where state = 'queued' and thread <> '';

create table ledger_seen (
    n bigint not null,
    digest varchar not null,
    constraint pk_ledger_seen primary key (n),
    constraint ck_ledger_seen_n check (n >= 1),
    constraint ck_ledger_seen_digest check (digest ~ '^[0-9a-f]{64}$')
);

create table epoch (
    number integer not null,
    found_at timestamptz not null,
    lines integer not null,
    constraint pk_epoch primary key (number),
    constraint ck_epoch_number check (number >= 1)
);

create table restoration (
    program_id uuid not null,
    id uuid not null,
    epoch integer not null,
    found_at timestamptz not null,
    missing_from timestamptz,
    missing_to timestamptz,
    accepted boolean not null,
    told_at timestamptz,
    constraint pk_restoration primary key (program_id, id),
    constraint uq_restoration_program_id_epoch unique (program_id, epoch),
    constraint fk_restoration_program_id foreign key (program_id) references program (id)
);

create table restored_matter (
    program_id uuid not null,
    id uuid not null,
    epoch integer not null,
    kind varchar not null,
    verb varchar not null,
    subject_kind varchar not null,
    subject_id uuid not null,
    person_id uuid,
    facts jsonb not null,
    ledger_n bigint not null,
    at timestamptz not null,
    is_certain boolean not null,
    decision varchar not null,
    decided_at timestamptz,
    decided_by uuid,
    decided_as varchar,
    reason varchar not null,
    before jsonb not null,
    constraint pk_restored_matter primary key (program_id, id),
    constraint uq_restored_matter_program_id_ledger_n unique (program_id, ledger_n),
    constraint ck_restored_matter_kind check (kind in (
        'access', 'consent', 'departure', 'restriction', 'agreement', 'redaction', 'role', 'other', 'meeting'
    )),
    constraint ck_restored_matter_decision check (decision in (
        '', 'done_again', 'left_undone', 'noted', 'cancelled', 'kept'
    )),
    constraint ck_restored_matter_decided
        check (num_nulls(nullif(decision, ''), decided_at, decided_as) in (0, 3)),
    constraint fk_restored_matter_program_id_decided_by foreign key (program_id, decided_by)
        references person (program_id, id),
    constraint fk_restored_matter_program_id foreign key (program_id) references program (id)
);
create index ix_restored_matter_open on restored_matter (program_id, kind, person_id) where decided_at is null;

create table sent_before (
    program_id uuid not null,
    digest varchar not null,
    constraint pk_sent_before primary key (program_id, digest),
    constraint ck_sent_before_digest check (digest ~ '^[0-9a-f]{64}$'),
    constraint fk_sent_before_program_id foreign key (program_id) references program (id)
);

create table number_given (
    program_id uuid not null,
    series varchar not null,
    last integer not null,
    lost jsonb not null,
    constraint pk_number_given primary key (program_id, series),
    constraint ck_number_given_last check (last >= 1),
    constraint fk_number_given_program_id foreign key (program_id) references program (id)
);
