"""Pages for people: one HTML file each, with nothing loaded from elsewhere.

What these functions take as a name, a title or a value is HTML: escape what is not. Light or dark
as the reader's system asks.
"""

from __future__ import annotations

from collections.abc import Iterable

_STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --text: #1b2430; --soft: #5c6878;
  --line: #dfe4ea; --accent: #1769c4; --good: #3f9c35; --bad: #d6402f; }
@media (prefers-color-scheme: dark) { :root { --ground: #11161d; --card: #1a212b; --text: #e6ebf1;
  --soft: #98a5b5; --line: #2c3644; --accent: #62a8f5; --good: #6ec85c; --bad: #f2705f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 18px 56px; }
h1 { font-size: 1.7rem; margin: 0; line-height: 1.2; }
h2 { font-size: 1.1rem; margin: 40px 0 12px; }
p, figure { margin: 0; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.tiles { display: grid; gap: 12px; margin-top: 22px;
  grid-template-columns: repeat(auto-fit, minmax(128px, 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 14px 16px; }
.card + .soft { margin-top: 8px; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.tile b small { font-size: .9rem; font-weight: 500; color: var(--soft); }
.tile span { display: block; color: var(--soft); font-size: .85rem; }
.problem b { color: var(--bad); }
img { display: block; width: 100%; height: auto; border-radius: 8px; background: var(--line); }
figcaption { margin-top: 4px; }
.figures { display: grid; gap: 10px; margin-bottom: 16px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); }
.classes { display: grid; gap: 4px 28px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
.class { display: grid; grid-template-columns: 16px 7.5rem 1fr 3.2rem; gap: 10px;
  align-items: center; font-size: .92rem; }
.swatch { width: 16px; height: 16px; border-radius: 4px; border: 1px solid var(--line); }
.bar { height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 3px;
  margin: 0 .3em 0 .8em; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
th { font-weight: 500; white-space: nowrap; }
td { overflow-wrap: anywhere; }
code { font: .9em ui-monospace, 'DejaVu Sans Mono', monospace; }
"""


def document(title: str, sections: Iterable[str], style: str = '') -> str:
    """Return a whole page.

    :param style: CSS of its own, after what all pages share.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{title}</title>\n'
        f'<style>{_STYLE}{style}</style>\n</head>\n<body>\n<main>\n'
        + '\n'.join(sections)
        + '\n</main>\n</body>\n</html>\n'
    )


def header(title: str, text: str) -> str:
    """Return the top of a page: its title and what it is about."""
    return f'<header>\n<h1>{title}</h1>\n<p class="soft">{text}</p>\n</header>'


def section(title: str, body: str) -> str:
    """Return a part of a page under its title."""
    return f'<section>\n<h2>{title}</h2>\n{body}\n</section>'


def note(text: str) -> str:
    """Return a remark in small print."""
    return f'<p class="soft">{text}</p>'


def tiles(items: Iterable[tuple[str, str, bool]]) -> str:
    """Return large figures side by side; each is a name, a value and whether it is a problem."""
    return '<div class="tiles">' + ''.join(_tile(*item) for item in items) + '</div>'


def _tile(name: str, value: str, problem: bool) -> str:
    return f'<div class="card tile{" problem" * problem}"><b>{value}</b><span>{name}</span></div>'


def class_bars(rows: Iterable[tuple[str, tuple[int, int, int], float | None, str]]) -> str:
    """Return a bar for each class: its name, colour (RGB), share (0 to 1) and a text on hover."""
    return (
        '<div class="card"><div class="classes">'
        + ''.join(_class_bar(*row) for row in rows)
        + '</div></div>'
    )


def _class_bar(name: str, color: tuple[int, int, int], share: float | None, hover: str) -> str:
    bar = '' if share is None else f'<div class="bar"><i style="width:{share:.1%}"></i></div>'
    return (
        f'<div class="class" title="{hover}">'
        f'<span class="swatch" style="background:rgb{color}"></span>'
        f'<span>{name}</span><span>{bar}</span>'
        f'<span class="number">{"" if share is None else f"{share:.3f}"}</span></div>'
    )


def figures(views: Iterable[tuple[str, str, str]], *, links: bool = False) -> str:
    """Return pictures side by side; each is a source, a text in its place and a caption.

    :param links: whether a picture leads to its file.
    """
    return '<div class="figures">' + ''.join(_figure(*view, links) for view in views) + '</div>\n'


def _figure(source: str, alt: str, caption: str, link: bool) -> str:
    picture = f'<img loading="lazy" src="{source}" alt="{alt}">'
    if link:
        picture = f'<a href="{source}">{picture}</a>'
    return f'<figure>{picture}<figcaption>{caption}</figcaption></figure>'


def key(color: tuple[int, int, int]) -> str:
    """Return a small patch of a colour (RGB) for a legend."""
    return f'<span class="key" style="background:rgb{color}"></span>'


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Return names and values in two columns."""
    body = ''.join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in rows)
    return f'<div class="card"><table>{body}</table></div>'
