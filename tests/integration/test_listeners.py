"""IPv4, IPv6 and unix sockets, alone and together."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

import pytest

from harness import files, wire
from harness.daemon import run_to_end


@pytest.fixture
def sockets():
    """A folder with a short path: that of a unix socket has 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="sluiced-") as folder:
        yield pathlib.Path(folder)


@pytest.fixture
def root(tree):
    files.write_old(tree / "file.txt", b"file")
    (tree / "folder").mkdir()
    return tree


def fetch(endpoint, target="/file.txt"):
    with wire.Connection(endpoint.connect()) as connection:
        connection.send(wire.request(target, headers=[("Connection", "close")]))
        response = connection.read_response()
        connection.expect_close()
        return response


def curl(endpoint, target="/file.txt"):
    return subprocess.run(["curl", "-sSf", "-g", *endpoint.curl_arguments, endpoint.url + target],
                          check=True, capture_output=True, timeout=60).stdout


def test_the_ready_lines_name_every_listener(fleet, root):
    daemon = fleet.serve(root)
    assert daemon.stdout_lines[0] == f"Listening on {daemon.url}/ (web)"
    assert daemon.stdout_lines[-1] == (f"Admin on {daemon.admin.url}/ "
                                       "(/metrics /livez /readyz /status)")
    assert len(daemon.stdout_lines) == 2


@pytest.mark.parametrize("address,family", [("127.0.0.1:0", socket.AF_INET),
                                            ("[::1]:0", socket.AF_INET6),
                                            ("127.0.0.2:0", socket.AF_INET)])
def test_serve_listens_where_it_is_told(fleet, root, address, family):
    daemon = fleet.start("serve", root, "--listen", address, "--admin", "127.0.0.1:0")
    assert daemon.endpoint.family == family
    assert daemon.endpoint.address[0] == address.rpartition(":")[0].strip("[]")
    assert fetch(daemon.endpoint).body == b"file"
    assert curl(daemon.endpoint) == b"file"


def test_serve_listens_on_a_unix_socket(sockets, fleet, root):
    daemon = fleet.start("serve", root, "--listen", f"unix:{sockets}/web", "--admin",
                         f"unix:{sockets}/admin")
    assert daemon.endpoint.address == f"{sockets}/web"
    assert fetch(daemon.endpoint).body == b"file"
    assert curl(daemon.endpoint) == b"file"
    assert fetch(daemon.endpoint, "/folder").status == 301
    assert fetch(daemon.admin, "/livez").status == 200
    assert daemon.scrape().total("sluiced_build_info") == 1


def test_the_dual_stack_address_takes_both_families(fleet, root):
    daemon = fleet.run(files.configuration(
        root, listeners="  - {name: web, address: \"[::]:0\"}"))
    port = daemon.endpoint.address[1]
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        assert fetch(daemon.endpoint._replace(family=family, address=(host, port))).body == b"file"


def test_several_listeners_serve_at_the_same_time(sockets, fleet, root):
    daemon = fleet.run(files.configuration(root, listeners=(
        "  - {name: four, address: 127.0.0.1:0}\n"
        "  - {name: six, address: \"[::1]:0\"}\n"
        "  - {name: other, address: 127.0.0.1:0}\n"
        f"  - {{name: local, address: \"unix:{sockets}/web\"}}")), listeners=4)
    assert list(daemon.endpoints) == ["four", "six", "other", "local"]
    for count in (1, 2):
        for endpoint in daemon.endpoints.values():
            assert fetch(endpoint).body == b"file"
        page = daemon.scrape()
        assert page.total("sluiced_connections_accepted_total") == count * len(daemon.endpoints)


def test_all_listeners_close_when_it_stops(sockets, fleet, root):
    daemon = fleet.run(files.configuration(root, listeners=(
        "  - {name: four, address: 127.0.0.1:0}\n"
        f"  - {{name: local, address: \"unix:{sockets}/web\"}}")), listeners=2)
    daemon.stop()
    for endpoint in daemon.endpoints.values():
        with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
            endpoint.connect()


def serve_local(fleet, root, sockets):
    return fleet.start("serve", root, "--listen", f"unix:{sockets}/web", "--admin", "127.0.0.1:0")


def test_a_unix_socket_can_be_used_again_after_a_stop(sockets, fleet, root):
    for _ in range(3):
        daemon = serve_local(fleet, root, sockets)
        assert fetch(daemon.endpoint).body == b"file"
        daemon.stop()


def test_a_unix_socket_that_a_killed_daemon_left_is_taken_over(sockets, fleet, root):
    daemon = serve_local(fleet, root, sockets)
    daemon.signal(signal.SIGKILL)
    daemon.process.wait()
    assert os.path.exists(f"{sockets}/web")
    assert fetch(serve_local(fleet, root, sockets).endpoint).body == b"file"


def test_a_unix_socket_in_use_is_left_to_its_owner(sockets, fleet, root):
    daemon = serve_local(fleet, root, sockets)
    done = run_to_end("serve", root, "--listen", f"unix:{sockets}/web", "--admin", "127.0.0.1:0")
    assert done.returncode == 71
    assert f"{sockets}/web" in done.stderr
    assert fetch(daemon.endpoint).body == b"file"


def test_a_file_in_the_place_of_a_unix_socket_is_not_removed(root, sockets):
    (sockets / "web").write_bytes(b"precious")
    done = run_to_end("serve", root, "--listen", f"unix:{sockets}/web", "--admin", "127.0.0.1:0")
    assert done.returncode in (71, 78)
    assert (sockets / "web").read_bytes() == b"precious"


def test_the_admin_listener_can_be_switched_off(fleet, root):
    text = files.configuration(root).replace("listen: 127.0.0.1:0\n", "listen: off\n", 1)
    daemon = fleet.run(text, admin=False)
    assert fetch(daemon.endpoint).body == b"file"
    assert not [line for line in daemon.stdout_lines if line.startswith("Admin")]


def test_a_client_that_connects_and_goes_at_once_does_no_harm(fleet, root):
    daemon = fleet.serve(root)
    for number in range(500):
        plain = daemon.endpoint.connect()
        if number % 2:
            with contextlib.suppress(OSError):
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        plain.close()
    assert fetch(daemon.endpoint).body == b"file"
