"""Kernels of the layers on cuDNN: the engine ``cudnn``."""
