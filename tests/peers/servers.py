"""The servers that are compared, each with the least that makes it serve one directory.

What is configured is the same for all: listings on, symbolic links not followed out of the root,
and a GET with a body taken, where the server knows how. Nothing of the system's configuration is
read or written: every server gets a folder of its own for what it writes, and a free port of the
loopback.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from harness import daemon  # noqa: E402

READY_S = 60
_MODULES = "/usr/lib/apache2/modules"

_NGINX = """daemon off;
user root;
worker_processes 2;
pid {scratch}/pid;
error_log stderr crit;
events {{ }}
http {{
  access_log off;
  types {{ text/plain txt; }}
  default_type application/octet-stream;
  client_body_temp_path {scratch}/body;
  proxy_temp_path {scratch}/proxy;
  fastcgi_temp_path {scratch}/fastcgi;
  uwsgi_temp_path {scratch}/uwsgi;
  scgi_temp_path {scratch}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    autoindex on;
    disable_symlinks on from=$document_root;
  }}
}}
"""

_LIGHTTPD = """server.document-root = "{root}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_dirlisting")
server.errorlog = "{scratch}/error.log"
server.upload-dirs = ("{scratch}")
server.follow-symlink = "disable"
server.http-parseopts = ("method-get-body" => "enable")
dir-listing.activate = "enable"
mimetype.assign = (".txt" => "text/plain", "" => "application/octet-stream")
"""

_APACHE = """ServerRoot {scratch}
ServerName test
DefaultRuntimeDir {scratch}
PidFile {scratch}/pid
ErrorLog {scratch}/error.log
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule autoindex_module {modules}/mod_autoindex.so
LoadModule mime_module {modules}/mod_mime.so
TypesConfig /dev/null
AddType text/plain .txt
User www-data
Group www-data
DocumentRoot {root}
<Directory {root}>
  Options Indexes
  AllowOverride None
  Require all granted
</Directory>
"""

_CADDY = """{{
  admin off
  auto_https off
}}
http://:{port} {{
  bind 127.0.0.1
  root * {root}
  file_server browse
}}
"""


def _free_port():
    with socket.socket() as plain:
        plain.bind(("127.0.0.1", 0))
        return plain.getsockname()[1]


def _first_match(pattern, *command):
    """What a program says of its version. Programs of administrators are not in every PATH."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    return re.search(pattern, done.stdout.decode())[1]


def program(name):
    """The path of a server's program."""
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is not installed"
    return found


class Peer:
    """One of the other servers, running. Ends with the process group it was started in."""

    def __init__(self, name, configuration, command, version, root, scratch):
        self.name = name
        self.version = version
        self.port = _free_port()
        scratch.mkdir()
        file = scratch / "configuration"
        file.write_text(configuration.format(root=root, scratch=scratch, port=self.port,
                                             modules=_MODULES))
        self._log = open(scratch / "output", "wb")
        environment = {**os.environ, "HOME": str(scratch), "XDG_DATA_HOME": str(scratch),
                       "XDG_CONFIG_HOME": str(scratch)}
        self._process = subprocess.Popen(
            [part.format(file=file, scratch=scratch) for part in command], env=environment,
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True)
        self._await_ready(scratch)

    def _await_ready(self, scratch):
        deadline = time.monotonic() + READY_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return
            except OSError:
                said = (scratch / "output").read_text(errors="replace")
                assert self._process.poll() is None and time.monotonic() < deadline, \
                    f"{self.name} does not serve:\n{said}"
                time.sleep(0.05)

    def stop(self):
        """Ends the server and what it has started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(READY_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()


class Sluiced:
    """Ours, judged by the harness of the integration tests at its end."""

    name = "sluiced"

    def __init__(self, root, scratch):
        scratch.mkdir()
        said = daemon.run_to_end("version").stdout
        self.version = re.search(r"\d+\.\d+\.\d+\S*", said)[0]
        self._daemon = daemon.Sluiced(["serve", root, "--listen", "127.0.0.1:0", "--admin",
                                       "127.0.0.1:0", "--listing"], scratch)
        self.port = self._daemon.endpoint.address[1]

    def stop(self):
        self._daemon.stop()


def _nginx(root, scratch):
    path = program("nginx")
    return Peer("nginx", _NGINX, [path, "-p", "{scratch}", "-e", "stderr", "-c", "{file}"],
                _first_match(r"nginx/(\S+)", path, "-v"), root, scratch)


def _lighttpd(root, scratch):
    path = program("lighttpd")
    return Peer("lighttpd", _LIGHTTPD, [path, "-D", "-f", "{file}"],
                _first_match(r"lighttpd/(\S+)", path, "-v"), root, scratch)


def _apache(root, scratch):
    path = program("apache2")
    return Peer("Apache", _APACHE, [path, "-D", "FOREGROUND", "-f", "{file}"],
                _first_match(r"Apache/(\S+)", path, "-v"), root, scratch)


def _caddy(root, scratch):
    path = program("caddy")
    return Peer("Caddy", _CADDY, [path, "run", "--config", "{file}", "--adapter", "caddyfile"],
                _first_match(r"v?(\d\S+)", path, "version"), root, scratch)


PEERS = {"nginx": _nginx, "lighttpd": _lighttpd, "apache": _apache, "caddy": _caddy}


def start(name, root, scratch):
    """Starts a server by its name in PEERS, or ours by "sluiced"."""
    return Sluiced(root, scratch) if name == "sluiced" else PEERS[name](root, scratch)
