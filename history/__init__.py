"""Where indicators are kept: the port (`store`) and its stores, one module each."""
