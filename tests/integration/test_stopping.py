"""SIGTERM and SIGINT: what runs is finished, nothing new begins, and the exit status is 0."""

import pathlib
import signal
import threading
import time

import pytest

from harness import files, wire
from harness.daemon import wait_until

LENGTH = 24 * files.MIB
CONTENT = files.pattern(LENGTH, 11)


@pytest.fixture(scope="module")
def root(module_tree):
    files.write_old(module_tree / "large.bin", CONTENT)
    files.write_old(module_tree / "small.txt", b"small")
    return module_tree


def patient(fleet, root):
    """A daemon that waits for its clients at a stop, however slow the machine is."""
    return fleet.run(files.configuration(root, extra=files.PATIENT))


def begin_download(daemon):
    connection = daemon.connect(receive_buffer_bytes=16384)
    connection.send(wire.request("/large.bin"))
    assert connection.read_head().status == 200
    return connection


def begin_drain(daemon, number=signal.SIGTERM):
    daemon.signal(number)
    wait_until(daemon.refuses_connections, "new connections are refused")


def readiness(daemon):
    """The status of /readyz, or None where the admin listener is gone already."""
    try:
        connection = daemon.connect_admin()
    except ConnectionRefusedError:
        return None
    with connection:
        connection.send(wire.request("/readyz", headers=[("Connection", "close")]))
        try:
            return connection.read_response().status
        except wire.Cut:
            return None


def await_state(daemon, letters):
    """Of the main thread, as proc(5) has it; a dead process has none to come."""
    state = ""
    while state not in (*letters, "Z"):
        status = pathlib.Path(f"/proc/{daemon.pid}/stat").read_text(encoding="utf-8")
        state = status.rpartition(")")[2].split()[0]
        time.sleep(0.0005)  # a process that is looked at all the time does nothing else


def test_a_daemon_that_is_stopped_and_goes_on_serves(fleet, root):
    """A stop interrupts the read of the signal descriptor, once in some hundred times."""
    daemon = fleet.serve(root)
    for _ in range(800):
        daemon.signal(signal.SIGSTOP)
        await_state(daemon, "T")
        daemon.signal(signal.SIGCONT)
        await_state(daemon, "S")
    assert daemon.get("/small.txt").status == 200
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_daemon_with_status_0(fleet, root, number):
    daemon = fleet.serve(root)
    daemon.signal(number)
    assert daemon.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_download_is_finished_and_new_connections_are_refused(fleet, root, number):
    daemon = patient(fleet, root)
    assert readiness(daemon) == 200
    connection = begin_download(daemon)
    begin_drain(daemon, number)
    assert readiness(daemon) in (503, None)
    assert daemon.process.poll() is None
    assert connection.read_exactly(LENGTH) == CONTENT
    connection.expect_close()
    assert daemon.wait() == 0


def test_many_downloads_are_finished(fleet, root):
    daemon = patient(fleet, root)
    connections = [begin_download(daemon) for _ in range(8)]
    begin_drain(daemon)
    for connection in connections:
        assert connection.read_exactly(LENGTH) == CONTENT
        connection.expect_close()
    assert daemon.wait() == 0


def test_connections_that_wait_are_closed_at_once(fleet, root):
    """A client that keeps a connection for later must not keep the daemon from ending."""
    daemon = patient(fleet, root)
    once, often, fresh = daemon.connect(), daemon.connect(), daemon.connect()
    for served, times in ((once, 1), (often, 10)):
        for _ in range(times):
            served.send(wire.request("/small.txt"))
            assert served.read_response().body == b"small"
    download = begin_download(daemon)
    begin_drain(daemon)
    for waiting in (once, often, fresh):
        waiting.expect_close()
    assert daemon.process.poll() is None  # the download still runs
    assert download.read_exactly(LENGTH) == CONTENT
    assert daemon.wait() == 0


def test_a_request_that_comes_during_the_drain_is_the_last(fleet, root):
    """It was sent before the client could know: it is answered with close, or not at all."""
    daemon = patient(fleet, root)
    connection = begin_download(daemon)
    begin_drain(daemon)
    connection.send(wire.request("/small.txt") * 2)
    assert connection.read_exactly(LENGTH) == CONTENT
    responses = connection.read_all()
    assert len(responses) <= 1
    assert all(response.announces_close for response in responses)
    assert daemon.wait() == 0


def test_a_half_sent_request_does_not_keep_the_daemon(fleet, root):
    daemon = fleet.run(files.configuration(root, extra="timeouts:\n  drain: 2s\n  header: 1s\n"))
    with daemon.connect() as connection:
        connection.send(b"GET /small.txt HTTP/1.1\r\nHost:")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        connection.drain_to_end()


