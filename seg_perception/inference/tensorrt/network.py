"""A contract model as a network of TensorRT, with the finish behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seg_perception.core.contract import ModelContract
from seg_perception.inference.base import RunnerError
from seg_perception.inference.tensorrt.flavour import Flavour, Log


def parse_network(
    flavour: Flavour, builder: Any, log: Log, path: Path, contract: ModelContract
) -> Any:
    """Parse a contract model with the finish appended.

    :raises ModelError: as `append_finish`.
    :raises RunnerError: when onnx is not installed or TensorRT cannot run a node; the message has
        the node's name and TensorRT's reason.
    """
    try:
        from seg_perception.inference.device_finish import append_finish
    except ImportError as error:
        raise RunnerError(
            f'{flavour.title} needs the package onnx to build an engine: {error}; '
            '`pip install onnx`'
        ) from error
    model = append_finish(path, contract)
    network = builder.create_network(network_flags(flavour.trt))
    parser = flavour.trt.OnnxParser(network, log.native)
    if not parser.parse(model.SerializeToString()):
        errors = [parser.get_error(number) for number in range(parser.num_errors)]
        told = '; '.join(_describe(error, model) for error in errors) or log.reason()
        raise RunnerError(f'{path}: {flavour.title} cannot run this model: {told}')
    return network


def network_flags(trt: Any) -> int:
    """Return the flags of a network whose types are those of the file, as far as there are such.

    EXPLICIT_BATCH was needed up to 9 and is gone since 11; STRONGLY_TYPED came with 9.1.
    """
    flags = trt.NetworkDefinitionCreationFlag
    known = (getattr(flags, name, None) for name in ('EXPLICIT_BATCH', 'STRONGLY_TYPED'))
    value = 0
    for flag in known:
        if flag is not None:
            value |= 1 << int(flag)
    return value


def allow_types(trt: Any, config: Any, network: Any) -> None:
    """Allow the types that occur in a network, where TensorRT chooses among allowed ones.

    From 9.1 on networks are typed strongly and there is nothing to allow.
    """
    if hasattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED'):
        return
    layers = [network.get_layer(number) for number in range(network.num_layers)]
    types = {
        layer.get_output(number).dtype for layer in layers for number in range(layer.num_outputs)
    }
    if trt.DataType.HALF in types:
        config.set_flag(getattr(trt.BuilderFlag, 'FP16'))  # noqa: B009  gone since 11
    if any(layer.type == trt.LayerType.DEQUANTIZE for layer in layers):
        config.set_flag(getattr(trt.BuilderFlag, 'INT8'))  # noqa: B009


def _describe(complaint: Any, model: Any) -> str:
    nodes = model.graph.node
    where = 'the graph'
    if 0 <= complaint.node() < len(nodes):
        node = nodes[complaint.node()]
        where = f'node {node.name or node.output[0]} ({node.op_type})'
    return f'{where}: {" ".join(complaint.desc().split())}'
