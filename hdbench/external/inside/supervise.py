"""Run a command and end it, with all that it started, when the process that asked for it is gone.

Usage: supervise.py PARENT COMMAND...   (PARENT: a process id; must be started as the leader of its own process group)
"""

import os
import signal
import subprocess
import sys
import time

POLL_SECONDS = 0.1


def main(arguments):
    parent, command = int(arguments[0]), arguments[1:]
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127
    while child.poll() is None:
        if os.getppid() != parent:
            os.killpg(0, signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
