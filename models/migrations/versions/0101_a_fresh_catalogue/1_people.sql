-- Who there is: programs, organizations, people and their roles; committees and seats; candidates and participants;
-- and how people come in.
-- What each table is for: `models/program.py`, `committee.py`, `access.py`, `participant.py`.

create table program (
    id uuid not null,
    key varchar not null,
    title_fr varchar not null,
    title_en varchar not null,
    time_zone varchar not null,
    languages text[] not null,
    calendar jsonb not null,
    area jsonb not null,
    retention jsonb not null,
    reading jsonb not null,
    self_reports jsonb not null,
    research jsonb not null,
    rights jsonb not null,
    obligations jsonb not null,
    governance varchar not null,
    coordination jsonb not null,
    is_demonstration boolean not null,
    year_written_at timestamptz,
    source varchar not null,
    digest varchar not null,
    loaded_at timestamptz,
    version integer not null,
    constraint pk_program primary key (id),
    constraint uq_program_key unique (key),
    constraint ck_program_governance check (governance in ('hosted', 'secondment', 'joint'))
);

create table organization (
    program_id uuid not null,
    id uuid not null,
    key varchar not null,
    name_fr varchar not null,
    name_en varchar not null,
    short_name varchar not null,
    kind varchar not null,
    regime varchar not null,
    starts_on date,
    ends_on date,
    constraint pk_organization primary key (program_id, id),
    constraint uq_organization_program_id_key unique (program_id, key),
    constraint ck_organization_kind
        check (kind in ('health_agency', 'community', 'police', 'specialized', 'research', 'outside')),
    constraint ck_organization_regime check (regime in ('R-22.1', 'A-2.1', 'P-39.1')),
    constraint ck_organization_in_order check (ends_on is null or ends_on >= starts_on),
    constraint fk_organization_program_id foreign key (program_id) references program (id)
);

create table person (
    program_id uuid not null,
    id uuid not null,
    key varchar not null,
    given_name varchar not null,
    family_name varchar not null,
    sort_key varchar not null,
    email varchar,
    phone varchar,
    language varchar not null,
    spoken text[] not null,
    version integer not null,
    constraint pk_person primary key (program_id, id),
    constraint uq_person_program_id_key unique (program_id, key),
    constraint ck_person_language check (language in ('fr', 'en')),
    constraint ck_person_email check (email is null or email like '%_@_%'),
    constraint fk_person_program_id foreign key (program_id) references program (id)
);
create index ix_person_sort_key on person (program_id, sort_key, id);

create table role (
    program_id uuid not null,
    id uuid not null,
    key varchar not null,
    title_fr varchar not null,
    title_en varchar not null,
    single_holder boolean not null,
    constraint pk_role primary key (program_id, id),
    constraint uq_role_program_id_key unique (program_id, key),
    constraint fk_role_program_id foreign key (program_id) references program (id)
);

create table tenure (
    program_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    role varchar not null,
    organization_id uuid not null,
    single_holder boolean not null,
    starts_on date not null,
    ends_on date,
    ended_by uuid,
    ended_at timestamptz,
    entered_late text[] not null,
    taken_back_at timestamptz,
    version integer not null,
    constraint pk_tenure primary key (program_id, id),
    constraint ck_tenure_in_order check ((ends_on < starts_on) is not true or taken_back_at is not null),
    constraint ck_tenure_taken_back_whole check (taken_back_at is null or (ends_on < starts_on) is true),
    constraint ck_tenure_ended check (num_nulls(ended_by, ended_at) in (0, 2)),
    constraint one_tenure_at_a_time
        exclude using gist (program_id with =, person_id with =, role with =, organization_id with =,
            daterange(starts_on, ends_on, '[]') with &&)
            where (taken_back_at is null),
    constraint one_holder
        exclude using gist (program_id with =, role with =, organization_id with =, daterange(starts_on, ends_on, '[]')
            with &&)
            where (single_holder and taken_back_at is null),
    constraint fk_tenure_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_tenure_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_tenure_program_id foreign key (program_id) references program (id)
);
create index ix_tenure_held on tenure (program_id, organization_id, role, ends_on);
create index ix_tenure_person_id on tenure (person_id);
create index ix_tenure_ends_on on tenure (program_id, ends_on);

