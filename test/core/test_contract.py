from __future__ import annotations

import json
from dataclasses import replace

import pytest

from seg_perception.core.contract import (
    CONTRACT_VERSION,
    Accuracy,
    ContractError,
    ModelContract,
    TensorInfo,
)
from seg_perception.core.labels import Label

LABELS = (Label('road', 7, (128, 64, 128)), Label('sky', 23, (70, 130, 180)))
CONTRACT = ModelContract(
    name='tiny',
    architecture='pspnet',
    label_set='two',
    labels=LABELS,
    width=96,
    height=48,
    batch=None,
    stride=8,
    align_corners=False,
    trained_on='nothing',
    weights_license='Apache-2.0',
    data_license='none',
    source_url='https://example.org/model.pth',
    source_sha256='0123456789abcdef' * 4,
    accuracy=(Accuracy(0.75, 'val of something', 'model evaluate'),),
    date='2026-11-22',
    configuration={'dilation': 'full', 'stem': [64, 64, 128]},
    precision='int8',
    derived_from={'sha256': 'fedcba9876543210' * 4, 'miou': 0.76},
)
IMAGE = TensorInfo('image', 'uint8', ('N', 48, 96, 3))
LOGITS = TensorInfo('logits', 'float32', ('N', 2, 6, 12))


def read(
    metadata: dict[str, str] | None = None,
    inputs: tuple[TensorInfo, ...] = (IMAGE,),
    outputs: tuple[TensorInfo, ...] = (LOGITS,),
) -> ModelContract:
    entries = CONTRACT.to_metadata() if metadata is None else metadata
    return ModelContract.from_file_parts('some.onnx', entries, inputs, outputs)


def changed(**entries: str) -> dict[str, str]:
    return {**CONTRACT.to_metadata(), **entries}


def test_what_is_written_is_read() -> None:
    assert read() == CONTRACT
    assert read().size == (96, 48)
    assert read().logits_size == (12, 6)
    assert CONTRACT_VERSION == 1


@pytest.mark.parametrize('field', ['source_url', 'source_sha256'])
def test_a_model_of_no_imported_file(field: str) -> None:
    assert getattr(read(changed(**{field: ''})), field) == ''


def test_aligned_corners_and_half_floats_and_no_accuracy() -> None:
    contract = replace(CONTRACT, align_corners=True, accuracy=())
    outputs = (replace(LOGITS, dtype='float16'),)
    assert read(contract.to_metadata(), outputs=outputs) == contract


@pytest.mark.parametrize('name', ['N', '', None])
def test_a_dynamic_batch_may_have_any_name(name: str | None) -> None:
    inputs = (replace(IMAGE, shape=(name, 48, 96, 3)),)
    assert read(inputs=inputs).batch is None


def test_a_fixed_batch() -> None:
    inputs = (replace(IMAGE, shape=(4, 48, 96, 3)),)
    outputs = (replace(LOGITS, shape=(4, 2, 6, 12)),)
    assert read(inputs=inputs, outputs=outputs).batch == 4


def test_sides_that_the_stride_does_not_divide_are_rounded_up() -> None:
    inputs = (replace(IMAGE, shape=('N', 713, 713, 3)),)
    outputs = (replace(LOGITS, shape=('N', 2, 90, 90)),)
    assert read(inputs=inputs, outputs=outputs).logits_size == (90, 90)


@pytest.mark.parametrize(('label_stride', 'size'), [('1', (96, 48)), ('4', (24, 12))])
def test_labels_may_be_coarser_than_the_input(label_stride: str, size: tuple[int, int]) -> None:
    assert read(changed(label_stride=label_stride)).label_size == size


@pytest.mark.parametrize('entry', ['0', '3', '8', '', 'two'])
def test_an_impossible_label_stride(entry: str) -> None:
    with pytest.raises(ContractError, match=f'label_stride: expected one of 1, 2, 4, got .{entry}'):
        read(changed(label_stride=entry))


@pytest.mark.parametrize(
    'contract',
    [
        replace(CONTRACT, label_stride=2, align_corners=True),
        replace(CONTRACT, label_stride=4, stride=2),
        replace(CONTRACT, label_stride=4, width=98),
        replace(CONTRACT, label_stride=2, height=47),
    ],
)
def test_a_label_stride_that_does_not_fit(contract: ModelContract) -> None:
    with pytest.raises(ContractError) as caught:
        contract.check_label_stride('some.onnx')
    assert str(caught.value).startswith(
        'some.onnx: breaks the model contract: metadata label_stride: expected 1, or where '
        f'align_corners is false 2 or 4 up to the stride ({contract.stride}) and dividing '
        f'{contract.width}x{contract.height}, got {contract.label_stride}; mend: '
    )


@pytest.mark.parametrize(
    'tensor',
    [
        TensorInfo('image', 'float32', ('N', 3, 48, 96)),
        TensorInfo('image', 'float32', ('N', 48, 96, 3)),
        TensorInfo('input', 'uint8', ('N', 48, 96, 3)),
        TensorInfo('image', 'uint8', ('N', 'H', 'W', 3)),
        TensorInfo('image', 'uint8', ('N', 48, 96, 4)),
        TensorInfo('image', 'uint8', (48, 96, 3)),
        TensorInfo('image', 'uint8', (0, 48, 96, 3)),
        TensorInfo('image', 'uint8', ('N', 0, 96, 3)),
    ],
)
def test_a_foreign_input(tensor: TensorInfo) -> None:
    with pytest.raises(ContractError) as caught:
        read(inputs=(tensor,))
    assert str(caught.value) == (
        'some.onnx: breaks the model contract: input: expected one uint8 `image` [N, H, W, 3] with '
        f'fixed H and W, got {tensor}; mend: turn the file into a contract model with '
        '`python3 -m seg_perception model import`'
    )


