"""What is written to standard error: bounded, harmless, and never a reason to wait."""

import fcntl
import json
import os
import re
import signal
import subprocess

import pytest

from harness import control, files, wire
from harness.daemon import BINARY, LIMIT_S, assert_clean

F_SETPIPE_SZ = 1031


@pytest.fixture
def root(tree):
    files.write_old(tree / "file.txt", b"file")
    return tree


def disturb(daemon, count):
    """Requests that somebody might write a line about."""
    for number in range(count):
        with daemon.connect() as connection:
            connection.send((wire.request("/file.txt") + wire.request("/missing") +
                             b"GET /%zz HTTP/1.1\r\nbad\r\n\r\n")[:None if number % 2 else 90])
            connection.half_close()
            connection.drain_to_end()


@pytest.mark.parametrize("level", ["trace", "info"])
def test_a_full_pipe_that_nobody_reads_does_not_stop_serving(fleet, root, level):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
    with os.fdopen(reader, "rb"), os.fdopen(writer, "wb", buffering=0) as pipe:
        os.set_blocking(writer, False)
        while True:  # not a byte of room is left
            try:
                os.write(writer, b"x")
            except BlockingIOError:
                break
        os.set_blocking(writer, True)
        daemon = fleet.run(files.configuration(root, extra=f"log:\n  level: {level}\n"),
                           stderr=pipe)
        disturb(daemon, 1000)
        assert daemon.get("/file.txt").body == b"file"
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0


def test_a_pipe_whose_reader_has_gone_does_not_stop_serving(fleet, root):
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as pipe:
        daemon = fleet.run(files.configuration(root, extra="log:\n  level: trace\n"), stderr=pipe)
    os.close(reader)
    disturb(daemon, 200)
    assert daemon.get("/file.txt").body == b"file"
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0


def test_a_full_disk_does_not_stop_serving(fleet, root):
    with open("/dev/full", "wb") as full:
        daemon = fleet.run(files.configuration(root, extra="log:\n  level: trace\n"), stderr=full)
    disturb(daemon, 200)
    assert daemon.get("/file.txt").body == b"file"
    daemon.stop()


def test_a_pipe_on_standard_output_that_nobody_reads_does_not_stop_serving(fleet, root):
    """The two lines of the start are all that goes there."""
    daemon = fleet.serve(root)
    disturb(daemon, 100)
    assert len(daemon.stdout_lines) == 2


def test_no_client_can_write_control_characters_into_the_log(fleet, root):
    daemon = fleet.run(files.configuration(root, extra="log:\n  level: trace\n"))
    for target in ("/%1b[31mred", "/%0a2026-01-01 forged line", "/\x1b[31m", "/\x07", "/%7f"):
        with daemon.connect() as connection:
            connection.send(wire.request(target.replace(" ", "%20"), headers=[
                ("User-Agent", "\x1b]0;title\x07"), ("Referer", "a\x9bb")]))
            connection.half_close()
            connection.drain_to_end()
    daemon.stop()
    for line in daemon.stderr.splitlines():
        assert "\x1b[31m" not in line and "\x1b]0;" not in line and "\x07" not in line
        assert not line.startswith("2026-01-01 forged")
    assert_clean(daemon.stderr)


def test_the_log_is_quiet_about_ordinary_requests(fleet, root):
    daemon = fleet.serve(root)
    before = len(daemon.stderr)
    with daemon.connect() as connection:
        for _ in range(20):
            connection.send(wire.request("/file.txt") * 50 + wire.request("/missing") * 50)
            for _ in range(100):
                connection.read_response()
    assert len(daemon.stderr) - before < 2000


def test_the_level_is_that_of_the_configuration(fleet, root):
    lengths = {}
    for level in ("error", "info"):
        daemon = fleet.run(files.configuration(root, extra=f"log:\n  level: {level}\n"))
        assert daemon.get("/file.txt").body == b"file"
        daemon.stop()
        lengths[level] = len(daemon.stderr)
    assert lengths["error"] == 0
    assert lengths["info"] >= lengths["error"]


def test_a_stop_that_cuts_transfers_says_so(fleet, root):
    files.write_sparse(root / "large.bin", 24 * files.MIB)
    daemon = fleet.run(files.configuration(root, extra="timeouts:\n  drain: 0s\n"))
    connection = daemon.connect(receive_buffer_bytes=4096)
    connection.send(wire.request("/large.bin"))
    assert connection.read_head().status == 200
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    connection.close()
    assert daemon.stderr.strip()


def test_in_json_each_line_is_an_object(fleet, root):
    daemon = fleet.run(files.configuration(root, extra="log: {format: json}\n"))
    daemon.stop()
    lines = [json.loads(line) for line in daemon.stderr.splitlines()]
    assert len(lines) >= 2
    for line in lines:
        assert set(line) == {"time", "level", "message"}
        assert line["level"] in ("info", "warn")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert (lines[-1]["level"], lines[-1]["message"]) == ("info", "stopped")


def leading_to_the_journal(file):
    """The environment in which a file is the journal: it is told by its device and inode."""
    status = os.fstat(file.fileno())
    return {**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def test_in_the_journal_lines_have_a_priority_and_no_time(fleet, root, tmp_path):
    with open(tmp_path / "journal", "wb") as journal:
        for form in ("text", "json"):
            daemon = fleet.run(files.configuration(root, extra=f"log: {{format: {form}}}\n"),
                               stderr=journal, env=leading_to_the_journal(journal))
            daemon.stop()
    lines = (tmp_path / "journal").read_text().splitlines()
    assert all(line.startswith(("<6>", "<4>")) for line in lines)
    assert "<6>stopped" in lines and '<6>{"level":"info","message":"stopped"}' in lines


def test_in_the_journal_why_it_does_not_start_is_an_error(fleet, root, tmp_path):
    bad = fleet.write_configuration(files.configuration(root, extra="nonsense: true\n"))
    with open(tmp_path / "journal", "wb") as journal:
        done = subprocess.run([BINARY, "run", "-c", bad], stderr=journal, check=False,
                              env=leading_to_the_journal(journal), timeout=LIMIT_S)
    assert done.returncode == 78
    lines = (tmp_path / "journal").read_text().splitlines()
    assert len(lines) >= 3 and all(line.startswith("<3>") for line in lines)
    assert "unknown key 'nonsense'" in lines[0]


def test_a_reload_changes_the_format(fleet, root):
    with control.Controlled(fleet, files.configuration(root)) as made:
        text = files.configuration(root, extra="log: {format: json}\n")
        assert made.reload(text).status == 0
        made.daemon.stop()
        lines = made.daemon.stderr.splitlines()
    assert not lines[0].startswith("{")
    assert json.loads(lines[-1])["message"] == "stopped"
