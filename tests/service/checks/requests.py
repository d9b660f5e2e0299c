"""Usage: requests.py separate|kept STOP-FILE

Fetches /hello from port 8080, one request after the other, until STOP-FILE is there, and a thousand
times at least. Prints how many requests there were and how many connections ended under one, and
fails when any request failed.

  separate  a connection for each request, and nothing is ever tried twice: whatever is not the whole
            answer is a failure.
  kept      one connection for as long as it lasts, as HTTP clients keep it. When it ends before the
            answer is whole, the request is sent once more on a new one, as RFC 9112 section 9.3.1
            lets clients do for GET. To be refused, or to fail on the new one too, is a failure.
"""

import os
import socket
import sys
import time

AT_LEAST = 1000
AT_MOST = 200_000
LIMIT_S = 60
PAUSE_S = 0.001


class Ended(Exception):
    """The connection ended before the answer was whole."""


class Connection:
    def __init__(self):
        self._socket = socket.create_connection(("127.0.0.1", 8080), LIMIT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = self._socket.makefile("rb")

    def fetch(self, more=b""):
        """The answer, of which the connection may be kept. Nonsense is an AssertionError."""
        try:
            self._socket.sendall(b"GET /hello HTTP/1.1\r\nHost: test\r\n" + more + b"\r\n")
            status = self._line()
            length, close = None, False
            while line := self._line():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                if name.lower() == b"connection" and value.strip() == b"close":
                    close = True
            body = self._input.read(length)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Ended(str(error)) from error
        if len(body) != length:
            raise Ended("in the body")
        assert status == b"HTTP/1.1 200 OK", status
        assert body == b"hello\n", body
        return close

    def _line(self):
        line = self._input.readline()
        if not line.endswith(b"\r\n"):
            raise Ended("in the head")
        return line[:-2]

    def close(self):
        self._input.close()
        self._socket.close()


class Separate:
    ended = 0

    def fetch(self):
        connection = Connection()
        try:
            connection.fetch(b"Connection: close\r\n")
        finally:
            connection.close()


class Kept:
    def __init__(self):
        self.ended = 0
        self._connection = None

    def fetch(self):
        try:
            self._fetch()
        except Ended:
            self.ended += 1
            self._drop()
            self._fetch()

    def _fetch(self):
        if self._connection is None:
            self._connection = Connection()
        if self._connection.fetch():
            self._drop()

    def _drop(self):
        self._connection.close()
        self._connection = None


def main():
    client = {"separate": Separate, "kept": Kept}[sys.argv[1]]()
    failures = []
    done = 0
    longest_s = 0.0
    while done < AT_MOST and (done < AT_LEAST or not os.path.exists(sys.argv[2])):
        began = time.monotonic()
        try:
            client.fetch()
        except (OSError, Ended, AssertionError) as error:
            failures.append(f"request {done}: {type(error).__name__}: {error}")
            client = type(client)()
        longest_s = max(longest_s, time.monotonic() - began)
        done += 1
        time.sleep(PAUSE_S)
    print(f"{sys.argv[1]}: {done} requests, {len(failures)} failed, {client.ended} sent again, "
          f"the longest took {longest_s:.1f} s")
    print(*failures[:10], sep="\n", end="\n" if failures else "")
    sys.exit(1 if failures else 0)


main()