create table absence (
    program_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    deputy_id uuid,
    kinds text[] not null,
    starts_on date not null,
    ends_on date not null,
    recorded_by uuid,
    recorded_at timestamptz not null,
    cancelled_at timestamptz,
    constraint pk_absence primary key (program_id, id),
    constraint ck_absence_in_order check (ends_on is null or ends_on >= starts_on),
    constraint ck_absence_not_own_deputy check (deputy_id is null or deputy_id <> person_id),
    constraint one_absence_at_a_time
        exclude using gist (program_id with =, person_id with =, daterange(starts_on, ends_on, '[]') with &&)
            where (cancelled_at is null),
    constraint fk_absence_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_absence_program_id_deputy_id foreign key (program_id, deputy_id) references person (program_id, id),
    constraint fk_absence_program_id foreign key (program_id) references program (id)
);
create index ix_absence_lasts on absence (program_id, ends_on) where cancelled_at is null;
create index ix_absence_deputy_id on absence (deputy_id);
create index ix_absence_person_id on absence (person_id);

create table closure (
    program_id uuid not null,
    id uuid not null,
    organization_id uuid,
    starts_on date not null,
    ends_on date not null,
    reason_fr varchar not null,
    reason_en varchar not null,
    constraint pk_closure primary key (program_id, id),
    constraint ck_closure_in_order check (ends_on is null or ends_on >= starts_on),
    constraint fk_closure_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_closure_program_id foreign key (program_id) references program (id)
);

create table committee (
    program_id uuid not null,
    id uuid not null,
    key varchar not null,
    title_fr varchar not null,
    title_en varchar not null,
    source varchar not null,
    rhythm jsonb not null,
    minutes integer,
    derived_from text[] not null,
    place varchar not null,
    letters varchar not null,
    quorum jsonb not null,
    agenda jsonb not null,
    constraint pk_committee primary key (program_id, id),
    constraint uq_committee_program_id_key unique (program_id, key),
    constraint ck_committee_minutes check (minutes > 0),
    constraint fk_committee_program_id foreign key (program_id) references program (id)
);

create table seat (
    program_id uuid not null,
    id uuid not null,
    committee_id uuid not null,
    organization_id uuid not null,
    key varchar not null,
    role varchar not null,
    title_fr varchar not null,
    title_en varchar not null,
    voting boolean not null,
    starts_on date,
    ends_on date,
    constraint pk_seat primary key (program_id, id),
    constraint uq_seat_program_id_committee_id_key unique (program_id, committee_id, key),
    constraint ck_seat_in_order check (ends_on is null or ends_on >= starts_on),
    constraint fk_seat_program_id_committee_id foreign key (program_id, committee_id)
        references committee (program_id, id),
    constraint fk_seat_program_id_organization_id foreign key (program_id, organization_id)
        references organization (program_id, id),
    constraint fk_seat_program_id foreign key (program_id) references program (id)
);
create index ix_seat_committee_id on seat (committee_id);

create table seat_holder (
    program_id uuid not null,
    id uuid not null,
    seat_id uuid not null,
    person_id uuid not null,
    kind varchar not null,
    starts_on date not null,
    ends_on date,
    recorded_at timestamptz not null,
    withdrawn_at timestamptz,
    version integer not null,
    constraint pk_seat_holder primary key (program_id, id),
    constraint ck_seat_holder_kind check (kind in ('principal', 'alternate')),
    constraint ck_seat_holder_in_order check (ends_on is null or ends_on >= starts_on),
    constraint one_principal
        exclude using gist (program_id with =, seat_id with =, daterange(starts_on, ends_on, '[]') with &&)
            where (kind = 'principal' and withdrawn_at is null),
    constraint once_a_seat
        exclude using gist (program_id with =, seat_id with =, person_id with =, daterange(starts_on, ends_on, '[]')
            with &&)
            where (withdrawn_at is null),
    constraint fk_seat_holder_program_id_seat_id foreign key (program_id, seat_id) references seat (program_id, id),
    constraint fk_seat_holder_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_seat_holder_program_id foreign key (program_id) references program (id)
);
create index ix_seat_holder_lasts on seat_holder (program_id, ends_on) where withdrawn_at is null;
create index ix_seat_holder_person_id on seat_holder (person_id);
create index ix_seat_holder_seat_id on seat_holder (seat_id);

