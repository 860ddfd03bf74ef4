-- Proof is given, then accepted by somebody who does not owe it; a waiver rests on a decision on that clause and partner.
-- What stood before stands: each document, attestation and procedure's document that could count is marked as kept, with
-- nobody's word, and each waiver as one from before, without a proposal.

ALTER TABLE obligation_period DROP CONSTRAINT ck_obligation_period_state;
ALTER TABLE obligation_period ADD CONSTRAINT ck_obligation_period_state CHECK (state in ('not_yet', 'on_track', 'at_risk', 'cannot_be_met', 'awaiting_record', 'given', 'met', 'missed', 'no_occasion', 'waived'));
ALTER TABLE obligation_finding DROP CONSTRAINT ck_obligation_finding_state;
ALTER TABLE obligation_finding ADD CONSTRAINT ck_obligation_finding_state CHECK (state in ('not_yet', 'on_track', 'at_risk', 'cannot_be_met', 'awaiting_record', 'given', 'met', 'missed', 'no_occasion', 'waived'));

ALTER TABLE obligation_document ADD COLUMN added_as VARCHAR NOT NULL DEFAULT '';
ALTER TABLE obligation_document ALTER COLUMN added_as DROP DEFAULT;
ALTER TABLE obligation_document ADD COLUMN added_for UUID;
ALTER TABLE obligation_document ADD CONSTRAINT fk_obligation_document_program_id_added_for FOREIGN KEY(program_id, added_for) REFERENCES person (program_id, id);
ALTER TABLE attestation ADD COLUMN acting_for UUID;
ALTER TABLE attestation ADD CONSTRAINT fk_attestation_program_id_acting_for FOREIGN KEY(program_id, acting_for) REFERENCES person (program_id, id);
ALTER TABLE attestation ADD COLUMN to_be_accepted BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE attestation ALTER COLUMN to_be_accepted DROP DEFAULT;
UPDATE attestation SET to_be_accepted = said = 'held';

