"""Offers of this plugin."""
