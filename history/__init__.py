"""Where indicators and raised signals are kept: the port (`store`) and its stores, one module each."""
