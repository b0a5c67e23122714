"""What both sides agree on: the paper's sizes."""

VOLUME = (128, 128, 32)
LABELS = 29
LATENT = 128
BATCH = 8
SLICES = VOLUME[2]
# The paper has 8 masks and 5 critic steps; on a CPU two masks and one step show the same work sooner.
LESION_BATCH = 2
MATRIX = 4096

# StyleGAN2 as published, but small: slices of 4 contrasts and 4 classes. A cycle has each lazy penalty.
STYLE_SLICE, STYLE_LEVELS = 64, 16
STYLE_CONTRASTS, STYLE_CLASSES = 4, 4
STYLE_BASE, STYLE_LIMIT = 2048, 128
R1_EVERY, PATH_EVERY = 16, 4
STYLE_CYCLE = R1_EVERY

# The flow of flow_mini.gin without churn: a mini volume, Heun's method.
FLOW_VOLUME, FLOW_BATCH = (64, 64, 16), 2
FLOW_FILTERS, FLOW_BLOCKS = (24, 64, 128, 128), (1, 2, 2, 2)
FLOW_STEPS = 10
