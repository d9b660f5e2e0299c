"""What connections cost, and that it is given back: descriptors, memory, processor time."""

import os
import pathlib
import time

import pytest

from harness import files, process, wire
from harness.daemon import wait_until

IDLE_CONNECTIONS = 1000
ABORTED_DOWNLOADS = 2000


@pytest.fixture
def served(fleet, tree):
    files.write_sparse(tree / "large.bin", 64 * files.MIB)
    files.write_old(tree / "small.txt", b"small")
    # The address sanitizer keeps what was freed, 256 MiB of it by default, to notice its use: that
    # is no growth of the daemon's.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    # Files that are kept open would be counted as left open.
    extra = files.PATIENT + "runtime:\n  cached_files: 0\n"
    return fleet.run(files.configuration(tree, extra=extra),
                     env={**os.environ, "ASAN_OPTIONS": options})


def idle_descriptors(daemon):
    """The number of descriptors once everything has been used that is opened on first use."""
    daemon.get("/small.txt")
    daemon.get("/missing")
    daemon.scrape()
    wait_until(lambda: open_connections(daemon) == 0, "no connection is open")
    return held_descriptors(daemon)


def held_descriptors(daemon):
    """Without those of files that are kept open for the next request: each shard keeps its own."""
    kept = daemon.scrape().total("sluiced_file_cache_entries")
    return process.descriptor_count(daemon.pid) - kept


def open_connections(daemon):
    return daemon.scrape().total("sluiced_connections")


def test_aborted_downloads_leave_nothing_open(served):
    idle = idle_descriptors(served)
    for number in range(ABORTED_DOWNLOADS):
        connection = served.connect(receive_buffer_bytes=4096)
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
        if number % 2:
            connection.reset()
        else:
            connection.close()
    wait_until(lambda: held_descriptors(served) <= idle,
               "descriptors go back to the idle count")
    assert served.scrape().total("sluiced_http_transfers_cut_total") == ABORTED_DOWNLOADS
    assert served.get("/small.txt").body == b"small"


def test_clients_that_go_at_any_moment_leave_nothing_open(served):
    """In the middle of a request, before an answer, and with answers under way."""
    idle = idle_descriptors(served)
    data = wire.request("/small.txt") * 3 + wire.request("/large.bin")
    for number in range(600):
        connection = served.connect()
        connection.send(data[:number % (len(data) + 1)])
        if number % 3 == 0:
            connection.reset()
        elif number % 3 == 1:
            connection.half_close()
            connection.close()
        else:
            connection.close()
    wait_until(lambda: held_descriptors(served) <= idle,
               "descriptors go back to the idle count")
    wait_until(lambda: open_connections(served) == 0, "no connection is counted")


def test_idle_connections_cost_no_processor_time(served, capsys):
    """Half of them have said nothing yet, half have had an answer and keep the connection."""
    idle_descriptors(served)
    before_bytes = process.resident_bytes(served.pid)
    connections = [served.connect() for _ in range(IDLE_CONNECTIONS)]
    for connection in connections[::2]:
        connection.send(wire.request("/small.txt"))
        assert connection.read_response().body == b"small"
    wait_until(lambda: open_connections(served) == IDLE_CONNECTIONS, "all have been accepted")
    after_bytes = process.resident_bytes(served.pid)

    before_s = process.cpu_seconds(served.pid)
    time.sleep(10)  # what is measured is the time in which nothing happens
    used_s = process.cpu_seconds(served.pid) - before_s

    with capsys.disabled():
        print(f"\n{IDLE_CONNECTIONS} idle connections: {used_s:.2f} s of CPU in 10 s; resident "
              f"memory {before_bytes // 1024} KiB without, {after_bytes // 1024} KiB with them")
    assert used_s < 0.1
    for connection in connections:
        connection.send(wire.request("/small.txt"))
        assert connection.read_response().body == b"small"
        connection.close()
    wait_until(lambda: open_connections(served) == 0, "all are gone")


