"""The built-in stages, each a plugin like anybody's."""
