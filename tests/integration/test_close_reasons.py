"""Why a connection ended is counted, once and under its own name."""

import os
import signal

import pytest

from harness import files, wire
from harness.daemon import wait_until

LENGTH = 24 * files.MIB


class Ends:
    """A daemon, and the reasons of the connections that have ended since."""

    def __init__(self, fleet, tree, extra="", listener=""):
        files.write_old(tree / "small.txt", b"small")
        files.write_sparse(tree / "large.bin", LENGTH)
        self.daemon = fleet.run(files.configuration(
            tree, extra=extra, listeners=f"  - {{name: web, address: 127.0.0.1:0{listener}}}"))

    def counted(self):
        page = self.daemon.scrape()
        family = "sluiced_connections_closed_total"
        return {reason: page.total(family, reason=reason) for reason in page.values(family, "reason")
                if page.total(family, reason=reason)}

    def expect(self, *reasons):
        wait_until(lambda: sum(self.counted().values()) >= len(reasons), f"{reasons} are counted")
        assert self.counted() == {reason: reasons.count(reason) for reason in reasons}


@pytest.fixture
def run(fleet, tree):
    return lambda extra=files.PATIENT, **options: Ends(fleet, tree, extra, **options)


def test_a_client_that_goes_or_asks_to_be_let_go(run):
    ends = run()
    ends.daemon.get("/small.txt")
    with ends.daemon.connect() as connection:
        connection.send(wire.request("/small.txt"))
        connection.read_response()
    ends.expect("client", "client")


def test_silence_between_requests_and_within_a_head(run):
    ends = run("timeouts: {idle: 1s, header: 1s}\n")
    with ends.daemon.connect() as silent, ends.daemon.connect() as slow:
        slow.send(b"GET / HT")
        silent.drain_to_end()
        slow.drain_to_end()
    ends.expect("idle_timeout", "head_timeout")


def test_a_body_that_does_not_come(run):
    ends = run("timeouts: {read_stall: 1s, idle: 1h}\n")
    with ends.daemon.connect() as connection:
        connection.send(wire.request("/small.txt", method="POST", body=b"x",
                                     headers=[("Content-Length", "1000")]))
        connection.drain_to_end()
    ends.expect("body_timeout")


def test_a_body_too_large_to_be_dropped(run):
    ends = run()
    with ends.daemon.connect() as connection:
        connection.send(wire.request("/small.txt", headers=[("Content-Length", "65537")]))
        assert connection.read_response().announces_close
        connection.half_close()
        connection.expect_close()
    ends.expect("body_refused")


def test_a_message_that_is_none(run):
    ends = run()
    assert wire.exchange(ends.daemon.endpoint, b"NONSENSE\r\n\r\n")[0].status == 400
    ends.expect("protocol_error")


def test_the_last_request_of_a_connection(run):
    ends = run("limits: {requests_per_connection: 2}\n")
    assert len(wire.exchange(ends.daemon.endpoint, wire.request("/small.txt") * 3)) == 2
    ends.expect("request_limit")


def test_a_client_that_takes_nothing(run):
    ends = run("timeouts: {write_stall: 1s, idle: 1h}\n")
    with ends.daemon.connect(receive_buffer_bytes=4096) as connection:
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
        ends.expect("write_stall")


def test_a_file_that_gets_shorter(run, tree):
    ends = run()
    with ends.daemon.connect(receive_buffer_bytes=4096) as connection:
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
        os.truncate(tree / "large.bin", files.MIB)
        connection.drain_to_end()
    ends.expect("transfer_cut")


def test_one_address_too_often(run):
    ends = run("limits: {max_connections_per_address: 1}\n")
    with ends.daemon.connect() as first:
        first.send(wire.request("/small.txt"))
        assert first.read_response().status == 200
        with ends.daemon.connect() as second:
            second.expect_close()
        ends.expect("per_address")


def test_one_that_gives_way(run):
    # Of several shards each may have one more.
    ends = run(files.PATIENT + "runtime: {workers: 1}\n", listener=", max_connections: 4")
    idle = [ends.daemon.connect() for _ in range(4)]
    for connection in idle:
        connection.send(wire.request("/small.txt"))
        assert connection.read_response().status == 200
    assert ends.daemon.get("/small.txt").status == 200
    wait_until(lambda: "evicted" in ends.counted(), "one has given way")
    for connection in idle:
        connection.close()


def test_those_that_wait_while_the_daemon_stops(run):
    ends = run()
    with ends.daemon.connect(receive_buffer_bytes=4096) as loading, ends.daemon.connect() as idle:
        loading.send(wire.request("/large.bin"))
        assert loading.read_head().status == 200
        idle.send(wire.request("/small.txt"))
        assert idle.read_response().status == 200
        ends.daemon.signal(signal.SIGTERM)
        idle.expect_close()
        ends.expect("drain")
