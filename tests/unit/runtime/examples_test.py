#!/usr/bin/python3
"""Runs the examples of the runtime and checks what they do.

Usage: examples_test.py FOLDER [unittest arguments]; FOLDER is where the example programs lie.
"""

import os
import pathlib
import re
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

FOLDER = pathlib.Path()
TIMEOUT_S = 120  # only ends a test that hangs


class Example(unittest.TestCase):
    """A folder of its own for each test, and programs that are ended with it."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def run_example(self, name, *arguments):
        return subprocess.run(
            [FOLDER / f"example_{name}", *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def make_file(self, name, content):
        path = self.scratch / name
        path.write_bytes(content)
        return path

    def assert_fails(self, done, status, *words):
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)


class ReadFile(Example):
    def test_prints_how_many_bytes_came(self):
        for size in (0, 1, 4095, 4096, 4097, 1_000_003):
            path = self.make_file("file", os.urandom(size))
            done = self.run_example("read_file", path)
            self.assertEqual(done.stdout, f"Read {size} bytes\n")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_says_what_it_cannot_open(self):
        missing = self.scratch / "missing"
        done = self.run_example("read_file", missing)
        self.assert_fails(done, 1, str(missing), "No such file")

    def test_says_what_it_cannot_read(self):
        self.assert_fails(self.run_example("read_file", self.scratch), 1, "directory")

    def test_explains_its_use(self):
        self.assert_fails(self.run_example("read_file"), 64, "usage: read_file PATH")


class WriteFile(Example):
    def test_writes_the_greeting(self):
        path = self.scratch / "greeting"
        for _ in range(2):
            done = self.run_example("write_file", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(path.read_bytes(), b"Hello, world!")

    def test_replaces_what_was_there(self):
        path = self.make_file("long", b"x" * 10_000)
        self.assertEqual(self.run_example("write_file", path).returncode, 0)
        self.assertEqual(path.read_bytes(), b"Hello, world!")

    def test_says_what_it_cannot_write(self):
        path = self.scratch / "missing" / "file"
        self.assert_fails(self.run_example("write_file", path), 1, str(path), "No such file")

    def test_a_full_device_is_an_error(self):
        self.assert_fails(self.run_example("write_file", "/dev/full"), 1, "No space left")

    def test_explains_its_use(self):
        self.assert_fails(self.run_example("write_file"), 64, "usage: write_file PATH")


class CopyFile(Example):
    def test_makes_a_copy_that_compares_equal(self):
        target = self.scratch / "target"
        for size in (5_000_011, 262_144, 1, 0):
            content = os.urandom(size)
            source = self.make_file("source", content)
            done = self.run_example("copy_file", source, target)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout, f"Copied {size} bytes\n")
            self.assertEqual(target.read_bytes(), content)
            self.assertEqual(source.read_bytes(), content)

    def test_says_what_it_cannot_copy(self):
        missing = self.scratch / "missing"
        target = self.scratch / "target"
        self.assert_fails(self.run_example("copy_file", missing, target), 1, "missing")
        self.assertFalse(target.exists())

    def test_a_full_device_is_an_error(self):
        source = self.make_file("source", b"x")
        self.assert_fails(self.run_example("copy_file", source, "/dev/full"), 1, "No space left")

    def test_explains_its_use(self):
        self.assert_fails(self.run_example("copy_file", "x"), 64, "usage: copy_file FROM TO")


class FirstProgram(Example):
    def test_says_how_much_it_read(self):
        for size in (0, 1, 4096, 5000):
            path = self.make_file("file", os.urandom(size))
            done = self.run_example("first_program", path)
            self.assertEqual(done.stdout, f"read {min(size, 4096)} bytes\n")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_file_that_is_not_there_is_an_error(self):
        done = self.run_example("first_program", self.scratch / "missing")
        self.assertEqual((done.returncode, done.stdout), (1, ""))


class Waker(Example):
    def test_is_told_of_a_result_and_of_a_cancel(self):
        done = self.run_example("waker")
        self.assertEqual(done.stdout, "completed with 5\ncompleted with -125\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Echo(Example):
    """The echo server of lib/README.md: it prints nothing, so its port is asked of the kernel."""

    CONNECTIONS = 200

    def start(self):
        server = subprocess.Popen(
            [FOLDER / "example_echo", "0"], stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        return server, self.wait_for(lambda: self.listening_port(server.pid))

    @staticmethod
    def wait_for(condition):
        end = time.monotonic() + TIMEOUT_S
        while not (value := condition()):
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(0.01)
        return value

    @staticmethod
    def descriptors(pid):
        links = []
        for entry in os.scandir(f"/proc/{pid}/fd"):
            try:
                links.append(os.readlink(entry.path))
            except FileNotFoundError:
                pass  # it was closed meanwhile
        return links

    def listening_port(self, pid):
        own = set(self.descriptors(pid))
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                return int(fields[1].split(":")[1], 16)
        return None

    def load(self, port):
        """Connections that send without end and read what comes back, on a thread of their own.

        Returns their sockets, how many bytes came back on each, and the thread.
        """
        clients = [
            socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
            for _ in range(self.CONNECTIONS)
        ]
        received = dict.fromkeys(clients, 0)
        selector = selectors.DefaultSelector()
        for client in clients:
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)

        def keep_busy():
            while selector.get_map():
                for key, events in selector.select(timeout=1):
                    try:
                        if events & selectors.EVENT_READ:
                            count = len(key.fileobj.recv(65536))
                            if count == 0:
                                raise ConnectionResetError
                            received[key.fileobj] += count
                        if events & selectors.EVENT_WRITE:
                            key.fileobj.send(b"x" * 1024)
                    except BlockingIOError:
                        pass
                    except OSError:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
                if stop.is_set():
                    for client in clients:
                        client.close()
                    break
            selector.close()

        stop = threading.Event()
        thread = threading.Thread(target=keep_busy)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.set)
        return received, thread, stop

    def test_has_twenty_lines(self):
        text = (pathlib.Path(__file__).parents[3] / "lib/examples/echo.cpp").read_text()
        code = [line for line in text.splitlines() if line and not line.startswith("#include")]
        self.assertEqual(len(code), 20)

    def test_survives_an_interrupt_under_load_and_leaks_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            server, port = self.start()
            idle = len(self.descriptors(server.pid))
            # Clients that leave in the middle of it all leave no descriptor behind.
            received, thread, stop = self.load(port)
            self.wait_for(lambda: min(received.values()) > 0)
            stop.set()
            thread.join()
            self.wait_for(lambda: len(self.descriptors(server.pid)) == idle)
            # And the interrupt comes while every connection sends and is sent to.
            received, thread, stop = self.load(port)
            self.wait_for(lambda: min(received.values()) > 0)
            self.assertGreaterEqual(len(self.descriptors(server.pid)), idle + self.CONNECTIONS)
            server.send_signal(number)
            # With the sanitizers a leak would be said on stderr, and make the status another one.
            self.assertEqual(server.wait(TIMEOUT_S), 0)
            self.assertEqual(server.stderr.read(), "")
            thread.join()  # its clients have all been left by the server
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))


class EchoServer(Example):
    def start(self):
        server = subprocess.Popen(
            [FOLDER / "example_echo_server", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        line = server.stdout.readline()
        found = re.fullmatch(r"Listening on 127\.0\.0\.1:(\d+)\n", line)
        self.assertIsNotNone(found, line)
        return server, int(found[1])

    def connect(self, port):
        client = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.addCleanup(client.close)
        return client

    def assert_echoes(self, client, message):
        client.sendall(message)
        received = b""
        while len(received) < len(message):
            part = client.recv(65536)
            self.assertNotEqual(part, b"", "the server closed the connection")
            received += part
        self.assertEqual(received, message)

    def assert_ends(self, server, number):
        server.send_signal(number)
        self.assertEqual(server.wait(TIMEOUT_S), 0)
        self.assertEqual(server.stderr.read(), "")

    def test_echoes_for_several_clients_in_turns(self):
        server, port = self.start()
        clients = [self.connect(port) for _ in range(20)]
        for turn in range(10):
            for number, client in enumerate(clients):
                self.assert_echoes(client, f"client {number}, turn {turn}".encode())
        for client in clients[:10]:
            client.close()
        for client in clients[10:]:
            self.assert_echoes(client, os.urandom(30_000))
        self.assert_ends(server, signal.SIGINT)

    def test_ends_while_clients_are_connected(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            server, port = self.start()
            clients = [self.connect(port) for _ in range(5)]
            for client in clients:
                self.assert_echoes(client, b"hello")
            self.assert_ends(server, number)
            for client in clients:
                self.assertEqual(client.recv(1), b"", "the peer's end comes through")
            with self.assertRaises(ConnectionRefusedError):
                self.connect(port)

    def test_ends_while_a_client_does_not_read(self):
        server, port = self.start()
        client = self.connect(port)
        client.setblocking(False)
        sent = 0
        try:
            while sent < 1 << 30:
                sent += client.send(b"x" * 65536)
        except BlockingIOError:
            pass
        self.assert_ends(server, signal.SIGTERM)

    def test_outlives_a_client_that_resets(self):
        server, port = self.start()
        for _ in range(20):
            client = self.connect(port)
            client.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
            )
            client.sendall(b"x" * 10_000)
            client.close()
        self.assert_echoes(self.connect(port), b"still there")
        self.assert_ends(server, signal.SIGINT)

    def test_says_that_it_cannot_listen(self):
        server, port = self.start()
        done = self.run_example("echo_server", str(port))
        self.assert_fails(done, 71, "cannot listen", "Address already in use")
        self.assert_ends(server, signal.SIGINT)

    def test_refuses_what_is_no_port(self):
        for text in ("x", "70000", "-1", ""):
            with self.subTest(text):
                server = subprocess.Popen(
                    [FOLDER / "example_echo_server", text],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
                first_line = server.stdout.readline()  # empty when it has ended
                if first_line:
                    server.kill()
                server.communicate()
                self.assertEqual(first_line, "")
                self.assertEqual(server.returncode, 64)

    def test_explains_its_use(self):
        self.assert_fails(self.run_example("echo_server"), 64, "usage: echo_server PORT")


if __name__ == "__main__":
    FOLDER = pathlib.Path(sys.argv.pop(1))
    unittest.main()
