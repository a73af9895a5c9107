"""Fetching from a server that is slow, breaks off, lies or is not there."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from seg_perception.models.catalogue.catalogue import Entry
from seg_perception.models.catalogue.fetch import Options, fetch
from seg_perception.models.catalogue.transfer import FetchError
from test.models.catalogue import server as serve
from test.models.catalogue.conftest import entry_at, files_in
from test.models.catalogue.server import DATA, NAME, OTHER_DATA, PATH, SIZE, Answer, Server

QUICK = Options(tries=3, backoff=0.001)
PIECE = 1 << 15
HALF = 4 * PIECE
PARTS = {f'{NAME}.part', f'{NAME}.part.json'}


def quiet(_: str) -> None:
    """Say nothing."""


def put_part(folder: Path, data: bytes) -> None:
    """Leave what an earlier fetch from an unknown server leaves."""
    folder.mkdir(parents=True)
    (folder / f'{NAME}.part').write_bytes(data)


@pytest.mark.parametrize(
    ('script', 'starts'),
    [
        ([], [None]),
        ([serve.slow], [None]),
        ([serve.chunked], [None]),
        ([serve.cut(HALF)], [None, HALF]),
        ([serve.cut(HALF), serve.cut(PIECE)], [None, HALF, HALF + PIECE]),
        ([serve.cut(HALF), serve.without_ranges], [None, HALF]),
        ([serve.cut(HALF), serve.wrong_range], [None, HALF, None]),
        ([serve.status(500), serve.status(503)], [None, None, None]),
        ([serve.status(429, Retry_After=0)], [None, None]),
        ([serve.status(503, Retry_After='Wed, 21 Oct 2015 07:28:00 GMT')], [None, None]),
        ([serve.cut(HALF), serve.status(502)], [None, HALF, HALF]),
        ([serve.cut(2 * PIECE)] * 4, [None, 2 * PIECE, 4 * PIECE, 6 * PIECE, 8 * PIECE]),
        ([serve.redirect('/elsewhere')], [None, None]),
    ],
    ids=[
        'good',
        'slow',
        'no length',
        'ends early',
        'ends early twice',
        'ignores the range',
        'sends another range',
        'fails twice',
        'asks to wait no time',
        'asks to wait to a past date',
        'ends early, then fails',
        'brings a piece each time',
        'redirects',
    ],
)
def test_the_file_arrives_whole(
    server: Server, entry: Entry, folder: Path, script: list[Answer], starts: list[int | None]
) -> None:
    server.script = script
    file = fetch(entry, folder, QUICK, quiet)
    assert file == folder / NAME
    assert file.read_bytes() == DATA
    assert files_in(folder) == {NAME}
    asked = [start if start is None else f'bytes={start}-' for start in starts]
    assert [request.get('Range') for request in server.asked] == asked


def test_a_server_that_falls_silent_is_asked_again(
    server: Server, entry: Entry, folder: Path
) -> None:
    server.script = [serve.stall(HALF)]
    said: list[str] = []
    options = replace(QUICK, tries=10, stall_timeout=0.5)
    assert fetch(entry, folder, options, said.append).read_bytes() == DATA
    assert 'timed out' in said[0]
    assert server.asked[1]['Range'] == f'bytes={HALF}-'


@pytest.mark.parametrize(
    ('script', 'message', 'requests'),
    [
        ([serve.status(404)], 'got 404 Not Found', 1),
        ([serve.status(403)], 'got 403 Forbidden', 1),
        ([serve.status(500)] * 9, 'got nothing more 3 times.*500 Internal Server Error', 3),
        ([serve.cut(0)] * 9, 'got nothing more 3 times.*0 of 300000|broke off', 3),
        (
            [serve.status(429, Retry_After=3600)],
            '429 Too Many Requests, to be asked again in 36',
            1,
        ),
        ([serve.page], r'got a web page \(text/html\)', 1),
        ([serve.redirect('/again')] * 9, 'more than 5 redirects', 6),
        ([serve.redirect('http://192.0.2.1/')], 'expected an https:// address.*192.0.2.1', 1),
        ([serve.redirect('ftp://127.0.0.1/')], 'expected an https:// address.*ftp://127.0.0.1', 1),
        ([serve.too_short], 'sha256 begins with .*, got 150000 bytes', 1),
        ([serve.changed(serve.whole)], 'sha256 begins with .*, got 300000 bytes', 1),
    ],
    ids=[
        'not there',
        'forbidden',
        'keeps failing',
        'keeps hanging up',
        'asks to wait an hour',
        'web page',
        'redirects in a circle',
        'redirects to http',
        'redirects to ftp',
        'wrong length',
        'wrong content',
    ],
)
def test_nothing_is_left_where_nothing_good_came(
    server: Server,
    entry: Entry,
    folder: Path,
    *,
    script: list[Answer],
    message: str,
    requests: int,
) -> None:
    server.script = script
    with pytest.raises(FetchError, match=message) as caught:
        fetch(entry, folder, QUICK, quiet)
    assert str(caught.value).count('\n') == 0
    assert str(caught.value).endswith(f'or put it by other means at {folder / NAME}')
    assert files_in(folder) <= PARTS
    assert len(server.asked) == requests
    server.script, server.data = [], DATA
    assert fetch(entry, folder, QUICK, quiet).read_bytes() == DATA


@pytest.mark.parametrize('last', [serve.cut(0), serve.status(404), serve.page])
def test_what_came_is_kept_to_go_on_from(
    server: Server, entry: Entry, folder: Path, last: Answer
) -> None:
    server.script = [serve.cut(HALF), last, last, last]
    with pytest.raises(FetchError):
        fetch(entry, folder, QUICK, quiet)
    assert files_in(folder) == PARTS
    assert (folder / f'{NAME}.part').read_bytes() == DATA[:HALF]
    server.script, server.asked = [], []
    assert fetch(entry, folder, QUICK, quiet).read_bytes() == DATA
    assert server.asked[0]['Range'] == f'bytes={HALF}-'
    assert server.asked[0]['If-Range'] == '"one"'


def test_a_file_that_changes_on_the_way_is_begun_anew(
    server: Server, entry: Entry, folder: Path
) -> None:
    server.data, server.etag = OTHER_DATA, '"old"'

    def renewed(handler: serve.Handler) -> None:
        server.data, server.etag = DATA, '"one"'
        serve.whole(handler)

    server.script = [serve.cut(HALF), renewed]
    assert fetch(entry, folder, QUICK, quiet).read_bytes() == DATA
    assert [request.get('If-Range') for request in server.asked] == [None, '"old"']


def test_a_server_that_goes_on_with_a_changed_file_is_asked_anew(
    server: Server, entry: Entry, folder: Path
) -> None:
    def heedless(handler: serve.Handler) -> None:
        server.data, server.etag = DATA, '"one"'
        handler.file_head(HALF)
        handler.wfile.write(DATA[HALF:])

    server.data, server.etag = OTHER_DATA, '"old"'
    server.script = [serve.cut(HALF), heedless]
    assert fetch(entry, folder, QUICK, quiet).read_bytes() == DATA
    assert [request.get('Range') for request in server.asked] == [None, f'bytes={HALF}-', None]


def test_pieces_of_two_files_are_begun_anew(server: Server, entry: Entry, folder: Path) -> None:
    put_part(folder, OTHER_DATA[:HALF])
    said: list[str] = []
    assert fetch(entry, folder, QUICK, said.append).read_bytes() == DATA
    assert said == ['the pieces are not of one file: starting again']
    assert [request.get('Range') for request in server.asked] == [f'bytes={HALF}-', None]
    assert 'If-Range' not in server.asked[0]


@pytest.mark.parametrize(
    ('part', 'ranges'),
    [
        (DATA, [f'bytes={SIZE}-']),
        (OTHER_DATA, [f'bytes={SIZE}-', None]),
        (DATA + b'more', [f'bytes={SIZE + 4}-', None]),
    ],
    ids=['whole', 'of another file', 'too long'],
)
def test_a_part_with_all_bytes_is_judged(
    server: Server, entry: Entry, folder: Path, part: bytes, ranges: list[str | None]
) -> None:
    put_part(folder, part)
    assert fetch(entry, folder, QUICK, quiet).read_bytes() == DATA
    assert [request.get('Range') for request in server.asked] == ranges


def test_a_fetched_file_is_not_fetched_again(server: Server, entry: Entry, folder: Path) -> None:
    fetch(entry, folder, QUICK, quiet)
    fetch(entry, folder, QUICK, quiet)
    assert len(server.asked) == 1
    assert fetch(entry, folder, Options(offline=True), quiet) == folder / NAME


def test_a_spoilt_file_in_the_cache_is_fetched_again(
    server: Server, entry: Entry, folder: Path
) -> None:
    file = fetch(entry, folder, QUICK, quiet)
    file.write_bytes(DATA[:-1] + b'?')
    said: list[str] = []
    with pytest.raises(FetchError, match='offline'):
        fetch(entry, folder, Options(offline=True), said.append)
    assert len(said) == 1
    assert 'is not as published' in said[0]
    assert fetch(entry, folder, QUICK, quiet).read_bytes() == DATA
    assert len(server.asked) == 2


def test_offline_tells_where_to_get_and_to_put_the_file(
    server: Server, entry: Entry, folder: Path
) -> None:
    with pytest.raises(FetchError) as caught:
        fetch(entry, folder, Options(offline=True), quiet)
    assert f'{server.url}/{PATH}' in str(caught.value)
    assert str(caught.value).endswith(str(folder / NAME))
    assert not server.asked
    assert not folder.exists()


def test_a_mirror_takes_the_place_of_the_base(server: Server, folder: Path) -> None:
    far = entry_at('https://models.example/base')
    options = Options(mirror=f'{server.url}/copy/', tries=1)
    assert fetch(far, folder, options, quiet).read_bytes() == DATA
    assert server.asked[0]['Path'] == f'/copy/{PATH}'


@pytest.mark.parametrize('mirror', ['http://models.example', 'file:///models', 'models.example'])
def test_a_mirror_must_be_https(entry: Entry, folder: Path, mirror: str) -> None:
    with pytest.raises(FetchError, match=f'expected an https:// address .*, got {mirror}/'):
        fetch(entry, folder, Options(mirror=mirror), quiet)


def test_proxies_come_from_the_environment(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ('NO_PROXY', 'no_proxy'):
        monkeypatch.delenv(name)
    monkeypatch.setenv('http_proxy', server.url)
    assert fetch(entry_at('http://127.0.0.9:9'), folder, QUICK, quiet).read_bytes() == DATA
    assert server.asked[0]['Path'] == f'http://127.0.0.9:9/{PATH}'


def test_nobody_there(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        absent = entry_at(f'http://127.0.0.1:{taken.getsockname()[1]}')
        with pytest.raises(FetchError, match=r'no answer from 127\.0\.0\.1: .*refused; 0 bytes'):
            fetch(absent, folder, QUICK, quiet)
    assert files_in(folder) == set()


def test_a_folder_that_cannot_be(server: Server, entry: Entry, tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(FetchError, match=r'expected to write .*: Not a directory; .*--cache'):
        fetch(entry, tmp_path / 'file' / 'models', QUICK, quiet)
    assert not server.asked


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_a_folder_that_may_not_be_written(entry: Entry, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FetchError, match=r'expected to write .*: Permission denied; .*--cache'):
        fetch(entry, tmp_path / 'models', QUICK, quiet)
