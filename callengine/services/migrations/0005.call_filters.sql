-- What GET /api/v1/calls filters by, newest first: the outcome, and a caller's number by its last ten digits.
-- depends: 0004.person

CREATE INDEX IF NOT EXISTS calls_by_outcome ON calls (outcome, opened_at DESC, call_id DESC);

CREATE INDEX IF NOT EXISTS calls_by_number
    ON calls (right(regexp_replace(number, '[^0-9]+', '', 'g'), 10), opened_at DESC, call_id DESC);
