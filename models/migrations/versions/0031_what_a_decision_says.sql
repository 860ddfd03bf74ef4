-- A decision does what the procedure of its item asks for where it says so. Those from before did so by being taken on
-- the item, and go on counting as they did.

ALTER TABLE decision ADD COLUMN grants BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE decision ALTER COLUMN grants DROP DEFAULT;
UPDATE decision SET grants = true FROM agenda_item item
WHERE item.program_id = decision.program_id AND item.id = decision.item_id AND item.task_id IS NOT NULL
    AND decision.settles_id IS NULL;
ALTER TABLE decision ADD CONSTRAINT ck_decision_grants CHECK (not grants or (item_id is not null and settles_id is null));
