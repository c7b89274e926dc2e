-- The channel of a call, as Asterisk calls it: what an operator looks for in its log.
-- depends: 0001.calls

ALTER TABLE calls ADD COLUMN IF NOT EXISTS channel text NOT NULL DEFAULT '';
