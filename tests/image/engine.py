"""buildah and podman with everything that they keep in one folder of ours, and no service behind
them."""

import ctypes
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = 120.0  # the longest wait for anything

_CLONE_NEWNS = 0x00020000

_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/store"
runroot = "{folder}/run"
"""

# Control groups are left alone: containers stay in that of the test.
_CONTAINERS = """\
[containers]
cgroups = "disabled"
default_ulimits = ["nofile={nofile}:{nofile}", "nproc={nproc}:{nproc}"]
log_driver = "k8s-file"
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "crun"
tmp_dir = "{folder}/tmp"
"""


def enter_mounts_of_our_own():
    """From here on this process and its children see mounts that nobody else sees, and version 2 of
    the control groups alone, which is all that crun knows."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare: the tests of the image need root")
    run("mount", "--make-rprivate", "/")
    while subprocess.run(["mountpoint", "-q", "/sys/fs/cgroup"], check=False).returncode == 0:
        run("umount", "-R", "/sys/fs/cgroup")
    run("mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")


def run(*arguments, check=True, **options):
    """Runs a program to its end. Its output is returned as text."""
    done = subprocess.run([str(argument) for argument in arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=4 * LIMIT_S, check=False, **options)
    assert not check or done.returncode == 0, (
        f"{arguments} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done


def wait_until(condition, what):
    deadline = time.monotonic() + LIMIT_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {LIMIT_S} s in vain: {what}"
        time.sleep(0.05)
    return value


def confinement(profile):
    """The options that docker/README.md gives. Without a profile it is the engine's default one."""
    seccomp = () if profile is None else ("--security-opt", f"seccomp={profile}")
    return ("--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL", "--security-opt",
            "no-new-privileges", *seccomp)


class Engine:
    """Images and containers until close()."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-image-"))
        # As many as this machine gives without a privilege, since the engines ask for more.
        limits = {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1]
                  for name in ("nofile", "nproc")}
        limits = {name: min(limit, 4096) if limit > 0 else 4096 for name, limit in limits.items()}
        self._environment = dict(os.environ, DISABLE_HC_SYSTEMD="true", BUILDAH_ISOLATION="chroot")
        for name, text in (("STORAGE", _STORAGE), ("CONTAINERS", _CONTAINERS)):
            path = self.folder / f"{name.lower()}.conf"
            path.write_text(text.format(folder=self.folder, **limits))
            self._environment["CONTAINERS_STORAGE_CONF" if name == "STORAGE"
                              else "CONTAINERS_CONF"] = str(path)

    def buildah(self, *arguments, **options):
        return run("buildah", *arguments, env=self._environment, **options)

    def podman(self, *arguments, **options):
        return run("podman", *arguments, env=self._environment, **options)

    def close(self):
        self.podman("rm", "--all", "--force", "--time", "0", check=False)
        run("umount", "--recursive", self.folder / "store/overlay", check=False)
        shutil.rmtree(self.folder)


class Container:
    """One that runs in the background."""

    def __init__(self, engine, *arguments):
        self._engine = engine
        self.id = engine.podman("run", "--detach", *arguments).stdout.strip()

    def inspect(self, template):
        return self._engine.podman("inspect", "--format", template, self.id).stdout.strip()

    @property
    def pid(self):
        return int(self.inspect("{{.State.Pid}}"))

    def status(self, field):
        """What /proc/PID/status says of its first process."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return dict(line.split(":\t", 1) for line in text.splitlines())[field].strip()

    def curl(self, *arguments, **options):
        """Asks from within its network, which leads nowhere."""
        return run("nsenter", "--net", "--target", self.pid, "curl", "--silent", "--show-error",
                   "--max-time", LIMIT_S, *arguments, **options)

    def check_health(self):
        return self._engine.podman("healthcheck", "run", self.id, check=False).returncode == 0

    def execute(self, *arguments, **options):
        return self._engine.podman("exec", self.id, *arguments, **options)

    def logs(self):
        done = self._engine.podman("logs", self.id)
        return done.stdout + done.stderr

    def stop(self):
        """Stops it as engines do, and returns its exit status."""
        self._engine.podman("stop", "--time", int(LIMIT_S), self.id)
        return int(self.inspect("{{.State.ExitCode}}"))
