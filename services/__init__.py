"""One package a service. None imports another: they share events and the frame, nothing else."""
