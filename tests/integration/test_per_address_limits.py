"""How many connections one client address may have."""

import socket

import pytest

from harness import files, wire
from harness.daemon import wait_until

MOST = 3


@pytest.fixture
def start(fleet, tree):
    files.write_old(tree / "small.txt", b"small")

    def run(address="0.0.0.0:0", more=""):
        daemon = fleet.run(files.configuration(
            tree, extra=f"{files.PATIENT}limits:\n  max_connections_per_address: {MOST}\n",
            listeners=f"  - {{name: web, address: \"{address}\"{more}}}"))
        return daemon
    return run


def connect(daemon, source):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    plain.settimeout(60)
    plain.bind((source, 0))
    plain.connect(("::1" if ":" in source else "127.0.0.1", daemon.endpoint.address[1]))
    return wire.Connection(plain)


def refused(daemon):
    return daemon.scrape().total("sluiced_connections_closed_total", reason="per_address")


def fill(daemon, source):
    held = [connect(daemon, source) for _ in range(MOST)]
    for connection in held:
        connection.send(wire.request("/small.txt"))
        assert connection.read_response().body == b"small"
    return held


def expect_refused(daemon, source):
    before = refused(daemon)
    with connect(daemon, source) as connection:
        connection.drain_to_end()
    assert refused(daemon) == before + 1


def test_one_address_gets_so_many_connections_on_all_shards_together(start):
    daemon = start()
    held = fill(daemon, "127.0.0.1")
    for _ in range(10):
        expect_refused(daemon, "127.0.0.1")
    assert daemon.scrape().total("sluiced_connections") == MOST
    for connection in held:
        connection.close()


def test_a_place_is_free_again_when_a_connection_ends(start):
    daemon = start()
    for _ in range(5):
        held = fill(daemon, "127.0.0.1")
        expect_refused(daemon, "127.0.0.1")
        for connection in held:
            connection.close()
        wait_until(lambda: daemon.scrape().total("sluiced_connections") == 0, "all are gone")


def test_addresses_do_not_count_for_each_other(start):
    daemon = start()
    held = fill(daemon, "127.0.0.1") + fill(daemon, "127.0.0.2") + fill(daemon, "127.1.2.3")
    expect_refused(daemon, "127.0.0.2")
    assert len(held) == 3 * MOST
    assert daemon.scrape().total("sluiced_connections") == 3 * MOST


def test_ipv4_through_an_ipv6_socket_is_told_apart_by_address(start):
    daemon = start(address="[::]:0")
    held = fill(daemon, "127.0.0.1") + fill(daemon, "127.0.0.2") + fill(daemon, "::1")
    for source in ("127.0.0.1", "127.0.0.2", "::1"):
        expect_refused(daemon, source)
    assert len(held) == 3 * MOST


def test_who_is_refused_pushes_nobody_out(start):
    """The listener is full, and an address that has its share already comes again and again."""
    daemon = start(more=f", max_connections: {MOST + 1}")
    held = fill(daemon, "127.0.0.1")
    other = connect(daemon, "127.0.0.2")
    other.send(wire.request("/small.txt"))
    assert other.read_response().body == b"small"
    for _ in range(20):
        expect_refused(daemon, "127.0.0.1")
    assert not other.ended()
    assert not any(connection.ended() for connection in held)
    with connect(daemon, "127.0.0.3") as fresh:
        fresh.send(wire.request("/small.txt"))
        assert fresh.read_response().body == b"small"
