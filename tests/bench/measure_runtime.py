"""Measures the runtime and what a user would pick instead, in turns; runtime.sh says what.

Usage: measure_runtime.py --programs BIN-FOLDER [OPTION]...
       measure_runtime.py --smoke BIN-FOLDER
"""

import dataclasses
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import options
from figures import ratio, spread
from machine import FOREIGN_CORES, description, foreign_cpu_ticks, pick_cores, read, settle

CONNECTIONS = 64
FILE_BYTES = 256 << 20
ECHO_FACTOR = 3  # its runs are so many times as long: two programs have to get up to speed
NAMES = {"sluice": "sluice", "raw": "raw liburing loop (C)", "fio": "fio, ioengine=io_uring",
         "asio_io_uring": "Asio awaitable, io_uring", "asio_epoll": "Asio awaitable, epoll",
         "libuv": "libuv", "floor": "no runtime"}


@dataclasses.dataclass
class Subject:
    """What is measured: by the same words on the command line of each program."""

    title: str
    words: list
    programs: list
    both_cores: bool = False


def subjects(data):
    """All of them, in the order of the table."""
    peers = ["asio_io_uring", "asio_epoll"]
    found = [Subject(f"no-operation, {depth} in flight", ["nop", None, depth], ["sluice", "raw"])
             for depth in (1, 32)]
    found += [Subject(f"echo of 64 bytes, {CONNECTIONS} connections", ["echo"],
                      ["sluice", "raw", *peers, "libuv"])]
    found += [Subject(f"random 4 KiB reads, {title}, {depth} in flight",
                      ["read", None, depth, data, mode], ["sluice", "raw", "fio"])
              for mode, title in (("direct", "O_DIRECT"), ("cached", "page cache"))
              for depth in (1, 32, 128)]
    found += [Subject("await a task that is ready at once", ["await", None],
                      ["sluice", "asio_epoll", "floor"])]
    found += [Subject(f"spawn {width} and join, per task", ["spawn", None, width],
                      ["sluice", "asio_epoll", "floor"]) for width in (1, 64)]
    found += [Subject("round trip to another shard, 1 underway", ["round-trip", None, 1],
                      ["sluice", *peers, "floor"], both_cores=True),
              Subject("round trip to another shard, 32 underway", ["round-trip", None, 32],
                      ["sluice", *peers], both_cores=True),
              Subject("wake-up of an idle shard", ["wake-up", None],
                      ["sluice", *peers, "floor"], both_cores=True)]
    return found


