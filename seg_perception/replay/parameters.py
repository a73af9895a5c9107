"""The node's parameters that say what is made of an image, without the node.

Their meanings and defaults are in `config/segmentation.param.yaml` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from seg_perception.core.contract import ModelContract
from seg_perception.core.ground.health import HealthLimits, HealthMonitor
from seg_perception.core.labels import LabelSet
from seg_perception.core.products import Products
from seg_perception.core.view import OutputSize, View
from seg_perception.inference.base import Runner
from seg_perception.inference.choice import create_runner
from seg_perception.inference.engine_cache import EngineSettings
from seg_perception.resources import bundled_model, config_file

_DEFAULTS = 'segmentation.param.yaml'
_NODES = ('*', '**', 'segmentation', 'segmentation_node')

NAMES = (
    'model',
    'label_set',
    'backend',
    'precision',
    'engine_cache_dir',
    'engine_cache_mib',
    'threads',
    'output_size',
    'geometry',
    'region',
    'ego_mask',
    'drivable_min_confidence',
    'label_min_confidence',
    'overlay_alpha',
    'jpeg_quality',
    'min_confidence',
    'max_unlabelled',
    'max_change',
    'brightness_range',
    'min_contrast',
    'frozen_after',
    'good_frames',
)
"""The parameters that are used here; the node's others have no meaning without a graph."""


class ParameterError(ValueError):
    """A parameter or a file of parameters is not as the node takes it."""


@dataclass(frozen=True)
class Parameters:
    """The values of all of `NAMES`, with what single cameras have of their own."""

    values: Mapping[str, Any]
    cameras: Mapping[str, Mapping[str, Any]]

    def of(self, camera: str) -> Mapping[str, Any]:
        """Return the values for a camera."""
        return {**self.values, **self.cameras.get(camera, {})}

    @property
    def model(self) -> Path:
        """The model file."""
        name = self.values['model']
        return Path(name).expanduser() if name else bundled_model()

    def runner(self) -> Runner:
        """Return the runner, not yet active.

        :raises RunnerError, ValueError: when there is none such.
        """
        folder = self.values['engine_cache_dir']
        return create_runner(
            self.values['backend'],
            self.model,
            threads=self.values['threads'],
            engines=EngineSettings(
                folder=Path(folder).expanduser() if folder else None,
                limit_mib=self.values['engine_cache_mib'],
                tf32=self.values['precision'] == 'tf32',
            ),
        )

    def view(self, camera: str, contract: ModelContract) -> View:
        """Return how a camera's images go into the network.

        :raises ValueError: when a value is none that it takes.
        """
        values = self.of(camera)
        x, y, width, height = values['region']
        return View(
            contract,
            geometry=values['geometry'],
            output=_output(values['output_size']),
            region=(x, y, width, height) if any(values['region']) else None,
        )

    def products(self, camera: str, labels: LabelSet) -> Products:
        """Return what makes a camera's outputs.

        :raises ValueError: when a value is none that it takes.
        """
        values = self.of(camera)
        return Products(
            labels,
            drivable_min_confidence=values['drivable_min_confidence'],
            label_min_confidence=values['label_min_confidence'],
            overlay_alpha=values['overlay_alpha'],
            ego_mask=_ego_mask(values['ego_mask']),
        )

    def health(self) -> HealthMonitor:
        """Return what judges the frames of a camera.

        :raises ValueError: when a value is none that it takes.
        """
        values = self.values
        dark, bright = values['brightness_range']
        return HealthMonitor(
            HealthLimits(
                min_confidence=values['min_confidence'],
                max_unlabelled=values['max_unlabelled'],
                max_change=values['max_change'],
                min_brightness=dark,
                max_brightness=bright,
                min_contrast=values['min_contrast'],
                frozen_after=values['frozen_after'],
                good_frames=values['good_frames'],
            )
        )


def read_parameters(file: Path | None, given: Mapping[str, str]) -> Parameters:
    """Return the parameters: the defaults, then those of the file, then those given as texts.

    :param file: a parameter file of the node, as `--params-file` takes it there.
    :raises ParameterError: when one is not of its type or the file cannot be read.
    """
    defaults = _sections(config_file(_DEFAULTS))
    values = {name: defaults[name] for name in NAMES}
    cameras: dict[str, dict[str, Any]] = {}
    for name, value in (_sections(file) if file else {}).items():
        camera, _, own = name.rpartition('.')
        if own not in NAMES:
            continue
        checked = _checked(own, value, values[own])
        if camera:
            cameras.setdefault(camera, {})[own] = checked
        else:
            values[own] = checked
    for name, text in given.items():
        value = text if isinstance(values[name], str) else yaml.safe_load(text)
        values[name] = _checked(name, value, values[name])
        for own_values in cameras.values():
            own_values.pop(name, None)
    return Parameters(values, cameras)


def _sections(file: Path) -> dict[str, Any]:
    """Return the parameters of a file for the node, those of a camera as `<camera>.<name>`."""
    try:
        loaded = yaml.safe_load(file.read_text(encoding='utf-8'))
        found: dict[str, Any] = {}
        for node, section in loaded.items():
            if str(node).rpartition('/')[2] in _NODES:
                found |= _flat(section['ros__parameters'])
    except (OSError, ValueError, yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
        raise ParameterError(
            f'{file}: expected a parameter file of the node (`/**:` with `ros__parameters:` in '
            f'it), got another: {" ".join(str(error).split())}'
        ) from error
    return found


def _flat(section: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in section.items():
        if isinstance(value, Mapping):
            flat |= {f'{name}.{key}': inner for key, inner in _flat(value).items()}
        else:
            flat[str(name)] = value
    return flat


def _checked(name: str, value: Any, default: Any) -> Any:
    """Return a value in the type that the parameter has; its range is checked where it is used."""
    if isinstance(default, list) and isinstance(value, list) and len(value) == len(default):
        return [_checked(name, *pair) for pair in zip(value, default, strict=True)]
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(default) or isinstance(default, list):
        kind = {str: 'a text', int: 'a whole number', float: 'a number'}.get(
            type(default), f'{len(default) if isinstance(default, list) else 0} numbers'
        )
        raise ParameterError(f'parameter {name}: expected {kind}, got {value!r}')
    return value


def _output(text: str) -> OutputSize:
    if text in ('camera', 'network'):
        return cast('OutputSize', text)
    width, times, height = text.partition('x')
    if not (times and width.isdigit() and height.isdigit()):
        raise ParameterError(
            f'parameter output_size: expected camera, network or <width>x<height>, got {text!r}'
        )
    return int(width), int(height)


def _ego_mask(path: str) -> npt.NDArray[np.bool_] | None:
    if not path:
        return None
    # At its own depth: 8 bits of a dark 16-bit grey would be black.
    mask = cv2.imread(str(Path(path).expanduser()), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if mask is None:
        raise ParameterError(f'parameter ego_mask: expected a grey PNG, got {path!r}')
    return np.not_equal(mask, 0)
