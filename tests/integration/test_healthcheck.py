"""`healthcheck`, which a container's engine runs: one line, and 0 or 1."""

import contextlib
import signal
import socket
import tempfile
import threading

import pytest

from harness import files, wire
from harness.daemon import LIMIT_S, run_to_end


def assert_line(done, status, *words):
    assert done.returncode == status, done.stderr
    line, = (done.stdout + done.stderr).splitlines()
    assert bool(done.stdout) == (status == 0)
    for word in ("healthy: " if status == 0 else "unhealthy: ", *words):
        assert word in line, line


def test_a_daemon_that_serves_is_healthy(fleet, tree):
    daemon = fleet.serve(tree)
    url = daemon.admin.url
    assert_line(run_to_end("healthcheck", "--url", url), 0, "/livez", "200")
    assert_line(run_to_end("healthcheck", "--url", url + "/"), 0, "/livez")
    assert_line(run_to_end("healthcheck", "--url", url, "--ready"), 0, "/readyz")
    assert_line(run_to_end("healthcheck", "--url", url + "/readyz"), 0, "/readyz")
    localhost = url.replace("127.0.0.1", "localhost")
    assert_line(run_to_end("healthcheck", "--url", localhost), 0, "/livez")
    assert_line(run_to_end("healthcheck", "--url", url + "/nothing"), 1, "404")


def test_a_unix_socket_is_asked_too(tmp_path, tree, fleet):
    with tempfile.TemporaryDirectory(prefix="sluiced-") as folder:
        path = tmp_path / "c.yaml"
        text = files.configuration(tree).replace("listen: 127.0.0.1:0",
                                                 f"listen: unix:{folder}/admin")
        path.write_text(text)
        daemon = fleet.start("run", "-c", path)
        assert_line(run_to_end("healthcheck", "-c", path), 0, "/livez", "200")
        assert_line(run_to_end("healthcheck", "--url", f"unix:{folder}/admin", "--ready"), 0)
        daemon.stop()
        assert_line(run_to_end("healthcheck", "-c", path), 1, f"{folder}/admin", "connect")


def test_a_daemon_that_drains_is_alive_and_not_ready(fleet, tree):
    files.write_sparse(tree / "large", 1 << 30)
    daemon = fleet.serve(tree)
    with contextlib.closing(daemon.endpoint.connect(receive_buffer_bytes=4096)) as slow:
        slow.sendall(wire.request("/large"))
        assert slow.recv(1)
        daemon.process.send_signal(signal.SIGTERM)
        alive = wait_for_not_ready(daemon.admin.url)
        assert_line(run_to_end("healthcheck", "--url", daemon.admin.url), 0, "/livez")
        assert_line(alive, 1, "503")
    daemon.wait()


def wait_for_not_ready(url):
    while True:
        done = run_to_end("healthcheck", "--ready", "--url", url)
        if done.returncode != 0:
            return done


def test_nobody_there_is_unhealthy():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert_line(run_to_end("healthcheck", "--url", f"http://127.0.0.1:{port}"), 1,
                f"127.0.0.1:{port}", "refused")
    assert_line(run_to_end("healthcheck", "--url", "unix:/nowhere/at/all"), 1, "No such file")


def test_somebody_who_does_not_answer_is_unhealthy():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert_line(run_to_end("healthcheck", "--url", url), 1, "no answer within 3000 ms")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 500 Broken\r\n\r\n", b"SSH-2.0-x\r\n",
                                    b"HTTP/1.1 2000\r\n\r\n", b"\x1b[2J" * 2000])
def test_another_answer_is_unhealthy(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:
        def reply():
            plain, _ = server.accept()
            with plain:
                plain.settimeout(LIMIT_S)
                plain.recv(4096)
                plain.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        done = run_to_end("healthcheck", "--url", f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join(LIMIT_S)
    assert_line(done, 1)
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("url", ["", "https://127.0.0.1:1/", "http://example.org:1/", "nonsense",
                                 "http://127.0.0.1:99999/", "http://127.0.0.1:1/a b"])
def test_a_url_that_cannot_be_asked_is_named(url):
    assert_line(run_to_end("healthcheck", "--url", url), 1)


@pytest.mark.parametrize("admin,word", [("listen: off", "off"), ("health: false", "/livez"),
                                        ("listen: 127.0.0.1:0", "--url")])
def test_a_configuration_without_an_answer_is_named(tmp_path, tree, admin, word):
    path = tmp_path / "c.yaml"
    path.write_text(files.configuration(tree).replace("listen: 127.0.0.1:0", admin, 1))
    assert_line(run_to_end("healthcheck", "-c", path), 1, word)
    path.write_text("nonsense")
    assert_line(run_to_end("healthcheck", "-c", path), 1, "check")


def test_two_places_to_ask_are_one_too_many():
    assert run_to_end("healthcheck", "--url", "unix:/a", "-c", "b").returncode == 64
