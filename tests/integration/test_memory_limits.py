"""When memory runs out: whoever needs some has to come again."""

import contextlib
import resource
import select

from harness import files, process, wire
from harness.daemon import wait_until

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
