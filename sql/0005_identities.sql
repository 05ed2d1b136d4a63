-- Who the accounts of other issuers are here.

CREATE TABLE identities (
  issuer text NOT NULL CONSTRAINT identities_issuer_length CHECK (char_length(issuer) BETWEEN 1 AND 500),
  subject uuid NOT NULL,
  -- Deferred: an account that comes for the first time is written before its user.
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);
COMMENT ON INDEX identities_pkey IS 'whom an account is, at authentication';
COMMENT ON INDEX identities_user IS 'deleting a user finds their accounts';

-- Users of accounts, in the order given. An account that nobody has seen becomes the user with the id of its subject. Then names and
-- roles are written: in a later statement, so that it sees whom an account was linked to meanwhile. In order, so that batches never deadlock.
CREATE FUNCTION recognise_accounts (p_issuers text[], p_subjects uuid[], p_usernames text[], p_roles text[])
RETURNS TABLE (ord bigint, user_id uuid) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO identities (issuer, subject, user_id)
  SELECT DISTINCT n.issuer, n.subject, n.subject FROM unnest(p_issuers, p_subjects) AS n (issuer, subject)
  ORDER BY n.issuer, n.subject
  ON CONFLICT (issuer, subject) DO NOTHING;

  INSERT INTO users (id, username, role)
  SELECT DISTINCT ON (i.user_id) i.user_id, n.username, n.role
  FROM unnest(p_issuers, p_subjects, p_usernames, p_roles) WITH ORDINALITY AS n (issuer, subject, username, role, ord)
  JOIN identities i ON i.issuer = n.issuer AND i.subject = n.subject
  ORDER BY i.user_id, n.ord DESC
  ON CONFLICT (id) DO UPDATE SET username = excluded.username, role = excluded.role
  WHERE (users.username, users.role) IS DISTINCT FROM (excluded.username, excluded.role);

  RETURN QUERY SELECT n.ord, i.user_id
  FROM unnest(p_issuers, p_subjects) WITH ORDINALITY AS n (issuer, subject, ord)
  JOIN identities i ON i.issuer = n.issuer AND i.subject = n.subject;
END
$$;

-- Makes an account a user, unless it is one already: then whoever it is. NULL: there is no such user.
CREATE FUNCTION link_account (p_issuer text, p_subject uuid, p_user uuid) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO identities (issuer, subject, user_id)
  SELECT p_issuer, p_subject, u.id FROM users u WHERE u.id = p_user FOR KEY SHARE
  ON CONFLICT (issuer, subject) DO NOTHING;
  RETURN (SELECT i.user_id FROM identities i WHERE i.issuer = p_issuer AND i.subject = p_subject);
END
$$;
