-- What a run is: written once.
CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  uid TEXT NOT NULL,
  labels TEXT NOT NULL,
  annotations TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (namespace, name)
) STRICT;
CREATE INDEX run_by_uid ON run (uid);

-- Apart from `run`, since lists must not page over it.
CREATE TABLE run_definition (
  run INTEGER PRIMARY KEY,
  options BLOB NOT NULL,
  environment BLOB NOT NULL,
  definition BLOB NOT NULL
) STRICT;

-- What changes with every turn, kept small.
CREATE TABLE run_summary (
  run INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL DEFAULT 0,
  owner_process INTEGER,
  phase TEXT,
  message TEXT NOT NULL DEFAULT '',
  started_at INTEGER,
  finished_at INTEGER,
  progress_done INTEGER NOT NULL DEFAULT 0,
  progress_total INTEGER NOT NULL DEFAULT 0,
  counts TEXT NOT NULL DEFAULT '[0,0,0,0,0,0,0]',
  suspended INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_to_do ON run_summary (run) WHERE completed = 0;

CREATE TABLE run_state (run INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT;

CREATE TABLE node (
  run INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (run, idx)
) STRICT, WITHOUT ROWID;

-- With a rowid: long rows in a tree without one would make it deep.
CREATE TABLE value (
  run INTEGER NOT NULL,
  hash BLOB NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (run, hash)
) STRICT;

CREATE TABLE log (
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  entry BLOB NOT NULL,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE command (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run INTEGER NOT NULL,
  command BLOB NOT NULL
) STRICT;
CREATE INDEX command_by_run ON command (run, id);

-- Deleted runs whose rows are still being taken away.
CREATE TABLE erasing (run INTEGER PRIMARY KEY) STRICT;

CREATE TABLE object (
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  resource_version INTEGER NOT NULL,
  json BLOB NOT NULL,
  UNIQUE (kind, namespace, name)
) STRICT;

CREATE TABLE slot_owner (
  owner TEXT PRIMARY KEY,
  process INTEGER NOT NULL,
  held INTEGER NOT NULL DEFAULT 0,
  wanted INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Who holds or waits for locks, and, by lock, in which order.
CREATE TABLE lock_request (
  run INTEGER NOT NULL,
  node INTEGER NOT NULL,
  held INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  key TEXT NOT NULL,
  locks TEXT NOT NULL,
  PRIMARY KEY (run, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE lock_place (
  lock TEXT NOT NULL,
  held INTEGER NOT NULL,
  urgency INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  node INTEGER NOT NULL,
  PRIMARY KEY (lock, held, urgency, created_at, run, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX lock_place_by_run ON lock_place (run, node);

CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counter VALUES ('resource_version', 0), ('slots_total', 0);
