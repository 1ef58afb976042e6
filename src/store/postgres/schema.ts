/** Tables of the log. All are in the schema `feed_publisher` of the database: one publication for each database. */
export const SCHEMA_SQL = `
CREATE SCHEMA IF NOT EXISTS feed_publisher;

-- One row. A sequence would have gaps, and its numbers become visible out of order.
CREATE TABLE IF NOT EXISTS feed_publisher.head (
  is_head boolean PRIMARY KEY DEFAULT true CHECK (is_head),
  log uuid NOT NULL DEFAULT gen_random_uuid(),
  -- of the last operation
  last bigint NOT NULL DEFAULT 0,
  -- of the first operation that is kept
  first bigint NOT NULL DEFAULT 1,
  -- of the last one that erased an article
  erased bigint NOT NULL DEFAULT 0,
  -- the schema of the stores that follow: programs of another version must not follow
  format integer NOT NULL
);

CREATE TABLE IF NOT EXISTS feed_publisher.operation (
  position bigint PRIMARY KEY,
  token text NOT NULL UNIQUE,
  -- the replica that asked for it
  replica uuid NOT NULL,
  logged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  body bytea NOT NULL
);
-- Bodies are compressed already.
ALTER TABLE feed_publisher.operation ALTER COLUMN body SET STORAGE EXTERNAL;

-- A process that writes. A session that was lost must not write any more: it has another number by then.
CREATE TABLE IF NOT EXISTS feed_publisher.writer (
  id uuid PRIMARY KEY,
  session integer NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A replica, as of its last heartbeat.
CREATE TABLE IF NOT EXISTS feed_publisher.replica (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  applied bigint NOT NULL,
  revision bigint NOT NULL,
  checksum bigint NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Copies of the store, in pieces. A copy without all of its pieces is not complete.
CREATE TABLE IF NOT EXISTS feed_publisher.snapshot (
  id uuid PRIMARY KEY,
  position bigint NOT NULL,
  format integer NOT NULL,
  pieces integer NOT NULL,
  bytes bigint NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS feed_publisher.snapshot_piece (
  snapshot uuid NOT NULL,
  piece integer NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (snapshot, piece)
);
ALTER TABLE feed_publisher.snapshot_piece ALTER COLUMN content SET STORAGE EXTERNAL;

-- A replica that delivers to partners: the number of its last batch, and how far its record goes.
CREATE TABLE IF NOT EXISTS feed_publisher.delivery_machine (
  id uuid PRIMARY KEY,
  last bigint NOT NULL,
  state jsonb,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What replicas have delivered. The id is the one that the replica has given: a batch is here once.
CREATE TABLE IF NOT EXISTS feed_publisher.delivery_batch (
  machine uuid NOT NULL,
  number bigint NOT NULL,
  id uuid NOT NULL UNIQUE,
  deliveries jsonb NOT NULL,
  -- when the newest of them was made, in milliseconds since 1970
  newest bigint NOT NULL,
  PRIMARY KEY (machine, number)
);
CREATE INDEX IF NOT EXISTS delivery_batch_newest ON feed_publisher.delivery_batch (newest);

-- What a replica has counted in an hour, for /status of all replicas. Hours are counted since 1970.
CREATE TABLE IF NOT EXISTS feed_publisher.traffic_hour (
  machine uuid NOT NULL,
  hour bigint NOT NULL,
  counts bytea NOT NULL,
  saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (machine, hour)
);
`;

/** What is created last: where it is there, everything is. */
export const LAST_CREATED = 'feed_publisher.traffic_hour';

/** Of the advisory locks: “feed” as a number. */
export const LOCKS = 0x66656564;
/** Creates and changes the tables. */
export const SCHEMA_LOCK = 1;
/** The owner watches files and removes what is old. */
export const OWNER_LOCK = 2;
/** One replica at a time compares the store with the publication at its start. */
export const START_LOCK = 3;

/** The channel on which replicas learn of operations. */
export const CHANNEL = 'feed_publisher';
