-- Users, cafes, and the log of each cafe: heads, messages, changes; and the two functions that write to it.

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  username text NOT NULL CONSTRAINT users_username_length CHECK (char_length(username) BETWEEN 1 AND 64),
  role text NOT NULL DEFAULT 'member' CONSTRAINT users_role CHECK (role IN ('member', 'moderator', 'admin')),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cafes (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL CONSTRAINT cafes_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
  created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now())
);

CREATE INDEX cafes_newest ON cafes (created_at DESC, id DESC);
COMMENT ON INDEX cafes_newest IS 'GET /api/cafes: a page of cafes, newest first, below a cursor';

-- The counters stand apart from cafes: every send rewrites this row, and foreign keys point at that one.
-- Room in the page keeps those rewrites heap-only.
CREATE TABLE cafe_heads (
  cafe_id uuid PRIMARY KEY REFERENCES cafes (id) ON DELETE CASCADE,
  seq bigint NOT NULL DEFAULT 0,
  rev bigint NOT NULL DEFAULT 0,
  min_rev bigint NOT NULL DEFAULT 0,
  CONSTRAINT cafe_heads_order CHECK (0 <= seq AND seq <= rev AND 0 <= min_rev AND min_rev <= rev)
) WITH (fillfactor = 50);
COMMENT ON COLUMN cafe_heads.seq IS 'number of the newest message';
COMMENT ON COLUMN cafe_heads.rev IS 'number of the newest change';
COMMENT ON COLUMN cafe_heads.min_rev IS 'changes up to this rev may have been thinned out: nobody can resume from below';

CREATE TABLE messages (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  cafe_id uuid NOT NULL REFERENCES cafes (id) ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  username text NOT NULL,
  content text NOT NULL CONSTRAINT messages_content_length CHECK (char_length(content) BETWEEN 1 AND 4000),
  created_at timestamptz NOT NULL DEFAULT now(),
  deleted boolean NOT NULL DEFAULT false,
  deleted_at timestamptz,
  edited_at timestamptz,
  seq bigint NOT NULL,
  rev bigint NOT NULL,
  created_rev bigint NOT NULL,
  client_id text CONSTRAINT messages_client_id_length CHECK (char_length(client_id) BETWEEN 1 AND 64),
  send_hash bytea NOT NULL CONSTRAINT messages_send_hash_length CHECK (octet_length(send_hash) = 32),
  CONSTRAINT messages_tombstone CHECK (deleted = (deleted_at IS NOT NULL)),
  CONSTRAINT messages_numbers CHECK (1 <= seq AND seq <= created_rev AND created_rev <= rev),
  CONSTRAINT messages_seq UNIQUE (cafe_id, seq),
  CONSTRAINT messages_send UNIQUE (user_id, cafe_id, client_id)
);
COMMENT ON COLUMN messages.username IS 'the name at sending';
COMMENT ON COLUMN messages.rev IS 'the cafe''s rev at the last change';
COMMENT ON COLUMN messages.created_rev IS 'the cafe''s rev at creation';
COMMENT ON COLUMN messages.client_id IS 'the client''s own id for the send';
COMMENT ON COLUMN messages.send_hash IS 'SHA-256 of the content as it was sent: tells a retry from a conflict';

CREATE INDEX messages_rev ON messages (cafe_id, rev);
COMMENT ON INDEX messages_rev IS 'join:cafe with since and the repair of a feed: messages changed after a rev';
COMMENT ON INDEX messages_pkey IS 'DELETE of a message by id; the messages behind rows of changes';
COMMENT ON INDEX messages_seq IS 'history: a page of a cafe by seq; uniqueness of seq';
COMMENT ON INDEX messages_send IS 'a send looks for an earlier one under its client_id; deleting a user finds their messages';
COMMENT ON INDEX users_pkey IS 'upsert at authentication; author of a message';
COMMENT ON INDEX cafes_pkey IS 'GET /api/cafes/{id}; cafe of a message';
COMMENT ON INDEX cafe_heads_pkey IS 'the lock and the counters of a send; comparison of heads';

