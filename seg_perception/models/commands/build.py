"""`model build`: the engine of a model, ahead of time."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from seg_perception.inference.choice import ENGINE_BACKENDS, read_contract
from seg_perception.inference.engine_cache import EngineCache, EngineSettings
from seg_perception.models.commands.shared import PROGRAM, Commands, add_command, add_engine_cache
from seg_perception.resources import bundled_model

_TF32 = 'tf32'


def add(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        commands,
        'build',
        'build the TensorRT engine of a model ahead of time and keep it where the node looks',
        'MODEL.onnx --backend tensorrt_rtx --compute-capability SM86',
    )
    add = parser.add_argument
    add(
        'model',
        type=Path,
        nargs='?',
        metavar='MODEL.onnx',
        help='a contract file (the bundled model)',
    )
    add('--backend', choices=ENGINE_BACKENDS, default=ENGINE_BACKENDS[0], help='(tensorrt)')
    add(
        '--precision',
        choices=('fp32', _TF32, 'fp16', 'int8'),
        help="default: the model file's; all but tf32 (FP32 multiplied with less digits, as the "
        'node with `precision: tf32`) only check it: `model quantize` makes files of other ones',
    )
    add(
        '--compute-capability',
        nargs='+',
        default=[],
        metavar='SMxx',
        help='of other GPUs, such as SM86 or 8.6, an engine for each; with tensorrt_rtx only',
    )
    add_engine_cache(parser)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    model = options.model or bundled_model()
    contract = read_contract(model)
    tf32 = options.precision == _TF32
    precision = 'fp32' if tf32 else options.precision or contract.precision
    if contract.precision != precision:
        made = 'give its original' if precision == 'fp32' else f'`{PROGRAM} quantize` makes one'
        raise ValueError(
            f'{model}: expected a model in {precision}, got one in {contract.precision}; {made}'
        )
    targets = _compute_capabilities(options.compute_capability)
    settings = EngineSettings(options.cache_dir, options.limit_mib, tf32)
    try:
        for target in targets or [()]:
            _build(model, options.backend, settings, target)
    except KeyboardInterrupt:
        print('stopped; nothing of the engine is kept', file=sys.stderr)
        return 130
    return 0


def _build(model: Path, backend: str, settings: EngineSettings, target: tuple[str, ...]) -> None:
    from seg_perception.inference.tensorrt.cached import CachedEngines, engine_key
    from seg_perception.inference.tensorrt.options import BuildOptions

    cache = EngineCache(settings)
    wanted = BuildOptions(tf32=settings.tf32, compute_capabilities=target)
    _, key = engine_key(model, read_contract(model), wanted, backend)
    with tqdm(total=100, unit='%', desc=f'{backend} {key.compute_capability}', leave=False) as bar:

        def progress(share: float, phase: str) -> None:
            bar.update(int(100 * share) - bar.n)
            bar.set_postfix_str(phase)

        plan = CachedEngines(cache, progress=progress)(model, wanted, backend)
    entry = cache.locate(key)
    if entry is None:
        raise OSError(f'{cache.folder}: the engine was built but cannot be kept; see above')
    how = 'was there already' if plan.kept else f'built in {entry.about["build_seconds"]} s'
    print(f'{entry.file}\n{entry.size / 1e6:.1f} MB, {how}')


def _compute_capabilities(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """Return each as TensorRT's options have it: SM86 and 8.6 are 8.6."""
    found: list[tuple[str, ...]] = []
    for text in texts:
        match = re.fullmatch(r'(?:sm_?)?(\d{1,2})\.?(\d)', text, re.IGNORECASE)
        if match is None:
            raise ValueError(f'--compute-capability: expected such as SM86 or 8.6, got {text!r}')
        found.append((f'{match[1]}.{match[2]}',))
    return found
