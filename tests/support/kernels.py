"""Talking to a kernel as its grader does."""

import ast
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

from autograder.grading.running.kernels import Kernel


def ask(kernel: Kernel, code: str, expression: str, seconds: float = 30) -> Any:
    """Run code, then the value of an expression; MemoryError where the kernel had none left."""
    client = BlockingKernelClient()
    client.load_connection_info(kernel.connection)
    client.start_channels(iopub=False, stdin=False, hb=False)
    try:
        asked = client.execute(code, store_history=False, user_expressions={"value": expression})
        while True:
            reply = client.get_shell_msg(timeout=seconds)
            if reply["parent_header"].get("msg_id") == asked:
                break
    finally:
        client.stop_channels()
    content = reply["content"]
    if content["status"] != "ok":
        kind = MemoryError if content["ename"] == "MemoryError" else RuntimeError
        raise kind(f"{content['ename']}: {content['evalue']}")
    value = content["user_expressions"]["value"]
    assert value["status"] == "ok", value
    return ast.literal_eval(value["data"]["text/plain"])
