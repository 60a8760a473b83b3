"""Print the n-th command block of the README, continuation lines joined."""

import re
import sys
from pathlib import Path

readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
block = re.findall(r"^```(?:bash|sh)\n(.*?)^```", readme, re.S | re.M)[int(sys.argv[1]) - 1]
sys.stdout.write(block.replace("\\\n", " "))