def test_neither_memory_nor_descriptors_grow_with_requests(served):
    """The second twelve thousand requests need no more than the first have left in place."""
    def twelve_thousand():
        for _ in range(3):
            connections = [served.connect() for _ in range(64)]
            for connection in connections:
                connection.send(wire.request("/small.txt") * 40 + wire.request("/missing") * 23)
            for connection in connections:
                for number in range(63):
                    assert connection.read_response().status == (200 if number < 40 else 404)
                connection.close()
        descriptors = idle_descriptors(served)
        return process.resident_bytes(served.pid), descriptors

    first_bytes, first_descriptors = twelve_thousand()
    second_bytes, _ = twelve_thousand()
    assert second_bytes - first_bytes < 8 * files.MIB
    # The scrape before this one may still be closing its connection.
    wait_until(lambda: held_descriptors(served) <= first_descriptors,
               "no more descriptors are held than after the first")


def limited(fleet, tree, limit, extra=""):
    files.write_old(tree / "small.txt", b"small")
    return fleet.run(files.configuration(tree, extra=extra, listeners=(
        f"  - {{name: web, address: 127.0.0.1:0, max_connections: {limit}}}")))


def ask(connection):
    connection.send(wire.request("/small.txt"))
    assert connection.read_response().body == b"small"


def test_the_number_of_connections_is_limited(fleet, tree):
    """Beyond max_connections a client waits, is turned away or takes the place of an idle one; but
    never are there more of them, and as soon as they go there is room."""
    daemon = limited(fleet, tree, 8, "runtime:\n  workers: 1\n" + files.PATIENT)
    daemon.scrape()
    idle = process.descriptor_count(daemon.pid)
    first = [daemon.connect() for _ in range(8)]
    for connection in first:
        ask(connection)
    flood = [daemon.connect() for _ in range(1000)]
    for connection in flood:
        connection.send(wire.request("/small.txt"))
    for _ in range(20):
        assert open_connections(daemon) <= 8
        # The scrape's own connection may still be open, and one that is just being accepted.
        assert process.descriptor_count(daemon.pid) <= idle + 8 + 2
    for connection in first + flood:
        connection.close()
    wait_until(lambda: open_connections(daemon) == 0, "all are gone")
    assert daemon.get("/small.txt").body == b"small"


def test_a_waiting_client_gets_its_turn_when_another_goes(fleet, tree):
    daemon = limited(fleet, tree, 4, "runtime:\n  workers: 1\n" + files.PATIENT)
    first = [daemon.connect() for _ in range(4)]
    for connection in first:
        ask(connection)
    waiting = daemon.connect()
    waiting.send(wire.request("/small.txt"))
    first[2].close()
    assert waiting.read_response().body == b"small"
    for connection in [*first, waiting]:
        connection.close()
    for _ in range(40):
        assert daemon.get("/small.txt").body == b"small"


def test_connections_up_to_the_limit_are_all_served(fleet, tree):
    """Whichever worker each of them falls to."""
    daemon = limited(fleet, tree, 4, files.PATIENT)
    for _ in range(6):
        connections = [daemon.connect() for _ in range(4)]
        for connection in connections:
            ask(connection)
        for connection in connections:
            connection.close()
        wait_until(lambda: open_connections(daemon) == 0, "all are gone")


def test_the_lack_of_descriptors_is_survived(fleet, tree):
    """At the limit of open files nothing spins or crashes, and afterwards all is as before."""
    files.write_old(tree / "small.txt", b"small")
    daemon = fleet.run(files.configuration(tree, extra="runtime:\n  max_open_files: 64\n"),
                       launcher=["prlimit", "--nofile=64:64", "--"])
    daemon.get("/small.txt")
    flood = [daemon.connect() for _ in range(200)]
    for connection in flood[:20]:
        connection.send(wire.request("/small.txt"))
    before_s = process.cpu_seconds(daemon.pid)
    time.sleep(3)  # what is measured is the time in which nothing can be done
    assert process.cpu_seconds(daemon.pid) - before_s < 0.6
    for connection in flood:
        connection.close()
    wait_until(lambda: daemon.get("/small.txt").status == 200, "a client is served again")
    assert len(daemon.stderr) < 20_000


def test_the_table_of_descriptors_is_as_large_as_it_may_become(fleet, tree):
    """The kernel would else stop all shards for milliseconds each time that it makes it larger."""
    daemon = fleet.run(files.configuration(tree, extra="runtime:\n  max_open_files: 2000\n"))
    status = dict(line.split(":", 1) for line in
                  pathlib.Path(f"/proc/{daemon.pid}/status").read_text().splitlines())
    assert int(status["FDSize"]) >= 2000
