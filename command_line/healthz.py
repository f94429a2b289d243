"""Asks a process of Kept on this machine how it is: `python -m command_line.healthz PORT`. For containers without curl.

Imports nothing of Kept's clients: it is run every half minute.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

SECONDS = 4.0
USAGE = "python -m command_line.healthz PORT"


def main(arguments: list[str]) -> int:
    """0 when /healthz on loopback answers 200, 1 when it does not, 2 without a port. Says what was seen."""
    if len(arguments) != 1 or not arguments[0].isdigit():
        print(f"{arguments!r} is not valid; valid: {USAGE}", file=sys.stderr)  # noqa: T201
        return 2
    url = f"http://127.0.0.1:{arguments[0]}/healthz"
    # A proxy of the environment has no business here.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=SECONDS) as answer:
            seen = f"{answer.status} {answer.read(2000).decode(errors='replace')}"
            code = 0 if answer.status == 200 else 1
    except urllib.error.HTTPError as error:
        seen, code = f"{error.code} {error.read(2000).decode(errors='replace')}", 1
    except OSError as error:
        seen, code = f"{url}: {error}", 1
    print(seen)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
