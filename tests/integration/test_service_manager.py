"""The protocol of sd_notify(3) and sd_listen_fds(3), spoken with a service manager that is this
test: what the daemon tells, and the sockets that it is handed."""

import contextlib
import ctypes
import os
import signal
import socket
import time

import pytest

from harness import files, wire
from harness.daemon import LIMIT_S, run_to_end, wait_until
from harness.service_manager import Manager, hand_over, keep_open, listening

@pytest.fixture(params=["path", "abstract"])
def manager(request, short_path):
    made = Manager(f"{short_path}/notify" if request.param == "path"
                   else f"@sluiced-test-{os.getpid()}")
    with contextlib.closing(made.socket):
        yield made


def test_readiness_is_told_once_connections_are_accepted(fleet, root, manager):
    daemon = fleet.serve(root, env=manager.environment())
    message = manager.await_message("READY")
    assert message["READY"] == "1"
    assert message["STATUS"].startswith("serving")
    assert daemon.get("/a").body == b"file"


def test_stopping_is_told_and_time_asked_for_while_draining(fleet, root, manager):
    files.write_sparse(root / "large", 64 * files.MIB)
    daemon = fleet.serve(root, env=manager.environment())
    with daemon.connect(receive_buffer_bytes=16384) as connection:
        connection.send(wire.request("/large"))
        connection.read_head()
        daemon.signal(signal.SIGTERM)
        assert manager.await_message("STOPPING")["STOPPING"] == "1"
        assert int(manager.await_message("EXTEND_TIMEOUT_USEC")["EXTEND_TIMEOUT_USEC"]) > 1_000_000
        assert "open connections: 1" in manager.await_message("STATUS")["STATUS"]
        connection.read_exactly(64 * files.MIB)
    assert daemon.wait() == 0


