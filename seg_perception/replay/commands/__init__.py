"""The commands of `replay`, a file each."""
