"""JupyterLab on a student's folder: it opens on the course home and shows no instructor's panels.

All of it is said in a configuration of the folder's own; that of the machine and of the person,
their theme and shortcuts, stay as they are.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from autograder.student_work.writing import write_whole

CONFIGURATION = Path(".course") / "jupyter"
# nbgrader's button "Validate" stays.
_PANELS = ("assignment-list", "course-list", "create-assignment", "formgrader", "menu")
_SERVER_PARTS = ("assignment_list", "course_list", "formgrader")
_FILES: dict[str, Any] = {
    "jupyter_server_config.json": {
        "ServerApp": {
            "jpserver_extensions": {
                f"nbgrader.server_extensions.{part}": False for part in _SERVER_PARTS
            }
        }
    },
    "labconfig/page_config.json": {
        "disabledExtensions": {f"@jupyter/nbgrader:{panel}": True for panel in _PANELS}
    },
    "labconfig/default_setting_overrides.json": {
        "@jupyterlab/docmanager-extension:plugin": {
            "defaultViewers": {"markdown": "Markdown Preview"}
        },
        # A student's first window asks nothing.
        "@jupyterlab/apputils-extension:notification": {
            "checkForUpdates": False,
            "fetchNews": "false",
        },
    },
}


class Server(NamedTuple):
    """A Jupyter server that runs on a folder."""

    url: str
    token: str

    def page(self, path: str) -> str:
        """The address of a file of the folder in JupyterLab."""
        return f"{self.url}lab/tree/{path}?token={self.token}"


def configure(folder: Path) -> None:
    """Write the configuration that JupyterLab gets on this folder.

    Raises: OSError.
    """
    for name, content in _FILES.items():
        path = folder / CONFIGURATION / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(content, indent=1) + "\n")


def launch(folder: Path, page: str, *, browser: bool) -> None:
    """Run JupyterLab on a folder until it is stopped, and open a page of it.

    Raises: SystemExit, as Jupyter ends.
    """
    paths = [str(folder / CONFIGURATION), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    from jupyterlab.labapp import LabApp

    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{page}",
        "--Application.log_level=WARN",  # the address is among what is still said
    ]
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # only in a container is a student root
    LabApp.launch_instance(arguments)


def running_on(folder: Path) -> Server | None:
    """The Jupyter server that runs on a folder now, if there is one."""
    for about in _announced():
        root, url = about.get("root_dir"), about.get("url")
        if isinstance(root, str) and isinstance(url, str) and Path(root) == folder:
            server = Server(url, str(about.get("token", "")))
            if _asked(server, "api/sessions") is not None:
                return server
    return None


def open_notebooks(server: Server) -> set[str]:
    """The notebooks that have a kernel in a server, by their paths from its folder."""
    sessions = _asked(server, "api/sessions") or []
    return {str(session.get("path")) for session in sessions if isinstance(session, dict)}


def _announced() -> Iterator[dict[str, Any]]:
    """What servers of this person have left on themselves; some may be long gone."""
    from jupyter_core.paths import jupyter_runtime_dir

    for path in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(about, dict):
            yield about


def _asked(server: Server, path: str) -> list[Any] | None:
    request = urllib.request.Request(
        server.url + path, headers={"Authorization": f"token {server.token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=3) as response:
            answer = json.loads(response.read())
    except (urllib.error.URLError, OSError, ValueError):
        return None
    return answer if isinstance(answer, list) else None
