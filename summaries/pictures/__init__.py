"""Pictures: pure functions from figures to a Vega-Lite specification, the same for pages, e-mail and PDF."""
