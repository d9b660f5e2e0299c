"""A proxy between a client and the daemon that breaks connections off, to see them resumed."""

import socket
import threading

_PIECE_BYTES = 1 << 18


def _end(plain):
    """Ends a connection for the threads that use it; it is closed by the one that made it."""
    try:
        plain.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # has ended by itself


class CuttingProxy:
    """Passes bytes both ways. The first connections are cut once `cut_after` bytes in all have come
    from the daemon; those after them are left alone. They end with a FIN: after a RST a browser
    resumes only when it is told to.

    `requests` holds what the clients sent, in pieces.
    """

    def __init__(self, upstream, cut_after):
        self.requests = []
        self._upstream = upstream
        self._left = cut_after
        self._cut = False
        self._requests_before = 0
        self._open = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for plain in self._open:
                _end(plain)
        for thread in self._threads:
            thread.join(60)

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self._listener.getsockname()[1]

    @property
    def was_cut(self):
        return self._cut

    @property
    def resuming(self):
        """The requests since the cut that ask for a part."""
        return [request for request in self.requests[self._requests_before:]
                if b"range: bytes=" in request.lower()]

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client):
        with client, socket.create_connection(self._upstream) as server:
            with self._lock:
                self._open |= {client, server}
            requests = threading.Thread(target=self._pass_requests, args=(client, server))
            requests.start()
            self._pass_responses(client, server)
            with self._lock:
                self._open -= {client, server}
            _end(client)
            _end(server)
            requests.join()

    def _pass_requests(self, client, server):
        try:
            while piece := client.recv(_PIECE_BYTES):
                self.requests.append(piece)
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # cut, or gone

    def _pass_responses(self, client, server):
        try:
            while piece := server.recv(_PIECE_BYTES):
                if self._takes_cut(len(piece)):
                    self._cut_all()
                    break
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _takes_cut(self, length):
        with self._lock:
            if self._cut:
                return False
            self._left -= length
            self._cut = self._left <= 0
            self._requests_before = len(self.requests)
            return self._cut

    def _cut_all(self):
        with self._lock:
            for plain in self._open:
                _end(plain)