create table identity (
    tenant_id uuid not null,
    object_id uuid not null,
    program_id uuid not null,
    person_id uuid not null,
    linked_at timestamptz not null,
    ended_at timestamptz,
    constraint pk_identity primary key (tenant_id, object_id, program_id, person_id),
    constraint fk_identity_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_identity_program_id foreign key (program_id) references program (id)
);
create index ix_identity_person_id on identity (person_id);
create unique index one_identity_a_person on identity (program_id, person_id) where ended_at is null;
create unique index one_person_an_identity on identity (tenant_id, object_id, program_id) where ended_at is null;

create table passkey (
    credential_id varchar not null,
    program_id uuid not null,
    person_id uuid not null,
    id uuid not null,
    public_key bytea not null,
    sign_count integer not null,
    device varchar not null,
    enrolled_at timestamptz not null,
    used_at timestamptz,
    ended_at timestamptz,
    constraint pk_passkey primary key (credential_id),
    constraint uq_passkey_program_id_id unique (program_id, id),
    constraint ck_passkey_credential_id check (credential_id ~ '^[A-Za-z0-9_-]+$'),
    constraint fk_passkey_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_passkey_program_id foreign key (program_id) references program (id)
);
create index ix_passkey_open on passkey (program_id, person_id) where ended_at is null;
create index ix_passkey_person_id on passkey (person_id);

create table door (
    token_digest varchar not null,
    program_id uuid not null,
    person_id uuid not null,
    kind varchar not null,
    browser_digest varchar not null,
    made_by uuid,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    used_by_digest varchar,
    constraint pk_door primary key (token_digest),
    constraint ck_door_kind check (kind in ('invitation', 'enrolment')),
    constraint ck_door_used check (num_nulls(used_at, used_by_digest) in (0, 2)),
    constraint ck_door_token_digest check (token_digest ~ '^[0-9a-f]{64}$'),
    constraint ck_door_browser_digest check (browser_digest = '' or browser_digest ~ '^[0-9a-f]{64}$'),
    constraint ck_door_used_by_digest check (used_by_digest = '' or used_by_digest ~ '^[0-9a-f]{64}$'),
    constraint fk_door_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_door_program_id_made_by foreign key (program_id, made_by) references person (program_id, id),
    constraint fk_door_program_id foreign key (program_id) references program (id)
);
create index ix_door_person_id on door (person_id);

create table browser_session (
    token_digest varchar not null,
    program_id uuid not null,
    person_id uuid not null,
    id uuid not null,
    means varchar not null,
    device varchar not null,
    signed_in_at timestamptz not null,
    seen_at timestamptz not null,
    watched_at timestamptz,
    ended_at timestamptz,
    ended_as varchar not null,
    shows uuid,
    shows_until timestamptz,
    constraint pk_browser_session primary key (token_digest),
    constraint uq_browser_session_program_id_id unique (program_id, id),
    constraint ck_browser_session_means check (means in ('demonstration', 'entra', 'passkey')),
    constraint ck_browser_session_ended_as
        check (ended_as in ('', 'signed_out', 'ended_elsewhere', 'left', 'door_closed', 'restored')),
    constraint ck_browser_session_token_digest check (token_digest ~ '^[0-9a-f]{64}$'),
    constraint ck_browser_session_shows check (num_nulls(shows, shows_until) in (0, 2)),
    constraint fk_browser_session_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_browser_session_program_id foreign key (program_id) references program (id)
);
create index ix_browser_session_seen on browser_session (program_id, person_id, seen_at);

create table sign_in_flow (
    cookie_digest varchar not null,
    kind varchar not null,
    kept jsonb not null,
    expires_at timestamptz not null,
    constraint pk_sign_in_flow primary key (cookie_digest),
    constraint ck_sign_in_flow_kind check (kind in ('entra', 'passkey', 'enrolment')),
    constraint ck_sign_in_flow_cookie_digest check (cookie_digest ~ '^[0-9a-f]{64}$')
);

create table answered_request (
    program_id uuid not null,
    person_id uuid not null,
    route varchar not null,
    key varchar not null,
    digest varchar not null,
    status integer not null,
    location varchar not null,
    answered_at timestamptz not null,
    constraint pk_answered_request primary key (program_id, person_id, route, key),
    constraint fk_answered_request_program_id_person_id foreign key (program_id, person_id)
        references person (program_id, id),
    constraint fk_answered_request_program_id foreign key (program_id) references program (id)
);

