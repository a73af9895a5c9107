"""A camera and a consumer without ROS: Eclipse Cyclone DDS and types written down from the IDL.

Sends an image again and again until a label and a drivable mask of it are there, prints them as one
line of JSON, and ends. Not Fast DDS, not rclpy, no generated code: what passes here is what the
standards (RTPS, CDR) and the ROS 2 naming rules say, not what two copies of one library agree on.
"""

# No `from __future__ import annotations`: cyclonedds reads the annotations as types.
import json
import os
import sys
import time
from dataclasses import dataclass

# Discovery as rmw does it with ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST: unicast, on this machine.
os.environ['CYCLONEDDS_URI'] = """
<CycloneDDS><Domain id="any">
  <General>
    <Interfaces><NetworkInterface name="lo"/></Interfaces>
    <AllowMulticast>false</AllowMulticast>
  </General>
  <Discovery>
    <ParticipantIndex>auto</ParticipantIndex>
    <MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>
    <Peers><Peer Address="127.0.0.1"/></Peers>
  </Discovery>
</Domain></CycloneDDS>
"""

from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import int32, sequence, uint8, uint32
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration


@dataclass
class Time_(IdlStruct, typename='builtin_interfaces::msg::dds_::Time_'):  # type: ignore[call-arg]  # noqa: N801
    sec: int32
    nanosec: uint32


@dataclass
class Header_(IdlStruct, typename='std_msgs::msg::dds_::Header_'):  # type: ignore[call-arg]  # noqa: N801
    stamp: Time_
    frame_id: str


@dataclass
class Image_(IdlStruct, typename='sensor_msgs::msg::dds_::Image_'):  # type: ignore[call-arg]  # noqa: N801
    header: Header_
    height: uint32
    width: uint32
    encoding: str
    is_bigendian: uint8
    step: uint32
    data: sequence[uint8]


SENSOR = Qos(Policy.Reliability.BestEffort, Policy.History.KeepLast(5))
RESULT = Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepLast(5))


def two_colors(left: list[int], right: list[int], width: int, height: int) -> Image_:
    """Return an rgb8 image of two colours, `width` pixels of each in a row."""
    return Image_(
        header=Header_(stamp=Time_(sec=0, nanosec=0), frame_id='cyclone_optical_frame'),
        height=height,
        width=2 * width,
        encoding='rgb8',
        is_bigendian=0,
        step=6 * width,
        data=(left * width + right * width) * height,
    )


def main() -> int:
    """Send images of the two colours (r,g,b each) that the arguments after the domain give."""
    domain, left, right = sys.argv[1:4]
    image = two_colors([*map(int, left.split(','))], [*map(int, right.split(','))], 64, 64)
    participant = DomainParticipant(int(domain))
    writer = DataWriter(participant, Topic(participant, 'rt/image', Image_), qos=SENSOR)
    readers = {
        name: DataReader(
            participant, Topic(participant, f'rt/segmentation/{name}', Image_), qos=RESULT
        )
        for name in ('label', 'drivable')
    }
    sent: set[tuple[int, int]] = set()
    found: dict[str, Image_] = {}
    deadline = time.monotonic() + 60
    while len(found) < len(readers):
        if time.monotonic() > deadline:
            print(f'nothing but {sorted(found)} came of {len(sent)} images', file=sys.stderr)
            return 1
        now = time.time_ns()
        image.header.stamp = Time_(sec=now // 10**9, nanosec=now % 10**9)
        sent.add((image.header.stamp.sec, image.header.stamp.nanosec))
        writer.write(image)
        time.sleep(0.1)
        for name, reader in readers.items():
            for sample in reader.take(10):
                stamp = (sample.header.stamp.sec, sample.header.stamp.nanosec)
                assert stamp in sent, f'{name} has the stamp of no image: {stamp}'
                found[name] = sample
    print(
        json.dumps(
            {
                name: {
                    'frame_id': sample.header.frame_id,
                    'size': [sample.width, sample.height],
                    'encoding': sample.encoding,
                    'step': sample.step,
                    'data': list(sample.data),
                }
                for name, sample in found.items()
            }
        )
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
