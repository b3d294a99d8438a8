"""The tools for tests, which others rely on."""
