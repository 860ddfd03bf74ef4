-- How long files are kept is the program's own to say, and that a key is gone is on record. An activity is left without
-- being called off. What is begun by a link is gone on with in the same browser.

ALTER TABLE program ADD COLUMN retention JSONB NOT NULL DEFAULT '{}'::jsonb;
ALTER TABLE program ALTER COLUMN retention DROP DEFAULT;

ALTER TABLE data_key ADD COLUMN gone_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE data_key ADD CONSTRAINT ck_data_key_gone CHECK (gone_at is null or destroyed_at is not null);

ALTER TABLE activity_part ADD COLUMN taken_out_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE activity_part ADD COLUMN taken_out_as VARCHAR;
ALTER TABLE activity_part ADD CONSTRAINT ck_activity_part_taken_out CHECK (num_nulls(taken_out_at, taken_out_as) in (0, 2));
ALTER TABLE activity_part DROP CONSTRAINT alone_in_theirs;
ALTER TABLE activity_part ADD CONSTRAINT alone_in_theirs EXCLUDE USING gist (program_id WITH =, activity_id WITH =, int4range(case when alone then 0 else place end, case when alone then null else place + 1 end) WITH &&) WHERE (taken_out_at is null);

ALTER TABLE referral_link ADD COLUMN browser_digest VARCHAR;
ALTER TABLE referral_link ADD CONSTRAINT ck_referral_link_browser_digest CHECK (browser_digest ~ '^[0-9a-f]{64}$');
grant update ("browser_digest") on "referral_link" to spheres_app;