CREATE TABLE acceptance (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    document_id UUID,
    attestation_id UUID,
    evidence_id UUID,
    said VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    said_by UUID,
    said_as VARCHAR NOT NULL,
    said_for UUID,
    said_at TIMESTAMP WITH TIME ZONE NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_acceptance PRIMARY KEY (program_id, id),
    CONSTRAINT fk_acceptance_program_id_document_id FOREIGN KEY(program_id, document_id) REFERENCES obligation_document (program_id, id),
    CONSTRAINT fk_acceptance_program_id_attestation_id FOREIGN KEY(program_id, attestation_id) REFERENCES attestation (program_id, id),
    CONSTRAINT fk_acceptance_program_id_evidence_id FOREIGN KEY(program_id, evidence_id) REFERENCES evidence (program_id, id),
    CONSTRAINT fk_acceptance_program_id_said_by FOREIGN KEY(program_id, said_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_acceptance_program_id_said_for FOREIGN KEY(program_id, said_for) REFERENCES person (program_id, id),
    CONSTRAINT ck_acceptance_said CHECK (said in ('accepted', 'returned', 'kept')),
    CONSTRAINT ck_acceptance_of_one_proof CHECK (num_nonnulls(document_id, attestation_id, evidence_id) = 1),
    CONSTRAINT ck_acceptance_by_somebody CHECK ((said = 'kept') = (said_by is null)),
    CONSTRAINT ck_acceptance_returned_with_words CHECK (said <> 'returned' or reason <> ''),
    CONSTRAINT fk_acceptance_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE UNIQUE INDEX one_word_stands_of_attestation ON acceptance (program_id, attestation_id) WHERE superseded_at is null;
CREATE UNIQUE INDEX one_word_stands_of_document ON acceptance (program_id, document_id) WHERE superseded_at is null;
CREATE UNIQUE INDEX one_word_stands_of_evidence ON acceptance (program_id, evidence_id) WHERE superseded_at is null;
alter table "acceptance" enable row level security;
create policy own_program on "acceptance" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "acceptance" to spheres_app;
grant insert, update on "acceptance" to spheres_app;

INSERT INTO acceptance (program_id, id, document_id, said, reason, said_as, said_at)
SELECT program_id, gen_random_uuid(), id, 'kept', '', '', added_at FROM obligation_document WHERE withdrawn_at is null;
INSERT INTO acceptance (program_id, id, attestation_id, said, reason, said_as, said_at)
SELECT program_id, gen_random_uuid(), id, 'kept', '', '', said_at FROM attestation WHERE superseded_at is null and said = 'held';
INSERT INTO acceptance (program_id, id, evidence_id, said, reason, said_as, said_at)
SELECT evidence.program_id, gen_random_uuid(), evidence.id, 'kept', '', '', evidence.added_at
FROM evidence JOIN task ON task.program_id = evidence.program_id AND task.id = evidence.task_id
WHERE evidence.kind = 'document' and evidence.withdrawn_at is null and task.clause <> '' and task.state = 'done';

CREATE TABLE waiver_proposal (
    program_id UUID NOT NULL,
    id UUID NOT NULL,
    agreement_id UUID NOT NULL,
    key VARCHAR NOT NULL,
    committee_id UUID NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    reason VARCHAR NOT NULL,
    proposed_by UUID NOT NULL,
    proposed_as VARCHAR NOT NULL,
    proposed_for UUID,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_waiver_proposal PRIMARY KEY (program_id, id),
    CONSTRAINT fk_waiver_proposal_program_id_agreement_id FOREIGN KEY(program_id, agreement_id) REFERENCES agreement (program_id, id),
    CONSTRAINT fk_waiver_proposal_program_id_committee_id FOREIGN KEY(program_id, committee_id) REFERENCES committee (program_id, id),
    CONSTRAINT fk_waiver_proposal_program_id_proposed_by FOREIGN KEY(program_id, proposed_by) REFERENCES person (program_id, id),
    CONSTRAINT fk_waiver_proposal_program_id_proposed_for FOREIGN KEY(program_id, proposed_for) REFERENCES person (program_id, id),
    CONSTRAINT ck_waiver_proposal_in_order CHECK (ends_on is null or ends_on >= starts_on),
    CONSTRAINT ck_waiver_proposal_with_a_reason CHECK (reason <> ''),
    CONSTRAINT fk_waiver_proposal_program_id FOREIGN KEY(program_id) REFERENCES program (id)
);

CREATE INDEX ix_waiver_proposal_clause ON waiver_proposal (program_id, agreement_id, key);
alter table "waiver_proposal" enable row level security;
create policy own_program on "waiver_proposal" using (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid) with check (program_id = nullif(current_setting('spheres.program_id', true), '')::uuid);
grant select on "waiver_proposal" to spheres_app;
grant insert ("program_id", "id", "agreement_id", "key", "committee_id", "starts_on", "ends_on", "reason", "proposed_by", "proposed_as", "proposed_for", "proposed_at") on "waiver_proposal" to spheres_app;

ALTER TABLE waiver ADD COLUMN proposal_id UUID;
ALTER TABLE waiver ADD CONSTRAINT fk_waiver_program_id_proposal_id FOREIGN KEY(program_id, proposal_id) REFERENCES waiver_proposal (program_id, id);
ALTER TABLE waiver ADD COLUMN from_before BOOLEAN NOT NULL DEFAULT true;
ALTER TABLE waiver ALTER COLUMN from_before DROP DEFAULT;
ALTER TABLE waiver ADD CONSTRAINT ck_waiver_proposed CHECK (from_before or proposal_id is not null);
ALTER TABLE waiver ADD COLUMN recorded_as VARCHAR NOT NULL DEFAULT '';
ALTER TABLE waiver ALTER COLUMN recorded_as DROP DEFAULT;
ALTER TABLE waiver ADD COLUMN recorded_for UUID;
ALTER TABLE waiver ADD CONSTRAINT fk_waiver_program_id_recorded_for FOREIGN KEY(program_id, recorded_for) REFERENCES person (program_id, id);
