"""A check of HTML pages."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Fails on tags that do not match, and collects what the page refers to and says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.hovers: list[str] = []
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ('src', 'href') and value]
        self.hovers += [value for name, value in attrs if name == 'title' and value]
        if tag not in ('meta', 'img'):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open[-1:] != ['style']:
            self.texts.append(data.strip())
