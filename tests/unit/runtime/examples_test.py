#!/usr/bin/python3
"""Runs the examples of the runtime and checks what they do.

Usage: examples_test.py FOLDER [unittest arguments]; FOLDER is where the example programs lie.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
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
