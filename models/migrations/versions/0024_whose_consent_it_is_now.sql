-- A consent that somebody else gave for a child is the young person's own to give from 14 on, and is looked at again at 18
-- where its form says so. Of the forms that were signed before, none was said to ask for it at 18; those of a child who is
-- 14 by now are found by the next round, which asks the worker and the coordinator about them. Each goes on to hold. So
-- does the part of a second of a pair that no consent covers: the file is closed to them, and the coordinator is asked.

ALTER TABLE consent ADD COLUMN again_at_18 BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE consent ALTER COLUMN again_at_18 DROP DEFAULT;
ALTER TABLE consent ADD COLUMN review_since TIMESTAMP WITH TIME ZONE;
