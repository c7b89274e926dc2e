-- Where the sound of calls is, what is to be forgotten, and the indexes that age and number are found by.
-- depends: 0005.call_filters

CREATE TABLE IF NOT EXISTS recordings (
    call_id text NOT NULL REFERENCES calls ON DELETE CASCADE,
    file text NOT NULL,
    node text NOT NULL,
    began timestamptz NOT NULL,
    seconds double precision NOT NULL,
    url text NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (call_id, file)
);

CREATE INDEX IF NOT EXISTS recordings_kept_oldest_first ON recordings (began) WHERE deleted_at IS NULL;

ALTER TABLE calls ADD COLUMN IF NOT EXISTS forgotten_at timestamptz;

CREATE INDEX IF NOT EXISTS calls_known_oldest_first ON calls (opened_at, call_id) WHERE forgotten_at IS NULL;

CREATE INDEX IF NOT EXISTS callbacks_by_number
    ON callbacks (right(regexp_replace(number, '[^0-9]+', '', 'g'), 10));

-- What comes later still, from a spool or a restored copy, is forgotten again by this. `hash`: SHA-256 of salt and
-- number or call id, in hexadecimal; of an age there is none. `before`: calls that were opened before it are meant.
CREATE TABLE IF NOT EXISTS forget_list (
    kind text NOT NULL CONSTRAINT forget_list_kind_known CHECK (kind IN ('number', 'call', 'age')),
    salt text NOT NULL,
    hash text NOT NULL,
    before timestamptz NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (kind, salt, hash, before)
);

-- pgvector, for whoever searches the record by meaning: enabled where the server has it and lets us, never missed.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector;
    END IF;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'pgvector is not enabled: %', SQLERRM;
END
$$;
