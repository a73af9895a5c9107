"""The finish as ONNX nodes behind the logits, so that only uint8 has to leave a GPU.

`core.finish.finish_reference` is the definition. Needed where a model is prepared for a GPU; the
only file of the room that imports onnx.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from seg_perception.core.contract import OUTPUT, ModelContract
from seg_perception.inference.base import CONFIDENCE, FINITE, LABEL, LARGEST_LOGIT, ModelError

_PREFIX = 'finish/'
_OLDEST_OPSET, _NEWEST_OPSET = 13, 24


def append_finish(path: Path, contract: ModelContract) -> Any:
    """Return the model of a contract file with three outputs more, as an `onnx.ModelProto`.

    `label` and `confidence`, uint8 [N, H, W], are the finish; `finite`, uint8 [N], is 1 for images
    whose logits are numbers that can be finished and 0 for those that must be refused. `logits`
    stays an output, in case one wants them.

    The label is a running maximum over the classes, not ArgMax: ties are told by the comparison
    itself (TensorRT says nothing of ties in its TopK), and TensorRT makes one kernel of all of it,
    from logits to uint8, that writes no plane of the full size but the result.

    :raises ModelError: when the operators of the file are of a version that cannot be extended.
    """
    model = onnx.load(str(path))
    opset = next((entry.version for entry in model.opset_import if not entry.domain), 0)
    if not _OLDEST_OPSET <= opset <= _NEWEST_OPSET:
        raise ModelError(
            f'{path}: expected ONNX operators of version {_OLDEST_OPSET} to {_NEWEST_OPSET}, got '
            f'{opset}; export or import the model again'
        )
    logits = next(output for output in model.graph.output if output.name == OUTPUT)
    count = logits.type.tensor_type.shape.dim[0]
    images = count.dim_value if count.HasField('dim_value') else count.dim_param or 'N'
    finish = _Finish(contract, opset)
    finish.write()
    model.graph.node.extend(finish.nodes)
    model.graph.initializer.extend(finish.constants)
    width, height = contract.label_size
    sides = (images, height, width)
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
        for name, shape in ((LABEL, sides), (CONFIDENCE, sides), (FINITE, (images,)))
    )
    return model


class _Finish:
    def __init__(self, contract: ModelContract, opset: int) -> None:
        self._contract = contract
        self._opset = opset
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def write(self) -> None:
        """Write the nodes of all three outputs."""
        logits = self._add('Cast', OUTPUT, to=TensorProto.FLOAT)
        self._write_label(logits)
        self._write_confidence(logits)
        self._write_finite(logits)

    def _write_label(self, logits: str) -> None:
        classes = len(self._contract.labels)
        large = self._upsampled(logits)
        planes = [f'{_PREFIX}class_{number}' for number in range(classes)]
        if classes > 1:
            self._node('Split', [large, self._integers([1] * classes)], planes, axis=1)
        else:
            self._node('Identity', [large], planes)
        best, label = planes[0], self._add('Mul', planes[0], self._number(0.0))
        for number, plane in enumerate(planes[1:], start=1):
            wins = self._add('Greater', plane, best)
            label = self._add('Where', wins, self._number(float(number)), label)
            best = self._add('Max', plane, best)
        self._bytes(self._add('Squeeze', label, self._integers([1])), LABEL)

    def _write_confidence(self, logits: str) -> None:
        largest = self._reduced('ReduceMax', self._add('Softmax', logits, axis=1), [1], keepdims=1)
        scaled = self._add('Mul', self._upsampled(largest), self._number(255.0))
        plane = self._add('Squeeze', scaled, self._integers([1]))
        self._bytes(self._add('Round', plane), CONFIDENCE)

    def _write_finite(self, logits: str) -> None:
        # NaN is not less than anything; a maximum might pass over it.
        small = self._add('Less', self._add('Abs', logits), self._number(LARGEST_LOGIT))
        flags = self._add('Cast', small, to=TensorProto.FLOAT)
        self._bytes(self._reduced('ReduceMin', flags, [1, 2, 3], keepdims=0), FINITE)

    def _upsampled(self, grid: str) -> str:
        source, target = self._contract.logits_size, self._contract.label_size
        scales = [1.0, 1.0, *(_scale(source[axis], target[axis]) for axis in (1, 0))]
        rule = 'align_corners' if self._contract.align_corners else 'half_pixel'
        return self._add(
            'Resize',
            grid,
            '',
            self._constant(np.array(scales, np.float32)),
            mode='linear',
            coordinate_transformation_mode=rule,
        )

    def _reduced(self, operator: str, tensor: str, axes: Sequence[int], *, keepdims: int) -> str:
        if self._opset < 18:
            return self._add(operator, tensor, axes=list(axes), keepdims=keepdims)
        return self._add(operator, tensor, self._integers(axes), keepdims=keepdims)

    def _bytes(self, tensor: str, output: str) -> None:
        self._node('Cast', [tensor], [output], to=TensorProto.UINT8)

    def _add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        output = f'{_PREFIX}{operator}_{len(self.nodes)}'
        self._node(operator, inputs, [output], **attributes)
        return output

    def _node(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> None:
        name = f'{_PREFIX}{operator}_{len(self.nodes)}'
        self.nodes.append(helper.make_node(operator, inputs, outputs, name, **attributes))

    def _number(self, value: float) -> str:
        return self._constant(np.array(value, np.float32))

    def _integers(self, values: Sequence[int]) -> str:
        return self._constant(np.array(values, np.int64))

    def _constant(self, value: npt.NDArray[Any]) -> str:
        name = f'{_PREFIX}constant_{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(value, name))
        return name


def _scale(source: int, target: int) -> float:
    """Return the least float32 by which a runtime gets `target` from `source`: it rounds down."""
    scale = np.float32(target / source)
    while source * float(scale) < target:
        scale = np.nextafter(scale, np.float32(np.inf))
    return float(scale)
