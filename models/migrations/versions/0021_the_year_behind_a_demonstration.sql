-- A demonstration's people come first and the year behind them after. Those that are there were loaded with theirs.

ALTER TABLE program ADD COLUMN year_written_at TIMESTAMP WITH TIME ZONE;
UPDATE program SET year_written_at = loaded_at WHERE is_demonstration;
