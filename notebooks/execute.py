"""Run notebooks as a reader would, and keep their outputs: `python -m notebooks.execute notebooks/*.ipynb`."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from ipykernel.kernelspec import write_kernel_spec
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run every cell with this Python, in `folder`/notebooks, beside the examples; an error in a cell is raised.

    No kernel needs to be installed: the one used is described in `folder`.
    """
    write_kernel_spec(folder / "kernels" / "here")
    kernels = KernelSpecManager(kernel_dirs=[str(folder / "kernels")])
    work = folder / "notebooks"
    work.mkdir()
    (folder / "examples").symlink_to(EXAMPLES, target_is_directory=True)
    manager = AsyncKernelManager(
        kernel_name="here",
        kernel_spec_manager=kernels,
        transport="ipc",  # no port, and nobody else can listen in
        connection_file=str(folder / "kernel.json"),
    )
    client = NotebookClient(notebook, km=manager, timeout=300, resources={"metadata": {"path": str(work)}})
    return client.execute(cleanup_kc=True, env={**os.environ, "IPYTHONDIR": str(folder / "ipython")})


def tidied(notebook: NotebookNode) -> NotebookNode:
    """The notebook as it is committed: without times, ids of the machine, or where it ran."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            if "text" in output:
                output["text"] = re.sub(r"/\S*?/(notebooks|examples)\b", r"…/\1", output["text"])
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main(paths: list[str]) -> None:
    """Run the notebooks and write their outputs back."""
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            notebook = execute(nbformat.read(path, as_version=4), Path(folder))
        nbformat.write(tidied(notebook), path)


if __name__ == "__main__":
    main(sys.argv[1:])
