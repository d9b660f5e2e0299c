"""Files that change while they are sent: what was promised comes, or the connection is cut."""

import os

import pytest

from harness import files, process, wire
from harness.daemon import wait_until

LENGTH = 24 * files.MIB  # more than the buffers of both ends of a connection hold


def begin(daemon, target="/file.bin", headers=()):
    """Asks for a file and reads its head and first bytes, so that the rest is under way."""
    connection = daemon.connect(receive_buffer_bytes=16384)
    connection.send(wire.request(target, headers=list(headers)))
    head = connection.read_head()
    assert head.status in (200, 206)
    return connection, head, connection.read_exactly(1000)


def rest_of(connection):
    """What comes until the daemon ends the connection, and whether it was all that was promised."""
    try:
        return connection.read_exactly(LENGTH - 1000), True
    except wire.Cut as cut:
        return cut.body, False


@pytest.mark.parametrize("left", [0, 1, 500, 100_000, files.MIB])
def test_a_file_that_shrinks_ends_in_a_cut_connection(fleet, tree, left):
    """Never in padding, and never in a wait for bytes that will not come."""
    content = files.pattern(LENGTH, 5)
    files.write_old(tree / "file.bin", content)
    daemon = fleet.serve(tree)
    connection, head, first = begin(daemon)
    assert head.header("content-length") == str(LENGTH)
    os.truncate(tree / "file.bin", left)
    rest, whole = rest_of(connection)
    connection.close()
    assert not whole
    # What was under way may have been handed over without a copy, and changes with the file; what
    # the file still holds is right, whoever copies it.
    kept = min(left, 1000 + len(rest))
    assert (first + rest)[:kept] == content[:kept]
    assert daemon.get("/file.bin").body == content[:left]
    page = daemon.scrape()
    assert page.total("sluiced_http_transfers_cut_total") == 1


def test_a_file_that_shrinks_in_a_range_is_cut_too(fleet, tree):
    files.write_sparse(tree / "file.bin", 2 * LENGTH)
    daemon = fleet.serve(tree)
    connection, head, _ = begin(daemon, headers=[("Range", f"bytes={LENGTH}-")])
    assert head.header("content-length") == str(LENGTH)
    os.truncate(tree / "file.bin", LENGTH // 2)
    _, whole = rest_of(connection)
    connection.close()
    assert not whole


def test_nothing_is_answered_on_a_connection_that_was_cut(fleet, tree):
    files.write_sparse(tree / "file.bin", LENGTH)
    daemon = fleet.serve(tree)
    connection, _, _ = begin(daemon)
    connection.send(wire.request("/file.bin") * 3)
    os.truncate(tree / "file.bin", 0)
    rest, whole = rest_of(connection)
    connection.close()
    assert not whole
    assert b"HTTP/1.1" not in rest


def test_other_clients_are_not_disturbed_by_a_cut(fleet, tree):
    files.write_sparse(tree / "file.bin", LENGTH)
    files.write_old(tree / "other.txt", b"other")
    daemon = fleet.serve(tree)
    with daemon.connect() as other:
        for _ in range(5):
            connection, _, _ = begin(daemon)
            os.truncate(tree / "file.bin", 10)
            assert not rest_of(connection)[1]
            connection.close()
            files.write_sparse(tree / "file.bin", LENGTH)
            other.send(wire.request("/other.txt"))
            assert other.read_response().body == b"other"


def test_a_file_that_is_replaced_is_sent_whole_as_it_was(fleet, tree):
    old, new = files.pattern(LENGTH, 1), files.pattern(LENGTH, 2)
    files.write_old(tree / "file.bin", old)
    daemon = fleet.serve(tree)
    connection, head, first = begin(daemon)
    files.write_old(tree / "new.bin", new)
    os.rename(tree / "new.bin", tree / "file.bin")
    rest, whole = rest_of(connection)
    assert whole and first + rest == old
    # The same connection sees the new file next.
    connection.send(wire.request("/file.bin"))
    response = connection.read_response()
    assert response.body == new
    assert response.header("etag") != head.header("etag")
    connection.close()


def test_a_file_that_is_removed_is_sent_whole(fleet, tree):
    content = files.pattern(LENGTH, 3)
    files.write_old(tree / "file.bin", content)
    daemon = fleet.serve(tree)
    connection, _, first = begin(daemon)
    os.unlink(tree / "file.bin")
    rest, whole = rest_of(connection)
    assert whole and first + rest == content
    connection.send(wire.request("/file.bin"))
    assert connection.read_response().status == 404
    connection.close()


def test_a_file_that_may_no_longer_be_read_is_sent_whole(fleet, tree):
    content = files.pattern(LENGTH, 4)
    files.write_old(tree / "file.bin", content)
    daemon = fleet.serve(tree)
    connection, _, first = begin(daemon)
    os.chmod(tree / "file.bin", 0)
    rest, whole = rest_of(connection)
    connection.close()
    assert whole and first + rest == content


def test_a_file_that_grows_is_sent_as_long_as_was_promised(fleet, tree):
    content = files.pattern(LENGTH, 6)
    files.write_old(tree / "file.bin", content)
    daemon = fleet.serve(tree)
    connection, _, first = begin(daemon)
    with open(tree / "file.bin", "ab") as file:
        file.write(b"MORE" * files.MIB)
    rest, whole = rest_of(connection)
    assert whole and first + rest == content
    # Not a byte more: the next answer begins right behind it.
    connection.send(wire.request("/file.bin", method="HEAD"))
    assert connection.read_response("HEAD").header("content-length") == \
        str(LENGTH + 4 * files.MIB)
    connection.close()


def test_descriptors_of_cut_files_are_closed(fleet, tree):
    files.write_sparse(tree / "file.bin", LENGTH)
    daemon = fleet.serve(tree)
    for _ in range(10):
        files.write_sparse(tree / "file.bin", LENGTH)
        connection, _, _ = begin(daemon)
        os.truncate(tree / "file.bin", 0)
        rest_of(connection)
        connection.close()
    # Not a count: a shard that has just started opens things of its own.
    wait_until(lambda: not any("file.bin" in each for each in process.open_things(daemon.pid)),
               "no descriptor leads to the file")
