"""What the daemon tells of itself while it runs: /status.json, and the verb that prints it."""

import contextlib
import json
import socket

import jsonschema
import pytest

from harness import control, files, wire
from harness.control import configuration
from harness.daemon import run_to_end, wait_until

SCHEMA = json.loads((files.REPOSITORY / "config" / "status.schema.json").read_text())
LARGE = 64 * files.MIB


@pytest.fixture
def root(tree):
    files.write_old(tree / "file.txt", b"file")
    files.write_sparse(tree / "large.bin", LARGE)
    return tree


def ask(daemon, target, method="GET"):
    with daemon.connect_admin() as connection:
        connection.send(wire.request(target, method=method, headers=[("Connection", "close")]))
        return connection.read_response(method)


def status_of(daemon):
    response = ask(daemon, "/status.json")
    assert response.status == 200
    assert response.header("content-type") == "application/json"
    assert response.header("cache-control") == "no-store"
    status = json.loads(response.body)
    jsonschema.validate(status, SCHEMA, cls=jsonschema.Draft202012Validator)
    return status


def transfers(status):
    return [row for row in status["in_flight"]["connections"] if row["state"] == "response"]


@contextlib.contextmanager
def stalled_download(daemon, target):
    """A client that takes the head of a response, and no more."""
    connection = wire.Connection(daemon.endpoint.connect(receive_buffer_bytes=4096))
    with connection:
        connection.send(wire.request(target, headers=[("Authorization", "Bearer s3cret-token")]))
        assert connection.read_head().status == 200
        yield connection


def of_shards(status, member):
    return sum(shard.get(member, 0) for shard in status["shards"])


def test_it_tells_of_what_is_in_flight_and_of_nothing_secret(fleet, root):
    daemon = fleet.run(files.configuration(root, extra=files.PATIENT))
    with stalled_download(daemon, "/large.bin?token=s3cret-query") as client:
        status = wait_until(lambda: (found := status_of(daemon)) and transfers(found) and
                            transfers(found)[0]["bytes_sent"] > 0 and found, "it is being sent")
        rows = status["in_flight"]["connections"]
        assert len(rows) == status["in_flight"]["total"] == 1
        row = rows[0]
        assert (row["peer"], row["port"]) == client.socket.getsockname()
        assert (row["method"], row["site"], row["path"]) == ("GET", "_default", "large.bin")
        assert (row["listener"], row["requests"], row["bytes_total"]) == ("web", 1, LARGE)
        assert 0 < row["bytes_sent"] < LARGE
        assert row["age_seconds"] >= row["in_state_seconds"] >= 0
        assert "s3cret" not in json.dumps(status)
        assert of_shards(status, "requests_in_flight") == 1
        at_home = next(shard for shard in status["shards"] if shard["shard"] == row["shard"])
        assert at_home["connections"]["response"] == 1
        kinds = {kind: of_kind["in_flight"] for kind, of_kind in at_home["operations"].items()}
        assert kinds["accept"] == 1 and kinds["send"] + kinds["poll"] >= 1
        # The ring's own is no operation of the daemon.
        assert sum(kinds.values()) - kinds["wake"] == at_home["operations_in_flight"]
    wait_until(lambda: not transfers(status_of(daemon)), "the client has gone")


def test_an_idle_connection_is_counted_and_not_told_of(fleet, root):
    daemon = fleet.serve(root)
    with daemon.connect() as connection:
        connection.send(wire.request("/file.txt"))
        assert connection.read_response().body == b"file"
        status = wait_until(lambda: (found := status_of(daemon)) and found["shards"] and
                            sum(shard["connections"]["idle"] for shard in found["shards"]
                                if "connections" in shard) == 1 and found, "it is idle")
    assert status["in_flight"]["total"] == 0
    assert of_shards(status, "requests") == 1
    assert of_shards(status, "response_body_bytes") == len(b"file")
    assert status["totals"]["requests"]["count"] == 1
    assert 0 < status["totals"]["requests"]["p99_seconds"] < 100


def test_the_oldest_come_first(fleet, root):
    # Each shard tells the time when a turn of its loop begins: of two, the order is not exact.
    one_shard = "runtime: {workers: 1}\n"
    daemon = fleet.run(files.configuration(root, extra=one_shard + files.PATIENT))
    with contextlib.ExitStack() as clients:
        ports = []
        for number in range(6):
            client = clients.enter_context(stalled_download(daemon, f"/large.bin?{number}"))
            ports.append(client.socket.getsockname()[1])
        rows = transfers(status_of(daemon))
        assert [row["port"] for row in rows] == ports
        ages = [row["age_seconds"] for row in rows]
        assert ages == sorted(ages, reverse=True)


