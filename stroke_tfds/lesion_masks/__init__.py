"""Lesion masks in MNI space, without images."""
