"""How full the accept queues of the real program are."""

import signal

from harness import files, wire
from harness.daemon import wait_until

CONNECTIONS = "sluiced_listener_accept_queue_connections"
LIMIT = "sluiced_listener_accept_queue_limit"


def queues(page, name):
    return {(dict(labels)["listener"], dict(labels)["shard"]): value
            for (sample, labels), value in page.samples.items() if sample == name}


def test_every_tcp_listener_has_one_for_each_shard(fleet, tree, tmp_path):
    daemon = fleet.run(files.configuration(tree, extra="runtime:\n  workers: 2\n", listeners=(
        "  - {name: web, address: '127.0.0.1:0', backlog: 77}\n"
        "  - {name: six, address: '[::1]:0', backlog: 5}\n"
        f"  - {{name: local, address: 'unix:{tmp_path}/s'}}")), listeners=3)
    page = daemon.scrape()
    expected = {("web", "0"): 77, ("web", "1"): 77, ("six", "0"): 5, ("six", "1"): 5}
    assert queues(page, LIMIT) == expected
    assert queues(page, CONNECTIONS) == dict.fromkeys(expected, 0)


def test_they_show_who_waits_while_the_listener_is_full(fleet, tree):
    """A client that takes its response steadily does not give way; those behind it wait."""
    files.write_sparse(tree / "large", 64 * files.MIB)
    daemon = fleet.run(files.configuration(
        tree, extra=f"runtime:\n  workers: 1\n{files.PATIENT}",
        listeners="  - {name: web, address: '127.0.0.1:0', max_connections: 1}"))
    with daemon.connect(receive_buffer_bytes=65536) as busy:
        busy.send(wire.request("/large"))
        assert busy.read_head().status == 200
        waiting = [daemon.endpoint.connect() for _ in range(3)]

        def all_wait():
            busy.read_exactly(files.MIB // 8)
            return daemon.scrape().total(CONNECTIONS) == 3

        wait_until(all_wait, "three wait in the kernel")
        for client in waiting:
            client.close()


def test_they_are_gone_when_the_listeners_are_closed(fleet, tree):
    files.write_sparse(tree / "large", 64 * files.MIB)
    daemon = fleet.run(files.configuration(tree, extra=files.PATIENT))
    with daemon.connect(receive_buffer_bytes=65536) as busy:
        busy.send(wire.request("/large"))
        assert busy.read_head().status == 200
        assert queues(daemon.scrape(), LIMIT)
        daemon.signal(signal.SIGTERM)
        wait_until(lambda: not queues(daemon.scrape(), LIMIT), "no queue is shown")
        assert daemon.refuses_connections()
        assert daemon.scrape().total("sluiced_draining") == 1
        busy.reset()
    daemon.stop()
