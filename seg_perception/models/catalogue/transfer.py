"""One HTTP request for the bytes of a file that are still missing."""

from __future__ import annotations

import datetime
import email.utils
import ipaddress
import re
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

import requests

from seg_perception.models.catalogue.cache import PartFile

_CHUNK = 1 << 15
_MAX_REDIRECTS = 5
_RETRY = {408, 425, 429, 500, 502, 503, 504}
_RANGE = re.compile(r'bytes (\d+)-\d+/(\d+|\*)')


class FetchError(ValueError):
    """The file cannot be had; the message tells what was expected, what came, how to mend it."""


class TransferError(Exception):
    """A transfer ended early; another request may bring the rest.

    :param wait: seconds that the server asks to wait, None where it does not.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def check_url(url: str) -> None:
    """Let `https` pass, and `http` to this machine: elsewhere anybody on the way could read along.

    :raises FetchError: at any other URL.
    """
    parts = urlsplit(url)
    if parts.scheme == 'https' and parts.hostname:
        return
    if parts.scheme == 'http' and _is_local(parts.hostname or ''):
        return
    raise FetchError(
        f'expected an https:// address (http:// only on this machine), got {shown(url)}; '
        'give one that starts with https://'
    )


def shown(url: str) -> str:
    """Return a URL without user name and password, for messages."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition('@')[2]).geturl()


class Session(requests.Session):
    """Follows few redirects and none that leaves https; takes proxies from the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.max_redirects = _MAX_REDIRECTS
        # Encoded bytes would neither be those of the file nor allow to go on in the middle.
        self.headers.update({'Accept-Encoding': 'identity', 'User-Agent': 'seg_perception'})

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where a response redirects to, None if nowhere.

        :raises FetchError: when it leads from https to http or to another scheme.
        """
        target: str | None = super().get_redirect_target(resp)
        if target is not None:
            address = urljoin(resp.url, target)
            check_url(address)
            if urlsplit(resp.url).scheme == 'https' and urlsplit(address).scheme != 'https':
                raise FetchError(
                    f'expected {shown(resp.url)} to stay on https, got a redirect to '
                    f'{shown(address)}; try another --mirror'
                )
        return target


def extend(
    session: Session,
    url: str,
    part: PartFile,
    timeouts: tuple[float, float],
    progress: Callable[[int, int | None], None],
) -> bool:
    """Ask for what is missing of `part` and write it; returns whether earlier bytes were kept.

    Starts again from the first byte where the server does not continue or its file has changed.

    :param timeouts: seconds to wait for a connection, and for the next bytes.
    :param progress: is told the bytes that are there and how many there are in all, if known.
    :raises TransferError: when the transfer ended early; the part holds what came.
    :raises FetchError: when the server has no such file or says so by other means.
    :raises OSError: when the part cannot be written.
    """
    start = part.size
    headers = {}
    if start:
        headers['Range'] = f'bytes={start}-'
        if validator := part.validator(url):
            headers['If-Range'] = validator
    with _get(session, url, headers, timeouts) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable and start:
            return _judge_end(part, response)
        _check_status(response, url)
        kept = bool(response.status_code == requests.codes.partial_content)
        validator = _validator(response)
        if kept:
            _check_continued(part, response, headers.get('If-Range', ''))
        total = _total(response, start if kept else 0)
        with part.append() if kept else part.begin(url, validator) as file:
            written = start if kept else 0
            progress(written, total)
            for chunk in _chunks(response):
                file.write(chunk)
                written += len(chunk)
                progress(written, total)
    if total is not None and written < total:
        raise TransferError(f'the connection ended after {written} of {total} bytes')
    return kept


def _get(
    session: Session, url: str, headers: dict[str, str], timeouts: tuple[float, float]
) -> requests.Response:
    try:
        return session.get(url, headers=headers, stream=True, timeout=timeouts)
    except requests.exceptions.SSLError as error:
        raise FetchError(
            f'expected a certificate that this machine trusts from {shown(url)}, got '
            f'{_cause(error)}; name the certificates of your network in REQUESTS_CA_BUNDLE'
        ) from error
    except requests.TooManyRedirects as error:
        raise FetchError(
            f'expected the file from {shown(url)}, got more than {_MAX_REDIRECTS} redirects; '
            'try another --mirror'
        ) from error
    except (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
    ) as error:
        raise TransferError(f'no answer from {urlsplit(url).hostname}: {_cause(error)}') from error
    except requests.RequestException as error:
        raise FetchError(f'cannot ask for {shown(url)}: {_cause(error)}') from error


def _check_status(response: requests.Response, url: str) -> None:
    status = f'{response.status_code} {response.reason or ""}'.strip()
    if response.status_code in _RETRY:
        raise TransferError(f'the server answers {status}', _retry_after(response))
    if response.status_code not in {requests.codes.ok, requests.codes.partial_content}:
        raise FetchError(
            f'expected the file from {shown(url)}, got {status}; the address may have moved or '
            'need a login: try another --mirror'
        )
    kind = response.headers.get('Content-Type', '').partition(';')[0].strip().lower()
    if kind in {'text/html', 'application/xhtml+xml'}:
        raise FetchError(
            f'expected the file from {shown(url)}, got a web page ({kind}); a login page of the '
            'network may stand between: open the address in a browser, or try another --mirror'
        )


def _check_continued(part: PartFile, response: requests.Response, asked: str) -> None:
    """Hold an answer with the rest to the part: it must go on where the part ends."""
    came = _RANGE.fullmatch(response.headers.get('Content-Range', ''))
    etag = response.headers.get('ETag', '')
    changed = bool(asked and etag) and asked.startswith('"') and etag != asked
    if came is None or int(came[1]) != part.size or changed:
        part.discard()
        raise TransferError('the file at the server has changed')


def _judge_end(part: PartFile, response: requests.Response) -> bool:
    """Accept a part that has all bytes already, for its hash to tell; drop a longer one."""
    if response.headers.get('Content-Range', '') == f'bytes */{part.size}':
        return True
    part.discard()
    raise TransferError('the file at the server has changed')


def _chunks(response: requests.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_content(_CHUNK)
    except requests.RequestException as error:
        raise TransferError(f'the transfer broke off: {_cause(error)}') from error


def _total(response: requests.Response, start: int) -> int | None:
    """Return the size of the whole file, None where the server does not tell."""
    came = _RANGE.fullmatch(response.headers.get('Content-Range', '')) if start else None
    if came is not None and came[2] != '*':
        return int(came[2])
    length = response.headers.get('Content-Length', '')
    return start + int(length) if length.isdecimal() else None


def _validator(response: requests.Response) -> str:
    """Return what identifies the bytes for If-Range (RFC 9110, 13.1.5): no weak ETag."""
    etag: str = response.headers.get('ETag', '')
    date: str = response.headers.get('Last-Modified', '')
    return etag if etag.startswith('"') else date


def _retry_after(response: requests.Response) -> float | None:
    """Return the seconds to wait of RFC 9110, 10.2.3: a number or a date."""
    text = response.headers.get('Retry-After', '').strip()
    if text.isdecimal():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=datetime.timezone.utc)
    return max(0.0, (date - datetime.datetime.now(tz=datetime.timezone.utc)).total_seconds())


def _cause(error: BaseException) -> str:
    """Return the innermost reason of an error, which those of requests wrap several times."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def _is_local(host: str) -> bool:
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
