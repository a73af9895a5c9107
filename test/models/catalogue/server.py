"""An HTTP server on this machine that serves one file, well or in a scripted wrong way."""

from __future__ import annotations

import hashlib
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

SIZE = 300_000
DATA = random.Random(1).randbytes(SIZE)
OTHER_DATA = random.Random(2).randbytes(SIZE)
DIGEST = hashlib.sha256(DATA).hexdigest()
PATH = f'nets/model-{DIGEST[:8]}.pth'
"""Of the file below the server's URL; says the hash of DATA, as those of the catalogue do."""
NAME = PATH.rpartition('/')[2]

Answer = Callable[['Handler'], None]


@dataclass
class Server:
    """What the server does: the answers in `script` one after the other, then the file."""

    url: str
    script: list[Answer] = field(default_factory=list)
    data: bytes = DATA
    etag: str = '"one"'
    asked: list[dict[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    asked_once: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    @property
    def setup_of(self) -> Server:
        return cast('_HttpServer', self.server).setup_of

    def do_GET(self) -> None:
        server = self.setup_of
        server.asked.append({'Path': self.path, **dict(self.headers.items())})
        server.asked_once.set()
        (server.script.pop(0) if server.script else whole)(self)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def head(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), str(value))
        self.end_headers()

    def asked_from(self) -> int:
        """First byte that is asked for, 0 where the file is no longer the one that is meant."""
        server, text = self.setup_of, self.headers.get('Range', '')
        meant = self.headers.get('If-Range', server.etag)
        return int(text[6:-1]) if text and meant == server.etag else 0

    def file_head(self, start: int) -> None:
        data = self.setup_of.data
        common = {'ETag': self.setup_of.etag, 'Content_Length': len(data) - start}
        if start:
            self.head(206, Content_Range=f'bytes {start}-{len(data) - 1}/{len(data)}', **common)
        else:
            self.head(200, **common)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    setup_of: Server

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are no news here."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    with _HttpServer(('127.0.0.1', 0), Handler) as http:
        if tls is not None:
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        scheme = 'http' if tls is None else 'https'
        http.setup_of = Server(f'{scheme}://127.0.0.1:{http.server_port}')
        thread = threading.Thread(target=http.serve_forever, kwargs={'poll_interval': 0.01})
        thread.start()
        try:
            yield http.setup_of
        finally:
            http.setup_of.released.set()
            http.shutdown()
            thread.join()


def whole(handler: Handler) -> None:
    """Serve as a good server does, with ranges."""
    start, data = handler.asked_from(), handler.setup_of.data
    if start >= len(data):
        handler.head(416, Content_Range=f'bytes */{len(data)}', Content_Length=0)
        return
    handler.file_head(start)
    handler.wfile.write(data[start:])


def cut(count: int) -> Answer:
    """Promise all, send `count` bytes and hang up."""

    def answer(handler: Handler) -> None:
        start = handler.asked_from()
        handler.file_head(start)
        handler.wfile.write(handler.setup_of.data[start : start + count])
        handler.close_connection = True

    return answer


def stall(count: int) -> Answer:
    """Promise all, send `count` bytes and nothing more until the test says so."""

    def answer(handler: Handler) -> None:
        start, data = handler.asked_from(), handler.setup_of.data
        handler.file_head(start)
        handler.wfile.write(data[start : start + count])
        handler.setup_of.released.wait()
        handler.wfile.write(data[start + count :])

    return answer


def slow(handler: Handler) -> None:
    """Serve in small pieces."""
    start, data = handler.asked_from(), handler.setup_of.data
    handler.file_head(start)
    for at in range(start, len(data), SIZE // 10):
        handler.wfile.write(data[at : at + SIZE // 10])
        time.sleep(0.02)


def without_ranges(handler: Handler) -> None:
    """Serve all, whatever was asked for."""
    data = handler.setup_of.data
    handler.head(200, Content_Length=len(data))
    handler.wfile.write(data)


def too_short(handler: Handler) -> None:
    """Promise and send half as if it were all."""
    data = handler.setup_of.data[: SIZE // 2]
    handler.head(200, Content_Length=len(data))
    handler.wfile.write(data)


def chunked(handler: Handler) -> None:
    """Serve without saying how long the file is."""
    handler.head(200, Transfer_Encoding='chunked')
    data = handler.setup_of.data
    for at in range(0, len(data), 100_000):
        piece = data[at : at + 100_000]
        handler.wfile.write(b'%x\r\n%b\r\n' % (len(piece), piece))
    handler.wfile.write(b'0\r\n\r\n')


def wrong_range(handler: Handler) -> None:
    """Send another range than the one that was asked for."""
    data = handler.setup_of.data
    handler.head(206, Content_Range=f'bytes 7-{len(data) - 1}/{len(data)}', Content_Length=SIZE - 7)
    handler.wfile.write(data[7:])


def changed(answer: Answer) -> Answer:
    """Put another version of the file in place, then answer."""

    def change(handler: Handler) -> None:
        handler.setup_of.data, handler.setup_of.etag = OTHER_DATA, '"two"'
        answer(handler)

    return change


def status(code: int, **headers: object) -> Answer:
    """Answer with a status and a word."""

    def answer(handler: Handler) -> None:
        handler.head(code, Content_Length=4, **headers)
        handler.wfile.write(b'word')

    return answer


def page(handler: Handler) -> None:
    """Serve a web page where the file should be."""
    text = b'<!doctype html><title>log in</title>'
    handler.head(200, Content_Type='text/html; charset=utf-8', Content_Length=len(text))
    handler.wfile.write(text)


def redirect(to: str) -> Answer:
    """Send elsewhere."""
    return lambda handler: handler.head(302, Location=to, Content_Length=0)
