"""LisPy."""
