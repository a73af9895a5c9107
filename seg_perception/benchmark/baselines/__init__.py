"""Frame paths as one would plainly write them, to compare with."""
