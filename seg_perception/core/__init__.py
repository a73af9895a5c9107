"""The frame path: image in, labels and masks out. Pure numpy and OpenCV, no ROS."""