def test_nobody_who_connects_while_the_daemon_is_told_to_stop_is_cut_off(fleet, root):
    """A connection is refused, or its request is answered: what was accepted has one on its way."""
    daemon = fleet.run(files.configuration(root))
    answered, failed = [0], []
    refused = threading.Event()

    def ask_again_and_again():
        while not refused.is_set():
            try:
                connection = daemon.connect()
            except (ConnectionRefusedError, ConnectionResetError):
                refused.set()
                return
            with connection:
                connection.send(wire.request("/small.txt"))
                try:
                    assert connection.read_response().body == b"small"
                    answered[0] += 1
                except (wire.Cut, ConnectionResetError) as error:
                    failed.append(error)

    clients = [threading.Thread(target=ask_again_and_again) for _ in range(4)]
    for client in clients:
        client.start()
    wait_until(lambda: answered[0] >= 50, "clients are answered")
    daemon.signal(signal.SIGTERM)
    for client in clients:
        client.join()
    assert daemon.wait() == 0
    # A connection that the kernel had finished for us and nobody had accepted yet is reset when its
    # listening socket closes; one of the clients may meet that, at the very end.
    assert len(failed) <= len(clients)


def test_who_has_just_connected_and_says_nothing_does_not_hold_up_the_end(fleet, root):
    daemon = fleet.run(files.configuration(root, extra="timeouts:\n  drain: off\n  idle: off\n"))
    with daemon.connect() as connection:
        wait_until(lambda: daemon.scrape().total("sluiced_connections") >= 1, "it is accepted")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        connection.expect_close()


def test_the_drain_has_a_limit(fleet, root):
    """A client that does not read is cut, and the exit status is 0 all the same."""
    daemon = fleet.run(files.configuration(root, extra="timeouts:\n  drain: 1s\n"))
    connection = begin_download(daemon)
    begin_drain(daemon)
    assert daemon.wait() == 0
    with pytest.raises(wire.Cut) as cut:
        connection.read_exactly(LENGTH)
    assert cut.value.body == CONTENT[:len(cut.value.body)]


def test_a_drain_of_no_time_cuts_at_once(fleet, root):
    daemon = fleet.run(files.configuration(root, extra="timeouts:\n  drain: 0s\n"))
    connection = begin_download(daemon)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    with pytest.raises(wire.Cut):
        connection.read_exactly(LENGTH)


@pytest.mark.parametrize("first,second", [(signal.SIGTERM, signal.SIGTERM),
                                          (signal.SIGINT, signal.SIGINT),
                                          (signal.SIGTERM, signal.SIGINT)])
def test_a_second_signal_means_now(fleet, root, first, second):
    daemon = patient(fleet, root)
    connection = begin_download(daemon)
    begin_drain(daemon, first)
    assert daemon.process.poll() is None
    daemon.signal(second)
    assert daemon.wait() == 0
    with pytest.raises(wire.Cut):
        connection.read_exactly(LENGTH)


def test_a_client_that_goes_ends_the_drain(fleet, root):
    daemon = patient(fleet, root)
    connection = begin_download(daemon)
    begin_drain(daemon)
    connection.reset()
    assert daemon.wait() == 0


def test_the_port_is_free_at_once(fleet, root):
    """Connections that the daemon closed first do not keep the next one from starting."""
    daemon = fleet.serve(root)
    _, port = daemon.endpoint.address
    for _ in range(5):
        held = daemon.connect()
        held.send(wire.request("/small.txt"))
        assert held.read_response().body == b"small"
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        daemon = fleet.start("serve", root, "--listen", f"127.0.0.1:{port}", "--admin",
                             "127.0.0.1:0")
        assert daemon.get("/small.txt").body == b"small"
        held.close()


def test_signals_during_the_start_end_it_cleanly(fleet, root):
    """Whatever moment the signal meets, the daemon ends; by its own decision or, before it has set
    itself up for signals, by the signal's."""
    for number in (signal.SIGTERM, signal.SIGINT):
        for _ in range(5):
            daemon = fleet.serve(root, listeners=0, admin=False)
            daemon.signal(number)
            assert daemon.wait() in (0, -number)


def test_hang_ups_and_broken_pipes_do_not_end_the_daemon(fleet, root):
    daemon = fleet.serve(root)
    daemon.signal(signal.SIGPIPE)
    assert daemon.get("/small.txt").body == b"small"


def test_a_daemon_under_load_stops_without_a_wrong_answer(fleet, root):
    """Every answer that comes is whole and right, and the connection ends in order."""
    daemon = fleet.serve(root)
    connections = [daemon.connect() for _ in range(50)]
    for connection in connections:
        connection.send(wire.request("/small.txt") * 50)
    daemon.signal(signal.SIGTERM)
    for connection in connections:
        for response in connection.read_all():
            assert (response.status, response.body) == (200, b"small")
    assert daemon.wait() == 0
