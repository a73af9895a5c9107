"""The node beside a DDS of another make: Eclipse Cyclone DDS, with types of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seg_perception.core.labels import load_label_set
from seg_perception.demo.graph import Process, Value
from seg_perception.demo.processes import Children
from seg_perception.demo.run import demo_environment
from test.tiny_model import write_tiny_model

CLIENT = Path(__file__).with_name('cyclone_client.py')
ROAD, BUILDING = 0, 2


def test_another_dds_sends_images_and_receives_masks(tmp_path: Path) -> None:
    pytest.importorskip('cyclonedds', reason='cyclonedds (requirements/test.txt) is not installed')
    labels = load_label_set().labels
    model = write_tiny_model(tmp_path / 'tiny.onnx')
    environment = demo_environment()
    with Children(tmp_path, environment) as children:
        parameters: dict[str, Value] = {'model': str(model), 'max_age': 0.0}
        process = Process('segmentation_node', 'segmentation', parameters, namespace='/')
        node = children.start('node', process.command())
        colors = [','.join(map(str, labels[train_id].color)) for train_id in (ROAD, BUILDING)]
        client = subprocess.run(
            [sys.executable, str(CLIENT), environment['ROS_DOMAIN_ID'], *colors],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert client.returncode == 0, client.stderr + node.last_words()
    found = json.loads(client.stdout)
    assert found.keys() == {'label', 'drivable'}
    for name, (left, right) in {'label': (ROAD, BUILDING), 'drivable': (255, 0)}.items():
        mask = found[name]
        assert mask['frame_id'] == 'cyclone_optical_frame'
        assert (mask['size'], mask['step'], mask['encoding']) == ([128, 64], 128, 'mono8')
        pixels = np.array(mask['data']).reshape(64, 128)
        # The labels lie 8 pixels apart, and between two classes a third may be nearer.
        assert (pixels[:, :56] == left).all(), name
        assert (pixels[:, 72:] == right).all(), name
