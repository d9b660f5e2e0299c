"""Requests that come before the answers have gone, in one piece or in many."""

import fcntl
import os
import struct
import termios

import pytest

from harness import files, wire

NAMES = [f"file-{number}.txt" for number in range(50)]


def content(name):
    number = int(name.removeprefix("file-").removesuffix(".txt"))
    return files.pattern(17 * number * number + number, number)


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    for name in NAMES:
        files.write_old(module_tree / name, content(name))
    files.write_old(module_tree / "large.bin", files.pattern(3 * files.MIB))
    return module_fleet.serve(module_tree)


def await_delivery(connection):
    """Waits until the peer's kernel has what was sent, so that the next part is one of its own."""
    while struct.unpack("i", fcntl.ioctl(connection.socket, termios.TIOCOUTQ, b"\0\0\0\0"))[0]:
        os.sched_yield()
    os.sched_yield()


def test_two_hundred_requests_in_one_segment_are_answered_in_order(served):
    names = [NAMES[(number * 7) % len(NAMES)] for number in range(200)]
    with served.connect() as connection:
        connection.send(b"".join(wire.request(f"/{name}") for name in names))
        for name in names:
            assert connection.read_response().body == content(name)


def test_a_thousand_requests_in_one_segment_are_answered_and_counted(served):
    before = served.scrape().total("sluiced_http_requests_total", method="HEAD", code="200")
    with served.connect() as connection:
        connection.send(wire.request("/file-1.txt", method="HEAD") * 999 +
                        wire.request("/file-1.txt", method="HEAD",
                                     headers=[("Connection", "close")]))
        assert len(connection.read_all(["HEAD"])) == 1000
    after = served.scrape().total("sluiced_http_requests_total", method="HEAD", code="200")
    assert after - before == 1000


def test_different_kinds_of_answers_keep_their_order(served):
    requests = [("GET", "/file-3.txt", 200), ("HEAD", "/large.bin", 200), ("GET", "/none", 404),
                ("POST", "/file-3.txt", 405), ("GET", "/large.bin", 200), ("GET", "/no/", 404),
                ("HEAD", "/none", 404), ("GET", "/file-0.txt", 200)]
    with served.connect() as connection:
        # A POST without a body says so, since a server may want to know (RFC 9110 section 8.6).
        connection.send(b"".join(
            wire.request(target, method=method,
                         headers=[("Content-Length", "0")] if method == "POST" else [])
            for method, target, _ in requests))
        for method, target, status in requests:
            response = connection.read_response(method)
            assert response.status == status, target
            if (method, status) == ("GET", 200):
                name = target.removeprefix("/")
                assert response.body == (content(name) if name in NAMES
                                         else files.pattern(3 * files.MIB))


def test_large_answers_to_pipelined_requests_come_whole(served):
    with served.connect(receive_buffer_bytes=4096) as connection:
        connection.send(wire.request("/large.bin") * 4)
        for _ in range(4):
            assert connection.read_response().body == files.pattern(3 * files.MIB)


def test_nothing_is_done_after_connection_close(served):
    with served.connect() as connection:
        connection.send(wire.request("/file-1.txt") +
                        wire.request("/file-2.txt", headers=[("Connection", "close")]) +
                        wire.request("/file-3.txt") * 20)
        bodies = [response.body for response in connection.read_all()]
    assert bodies == [content("file-1.txt"), content("file-2.txt")]


def test_bytes_may_come_one_by_one(served):
    data = wire.request("/file-5.txt", headers=[("Accept", "*/*"), ("X-Empty", "")]) * 2
    with served.connect() as connection:
        for byte in data:
            connection.send(bytes([byte]))
            await_delivery(connection)
        for _ in range(2):
            assert connection.read_response().body == content("file-5.txt")


def test_a_request_may_be_split_at_every_point(served):
    data = (wire.request("/file-4.txt", headers=[("Range", "bytes=2-5")]) +
            wire.request("/file-6.txt", method="HEAD") + wire.request("/file-2.txt"))
    with served.connect() as connection:
        for point in range(1, len(data)):
            connection.send(data[:point])
            await_delivery(connection)
            connection.send(data[point:])
            first = connection.read_response()
            assert (first.status, first.body) == (206, content("file-4.txt")[2:6]), point
            second = connection.read_response("HEAD")
            assert second.header("content-length") == str(len(content("file-6.txt"))), point
            assert connection.read_response().body == content("file-2.txt"), point


def test_no_answer_comes_before_the_request_is_complete(served):
    """Every prefix of a valid request is one that more may follow: nothing may be said to it."""
    data = wire.request("/file-4.txt", headers=[("Accept", "text/*;q=0.3, */*")])
    for length in range(1, len(data)):
        with served.connect() as connection:
            connection.send(data[:length])
            await_delivery(connection)
            assert not connection.ended(), data[:length]
            connection.send(data[length:])
            assert connection.read_response().body == content("file-4.txt")


def test_pipelined_requests_over_many_connections_do_not_mix(served):
    connections = [served.connect() for _ in range(32)]
    for number, connection in enumerate(connections):
        connection.send(b"".join(wire.request(f"/{NAMES[(number + step) % 50]}")
                                 for step in range(40)))
    for number, connection in enumerate(connections):
        for step in range(40):
            assert connection.read_response().body == content(NAMES[(number + step) % 50])
        connection.close()
