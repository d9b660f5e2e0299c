"""The page at /status as a person has it, while the daemon is busy."""

import contextlib
import json
import threading

import pytest

from harness import browser, files, wire
from harness.daemon import wait_until

LARGE = 64 * files.MIB
PLOTS = ("bytes", "requests", "connections", "queues", "latency")
# How many moments the longest line of a plot has.
POINTS = ("Math.max(0, ...[...document.querySelectorAll('#plot-{} > svg > polyline')]"
          ".map(l => l.getAttribute('points').split(' ').length))")


@contextlib.contextmanager
def load(daemon):
    """A client that asks for a file again and again."""
    stop = threading.Event()

    def ask():
        with daemon.connect() as connection:
            for _ in range(9000):  # requests_per_connection is 10,000
                if stop.wait(0.01):
                    return
                connection.send(wire.request("/file.txt"))
                assert connection.read_response().body == b"file"

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield
    finally:
        stop.set()
        client.join()


def status_of(daemon):
    with daemon.connect_admin() as connection:
        connection.send(wire.request("/status.json", headers=[("Connection", "close")]))
        return json.loads(connection.read_response().body)


@pytest.fixture
def busy(fleet, tree):
    files.write_old(tree / "file.txt", b"file")
    files.write_sparse(tree / "<b>large.bin", LARGE)
    daemon = fleet.run(files.configuration(tree, extra=files.PATIENT))
    with wire.Connection(daemon.endpoint.connect(receive_buffer_bytes=4096)) as stalled:
        stalled.send(wire.request("/%3Cb%3Elarge.bin?token=s3cret"))
        assert stalled.read_head().status == 200
        yield daemon


def test_it_plots_what_goes_on_and_asks_nobody_else(busy):
    with browser.Browser() as chromium:
        page = chromium.open(busy.admin.url + "/status")
        with load(busy):
            for plot in PLOTS:
                wait_until(lambda plot=plot: page.ask(POINTS.format(plot)) >= 3,
                           f"{plot} has data", browser.LIMIT_S)
            assert page.ask("document.querySelector('#plot-requests b').textContent") != "0.0/s"
        texts_beside_plots(page)
        texts_are_those_of_the_json(page, busy)
        the_download_is_shown(page)
        it_fits_its_reader(page)
        assert page.complaints == []
        assert page.requests[0] == page.url
        assert busy.admin.url + "/status.json" in page.requests
        others = [url for url in page.requests
                  if not url.startswith(busy.admin.url + "/") and url != "data:,"]
        assert others == []
        the_policy_holds(page)


def the_policy_holds(page):
    """And its breaches are among the complaints, so that there were none before."""
    page.ask("document.body.append(Object.assign(document.createElement('script'),"
             " {textContent: 'window.broken = true'}))")
    page.ask("void fetch('http://127.0.0.1:9/').catch(() => { window.refused = true; })")
    wait_until(lambda: page.ask("window.refused"), "the request is refused", browser.LIMIT_S)
    assert page.ask("window.broken") is None
    assert sum("Content Security Policy" in str(told) for told in page.complaints) >= 2


def texts_beside_plots(page):
    for plot in PLOTS:
        assert page.ask(f"document.querySelector('#plot-{plot} li').innerText.length") > 1
        label = page.ask(f"document.querySelector('#plot-{plot} > svg').getAttribute('aria-label')")
        assert "Now: " in label, label
    states = page.ask("[...document.querySelectorAll('#plot-connections li')]"
                      ".map(l => l.dataset.series).join()")
    assert states == "idle,head,request,response,body,closing"
    kinds = page.ask("[...document.querySelectorAll('#operations tbody td:first-child')]"
                     ".map(c => c.textContent).join()").split(",")
    assert {"accept", "receive"} <= set(kinds)


def texts_are_those_of_the_json(page, daemon):
    """The load is over, so that both tell the same once the page has asked again."""
    def told(name):
        return page.ask(f"document.getElementById('fact-{name}').textContent")

    def same():
        status = status_of(daemon)
        serving = [shard for shard in status["shards"] if "requests" in shard]
        open_now = sum(sum(shard["connections"].values()) for shard in serving)
        return (told("requests") == f"{sum(shard['requests'] for shard in serving):,}" and
                told("connections") == f"{open_now:,} of at most "
                f"{status['limits']['max_connections']:,}" and
                told("in_flight") == "1" and told("configuration").startswith("1,") and
                page.ask("document.getElementById('version').textContent") == status["version"])

    wait_until(same, "the page tells what the JSON tells", browser.LIMIT_S)
    rows = page.ask("document.querySelectorAll('#shards tbody tr').length")
    assert rows == len(status_of(daemon)["shards"])


def the_download_is_shown(page):
    rows = page.ask("[...document.querySelectorAll('#connections tbody tr')]"
                    ".map(r => r.innerText).join('\\n')")
    assert "GET /<b>large.bin" in rows and "of 64.0 MiB" in rows, "the name is text, no markup"
    assert "s3cret" not in page.ask("document.documentElement.outerHTML")


def it_fits_its_reader(page):
    page.make_narrow(400)
    assert page.ask("document.documentElement.scrollWidth") <= 400
    for scheme, darker, brighter in (("light", "color", "backgroundColor"),
                                     ("dark", "backgroundColor", "color")):
        page.prefer(scheme)
        assert page.brightness(darker) < 60 and page.brightness(brighter) > 200, scheme
    assert page.ask("document.querySelectorAll('[tabindex=\"0\"][aria-labelledby]').length") == 3


def test_it_says_when_nobody_answers_any_more(busy):
    with browser.Browser() as chromium:
        page = chromium.open(busy.admin.url + "/status")
        shown = "document.getElementById('state').textContent"
        wait_until(lambda: page.ask(shown) == "Serving.", "the first answer", browser.LIMIT_S)
        busy.kill()
        wait_until(lambda: page.ask(shown).startswith("No answer: "), "it is noticed",
                   browser.LIMIT_S)
