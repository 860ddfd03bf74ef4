-- Who is asking: identities, passkeys, doors by letter, seals over the record, the register of incidents; and a wall
-- around the rows that are read before a program is known.

alter table browser_session
    add column id uuid not null default gen_random_uuid(),
    add column means varchar not null default 'demonstration',
    add column device varchar not null default '',
    add column ended_as varchar not null default '',
    add constraint uq_browser_session_program_id_id unique (program_id, id),
    add constraint ck_browser_session_means check (means in ('demonstration', 'entra', 'passkey')),
    add constraint ck_browser_session_ended_as
        check (ended_as in ('', 'signed_out', 'ended_elsewhere', 'left', 'door_closed')),
    add constraint ck_browser_session_token_digest check (token_digest ~ '^[0-9a-f]{64}$');
alter table browser_session
    alter column id drop default,
    alter column means drop default,
    alter column device drop default,
    alter column ended_as drop default;
create index ix_browser_session_person_id on browser_session (person_id);

-- The lines that stand already are the migration's own transaction's: older than any that comes.
alter table event add column xid bigint not null default (pg_current_xact_id()::text)::bigint;
create index ix_event_xid on event (program_id, xid);
create index ix_event_read on event (program_id, n) where verb in ('read', 'exported');

-- A version that ended has its days. The verbs always set them; one without is given a single day before every other
-- version of its agreement, one day each, so that it is past and none of them is in force twice on a day.
with dateless as (
    select program_id, agreement_id, id,
        row_number() over (partition by program_id, agreement_id order by n desc)::int as back
    from agreement_version where state = 'ended' and starts_on is null
), given as (
    select d.program_id, d.id,
        coalesce(
            (select min(v.starts_on) from agreement_version v
                where (v.program_id, v.agreement_id) = (d.program_id, d.agreement_id) and v.starts_on is not null),
            current_date
        ) - d.back as day
    from dateless d
)
update agreement_version v set starts_on = day, ends_on = day, version = version + 1
from given where (v.program_id, v.id) = (given.program_id, given.id);
update agreement_version set ends_on = greatest(starts_on, current_date), version = version + 1
where state = 'ended' and ends_on is null;
alter table agreement_version
    drop constraint ck_agreement_version_in_force_from_a_day,
    drop constraint one_in_force;
alter table agreement_version
    add constraint ck_agreement_version_in_force_from_a_day
        check (state not in ('in_force', 'ended') or starts_on is not null),
    add constraint ck_agreement_version_ended_on_a_day check (state <> 'ended' or ends_on is not null),
    add constraint one_in_force exclude using gist (
        program_id with =, agreement_id with =, (daterange(starts_on, ends_on, '[]')) with &&
    ) where (state in ('in_force', 'ended'));

