"""Addresses, redirects and certificates."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from seg_perception.models.catalogue.fetch import Options, fetch
from seg_perception.models.catalogue.transfer import FetchError, check_url, shown
from test.models.catalogue.conftest import entry_at, files_in
from test.models.catalogue.server import DATA, Server, redirect, serving

QUICK = Options(tries=2, backoff=0.001, stall_timeout=5)


@pytest.mark.parametrize(
    'url',
    ['https://models.example/x', 'http://localhost:8000', 'http://127.3.2.1', 'http://[::1]:80/x'],
)
def test_https_everywhere_and_http_on_this_machine(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    'url',
    [
        'http://models.example',
        'http://localhost.example',
        'http://192.168.0.1',
        'https:///no/host',
        'ftp://localhost/x',
        '/a/path',
        '',
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(FetchError, match='expected an https:// address'):
        check_url(url)


def test_messages_hide_passwords() -> None:
    assert shown('https://me:secret@models.example:8443/a?b#c') == (
        'https://models.example:8443/a?b#c'
    )
    with pytest.raises(FetchError) as caught:
        check_url('http://me:secret@models.example/a')
    assert 'secret' not in str(caught.value)


@pytest.fixture(scope='module')
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for 127.0.0.1 and its key, signed by nobody but itself."""
    openssl = shutil.which('openssl')
    if openssl is None:
        pytest.skip('openssl makes the certificate')
    file = tmp_path_factory.mktemp('certificate') / 'both.pem'
    key = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
    name = '-subj /CN=test -addext subjectAltName=IP:127.0.0.1'
    words = [*key.split(), *name.split(), '-keyout', f'{file}.key']
    made = subprocess.run([openssl, *words], check=True, capture_output=True, text=True)
    file.write_text(Path(f'{file}.key').read_text() + made.stdout)
    return file


@pytest.fixture
def secure(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ('NO_PROXY', 'no_proxy'):
        monkeypatch.setenv(name, '*')
    for name in ('REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'):
        monkeypatch.delenv(name, raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as server:
        yield server


def test_a_trusted_certificate_is_needed(
    secure: Server, folder: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entry_at(secure.url)
    with pytest.raises(FetchError, match=r'expected a certificate .*REQUESTS_CA_BUNDLE'):
        fetch(entry, folder, QUICK)
    assert files_in(folder) == set()
    monkeypatch.setenv('REQUESTS_CA_BUNDLE', str(certificate))
    assert fetch(entry, folder, QUICK).read_bytes() == DATA


def test_no_redirect_leaves_https(
    secure: Server,
    server: Server,
    folder: Path,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('REQUESTS_CA_BUNDLE', str(certificate))
    secure.script = [redirect(f'{server.url}/nets/model.pth')]
    with pytest.raises(FetchError, match=f'to stay on https, got a redirect to {server.url}'):
        fetch(entry_at(secure.url), folder, QUICK)
    assert not server.asked
    assert files_in(folder) == set()


def test_a_redirect_may_lead_to_https(
    secure: Server,
    server: Server,
    folder: Path,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('REQUESTS_CA_BUNDLE', str(certificate))
    server.script = [redirect(secure.url)]
    assert fetch(entry_at(server.url), folder, QUICK).read_bytes() == DATA
    assert len(secure.asked) == 1
