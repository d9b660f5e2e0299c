"""At the limit of connections the idlest and slowest give way; those that make progress never do."""

import threading
import time

import pytest

from harness import files, wire
from harness.daemon import wait_until

SLOTS = 8
LENGTH = 64 * files.MIB


@pytest.fixture
def start(fleet, tree):
    files.write_old(tree / "small.txt", b"small")
    files.write_sparse(tree / "large.bin", LENGTH)

    def run(extra="", workers=1):
        return fleet.run(files.configuration(
            tree, extra=f"{files.PATIENT}{extra}runtime:\n  workers: {workers}\n",
            listeners=f"  - {{name: web, address: 127.0.0.1:0, max_connections: {SLOTS}}}"))
    return run


def ask(connection):
    connection.send(wire.request("/small.txt"))
    assert connection.read_response().body == b"small"


def evicted(daemon):
    return daemon.scrape().total("sluiced_connections_closed_total", reason="evicted")


@pytest.mark.parametrize("workers", [1, 2])
def test_idle_connections_give_way_to_new_ones(start, workers):
    daemon = start(workers=workers)
    idle = [daemon.connect() for _ in range(SLOTS)]
    for connection in idle:
        ask(connection)
    for _ in range(5):
        assert daemon.get("/small.txt").body == b"small"
    assert evicted(daemon) >= 1
    assert any(connection.ended() for connection in idle)


def test_nobody_gives_way_while_nobody_waits(start):
    daemon = start()
    idle = [daemon.connect() for _ in range(SLOTS)]
    for _ in range(3):
        for connection in idle:
            ask(connection)
        time.sleep(0.3)  # long enough to be thought idle
    assert evicted(daemon) == 0


def test_the_idlest_gives_way_first(start):
    daemon = start()
    connections = [daemon.connect() for _ in range(SLOTS)]
    for connection in connections:
        ask(connection)
        time.sleep(0.1)  # what is compared is how long each has been idle
    assert daemon.get("/small.txt").body == b"small"
    wait_until(lambda: evicted(daemon) == 1, "one gives way")
    assert [connection.ended() for connection in connections] == [True] + [False] * (SLOTS - 1)


def test_connections_without_a_complete_head_give_way(start):
    daemon = start()
    slow = [daemon.connect() for _ in range(SLOTS)]
    for connection in slow:
        connection.send(b"GET /small.txt HTTP/1.1\r\nHost: te")
    assert daemon.get("/small.txt").body == b"small"
    assert evicted(daemon) >= 1


def test_idle_connections_give_way_before_those_that_are_sending_a_head(start):
    daemon = start()
    slow = [daemon.connect() for _ in range(SLOTS - 1)]
    for connection in slow:
        connection.send(b"GET /small.txt HTTP/1.1\r\nHost: te")
    idle = daemon.connect()
    ask(idle)
    time.sleep(0.3)  # who has just been served does not give way yet
    wait_until(lambda: daemon.scrape().total("sluiced_connections", state="head") == SLOTS - 1,
               "all heads have begun")
    assert daemon.get("/small.txt").body == b"small"
    assert idle.ended()
    for connection in slow:
        connection.send(b"st\r\n\r\n")
        assert connection.read_response().body == b"small"


def test_clients_that_do_not_read_give_way(start):
    daemon = start()
    slow = [daemon.connect(receive_buffer_bytes=4096) for _ in range(SLOTS)]
    for connection in slow:
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
    assert daemon.get("/small.txt").body == b"small"
    page = daemon.scrape()
    assert page.total("sluiced_connections_closed_total", reason="evicted") >= 1
    assert page.total("sluiced_http_transfers_cut_total", reason="evicted") >= 1


def test_downloads_that_make_progress_never_give_way(start, tree):
    """New clients wait then, and are served when one has ended."""
    files.write_sparse(tree / "endless.bin", 1024 * files.GIB)
    daemon = start()
    done = threading.Event()
    failures = []

    def download():
        with daemon.connect(receive_buffer_bytes=65536) as connection:
            try:
                connection.send(wire.request("/endless.bin"))
                assert connection.read_head().status == 200
                while not done.is_set():
                    connection.read_exactly(files.MIB)
            except AssertionError as failure:
                failures.append(failure)

    busy = [threading.Thread(target=download) for _ in range(SLOTS)]
    for thread in busy:
        thread.start()
    try:
        wait_until(lambda: daemon.scrape().total("sluiced_connections") == SLOTS, "all are served")
        waiting = daemon.connect()
        waiting.send(wire.request("/small.txt"))
        time.sleep(2)  # the time in which it could be let in at the cost of another
        assert evicted(daemon) == 0
    finally:
        done.set()
        for thread in busy:
            thread.join()
    assert not failures
    assert waiting.read_response().body == b"small"


def test_the_limit_of_all_listeners_together_holds(fleet, tree):
    files.write_old(tree / "small.txt", b"small")
    daemon = fleet.run(files.configuration(
        tree, extra=f"{files.PATIENT}limits:\n  max_connections: 4\nruntime:\n  workers: 2\n",
        listeners="  - {name: one, address: 127.0.0.1:0}\n  - {name: two, address: 127.0.0.1:0}"),
        listeners=2)
    kept = []
    for number in range(24):
        endpoint = list(daemon.endpoints.values())[number % 2]
        connection = wire.Connection(endpoint.connect())
        kept.append(connection)
        ask(connection)
        # Sockets that look at the same moment may each take one more; each shard has two.
        assert daemon.scrape().total("sluiced_connections") <= 4 + 3
    assert evicted(daemon) >= 18


def test_files_can_be_opened_at_the_limit_of_descriptors(fleet, tree):
    """Connections are kept to a number that leaves descriptors for files."""
    for number in range(40):
        files.write_old(tree / f"{number}.txt", b"content")
    daemon = fleet.run(
        files.configuration(tree, extra=f"{files.PATIENT}runtime:\n  cached_files: 0\n"
                                        "  max_open_files: 96\n"),
        launcher=["prlimit", "--nofile=96:96", "--"])
    flood = [daemon.connect() for _ in range(200)]
    for number in range(40):
        assert daemon.get(f"/{number}.txt").body == b"content"
    page = daemon.scrape()
    assert page.total("sluiced_accept_back_offs_total") == 0
    assert page.total("sluiced_http_requests_total", code="503") == 0
    assert "the limit of open files allows" in daemon.stderr
    for connection in flood:
        connection.close()
