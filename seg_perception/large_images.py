"""The environment in which DDS carries camera images without loss."""

from __future__ import annotations

import os
from collections.abc import Mapping

from seg_perception.resources import config_file

_PROFILE = 'dds/fastdds_large_images.xml'
_WITH_FAST_DDS_2 = ('humble', 'iron', 'jazzy')


def large_image_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that a process with camera images needs and `environ` lacks.

    The Fast DDS profile keeps images in shared memory: without it a best-effort subscriber misses
    most of them. The malloc thresholds keep their memory in the process instead of faulting it in
    anew for every message. They work only if they are set before the process starts.

    :param environ: its `ROS_DISTRO` tells which name the variable of the profile has there: older
        releases know one name only, newer ones the other, with a warning about the old one.
    :raises FileNotFoundError: when the package was installed without the profile.
    """
    library = 'FASTRTPS' if environ.get('ROS_DISTRO') in _WITH_FAST_DDS_2 else 'FASTDDS'
    wanted = {
        f'{library}_DEFAULT_PROFILES_FILE': str(config_file(_PROFILE)),
        'MALLOC_MMAP_THRESHOLD_': '268435456',
        'MALLOC_TRIM_THRESHOLD_': '536870912',
    }
    return {name: value for name, value in wanted.items() if name not in environ}
