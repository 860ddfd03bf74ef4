-- Dates are drafted once for the last meeting that they follow, and not once a year: a weekly season begins twice in some.

ALTER TABLE drafted_year ADD COLUMN follows DATE;
-- What earlier drafts followed was not kept. Their year tells them apart; one that was dismissed may be drafted once more.
UPDATE drafted_year SET follows = make_date(year, 1, 1);
ALTER TABLE drafted_year ALTER COLUMN follows SET NOT NULL;
ALTER TABLE drafted_year DROP CONSTRAINT uq_drafted_year_program_id_committee_id_year;
ALTER TABLE drafted_year ADD CONSTRAINT uq_drafted_year_program_id_committee_id_follows UNIQUE (program_id, committee_id, follows);
