"""The log of requests: one line for each, parseable whatever a client sends, and never in the way."""

import fcntl
import json
import os
import re
import signal
import subprocess
import threading

import pytest

from harness import files, wire
from harness.daemon import run_to_end, wait_until

LENGTH = 24 * files.MIB
COMBINED = re.compile(r'(\S+) - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
                      r'"((?:[^"\\\x00-\x1f\x7f-\U0010ffff]|\\x[0-9a-f]{2})*)" (\d{3}) (\d+) '
                      r'"((?:[^"\\\x00-\x1f\x7f-\U0010ffff]|\\x[0-9a-f]{2})*)" '
                      r'"((?:[^"\\\x00-\x1f\x7f-\U0010ffff]|\\x[0-9a-f]{2})*)"')


class Logged:
    """A daemon with an access log, and what is in it."""

    def __init__(self, fleet, tree, path, form="json", more="", **options):
        self.path = path
        self.daemon = fleet.run(files.configuration(tree, extra=(
            f"{files.PATIENT}log:\n  access: {{target: {path}, format: {form}{more}}}\n")), **options)

    def lines(self, path=None):
        """The whole ones: a batch that is just being written is seen in part."""
        return (path or self.path).read_bytes().split(b"\n")[:-1]

    def entries(self, path=None):
        data = (path or self.path).read_bytes()
        assert not data or data.endswith(b"\n")
        return [json.loads(line) for line in self.lines(path)]

    def await_entries(self, count):
        wait_until(lambda: len(self.lines()) >= count, f"{count} lines are written")
        entries = self.entries()
        assert len(entries) == count
        return entries


@pytest.fixture
def make(fleet, tree, tmp_path):
    files.write_old(tree / "small.txt", b"small")
    files.write_sparse(tree / "large.bin", LENGTH)
    return lambda **options: Logged(fleet, tree, tmp_path / "access.log", **options)


def test_a_request_has_a_line_with_all_there_is_to_know(make):
    logged = make()
    with logged.daemon.connect() as connection:
        port = connection.socket.getsockname()[1]
        connection.send(wire.request("/x/..//%73mall.txt?a=b", headers=[
            ("Referer", "http://here/"), ("User-Agent", "tester/1")]))
        connection.read_response()
    entry, = logged.await_entries(1)
    times = [entry.pop(name) for name in ("header_us", "first_byte_us", "total_us")]
    assert times == sorted(times)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("time"))
    assert entry == {
        "client": "127.0.0.1", "port": port, "listener": "web", "site": "_default",
        "method": "GET", "target": "/x/..//%73mall.txt?a=b", "path": "/small.txt",
        "protocol": "HTTP/1.1", "status": 200,
        "bytes": 5, "outcome": "complete", "referer": "http://here/", "user_agent": "tester/1"}


def test_the_combined_format_is_that_of_other_servers(make):
    logged = make(form="combined")
    logged.daemon.get("/small.txt", headers=[("Referer", 'a"b\\c'), ("User-Agent", "caf\xe9\t!")])
    # Each shard writes its own lines: only one that is there already comes before another.
    wait_until(lambda: len(logged.lines()) == 1, "the first line is written")
    logged.daemon.get("/missing", method="HEAD")
    wait_until(lambda: len(logged.lines()) == 2, "both lines are written")
    found = [COMBINED.fullmatch(line.decode("ascii")).groups() for line in logged.lines()]
    assert found == [
        ("127.0.0.1", "GET /small.txt HTTP/1.1", "200", "5", "a\\x22b\\x5cc", "caf\\xe9\\x09!"),
        ("127.0.0.1", "HEAD /missing HTTP/1.1", "404", "0", "-", "-")]


