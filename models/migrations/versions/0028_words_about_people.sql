-- Notes of a sitting, minutes and the register of incidents are sealed; what names somebody is taken out by two.
--
-- No migration has the keys: the words that stand in the clear stay in their columns, are read from there, and are sealed
-- by the worker within a minute of its start (domain.kernel.sealed_words); each sealing of a version of the register leaves the
-- line of the record by which its new digest is known. Nothing is lost, and the old digests stay in the lines that told
-- them.

ALTER TABLE agenda_item ADD COLUMN note BYTEA;
ALTER TABLE minutes ADD COLUMN sealed BYTEA;
ALTER TABLE incident ADD COLUMN words BYTEA;
ALTER TABLE incident DROP CONSTRAINT ck_incident_risk_has_reasons;
ALTER TABLE incident ADD CONSTRAINT ck_incident_risk_has_reasons CHECK (not serious_risk or risk_reasons <> '' or words is not null);
ALTER TABLE incident_version ADD COLUMN words BYTEA;
GRANT INSERT (words) ON incident_version TO spheres_app;
GRANT UPDATE (stood, words, digest) ON incident_version TO spheres_app;
GRANT UPDATE (content, digest) ON agenda_version TO spheres_app;

ALTER TABLE notice DROP CONSTRAINT ck_notice_state;
ALTER TABLE notice ADD CONSTRAINT ck_notice_state CHECK (state in ('queued', 'sent', 'failed', 'withdrawn'));

CREATE TABLE word_key (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    meeting_id UUID,
    incident_id UUID,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    destroyed_at TIMESTAMP WITH TIME ZONE,
    gone_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_word_key PRIMARY KEY (program_id, id),
    CONSTRAINT fk_word_key_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT fk_word_key_program_id_incident_id FOREIGN KEY(program_id, incident_id) REFERENCES incident (program_id, id),
    CONSTRAINT ck_word_key_of_one CHECK (num_nonnulls(meeting_id, incident_id) = 1),
    CONSTRAINT ck_word_key_gone CHECK (gone_at is null or destroyed_at is not null),
    CONSTRAINT fk_word_key_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE UNIQUE INDEX one_word_key_a_meeting ON word_key (program_id, meeting_id) WHERE destroyed_at is null and meeting_id is not null;
CREATE UNIQUE INDEX one_word_key_an_incident ON word_key (program_id, incident_id) WHERE destroyed_at is null and incident_id is not null;
alter table "word_key" enable row level security;
create policy own_program on "word_key" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "word_key" to spheres_app;
grant insert, update on "word_key" to spheres_app;

CREATE TABLE redaction (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    meeting_id UUID,
    incident_id UUID,
    taken_out VARCHAR NOT NULL,
    words BYTEA,
    state VARCHAR NOT NULL,
    asked_by UUID NOT NULL,
    asked_as VARCHAR NOT NULL,
    asked_for UUID,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    settled_by UUID,
    settled_as VARCHAR NOT NULL,
    settled_for UUID,
    settled_at TIMESTAMP WITH TIME ZONE,
    places INTEGER NOT NULL,
    before VARCHAR,
    after VARCHAR,
    version INTEGER NOT NULL,
    CONSTRAINT pk_redaction PRIMARY KEY (program_id, id),
    CONSTRAINT fk_redaction_program_id_meeting_id FOREIGN KEY(program_id, meeting_id) REFERENCES meeting (program_id, id),
    CONSTRAINT fk_redaction_program_id_incident_id FOREIGN KEY(program_id, incident_id) REFERENCES incident (program_id, id),
    CONSTRAINT fk_redaction_program_id_asked_by FOREIGN KEY(program_id, asked_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_redaction_program_id_asked_for FOREIGN KEY(program_id, asked_for) REFERENCES person (program_id, id),
    CONSTRAINT fk_redaction_program_id_settled_by FOREIGN KEY(program_id, settled_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_redaction_program_id_settled_for FOREIGN KEY(program_id, settled_for) REFERENCES person (program_id, id),
    CONSTRAINT ck_redaction_state CHECK (state in ('asked', 'done', 'declined', 'taken_back')),
    CONSTRAINT ck_redaction_taken_out CHECK (taken_out in ('name', 'telephone', 'address', 'birth_date', 'other')),
    CONSTRAINT ck_redaction_of_one CHECK (num_nonnulls(meeting_id, incident_id) = 1),
    CONSTRAINT ck_redaction_words_while_asked CHECK ((state = 'asked') = (words is not null)),
    CONSTRAINT ck_redaction_done_has_digests CHECK ((state = 'done') = (before is not null)),
    CONSTRAINT ck_redaction_digests CHECK (num_nulls(before, after) in (0, 2)),
    CONSTRAINT ck_redaction_settled CHECK ((state = 'asked') = (settled_at is null)),
    CONSTRAINT ck_redaction_by_two CHECK (state not in ('done', 'declined') or (settled_by is not null and settled_by <> asked_by and settled_by is distinct from asked_for and settled_for is distinct from asked_by and (settled_for is null or asked_for is null or settled_for <> asked_for))),
    CONSTRAINT fk_redaction_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
CREATE INDEX ix_redaction_asked ON redaction (program_id) WHERE state = 'asked';
alter table "redaction" enable row level security;
create policy own_program on "redaction" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "redaction" to spheres_app;
grant insert, update on "redaction" to spheres_app;

CREATE TABLE name_answer (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    mark VARCHAR NOT NULL,
    answered_by UUID NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_name_answer PRIMARY KEY (program_id, id),
    CONSTRAINT fk_name_answer_program_id_answered_by FOREIGN KEY(program_id, answered_by) REFERENCES person (program_id, id),
    CONSTRAINT uq_name_answer_program_id_mark UNIQUE (program_id, mark),
    CONSTRAINT fk_name_answer_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);
alter table "name_answer" enable row level security;
create policy own_program on "name_answer" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "name_answer" to spheres_app;
grant insert ("program_id", "id", "mark", "answered_by", "answered_at") on "name_answer" to spheres_app;
