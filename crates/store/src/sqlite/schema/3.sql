-- How many hold each lock, kept by the rows themselves: nobody counts them.
CREATE TABLE lock_held (lock TEXT PRIMARY KEY, holders INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO lock_held SELECT lock, count(*) FROM lock_place WHERE held = 1 GROUP BY lock;
CREATE TRIGGER lock_taken AFTER INSERT ON lock_place WHEN NEW.held = 1 BEGIN
  INSERT INTO lock_held VALUES (NEW.lock, 1) ON CONFLICT DO UPDATE SET holders = holders + 1;
END;
CREATE TRIGGER lock_given_back AFTER DELETE ON lock_place WHEN OLD.held = 1 BEGIN
  UPDATE lock_held SET holders = holders - 1 WHERE lock = OLD.lock;
  DELETE FROM lock_held WHERE lock = OLD.lock AND holders = 0;
END;

-- Runs that were completed while they still held or waited for locks.
CREATE TABLE lock_over (run INTEGER PRIMARY KEY) STRICT;
INSERT INTO lock_over SELECT DISTINCT r.run FROM lock_request AS r
  JOIN run_summary AS s ON s.run = r.run WHERE s.completed = 1;
