"""The pages in a real browser, where there is one, at the width of a desk and of a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from seg_perception.replay.compare import compare
from seg_perception.replay.compare_page import render_page as render_comparison
from seg_perception.replay.report_page import render_page as render_report
from seg_perception.replay.run import run
from test.replay.drives import drive_labels, pictures_of, tiny_parameters, write_drive

BROWSER = next(
    filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), ''
)
PHONE, DESK = 390, 1280
# Written into a page around the pages, as their own may have no script.
LOOK = """
<script>
window.onload = () => {
  const seen = [...document.querySelectorAll('iframe')].map(frame => {
    const page = frame.contentDocument;
    return {
      width: frame.clientWidth,
      needs: page.documentElement.scrollWidth,
      images: [...page.images].map(image => { image.loading = 'eager'; return image.src.length; }),
      plots: page.querySelectorAll('svg polyline, svg polygon').length,
      loaded: frame.contentWindow.performance.getEntriesByType('resource')
        .map(entry => entry.name).filter(name => !name.startsWith('data:')),
      text: page.body.innerText.length,
    };
  });
  document.getElementById('seen').textContent = JSON.stringify(seen);
};
</script>
<pre id="seen"></pre>
"""


@pytest.mark.skipif(not BROWSER, reason='no Chromium or Chrome is installed')
def test_pages_fit_a_phone_and_a_desk_and_load_nothing(tmp_path: Path) -> None:
    parameters = tiny_parameters(tmp_path)
    path = write_drive(tmp_path / 'drive', pictures_of(drive_labels(4)))
    first = run(path, tmp_path / 'first', parameters, progress=False)
    path = write_drive(tmp_path / 'other', pictures_of(drive_labels(4, seed=1)))
    second = run(path, tmp_path / 'second', parameters, progress=False)
    (tmp_path / 'report.html').write_text(render_report(first))
    found = compare(first, second, progress=False)
    (tmp_path / 'compare.html').write_text(render_comparison(first, second, found, []))
    frames = ''.join(
        f'<iframe src="{page}.html" style="border:0;width:{width}px;height:900px"></iframe>'
        for page in ('report', 'compare')
        for width in (PHONE, DESK)
    )
    (tmp_path / 'look.html').write_text(f'<!doctype html><body>{frames}{LOOK}</body>')
    answer = subprocess.run(
        [
            BROWSER,
            '--headless',
            '--no-sandbox',
            '--disable-gpu',
            '--allow-file-access-from-files',
            f'--user-data-dir={tmp_path / "profile"}',
            f'--window-size={DESK + 100},2000',
            '--dump-dom',
            (tmp_path / 'look.html').as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (text,) = re.findall(r'<pre id="seen">(.*?)</pre>', answer.stdout, re.DOTALL)
    for view in json.loads(unescape(text)):
        assert view['needs'] <= view['width'] in (PHONE, DESK)
        assert view['loaded'] == []
        assert min(view['images']) > 500
        assert view['plots'] >= 1
        assert view['text'] > 300
