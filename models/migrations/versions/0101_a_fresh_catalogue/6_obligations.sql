-- What partners owe: the periods of each obligation, how each was found to stand, its proof, and waivers.
-- What each table is for: `models/obligation.py`.

create table obligation_period (
    program_id uuid not null,
    id uuid not null,
    agreement_id uuid not null,
    key varchar not null,
    obligation_id uuid not null,
    period_starts date not null,
    period_ends date,
    starts_on date not null,
    ends_on date,
    due_on date,
    state varchar not null,
    finding integer not null,
    task_id uuid,
    evaluated_at timestamptz not null,
    version integer not null,
    constraint pk_obligation_period primary key (program_id, id),
    constraint uq_obligation_period_program_id_agreement_id_key_period_starts unique (program_id, agreement_id, key,
        period_starts),
    constraint ck_obligation_period_in_order check (ends_on is null or ends_on >= starts_on),
    constraint ck_obligation_period_period_in_order check (period_ends is null or period_ends >= period_starts),
    constraint ck_obligation_period_within_its_period
        check (starts_on >= period_starts and (period_ends is null or ends_on <= period_ends)),
    constraint ck_obligation_period_state
        check (state in ('not_yet', 'nothing_recorded', 'on_track', 'at_risk', 'cannot_be_met', 'awaiting_record',
            'given', 'met', 'missed', 'no_occasion', 'waived')),
    constraint fk_obligation_period_program_id_agreement_id foreign key (program_id, agreement_id)
        references agreement (program_id, id),
    constraint fk_obligation_period_program_id_obligation_id foreign key (program_id, obligation_id)
        references obligation (program_id, id),
    constraint fk_obligation_period_program_id_task_id foreign key (program_id, task_id)
        references task (program_id, id),
    constraint fk_obligation_period_program_id foreign key (program_id) references program (id)
);
create index ix_obligation_period_due on obligation_period (program_id, due_on);
create index ix_obligation_period_goes_on on obligation_period (
    program_id, (case when ends_on is null then 'infinity'::date else coalesce(due_on, ends_on) end)
);
create index ix_obligation_period_given on obligation_period (program_id, agreement_id) where state = 'given';
create index ix_obligation_period_obligation_id on obligation_period (obligation_id);

create table obligation_finding (
    program_id uuid not null,
    id uuid not null,
    period_id uuid not null,
    n integer not null,
    obligation_id uuid not null,
    state varchar not null,
    "on" date not null,
    found jsonb not null,
    evaluated_at timestamptz not null,
    constraint pk_obligation_finding primary key (program_id, id),
    constraint uq_obligation_finding_program_id_period_id_n unique (program_id, period_id, n),
    constraint ck_obligation_finding_state
        check (state in ('not_yet', 'nothing_recorded', 'on_track', 'at_risk', 'cannot_be_met', 'awaiting_record',
            'given', 'met', 'missed', 'no_occasion', 'waived')),
    constraint ck_obligation_finding_n check (n >= 1),
    constraint fk_obligation_finding_program_id_period_id foreign key (program_id, period_id)
        references obligation_period (program_id, id),
    constraint fk_obligation_finding_program_id_obligation_id foreign key (program_id, obligation_id)
        references obligation (program_id, id),
    constraint fk_obligation_finding_program_id foreign key (program_id) references program (id)
);

create table obligation_document (
    program_id uuid not null,
    id uuid not null,
    agreement_id uuid not null,
    key varchar not null,
    kind varchar not null,
    name varchar not null,
    content_type varchar not null,
    size integer not null,
    sha256 varchar not null,
    effective_on date not null,
    added_at timestamptz not null,
    added_by uuid,
    added_as varchar not null,
    added_for uuid,
    withdrawn_at timestamptz,
    withdrawn_why varchar,
    version integer not null,
    constraint pk_obligation_document primary key (program_id, id),
    constraint ck_obligation_document_sha256 check (sha256 ~ '^[0-9a-f]{64}$'),
    constraint ck_obligation_document_size check (size > 0),
    constraint ck_obligation_document_withdrawn check (num_nulls(withdrawn_at, withdrawn_why) in (0, 2)),
    constraint fk_obligation_document_program_id_agreement_id foreign key (program_id, agreement_id)
        references agreement (program_id, id),
    constraint fk_obligation_document_program_id_added_by foreign key (program_id, added_by)
        references person (program_id, id),
    constraint fk_obligation_document_program_id_added_for foreign key (program_id, added_for)
        references person (program_id, id),
    constraint fk_obligation_document_program_id foreign key (program_id) references program (id)
);
create index ix_obligation_document_agreement_id on obligation_document (agreement_id);

create table obligation_file (
    program_id uuid not null,
    id uuid not null,
    content bytea not null,
    constraint pk_obligation_file primary key (program_id, id),
    constraint fk_obligation_file_program_id_id foreign key (program_id, id)
        references obligation_document (program_id, id),
    constraint fk_obligation_file_program_id foreign key (program_id) references program (id)
);

