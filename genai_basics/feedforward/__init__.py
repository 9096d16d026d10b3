"""Feedforward networks: classify or regress vectors, tables, pictures, texts."""

from .mlp import MLP, build_mlp

__all__ = ["MLP", "build_mlp"]
