-- What is owed: the periods of obligations, how each was found to stand, and by what: documents, attestations, waivers;
-- and the files that directors signed. Of a meeting that was held, whether it ever had its quorum.

alter table meeting add column quorate boolean;

CREATE TABLE obligation_document (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    key VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    content_type VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    sha256 VARCHAR NOT NULL,
    effective_on DATE NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    added_by UUID,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    withdrawn_why VARCHAR,
    version INTEGER NOT NULL,
    CONSTRAINT pk_obligation_document PRIMARY KEY (program_id, id),
    CONSTRAINT fk_obligation_document_program_id_agreement_id FOREIGN KEY(program_id, agreement_id) REFERENCES agreement (program_id, id),
    CONSTRAINT fk_obligation_document_program_id_added_by FOREIGN KEY(program_id, added_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_obligation_document_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_obligation_document_size CHECK (size > 0),
    CONSTRAINT ck_obligation_document_withdrawn CHECK (num_nulls(withdrawn_at, withdrawn_why) in (0, 2)),
    CONSTRAINT fk_obligation_document_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_obligation_document_agreement_id ON obligation_document (agreement_id);
alter table "obligation_document" enable row level security;
create policy own_program on "obligation_document" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "obligation_document" to spheres_app;
grant insert, update on "obligation_document" to spheres_app;

CREATE TABLE obligation_file (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT pk_obligation_file PRIMARY KEY (program_id, id),
    CONSTRAINT fk_obligation_file_program_id_id FOREIGN KEY(program_id, id) REFERENCES obligation_document (program_id, id),
    CONSTRAINT fk_obligation_file_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "obligation_file" enable row level security;
create policy own_program on "obligation_file" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "obligation_file" to spheres_app;
grant insert ("program_id", "id", "content") on "obligation_file" to spheres_app;

CREATE TABLE signed_file (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    agreement_version_id UUID NOT NULL,
    name VARCHAR NOT NULL,
    content_type VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    sha256 VARCHAR NOT NULL,
    content BYTEA NOT NULL,
    added_by UUID,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_signed_file PRIMARY KEY (program_id, id),
    CONSTRAINT fk_signed_file_program_id_agreement_version_id FOREIGN KEY(program_id, agreement_version_id) REFERENCES agreement_version (program_id, id),
    CONSTRAINT fk_signed_file_program_id_added_by FOREIGN KEY(program_id, added_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_signed_file_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_signed_file_size CHECK (size > 0),
    CONSTRAINT fk_signed_file_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_signed_file_agreement_version_id ON signed_file (agreement_version_id);
alter table "signed_file" enable row level security;
create policy own_program on "signed_file" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "signed_file" to spheres_app;
grant insert ("program_id", "id", "agreement_version_id", "name", "content_type", "size", "sha256", "content", "added_by", "added_at") on "signed_file" to spheres_app;

CREATE TABLE obligation_period (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    key VARCHAR NOT NULL,
    obligation_id UUID NOT NULL,
    period_starts DATE NOT NULL,
    period_ends DATE,
    starts_on DATE NOT NULL,
    ends_on DATE,
    due_on DATE,
    state VARCHAR NOT NULL,
    finding INTEGER NOT NULL,
    task_id UUID,
    evaluated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_obligation_period PRIMARY KEY (program_id, id),
    CONSTRAINT fk_obligation_period_program_id_agreement_id FOREIGN KEY(program_id, agreement_id) REFERENCES agreement (program_id, id),
    CONSTRAINT fk_obligation_period_program_id_obligation_id FOREIGN KEY(program_id, obligation_id) REFERENCES obligation (program_id, id),
    CONSTRAINT fk_obligation_period_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT uq_obligation_period_program_id_agreement_id_key_period_starts UNIQUE (program_id, agreement_id, key, period_starts),
    CONSTRAINT ck_obligation_period_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT ck_obligation_period_period_in_order CHECK (period_ends is null or period_ends >= period_starts),
    CONSTRAINT ck_obligation_period_within_its_period CHECK (starts_on >= period_starts and (period_ends is null or ends_on <= period_ends)),
    CONSTRAINT ck_obligation_period_state CHECK (state in ('not_yet', 'on_track', 'at_risk', 'cannot_be_met', 'awaiting_record', 'met', 'missed', 'no_occasion', 'waived')),
    CONSTRAINT fk_obligation_period_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_obligation_period_due ON obligation_period (program_id, due_on);
CREATE INDEX ix_obligation_period_obligation_id ON obligation_period (obligation_id);
alter table "obligation_period" enable row level security;
create policy own_program on "obligation_period" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "obligation_period" to spheres_app;
grant insert, update on "obligation_period" to spheres_app;

CREATE TABLE attestation (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    period_id UUID NOT NULL,
    person_id UUID NOT NULL,
    role VARCHAR NOT NULL,
    said VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    said_at TIMESTAMP WITH TIME ZONE NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_attestation PRIMARY KEY (program_id, id),
    CONSTRAINT fk_attestation_program_id_period_id FOREIGN KEY(program_id, period_id) REFERENCES obligation_period (program_id, id),
    CONSTRAINT fk_attestation_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT ck_attestation_said CHECK (said in ('held', 'not_held')),
    CONSTRAINT fk_attestation_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE UNIQUE INDEX one_attestation_stands ON attestation (program_id, period_id) WHERE superseded_at is null;
alter table "attestation" enable row level security;
create policy own_program on "attestation" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "attestation" to spheres_app;
grant insert, update on "attestation" to spheres_app;

CREATE TABLE obligation_finding (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    period_id UUID NOT NULL,
    n INTEGER NOT NULL,
    obligation_id UUID NOT NULL,
    state VARCHAR NOT NULL,
    "on" DATE NOT NULL,
    found JSONB NOT NULL,
    evaluated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_obligation_finding PRIMARY KEY (program_id, id),
    CONSTRAINT fk_obligation_finding_program_id_period_id FOREIGN KEY(program_id, period_id) REFERENCES obligation_period (program_id, id),
    CONSTRAINT fk_obligation_finding_program_id_obligation_id FOREIGN KEY(program_id, obligation_id) REFERENCES obligation (program_id, id),
    CONSTRAINT uq_obligation_finding_program_id_period_id_n UNIQUE (program_id, period_id, n),
    CONSTRAINT ck_obligation_finding_state CHECK (state in ('not_yet', 'on_track', 'at_risk', 'cannot_be_met', 'awaiting_record', 'met', 'missed', 'no_occasion', 'waived')),
    CONSTRAINT ck_obligation_finding_n CHECK (n >= 1),
    CONSTRAINT fk_obligation_finding_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "obligation_finding" enable row level security;
create policy own_program on "obligation_finding" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "obligation_finding" to spheres_app;
grant insert ("program_id", "id", "period_id", "n", "obligation_id", "state", "on", "found", "evaluated_at") on "obligation_finding" to spheres_app;

CREATE TABLE waiver (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    key VARCHAR NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    decision_id UUID NOT NULL,
    reason VARCHAR NOT NULL,
    recorded_by UUID,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_waiver PRIMARY KEY (program_id, id),
    CONSTRAINT fk_waiver_program_id_agreement_id FOREIGN KEY(program_id, agreement_id) REFERENCES agreement (program_id, id),
    CONSTRAINT fk_waiver_program_id_decision_id FOREIGN KEY(program_id, decision_id) REFERENCES decision (program_id, id),
    CONSTRAINT fk_waiver_program_id_recorded_by FOREIGN KEY(program_id, recorded_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_waiver_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT one_waiver_a_day EXCLUDE USING gist (program_id WITH =, agreement_id WITH =, key WITH =, daterange(starts_on, ends_on, '[]') WITH &&),
    CONSTRAINT fk_waiver_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "waiver" enable row level security;
create policy own_program on "waiver" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "waiver" to spheres_app;
grant insert, update on "waiver" to spheres_app;
