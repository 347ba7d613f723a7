"""Experiments on what advertising brings: how to lay one out, and the panel that models of marketing mix read."""
