-- Answers by mail that were not taken: from where, what they claim, and who saw to them. A mailbox that is closed to us is told.

ALTER TABLE stray_reply
    ADD COLUMN from_address VARCHAR NOT NULL DEFAULT '',
    ADD COLUMN claimed VARCHAR NOT NULL DEFAULT '',
    ADD COLUMN series_id UUID,
    ADD COLUMN outcome VARCHAR NOT NULL DEFAULT '',
    ADD COLUMN seen_by UUID,
    ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
UPDATE stray_reply SET outcome = 'set_aside' WHERE seen_at IS NOT NULL;
-- Each row says these itself from here on.
ALTER TABLE stray_reply
    ALTER COLUMN from_address DROP DEFAULT,
    ALTER COLUMN claimed DROP DEFAULT,
    ALTER COLUMN outcome DROP DEFAULT,
    ALTER COLUMN version DROP DEFAULT;
ALTER TABLE stray_reply ADD CONSTRAINT fk_stray_reply_program_id_series_id FOREIGN KEY(program_id, series_id) REFERENCES meeting_series (program_id, id);
ALTER TABLE stray_reply ADD CONSTRAINT fk_stray_reply_program_id_seen_by FOREIGN KEY(program_id, seen_by) REFERENCES person (program_id, id);
ALTER TABLE stray_reply ADD CONSTRAINT ck_stray_reply_claimed CHECK (claimed in ('', 'accepted', 'tentative', 'declined', 'delegated'));
ALTER TABLE stray_reply ADD CONSTRAINT ck_stray_reply_outcome CHECK (outcome in ('', 'set_aside', 'taken'));
ALTER TABLE stray_reply ADD CONSTRAINT ck_stray_reply_outcome_and_seen_at CHECK ((outcome = '') = (seen_at is null));
ALTER TABLE stray_reply ADD CONSTRAINT ck_stray_reply_seen_by CHECK (seen_by is null or seen_at is not null);

ALTER TABLE inbox_place
    ADD COLUMN trouble VARCHAR NOT NULL DEFAULT '',
    ADD COLUMN troubled_since TIMESTAMP WITH TIME ZONE;
ALTER TABLE inbox_place ALTER COLUMN trouble DROP DEFAULT;
ALTER TABLE inbox_place ADD CONSTRAINT ck_inbox_place_trouble_and_since CHECK (num_nulls(nullif(trouble, ''), troubled_since) in (0, 2));
