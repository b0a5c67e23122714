"""Simulated diffusion-weighted images of healthy subjects and of stroke patients."""
