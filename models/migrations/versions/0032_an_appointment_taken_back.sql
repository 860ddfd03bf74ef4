-- An appointment that has not begun is taken back: its row ends before its first day. Those from before that were ended on
-- their first day were held on it, and stay so.

ALTER TABLE tenure ADD COLUMN taken_back_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE tenure DROP CONSTRAINT ck_tenure_in_order;
ALTER TABLE tenure ADD CONSTRAINT ck_tenure_in_order CHECK ((ends_on < starts_on) is not true or taken_back_at is not null);
ALTER TABLE tenure ADD CONSTRAINT ck_tenure_taken_back_whole CHECK (taken_back_at is null or (ends_on < starts_on) is true);
ALTER TABLE tenure DROP CONSTRAINT one_tenure_at_a_time;
ALTER TABLE tenure ADD CONSTRAINT one_tenure_at_a_time EXCLUDE USING gist (program_id WITH =, person_id WITH =, role WITH =, organization_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (taken_back_at is null);
ALTER TABLE tenure DROP CONSTRAINT one_holder;
ALTER TABLE tenure ADD CONSTRAINT one_holder EXCLUDE USING gist (program_id WITH =, role WITH =, organization_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (single_holder and taken_back_at is null);
