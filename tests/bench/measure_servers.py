"""Measures sluiced and other file servers in turns; run.sh says what, and prepares the network."""

import contextlib
import datetime
import fnmatch
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import time

import options
from machine import FOREIGN_CORES, description, pick_cores
from plots import pictures
from report import report
from runs import Failure, Runner
from servers import PLANS, Server, descriptors, version
from subjects import SMALL, bytes_on_disk, idle_connections, subjects, write_files

HERE = pathlib.Path(__file__).resolve().parent
REPEATS = 3  # of a run that was disturbed, at the most
OVERHEAD_SECONDS = {"once": 4, "idle": 6}  # of a run, about; others:
USUAL_OVERHEAD_SECONDS = 0.5
BUDGET_SHARE = 0.5  # of the time of all runs, for repetitions


def parse(arguments):
    made = options.parser("run.sh", quick=(1, 0.3, 1), usual=(5, 2, None))
    made.add_argument("--subjects", default="*")
    made.add_argument("--peers", default=",".join(key for key in PLANS if key != "sluiced"))
    made.add_argument("--results", type=pathlib.Path)
    made.add_argument("--list", action="store_true")
    chosen = options.parse(made, arguments)
    chosen.peers = [word for word in chosen.peers.split(",") if word]
    unknown = [key for key in chosen.peers if key not in PLANS or key == "sluiced"]
    if unknown:
        made.error(f"--peers knows no '{unknown[0]}'; --list shows them")
    patterns = chosen.subjects.split(",")
    everything = subjects(pathlib.Path("."), chosen.quick)
    for pattern in patterns:
        if not fnmatch.filter([subject.key for subject in everything], pattern):
            made.error(f"--subjects knows no '{pattern}'; --list shows them")
    chosen.patterns = patterns
    return chosen


def show_list(quick):
    print("subjects:")
    for subject in subjects(pathlib.Path("."), quick):
        print(f"  {subject.key:16} {subject.title}")
    print("peers:")
    for key, plan in PLANS.items():
        if key != "sluiced":
            print(f"  {key:16} {plan.name}")


