"""Keep-alive, HTTP/1.0, and when a connection ends."""

import contextlib
import socket
import struct

import pytest

from harness import files, wire

LARGE = files.pattern(12 * files.MIB)


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    for name in ("a", "b", "c"):
        files.write_old(module_tree / f"{name}.txt", name.encode() * 10)
    files.write_old(module_tree / "large.bin", LARGE)
    return module_fleet.serve(module_tree)


def test_an_http_1_1_connection_goes_on(served):
    with served.connect() as connection:
        for name in "abcabc":
            connection.send(wire.request(f"/{name}.txt"))
            response = connection.read_response()
            assert response.body == name.encode() * 10
            assert not response.announces_close


@pytest.mark.parametrize("value", ["close", "Close", "CLOSE", "keep-alive, close", "close, foo",
                                   "foo,close", "foo , close ,"])
def test_connection_close_is_announced_and_done(served, value):
    with served.connect() as connection:
        connection.send(wire.request("/a.txt", headers=[("Connection", value)]))
        response = connection.read_response()
        assert response.status == 200
        assert response.announces_close
        connection.expect_close()


def segments_received(connection):
    """tcpi_segs_in of tcp(7)."""
    info = connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("I", info, 140)[0]


def test_the_end_comes_in_the_segment_of_the_last_answer(served):
    """It is one segment less for each connection that is for one request."""
    with served.connect() as connection:
        connection.send(wire.request("/a.txt", headers=[("Connection", "close")]))
        assert connection.read_response().body == b"a" * 10
        connection.expect_close()
        # The handshake's, an acknowledgement of the request, and the answer.
        assert segments_received(connection) <= 3


@pytest.mark.parametrize("clients", [1, 100])
def test_connections_for_one_request_each_are_answered(served, clients):
    """Those that come together are accepted one behind the other, and have sent their request by
    then or send it later."""
    request = wire.request("/a.txt", headers=[("Connection", "close")])
    with contextlib.ExitStack() as stack:
        together = [stack.enter_context(served.connect()) for _ in range(clients)]
        for late in (False, True):
            for connection in together[late::2]:
                connection.send(request)
            for connection in together[late::2]:
                assert connection.read_response().body == b"a" * 10
                connection.expect_close()


def test_more_behind_a_last_request_costs_no_answer(served):
    """What nobody has read makes close(2) a reset, which would take the answer with it."""
    for _ in range(50):
        with served.connect() as connection:
            connection.send(wire.request("/a.txt", headers=[("Connection", "close")]) +
                            wire.request("/b.txt") * 200)
            assert connection.read_response().body == b"a" * 10
            connection.expect_close()


def test_connection_close_in_a_second_field_counts(served):
    with served.connect() as connection:
        connection.send(wire.request("/a.txt", headers=[("Connection", "foo"),
                                                        ("Connection", "close")]))
        assert connection.read_response().announces_close
        connection.expect_close()


def test_a_word_that_only_contains_close_does_not_count(served):
    with served.connect() as connection:
        for value in ("closed", "x-close", "not-close"):
            connection.send(wire.request("/a.txt", headers=[("Connection", value)]))
            assert not connection.read_response().announces_close


@pytest.mark.parametrize("host", ["test", None])
def test_an_http_1_0_connection_ends_after_its_response(served, host):
    with served.connect() as connection:
        connection.send(wire.request("/a.txt", version="HTTP/1.0", host=host))
        response = connection.read_response()
        assert response.body == b"a" * 10
        assert response.header("transfer-encoding") is None
        connection.expect_close()


def test_an_http_1_0_connection_can_ask_to_go_on(served):
    with served.connect() as connection:
        for name in "abc":
            connection.send(wire.request(f"/{name}.txt", version="HTTP/1.0",
                                         headers=[("Connection", "Keep-Alive")]))
            response = connection.read_response()
            assert response.body == name.encode() * 10
            assert (response.header("connection") or "").lower() == "keep-alive"


def test_an_error_of_the_path_alone_leaves_the_connection_open(served):
    with served.connect() as connection:
        for target, status in (("/missing", 404), ("/a.txt", 200), ("/a.txt/", 404),
                               ("/b.txt", 200)):
            connection.send(wire.request(target))
            assert connection.read_response().status == status


def test_a_client_that_has_sent_all_it_will_send_still_gets_its_answers(served):
    with served.connect() as connection:
        connection.send(wire.request("/a.txt") + wire.request("/b.txt"))
        connection.half_close()
        assert [response.body for response in connection.read_all()] == [b"a" * 10, b"b" * 10]


@pytest.mark.parametrize("version,headers", [("HTTP/1.1", [("Connection", "close")]),
                                             ("HTTP/1.0", [])])
def test_the_last_answer_comes_whole_though_more_was_sent(served, version, headers):
    """Closing a socket with bytes that nobody has read resets the connection, and what is still on
    its way is lost: the end has to be announced, and the rest read (RFC 9112 section 9.6)."""
    for _ in range(3):
        with served.connect(receive_buffer_bytes=8192) as connection:
            connection.send(wire.request("/large.bin", version=version, headers=headers))
            assert connection.read_head().status == 200
            connection.send(b"\r\n" + wire.request("/a.txt") * 3)
            assert connection.read_exactly(len(LARGE)) == LARGE
            connection.expect_close()


def test_a_client_that_says_nothing_and_goes_gets_nothing(served):
    for _ in range(20):
        with served.connect() as connection:
            connection.half_close()
            connection.expect_close()


def test_an_empty_line_before_a_request_is_forgiven(served):
    """RFC 9112 section 2.2: at least one empty line before the request line should be ignored."""
    with served.connect() as connection:
        connection.send(b"\r\n" + wire.request("/a.txt"))
        assert connection.read_response().body == b"a" * 10


def test_an_expectation_to_continue_does_not_stop_a_get(served):
    """RFC 9110 section 10.1.1: without content to come there is nothing to wait for."""
    with served.connect() as connection:
        connection.send(wire.request("/a.txt", headers=[("Expect", "100-continue")]))
        assert connection.read_response().body == b"a" * 10


def test_requests_per_connection_are_limited(fleet, tree):
    files.write_old(tree / "a.txt", b"a")
    limited = fleet.run(files.configuration(tree, extra="limits:\n  requests_per_connection: 3\n"))
    with limited.connect() as connection:
        connection.send(wire.request("/a.txt") * 5)
        responses = connection.read_all()
    assert [response.announces_close for response in responses] == [False, False, True]
    assert limited.get("/a.txt").body == b"a"
