"""When memory runs out: whoever needs some has to come again."""

import contextlib
import os
import resource
import select

import pytest

from harness import files, process, wire
from harness.daemon import BINARY, run_to_end, wait_until

CLIENTS = 400
LONG_FIELD = "x" * (28 << 10)  # a little less than a header section may have


@contextlib.contextmanager
def no_more_memory(pid):
    _, hard = resource.prlimit(pid, resource.RLIMIT_DATA)
    most = process.memory_bytes(pid, "VmData") + files.MIB
    resource.prlimit(pid, resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_DATA, (hard, hard))


def any_has_ended(connections):
    return bool(select.select([connection.socket for connection in connections], [], [], 0)[0])


def ends(connection):
    """Whether the daemon gave this client up, rather than answered it."""
    try:
        return connection.read_response().status != 200
    except wire.Cut:
        return True


@pytest.mark.skipif(process.is_sanitized(BINARY),
                    reason="the address sanitizer ends a program that it cannot map memory for")
def test_requests_that_there_is_no_memory_for_cost_their_connections(fleet, root):
    daemon = fleet.serve(root)
    unfinished = wire.request("/a", headers=[("X-Long", LONG_FIELD)])
    with contextlib.ExitStack() as open_connections:
        connections = [open_connections.enter_context(daemon.connect()) for _ in range(CLIENTS)]
        wait_until(lambda: daemon.scrape().total("sluiced_connections") == CLIENTS,
                   "all are connected")
        with no_more_memory(daemon.pid):
            for connection in connections:
                connection.send(unfinished[:-2])
            wait_until(lambda: any_has_ended(connections), "the first is given up")
        for connection in connections:
            connection.send(unfinished[-2:])
        given_up = sum(ends(connection) for connection in connections)
    assert 0 < given_up < CLIENTS
    assert daemon.get("/a").body == b"file"
    page = daemon.scrape()
    assert page.total("sluiced_connections_closed_total", reason="no_memory") == given_up


@pytest.fixture
def locking(unprivileged):
    """Options of a user who has nothing locked, with so many bytes that may be."""
    if os.geteuid() != 0:
        pytest.skip("what this user has locked counts, too: run it as root")

    def options(limit_bytes):
        # What somebody has locked is given back some time after the end: each limit is of another.
        alone = {**unprivileged.options, "user": 640_000_000 + limit_bytes}
        return {**alone, "binary": unprivileged.binary,
                "launcher": ["prlimit", f"--memlock={limit_bytes}:{limit_bytes}"]}

    return options


@pytest.fixture
def public(unprivileged):
    tree = unprivileged.make_tree()
    files.write_old(tree / "a", b"file")
    return tree


@pytest.mark.parametrize("kibibytes", [160, 400, 900, 2000])
def test_rings_are_as_small_as_the_limit_of_locked_memory(fleet, public, locking, kibibytes):
    """Whatever it is: none takes what others need, or what connections receive into."""
    daemon = fleet.serve(public, **locking(kibibytes << 10))
    assert daemon.get("/a").body == b"file"
    assert daemon.scrape().total("sluiced_connections_accepted_total") == 1


def test_a_limit_that_is_too_small_is_told(public, locking):
    done = run_to_end("serve", public, "--listen", "127.0.0.1:0", **locking(16 << 10))
    assert (done.returncode, done.stdout) == (69, "")
    line, = done.stderr.splitlines()
    assert "locked memory" in line and "ulimit -l" in line