def test_a_reload_is_told_with_its_time_and_its_end(fleet, root, manager):
    text = files.configuration(root)
    daemon = fleet.run(text, env=manager.environment())
    manager.await_message("READY")
    before_us = time.monotonic_ns() // 1000
    daemon.signal(signal.SIGHUP)
    began = manager.await_message("RELOADING")
    assert began["RELOADING"] == "1"
    assert before_us <= int(began["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    ended = manager.await_message("READY")
    assert ended["STATUS"].startswith("serving") and "failed" not in ended["STATUS"]
    # Beside each other as before, so that only the text changes.
    path = next(daemon_file for daemon_file in fleet.workdir.glob("sluiced-*.yaml"))
    path.write_text(text.replace("listeners:", "listners:"))
    daemon.signal(signal.SIGHUP)
    manager.await_message("RELOADING")
    assert "listners" in manager.await_message("READY")["STATUS"]
    assert daemon.get("/a").body == b"file"


def test_a_socket_that_was_handed_over_comes_back_with_its_listener(fleet, root, short_path):
    web, port = listening()
    more = "  - {name: more, address: 127.0.0.1:0}"
    both = files.configuration(root, listeners=f"{files.LOOPBACK}\n{more}")
    file = fleet.write_configuration(both)
    with web:
        daemon = fleet.start("run", "-c", file, "--control", f"{short_path}/control", listeners=2,
                             launcher=hand_over([web], ["web"]), **keep_open([web]))
        assert daemon.endpoints["web"].address[1] == port
        for text in (files.configuration(root, listeners=more), both):
            file.write_text(text)
            done = run_to_end("reload", "--control", f"{short_path}/control")
            assert done.returncode == 0, done.stderr
        with wire.Connection(daemon.endpoints["web"].connect()) as connection:
            connection.send(wire.request("/a"))
            assert connection.read_response().body == b"file"


def test_the_watchdog_is_fed(fleet, root, manager):
    fleet.serve(root, env=manager.environment(WATCHDOG_USEC="200000"))
    for _ in range(3):
        assert manager.await_message("WATCHDOG")["WATCHDOG"] == "1"


def test_the_watchdog_of_another_process_is_left_alone(fleet, root, manager):
    daemon = fleet.serve(root, env=manager.environment(WATCHDOG_USEC="1000", WATCHDOG_PID="1"))
    assert "READY" in manager.receive()
    for _ in range(20):
        daemon.get("/a")
    daemon.stop()
    said = [manager.receive()]
    while "STOPPING" not in said[-1]:
        said.append(manager.receive())
    assert not [message for message in said if "WATCHDOG" in message]


def test_a_watchdog_starves_when_one_shard_hangs(fleet, root, manager):
    """The thread of a shard is stopped for a while; the others, and the control loop, go on."""
    daemon = fleet.run(files.configuration(root, extra="runtime: {workers: 2}\n"),
                       env=manager.environment(WATCHDOG_USEC="200000"))
    manager.await_message("WATCHDOG")
    shard = next(task for task in os.listdir(f"/proc/{daemon.pid}/task")
                 if open(f"/proc/{daemon.pid}/task/{task}/comm").read() == "sluiced-1\n")
    with frozen_thread(int(shard)):
        manager.socket.settimeout(1.5)
        with pytest.raises(TimeoutError):
            for _ in range(3):  # two may have been on their way
                manager.await_message("WATCHDOG")
    manager.socket.settimeout(LIMIT_S)
    manager.await_message("WATCHDOG")


@contextlib.contextmanager
def frozen_thread(thread_id):
    """Stops one thread with ptrace(2), as a debugger does."""
    libc = ctypes.CDLL(None, use_errno=True)
    seize, interrupt, detach = 0x4206, 0x4207, 17
    assert libc.ptrace(seize, thread_id, None, None) == 0, os.strerror(ctypes.get_errno())
    assert libc.ptrace(interrupt, thread_id, None, None) == 0
    wait_all = 0x40000000  # __WALL
    os.waitpid(thread_id, wait_all)
    try:
        yield
    finally:
        assert libc.ptrace(detach, thread_id, None, None) == 0


def test_without_a_manager_or_with_nonsense_it_serves_all_the_same(fleet, root):
    for address in ("", "relative/path", "/" + "x" * 200, "/no/such/socket", "@"):
        daemon = fleet.serve(root, env={**os.environ, "NOTIFY_SOCKET": address,
                                        "WATCHDOG_USEC": "soon"})
        assert daemon.get("/a").status == 200
        daemon.stop()


def test_a_socket_that_is_handed_over_is_served(fleet, root):
    web, port = listening()
    with web:
        daemon = fleet.run(files.configuration(root), launcher=hand_over([web], ["web"]),
                           **keep_open([web]))
        assert daemon.endpoint.address[1] == port
        assert daemon.get("/a").body == b"file"


def test_sockets_are_told_apart_by_name(fleet, root):
    web, web_port = listening()
    admin, admin_port = listening()
    with web, admin:
        daemon = fleet.run(files.configuration(root),
                           launcher=hand_over([admin, web], ["admin", "web"]),
                           **keep_open([admin, web]))
        assert daemon.endpoint.address[1] == web_port
        assert daemon.admin.address[1] == admin_port
        assert daemon.get("/a").body == b"file"
        assert daemon.scrape().total("sluiced_connections") >= 0


def test_one_socket_is_shared_by_all_shards_and_several_are_spread(fleet, root):
    for count in (1, 2, 3):
        webs = [listening(reuse_port=True)]
        while len(webs) < count:
            webs.append(listening(("127.0.0.1", webs[0][1]), reuse_port=True))
        sockets = [each for each, _ in webs]
        with contextlib.ExitStack() as stack:
            for each in sockets:
                stack.enter_context(each)
            daemon = fleet.run(files.configuration(root, extra="runtime: {workers: 2}\n"),
                               launcher=hand_over(sockets, ["web"] * count), **keep_open(sockets))
            for _ in range(30):
                assert daemon.get("/a").body == b"file"
            daemon.stop()


def test_no_connection_is_refused_over_a_restart(fleet, root):
    web, port = listening(backlog=128)
    with web:
        first = fleet.run(files.configuration(root), launcher=hand_over([web], ["web"]),
                          **keep_open([web]))
        assert first.get("/a").body == b"file"
        first.stop()
        # Nobody serves now, and yet a client can connect: it waits in the queue of the socket.
        with socket.create_connection(("127.0.0.1", port), LIMIT_S) as waiting:
            waiting.sendall(wire.request("/a", headers=[("Connection", "close")]))
            fleet.run(files.configuration(root), launcher=hand_over([web], ["web"]),
                      **keep_open([web]))
            waiting.settimeout(LIMIT_S)
            assert waiting.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_unix_socket_that_is_handed_over_is_not_removed(fleet, root, short_path):
    path = f"{short_path}/web"
    web = socket.socket(socket.AF_UNIX)
    with web:
        web.bind(path)
        web.listen()
        daemon = fleet.run(files.configuration(root), launcher=hand_over([web], ["web"]),
                           **keep_open([web]))
        assert daemon.get("/a").body == b"file"
        daemon.stop()
        assert os.path.exists(path)


def run_with(root, tmp_path, launcher, sockets):
    configuration = tmp_path / "sluiced.yaml"
    configuration.write_text(files.configuration(root))
    return run_to_end("run", "-c", configuration, launcher=launcher, **keep_open(sockets))


def test_a_socket_for_no_listener_is_an_error_that_names_it(root, tmp_path):
    web, _ = listening()
    with web:
        done = run_with(root, tmp_path, hand_over([web], ["sluiced.socket"]), [web])
    assert done.returncode == 78
    assert "'sluiced.socket'" in done.stderr and "FileDescriptorName=" in done.stderr


def test_what_is_no_listening_socket_is_an_error_that_names_it(root, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        done = run_with(root, tmp_path, hand_over([datagram], ["web"]), [datagram])
    assert done.returncode == 78
    assert "'web'" in done.stderr and "listening" in done.stderr


def test_a_number_of_sockets_that_were_not_handed_over_is_an_error(root, tmp_path):
    web, _ = listening()
    with web:
        done = run_with(root, tmp_path, hand_over([web], ["web"], count=40), [web])
    assert done.returncode == 78


def test_sockets_for_another_process_are_left_alone(fleet, root):
    daemon = fleet.serve(root, env={**os.environ, "LISTEN_PID": "1", "LISTEN_FDS": "5"})
    assert wait_until(lambda: daemon.get("/a").body == b"file", "it serves")
