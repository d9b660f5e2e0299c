"""The page at /metrics: its form, its numbers, and that no client can make it grow."""

import random
import subprocess

import pytest

from harness import files, wire
from harness.daemon import wait_until

RUNTIME = [
    "sluice_ring_submission_queue_depth", "sluice_ring_completion_queue_depth",
    "sluice_ring_operations_in_flight", "sluice_ring_operations_parked",
    "sluice_ring_enters_total", "sluice_ring_submissions_total", "sluice_ring_completions_total",
    "sluice_ring_completion_overflows_total", "sluice_ring_operation_duration_seconds",
    "sluice_executor_ready_tasks", "sluice_executor_loop_delay_seconds", "sluice_executor_tasks"]
DAEMON = [
    "sluiced_connections", "sluiced_connections_accepted_total",
    "sluiced_connections_closed_total", "sluiced_http_requests_total",
    "sluiced_http_response_body_bytes_total", "sluiced_http_transfers_cut_total",
    "sluiced_http_protocol_errors_total", "sluiced_build_info", "process_cpu_seconds_total",
    "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
    "process_start_time_seconds"]
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "MKCOL",
           "other"}


@pytest.fixture
def served(fleet, tree):
    files.write_old(tree / "small.txt", b"0123456789")
    files.write_old(tree / "index.html", b"index")
    files.write_old(tree / "empty.txt", b"")
    (tree / "folder").mkdir()
    files.write_sparse(tree / "large.bin", 24 * files.MIB)
    return fleet.serve(tree)


def admin(daemon, target, method="GET"):
    with daemon.connect_admin() as connection:
        connection.send(wire.request(target, method=method, headers=[("Connection", "close")]))
        response = connection.read_response(method)
        connection.expect_close()
        return response


def load(daemon, connections=64, requests=100):
    """Pipelined requests over many connections, all of which are answered."""
    clients = [daemon.connect() for _ in range(connections)]
    for client in clients:
        client.send(wire.request("/small.txt") * requests)
    for client in clients:
        for _ in range(requests):
            assert client.read_response().status == 200
        client.close()


def growth(before, after, name, **labels):
    return after.total(name, **labels) - before.total(name, **labels)


def test_promtool_finds_nothing_wrong(served):
    for _ in range(2):
        page = admin(served, "/metrics")
        assert page.status == 200
        assert page.header("content-type").startswith("text/plain; version=0.0.4")
        done = subprocess.run(["promtool", "check", "metrics"], input=page.body, timeout=60,
                              capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        load(served, connections=4)


def test_every_number_that_is_promised_is_there(served):
    load(served, connections=4)
    served.get("/missing")
    page = served.scrape()
    for name in RUNTIME + DAEMON:
        assert page.with_prefix(name), name
    for name in ("sluice_ring_operations_in_flight", "sluice_ring_operations_parked",
                 "sluice_ring_enters_total", "sluice_executor_tasks"):
        assert page.values(name, "shard")


def test_every_family_has_help_and_type(served):
    text = admin(served, "/metrics").body.decode()
    for name in RUNTIME + DAEMON:
        assert f"# HELP {name} " in text, name
        assert f"# TYPE {name} " in text, name


def test_queue_depths_and_latencies_move_under_load(served):
    before = served.scrape()
    load(served)
    after = served.scrape()
    for name in ("sluice_ring_enters_total", "sluice_ring_submissions_total",
                 "sluice_ring_completions_total"):
        assert growth(before, after, name) > 64, name
    for prefix in ("sluice_ring_submission_queue_depth", "sluice_ring_completion_queue_depth",
                   "sluice_executor_loop_delay_seconds", "sluice_ring_operation_duration_seconds"):
        assert before.with_prefix(prefix) != after.with_prefix(prefix), prefix
    name = "sluice_ring_operation_duration_seconds"
    moved = {operation for operation in after.values(f"{name}_count", "operation")
             if growth(before, after, f"{name}_count", operation=operation) > 0}
    # Small answers are sent without the ring.
    assert {"accept", "receive"} <= moved
    assert growth(before, after, f"{name}_sum") > 0
    assert after.total("sluice_ring_completion_overflows_total") == 0


def test_operations_in_flight_follow_the_connections(served):
    """Each waiting connection has a receive in flight."""
    idle = served.scrape().total("sluice_ring_operations_in_flight")
    clients = [served.connect() for _ in range(200)]
    wait_until(lambda: served.scrape().total("sluice_ring_operations_in_flight") >= idle + 150,
               "the receives of the connections are in flight")
    for client in clients:
        client.close()
    wait_until(lambda: served.scrape().total("sluice_ring_operations_in_flight") <= idle + 5,
               "they are no longer")


def test_histograms_are_sound(served):
    """Buckets only grow, and the last is the count."""
    load(served)
    page = served.scrape()
    families = {name.removesuffix("_bucket") for name in page.names if name.endswith("_bucket")}
    assert {"sluice_ring_operation_duration_seconds",
            "sluice_executor_loop_delay_seconds"} <= families
    for family in families:
        series = {}
        for (name, labels), value in page.samples.items():
            if name == f"{family}_bucket":
                rest = tuple(pair for pair in labels if pair[0] != "le")
                series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
        for labels, buckets in series.items():
            values = [value for _, value in sorted(buckets)]
            assert values == sorted(values), family
            assert max(buckets)[0] == float("inf")
            assert values[-1] == page.samples[f"{family}_count", labels]


def test_requests_are_counted_by_method_and_code(served):
    before = served.scrape()
    plan = [("GET", "/small.txt", [], 200, 7), ("HEAD", "/small.txt", [], 200, 5),
            ("GET", "/missing", [], 404, 4), ("GET", "/folder", [], 301, 3),
            ("GET", "/small.txt", [("Range", "bytes=1-3")], 206, 6),
            ("GET", "/small.txt", [("Range", "bytes=99-")], 416, 2),
            ("GET", "/small.txt", [("If-None-Match", "*")], 304, 8),
            ("POST", "/small.txt", [("Content-Length", "0")], 405, 9),
            ("DELETE", "/small.txt", [], 405, 3), ("BREW", "/small.txt", [], 501, 2)]
    for method, target, headers, status, count in plan:
        for _ in range(count):
            assert served.get(target, method=method, headers=headers).status == status
    after = served.scrape()
    name = "sluiced_http_requests_total"
    for method, _, _, status, count in plan:
        label = method if method in METHODS else "other"
        assert growth(before, after, name, method=label, code=str(status)) == count, label
    assert growth(before, after, name) == sum(count for *_, count in plan)


def test_body_bytes_are_those_that_were_sent(served):
    before = served.scrape()
    expected = 0
    for target, headers, length in (("/small.txt", [], 10), ("/", [], 5), ("/empty.txt", [], 0),
                                    ("/small.txt", [("Range", "bytes=2-4")], 3),
                                    ("/small.txt", [("If-None-Match", "*")], 0),
                                    ("/large.bin", [], 24 * files.MIB)):
        for _ in range(3):
            assert len(served.get(target, headers=headers).body) == length
            expected += length
    for _ in range(10):
        served.get("/large.bin", method="HEAD")
    after = served.scrape()
    assert growth(before, after, "sluiced_http_response_body_bytes_total") == expected


def test_an_aborted_transfer_is_counted_with_the_bytes_that_went(served):
    before = served.scrape()
    client = served.connect(receive_buffer_bytes=4096)
    client.send(wire.request("/large.bin"))
    assert client.read_head().status == 200
    client.read_exactly(100_000)
    client.reset()
    name = "sluiced_http_transfers_cut_total"
    wait_until(lambda: growth(before, served.scrape(), name) == 1, "the cut is counted")
    sent = growth(before, served.scrape(), "sluiced_http_response_body_bytes_total")
    assert 100_000 <= sent < 24 * files.MIB


def test_connections_are_counted_as_they_come_and_go(served):
    before = served.scrape()
    clients = [served.connect() for _ in range(30)]
    for client in clients[:10]:
        client.send(wire.request("/small.txt"))
        client.read_response()
    wait_until(lambda: served.scrape().total("sluiced_connections") == 30, "30 are open")
    page = served.scrape()
    assert growth(before, page, "sluiced_connections_accepted_total") == 30
    for client in clients:
        client.close()
    wait_until(lambda: served.scrape().total("sluiced_connections") == 0, "none is open")
    assert growth(before, served.scrape(), "sluiced_connections_closed_total") == 30


def test_process_numbers_are_those_of_the_process(served):
    load(served)
    page = served.scrape()
    with open(f"/proc/{served.pid}/status", encoding="utf-8") as status:
        resident = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))
    assert 0.5 < page.total("process_resident_memory_bytes") / resident < 2
    assert 5 < page.total("process_open_fds") < 200
    assert page.total("process_max_fds") >= page.total("process_open_fds")
    assert page.total("process_cpu_seconds_total") > 0
    assert page.total("process_start_time_seconds") > 1.7e9


