from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from seg_perception.benchmark.gpu import GpuUse, parse
from seg_perception.benchmark.machine import describe_machine, one_line
from seg_perception.benchmark.plots import bars, stacks
from seg_perception.benchmark.report import SCHEMA, Report
from seg_perception.benchmark.statistics import Spread
from seg_perception.benchmark.table import Table, number, percent, ratio, spread
from test.pages import Page

TABLE = Table(
    'Speed', ('path', 'Hz', 'GPU W'), (('own & fast', '12.5', '–'), ('plain', '5.0', '–'))
)
SVG = '{http://www.w3.org/2000/svg}'


def test_a_table_is_aligned_text_and_markdown() -> None:
    assert TABLE.text().splitlines() == [
        'Speed',
        'path          Hz  GPU W',
        '-----------------------',
        'own & fast  12.5      –',
        'plain        5.0      –',
    ]
    assert TABLE.without_empty().markdown().splitlines() == [
        '**Speed**',
        '',
        '| path | Hz |',
        '| --- | ---: |',
        '| own & fast | 12.5 |',
        '| plain | 5.0 |',
    ]


def test_cells() -> None:
    assert [number(1.25, 1), number(None), percent(0.99985, 3), percent(None, 1)] == [
        '1.2',
        '–',
        '99.985 %',
        '–',
    ]
    assert [ratio(1.5), ratio(None), spread(Spread(2.0, 1.0, 4.0))] == [
        '1.50×',
        '–',
        '2.0 (1.0–4.0)',
    ]


def test_bars_are_as_long_as_their_medians() -> None:
    plot = ET.fromstring(bars({'a': Spread(5, 4, 10), 'b & c': Spread(10, 9, 10)}, 'ms'))
    widths = [float(rect.attrib['width']) for rect in plot.iter(f'{SVG}rect')]
    assert widths[0] * 2 == pytest.approx(widths[1], rel=1e-3)
    texts = [text.text for text in plot.iter(f'{SVG}text')]
    assert texts == ['a', '5.0 ms', 'b & c', '10.0 ms']


def test_stages_are_stacked_end_to_end() -> None:
    plot = ET.fromstring(stacks({'own': {'infer': 3.0, 'masks': 1.0}, 'plain': {'infer': 8.0}}))
    rects = [
        (float(rect.attrib['x']), float(rect.attrib['width'])) for rect in plot.iter(f'{SVG}rect')
    ]
    (infer, infer_width), (masks, masks_width), (_, plain), *legend = rects
    assert infer + infer_width == pytest.approx(masks, abs=0.2)
    assert infer_width == pytest.approx(3 * masks_width, abs=0.4)
    assert plain == pytest.approx(8 * masks_width, abs=1)
    assert len(legend) == 2


def test_the_report_is_json_tables_and_a_page(tmp_path: Path) -> None:
    machine = describe_machine()
    report = Report(
        kind='path',
        command='benchmark path --quick',
        machine=machine,
        settings={'runs': 1},
        results={'own': Spread(1.0, 0.5, 2.0)},
        absent={'torch <eager>': 'no torch'},
        tables=[TABLE],
        plots=[('Frames', bars({'own': Spread(1.0, 0.5, 2.0)}, 'ms'))],
        notes=['Read me.'],
    )
    report.write(tmp_path / 'new')
    content = json.loads((tmp_path / 'new' / 'path.json').read_text())
    assert content['schema'] == SCHEMA
    assert content['results'] == {'own': {'median': 1.0, 'least': 0.5, 'largest': 2.0}}
    assert content['absent'] == {'torch <eager>': 'no torch'}
    assert content['machine']['cores'] >= 1
    page = (tmp_path / 'new' / 'path.html').read_text()
    assert {'svg', 'table'} <= Page(page).tags
    assert Page(page).links == []
    assert 'torch &lt;eager&gt;' in page
    assert 'own &amp; fast' in page
    assert '| plain | 5.0 | – |' in (tmp_path / 'new' / 'path.md').read_text()
    assert ET.parse(tmp_path / 'new' / 'path_0.svg').getroot().tag == f'{SVG}svg'
    text = report.text()
    assert one_line(machine) in text
    assert '  torch <eager>: no torch' in text


def test_a_line_of_the_gpu_is_read() -> None:
    assert parse('87, 312.45, 2048\n') == GpuUse(87.0, 312.45, 2048.0)
    assert parse('87, [N/A], 2048\n') is None
    assert GpuUse.mean([GpuUse(10, 100, 1), GpuUse(20, 200, 3)]) == GpuUse(15, 150, 2)
    assert GpuUse.mean([]) is None