@pytest.mark.parametrize("form", ["json", "combined"])
def test_nothing_a_client_sends_breaks_a_line(make, form):
    logged = make(form=form)
    nasty = [bytes([byte]) for byte in range(256)] + [
        "\u2028\u2029\x85\x9b31m".encode(), b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
        b"\xe2\x80", b'","status":200,"x":"', b"\\", b"\\\\", b"\\u0000", b"x" * 3000, b'"' * 3000,
        "\u00e9".encode() * 1500, b"\x80" * 3000]
    count = 0
    for text in nasty:
        for data in (b"GET /a" + text + b" HTTP/1.1\r\nHost: t\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: t\r\nUser-Agent: " + text + b"\r\nReferer: " + text +
                     b"\r\nConnection: close\r\n\r\n",
                     text + b" / HTTP/1.1\r\nHost: t\r\n\r\n"):
            with logged.daemon.connect() as connection:
                connection.send(data)
                connection.half_close()
                count += len(connection.read_all())
    wait_until(lambda: len(logged.lines()) >= count, "all lines are written")
    assert len(logged.lines()) == count
    for line in logged.lines():
        assert len(line) < 4096
        if form == "json":
            entry = json.loads(line.decode("utf-8"))
            assert not any(ord(character) < 0x20 or 0x7f <= ord(character) < 0xa0
                           for character in line.decode("utf-8"))
            assert entry["status"] >= 200
        else:
            assert COMBINED.fullmatch(line.decode("ascii")), line


def test_what_was_no_request_is_logged_with_its_first_line(make):
    logged = make()
    wire.exchange(logged.daemon.endpoint, b"\x16\x03\x01 hello\r\n\r\n")
    entry, = logged.await_entries(1)
    assert (entry["method"], entry["target"], entry["status"]) == ("", "\x16\x03\x01 hello", 400)


def test_an_aborted_download_is_logged_with_the_bytes_that_were_sent(make):
    logged = make()
    connection = logged.daemon.connect(receive_buffer_bytes=4096)
    connection.send(wire.request("/large.bin"))
    assert connection.read_head().status == 200
    connection.reset()
    entry, = logged.await_entries(1)
    assert entry["status"] == 200 and entry["outcome"] == "client_abort"
    assert 0 < entry["bytes"] < LENGTH
    assert entry["bytes"] == logged.daemon.scrape().total("sluiced_http_response_body_bytes_total")


def test_a_transfer_that_is_cut_at_a_stop_is_logged(make):
    logged = make()
    with logged.daemon.connect(receive_buffer_bytes=4096) as connection:
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
        logged.daemon.signal(signal.SIGTERM)
        wait_until(logged.daemon.refuses_connections, "it is stopping")
        logged.daemon.signal(signal.SIGTERM)
        logged.daemon.wait()
    assert [entry["outcome"] for entry in logged.entries()] == ["drain_cut"]


def test_there_are_as_many_lines_as_requests(make):
    logged = make()

    def client(number):
        for _ in range(10):
            with logged.daemon.connect() as connection:
                connection.send(wire.request("/small.txt") * 30 + wire.request("/missing") * 9 +
                                (b"nonsense\r\n\r\n" if number % 2 else b"GET / HTTP/1.1\r\nX"))
                connection.half_close()
                connection.read_all()

    clients = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    page = logged.daemon.scrape()
    requests = page.total("sluiced_http_requests_total")
    entries = logged.await_entries(int(requests))
    page = logged.daemon.scrape()
    assert page.total("sluiced_access_log_lines_dropped_total") == 0
    assert page.total("sluiced_access_log_lines_total") == requests
    assert page.total("sluiced_access_log_writes_total") < requests / 4
    for code in {entry["status"] for entry in entries}:
        assert page.total("sluiced_http_requests_total", code=str(code)) == \
            sum(entry["status"] == code for entry in entries)


def test_a_signal_moves_on_to_a_new_file(make):
    logged = make()
    old = logged.path.with_suffix(".1")
    logged.daemon.get("/small.txt")
    logged.await_entries(1)
    os.rename(logged.path, old)
    logged.daemon.get("/small.txt")
    wait_until(lambda: len(logged.lines(old)) == 2, "the old file is written to")
    logged.daemon.signal(signal.SIGUSR1)
    wait_until(logged.path.exists, "the new file is there")
    wait_until(lambda: not any(os.readlink(f"/proc/{logged.daemon.pid}/fd/{fd}") == str(old)
                               for fd in os.listdir(f"/proc/{logged.daemon.pid}/fd")),
               "no shard holds the old file")
    for _ in range(10):
        logged.daemon.get("/small.txt")
    logged.await_entries(10)
    assert len(logged.entries(old)) == 2