class Suite:
    """All runs."""

    def __init__(self, chosen, scratch, stack):
        self.chosen = chosen
        self.scratch = scratch
        self.stack = stack
        self.programs = {"sluiced": chosen.sluiced, "raw": f"{chosen.programs}/bench_raw_http"}
        self.server_core, client_core = pick_cores()
        self.root = scratch / "files"
        self.runner = Runner(f"{chosen.programs}/bench_http_client", client_core, self.root,
                             chosen.seconds)
        self.wanted = [subject for subject in subjects(scratch, chosen.quick)
                       if any(fnmatch.fnmatch(subject.key, each) for each in chosen.patterns)]
        self.servers = {}
        self.failures = []
        self.disturbed = self.count = self.repeats = 0
        self.repeats_left = chosen.budget

    def keys(self, subject):
        """The servers of a subject, sluiced first."""
        return ["sluiced", *(key for key in self.chosen.peers
                             if key in subject.peers or (key == "raw" and subject.raw))]

    def names(self):
        used = {key for subject in self.wanted for key in self.keys(subject)}
        return {key: plan.name for key, plan in PLANS.items() if key in used}

    def prepare(self):
        needed = bytes_on_disk(self.wanted, self.chosen.quick)
        if shutil.disk_usage(self.scratch).free < 1.2 * needed:
            raise SystemExit(f"{self.scratch.parent} has no room for the files: they take "
                             f"{needed / 1e9:.1f} GB")
        idle = idle_connections(self.chosen.quick)
        if descriptors() < 1.2 * idle and any(each.group == "idle" for each in self.wanted):
            raise SystemExit(f"{idle} idle connections take more descriptors than the "
                             f"{descriptors()} that are allowed: raise the hard limit (ulimit -Hn)")
        print(f"writing {needed / 1e9:.1f} GB of files", file=sys.stderr)
        write_files(self.scratch, self.wanted, self.chosen.quick)
        planned = self.chosen.rounds * sum(
            len(self.keys(subject)) * (self.chosen.seconds + OVERHEAD_SECONDS.get(
                subject.group, USUAL_OVERHEAD_SECONDS)) for subject in self.wanted)
        if self.repeats_left is None:
            self.repeats_left = planned * BUDGET_SHARE
        print(f"about {planned / 60:.1f} minutes, and up to {self.repeats_left / 60:.1f} "
              f"more to repeat what is disturbed", file=sys.stderr)

    def start(self, key):
        server = Server(key, self.server_core, self.root, self.scratch, self.programs)
        self.stack.callback(server.stop)
        server.wait_until_ready(SMALL)
        return server

    def server(self, key):
        """The one that runs all the time; those that wait use no CPU."""
        if key not in self.servers or not self.servers[key].alive():
            self.servers[key] = self.start(key)
        return self.servers[key]

    def measure(self):
        """Pairs of a subject and its runs by key of server. One that has failed has none."""
        results = []
        for number, subject in enumerate(self.wanted):
            runs = {key: [] for key in self.keys(subject)}
            failed = set()
            for turn in range(self.chosen.rounds):
                for key in runs:
                    if key in failed:
                        continue
                    where = f"[{number + 1}/{len(self.wanted)}, {turn + 1}] {subject.title}"
                    try:
                        runs[key].append(self.run(subject, key, where))
                    except Failure as failure:
                        print(f"FAILED: {failure}", file=sys.stderr)
                        self.failures.append((key, f"{subject.title}: {failure}"))
                        failed.add(key)
                        runs[key] = []
            results.append((subject, runs))
        return results

    def run(self, subject, key, where):
        """One run, repeated while it is disturbed and there is time; the quietest one."""
        runs = []
        while not runs or (runs[-1]["foreign"] > FOREIGN_CORES and len(runs) <= REPEATS
                           and self.repeats_left > 0):
            began = time.monotonic()
            runs.append(self.run_once(subject, key))
            told = "  ".join(f"{name} {value:,.3f}" for name, value in runs[-1].items()
                             if name in ("rate", "gigabytes", "cpu", "p99", "each", "foreign"))
            print(f"{where}: {PLANS[key].name}: {told}", file=sys.stderr)
            if len(runs) > 1:
                self.repeats += 1
                self.repeats_left -= time.monotonic() - began
        best = min(runs, key=lambda run: run["foreign"])
        self.count += 1
        self.disturbed += best["foreign"] > FOREIGN_CORES
        return best

    def run_once(self, subject, key):
        if subject.group != "idle":
            return self.runner.run(subject, self.server(key))
        server = self.start(key)  # what it keeps of earlier connections would spoil the figures
        try:
            return self.runner.run(subject, server)
        finally:
            server.stop()

    def setting(self):
        """Lines on what was measured, where and how."""
        # A server with several settings is the same program.
        programs = {name.partition(",")[0]: version(PLANS[key], self.programs)
                    for key, name in self.names().items() if key != "raw"}
        versions = ", ".join(f"{name} {number}" for name, number in programs.items())
        lines = [f"{datetime.date.today()}. {description()}. {versions}.", "",
                 "Made by `tests/bench/run.sh`; tests/bench/README.md says what each figure means. "
                 f"Medians of {self.chosen.rounds} run(s) of {self.chosen.seconds:g} s, in turns, "
                 "with the smallest and the largest; ratios of neighbouring runs. Server on one "
                 "core, client on another, in a network of their own with reno. CPU is that of all "
                 "threads of the server, the kernel's workers included."]
        if self.chosen.quick:
            lines += ["", "**With --quick: that it works, not what is faster.**"]
        lines += ["", f"{self.disturbed} of {self.count} runs were disturbed by other programs "
                  f"(more than {FOREIGN_CORES} of a core), after {self.repeats} repetitions."]
        return lines


def write(folder, suite, results):
    folder.mkdir(parents=True, exist_ok=True)
    names = suite.names()
    drawn = pictures(results, names)
    for file, _, picture in drawn:
        (folder / file).write_text(picture)
    troubles = [text for _, text in suite.failures] + suite.runner.oddities
    text = report(suite.setting(), results, names, troubles,
                  [(title, file) for file, title, _ in drawn])
    (folder / "README.md").write_text(text)
    every = [{"subject": subject.key, "server": key, "runs": own}
             for subject, runs in results for key, own in runs.items()]
    (folder / "runs.json").write_text(json.dumps(every, indent=1) + "\n")
    print(text)
    print(f"written to {folder}", file=sys.stderr)


def main():
    chosen = parse(sys.argv[1:])
    if chosen.list:
        show_list(chosen.quick)
    if chosen.list or chosen.check_options:
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    folder = chosen.results or (
        HERE.parents[1] / "build" / "bench" / "quick-results" if chosen.quick
        else HERE / "results" / str(datetime.date.today()))
    # Not in memory, as /tmp may be: cold files must have a disk to be read from.
    with tempfile.TemporaryDirectory(prefix="sluice-bench-", dir="/var/tmp") as name, \
            contextlib.ExitStack() as stack:
        scratch = pathlib.Path(name)
        scratch.chmod(0o755)  # some servers give up their privileges
        suite = Suite(chosen, scratch, stack)
        suite.prepare()
        write(folder, suite, suite.measure())
    return 1 if any(key == "sluiced" for key, _ in suite.failures) else 0


if __name__ == "__main__":
    sys.exit(main())