def test_half_a_head_is_told_of_without_what_it_says(fleet, root):
    daemon = fleet.run(files.configuration(root, extra=files.PATIENT))
    with daemon.connect() as connection:
        connection.send(b"GET /s3cret HTTP/1.1\r\nAuthorization: s3cret")
        status = wait_until(lambda: (found := status_of(daemon))["in_flight"]["total"] and found,
                            "the head has begun")
        row = status["in_flight"]["connections"][0]
        assert row["state"] == "head" and "path" not in row and "method" not in row
        assert "s3cret" not in json.dumps(status)


def test_generation_and_limits_follow_the_configuration(fleet, root):
    limit = f"{control.ADMIN}limits: {{max_connections_per_address: 7}}\n"
    with control.Controlled(fleet, configuration({"/": root})) as made:
        before = status_of(made.daemon)
        assert before["configuration"]["generation"] == 1
        assert before["limits"]["max_connections_per_address"] is None
        assert made.reload(configuration({"/": root}, extra=limit)).status == 0
        assert made.reload("nonsense: true\n").status == 78
        after = status_of(made.daemon)
        assert after["configuration"]["generation"] == 2
        assert after["configuration"]["reloads_failed"] == 1
        assert after["configuration"]["last_reload_successful"] is False
        assert after["limits"]["max_connections_per_address"] == 7
        assert after["limits"]["listeners"][0]["name"] == "web"
        assert after["uptime_seconds"] > before["uptime_seconds"]


def test_it_can_be_switched_off_and_says_which_methods_it_takes(fleet, root):
    switched_off = "admin: {listen: '127.0.0.1:0', status: false}\n"
    with control.Controlled(fleet, configuration({"/": root})) as made:
        assert ask(made.daemon, "/status").header("content-type") == "text/html; charset=utf-8"
        assert b"/status " in ask(made.daemon, "/").body
        head = ask(made.daemon, "/status.json", "HEAD")
        assert head.status == 200 and int(head.header("content-length")) > 1000
        assert ask(made.daemon, "/status.json", "POST").status == 405
        assert made.reload(configuration({"/": root}, extra=switched_off)).status == 0
        for target in ("/status", "/status.json"):
            assert ask(made.daemon, target).status == 404
        # The control socket is its owner's, and goes on telling.
        assert run_to_end("status", "--control", made.path).returncode == 0


def test_the_verb_needs_no_admin_listener(fleet, root):
    text = configuration({"/": root}, extra=f"admin: {{listen: off}}\n{files.PATIENT}")
    with control.Controlled(fleet, text, admin=False) as made:
        with stalled_download(made.daemon, "/large.bin?token=s3cret") as client:
            port = client.socket.getsockname()[1]
            done = wait_until(lambda: (ran := run_to_end("status", "--control", made.path)) and
                              "of 64.0 MiB" in ran.stdout and ran, "it is being sent")
            assert (done.returncode, done.stderr) == (0, "")
            assert "1 connection of at most" in done.stdout
            line = next(line for line in done.stdout.splitlines() if "/large.bin" in line)
            assert f"127.0.0.1:{port}" in line and line.endswith("GET /large.bin")
            assert "s3cret" not in done.stdout
            done = run_to_end("status", "--json", "--control", made.path)
            assert (done.returncode, done.stderr) == (0, "")
            status = json.loads(done.stdout)
            jsonschema.validate(status, SCHEMA, cls=jsonschema.Draft202012Validator)
            assert transfers(status)[0]["port"] == port


def test_the_verb_says_that_nobody_answers(tmp_path):
    nowhere = tmp_path / "none"
    done = run_to_end("status", "--control", nowhere)
    assert done.returncode == 69
    assert f"no answer at the control socket '{nowhere}'" in done.stderr
    assert done.stdout == ""


def test_many_ask_at_the_same_time(fleet, root):
    daemon = fleet.serve(root)
    with contextlib.ExitStack() as clients:
        asking = [clients.enter_context(daemon.connect_admin()) for _ in range(30)]
        for connection in asking:
            connection.send(wire.request("/status.json") * 2)
        for connection in asking:
            for _ in range(2):
                assert json.loads(connection.read_response().body)["format"] == 1
    # A client that goes while it is being answered leaves nothing behind.
    for _ in range(20):
        plain = daemon.admin.connect()
        plain.sendall(wire.request("/status.json"))
        plain.shutdown(socket.SHUT_RDWR)
        plain.close()
    assert status_of(daemon)["format"] == 1
