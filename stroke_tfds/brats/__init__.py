"""Gliomas of the Brain Tumor Segmentation challenge, as users download them."""
