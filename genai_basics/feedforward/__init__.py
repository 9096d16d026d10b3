"""Feedforward networks: classes or values of vectors, tables, pictures, texts."""

from .mlp import MLP, build_mlp

__all__ = ["MLP", "build_mlp"]
