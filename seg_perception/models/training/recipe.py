"""The whole of a training run, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, replace

OPTIMIZERS = ('sgd', 'adamw')
COLORS = ('camera', 'distortion', 'none')


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what and how; kept in the run's checkpoints.

    :param datasets: folders in Cityscapes layout, each `DIR` or `DIR@annotation`.
    :param shares: how often a frame is drawn from each of them, relative to one another.
    :param width: and `height`: the crop, which is the network's input.
    :param iterations: steps of the optimizer.
    :param epochs: where not 0, `iterations` follow from the number of frames.
    :param batch: frames a step, of all processes together.
    :param learning_rate: falls to `lowest_rate` with (1 - progress) to the `power`.
    :param head_factor: times the learning rate, for what starts untrained.
    :param clip: largest norm of the gradient; 0 for any.
    :param auxiliary: weight of the auxiliary loss.
    :param balance: 0 weighs all pixels alike, 1 weighs all classes alike, 0.5 is between.
    :param scale: smallest and largest zoom. 1 fits the whole frame to the crop, and ratios are
        drawn evenly; with `own_pixels` 1 keeps the frame's pixels, and zooms are drawn evenly.
    :param stretch: largest change of the aspect ratio, as a factor.
    :param rotation: largest turn in degrees, of every second frame.
    :param largest_share: of a crop that one class may have; up to ten crops are tried.
    :param color: `camera` varies light, colour and sharpness, `distortion` as Liu et al. (SSD,
        arXiv:1512.02325), `none` not at all.
    :param blur: share of the frames that are blurred.
    :param pretrained: start from a backbone with ImageNet weights.
    :param backbone: a file of weights for the backbone, in place of those.
    :param freeze_early: keep the pretrained first layers (up to stride 4) as they are.
    :param amp: automatic mixed precision: float16 on CUDA, bfloat16 on a CPU.
    :raises ValueError: when a value is out of its range.
    """

    architecture: str
    datasets: tuple[str, ...]
    shares: tuple[float, ...]
    label_set: str = 'cityscapes'
    width: int = 512
    height: int = 288
    iterations: int = 90_000
    epochs: int = 0
    batch: int = 16
    optimizer: str = 'sgd'
    learning_rate: float = 0.01
    lowest_rate: float = 0.0
    power: float = 0.9
    head_factor: float = 10.0
    weight_decay: float = 1e-4
    clip: float = 10.0
    auxiliary: float = 0.4
    balance: float = 0.0
    scale: tuple[float, float] = (0.5, 2.0)
    own_pixels: bool = False
    stretch: float = 1.2
    rotation: float = 0.0
    largest_share: float = 1.0
    color: str = 'camera'
    blur: float = 0.0
    pretrained: bool = True
    backbone: str = ''
    freeze_early: bool = False
    amp: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ('width', 'height', 'iterations', 'batch'):
            self._check(name, 'at least 1', getattr(self, name) >= 1)
        for name in ('epochs', 'lowest_rate', 'power', 'weight_decay', 'clip', 'auxiliary'):
            self._check(name, 'at least 0', getattr(self, name) >= 0)
        for name in ('learning_rate', 'head_factor'):
            self._check(name, 'above 0', getattr(self, name) > 0)
        for name in ('balance', 'blur'):
            self._check(name, '0 to 1', 0 <= getattr(self, name) <= 1)
        self._check('largest_share', 'above 0, to 1', 0 < self.largest_share <= 1)
        self._check('rotation', '0 to 180', 0 <= self.rotation <= 180)
        self._check('stretch', 'at least 1', self.stretch >= 1)
        self._check('scale', 'smallest above 0, then largest', 0 < self.scale[0] <= self.scale[1])
        self._check('optimizer', ' or '.join(OPTIMIZERS), self.optimizer in OPTIMIZERS)
        self._check('color', ' or '.join(COLORS), self.color in COLORS)
        if len(self.shares) != len(self.datasets) or min(self.shares, default=0) <= 0:
            raise ValueError(
                f'--shares: expected {len(self.datasets)} positive numbers, one a dataset, '
                f'got {list(self.shares)}'
            )

    def for_frames(self, count: int) -> Recipe:
        """Return the recipe with its iterations for a dataset of `count` frames."""
        if not self.epochs:
            return self
        return replace(self, iterations=self.epochs * max(count // self.batch, 1))

    def rate(self, iteration: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        left: float = (1 - iteration / self.iterations) ** self.power
        return self.lowest_rate + (self.learning_rate - self.lowest_rate) * left

    def _check(self, name: str, expected: str, good: bool) -> None:
        if not good:
            option = name.replace('_', '-')
            raise ValueError(f'--{option}: expected {expected}, got {getattr(self, name)}')
