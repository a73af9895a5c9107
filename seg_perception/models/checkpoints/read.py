"""Reads checkpoints without running what is in them.

A `.pth` file is a pickle, and a pickle may run any program when it is read. Here torch's
restricted reader takes tensors and plain values; the few other things that published files hold in
their metadata are read into stand-ins that keep nothing. Whatever else a file asks for is refused
before any of it runs. `.safetensors` files hold no programs at all.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

_WRAPPERS = ('state_dict', 'network', 'model_state_dict', 'model')
"""Keys under which files keep their tensors, beside other things."""

_PREFIXES = ('module.', 'model.')
"""What wrappers of a network (DataParallel, Lightning) put before every name."""

_TYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32)

_ZIP, _PICKLE, _TAR = b'PK\x03\x04', b'\x80', b'ustar'
_MAX_HEADER = 100 << 20


class CheckpointError(ValueError):
    """A checkpoint cannot be read or is not what it was taken for; the message says what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds: `tensors` by name (wrappers' prefixes taken off) and its metadata."""

    path: Path
    tensors: Mapping[str, Tensor]
    meta: Mapping[str, Any]


class _StandIn:
    """Takes the place of an object in a checkpoint's metadata; keeps and does nothing."""

    def __init__(self, *_arguments: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass


_STAND_INS = (
    # Numbers and arrays of numpy: learning rates, random states, the history of the loss.
    *(
        f'numpy.{module}.multiarray.{name}'
        for module in ('core', '_core')
        for name in ('scalar', '_reconstruct')
    ),
    'numpy.ndarray',
    'numpy.dtype',
    *(f'numpy.dtypes.{name}DType' for name in ('Float32', 'Float64', 'Int32', 'Int64', 'UInt32')),
    # OpenMMLab's engine: the history of the loss; its methods are asked for by `getattr`.
    'mmengine.logging.history_buffer.HistoryBuffer',
    'builtins.getattr',
)


def read_checkpoint(path: Path, *, trust: bool = False) -> Checkpoint:
    """Read a `.pth`/`.pt` file (both forms of torch) or a `.safetensors` file.

    :param trust: read a pickle with everything it asks for. That runs the file's programs with
        the user's rights: only for files of known origin.
    :raises CheckpointError: when the file is none of these, is damaged, claims more than it holds,
        has no tensors, or asks for more than tensors and plain values.
    :raises OSError: when the file cannot be read.
    """
    if path.is_dir():
        raise CheckpointError(f'{path} is a folder; expected a checkpoint file')
    with path.open('rb') as file:
        head = file.read(512)
    if not head:
        raise CheckpointError(f'{path} is empty; fetch it again')
    if head.startswith(_ZIP):
        _check_zip(path)
        state: object = _load(path, trust=trust, memory_mapped=True)
    elif head.startswith(_PICKLE):
        state = _load(path, trust=trust, memory_mapped=False)
    elif head[8:9] == b'{' and int.from_bytes(head[:8], 'little') <= _MAX_HEADER:
        return _read_safetensors(path)
    else:
        kind = 'a tar archive of torch before 0.2' if head[257:262] == _TAR else 'none of them'
        raise CheckpointError(
            f'{path}: expected a checkpoint of torch (.pth, .pt) or .safetensors; by its first '
            f'bytes {head[:8]!r} it is {kind}'
        )
    return _checkpoint(path, state)


def _check_zip(path: Path) -> None:
    """Refuse an archive that is cut short or would unpack to more than the file holds."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise CheckpointError(
            f'{path} is damaged or cut short ({size} bytes): {error}; fetch it again'
        ) from error
    packed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    total = sum(entry.file_size for entry in entries)
    if packed or total > size:
        what = f'{packed[0]} is compressed' if packed else f'its parts claim {total} bytes'
        raise CheckpointError(
            f'{path}: {what}, the file has {size}; torch stores tensors as they are, so this is '
            'no checkpoint of torch, or one made to fill the memory'
        )


def _load(path: Path, *, trust: bool, memory_mapped: bool) -> object:
    allowed: list[tuple[Callable[..., Any], str]] = [(_StandIn, name) for name in _STAND_INS]
    try:
        with torch.serialization.safe_globals(allowed), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            # Mapped, a tensor is a view of the file: one that claims to be larger than the file
            # cannot reach beyond it.
            return torch.load(path, map_location='cpu', weights_only=not trust, mmap=memory_mapped)
    except Exception as error:
        text = str(error).strip() or 'the file ends too early'
        asked = re.search(r'GLOBAL ([^\s]+)', text)
        if asked is None or trust:
            # What torch says before this is advice to switch the protection off.
            reason = text.split('WeightsUnpickler error: ')[-1].strip().split('\n')[0]
            raise CheckpointError(
                f'{path} cannot be read: {type(error).__name__}: {reason}; fetch it again, and '
                'compare its hash with the published one'
            ) from error
        raise CheckpointError(
            f'{path} is refused: to be read in full it asks for `{asked[1]}`, which is neither a '
            'tensor nor a plain value; a checkpoint can run any program that way, and nothing of '
            'it was run. If you know who made the file and trust them with your account, '
            'add --trust; else ask them for .safetensors'
        ) from error


def _read_safetensors(path: Path) -> Checkpoint:
    try:
        with safetensors.safe_open(path, framework='pt') as file:
            meta = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f'{path} is damaged: {error}; fetch it again') from error
    return _checkpoint(path, {'state_dict': tensors, 'meta': meta})


def _checkpoint(path: Path, state: object) -> Checkpoint:
    if not isinstance(state, Mapping):
        raise CheckpointError(
            f'{path}: expected tensors by name, got {type(state).__name__}; save '
            '`network.state_dict()` rather than the network'
        )
    found = next((state[key] for key in _WRAPPERS if isinstance(state.get(key), Mapping)), state)
    rest = {} if found is state else {k: v for k, v in state.items() if v is not found}
    inner = rest.pop('meta', None)
    meta = {**rest, **inner} if isinstance(inner, Mapping) else rest
    tensors = {str(name): value for name, value in found.items()}
    if not tensors:
        raise CheckpointError(f'{path} holds no tensors')
    wrong = [f'{k} ({type(v).__name__})' for k, v in tensors.items() if not isinstance(v, Tensor)]
    if wrong:
        keys = ', '.join(_WRAPPERS)
        raise CheckpointError(
            f'{path}: expected tensors by name, at the top or under one of {keys}; '
            f'found {listed(wrong)}'
        )
    for name, tensor in tensors.items():
        _check_tensor(path, name, tensor)
    return Checkpoint(path, _without_prefixes(tensors), {str(k): v for k, v in meta.items()})


def _check_tensor(path: Path, name: str, tensor: Tensor) -> None:
    shape = tuple(tensor.shape)
    if tensor.layout != torch.strided or tensor.device.type != 'cpu' or tensor.dtype not in _TYPES:
        raise CheckpointError(
            f'{path}: {name}: expected plain numbers, got {tensor.dtype} {tensor.layout} '
            f'on {tensor.device}'
        )
    held = tensor.untyped_storage().nbytes()
    if tensor.numel() * tensor.element_size() > held:
        raise CheckpointError(f'{path}: {name} claims the shape {shape} but holds {held} bytes')


def _without_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            return _without_prefixes(
                {name.removeprefix(prefix): value for name, value in tensors.items()}
            )
    return tensors


def listed(names: list[str]) -> str:
    """Return the first ten of some names and how many there are, for a message."""
    more = f', … ({len(names)} in all)' if len(names) > 10 else ''
    return ', '.join(names[:10]) + more
