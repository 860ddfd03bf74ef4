-- When a follow-up last became active. What came before is in the record; of one on a break its opening is the nearest.

ALTER TABLE follow_up ADD COLUMN active_since DATE;
ALTER TABLE follow_up ADD COLUMN active_at TIMESTAMP WITH TIME ZONE;
UPDATE follow_up SET
    active_since = CASE WHEN state = 'active' THEN state_since ELSE opened_on END,
    active_at = CASE WHEN state = 'active' THEN state_at ELSE opened_at END;
ALTER TABLE follow_up ALTER COLUMN active_since SET NOT NULL;
ALTER TABLE follow_up ALTER COLUMN active_at SET NOT NULL;
