"""What `kept demo` and the tests start on one machine without containers: a real broker, the workers, the live page."""
