"""Tests of the client of the file servers, against a server that answers as each test has it."""

import contextlib
import json
import os
import socket
import subprocess
import threading
import time

import pytest

CLIENT = os.environ["BENCH_HTTP_CLIENT"]
BODY = b"x" * 1000
WAIT_SECONDS = 60


def response(body=BODY, status="200 OK", length=None):
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\ncontent-length: {size}\r\n\r\n".encode() + body


class Peer:
    """Answers every request with what `answer(request)` returns; None ends the connection."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        held = b""
        with contextlib.suppress(OSError), connection:
            while True:
                while b"\r\n\r\n" not in held:
                    more = connection.recv(1 << 16)
                    if not more:
                        return
                    held += more
                request, _, held = held.partition(b"\r\n\r\n")
                self.requests.append(request.decode())
                reply = self.answer(request.decode())
                if reply is None:
                    return
                connection.sendall(reply)
                if "Connection: close" in request.decode():
                    return


@contextlib.contextmanager
def peer(answer=lambda request: response()):
    made = Peer(answer)
    try:
        yield made
    finally:
        made.listener.close()


def command(port, *words):
    return [CLIENT, "--port", str(port), *map(str, words)]


def run(server, *words):
    done = subprocess.run(command(server.port, *words), capture_output=True, text=True,
                          timeout=WAIT_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_responses_and_bytes_of_their_bodies_are_counted():
    with peer() as server:
        answer = run(server, "--path", "/a", "--length", 1000, "--connections", 3, "--seconds", 0.2)
        assert answer["errors"] == {} and answer["responses"] > 3
        assert answer["responses"] * 1000 <= answer["bytes"] < (answer["responses"] + 3) * 1000
        assert len(server.requests) - answer["responses"] in range(0, 4)
        assert server.connections == 3
        assert 0 < answer["p50_ns"] <= answer["p99_ns"] <= answer["longest_ns"]


def test_a_list_is_asked_for_once(tmp_path):
    paths = [f"/file-{number}" for number in range(50)]
    (tmp_path / "list").write_text("\n".join(paths) + "\n")
    with peer() as server:
        answer = run(server, "--paths", tmp_path / "list", "--once", "--connections", 4,
                     "--seconds", 30)
        assert (answer["responses"], answer["unanswered"], answer["bytes"]) == (50, 0, 50000)
        assert sorted(each.split()[1] for each in server.requests) == sorted(paths)


@pytest.mark.parametrize("length", [0, 1, 20000, 3 << 20])
def test_bodies_of_every_size_are_taken(tmp_path, length):
    (tmp_path / "list").write_text("/a\n" * 5)
    with peer(lambda request: response(b"y" * length)) as server:
        answer = run(server, "--paths", tmp_path / "list", "--once", "--seconds", 30)
        assert (answer["responses"], answer["bytes"]) == (5, 5 * length)


def test_pipelined_requests_come_in_one_piece_and_are_counted_each():
    with peer() as server:
        answer = run(server, "--path", "/a", "--depth", 16, "--seconds", 0.2)
        assert answer["errors"] == {} and answer["responses"] >= 16
        assert len(server.requests) % 16 == 0


def test_a_connection_for_each_request():
    with peer() as server:
        answer = run(server, "--path", "/a", "--close", "--connections", 2, "--seconds", 0.2)
        assert answer["errors"] == {} and answer["responses"] > 2
        assert server.connections >= answer["responses"]
        assert all("Connection: close" in request for request in server.requests)


def test_ranges_lie_within_the_file():
    with peer(lambda request: response(b"z" * 100, "206 Partial Content")) as server:
        answer = run(server, "--path", "/a", "--length", 1000, "--range", 100, "--seconds", 0.2)
        assert answer["errors"] == {} and answer["responses"] > 10
        first = [int(each.split("bytes=")[1].split("-")[0]) for each in server.requests]
        last = [int(each.rsplit("-", 1)[1]) for each in server.requests]
        assert all(end - begin == 99 for begin, end in zip(first, last))
        assert min(first) >= 0 and max(last) < 1000 and len(set(first)) > 5


def test_an_open_loop_counts_latencies_from_when_requests_were_due():
    stalled = threading.Event()

    def answer(_):
        if not stalled.is_set():
            stalled.set()
            time.sleep(0.5)
        return response()

    with peer(answer) as server:
        answer = run(server, "--path", "/a", "--rate", 200, "--seconds", 1)
        assert (answer["responses"], answer["unanswered"]) == (200, 0)
        # All that were due during the stall of the one connection have waited, not only the first.
        assert answer["longest_ns"] >= 450e6 and answer["p50_ns"] * 2 < answer["longest_ns"]
        assert answer["p99_ns"] > 100e6


@pytest.mark.parametrize(("reply", "error"), [
    (response(status="404 Not Found"), "status"),
    (response(b"short"), "length"),
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "not_http"),
    (b"nonsense\r\n\r\n", "not_http"),
    (response() + b"more", "unexpected"),
])
def test_wrong_responses_are_errors(tmp_path, reply, error):
    (tmp_path / "list").write_text("/a\n")
    with peer(lambda request: reply) as server:
        answer = run(server, "--paths", tmp_path / "list", "--once", "--length", 1000,
                     "--seconds", 1)
        assert list(answer["errors"]) == [error]


def test_a_body_that_is_cut_short_is_an_error(tmp_path):
    (tmp_path / "list").write_text("/a\n")
    with peer() as server:
        server.answer = lambda request: response(b"only this", length=1000)
        # The peer ends the connection after a request that asks for it.
        answer = run(server, "--paths", tmp_path / "list", "--once", "--close", "--seconds", 30)
        assert answer["errors"] == {"short": 1} and answer["responses"] == 0


def test_an_end_between_requests_is_no_error_but_counted():
    answered = iter([response()] * 5 + [None] + [response()] * 10**6)
    with peer(lambda request: next(answered)) as server:
        answer = run(server, "--path", "/a", "--seconds", 0.2)
        assert (answer["errors"], answer["reconnects"]) == ({}, 1)
        assert server.connections == 2


def test_connections_are_held_until_the_input_ends():
    with peer() as server:
        words = command(server.port, "--path", "/a", "--hold", "--connections", 20, "--seconds", 30)
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as client:
            answer = json.loads(client.stdout.readline())
            assert (answer["responses"], answer["unanswered"]) == (20, 0)
            client.stdin.close()
            assert json.loads(client.stdout.readline()) == {"open": 20}
        assert server.connections == len(server.requests) == 20


def test_files_are_put_out_of_the_page_cache_and_each_connection_has_its_own(tmp_path):
    for number in range(6):
        (tmp_path / f"{number}").write_bytes(BODY)
    (tmp_path / "list").write_text("".join(f"/{number}\n" for number in range(6)))
    with peer() as server:
        answer = run(server, "--paths", tmp_path / "list", "--evict", tmp_path, "--connections", 2,
                     "--seconds", 0.3)
        assert answer["errors"] == {} and answer["responses"] > 20
        assert {each.split()[1] for each in server.requests} == {f"/{n}" for n in range(6)}


@pytest.mark.parametrize("words", [
    [], ["--path", "/a", "--seconds", "0"], ["--path", "/a", "--depth", "2", "--close"],
    ["--path", "/a", "--range", "2", "--length", "1"], ["--path", "/a", "--other"],
    ["--path", "/a", "word"], ["--paths", "/nonexistent"]])
def test_a_wrong_command_line_is_refused(words):
    done = subprocess.run(command(1, *words), capture_output=True, text=True, check=False,
                          timeout=WAIT_SECONDS)
    assert done.returncode == 64 and len(done.stderr.splitlines()) == 1
