-- Tokens that were taken back before their end: all of a user up to a moment, or one by its id.

-- Nodes read on from the last position that they have seen.
CREATE SEQUENCE revocation_positions;

CREATE TABLE revocations (
  position bigint PRIMARY KEY DEFAULT nextval('revocation_positions'),
  user_id uuid,
  token_id text CONSTRAINT revocations_token_id_length CHECK (char_length(token_id) BETWEEN 1 AND 255),
  revoked_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  revoked_by uuid NOT NULL,
  reason text CONSTRAINT revocations_reason_length CHECK (char_length(reason) BETWEEN 1 AND 200),
  CONSTRAINT revocations_of_one CHECK ((user_id IS NULL) <> (token_id IS NULL)),
  CONSTRAINT revocations_user UNIQUE (user_id),
  CONSTRAINT revocations_token UNIQUE (token_id)
);
COMMENT ON COLUMN revocations.ends_at IS 'when no such token can be good any more by itself';
COMMENT ON INDEX revocations_pkey IS 'what was revoked after a position';
COMMENT ON INDEX revocations_user IS 'one row for a user, replaced by the next';
COMMENT ON INDEX revocations_token IS 'one row for a token, replaced by the next';

-- Under a lock, so that positions become visible in their order: a reader that has seen one has seen all before it.
CREATE FUNCTION revoke_tokens (p_user uuid, p_token text, p_by uuid, p_reason text, p_life interval)
RETURNS SETOF revocations LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('klatsch revocations'));
  v_now := date_trunc('milliseconds', clock_timestamp());
  DELETE FROM revocations r WHERE r.user_id = p_user OR r.token_id = p_token;
  DELETE FROM revocations r WHERE r.position IN (SELECT o.position FROM revocations o WHERE o.ends_at < v_now ORDER BY o.position LIMIT 100);
  RETURN QUERY INSERT INTO revocations (user_id, token_id, revoked_at, ends_at, revoked_by, reason)
  VALUES (p_user, p_token, v_now, v_now + p_life, p_by, p_reason) RETURNING *;
END
$$;
