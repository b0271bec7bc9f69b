# SPDX-License-Identifier: BSD-2-Clause
"""SQLite with its file mapped into memory, through a child's death in the midst of a transaction."""
import os
import signal
import sqlite3

ROWS = 4000


def connect():
    db = sqlite3.connect("store.db", isolation_level=None)
    assert db.execute("PRAGMA mmap_size=67108864").fetchone()[0] == 67108864
    db.execute("PRAGMA cache_size=-256")
    return db


def summed(db):
    return db.execute("SELECT count(*), sum(a), sum(length(b)) FROM t").fetchone()


db = connect()
db.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
db.execute("BEGIN")
db.executemany("INSERT INTO t VALUES(?, ?)", ((i, "r" * (i % 500)) for i in range(ROWS)))
db.execute("COMMIT")
want = ROWS, ROWS * (ROWS - 1) // 2, sum(i % 500 for i in range(ROWS))
assert summed(db) == want, summed(db)
db.close()
pid = os.fork()
if pid == 0:
    db = connect()
    db.execute("BEGIN")
    db.execute("UPDATE t SET b = b || 'lost'")
    os.kill(os.getpid(), signal.SIGKILL)
assert os.waitpid(pid, 0)[1] == signal.SIGKILL
db = connect()
assert summed(db) == want, summed(db)
db.execute("DELETE FROM t WHERE a % 2")
db.execute("VACUUM")
assert summed(db) == (ROWS // 2, sum(range(0, ROWS, 2)), sum(i % 500 for i in range(0, ROWS, 2)))
assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
print(f"{ROWS} rows in mapped memory are right after a death, DELETE and VACUUM")
