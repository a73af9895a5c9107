"""The frame path: image in, labels and masks out. Pure numpy and OpenCV, no ROS."""

from seg_perception.core.encodings import ImageError, RawImage, view_image
from seg_perception.core.labels import LabelSet, load_label_set
from seg_perception.core.segmenter import Segmentation, Segmenter

__all__ = [
    'ImageError',
    'LabelSet',
    'RawImage',
    'Segmentation',
    'Segmenter',
    'load_label_set',
    'view_image',
]
