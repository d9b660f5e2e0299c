"""One run of one subject with one server, and what it came to."""

import contextlib
import json
import os
import subprocess
import time

from machine import foreign_cpu_ticks, read_from_disk, settle
from servers import Failure
from subjects import PROBE_RATE, SMALL, probe_words

ONCE_SECONDS = 180  # the most that a subject without a given time may take
GRACE_SECONDS = 60  # that the client may take longer than it should
REST_SECONDS, STILL_SECONDS = 15, 1.5  # the most that is waited for memory to settle
STALL_NS = 1_000_000_000  # a request that waits for so long in a closed loop is worth a line


class Runner:
    """Runs the client. `root` is the folder of the files."""

    def __init__(self, client, core, root, seconds):
        self.client = client
        self.core = core
        self.root = root
        self.seconds = seconds
        self.oddities = []  # what was no failure, but should not happen

    def run(self, subject, server):
        """The figures of one run."""
        ours = {os.getpid(), *server.processes()}
        server.check(SMALL if subject.group != "hot" else subject.words[1])
        foreign, cpu, began = foreign_cpu_ticks(ours), server.cpu_ns(), time.monotonic()
        disk = read_from_disk(self.root)
        client = time.process_time() + _children_seconds()
        run = getattr(self, f"_{subject.group}")(subject, server)
        elapsed = time.monotonic() - began
        used = sum(now - cpu.get(thread, 0) for thread, now in server.cpu_ns().items())
        if not server.alive():
            raise server.failure("ended during the run")
        # It shrinks when a process ends that nobody waits for, which is a disturbance as well.
        foreign = abs(foreign_cpu_ticks(ours) - foreign)
        run["foreign"] = foreign / os.sysconf("SC_CLK_TCK") / elapsed
        run["cores"] = used / 1e9 / elapsed
        run["client"] = (time.process_time() + _children_seconds() - client) / elapsed * 100
        if "bytes" in run:
            run["cpu"] = used / run["bytes"] if subject.per_byte else \
                used / 1000 / run["responses"]
        if subject.cold and disk is not None:
            run["disk"] = (read_from_disk(self.root) - disk) / run["bytes"] * 100
        return run

    def _start(self, words, server, seconds, nice=-10):
        command = [self.client, "--port", server.port, "--seconds", seconds, *words]
        return subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                preexec_fn=lambda: settle(self.core, nice))

    def _finish(self, child, subject, server, seconds):
        """What the client has printed, once it has ended."""
        try:
            out, said = child.communicate(timeout=seconds + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise server.failure("kept the client from coming to an end") from None
        if child.returncode != 0:
            raise server.failure(f"was given up by the client: {said.strip()}")
        answer = json.loads(out.splitlines()[-1])
        if answer["responses"] == 0 and answer["bytes"] == 0:
            raise server.failure(f"answered nothing. {said.strip()}")
        if answer["errors"]:
            raise server.failure(f"went wrong: {answer['errors']}; {said.strip()}")
        if answer["reconnects"]:
            self.oddities.append(f"{server.name}, {subject.title}: ended {answer['reconnects']} "
                                 "connections between requests")
        if answer["oldest_ns"] > STALL_NS:
            self.oddities.append(f"{server.name}, {subject.title}: a request had waited for "
                                 f"{answer['oldest_ns'] / 1e9:.1f} s at the end")
        return answer

    def _hot(self, subject, server):
        child = self._start(subject.words, server, self.seconds)
        answer = self._finish(child, subject, server, self.seconds)
        if not subject.per_byte and answer["bytes"] < answer["responses"] * subject.length:
            raise server.failure("sent fewer bytes than its responses have")
        return _figures(answer, subject)

    def _once(self, subject, server):
        child = self._start(subject.words, server, ONCE_SECONDS)
        answer = self._finish(child, subject, server, ONCE_SECONDS)
        if answer["unanswered"] or answer["bytes"] != answer["responses"] * subject.length:
            raise server.failure(f"left {answer['unanswered']} requests without an answer")
        return _figures(answer, subject)

    def _probe(self, subject, server):
        child = self._start(probe_words(), server, self.seconds)
        return self._probe_figures(self._finish(child, subject, server, self.seconds), server)

    def _cold(self, subject, server):
        cold = self._start(subject.words, server, self.seconds, nice=0)
        try:
            hot = self._start(probe_words(), server, self.seconds)
            # One after the other does: what each has to say fits into a pipe.
            latencies = self._probe_figures(
                self._finish(hot, subject, server, self.seconds), server)
            answer = self._finish(cold, subject, server, self.seconds)
        finally:
            _end(cold)
        return _figures(answer, subject) | latencies

    def _probe_figures(self, answer, server):
        wanted = PROBE_RATE * self.seconds
        if answer["unanswered"] or answer["responses"] < 0.99 * wanted:
            raise server.failure(f"answered {answer['responses']} of {wanted:.0f} requests")
        return _latencies(answer)

    def _idle(self, subject, server):
        before = server.memory_bytes()
        child = self._start(subject.words, server, ONCE_SECONDS)
        try:
            line = child.stdout.readline()
            if not line:
                raise server.failure(f"was given up by the client: {child.stderr.read()}")
            answer = json.loads(line)
            wanted = subject.words[-1]
            if answer["responses"] != wanted:
                raise server.failure(f"answered {answer['responses']} of {wanted} connections: "
                                     f"{answer['errors']}")
            rush, held = server.memory_bytes(), _at_rest(server)
            cpu = sum(server.cpu_ns().values())
            time.sleep(self.seconds)
            cpu = sum(server.cpu_ns().values()) - cpu
            still = json.loads(child.communicate(timeout=GRACE_SECONDS)[0])["open"]
        finally:
            _end(child)
        if still != wanted:
            raise server.failure(f"kept {still} of {wanted} connections open")
        return {"each": (held - before) / wanted, "before": before / 2**20, "rush": rush / 2**20,
                "held": held / 2**20, "after": _at_rest(server) / 2**20,
                "idle": cpu / 1e7 / self.seconds}


def _at_rest(server):
    """Its memory once that has not changed for a while; some give back what they do not need."""
    deadline, seen, since = time.monotonic() + REST_SECONDS, None, 0.0
    while time.monotonic() < deadline:
        now = server.memory_bytes()
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > STILL_SECONDS:
            break
        time.sleep(0.1)
    return seen


def _children_seconds():
    times = os.times()
    return times.children_user + times.children_system


def _end(child):
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def _latencies(answer):
    """None where no response was complete when the time was over."""
    if answer["responses"] == 0:
        return {}
    return {name: answer[f"{name}_ns"] / 1e6 for name in ("p50", "p99", "p999", "longest")}


def _figures(answer, subject):
    seconds = answer["wall_ns"] / 1e9
    # Of large files some are under way at the end, and what has come of them counts too.
    done = answer["bytes"] / subject.length if subject.per_byte else answer["responses"]
    return {"rate": done / seconds, "gigabytes": answer["bytes"] / 1e9 / seconds,
            "responses": done, "bytes": answer["bytes"], **_latencies(answer)}


__all__ = ["Failure", "Runner"]
