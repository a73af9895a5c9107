"""The node's settings: one table of names, types, ranges and meanings.

Defaults are not here: they are in `config/segmentation.param.yaml` only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import yaml

from seg_perception.inference.choice import BACKENDS
from seg_perception.resources import config_file
from seg_perception.ros.parameters import Rule, Value

DEFAULTS_FILE = 'segmentation.param.yaml'


@dataclass(frozen=True)
class Settings:
    """The values of all parameters at one moment; their meanings are in `RULES`."""

    autostart: bool
    model: str
    label_set: str
    backend: str
    precision: str
    engine_cache_dir: str
    engine_cache_mib: int
    min_agreement: float
    threads: int
    transport: str
    output_size: Literal['camera', 'network']
    drivable_min_confidence: float
    label_min_confidence: float
    ego_mask: str
    max_age: float
    watchdog: float
    overlay_alpha: float
    jpeg_quality: int


_TABLE = (
    Rule(
        'autostart',
        bool,
        'Configure and activate at the start. False where a lifecycle manager does it.',
    ),
    Rule('model', str, 'Path of the model file (ONNX, model contract); empty: the bundled model.'),
    Rule(
        'label_set',
        str,
        "Label set of the model: a name in config/labels or the path of such a file. The model's "
        'classes must be the same.',
    ),
    Rule(
        'backend',
        str,
        'Inference runtime; auto serves on the CPU at once and changes to the fastest that is '
        'there when it is ready and labels alike.',
        choices=BACKENDS,
    ),
    Rule(
        'precision',
        str,
        'Of an engine: as the model file has it, or with FP32 multiplied by TF32, with 10 bits of '
        'mantissa, on GPUs that have that.',
        choices=('model', 'tf32'),
    ),
    Rule(
        'engine_cache_dir',
        str,
        'Folder of built TensorRT engines; empty: `engines` in SEG_PERCEPTION_CACHE, else in '
        "seg_perception of the user's cache folder.",
    ),
    Rule(
        'engine_cache_mib',
        int,
        'MiB of all engines together, beyond which those unused longest are removed.',
        low=0,
        high=100000,
    ),
    Rule(
        'min_agreement',
        float,
        'Share of the pixels of a few frames that a runtime must label as the CPU does before auto '
        'changes to it.',
        low=0,
        high=1,
    ),
    Rule(
        'threads',
        int,
        'CPU threads for one inference; 0 takes one for each core.',
        low=0,
        high=256,
    ),
    Rule(
        'transport',
        str,
        'Subscribe to sensor_msgs/Image on `image`, or to sensor_msgs/CompressedImage on '
        '`<image>/compressed`.',
        choices=('raw', 'compressed'),
    ),
    Rule(
        'output_size',
        str,
        "Size of all output images: the camera's, or that at which the network labels (cheaper).",
        choices=('camera', 'network'),
    ),
    Rule(
        'drivable_min_confidence',
        float,
        'A pixel is drivable only with at least this confidence.',
        run_time=True,
        low=0,
        high=1,
    ),
    Rule(
        'label_min_confidence',
        float,
        'Below this confidence a pixel of ~/label is 255 (unlabelled); 0 keeps every label.',
        run_time=True,
        low=0,
        high=1,
    ),
    Rule(
        'ego_mask',
        str,
        'Path of a grey image, not black where the camera sees its own vehicle: such pixels are '
        'unlabelled, neither drivable nor obstacle. Any size; empty: none.',
    ),
    Rule(
        'max_age',
        float,
        "Seconds. A frame whose stamp is further than this from the node's clock when its turn "
        'comes is dropped as stale; 0: never.',
        run_time=True,
        low=0,
        high=3600,
    ),
    Rule(
        'watchdog',
        float,
        'Seconds without an image, or at work on one, after which the diagnostics turn to ERROR; '
        '0: never.',
        run_time=True,
        low=0,
        high=3600,
    ),
    Rule(
        'overlay_alpha',
        float,
        'Opacity of the label colours in ~/overlay.',
        run_time=True,
        low=0,
        high=1,
    ),
    Rule(
        'jpeg_quality',
        int,
        'JPEG quality of ~/color/compressed and ~/overlay/compressed.',
        run_time=True,
        low=1,
        high=100,
    ),
)

RULES = {rule.name: rule for rule in _TABLE}


def read_defaults() -> dict[str, Value]:
    """Return the shipped default of every parameter."""
    text = config_file(DEFAULTS_FILE).read_text(encoding='utf-8')
    values = yaml.safe_load(text)['/**']['ros__parameters']
    return {name: rule.check(values[name]) for name, rule in RULES.items()}
