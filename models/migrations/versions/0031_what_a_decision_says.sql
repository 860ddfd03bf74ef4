-- A decision does what the procedure of its item asks for where it says so. Those from before did so by being taken on
-- the item, and go on counting as they did.

ALTER TABLE decision ADD COLUMN grants BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE decision ALTER COLUMN grants DROP DEFAULT;
UPDATE decision SET grants = true FROM agenda_item item
WHERE item.program_id = decision.program_id AND item.id = decision.item_id AND item.task_id IS NOT NULL
    AND decision.settles_id IS NULL;
ALTER TABLE decision ADD CONSTRAINT ck_decision_grants CHECK (not grants or (item_id is not null and settles_id is null));

-- A decision takes back another where it says so. Those that were taken back before stay so, by the one that was named.

ALTER TABLE decision ADD COLUMN takes_back TEXT[];
UPDATE decision SET takes_back = '{}';
ALTER TABLE decision ALTER COLUMN takes_back SET NOT NULL;
UPDATE decision SET takes_back = gone.numbers
FROM (
    SELECT program_id, withdrawn_by_id, array_agg(number ORDER BY number) AS numbers FROM decision
    WHERE withdrawn_by_id IS NOT NULL GROUP BY program_id, withdrawn_by_id
) gone
WHERE gone.program_id = decision.program_id AND gone.withdrawn_by_id = decision.id;

-- Days on which somebody held a role, as was said only afterwards, are kept as such from now on. When the days of before
-- were entered nobody can tell any more: they are held as they were.

ALTER TABLE tenure ADD COLUMN entered_late TEXT[];
UPDATE tenure SET entered_late = '{}';
ALTER TABLE tenure ALTER COLUMN entered_late SET NOT NULL;
