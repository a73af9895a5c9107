"""The node that a user would write: what the package's own is measured against.

Honest and typical, as tutorials have it: one thread, cv_bridge's conversion, OpenCV's resize, ONNX
Runtime, logits up-sampled to the size of the camera's image, argmax by numpy, masks by np.isin. It
takes what the model needs (uint8 RGB [N, H, W, 3], normalised in the graph), looks at no confidence
and checks nothing. With `upsample:=network` it is written with more care: logits are up-sampled to
the network's input only and the labels stretched from there, which is what the package's node does.

    python3 test/benchmark/plain_node.py --ros-args -p model:=model.onnx -r image:=/camera/image_raw
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from sensor_msgs.msg import Image

from seg_perception.msg import FrameReport

DRIVABLE = [0]
OBSTACLE = [2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18]


class PlainNode(Node):
    def __init__(self) -> None:
        super().__init__('segmentation', automatically_declare_parameters_from_overrides=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.get_parameter('threads').value
        self.session = onnxruntime.InferenceSession(
            self.get_parameter('model').value, options, providers=['CPUExecutionProvider']
        )
        _, self.height, self.width, _ = self.session.get_inputs()[0].shape
        self.upsample = self.get_parameter('upsample').value
        self.publishers_ = {
            name: self.create_publisher(Image, f'~/{name}', 10)
            for name in ('label', 'drivable', 'obstacle')
        }
        self.report = self.create_publisher(FrameReport, '~/report', 10)
        self.subscription = self.create_subscription(Image, 'image', self.on_image, 10)
        self.frames = 0

    def on_image(self, message: Image) -> None:
        start = time.perf_counter()
        image = imgmsg_to_cv2(message)
        decoded = time.perf_counter()
        resized = cv2.resize(image, (self.width, self.height))
        prepared = time.perf_counter()
        logits = self.session.run(None, {'image': resized[np.newaxis]})[0][0]
        inferred = time.perf_counter()
        camera = message.width, message.height
        size = camera if self.upsample == 'camera' else (self.width, self.height)
        label = np.argmax(cv2.resize(logits.transpose(1, 2, 0), size), axis=2).astype(np.uint8)
        finished = time.perf_counter()
        if size != camera:
            label = cv2.resize(label, camera, interpolation=cv2.INTER_NEAREST)
        masks = {
            'label': label,
            'drivable': np.isin(label, DRIVABLE).astype(np.uint8) * 255,
            'obstacle': np.isin(label, OBSTACLE).astype(np.uint8) * 255,
        }
        for name, mask in masks.items():
            self.publishers_[name].publish(mono8_to_imgmsg(mask, message))
        published = time.perf_counter()
        self.frames += 1
        self.report.publish(
            FrameReport(
                header=message.header,
                model='plain',
                backend='onnxruntime',
                decode_ms=(decoded - start) * 1e3,
                prepare_ms=(prepared - decoded) * 1e3,
                infer_ms=(inferred - prepared) * 1e3,
                finish_ms=(finished - inferred) * 1e3,
                publish_ms=(published - finished) * 1e3,
                total_ms=(published - start) * 1e3,
                frames_in=self.frames,
                frames_out=self.frames,
            )
        )


def imgmsg_to_cv2(message: Image) -> npt.NDArray[np.uint8]:
    """As cv_bridge's `imgmsg_to_cv2(message, 'rgb8')`: an array, copied, in the asked order."""
    image = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
    if message.encoding == 'bgr8':
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    return np.array(image)


def mono8_to_imgmsg(mask: npt.NDArray[np.uint8], source: Image) -> Image:
    """As cv_bridge's `cv2_to_imgmsg(mask, 'mono8')`."""
    message = Image()
    message.header = source.header
    message.height, message.width = mask.shape
    message.encoding = 'mono8'
    message.is_bigendian = sys.byteorder == 'big'
    message.step = mask.shape[1]
    message.data = mask.tobytes()
    return message


def main() -> None:
    rclpy.init()
    node = PlainNode()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
