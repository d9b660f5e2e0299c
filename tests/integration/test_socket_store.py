"""The daemon has the service manager hold its listeners, so that the next run has them (FDSTORE=1 of
sd_notify(3)): without a .socket unit nobody is refused over a restart either."""

import contextlib
import os
import socket

import pytest

from harness import control, wire
from harness.daemon import LIMIT_S, wait_until
from harness.service_manager import StoringManager, listening

# Loopback addresses that are this process's alone, so that ports of its choice are free on them.
HOST = f"127.{64 + os.getpid() % 64}.{os.getpid() // 64 % 256}.{1 + os.getpid() // 16384 % 254}"
WEB = f"  - {{name: web, address: {HOST}:8080}}\n"
MORE = f"  - {{name: more, address: {HOST}:8081}}\n"
WEB_STORED, MORE_STORED = f"stored.{HOST}_8080", f"stored.{HOST}_8081"
ADMIN_STORED = f"stored.{HOST}_9180"


def configuration(root, listeners=WEB, workers=2):
    return control.configuration(
        {"/": root}, listeners=listeners,
        extra=f"admin: {{listen: {HOST}:9180}}\nruntime: {{workers: {workers}}}\n")


def is_refused(port):
    try:
        socket.create_connection((HOST, port), LIMIT_S).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.fixture
def manager(short_path):
    with contextlib.closing(StoringManager(f"{short_path}/notify")) as made:
        yield made


def test_the_next_run_answers_who_connected_while_there_was_none(fleet, root, manager):
    first = fleet.run(configuration(root), env=manager.environment())
    manager.await_ready()
    stored = manager.stored()
    assert {name: len(sockets) for name, sockets in stored.items()} == \
        {WEB_STORED: 2, ADMIN_STORED: 1}  # one for each shard
    assert all(each.getsockname() == (HOST, 8080) for each in stored[WEB_STORED])
    assert first.get("/a").body == b"file"
    first.stop()
    waiting = [socket.create_connection((HOST, 8080), LIMIT_S) for _ in range(20)]
    for each in waiting:
        each.sendall(wire.request("/a", headers=[("Connection", "close")]))
    second = fleet.run(configuration(root), **manager.handing_over())
    for each in waiting:
        with each:
            assert each.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert second.get("/a").body == b"file"
    assert second.scrape().total("sluiced_connections") >= 0
    assert ("remove", WEB_STORED) not in manager.log


def test_other_numbers_of_shards_find_the_sockets_there_are(fleet, root, manager):
    fleet.run(configuration(root), env=manager.environment()).stop()
    for workers in (1, 3):
        daemon = fleet.run(configuration(root, workers=workers), **manager.handing_over())
        for _ in range(20):  # whichever socket the kernel chooses
            assert daemon.get("/a").body == b"file"
        daemon.stop()
        assert ("2 sockets for 3 shards" in daemon.stderr) == (workers == 3)


def test_what_is_no_longer_configured_is_closed_before_anything_is_bound(fleet, root, short_path):
    """The stored socket has the address that is wanted, and is stored for another one."""
    with contextlib.closing(StoringManager(f"{short_path}/notify", slow_s=0.5)) as manager:
        old, _ = listening((HOST, 8080))
        manager.store("stored.0.0.0.0_8080", [old])
        daemon = fleet.run(configuration(root), **manager.handing_over())
        manager.await_ready()
        assert manager.log[0] == ("remove", "stored.0.0.0.0_8080")
        assert sorted(manager.stored()) == sorted([WEB_STORED, ADMIN_STORED])
        assert daemon.get("/a").body == b"file"


def test_a_reload_stores_what_is_new_and_closes_what_is_gone(fleet, root, manager):
    with control.Controlled(fleet, configuration(root), env=manager.environment()) as controlled:
        manager.await_ready()
        for turn in (1, 2):
            assert controlled.reload(configuration(root, WEB + MORE)).status == 0
            manager.await_ready(2 * turn)
            assert len(manager.stored()[MORE_STORED]) == 2
            assert not is_refused(8081)
            assert controlled.reload(configuration(root)).status == 0
            assert MORE_STORED not in manager.stored()
            wait_until(lambda: is_refused(8081), "nobody listens any more")
            manager.await_ready(2 * turn + 1)
        assert len(manager.stored()[WEB_STORED]) == 2


def test_a_reload_that_fails_stores_nothing(fleet, root, manager):
    with control.Controlled(fleet, configuration(root), env=manager.environment()) as controlled:
        manager.await_ready()
        before = list(manager.log)
        assert controlled.reload(configuration(root / "missing", WEB + MORE)).status != 0
        manager.await_ready(2)
        assert manager.log == [*before, ("ready", None)]


def test_a_socket_of_a_unit_stands_before_a_stored_one(fleet, root, manager):
    web, port = listening()
    old, _ = listening((HOST, 8080))
    manager.store("web", [web])
    manager.store(WEB_STORED, [old])
    daemon = fleet.run(configuration(root), **manager.handing_over())
    assert daemon.endpoint.address[1] == port
    manager.await_ready()
    assert ("remove", WEB_STORED) in manager.log
    assert ("store", WEB_STORED) not in manager.log


def test_nothing_is_stored_that_the_next_run_could_not_use(fleet, root, manager, short_path):
    listeners = f"  - {{name: web, address: unix:{short_path}/web}}\n" \
                f"  - {{name: any, address: {HOST}:0}}\n"
    fleet.run(configuration(root, listeners), env=manager.environment(), listeners=2)
    manager.await_ready()
    assert list(manager.stored()) == [ADMIN_STORED]
