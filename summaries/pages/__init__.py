"""One module a page. Each has `routes(site)`, and `NAV`, its (path, label) in the navigation, or None."""
