"""What is chosen when an engine is built. Precision is not: the model file has it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

# To be raised when `device_finish` writes other nodes, or engines with the old ones stay in use.
_FINISH = 1


@dataclass(frozen=True)
class BuildOptions:
    """How an engine is built.

    :ivar batch: images of the largest batch, where the model's is dynamic.
    :ivar tf32: whether FP32 may be multiplied with 10 bits of mantissa on GPUs that have TF32.
    :ivar workspace_mib: memory in MiB that a layer may use beside its tensors; 0 leaves it to
        TensorRT.
    :ivar dla_core: the core of a Jetson's deep learning accelerator to use; what it cannot run is
        run on the GPU.
    :ivar compute_capabilities: of the GPUs to build for, such as '8.6'; none for this machine's.
        TensorRT for RTX alone builds for others.
    :raises ValueError: when one is out of range.
    """

    batch: int = 1
    tf32: bool = False
    workspace_mib: int = 0
    dla_core: int | None = None
    compute_capabilities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f'batch: expected 1 image or more, got {self.batch}')
        if self.workspace_mib < 0:
            raise ValueError(
                f'workspace_mib: expected 0 (up to TensorRT) or more, got {self.workspace_mib}'
            )
        if self.dla_core is not None and self.dla_core < 0:
            raise ValueError(f'dla_core: expected 0 or more, got {self.dla_core}')
        for wanted in self.compute_capabilities:
            if not re.fullmatch(r'\d{1,2}\.\d', wanted):
                raise ValueError(f"compute_capabilities: expected such as '8.6', got {wanted!r}")

    def canonical(self) -> str:
        """Return JSON that is the same text for the same engine, for the key of a cache."""
        return json.dumps(
            {**asdict(self), 'finish': _FINISH}, sort_keys=True, separators=(',', ':')
        )
