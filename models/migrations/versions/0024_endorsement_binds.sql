-- A decision on management or coordination counts once the partners endorsed it (GV-4). One that was taken before this
-- held counts as it did, and says so ("earlier"), unless every partner had endorsed it: what rested on it stays true. A
-- partner may still endorse it or object to it. An objection that was recorded comes on the committee's next agenda.

ALTER TABLE decision ADD COLUMN why_not_management VARCHAR NOT NULL DEFAULT '';
ALTER TABLE decision ALTER COLUMN why_not_management DROP DEFAULT;
ALTER TABLE decision ADD COLUMN endorsement VARCHAR NOT NULL DEFAULT 'not_asked';
ALTER TABLE decision ALTER COLUMN endorsement DROP DEFAULT;
ALTER TABLE decision ADD COLUMN counts_since TIMESTAMP WITH TIME ZONE;
ALTER TABLE decision ADD COLUMN suspended_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE decision ADD COLUMN endorse_by DATE;
ALTER TABLE decision ADD COLUMN asked_again_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE decision ADD COLUMN wanted_by_id UUID;
ALTER TABLE decision ADD COLUMN wanted_by_person UUID;
ALTER TABLE decision ADD COLUMN wanted_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE decision ADD COLUMN wanted_why VARCHAR NOT NULL DEFAULT '';
ALTER TABLE decision ALTER COLUMN wanted_why DROP DEFAULT;
ALTER TABLE decision ADD COLUMN settles_id UUID;
ALTER TABLE decision ADD CONSTRAINT fk_decision_program_id_settles_id FOREIGN KEY (program_id, settles_id) REFERENCES decision (program_id, id);
ALTER TABLE decision ADD CONSTRAINT fk_decision_program_id_wanted_by_id FOREIGN KEY (program_id, wanted_by_id) REFERENCES organization (program_id, id);
ALTER TABLE decision ADD CONSTRAINT fk_decision_program_id_wanted_by_person FOREIGN KEY (program_id, wanted_by_person) REFERENCES person (program_id, id);

ALTER TABLE endorsement ADD COLUMN said_for UUID;
ALTER TABLE endorsement ADD COLUMN majority VARCHAR NOT NULL DEFAULT '';
ALTER TABLE endorsement ALTER COLUMN majority DROP DEFAULT;
ALTER TABLE endorsement ADD COLUMN settled_by_id UUID;
ALTER TABLE endorsement ADD COLUMN superseded_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE endorsement DROP CONSTRAINT ck_endorsement_said;
ALTER TABLE endorsement ADD CONSTRAINT ck_endorsement_said CHECK (said in ('', 'endorsed', 'objected'));
ALTER TABLE endorsement ADD CONSTRAINT ck_endorsement_majority CHECK (majority in ('', 'more_than_half', 'two_thirds', 'three_quarters'));
ALTER TABLE endorsement ADD CONSTRAINT ck_endorsement_objects_with_a_reason CHECK (said <> 'objected' or reason <> '');
ALTER TABLE endorsement ADD CONSTRAINT ck_endorsement_settled CHECK (settled_by_id is null or said = 'objected');
ALTER TABLE endorsement ADD CONSTRAINT fk_endorsement_program_id_said_for FOREIGN KEY (program_id, said_for) REFERENCES person (program_id, id);
ALTER TABLE endorsement ADD CONSTRAINT fk_endorsement_program_id_settled_by_id FOREIGN KEY (program_id, settled_by_id) REFERENCES decision (program_id, id);
ALTER TABLE endorsement DROP CONSTRAINT uq_endorsement_program_id_decision_id_organization_id;
CREATE UNIQUE INDEX one_endorsement_counts ON endorsement (program_id, decision_id, organization_id) WHERE superseded_at is null;

-- Whom each was asked of was read from the agreements of its day. It is written down, so that an agreement that comes on
-- record later changes only the decisions after it.
INSERT INTO endorsement (program_id, id, decision_id, organization_id, said, said_at, said_as, reason, majority, version)
SELECT DISTINCT ON (decision.program_id, decision.id, agreement.organization_id)
    decision.program_id, gen_random_uuid(), decision.id, agreement.organization_id, '', decision.decided_at, '', '', '', 0
FROM decision
JOIN program ON program.id = decision.program_id
JOIN agreement ON agreement.program_id = decision.program_id
JOIN agreement_version ON agreement_version.program_id = agreement.program_id AND agreement_version.agreement_id = agreement.id
WHERE decision.needs_endorsement
    AND agreement_version.state IN ('in_force', 'ended')
    AND agreement_version.starts_on <= (decision.decided_at AT TIME ZONE program.time_zone)::date
    AND (agreement_version.ends_on IS NULL OR agreement_version.ends_on >= (decision.decided_at AT TIME ZONE program.time_zone)::date)
    AND NOT EXISTS (
        SELECT 1 FROM endorsement said
        WHERE said.program_id = decision.program_id AND said.decision_id = decision.id AND said.organization_id = agreement.organization_id
    );

UPDATE decision SET counts_since = decided_at;
UPDATE decision SET endorsement = CASE
    WHEN EXISTS (
        SELECT 1 FROM endorsement
        WHERE endorsement.program_id = decision.program_id AND endorsement.decision_id = decision.id AND endorsement.said <> 'endorsed'
    ) THEN 'earlier' ELSE 'endorsed' END
WHERE needs_endorsement;

ALTER TABLE decision ADD CONSTRAINT ck_decision_endorsement CHECK (endorsement in ('not_asked', 'pending', 'endorsed', 'objected', 'earlier'));
ALTER TABLE decision ADD CONSTRAINT ck_decision_needs_endorsement CHECK (needs_endorsement = (endorsement <> 'not_asked'));
ALTER TABLE decision ADD CONSTRAINT ck_decision_counts CHECK ((endorsement in ('not_asked', 'endorsed', 'earlier')) = (counts_since is not null and suspended_at is null));
ALTER TABLE decision ADD CONSTRAINT ck_decision_suspended CHECK (suspended_at is null or counts_since is not null);
ALTER TABLE decision ADD CONSTRAINT ck_decision_wanted CHECK ((wanted_by_id is null) = (wanted_at is null));
ALTER TABLE decision ADD CONSTRAINT ck_decision_settles CHECK (settles_id is null or not needs_endorsement);
