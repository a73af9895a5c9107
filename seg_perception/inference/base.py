"""The contract of a runner: one object that runs one model file in one runtime."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from seg_perception.core.contract import ModelContract
from seg_perception.core.finish import Finisher
from seg_perception.core.segmenter import Prediction

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

Image = npt.NDArray[np.uint8]

Progress = Callable[[float, str], None]
"""Called with the share that is done, 0 to 1 and never falling, and what is being done."""

# What the finish is called where it is part of the graph: label and confidence, and 1 for images
# whose logits are numbers.
LABEL, CONFIDENCE, FINITE = 'label', 'confidence', 'finite'

# Differences of logits must not overflow in float32 while they are interpolated.
LARGEST_LOGIT = 1e30


class ModelError(ValueError):
    """A model file is missing, damaged or not the one that is wanted."""


class RunnerError(RuntimeError):
    """A runner was used wrongly, its runtime failed, or it made nothing that can be trusted."""


@dataclass(frozen=True)
class Status:
    """What a runner is up to.

    :ivar serving: the runtime that frames go through; empty while the runner is not active.
    :ivar preparing: the runtime that is to take over; empty if none.
    :ivar doing: what is being done for that: building, loading or checking.
    :ivar share: how much of it is done, 0 to 1; None where that is not known.
    :ivar passed_over: runtimes that were to be preferred and why they are not used.
    :ivar fault: why a runtime that this machine has is not used; empty if there is no such.
    :ivar agreement: share of the pixels of the check that the runtime in service labelled as the
        one before it; None if it did not have to be checked.
    """

    serving: str = ''
    preparing: str = ''
    doing: str = ''
    share: float | None = None
    passed_over: Mapping[str, str] = field(default_factory=dict)
    fault: str = ''
    agreement: float | None = None

    def __str__(self) -> str:
        text = f'serving: {self.serving or "nothing"}'
        if self.preparing:
            share = '' if self.share is None else f' {100 * self.share:.0f} %'
            text += f'; {self.doing} {self.preparing}{share}'
        return text


class Runner(ABC):
    """Runs a contract model. Building one costs nothing; `activate` loads, `deactivate` frees.

    A runner serves one thread at a time and can be activated again. As a context manager it is
    active inside the `with` block. A runtime overrides `_load`, `_predict`, `_logits` and `_free`.

    :param threads: CPU threads for one inference; 0 takes one for each core.
    """

    name: str
    """Of the runtime; a runner that chooses among several has it when it is active."""

    passed_over: Mapping[str, str] = MappingProxyType({})
    """Runtimes that were to be preferred and why they were not, from the last `activate`."""

    def __init__(self, path: str | Path, *, threads: int = 0) -> None:
        if threads < 0:
            raise ValueError(f'threads: expected 0 (one for each core) or more, got {threads}')
        self.path = Path(path)
        self.threads = threads
        self._contract: ModelContract | None = None

    @classmethod  # noqa: B027  (many runtimes need nothing)
    def check_machine(cls) -> None:
        """Check that this machine has what the runtime needs, before a model is looked at.

        :raises RunnerError: naming what is missing.
        """

    @property
    def active(self) -> bool:
        """Whether the model is loaded."""
        return self._contract is not None

    @property
    def status(self) -> Status:
        """What the runner is up to; may be asked from any thread."""
        return Status(self.name if self.active else '', passed_over=self.passed_over)

    @property
    def contract(self) -> ModelContract:
        """What the model says of itself.

        :raises RunnerError: when the runner is not active.
        """
        if self._contract is None:
            raise RunnerError(
                f'{self.name} runner of {self.path}: expected an active one, got an inactive one; '
                'call activate() first or use it in a `with` block'
            )
        return self._contract

    def activate(self) -> None:
        """Load the model; nothing happens when it is loaded already.

        :raises ModelError: when the file is missing, damaged or breaks the model contract.
        :raises RunnerError: when the runtime cannot run it.
        """
        if not self.active:
            self._contract = self._load()

    def deactivate(self) -> None:
        """Free what `activate` took; nothing happens when the runner is not active."""
        if self.active:
            self._contract = None
            self._free()

    def __enter__(self) -> Self:
        self.activate()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.deactivate()

    def infer(self, images: Image, *, want_confidence: bool = True) -> Prediction:
        """Segment a batch.

        :param images: uint8 [N, H, W, 3], RGB, contiguous, at the model's size.
        :raises RunnerError: when inactive, when `images` are not such, when the runtime fails or
            when the model's numbers are not finite.
        """
        self._check(images)
        return self._predict(images, want_confidence)

    def logits(self, images: Image) -> npt.NDArray[np.float32]:
        """Return the logits of a batch, [N, C, h, w], before the finish; the caller's own memory.

        For what averages logits before it labels. A camera's frames take `infer`.

        :raises RunnerError: as `infer`.
        """
        self._check(images)
        logits = self._logits(images)
        check_logits(self.contract, logits)
        return np.asarray(logits, np.float32)

    def _check(self, images: object) -> None:
        contract = self.contract
        sides = [contract.height, contract.width, 3]
        if isinstance(images, np.ndarray) and images.dtype == np.uint8 and images.ndim == 4:
            count, *rest = images.shape
            right_count = count > 0 if contract.batch is None else count == contract.batch
            if right_count and rest == sides and images.flags.c_contiguous:
                return
        expected = ', '.join(map(str, [contract.batch or 'N', *sides]))
        raise RunnerError(
            f'{self.name} runner of {self.path}: expected images as contiguous uint8 '
            f'[{expected}] RGB, got {_describe(images)}; '
            "resize them to the model's size and stack them"
        )

    @abstractmethod
    def _load(self) -> ModelContract:
        """Take all that inference needs; take nothing when it fails."""

    @abstractmethod
    def _predict(self, images: Image, want_confidence: bool) -> Prediction:
        """Segment images that were checked."""

    @abstractmethod
    def _logits(self, images: Image) -> npt.NDArray[Any]:
        """Return the logits, [N, C, h, w], of images that were checked."""

    @abstractmethod
    def _free(self) -> None:
        """Give back what `_load` took."""


class HostFinish:
    """The finish on the CPU, for runtimes that return logits."""

    def __init__(self, contract: ModelContract) -> None:
        self._contract = contract
        self._finisher = Finisher(
            len(contract.labels), contract.logits_size, contract.label_size, contract.align_corners
        )

    def __call__(
        self, logits: npt.NDArray[Any], want_confidence: bool
    ) -> tuple[Image, Image | None]:
        """Finish float logits [N, C, h, w] into label and confidence, uint8 [N, H, W].

        :raises RunnerError: as `check_logits`.
        """
        check_logits(self._contract, logits)
        finished = [self._finisher(image, want_confidence) for image in logits]
        label = np.stack([label for label, _ in finished])
        confidence = [confidence for _, confidence in finished if confidence is not None]
        return label, np.stack(confidence) if confidence else None


def check_logits(contract: ModelContract, logits: npt.NDArray[Any]) -> None:
    """Check logits [N, C, h, w] that a model made.

    :raises RunnerError: when one is not finite or too large to be interpolated, or their shape is
        not as the file declares.
    """
    width, height = contract.logits_size
    shape = (len(contract.labels), height, width)
    if logits.shape[1:] != shape:
        raise RunnerError(
            f'logits: expected images of {list(shape)} as the model file declares, got '
            f'{list(logits.shape[1:])}; export the model again'
        )
    if not float(np.abs(logits).max()) <= LARGEST_LOGIT:  # so that NaN is refused, too
        refuse_numbers()


def refuse_numbers() -> NoReturn:
    """Refuse a frame whose logits are not finite or too large.

    :raises RunnerError: always.
    """
    raise RunnerError(
        f'logits: expected finite numbers within {LARGEST_LOGIT:g}, got others; the frame is '
        'refused: check the model (`python3 -m seg_perception model evaluate`) or export '
        'it again'
    )


def _describe(images: object) -> str:
    if not isinstance(images, np.ndarray):
        return type(images).__name__
    layout = '' if images.flags.c_contiguous else 'non-contiguous '
    return f'{layout}{images.dtype} {list(images.shape)}'