class Bench:
    """What all runs have in common."""

    def __init__(self, folder, cores, seconds):
        self.folder = folder
        self.cores = cores
        self.seconds = seconds
        self.repeats_until = 0.0  # a point in time
        self.disturbed = 0
        self.count = 0

    def settle(self, which):
        """Puts a new child on these of our cores, if it matters where it runs."""
        if self.cores:
            settle(self.cores[0])
            os.sched_setaffinity(0, self.cores[which])

    def run(self, subject, program):
        """One run; once more if it was disturbed and there is time. The quieter one."""
        runs = []
        while not runs or (runs[-1]["foreign"] > FOREIGN_CORES and len(runs) < 2
                           and time.monotonic() < self.repeats_until):
            began, foreign = time.monotonic(), foreign_cpu_ticks({os.getpid()})
            run = self.run_once(subject, program)
            ticks = abs(foreign_cpu_ticks({os.getpid()}) - foreign)
            run["foreign"] = ticks / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)
            runs.append(run)
        best = min(runs, key=lambda run: run["foreign"])
        self.count += 1
        self.disturbed += best["foreign"] > FOREIGN_CORES
        return best

    def run_once(self, subject, program):
        if subject.words[0] == "read":
            prepare_file(subject.words[3], subject.words[4])
        if program == "fio":
            return self.run_fio(*subject.words[2:])
        if subject.words[0] == "echo":
            return self.run_echo(self.seconds * ECHO_FACTOR, self.folder / f"bench_{program}")
        words = [self.seconds if word is None else word for word in subject.words]
        cores = slice(0, 2 if subject.both_cores else 1)
        answer = json.loads(self.output([self.folder / f"bench_{program}", *words], cores))
        if "median_ns" in answer:
            return {"ns": answer["median_ns"]}
        return {"ns": answer["wall_ns"] / answer["operations"],
                "cpu_ns": answer["cpu_ns"] / answer["operations"]}

    def run_fio(self, depth, path, mode):
        """fio as fast as it goes: whole batches, no clock read for each operation."""
        direct = int(mode == "direct")
        command = ["fio", "--output-format=json", "--name=read", f"--filename={path}", "--thread",
                   "--ioengine=io_uring", "--rw=randread", "--bs=4096", "--norandommap",
                   "--randrepeat=0", "--random_generator=tausworthe64", f"--direct={direct}",
                   "--invalidate=0", f"--iodepth={depth}", f"--iodepth_batch_submit={depth}",
                   "--iodepth_batch_complete_min=1", f"--iodepth_batch_complete_max={depth}",
                   "--gtod_reduce=1", "--time_based", f"--runtime={int(self.seconds * 900)}ms",
                   f"--ramp_time={int(self.seconds * 100)}ms"]
        text = self.output(command, slice(0, 1))
        job = json.loads(text[text.index("{"):])["jobs"][0]
        elapsed_ns = job["read"]["runtime"] * 1e6
        count = job["read"]["total_ios"]
        if count == 0 or job["error"] != 0:
            raise SystemExit(f"fio read nothing:\n{text}")
        busy = (job["usr_cpu"] + job["sys_cpu"]) / 100
        return {"ns": elapsed_ns / count, "cpu_ns": elapsed_ns * busy / count}

    def run_echo(self, seconds, program):
        server = subprocess.Popen([program, "echo"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, text=True,
                                  preexec_fn=lambda: self.settle(slice(0, 1)))
        try:
            port = server.stdout.readline().strip()
            before = cpu_ns(server.pid)
            text = self.output([self.folder / "bench_load", port, CONNECTIONS, seconds],
                               slice(1, 2))
            used = cpu_ns(server.pid) - before
            if server.poll() is not None:
                raise SystemExit(f"{program} echo ended by itself")
        finally:
            server.kill()
            server.wait()
        answer = json.loads(text)
        # The server's CPU time holds the client's warm-up, which the count of messages does not.
        whole = answer["wall_ns"] / (answer["wall_ns"] + answer["warm_up_ns"])
        return {"ns": answer["wall_ns"] / answer["operations"],
                "cpu_ns": used * whole / answer["operations"],
                "client": answer["cpu_ns"] / answer["wall_ns"]}

    def output(self, command, cores):
        command = [str(word) for word in command]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, preexec_fn=lambda: self.settle(cores), timeout=60)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n"
                             f"{done.stdout}{done.stderr}")
        return done.stdout


def cpu_ns(pid):
    """Of all threads, io_uring's kernel workers included."""
    return sum(int(read(thread / "schedstat").split()[0])
               for thread in pathlib.Path(f"/proc/{pid}/task").iterdir())


def prepare_file(path, mode):
    """Puts the file into the page cache, or out of it."""
    with open(path, "rb", buffering=0) as file:
        if mode == "direct":
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        else:
            while file.read(1 << 20):
                pass


def make_file(folder):
    """Of random bytes, since a hole would be read without the disk."""
    path = folder / "random.bin"
    with open(path, "wb") as file:
        for _ in range(FILE_BYTES >> 20):
            file.write(os.urandom(1 << 20))
        file.flush()
        os.fsync(file.fileno())
    return path


