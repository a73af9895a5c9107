"""What all tests share: a ROS graph of their own and the real driving images."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


def _free_domain() -> int:
    """Return a ROS domain that nobody on this machine seems to use."""
    for offset in range(100):
        domain = 1 + (os.getpid() + offset) % 100
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                # The port of unicast discovery of a domain's first participant.
                probe.bind(('', 7410 + 250 * domain))
            except OSError:
                continue
            return domain
    raise RuntimeError('all ROS domains from 1 to 100 are in use on this machine')


# Read by DDS when rclpy starts, in this process and in those that tests start.
os.environ['ROS_DOMAIN_ID'] = str(_free_domain())
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'


@pytest.fixture(scope='session')
def camvid() -> Path:
    """Return the folder of CamVid in Cityscapes layout; skip where it is not at hand."""
    default = Path(__file__).parents[2] / 'shared' / 'data' / 'camvid'
    folder = Path(os.environ.get('SEG_PERCEPTION_CAMVID', default))
    if not (folder / 'leftImg8bit').is_dir():
        pytest.skip(f'needs real images: no leftImg8bit in {folder} (SEG_PERCEPTION_CAMVID)')
    return folder
