-- What turns and calls have used of paid services, and what that costs. NULL: not known, for the row is older, or (of
-- money) a part of it has no price, or the service was not used.
-- depends: 0002.channel

ALTER TABLE turns ADD COLUMN IF NOT EXISTS used jsonb;
ALTER TABLE calls ADD COLUMN IF NOT EXISTS used jsonb;
ALTER TABLE calls ADD COLUMN IF NOT EXISTS stt_usd numeric(16, 10);
ALTER TABLE calls ADD COLUMN IF NOT EXISTS llm_usd numeric(16, 10);
ALTER TABLE calls ADD COLUMN IF NOT EXISTS tts_usd numeric(16, 10);
