"""The node's settings: one table of names, types, ranges and meanings.

Defaults are not here: they are in `config/segmentation.param.yaml` only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import yaml

from seg_perception.core.view import GEOMETRIES
from seg_perception.inference.choice import BACKENDS
from seg_perception.resources import config_file
from seg_perception.ros.ground_settings import GROUND_RULES, GroundSettings
from seg_perception.ros.parameters import Rule, Value

if TYPE_CHECKING:
    from seg_perception.core.view import Geometry, OutputSize, Region

DEFAULTS_FILE = 'segmentation.param.yaml'


@dataclass(frozen=True)
class ImageSettings:
    """The values of the parameters that are not about the ground."""

    autostart: bool
    cameras: list[str]
    model: str
    label_set: str
    backend: str
    precision: str
    engine_cache_dir: str
    engine_cache_mib: int
    min_agreement: float
    threads: int
    max_batch: int
    cpu_affinity: str
    scheduling: str
    priority: int
    nice: int
    transport: str
    output_size: str
    geometry: Geometry
    region: list[int]
    ego_mask: str
    drivable_min_confidence: float
    label_min_confidence: float
    max_age: float
    watchdog: float
    overlay_alpha: float
    jpeg_quality: int

    @property
    def output(self) -> OutputSize:
        """`output_size` as a `View` takes it."""
        if self.output_size in ('camera', 'network'):
            return cast('OutputSize', self.output_size)
        width, height = map(int, self.output_size.split('x'))
        return width, height

    @property
    def region_of_interest(self) -> Region | None:
        """`region` as a `View` takes it."""
        x, y, width, height = self.region
        return (x, y, width, height) if any(self.region) else None


@dataclass(frozen=True)
class Settings(GroundSettings, ImageSettings):
    """The values of all parameters at one moment; their meanings are in `RULES`.

    Those of one camera, where a camera has its own.
    """


_TABLE = (
    Rule(
        'autostart',
        bool,
        'Configure and activate at the start. False where a lifecycle manager does it.',
    ),
    Rule(
        'cameras',
        list[str],
        "Names of the cameras that share the network. One of the name '' has the topics `image`, "
        '`camera_info` and `~/label`, one of the name `front` has `front/image`, '
        '`front/camera_info` and `~/front/label`.',
        pattern='([A-Za-z][A-Za-z0-9_]*)?',
        form="names of letters, digits and `_`, or one name that is ''",
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
        'max_batch',
        int,
        'Frames, of as many cameras, that go through the network together at most; 0: one of each '
        'camera. TensorRT builds its engine for so many.',
        low=0,
        high=64,
    ),
    Rule(
        'cpu_affinity',
        str,
        'CPUs for the threads that carry frames and for those of the runtime; empty: all.',
        pattern=r'(\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*)?',
        form='a list of CPUs such as 0-3,6',
    ),
    Rule(
        'scheduling',
        str,
        "Of the same threads: the system's usual, or real-time, which needs the right to it.",
        choices=('other', 'fifo', 'rr'),
    ),
    Rule('priority', int, 'Of the same threads where they are real-time.', low=1, high=99),
    Rule(
        'nice',
        int,
        'Of the same threads where they are not real-time: a smaller one gets more of the CPU; '
        'below 0 needs the right to it.',
        low=-20,
        high=19,
    ),
    Rule(
        'transport',
        str,
        'Subscribe to sensor_msgs/Image on `image` (raw), to sensor_msgs/CompressedImage on '
        '`<image>/compressed`, or to the one that is published, rather to raw (auto).',
        choices=('auto', 'raw', 'compressed'),
        per_camera=True,
    ),
    Rule(
        'output_size',
        str,
        "Size of all output images: the camera's, that at which the network labels (cheaper), or a "
        'size that the whole camera image is scaled to.',
        choices=('camera', 'network'),
        pattern=r'[1-9]\d{0,3}x[1-9]\d{0,3}',
        form='<width>x<height> in pixels',
        per_camera=True,
    ),
    Rule(
        'geometry',
        str,
        "How the image fills the network's input: stretched, whole with bars beside it "
        '(letterbox), or its largest centred part of the same aspect (crop). Pixels that the '
        'network did not see are unlabelled.',
        choices=GEOMETRIES,
        per_camera=True,
    ),
    Rule(
        'region',
        list[int],
        'x, y, width and height of the part of the image that the network sees, in pixels; zeros: '
        'the whole image.',
        low=0,
        high=8192,
        count=4,
        per_camera=True,
    ),
    Rule(
        'ego_mask',
        str,
        'Path of a grey image, not black where the camera sees its own vehicle: such pixels are '
        'unlabelled, neither drivable nor obstacle. Any size; empty: none.',
        per_camera=True,
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
        'max_age',
        float,
        "Seconds. A frame whose stamp is further than this from the node's clock when its turn "
        'comes, or when its masks are to be published, is dropped as stale; 0: never.',
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

RULES = {rule.name: rule for rule in (*_TABLE, *GROUND_RULES)}


def read_defaults() -> dict[str, Value]:
    """Return the shipped default of every parameter."""
    text = config_file(DEFAULTS_FILE).read_text(encoding='utf-8')
    values = yaml.safe_load(text)['/**']['ros__parameters']
    return {name: rule.check(values[name]) for name, rule in RULES.items()}
