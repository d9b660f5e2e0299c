"""Measures sluiced and nginx, in turns, while they serve files that are not in the page cache; run.sh
says what, why, and prepares the network.

Usage: measure_cold.py SLUICED PAIRS SECONDS

Clients put a file out of the page cache (posix_fadvise(2), POSIX_FADV_DONTNEED) before each request
for it. The host of a virtual machine may keep it all the same: these are figures of a fast disk.
"""

import collections
import contextlib
import os
import pathlib
import random
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from typing import NamedTuple

import measure

HOT_BYTES = 1 << 10
HOT_RATE = 2000  # requests a second, sent when they are due, whether or not the last is answered
HOT_CONNECTIONS = 64
_RESULT = struct.Struct("<Qd")


class Cold(NamedTuple):
    """A set of files, and how many clients read it."""

    title: str
    length: int
    files: int
    clients: int


SETS = (Cold("1 MiB", 1 << 20, 768, 16), Cold("16 KiB", 16 << 10, 6000, 16),
        Cold("100 MiB", 100 << 20, 8, 4))


def connect(port):
    made = socket.create_connection(("127.0.0.1", port), timeout=60)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def read_cold(port, root, cold, own, until):
    """One client: a file after the other, chosen at random of its own. Returns files read."""
    connection, buffer, done = connect(port), bytearray(1 << 20), 0
    descriptors = {number: os.open(root / f"{cold.length}-{number}.bin", os.O_RDONLY)
                   for number in own}
    while time.monotonic() < until:
        number = random.choice(own)
        os.posix_fadvise(descriptors[number], 0, 0, os.POSIX_FADV_DONTNEED)
        connection.sendall(request(f"/{cold.length}-{number}.bin"))
        count = connection.recv_into(buffer)
        head = bytes(buffer[:count]).find(b"\r\n\r\n")
        if not buffer.startswith(b"HTTP/1.1 200 ") or head < 0:
            raise SystemExit(f"a cold file was answered with {bytes(buffer[:60])!r}")
        left = cold.length - (count - head - 4)
        while left > 0:
            count = connection.recv_into(buffer)
            if count == 0:
                raise SystemExit("a cold file was cut short")
            left -= count
        done += 1
    return done


class ColdClients:
    """Processes that read until a time."""

    def __init__(self, core, port, root, cold, until):
        self.readers = []
        for index in range(cold.clients):
            read_end, write_end = os.pipe()
            child = os.fork()
            if child == 0:
                # Whatever happens, the child must not clean up after its parent.
                try:
                    os.sched_setaffinity(0, {core})
                    os.setpriority(os.PRIO_PROCESS, 0, 0)  # behind the one that measures
                    began = time.monotonic()
                    own = range(index, cold.files, cold.clients)
                    done = read_cold(port, root, cold, own, until)
                    os.write(write_end, _RESULT.pack(done, time.monotonic() - began))
                except BaseException as error:  # pylint: disable=broad-except
                    print(f"client of cold files: {error!r}", file=sys.stderr)
                finally:
                    os._exit(0)
            os.close(write_end)
            self.readers.append((child, read_end))

    def rate(self):
        """Files a second of all of them, once they have ended."""
        total = 0
        for child, read_end in self.readers:
            result = os.read(read_end, _RESULT.size)
            os.close(read_end)
            os.waitpid(child, 0)
            if len(result) != _RESULT.size:
                raise SystemExit("a client of cold files failed")
            done, seconds = _RESULT.unpack(result)
            total += done / seconds
        return total