@pytest.mark.parametrize('inputs', [(), (IMAGE, TensorInfo('size', 'int64', (2,)))])
def test_too_few_or_many_inputs(inputs: tuple[TensorInfo, ...]) -> None:
    listed = ', '.join(map(str, inputs)) or 'none'
    with pytest.raises(ContractError, match='input: expected one uint8 `image`') as caught:
        read(inputs=inputs)
    assert f'got {listed};' in str(caught.value)


@pytest.mark.parametrize(
    'tensor',
    [
        TensorInfo('output', 'float32', ('N', 2, 6, 12)),
        TensorInfo('logits', 'int64', ('N', 2, 6, 12)),
        TensorInfo('logits', 'float32', ('N', 3, 6, 12)),
        TensorInfo('logits', 'float32', ('N', 2, 12, 6)),
        TensorInfo('logits', 'float32', ('N', 2, 'h', 'w')),
        TensorInfo('logits', 'float32', ('N', 2)),
        TensorInfo('logits', 'float32', ()),
        TensorInfo('logits', 'float32', (1, 2, 6, 12)),
    ],
)
def test_a_wrong_output(tensor: TensorInfo) -> None:
    with pytest.raises(ContractError) as caught:
        read(outputs=(tensor,))
    assert str(caught.value) == (
        'some.onnx: breaks the model contract: output: expected one float `logits` [N, 2, 6, 12] '
        f'(2 labels, stride 8), got {tensor}; mend: write the file again with '
        '`python3 -m seg_perception model export`'
    )


def test_a_side_without_a_name_is_shown() -> None:
    assert str(TensorInfo('x', 'float32', (None, 3))) == 'float32 `x` [?, 3]'


LATER = {'configuration', 'precision', 'derived_from', 'label_stride'}
"""Entries that the first files of this version lack."""


@pytest.mark.parametrize('key', sorted(set(CONTRACT.to_metadata()) - LATER))
def test_a_missing_entry_is_named(key: str) -> None:
    metadata = CONTRACT.to_metadata()
    del metadata[key]
    with pytest.raises(ContractError, match=f'metadata {key}: expected .*, got none; mend: '):
        read(metadata)


def test_the_first_files_of_this_version_are_read() -> None:
    metadata = {key: text for key, text in CONTRACT.to_metadata().items() if key not in LATER}
    assert read(metadata) == replace(CONTRACT, configuration={}, precision='fp32', derived_from={})


def test_a_file_without_metadata_is_to_be_imported() -> None:
    with pytest.raises(ContractError, match=r'metadata contract_version: .* model import`'):
        read({})


@pytest.mark.parametrize('key', ['name', 'architecture', 'label_set', 'trained_on', 'data_license'])
def test_empty_text_is_refused(key: str) -> None:
    with pytest.raises(ContractError, match=f"metadata {key}: expected text, got ' '; mend: write"):
        read(changed(**{key: ' '}))


@pytest.mark.parametrize(
    ('key', 'value', 'sentence'),
    [
        ('contract_version', '2', r"expected 1, got '2'; mend: .* the release of seg_perception"),
        ('stride', '0', r"metadata stride: expected a whole number from 1, got '0'"),
        ('stride', '8.0', r"metadata stride: expected a whole number from 1, got '8.0'"),
        ('stride', '4', r'output: expected one float `logits` \[N, 2, 12, 24\]'),
        ('align_corners', 'False', r"align_corners: expected `true` or `false`, got 'False'"),
        ('source_sha256', 'abc', r'source_sha256: expected 64 lower-case hex digits or nothing'),
        ('date', '22.11.2026', r"metadata date: expected YYYY-MM-DD, got '22.11.2026'"),
        ('labels', '', r'metadata labels: expected a JSON list of 1 to 254'),
        ('labels', '{}', r'metadata labels: expected a JSON list'),
        ('labels', '[]', r'metadata labels: .* got 0 labels'),
        ('labels', '[1]', r'metadata labels: expected a JSON list'),
        ('labels', '[{"name": "road", "id": 7}]', r"metadata labels: .*KeyError\('color'\)"),
        ('labels', '[{"name": "a", "id": 7, "color": [1, 2]}]', r'metadata labels: .*unpack'),
        ('labels', '[{"name": "a", "id": 7, "color": [1, 2, 256]}]', r'must be 0 to 255'),
        ('labels', '[{"name": "a", "id": -1, "color": [1, 2, 3]}]', r'must be 0 to 255'),
        ('labels', json.dumps([{'name': 'a', 'id': 1, 'color': [1, 2, 3]}] * 2), r'got 2 labels'),
        ('configuration', '[]', r"configuration: expected a JSON object, got '\[\]'"),
        ('configuration', '{', r"configuration: expected a JSON object, got '{'"),
        ('derived_from', '1', r"derived_from: expected a JSON object, got '1'"),
        ('precision', 'fp8', r"precision: expected one of fp32, fp16, int8, got 'fp8'"),
        ('accuracy', '0.7', r'metadata accuracy: expected a JSON list'),
        ('accuracy', '[{"miou": 1}]', r"metadata accuracy: .*KeyError\('dataset'\)"),
        (
            'accuracy',
            '[{"miou": 75.0, "dataset": "val", "command": "run"}]',
            r'metadata accuracy: .*miou must be 0 to 1',
        ),
    ],
)
def test_a_wrong_entry_is_named(key: str, value: str, sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        read(changed(**{key: value}))
