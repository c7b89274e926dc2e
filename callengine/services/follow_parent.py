"""Run a module that ends when its parent does: `python -m callengine.services.follow_parent MODULE [ARGUMENT...]`.

The parent holds the other end of stdin and never writes. When the parent is gone, however it went, the kernel closes
that end and this process gets SIGTERM, then SIGKILL. (Linux's PR_SET_PDEATHSIG will not do: it follows the *thread*
that forked, and Trio forks in a worker thread that ends after ten idle seconds.)
"""

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 5.0


def follow_stdin(descriptor: int = 0) -> None:
    """End this process once the descriptor is at its end; blocks until then, so it runs in a thread."""
    while os.read(descriptor, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Start following, then become the module."""
    module, *arguments = sys.argv[1:]
    threading.Thread(target=follow_stdin, name="follow-parent", daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
