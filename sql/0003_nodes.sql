-- What the nodes of this database have in common and others must not know.

-- One row. A new key takes effect when every node was started again.
CREATE TABLE nodes (
  only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT nodes_only_row CHECK (only_row),
  frame_key bytea NOT NULL CONSTRAINT nodes_frame_key_length CHECK (octet_length(frame_key) = 32)
);
COMMENT ON COLUMN nodes.frame_key IS 'nodes sign with it what they tell each other by Redis';
COMMENT ON INDEX nodes_pkey IS 'keeps the table at one row';

-- 244 random bits.
INSERT INTO nodes (frame_key) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