class HotProbe:
    """Asks for a small hot file at a fixed rate. A latency begins when the request was due."""

    def __init__(self, port):
        self.free = collections.deque(connect(port) for _ in range(HOT_CONNECTIONS))
        self.busy = {}
        self.latencies = []
        self.wanted = request("/hot.bin")

    def run(self, until):
        waiting = collections.deque()
        due = time.monotonic()
        while due < until or self.busy or waiting:
            now = time.monotonic()
            while due <= now and due < until:
                waiting.append(due)
                due += 1 / HOT_RATE
            while waiting and self.free:
                connection = self.free.popleft()
                connection.sendall(self.wanted)
                self.busy[connection] = [waiting.popleft(), 0]
            pause = max(0, due - time.monotonic()) if due < until else 60
            for connection in select.select(list(self.busy), [], [], pause)[0]:
                self.take(connection)
        return sorted(self.latencies)

    def take(self, connection):
        asked = self.busy[connection]
        count = len(connection.recv(4096))
        if count == 0:
            raise SystemExit("a connection for hot files was closed")
        asked[1] += count
        if asked[1] > HOT_BYTES + 20:  # a head and the file come in one segment
            self.latencies.append((time.monotonic() - asked[0]) * 1000)
            del self.busy[connection]
            self.free.append(connection)


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def run_once(server, bench, cold):
    """The figures of one run: rate of cold files, and latencies of hot ones in the meantime."""
    ours = {os.getpid(), *(each.process.pid for each in bench.servers)}
    server.check("/hot.bin", (bench.root / "hot.bin").read_bytes())
    foreign, cpu, began = (measure.foreign_cpu_ticks(ours), server.cpu_ns(), time.monotonic())
    until = began + bench.seconds
    clients = ColdClients(bench.client_core, server.port, bench.root, cold, until)
    hot = HotProbe(server.port).run(until)
    rate = clients.rate()
    elapsed = time.monotonic() - began
    if server.process.poll() is not None:
        raise server.failure("ended during the run")
    used = sum(now - cpu.get(thread, 0) for thread, now in server.cpu_ns().items())
    run = {"rate": rate, "bytes": rate * cold.length / 1e9, "p50": percentile(hot, 0.5),
           "p99": percentile(hot, 0.99), "p999": percentile(hot, 0.999),
           "cpu": used / 1e9 / elapsed,
           "foreign": abs(measure.foreign_cpu_ticks(ours) - foreign)
           / os.sysconf("SC_CLK_TCK") / elapsed}
    print(f"{cold.title:8} {server.name:20} {rate:9,.1f} files/s {run['bytes']:6.2f} GB/s  hot "
          f"p50 {run['p50']:.2f} p99 {run['p99']:.2f} p99.9 {run['p999']:.2f} ms  foreign "
          f"{run['foreign']:.2f}", file=sys.stderr)
    return run


ROWS = (("rate", "cold files/s", "{:,.0f}"), ("bytes", "cold GB/s", "{:.2f}"),
        ("p50", "hot p50, ms", "{:.2f}"), ("p99", "hot p99, ms", "{:.2f}"),
        ("p999", "hot p99.9, ms", "{:.2f}"), ("cpu", "server CPU, cores", "{:.2f}"))


def print_caveats(runs):
    every = [run for each in runs.values() for run in each]
    print(f"\nHot: {HOT_BYTES} bytes, {HOT_RATE} requests/s in an open loop, by a client on the "
          "same core as those of the cold files. In "
          f"{sum(run['foreign'] > measure.FOREIGN_CORES for run in every)} of {len(every)} runs "
          f"other programs used more than {measure.FOREIGN_CORES} of a core.")


def write_files(root):
    root.mkdir()
    (root / "hot.bin").write_bytes(os.urandom(HOT_BYTES))
    for cold in SETS:
        content = os.urandom(cold.length)
        for number in range(cold.files):
            (root / f"{cold.length}-{number}.bin").write_bytes(content)
    os.sync()  # what is dirty cannot be put out of the page cache


def start_servers(bench, sluiced, core, stack):
    plans = (("sluiced", None, bench.sluiced(sluiced)),
             ("nginx", 8081, bench.nginx(8081, "on")),
             ("nginx, aio threads", 8082, bench.nginx(8082, "on; aio threads")))
    bench.start(plans, core, stack, "/hot.bin")


def main():
    sluiced, pairs, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    server_core, client_core = measure.pick_cores()
    # Not in memory, as /tmp may be: the files must have a disk to be read from.
    with tempfile.TemporaryDirectory(prefix="sluice-bench-", dir="/var/tmp") as name, \
            contextlib.ExitStack() as stack:
        bench = measure.Bench(pathlib.Path(name), client_core, seconds)
        write_files(bench.root)
        start_servers(bench, sluiced, server_core, stack)
        os.sched_setaffinity(0, {client_core})
        os.setpriority(os.PRIO_PROCESS, 0, -10)
        runs = {(cold, server.name): [] for cold in SETS for server in bench.servers}
        for cold in SETS:
            for _ in range(pairs):
                for server in bench.servers:
                    runs[cold, server.name].append(run_once(server, bench, cold))
        measure.print_setting(sluiced, pairs, seconds, "clients of this suite")
        measure.print_table(bench.servers, runs, [
            (cold, f"cold {cold.title}, {cold.clients} clients") for cold in SETS], ROWS)
        print_caveats(runs)


if __name__ == "__main__":
    main()
