-- Editing a message, and looking up an earlier send without storing anything.

-- Edits one message of its author. outcome: edited, same (nothing to change, no rev is taken), forbidden or no-message (also when
-- it is deleted); `text` is what it said before.
CREATE FUNCTION edit_message (p_message uuid, p_user uuid, p_content text)
RETURNS TABLE (outcome text, text text, message visible_messages) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_old messages%ROWTYPE;
  v_rev bigint;
  v_now timestamptz;
BEGIN
  SELECT * INTO v_old FROM messages m WHERE m.id = p_message;
  IF NOT FOUND OR v_old.deleted THEN
    outcome := 'no-message';
    RETURN NEXT;
    RETURN;
  END IF;
  IF v_old.user_id <> p_user THEN
    outcome := 'forbidden';
    RETURN NEXT;
    RETURN;
  END IF;

  PERFORM 1 FROM cafe_heads h WHERE h.cafe_id = v_old.cafe_id FOR NO KEY UPDATE;
  -- Only now: another edit or a deletion may have held the lock.
  SELECT * INTO v_old FROM messages m WHERE m.id = p_message;
  IF NOT FOUND OR v_old.deleted THEN
    outcome := 'no-message';
    RETURN NEXT;
    RETURN;
  END IF;
  IF v_old.content = p_content THEN
    outcome := 'same';
  ELSE
    v_now := date_trunc('milliseconds', clock_timestamp());
    UPDATE cafe_heads h SET rev = h.rev + 1 WHERE h.cafe_id = v_old.cafe_id RETURNING h.rev INTO v_rev;
    UPDATE messages m SET content = p_content, edited_at = v_now, rev = v_rev WHERE m.id = p_message;
    INSERT INTO changes (cafe_id, rev, kind, message_id, at) VALUES (v_old.cafe_id, v_rev, 'edit', p_message, v_now);
    outcome := 'edited';
    text := v_old.content;
  END IF;
  SELECT v.* INTO message FROM visible_messages v WHERE v.id = p_message;
  RETURN NEXT;
END
$$;
