"""Who serves: never root unless told to, and nobody with a capability or a way to get one."""

import os
import pwd
import socket
import stat

import pytest

from harness import control, daemon, files, process
from harness.daemon import run_to_end

NONE = "0000000000000000"
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def place(unprivileged):
    """A tree that everybody may read, in a folder where root alone may make files."""
    files.write_old(unprivileged.make_tree() / "a", b"file")
    return unprivileged


@pytest.fixture
def somebody():
    """Who a test can become: nobody from root, else who it is."""
    return pwd.getpwuid(process.NOBODY if IS_ROOT else os.geteuid())


def serve(fleet, place, *arguments, **options):
    return fleet.start("serve", place.folder / "tree", "--listen", "127.0.0.1:0", "--admin",
                       "127.0.0.1:0", *arguments, binary=place.binary, **options)


def assert_powerless(running, user=None):
    told = process.threads(running.pid)
    assert len(told) >= 3, told.keys()  # who controls, who serves, who logs
    for thread in told.values():
        assert thread["NoNewPrivs"] == "1", thread["Name"]
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert thread[kind] == NONE, (thread["Name"], kind)
        if IS_ROOT:  # others have no right to lower what they cannot use
            assert thread["CapBnd"] == NONE, thread["Name"]
        if user is not None:
            assert thread["Uid"].split() == [str(user.pw_uid)] * 4, thread["Name"]
            assert thread["Gid"].split() == [str(user.pw_gid)] * 4, thread["Name"]
            groups = os.getgrouplist(user.pw_name, user.pw_gid) if IS_ROOT else os.getgroups()
            assert {int(group) for group in thread["Groups"].split()} <= {*groups, user.pw_gid}


def test_root_is_refused_unless_it_insists(place):
    """Named or not."""
    cases = [["--user", "root"], ["--user", "0"]] + ([[]] if IS_ROOT else [])
    for arguments in cases:
        done = run_to_end("serve", place.folder / "tree", *arguments, allow_root=False,
                          binary=place.binary)
        assert (done.returncode, done.stdout) == (77, ""), arguments
        assert len(done.stderr.splitlines()) == 1
        assert not IS_ROOT or ("--user" in done.stderr and "--allow-root" in done.stderr)


def test_who_serves_has_no_capability_on_any_thread(fleet, place):
    running = serve(fleet, place)
    assert running.get("/a").body == b"file"
    assert_powerless(running)
    daemon.wait_until(lambda: "confined:" in running.stderr, "it is logged")
    assert ("serving as root" in running.stderr) == IS_ROOT


def test_a_user_is_named_on_the_command_line(fleet, place, somebody):
    running = serve(fleet, place, "--user", somebody.pw_name)
    assert running.get("/a").body == b"file"
    assert_powerless(running, somebody)
    daemon.wait_until(lambda: f"user {somebody.pw_name}" in running.stderr, "it is logged")
    assert "serving as root" not in running.stderr
    # What the metrics need is there for a process that has changed its user, too.
    assert running.scrape().total("process_open_fds") > 0


def test_a_group_and_numbers_will_do(fleet, place, somebody):
    running = serve(fleet, place, "--user", f"{somebody.pw_uid}:{somebody.pw_gid}")
    assert_powerless(running, somebody)


def test_a_user_is_named_in_the_configuration(fleet, place, somebody):
    path = place.folder / "c.yaml"
    path.write_text(f"runtime: {{user: {somebody.pw_name}}}\n" +
                    files.configuration(place.folder / "tree"))
    running = fleet.start("run", "-c", path, binary=place.binary)
    assert_powerless(running, somebody)


def test_listeners_are_bound_by_who_started_it(fleet, place, somebody):
    """In a folder that the user may not write to, where the user has no business either."""
    path = place.folder / "s"
    running = fleet.start("serve", place.folder / "tree", "--listen", f"unix:{path}", "--admin",
                          "127.0.0.1:0", "--user", somebody.pw_name, binary=place.binary)
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect(str(path))
    found = path.stat()
    assert stat.S_ISSOCK(found.st_mode) and found.st_uid == somebody.pw_uid
    running.stop()


def test_the_control_socket_is_of_who_serves(fleet, place, somebody):
    folder = place.folder / "run"
    folder.mkdir()
    os.chown(folder, somebody.pw_uid, somebody.pw_gid)
    path = place.folder / "c.yaml"
    path.write_text(control.configuration({"/": place.folder / "tree"}))
    running = fleet.start("run", "-c", path, "--control", folder / "c", "--user",
                          somebody.pw_name, binary=place.binary)
    assert (folder / "c").stat().st_uid == somebody.pw_uid
    assert run_to_end("reload", "--control", folder / "c").returncode == 0
    running.stop()
    assert not (folder / "c").exists()


@pytest.mark.parametrize("user,status,names", [
    ("nobody-at-all", 78, "no user 'nobody-at-all'"), ("4000000", 78, "group"),
    ("a:b:c", 64, "NAME:GROUP"), (":", 64, "NAME:GROUP")])
def test_a_user_that_is_not_there_is_named(place, user, status, names):
    done = run_to_end("serve", place.folder / "tree", "--user", user, binary=place.binary)
    assert (done.returncode, names in done.stderr) == (status, True), done.stderr


def test_only_root_becomes_somebody_else(place):
    done = run_to_end("serve", place.folder / "tree", "--user", "daemon", binary=place.binary,
                      **place.options)
    assert (done.returncode, "only root" in done.stderr) == (77, True), done.stderr
