"""Confined processes in which strangers' programs run. What the pump needs of it is in `pool` and `rule`."""
