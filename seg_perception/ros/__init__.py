"""The ROS 2 nodes. Only this package imports rclpy."""
