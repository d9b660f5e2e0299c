"""Measures sluiced and nginx in turns; run.sh says what, why, and prepares the network.

Usage: measure.py SLUICED PAIRS SECONDS
"""

import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import re
import resource
import signal
import statistics
import string
import subprocess
import sys
import tempfile
import time

FILES = {"1 KiB": 1 << 10, "64 KiB": 64 << 10, "1 MiB": 1 << 20}
CONNECTIONS = 64
CLIENT = f"wrk with {CONNECTIONS} keep-alive connections"
# A run during which other processes used more CPU than this is repeated, so many times at the most;
# of those that were all disturbed, the quietest counts.
FOREIGN_CORES = 0.12
REPEATS = 3
START_SECONDS = 15
HERE = pathlib.Path(__file__).resolve().parent


class Server:
    """A server that was started. Without a port it is one that chooses it and prints it."""

    def __init__(self, name, command, core, scratch, port=None):
        self.name = name
        self.port = port
        self.log = scratch / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=lambda: settle(core))

    def wait_until_ready(self, path, content):
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            line = re.search(r"Listening on http://\S+:(\d+)/ \(web\)", self.log_text())
            if line:
                self.port = int(line[1])
            if self.port:
                with contextlib.suppress(ConnectionRefusedError):
                    return self.check(path, content)
            time.sleep(0.02)
        raise self.failure("did not start")

    def check(self, path, content):
        """Fetches the file over one connection, which also warms what the server keeps."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        with contextlib.closing(connection):
            for _ in range(10):
                connection.request("GET", path)
                answer = connection.getresponse()
                if answer.status != 200 or answer.read() != content:
                    raise self.failure(f"did not send {path} but answered {answer.status}")
                if answer.will_close:
                    raise self.failure("closed the connection after a request")

    def cpu_ns(self):
        """CPU time by thread, io_uring's kernel workers and child processes included."""
        pid = self.process.pid
        used = {}
        for process in [pid, *read(f"/proc/{pid}/task/{pid}/children").split()]:
            for thread in pathlib.Path(f"/proc/{process}/task").iterdir():
                with contextlib.suppress(OSError):  # A thread may end just now.
                    used[thread] = int(read(thread / "schedstat").split()[0])
        return used

    def failure(self, what):
        return SystemExit(f"{self.name} {what}; the end of what it wrote:\n"
                          + self.log_text()[-2000:])

    def log_text(self):
        return self.log.read_text(errors="replace")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def settle(core):
    """Puts a new child on its core, before the programs of others that want it too."""
    os.sched_setaffinity(0, {core})
    os.setpriority(os.PRIO_PROCESS, 0, -10)
    # Between sessions the scheduler may go by the nice value of the session (sched(7), autogroup).
    os.setsid()
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self/autogroup").write_text("-10")


def read(path):
    return pathlib.Path(path).read_text()


def foreign_cpu_ticks(ours):
    """CPU time of all processes but us and our children, and that which the hypervisor took."""
    used = int(read("/proc/stat").split(maxsplit=9)[8])
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # A process may end just now.
            fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if not ours & {int(pid), int(fields[1])}:
                # With that of the children it has waited for: a process that ends stays in the sum.
                used += sum(map(int, fields[11:15]))
    return used


def children_cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pick_cores():
    """A core for the servers and one for the client, not two threads of the same core."""
    cpus = sorted(os.sched_getaffinity(0))
    siblings = pathlib.Path(f"/sys/devices/system/cpu/cpu{cpus[0]}/topology/thread_siblings_list")
    beside = re.split(r"[,-]", siblings.read_text().strip()) if siblings.exists() else []
    others = sorted(cpus[1:], key=lambda cpu: str(cpu) in beside)
    if not others:
        raise SystemExit("one core is not enough: the client would take turns with the server")
    return cpus[0], others[0]


