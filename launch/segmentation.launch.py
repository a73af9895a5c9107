"""Segment one camera: `ros2 launch seg_perception segmentation.launch.py image:=/front/image`."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

from seg_perception.large_images import large_image_environment

# Name, default, description.
ARGUMENTS = (
    ('namespace', '', 'Namespace of the node.'),
    ('name', 'segmentation', 'Name of the node, and of its output topics.'),
    ('image', 'image', 'Topic of the camera images (sensor_msgs/Image).'),
    ('camera_info', 'camera_info', 'Topic of their calibration; need not exist.'),
    ('params_file', '', 'Parameter file; empty: the defaults of the package.'),
    ('use_sim_time', 'false', 'Take the time from /clock.'),
    ('log_level', 'info', 'Least severity that is logged: debug, info, warn, error.'),
)

# Name, type, description; empty (the default) leaves the value to the parameter file.
PARAMETERS = (
    ('model', str, 'Model file.'),
    ('backend', str, 'Inference runtime: auto or onnxruntime.'),
    ('transport', str, 'raw, or compressed to use `<image>/compressed`.'),
    ('output_size', str, "Size of the outputs: camera, or network (the network's, cheaper)."),
    ('autostart', bool, 'Configure and activate at the start; false: a manager does it.'),
)


def generate_launch_description() -> LaunchDescription:
    """Return the node with its arguments."""
    arguments = [
        *ARGUMENTS,
        *((name, '', f'{text} Empty: as in params_file.') for name, _, text in PARAMETERS),
    ]
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, default, text in arguments
            ),
            OpaqueFunction(function=_segmentation_node),
        ]
    )


def _segmentation_node(context: LaunchContext) -> list[LifecycleNode]:
    given = {
        name: LaunchConfiguration(name).perform(context) for name, *_ in (*ARGUMENTS, *PARAMETERS)
    }
    overrides = {
        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
        for name, kind in (('use_sim_time', bool), *((name, kind) for name, kind, _ in PARAMETERS))
        if given[name]
    }
    return [
        LifecycleNode(
            package='seg_perception',
            executable='segmentation_node',
            name=given['name'],
            namespace=given['namespace'],
            parameters=[*filter(None, [given['params_file']]), overrides],
            remappings=[('image', given['image']), ('camera_info', given['camera_info'])],
            ros_arguments=['--log-level', given['log_level']],
            additional_env=large_image_environment(),
            output='screen',
        )
    ]
