-- Who comes to the program: candidates and participants, sealed; referrals, findings, decisions, numbers, consents.
-- A case may be about a participant.

CREATE TABLE number_sequence (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    year INTEGER NOT NULL,
    last INTEGER NOT NULL,
    CONSTRAINT pk_number_sequence PRIMARY KEY (program_id, id),
    CONSTRAINT uq_number_sequence_program_id_year UNIQUE (program_id, year),
    CONSTRAINT ck_number_sequence_year CHECK (year between 2000 and 2199),
    CONSTRAINT ck_number_sequence_last CHECK (last >= 1),
    CONSTRAINT fk_number_sequence_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "number_sequence" enable row level security;
create policy own_program on "number_sequence" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "number_sequence" to spheres_app;
grant insert, update on "number_sequence" to spheres_app;

CREATE TABLE participant (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    candidate_ref VARCHAR NOT NULL,
    number VARCHAR,
    state VARCHAR NOT NULL,
    sealed BYTEA,
    names BYTEA,
    marks TEXT[] NOT NULL,
    languages TEXT[] NOT NULL,
    area VARCHAR NOT NULL,
    recruiter BOOLEAN NOT NULL,
    admitted_on DATE,
    retain_until DATE,
    held BOOLEAN NOT NULL,
    held_by UUID,
    held_at TIMESTAMP WITH TIME ZONE,
    joined_to_id UUID,
    destroyed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    CONSTRAINT pk_participant PRIMARY KEY (program_id, id),
    CONSTRAINT fk_participant_program_id_held_by FOREIGN KEY(program_id, held_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_participant_program_id_joined_to_id FOREIGN KEY(program_id, joined_to_id) REFERENCES participant (program_id, id),
    CONSTRAINT uq_participant_program_id_candidate_ref UNIQUE (program_id, candidate_ref),
    CONSTRAINT uq_participant_program_id_number UNIQUE (program_id, number),
    CONSTRAINT ck_participant_state CHECK (state in ('draft', 'candidate', 'assigned', 'committed', 'admitted', 'refused', 'declined', 'destroyed')),
    CONSTRAINT ck_participant_candidate_ref CHECK (candidate_ref ~ '^C-[2-9A-HJ-NP-Z]{6}$'),
    CONSTRAINT ck_participant_number CHECK (number ~ '^#[0-9]{4}-[0-9]{2,}$'),
    CONSTRAINT ck_participant_admitted_by_number CHECK (state <> 'admitted' or number is not null),
    CONSTRAINT ck_participant_number_of_the_admitted CHECK (number is null or state in ('admitted', 'destroyed')),
    CONSTRAINT ck_participant_destroyed CHECK ((state = 'destroyed') = (destroyed_at is not null)),
    CONSTRAINT ck_participant_nothing_left CHECK (destroyed_at is null or (sealed is null and names is null and not held)),
    CONSTRAINT ck_participant_hold CHECK (num_nulls(held_by, held_at) in (0, 2)),
    CONSTRAINT ck_participant_held CHECK (not held or held_at is not null),
    CONSTRAINT fk_participant_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_participant_marks ON participant USING gin (marks);
CREATE INDEX ix_participant_state ON participant (program_id, state);
alter table "participant" enable row level security;
create policy own_program on "participant" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "participant" to spheres_app;
grant insert, update on "participant" to spheres_app;

CREATE TABLE referral_link (
    token_digest VARCHAR NOT NULL,
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    made_by UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_referral_link PRIMARY KEY (token_digest),
    CONSTRAINT fk_referral_link_program_id_made_by FOREIGN KEY(program_id, made_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_referral_link_program_id_id UNIQUE (program_id, id),
    CONSTRAINT ck_referral_link_token_digest CHECK (token_digest ~ '^[0-9a-f]{64}$'),
    CONSTRAINT fk_referral_link_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "referral_link" enable row level security;
create policy own_or_none_said_finds on "referral_link" for select using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
create policy own_is_added on "referral_link" for insert with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
create policy own_or_none_said_changes on "referral_link" for update using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid or nullif(current_setting('spheres.program_id', true), '')::uuid is null);
grant select on "referral_link" to spheres_app;
grant insert, update ("used_at", "ended_at") on "referral_link" to spheres_app;

CREATE TABLE barred (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    person_id UUID NOT NULL,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lifted_at TIMESTAMP WITH TIME ZONE,
    lifted_by UUID,
    CONSTRAINT pk_barred PRIMARY KEY (program_id, id),
    CONSTRAINT fk_barred_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_barred_program_id_person_id FOREIGN KEY(program_id, person_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_barred_program_id_recorded_by FOREIGN KEY(program_id, recorded_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_barred_lifted CHECK (num_nulls(lifted_at, lifted_by) in (0, 2)),
    CONSTRAINT fk_barred_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE UNIQUE INDEX barred_once ON barred (program_id, participant_id, person_id) WHERE lifted_at is null;
CREATE INDEX ix_barred_person ON barred (program_id, person_id) WHERE lifted_at is null;
alter table "barred" enable row level security;
create policy own_program on "barred" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "barred" to spheres_app;
grant insert, update on "barred" to spheres_app;

CREATE TABLE consent (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    purpose VARCHAR NOT NULL,
    organization_id UUID,
    text_key VARCHAR NOT NULL,
    text_version INTEGER NOT NULL,
    text_digest VARCHAR NOT NULL,
    language VARCHAR NOT NULL,
    explained_on DATE NOT NULL,
    limits_stated BOOLEAN NOT NULL,
    signed_on DATE NOT NULL,
    signed_by VARCHAR NOT NULL,
    worker_id UUID NOT NULL,
    worker_signed_on DATE NOT NULL,
    copy_given_on DATE,
    ends_on DATE,
    stored_at TIMESTAMP WITH TIME ZONE,
    stored_by UUID,
    withdrawn_on DATE,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    withdrawn_recorded_by UUID,
    replaced_at TIMESTAMP WITH TIME ZONE,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_consent PRIMARY KEY (program_id, id),
    CONSTRAINT fk_consent_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_consent_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT fk_consent_program_id_worker_id FOREIGN KEY(program_id, worker_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_consent_program_id_stored_by FOREIGN KEY(program_id, stored_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_consent_program_id_withdrawn_recorded_by FOREIGN KEY(program_id, withdrawn_recorded_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_consent_purpose CHECK (purpose in ('program', 'sharing', 'referral')),
    CONSTRAINT ck_consent_signed_by CHECK (signed_by in ('self', 'parental_authority', 'tutor')),
    CONSTRAINT ck_consent_language CHECK (language in ('fr', 'en')),
    CONSTRAINT ck_consent_text_digest CHECK (text_digest ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ck_consent_explained_first CHECK (signed_on >= explained_on),
    CONSTRAINT ck_consent_worker_after CHECK (worker_signed_on >= explained_on),
    CONSTRAINT ck_consent_limits_stated CHECK (limits_stated),
    CONSTRAINT ck_consent_copy_after CHECK (copy_given_on is null or copy_given_on >= signed_on),
    CONSTRAINT ck_consent_in_order CHECK (ends_on is null or ends_on >= signed_on),
    CONSTRAINT ck_consent_with_a_partner CHECK ((purpose = 'program') = (organization_id is null)),
    CONSTRAINT ck_consent_stored CHECK (num_nulls(stored_at, stored_by) in (0, 2)),
    CONSTRAINT ck_consent_withdrawn CHECK (num_nulls(withdrawn_on, withdrawn_at, withdrawn_recorded_by) in (0, 3)),
    CONSTRAINT fk_consent_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_consent_participant_id ON consent (participant_id);
CREATE UNIQUE INDEX one_consent_stands ON consent (program_id, participant_id, purpose, organization_id) NULLS NOT DISTINCT WHERE withdrawn_on is null and replaced_at is null;
alter table "consent" enable row level security;
create policy own_program on "consent" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "consent" to spheres_app;
grant insert, update on "consent" to spheres_app;

CREATE TABLE data_key (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    destroyed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_data_key PRIMARY KEY (program_id, id),
    CONSTRAINT fk_data_key_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT uq_data_key_program_id_participant_id UNIQUE (program_id, participant_id),
    CONSTRAINT fk_data_key_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "data_key" enable row level security;
create policy own_program on "data_key" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "data_key" to spheres_app;
grant insert, update on "data_key" to spheres_app;

CREATE TABLE disclosure (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    ground VARCHAR NOT NULL,
    disclosed_on DATE NOT NULL,
    disclosed_by UUID NOT NULL,
    sealed BYTEA,
    only_necessary BOOLEAN NOT NULL,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_disclosure PRIMARY KEY (program_id, id),
    CONSTRAINT fk_disclosure_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_disclosure_program_id_disclosed_by FOREIGN KEY(program_id, disclosed_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_disclosure_program_id_recorded_by FOREIGN KEY(program_id, recorded_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_disclosure_ground CHECK (ground in ('ypa_38d', 'ypa_39_1', 'ypa_72_6', 'danger_to_life', 'court_order', 'other_law')),
    CONSTRAINT ck_disclosure_only_necessary CHECK (only_necessary),
    CONSTRAINT fk_disclosure_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_disclosure_participant_id ON disclosure (participant_id);
alter table "disclosure" enable row level security;
create policy own_program on "disclosure" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "disclosure" to spheres_app;
grant insert ("program_id", "id", "participant_id", "ground", "disclosed_on", "disclosed_by", "sealed", "only_necessary", "recorded_by", "recorded_at") on "disclosure" to spheres_app;

CREATE TABLE first_meeting (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    n INTEGER NOT NULL,
    worker_id UUID NOT NULL,
    second_id UUID,
    met_on DATE NOT NULL,
    way VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    back_on DATE,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_first_meeting PRIMARY KEY (program_id, id),
    CONSTRAINT fk_first_meeting_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_first_meeting_program_id_worker_id FOREIGN KEY(program_id, worker_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_first_meeting_program_id_second_id FOREIGN KEY(program_id, second_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_first_meeting_program_id_recorded_by FOREIGN KEY(program_id, recorded_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_first_meeting_program_id_participant_id_n UNIQUE (program_id, participant_id, n),
    CONSTRAINT ck_first_meeting_way CHECK (way in ('in_person', 'remote')),
    CONSTRAINT ck_first_meeting_outcome CHECK (outcome in ('thinks', 'commits', 'declines')),
    CONSTRAINT fk_first_meeting_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "first_meeting" enable row level security;
create policy own_program on "first_meeting" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "first_meeting" to spheres_app;
grant insert ("program_id", "id", "participant_id", "n", "worker_id", "second_id", "met_on", "way", "outcome", "back_on", "recorded_by", "recorded_at") on "first_meeting" to spheres_app;

CREATE TABLE research_consent (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    signed_on DATE NOT NULL,
    kept_by UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    withdrawn_on DATE,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_research_consent PRIMARY KEY (program_id, id),
    CONSTRAINT fk_research_consent_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_research_consent_program_id_kept_by FOREIGN KEY(program_id, kept_by) REFERENCES person (program_id, id),
    CONSTRAINT ck_research_consent_research_withdrawn CHECK (num_nulls(withdrawn_on, withdrawn_at) in (0, 2)),
    CONSTRAINT fk_research_consent_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE UNIQUE INDEX one_research_consent_stands ON research_consent (program_id, participant_id) WHERE withdrawn_on is null;
alter table "research_consent" enable row level security;
create policy own_program on "research_consent" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "research_consent" to spheres_app;
grant insert, update on "research_consent" to spheres_app;

CREATE TABLE referral (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    referred_by UUID,
    organization_id UUID,
    way VARCHAR NOT NULL,
    link_id UUID,
    state VARCHAR NOT NULL,
    sealed BYTEA,
    begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
    saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE,
    triaged_at TIMESTAMP WITH TIME ZONE,
    triaged_by UUID,
    result VARCHAR NOT NULL,
    result_sealed BYTEA,
    task_id UUID,
    version INTEGER NOT NULL,
    CONSTRAINT pk_referral PRIMARY KEY (program_id, id),
    CONSTRAINT fk_referral_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_referral_program_id_referred_by FOREIGN KEY(program_id, referred_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_referral_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT fk_referral_program_id_triaged_by FOREIGN KEY(program_id, triaged_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_referral_program_id_task_id FOREIGN KEY(program_id, task_id) REFERENCES task (program_id, id),
    CONSTRAINT fk_referral_program_id_link_id FOREIGN KEY(program_id, link_id) REFERENCES referral_link (program_id, id),
    CONSTRAINT uq_referral_program_id_link_id UNIQUE (program_id, link_id),
    CONSTRAINT ck_referral_state CHECK (state in ('draft', 'received', 'triaged', 'joined', 'abandoned')),
    CONSTRAINT ck_referral_way CHECK (way in ('page', 'link')),
    CONSTRAINT ck_referral_result CHECK (result in ('', 'committee', 'forwarded', 'refused')),
    CONSTRAINT ck_referral_someone_referred CHECK ((way = 'link') = (referred_by is null)),
    CONSTRAINT ck_referral_by_its_link CHECK ((way = 'link') = (link_id is not null)),
    CONSTRAINT ck_referral_received CHECK (state in ('draft', 'abandoned') or received_at is not null),
    CONSTRAINT ck_referral_has_its_result CHECK ((state = 'triaged') = (result <> '')),
    CONSTRAINT ck_referral_triaged CHECK (num_nulls(triaged_at, triaged_by) in (0, 2)),
    CONSTRAINT fk_referral_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_referral_participant ON referral (program_id, participant_id);
CREATE INDEX ix_referral_referred_by ON referral (program_id, referred_by);
CREATE INDEX ix_referral_state ON referral (program_id, state);
alter table "referral" enable row level security;
create policy own_program on "referral" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "referral" to spheres_app;
grant insert, update on "referral" to spheres_app;

CREATE TABLE criterion_finding (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    referral_id UUID NOT NULL,
    criterion VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    finding VARCHAR NOT NULL,
    sealed BYTEA,
    "on" DATE NOT NULL,
    found_by UUID NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    allowed_by UUID,
    CONSTRAINT pk_criterion_finding PRIMARY KEY (program_id, id),
    CONSTRAINT fk_criterion_finding_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_criterion_finding_program_id_referral_id FOREIGN KEY(program_id, referral_id) REFERENCES referral (program_id, id),
    CONSTRAINT fk_criterion_finding_program_id_found_by FOREIGN KEY(program_id, found_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_criterion_finding_program_id_allowed_by FOREIGN KEY(program_id, allowed_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_criterion_finding_program_id_participant_id_criterion_n UNIQUE (program_id, participant_id, criterion, n),
    CONSTRAINT ck_criterion_finding_criterion CHECK (criterion in ('AD-C0', 'AD-C1', 'AD-C2', 'AD-C3', 'AD-C4', 'AD-C5')),
    CONSTRAINT ck_criterion_finding_finding CHECK (finding in ('met', 'not_met', 'unknown')),
    CONSTRAINT ck_criterion_finding_allowed CHECK (allowed_by is null or (criterion = 'AD-C3' and finding <> 'met')),
    CONSTRAINT fk_criterion_finding_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "criterion_finding" enable row level security;
create policy own_program on "criterion_finding" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "criterion_finding" to spheres_app;
grant insert ("program_id", "id", "participant_id", "referral_id", "criterion", "n", "finding", "sealed", "on", "found_by", "found_at", "allowed_by") on "criterion_finding" to spheres_app;

CREATE TABLE candidate_worker (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    worker_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    second_id UUID,
    decision_id UUID,
    named_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_as VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_candidate_worker PRIMARY KEY (program_id, id),
    CONSTRAINT fk_candidate_worker_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_candidate_worker_program_id_worker_id FOREIGN KEY(program_id, worker_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_candidate_worker_program_id_organization_id FOREIGN KEY(program_id, organization_id) REFERENCES organization (program_id, id),
    CONSTRAINT fk_candidate_worker_program_id_second_id FOREIGN KEY(program_id, second_id) REFERENCES person (program_id, id),
    CONSTRAINT fk_candidate_worker_program_id_decision_id FOREIGN KEY(program_id, decision_id) REFERENCES decision (program_id, id),
    CONSTRAINT ck_candidate_worker_not_own_second CHECK (second_id is null or second_id <> worker_id),
    CONSTRAINT fk_candidate_worker_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_candidate_worker_second ON candidate_worker (program_id, second_id) WHERE ended_at is null;
CREATE INDEX ix_candidate_worker_worker ON candidate_worker (program_id, worker_id) WHERE ended_at is null;
CREATE UNIQUE INDEX one_worker_a_candidate ON candidate_worker (program_id, participant_id) WHERE ended_at is null;
alter table "candidate_worker" enable row level security;
create policy own_program on "candidate_worker" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "candidate_worker" to spheres_app;
grant insert, update on "candidate_worker" to spheres_app;

CREATE TABLE risk_assessment (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    level VARCHAR NOT NULL,
    sealed BYTEA,
    assessed_by UUID NOT NULL,
    assessed_as VARCHAR NOT NULL,
    assessed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decision_id UUID,
    CONSTRAINT pk_risk_assessment PRIMARY KEY (program_id, id),
    CONSTRAINT fk_risk_assessment_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_risk_assessment_program_id_assessed_by FOREIGN KEY(program_id, assessed_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_risk_assessment_program_id_decision_id FOREIGN KEY(program_id, decision_id) REFERENCES decision (program_id, id),
    CONSTRAINT uq_risk_assessment_program_id_participant_id_kind_n UNIQUE (program_id, participant_id, kind, n),
    CONSTRAINT ck_risk_assessment_kind CHECK (kind in ('admission', 'recruiter')),
    CONSTRAINT ck_risk_assessment_at_admission CHECK (level in ('red', 'yellow', 'green', 'none') or kind <> 'admission'),
    CONSTRAINT ck_risk_assessment_of_a_recruiter CHECK (level in ('benefits_exceed', 'risks_exceed') or kind <> 'recruiter'),
    CONSTRAINT fk_risk_assessment_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

alter table "risk_assessment" enable row level security;
create policy own_program on "risk_assessment" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "risk_assessment" to spheres_app;
grant insert ("program_id", "id", "participant_id", "kind", "n", "level", "sealed", "assessed_by", "assessed_as", "assessed_at", "decision_id") on "risk_assessment" to spheres_app;

CREATE TABLE admission_decision (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    participant_id UUID NOT NULL,
    referral_id UUID NOT NULL,
    n INTEGER NOT NULL,
    outcome VARCHAR NOT NULL,
    item_id UUID,
    decision_id UUID,
    candidate_worker_id UUID,
    sealed BYTEA,
    taken_by UUID NOT NULL,
    taken_as VARCHAR NOT NULL,
    taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_admission_decision PRIMARY KEY (program_id, id),
    CONSTRAINT fk_admission_decision_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id),
    CONSTRAINT fk_admission_decision_program_id_referral_id FOREIGN KEY(program_id, referral_id) REFERENCES referral (program_id, id),
    CONSTRAINT fk_admission_decision_program_id_item_id FOREIGN KEY(program_id, item_id) REFERENCES agenda_item (program_id, id),
    CONSTRAINT fk_admission_decision_program_id_decision_id FOREIGN KEY(program_id, decision_id) REFERENCES decision (program_id, id),
    CONSTRAINT fk_admission_decision_program_id_taken_by FOREIGN KEY(program_id, taken_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_admission_decision_program_id_candidate_worker_id FOREIGN KEY(program_id, candidate_worker_id) REFERENCES candidate_worker (program_id, id),
    CONSTRAINT uq_admission_decision_program_id_participant_id_n UNIQUE (program_id, participant_id, n),
    CONSTRAINT ck_admission_decision_outcome CHECK (outcome in ('assign', 'defer', 'refuse', 'more')),
    CONSTRAINT ck_admission_decision_assigned CHECK ((outcome = 'assign') = (candidate_worker_id is not null)),
    CONSTRAINT ck_admission_decision_forwarded CHECK (item_id is not null or outcome = 'assign'),
    CONSTRAINT ck_admission_decision_in_a_meeting CHECK (decision_id is null or item_id is not null),
    CONSTRAINT fk_admission_decision_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE UNIQUE INDEX one_decision_stands ON admission_decision (program_id, item_id) WHERE item_id is not null;
alter table "admission_decision" enable row level security;
create policy own_program on "admission_decision" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "admission_decision" to spheres_app;
grant insert ("program_id", "id", "participant_id", "referral_id", "n", "outcome", "item_id", "decision_id", "candidate_worker_id", "sealed", "taken_by", "taken_as", "taken_at") on "admission_decision" to spheres_app;

ALTER TABLE "case" ADD COLUMN participant_id UUID;
ALTER TABLE "case" ADD CONSTRAINT fk_case_program_id_participant_id FOREIGN KEY(program_id, participant_id) REFERENCES participant (program_id, id);
ALTER TABLE "case" DROP CONSTRAINT ck_case_subject_kind;
ALTER TABLE "case" ADD CONSTRAINT ck_case_subject_kind CHECK (subject_kind in ('worker', 'organization', 'agreement_version', 'program', 'participant'));
ALTER TABLE "case" DROP CONSTRAINT ck_case_about_the_program;
ALTER TABLE "case" ADD CONSTRAINT ck_case_about_the_program CHECK ((subject_kind in ('program', 'participant')) = (organization_id is null));
ALTER TABLE "case" ADD CONSTRAINT ck_case_about_a_participant CHECK ((subject_kind = 'participant') = (participant_id is not null));

DROP INDEX one_open_case;
CREATE UNIQUE INDEX one_open_case ON "case" (program_id, protocol, subject_id, organization_id, agreement_version_id, participant_id, period) NULLS NOT DISTINCT WHERE state = 'open';
DROP INDEX begun_once;
CREATE UNIQUE INDEX begun_once ON "case" (program_id, protocol, subject_id, organization_id, agreement_version_id, participant_id, period) NULLS NOT DISTINCT WHERE once;
