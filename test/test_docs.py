"""What README and docs point to exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seg_perception.__main__ import TOOLS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted(ROOT.glob('docs/*.md')), *ROOT.glob('config/models/*.md')]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)', page.read_text(encoding='utf-8'))
    missing = [link for link in links if '://' not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_tools_exist(page: Path) -> None:
    named = re.findall(r'-m seg_perception (\w+)', page.read_text(encoding='utf-8'))
    assert set(named) <= set(TOOLS)


def test_every_tool_is_in_the_readme() -> None:
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert [tool for tool in TOOLS if f'`{tool}`' not in text] == []
