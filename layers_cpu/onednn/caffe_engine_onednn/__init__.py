"""Kernels of the layers on oneDNN: the engine ``onednn``."""
