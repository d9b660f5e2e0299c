"""A configuration that is read again while the daemon serves: all of it is in use, or nothing has
changed, and no client notices more than what it asks for."""

import os
import signal
import socket
import time

import pytest

from harness import control, files, process, wire
from harness.control import ADMIN, EXTRA, WEB, configuration
from harness.daemon import LIMIT_S, run_to_end, wait_until


def test_a_root_is_added_and_removed(fleet, root, other):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        assert made.daemon.get("/other/b").status == 404
        answer = made.reload(configuration({"/": root, "/other/": other}))
        assert (answer.status, "is in use" in answer.text) == (0, True), answer
        assert made.daemon.get("/other/b").body == b"other"
        assert made.daemon.get("/a").body == b"file"
        assert made.reload(configuration({"/": root})).status == 0
        assert made.daemon.get("/other/b").status == 404
        assert made.daemon.get("/a").body == b"file"


def test_a_connection_gets_what_is_new_with_its_next_request(fleet, root, other):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        with made.daemon.connect() as connection:
            for mounts, status in (({"/": root}, 404), ({"/": root, "/other/": other}, 200)):
                assert made.reload(configuration(mounts)).status == 0
                connection.send(wire.request("/other/b"))
                assert connection.read_response().status == status


def test_a_signal_does_the_same(fleet, root, other):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        made.file.write_text(configuration({"/": other}))
        made.daemon.signal(signal.SIGHUP)
        assert wait_until(lambda: made.daemon.get("/b").body == b"other", "it is taken over")


def test_a_directory_that_took_the_place_of_a_root_is_served(fleet, root, other):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        for _ in range(3):  # now the file is kept open
            assert made.daemon.get("/a").body == b"file"
        root.rename(root.with_name("aside"))
        other.rename(root)
        files.write_old(root / "a", b"new")
        assert made.reload().status == 0
        assert made.daemon.get("/a").body == b"new"
        assert made.daemon.get("/b").body == b"other"


def test_a_root_that_is_gone_is_let_go_of(fleet, root, other):
    with control.Controlled(fleet, configuration({"/": root, "/other/": other})) as made:
        for _ in range(3):
            assert made.daemon.get("/other/b").body == b"other"
        assert str(other / "b") in process.open_things(made.daemon.pid)
        assert made.reload(configuration({"/": root})).status == 0
        left = [thing for thing in process.open_things(made.daemon.pid)
                if thing.startswith(str(other))]
        assert left == []


def test_files_of_a_root_that_stays_are_kept_open(fleet, root):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        for _ in range(3):
            assert made.daemon.get("/a").body == b"file"
        assert str(root / "a") in process.open_things(made.daemon.pid)
        assert made.reload(configuration({"/": root}, site="    index: [a]\n")).status == 0
        assert str(root / "a") in process.open_things(made.daemon.pid)
        assert made.daemon.get("/").body == b"file"


def test_a_header_rule_is_changed(fleet, root):
    def rule(value):
        return f'    headers: [{{match: "*", set: {{X-Rule: "{value}"}}}}]\n'
    with control.Controlled(fleet, configuration({"/": root}, site=rule("one"))) as made:
        assert made.daemon.get("/a").header("X-Rule") == "one"
        assert made.reload(configuration({"/": root}, site=rule("two"))).status == 0
        assert made.daemon.get("/a").header("X-Rule") == "two"


def test_limits_hold_for_connections_that_are_there(fleet, root):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        with made.daemon.connect() as connection:
            for limit, status in ((100, 200), (3, 431)):
                changed = ADMIN + f"limits: {{header_count: {limit}}}\n"
                assert made.reload(configuration({"/": root}, extra=changed)).status == 0
                connection.send(wire.request("/a", headers=[("X-A", "1"), ("X-B", "2"),
                                                            ("X-C", "3")]))
                assert connection.read_response().status == status


def test_a_limit_on_addresses_is_switched_on_and_off(fleet, root):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        for limit, is_closed in (("1", True), ("2", False), ("'off'", False)):
            changed = ADMIN + f"limits: {{max_connections_per_address: {limit}}}\n"
            assert made.reload(configuration({"/": root}, extra=changed)).status == 0
            with made.daemon.connect() as first:
                first.send(wire.request("/a"))
                assert first.read_response().status == 200
                with made.daemon.connect() as second:
                    if is_closed:
                        second.expect_close()
                    else:
                        second.send(wire.request("/a"))
                        assert second.read_response().status == 200
            wait_until(lambda: made.daemon.scrape().total("sluiced_connections") == 0,
                       "both have gone")


@pytest.mark.parametrize("loses", ["root", "listener"])
def test_a_download_that_is_under_way_is_completed(fleet, root, other, loses):
    size = 48 * files.MIB
    files.write_sparse(root / "large", size, tail=b"the end")
    both = configuration({"/": root}, listeners=WEB + EXTRA)
    with control.Controlled(fleet, both, listeners=2) as made:
        endpoint = made.daemon.endpoints["extra"]
        with wire.Connection(endpoint.connect(receive_buffer_bytes=16384)) as connection:
            connection.send(wire.request("/large"))
            assert connection.read_head().status == 200
            after = (configuration({"/": other}, listeners=WEB + EXTRA) if loses == "root"
                     else configuration({"/": root}))
            assert made.reload(after).status == 0
            assert str(root / "large") in process.open_things(made.daemon.pid)
            body = connection.read_exactly(size)
            assert body.endswith(b"the end")
            if loses == "root":
                connection.send(wire.request("/large"))
                assert connection.read_response().status == 404
                assert [thing for thing in process.open_things(made.daemon.pid)
                        if thing.startswith(str(root))] == []
            else:
                connection.expect_close()