-- Every change that is not a creation. created_revs of messages and these revs together are 1..rev of the cafe.
CREATE TABLE changes (
  cafe_id uuid NOT NULL REFERENCES cafes (id) ON DELETE CASCADE,
  rev bigint NOT NULL,
  kind text NOT NULL CONSTRAINT changes_kind CHECK (kind IN ('edit', 'delete', 'purge')),
  message_id uuid REFERENCES messages (id) ON DELETE CASCADE,
  at timestamptz NOT NULL,
  data jsonb,
  CONSTRAINT changes_pkey PRIMARY KEY (cafe_id, rev)
);
COMMENT ON INDEX changes_pkey IS 'repair of a feed: changes after a rev';

CREATE INDEX changes_message ON changes (message_id);
COMMENT ON INDEX changes_message IS 'deleting a message row finds its changes';

-- The only way messages are read: a deleted one has no text.
CREATE VIEW visible_messages AS
SELECT id, cafe_id, user_id, username, CASE WHEN deleted THEN '' ELSE content END AS content,
  created_at, deleted, deleted_at, edited_at, seq, rev, created_rev, client_id
FROM messages;

-- One commit for many sends. outcome: created, duplicate, conflict, no-cafe, no-user, or locked (another
-- transaction holds the cafe's head and p_wait is false; nothing was done for that cafe).
-- The look-up of earlier sends must be a statement after the lock: only then does it see what the holder committed.
-- Planned once: that takes two milliseconds, running it half of one, and PostgreSQL would do both each time, because only the arrays
-- themselves tell how many sends there are. A plan that was made once, perhaps for empty tables, must not depend on their size: every
-- look-up finds one row by an index.
CREATE FUNCTION append_messages (
  p_cafes uuid[], p_users uuid[], p_usernames text[], p_contents text[], p_client_ids text[], p_hashes bytea[], p_wait boolean
) RETURNS TABLE (
  idx integer, outcome text, id uuid, username text, content text, created_at timestamptz,
  deleted boolean, deleted_at timestamptz, edited_at timestamptz, seq bigint, rev bigint
) LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  v_locked uuid[];
  v_now timestamptz;
BEGIN
  IF p_wait THEN
    SELECT array_agg(h.cafe_id) INTO v_locked FROM (
      SELECT c.cafe_id FROM cafe_heads c WHERE c.cafe_id = ANY (p_cafes) ORDER BY c.cafe_id FOR NO KEY UPDATE
    ) h;
  ELSE
    SELECT array_agg(h.cafe_id) INTO v_locked FROM (
      SELECT c.cafe_id FROM cafe_heads c WHERE c.cafe_id = ANY (p_cafes) ORDER BY c.cafe_id FOR NO KEY UPDATE SKIP LOCKED
    ) h;
  END IF;
  v_locked := coalesce(v_locked, '{}');
  v_now := date_trunc('milliseconds', clock_timestamp());

  RETURN QUERY
  WITH draft AS (
    SELECT d.ord::integer AS idx, d.cafe_id, d.user_id, d.username, d.content, d.client_id, d.hash,
      d.cafe_id = ANY (v_locked) AS locked,
      (SELECT true FROM users u WHERE u.id = d.user_id) IS NOT NULL AS known,
      CASE WHEN d.client_id IS NOT NULL THEN first_value(d.ord) OVER (PARTITION BY d.cafe_id, d.user_id, d.client_id ORDER BY d.ord)::integer ELSE d.ord::integer END AS leader
    FROM unnest(p_cafes, p_users, p_usernames, p_contents, p_client_ids, p_hashes)
      WITH ORDINALITY AS d (cafe_id, user_id, username, content, client_id, hash, ord)
  ), earlier AS (
    SELECT d.idx, m.id AS message_id, m.send_hash
    FROM draft d CROSS JOIN LATERAL (
      SELECT m.id, m.send_hash FROM messages m WHERE m.user_id = d.user_id AND m.cafe_id = d.cafe_id AND m.client_id = d.client_id LIMIT 1
    ) m
    WHERE d.locked
  ), fresh AS MATERIALIZED (
    SELECT d.*, gen_random_uuid() AS id, h.seq + row_number() OVER w AS seq, h.rev + row_number() OVER w AS rev
    FROM draft d CROSS JOIN LATERAL (SELECT h.seq, h.rev FROM cafe_heads h WHERE h.cafe_id = d.cafe_id LIMIT 1) h
    WHERE d.locked AND d.known AND d.leader = d.idx AND NOT EXISTS (SELECT FROM earlier e WHERE e.idx = d.idx)
    WINDOW w AS (PARTITION BY d.cafe_id ORDER BY d.idx)
  ), stored AS (
    INSERT INTO messages (id, cafe_id, user_id, username, content, created_at, seq, rev, created_rev, client_id, send_hash)
    SELECT f.id, f.cafe_id, f.user_id, f.username, f.content, v_now, f.seq, f.rev, f.rev, f.client_id, f.hash FROM fresh f
  ), advanced AS (
    UPDATE cafe_heads h SET seq = c.seq, rev = c.rev
    FROM (SELECT f.cafe_id, max(f.seq) AS seq, max(f.rev) AS rev FROM fresh f GROUP BY f.cafe_id) c
    WHERE h.cafe_id = c.cafe_id
  )
  SELECT d.idx,
    CASE
      WHEN NOT d.locked THEN CASE WHEN (SELECT true FROM cafe_heads h WHERE h.cafe_id = d.cafe_id) THEN 'locked' ELSE 'no-cafe' END
      WHEN NOT d.known THEN 'no-user'
      WHEN e.idx IS NOT NULL THEN CASE WHEN e.send_hash = d.hash THEN 'duplicate' ELSE 'conflict' END
      WHEN d.leader = d.idx THEN 'created'
      WHEN f.hash = d.hash THEN 'duplicate'
      ELSE 'conflict'
    END,
    coalesce(f.id, v.id), coalesce(f.username, v.username), coalesce(f.content, v.content), CASE WHEN f.id IS NULL THEN v.created_at ELSE v_now END,
    coalesce(v.deleted, false), v.deleted_at, v.edited_at, coalesce(f.seq, v.seq), coalesce(f.rev, v.rev)
  FROM draft d
  LEFT JOIN earlier e ON e.idx = d.idx
  LEFT JOIN LATERAL (SELECT * FROM visible_messages v WHERE v.id = e.message_id LIMIT 1) v ON true
  LEFT JOIN fresh f ON f.idx = d.leader
  ORDER BY d.idx;
END
$$;

-- Deletes one message. outcome: deleted, already, forbidden or no-message; `text` is what went.
CREATE FUNCTION delete_message (p_message uuid, p_user uuid, p_anyone boolean)
RETURNS TABLE (outcome text, text text, message visible_messages) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_old messages%ROWTYPE;
  v_rev bigint;
  v_now timestamptz;
BEGIN
  SELECT * INTO v_old FROM messages m WHERE m.id = p_message;
  IF NOT FOUND THEN
    outcome := 'no-message';
    RETURN NEXT;
    RETURN;
  END IF;
  IF v_old.user_id <> p_user AND NOT p_anyone THEN
    outcome := 'forbidden';
    RETURN NEXT;
    RETURN;
  END IF;

  PERFORM 1 FROM cafe_heads h WHERE h.cafe_id = v_old.cafe_id FOR NO KEY UPDATE;
  v_now := date_trunc('milliseconds', clock_timestamp());
  UPDATE messages m SET deleted = true, deleted_at = v_now, rev = h.rev + 1
  FROM cafe_heads h
  WHERE m.id = p_message AND NOT m.deleted AND h.cafe_id = m.cafe_id
  RETURNING m.rev, m.content INTO v_rev, text;
  IF FOUND THEN
    UPDATE cafe_heads h SET rev = v_rev WHERE h.cafe_id = v_old.cafe_id;
    INSERT INTO changes (cafe_id, rev, kind, message_id, at) VALUES (v_old.cafe_id, v_rev, 'delete', p_message, v_now);
    outcome := 'deleted';
  ELSE
    outcome := 'already';
  END IF;
  SELECT v.* INTO message FROM visible_messages v WHERE v.id = p_message;
  RETURN NEXT;
END
$$;
