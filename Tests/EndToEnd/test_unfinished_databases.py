"""A database of tags whose last changes stand in a file beside it is refused: its rows would be missing without a word."""

import shutil
import sqlite3

import pytest

import lastfm_database
import program
from program import BAD_DATA, refuse


@pytest.fixture
def database(tree, tmp_path):
    path = tmp_path / "lastfm_tags.db"
    lastfm_database.make(tree / "lastfm", path)
    return path


def prepare(tree, database, out, ranks=None):
    return program.run("prepare", "--msd", tree / "msd", "--lastfm", database, "--segments", 252, "--out", out, "--force",
                       ranks=ranks)


def copied(database, folder):
    """The database and what stands beside it, as they are at this moment."""
    folder.mkdir()
    for file in database.parent.glob(database.name + "*"):
        shutil.copy(file, folder)
    return folder / database.name


@pytest.mark.parametrize("ranks", [None, 2], ids=["alone", "two-ranks"])
def test_rows_in_a_write_ahead_log_are_not_left_out(tree, database, tmp_path, ranks):
    before = prepare(tree, database, tmp_path / "before.h5")
    assert before.code == program.DONE, str(before)
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode=WAL")
    with connection:
        connection.execute("DELETE FROM tid_tag WHERE tid % 2 = 0")
    log = database.with_name(database.name + "-wal")
    assert log.stat().st_size > 0
    refused = prepare(tree, database, tmp_path / "songs.h5", ranks)
    refuse(refused, BAD_DATA, f"{database}: ", log, "write-ahead log", f"{log.stat().st_size} bytes", "wal_checkpoint(TRUNCATE)")
    refuse(program.run("inspect", database), BAD_DATA, log)
    # What the message says helps, also while the other program has it open; the log is there, and empty.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert log.stat().st_size == 0
    after = prepare(tree, database, tmp_path / "songs.h5", ranks)
    assert after.code == program.DONE, str(after)
    # And where the log is gone; the database still says that it has one.
    connection.close()
    assert not log.exists() and database.read_bytes()[18:20] == b"\x02\x02"
    again = prepare(tree, database, tmp_path / "again.h5", ranks)
    assert again.code == program.DONE, str(again)
    assert (tmp_path / "songs.h5").read_bytes() == (tmp_path / "again.h5").read_bytes()
    assert (tmp_path / "songs.h5").read_bytes() != (tmp_path / "before.h5").read_bytes()


def test_half_a_transaction_is_not_taken_for_data(tree, database, tmp_path):
    whole = database.read_bytes()
    connection = sqlite3.connect(database, isolation_level=None)
    # So little memory that pages are written before the transaction ends.
    connection.executescript("PRAGMA cache_size = 2; BEGIN; DELETE FROM tid_tag; INSERT INTO tid_tag SELECT rowid, 1, 7 FROM tids")
    broken_off = copied(database, tmp_path / "broken-off")
    connection.close()
    journal = broken_off.with_name(broken_off.name + "-journal")
    assert journal.read_bytes().startswith(bytes.fromhex("d9d505f920a163d7")) and broken_off.read_bytes() != whole
    refused = prepare(tree, broken_off, tmp_path / "songs.h5")
    refuse(refused, BAD_DATA, f"{broken_off}: ", journal, "journal", "sqlite3")
    # A link leads to the same database, and to the journal beside that.
    link = tmp_path / "link.db"
    link.symlink_to(broken_off)
    refuse(prepare(tree, link, tmp_path / "songs.h5"), BAD_DATA, journal)
    # What the message says helps: a program that may write rolls it back.
    sqlite3.connect(broken_off).execute("SELECT count(*) FROM tids").fetchone()
    assert not journal.exists()
    assert prepare(tree, broken_off, tmp_path / "songs.h5").code == program.DONE


def test_a_journal_whose_transaction_has_ended_is_no_trouble(tree, database, tmp_path):
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode=PERSIST")
    with connection:
        connection.execute("DELETE FROM tid_tag WHERE tid = 1")
    connection.close()
    journal = database.with_name(database.name + "-journal")
    assert journal.stat().st_size > 0 and journal.read_bytes()[:8] == bytes(8)
    outcome = prepare(tree, database, tmp_path / "songs.h5")
    assert outcome.code == program.DONE, str(outcome)
