"""What all tests share: a ROS graph of their own and the real driving images."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from seg_perception.demo.domain import free_domain

# Read by DDS when rclpy starts, in this process and in those that tests start.
os.environ['ROS_DOMAIN_ID'] = str(free_domain())
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'

# A ROS 2 machine need not have it; `.venv` does.
HAS_TORCH = find_spec('torch') is not None
collect_ignore = [] if HAS_TORCH else ['models']


def pytest_report_header() -> list[str]:
    """Tell which tests are left out as a whole."""
    return [] if HAS_TORCH else ['torch is not installed: test/models is left out']


@pytest.fixture(scope='session')
def camvid() -> Path:
    """Return the folder of CamVid in Cityscapes layout; skip where it is not at hand."""
    default = Path(__file__).parents[2] / 'shared' / 'data' / 'camvid'
    folder = Path(os.environ.get('SEG_PERCEPTION_CAMVID', default))
    if not (folder / 'leftImg8bit').is_dir():
        pytest.skip(f'needs real images: no leftImg8bit in {folder} (SEG_PERCEPTION_CAMVID)')
    return folder
