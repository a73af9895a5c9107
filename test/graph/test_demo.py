"""The demo end to end: real processes, real DDS, a tiny model."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from test.graph.spinner import wait_until
from test.tiny_model import write_tiny_model

KEYS = {
    'frames_in',
    'frames_out',
    'dropped',
    'rate_hz',
    'latency_ms',
    'miou',
    'model',
    'backend',
}


class Demo:
    """A demo in a process of its own, on a domain that it chooses itself."""

    def __init__(self, folder: Path, model: Path, *options: str) -> None:
        self.output = folder / 'output'
        environment = {k: v for k, v in os.environ.items() if k != 'ROS_DOMAIN_ID'}
        self._text = folder / 'text.txt'
        with self._text.open('w') as text:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    '-m',
                    'seg_perception',
                    'demo',
                    '--output',
                    str(self.output),
                    '--model',
                    str(model),
                    '--width',
                    '320',
                    '--height',
                    '192',
                    *options,
                ],
                env=environment,
                stdout=text,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        return self._text.read_text()

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.text or self.process.poll() is not None, text)
        assert text in self.text, self.text

    def end(self) -> int:
        return self.process.wait(90)

    def child(self, name: str) -> int:
        """Return the process id of a child by its node's name."""
        (pid,) = (pid for pid in self.children() if f'__node:={name}\0' in _command_line(pid))
        return pid

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(p) for p in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]

    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads((self.output / 'summary.json').read_text())
        assert summary.keys() >= KEYS
        assert summary['dropped'].keys() == {'busy', 'stale', 'bad'}
        assert summary['latency_ms'].keys() == {'p50', 'p99'}
        assert summary['frames_in'] == summary['frames_out'] + sum(summary['dropped'].values())
        return summary


def _command_line(pid: int) -> str:
    return Path(f'/proc/{pid}/cmdline').read_text()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / 'tiny.onnx')


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        demo.process.kill()
        demo.process.wait()


def test_a_scene_is_segmented_scored_and_shown(
    tmp_path: Path, model: Path, demos: list[Demo]
) -> None:
    demo = Demo(tmp_path, model, '--duration', '3', '--rate', '8', '--seed', '5')
    demos.append(demo)
    assert demo.end() == 0, demo.text
    summary = demo.summary()
    assert summary['frames_published'] == 24
    assert summary['frames_in'] == 24, demo.text
    assert summary['frames_out'] > 0
    assert 0 < summary['miou'] < 1
    assert summary['model'] == 'tiny_nearest_color'
    assert summary['backend'] == 'onnxruntime'
    assert summary['latency_ms']['p99'] >= summary['latency_ms']['p50'] > 0
    assert summary['rate_hz'] > 0

    overlays = sorted(demo.output.glob('overlay_*.jpg'))
    assert 1 <= len(overlays) <= 8
    for overlay in overlays:
        picture = cv2.imread(str(overlay))
        assert picture is not None
        assert picture.shape == (192, 320, 3)
        assert np.std(picture) > 10
    page = (demo.output / 'index.html').read_text()
    named = re.findall(r'src="([^"]+)"', page)
    assert {path.name for path in overlays} | {'overview.webp'} <= set(named)
    assert all((demo.output / name).is_file() for name in named)
    assert f'frames   in 24, out {summary["frames_out"]}' in demo.text
    assert f'mIoU     {summary["miou"]:.3f}' in demo.text
    assert demo.text.rstrip().endswith(str(demo.output / 'index.html'))


def test_ctrl_c_still_sums_up_and_leaves_no_process(
    tmp_path: Path, model: Path, demos: list[Demo]
) -> None:
    pictures = tmp_path / '2026'  # a name that YAML would take for a number
    pictures.mkdir()
    for number in range(2):
        picture = np.full((96, 128, 3), 60 + 80 * number, np.uint8)
        cv2.imwrite(str(pictures / f'{number}.jpg'), picture)
    demo = Demo(tmp_path, model, '--source', str(pictures), '--duration', '600')
    demos.append(demo)
    demo.wait_for('out ')
    children = demo.children()
    assert len(children) == 3
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == 130, demo.text
    assert not any(Path(f'/proc/{pid}').exists() for pid in children)
    summary = demo.summary()
    assert summary['frames_out'] > 0
    assert summary['source'] == str(pictures)
    # A folder has no truth.
    assert summary['miou'] is None
    assert 'no truth to compare with' in demo.text


def test_a_node_that_dies_ends_the_demo_with_its_last_words(
    tmp_path: Path, model: Path, demos: list[Demo]
) -> None:
    demo = Demo(tmp_path, model, '--duration', '600', '--rate', '8')
    demos.append(demo)
    demo.wait_for('out ')
    children = demo.children()
    os.kill(demo.child('segmentation'), signal.SIGKILL)
    assert demo.end() == 1
    assert 'demo: segmentation ended early with exit status -9' in demo.text
    assert 'segmenting the images of /demo/camera/image_raw' in demo.text
    assert not any(Path(f'/proc/{pid}').exists() for pid in children)


def test_a_model_that_cannot_be_loaded_ends_the_demo_with_the_reason(
    tmp_path: Path, demos: list[Demo]
) -> None:
    model = tmp_path / 'damaged.onnx'
    model.write_bytes(b'not a model')
    demo = Demo(tmp_path, model)
    demos.append(demo)
    assert demo.end() == 1
    assert 'the segmentation node cannot start' in demo.text
    assert str(model) in demo.text
    assert not (demo.output / 'summary.json').exists()
