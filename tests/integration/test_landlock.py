"""What the daemon has kept for itself of the file system: the roots, and little else. What a
request may reach is in test_confinement.py; this is about what nobody may reach, whatever they
ask."""

import errno
import os
import re
import signal
import socket

import pytest

from harness import control, files, process
from harness.control import ADMIN, Controlled, configuration, readable
from harness.daemon import run_to_end, wait_until


@pytest.fixture
def other(tmp_path_factory):
    """Nowhere near `root` and the configuration, whose folder can be read, too."""
    path = tmp_path_factory.mktemp("elsewhere") / "other"
    path.mkdir()
    files.write_old(path / "b", b"other")
    return path


def serving(root, extra="", mount=""):
    return files.configuration(root, extra=extra, mount=mount)


def confined_line(daemon):
    wait_until(lambda: "confined: " in daemon.stderr, "it is logged")
    return next(line for line in daemon.stderr.splitlines() if "confined: " in line)


def test_what_is_in_force_is_told_in_one_line(fleet, root):
    line = confined_line(fleet.serve(root))
    assert re.search(r"Landlock \(version \d+\); rings restricted to \d+ operations", line), line


def test_a_root_elsewhere_takes_a_restart(fleet, root, other):
    with Controlled(fleet, serving(root)) as made:
        answer = made.reload(serving(other))
        assert answer.status == 78
        first = answer.text.splitlines()[0]
        assert re.search(r"\.yaml:\d+:\d+: error: the root ", first), first
        assert str(other) in first and "confinement.readable" in first and "restart" in first
        assert made.daemon.get("/a").body == b"file"
        assert made.reload(serving(root)).status == 0


def test_a_root_beneath_a_readable_directory_does_not(fleet, root, other):
    extra = readable(other.parent)
    with Controlled(fleet, serving(root, extra)) as made:
        assert made.reload(serving(other, extra)).status == 0
        assert made.daemon.get("/b").body == b"other"


def test_a_directory_that_took_the_place_of_a_root_is_another(fleet, root, other):
    """Rules are of directories, not of their names."""
    with Controlled(fleet, serving(root)) as made:
        root.rename(root.with_name("aside"))
        other.rename(root)
        assert made.reload().status == 78
        assert made.daemon.get("/a").body == b"file"


def test_confinement_is_changed_by_a_restart_only(fleet, root, other):
    with Controlled(fleet, serving(root)) as made:
        answer = made.reload(serving(root, readable(other)))
        assert answer.status == 0
        assert f"confinement.readable takes effect at a start only: [] is running, [{other}]" in \
            answer.text
        assert made.reload(serving(other, readable(other))).status == 78


def test_a_link_that_is_followed_leads_to_what_is_readable_only(fleet, root, other):
    (root / "link").symlink_to(other / "b")
    follow = "symlinks: follow"
    assert fleet.run(serving(root, mount=follow)).get("/link").status == 403
    assert fleet.run(serving(root, readable(other), follow)).get("/link").body == b"other"
    off = "confinement: {landlock: off}\n"
    daemon = fleet.run(serving(root, off, follow))
    assert daemon.get("/link").body == b"other"
    assert "no Landlock" in confined_line(daemon)


def test_what_is_switched_off_refuses_no_root(fleet, root, other):
    off = "confinement: {landlock: off}\n"
    with Controlled(fleet, serving(root, off)) as made:
        assert made.reload(serving(other, off)).status == 0
        assert made.daemon.get("/b").body == b"other"


def logging_to(root, target):
    return configuration({"/": root}, extra=f"{ADMIN}log: {{access: {{target: '{target}'}}}}\n")


def test_a_log_stays_in_its_directory(fleet, root, other, tmp_path):
    folder = tmp_path / "log"
    folder.mkdir()
    with Controlled(fleet, logging_to(root, folder / "one")) as made:
        assert made.reload(logging_to(root, folder / "two")).status == 0
        answer = made.reload(logging_to(root, other / "three"))
        assert answer.status == 78
        assert re.search(r":\d+:\d+: error: the access log .*three.* restart it", answer.text)
        assert not (other / "three").exists()
        (folder / "two").rename(folder / "aside")
        made.daemon.signal(signal.SIGUSR1)
        wait_until(lambda: made.daemon.get("/a") and (folder / "two").exists(), "it is made anew")


def test_a_page_and_a_socket_stay_where_they_may_be(fleet, root, other):
    page = "    errors: {404: '%s'}\n"
    files.write_old(root.parent / "page.html", b"page")
    files.write_old(other / "page.html", b"page")
    local = control.WEB + "  - {name: local, address: 'unix:%s'}\n"
    with Controlled(fleet, configuration({"/": root}, extra=ADMIN,
                                         site=page % (root.parent / "page.html"))) as made:
        assert made.daemon.get("/nowhere").body == b"page"
    outside = serving(root).replace("    mounts:", page % (other / "page.html") + "    mounts:")
    with Controlled(fleet, serving(root)) as made:
        answer = made.reload(outside)
        assert (answer.status, "the page" in answer.text) == (78, True), answer
        answer = made.reload(configuration({"/": root}, listeners=local % (other / "s")))
        assert (answer.status, "the socket" in answer.text) == (78, True), answer
        assert not (other / "s").exists()


@pytest.mark.parametrize("number,words", [(errno.ENOSYS, "CONFIG_SECURITY_LANDLOCK"),
                                          (errno.EOPNOTSUPP, "lsm="), (errno.EPERM, "seccomp")])
def test_without_landlock_it_serves_with_a_warning_unless_it_is_required(fleet, root, number,
                                                                         words):
    launcher = process.without_landlock(number)
    daemon = fleet.run(serving(root), launcher=launcher)
    assert daemon.get("/a").body == b"file"
    assert "no Landlock" in confined_line(daemon)
    assert any(" warn " in line and words in line for line in daemon.stderr.splitlines())
    path = fleet.write_configuration(serving(root, "confinement: {landlock: required}\n"))
    done = run_to_end("run", "-c", path, launcher=launcher)
    assert (done.returncode, done.stdout, words in done.stderr) == (69, "", True), done.stderr
    for text, status, verdict in ((serving(root), 0, "warning"), (path.read_text(), 1, "error")):
        path.write_text(text)
        done = run_to_end("doctor", "-c", path, launcher=launcher)
        assert done.returncode == status, done.stdout
        assert re.search(rf"^{verdict} +landlock: ", done.stdout, re.MULTILINE), done.stdout
        assert words in done.stdout


def test_a_readable_directory_has_to_be_there(fleet, root, tmp_path):
    for wrong, words in ((tmp_path / "nowhere", "does not exist"), (root / "a", "not a directory")):
        path = fleet.write_configuration(serving(root, readable(wrong)))
        for verb in (["check", path], ["run", "-c", path]):
            done = run_to_end(*verb)
            assert (done.returncode, words in done.stderr) == (78, True), (verb, done.stderr)


def test_a_socket_of_the_service_manager_without_a_file_is_reached(fleet, root):
    """An abstract address is no path: it is the only thing beyond files that has to be left."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = f"\0sluiced-test-{os.getpid()}"
        manager.bind(name)
        manager.settimeout(60)
        daemon = fleet.serve(root, env={**os.environ, "NOTIFY_SOCKET": "@" + name[1:]})
        assert b"READY=1" in manager.recv(4096)
        daemon.stop()
        assert b"STOPPING=1" in manager.recv(4096)