class Bench:
    """What all runs have in common."""

    def __init__(self, scratch, client_core, seconds):
        self.scratch = scratch
        self.root = scratch / "files"
        self.client_core = client_core
        self.seconds = seconds
        self.servers = []
        self.errors = []

    def write_config(self, name, template, **values):
        text = string.Template((HERE / template).read_text())
        values |= {"root": self.root, "scratch": self.scratch}
        (self.scratch / name).write_text(text.substitute(values))
        return self.scratch / name

    def sluiced(self, program):
        """The command that serves the files with it."""
        return [program, "run", "--allow-root", "-c",
                self.write_config("sluiced.yaml", "sluiced.yaml")]

    def nginx(self, port, sendfile):
        """The same for nginx; `sendfile` is the value of that directive, and what follows it."""
        config = self.write_config(f"{port}.conf", "nginx.conf", port=port, sendfile=sendfile)
        return ["nginx", "-p", self.scratch, "-c", config, "-g", "daemon off;"]

    def start(self, plans, core, stack, path):
        """Starts servers, given by name, port and command, until each sends the file `path`."""
        for name, port, command in plans:
            server = Server(name, command, core, self.scratch, port)
            stack.callback(server.stop)
            self.servers.append(server)
        for server in self.servers:
            server.wait_until_ready(path, (self.root / path[1:]).read_bytes())

    def run(self, server, size):
        """One run, repeated while it is disturbed; the quietest one."""
        path = f"/{FILES[size]}.bin"
        runs = []
        while not runs or (runs[-1]["foreign"] > FOREIGN_CORES and len(runs) <= REPEATS):
            # Memory management may have put a file out that was hot a minute ago.
            server.check(path, (self.root / path[1:]).read_bytes())
            run = self.run_once(server, path)
            print(f"{size:7} {server.name:20} {run['rate']:9,.0f} req/s  p99 {run['p99']:7.2f} ms"
                  f"  {run['cpu']:7.2f} us  foreign {run['foreign']:.2f}", file=sys.stderr)
            runs.append(run)
            if run["errors"]:
                self.errors.append(f"{server.name}, {size}: {run['errors']}")
        return min(runs, key=lambda run: run["foreign"])

    def run_once(self, server, path):
        ours = {os.getpid(), *(each.process.pid for each in self.servers)}
        url = f"http://127.0.0.1:{server.port}{path}"
        foreign, cpu, began = foreign_cpu_ticks(ours), server.cpu_ns(), time.monotonic()
        client = children_cpu_seconds()
        wrk = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self.seconds}s",
                              "-s", HERE / "report.lua", url],
                             preexec_fn=lambda: settle(self.client_core),
                             capture_output=True, text=True, check=False)
        elapsed = time.monotonic() - began
        if server.process.poll() is not None:
            raise server.failure("ended during the run")
        report = json.loads(wrk.stdout.splitlines()[-1]) if wrk.returncode == 0 else {}
        requests = report.get("requests", 0)
        if requests == 0:
            raise server.failure(f"answered nothing to wrk, which said: {wrk.stdout}{wrk.stderr}")
        cpu_ns = sum(used - cpu.get(thread, 0) for thread, used in server.cpu_ns().items())
        # It shrinks when a process ends that nobody waits for, which is a disturbance as well.
        foreign = abs(foreign_cpu_ticks(ours) - foreign)
        return {
            "rate": requests / report["microseconds"] * 1e6,
            "p99": report["p99"] / 1000,
            "cpu": cpu_ns / 1000 / requests,
            "client": (children_cpu_seconds() - client) / elapsed * 100,
            "errors": {kind: count for kind, count in report["errors"].items() if count},
            "foreign": foreign / os.sysconf("SC_CLK_TCK") / elapsed,
        }


ROWS = (("rate", "requests/s", "{:,.0f}"), ("p99", "p99, ms", "{:.2f}"),
        ("cpu", "server CPU, µs/request", "{:.2f}"), ("client", "client's core, % busy", "{:.0f}"))


def print_table(servers, runs, subjects, rows):
    """A column of medians for each server, then one of ratios of the first to each other one.
    `runs` are by subject and name of server; `subjects` are those, each with its title."""
    first, *others = names = [server.name for server in servers]
    heads = ["files", "figure", *names, *(f"{first} / {other}" for other in others)]
    print("|", " | ".join(heads), "|")
    print("|", " | ".join(["---"] * 2 + ["---:"] * (len(heads) - 2)), "|")
    for subject, subject_title in subjects:
        for key, title, form in rows:
            values = {name: [run[key] for run in runs[subject, name]] for name in names}
            medians = [form.format(statistics.median(values[name])) for name in names]
            ratios = [ratio(values[first], values[other]) if key != "client" else ""
                      for other in others]
            print("|", " | ".join([subject_title, title, *medians, *ratios]), "|")


def ratio(ones, others):
    ratios = [one / other for one, other in zip(ones, others)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def print_caveats(runs, errors):
    if errors:
        loud = "\n**SOCKET ERRORS: the figures mean nothing.**\n\n- " + "\n- ".join(errors)
        print(loud)
        print(loud, file=sys.stderr)
    else:
        print("\nSocket errors: none.")
    all_runs = [run for each in runs.values() for run in each]
    disturbed = sum(run["foreign"] > FOREIGN_CORES for run in all_runs)
    if disturbed:
        print(f"\n{disturbed} of {len(all_runs)} runs were disturbed by other programs (more than "
              f"{FOREIGN_CORES} of a core), also when repeated {REPEATS} times.")


def print_setting(sluiced, pairs, seconds, client=CLIENT):
    version = subprocess.run([sluiced, "version"], capture_output=True, text=True, check=False)
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True)
    cpu = re.search(r"^model name\s*: (.*)$", read("/proc/cpuinfo"), re.MULTILINE)
    print(f"{datetime.date.today()}, Linux {platform.release()}, "
          f"{cpu[1] if cpu else 'unknown CPU'}. "
          f"{(version.stdout.strip() or 'sluiced').splitlines()[0]}; "
          f"{nginx.stderr.strip().rpartition(' ')[2]}; {client}. "
          f"Medians of {pairs} runs of {seconds} s each, in turns; ratios of "
          "neighbouring runs, with the smallest and the largest.\n")


def main():
    sluiced, pairs, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    server_core, client_core = pick_cores()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as name, \
            contextlib.ExitStack() as stack:
        bench = Bench(pathlib.Path(name), client_core, seconds)
        start_servers(bench, sluiced, server_core, stack)
        runs = {(size, server.name): [] for size in FILES for server in bench.servers}
        for size in FILES:
            for _ in range(pairs):
                for server in bench.servers:
                    runs[size, server.name].append(bench.run(server, size))
        print_setting(sluiced, pairs, seconds)
        print_table(bench.servers, runs, [(size, size) for size in FILES], ROWS)
        print_caveats(runs, bench.errors)


def start_servers(bench, sluiced, core, stack):
    """Writes what the servers need, and starts them all; those that wait use no CPU."""
    root = bench.root
    root.mkdir()
    for length_bytes in FILES.values():
        (root / f"{length_bytes}.bin").write_bytes(os.urandom(length_bytes))

    plans = (("sluiced", None, bench.sluiced(sluiced)),
             ("nginx", 8081, bench.nginx(8081, "on")),
             ("nginx, sendfile off", 8082, bench.nginx(8082, "off")))
    bench.start(plans, core, stack, "/1024.bin")


if __name__ == "__main__":
    main()
