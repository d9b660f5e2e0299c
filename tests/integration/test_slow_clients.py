"""The rate below which a body is not moved, and what counts as progress."""

import socket
import threading
import time

import pytest

from harness import files, wire
from harness.daemon import wait_until

LENGTH = 24 * files.MIB


@pytest.fixture
def start(fleet, tree):
    files.write_old(tree / "small.txt", b"small")
    files.write_sparse(tree / "large.bin", LENGTH)

    def run(rate, grace, more=""):
        timeouts = (f"timeouts:\n  idle: 1h\n  write_stall: 1h\n  read_stall: 1h\n{more}"
                    f"  min_rate: {{bytes_per_second: {rate}, grace: {grace}}}\n")
        return fleet.run(files.configuration(tree, extra=timeouts))
    return run


def closed(daemon, reason):
    return daemon.scrape().total("sluiced_connections_closed_total", reason=reason)


def trickle(connection, stop):
    """Takes a few bytes now and then: never silent, and never done."""
    connection.socket.settimeout(1)
    while not stop.is_set():
        try:
            if not connection.socket.recv(100):
                return
        except (TimeoutError, ConnectionResetError):
            pass
        stop.wait(0.05)


def test_a_client_that_takes_a_body_too_slowly_is_cut(start):
    daemon = start("1MiB", "1s")
    stop = threading.Event()
    with daemon.connect(receive_buffer_bytes=4096) as connection:
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
        reader = threading.Thread(target=trickle, args=(connection, stop))
        reader.start()
        try:
            wait_until(lambda: closed(daemon, "min_rate") == 1, "the slow client is cut")
        finally:
            stop.set()
            reader.join()
    assert daemon.scrape().total("sluiced_http_transfers_cut_total", reason="min_rate") == 1


def test_a_slow_but_honest_client_gets_everything(start):
    daemon = start("1000", "4s")
    with daemon.connect(receive_buffer_bytes=65536) as connection:
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
        left = LENGTH
        while left > 0:
            step = min(left, 256 * 1024)
            connection.read_exactly(step)
            left -= step
            time.sleep(0.1)  # 96 pauses: about 10 s, more than twice the grace
    assert closed(daemon, "min_rate") == 0


def test_a_connection_between_two_requests_has_no_rate(start):
    daemon = start("1MiB", "1s")
    with daemon.connect() as connection:
        for _ in range(3):
            connection.send(wire.request("/small.txt"))
            assert connection.read_response().body == b"small"
            time.sleep(0.8)  # one and a half times the graces pass
    assert closed(daemon, "min_rate") == 0


def test_a_body_that_comes_too_slowly_is_given_up(start):
    daemon = start("1MiB", "500ms")
    with daemon.connect() as connection:
        connection.send(wire.request("/small.txt", method="POST",
                                     headers=[("Content-Length", "60000")]))
        assert connection.read_response().status == 405
        while not connection.ended():
            connection.send(b"x")
            time.sleep(0.05)
    wait_until(lambda: closed(daemon, "min_rate") == 1, "the connection is given up")


def test_a_body_is_awaited_for_two_seconds_however_steadily_it_comes(start):
    daemon = start("0", "1s")
    with daemon.connect() as connection:
        connection.send(wire.request("/small.txt", method="POST",
                                     headers=[("Content-Length", "60000")]))
        assert connection.read_response().status == 405
        while not connection.ended():
            connection.send(b"x")
            time.sleep(0.05)
    wait_until(lambda: closed(daemon, "body_timeout") == 1, "the connection is given up")


def test_a_stall_is_told_from_a_full_buffer(fleet, tree):
    """The kernel holds megabytes for a client that reads slowly, and makes no room for minutes: as
    long as the client takes some of it, it has not stalled."""
    files.write_sparse(tree / "large.bin", LENGTH)
    daemon = fleet.run(files.configuration(tree, extra="timeouts:\n  write_stall: 2s\n"))
    with daemon.connect(receive_buffer_bytes=4096) as connection:
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
        end = time.monotonic() + 8
        while time.monotonic() < end:
            connection.read_exactly(2048)
            time.sleep(0.1)  # 20 KiB/s: the kernel's buffer would last for two minutes
        assert closed(daemon, "write_stall") == 0
        assert not connection.ended()
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
