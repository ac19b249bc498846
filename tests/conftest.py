"""What holds for all tests."""

import os
import signal

# Triton reads it when it is imported, which making an optimizer does. For tests of compiled kernels
# on a GPU, set it to 0.
os.environ.setdefault("TRITON_INTERPRET", "1")


def pytest_configure():
    """Whoever starts the tests in the background of a script makes them and their children deaf to
    the interrupts that some of them send.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
