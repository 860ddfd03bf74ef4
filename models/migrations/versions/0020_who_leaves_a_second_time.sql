-- Whoever came back leaves by another departure, while their first may still wait for a thing: two cases that gather may
-- be open about one person at one organization. Of every other protocol there is one at a time, as before.

DROP INDEX one_open_case;
CREATE UNIQUE INDEX one_open_case ON "case" (program_id, protocol, subject_id, organization_id, agreement_version_id, participant_id, period) NULLS NOT DISTINCT WHERE state = 'open' AND NOT gathers;
