"""What every runner must keep: a runtime's own test file inherits this and makes its runner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from seg_perception.core.contract import ModelContract
from seg_perception.core.finish import finish_reference
from seg_perception.inference.base import ModelError, Runner, RunnerError
from test.tiny_model import tiny_contract, tiny_logits, write_tiny_model


def pictures(contract: ModelContract, count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Patches of colours, half of them the classes' own, RGB [N, H, W, 3]."""
    generator = np.random.default_rng(seed)
    shape = (count, -(-contract.height // 16), -(-contract.width // 16))
    colors = np.array([label.color for label in contract.labels], np.uint8)
    own = colors[generator.integers(0, len(colors), shape)]
    other = generator.integers(0, 256, (*shape, 3), np.uint8)
    patches = np.where(generator.random((*shape, 1)) < 0.5, own, other)
    wide = patches.repeat(16, axis=1).repeat(16, axis=2)
    return np.ascontiguousarray(wide[:, : contract.height, : contract.width])


class RunnerContract(ABC):
    """Tests of a runner; their models are made as they run."""

    @abstractmethod
    def make_runner(self, path: Path) -> Runner:
        """Return a runner of the runtime that is tested, not yet active."""

    @pytest.mark.parametrize('align_corners', [False, True])
    @pytest.mark.parametrize('stride', [1, 8])
    @pytest.mark.parametrize('sharpness', [0.02, 0.0005])
    def test_results_are_the_reference_finish_of_the_logits(
        self, tmp_path: Path, stride: int, align_corners: bool, sharpness: float
    ) -> None:
        contract = tiny_contract(stride=stride, align_corners=align_corners)
        path = write_tiny_model(tmp_path / 'model.onnx', contract, sharpness=sharpness)
        images = pictures(contract, 2)
        with self.make_runner(path) as runner:
            result = runner.infer(images)
        assert result.confidence is not None
        assert result.label.dtype == result.confidence.dtype == np.uint8
        assert result.label.shape == result.confidence.shape == (2, 64, 128)
        for number, logits in enumerate(tiny_logits(contract, images, sharpness)):
            label, confidence = finish_reference(logits, contract.size, align_corners)
            assert len(np.unique(label)) > 5
            assert (result.label[number] == label).mean() >= 0.9999
            distance = np.abs(result.confidence[number].astype(int) - confidence)
            assert distance.max() <= 1

    @pytest.mark.parametrize('label_stride', [2, 4])
    def test_labels_are_as_coarse_as_the_file_says(self, tmp_path: Path, label_stride: int) -> None:
        contract = tiny_contract(label_stride=label_stride)
        path = write_tiny_model(tmp_path / 'model.onnx', contract)
        images = pictures(contract, 1)
        with self.make_runner(path) as runner:
            result = runner.infer(images)
        size = 128 // label_stride, 64 // label_stride
        label, confidence = finish_reference(tiny_logits(contract, images)[0], size, False)
        assert result.confidence is not None
        assert result.label.shape == (1, *label.shape)
        assert (result.label[0] == label).mean() >= 0.999
        assert np.abs(result.confidence[0].astype(int) - confidence).max() <= 1

    def test_a_batch_is_its_images_one_by_one(self, tmp_path: Path) -> None:
        path = write_tiny_model(tmp_path / 'model.onnx', sharpness=0.0005)
        images = pictures(tiny_contract(), 3)
        with self.make_runner(path) as runner:
            together = runner.infer(images)
            for number in range(3):
                alone = runner.infer(images[number : number + 1])
                assert together.confidence is not None
                assert alone.confidence is not None
                np.testing.assert_array_equal(together.label[number], alone.label[0])
                np.testing.assert_array_equal(together.confidence[number], alone.confidence[0])

    def test_results_outlive_the_next_call(self, tmp_path: Path) -> None:
        path = write_tiny_model(tmp_path / 'model.onnx')
        with self.make_runner(path) as runner:
            first = runner.infer(pictures(tiny_contract(), 1, seed=1))
            kept = first.label.copy()
            second = runner.infer(pictures(tiny_contract(), 1, seed=2))
        assert (second.label != kept).any()
        np.testing.assert_array_equal(first.label, kept)

    def test_confidence_only_when_wanted(self, tmp_path: Path) -> None:
        path = write_tiny_model(tmp_path / 'model.onnx')
        images = pictures(tiny_contract(), 1)
        with self.make_runner(path) as runner:
            result = runner.infer(images, want_confidence=False)
            assert result.confidence is None
            np.testing.assert_array_equal(result.label, runner.infer(images).label)

    @pytest.mark.parametrize('stride', [1, 8])
    def test_logits_are_the_models_own(self, tmp_path: Path, stride: int) -> None:
        contract = tiny_contract(stride=stride)
        images = pictures(contract, 2)
        path = write_tiny_model(tmp_path / 'model.onnx', contract)
        with self.make_runner(path) as runner:
            logits = runner.logits(images)
            kept = logits.copy()
            runner.logits(pictures(contract, 2, seed=1))
        assert logits.dtype == np.float32
        assert logits.shape == (2, 19, 64 // stride, 128 // stride)
        np.testing.assert_allclose(logits, tiny_logits(contract, images), rtol=1e-4, atol=0.01)
        np.testing.assert_array_equal(logits, kept)

    def test_times_are_told(self, tmp_path: Path) -> None:
        with self.make_runner(write_tiny_model(tmp_path / 'model.onnx')) as runner:
            result = runner.infer(pictures(tiny_contract(), 1))
        assert result.infer_ms > 0
        assert result.finish_ms >= 0

    def test_building_costs_nothing(self, tmp_path: Path) -> None:
        runner = self.make_runner(tmp_path / 'no_such.onnx')
        runner.deactivate()
        assert not runner.active

    def test_an_inactive_runner_says_so(self, tmp_path: Path) -> None:
        runner = self.make_runner(write_tiny_model(tmp_path / 'model.onnx'))
        images = pictures(tiny_contract(), 1)
        with pytest.raises(RunnerError, match=r'expected an active one.* call activate\(\) first'):
            runner.infer(images)
        with pytest.raises(RunnerError, match='expected an active one'):
            _ = runner.contract
        with runner:
            assert runner.contract == tiny_contract()
            runner.infer(images)
        assert not runner.active
        for call in (runner.infer, runner.logits):
            with pytest.raises(RunnerError, match='expected an active one'):
                call(images)

    def test_activated_twice_and_again(self, tmp_path: Path) -> None:
        runner = self.make_runner(write_tiny_model(tmp_path / 'model.onnx'))
        images = pictures(tiny_contract(), 1)
        runner.activate()
        label = runner.infer(images).label
        runner.activate()
        np.testing.assert_array_equal(runner.infer(images).label, label)
        runner.deactivate()
        runner.deactivate()
        runner.activate()
        np.testing.assert_array_equal(runner.infer(images).label, label)
        runner.deactivate()

    def test_a_failed_activation_can_be_tried_again(self, tmp_path: Path) -> None:
        path = tmp_path / 'model.onnx'
        runner = self.make_runner(path)
        with pytest.raises(ModelError, match='expected an ONNX file, got nothing'):
            runner.activate()
        assert not runner.active
        write_tiny_model(path)
        runner.activate()
        assert runner.contract == tiny_contract()
        runner.deactivate()

    @pytest.mark.parametrize(
        'images',
        [
            np.zeros((1, 64, 127, 3), np.uint8),
            np.zeros((1, 128, 64, 3), np.uint8),
            np.zeros((1, 3, 64, 128), np.uint8),
            np.zeros((64, 128, 3), np.uint8),
            np.zeros((0, 64, 128, 3), np.uint8),
            np.zeros((1, 64, 128, 4), np.uint8),
            np.zeros((1, 64, 128, 3), np.float32),
            np.zeros((1, 64, 256, 3), np.uint8)[:, :, ::2],
            [[0]],
            None,
        ],
        ids=lambda images: f'{getattr(images, "shape", images)}',
    )
    def test_other_images_are_refused(self, tmp_path: Path, images: Any) -> None:
        path = write_tiny_model(tmp_path / 'model.onnx')
        sentence = r'expected images as contiguous uint8 \[N, 64, 128, 3\] RGB, got .*; resize'
        with self.make_runner(path) as runner:
            for call in (runner.infer, runner.logits):
                with pytest.raises(RunnerError, match=sentence):
                    call(images)
            runner.infer(pictures(tiny_contract(), 1))

    def test_a_fixed_batch_is_kept(self, tmp_path: Path) -> None:
        contract = tiny_contract(batch=2)
        path = write_tiny_model(tmp_path / 'model.onnx', contract)
        with self.make_runner(path) as runner:
            assert runner.contract.batch == 2
            assert runner.infer(pictures(contract, 2)).label.shape == (2, 64, 128)
            with pytest.raises(RunnerError, match=r'expected images as contiguous uint8 \[2, 64'):
                runner.infer(pictures(contract, 3))

    @pytest.mark.parametrize('number', [float('nan'), float('inf'), float('-inf')])
    def test_results_that_are_not_numbers_are_refused(self, tmp_path: Path, number: float) -> None:
        path = write_tiny_model(tmp_path / 'model.onnx', offset=number)
        with self.make_runner(path) as runner:
            for want_confidence in (True, False):
                with pytest.raises(RunnerError, match='expected finite numbers within'):
                    runner.infer(pictures(tiny_contract(), 1), want_confidence=want_confidence)
            with pytest.raises(RunnerError, match='expected finite numbers within'):
                runner.logits(pictures(tiny_contract(), 1))

    @pytest.mark.parametrize(
        ('breach', 'sentence'),
        [
            ({'input_name': 'input'}, 'input: expected one uint8 `image`'),
            ({'output_name': 'output'}, 'output: expected one float `logits`'),
            ({'extra_output': True}, r'output: .* got float32 `logits` .*, float32 `cells`'),
            ({'classes': 18}, r'output: .* \(19 labels, stride 8\), got .* \[N, 18, 8, 16\]'),
            ({'input_type': 1}, r'input: .* got float32 `image` \[N, 64, 128, 3\]; .*model import'),
            ({'input_type': 1, 'channels_first': True}, r'got float32 `image` \[N, 3, 64, 128\]'),
            ({'metadata': {'contract_version': None}}, 'metadata contract_version: .* got none'),
            ({'metadata': {'contract_version': '2'}}, "expected 1, got '2'"),
            ({'metadata': {'labels': '[]'}}, 'metadata labels: .* got 0 labels'),
            ({'metadata': {'stride': '4'}}, 'output: .* stride 4'),
            ({'metadata': {'align_corners': None}}, 'metadata align_corners: .* got none'),
        ],
        ids=str,
    )
    def test_a_model_that_breaks_the_contract_is_refused(
        self, tmp_path: Path, breach: dict[str, Any], sentence: str
    ) -> None:
        path = write_tiny_model(tmp_path / 'model.onnx', **breach)
        runner = self.make_runner(path)
        with pytest.raises(
            ModelError, match=f'model.onnx: breaks the model contract: .*{sentence}'
        ):
            runner.activate()
        assert not runner.active

    def test_a_damaged_file_is_refused(self, tmp_path: Path) -> None:
        path = write_tiny_model(tmp_path / 'model.onnx')
        content = path.read_bytes()
        for damaged in (b'', b'not a model', content[: len(content) // 2], content[::-1]):
            path.write_bytes(damaged)
            with pytest.raises(ModelError, match=r'model.onnx: .*') as caught:
                self.make_runner(path).activate()
            assert '\n' not in str(caught.value)

    def test_a_folder_is_no_model(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match='expected an ONNX file, got a folder'):
            self.make_runner(tmp_path).activate()