create unlogged table rate_count (
    key varchar not null,
    starts_at timestamptz not null,
    tries integer not null,
    constraint pk_rate_count primary key (key, starts_at),
    constraint ck_rate_count_key check (key ~ '^[0-9a-f]{64}$'),
    constraint ck_rate_count_tries check (tries >= 1)
);

create table number_sequence (
    program_id uuid not null,
    id uuid not null,
    year integer not null,
    last integer not null,
    constraint pk_number_sequence primary key (program_id, id),
    constraint uq_number_sequence_program_id_year unique (program_id, year),
    constraint ck_number_sequence_year check (year between 2000 and 2199),
    constraint ck_number_sequence_last check (last >= 1),
    constraint fk_number_sequence_program_id foreign key (program_id) references program (id)
);

create table participant (
    program_id uuid not null,
    id uuid not null,
    candidate_ref varchar not null,
    number varchar,
    state varchar not null,
    sealed bytea,
    names bytea,
    marks text[] not null,
    languages text[] not null,
    area varchar not null,
    recruiter boolean not null,
    admitted_on date,
    no_research_on date,
    retain_until date,
    held boolean not null,
    held_by uuid,
    held_at timestamptz,
    joined_to_id uuid,
    destroyed_at timestamptz,
    version integer not null,
    constraint pk_participant primary key (program_id, id),
    constraint uq_participant_program_id_candidate_ref unique (program_id, candidate_ref),
    constraint uq_participant_program_id_number unique (program_id, number),
    constraint ck_participant_state
        check (state in ('draft', 'candidate', 'assigned', 'committed', 'admitted', 'refused', 'declined',
            'destroyed')),
    constraint ck_participant_candidate_ref check (candidate_ref ~ '^C-[2-9A-HJ-NP-Z]{6}$'),
    constraint ck_participant_number check (number ~ '^#[0-9]{4}-[0-9]{2,}$'),
    constraint ck_participant_admitted_by_number check (state <> 'admitted' or number is not null),
    constraint ck_participant_number_of_the_admitted check (number is null or state in ('admitted', 'destroyed')),
    constraint ck_participant_destroyed check ((state = 'destroyed') = (destroyed_at is not null)),
    constraint ck_participant_nothing_left
        check (destroyed_at is null or (sealed is null and names is null and not held)),
    constraint ck_participant_hold check (num_nulls(held_by, held_at) in (0, 2)),
    constraint ck_participant_held check (not held or held_at is not null),
    constraint fk_participant_program_id_held_by foreign key (program_id, held_by) references person (program_id, id),
    constraint fk_participant_program_id_joined_to_id foreign key (program_id, joined_to_id)
        references participant (program_id, id),
    constraint fk_participant_program_id foreign key (program_id) references program (id)
);
create index ix_participant_marks on participant using gin (marks);
create index ix_participant_joined on participant (program_id) where joined_to_id is not null;
create index ix_participant_retained on participant (program_id, retain_until);
create index ix_participant_state on participant (program_id, state);

create table data_key (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    made_at timestamptz not null,
    destroyed_at timestamptz,
    gone_at timestamptz,
    constraint pk_data_key primary key (program_id, id),
    constraint uq_data_key_program_id_participant_id unique (program_id, participant_id),
    constraint ck_data_key_gone check (gone_at is null or destroyed_at is not null),
    constraint fk_data_key_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_data_key_program_id foreign key (program_id) references program (id)
);

create table barred (
    program_id uuid not null,
    id uuid not null,
    participant_id uuid not null,
    person_id uuid not null,
    recorded_by uuid,
    recorded_at timestamptz not null,
    lifted_at timestamptz,
    lifted_by uuid,
    constraint pk_barred primary key (program_id, id),
    constraint ck_barred_lifted check (num_nulls(lifted_at, lifted_by) in (0, 2)),
    constraint fk_barred_program_id_participant_id foreign key (program_id, participant_id)
        references participant (program_id, id),
    constraint fk_barred_program_id_person_id foreign key (program_id, person_id) references person (program_id, id),
    constraint fk_barred_program_id_recorded_by foreign key (program_id, recorded_by)
        references person (program_id, id),
    constraint fk_barred_program_id foreign key (program_id) references program (id)
);
create unique index barred_once on barred (program_id, participant_id, person_id) where lifted_at is null;
create index ix_barred_person on barred (program_id, person_id) where lifted_at is null;
