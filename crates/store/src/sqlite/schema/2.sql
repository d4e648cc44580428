-- What the turns of runs have asked to be done, until it has been carried out.
CREATE TABLE outbox (
  run INTEGER NOT NULL,
  number INTEGER NOT NULL,
  entry BLOB NOT NULL,
  PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

-- The series of metrics that workflows have told of.
CREATE TABLE metric (
  name TEXT NOT NULL,
  labels TEXT NOT NULL,
  owner INTEGER,
  updated INTEGER NOT NULL,
  series BLOB NOT NULL,
  PRIMARY KEY (name, labels)
) STRICT, WITHOUT ROWID;
CREATE INDEX metric_by_owner ON metric (owner) WHERE owner IS NOT NULL;

-- When an ended run is to be deleted.
ALTER TABLE run_summary ADD COLUMN delete_at INTEGER;
CREATE INDEX run_to_delete ON run_summary (delete_at) WHERE delete_at IS NOT NULL;
