"""A real Prometheus scrapes the real program, is asked, and raises the alarm."""

import contextlib
import http.server
import math
import os
import subprocess
import threading

import prometheus
import pytest
import shipped
from harness import files
from harness.daemon import LIMIT_S, wait_until

# Alerts on a slow machine, which the one that runs this test may well be.
OF_A_SLOW_MACHINE = {"SluicedDown", "SluicedLoopDelayHigh", "SluicedResponsesSlow"}


class Page:
    """Serves a text on the loopback as a metrics page."""

    def __init__(self, text):
        self.text = text
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = page.text.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join(LIMIT_S)
        self._server.server_close()


class Scene:
    """The program with the smallest ring there is, a page of a ring that will overflow, and a
    Prometheus that scrapes both."""

    def __init__(self, fleet, tree, folder, stack):
        self.tree = tree
        self.daemon = fleet.run(files.configuration(
            tree, extra=f"runtime:\n  workers: 1\n  ring_entries: 64\n{files.PATIENT}"))
        host, port = self.daemon.admin.address
        self.instance = f"{host}:{port}"
        done = subprocess.run([os.environ["SLUICE_OVERFLOWING_RING"], folder / "before",
                               folder / "after"], capture_output=True, text=True, timeout=LIMIT_S,
                              check=False)
        assert done.returncode == 0, done.stderr
        self.ring = Page((folder / "before").read_text())
        stack.callback(self.ring.close)
        self.ring_after = (folder / "after").read_text()
        self.prometheus = prometheus.Prometheus(folder / "prometheus",
                                                [self.instance, self.ring.address])
        stack.callback(self.prometheus.stop)

    def alert(self, name, instance):
        """The alert of that name for that instance, if it fires."""
        return next((alert for alert in self.prometheus.firing()
                     if (alert["labels"]["alertname"], alert["labels"].get("instance"))
                     == (name, instance)), None)


@pytest.fixture(scope="module")
def scene(module_fleet, module_tree, tmp_path_factory):
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("scene")
        made = Scene(module_fleet, module_tree, folder, stack)
        wait_until(lambda: len(made.prometheus.query("up == 1")) == 2, "both are scraped")
        yield made


def drop_from_memory(path):
    """The next read of the file has to wait for the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def test_scraping_goes_well_and_no_alert_fires(scene):
    ask = scene.prometheus.query
    wait_until(lambda: ask("count_over_time(up[1m]) > 3"), "several scrapes")
    # Prometheus counts what it read: all that the page has, under the bound that is promised.
    scraped = dict((labels["instance"], value) for labels, value in ask("scrape_samples_scraped"))
    assert 900 < scraped[scene.instance] < 1500
    assert scene.prometheus.rule_errors() == []
    recorded = {name for name in shipped.recorded_names() if ask(name)}
    assert "instance:sluiced_http_requests:rate5m" in recorded
    # The first evaluations may have come before the first scrape.
    wait_until(lambda: {alert["labels"]["alertname"] for alert in scene.prometheus.firing()}
               <= OF_A_SLOW_MACHINE, "no alert fires")


def test_a_query_returns_the_p99_of_reads(scene):
    path = scene.tree / "cold"
    files.write_old(path, files.pattern(files.MIB))
    quantile = ("histogram_quantile(0.99, sum by (le) (rate("
                'sluice_ring_operation_duration_seconds_bucket{operation="read"}[1m])))')

    def read_and_ask():
        drop_from_memory(path)
        assert len(scene.daemon.get("/cold").body) == files.MIB
        return [value for _, value in scene.prometheus.query(quantile) if not math.isnan(value)]

    (p99,) = wait_until(read_and_ask, "there is a p99 of reads")
    # Somewhere between a fast disk's microseconds and the last bound of the histogram.
    assert 1e-7 < p99 <= 70
    recorded = 'instance_operation:sluice_ring_operation_duration_seconds:p99_rate5m' \
               f'{{operation="read",instance="{scene.instance}"}} > 0'
    wait_until(lambda: scene.prometheus.query(recorded), "the recording rule has it, too")


def test_an_alert_fires_when_the_completion_queue_overflows(scene):
    name = "SluicedCompletionQueueOverflow"
    counter = f'sluice_ring_completion_overflows_total{{instance="{scene.ring.address}"}}'
    wait_until(lambda: scene.prometheus.query(f"{counter} == 0"), "the page before is scraped")
    assert scene.alert(name, scene.ring.address) is None
    scene.ring.text = scene.ring_after
    alert = wait_until(lambda: scene.alert(name, scene.ring.address), "the alert fires")
    assert alert["labels"]["severity"] == "critical"
    assert alert["labels"]["shard"] == "0"
    assert alert["annotations"]["summary"] == \
        f"The completion queue of shard 0 on {scene.ring.address} overflowed."
    assert scene.alert(name, scene.instance) is None


def test_an_alert_fires_when_a_submission_queue_is_too_small(scene):
    scene.ring.text = scene.ring_after
    name = "SluicedSubmissionQueueFull"
    alert = wait_until(lambda: scene.alert(name, scene.ring.address), "the alert fires")
    assert alert["annotations"]["summary"] == \
        f"The submission queue of shard 0 on {scene.ring.address} is too small."
    assert "ring_entries" in alert["annotations"]["description"]
    assert scene.alert(name, scene.instance) is None


def test_an_alert_fires_when_the_daemon_is_gone(scene):
    scene.daemon.stop()
    alert = wait_until(lambda: scene.alert("SluicedDown", scene.instance), "the alert fires")
    assert alert["annotations"]["summary"] == f"sluiced on {scene.instance} does not answer."
