"""From a contract model to an engine, by one path for TensorRT 8.5 to 11 and TensorRT for RTX."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from seg_perception.core.contract import INPUT, ModelContract
from seg_perception.inference.base import Progress, RunnerError
from seg_perception.inference.onnxruntime import read_contract
from seg_perception.inference.tensorrt.flavour import TENSORRT, Flavour, Log, load_flavour
from seg_perception.inference.tensorrt.network import allow_types, parse_network
from seg_perception.inference.tensorrt.options import BuildOptions
from seg_perception.inference.tensorrt.progress import monitor

_log = logging.getLogger(__name__)


def build_engine(
    model: Path,
    options: BuildOptions | None = None,
    *,
    runtime: str = TENSORRT,
    progress: Progress | None = None,
    timing_cache: Path | None = None,
) -> bytes:
    """Build an engine of a contract model with the finish: image in, label and confidence out.

    Takes seconds to minutes. With TensorRT for RTX and `options.compute_capabilities` no GPU
    is needed.

    :param runtime: `TENSORRT` or `TENSORRT_RTX`.
    :param progress: told how far the build is, from 10 on; from any thread, must not raise.
    :param timing_cache: a file of measured kernel times that shortens later builds on the same
        machine; made if missing. TensorRT for RTX measures nothing and leaves it alone.
    :returns: the engine as TensorRT writes it.
    :raises ModelError: when the file is missing, damaged or breaks the model contract.
    :raises RunnerError: when the runtime is missing, cannot run the model or fails.
    """
    options = options or BuildOptions()
    contract = read_contract(model)
    flavour = load_flavour(runtime, need_gpu=not options.compute_capabilities)
    log = Log(flavour.trt)
    builder = flavour.trt.Builder(log.native)
    network = parse_network(flavour, builder, log, model, contract)
    config = builder.create_builder_config()
    _configure(flavour, config, network, options)
    _choose_device(flavour, builder, config, options)
    if contract.batch is None:
        _add_profile(builder, config, contract, options)
    if progress is not None and (native := monitor(flavour.trt, progress)) is not None:
        config.progress_monitor = native
    if timing_cache is not None and not flavour.is_rtx:
        _read_timings(config, timing_cache)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise RunnerError(f'{model}: {flavour.title} cannot build an engine: {log.reason()}')
    if timing_cache is not None and not flavour.is_rtx:
        _write_timings(config, timing_cache)
    return bytes(plan)


def _configure(flavour: Flavour, config: Any, network: Any, options: BuildOptions) -> None:
    trt = flavour.trt
    allow_types(trt, config, network)
    if options.tf32:
        config.set_flag(trt.BuilderFlag.TF32)
    else:
        config.clear_flag(trt.BuilderFlag.TF32)
    if options.workspace_mib:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)


def _choose_device(flavour: Flavour, builder: Any, config: Any, options: BuildOptions) -> None:
    trt = flavour.trt
    if flavour.is_rtx:
        targets = _compute_capabilities(flavour, options)
        config.num_compute_capabilities = len(targets)
        for number, target in enumerate(targets):
            config.set_compute_capability(target, number)
    elif options.compute_capabilities:
        raise RunnerError(
            'compute_capabilities: TensorRT builds for the GPU of this machine only; leave it '
            'empty, or build with TensorRT for RTX'
        )
    if options.dla_core is not None:
        if options.dla_core >= builder.num_DLA_cores:
            raise RunnerError(
                f'dla_core: expected one of the {builder.num_DLA_cores} cores that this machine '
                f'has, counted from 0, got {options.dla_core}'
            )
        config.default_device_type = trt.DeviceType.DLA
        config.DLA_core = options.dla_core
        config.set_flag(trt.BuilderFlag.GPU_FALLBACK)


def _compute_capabilities(flavour: Flavour, options: BuildOptions) -> list[Any]:
    """Return TensorRT for RTX's names of the GPUs to build for."""
    here = (flavour.gpu.compute_capability,) if flavour.gpu else ()
    known = {
        f'{name[2:-1]}.{name[-1]}': value
        for name, value in flavour.trt.ComputeCapability.__members__.items()
        if name.startswith('SM')
    }
    for wanted in options.compute_capabilities or here:
        if wanted not in known:
            raise RunnerError(
                f'{flavour.title}: expected a GPU of compute capability {", ".join(known)}, got '
                f'{wanted}; use another backend'
            )
    return [known[wanted] for wanted in options.compute_capabilities or here]


def _add_profile(builder: Any, config: Any, contract: ModelContract, options: BuildOptions) -> None:
    sides = (contract.height, contract.width, 3)
    # The accelerator takes fixed shapes only.
    least = options.batch if options.dla_core is not None else 1
    profile = builder.create_optimization_profile()
    profile.set_shape(INPUT, (least, *sides), (options.batch, *sides), (options.batch, *sides))
    config.add_optimization_profile(profile)


def _read_timings(config: Any, file: Path) -> None:
    try:
        known = file.read_bytes()
    except OSError:
        known = b''
    for content in (known, b''):
        timings = config.create_timing_cache(content)
        # Those of another GPU or version are refused.
        if timings is not None and config.set_timing_cache(timings, ignore_mismatch=False):
            return


def _write_timings(config: Any, file: Path) -> None:
    timings = config.get_timing_cache()
    if timings is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=file.name)
        with os.fdopen(handle, 'wb') as stream:
            stream.write(timings.serialize())
        Path(draft).replace(file)
    except OSError as error:
        _log.warning('%s: the times measured in this build are not kept: %s', file, error)
