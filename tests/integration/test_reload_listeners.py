"""Listeners that come, go and change while the daemon serves."""

import os
import signal
import socket
import subprocess

from harness import control, wire
from harness.control import ADMIN, EXTRA, WEB, configuration, exchange
from harness.daemon import LIMIT_S, wait_until


def backlog_of(port):
    done = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], stdout=subprocess.PIPE, check=True)
    return {int(line.split()[2]) for line in done.stdout.decode().splitlines()}


def test_the_backlog_of_a_listener_is_changed(fleet, root):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        port = made.daemon.endpoint.address[1]
        listeners = "  - {name: web, address: 127.0.0.1:0, backlog: 17}\n"
        assert backlog_of(port) != {17}
        assert made.reload(configuration({"/": root}, listeners=listeners)).status == 0
        assert backlog_of(port) == {17}
        assert made.daemon.get("/a").body == b"file"


def test_a_lowered_limit_holds_for_who_comes_next(fleet, root):
    """Until then there is room for all that come, and they are accepted many at once."""
    one = "runtime: {workers: 1}\n"
    with control.Controlled(fleet, configuration({"/": root}, extra=ADMIN + one)) as made:
        idle = [made.daemon.connect() for _ in range(5)]
        for connection in idle:
            connection.send(wire.request("/a"))
            assert connection.read_response().body == b"file"
        listeners = "  - {name: web, address: 127.0.0.1:0, max_connections: 2}\n"
        assert made.reload(configuration({"/": root}, extra=ADMIN + one,
                                         listeners=listeners)).status == 0
        for _ in range(4):
            assert made.daemon.get("/a").body == b"file"
        wait_until(lambda: sum(connection.ended() for connection in idle) >= 4,
                   "the idle ones give way")
        assert made.daemon.scrape().total("sluiced_connections") <= 2


def test_an_address_that_overlaps_takes_a_restart(fleet, root):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        port = made.reload(configuration({"/": root}, listeners=WEB + EXTRA)).endpoints["extra"]
        port = port.address[1]
        one = f"  - {{name: one, address: '127.0.0.1:{port}'}}\n"
        # The kernel gave the port to a listener that asked for any: it is let go of first.
        assert made.reload(configuration({"/": root})).status == 0
        assert wait_until(lambda: made.reload(configuration({"/": root}, listeners=WEB + one))
                          .status == 0, "the port is free again")
        every = f"  - {{name: one, address: '0.0.0.0:{port}'}}\n"
        answer = made.reload(configuration({"/": root}, listeners=WEB + every))
        assert answer.status == 71
        assert "takes a restart" in answer.text and f"127.0.0.1:{port}" in answer.text
        assert made.daemon.get("/a").body == b"file"


def test_a_listener_is_added_and_removed(fleet, root):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        answer = made.reload(configuration({"/": root}, listeners=WEB + EXTRA))
        extra = answer.endpoints["extra"]
        assert exchange(extra, "/a").body == b"file"
        idle = wire.Connection(extra.connect())
        idle.send(wire.request("/a"))
        assert idle.read_response().body == b"file"
        answer = made.reload(configuration({"/": root}))
        assert (answer.status, "No longer listening" in answer.text) == (0, True), answer
        idle.expect_close()
        idle.close()

        def is_refused():
            try:
                extra.connect().close()
            except ConnectionRefusedError:
                return True
            return False
        assert wait_until(is_refused, "the listener is gone")
        assert made.daemon.get("/a").body == b"file"


def test_who_waits_to_be_accepted_when_a_listener_goes_is_answered(fleet, root):
    """The kernel has told these clients that they are connected."""
    both = configuration({"/": root}, listeners=WEB + EXTRA)
    with control.Controlled(fleet, both, listeners=2) as made:
        extra = made.daemon.endpoints["extra"]
        made.daemon.signal(signal.SIGSTOP)
        clients = [wire.Connection(extra.connect()) for _ in range(60)]
        for client in clients:
            client.send(wire.request("/a"))
        made.file.write_text(configuration({"/": root}))
        made.daemon.signal(signal.SIGHUP)
        made.daemon.signal(signal.SIGCONT)
        for client in clients:
            assert client.read_response().body == b"file"
            client.expect_close()
            client.close()


def test_a_site_is_reached_through_the_listeners_it_names_in_any_order(fleet, root, other):
    """The place of a listener in the file may change with each reload."""
    def sites(listeners):
        return (f"{ADMIN}listeners:\n{listeners}sites:\n"
                f"  - {{name: one, listeners: [web], mounts: [{{path: /, root: {root}}}]}}\n"
                f"  - {{name: two, listeners: [extra], mounts: [{{path: /, root: {other}}}]}}\n")
    with control.Controlled(fleet, sites(WEB + EXTRA), listeners=2) as made:
        web, extra = (made.daemon.endpoints[name] for name in ("web", "extra"))
        with wire.Connection(web.connect()) as kept:
            for listeners in (WEB + EXTRA, EXTRA + WEB, WEB + EXTRA):
                assert made.reload(sites(listeners)).status == 0
                kept.send(wire.request("/a"))
                assert kept.read_response().body == b"file"
                assert exchange(extra, "/b").body == b"other"
                assert exchange(extra, "/a").status == 404


def test_a_unix_socket_comes_and_goes(fleet, root):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        path = made.path + "-web"
        both = f"{WEB}  - {{name: local, address: 'unix:{path}'}}\n"
        assert made.reload(configuration({"/": root}, listeners=both)).status == 0
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(LIMIT_S)
            plain.connect(path)
            connection = wire.Connection(plain)
            connection.send(wire.request("/a"))
            assert connection.read_response().body == b"file"
            assert made.reload(configuration({"/": root})).status == 0
            connection.expect_close()
        assert not os.path.exists(path)
