"""ROS messages as bytes and as objects, without ROS."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from seg_perception.replay.storage import Data, Record
from seg_perception.resources import PACKAGE, message_file

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

Picture = npt.NDArray[np.uint8]

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
FRAME_REPORT = 'seg_perception/msg/FrameReport'


_Converter: TypeAlias = Callable[[Data, str], object]


class MessageError(ValueError):
    """A message is damaged, or its type is not known here."""


@cache
def typestore() -> Typestore:
    """Return the message types of ROS 2, which did not change since Foxy, and the package's own."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for path in message_file('FrameReport').parent.glob('*.msg'):
        kind = f'{PACKAGE}/msg/{path.stem}'
        store.register(get_types_from_msg(path.read_text(encoding='utf-8'), kind))
    return store


@cache
def _ros1_types() -> Typestore:
    return get_typestore(Stores.ROS1_NOETIC)


def message_type(name: str) -> Any:
    """Return the class of a message type such as `sensor_msgs/msg/Image`."""
    return typestore().types[name]


def serialize(message: Any) -> Data:
    """Return a message as CDR."""
    return typestore().serialize_cdr(message, message.__msgtype__)


def header(stamp: int, frame_id: str) -> Any:
    """Return a std_msgs/Header with a stamp in ns."""
    time = message_type('builtin_interfaces/msg/Time')(*divmod(stamp, 10**9))
    return message_type('std_msgs/msg/Header')(time, frame_id)


def picture_message(header: Any, picture: Picture) -> Data:
    """Return a picture, mono uint8 [H, W] or BGR [H, W, 3], as a serialised Image."""
    height, width = picture.shape[:2]
    return serialize(
        message_type(IMAGE)(
            header=header,
            height=height,
            width=width,
            encoding='mono8' if picture.ndim == 2 else 'bgr8',
            is_bigendian=0,
            step=picture[0].size,
            data=picture.reshape(-1),
        )
    )


def deserialize(record: Record) -> Any:
    """Return a recorded message; its arrays may be views of the record's memory.

    :raises MessageError: when it is damaged or its type is not known.
    """
    return _convert(record, typestore().deserialize_cdr, _ros1_types().deserialize_ros1)


def to_cdr(record: Record) -> Data:
    """Return a recorded message as ROS 2 serialises it, whatever recorded it.

    :raises MessageError: when it is one of ROS 1 that is damaged or whose type is not known.
    """
    data: Data = _convert(record, lambda data, _: data, typestore().ros1_to_cdr)
    return data


def _convert(record: Record, from_cdr: _Converter, from_ros1: _Converter) -> Any:
    kind, encoding = record.topic.type, record.topic.encoding
    convert = {'cdr': from_cdr, 'ros1': from_ros1}.get(encoding)
    if convert is None:
        raise MessageError(
            f'{record.topic.name}: expected messages serialised as cdr or ros1, got {encoding!r}'
        )
    try:
        return convert(record.data, kind)
    except KeyError as error:
        raise MessageError(f'{record.topic.name}: the type {kind} is not known') from error
    except Exception as error:  # damaged bytes make the generated code fail in many ways
        raise MessageError(f'{record.topic.name}: a damaged {kind} ({error})') from error
