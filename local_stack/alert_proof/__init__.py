"""The live proof: scripted incidents through the real chain, and whether exactly the right alerts reach people in time.

`python -m local_stack.alert_proof` runs it; with `--embedded` only the signals are judged, in one process.
"""