def print_table(results):
    """A row for each program: its figures, and sluice's divided by them, of neighbouring runs."""
    print("| subject | program | ns each | CPU, ns each | rate, sluice ÷ this "
          "| CPU, sluice ÷ this |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for subject, runs in results:
        for program in subject.programs:
            own, sluice = runs[program], runs["sluice"]
            cells = [subject.title if program == "sluice" else "", NAMES[program],
                     spread([run["ns"] for run in own], "{:,.1f}")]
            has_cpu = "cpu_ns" in own[0]
            cells.append(spread([run["cpu_ns"] for run in own], "{:,.1f}") if has_cpu else "")
            if program == "sluice":
                cells += ["", ""]
            else:
                # The rate is one over the time.
                cells.append(ratio([run["ns"] for run in own], [run["ns"] for run in sluice]))
                cells.append(ratio([run["cpu_ns"] for run in sluice],
                                   [run["cpu_ns"] for run in own]) if has_cpu else "")
            print("|", " | ".join(cells), "|")


def print_setting(turns, seconds, path):
    fio = subprocess.run(["fio", "--version"], capture_output=True, text=True, check=True)
    versions = {package: subprocess.run(["dpkg-query", "-W", "-f=${Version}", package],
                                        capture_output=True, text=True, check=False).stdout
                for package in ("liburing-dev", "libasio-dev", "libuv1-dev")}
    file_system = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True,
                                 check=True).stdout.strip()
    print(f"{datetime.date.today()}, {description()}, {file_system}; {fio.stdout.strip()}, "
          + ", ".join(f"{package} {version}" for package, version in versions.items())
          + f". Medians of {turns} runs of {seconds} s each (echo {seconds * ECHO_FACTOR:g} s), in "
          "turns, with the smallest and the largest; ratios of neighbouring runs.\n")


def print_caveats(bench, results):
    clients = [run["client"] for _, runs in results for own in runs.values() for run in own
               if "client" in run]
    print(f"\nThe echo client kept its core busy for {min(clients):.0%} to {max(clients):.0%} of "
          "the time; above about 95 % its own speed bounds the rates, and only the CPU columns "
          "rank the servers.")
    if bench.disturbed:
        print(f"\n{bench.disturbed} of {bench.count} runs were disturbed by other programs (more "
              f"than {FOREIGN_CORES} of a core).")


def measure(folder, turns, seconds, budget_seconds, json_file):
    began = time.monotonic()
    # Beside the programs: the temporary folder may be in memory, where O_DIRECT means nothing.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=folder) as scratch:
        path = make_file(pathlib.Path(scratch))
        everything = subjects(path)
        bench = Bench(folder, pick_cores(), seconds)
        results = [(subject, {program: [] for program in subject.programs})
                   for subject in everything]
        for turn in range(turns):
            # What is left after the turns that are still to come may go into repetitions.
            elapsed = time.monotonic() - began
            rest = elapsed / turn * (turns - turn) if turn else budget_seconds
            bench.repeats_until = time.monotonic() + max(budget_seconds - elapsed - rest, 0)
            for number, (subject, runs) in enumerate(results):
                print(f"turn {turn + 1} of {turns}, subject {number + 1} of {len(results)}: "
                      f"{subject.title}", file=sys.stderr)
                for program in subject.programs:
                    runs[program].append(bench.run(subject, program))
        print_setting(turns, seconds, path)
    print_table(results)
    print_caveats(bench, results)
    if json_file:
        with open(json_file, "w", encoding="utf-8") as file:
            json.dump([{"subject": subject.title, "program": program, "runs": own}
                       for subject, runs in results for program, own in runs.items()], file,
                      indent=1)
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)


def smoke(folder):
    """The echo server and its client for a moment: that they work, not how fast."""
    run = Bench(folder, None, 0).run_echo(0.1, folder / "bench_sluice")
    print(f"{1e9 / run['ns']:.0f} messages a second")


def main():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    if sys.argv[1] == "--smoke":
        smoke(pathlib.Path(sys.argv[2]))
        return
    made = options.parser("runtime.sh", quick=(3, 0.15, 60), usual=(11, 0.4, 480))
    made.add_argument("--json")
    chosen = options.parse(made, sys.argv[1:])
    if not chosen.check_options:
        measure(pathlib.Path(chosen.programs), chosen.rounds, chosen.seconds, chosen.budget,
                chosen.json)


if __name__ == "__main__":
    main()
