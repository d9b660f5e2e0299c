"""The access log, which a reload may switch on and off, move, and write otherwise."""

import json
import os
import signal

from harness import control, wire
from harness.control import ADMIN, configuration
from harness.daemon import wait_until


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


def logging_to(root, target, more=""):
    return configuration({"/": root},
                         extra=f"{ADMIN}log: {{access: {{target: '{target}'{more}}}}}\n")


def ask(connection, target):
    connection.send(wire.request(target))
    return connection.read_response()


def test_it_is_switched_on_and_off(fleet, root, tmp_path):
    log = tmp_path / "access.log"
    with control.Controlled(fleet, logging_to(root, log)) as made:
        # Without a log at the start there is no place where one may be made later.
        assert made.reload(configuration({"/": root})).status == 0
        with made.daemon.connect() as connection:
            assert ask(connection, "/a?before").status == 200
            assert made.reload(logging_to(root, log)).status == 0
            assert ask(connection, "/a?logged").status == 200
            wait_until(lambda: lines_of(log), "the line is written")
            assert made.reload(configuration({"/": root})).status == 0
            assert ask(connection, "/a?after").status == 200
    lines = lines_of(log)
    assert len(lines) == 1 and "/a?logged" in lines[0]
    # The client had connected before anybody wanted to know who it is.
    assert lines[0].startswith("127.0.0.1 ")


def test_what_was_logged_before_a_move_is_in_the_old_file(fleet, root, tmp_path):
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    with control.Controlled(fleet, logging_to(root, first)) as made:
        with made.daemon.connect() as connection:
            for number in range(40):
                target = first if number % 2 == 0 else second
                more = "" if number % 2 == 0 else ", format: json"
                assert made.reload(logging_to(root, target, more)).status == 0
                assert ask(connection, f"/a?{number}").status == 200
    for number, line in enumerate(lines_of(first)):
        assert f'"GET /a?{2 * number} HTTP/1.1"' in line
    for number, line in enumerate(lines_of(second)):
        assert json.loads(line)["target"] == f"/a?{2 * number + 1}"
    assert len(lines_of(first)) == len(lines_of(second)) == 20


def test_it_is_opened_again_by_the_name_that_it_has_now(fleet, root, tmp_path):
    """The configuration that the log was made of is gone by then."""
    log = tmp_path / "access.log"
    with control.Controlled(fleet, logging_to(root, log)) as made:
        for _ in range(3):
            assert made.reload().status == 0
        made.daemon.get("/a?first")
        wait_until(lambda: lines_of(log), "the line is written")
        log.rename(tmp_path / "aside.log")
        made.daemon.signal(signal.SIGUSR1)
        wait_until(lambda: made.daemon.get("/a?next") and lines_of(log), "the file is made anew")
        assert all("/a?next" in line for line in lines_of(log))


def test_a_file_that_cannot_be_opened_changes_nothing(fleet, root, tmp_path):
    log = tmp_path / "access.log"
    with control.Controlled(fleet, logging_to(root, log)) as made:
        socket_path = made.path + "-web"
        text = logging_to(root, tmp_path / "nowhere" / "access.log").replace(
            "sites:", f"  - {{name: local, address: 'unix:{socket_path}'}}\nsites:")
        answer = made.reload(text)
        assert (answer.status, "access log" in answer.text) == (78, True), answer
        assert made.daemon.get("/a?still").status == 200
        wait_until(lambda: lines_of(log), "the line is written")
    assert not os.path.exists(socket_path)