def bad_configurations(root, taken):
    good = configuration({"/": root})
    return {
        "syntax": (good + "  - [", 78, ":"),
        "unknown key": (good.replace("listeners:", "listners:"), 78, "listners"),
        "missing root": (configuration({"/": root / "nowhere"}), 78, "nowhere"),
        "port in use": (configuration({"/": root}, listeners=WEB +
                                      f"  - {{name: more, address: '127.0.0.1:{taken}'}}\n"),
                        71, "'more'"),
    }


@pytest.mark.parametrize("fault", ["syntax", "unknown key", "missing root", "port in use"])
def test_a_bad_configuration_changes_nothing(fleet, root, fault):
    with socket.create_server(("127.0.0.1", 0)) as server, \
            control.Controlled(fleet, configuration({"/": root})) as made:
        text, status, names = bad_configurations(root, server.getsockname()[1])[fault]
        answer = made.reload(text.replace("mounts:", "index: [a]\n    mounts:"))
        assert answer.status == status
        assert names in answer.text and "the one before stays in use" in answer.text
        assert made.daemon.get("/a").body == b"file"
        assert made.daemon.get("/").status == 403
        page = made.daemon.scrape()
        assert page.total("sluiced_config_reloads_total", result="failure") == 1
        assert page.total("sluiced_config_last_reload_successful") == 0
        assert made.reload(configuration({"/": root})).status == 0
        page = made.daemon.scrape()
        assert page.total("sluiced_config_reloads_total", result="success") == 1
        assert page.total("sluiced_config_last_reload_successful") == 1
        age = time.time() - page.total("sluiced_config_last_reload_success_timestamp_seconds")
        assert abs(age) < LIMIT_S
        assert names in made.daemon.stderr


def test_settings_that_need_a_restart_are_named(fleet, root):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        changed = ("admin: {listen: 'off'}\nruntime: {workers: 1, ring_entries: 1024}\n"
                   "limits: {max_connections: 7}\n")
        answer = made.reload(configuration({"/": root}, extra=changed,
                                           site="    index: [a]\n"))
        assert answer.status == 0
        lines = answer.text.splitlines()
        for key, running, asked in (("runtime.workers", "auto", "1"),
                                    ("runtime.ring_entries", "4096", "1024"),
                                    ("admin.listen", "127.0.0.1:0", "off")):
            told = [line for line in lines if line.startswith(key)]
            assert len(told) == 1 and "restart" in told[0], (key, lines)
            assert f"{running} is running" in told[0] and f"{asked} is asked for" in told[0]
            wait_until(lambda key=key: key in made.daemon.stderr, "the log tells of it, too")
        assert made.daemon.get("/").body == b"file"  # the rest is in use
        made.daemon.scrape()


def test_without_a_daemon_the_verb_says_so(tmp_path):
    done = run_to_end("reload", "--control", "/tmp/no-such-control-socket")
    assert (done.returncode, "no-such-control-socket" in done.stderr) == (69, True)
    done = run_to_end("reload", env={key: value for key, value in os.environ.items()
                                     if key != "RUNTIME_DIRECTORY"})
    assert (done.returncode, "--control" in done.stderr) == (64, True)


def test_the_runtime_directory_of_the_service_manager_holds_the_socket(fleet, root):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        folder = os.path.dirname(made.path)
        env = {**os.environ, "RUNTIME_DIRECTORY": f"{folder}:/elsewhere"}
        daemon = fleet.run(configuration({"/": root}), env=env)
        assert run_to_end("reload", env=env).returncode == 0
        assert os.stat(f"{folder}/control.sock").st_mode & 0o777 == 0o600
        daemon.stop()
        assert not os.path.exists(f"{folder}/control.sock")


def test_clients_that_ask_for_nothing_hold_up_nobody(fleet, root):
    with control.Controlled(fleet, configuration({"/": root})) as made:
        for said in (b"", b"nonsense\n", b"x" * 4096):
            plain = socket.socket(socket.AF_UNIX)
            plain.connect(made.path)
            plain.sendall(said)
            with plain:
                assert made.reload().status == 0


def test_a_stop_goes_before_a_reload(fleet, root):
    files.write_sparse(root / "large", 24 * files.MIB)
    with control.Controlled(fleet, configuration({"/": root})) as made:
        with made.daemon.connect(receive_buffer_bytes=4096) as connection:
            connection.send(wire.request("/large"))
            connection.read_head()
            made.daemon.signal(signal.SIGTERM)
            assert wait_until(made.daemon.refuses_connections, "it drains")
            answer = made.reload()
            assert (answer.status, "stopping" in answer.text) == (69, True)
            connection.read_exactly(24 * files.MIB)
        assert made.daemon.wait() == 0
