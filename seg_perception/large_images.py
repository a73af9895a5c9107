"""The environment in which DDS carries camera images without loss."""

from __future__ import annotations

import os
from collections.abc import Mapping

from seg_perception.resources import config_file

_PROFILE = 'dds/fastdds_large_images.xml'


def large_image_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that a process with camera images needs and `environ` lacks.

    The Fast DDS profile (its variable's name differs between releases) keeps images in shared
    memory: without it a best-effort subscriber misses most of them. The malloc thresholds keep
    their memory in the process instead of faulting it in anew for every message. They work only
    if they are set before the process starts.

    :raises FileNotFoundError: when the package was installed without the profile.
    """
    profile = str(config_file(_PROFILE))
    wanted = {
        'FASTRTPS_DEFAULT_PROFILES_FILE': profile,
        'FASTDDS_DEFAULT_PROFILES_FILE': profile,
        'MALLOC_MMAP_THRESHOLD_': '268435456',
        'MALLOC_TRIM_THRESHOLD_': '536870912',
    }
    return {name: value for name, value in wanted.items() if name not in environ}
