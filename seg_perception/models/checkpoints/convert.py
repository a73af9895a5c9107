"""From a checkpoint to a contract file that is proved to label as the network in torch does."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seg_perception.core.contract import ModelContract
from seg_perception.core.labels import LabelSet
from seg_perception.models.checkpoints.source import Credit, Identified
from seg_perception.models.dataset import Image
from seg_perception.models.export.contract_file import MIN_AGREEMENT, agreement, export
from seg_perception.models.networks.network import Network


@dataclass(frozen=True)
class About:
    """What a contract file says of itself that no network tells.

    :param size: (width, height) of the network's input.
    """

    name: str
    size: tuple[int, int]
    labels: LabelSet
    credit: Credit
    source_url: str
    source_sha256: str
    label_stride: int = 1


def check_labels(path: Path, identified: Identified, labels: LabelSet) -> None:
    """Refuse labels that are not the checkpoint's.

    :raises ValueError: when there are more or fewer, or the file records other names.
    """
    if identified.classes != len(labels.labels):
        raise ValueError(
            f'{path} tells {identified.classes} classes, label set {labels.name} has '
            f'{len(labels.labels)}; name the right one by --label-set'
        )
    if not identified.class_names:
        return
    if len(identified.class_names) != identified.classes:
        raise ValueError(
            f'{path} tells {identified.classes} classes and records '
            f'{len(identified.class_names)} names'
        )
    for index, theirs in enumerate(identified.class_names):
        ours = labels.names[index]
        if _plain(theirs) != _plain(ours):
            raise ValueError(
                f'{path} records class {index} as {theirs!r}, in label set {labels.name} it is '
                f'{ours!r}; name the right one by --label-set'
            )


def convert(
    network: Network, about: About, output: Path, images: Sequence[Image], *, fold: bool
) -> float:
    """Write a network's contract file; an existing file is replaced only by a proved one.

    :param images: what to compare on, uint8 [H, W, 3], blue-green-red, of any size.
    :param fold: replace parts of the network by equal ones of less work.
    :returns: the share of pixels that torch and the file label alike.
    :raises ValueError: when that is too little, or the network cannot have the size.
    :raises OSError: when the file cannot be written.
    """
    architecture = network.architecture
    width, height = about.size
    contract = ModelContract(
        name=about.name,
        architecture=architecture.name,
        label_set=about.labels.name,
        labels=about.labels.labels,
        width=width,
        height=height,
        batch=None,
        stride=architecture.stride,
        align_corners=architecture.align_corners,
        trained_on=about.credit.trained_on,
        weights_license=about.credit.weights_license,
        data_license=about.credit.data_license,
        source_url=about.source_url,
        source_sha256=about.source_sha256,
        accuracy=(),
        date=datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        configuration=architecture.to_config(),
        label_stride=about.label_stride,
    )
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        draft = Path(folder) / output.name
        export(network, contract, draft, fold=fold)
        share = agreement(network, draft, images)
        if share < MIN_AGREEMENT:
            raise ValueError(
                f'expected torch and the written file to agree on {MIN_AGREEMENT:.2%} of the '
                f'labels, got {share:.6%}; {output} was not written'
            )
        draft.replace(output)
    return share


def _plain(name: str) -> str:
    return name.lower().replace('_', ' ').replace('-', ' ')
