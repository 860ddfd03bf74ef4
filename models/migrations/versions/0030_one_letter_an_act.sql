-- A letter brings all that one act has for a person, of several meetings too: so all letters about meetings are one
-- thread. Those that wait still join it, so that no later letter overtakes them. Their words and files stay as they are,
-- and what was sent keeps the thread that it had.

UPDATE notice SET thread = 'meetings' WHERE state = 'queued' AND thread <> '';
