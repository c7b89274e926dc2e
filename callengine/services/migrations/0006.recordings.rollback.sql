DROP TABLE IF EXISTS forget_list;
DROP INDEX IF EXISTS callbacks_by_number;
DROP INDEX IF EXISTS calls_known_oldest_first;
ALTER TABLE calls DROP COLUMN IF EXISTS forgotten_at;
DROP TABLE IF EXISTS recordings;
