-- What the person is told to whom a call was put through, and who is to be called back.
-- depends: 0002.channel

ALTER TABLE calls ADD COLUMN IF NOT EXISTS summary text NOT NULL DEFAULT '';

CREATE TABLE IF NOT EXISTS callbacks (
    call_id text NOT NULL REFERENCES calls ON DELETE CASCADE,
    sequence bigint NOT NULL,
    requested_at timestamptz NOT NULL,
    number text NOT NULL,
    name text NOT NULL,
    about text NOT NULL,
    due text NOT NULL,
    PRIMARY KEY (call_id, sequence)
);

CREATE INDEX IF NOT EXISTS callbacks_newest_first ON callbacks (requested_at DESC, call_id DESC, sequence DESC);
