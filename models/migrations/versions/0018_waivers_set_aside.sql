-- A waiver whose decision was withdrawn makes room for another on the days that it no longer frees.

ALTER TABLE waiver ADD COLUMN set_aside_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE waiver DROP CONSTRAINT one_waiver_a_day;
ALTER TABLE waiver ADD CONSTRAINT one_waiver_a_day EXCLUDE USING gist (program_id WITH =, agreement_id WITH =, key WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (set_aside_at is null);
