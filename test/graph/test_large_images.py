"""The Fast DDS profile of the package lets large images through."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from seg_perception.large_images import large_image_environment
from test.graph.image_peers import FRAMES

PEERS = Path(__file__).with_name('image_peers.py')


def test_every_large_image_arrives_best_effort() -> None:
    environment = {**os.environ, **large_image_environment()}
    with subprocess.Popen([sys.executable, PEERS, 'echo'], env=environment) as echo:
        try:
            sender = subprocess.run(
                [sys.executable, PEERS, 'sender'],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            echo.kill()
    assert (sender.returncode, sender.stdout, sender.stderr) == (0, f'{FRAMES}\n', '')
