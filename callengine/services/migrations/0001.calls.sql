-- The record of calls. yoyo applies a file and notes it in two transactions, so a killed run may apply it again:
-- every statement must bear that.

CREATE TABLE IF NOT EXISTS calls (
    call_id text PRIMARY KEY,
    node text NOT NULL,
    opened_at timestamptz NOT NULL,
    language text NOT NULL,
    number text NOT NULL,
    name text NOT NULL,
    called text NOT NULL,
    fields jsonb NOT NULL,
    closed_at timestamptz,
    seconds double precision,
    outcome text,
    detail text,
    target text,
    CONSTRAINT calls_closed_in_full CHECK (
        (closed_at IS NULL AND outcome IS NULL AND seconds IS NULL AND detail IS NULL AND target IS NULL)
        OR (closed_at IS NOT NULL AND outcome IS NOT NULL AND seconds IS NOT NULL AND detail IS NOT NULL
            AND target IS NOT NULL)
    ),
    CONSTRAINT calls_outcome_known CHECK (
        outcome IN ('completed', 'transferred', 'abandoned', 'no_input', 'too_long', 'busy', 'refused',
                    'handed_over', 'failed')
    )
);

CREATE INDEX IF NOT EXISTS calls_newest_first ON calls (opened_at DESC, call_id DESC);

CREATE TABLE IF NOT EXISTS turns (
    call_id text NOT NULL REFERENCES calls ON DELETE CASCADE,
    sequence bigint NOT NULL,
    role text NOT NULL CONSTRAINT turns_role_known CHECK (role IN ('caller', 'agent')),
    text text NOT NULL,
    started double precision NOT NULL,
    ended double precision NOT NULL,
    interrupted boolean NOT NULL,
    timings jsonb NOT NULL,
    PRIMARY KEY (call_id, sequence)
);

CREATE TABLE IF NOT EXISTS tool_calls (
    call_id text NOT NULL REFERENCES calls ON DELETE CASCADE,
    sequence bigint NOT NULL,
    name text NOT NULL,
    arguments jsonb NOT NULL,
    result text NOT NULL,
    is_error boolean NOT NULL,
    started double precision NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (call_id, sequence)
);
