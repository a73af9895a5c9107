"""The plain path in ONNX Runtime: up-sampling and argmax as nodes of the graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from seg_perception.core.contract import INPUT, OUTPUT, ModelContract
from seg_perception.inference.base import ModelError

Image = npt.NDArray[np.uint8]

_PROVIDERS = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}


class OnnxRuntimeArgmax:
    """Labels images with a contract file and a few nodes more; a session with default options.

    :param device: `cpu` or `cuda`.
    :raises ModelError: when ONNX Runtime cannot run it there.
    """

    def __init__(self, path: Path, contract: ModelContract, *, device: str) -> None:
        provider = _PROVIDERS[device]
        if provider not in onnxruntime.get_available_providers():
            raise ModelError(f'expected an ONNX Runtime with {provider}, got one without')
        if device == 'cuda':
            onnxruntime.preload_dlls()
        model = with_argmax(onnx.load(str(path)), contract)
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=[provider]
        )
        if provider not in self._session.get_providers():
            raise ModelError(f'ONNX Runtime cannot start {provider}: CUDA or cuDNN is missing')

    def label(self, rgb: Image) -> Image:
        """Return the label, uint8 [h, w], of an RGB image, uint8 [H, W, 3] at network size."""
        label: Image = self._session.run(['label'], {INPUT: rgb[np.newaxis]})[0][0]
        return label


def with_argmax(model: onnx.ModelProto, contract: ModelContract) -> onnx.ModelProto:
    """Return a contract model that has one output, `label`, uint8 [N, h, w]."""
    graph = model.graph
    (width, height), (columns, rows) = contract.label_size, contract.logits_size
    rule = 'align_corners' if contract.align_corners else 'half_pixel'
    scales = np.array([1, 1, height / rows, width / columns], np.float32)
    graph.initializer.append(numpy_helper.from_array(scales, 'label_scales'))
    graph.node.extend(
        [
            helper.make_node(
                'Resize',
                [OUTPUT, '', 'label_scales'],
                ['large_logits'],
                mode='linear',
                coordinate_transformation_mode=rule,
            ),
            helper.make_node('ArgMax', ['large_logits'], ['label_index'], axis=1, keepdims=0),
            helper.make_node('Cast', ['label_index'], ['label'], to=TensorProto.UINT8),
        ]
    )
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info('label', TensorProto.UINT8, None))
    return model
