"""Whether the services of this process can work: what a container asks every few seconds, so it imports little.

`python -m redress.health [SERVICE]` asks for one service, or for all that the process speaks for. Exit 0: ready; 1: not
ready, and standard output says what is wrong.
"""

import http.client
import json
import os
import sys

TIMEOUT_SECONDS = 4.0
READY = 200


def main(services: list[str]) -> int:
    """Ask the process on this machine. Returns the exit code."""
    port = int(os.environ.get("REDRESS_PORT", "8000"))
    path = "/".join(["", *services, "readyz"])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        wrong = _wrong(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"no answer on port {port}: {type(error).__name__}")
        return 1
    print("\n".join(wrong) or answer.reason)
    return 0 if answer.status == READY else 1


def _wrong(body: bytes) -> list[str]:
    return [
        f"{service} {name}: {what}"
        for service, checks in json.loads(body)["checks"].items()
        for name, what in checks.items()
        if what
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