CREATE UNLOGGED TABLE rate_count (
    key VARCHAR NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    tries INTEGER NOT NULL,
    CONSTRAINT pk_rate_count PRIMARY KEY (key, starts_at),
    CONSTRAINT ck_rate_count_key CHECK (key ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_rate_count_tries CHECK (tries >= 1)
);
CREATE TABLE sign_in_flow (
    cookie_digest VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    kept JSONB NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sign_in_flow PRIMARY KEY (cookie_digest),
    CONSTRAINT ck_sign_in_flow_kind CHECK (kind in ('entra', 'passkey', 'enrolment')),
    CONSTRAINT ck_sign_in_flow_cookie_digest CHECK (cookie_digest ~ '^[0-9a-f]{64}$')
);
CREATE TABLE seal (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    number INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    events JSONB NOT NULL,
    marks JSONB NOT NULL,
    digest VARCHAR NOT NULL,
    signature VARCHAR NOT NULL,
    key_id VARCHAR NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_seal PRIMARY KEY (program_id, id),
    CONSTRAINT uq_seal_program_id_number UNIQUE (program_id, number),
    CONSTRAINT ck_seal_counts CHECK (number >= 1 and lines >= 1),
    CONSTRAINT fk_seal_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE sent_head (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    sent_on DATE NOT NULL,
    number INTEGER NOT NULL,
    signature VARCHAR NOT NULL,
    recipients INTEGER NOT NULL,
    CONSTRAINT pk_sent_head PRIMARY KEY (program_id, id),
    CONSTRAINT uq_sent_head_program_id_sent_on UNIQUE (program_id, sent_on),
    CONSTRAINT fk_sent_head_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE door (
    token_digest VARCHAR NOT NULL,
    program_id UUID NOT NULL,
    person_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    browser_digest VARCHAR NOT NULL,
    made_by UUID,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    used_by_digest VARCHAR,
    CONSTRAINT pk_door PRIMARY KEY (token_digest),
    CONSTRAINT fk_door_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_door_program_id_made_by FOREIGN KEY(program_id, made_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_door_kind CHECK (kind in ('invitation', 'enrolment')),
    CONSTRAINT ck_door_used CHECK (num_nulls(used_at, used_by_digest) in (0, 2)),
    CONSTRAINT ck_door_token_digest CHECK (token_digest ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_door_browser_digest CHECK (browser_digest = '' or browser_digest ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_door_used_by_digest CHECK (used_by_digest = '' or used_by_digest ~ '^[0-9a-f]{64}$'),
    CONSTRAINT fk_door_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_door_person_id ON door (person_id);
CREATE TABLE identity (
    tenant_id UUID NOT NULL,
    object_id UUID NOT NULL,
    program_id UUID NOT NULL,
    person_id UUID NOT NULL,
    linked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_identity PRIMARY KEY (tenant_id, object_id, program_id, person_id),
    CONSTRAINT fk_identity_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_identity_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_identity_person_id ON identity (person_id);
CREATE UNIQUE INDEX one_person_an_identity ON identity (tenant_id, object_id, program_id) WHERE ended_at is null;
CREATE UNIQUE INDEX one_identity_a_person ON identity (program_id, person_id) WHERE ended_at is null;
CREATE TABLE incident (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    number INTEGER NOT NULL,
    organization_id UUID NOT NULL,
    information VARCHAR NOT NULL,
    circumstances VARCHAR NOT NULL,
    happened_from DATE,
    happened_to DATE,
    known_on DATE NOT NULL,
    people_concerned INTEGER,
    serious_risk BOOLEAN,
    risk_reasons VARCHAR NOT NULL,
    commission_told_on DATE,
    people_told_on DATE,
    public_notice VARCHAR NOT NULL,
    measures VARCHAR NOT NULL,
    recorded_by UUID,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_by UUID,
    closed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT pk_incident PRIMARY KEY (program_id, id),
    CONSTRAINT uq_incident_program_id_number UNIQUE (program_id, number),
    CONSTRAINT fk_incident_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT fk_incident_program_id_recorded_by FOREIGN KEY(program_id, recorded_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_incident_number CHECK (number >= 1),
    CONSTRAINT ck_incident_in_order CHECK (happened_to is null or happened_to >= happened_from),
    CONSTRAINT ck_incident_people_concerned CHECK (people_concerned is null or people_concerned >= 0),
    CONSTRAINT ck_incident_risk_has_reasons CHECK (not serious_risk or risk_reasons <> ''),
    CONSTRAINT ck_incident_closed CHECK (num_nulls(closed_by, closed_at) in (0, 2)),
    CONSTRAINT fk_incident_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE incident_version (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    incident_id UUID NOT NULL,
    number INTEGER NOT NULL,
    stood JSONB NOT NULL,
    digest VARCHAR NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_incident_version PRIMARY KEY (program_id, id),
    CONSTRAINT fk_incident_version_program_id_incident_id FOREIGN KEY(program_id, incident_id) REFERENCES incident (program_id, id),
    CONSTRAINT uq_incident_version_program_id_incident_id_number UNIQUE (program_id, incident_id, number),
    CONSTRAINT ck_incident_version_number CHECK (number >= 1),
    CONSTRAINT fk_incident_version_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE TABLE passkey (
    credential_id VARCHAR NOT NULL,
    program_id UUID NOT NULL,
    person_id UUID NOT NULL,
    id UUID NOT NULL,
    public_key BYTEA NOT NULL,
    sign_count INTEGER NOT NULL,
    device VARCHAR NOT NULL,
    enrolled_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_passkey PRIMARY KEY (credential_id),
    CONSTRAINT fk_passkey_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT uq_passkey_program_id_id UNIQUE (program_id, id),
    CONSTRAINT ck_passkey_credential_id CHECK (credential_id ~ '^[A-Za-z0-9_-]+$'),
    CONSTRAINT fk_passkey_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_passkey_person_id ON passkey (person_id);
grant select on "rate_count" to spheres_app;
grant insert, update on "rate_count" to spheres_app;
grant delete on "rate_count" to spheres_app;
grant select on "sign_in_flow" to spheres_app;
grant insert, update on "sign_in_flow" to spheres_app;
grant delete on "sign_in_flow" to spheres_app;
alter table "seal" enable row level security;
create policy own_program on "seal" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "seal" to spheres_app;
grant insert ("program_id", "id", "number", "lines", "events", "marks", "digest", "signature", "key_id", "sealed_at") on "seal" to spheres_app;
alter table "sent_head" enable row level security;
create policy own_program on "sent_head" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "sent_head" to spheres_app;
grant insert ("program_id", "id", "sent_on", "number", "signature", "recipients") on "sent_head" to spheres_app;
alter table "door" enable row level security;
create policy own_or_none_said_finds on "door" for select using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
create policy own_is_added on "door" for insert with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
create policy own_or_none_said_changes on "door" for update using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
create policy own_is_deleted on "door" for delete using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "door" to spheres_app;
grant insert, update ("used_at", "used_by_digest") on "door" to spheres_app;
grant delete on "door" to spheres_app;
alter table "identity" enable row level security;
create policy own_or_none_said_finds on "identity" for select using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
create policy own_is_added on "identity" for insert with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
create policy own_or_none_said_changes on "identity" for update using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
grant select on "identity" to spheres_app;
grant insert, update ("linked_at", "ended_at") on "identity" to spheres_app;
alter table "incident" enable row level security;
create policy own_program on "incident" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "incident" to spheres_app;
grant insert, update on "incident" to spheres_app;
alter table "incident_version" enable row level security;
create policy own_program on "incident_version" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "incident_version" to spheres_app;
grant insert ("program_id", "id", "incident_id", "number", "stood", "digest", "written_at") on "incident_version" to spheres_app;
alter table "passkey" enable row level security;
create policy own_or_none_said_finds on "passkey" for select using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
create policy own_is_added on "passkey" for insert with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
create policy own_or_none_said_changes on "passkey" for update using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
grant select on "passkey" to spheres_app;
grant insert, update ("sign_count", "device", "used_at", "ended_at") on "passkey" to spheres_app;
revoke insert, update on "wake_up" from spheres_app;
alter table "wake_up" enable row level security;
create policy own_or_none_said_finds on "wake_up" for select using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
create policy own_is_added on "wake_up" for insert with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
create policy own_or_none_said_changes on "wake_up" for update using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
grant insert, update ("want", "have", "wanted_at", "not_before", "leased_until", "leased_by", "attempts", "trouble") on "wake_up" to spheres_app;
revoke insert, update on "browser_session" from spheres_app;
alter table "browser_session" enable row level security;
create policy own_or_none_said_finds on "browser_session" for select using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
create policy own_is_added on "browser_session" for insert with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
create policy own_or_none_said_changes on "browser_session" for update using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
create policy own_is_deleted on "browser_session" for delete using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant insert, update ("seen_at", "ended_at", "ended_as") on "browser_session" to spheres_app;
drop policy everyone_reads on "program";
create policy own_or_none_said_finds on "program" for select using (id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
