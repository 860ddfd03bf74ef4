-- The languages that people of the program speak. Of those who were there before, nobody said it.

ALTER TABLE person ADD COLUMN spoken TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE person ALTER COLUMN spoken DROP DEFAULT;
