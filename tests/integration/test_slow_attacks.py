"""slowhttptest with 600 connections against 512 slots: the service stays available throughout.

One test file of four attacks, each with a daemon of its own, all at the same time. The verdict is
that of the tool's own probe, and of another client that asks again and again while it runs.
"""

import subprocess
import threading
import time

from harness import files, wire

SLOTS = 512
CONNECTIONS = 600
SECONDS = 10
PROBE_LIMIT_S = 5  # as long as the tool's probe waits

ATTACKS = {
    "headers": ["-H", "-u", "{url}/small.txt"],
    "body": ["-B", "-s", "4096", "-u", "{url}/small.txt"],
    "range": ["-R", "-u", "{url}/large.bin"],
    "read": ["-X", "-k", "3", "-w", "1", "-y", "512", "-z", "5", "-n", "1", "-u", "{url}/large.bin"],
}


class Prober(threading.Thread):
    """A fresh client, again and again."""

    def __init__(self, daemon):
        super().__init__()
        self.daemon_under_test = daemon
        self.stop = threading.Event()
        self.served = 0
        self.failures = []
        self.longest_s = 0.0

    def run(self):
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                with self.daemon_under_test.connect(timeout_s=PROBE_LIMIT_S) as connection:
                    connection.send(wire.request("/small.txt", headers=[("Connection", "close")]))
                    assert connection.read_response().status == 200
                self.served += 1
            except (AssertionError, OSError) as failure:
                self.failures.append(repr(failure))
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self.stop.wait(0.05)


def attack(daemon, arguments):
    command = ["slowhttptest", "-c", str(CONNECTIONS), "-r", "200", "-i", "1", "-l", str(SECONDS),
               "-p", str(PROBE_LIMIT_S), *(part.format(url=daemon.url) for part in arguments)]
    prober = Prober(daemon)
    prober.start()
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=SECONDS + 60).stdout.decode(errors="replace"), prober
    finally:
        prober.stop.set()
        prober.join()


def test_the_service_stays_available_under_slow_attacks(fleet, tree, capsys):
    files.write_old(tree / "small.txt", b"small")
    files.write_sparse(tree / "large.bin", 16 * files.MIB)
    daemons = {name: fleet.run(files.configuration(tree, listeners=(
        f"  - {{name: web, address: 127.0.0.1:0, max_connections: {SLOTS}}}")))
        for name in ATTACKS}
    outcomes = {}
    threads = [threading.Thread(
        target=lambda name=name: outcomes.update({name: attack(daemons[name], ATTACKS[name])}))
        for name in ATTACKS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes) == set(ATTACKS)
    for name, (output, prober) in outcomes.items():
        page = daemons[name].scrape()
        with capsys.disabled():
            gone = page.total("sluiced_connections_closed_total", reason="evicted")
            print(f"\n{name}: {prober.served} fresh clients served, longest {prober.longest_s:.3f} "
                  f"s, {gone:.0f} connections gave way")
        assert "service available:" in output, output
        assert "NO" not in [line.split()[-1] for line in output.splitlines()
                            if "service available:" in line], output
        assert prober.failures == [], name
        assert prober.served > 10, name
        assert page.total("sluiced_connections") <= SLOTS + 1
    # The slots were really wanted by more than there are.
    assert daemons["headers"].scrape().total("sluiced_connections_closed_total",
                                             reason="evicted") > 0
