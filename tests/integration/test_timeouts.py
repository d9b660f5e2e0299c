"""Clients that are slow, silent or do not read: each has its limit."""

import select

import pytest

from harness import files, wire
from harness.daemon import LIMIT_S, wait_until

LENGTH = 24 * files.MIB


@pytest.fixture
def start(fleet, tree):
    files.write_old(tree / "small.txt", b"small")
    files.write_sparse(tree / "large.bin", LENGTH)
    return lambda timeouts: fleet.run(files.configuration(tree, extra=f"timeouts:\n{timeouts}"))


def closed_total(daemon):
    page = daemon.scrape()
    return page.total("sluiced_connections_closed_total")


def test_a_head_that_does_not_end_is_408(start):
    daemon = start("  header: 1s\n")
    with daemon.connect() as connection:
        connection.send(b"GET /small.txt HTTP/1.1\r\nHost: te")
        response = connection.read_response()
        assert response.status == 408
        assert response.announces_close
        connection.expect_close()
    assert daemon.scrape().total("sluiced_http_requests_total", code="200") == 0


def test_progress_does_not_extend_the_time_for_a_head(start):
    """One byte now and then would otherwise hold a connection for ever."""
    daemon = start("  header: 1s\n  idle: 10m\n  read_stall: 10m\n")
    with daemon.connect() as connection:
        connection.send(b"GET /small.txt HTTP/1.1\r\nHost: test\r\nX: ")
        for _ in range(int(LIMIT_S * 10)):
            if select.select([connection.socket], [], [], 0.1)[0]:
                break
            connection.send(b"x")
        assert connection.read_response().status == 408
        connection.expect_close()


def test_the_second_head_of_a_connection_has_the_same_limit(start):
    daemon = start("  header: 1s\n")
    with daemon.connect() as connection:
        connection.send(wire.request("/small.txt") + b"GET /sm")
        assert connection.read_response().body == b"small"
        assert connection.read_response().status == 408
        connection.expect_close()


def ask(connection, times):
    for _ in range(times):
        connection.send(wire.request("/small.txt"))
        assert connection.read_response().body == b"small"


def test_the_head_after_many_requests_has_the_same_limit(start):
    daemon = start("  header: 1s\n")
    with daemon.connect() as connection:
        ask(connection, 10)
        connection.send(b"GET /sm")
        assert connection.read_response().status == 408
        connection.expect_close()


@pytest.mark.parametrize("times", [1, 10])
def test_a_silent_connection_is_closed_without_a_word(start, times):
    daemon = start("  idle: 2s\n  header: 1h\n")
    with daemon.connect() as connection:
        ask(connection, times)
        connection.expect_close()


def test_a_connection_that_never_said_anything_is_closed(start):
    daemon = start("  idle: 1s\n  header: 1s\n")
    with daemon.connect() as connection:
        responses = connection.read_all()
        assert [response.status for response in responses] in ([], [408])


def test_a_client_that_does_not_read_is_cut(start):
    daemon = start("  write_stall: 1s\n  idle: 10m\n")
    with daemon.connect(receive_buffer_bytes=4096) as connection:
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
        wait_until(lambda: daemon.scrape().total("sluiced_http_transfers_cut_total") == 1,
                   "the transfer is given up")
        with pytest.raises(wire.Cut):
            connection.read_exactly(LENGTH)
    wait_until(lambda: daemon.scrape().total("sluiced_connections") == 0, "it is gone")


def test_a_client_that_reads_slowly_is_not_cut(start):
    """Progress counts, however small: the transfer takes much longer than the limit."""
    daemon = start("  write_stall: 5s\n")
    with daemon.connect(receive_buffer_bytes=65536) as connection:
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
        left = LENGTH
        while left > 0:
            step = min(left, files.MIB)
            assert connection.read_exactly(step) == b"\0" * step
            left -= step
            select.select([], [], [], 0.3)  # 24 pauses: about 7 s in all
        connection.send(wire.request("/small.txt"))
        assert connection.read_response().body == b"small"


def test_a_body_that_does_not_come_is_not_awaited_for_ever(start):
    daemon = start("  read_stall: 1s\n  idle: 10m\n")
    with daemon.connect() as connection:
        connection.send(wire.request("/small.txt", method="POST", body=b"x" * 10,
                                     headers=[("Content-Length", "1000")]))
        responses = connection.read_all()
        assert [response.status for response in responses] in ([405], [408], [405, 408])


def test_slow_clients_do_not_keep_others_out(start):
    daemon = start("  header: 2s\n  idle: 2s\n  write_stall: 2s\n")
    slow = [daemon.connect(receive_buffer_bytes=4096) for _ in range(150)]
    for number, connection in enumerate(slow):
        if number % 3 == 0:
            connection.send(b"GET /small.txt HTTP/1.1\r\nHost: test\r\n")
        elif number % 3 == 1:
            connection.send(wire.request("/large.bin"))
    for _ in range(50):
        assert daemon.get("/small.txt").body == b"small"
    wait_until(lambda: daemon.scrape().total("sluiced_connections") == 0,
               "all slow clients are gone")
    for connection in slow:
        connection.close()


def test_the_end_of_every_connection_is_counted_with_its_reason(start):
    daemon = start("  header: 1s\n  idle: 1s\n")
    before = closed_total(daemon)
    with daemon.connect() as silent, daemon.connect() as slow, daemon.connect() as polite:
        slow.send(b"GET")
        polite.send(wire.request("/small.txt", headers=[("Connection", "close")]))
        polite.read_response()
        silent.drain_to_end()
        slow.drain_to_end()
    wait_until(lambda: closed_total(daemon) - before == 3, "three ends are counted")
    page = daemon.scrape()
    reasons = {reason for reason in page.values("sluiced_connections_closed_total", "reason")
               if page.total("sluiced_connections_closed_total", reason=reason) > 0}
    assert len(reasons) >= 2