def test_no_request_makes_a_new_series(served):
    """Labels come from the program and its configuration, never from a client."""
    generator = random.Random(5)

    def word():
        return "".join(generator.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", k=8))

    def attack(count):
        client = served.connect()
        for _ in range(count):
            method = generator.choice([word(), word(), "GET", "POST", "MKCOL", "PUT"])
            client.send(wire.request(f"/{word()}/{word()}?{word()}", method=method, host=word(),
                                     headers=[(word(), word()), ("User-Agent", word()),
                                              ("Content-Length", "0")]))
            if client.read_response(method).announces_close:
                client.close()
                client = served.connect()
        client.close()

    attack(500)
    first = served.scrape()
    attack(10_000)
    second = served.scrape()
    new = {(name, labels) for name, labels in second.series - first.series
           if not name.endswith("_bucket")}
    assert not new
    assert len(second.series) < 3000
    assert second.values("sluiced_http_requests_total", "method") <= METHODS


def test_health_is_told(served):
    for target in ("/livez", "/readyz"):
        assert admin(served, target).status == 200
        head = admin(served, target, "HEAD")
        assert (head.status, head.body) == (200, b"")


def test_the_admin_listener_serves_nothing_else(served):
    assert admin(served, "/").status in (200, 404)  # it may say what there is
    for target in ("/small.txt", "/metric", "/metrics.html", "/..", "/large.bin"):
        assert admin(served, target).status in (400, 404), target
    for method in ("POST", "PUT", "DELETE"):
        response = admin(served, "/metrics", method)
        assert response.status == 405
    assert admin(served, "/metrics?x=y").status == 200


def test_the_public_listener_serves_no_metrics(served):
    for target in ("/metrics", "/livez", "/readyz"):
        assert served.get(target).status == 404


def test_a_scrape_does_not_count_as_a_request(served):
    before = served.scrape()
    for _ in range(5):
        served.scrape()
    assert growth(before, served.scrape(), "sluiced_http_requests_total") == 0


def test_metrics_and_health_can_be_switched_off(fleet, tree):
    text = files.configuration(tree)
    for switch, gone in (("metrics", ["/metrics"]), ("health", ["/livez", "/readyz"])):
        daemon = fleet.run(text.replace("  listen: 127.0.0.1:0\n",
                                        f"  listen: 127.0.0.1:0\n  {switch}: false\n", 1))
        for target in ("/metrics", "/livez", "/readyz"):
            assert admin(daemon, target).status == (404 if target in gone else 200), switch
