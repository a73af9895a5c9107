"""Run where one version's bindings can be imported: what of our uses is there, and our branches.

Reads a JSON list of uses from the standard input, prints a JSON object.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from types import SimpleNamespace
from typing import Any


def main() -> None:
    name = sys.argv[1].removesuffix('_bindings')
    sys.modules[name] = importlib.import_module(sys.argv[1])
    from seg_perception.inference.tensorrt.flavour import load_flavour

    flavour = load_flavour(name, need_gpu=False)
    trt = flavour.trt
    missing, unfit = [], []
    for name, arguments, keywords, where in json.load(sys.stdin):
        owner: Any = trt
        try:
            for part in name.split('.'):
                owner = getattr(owner, part)
        except AttributeError:
            missing.append(name)
            continue
        if arguments is not None and not fits(owner, arguments, keywords):
            unfit.append(f'{where} {name}: {owner.__doc__}')
    print(
        json.dumps(
            {
                'version': flavour.version,
                'missing': sorted(set(missing)),
                'unfit': unfit,
                'network': network(trt),
                'types': types(trt),
                'log': log(trt),
                'progress': progress(trt),
            }
        )
    )


def fits(function: Any, arguments: int, keywords: list[str]) -> bool:
    """Tell whether a function of the bindings takes such a call: its docstring has signatures."""
    bare = getattr(function, '__init__', function) if isinstance(function, type) else function
    signatures = re.findall(r'\w+\((self: .*?|handle: .*?)\) -> ', bare.__doc__ or '')
    for signature in signatures:
        names = re.findall(r'(?:^|, )(\w+):', signature)[1:]
        needed = len(names) - len(re.findall(r' = ', signature))
        given = arguments + len(keywords)
        if needed <= given <= len(names) and set(keywords) <= set(names[arguments:]):
            return True
    return not signatures or arguments < 0  # a class of enumerators has none


def network(trt: Any) -> list[str]:
    """Return the names of the flags that a network is made with."""
    from seg_perception.inference.tensorrt.network import network_flags

    flags = network_flags(trt)
    known = trt.NetworkDefinitionCreationFlag.__members__.items()
    return [name for name, flag in known if flags >> int(flag) & 1]


def types(trt: Any) -> list[str]:
    """Return the builder flags for a network with FP16 tensors and pairs of Q and DQ."""
    from seg_perception.inference.tensorrt.network import allow_types

    kinds = [trt.LayerType.QUANTIZE, trt.LayerType.DEQUANTIZE, trt.LayerType.CONVOLUTION]
    layers = [
        SimpleNamespace(
            type=kind, num_outputs=1, get_output=lambda _: SimpleNamespace(dtype=trt.DataType.HALF)
        )
        for kind in kinds
    ]
    found: list[Any] = []
    allow_types(
        trt,
        SimpleNamespace(set_flag=found.append),
        SimpleNamespace(num_layers=len(layers), get_layer=layers.__getitem__),
    )
    return [flag.name for flag in found]


def log(trt: Any) -> str:
    """Return the reason that a log gives after messages of every severity."""
    from seg_perception.inference.tensorrt.flavour import Log

    taken = Log(trt)
    for name in ('VERBOSE', 'INFO', 'WARNING', 'ERROR', 'INTERNAL_ERROR'):
        taken.native.log(getattr(trt.ILogger, name), f'told\nas {name}')
    return taken.reason()


def progress(trt: Any) -> list[tuple[float, str]] | None:
    """Return what a monitor tells of two steps, or None where there are no monitors."""
    from seg_perception.inference.tensorrt.progress import monitor

    told: list[tuple[float, str]] = []
    native = monitor(trt, lambda share, phase: told.append((share, phase)))
    if native is None:
        return None
    native.phase_start('outer', None, 2)
    native.step_complete('outer', 0)
    native.phase_finish('outer')
    return told


if __name__ == '__main__':
    main()
