-- What partners signed: agreements and their versions, the roles and obligations of each, and the signed files.
-- What each table is for: `models/agreement.py`.

create table agreement (
    program_id uuid not null,
    id uuid not null,
    organization_id uuid not null,
    title_fr varchar not null,
    title_en varchar not null,
    constraint pk_agreement primary key (program_id, id),
    constraint uq_agreement_program_id_organization_id unique (program_id, organization_id),
    constraint fk_agreement_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_agreement_program_id foreign key (program_id) references program (id)
);

create table agreement_version (
    program_id uuid not null,
    id uuid not null,
    agreement_id uuid not null,
    n integer not null,
    state varchar not null,
    starts_on date,
    ends_on date,
    notice_days integer not null,
    terms jsonb not null,
    digest varchar not null,
    version integer not null,
    constraint pk_agreement_version primary key (program_id, id),
    constraint uq_agreement_version_program_id_agreement_id_n unique (program_id, agreement_id, n),
    constraint ck_agreement_version_state check (state in ('draft', 'sent', 'signed', 'in_force', 'ended')),
    constraint ck_agreement_version_in_order check (ends_on is null or starts_on is not null and ends_on >= starts_on),
    constraint ck_agreement_version_in_force_from_a_day
        check (state not in ('in_force', 'ended') or starts_on is not null),
    constraint ck_agreement_version_ended_on_a_day check (state <> 'ended' or ends_on is not null),
    constraint one_in_force
        exclude using gist (program_id with =, agreement_id with =, daterange(starts_on, ends_on, '[]') with &&)
            where (state in ('in_force', 'ended')),
    constraint fk_agreement_version_program_id_agreement_id foreign key (program_id, agreement_id)
        references agreement (program_id, id),
    constraint fk_agreement_version_program_id foreign key (program_id) references program (id)
);
create index ix_agreement_version_agreement_id on agreement_version (agreement_id);

create table agreement_role (
    program_id uuid not null,
    id uuid not null,
    agreement_version_id uuid not null,
    role varchar not null,
    headcount integer not null,
    hours_a_week float,
    constraint pk_agreement_role primary key (program_id, id),
    constraint uq_agreement_role_program_id_agreement_version_id_role unique (program_id, agreement_version_id, role),
    constraint ck_agreement_role_headcount check (headcount >= 1),
    constraint fk_agreement_role_program_id_agreement_version_id foreign key (program_id, agreement_version_id)
        references agreement_version (program_id, id),
    constraint fk_agreement_role_program_id foreign key (program_id) references program (id)
);

create table obligation (
    program_id uuid not null,
    id uuid not null,
    agreement_version_id uuid not null,
    key varchar not null,
    text_fr varchar not null,
    text_en varchar not null,
    owed_by varchar not null,
    period varchar not null,
    check_kind varchar not null,
    rule jsonb not null,
    sources text[] not null,
    constraint pk_obligation primary key (program_id, id),
    constraint uq_obligation_program_id_agreement_version_id_key unique (program_id, agreement_version_id, key),
    constraint fk_obligation_program_id_agreement_version_id foreign key (program_id, agreement_version_id)
        references agreement_version (program_id, id),
    constraint fk_obligation_program_id foreign key (program_id) references program (id)
);

create table signature (
    program_id uuid not null,
    id uuid not null,
    agreement_version_id uuid not null,
    organization_id uuid not null,
    person_id uuid not null,
    signed_on date not null,
    on_paper boolean not null,
    recorded_by uuid,
    recorded_at timestamptz not null,
    taken_back_at timestamptz,
    taken_back_reason varchar not null,
    constraint pk_signature primary key (program_id, id),
    constraint ck_signature_taken_back_of_paper check (taken_back_at is null or on_paper),
    constraint fk_signature_program_id_agreement_version_id foreign key (program_id, agreement_version_id)
        references agreement_version (program_id, id),
    constraint fk_signature_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_signature_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_signature_program_id foreign key (program_id) references program (id)
);
create unique index signed_once on signature (program_id, agreement_version_id, person_id) where taken_back_at is null;

create table signed_file (
    program_id uuid not null,
    id uuid not null,
    agreement_version_id uuid not null,
    signature_id uuid,
    name varchar not null,
    content_type varchar not null,
    size integer not null,
    sha256 varchar not null,
    content bytea not null,
    added_by uuid,
    added_at timestamptz not null,
    constraint pk_signed_file primary key (program_id, id),
    constraint ck_signed_file_sha256 check (sha256 ~ '^[0-9a-f]{64}$'),
    constraint ck_signed_file_size check (size > 0),
    constraint fk_signed_file_program_id_agreement_version_id foreign key (program_id, agreement_version_id)
        references agreement_version (program_id, id),
    constraint fk_signed_file_program_id_signature_id foreign key (program_id, signature_id)
        references signature (program_id, id),
    constraint fk_signed_file_program_id_added_by foreign key (program_id, added_by) references person (program_id, id),
    constraint fk_signed_file_program_id foreign key (program_id) references program (id)
);
create index ix_signed_file_agreement_version_id on signed_file (agreement_version_id);
