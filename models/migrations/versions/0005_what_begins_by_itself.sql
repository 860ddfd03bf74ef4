-- What begins by itself: a case may be about an organization, an agreement's version or the program, and for a period.

ALTER TABLE "case" ADD COLUMN subject_kind VARCHAR NOT NULL DEFAULT 'worker';
ALTER TABLE "case" ALTER COLUMN subject_kind DROP DEFAULT;
ALTER TABLE "case" ALTER COLUMN subject_id DROP NOT NULL;
ALTER TABLE "case" ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE "case" ADD COLUMN agreement_version_id UUID;
ALTER TABLE "case" ADD COLUMN period VARCHAR NOT NULL DEFAULT '';
ALTER TABLE "case" ALTER COLUMN period DROP DEFAULT;
ALTER TABLE "case" ADD COLUMN once BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "case" ALTER COLUMN once DROP DEFAULT;

ALTER TABLE "case" ADD CONSTRAINT fk_case_program_id_agreement_version_id FOREIGN KEY(program_id, agreement_version_id) REFERENCES agreement_version (program_id, id);
ALTER TABLE "case" ADD CONSTRAINT ck_case_subject_kind CHECK (subject_kind in ('worker', 'organization', 'agreement_version', 'program'));
ALTER TABLE "case" ADD CONSTRAINT ck_case_about_a_person CHECK ((subject_kind = 'worker') = (subject_id is not null));
ALTER TABLE "case" ADD CONSTRAINT ck_case_about_an_agreement CHECK ((subject_kind = 'agreement_version') = (agreement_version_id is not null));
ALTER TABLE "case" ADD CONSTRAINT ck_case_about_the_program CHECK ((subject_kind = 'program') = (organization_id is null));
ALTER TABLE "case" ADD CONSTRAINT ck_case_period CHECK (period ~ '^([0-9]{4}(-Q[1-4])?)?$');

DROP INDEX one_open_case;
CREATE UNIQUE INDEX one_open_case ON "case" (program_id, protocol, subject_id, organization_id, agreement_version_id, period) NULLS NOT DISTINCT WHERE state = 'open';
CREATE UNIQUE INDEX begun_once ON "case" (program_id, protocol, subject_id, organization_id, agreement_version_id, period) NULLS NOT DISTINCT WHERE once;