def test_a_signal_that_cannot_be_followed_loses_nothing(make, tmp_path):
    logged = make()
    moved = tmp_path / "moved.log"
    logged.daemon.get("/small.txt")
    logged.await_entries(1)
    os.rename(logged.path, moved)
    logged.path.mkdir()
    logged.daemon.signal(signal.SIGUSR1)
    logged.daemon.get("/small.txt")
    wait_until(lambda: len(logged.lines(moved)) == 2, "the old file is still written to")


def test_the_signal_does_nothing_without_an_access_log(fleet, tree):
    files.write_old(tree / "small.txt", b"small")
    daemon = fleet.serve(tree)
    daemon.signal(signal.SIGUSR1)
    assert daemon.get("/small.txt").body == b"small"


def test_lines_that_nobody_takes_are_dropped_and_counted(fleet, tree):
    """Standard error is a pipe whose reader has fallen asleep."""
    files.write_old(tree / "small.txt", b"small")
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    daemon = fleet.run(files.configuration(tree, extra=(
        "log:\n  level: error\n  access: {target: stderr, format: json, queue: 16}\n")),
        stderr=writing)
    os.close(writing)
    requests = 2000
    with daemon.connect() as connection:
        for _ in range(requests):
            connection.send(wire.request("/small.txt"))
            assert connection.read_response().body == b"small"
    dropped = daemon.scrape().total("sluiced_access_log_lines_dropped_total")
    assert dropped > requests / 2
    daemon.stop()
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().split(b"\n")[:-1]
    assert 0 < len(lines) <= requests - dropped
    for line in lines:
        json.loads(line)


def test_standard_error_can_be_the_target(fleet, tree):
    files.write_old(tree / "small.txt", b"small")
    daemon = fleet.run(files.configuration(
        tree, extra="log:\n  access: {target: stderr, format: json}\n"))
    daemon.get("/small.txt")
    wait_until(lambda: '"target":"/small.txt"' in daemon.stderr, "the line is written")
    assert "serving with" in daemon.stderr


def test_a_full_disk_costs_lines_and_no_request(fleet, tree):
    files.write_old(tree / "small.txt", b"small")
    daemon = fleet.run(files.configuration(
        tree, extra="log:\n  access: {target: /dev/full, format: combined}\n"))
    for _ in range(3):
        assert daemon.get("/small.txt").body == b"small"
    wait_until(lambda: daemon.scrape().total("sluiced_access_log_lines_dropped_total") == 3,
               "the lines are counted")
    assert daemon.scrape().total("sluiced_access_log_lines_total") == 0


def test_a_target_that_cannot_be_opened_is_told_with_its_place(tree, tmp_path):
    path = tmp_path / "sluiced.yaml"
    path.write_text(files.configuration(tree, extra=(
        f"log:\n  access:\n    target: {tmp_path}/missing/access.log\n")))
    done = run_to_end("run", "-c", path)
    assert done.returncode == 78
    assert f"{path}:5:13: cannot open the access log '{tmp_path}/missing/access.log': " \
        "No such file or directory" in done.stderr


def test_writing_the_log_is_no_system_call_of_a_request(make):
    """What the shards ask of the kernel is what they ask without a log, and a write a batch through
    the ring."""
    logged = make()
    requests = 2000
    logged.daemon.get("/small.txt")
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", "trace=write,pwrite64,writev,openat,getpeername",
         "-o", logged.path.with_suffix(".trace"), "-p", str(logged.daemon.pid)])
    wait_until(lambda: "TracerPid:\t0" not in
               open(f"/proc/{logged.daemon.pid}/status", encoding="ascii").read(), "it is traced")
    with logged.daemon.connect() as connection:
        connection.send(wire.request("/small.txt") * requests)
        for _ in range(requests):
            assert connection.read_response().body == b"small"
    logged.await_entries(requests + 1)
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    calls = logged.path.with_suffix(".trace").read_text().splitlines()
    assert len([call for call in calls if "(" in call]) < requests / 10, calls[:20]
