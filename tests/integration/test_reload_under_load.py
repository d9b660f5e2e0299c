"""A thousand reloads while clients ask all the time."""

import os
import threading

from harness import control, files, process, wire
from harness.control import ADMIN, EXTRA, WEB, configuration
from harness.daemon import LIMIT_S, wait_until


class Load:
    """Clients that ask all the time, on connections that stay and on new ones."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.requests = 0
        self.failures = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._keep_asking, args=(per_connection,))
                         for per_connection in (1, 200)]

    def _keep_asking(self, per_connection):
        try:
            while not self._over.is_set():
                with wire.Connection(self.endpoint.connect()) as connection:
                    for _ in range(per_connection):
                        connection.send(wire.request("/a"))
                        response = connection.read_response()
                        assert (response.status, response.body) == (200, b"file")
                        self.requests += 1
        except (AssertionError, OSError) as error:
            self.failures.append(repr(error))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(LIMIT_S)


def test_a_thousand_reloads_under_load_cost_no_request_and_no_memory(fleet, tree):
    root, other = tree / "root", tree / "other"
    for folder in (root, other):
        folder.mkdir()
        files.write_old(folder / "a", b"file")
    options = os.environ.get("ASAN_OPTIONS", "")
    env = {**os.environ, "ASAN_OPTIONS": f"{options}:quarantine_size_mb=4"}
    logging = f"{ADMIN}log: {{access: {{target: '{tree}/log'}}}}\n"
    texts = [(configuration({"/": root}), 0),
             (configuration({"/": root, "/other/": other}, listeners=WEB + EXTRA,
                            extra=logging), 0),
             (configuration({"/": root, "/other/": root / "nowhere"}), 78),
             (configuration({"/": root}, listeners=EXTRA + WEB, site="    index: [a]\n"), 0),
             (configuration({"/": root}) + "nonsense: 1\n", 78)]
    # The log of the start is where later ones may be.
    with control.Controlled(fleet, configuration({"/": root}, extra=logging), env=env) as made:
        def reload_often(count):
            for number in range(count):
                text, status = texts[number % len(texts)]
                answer = made.reload_at_once(text)
                assert answer.status == status, answer
        with Load(made.daemon.endpoint) as load:
            reload_often(200)
            before = process.resident_bytes(made.daemon.pid)
            descriptors = process.descriptor_count(made.daemon.pid)
            reload_often(800)
            assert load.requests > 0
            grown = process.resident_bytes(made.daemon.pid) - before
        assert load.failures == []
        assert grown < 8 * files.MIB
        # Connections of the load come and go, others are about to end.
        wait_until(lambda: process.descriptor_count(made.daemon.pid) <= descriptors + 3,
                   "descriptors are given back")
        page = made.daemon.scrape()
        assert page.total("sluiced_config_reloads_total", result="success") == 600
        assert page.total("sluiced_config_reloads_total", result="failure") == 400