create table attestation (
    program_id uuid not null,
    id uuid not null,
    period_id uuid not null,
    person_id uuid not null,
    role varchar not null,
    acting_for uuid,
    said varchar not null,
    to_be_accepted boolean not null,
    note varchar not null,
    said_at timestamptz not null,
    superseded_at timestamptz,
    constraint pk_attestation primary key (program_id, id),
    constraint ck_attestation_said check (said in ('held', 'not_held')),
    constraint fk_attestation_program_id_period_id foreign key (program_id, period_id)
        references obligation_period (program_id, id),
    constraint fk_attestation_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_attestation_program_id_acting_for foreign key (program_id, acting_for)
        references person (program_id, id),
    constraint fk_attestation_program_id foreign key (program_id) references program (id)
);
create unique index one_attestation_stands on attestation (program_id, period_id) where superseded_at is null;

create table acceptance (
    program_id uuid not null,
    id uuid not null,
    document_id uuid,
    attestation_id uuid,
    evidence_id uuid,
    said varchar not null,
    reason varchar not null,
    said_by uuid,
    said_as varchar not null,
    said_for uuid,
    said_at timestamptz not null,
    superseded_at timestamptz,
    constraint pk_acceptance primary key (program_id, id),
    constraint ck_acceptance_said check (said in ('accepted', 'returned', 'kept')),
    constraint ck_acceptance_of_one_proof check (num_nonnulls(document_id, attestation_id, evidence_id) = 1),
    constraint ck_acceptance_by_somebody check ((said = 'kept') = (said_by is null)),
    constraint ck_acceptance_returned_with_words check (said <> 'returned' or reason <> ''),
    constraint fk_acceptance_program_id_document_id foreign key (program_id, document_id)
        references obligation_document (program_id, id),
    constraint fk_acceptance_program_id_attestation_id foreign key (program_id, attestation_id)
        references attestation (program_id, id),
    constraint fk_acceptance_program_id_evidence_id foreign key (program_id, evidence_id)
        references evidence (program_id, id),
    constraint fk_acceptance_program_id_said_by foreign key (program_id, said_by) references person (program_id, id),
    constraint fk_acceptance_program_id_said_for foreign key (program_id, said_for) references person (program_id, id),
    constraint fk_acceptance_program_id foreign key (program_id) references program (id)
);
create unique index one_word_stands_of_attestation on acceptance (program_id, attestation_id)
    where superseded_at is null;
create unique index one_word_stands_of_document on acceptance (program_id, document_id) where superseded_at is null;
create unique index one_word_stands_of_evidence on acceptance (program_id, evidence_id) where superseded_at is null;

create table waiver_proposal (
    program_id uuid not null,
    id uuid not null,
    agreement_id uuid not null,
    key varchar not null,
    committee_id uuid not null,
    starts_on date not null,
    ends_on date not null,
    reason varchar not null,
    proposed_by uuid not null,
    proposed_as varchar not null,
    proposed_for uuid,
    proposed_at timestamptz not null,
    constraint pk_waiver_proposal primary key (program_id, id),
    constraint ck_waiver_proposal_in_order check (ends_on is null or ends_on >= starts_on),
    constraint ck_waiver_proposal_with_a_reason check (reason <> ''),
    constraint fk_waiver_proposal_program_id_agreement_id foreign key (program_id, agreement_id)
        references agreement (program_id, id),
    constraint fk_waiver_proposal_program_id_committee_id foreign key (program_id, committee_id)
        references committee (program_id, id),
    constraint fk_waiver_proposal_program_id_proposed_by foreign key (program_id, proposed_by)
        references person (program_id, id),
    constraint fk_waiver_proposal_program_id_proposed_for foreign key (program_id, proposed_for)
        references person (program_id, id),
    constraint fk_waiver_proposal_program_id foreign key (program_id) references program (id)
);
create index ix_waiver_proposal_clause on waiver_proposal (program_id, agreement_id, key);

create table waiver (
    program_id uuid not null,
    id uuid not null,
    agreement_id uuid not null,
    key varchar not null,
    starts_on date not null,
    ends_on date not null,
    decision_id uuid not null,
    proposal_id uuid,
    from_before boolean not null,
    reason varchar not null,
    recorded_by uuid,
    recorded_as varchar not null,
    recorded_for uuid,
    recorded_at timestamptz not null,
    set_aside_at timestamptz,
    version integer not null,
    constraint pk_waiver primary key (program_id, id),
    constraint ck_waiver_in_order check (ends_on is null or ends_on >= starts_on),
    constraint ck_waiver_proposed check (from_before or proposal_id is not null),
    constraint one_waiver_a_day
        exclude using gist (program_id with =, agreement_id with =, key with =, daterange(starts_on, ends_on, '[]') with
            &&)
            where (set_aside_at is null),
    constraint fk_waiver_program_id_agreement_id foreign key (program_id, agreement_id)
        references agreement (program_id, id),
    constraint fk_waiver_program_id_decision_id foreign key (program_id, decision_id)
        references decision (program_id, id),
    constraint fk_waiver_program_id_proposal_id foreign key (program_id, proposal_id)
        references waiver_proposal (program_id, id),
    constraint fk_waiver_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_waiver_program_id_recorded_for foreign key (program_id, recorded_for)
        references person (program_id, id),
    constraint fk_waiver_program_id foreign key (program_id) references program (id)
);
