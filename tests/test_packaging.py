"""The wheel: what is in it, and that it works from another directory."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import prompts

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The python of a venv that holds the wheel alone."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True, text=True)
    return python


def test_the_wheel_holds_the_three_packages_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"rag", "planners", "prompts"}


def test_the_wheel_holds_every_prompt_and_the_lock(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {f"prompts/{path.name}" for path in (ROOT / "prompts").glob("*.md")}
    assert shipped
    assert shipped | {"prompts/prompts.lock", "rag/py.typed", "planners/py.typed", "prompts/py.typed"} <= names


def test_the_wheel_holds_the_prices_and_the_style_of_reports(wheel):
    assert {"rag/models/prices.toml", "rag/evaluate/page.css"} <= set(zipfile.ZipFile(wheel).namelist())


def test_a_prompt_loads_from_another_directory(installed, tmp_path):
    name = prompts.names()[0]
    code = f"import prompts; print(prompts.load({name!r}).identity, prompts.__file__)"
    done = subprocess.run([installed, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    identity, file = done.stdout.split(maxsplit=1)
    assert identity == prompts.load(name).identity
    assert "site-packages" in file


def test_planners_have_one_owner_and_a_second_is_seen(installed, tmp_path):
    """Another distribution that installs `planners` is told apart, as pip itself does not."""
    code = "import importlib.metadata as m; print(sorted(set(m.packages_distributions()['planners'])))"

    def seen() -> str:
        return subprocess.run([installed, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert seen().strip() == "['planweave-rag']"
    (site,) = (installed.parent.parent / "lib").glob("python*/site-packages")
    other = site / "planners-0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: planners\nVersion: 0.1\n")
    (other / "RECORD").write_text("planners/__init__.py,,\n")
    assert seen().strip() == "['planners', 'planweave-rag']"
