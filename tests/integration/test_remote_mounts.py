"""Files of a file system that another process answers for: slower, never wrong, and when it does
not answer, nobody waits for it but who asked for its files."""

import signal

import pytest

from harness import control, files, fuse, wire
from harness.daemon import wait_until

MANY = 30  # more than the kernel has workers for a shard

CONFIGURATION = """
admin: {{listen: "127.0.0.1:0"}}
runtime: {{workers: 1, unwatched_file_age: {age}}}
{patient}
listeners: [{{name: web, address: "127.0.0.1:0"}}]
sites:
  - name: _default
    mounts:
      - {{path: /remote/, root: {tree}/remote}}
      - {{path: /, root: {tree}/local}}
"""


@pytest.fixture
def remote(tree):
    (tree / "remote").mkdir()
    (tree / "local").mkdir()
    mounted = fuse.Mounted(tree / "remote")
    yield mounted
    mounted.end()


def start(fleet, tree, remote, age="0s", patient=files.PATIENT):
    text = CONFIGURATION.format(tree=tree, age=age, patient=patient)
    return fleet.run(text, launcher=remote.launcher)


@pytest.fixture
def daemon(fleet, tree, remote):
    daemon = start(fleet, tree, remote)
    yield daemon
    remote.end()  # before the daemon is stopped, which waits for its operations
    daemon.stop()


@pytest.mark.parametrize("length", [1, 1000, 8192, 8193, 131072, 131073, 3 * files.MIB + 7])
def test_a_remote_file_is_sent_whole(daemon, remote, length):
    content = remote.put("file.bin", 1, length)
    assert daemon.get("/remote/file.bin").body == content


def test_ranges_of_a_remote_file_are_exact(daemon, remote):
    content = remote.put("file.bin", 2, files.MIB)
    answer = daemon.get("/remote/file.bin", headers=[("Range", "bytes=100001-900000")])
    assert answer.status == 206 and answer.body == content[100001:900001]


def test_it_is_read_into_buffers_and_never_by_sendfile(daemon, remote):
    remote.put("file.bin", 3, files.MIB)
    daemon.get("/remote/file.bin")
    page = daemon.scrape()
    assert page.total("sluiced_file_pieces_total", path="copied") >= 8
    assert page.total("sluiced_file_pieces_total", path="resident") == 0


@pytest.mark.parametrize("length", [1000, 200_000])
def test_a_change_that_nobody_tells_of_is_seen_by_the_next_request(daemon, remote, length):
    with daemon.connect() as connection:
        for seed in range(5):
            content = remote.put("file.bin", seed, length + seed)
            for _ in range(3):
                connection.send(wire.request("/remote/file.bin"))
                assert connection.read_response().body == content


def test_it_is_kept_for_the_age_that_is_configured(fleet, tree, remote):
    daemon = start(fleet, tree, remote, age="1h")
    remote.put("file.bin", 1, 1000)
    for _ in range(3):
        daemon.get("/remote/file.bin")
    assert daemon.scrape().total("sluiced_file_cache_lookups_total", result="hit") >= 1
    remote.end()
    daemon.stop()


def test_what_is_kept_is_not_taken_for_a_file_of_another_mount_after_a_reload(fleet, tree, remote):
    files.write_old(tree / "local/file.bin", b"local")
    content = remote.put("file.bin", 1, 1000)
    mounts = {"/remote/": tree / "remote", "/": tree / "local"}
    age = "runtime: {workers: 1, unwatched_file_age: 1h}\n" + control.ADMIN
    text = control.configuration(mounts, extra=age)
    with control.Controlled(fleet, text, launcher=remote.launcher) as made:
        in_front = {"/other/": tree, **mounts}
        assert made.reload(control.configuration(in_front, extra=age)).status == 0
        for _ in range(3):
            assert made.daemon.get("/remote/file.bin").body == content
        assert made.daemon.get("/file.bin").body == b"local"
        assert made.daemon.scrape().total("sluiced_file_cache_lookups_total", result="hit") >= 1
        remote.end()


def connect_many(daemon, remote, length):
    """Files and connections. Each client wants a file of its own: the kernel opens no file of which it reads a page."""
    contents = [remote.put(f"{number}.bin", number, length + number) for number in range(MANY)]
    return contents, [daemon.connect() for _ in range(MANY)]


def send_many(connections):
    for number, connection in enumerate(connections):
        connection.send(wire.request(f"/remote/{number}.bin"))


@pytest.mark.parametrize("operation", ["open", "read"])
@pytest.mark.parametrize("length", [1000, 300_000])
def test_a_mount_that_hangs_holds_up_nobody_else(daemon, tree, remote, operation, length):
    small = files.write_old(tree / "local/small.txt", b"local")
    large = files.pattern(2 * files.MIB, 4)
    files.write_old(tree / "local/large.bin", large)
    contents, waiting = connect_many(daemon, remote, length)
    remote.tell(f"hold {operation}")
    send_many(waiting)
    wait_until(lambda: daemon.scrape().total("sluiced_file_waits", operation=operation) >= 1,
               "the requests are under way")
    wait_until(lambda: daemon.scrape().total("sluiced_file_waits_queued_total",
                                             operation=operation) >= 1,
               "some wait for their turn")
    for _ in range(3):
        assert daemon.get("/small.txt").body == small.read_bytes()
        assert daemon.get("/large.bin").body == large
    remote.tell("release")
    for connection, content in zip(waiting, contents):
        assert connection.read_response().body == content
        connection.close()
    wait_until(lambda: daemon.scrape().total("sluiced_file_waits", operation=operation) == 0,
               "nobody waits any more")


def test_a_mount_that_dies_ends_its_transfers_and_no_other(daemon, tree, remote):
    files.write_old(tree / "local/small.txt", b"local")
    _, waiting = connect_many(daemon, remote, files.MIB)
    remote.tell("hold read")
    send_many(waiting)
    wait_until(lambda: daemon.scrape().total("sluiced_file_waits", operation="read") >= 1,
               "the requests are under way")
    remote.end()
    cut = 0
    for connection in waiting:
        try:
            assert connection.read_response().status >= 500  # its file had not been opened
        except wire.Cut:
            cut += 1
        connection.close()
    assert cut > 0
    assert daemon.get("/small.txt").body == b"local"


def test_a_close_that_hangs_holds_up_nobody(daemon, tree, remote):
    small = files.write_old(tree / "local/small.txt", b"local")
    content = remote.put("file.bin", 1, 1000)
    remote.tell("hold flush")
    for _ in range(3):
        assert daemon.get("/remote/file.bin").body == content
        assert daemon.get("/small.txt").body == small.read_bytes()
    remote.tell("release")


@pytest.mark.parametrize("operation", ["open", "read"])
def test_a_stop_does_not_wait_for_a_mount_that_hangs(fleet, tree, remote, operation):
    daemon = start(fleet, tree, remote, patient="timeouts: {drain: 100ms}")
    remote.put("file.bin", 1, 1000)
    remote.tell(f"hold {operation}")
    with daemon.connect() as waiting:
        waiting.send(wire.request("/remote/file.bin"))
        wait_until(lambda: daemon.scrape().total("sluiced_file_waits", operation=operation) == 1,
                   "the request is under way")
        daemon.signal(signal.SIGTERM)
        counts = "1 reads and 0 opens" if operation == "read" else "0 reads and 1 opens"
        wait_until(lambda: f"stopped without waiting for {counts}" in daemon.stderr,
                   "the daemon gives up")
    # The kernel lets no process end that has a request of FUSE under way.
    remote.end()
    assert daemon.wait() == 71
