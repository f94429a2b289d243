"""Load that hurts: too many events, one service that has nearly all, a flood of slice values, a slow history."""
