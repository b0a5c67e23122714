"""What both sides agree on: the paper's sizes."""

VOLUME = (128, 128, 32)
LABELS = 29
LATENT = 128
BATCH = 8
SLICES = VOLUME[2]
# The paper has 8 masks and 5 critic steps; on a CPU two masks and one step show the same work sooner.
LESION_BATCH = 2
MATRIX = 4096
