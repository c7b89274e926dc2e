DROP INDEX IF EXISTS calls_by_number;
DROP INDEX IF EXISTS calls_by_outcome;
